//! Recordings of a webhook receiver: the head of an HTTP message beside or above the body that
//! holds the records. It may carry a bearer token, so nothing of it is repeated anywhere.

/// Why such a line is no event.
pub(crate) const IGNORED: &str = "a line of an HTTP message's head, not of a log";

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Whether the line belongs to the head of an HTTP message. A head begins with a request or status
/// line only; behind it, `in_head` remembers that fields may follow.
pub(crate) fn is_header(line: &str, in_head: &mut bool) -> bool {
    *in_head = is_first_line(line) || *in_head && is_field(line);
    *in_head
}

/// Whether the last line belongs to the head of an HTTP message; `before` is the same of what came
/// before the bytes. Looks at the last lines only, and at none if the last is a record.
pub(crate) fn ends_in_head(bytes: &[u8], before: bool) -> bool {
    let lines = bytes.rsplit(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    for line in lines.filter(|line| !line.is_empty()).take(MOST_FIELDS) {
        let Ok(line) = std::str::from_utf8(line.get(..MOST_LINE).unwrap_or(line)) else {
            return false;
        };
        if is_first_line(line) {
            return true;
        }
        if !is_field(line) {
            return false;
        }
    }
    before
}

/// Fields that a head may have.
const MOST_FIELDS: usize = 200;
/// As much of a line as has to be seen to know it.
const MOST_LINE: usize = 512;

fn is_first_line(line: &str) -> bool {
    let mut words = line.split(' ');
    let (first, second, third) = (words.next(), words.next(), words.next());
    let version = |word: Option<&str>| word.is_some_and(|word| word.starts_with("HTTP/"));
    let request = first.is_some_and(|word| METHODS.contains(&word)) && version(third);
    request && words.next().is_none()
        || version(first) && second.is_some_and(|code| code.parse::<u16>().is_ok())
}

fn is_field(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_known_by_its_first_line_only() {
        let mut in_head = false;
        assert!(!is_header("Host: example", &mut in_head), "no head was begun");
        assert!(is_header("POST /k8s-audit?timeout=30s HTTP/1.1", &mut in_head));
        assert!(is_header("Authorization: Bearer x", &mut in_head));
        assert!(!is_header("something else", &mut in_head));
        assert!(!is_header("Host: example", &mut in_head), "the head was over");
        assert!(is_header("HTTP/1.1 200 OK", &mut in_head));
        assert!(!is_header("POST it to HTTP/1.1 servers", &mut in_head));
    }

    #[test]
    fn a_head_goes_on_behind_the_end_of_a_chunk() {
        assert!(ends_in_head(b"{}\nPOST / HTTP/1.1\r\nHost: x\r\n", false));
        assert!(ends_in_head(b"Host: x\r\nAccept: y\r\n", true));
        assert!(!ends_in_head(b"Host: x\r\nAccept: y\r\n", false));
        assert!(!ends_in_head(b"POST / HTTP/1.1\nHost: x\n\n{\"a\":1}\n", true));
        assert!(ends_in_head(b"", true));
    }
}
