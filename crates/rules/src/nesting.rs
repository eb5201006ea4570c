//! How deep files may be nested. The YAML reader needs time with the square of the depth: a hundred
//! thousand brackets, a tenth of the largest rule file, cost it a minute. So they are counted first,
//! for every language.

/// Brackets that may be open at once.
const MOST: usize = 200;

/// What is said of a file that is nested deeper.
pub(crate) const TOO_DEEP: &str = "brackets are nested more than 200 deep";

/// The line, counted from 1, on which brackets are nested too deep. Those in texts are counted too,
/// but come in pairs.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut line) = (0_usize, 1);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' => line += 1,
            _ => {}
        }
        if depth > MOST {
            return Some(line);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_of_brackets_is_located_and_a_long_list_is_none() {
        assert_eq!(too_deep(&format!("a: 1\nb: {}", "[".repeat(100_000))), Some(2));
        assert_eq!(too_deep(&"- [a, {b: c}]\n".repeat(10_000)), None);
    }
}
