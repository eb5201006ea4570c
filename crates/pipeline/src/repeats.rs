//! Whole files that are there twice (a copy beside the original, a backup of the directory) are
//! read once: their records would all be duplicates, beyond the window in which single records
//! are compared.

use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::Path,
};
use trailhound_ingest::{SourceKind, SourceSpec};

/// Takes out sources whose bytes equal those of an earlier one, and says which.
pub fn take_out(sources: &mut Vec<SourceSpec>) -> Vec<String> {
    let sizes: Vec<Option<u64>> = sources.iter().map(size).collect();
    let mut seen: BTreeMap<(u64, [u8; 32]), String> = BTreeMap::new();
    let mut notes = Vec::new();
    let mut place = 0;
    sources.retain(|source| {
        let size = sizes.get(place).copied().flatten();
        place += 1;
        let Some(size) = size.filter(|size| *size > 0) else { return true };
        if sizes.iter().filter(|other| **other == Some(size)).count() < 2 {
            return true;
        }
        let Some(hash) = file(source).and_then(|path| hash(path).ok()) else { return true };
        if let Some(original) = seen.get(&(size, hash)) {
            notes
                .push(format!("{} has the same bytes as {original} and was left out", source.name));
            return false;
        }
        seen.insert((size, hash), source.name.clone());
        true
    });
    notes
}

fn file(source: &SourceSpec) -> Option<&Path> {
    match &source.kind {
        SourceKind::File(path) => Some(path),
        SourceKind::Stdin => None,
    }
}

fn size(source: &SourceSpec) -> Option<u64> {
    let metadata = file(source)?.metadata().ok()?;
    metadata.is_file().then_some(metadata.len())
}

fn hash(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}
