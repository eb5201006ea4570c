//! Rules that are made of the matches of other rules: counts over several rules, and sequences.
//!
//! Only definitions are here, windows are state and live in `detect`. The values that such a rule
//! groups and counts by are read when one of its parts matches, while the record is at hand, and
//! kept as short texts with the fact; so a rule may group by what stands in a body that is long gone
//! when the sequence is complete.

use crate::{ask::Operand, error::LoadError, field::Field, read::View, rule::Rule};
use std::collections::{BTreeMap, BTreeSet};
use trailhound_model::{Str, lookup::Reading};

/// What is asked of the matches in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JointKind {
    /// How many.
    EventCount,
    /// How many distinct values.
    ValueCount,
    /// The sum of a number.
    ValueSum,
    /// The average of a number.
    ValueAverage,
    /// The n-th percentile of a number.
    Percentile(u8),
    /// The share of the value at hand among all values, in percent.
    Share,
    /// How many of the parts matched, in any order.
    Temporal,
    /// How many of the parts matched one after the other.
    Ordered,
}

impl JointKind {
    /// Whether it is about which parts matched, not how often.
    pub fn is_temporal(self) -> bool {
        matches!(self, JointKind::Temporal | JointKind::Ordered)
    }

    /// Whether it needs numbers.
    pub fn is_numeric(self) -> bool {
        matches!(self, JointKind::ValueSum | JointKind::ValueAverage | JointKind::Percentile(_))
    }
}

/// Bounds that a measure must keep to; all that are given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// More than.
    pub gt: Option<f64>,
    /// At least.
    pub gte: Option<f64>,
    /// Less than.
    pub lt: Option<f64>,
    /// At most.
    pub lte: Option<f64>,
    /// Exactly.
    pub eq: Option<f64>,
    /// Anything but.
    pub neq: Option<f64>,
}

impl Bounds {
    /// At least this.
    pub fn at_least(least: f64) -> Bounds {
        Bounds { gte: Some(least), ..Bounds::default() }
    }

    /// Whether a measure satisfies them.
    #[expect(clippy::float_cmp, reason = "what is asked for is equality as it is written")]
    pub fn hold(&self, measure: f64) -> bool {
        self.gt.is_none_or(|bound| measure > bound)
            && self.gte.is_none_or(|bound| measure >= bound)
            && self.lt.is_none_or(|bound| measure < bound)
            && self.lte.is_none_or(|bound| measure <= bound)
            && self.eq.is_none_or(|bound| measure == bound)
            && self.neq.is_none_or(|bound| measure != bound)
    }
}

/// A value that is kept of a match.
#[derive(Clone, Debug)]
pub enum Noting {
    /// A field of native rules.
    Field(Field),
    /// A place in the event.
    Operand(Operand),
}

impl Noting {
    /// Whether it keeps the same. Operands hold prepared searches, which are told apart only by how
    /// they were written.
    fn is_same(&self, other: &Noting) -> bool {
        match (self, other) {
            (Noting::Field(one), Noting::Field(other)) => one == other,
            (one, other) => format!("{one:?}") == format!("{other:?}"),
        }
    }

    /// The value as one short text; empty if there is none.
    fn read(&self, view: &View<'_>) -> Str {
        match self {
            Noting::Field(field) => match view.words(field) {
                Reading::Present(text) => short(text.chars()),
                _ => Str::default(),
            },
            Noting::Operand(operand) => short(operand.read(view).texts.join(", ").chars()),
        }
    }
}

/// Characters of a value that are kept.
const MOST_TEXT: usize = 200;

fn short(chars: std::str::Chars<'_>) -> Str {
    chars.take(MOST_TEXT).collect::<String>().into()
}

/// A rule whose matches count, and what is kept of them.
#[derive(Clone, Debug)]
pub struct JointPart {
    /// Id of the rule.
    pub rule: String,
    /// Matches with equal values here belong together.
    pub group: Vec<Noting>,
    /// What is counted.
    pub values: Vec<Noting>,
}

/// A rule made of the matches of others.
#[derive(Clone, Debug)]
pub struct Joint {
    /// What is asked.
    pub kind: JointKind,
    /// The others, in order.
    pub parts: Vec<JointPart>,
    /// Length of the window.
    pub timespan_micros: i64,
    /// When it fires.
    pub bounds: Bounds,
}

/// Most matches that one window counts.
pub const MOST_MATCHES: usize = 2_000;
/// Most parts of one rule.
pub const MOST_PARTS: usize = 16;
/// Longest chain of rules made of rules.
pub(crate) const MOST_RANKS: u32 = 8;

/// Where a match of a rule goes to, and which of its kept values matter there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Number of the rule that is made of matches.
    pub joint: u32,
    /// How many rules made of rules lie below it.
    pub rank: u32,
    /// Number of the part that matched.
    pub from: u32,
    /// Its place among the parts.
    pub part: usize,
    group: Vec<usize>,
    values: Vec<usize>,
}

impl Feed {
    /// The values by which the match is grouped; `None` if one of them is not there, because what
    /// has no name has nothing in common either.
    pub fn group(&self, kept: &[Str]) -> Option<Vec<String>> {
        let value = |at: &usize| kept.get(*at).filter(|text| !text.is_empty()).map(Str::to_string);
        self.group.iter().map(value).collect()
    }

    /// The value that is counted.
    pub fn value(&self, kept: &[Str]) -> String {
        let texts: Vec<&str> =
            self.values.iter().filter_map(|at| kept.get(*at)).map(Str::as_str).collect();
        texts.join("\u{1f}")
    }
}

/// What is kept of the matches of one rule, and where they go.
#[derive(Clone, Debug, Default)]
struct Base {
    notings: Vec<Noting>,
    feeds: Vec<Feed>,
}

/// All of it, by the number of the rule that matches events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feeds {
    bases: BTreeMap<u32, Base>,
}

impl Feeds {
    /// Works out the way of every match. Rules are given in the order of their numbers, by id.
    pub(crate) fn of(rules: &[Rule]) -> Result<Feeds, Vec<LoadError>> {
        let graph = Graph { rules };
        let mut feeds = Feeds::default();
        let mut errors = Vec::new();
        for (rule, number) in rules.iter().zip(0_u32..) {
            let Some(joint) = &rule.joint else { continue };
            match graph.rank(number, 0) {
                Ok(rank) => feeds.add(&graph, number, rank, joint),
                Err((what, hint)) => errors.push(LoadError {
                    file: rule.file.clone(),
                    what: format!("the correlation `{}` {what}", rule.title),
                    hint,
                    ..LoadError::default()
                }),
            }
        }
        if errors.is_empty() { Ok(feeds) } else { Err(errors) }
    }

    fn add(&mut self, graph: &Graph<'_>, joint_number: u32, rank: u32, joint: &Joint) {
        for (place, part) in joint.parts.iter().enumerate() {
            let Some(from) = graph.number(&part.rule) else { continue };
            for base in graph.bases(from) {
                let base = self.bases.entry(base).or_default();
                let mut keep = |wanted: &[Noting]| -> Vec<usize> {
                    wanted.iter().map(|one| base.keep(one)).collect()
                };
                let (group, values) = (keep(&part.group), keep(&part.values));
                base.feeds.push(Feed {
                    joint: joint_number,
                    rank,
                    from,
                    part: place,
                    group,
                    values,
                });
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bases.is_empty()
    }

    /// Where the matches of a rule go.
    pub(crate) fn from(&self, base: u32) -> &[Feed] {
        self.bases.get(&base).map_or(&[], |base| &base.feeds)
    }

    /// What is kept of a match.
    pub(crate) fn note(&self, base: u32, view: &View<'_>) -> Option<Vec<Str>> {
        let base = self.bases.get(&base)?;
        Some(base.notings.iter().map(|noting| noting.read(view)).collect())
    }
}

impl Base {
    fn keep(&mut self, noting: &Noting) -> usize {
        if let Some(at) = self.notings.iter().position(|known| known.is_same(noting)) {
            return at;
        }
        self.notings.push(noting.clone());
        self.notings.len() - 1
    }
}

/// Which rule is made of which.
pub(crate) struct Graph<'a> {
    pub(crate) rules: &'a [Rule],
}

impl Graph<'_> {
    fn number(&self, id: &str) -> Option<u32> {
        let at = self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id)).ok()?;
        u32::try_from(at).ok()
    }

    fn joint(&self, number: u32) -> Option<&Joint> {
        self.rules.get(number as usize)?.joint.as_ref()
    }

    fn rank(&self, number: u32, depth: u32) -> Result<u32, (String, String)> {
        let Some(joint) = self.joint(number) else { return Ok(0) };
        if depth > MOST_RANKS {
            let hint = "a correlation may not be part of itself".to_owned();
            return Err(("goes round in a circle, or is more than 8 deep".to_owned(), hint));
        }
        let mut highest = 0;
        for part in &joint.parts {
            let Some(part) = self.number(&part.rule) else {
                let known = self.rules.iter().map(|rule| rule.id.as_str());
                let hint = crate::error::nearest(&part.rule, known)
                    .map(|meant| format!("did you mean `{meant}`?"));
                let what = format!("names the rule `{}`, which is not there", part.rule);
                return Err((what, hint.unwrap_or_default()));
            };
            highest = highest.max(self.rank(part, depth + 1)?);
        }
        Ok(highest + 1)
    }

    /// The rules that match events by themselves, of which a rule is made.
    pub(crate) fn bases(&self, number: u32) -> BTreeSet<u32> {
        let mut bases = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![number];
        while let Some(next) = open.pop() {
            if !seen.insert(next) {
                continue;
            }
            match self.joint(next) {
                Some(joint) => {
                    open.extend(joint.parts.iter().filter_map(|part| self.number(&part.rule)));
                }
                None => {
                    bases.insert(next);
                }
            }
        }
        bases
    }
}
