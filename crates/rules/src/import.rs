//! Rules of other languages written as native ones, so that a team that moves keeps what it knows.
//!
//! The way goes from the compiled condition, not from the text: macros, lists, exceptions and
//! modifiers are resolved by then, and both languages take the same way. What the native language
//! cannot say is refused with the reason; what it says a little differently is noted in the file.

use crate::{
    ask::{Ask, Like, Operand, Quantity, Test, TextAsk},
    document::Place,
    lint::kinds_of,
    rule::{Language, Rule},
    set::RuleSet,
    tree::{Order, Predicate},
};
use std::{collections::BTreeSet, fmt::Write as _};
use trailhound_model::lookup::Step;

/// A native rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Id of the rule.
    pub id: String,
    /// Text of the file.
    pub text: String,
    /// Where its meaning differs from the original's.
    pub notes: Vec<String>,
}

/// Writes a rule of another language as a native one, or says why it cannot be.
pub fn import(rule: &Rule) -> Result<Imported, String> {
    if rule.language() == Language::Native {
        return Err("it is native already".to_owned());
    }
    if rule.correlation().is_some() {
        return Err("it counts or joins events, which has to be written by hand".to_owned());
    }
    let mut writer = Writer::default();
    let parts: Vec<String> = rule
        .conditions()
        .map(|part| writer.predicate(part))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .filter(|part| part != "true")
        .collect();
    let id = slug(rule.title());
    let text = file(rule, &id, &parts, &writer.notes);
    match RuleSet::load(&[(format!("{id}.yaml").as_str(), text.as_str())]) {
        Ok(_) => Ok(Imported { id, text, notes: writer.notes.into_iter().collect() }),
        Err(errors) => Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    }
}

fn slug(title: &str) -> String {
    let mut slug = String::new();
    for character in title.chars().take(80) {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    let starts_well = slug.starts_with(|first: char| first.is_ascii_lowercase());
    if starts_well { slug.to_owned() } else { format!("imported-{slug}") }
}

fn file(rule: &Rule, id: &str, parts: &[String], notes: &BTreeSet<String>) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "# Imported from {}, rule {}.", yaml(rule.file()), yaml(rule.id()));
    for note in notes {
        let _ = writeln!(text, "# {note}");
    }
    let _ = writeln!(text, "id: {id}\nversion: 1\ntitle: {}", yaml(rule.title()));
    let _ = writeln!(text, "family: policy\nseverity: {}", rule.severity().as_str());
    if !rule.techniques().is_empty() {
        let _ = writeln!(text, "techniques: [{}]", rule.techniques().join(", "));
    }
    let kinds = kinds_of(rule);
    let actions: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let actions = if actions.is_empty() { "\"*\"".to_owned() } else { actions.join(", ") };
    let _ = writeln!(text, "on:\n  actions: [{actions}]");
    let _ = writeln!(
        text,
        "  outcomes: [allowed, denied, rejected, unauthenticated, not-found, conflict, failed, unknown]"
    );
    if !parts.is_empty() {
        let _ = writeln!(text, "when: |\n  {}", parts.join("\n  && "));
    }
    let _ = writeln!(text, "explain: \"{{principal}} {{action.phrase}} {{target}}.\"");
    let why = if rule.why().trim().is_empty() { rule.title() } else { rule.why() };
    let _ = writeln!(text, "why: {}", yaml(why.trim()));
    if !rule.benign().is_empty() {
        text.push_str("benign:\n");
        for reading in rule.benign() {
            let _ = writeln!(text, "  - {}", yaml(reading));
        }
    }
    text
}

/// A text as YAML reads it back, on one line: JSON is YAML.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[derive(Default)]
struct Writer {
    notes: BTreeSet<String>,
}

type Written = Result<String, String>;

impl Writer {
    fn predicate(&mut self, predicate: &Predicate) -> Written {
        match predicate {
            Predicate::Const(value) => Ok(value.to_string()),
            Predicate::All(parts) => self.joined(parts, " && "),
            Predicate::Any(parts) => self.joined(parts, " || "),
            Predicate::Not(part) => Ok(match self.predicate(part)?.as_str() {
                "true" => "false".to_owned(),
                "false" => "true".to_owned(),
                inner => format!("!({inner})"),
            }),
            Predicate::Ask(ask) => self.ask(ask),
            _ => Err("its condition has a part that no import knows".to_owned()),
        }
    }

    fn joined(&mut self, parts: &[Predicate], between: &str) -> Written {
        let (rules, absorbs) =
            if between == " && " { ("true", "false") } else { ("false", "true") };
        let mut written = Vec::new();
        for part in parts {
            let text = self.predicate(part)?;
            if text == absorbs {
                return Ok(absorbs.to_owned());
            }
            if text != rules {
                written.push(text);
            }
        }
        Ok(match written.as_slice() {
            [] => rules.to_owned(),
            [one] => one.clone(),
            many => format!("({})", many.join(between)),
        })
    }

    fn ask(&mut self, ask: &Ask) -> Written {
        if let Operand::Union(all) = &ask.of {
            if ask.quantity == Quantity::Every {
                return Err("it asks for every value of several fields".to_owned());
            }
            let each = all.iter().map(|of| Ask { of: of.clone(), ..ask.clone() });
            let each: Result<Vec<_>, _> = each.map(|one| self.ask(&one)).collect();
            return Ok(format!("({})", each?.join(" || ")));
        }
        if is_stage(ask) {
            return self.stage(ask);
        }
        match self.field(&ask.of)? {
            Operated::Text(name) => text_test(&name, &ask.test),
            Operated::Number(name) => number_test(&name, &ask.test),
            Operated::List(name) => list_test(&name, ask),
            Operated::Flag(name) => flag_test(&name, &ask.test),
        }
    }

    /// Native rules judge a request once, whatever stages it has.
    fn stage(&mut self, ask: &Ask) -> Written {
        let complete = ask.test.closed().is_some_and(|texts| {
            texts.iter().any(|text| text.eq_ignore_ascii_case("ResponseComplete"))
        });
        if !complete {
            return Err("it asks for a stage; native rules judge each request once".to_owned());
        }
        self.notes.insert("Each request is judged once, whatever its stages.".to_owned());
        Ok("true".to_owned())
    }

    fn field(&mut self, operand: &Operand) -> Result<Operated, String> {
        match operand {
            Operand::Place(place) => self.place(place),
            Operand::Query(name) => Ok(Operated::Text(format!("query[{}]", yaml(name)))),
            Operand::First(all) => {
                let first = all.first().ok_or("a field without a place")?;
                let found = self.field(first)?;
                self.notes.insert(
                    "Where a value may stand in several places, the first is asked.".to_owned(),
                );
                Ok(found)
            }
            _ => Err("it changes or joins values in a way that native rules do not".to_owned()),
        }
    }

    fn place(&mut self, place: &Place) -> Result<Operated, String> {
        let (top, rest) = place.parts();
        let keys: Vec<Option<&str>> = rest.iter().map(key).collect();
        let text = |name: &str| Ok(Operated::Text(name.to_owned()));
        match (top, keys.as_slice()) {
            ("verb", []) => text("event.verb"),
            ("level", []) => text("event.level"),
            ("requestURI", []) => text("event.uri"),
            ("userAgent", []) => text("event.userAgent"),
            ("sourceIPs", [] | [None]) => Ok(Operated::List("event.sourceIPs".to_owned())),
            ("user", [] | [Some("username")]) => text("actor.name"),
            ("user", [Some("groups")] | [Some("groups"), None]) => {
                Ok(Operated::List("actor.groups".to_owned()))
            }
            ("objectRef", [Some("resource")]) => text("target.resource"),
            ("objectRef", [Some("subresource")]) => text("target.subresource"),
            ("objectRef", [Some("apiGroup")]) => text("target.group"),
            ("objectRef", [Some("namespace")]) => text("target.namespace"),
            ("objectRef", [Some("name")]) => {
                self.notes.insert(
                    "Names of created objects are read from their body where the URL has none."
                        .to_owned(),
                );
                text("target.name")
            }
            ("responseStatus", [Some("code")]) => Ok(Operated::Number("event.code".to_owned())),
            ("responseStatus", [Some("reason")]) => text("event.reason"),
            ("responseStatus", [Some("message")]) => text("event.message"),
            ("annotations", [Some(key)]) => {
                Ok(Operated::Text(format!("event.annotations[{}]", yaml(key))))
            }
            ("requestObject" | "responseObject", _) => self.body(top, rest),
            _ => Err(format!("native rules have no field for `{top}`")),
        }
    }

    fn body(&mut self, top: &str, rest: &[Step]) -> Result<Operated, String> {
        self.notes.insert(
            "Where the log has no bodies this stays silent, also where the original would fire."
                .to_owned(),
        );
        let path: Vec<&str> = rest.iter().map(|step| key(step).unwrap_or("*")).collect();
        let known = match (top, path.as_slice()) {
            ("requestObject", ["spec", "hostNetwork"]) => {
                Some(Operated::Flag("workload.hostNetwork".into()))
            }
            ("requestObject", ["spec", "hostPID"]) => {
                Some(Operated::Flag("workload.hostPID".into()))
            }
            ("requestObject", ["spec", "hostIPC"]) => {
                Some(Operated::Flag("workload.hostIPC".into()))
            }
            (
                "requestObject",
                ["spec", "containers", "*", "image"] | ["spec", "containers", "image"],
            ) => Some(Operated::List("workload.images".into())),
            (
                "requestObject",
                ["spec", "containers", "*", "securityContext", "privileged"]
                | ["spec", "containers", "securityContext", "privileged"],
            ) => Some(Operated::Flag("workload.privileged".into())),
            (
                "requestObject",
                ["spec", "volumes", "*", "hostPath", "path"]
                | ["spec", "volumes", "hostPath", "path"],
            ) => Some(Operated::List("workload.hostPaths".into())),
            _ => None,
        };
        if let Some(known) = known {
            self.notes.insert(
                "Pods are judged with their init containers and debug containers too.".to_owned(),
            );
            return Ok(known);
        }
        let mut name = format!("event.{top}");
        let mut list = false;
        for (at, step) in rest.iter().enumerate() {
            match step {
                Step::Index(index) => {
                    let _ = write!(name, "[{index}]");
                }
                Step::Each if at + 1 == rest.len() => list = true,
                Step::Key(key) | Step::Through(key) if is_plain(key) => {
                    let _ = write!(name, ".{key}");
                }
                _ => return Err("it looks into lists of objects, which native rules do by `workload.*`, `grant.*` and the like".to_owned()),
            }
        }
        Ok(if list { Operated::List(name) } else { Operated::Text(name) })
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && !key.starts_with(|first: char| first.is_ascii_digit())
        && key.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
}

fn key(step: &Step) -> Option<&str> {
    match step {
        Step::Key(key) | Step::Through(key) => Some(key.as_str()),
        Step::Index(_) | Step::Each => None,
    }
}

fn is_stage(ask: &Ask) -> bool {
    matches!(&ask.of, Operand::Place(place) if place.parts().0 == "stage")
}

/// A field of the native language by what it holds.
enum Operated {
    Text(String),
    Number(String),
    List(String),
    Flag(String),
}

fn list_of(texts: &[trailhound_model::Str]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| yaml(text)).collect();
    format!("[{}]", quoted.join(", "))
}

fn text_test(name: &str, test: &Test) -> Written {
    Ok(match test {
        Test::Present => format!("{name} != \"\""),
        Test::OneOf(texts) => one_of(name, texts),
        Test::OneOfFolded(texts) => one_of(&format!("{name}.lowerAscii()"), texts),
        Test::Any(asks) => format!("({})", asked(name, asks)?.join(" || ")),
        Test::AllOf(asks) => format!("({})", asked(name, asks)?.join(" && ")),
        Test::Same(other, Like::Equal, false) => {
            let Operated::Text(other) = Writer::default().field(other)? else {
                return Err("it compares a text with something that is none".to_owned());
            };
            format!("{name} == {other}")
        }
        Test::Beneath(places) => {
            let each = places.iter().map(|place| {
                let place = place.trim_end_matches('/');
                format!(
                    "{name} == {} || {name}.startsWith({})",
                    yaml(place),
                    yaml(&format!("{place}/"))
                )
            });
            format!("({})", each.collect::<Vec<_>>().join(" || "))
        }
        Test::Number(..) | Test::NumberOf(..) | Test::Networks(_) | Test::Same(..) => {
            return Err("it compares in a way that native rules do not".to_owned());
        }
    })
}

fn one_of(name: &str, texts: &[trailhound_model::Str]) -> String {
    match texts {
        [one] => format!("{name} == {}", yaml(one)),
        many => format!("{name} in {}", list_of(many)),
    }
}

fn asked(name: &str, asks: &[TextAsk]) -> Result<Vec<String>, String> {
    let call = |name: &str, like: &Like, text: &str| match like {
        Like::Equal => format!("{name} == {}", yaml(text)),
        Like::Contains => format!("{name}.contains({})", yaml(text)),
        Like::Starts => format!("{name}.startsWith({})", yaml(text)),
        Like::Ends => format!("{name}.endsWith({})", yaml(text)),
    };
    asks.iter()
        .map(|ask| {
            Ok(match ask {
                TextAsk::Like(like, text) => call(name, like, text),
                TextAsk::Folded(like, text) => call(&format!("{name}.lowerAscii()"), like, text),
                TextAsk::Contains(needle) => call(name, &Like::Contains, &needle.text()),
                TextAsk::Matches(pattern) => format!("{name}.matches({})", yaml(pattern.source())),
            })
        })
        .collect()
}

fn number_test(name: &str, test: &Test) -> Written {
    let equal = |texts: &[trailhound_model::Str]| -> Written {
        let each: Result<Vec<String>, String> = texts
            .iter()
            .map(|text| match text.parse::<i64>() {
                Ok(number) => Ok(format!("{name} == {number}")),
                Err(_) => Err(format!("it compares a number with `{text}`")),
            })
            .collect();
        Ok(format!("({})", each?.join(" || ")))
    };
    match test {
        Test::Present => Ok(format!("has({name})")),
        Test::OneOf(texts) | Test::OneOfFolded(texts) => equal(texts),
        Test::Any(asks) => {
            let each: Option<Vec<String>> = asks.iter().map(|ask| hundreds(name, ask)).collect();
            let each = each.ok_or("it compares a number as if it were a text")?;
            Ok(format!("({})", each.join(" || ")))
        }
        Test::Number(order, value) if value.fract() == 0.0 && value.abs() < 9e15 => {
            Ok(format!("{name} {} {}", sign(*order), *value as i64))
        }
        _ => Err("it compares a number in a way that native rules do not".to_owned()),
    }
}

/// `startswith 2` of a status code, which has three digits.
fn hundreds(name: &str, ask: &TextAsk) -> Option<String> {
    let TextAsk::Like(Like::Starts, text) = ask else { return None };
    let digit: u32 = text.parse().ok().filter(|digit| (1..=9).contains(digit))?;
    Some(format!("({name} >= {digit}00 && {name} <= {digit}99)"))
}

fn sign(order: Order) -> &'static str {
    match order {
        Order::Equal => "==",
        Order::NotEqual => "!=",
        Order::Less => "<",
        Order::LessOrEqual => "<=",
        Order::Greater => ">",
        Order::GreaterOrEqual => ">=",
    }
}

fn list_test(name: &str, ask: &Ask) -> Written {
    if matches!(ask.test, Test::Present) {
        return Ok(format!("has({name})"));
    }
    let inner = text_test("one", &ask.test)?;
    Ok(match ask.quantity {
        Quantity::Some => format!("{name}.exists(one, {inner})"),
        Quantity::Every => format!("(size({name}) > 0 && {name}.all(one, {inner}))"),
    })
}

fn flag_test(name: &str, test: &Test) -> Written {
    let texts = test.closed().ok_or("it compares a flag in a way that native rules do not")?;
    match texts {
        [one] if one == "true" => Ok(name.to_owned()),
        [one] if one == "false" => Ok(format!("!{name}")),
        _ => Err("it compares a flag with something that is no truth value".to_owned()),
    }
}
