//! Many days of log out of one file: each copy is a day later and has audit ids of its own, so that
//! a scan cannot drop the copies as duplicates and must carry its state through all of them.

use crate::error::{Error, Result};
use memchr::memmem;
use std::io::{self, Write};

const DATE: usize = "2026-11-23".len();

/// Finds what differs between copies.
#[derive(Debug)]
pub(super) struct Copies {
    date: [u8; DATE],
}

impl Copies {
    /// Takes the date of the first event as the date to move.
    pub(super) fn new(bytes: &[u8]) -> Result<Copies> {
        let key = b"\"stageTimestamp\":\"";
        let at = memmem::find(bytes, key).map(|at| at + key.len());
        let date = at.and_then(|at| bytes.get(at..at + DATE)).and_then(|date| date.try_into().ok());
        let date = date.ok_or_else(|| Error::Other("no stageTimestamp in the file".into()))?;
        Ok(Copies { date })
    }

    /// Writes the copy number `copy`, counted from 0.
    pub(super) fn write(&self, bytes: &[u8], copy: u32, out: &mut dyn Write) -> io::Result<()> {
        let date = later(&self.date, copy);
        let mut changed = Vec::with_capacity(1 << 16);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            changed.clear();
            changed.extend_from_slice(line);
            self.change(&mut changed, &date, copy);
            out.write_all(&changed)?;
        }
        if !bytes.ends_with(b"\n") {
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Same length, so that positions found before stay true.
    fn change(&self, line: &mut [u8], date: &[u8; DATE], copy: u32) {
        let places: Vec<usize> = memmem::find_iter(line, &self.date).collect();
        for at in places {
            if let Some(place) = line.get_mut(at..at + DATE) {
                place.copy_from_slice(date);
            }
        }
        let key = b"\"auditID\":\"";
        let Some(at) = memmem::find(line, key).map(|at| at + key.len()) else { return };
        if let Some(place) = line.get_mut(at..at + 8)
            && place.iter().all(u8::is_ascii_hexdigit)
        {
            let own = std::str::from_utf8(place).ok().and_then(|t| u32::from_str_radix(t, 16).ok());
            let moved = own.unwrap_or_default() ^ copy.wrapping_mul(0x9e37_79b1);
            place.copy_from_slice(format!("{moved:08x}").as_bytes());
        }
    }
}

/// The date some days later. Every month has 28 days here: the dates only need to be valid, to
/// grow, and to keep their length.
fn later(date: &[u8; DATE], days: u32) -> [u8; DATE] {
    let number = |from: usize, to: usize| {
        let digits = date.get(from..to).unwrap_or_default();
        digits.iter().fold(0u32, |sum, digit| sum * 10 + u32::from(digit.wrapping_sub(b'0') % 10))
    };
    if days == 0 {
        return *date;
    }
    let (year, month, day) = (number(0, 4), number(5, 7).max(1), number(8, 10).clamp(1, 28));
    let ordinal = (year * 12 + month - 1) * 28 + day - 1 + days;
    let (months, day) = (ordinal / 28, ordinal % 28 + 1);
    let text = format!("{:04}-{:02}-{day:02}", (months / 12).min(9999), months % 12 + 1);
    text.as_bytes().try_into().unwrap_or(*date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(text: &str, number: u32) -> String {
        let mut out = Vec::new();
        Copies::new(text.as_bytes()).unwrap().write(text.as_bytes(), number, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const LINE: &str = r#"{"auditID":"00000001-x","stageTimestamp":"2026-11-28T10:00:00Z"}"#;

    #[test]
    fn the_first_copy_is_the_file_itself() {
        assert_eq!(copy(LINE, 0), format!("{LINE}\n"));
    }

    #[test]
    fn later_copies_have_later_days_and_ids_of_their_own() {
        let (one, two) = (copy(LINE, 1), copy(LINE, 2));
        assert!(one.contains("2026-12-01T10"), "{one}");
        assert!(two.contains("2026-12-02T10"), "{two}");
        assert_eq!(one.len(), LINE.len() + 1);
        let id = |line: &str| line.get(12..20).map(str::to_owned);
        assert!(id(&one) != id(&two) && id(&one) != id(LINE));
    }

    #[test]
    fn dates_grow_over_the_end_of_the_year() {
        assert_eq!(&later(b"2026-12-27", 2), b"2027-01-01");
        assert!(later(b"2026-11-23", 400) > later(b"2026-11-23", 399));
    }
}
