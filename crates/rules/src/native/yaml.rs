//! The file form of native rules, checked key by key.
//!
//! YAML is read into plain structs that refuse unknown keys, then every word is checked against
//! what the engine knows. All problems of a file are collected. Files are capped before they are
//! read, because a YAML reader's memory is a multiple of its input.

use super::{CelError, compile::compile_of, locate, sequence};
use crate::{
    correlation::{Condition, Correlation, CorrelationKind},
    error::{LoadError, suggest},
    field::{Field, FieldId, Origin, Type},
    joint::Joint,
    rule::{
        Adjustment, Conditions, EFFECTS, Enables, Language, Rule, RuleTest, TestKnowledge,
        TestPlace, Watches, is_write,
    },
    template::{Template, Use},
    tree::Predicate,
};
use serde::Deserialize;
use trailhound_model::{
    action::{ActionKind, Effect, Outcome},
    event::Level,
    finding::{FindingKind, Severity},
    principal::PrincipalKind,
    time::{MINUTE, SECOND},
};

/// Largest rule file.
const MAX_FILE: usize = 1 << 20;
/// Longest window of a correlation: beyond it, counts would be kept for most of a log.
const MAX_TIMESPAN: i64 = 30 * 24 * 60 * MINUTE;

const FAMILIES: [&str; 4] = ["credentials", "rbac", "exploitation", "policy"];
const KINDS: [(&str, FindingKind); 5] = [
    ("rule", FindingKind::Rule),
    ("threshold", FindingKind::Threshold),
    ("sequence", FindingKind::Sequence),
    ("credential", FindingKind::Credential),
    ("integrity", FindingKind::Integrity),
];
const LEVELS: [Level; 3] = [Level::Metadata, Level::Request, Level::RequestResponse];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    id: String,
    version: u32,
    title: String,
    family: String,
    severity: String,
    confidence: Option<f64>,
    kind: Option<String>,
    #[serde(default)]
    techniques: Vec<String>,
    #[serde(default)]
    controls: Vec<String>,
    #[serde(default)]
    covers: Vec<String>,
    needs: Option<String>,
    on: Option<OnFile>,
    when: Option<String>,
    #[serde(default)]
    adjust: Vec<AdjustFile>,
    correlation: Option<CorrelationFile>,
    explain: String,
    why: String,
    #[serde(default)]
    benign: Vec<String>,
    #[serde(default)]
    next: Vec<String>,
    #[serde(default)]
    enables: Vec<String>,
    #[serde(default)]
    tests: Vec<TestFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct OnFile {
    actions: Vec<String>,
    outcomes: Option<Vec<String>>,
    effects: Option<Vec<String>>,
    principals: Option<Vec<String>>,
    #[serde(default)]
    not_principals: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdjustFile {
    when: String,
    severity: String,
    because: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CorrelationFile {
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// Rules whose matches are put together; without them it is this rule's own.
    #[serde(default)]
    pub(super) rules: Vec<String>,
    #[serde(rename = "group-by")]
    pub(super) group_by: Vec<String>,
    pub(super) timespan: String,
    pub(super) condition: Option<ConditionFile>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionFile {
    pub(super) gt: Option<u64>,
    pub(super) gte: Option<u64>,
    pub(super) lt: Option<u64>,
    pub(super) lte: Option<u64>,
    pub(super) eq: Option<u64>,
    pub(super) field: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestFile {
    name: String,
    fires: bool,
    events: Vec<serde_json::Value>,
    site: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    indicators: Vec<serde_json::Value>,
    #[serde(default)]
    geo: Vec<TestPlace>,
}

/// Loads one rule file.
pub(crate) fn load_file(name: &str, text: &str, shipped: bool) -> Result<Rule, Vec<LoadError>> {
    let mut problems = Problems { file: name, text, shipped, errors: Vec::new() };
    if text.len() > MAX_FILE {
        problems.add(None, format!("the file is larger than {MAX_FILE} bytes"), "split the rule");
        return Err(problems.errors);
    }
    match serde_yaml_ng::from_str::<RuleFile>(text) {
        Ok(file) => {
            let rule = problems.rule(file);
            if problems.errors.is_empty() { Ok(rule) } else { Err(problems.errors) }
        }
        Err(error) => {
            problems.yaml(&error);
            Err(problems.errors)
        }
    }
}

/// Collects what is wrong with one file while a rule is made of it.
pub(super) struct Problems<'a> {
    file: &'a str,
    text: &'a str,
    /// The file is part of the program.
    shipped: bool,
    errors: Vec<LoadError>,
}

impl Problems<'_> {
    fn add(&mut self, line: Option<usize>, what: impl Into<String>, hint: impl Into<String>) {
        self.errors.push(LoadError {
            file: self.file.to_owned(),
            line,
            column: None,
            what: what.into(),
            hint: hint.into(),
        });
    }

    pub(super) fn at_key(&mut self, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.add(locate::top_key(self.text, key), what, hint);
    }

    fn yaml(&mut self, error: &serde_yaml_ng::Error) {
        let (what, hint) = explained(&error.to_string());
        let place = error.location();
        self.errors.push(LoadError {
            file: self.file.to_owned(),
            line: place.as_ref().map(serde_yaml_ng::Location::line),
            column: place.as_ref().map(serde_yaml_ng::Location::column),
            what,
            hint,
        });
    }

    fn rule(&mut self, file: RuleFile) -> Rule {
        let is_joint = |one: &CorrelationFile| !one.rules.is_empty();
        let joint = file.correlation.as_ref().filter(|one| is_joint(one));
        let joint = joint.and_then(|one| self.joint(one));
        let own = file.correlation.filter(|one| !is_joint(one));
        let file = RuleFile { correlation: own, ..file };
        let counted = file.correlation.is_some();
        self.identity(&file);
        let watches = match &file.on {
            Some(on) => self.watches(on),
            None if joint.is_some() => Watches::default(),
            None => {
                self.at_key("on", "the key `on` is missing", "see docs/rules.md");
                Watches::default()
            }
        };
        if joint.is_some() && (file.on.is_some() || file.when.is_some()) {
            let hint = "the rules that it names say which events they match";
            self.at_key("on", "a rule made of others has no `on` and no `when`", hint);
        }
        let predicate = self.when(file.when.as_deref());
        let conditions = Conditions::of(predicate);
        self.unmixed(&conditions);
        let needs = self.needs(file.needs.as_deref(), &conditions);
        let adjust = file.adjust.iter().enumerate();
        let adjust: Vec<_> = adjust.filter_map(|(at, one)| self.adjustment(at, one)).collect();
        let explain = self.template("explain", &file.explain, Use::Prose, counted);
        let next: Vec<_> =
            file.next.iter().map(|text| self.template("next", text, Use::Step, counted)).collect();
        let mut rule = Rule {
            file: self.file.to_owned(),
            version: file.version,
            severity: self.severity("severity", &file.severity),
            confidence: file.confidence.unwrap_or(0.7),
            kind: self.kind(file.kind.as_deref(), default_kind(joint.as_ref(), counted)),
            needs,
            watches,
            conditions,
            adjust,
            correlation: file.correlation.and_then(|one| self.correlation(&one)),
            joint,
            part: false,
            explain,
            next,
            enables: self.words("enables", &file.enables, &Enables::ALL, Enables::as_str),
            id: file.id,
            language: Language::Native,
            order: 0,
            title: file.title,
            family: file.family,
            techniques: file.techniques,
            controls: file.controls,
            covers: file.covers,
            why: file.why,
            benign: file.benign,
            tests: file.tests.into_iter().map(test).collect(),
            needs_versions: false,
            missing: None,
            source: file.when.unwrap_or_default(),
            alert: None,
        };
        rule.needs_versions = asks_for_effect(&rule);
        rule
    }

    fn identity(&mut self, file: &RuleFile) {
        let stem = self.file.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if file.id.is_empty() || !file.id.chars().all(kebab) {
            let what = format!("the id `{}` is not in kebab-case", file.id);
            self.at_key("id", what, "use lower-case letters, digits and `-`");
        } else if file.id != stem {
            let what = format!("the id `{}` differs from the file name `{stem}`", file.id);
            self.at_key("id", what, "they must be equal");
        }
        if !FAMILIES.contains(&file.family.as_str()) {
            let what = format!("there is no family `{}`", file.family);
            self.at_key("family", what, suggest(&file.family, FAMILIES));
        }
        for (key, text) in [("title", &file.title), ("explain", &file.explain), ("why", &file.why)]
        {
            if text.trim().is_empty() {
                self.at_key(key, format!("`{key}` is empty"), "");
            }
        }
        for technique in &file.techniques {
            if !is_technique(technique) {
                let line = locate::within(self.text, "techniques", technique);
                let what = format!("`{technique}` is no ATT&CK technique id");
                self.add(line, what, "write T1609 or T1552.007");
            }
        }
        if file.confidence.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            self.at_key("confidence", "the confidence is not between 0 and 1", "");
        }
    }

    fn kind(&mut self, name: Option<&str>, default: FindingKind) -> FindingKind {
        let Some(name) = name else { return default };
        if let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == name) {
            return *kind;
        }
        let known = KINDS.iter().map(|(known, _)| *known);
        self.at_key("kind", format!("there is no kind `{name}`"), suggest(name, known));
        default
    }

    fn severity(&mut self, key: &str, name: &str) -> Severity {
        Severity::from_name(name).unwrap_or_else(|| {
            let known = Severity::ALL.iter().map(|severity| severity.as_str());
            let line = locate::within(self.text, key, name);
            self.add(line, format!("there is no severity `{name}`"), suggest(name, known));
            Severity::Info
        })
    }

    /// Words of a fixed list, without repeats and in the order of the list.
    fn words<T: Copy + PartialEq>(
        &mut self,
        key: &str,
        names: &[String],
        known: &[T],
        name_of: fn(T) -> &'static str,
    ) -> Vec<T> {
        for name in names {
            if !known.iter().any(|one| name_of(*one) == name) {
                let line = locate::within(self.text, key, name);
                let hint = suggest(name, known.iter().map(|one| name_of(*one)));
                self.add(line, format!("`{key}` knows no `{name}`"), hint);
            }
        }
        let listed = |one: &&T| names.iter().any(|name| name == name_of(**one));
        known.iter().filter(listed).copied().collect()
    }

    fn watches(&mut self, on: &OnFile) -> Watches {
        let actions = self.actions(&on.actions);
        let outcomes = match &on.outcomes {
            Some(names) => self.filter("outcomes", names, &Outcome::ALL, Outcome::as_str),
            None => vec![Outcome::Allowed],
        };
        let writes = !actions.is_empty() && actions.iter().all(|kind| is_write(*kind));
        let effects = match &on.effects {
            Some(names) => self.filter("effects", names, &EFFECTS, Effect::as_str),
            None if writes && outcomes == [Outcome::Allowed] => vec![Effect::Changed],
            None => EFFECTS.to_vec(),
        };
        let errors = self.errors.len();
        let mut principals = match &on.principals {
            Some(names) => {
                self.filter("principals", names, &PrincipalKind::ALL, PrincipalKind::as_str)
            }
            None => PrincipalKind::ALL.to_vec(),
        };
        let not = self.words("on", &on.not_principals, &PrincipalKind::ALL, PrincipalKind::as_str);
        principals.retain(|kind| !not.contains(kind));
        if principals.is_empty() && self.errors.len() == errors {
            self.at_key("on", "no kind of principal is left", "the rule could never match");
        }
        Watches { actions, outcomes, effects, principals }
    }

    fn filter<T: Copy + PartialEq>(
        &mut self,
        what: &str,
        names: &[String],
        known: &[T],
        name_of: fn(T) -> &'static str,
    ) -> Vec<T> {
        if names.is_empty() {
            self.at_key("on", format!("`{what}` is empty"), "the rule could never match");
        }
        self.words("on", names, known, name_of)
    }

    /// Action kinds; `secret.*` is all of a family, `*` is all there are.
    fn actions(&mut self, names: &[String]) -> Vec<ActionKind> {
        if names.is_empty() {
            self.at_key("on", "`actions` is empty", "the rule could never match");
        }
        for name in names {
            if !ActionKind::ALL.iter().any(|kind| names_kind(name, *kind)) {
                let line = locate::within(self.text, "on", name);
                let known = ActionKind::ALL.iter().map(|kind| kind.as_str());
                self.add(line, format!("there is no action `{name}`"), suggest(name, known));
            }
        }
        let listed = |kind: &&ActionKind| names.iter().any(|name| names_kind(name, **kind));
        ActionKind::ALL.iter().filter(listed).copied().collect()
    }

    fn when(&mut self, text: Option<&str>) -> Predicate {
        let Some(text) = text else { return Predicate::All(Vec::new()) };
        compile_of(text, self.shipped).unwrap_or_else(|error| {
            self.condition_error(None, 0, text, error);
            Predicate::Const(false)
        })
    }

    fn condition_error(&mut self, section: Option<&str>, nth: usize, text: &str, error: CelError) {
        let place =
            locate::condition(self.text, section, nth).map(|place| place.of(text, error.at));
        self.errors.push(LoadError {
            file: self.file.to_owned(),
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            what: error.what,
            hint: error.hint,
        });
    }

    /// Raw bodies are gone when history is known.
    fn unmixed(&mut self, conditions: &Conditions) {
        for conjunct in &conditions.history {
            if let Some(raw) = conjunct.fields().iter().find(|field| field.origin().is_raw()) {
                let what = format!("`{raw}` and `history.*` stand in one condition");
                self.at_key(
                    "when",
                    what,
                    "join them with `&&` at the top level, or use a named field",
                );
            }
        }
    }

    /// The level that a rule states must be one at which it can decide.
    fn needs(&mut self, name: Option<&str>, conditions: &Conditions) -> Level {
        let (least, field) = least_level(conditions);
        let Some(name) = name else { return least };
        let Some(level) = LEVELS.into_iter().find(|level| level.as_str() == name) else {
            let known = LEVELS.iter().map(|level| level.as_str());
            self.at_key("needs", format!("there is no audit level `{name}`"), suggest(name, known));
            return least;
        };
        if level < least {
            let what = format!("at the level {name} the log does not have `{field}`");
            self.at_key("needs", what, format!("write `needs: {}`", least.as_str()));
        }
        level
    }

    fn adjustment(&mut self, at: usize, file: &AdjustFile) -> Option<Adjustment> {
        let severity = self.severity("adjust", &file.severity);
        let because = self.template("adjust", &file.because, Use::Prose, false);
        let when = match compile_of(&file.when, self.shipped) {
            Ok(when) => when,
            Err(error) => {
                self.condition_error(Some("adjust"), at, &file.when, error);
                return None;
            }
        };
        if let Some(raw) = when.fields().iter().find(|field| field.origin().is_raw()) {
            let error = CelError::new(0, format!("`{raw}` cannot be used in `adjust`"))
                .hint("raw bodies are not kept; use a named field");
            self.condition_error(Some("adjust"), at, &file.when, error);
        }
        Some(Adjustment { when, severity, because, source: file.when.clone() })
    }

    fn template(&mut self, key: &str, text: &str, purpose: Use, counted: bool) -> Template {
        Template::parse(text.trim_end(), purpose, counted).unwrap_or_else(|error| {
            self.at_key(key, error.what, error.hint);
            Template::empty()
        })
    }

    fn correlation(&mut self, file: &CorrelationFile) -> Option<Correlation> {
        let kind = match file.kind.as_str() {
            "event_count" => CorrelationKind::EventCount,
            "value_count" => CorrelationKind::ValueCount,
            other => {
                let hint = if sequence::is_type(other) {
                    "this type needs `rules`, the ids of other rules".to_owned()
                } else {
                    suggest(other, ["event_count", "value_count"])
                };
                self.at_key("correlation", format!("there is no correlation type `{other}`"), hint);
                return None;
            }
        };
        let none = ConditionFile::default();
        let condition = file.condition.as_ref().unwrap_or(&none);
        let field = condition.field.as_ref().and_then(|name| self.kept_field(name));
        let group_by = file.group_by.iter().filter_map(|name| self.kept_field(name)).collect();
        match (kind, &condition.field) {
            (CorrelationKind::ValueCount, None) => {
                self.at_key("correlation", "value_count needs `field` in its condition", "");
            }
            (CorrelationKind::EventCount, Some(_)) => {
                self.at_key("correlation", "event_count takes no `field`", "use value_count");
            }
            _ => {}
        }
        Some(Correlation {
            kind,
            group_by,
            timespan_micros: self.timespan(&file.timespan),
            condition: self.bounds(condition),
            field,
        })
    }

    /// A field that can still be read when windows are counted.
    pub(super) fn kept_field(&mut self, name: &str) -> Option<Field> {
        let line = locate::within(self.text, "correlation", name);
        let Some(field) = Field::parse(name) else {
            let known = FieldId::ALL.iter().map(|id| id.name());
            self.add(line, format!("there is no field `{name}`"), suggest(name, known));
            return None;
        };
        if field.origin().is_raw() || field.origin() == Origin::History || field.kind() == Type::Map
        {
            self.add(
                line,
                format!("`{name}` cannot be grouped or counted by"),
                "use a named field",
            );
            return None;
        }
        Some(field)
    }

    pub(super) fn timespan(&mut self, text: &str) -> i64 {
        let micros = parse_timespan(text).filter(|micros| (SECOND..=MAX_TIMESPAN).contains(micros));
        micros.unwrap_or_else(|| {
            let what = format!("`{text}` is no timespan from 1s to 30d");
            self.at_key("correlation", what, "write 30s, 5m, 2h or 1d");
            MINUTE
        })
    }

    fn bounds(&mut self, file: &ConditionFile) -> Condition {
        let least = [file.gte, file.gt.map(|value| value.saturating_add(1)), file.eq];
        let most = [file.lte, file.lt.map(|value| value.saturating_sub(1)), file.eq];
        let condition = Condition {
            least: least.into_iter().flatten().max(),
            most: most.into_iter().flatten().min(),
        };
        let never = condition.least.zip(condition.most).is_some_and(|(least, most)| least > most);
        if condition == Condition::default() {
            self.at_key("correlation", "the condition has no bound", "write {gte: 10}");
        } else if never || file.lt == Some(0) {
            self.at_key("correlation", "the condition can never hold", "");
        }
        condition
    }
}

fn default_kind(joint: Option<&Joint>, counted: bool) -> FindingKind {
    match joint {
        Some(joint) if joint.kind.is_temporal() => FindingKind::Sequence,
        None if !counted => FindingKind::Rule,
        _ => FindingKind::Threshold,
    }
}

fn test(file: TestFile) -> RuleTest {
    let TestFile { name, fires, events, site, indicators, geo } = file;
    RuleTest { name, fires, events, knowledge: TestKnowledge { site, indicators, geo } }
}

pub(crate) fn names_kind(pattern: &str, kind: ActionKind) -> bool {
    match pattern.strip_suffix('*') {
        Some(family) if family.is_empty() || family.ends_with('.') => {
            kind.as_str().starts_with(family)
        }
        _ => kind.as_str() == pattern,
    }
}

/// `T` and four digits, and three more after a point for a sub-technique.
fn is_technique(text: &str) -> bool {
    let digits = |part: &str, count: usize| {
        part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let Some(number) = text.strip_prefix('T') else { return false };
    match number.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(number, 4),
    }
}

fn parse_timespan(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => SECOND,
        "m" => MINUTE,
        "h" => 60 * MINUTE,
        "d" => 24 * 60 * MINUTE,
        _ => return None,
    };
    number.parse::<u32>().ok().and_then(|number| i64::from(number).checked_mul(unit))
}

/// The least level at which no conjunct is unknown for certain, and a field that asks for it.
fn least_level(conditions: &Conditions) -> (Level, String) {
    let mut least = (Level::Metadata, String::new());
    for conjunct in conditions.all() {
        let levels =
            conjunct.fields().into_iter().map(|field| (level_of(&field), field.to_string()));
        let cheapest = levels.min().unwrap_or((Level::Metadata, String::new()));
        if cheapest.0 > least.0 {
            least = cheapest;
        }
    }
    least
}

fn level_of(field: &Field) -> Level {
    match field.origin() {
        Origin::Event | Origin::Named | Origin::History => Level::Metadata,
        Origin::Body if field.id() == FieldId::ReviewAllowed => Level::RequestResponse,
        Origin::Body | Origin::RawRequest => Level::Request,
        Origin::RawResponse => Level::RequestResponse,
    }
}

fn asks_for_effect(rule: &Rule) -> bool {
    let filters = rule.watches.effects.contains(&Effect::Changed)
        != rule.watches.effects.contains(&Effect::NoOp);
    let mut fields: Vec<Field> = rule.conditions.all().flat_map(Predicate::fields).collect();
    fields.extend(rule.adjust.iter().flat_map(|one| one.when.fields()));
    let sentences = rule.next.iter().chain([&rule.explain]);
    fields.extend(sentences.flat_map(|template| template.fields().cloned()));
    filters || fields.iter().any(|field| field.id() == FieldId::ActionEffect)
}

/// The reader's message in our words where it is about keys, with what was probably meant.
pub(crate) fn explained(message: &str) -> (String, String) {
    let place = message.find(" at line ").unwrap_or(message.len());
    let message = message.get(..place).unwrap_or(message);
    let mut quoted = message.split('`').skip(1).step_by(2);
    let message_after = message.rsplit(": ").next().unwrap_or(message);
    if message_after.starts_with("unknown field") || message.contains("unknown field `") {
        let key = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.collect();
        return (format!("unknown key `{key}`"), suggest(key, known));
    }
    if message.contains("missing field `") {
        let key = quoted.next().unwrap_or_default();
        return (format!("the key `{key}` is missing"), "see docs/rules.md".to_owned());
    }
    (message.to_owned(), String::new())
}
