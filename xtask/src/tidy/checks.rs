//! The rules of the house for single files. Each finding says how to mend it, because a rule that
//! only forbids is worked around.

use super::Violation;
use super::source::{Function, blanked, functions, without_tests};
use std::path::Path;

const MOST_LINES: usize = 1000;
const MOST_FUNCTION_LINES: usize = 150;
const MOST_MAIN_LINES: usize = 60;

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[
    // ("path", "a flat table of one line per entry")
];

/// Checks one text file.
pub(super) fn check(path: &str, text: &str, found: &mut Vec<Violation>) {
    everywhere(path, text, found);
    let end = Path::new(path).extension().and_then(|end| end.to_str());
    if end == Some("rs") {
        rust(path, text, found);
    }
    if path.starts_with("rules/") && matches!(end, Some("yaml" | "yml")) {
        rule(path, text, found);
    }
    name(path, found);
}

fn name(path: &str, found: &mut Vec<Violation>) {
    const VAGUE: [&str; 6] = ["common", "util", "utils", "helper", "helpers", "misc"];
    // Cargo itself asks for `tests/common/mod.rs`.
    if path.contains("/tests/") {
        return;
    }
    let parts = path.trim_end_matches(".rs").split('/');
    if let Some(part) = parts.into_iter().find(|part| VAGUE.contains(part)) {
        let what = format!("`{part}` says nothing about its contents; name it after what it holds");
        found.push(Violation::new(path, 1, what));
    }
}

/// Traces of the machine or the tools that the text was written with. Written in pieces, so that
/// this file does not match itself.
fn traces() -> Vec<String> {
    let pieces = [
        ["/wo", "rk/"],
        ["/tmp/", "t-"],
        ["/tmp/", "c/"],
        ["/tmp/", "brief"],
        ["/tmp/", "bash_jobs"],
        ["Clau", "de"],
        ["Anthro", "pic"],
        ["Chat", "GPT"],
        ["Co-Authored", "-By"],
        ["as an A", "I "],
        ["sub", "agent"],
    ];
    pieces.iter().map(|parts| parts.concat()).collect()
}

fn everywhere(path: &str, text: &str, found: &mut Vec<Violation>) {
    let traces = traces();
    let marks = [["FIX", "ME"].concat(), ["XX", "X"].concat()];
    for (index, line) in text.lines().enumerate() {
        if let Some(trace) = traces.iter().find(|trace| line.contains(trace.as_str())) {
            let what =
                format!("`{trace}` belongs to one machine or tool; describe it in general words");
            found.push(Violation::new(path, index + 1, what));
        }
        for mark in marks.iter().filter(|mark| has_word(line, mark)) {
            let what = format!("`{mark}`: mend it now, or say in the text what is missing and why");
            found.push(Violation::new(path, index + 1, what));
        }
    }
}

fn has_word(line: &str, word: &str) -> bool {
    let outside = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        outside(line.get(..at).and_then(|before| before.chars().next_back()))
            && outside(line.get(at + word.len()..).and_then(|after| after.chars().next()))
    })
}

fn rust(path: &str, text: &str, found: &mut Vec<Violation>) {
    if !text.trim_start_matches('\u{feff}').starts_with("//!") {
        found.push(Violation::new(
            path,
            1,
            "does not open with `//!`; say why this file is as it is",
        ));
    }
    lengths(path, text, found);
    let code = blanked(text);
    forbidden(path, &code, &EVERYWHERE, found);
    if !path.contains("/tests/") {
        statics(path, &without_tests(&code), found);
    }
    if is_product(path) {
        forbidden(path, &without_tests(&code), &IN_PRODUCT, found);
    }
}

fn is_product(path: &str) -> bool {
    let test_only = ["/tests/", "/benches/", "/examples/"].iter().any(|part| path.contains(part));
    path.starts_with("crates/") && !test_only && !path.ends_with("/tests.rs")
}

fn lengths(path: &str, text: &str, found: &mut Vec<Violation>) {
    let lines = text.lines().count();
    if lines > MOST_LINES && !LONG_FILES.iter().any(|(long, _)| *long == path) {
        let what =
            format!("{lines} lines, at most {MOST_LINES}; split it by what changes together");
        found.push(Violation::new(path, 1, what));
    }
    if path == "crates/cli/src/main.rs" && lines > MOST_MAIN_LINES {
        let what = format!("{lines} lines, at most {MOST_MAIN_LINES}; `main.rs` is one sentence");
        found.push(Violation::new(path, 1, what));
    }
    for Function { name, line, lines } in functions(&blanked(text)) {
        if lines > MOST_FUNCTION_LINES && !is_excused(text, line) {
            let what = format!(
                "`{name}` has {lines} lines, at most {MOST_FUNCTION_LINES}; give its steps names"
            );
            found.push(Violation::new(path, line, what));
        }
    }
}

/// Whether the function carries `#[expect(clippy::too_many_lines, reason = "a table")]`: a flat
/// table is no logic, and the reason stands where it is read.
fn is_excused(text: &str, line: usize) -> bool {
    const ABOVE: usize = 4;
    let above = text.lines().take(line).skip(line.saturating_sub(ABOVE));
    let attributes: Vec<&str> = above.collect();
    let attributes = attributes.join(" ");
    attributes.contains("clippy::too_many_lines") && attributes.contains("reason")
}

/// What, and how to mend it.
type Rule = (&'static str, &'static str);

const EVERYWHERE: [Rule; 5] = [
    ("todo!(", "finish it"),
    ("unimplemented!(", "finish it"),
    ("dbg!(", "take it out"),
    ("#[ignore", "assert what happens today, or take the test out"),
    ("static mut ", "pass the state to those who need it"),
];

const IN_PRODUCT: [Rule; 4] = [
    (".unwrap()", "handle it; input can reach it"),
    (".expect(\"", "handle it; input can reach it"),
    ("panic!(", "return an error; input can reach it"),
    ("std::process::exit(", "return an exit code"),
];

fn forbidden(path: &str, code: &str, rules: &[Rule], found: &mut Vec<Violation>) {
    for (index, line) in code.lines().enumerate() {
        // A parser's own `expect` returns an error; clippy knows the types and denies the rest.
        let line = line.replace("self.expect(", "");
        let hit = |what: &str| line.contains(what);
        for (what, mend) in rules.iter().filter(|(what, _)| hit(what)) {
            found.push(Violation::new(path, index + 1, format!("`{what}`: {mend}")));
        }
    }
}

/// Global state that can change, also behind a cell.
fn statics(path: &str, code: &str, found: &mut Vec<Violation>) {
    const CELLS: [&str; 8] =
        ["LazyLock", "OnceLock", "OnceCell", "LazyCell", "Mutex", "RwLock", "Atomic", "RefCell"];
    for (index, line) in code.lines().enumerate() {
        let start = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        let global = start.starts_with("static ") && CELLS.iter().any(|cell| line.contains(cell));
        if global || start.starts_with("thread_local!") || start.starts_with("lazy_static!") {
            let what = "global state; pass it to those who need it";
            found.push(Violation::new(path, index + 1, what));
        }
    }
}

fn rule(path: &str, text: &str, found: &mut Vec<Violation>) {
    for (word, what) in [("true", "fires"), ("false", "does not fire")] {
        let there = text.lines().any(|line| {
            let after = line.split_once("fires:").map(|(_, after)| after.trim_start());
            after.is_some_and(|after| after.starts_with(word))
        });
        if !there {
            let what = format!("no test in which the rule {what}; add one under `tests:`");
            found.push(Violation::new(path, 1, what));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        check(path, text, &mut found);
        found.into_iter().map(|one| format!("{}: {}", one.line, one.what)).collect()
    }

    fn finds(path: &str, text: &str, what: &str) -> bool {
        found(path, text).iter().any(|one| one.contains(what))
    }

    #[test]
    fn a_good_file_is_quiet() {
        assert!(found("crates/x/src/a.rs", "//! Why.\n\nfn a() {}\n").is_empty());
    }

    #[test]
    fn each_rule_bites() {
        let with = |code: &str| format!("//! Why.\n{code}\n");
        let path = "crates/x/src/a.rs";
        assert!(finds(path, "fn a() {}\n", "does not open"));
        for code in [
            "fn a() { todo!() }",
            "fn a() { dbg!(1); }",
            "#[ignore = \"x\"]",
            "static mut A: u8 = 0;",
        ] {
            assert!(!found(path, &with(code)).is_empty(), "{code}");
        }
        for code in
            ["fn a() { x.unwrap(); }", "fn a() { x.expect(\"y\"); }", "fn a() { panic!(\"y\") }"]
        {
            assert!(finds(path, &with(code), "input can reach it"), "{code}");
        }
        for code in
            ["static A: Mutex<u8> = Mutex::new(0);", "pub(crate) static A: LazyLock<u8> = f();"]
        {
            assert!(finds(path, &with(code), "global state"), "{code}");
        }
        assert!(finds("crates/x/src/utils.rs", &with(""), "says nothing"));
        assert!(finds(
            path,
            &with(&format!("// {}: later", ["FIX", "ME"].concat())),
            "mend it now"
        ));
        assert!(finds("docs/a.md", &["see /wo", "rk/x"].concat(), "one machine"));
    }

    #[test]
    fn tests_may_unwrap_and_words_in_strings_are_no_code() {
        let text = "//! Why.\nfn a() -> &'static str { \"todo!( .unwrap()\" }\n#[cfg(test)]\nmod tests \
                    {\n    fn b() { x.unwrap(); }\n}\n";
        assert!(
            found("crates/x/src/a.rs", text).is_empty(),
            "{:?}",
            found("crates/x/src/a.rs", text)
        );
        let fixture = "//! Why.\nstatic A: LazyLock<u8> = f();\nfn a() { x.unwrap() }\n";
        assert!(found("crates/x/tests/a.rs", fixture).is_empty());
    }

    #[test]
    fn lengths_are_counted() {
        let long =
            format!("//! Why.\nfn long() {{\n{}}}\n", "    x();\n".repeat(MOST_FUNCTION_LINES));
        assert!(finds("crates/x/src/a.rs", &long, "`long` has 152 lines"));
        let excused = long
            .replace("fn long", "#[expect(clippy::too_many_lines, reason = \"a table\")]\nfn long");
        assert!(found("crates/x/src/a.rs", &excused).is_empty());
        let file = format!("//! Why.\n{}", "// x\n".repeat(MOST_LINES));
        assert!(finds("crates/x/src/a.rs", &file, "1001 lines"));
        let main = format!("//! Why.\n{}", "// x\n".repeat(MOST_MAIN_LINES));
        assert!(finds("crates/cli/src/main.rs", &main, "one sentence"));
    }

    #[test]
    fn a_rule_needs_both_kinds_of_tests() {
        let both = "tests:\n  - name: a\n    fires: true\n  - {name: b, fires: false}\n";
        assert!(found("rules/rbac/a.yaml", both).is_empty());
        assert!(finds("rules/rbac/a.yaml", "tests:\n  - fires: true\n", "does not fire"));
        assert!(finds("rules/rbac/a.yaml", "id: a\n", "the rule fires"));
    }
}
