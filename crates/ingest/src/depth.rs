//! How deep JSON is nested, before a recursive parser sees it: a hostile record must not be able
//! to exhaust the stack.

/// Whether no value in `bytes` is nested deeper than `limit`.
pub(crate) fn is_within(bytes: &[u8], limit: usize) -> bool {
    bytes.len() <= limit || openers_at_most(bytes, limit) || nesting(bytes) <= limit
}

/// Counting opening brackets anywhere, strings too, is an upper bound that costs almost nothing:
/// memchr counts one byte with the widest instructions that the machine has.
fn openers_at_most(bytes: &[u8], limit: usize) -> bool {
    let count = |byte| memchr::memchr_iter(byte, bytes).count();
    count(b'{') + count(b'[') <= limit
}

fn nesting(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0usize, false, false);
    for byte in bytes {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_count() {
        let text = format!("{{\"a\":\"{}\"}}", "[\\\"".repeat(5000));
        assert!(is_within(text.as_bytes(), 1));
    }

    #[test]
    fn deep_nesting_is_seen() {
        let text = "[".repeat(3000) + &"]".repeat(3000);
        assert!(!is_within(text.as_bytes(), 2999));
        assert!(is_within(text.as_bytes(), 3000));
    }
}
