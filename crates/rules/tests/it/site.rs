//! Conditions on what the site brought along: what they say with it, without it, and after its end.

use crate::support::{FakeBodies, FakeHistory, event, watching_anything};
use serde_json::json;
use std::sync::Arc;
use trailhound_model::{
    body::{BodyKind, Container, Workload},
    event::Event,
    fact::Fact,
    lookup::Truth,
    time::Time,
};
use trailhound_rules::{
    RuleSet, RuleTally, Verdict,
    rule::{TestKnowledge, TestPlace},
    site::Wants,
};

const TERMS: &str = "2027-01-31";

fn site() -> TestKnowledge {
    let list = |allow: &[&str], until: &str| json!({"allow": allow, "owner": "o", "reason": "r", "expires": until});
    let site = json!({
        "networks": [list(&["10.0.0.0/24"], "2026-01-31"), list(&["192.0.2.0/24"], TERMS)],
        "images": [list(&["registry.example"], TERMS)],
        "users": [list(&["alice"], "2026-01-31"), list(&["bob"], TERMS)],
        "namespaces": [list(&["shop"], TERMS)],
        "nodes": [list(&["n-*"], TERMS)],
        "break-glass": [{"actors": ["al*"], "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "owner": "o", "reason": "r"}],
    });
    let place = TestPlace {
        network: "10.0.0.0/24".into(),
        country: "NL".into(),
        asn: Some(64_500),
        organisation: "Example".into(),
    };
    let cidr =
        json!({"type": "cidr", "value": "10.0.0.0/8", "expires": "2026-06-30", "label": "wide"});
    TestKnowledge {
        site: site.as_object().cloned(),
        indicators: vec![
            cidr,
            json!({"type": "agent", "value": "kubectl", "label": "tool"}),
            json!({"type": "credential", "value": "x", "label": "leaked"}),
        ],
        geo: vec![place],
    }
}

fn knowing(when: &str) -> RuleSet {
    let knowledge = Arc::new(site().load().unwrap().unwrap());
    watching_anything(when).with_knowledge(knowledge).unwrap()
}

fn at(time: &str) -> Event {
    Event { time: Time::parse(time).unwrap(), ..event("create", "", "pods", "") }
}

fn ask(rules: &RuleSet, event: &Event, bodies: &FakeBodies, tally: &mut RuleTally) -> Truth {
    let mut fact = Fact::of(event.clone());
    let before = tally.undecided(0);
    rules.candidates(&mut fact, bodies, tally);
    let confirm = |one| rules.confirm(one, &fact, &FakeHistory::default());
    match fact.candidates.first().map(confirm) {
        Some(Verdict { truth, .. }) => truth,
        None if tally.undecided(0) > before => Truth::Unknown,
        None => Truth::False,
    }
}

#[test]
fn each_field_says_what_the_site_said_until_its_end() {
    use Truth::{False, True, Unknown};
    let (early, late, after) =
        (at("2026-01-05T00:00:00Z"), at("2026-08-01T00:00:00Z"), at("2027-06-01T00:00:00Z"));
    for (when, truths) in [
        ("site.trustedNetwork", [True, False, Unknown]),
        ("site.userAllowed", [True, False, Unknown]),
        ("site.namespaceAllowed", [True, True, Unknown]),
        ("site.nodeAllowed", [True, True, True]),
        ("indicator.address == \"wide\"", [True, False, False]),
        ("indicator.agent == \"tool\"", [True, True, True]),
        ("geo.country == \"NL\" && geo.asn == 64500 && geo.organisation == \"Example\"", [True; 3]),
        ("geo.asn != 64500", [False; 3]),
        ("has(geo.country)", [True; 3]),
        ("site.breakGlass == \"r (o)\"", [True; 3]),
        ("site.breakGlassOpen", [True, False, False]),
        ("indicator.credential == \"leaked\"", [Unknown; 3]),
    ] {
        let rules = knowing(when);
        // One memory for all: what is remembered of an address must not outlive an entry.
        let mut tally = RuleTally::default();
        for _ in 0..2 {
            let asked = [&early, &late, &after]
                .map(|event| ask(&rules, event, &FakeBodies::default(), &mut tally));
            assert_eq!(asked, truths, "{when}");
        }
    }
}

#[test]
fn without_what_it_needs_a_rule_is_blind_and_looks_at_nothing() {
    let pods = event("create", "", "pods", "");
    for (when, wants) in [
        ("!site.trustedNetwork", Some(Wants::Networks)),
        ("event.interactive && indicator.image != \"\"", Some(Wants::BadImages)),
        ("geo.country == \"NL\" || geo.asn == 1", Some(Wants::Geo)),
        ("site.trustedNetwork || event.interactive", None),
    ] {
        let rules = watching_anything(when);
        let mut tally = RuleTally::default();
        ask(&rules, &pods, &FakeBodies::default(), &mut tally);
        assert_eq!(rules.rules()[0].missing(), wants, "{when}");
        assert_eq!(tally.looked_at(0), u64::from(wants.is_none()), "{when}");
        assert_eq!(tally.undecided(0), 0, "{when}");
    }
}

#[test]
fn one_image_from_elsewhere_is_enough() {
    let container = |image: &str| Container { image: image.into(), ..Container::default() };
    let rules = knowing("!site.imagesAllowed");
    let event = at("2026-01-05T00:00:00Z");
    for (images, truth) in [
        (vec!["registry.example/a:1"], Truth::False),
        (vec!["registry.example/a:1", "nginx"], Truth::True),
        (vec!["registry.example.evil/a"], Truth::True),
        (vec![], Truth::False),
    ] {
        let containers = images.iter().map(|image| container(image)).collect();
        let body = BodyKind::Workload(Workload { containers, ..Workload::default() }.into());
        let asked = ask(&rules, &event, &FakeBodies::of(body), &mut RuleTally::default());
        assert_eq!(asked, truth, "{images:?}");
    }
    let unlogged = ask(&rules, &event, &FakeBodies::default(), &mut RuleTally::default());
    assert_eq!(unlogged, Truth::Unknown);
}
