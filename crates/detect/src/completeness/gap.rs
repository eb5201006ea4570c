//! A proved gap as it is found, and what late records make of it: a batch that arrives after an
//! error fills the gap that its absence seemed to be.

use serde::{Deserialize, Serialize};
use trailhound_model::{
    Str,
    completeness::Gap,
    event::{Event, Position, Stage},
    time::Time,
};

/// Bytes of an auditID that are kept: a UUID has 36.
const ID: usize = 40;

/// Which record it was, without its texts: kept for every event, so it must not allocate.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) time: Time,
    pub(crate) position: Position,
    pub(crate) stage: Stage,
    id: [[u8; ID / 2]; 2],
    length: u8,
}

impl Mark {
    pub(crate) fn of(event: &Event) -> Mark {
        let bytes = event.audit_id.as_bytes();
        let length = bytes.len().min(ID);
        let mut id = [[0; ID / 2]; 2];
        if let (Some(to), Some(from)) =
            (id.as_flattened_mut().get_mut(..length), bytes.get(..length))
        {
            to.copy_from_slice(from);
        }
        Mark {
            time: event.time,
            position: event.position,
            stage: event.stage,
            id,
            length: length as u8,
        }
    }

    /// A moment whose record is not known.
    pub(crate) fn at(time: Time) -> Mark {
        Mark { time, ..Mark::default() }
    }

    pub(crate) fn audit_id(&self) -> Str {
        let bytes = self.id.as_flattened();
        let known = bytes.get(..usize::from(self.length)).unwrap_or_default();
        String::from_utf8_lossy(known).as_ref().into()
    }
}

/// What proves a gap.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Proof {
    /// Name of the fastest metronome that fell silent.
    pub(crate) fastest: Str,
    /// Its rhythm, in microseconds.
    pub(crate) period: i64,
    /// How many clients fell silent.
    pub(crate) witnesses: u64,
}

/// A proved gap.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) from: Mark,
    pub(crate) to: Mark,
    /// The API server that is silent; empty if the whole log is.
    pub(crate) server: Str,
    pub(crate) proof: Proof,
    /// Beats that should have been in it.
    pub(crate) missing: u64,
    /// Records that are in it nevertheless.
    pub(crate) inside: u64,
    pub(crate) open: bool,
}

impl Found {
    pub(crate) fn length(&self) -> i64 {
        self.to.time.since(self.from.time)
    }

    /// Microseconds that it shares with a stretch.
    pub(crate) fn overlap(&self, from: Time, to: Time) -> i64 {
        self.to.time.min(to).since(self.from.time.max(from)).max(0)
    }

    /// Whether a record of this moment lies in it.
    pub(crate) fn holds(&self, time: Time) -> bool {
        self.from.time < time && time < self.to.time
    }

    /// What is left of it when a record appears in its middle.
    pub(crate) fn split(self, mark: Mark) -> [Found; 2] {
        let share = |part: &Found| {
            let whole = self.length().max(1) as f64;
            (self.missing as f64 * part.length() as f64 / whole).round() as u64
        };
        let mut before = Found { to: mark, ..self.clone() };
        let mut after = Found { from: mark, ..self.clone() };
        before.missing = share(&before);
        after.missing = share(&after);
        [before, after]
    }

    /// Whether it is still long enough to be a gap.
    pub(crate) fn stands(&self) -> bool {
        self.length() as f64 >= 2.5 * self.proof.period as f64
    }

    pub(crate) fn told(&self) -> Gap {
        Gap {
            from: self.from.time,
            to: self.to.time,
            metronome: self.words(),
            server: self.server.clone(),
            missing_beats: self.missing,
            records_inside: self.inside,
            open: self.open,
        }
    }

    fn words(&self) -> String {
        let rhythm = super::words::rhythm(self.proof.period);
        let name = &self.proof.fastest;
        match self.proof.witnesses.saturating_sub(1) {
            0 => format!("{name}, {rhythm}"),
            1 => format!("{name}, {rhythm}, and 1 other regular request fell silent together"),
            others => {
                format!(
                    "{name}, {rhythm}, and {others} other regular requests fell silent together"
                )
            }
        }
    }
}
