//! The framer alone: no byte is lost, and how bytes arrive changes nothing.

use super::*;
use proptest::prelude::*;

/// Everything that the framer finds, with the container's own text left out.
fn pieces(bytes: &[u8]) -> Vec<Piece> {
    let (mut framer, mut at, mut found) = (Framer::default(), 0, Vec::new());
    while let Step::Piece(piece) = framer.next(bytes, at, true) {
        found.push(piece);
        at = piece.end;
    }
    found
}

fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b",[]}\0\xEF\xBB\xBF".contains(&byte)
}

fn token() -> impl Strategy<Value = Vec<u8>> {
    let tokens: Vec<&[u8]> = vec![
        b"{\"a\":1}",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b"\"",
        b"\\",
        b"\n",
        b" ",
        b"text",
        b"\xEF\xBB\xBF",
        b"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\"}",
        b"\0",
        b"{\"a\":\"b",
        b"1",
        b":",
    ];
    prop::sample::select(tokens).prop_map(<[u8]>::to_vec)
}

proptest! {
    #[test]
    fn every_byte_is_in_a_piece_or_is_a_separator(tokens in prop::collection::vec(token(), 0..40)) {
        let bytes = tokens.concat();
        let mut covered = 0;
        for piece in pieces(&bytes) {
            prop_assert!(piece.start >= covered && piece.end > piece.start);
            prop_assert!(bytes[covered..piece.start].iter().all(|byte| is_separator(*byte)));
            covered = piece.end;
        }
        prop_assert!(bytes[covered..].iter().all(|byte| is_separator(*byte)));
    }

    #[test]
    fn feeding_a_value_in_parts_changes_nothing(tokens in prop::collection::vec(token(), 0..20), cut in 0usize..200) {
        let bytes = tokens.concat();
        let whole = Balance::default().feed(&bytes, 0);
        let cut = cut.min(bytes.len());
        let mut balance = Balance::default();
        let first = balance.feed(&bytes[..cut], 0);
        let parts = if first == Progress::More {
            match balance.feed(&bytes[cut..], 0) {
                Progress::Done(at) => Progress::Done(at + cut),
                Progress::Broken(at) => Progress::Broken(at + cut),
                Progress::More => Progress::More,
            }
        } else {
            first
        };
        prop_assert_eq!(parts, whole);
    }
}

#[test]
fn a_chunk_of_lines_is_cut_where_a_record_begins() {
    for (text, rest) in [
        ("{\"a\":1}\n{\"b\":2}\n{\"c\":3", "{\"c\":3"),
        ("{\"a\":1}\n{\n  \"b\": 2,\n  \"c\": 3\n", "{\n  \"b\": 2,\n  \"c\": 3\n"),
        ("{\"a\":1}\nI1123 klog line", "I1123 klog line"),
        ("{\"a\":1}\n2026-11-23T11:22:33Z {\"b\"", "2026-11-23T11:22:33Z {\"b\""),
    ] {
        let cut = line_cut(text.as_bytes()).unwrap();
        assert_eq!(&text[cut..], rest);
    }
    assert_eq!(line_cut(b"{\n  \"a\": [\n  1\n  ]"), None);
}

/// Bytes that the framer goes over for all pieces must grow with the input, not with its square:
/// told by what it does to twice the input.
#[test]
fn records_cut_where_the_next_may_begin_do_not_cost_the_square_of_their_number() {
    let beginning = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","x":["#;
    for cut in [r#"{"kind":"Event","a":[{"b":"#, r#"{"a":["#, r#"{"items":["#, beginning] {
        for end in ["\n", ""] {
            let text = format!("{cut}{end}").repeat(40_000);
            let begun = std::time::Instant::now();
            let found = pieces(text.as_bytes());
            assert!(!found.is_empty() && found.last().is_some_and(|last| last.end == text.len()));
            assert!(begun.elapsed().as_secs() < 20, "{cut:?} {end:?}: {:?}", begun.elapsed());
        }
    }
}

#[test]
fn blank_lines_without_end_are_looked_at_once() {
    let text = format!("x\n{}", "\n".repeat(1 << 20));
    assert_eq!(line_cut(text.as_bytes()), None);
}
