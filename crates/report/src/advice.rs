//! Splits a sentence of a rule into words and commands. Rules write commands in backquotes; a
//! reader wants to copy them whole, so every format shows them apart from the prose around them.

/// A part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Words.
    Text(String),
    /// A name or path to be set in a fixed-width face, within the sentence.
    Code(String),
    /// Something to copy and run, on a line of its own.
    Command(String),
}

/// The parts of a sentence, all code within the line.
pub(crate) fn inline(sentence: &str) -> Vec<Part> {
    split(sentence, |_| false)
}

/// The parts of a next step: whatever starts like a shell command stands alone.
pub(crate) fn step(sentence: &str) -> Vec<Part> {
    let mut parts = split(sentence, is_command);
    for index in 1..parts.len() {
        let after_command = matches!(parts.get(index - 1), Some(Part::Command(_)));
        if let (true, Some(Part::Text(text))) = (after_command, parts.get_mut(index)) {
            *text = text.trim_start_matches(['.', ',', ';', ' ']).to_owned();
        }
    }
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    parts
}

/// An odd backquote is just a character.
fn split(sentence: &str, stands_alone: impl Fn(&str) -> bool) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = sentence;
    while let Some((before, code, after)) = next_code(rest) {
        push_text(&mut parts, before);
        let code = code.to_owned();
        parts.push(if stands_alone(&code) { Part::Command(code) } else { Part::Code(code) });
        rest = after;
    }
    push_text(&mut parts, rest);
    parts
}

fn next_code(text: &str) -> Option<(&str, &str, &str)> {
    let (before, tail) = text.split_once('`')?;
    let (code, after) = tail.split_once('`')?;
    (!code.is_empty()).then_some((before, code, after))
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

/// Whether this starts like a shell command.
pub(crate) fn is_command(code: &str) -> bool {
    const PROGRAMS: [&str; 12] = [
        "kubectl",
        "trailhound",
        "aws",
        "gcloud",
        "az",
        "oc",
        "helm",
        "crictl",
        "ctr",
        "ssh",
        "jq",
        "openssl",
    ];
    code.split_once(' ').is_some_and(|(program, _)| PROGRAMS.contains(&program))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    #[test]
    fn a_command_stands_alone_and_takes_its_full_stop_along() {
        assert_eq!(
            step("Delete pod `a`: `kubectl -n shop delete pod a`. Then wait."),
            [
                text("Delete pod "),
                Part::Code("a".into()),
                text(": "),
                Part::Command("kubectl -n shop delete pod a".into()),
                text("Then wait."),
            ]
        );
        assert_eq!(step("Run `kubectl get x`.").len(), 2);
    }

    #[test]
    fn an_odd_backquote_is_a_character() {
        assert_eq!(inline("it`s"), [text("it`s")]);
        assert_eq!(inline("``"), [text("``")]);
        assert_eq!(inline("`kubectl get x`"), [Part::Code("kubectl get x".into())]);
    }
}
