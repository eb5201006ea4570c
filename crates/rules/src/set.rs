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
    read::{Memo, View, asks_of_addresses},
    recall::Met,
    rule::{Language, Rule},
    sigma,
    site::{self, Knowledge, Weighed},
    tally::RuleTally,
    template::Template,
};
use smallvec::SmallVec;
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};
use trailhound_model::{
    action::{Action, Effect, Outcome},
    event::Stage,
    fact::{Candidate, Fact, Noted},
    finding::Severity,
    lookup::{Bodies, History, Reading, Truth},
    site::{SiteEffect, SiteNote},
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
    /// What the site's entries say of it.
    pub site: Vec<SiteNote>,
}

impl Verdict {
    /// The entry by which the site expects or suppresses this.
    pub fn silencer(&self) -> Option<&SiteNote> {
        self.site.iter().find(|note| note.effect.silences())
    }

    /// Takes over what the site makes of it.
    fn weigh(&mut self, weighed: Weighed) {
        if weighed.severity != self.severity {
            let lowers =
                |note: &&SiteNote| !matches!(note.effect, SiteEffect::Kept | SiteEffect::Expired);
            let told = weighed.notes.iter().filter(lowers).map(SiteNote::sentence);
            self.severity_reason = told.collect::<Vec<_>>().join(" ");
        }
        self.severity = weighed.severity;
        self.site = weighed.notes;
    }
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
    /// Matches of Falco rules are told as alerts in its form too.
    pub falco_alerts: bool,
}

/// All rules of a run.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    index: Index,
    foreign: Foreign,
    feeds: Feeds,
    /// Of the Falco rules that match an event, only the first counts.
    falco_first: bool,
    falco_alerts: bool,
    /// What is to be known about rules that were not loaded.
    notes: Vec<String>,
    /// Tells what a thread remembers of this set from what it remembers of another.
    fingerprint: u64,
    knowledge: Option<Arc<Knowledge>>,
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
        let mut notes = Vec::new();
        match falco::load(sources.falco) {
            Ok(found) => {
                rules.extend(found.rules);
                notes.extend(found.notes);
            }
            Err(found) => errors.extend(found),
        }
        match sigma::load(&shipped_sigma) {
            Ok(found) => {
                rules.extend(found.rules);
                notes.extend(found.notes);
            }
            Err(found) => errors.extend(found),
        }
        rules.sort_by(|one, other| (&one.id, &one.file).cmp(&(&other.id, &other.file)));
        errors.extend(duplicates(&rules));
        if !errors.is_empty() {
            return Err(errors);
        }
        let feeds = Feeds::of(&rules)?;
        let mut hasher = DefaultHasher::new();
        (shipped, &shipped_sigma, sources).hash(&mut hasher);
        let mut set = RuleSet {
            rules,
            feeds,
            falco_first: sources.falco_first,
            falco_alerts: sources.falco_alerts,
            notes,
            fingerprint: hasher.finish(),
            ..RuleSet::default()
        };
        set.settle();
        Ok(set)
    }

    /// The same rules, with what the site brings along. Says which rules it names that are not here.
    pub fn with_knowledge(mut self, knowledge: Arc<Knowledge>) -> Result<RuleSet, Vec<LoadError>> {
        let unknown = knowledge.site().unknown_rules(&self.rules);
        if !unknown.is_empty() {
            return Err(unknown);
        }
        self.knowledge = Some(knowledge);
        self.settle();
        Ok(self)
    }

    /// Rules that lack what the site did not bring along need not look at anything.
    fn settle(&mut self) {
        for rule in &mut self.rules {
            rule.missing = site::missing(rule, self.knowledge.as_deref());
        }
        self.index = Index::of(&self.rules);
        self.foreign = Foreign::of(&self.rules);
        let mut hasher = DefaultHasher::new();
        let blind = self.rules.iter().map(|rule| rule.missing);
        (self.fingerprint, blind.collect::<Vec<_>>()).hash(&mut hasher);
        self.fingerprint = hasher.finish();
    }

    /// What the site brought along.
    pub fn knowledge(&self) -> Option<&Knowledge> {
        self.knowledge.as_deref()
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
        let memo = Memo::of(self.knowledge.as_deref());
        if self.knowledge.as_deref().is_some_and(asks_of_addresses) {
            memo.recall(tally.address(self.fingerprint, fact.event.source_ip()));
        }
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
        let mut alerts = Vec::new();
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
                quiet |= self.falco_first && rule.language == Language::Falco;
                if let Some(form) = rule.alert.as_ref().filter(|_| self.falco_alerts) {
                    alerts.push(form.fill(&view));
                }
            } else if memo.take_doubt() {
                tally.undecide(number);
            }
        }
        fact.candidates.extend(found);
        fact.alerts = alerts;
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
        let memo = Memo::of(self.knowledge.as_deref());
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
        let memo = Memo::of(self.knowledge.as_deref());
        let view = View::kept(fact, &memo, Some(history));
        let truth = candidate.truth.and(judge_all(&rule.conditions.history, &view));
        let mut verdict = Verdict { truth, severity: rule.severity, ..refused() };
        if truth == Truth::False {
            return verdict;
        }
        if let Some(found) = rule.adjust.iter().find(|one| judge(&one.when, &view) == Truth::True) {
            verdict.severity = found.severity;
            verdict.severity_reason = self.render(&found.because, fact, history, &BTreeMap::new());
        }
        if let (Truth::True, Some(knowledge)) = (truth, self.knowledge.as_deref()) {
            verdict.weigh(knowledge.site().weigh(&rule.id, verdict.severity, fact, &view));
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
        template.render(fact, history, self.knowledge.as_deref(), extra)
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
        let memo = Memo::of(self.knowledge.as_deref());
        match View::kept(fact, &memo, None).words(field) {
            Reading::Present(text) if !text.is_empty() => Some(text.into_owned()),
            _ => None,
        }
    }
}

/// A candidate of another rule set: nothing can be said of it.
fn refused() -> Verdict {
    Verdict {
        truth: Truth::False,
        severity: Severity::Info,
        severity_reason: String::new(),
        site: Vec::new(),
    }
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
