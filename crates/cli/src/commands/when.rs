//! Moments as they are typed in a hurry: RFC 3339 or less of it, or counted from the ends of the log.
//! They are read before the logs are, so that a slip of the pen is told at once and not after minutes.

use crate::exit::CommandError;
use trailhound_model::time::{HOUR, MINUTE, SECOND, Time};

/// A moment, perhaps relative to a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// This one.
    Exact(Time),
    /// So long after the log's first event.
    Start(i64),
    /// So long after its last: mostly negative.
    End(i64),
}

impl When {
    /// Reads what was typed.
    pub(super) fn parse(typed: &str) -> Result<When, CommandError> {
        read(typed.trim()).ok_or_else(|| CommandError::NoTime(typed.chars().take(200).collect()))
    }

    /// The moment in a log.
    pub(super) fn within(self, first: Time, last: Time) -> Time {
        match self {
            When::Exact(time) => time,
            When::Start(after) => first.plus(after),
            When::End(after) => last.plus(after),
        }
    }
}

fn read(typed: &str) -> Option<When> {
    if typed.starts_with('-') {
        return Some(When::End(span(typed)?));
    }
    for (word, is_start) in [("start", true), ("begin", true), ("end", false), ("now", false)] {
        if let Some(rest) = typed.strip_prefix(word) {
            let after = if rest.is_empty() { 0 } else { span(rest)? };
            return Some(if is_start { When::Start(after) } else { When::End(after) });
        }
    }
    let filled = match typed.len() {
        10 => format!("{typed}T00:00:00Z"),
        16 => format!("{typed}:00Z"),
        _ => format!("{typed}Z"),
    };
    Time::parse(typed).or_else(|| Time::parse(&filled)).map(When::Exact)
}

/// `-2h`, `+90s`, `-1d`: a sign, digits, a unit.
fn span(typed: &str) -> Option<i64> {
    let (sign, rest) = match typed.split_at_checked(1)? {
        ("-", rest) => (-1, rest),
        ("+", rest) => (1, rest),
        _ => return None,
    };
    let digits = rest.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match rest.get(digits.len()..)? {
        "s" => SECOND,
        "m" | "min" => MINUTE,
        "h" => HOUR,
        "d" => 24 * HOUR,
        _ => return None,
    };
    let count: i64 = digits.parse().ok().filter(|count| *count >= 0)?;
    count.checked_mul(unit)?.checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_be_shortened_and_are_utc() {
        for (typed, time) in [
            ("2026-11-23T11:20:00Z", "2026-11-23T11:20:00Z"),
            ("2026-11-23T13:20:00+02:00", "2026-11-23T11:20:00Z"),
            ("2026-11-23T11:20:05", "2026-11-23T11:20:05Z"),
            ("2026-11-23 11:20", "2026-11-23T11:20:00Z"),
            ("2026-11-23", "2026-11-23T00:00:00Z"),
        ] {
            let expected = Time::parse(time).map(When::Exact);
            assert_eq!(read(typed), expected, "{typed}");
        }
        for typed in ["", "yesterday", "11:20", "äöüäö", "-", "-2", "-h", "-2y", "end2h", "--2h"]
        {
            assert_eq!(read(typed), None, "{typed}");
        }
    }

    #[test]
    fn times_count_from_the_ends_of_the_log() {
        let (first, last) = (Time(0), Time(10 * HOUR));
        for (typed, hours) in
            [("start", 0), ("start+3h", 3), ("end", 10), ("-2h", 8), ("end-120m", 8)]
        {
            let at = read(typed).map(|when| when.within(first, last));
            assert_eq!(at, Some(Time(hours * HOUR)), "{typed}");
        }
        assert_eq!(read("-99999999999999999999d"), None);
    }
}
