//! Time of an invented cluster: microseconds, dates from them, and when people work. Dates are
//! computed here because the generator reads no clock and needs nothing else of a calendar.

/// Microseconds since 1970 (UTC).
pub type Moment = i64;

/// One second.
pub const SECOND: Moment = 1_000_000;
/// One minute.
pub const MINUTE: Moment = 60 * SECOND;
/// One hour.
pub const HOUR: Moment = 60 * MINUTE;
/// One day.
pub const DAY: Moment = 24 * HOUR;

/// Year, month and day of a moment.
fn date(at: Moment) -> (i64, i64, i64) {
    // Days since 0000-03-01, in eras of 400 years (Howard Hinnant's algorithm).
    let days = at.div_euclid(DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_month)
}

/// Writes `2026-03-02T08:00:00.000000Z`.
pub(crate) fn write_micros(at: Moment, out: &mut Vec<u8>) {
    write_to_second(at, out);
    out.push(b'.');
    digits(at.rem_euclid(SECOND), 6, out);
    out.push(b'Z');
}

/// `2026-03-02T08:00:00Z`
pub(crate) fn seconds(at: Moment) -> String {
    let mut out = Vec::with_capacity(20);
    write_to_second(at, &mut out);
    out.push(b'Z');
    String::from_utf8(out).unwrap_or_default()
}

/// `2026-03-02T08:00:00.000000Z`
pub(crate) fn micros(at: Moment) -> String {
    let mut out = Vec::with_capacity(27);
    write_micros(at, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn write_to_second(at: Moment, out: &mut Vec<u8>) {
    let (year, month, day) = date(at);
    let time = at.rem_euclid(DAY);
    digits(year, 4, out);
    for (mark, value) in [
        (b'-', month),
        (b'-', day),
        (b'T', time / HOUR),
        (b':', time / MINUTE % 60),
        (b':', time / SECOND % 60),
    ] {
        out.push(mark);
        digits(value, 2, out);
    }
}

fn digits(value: i64, width: u32, out: &mut Vec<u8>) {
    for place in (0..width).rev() {
        out.push(b'0' + (value / 10_i64.pow(place) % 10) as u8);
    }
}

/// How busy people are at a moment, in percent of their busiest: office hours from Monday to Friday,
/// a lunch, some evenings, a little on call.
pub(crate) fn activity(at: Moment) -> i64 {
    let weekday = (at.div_euclid(DAY) + 3).rem_euclid(7);
    let hour = at.rem_euclid(DAY) / HOUR;
    let of_day = match hour {
        9..=11 | 14..=16 => 100,
        8 | 13 | 17 => 70,
        12 => 45,
        18 | 19 => 20,
        7 | 20..=22 => 8,
        _ => 2,
    };
    if weekday < 5 { of_day } else { (of_day / 12).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_the_api_server_does() {
        assert_eq!(micros(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(micros(1_772_438_400 * SECOND + 42), "2026-03-02T08:00:00.000042Z");
        assert_eq!(seconds(1_709_164_800 * SECOND), "2024-02-29T00:00:00Z");
    }

    #[test]
    fn nobody_works_on_sunday_night() {
        let monday = 1_772_438_400 * SECOND + 2 * HOUR;
        assert_eq!(activity(monday), 100);
        assert_eq!(activity(monday - DAY), 8);
        assert_eq!(activity(monday - DAY - 7 * HOUR), 1);
    }
}
