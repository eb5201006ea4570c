//! The yardstick: how fast this machine can parse these events at all. A typed parse of the fields
//! that every detector needs, with bodies skipped, in one thread, from memory. The product is
//! measured as a share of it, so that numbers from different machines can be compared.

// The fields are there to be paid for, as a detector pays for them.
#![expect(dead_code)]

use crate::error::{Error, Result};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use sonic_rs::LazyValue;
use std::borrow::Cow;
use std::hint::black_box;
use std::time::Duration;

/// A string that borrows unless it has escapes, also inside a list.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow, default)]
    level: Text<'a>,
    #[serde(rename = "auditID", borrow, default)]
    audit_id: Text<'a>,
    #[serde(borrow, default)]
    stage: Text<'a>,
    #[serde(rename = "requestURI", borrow, default)]
    request_uri: Text<'a>,
    #[serde(borrow, default)]
    verb: Text<'a>,
    #[serde(borrow, default)]
    user: User<'a>,
    #[serde(borrow, default)]
    impersonated_user: Option<LazyValue<'a>>,
    #[serde(rename = "sourceIPs", borrow, default)]
    source_ips: Vec<Text<'a>>,
    #[serde(borrow, default)]
    user_agent: Text<'a>,
    #[serde(borrow, default)]
    object_ref: Option<ObjectRef<'a>>,
    #[serde(borrow, default)]
    response_status: Option<Status<'a>>,
    #[serde(borrow, default)]
    request_object: Option<LazyValue<'a>>,
    #[serde(borrow, default)]
    response_object: Option<LazyValue<'a>>,
    #[serde(borrow, default)]
    request_received_timestamp: Text<'a>,
    #[serde(borrow, default)]
    stage_timestamp: Text<'a>,
    #[serde(borrow, default)]
    annotations: Option<LazyValue<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct User<'a> {
    #[serde(borrow, default)]
    username: Text<'a>,
    #[serde(borrow, default)]
    groups: Vec<Text<'a>>,
    #[serde(borrow, default)]
    extra: Option<LazyValue<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRef<'a> {
    #[serde(borrow, default)]
    resource: Text<'a>,
    #[serde(borrow, default)]
    namespace: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    api_group: Text<'a>,
    #[serde(borrow, default)]
    subresource: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct Status<'a> {
    #[serde(default)]
    code: u16,
    #[serde(borrow, default)]
    message: Option<Text<'a>>,
}

/// What one pass over the bytes did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pass {
    /// Events parsed.
    pub(super) events: u64,
    /// Lines that are no event.
    pub(super) refused: u64,
    /// CPU time of this thread.
    pub(super) cpu: Duration,
}

/// Parses every line once.
pub(super) fn parse(bytes: &[u8]) -> Pass {
    let start = thread_cpu();
    let mut pass = Pass::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        rest = tail.get(1..).unwrap_or_default();
        if line.is_empty() {
            continue;
        }
        match sonic_rs::from_slice::<Event>(line) {
            Ok(event) => {
                black_box(&event);
                pass.events += 1;
            }
            Err(_) => pass.refused += 1,
        }
    }
    pass.cpu = thread_cpu().saturating_sub(start);
    pass
}

/// A yardstick that refuses lines would be too short: refuse to measure with it.
pub(super) fn check(pass: &Pass) -> Result<()> {
    if pass.refused == 0 && pass.events > 0 {
        return Ok(());
    }
    Err(Error::Other(format!(
        "{} of {} lines are no audit events; bench needs one event per line",
        pass.refused,
        pass.refused + pass.events
    )))
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_empty_users_and_a_missing_last_newline_are_no_refusals() {
        let text = "{\"auditID\":\"a\",\"user\":{},\"userAgent\":\"x\\ty\"}\n\n\
                    {\"auditID\":\"b\",\"user\":{\"groups\":[\"g\"]},\"requestObject\":[1]}";
        let pass = parse(text.as_bytes());
        assert_eq!((pass.events, pass.refused), (2, 0));
    }

    #[test]
    fn a_line_that_is_cut_off_stops_the_measurement() {
        let pass = parse(b"{\"auditID\":\"a\",\"us");
        assert_eq!((pass.events, pass.refused), (0, 1));
        assert!(check(&pass).is_err());
    }
}
