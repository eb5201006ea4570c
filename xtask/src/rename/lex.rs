//! Finds the strings of JSON text and says under which key they stand. Everything else is copied
//! byte for byte, so that a renamed log differs from its original in names and in nothing else:
//! order of keys, escapes and spacing stay.

/// Where a string stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// It is a key itself.
    pub(super) is_key: bool,
    /// Its key; of a string in a list the key of the list.
    pub(super) key: &'a [u8],
    /// The key of the object that it is in.
    pub(super) parent: &'a [u8],
}

#[derive(Clone, Copy)]
struct Frame<'a> {
    is_object: bool,
    /// The key under which this container stands.
    name: &'a [u8],
    /// The key read last.
    key: &'a [u8],
    want_key: bool,
}

/// Calls `visit` with each piece of the text: strings with their place, the rest without.
pub(super) fn walk<'a>(text: &'a [u8], mut visit: impl FnMut(&'a [u8], Option<Place<'a>>)) {
    let mut stack: Vec<Frame<'a>> = Vec::with_capacity(32);
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'{' | b'[' => push(&mut stack, *byte == b'{'),
            b'}' | b']' => {
                stack.pop();
            }
            b',' => set_want_key(&mut stack, true),
            b':' => set_want_key(&mut stack, false),
            b'"' => {
                let start = at + 1;
                let end = string_end(text, start);
                visit(text.get(copied..start).unwrap_or_default(), None);
                let string = text.get(start..end).unwrap_or_default();
                visit(string, Some(place(&mut stack, string)));
                copied = end;
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    visit(text.get(copied..).unwrap_or_default(), None);
}

fn push(stack: &mut Vec<Frame>, is_object: bool) {
    let name = stack.last().map_or(&[][..], |top| if top.is_object { top.key } else { top.name });
    stack.push(Frame { is_object, name, key: &[], want_key: is_object });
}

fn set_want_key(stack: &mut [Frame], want: bool) {
    if let Some(top) = stack.last_mut() {
        top.want_key = want && top.is_object;
    }
}

fn place<'a>(stack: &mut [Frame<'a>], string: &'a [u8]) -> Place<'a> {
    let above = stack.len().checked_sub(2).and_then(|index| stack.get(index)).map(|f| f.name);
    match stack.last_mut() {
        Some(top) if top.want_key => {
            top.key = string;
            Place { is_key: true, key: string, parent: top.name }
        }
        Some(top) if top.is_object => Place { is_key: false, key: top.key, parent: top.name },
        Some(top) => Place { is_key: false, key: top.name, parent: above.unwrap_or_default() },
        None => Place { is_key: false, key: &[], parent: &[] },
    }
}

/// The position of the closing quote, or the end of a text that is cut.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut from = start;
    while let Some(found) = text.get(from..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        let at = from + found;
        if text.get(at) == Some(&b'"') {
            return at;
        }
        from = at + 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        walk(text.as_bytes(), |piece, place| {
            let Some(place) = place else { return };
            let name = |bytes| String::from_utf8_lossy(bytes).into_owned();
            all.push(format!(
                "{}{}/{}={}",
                if place.is_key { "k:" } else { "" },
                name(place.parent),
                name(place.key),
                name(piece)
            ));
        });
        all
    }

    #[test]
    fn keys_lists_and_parents_are_told_apart() {
        let text = r#"{"user":{"groups":["a","b"],"x":1},"y":"z"}"#;
        assert_eq!(
            strings(text),
            [
                "k:/user=user",
                "k:user/groups=groups",
                "user/groups=a",
                "user/groups=b",
                "k:user/x=x",
                "k:/y=y",
                "/y=z"
            ]
        );
    }

    #[test]
    fn objects_in_a_list_stand_under_the_key_of_the_list() {
        assert_eq!(strings(r#"{"subjects":[{"name":"a"}]}"#).last().unwrap(), "subjects/name=a");
    }

    #[test]
    fn escaped_quotes_and_brackets_in_strings_do_not_end_anything() {
        assert_eq!(
            strings(r#"{"a":"x\"}],{\\","b":"c"}"#),
            ["k:/a=a", r#"/a=x\"}],{\\"#, "k:/b=b", "/b=c"]
        );
    }

    #[test]
    fn all_pieces_together_are_the_text_also_when_it_is_cut() {
        for text in [r#"{"a": [1, "b\n"], "c":{}}"#, r#"{"a":"cut off \"#, "", r#""x""#] {
            let mut copy = Vec::new();
            walk(text.as_bytes(), |piece, _| copy.extend_from_slice(piece));
            assert_eq!(String::from_utf8(copy).unwrap(), text);
        }
    }
}
