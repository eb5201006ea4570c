//! Causes against the truth, twice: with all bodies taken away, where the owners that the bodies
//! name are the truth, and against the consequences that the recording's makers noted.
//! `docs/twin.md` says what is counted.

use super::truth::{About, Bodies};
use crate::{
    error::Result,
    recording::{Label, Truth},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};
use trailhound_model::{
    action::{Action, Outcome},
    event::{BodyPresence, Level, Position},
    fact::Fact,
    observed::Surety,
    principal::PrincipalKind,
};
use trailhound_twin::causes::Causes;

/// Least share that is joined, and most that is joined wrongly, in percent.
const LEAST_JOINED: f64 = 90.0;
const MOST_WRONG: f64 = 1.0;

/// Acts of the machinery against one truth.
#[derive(Clone, Debug, Default)]
struct Bar {
    right: u64,
    wrong: u64,
    wrong_and_proved: u64,
    not_joined: u64,
    /// Kinds of acts that are wrong or not joined.
    kinds: BTreeMap<String, [u64; 2]>,
    samples: Vec<String>,
}

impl Bar {
    fn acts(&self) -> u64 {
        self.right + self.wrong + self.not_joined
    }

    fn percent(&self, part: u64) -> f64 {
        100.0 * part as f64 / self.acts().max(1) as f64
    }

    fn is_kept(&self) -> bool {
        self.acts() == 0
            || self.percent(self.right) >= LEAST_JOINED && self.percent(self.wrong) <= MOST_WRONG
    }

    fn take(&mut self, act: &Act, answer: Option<(&str, Surety)>, right: bool) {
        match answer {
            Some(_) if right => {
                self.right += 1;
                return;
            }
            Some((root, surety)) => {
                self.wrong += 1;
                self.wrong_and_proved += u64::from(surety == Surety::Proved);
                if self.samples.len() < 12 {
                    self.samples.push(format!("{} {} -> {root}", act.audit_id, act.what));
                }
            }
            None => self.not_joined += 1,
        }
        let counts = self.kinds.entry(act.what.clone()).or_default();
        counts[usize::from(answer.is_none())] += 1;
    }

    fn print(&self, what: &str, verbose: bool) {
        if self.acts() == 0 {
            say!("  {what}: this recording has no such truth");
            return;
        }
        say!(
            "  {what}: {} acts have a true cause; {} joined right ({:.2} %), {} wrong ({:.2} %), {} not joined ({:.2} %); wrong and called proved: {}{}",
            self.acts(),
            self.right,
            self.percent(self.right),
            self.wrong,
            self.percent(self.wrong),
            self.not_joined,
            self.percent(self.not_joined),
            self.wrong_and_proved,
            if self.is_kept() { "" } else { "  BAR NOT KEPT" },
        );
        if verbose {
            for (kind, [wrong, none]) in &self.kinds {
                say!("    {kind}: {wrong} wrong, {none} not joined");
            }
            for sample in &self.samples {
                say!("    wrong: {sample}");
            }
        }
    }
}

/// An act of the machinery in the order of the log.
struct Act {
    audit_id: String,
    position: Position,
    what: String,
}

/// What the twin made of a recording.
struct Told {
    causes: Causes,
    acts: Vec<Act>,
    outsiders: HashMap<Position, String>,
}

/// Prints the bars; `false` if one was not kept.
pub(super) fn run(dir: &Path, verbose: bool) -> Result<bool> {
    say!("causes: {}", dir.file_name().unwrap_or_default().to_string_lossy());
    let bodies = Bodies::read(dir)?;
    let truth = Truth::read(dir)?;
    let bare = told(dir, true)?;
    let whole = told(dir, false)?;
    let owned = by_owners(&bodies, &bare, false);
    let any = by_owners(&bodies, &bare, true);
    let noted = [by_notes(&truth, &bare), by_notes(&truth, &whole)];
    owned.print("bodies removed, against owner uids (acts on what controllers made)", verbose);
    any.print("bodies removed, against uids (also acts on the outsider's own object)", false);
    noted[0].print("bodies removed, against related.jsonl", verbose);
    noted[1].print("as logged, against related.jsonl", verbose);
    say!(
        "  joined without a truth to compare with (bodies removed): {} of {} acts of control plane and kubelets",
        unverified(&bodies, &bare),
        bare.acts.len(),
    );
    let kept = owned.is_kept() && noted[1].is_kept() && noted[0].is_kept();
    Ok(kept)
}

fn told(dir: &Path, bare: bool) -> Result<Told> {
    let mut told = Told { causes: Causes::default(), acts: Vec::new(), outsiders: HashMap::new() };
    super::feed(dir, &mut |fact| {
        if bare {
            strip(fact);
        }
        told.note(fact);
        told.causes.observe(fact);
    })?;
    Ok(told)
}

/// The fact as the same request would give it at level Metadata.
fn strip(fact: &mut Fact) {
    fact.event.level = Level::Metadata;
    fact.event.bodies = BodyPresence::default();
    fact.observed = None;
    fact.exhibit = None;
    fact.action = Action::of(&fact.event);
}

impl Told {
    fn note(&mut self, fact: &Fact) {
        let event = &fact.event;
        let who = &fact.principal.effective;
        let machinery = fact.principal.real.is_none()
            && matches!(who.kind, PrincipalKind::ControlPlane | PrincipalKind::Node);
        if !machinery {
            self.outsiders.insert(event.position, event.audit_id.to_string());
        } else if fact.action.outcome != Outcome::Denied {
            let who = if who.kind == PrincipalKind::Node { "node" } else { who.short.as_str() };
            let sub = event.subresource();
            let slash = if sub.is_empty() { "" } else { "/" };
            let what = format!("{who}: {} {}{slash}{sub}", event.verb, event.resource());
            self.acts.push(Act {
                audit_id: event.audit_id.to_string(),
                position: event.position,
                what,
            });
        }
    }

    fn root(&self, act: &Act) -> Option<(&str, Surety)> {
        let cause = self.causes.of(act.position)?;
        // A root that is no outsider's act can never be right.
        let id = self.outsiders.get(&cause.root.position).map_or("(none)", String::as_str);
        Some((id, cause.surety))
    }
}

/// The truth is the chain of owners; `own` takes in acts on objects that an outsider made himself.
fn by_owners(bodies: &Bodies, told: &Told, own: bool) -> Bar {
    let made = made_by_outsiders(bodies, told);
    let mut bar = Bar::default();
    for act in &told.acts {
        let Some((about, chain)) = true_chain(bodies, &made, act) else { continue };
        if !own && about.itself && chain.len() == 1 {
            continue;
        }
        let answer = told.root(act);
        let right = answer.is_some_and(|(root, _)| fits(bodies, about, &chain, root));
        bar.take(act, answer, right);
    }
    bar
}

/// Uids of objects that outsiders made in this log.
fn made_by_outsiders<'a>(bodies: &'a Bodies, told: &Told) -> HashSet<&'a str> {
    let records = told.outsiders.values().filter_map(|id| bodies.records.get(id));
    records.filter(|about| about.creates).map(|about| about.uid.as_str()).collect()
}

fn true_chain<'a>(
    bodies: &'a Bodies,
    made: &HashSet<&str>,
    act: &Act,
) -> Option<(&'a About, Vec<&'a str>)> {
    let about = bodies.records.get(&act.audit_id).filter(|about| !about.uid.is_empty())?;
    let chain = bodies.chain(&about.uid);
    chain.last().is_some_and(|top| made.contains(top)).then_some((about, chain))
}

/// Whether the root is an act on one of the chain, or on all of a kind or namespace around it.
fn fits(bodies: &Bodies, about: &About, chain: &[&str], root: &str) -> bool {
    let Some(root) = bodies.records.get(root) else { return false };
    let same_namespace = root.namespace == about.namespace;
    chain.contains(&root.uid.as_str())
        || root.resource == "namespaces" && root.name == about.namespace
        || root.many && same_namespace
}

/// The truth is the instance of an attack to which the consequence belongs.
fn by_notes(truth: &Truth, told: &Told) -> Bar {
    let mut bar = Bar::default();
    for act in &told.acts {
        let Some(note) = truth.related.get(&act.audit_id) else { continue };
        if note.kind != "consequence" || note.instance.is_none() {
            continue;
        }
        let answer = told.root(act);
        let of = |root: &str| truth.labels.get(root).or_else(|| truth.related.get(root));
        let same = |label: &Label| label.instance == note.instance;
        bar.take(act, answer, answer.and_then(|(root, _)| of(root)).is_some_and(same));
    }
    bar
}

fn unverified(bodies: &Bodies, told: &Told) -> usize {
    let made = made_by_outsiders(bodies, told);
    let no_truth = told.acts.iter().filter(|act| true_chain(bodies, &made, act).is_none());
    no_truth.filter(|act| told.root(act).is_some()).count()
}
