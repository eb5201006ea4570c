//! `docs/detections.md`: what is detected, by which rule, and who else detects it.
//!
//! A claim of coverage that nobody checks is soon wrong, so the page is made from the rules' own
//! `covers:` and from one list of capabilities, and tidy fails when it is not current.

mod capability;
mod covering;
mod page;

use crate::error::{Error, Result};
use crate::workspace::root;
use capability::{Capability, Reach};
use covering::Rule;
use std::path::PathBuf;

/// The list of capabilities.
const LIST: &str = "docs/capabilities.csv";
/// The page.
const PAGE: &str = "docs/detections.md";
/// Whether a capability in reach that no rule covers is a fault.
const STRICT: bool = true;

/// Write docs/detections.md from docs/capabilities.csv and the rules.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Fail if a capability in reach is covered by no rule
    #[arg(long)]
    strict: bool,
}

/// Runs the command; `false` means that the list and the rules do not fit together.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let (capabilities, rules) = read()?;
    let path = place(PAGE);
    std::fs::write(&path, page::write(&capabilities, &rules)).map_err(Error::io("write", &path))?;
    let missing = uncovered(&capabilities, &rules);
    if !missing.is_empty() {
        say!("covered by no rule: {}", missing.join(" "));
    }
    let unknown = unknown(&capabilities, &rules);
    for (path, what) in &unknown {
        say!("{path}: {what}");
    }
    Ok(unknown.is_empty() && (missing.is_empty() || !args.strict))
}

/// What is wrong with the page, the list and the rules: file and fault.
pub(crate) fn faults() -> Result<Vec<(String, String)>> {
    let (capabilities, rules) = read()?;
    let mut found = unknown(&capabilities, &rules);
    let missing = uncovered(&capabilities, &rules);
    if STRICT && !missing.is_empty() {
        let what = format!("in reach, and no rule covers them: {}", missing.join(" "));
        found.push((LIST.to_owned(), what));
    }
    let there = std::fs::read_to_string(place(PAGE)).unwrap_or_default();
    if there != page::write(&capabilities, &rules) {
        let what = "not current; run `cargo xtask detections`".to_owned();
        found.push((PAGE.to_owned(), what));
    }
    Ok(found)
}

fn read() -> Result<(Vec<Capability>, Vec<Rule>)> {
    let path = place(LIST);
    let text = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    Ok((capability::parse(&text)?, covering::rules(&place("rules"))?))
}

fn place(path: &str) -> PathBuf {
    root().join(path)
}

/// Capabilities in reach that no rule covers.
fn uncovered<'a>(capabilities: &'a [Capability], rules: &[Rule]) -> Vec<&'a str> {
    let open =
        |one: &&Capability| one.reach == Reach::In && covering::of(rules, &one.id).is_empty();
    capabilities.iter().filter(open).map(|one| one.id.as_str()).collect()
}

/// Rules that name a capability that is not on the list.
fn unknown(capabilities: &[Capability], rules: &[Rule]) -> Vec<(String, String)> {
    let known = |id: &str| capabilities.iter().any(|one| one.id == id);
    let faults = rules.iter().flat_map(|rule| {
        let strange = rule.covers.iter().filter(|id| !known(id));
        strange.map(|id| (rule.path.clone(), format!("covers {id}, which {LIST} does not have")))
    });
    faults.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "id,title,techniques,level,kind,peers,reach,reason\n";

    fn capabilities(lines: &str) -> Vec<Capability> {
        capability::parse(&format!("{HEAD}{lines}")).unwrap_or_default()
    }

    fn rule(covers: &[&str]) -> Rule {
        Rule {
            id: "found".into(),
            path: "rules/rbac/found.yaml".into(),
            covers: covers.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    #[test]
    fn what_no_rule_covers_is_missed_and_what_is_out_of_reach_is_not() {
        let list = capabilities(
            "IA01,One,T1,Metadata,rule,FAL,in,\nIA02,Two,T1,Metadata,rule,,in,\n\
             IA03,Three,,,rule,ELA,cloud-log,only there\n",
        );
        assert_eq!(uncovered(&list, &[rule(&["IA01"])]), ["IA02"]);
        assert!(unknown(&list, &[rule(&["IA01", "IA03"])]).is_empty());
        assert_eq!(unknown(&list, &[rule(&["IA09"])]).len(), 1);
    }

    #[test]
    fn the_page_names_rule_level_and_peers() {
        let list = capabilities("IA01,One,T1078.001,Request,rule,FAL,in,\n");
        let page = page::write(&list, &[rule(&["IA01"])]);
        assert!(page.contains("[found](../rules/rbac/found.yaml)"), "{page}");
        assert!(page.contains("techniques/T1078/001") && page.contains("Request"), "{page}");
        assert!(page.contains("Falco"), "{page}");
    }

    #[test]
    fn a_line_with_a_field_too_many_or_an_unknown_word_is_refused() {
        for line in [
            "IA01,One,T1",
            "IA01,a,T1,,rule,FAL,in,x,y",
            "IA01,a,T1,,rule,FAL,near,",
            "IA01,a,,,rule,ZZZ,in,",
            "ZZ01,a,,,rule,FAL,in,",
        ] {
            assert!(capability::parse(&format!("{HEAD}{line}\n")).is_err(), "{line}");
        }
    }

    #[test]
    fn the_list_and_the_rules_of_this_repository_fit_together() {
        let (capabilities, rules) = read().unwrap_or_default();
        assert_eq!(capabilities.len(), 131);
        assert_eq!(unknown(&capabilities, &rules), []);
        assert!(rules.len() > 60);
    }
}
