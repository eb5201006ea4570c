//! Time as audit logs know it: UTC, microseconds, any year from 1 to 9999.
//!
//! The format is fixed and on the hot path of decoding, and dates of hostile logs must not panic,
//! so the two conversions are written here instead of taken from a calendar library.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z. Text for people (JSON) has it as RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Time);
        }
        let text = String::deserialize(deserializer)?;
        Time::parse(&text).ok_or_else(|| D::Error::custom("not a time as in RFC 3339"))
    }
}

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;

impl Time {
    /// Reads an RFC 3339 time such as `2026-11-23T11:17:13.204586Z` or with an offset `+02:00`.
    /// Digits beyond microseconds are cut. `None` if the text is not such a time.
    pub fn parse(text: &str) -> Option<Time> {
        let bytes = text.as_bytes();
        let date = parse_date(bytes)?;
        let clock = parse_clock(bytes)?;
        let (micros, rest) = parse_fraction(bytes.get(19..)?);
        let offset = parse_offset(rest)?;
        Some(Time((date * 86_400 + clock - offset) * SECOND + micros))
    }

    /// From milliseconds since the epoch, as CloudWatch writes them. Saturates.
    pub fn from_millis(millis: i64) -> Time {
        Time(millis.saturating_mul(1000))
    }

    /// Microseconds from `earlier` to `self`; negative if `earlier` is later. Saturates.
    pub fn since(self, earlier: Time) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The time `micros` later. Saturates.
    #[must_use]
    pub fn plus(self, micros: i64) -> Time {
        Time(self.0.saturating_add(micros))
    }

    /// `11:17:13`, for lines whose date is said elsewhere.
    pub fn clock(self) -> String {
        self.to_string().get(11..19).unwrap_or_default().to_owned()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(SECOND);
        let micros = self.0.rem_euclid(SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let clock = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        f.write_str("Z")
    }
}

fn digits(bytes: &[u8], from: usize, to: usize) -> Option<i64> {
    bytes.get(from..to)?.iter().try_fold(0i64, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

fn parse_date(bytes: &[u8]) -> Option<i64> {
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let (year, month, day) = (digits(bytes, 0, 4)?, digits(bytes, 5, 7)?, digits(bytes, 8, 10)?);
    ((1..=12).contains(&month) && (1..=31).contains(&day))
        .then(|| days_from_civil(year, month, day))
}

fn parse_clock(bytes: &[u8]) -> Option<i64> {
    if !matches!(bytes.get(10), Some(b'T' | b't' | b' '))
        || bytes.get(13) != Some(&b':')
        || bytes.get(16) != Some(&b':')
    {
        return None;
    }
    let (hour, minute, second) =
        (digits(bytes, 11, 13)?, digits(bytes, 14, 16)?, digits(bytes, 17, 19)?);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

fn parse_fraction(rest: &[u8]) -> (i64, &[u8]) {
    let Some((b'.', tail)) = rest.split_first() else { return (0, rest) };
    let length = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut micros = 0;
    for place in 0..6 {
        micros = micros * 10
            + tail.get(place).filter(|_| place < length).map_or(0, |b| i64::from(b - b'0'));
    }
    (micros, tail.get(length..).unwrap_or_default())
}

fn parse_offset(rest: &[u8]) -> Option<i64> {
    match rest {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let seconds = digits(rest, 1, 3)? * 3600 + digits(rest, 4, 6)? * 60;
            Some(if *sign == b'+' { seconds } else { -seconds })
        }
        _ => None,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant's algorithm).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_from_year_1_to_9999() {
        for text in [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999Z",
            "1970-01-01T00:00:00Z",
            "2024-02-29T12:30:45.000001Z",
            "2026-11-23T11:17:13.204586Z",
            "9999-12-31T23:59:59.999999Z",
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn offsets_and_fractions_of_other_lengths() {
        let utc = Time::parse("2026-11-23T11:17:13.2Z").unwrap();
        assert_eq!(Time::parse("2026-11-23T13:17:13.200000999+02:00").unwrap(), utc);
        assert_eq!(utc.clock(), "11:17:13");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "2026-11-23T25:00:00Z",
            "2026-11-23",
            "2026-11-23T11:17:13",
            "２０２６-11-23T11:17:13Z",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }
}
