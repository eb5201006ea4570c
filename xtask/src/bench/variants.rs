//! Ten times the rules: each shipped rule and nine variants of it with other literals and
//! thresholds, as files that `scan --rules` reads. Variants must load, must not be equal to their
//! rule, and must be as hard to judge: so only ends of literals and numbers of thresholds change.

use crate::error::{Error, Result};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Variants of each rule.
const VARIANTS: u32 = 9;

/// Writes the variants of all rules below `rules` into `out`; how many.
pub(super) fn write(rules: &Path, out: &Path) -> Result<usize> {
    let mut files = Vec::new();
    collect(rules, &mut files)?;
    for file in &files {
        let text = fs::read_to_string(file).map_err(Error::io("read", file))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for number in 1..=VARIANTS {
            let path = out.join(format!("{stem}-{number}.yaml"));
            fs::write(&path, variant(&text, number)).map_err(Error::io("write", &path))?;
        }
    }
    Ok(files.len())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

/// One variant: another id, literals of the condition with another end, other thresholds. A condition
/// without a free literal is asked of another namespace instead.
fn variant(text: &str, number: u32) -> String {
    let (mut key, mut out, mut when) = (String::new(), String::new(), String::new());
    for line in text.split_inclusive('\n') {
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            line.split(':').next().unwrap_or_default().clone_into(&mut key);
        }
        match key.as_str() {
            "tests" => {}
            "id" => {
                out.push_str(line.trim_end());
                let _ = writeln!(out, "-{number}");
            }
            "when" => when.push_str(line.trim_start_matches("when: |\n")),
            "correlation" => out.push_str(&thresholds(line, number)),
            _ => out.push_str(line),
        }
    }
    let _ = writeln!(out, "when: |\n  {}", condition(when.trim(), number));
    out
}

fn condition(when: &str, number: u32) -> String {
    let place = format!("target.namespace == \"team-{number}\"");
    let when = when.strip_prefix("when: ").unwrap_or(when);
    if when.is_empty() {
        return place;
    }
    let change = |line: &str| {
        let closed = CLOSED.iter().any(|word| line.contains(word));
        if closed { line.to_owned() } else { literals(line, number) }
    };
    let changed = when.lines().map(change).collect::<Vec<_>>().join("\n");
    if changed == when { format!("({when}) && {place}") } else { changed }
}

/// Places where only words of the rule language may stand, expressions, and what a rule leaves out:
/// a variant that leaves out something else would fire on all that its rule spares.
const CLOSED: [&str; 9] = [
    ".kind",
    "outcome",
    "effect",
    ".matches(",
    ".severity",
    "event.stage",
    "event.level",
    "!",
    "workload.standard",
];

/// Literals get another end.
fn literals(line: &str, number: u32) -> String {
    let parts: Vec<&str> = line.split('"').collect();
    let change = |(at, part): (usize, &&str)| {
        let free = part.len() >= 3 && !part.contains(['\\', '(', '[', '$', '{']);
        if at % 2 == 1 && free { format!("{part}{number}") } else { (*part).to_owned() }
    };
    parts.iter().enumerate().map(change).collect::<Vec<_>>().join("\"")
}

fn thresholds(line: &str, number: u32) -> String {
    let Some((head, rest)) = line.split_once("gte: ") else { return line.to_owned() };
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (value, tail) = rest.split_at(digits);
    let value = value.parse::<u32>().map_or(0, |value| value + number);
    format!("{head}gte: {value}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_has_another_id_other_literals_and_thresholds_and_no_tests() {
        let text = "id: a\nwhen: |\n  x == \"a/b\" && y == \"pods\"\ncorrelation:\n  \
                    condition: {gte: 20, field: z}\nwhy: w\ntests:\n  - name: t\n";
        assert_eq!(
            variant(text, 3),
            "id: a-3\ncorrelation:\n  condition: {gte: 23, field: z}\nwhy: w\nwhen: |\n  \
             x == \"a/b3\" && y == \"pods3\"\n"
        );
    }

    #[test]
    fn what_has_no_literal_of_its_own_is_asked_of_another_namespace() {
        let place = "target.namespace == \"team-2\"";
        assert_eq!(variant("id: a\nwhy: w\n", 2), format!("id: a-2\nwhy: w\nwhen: |\n  {place}\n"));
        assert_eq!(
            variant("id: a\nwhen: |\n  a || !b\n", 2),
            format!("id: a-2\nwhen: |\n  (a || !b) && {place}\n")
        );
    }
}
