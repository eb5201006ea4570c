//! All rules together: loads them, finds candidates in parallel, confirms them in order of time.
//!
//! Read-only once loaded. Rules are numbered in the order of their ids, whatever the order of
//! their files, so that the same rules always give the same numbers.

use crate::{
    error::LoadError,
    eval::{judge, judge_all},
    falco,
    field::Field,
    foreign::Foreign,
    index::{Gate, Index},
    joint::{Feed, Feeds, Graph},
    native,
    read::{Memo, View},
    recall::Met,
    rule::{Language, Rule},
    sigma,
    tally::RuleTally,
    template::Template,
};
use smallvec::SmallVec;
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};
use trailhound_model::{
    action::{Action, Effect, Outcome},
    event::Stage,
    fact::{Candidate, Fact, Noted},
    finding::Severity,
    lookup::{Bodies, History, Reading, Truth},
};

/// The rule files that are part of the program, by id: name, text, text without tests.
const BUILTIN: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtin.rs"));
/// The same for those in the language of Sigma.
const BUILTIN_SIGMA: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/sigma.rs"));

/// What a rule says of an event once the past is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it holds.
    pub truth: Truth,
    /// How bad it is, adjusted.
    pub severity: Severity,
    /// Why the severity is not the rule's own; empty if it is.
    pub severity_reason: String,
}

/// Rule files of a site, as name and text, by language. Their order within a language counts for
/// Falco's, where a later file changes what an earlier one says.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub struct Sources<'a> {
    /// Our own.
    pub native: &'a [(&'a str, &'a str)],
    /// Falco's.
    pub falco: &'a [(&'a str, &'a str)],
    /// Sigma's.
    pub sigma: &'a [(&'a str, &'a str)],
    /// Of the Falco rules that match an event, only the first counts.
    pub falco_first: bool,
}

/// All rules of a run.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    index: Index,
    foreign: Foreign,
    feeds: Feeds,
    notes: Vec<String>,
    /// Of the Falco rules that match an event, only the first counts.
    falco_first: bool,
    /// Tells what a thread remembers of this set from what it remembers of another.
    fingerprint: u64,
}

impl RuleSet {
    /// Loads native rule files, given as name and text. Says everything that is wrong with any of
    /// them.
    pub fn load(files: &[(&str, &str)]) -> Result<RuleSet, Vec<LoadError>> {
        RuleSet::load_of(&[], &[], &Sources { native: files, ..Sources::default() })
    }

    /// Loads rules of all languages, without those that are part of the program.
    pub fn load_all(sources: &Sources<'_>) -> Result<RuleSet, Vec<LoadError>> {
        RuleSet::load_of(&[], &[], sources)
    }

    fn load_of(
        shipped: &[(&str, &str)],
        shipped_sigma: &[(&str, &str)],
        sources: &Sources<'_>,
    ) -> Result<RuleSet, Vec<LoadError>> {
        let shipped_sigma = [shipped_sigma, sources.sigma].concat();
        let others = sources.native;
        let mut rules = Vec::new();
        let mut errors = Vec::new();
        let files = shipped.iter().map(|file| (file, true));
        for ((name, text), shipped) in files.chain(others.iter().map(|file| (file, false))) {
            match native::load_file(name, text, shipped) {
                Ok(rule) => rules.push(rule),
                Err(found) => errors.extend(found),
            }
        }
        match falco::load(sources.falco) {
            Ok(found) => rules.extend(found),
            Err(found) => errors.extend(found),
        }
        let mut notes = Vec::new();
        match sigma::load(&shipped_sigma) {
            Ok(found) => {
                rules.extend(found.rules);
                notes = found.notes;
            }
            Err(found) => errors.extend(found),
        }
        rules.sort_by(|one, other| (&one.id, &one.file).cmp(&(&other.id, &other.file)));
        errors.extend(duplicates(&rules));
        if !errors.is_empty() {
            return Err(errors);
        }
        let feeds = Feeds::of(&rules)?;
        let index = Index::of(&rules);
        let foreign = Foreign::of(&rules);
        let mut hasher = DefaultHasher::new();
        (shipped, &shipped_sigma, sources).hash(&mut hasher);
        let fingerprint = hasher.finish();
        let falco_first = sources.falco_first;
        Ok(RuleSet { rules, index, foreign, feeds, notes, falco_first, fingerprint })
    }

    /// The rules that are part of the program, without their tests.
    pub fn builtin() -> Result<RuleSet, Vec<LoadError>> {
        RuleSet::builtin_with(&Sources::default())
    }

    /// The same, and rules of the site.
    pub fn builtin_with(sources: &Sources<'_>) -> Result<RuleSet, Vec<LoadError>> {
        let lean: Vec<_> = BUILTIN.iter().map(|(name, _, lean)| (*name, *lean)).collect();
        let sigma: Vec<_> = BUILTIN_SIGMA.iter().map(|(name, _, lean)| (*name, *lean)).collect();
        RuleSet::load_of(&lean, &sigma, sources)
    }

    /// Their files, whole, as name and text: for loading together with others, and for their tests.
    pub fn builtin_files() -> Vec<(&'static str, &'static str)> {
        BUILTIN.iter().map(|(name, whole, _)| (*name, *whole)).collect()
    }

    /// The files of those among them that are written in Sigma, whole.
    pub fn builtin_sigma_files() -> Vec<(&'static str, &'static str)> {
        BUILTIN_SIGMA.iter().map(|(name, whole, _)| (*name, *whole)).collect()
    }

    /// What a reader should know of the rules, in sentences: which were left out, and why.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// All rules, by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule with this number.
    pub fn rule(&self, number: u32) -> Option<&Rule> {
        self.rules.get(number as usize)
    }

    /// Number of the rule with this id.
    pub fn number_of(&self, id: &str) -> Option<u32> {
        let at = self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id)).ok()?;
        u32::try_from(at).ok()
    }

    /// Finds the rules that may match, without history, and keeps what they will need: the
    /// candidates themselves, the record as evidence, the body. Settles whether an update changed
    /// anything if a rule asks.
    pub fn candidates(&self, fact: &mut Fact, bodies: &dyn Bodies, tally: &mut RuleTally) {
        if fact.action.outcome == Outcome::Unknown && fact.event.stage != Stage::RequestReceived {
            self.undecide_outcome(fact, tally);
        }
        self.native_candidates(fact, bodies, tally);
        if !self.foreign.is_empty() {
            self.foreign_candidates(fact, bodies, tally);
        }
        if !fact.candidates.is_empty() {
            self.note(fact, bodies);
            fact.exhibit = Some(Box::new(bodies.exhibit()));
        }
    }

    /// Keeps what rules that are made of the candidates will ask for.
    fn note(&self, fact: &mut Fact, bodies: &dyn Bodies) {
        if self.feeds.is_empty() {
            return;
        }
        let memo = Memo::default();
        let view = View::live(fact, &memo, bodies);
        let note = |one: &Candidate| {
            Some(Noted { rule: one.rule, values: self.feeds.note(one.rule, &view)? })
        };
        let noted = fact.candidates.iter().filter_map(note).collect();
        fact.noted = noted;
    }

    /// The rules that are made of the matches of this one, at any remove.
    pub fn feeds(&self, rule: u32) -> &[Feed] {
        self.feeds.from(rule)
    }

    /// The rules that match events by themselves and of which this one is made; itself, if it does.
    pub fn bases(&self, rule: u32) -> impl Iterator<Item = u32> {
        Graph { rules: &self.rules }.bases(rule).into_iter()
    }

    fn native_candidates(&self, fact: &mut Fact, bodies: &dyn Bodies, tally: &mut RuleTally) {
        let gates = self.index.gates(fact.action);
        if gates.is_empty() {
            return;
        }
        let memo = Memo::default();
        let met = tally.met(self.fingerprint, fact, || self.meet(gates, fact));
        let survivors = self.judge_event(&met.left, fact, bodies, &memo);
        if survivors.is_empty() {
            return;
        }
        if survivors.iter().any(|(_, rule, _)| rule.needs_versions) {
            settle_effect(fact, bodies);
        }
        fact.candidates = judge_bodies(&survivors, fact, bodies, &memo, tally);
    }

    /// Rules of other languages that match: they need no past. One that does not match, though the
    /// log could not show all that it asks for, is undecided.
    fn foreign_candidates(&self, fact: &mut Fact, bodies: &dyn Bodies, tally: &mut RuleTally) {
        let mut found: SmallVec<[Candidate; 2]> = SmallVec::new();
        let memo = Memo::default();
        let view = View::live(fact, &memo, bodies);
        let mut quiet = false;
        for number in self.foreign.met(&fact.event) {
            let Some(rule) = self.rule(number) else { continue };
            if quiet && rule.language == Language::Falco {
                continue;
            }
            tally.look_once(number);
            memo.take_doubt();
            let holds = judge_all(&rule.conditions.event, &view) == Truth::True
                && judge_all(&rule.conditions.body, &view) == Truth::True;
            if holds {
                found.push(Candidate { rule: number, truth: Truth::True });
                quiet = self.falco_first && rule.language == Language::Falco;
            } else if memo.take_doubt() {
                tally.undecide(number);
            }
        }
        fact.candidates.extend(found);
    }

    /// A record that does not say what came of it is one that rules on success cannot decide.
    fn undecide_outcome(&self, fact: &Fact, tally: &mut RuleTally) {
        let done = Action { outcome: Outcome::Allowed, ..fact.action };
        for gate in self.index.gates(done).iter().filter(|gate| gate.lets(fact)) {
            let watches = |rule: &Rule| rule.watches.outcomes.contains(&Outcome::Unknown);
            if !self.rule(gate.rule).is_some_and(watches) {
                tally.undecide(gate.rule);
            }
        }
    }

    /// The rules that requests of this kind meet, by the index and by who acts with what.
    fn meet(&self, gates: &[Gate], fact: &Fact) -> Met {
        let memo = Memo::default();
        let view = View::kept(fact, &memo, None);
        let mut met = Met::default();
        for gate in gates.iter().filter(|gate| gate.lets(fact)) {
            let Some(rule) = self.rule(gate.rule) else { continue };
            met.looked.push(gate.rule);
            let truth = judge_all(&rule.conditions.actor, &view);
            if truth != Truth::False {
                met.left.push((*gate, truth));
            }
        }
        met
    }

    fn judge_event(
        &self,
        gates: &[(Gate, Truth)],
        fact: &Fact,
        bodies: &dyn Bodies,
        memo: &Memo,
    ) -> SmallVec<[(Gate, &Rule, Truth); 4]> {
        let view = View::live(fact, memo, bodies);
        let mut survivors = SmallVec::new();
        for (gate, of_actor) in gates {
            let Some(rule) = self.rule(gate.rule) else { continue };
            let truth = of_actor.and(judge_all(&rule.conditions.event, &view));
            if truth != Truth::False {
                survivors.push((*gate, rule, truth));
            }
        }
        survivors
    }

    /// Judges what needs the past, and the severity.
    pub fn confirm(&self, candidate: &Candidate, fact: &Fact, history: &dyn History) -> Verdict {
        let Some(rule) = self.rule(candidate.rule) else { return refused() };
        let memo = Memo::default();
        let view = View::kept(fact, &memo, Some(history));
        let truth = candidate.truth.and(judge_all(&rule.conditions.history, &view));
        let mut verdict =
            Verdict { truth, severity: rule.severity, severity_reason: String::new() };
        if truth == Truth::False {
            return verdict;
        }
        if let Some(found) = rule.adjust.iter().find(|one| judge(&one.when, &view) == Truth::True) {
            verdict.severity = found.severity;
            verdict.severity_reason = found.because.render(fact, history, &BTreeMap::new());
        }
        verdict
    }

    /// Fills a template of a rule. `extra` holds the counts of a correlation.
    pub fn render(
        &self,
        template: &Template,
        fact: &Fact,
        history: &dyn History,
        extra: &BTreeMap<String, String>,
    ) -> String {
        template.render(fact, history, extra)
    }

    /// The values by which a rule's correlation groups events; empty without a correlation. What
    /// the log does not have is the empty text.
    pub fn group_key(&self, rule: u32, fact: &Fact) -> Vec<String> {
        let Some(correlation) = self.rule(rule).and_then(Rule::correlation) else {
            return Vec::new();
        };
        let text = |field| self.field_text(field, fact).unwrap_or_default();
        correlation.group_by.iter().map(text).collect()
    }

    /// The value of a field as text, from what the fact kept. `None` if the log does not have it
    /// or it is empty.
    pub fn field_text(&self, field: &Field, fact: &Fact) -> Option<String> {
        let memo = Memo::default();
        match View::kept(fact, &memo, None).words(field) {
            Reading::Present(text) if !text.is_empty() => Some(text.into_owned()),
            _ => None,
        }
    }
}

/// A candidate of another rule set: nothing can be said of it.
fn refused() -> Verdict {
    Verdict { truth: Truth::False, severity: Severity::Info, severity_reason: String::new() }
}

fn judge_bodies(
    survivors: &[(Gate, &Rule, Truth)],
    fact: &Fact,
    bodies: &dyn Bodies,
    memo: &Memo,
    tally: &mut RuleTally,
) -> SmallVec<[Candidate; 2]> {
    let view = View::live(fact, memo, bodies);
    let mut found = SmallVec::new();
    for (gate, rule, truth) in survivors {
        if !gate.lets_effect(fact.action) {
            continue;
        }
        match truth.and(judge_all(&rule.conditions.body, &view)) {
            Truth::True => found.push(Candidate { rule: gate.rule, truth: Truth::True }),
            Truth::Unknown => tally.undecide(gate.rule),
            Truth::False => {}
        }
    }
    found
}

/// An update that left the resource version as it was changed nothing.
fn settle_effect(fact: &mut Fact, bodies: &dyn Bodies) {
    let updates = matches!(fact.event.verb.as_str(), "update" | "patch");
    if fact.action.effect != Effect::Changed || !updates {
        return;
    }
    if let Reading::Present(body) = bodies.body() {
        fact.action =
            fact.action.with_versions(&body.meta.version_before, &body.meta.version_after);
    }
}

/// Two files with one id: neither can be preferred.
fn duplicates(rules: &[Rule]) -> Vec<LoadError> {
    let pairs = rules.iter().zip(rules.iter().skip(1));
    pairs
        .filter(|(one, other)| one.id == other.id)
        .map(|(one, other)| LoadError {
            file: other.file.clone(),
            what: format!("the id `{}` is taken", other.id),
            hint: format!("{} has it too; ids must differ", one.file),
            ..LoadError::default()
        })
        .collect()
}
