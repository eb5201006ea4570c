//! The rule engine from outside: text in, candidates, verdicts and sentences out. Bodies and
//! history are fakes, so that each test says all that it depends on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

mod agreement;
mod errors;
mod falco;
mod fields;
mod formats;
mod imports;
mod index;
mod lint;
mod operators;
mod sentences;
mod site;
mod support;
