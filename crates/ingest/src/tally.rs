//! What became of the bytes, in numbers: the proof that nothing was dropped silently.

use std::collections::BTreeMap;
use trailhound_model::format::Format;

/// Counts of one chunk or of a whole scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that became events.
    pub records: u64,
    /// Those of them that came in another format than the native one.
    pub formats: BTreeMap<Format, u64>,
    /// Byte ranges that became rejects.
    pub rejected: u64,
    /// Records that are no audit events and are known not to be, by what they are.
    pub ignored: BTreeMap<&'static str, u64>,
    /// Events with a field that was damaged or of a wrong type and was left empty.
    pub partial: u64,
    /// Events whose end or whose bodies were cut away.
    pub truncated: u64,
    /// Bodies that turned out to be damaged when they were first read.
    pub damaged_bodies: u64,
    /// Bytes looked at, after decompression.
    pub bytes: u64,
}

impl Tally {
    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Tally) {
        self.records += other.records;
        self.rejected += other.rejected;
        self.partial += other.partial;
        self.truncated += other.truncated;
        self.damaged_bodies += other.damaged_bodies;
        self.bytes += other.bytes;
        for (format, count) in &other.formats {
            *self.formats.entry(*format).or_default() += count;
        }
        for (reason, count) in &other.ignored {
            *self.ignored.entry(reason).or_default() += count;
        }
    }

    /// Records that became events, by format.
    pub fn by_format(&self) -> BTreeMap<Format, u64> {
        let mut formats = self.formats.clone();
        let native = self.records.saturating_sub(formats.values().sum());
        formats.insert(Format::Native, native);
        formats.retain(|_, count| *count > 0);
        formats
    }

    /// Ignored records of every sort.
    pub fn ignored_total(&self) -> u64 {
        self.ignored.values().sum()
    }
}
