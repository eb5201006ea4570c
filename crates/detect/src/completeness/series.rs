//! One regular request: its rhythm, and the beats that it owes.
//!
//! The rhythm is the middle of the *short* intervals, not of all: when records are lost at random,
//! long intervals are sums of short ones, and a plain median would take the loss for the rhythm.
//! A silence of a few beats counts as missing records; a longer one means that this client paused,
//! unless the whole log is silent with it, which only the other series can tell.

use serde::{Deserialize, Serialize};
use trailhound_model::{
    Str,
    time::{SECOND, Time},
};

/// Intervals that the rhythm is learnt from.
const WINDOW: usize = 16;
/// The rhythm is looked at again after so many beats.
const LEARN_EVERY: u8 = 4;
/// Shortest rhythm that is told from a burst, in microseconds.
const SHORTEST: i64 = SECOND / 2;
/// Longest rhythm that is of use, in microseconds.
const LONGEST: i64 = 300 * SECOND;
/// Beats missing in a row that are lost records; more is a pause of the client.
const MOST_LOST_IN_A_ROW: u64 = 3;
/// How far beyond its rhythm a beat may be late, as a share of it.
const JITTER: f64 = 0.2;

/// What kind of request a series is: who renews a lease does so by nature, others must prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Renewal of a lease.
    Lease,
    /// Renewal of the lease by which an API server says that it is alive.
    Server,
    /// Anything else.
    Other,
}

/// What a beat says about the time since the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beat {
    /// Time of the beat before.
    pub(crate) since: Time,
    /// Beats that should have come in between.
    pub(crate) missing: u64,
}

/// A series of the same request by the same identity on the same object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) kind: Kind,
    /// What it is called in sentences.
    pub(crate) name: Str,
    /// Hash of who does it: one client with many series is one witness.
    pub(crate) witness: u64,
    pub(crate) first: Time,
    pub(crate) last: Time,
    /// Beats since the rhythm is known.
    pub(crate) seen: u64,
    /// Beats that were missing one by one.
    pub(crate) lost: u64,
    /// Beats that were missing in proved gaps.
    pub(crate) in_gaps: u64,
    /// Silences that were the client's own.
    pub(crate) pauses: u64,
    /// Intervals in milliseconds, the newest overwriting the oldest.
    window: [u32; WINDOW],
    filled: u8,
    at: u8,
    stale: u8,
    period: i64,
    regular: bool,
}

impl Series {
    pub(crate) fn new(kind: Kind, name: Str, witness: u64, now: Time) -> Series {
        Series {
            kind,
            name,
            witness,
            first: now,
            last: now,
            seen: 0,
            lost: 0,
            in_gaps: 0,
            pauses: 0,
            window: [0; WINDOW],
            filled: 0,
            at: 0,
            stale: 0,
            period: 0,
            regular: false,
        }
    }

    /// Whether its intervals proved regular.
    pub(crate) fn regular(&self) -> bool {
        self.regular
    }

    /// The usual interval in microseconds; 0 if unknown.
    pub(crate) fn period(&self) -> i64 {
        self.period
    }

    /// Whether it was going on at `now`.
    pub(crate) fn running(&self, now: Time) -> bool {
        self.regular && now.since(self.last) as f64 <= 2.2 * self.period as f64
    }

    /// Beats that should have come between the last one and `now`, one at `now` not counted.
    pub(crate) fn owed(&self, now: Time) -> u64 {
        self.in_a_span(now.since(self.last)).saturating_sub(1)
    }

    /// The same between two moments.
    pub(crate) fn owed_within(&self, from: Time, to: Time) -> u64 {
        self.owed(to).saturating_sub(self.in_a_span(from.since(self.last)))
    }

    fn in_a_span(&self, span: i64) -> u64 {
        if self.period <= 0 {
            return 0;
        }
        (span as f64 / self.period as f64 + JITTER).max(0.0) as u64
    }

    /// Takes a beat. What was missing before it is returned, and counted by [`Series::settle`]. The
    /// rhythm is not learnt from an interval with a gap in it.
    pub(crate) fn beat(&mut self, now: Time, learn: bool) -> Beat {
        let interval = now.since(self.last);
        let beat = Beat { since: self.last, missing: self.owed(now) };
        self.last = now;
        if learn {
            self.note(interval);
        }
        self.seen += u64::from(self.regular);
        if self.regular { beat } else { Beat { missing: 0, ..beat } }
    }

    /// Counts what was missing before a beat: lost one by one, in gaps, or not at all.
    pub(crate) fn settle(&mut self, missing: u64, in_gaps: u64) -> u64 {
        self.in_gaps += in_gaps;
        if in_gaps > 0 {
            return 0;
        }
        if missing > MOST_LOST_IN_A_ROW {
            self.pauses += 1;
            return 0;
        }
        self.lost += missing;
        missing
    }

    /// A beat that comes when its time has long gone by.
    pub(crate) fn late_beat(&mut self) {
        self.seen += u64::from(self.regular);
        self.lost = self.lost.saturating_sub(1);
    }

    fn note(&mut self, interval: i64) {
        let millis = u32::try_from(interval / 1000).unwrap_or(u32::MAX);
        if let Some(slot) = self.window.get_mut(usize::from(self.at)) {
            *slot = millis;
        }
        self.at = (self.at + 1) % WINDOW as u8;
        self.filled = (self.filled + 1).min(WINDOW as u8);
        self.stale += 1;
        if self.filled < WINDOW as u8 || self.stale >= LEARN_EVERY {
            self.stale = 0;
            self.learn();
        }
    }

    fn learn(&mut self) {
        let filled = usize::from(self.filled);
        let mut sorted = self.window;
        let Some(known) = sorted.get_mut(..filled) else { return };
        known.sort_unstable();
        let short = known.get(filled / 5).copied().unwrap_or_default();
        let end = known.partition_point(|one| u64::from(*one) * 2 <= u64::from(short) * 3);
        let middle = known.get(end / 2).copied().unwrap_or_default();
        self.period = i64::from(middle) * 1000;
        self.regular = (SHORTEST..=LONGEST).contains(&self.period) && self.is_regular(known);
    }

    /// A lease may lose beats and still be one; any other request must keep its rhythm strictly,
    /// because a person's script is regular for a while too.
    fn is_regular(&self, known: &[u32]) -> bool {
        let (needed, beats, jitter, share) = match self.kind {
            Kind::Lease | Kind::Server => (5, 3, 0.3, 0.7),
            Kind::Other => (8, 1, 0.25, 0.75),
        };
        let near = |interval: &&u32| {
            let ratio = i64::from(**interval) as f64 * 1000.0 / self.period as f64;
            let beat = ratio.round().clamp(1.0, f64::from(beats));
            (ratio - beat).abs() <= jitter
        };
        known.len() >= needed
            && known.iter().filter(near).count() as f64 >= share * known.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(kind: Kind, intervals: impl IntoIterator<Item = f64>) -> Series {
        let mut now = Time(0);
        let mut series = Series::new(kind, "x".into(), 0, now);
        for interval in intervals {
            now = now.plus((interval * SECOND as f64) as i64);
            let beat = series.beat(now, true);
            series.settle(beat.missing, 0);
        }
        series
    }

    #[test]
    fn a_steady_lease_misses_nothing() {
        let series = fed(Kind::Lease, (0..200).map(|n| 2.0 + f64::from(n % 5) * 0.2));
        assert!(series.regular());
        assert_eq!((series.lost, series.pauses), (0, 0));
    }

    #[test]
    fn random_loss_does_not_slow_the_rhythm_down() {
        // Intervals of a lease that loses half its beats: 1, 2 or more of 2 seconds.
        let kept = (0..400u32).filter(|n| n.wrapping_mul(2_654_435_761) >> 31 == 0);
        let beats: Vec<f64> = kept.map(|n| f64::from(n) * 2.0).collect();
        let series = fed(Kind::Lease, beats.windows(2).map(|pair| pair[1] - pair[0]));
        assert!((1_900_000..2_100_000).contains(&series.period()), "{}", series.period());
        let share = series.seen as f64 / (series.seen + series.lost) as f64;
        assert!((0.4..0.7).contains(&share), "{share}");
    }

    #[test]
    fn a_client_that_goes_away_and_comes_back_owes_nothing() {
        let once = || std::iter::repeat_n(10.0, 20);
        let series = fed(Kind::Lease, once().chain([3_600.0]).chain(once()));
        assert_eq!((series.lost, series.pauses), (0, 1));
    }

    #[test]
    fn irregular_requests_are_no_metronome() {
        let wild = |n: u32| f64::from(n.wrapping_mul(2_654_435_761) >> 24) / 16.0 + 0.1;
        assert!(!fed(Kind::Other, (0..100).map(wild)).regular());
        assert!(!fed(Kind::Other, std::iter::repeat_n(0.01, 100)).regular());
    }
}
