//! How deep JSON is nested, before a recursive parser sees it: a hostile record must not be able
//! to exhaust the stack.

/// Stack that the parser takes per level of nesting at the most, with a wide margin (see the test).
const STACK_PER_LEVEL: usize = 512;
/// Stack that must stay free for everything else.
const STACK_RESERVE: usize = 512 << 10;

/// Whether the parser can be led into `bytes` without running out of stack: because nothing in it
/// is nested deeper than `limit`, or because there is stack enough even if every byte were a level.
/// Threads that decode much are given such a stack, so that they need not look.
pub(crate) fn is_within(bytes: &[u8], limit: usize) -> bool {
    if bytes.len() <= limit {
        return true;
    }
    is_shallow(bytes, limit.max(stack_levels()))
}

/// Whether nothing in `bytes` is nested deeper than `limit`, on any thread. To be asked where the
/// answer decides what is read: that must not hang on the size of a stack.
pub(crate) fn is_shallow(bytes: &[u8], limit: usize) -> bool {
    bytes.len() <= limit || openers_at_most(bytes, limit) || nesting(bytes) <= limit
}

/// Levels for which the thread has stack.
fn stack_levels() -> usize {
    let left = stacker::remaining_stack().unwrap_or_default();
    left.saturating_sub(STACK_RESERVE) / STACK_PER_LEVEL
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
        assert_eq!(nesting(text.as_bytes()), 3000);
        assert!(is_within(text.as_bytes(), 3000));
        let deeper = "[".repeat(1 << 20);
        assert!(!is_within(deeper.as_bytes(), 3000));
    }

    #[test]
    fn the_stack_that_is_counted_on_suffices_for_the_deepest_nesting() {
        let levels = 50_000;
        let text = format!(
            "{{\"kind\":\"Event\",\"requestObject\":{}{}}}",
            "[".repeat(levels),
            "]".repeat(levels)
        );
        let stack = text.len() * STACK_PER_LEVEL + 2 * STACK_RESERVE;
        let parsed = std::thread::Builder::new()
            .stack_size(stack)
            .spawn(move || {
                assert!(stack_levels() >= text.len(), "the thread has what it was given");
                sonic_rs::from_str::<crate::wire::Wire<'_>>(&text).is_ok()
            })
            .unwrap();
        parsed.join().expect("no overflow");
    }
}
