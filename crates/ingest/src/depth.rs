//! How deep JSON is nested, before a recursive parser sees it: a hostile record must not be able
//! to exhaust the stack.

/// Whether no value in `bytes` is nested deeper than `limit`.
pub(crate) fn is_within(bytes: &[u8], limit: usize) -> bool {
    bytes.len() <= limit || openers_at_most(bytes, limit) || nesting(bytes) <= limit
}

/// Counting opening brackets anywhere, strings too, is an upper bound that costs almost nothing.
fn openers_at_most(bytes: &[u8], limit: usize) -> bool {
    let mut count = 0usize;
    // Sums stay in bytes for as long as they cannot overflow, so that many are made at once.
    for block in bytes.chunks(LANES * 255) {
        let mut sums = [0u8; LANES];
        let whole = block.chunks_exact(LANES);
        count += openers(whole.remainder());
        for part in whole {
            for (sum, byte) in sums.iter_mut().zip(part) {
                *sum += u8::from(is_opener(*byte));
            }
        }
        count += sums.iter().map(|sum| usize::from(*sum)).sum::<usize>();
        if count > limit {
            return false;
        }
    }
    true
}

/// Bytes that are counted side by side.
const LANES: usize = 32;

fn openers(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| is_opener(**byte)).count()
}

/// `[` and `{` differ only in one bit.
fn is_opener(byte: u8) -> bool {
    byte | 0x20 == b'{'
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
