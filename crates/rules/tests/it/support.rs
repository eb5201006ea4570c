//! Fakes and short ways to ask one question.

use std::{cell::Cell, collections::BTreeMap};
use trailhound_model::{
    body::{Body, BodyKind},
    event::{BodyPresence, Event, Level, ObjectRef, Stage, Status, User},
    fact::Fact,
    lookup::{Bodies, History, Reading, Side, Truth, Value},
};
use trailhound_rules::{LoadError, RuleSet, RuleTally, Verdict};

/// Bodies as a test states them, counting how often they are asked for.
#[derive(Default)]
pub(crate) struct FakeBodies {
    pub(crate) body: Option<Reading<Body>>,
    pub(crate) raw: BTreeMap<(bool, String), Value>,
    pub(crate) raw_logged: bool,
    pub(crate) asked: Cell<u32>,
    pub(crate) recorded: Cell<u32>,
}

impl FakeBodies {
    pub(crate) fn of(kind: BodyKind) -> FakeBodies {
        FakeBodies::with(Body { kind, ..Body::default() })
    }

    pub(crate) fn with(body: Body) -> FakeBodies {
        FakeBodies { body: Some(Reading::Present(body)), ..FakeBodies::default() }
    }

    pub(crate) fn raw(values: &[(Side, &str, Value)]) -> FakeBodies {
        let raw = values
            .iter()
            .map(|(side, path, value)| {
                ((*side == Side::Request, (*path).to_owned()), value.clone())
            })
            .collect();
        FakeBodies { raw, raw_logged: true, ..FakeBodies::default() }
    }
}

impl Bodies for FakeBodies {
    fn body(&self) -> Reading<&Body> {
        self.asked.set(self.asked.get() + 1);
        match &self.body {
            Some(Reading::Present(body)) => Reading::Present(body),
            Some(Reading::Absent) => Reading::Absent,
            Some(Reading::Unknown) | None => Reading::Unknown,
        }
    }

    fn value(&self, side: Side, path: &[&str]) -> Reading<Value> {
        if !self.raw_logged {
            return Reading::Unknown;
        }
        let key = (side == Side::Request, path.join("."));
        self.raw.get(&key).cloned().map_or(Reading::Absent, Reading::Present)
    }

    fn masked_record(&self, limit: usize) -> String {
        self.recorded.set(self.recorded.get() + 1);
        "{\"masked\":true}".chars().take(limit).collect()
    }

    fn digest(&self) -> [u8; 32] {
        [7; 32]
    }
}

/// A past as a test states it.
pub(crate) struct FakeHistory {
    pub(crate) actions: u64,
    pub(crate) requests: u64,
    pub(crate) truth: Truth,
}

impl Default for FakeHistory {
    fn default() -> FakeHistory {
        FakeHistory { actions: 0, requests: 0, truth: Truth::Unknown }
    }
}

impl History for FakeHistory {
    fn prior_actions(&self, _: &Fact) -> u64 {
        self.actions
    }
    fn prior_requests(&self, _: &Fact) -> u64 {
        self.requests
    }
    fn address_is_new(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn agent_is_new(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn token_off_network(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn token_moved(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn account_only_pod_bound(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn address_of_person(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn refused_to_another(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn grant_unseen(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn token_off_node(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn token_after_pod_end(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn token_two_places(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn token_never_issued(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn token_after_expiry(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn account_with_certificate(&self, _: &Fact) -> Truth {
        self.truth
    }
    fn token_minted_elsewhere(&self, _: &Fact) -> Truth {
        self.truth
    }
}

/// A rule named `r` with everything that must be there; `rest` is added or replaces.
pub(crate) fn rule_text(on: &str, rest: &str) -> String {
    format!(
        "id: r\nversion: 1\ntitle: T\nfamily: rbac\nseverity: high\n{on}{rest}\nexplain: E\nwhy: W\n"
    )
}

/// Watches everything.
pub(crate) const ANYTHING: &str = "on:\n  actions: ['*']\n  outcomes: [allowed, denied, rejected, unauthenticated, not-found, conflict, failed, unknown]\n";

pub(crate) fn load(text: &str) -> Result<RuleSet, Vec<LoadError>> {
    RuleSet::load(&[("rules/rbac/r.yaml", text)])
}

pub(crate) fn watching_anything(when: &str) -> RuleSet {
    let lines = when.replace('\n', "\n  ");
    match load(&rule_text(ANYTHING, &format!("when: |\n  {lines}\n"))) {
        Ok(rules) => rules,
        Err(errors) => panic!("{when}: {}", errors[0]),
    }
}

/// What becomes of an event: the verdict, or `None` if it was no candidate.
pub(crate) fn verdict(
    rules: &RuleSet,
    event: &Event,
    bodies: &FakeBodies,
    history: &FakeHistory,
) -> (Option<Verdict>, RuleTally) {
    let (fact, tally) = judged(rules, event, bodies);
    let candidate = fact.candidates.first().copied();
    (candidate.map(|candidate| rules.confirm(&candidate, &fact, history)), tally)
}

pub(crate) fn judged(rules: &RuleSet, event: &Event, bodies: &FakeBodies) -> (Fact, RuleTally) {
    let mut fact = Fact::of(event.clone());
    let mut tally = RuleTally::default();
    rules.candidates(&mut fact, bodies, &mut tally);
    (fact, tally)
}

/// The truth of a condition, with history.
pub(crate) fn truth_with(
    when: &str,
    event: &Event,
    bodies: &FakeBodies,
    history: &FakeHistory,
) -> Truth {
    let (verdict, tally) = verdict(&watching_anything(when), event, bodies, history);
    match verdict {
        Some(verdict) => verdict.truth,
        None if tally.undecided(0) > 0 => Truth::Unknown,
        None => Truth::False,
    }
}

pub(crate) fn truth(when: &str, event: &Event, bodies: &FakeBodies) -> Truth {
    truth_with(when, event, bodies, &FakeHistory::default())
}

/// A completed request of alice with most fields filled.
pub(crate) fn event(verb: &str, group: &str, resource: &str, sub: &str) -> Event {
    Event {
        stage: Stage::ResponseComplete,
        level: Level::RequestResponse,
        verb: verb.into(),
        request_uri: "/x/proxy/run/a%20b?command=sh&command=-c&tty=true&container=web".into(),
        user: User {
            name: "alice".into(),
            groups: vec!["system:authenticated".into(), "dev".into()],
            ..User::default()
        }
        .into(),
        source_ips: vec!["203.0.113.5".into(), "10.0.0.9".into()].into(),
        user_agent: "kubectl/v1.33 (linux)".into(),
        object: Some(Box::new(ObjectRef {
            resource: resource.into(),
            subresource: sub.into(),
            api_group: group.into(),
            namespace: "shop".into(),
            name: "cart-7d4".into(),
            ..ObjectRef::default()
        })),
        status: Some(trailhound_model::Shared::from(Status {
            code: Some(200),
            reason: "Because".into(),
            message: "so it is".into(),
            succeeded: false,
        })),
        annotations: vec![
            ("authorization.k8s.io/decision".into(), "allow".into()),
            (
                "authorization.k8s.io/reason".into(),
                "RBAC: allowed by RoleBinding \"b/shop\" of ClusterRole \"edit\" to User \"alice\""
                    .into(),
            ),
        ]
        .into(),
        bodies: BodyPresence { request: true, ..BodyPresence::default() },
        ..Event::default()
    }
}
