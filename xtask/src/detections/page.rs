//! The page itself: totals, one table per tactic, and the rules that have no match elsewhere.

use super::capability::{Capability, PEERS, Reach, TACTICS};
use super::covering::{self, Rule};
use std::fmt::Write as _;

const HEAD: &str = "\
# What is detected

<!-- Written by `cargo xtask detections` from docs/capabilities.csv and the rules. Do not edit. -->

Everything that we know somebody to detect in Kubernetes audit logs, in one list; which rule of
Trailhound does it; from which audit level on the log shows it; and who else has it. A capability that
a rule claims is proved by that rule's own tests. *Metadata* logs who did what to which object,
*Request* also what was sent, *RequestResponse* also what came of it: see `trailhound rules` for what
each rule needs.

";

/// Writes the page.
pub(super) fn write(capabilities: &[Capability], rules: &[Rule]) -> String {
    let mut out = String::from(HEAD);
    totals(&mut out, capabilities, rules);
    peers(&mut out, capabilities, rules);
    for (letters, tactic) in TACTICS {
        let own: Vec<&Capability> =
            capabilities.iter().filter(|one| one.id.starts_with(letters)).collect();
        if !own.is_empty() {
            table(&mut out, tactic, &own, rules);
        }
    }
    beyond(&mut out, rules);
    out
}

fn is_covered(one: &Capability, rules: &[Rule]) -> bool {
    !covering::of(rules, &one.id).is_empty()
}

fn totals(out: &mut String, capabilities: &[Capability], rules: &[Rule]) {
    let count = |wanted: &dyn Fn(&Capability) -> bool| {
        capabilities.iter().filter(|one| wanted(one)).count()
    };
    let covered = count(&|one| is_covered(one, rules));
    let open = count(&|one| one.reach == Reach::In && !is_covered(one, rules));
    let out_of = |reach| count(&|one| one.reach == reach && !is_covered(one, rules));
    let _ = writeln!(
        out,
        "Of {} capabilities rules cover **{covered}**. Of the others {} come with learning, {} show \
         only in a cloud provider's own log, {} only inside containers, {open} are open.\n",
        capabilities.len(),
        out_of(Reach::Anomaly),
        out_of(Reach::CloudLog),
        out_of(Reach::Runtime),
    );
}

fn peers(out: &mut String, capabilities: &[Capability], rules: &[Rule]) {
    out.push_str("| who | has | of these Trailhound has |\n|---|---:|---:|\n");
    for (code, name, is_catalogue) in PEERS {
        let own: Vec<&Capability> =
            capabilities.iter().filter(|one| one.peers.iter().any(|peer| peer == code)).collect();
        let ours = own.iter().filter(|one| is_covered(one, rules)).count();
        let note = if is_catalogue { " (a catalogue of attacks)" } else { "" };
        let _ = writeln!(out, "| {name}{note} | {} | {ours} |", own.len());
    }
    let ours = capabilities.iter().filter(|one| is_covered(one, rules)).count();
    let _ = writeln!(out, "| **Trailhound** | **{ours}** | |\n");
}

fn table(out: &mut String, tactic: &str, own: &[&Capability], rules: &[Rule]) {
    let _ = writeln!(out, "## {tactic}\n");
    out.push_str("| | capability | rules | ATT&CK | to be logged at | who else |\n");
    out.push_str("|---|---|---|---|---|---|\n");
    for one in own {
        let techniques: Vec<String> = one.techniques.iter().map(|id| technique(id)).collect();
        let level = if one.level.is_empty() { "–" } else { &one.level };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {level} | {} |",
            one.id,
            one.title,
            answer(one, rules),
            techniques.join(" "),
            names(one).join(", "),
        );
    }
    out.push('\n');
}

/// The rules that cover it, else why none does.
fn answer(one: &Capability, rules: &[Rule]) -> String {
    let covering = covering::of(rules, &one.id);
    if covering.is_empty() {
        return match one.reach {
            Reach::In => "*open*".to_owned(),
            _ => format!("– ({})", one.reason),
        };
    }
    let links: Vec<String> = covering.into_iter().map(link).collect();
    links.join(", ")
}

fn link(rule: &Rule) -> String {
    format!("[{}](../{})", rule.id, rule.path)
}

fn technique(id: &str) -> String {
    format!("[{id}](https://attack.mitre.org/techniques/{}/)", id.replace('.', "/"))
}

fn names(one: &Capability) -> Vec<&'static str> {
    let has = |code: &str| one.peers.iter().any(|peer| peer == code);
    PEERS.iter().filter(|(code, ..)| has(code)).map(|(_, name, _)| *name).collect()
}

/// Rules that cover nothing on the list.
fn beyond(out: &mut String, rules: &[Rule]) {
    let own: Vec<String> = rules
        .iter()
        .filter(|rule| rule.covers.is_empty())
        .map(|rule| format!("- {}", link(rule)))
        .collect();
    if !own.is_empty() {
        let _ = writeln!(
            out,
            "## Beyond the list\n\nRules for what nobody on the list detects:\n\n{}",
            own.join("\n")
        );
    }
}
