//! Draws lots: each hour of each identity is as strange as chance will have it. What no detector may
//! be below, and a check of the harness: chance finds nothing at a small budget.

use super::detector::{Detector, Scored, Scores, Seen};
use trailhound_learn::symbol::Symbol;
use trailhound_model::time::{HOUR, Time};

/// One who draws lots.
#[derive(Default)]
pub(super) struct Chance {
    hour: i64,
    windows: std::collections::BTreeMap<u64, Scored>,
}

impl Detector for Chance {
    fn observe(&mut self, seen: &Seen<'_>, out: &mut Scores) {
        let (row, hour) = (seen.row, seen.row.time.0.div_euclid(HOUR));
        if hour > self.hour {
            self.finish(out);
            self.hour = hour;
        }
        let who = row.who.key;
        let lot = (Symbol(who.0).at(hour as u64).0 >> 11) as f64 / (1_u64 << 53) as f64;
        let window = self.windows.entry(who.0).or_insert_with(|| Scored {
            link: who.0,
            from: Time(hour * HOUR),
            to: Time((hour + 1) * HOUR),
            raised: row.time,
            score: lot,
            chance: Some(1.0 - lot),
            ..Scored::default()
        });
        if window.rows.len() < 64 {
            window.rows.push(seen.id);
        }
    }

    fn finish(&mut self, out: &mut Scores) {
        for window in std::mem::take(&mut self.windows).into_values() {
            out.add(window);
        }
    }
}
