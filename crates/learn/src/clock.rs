//! Which hour it is, by what the log says.
//!
//! A log is not a clock: servers differ by seconds, a replay tells of last month, one broken record
//! tells of the year 2150. What is older than the hour before teaches nothing and alarms nobody; what
//! is days ahead must be confirmed by what follows before time moves there.

use serde::{Deserialize, Serialize};
use trailhound_model::time::{HOUR, Time};

/// The state of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    hour: u32,
    started: bool,
    ahead: u32,
    /// Requests of the past that were left out.
    pub replayed: u64,
    /// Requests of a far future that were left out.
    pub from_future: u64,
    /// Gaps in the log: the last ones, with their first and last hour.
    pub gaps: Vec<(u32, u32)>,
}

/// Where a request is in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In this hour, or so shortly before that it counts as this hour.
    Now,
    /// This hour is over.
    Next(u32),
    /// It is not looked at.
    Never,
}

/// So many hours ahead are believed at once.
const BELIEVED: u32 = 96;
/// So many requests in a row make a far future the present.
const CONFIRMED: u32 = 200;
/// So many hours without a request are told as a gap.
const GAP: u32 = 3;
/// Gaps that are kept.
const MOST_GAPS: usize = 32;

/// The hour of a time.
pub fn hour_of(time: Time) -> u32 {
    u32::try_from(time.0.div_euclid(HOUR)).unwrap_or(0)
}

/// The beginning of an hour.
pub fn start_of(hour: u32) -> Time {
    Time(i64::from(hour) * HOUR)
}

impl Clock {
    /// This hour.
    pub fn hour(&self) -> u32 {
        self.hour
    }

    /// Whether any time has come.
    pub fn has_started(&self) -> bool {
        self.started
    }

    /// Where a time is; the clock itself moves with [`Clock::move_to`].
    pub fn place(&mut self, time: Time) -> When {
        let hour = hour_of(time);
        if !self.started {
            self.started = true;
            self.hour = hour;
            return When::Now;
        }
        if hour <= self.hour {
            self.ahead = 0;
            if hour + 1 >= self.hour {
                return When::Now;
            }
            self.replayed += 1;
            return When::Never;
        }
        if hour - self.hour > BELIEVED {
            self.ahead += 1;
            if self.ahead < CONFIRMED {
                self.from_future += 1;
                return When::Never;
            }
        }
        self.ahead = 0;
        When::Next(hour)
    }

    /// Goes to a later hour.
    pub fn move_to(&mut self, hour: u32) {
        if hour > self.hour + GAP {
            if self.gaps.len() >= MOST_GAPS {
                self.gaps.remove(0);
            }
            self.gaps.push((self.hour, hour));
        }
        self.hour = self.hour.max(hour);
    }
}
