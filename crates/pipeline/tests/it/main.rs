//! Tests of the whole way from bytes to the answer, in one executable so that it is linked once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod completeness;
mod determinism;
mod falco_alerts;
mod falco_conformance;
mod falco_language;
mod formats;
mod generated;
mod hostile;
mod integrity;
mod known_flaws;
mod languages;
mod nine_answers;
mod node_agents;
mod noise;
mod real_events;
mod real_transport;
mod recordings;
mod rules_prove_themselves;
mod secrets;
mod sigma;
mod state;
mod support;
mod webhook;
