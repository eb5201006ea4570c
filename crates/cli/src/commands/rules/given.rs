//! Rule files of any language: which language a file is in is told by what is in it, so that nobody
//! has to say.

use crate::{commands::rule_files, exit::CommandError};
use std::{path::PathBuf, sync::Arc};
use trailhound_rules::{Language, Rule, RuleSet, Sources};

/// The shipped rules with their examples, and those of given files.
pub(super) struct Given {
    pub(super) rules: Arc<RuleSet>,
    files: Vec<String>,
}

impl Given {
    /// Whether a rule is of the given files; all are, if none was given.
    pub(super) fn has(&self, rule: &Rule) -> bool {
        self.files.is_empty() || self.files.iter().any(|file| file == rule.file())
    }
}

type File = (String, String);

/// Loads them.
pub(super) fn load(paths: &[PathBuf]) -> Result<Given, CommandError> {
    let files = rule_files::read_in_order(paths)?;
    let names = files.iter().map(|(name, _)| name.clone()).collect();
    let of = |language: Language| -> Vec<&File> {
        files.iter().filter(|(_, text)| language_of(text) == language).collect()
    };
    let native: Vec<_> =
        RuleSet::builtin_files().into_iter().chain(borrowed(of(Language::Native))).collect();
    let falco: Vec<_> = borrowed(of(Language::Falco)).collect();
    let sigma: Vec<_> = borrowed(of(Language::Sigma)).collect();
    let sources = Sources { native: &native, falco: &falco, sigma: &sigma, ..Sources::default() };
    let rules = RuleSet::load_all(&sources)
        .map_err(|errors| CommandError::Rules(errors.iter().map(ToString::to_string).collect()))?;
    Ok(Given { rules: Arc::new(rules), files: names })
}

fn borrowed(files: Vec<&File>) -> impl Iterator<Item = (&str, &str)> {
    files.into_iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

/// Falco's files are lists; Sigma's have a `detection:`, `correlation:` or `filter:` block.
pub(super) fn language_of(text: &str) -> Language {
    let says = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with(['#', '%']) && line != "---"
    };
    let text = text.trim_start_matches('\u{feff}');
    // Only the first line tells: lists below a key need no indentation either.
    if text.lines().find(says).is_some_and(|line| line.trim_start().starts_with('-')) {
        return Language::Falco;
    }
    let mut sigma = false;
    for line in text.lines() {
        if line.starts_with("on:") || line.starts_with("family:") {
            return Language::Native;
        }
        sigma |= ["detection:", "correlation:", "filter:", "logsource:"]
            .iter()
            .any(|key| line.starts_with(key));
    }
    if sigma { Language::Sigma } else { Language::Native }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_told_by_the_contents() {
        let cases = [
            (
                "id: x\non:\n  actions: [pod.exec]\ncorrelation:\n  type: event_count\n",
                Language::Native,
            ),
            ("# a comment\n- macro: kevt\n  condition: ka.verb=get\n", Language::Falco),
            ("title: X\nlogsource:\n  product: kubernetes\ndetection:\n  a: 1\n", Language::Sigma),
            ("title: X\ncorrelation:\n  type: event_count\n  rules:\n    - a\n", Language::Sigma),
            ("", Language::Native),
            ("title: X\ntags:\n- attack.t1609\ndetection:\n  a: 1\n", Language::Sigma),
            ("id: x\ntechniques:\n- T1609\non:\n  actions: [pod.exec]\n", Language::Native),
            ("---\n\n  - rule: r\n", Language::Falco),
        ];
        for (text, language) in cases {
            assert_eq!(language_of(text), language, "{text}");
        }
    }
}
