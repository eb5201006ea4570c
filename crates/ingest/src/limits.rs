//! Caps on what input can make us hold, in one place so that a reader of the code can add them up.

/// Caps on reading and decoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that a chunk aims at. Larger chunks only when a record is larger.
    pub chunk: usize,
    /// Longest record that is read whole. Longer ones are kept as their head.
    pub record: usize,
    /// Bytes that one source may unpack to: a gzip bomb ends here.
    pub unpacked: u64,
    /// How many bytes a packed byte may unpack to, once a source has unpacked 256 MiB.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { chunk: 256 << 10, record: 32 << 20, unpacked: 64 << 30, ratio: 500 }
    }
}

/// Head that is kept of a record over the limit: user, verb and target come first in a record.
pub(crate) const OVERSIZED_HEAD: usize = 64 << 10;

/// Longest line that does not begin like a record: something that is no log at all.
pub(crate) const TEXT_LINE: usize = 4 << 20;

/// Nesting that the JSON parser may be led into: it recurses when it skips a value, so deeper
/// records are read by a scanner that does not. A level takes 224 bytes of stack (an optimised
/// build; without optimisation it is 17 KB, which only tests have to care about).
pub(crate) const SKIP_DEPTH: usize = 2048;

/// Nesting of a body that is still looked into; objects of Kubernetes stay below half of it.
pub(crate) const BODY_DEPTH: usize = 128;

/// Values (numbers, texts, lists, objects) of a body that is still looked into. Each takes about 60
/// bytes. A list of 3,000 pods has half as many.
pub(crate) const BODY_VALUES: usize = 1_000_000;

/// Longest name (of a user, an object, a client's audit id) that an event keeps whole.
pub(crate) const MAX_NAME: usize = 512;

/// Longest text of other fields (program, message) that an event keeps whole.
pub(crate) const MAX_TEXT: usize = 4 << 10;

/// Longest value of an annotation that an event keeps whole.
pub(crate) const MAX_ANNOTATION: usize = 16 << 10;

/// Groups, addresses and the like that an event keeps of each: more than fit into the headers of
/// a request, so that nothing that a client can send is lost here.
pub(crate) const MAX_LIST: usize = 1 << 16;

/// A longer record is judged as evidence at once instead of being kept closed: its bytes would be
/// held until its turn comes.
pub(crate) const SEALED_WHOLE: usize = 256 << 10;

/// Envelopes that may lie in one another, every object and every string of JSON counted: four
/// wrappings in earnest take up to two each.
pub(crate) const MAX_ENVELOPES: u8 = 8;

/// Bytes that one packed envelope may unpack to. CloudWatch sends at most 1 MiB packed.
pub(crate) const INNER_UNPACKED: usize = 32 << 20;

/// Bytes that all packed envelopes of one chunk may unpack to together.
pub(crate) const INNER_TOTAL: usize = 128 << 20;

/// Events out of envelopes that one chunk may become: they take more memory than their packed text.
pub(crate) const INNER_EVENTS: u32 = 50_000;
