//! Turns bytes from files and standard input into events or rejects, with positions; masks.
//!
//! This is the only crate that sees a log as it is. Two promises follow: every input byte range
//! becomes an event, a counted reject or a counted ignored record; and no credential leaves in
//! clear, because raw bodies are private here and everything public has passed the [`Masker`].
//!
//! Reading ([`ChunkReader`]) is serial and cheap: it decompresses and cuts at record boundaries.
//! Decoding ([`decode`]) is pure and may run on any thread, one chunk at a time.

mod build;
mod convert;
mod decode;
mod degraded;
mod depth;
mod extract;
mod frame;
#[cfg(fuzzing)]
pub mod fuzzing;
mod limits;
mod mask;
mod memory;
mod native;
mod open;
mod reader;
mod record;
mod select;
mod source;
mod tally;
mod tree;
mod walk;
mod wire;

pub use decode::{Decoder, Sink, decode};
pub use limits::Limits;
pub use mask::Masker;
pub use open::{OpenError, open, peek_first_time};
pub use reader::{Chunk, ChunkReader};
pub use source::{Discovered, SourceKind, SourceSpec, discover};
pub use tally::Tally;
