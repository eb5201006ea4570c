//! Tests of the whole way from bytes to the answer, in one executable so that it is linked once.

mod determinism;
mod recordings;
mod rules_prove_themselves;
mod secrets;
mod state;
mod support;
