//! Doors for fuzzing only: what is private for good reasons must be reached by the fuzzer directly,
//! because finding the way to it through whole files would cost it most of its time.

use crate::{
    Limits, SourceKind, SourceSpec, depth, open::Input, reader::ChunkReader, walk, wire::Wire,
};
use std::io::{self, Cursor};
use trailhound_model::Str;

/// Reads bytes as a source of any packing.
pub fn reader(bytes: &[u8], limits: Limits) -> io::Result<ChunkReader> {
    let input = Input::new(Box::new(Cursor::new(bytes.to_vec())))?;
    let spec = SourceSpec {
        index: 0,
        name: "fuzz".to_owned(),
        kind: SourceKind::Stdin,
        cluster: Str::default(),
    };
    Ok(ChunkReader::new(input, &spec, limits))
}

/// What the walk by hand and the general parser make of a text, if the walk accepts it.
pub fn walked(text: &str) -> Option<(String, Option<String>)> {
    if !depth::is_shallow(text.as_bytes(), 64) {
        return None;
    }
    let mine = walk::parse(text)?;
    let general = sonic_rs::from_str::<Wire<'_>>(text).ok();
    Some((format!("{mine:?}"), general.map(|wire| format!("{wire:?}"))))
}
