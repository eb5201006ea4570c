//! `trailhound rules test`: the examples of rules, run through everything that judges a real log.

use super::given;
use crate::{
    exit::{CommandError, Verdict},
    terminal,
};
use std::{fmt::Write as _, path::PathBuf};
use trailhound_pipeline::prove::{Proof, prove};
use trailhound_report::prose;
use trailhound_rules::Rule;

/// Runs the command.
pub(super) fn run(paths: &[PathBuf], verbose: bool) -> Result<Verdict, CommandError> {
    let given = given::load(paths)?;
    let mut text = String::new();
    let (mut examples, mut failed, mut bare) = (0, 0, 0);
    for rule in given.rules.rules().iter().filter(|rule| given.has(rule)) {
        let proofs = prove(&given.rules, rule);
        examples += proofs.len();
        failed += proofs.iter().filter(|proof| !proof.holds()).count();
        if proofs.is_empty() {
            bare += 1;
            let _ = writeln!(text, "no examples  {}", prose(rule.id()));
        }
        for proof in proofs.iter().filter(|proof| verbose || !proof.holds()) {
            show(rule, proof, &mut text);
        }
    }
    let _ = writeln!(text, "{examples} examples, {failed} do not hold; {bare} rules have none");
    terminal::answer(&text)?;
    Ok(if failed > 0 { Verdict::Incidents } else { Verdict::Quiet })
}

fn show(rule: &Rule, proof: &Proof, text: &mut String) {
    let mark = if proof.holds() { "holds       " } else { "DOES NOT    " };
    let wanted = if proof.wanted { "should fire" } else { "should stay silent" };
    let did = if proof.fired { "fired" } else { "stayed silent" };
    let name = prose(&proof.name);
    let _ = writeln!(text, "{mark} {}: {name} ({wanted}, {did})", prose(rule.id()));
    for reason in &proof.unread {
        let _ = writeln!(text, "              an event cannot be read: {}", prose(reason));
    }
    if proof.undecided > 0 && proof.wanted && !proof.fired {
        let _ = writeln!(
            text,
            "              {} events do not carry what the condition asks for: give them `level:` and bodies",
            proof.undecided
        );
    }
    for said in &proof.said {
        let _ = writeln!(text, "              {}", prose(said));
    }
}
