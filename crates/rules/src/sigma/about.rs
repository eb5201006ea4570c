//! What a Sigma document says of itself: title, level, status, tags, author.
//!
//! The licence of most Sigma rules demands that the author is named wherever a match is shown, so
//! the name goes into the reason that every finding carries.

use super::file::{Document, texts};
use crate::{
    error::{LoadError, suggest},
    rule::{Language, Rule, RuleTest},
    template::{Template, Use},
    tree::Predicate,
};
use std::fmt::Write as _;
use trailhound_model::finding::Severity;

const LEVELS: [(&str, Severity); 5] = [
    ("informational", Severity::Info),
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];
const STATUSES: [&str; 5] = ["stable", "test", "experimental", "deprecated", "unsupported"];
const MAX_TITLE: usize = 256;
const MAX_TEXT: usize = 65_535;

/// What a document says of itself.
#[derive(Clone, Debug)]
pub(super) struct About {
    /// The id of its rule here.
    pub(super) id: String,
    /// What others call it by.
    pub(super) names: Vec<String>,
    pub(super) title: String,
    pub(super) level: Option<Severity>,
    status: String,
    why: String,
    benign: Vec<String>,
    techniques: Vec<String>,
    family: &'static str,
    next: Vec<Template>,
    tests: Vec<RuleTest>,
}

impl About {
    /// Reads it; says everything that is wrong.
    pub(super) fn read(document: &Document<'_>, errors: &mut Vec<LoadError>) -> About {
        let title = document.word("title").unwrap_or_default();
        if title.is_empty() {
            errors.push(document.missing("title"));
        } else if title.chars().count() > MAX_TITLE {
            let what = format!("the title is longer than {MAX_TITLE} characters");
            errors.push(document.error("title", what, ""));
        }
        let level = word(document, "level", &LEVELS.map(|(name, _)| name), errors);
        let status = word(document, "status", &STATUSES, errors);
        let (id, name) = (document.word("id"), document.word("name"));
        let own = id.clone().or_else(|| name.clone()).unwrap_or_else(|| slug(&title));
        let tags = document.words("tags");
        About {
            id: format!("sigma:{own}"),
            names: id.into_iter().chain(name).chain([title.clone()]).collect(),
            level: LEVELS.iter().find(|(name, _)| Some(*name) == level.as_deref()).map(|(_, s)| *s),
            status: status.unwrap_or_default(),
            why: why(document, &title),
            benign: benign(document),
            techniques: tags.iter().filter_map(|tag| technique(tag)).collect(),
            family: family(&tags),
            next: next(document, errors),
            tests: tests(document, errors),
            title,
        }
    }

    /// The rule with these words.
    pub(super) fn rule(&self, document: &Document<'_>, condition: Predicate) -> Rule {
        let mut rule = Rule::foreign(self.id.clone(), Language::Sigma, condition);
        let title = self.title.replace('{', "{{").replace('}', "}}");
        let explain =
            format!("{{principal}} {{action.phrase}} {{target}} ({{action.outcome}}): {title}.");
        rule.explain = Template::parse(&explain, Use::Prose, false).unwrap_or_default();
        document.file().clone_into(&mut rule.file);
        rule.title.clone_from(&self.title);
        rule.severity = self.level.unwrap_or(Severity::Low);
        rule.confidence = match self.status.as_str() {
            "stable" => 0.7,
            "test" => 0.6,
            _ => 0.5,
        };
        self.family.clone_into(&mut rule.family);
        rule.why.clone_from(&self.why);
        rule.benign.clone_from(&self.benign);
        rule.techniques.clone_from(&self.techniques);
        rule.next.clone_from(&self.next);
        rule.tests.clone_from(&self.tests);
        rule
    }
}

fn word(
    document: &Document<'_>,
    key: &str,
    known: &[&'static str],
    errors: &mut Vec<LoadError>,
) -> Option<String> {
    let given = document.word(key)?;
    if !known.contains(&given.as_str()) {
        let hint = suggest(&given, known.iter().copied());
        errors.push(document.error(key, format!("there is no {key} `{given}`"), hint));
    }
    Some(given)
}

/// Why it matters, and who wrote it.
fn why(document: &Document<'_>, title: &str) -> String {
    let description = document.word("description").unwrap_or_default();
    let description: String = description.chars().take(MAX_TEXT).collect();
    let mut why = description.split_whitespace().collect::<Vec<_>>().join(" ");
    if why.is_empty() {
        why = format!("{title}.");
    }
    if !why.ends_with(['.', '!', '?']) {
        why.push('.');
    }
    let author = document.words("author").join(", ");
    if !author.is_empty() {
        let _ = write!(why, " Sigma rule written by {author}.");
    }
    if let Some(license) = document.word("license") {
        let _ = write!(why, " Licence of the rule: {license}.");
    }
    why
}

fn benign(document: &Document<'_>) -> Vec<String> {
    let given = document.words("falsepositives");
    let says = |text: &String| !matches!(text.to_lowercase().as_str(), "unknown" | "none" | "");
    given.into_iter().filter(says).collect()
}

/// `attack.t1552.007` is T1552.007; the rest of the tags names tactics and other things.
fn technique(tag: &str) -> Option<String> {
    let number = tag.strip_prefix("attack.t")?;
    let digits = number.len() >= 4 && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    digits.then(|| format!("T{number}"))
}

fn family(tags: &[String]) -> &'static str {
    let has = |tag: &str| tags.iter().any(|one| one == tag);
    if has("attack.credential-access") || has("attack.credential_access") {
        "credentials"
    } else if has("attack.privilege-escalation") || has("attack.privilege_escalation") {
        "rbac"
    } else if has("attack.execution") || has("attack.initial-access") {
        "exploitation"
    } else {
        "policy"
    }
}

/// What to do next, under `next:`, a key of ours that Sigma allows.
fn next(document: &Document<'_>, errors: &mut Vec<LoadError>) -> Vec<Template> {
    let read = |text: String| {
        Template::parse(&text, Use::Step, false)
            .map_err(|error| errors.push(document.error("next", error.what, error.hint)))
            .ok()
    };
    document.words("next").into_iter().filter_map(read).collect()
}

/// Examples under `tests:`, a key of ours that Sigma allows.
fn tests(document: &Document<'_>, errors: &mut Vec<LoadError>) -> Vec<RuleTest> {
    let Some(given) = document.map.get("tests").and_then(|one| one.as_sequence()) else {
        return Vec::new();
    };
    let test = |one: &serde_yaml_ng::Value| {
        let events = serde_json::to_value(one.get("events")?).ok()?;
        Some(RuleTest {
            name: texts(one.get("name")?).concat(),
            fires: one.get("fires")?.as_bool()?,
            events: events.as_array()?.clone(),
            ..RuleTest::default()
        })
    };
    let tests: Option<Vec<RuleTest>> = given.iter().map(test).collect();
    tests.unwrap_or_else(|| {
        let what = "a test has no `name`, `fires` or `events`";
        errors.push(document.error("tests", what, "see docs/sigma.md"));
        Vec::new()
    })
}

/// A title as an id.
fn slug(title: &str) -> String {
    let dashed: String = title
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let parts: Vec<&str> = dashed.split('-').filter(|part| !part.is_empty()).collect();
    let slug: String = parts.join("-").chars().take(80).collect();
    if slug.is_empty() { "untitled".to_owned() } else { slug }
}
