//! Envelopes whose content is base64, and often gzip inside of that: a `CloudWatch` subscription as
//! Lambda gets it, Kinesis and Firehose records, Pub/Sub messages.
//!
//! Whoever may write to the queue chooses what is packed there, so unpacking is capped per envelope
//! and per chunk, and what exceeds a cap is a counted reject.

use super::{object::Object, unwrap};
use crate::{
    decode::{Envelope, Run},
    limits::INNER_UNPACKED,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::read::MultiGzDecoder;
use std::{borrow::Cow, io::Read};

/// Whether something packed is inside; if so, it is dealt with.
pub(super) fn read(run: &mut Run<'_>, object: &Object<'_>, envelope: &Envelope) -> bool {
    ["awslogs", "kinesis"].into_iter().any(|key| {
        let inner = object.get(key).filter(|raw| raw.starts_with('{')).and_then(Object::parse);
        inner.is_some_and(|inner| data(run, &inner, true, envelope))
    }) || data(run, object, false, envelope)
}

/// `is_sure`: the envelope is one that holds packed data, so that what cannot be unpacked is lost.
fn data(run: &mut Run<'_>, object: &Object<'_>, is_sure: bool, envelope: &Envelope) -> bool {
    let Some(text) = object.text("data").filter(|text| !text.starts_with('{')) else {
        return false;
    };
    let Ok(bytes) = BASE64_STANDARD.decode(text.as_bytes()) else {
        if is_sure {
            run.reject(envelope, "a packed envelope whose content is not base64".to_owned());
        }
        return is_sure;
    };
    let is_gzip = bytes.starts_with(&[0x1F, 0x8B]);
    let content = if is_gzip { gunzip(run, &bytes) } else { Ok(Cow::Borrowed(bytes.as_slice())) };
    let problem = match content {
        Ok(content) => {
            if unwrap::inner(run, &String::from_utf8_lossy(&content), envelope) {
                return true;
            }
            "a packed envelope without an audit event inside"
        }
        Err(problem) => problem,
    };
    if is_sure || is_gzip {
        run.reject(envelope, problem.to_owned());
    }
    is_sure || is_gzip
}

fn gunzip(run: &mut Run<'_>, packed: &[u8]) -> Result<Cow<'static, [u8]>, &'static str> {
    let mut bytes = Vec::new();
    let mut input = MultiGzDecoder::new(packed).take(INNER_UNPACKED as u64 + 1);
    let read = input.read_to_end(&mut bytes);
    if !run.may_unpack(bytes.len()) || bytes.len() > INNER_UNPACKED {
        return Err("a packed envelope that unpacks to more than the limit");
    }
    read.map_err(|_| "a packed envelope whose gzip data is cut or damaged")?;
    Ok(Cow::Owned(bytes))
}
