//! One rule in three languages is one rule: Falco's, Sigma's and our own form of the same question
//! point at the same requests, one by one, on recordings of a real API server. A front end that
//! reads a word differently from its original would show here.

use crate::recordings::{Recording, beside, committed};
use std::collections::{BTreeMap, BTreeSet};
use trailhound_ingest::{Limits, Masker, discover, open};
use trailhound_pipeline::work::Worker;
use trailhound_rules::{RuleSet, Sources, import::import};

/// Name, Falco condition, Sigma detection, native `on` and `when`.
struct Same {
    name: &'static str,
    falco: &'static str,
    sigma: &'static str,
    native: (&'static str, &'static str),
}

const ANY: &str =
    "[allowed, denied, rejected, unauthenticated, not-found, conflict, failed, unknown]";

const CASES: [Same; 9] = [
    Same {
        name: "exec",
        falco: "ka.target.resource=pods and ka.target.subresource in (exec, attach)",
        sigma: "{sel: {objectRef.resource: pods, objectRef.subresource: [exec, attach]}, condition: sel}",
        native: ("pod.exec, pod.attach", "target.resource == \"pods\""),
    },
    Same {
        name: "refused-secrets",
        falco: "ka.target.resource=secrets and ka.verb in (get, list, watch) and ka.response.code=403",
        sigma: "{sel: {objectRef.resource: secrets, verb: [get, list, watch], responseStatus.code: 403}, condition: sel}",
        native: ("secret.read, secret.list, secret.watch", "event.code == 403"),
    },
    Same {
        name: "anonymous",
        falco: "ka.user.name=system:anonymous and not ka.uri in (/healthz, /readyz, /livez)",
        sigma: "{sel: {user.username: 'system:anonymous'}, health: {requestURI: [/healthz, /readyz, /livez]}, condition: sel and not health}",
        native: (
            "\"*\"",
            "actor.name == \"system:anonymous\" && !(event.uri in [\"/healthz\", \"/readyz\", \"/livez\"])",
        ),
    },
    Same {
        name: "hand-tools",
        falco: "ka.useragent startswith \"curl/\" or ka.useragent contains python-requests",
        sigma: "{a: {userAgent|startswith|cased: 'curl/'}, b: {userAgent|contains|cased: python-requests}, condition: 1 of them}",
        native: (
            "\"*\"",
            "event.userAgent.startsWith(\"curl/\") || event.userAgent.contains(\"python-requests\")",
        ),
    },
    Same {
        name: "cluster-admin",
        falco: "ka.verb=create and ka.target.resource=clusterrolebindings and ka.req.binding.role=cluster-admin",
        sigma: "{sel: {verb: create, objectRef.resource: clusterrolebindings, requestObject.roleRef.name|cased: cluster-admin}, condition: sel}",
        native: (
            "rbac.grant",
            "event.verb == \"create\" && target.resource == \"clusterrolebindings\" && event.requestObject.roleRef.name == \"cluster-admin\"",
        ),
    },
    Same {
        name: "host-network",
        falco: "ka.verb=create and ka.target.resource=pods and not ka.target.subresource exists and ka.req.pod.host_network=true",
        sigma: "{sel: {verb: create, objectRef.resource: pods, requestObject.spec.hostNetwork: true}, sub: {objectRef.subresource|exists: true}, condition: sel and not sub}",
        native: (
            "workload.create",
            "target.resource == \"pods\" && event.requestObject.spec.hostNetwork",
        ),
    },
    Same {
        name: "system-writes",
        falco: "ka.verb in (create, update, patch, delete) and ka.target.namespace=kube-system and not ka.user.name startswith \"system:\"",
        sigma: "{sel: {verb: [create, update, patch, delete], objectRef.namespace: kube-system}, sys: {user.username|startswith|cased: 'system:'}, condition: sel and not sys}",
        native: (
            "\"*\"",
            "event.verb in [\"create\", \"update\", \"patch\", \"delete\"] && target.namespace == \"kube-system\" && !actor.name.startsWith(\"system:\")",
        ),
    },
    Same {
        name: "groups",
        falco: "ka.user.groups intersects (\"system:masters\", \"developers\")",
        sigma: "{sel: {user.groups|cased: ['system:masters', developers]}, condition: sel}",
        native: ("\"*\"", "\"system:masters\" in actor.groups || \"developers\" in actor.groups"),
    },
    Same {
        name: "decision",
        falco: "ka.auth.decision=forbid and ka.target.resource exists",
        sigma: "{sel: {annotations.authorization.k8s.io/decision: forbid, objectRef.resource|exists: true}, condition: sel}",
        native: ("\"*\"", "authz.decision == \"forbid\" && target.resource != \"\""),
    },
];

fn falco() -> String {
    let rule = |same: &Same| {
        format!(
            "- rule: {}\n  desc: d\n  condition: >\n    jevt.value[/stage] in (ResponseStarted, ResponseComplete, Panic) and ({})\n  output: \"%ka.verb\"\n  priority: WARNING\n  source: k8s_audit\n",
            same.name, same.falco
        )
    };
    CASES.iter().map(rule).collect()
}

fn sigma(same: &Same) -> String {
    format!(
        "title: {}\nid: {:0>8}-0000-4000-8000-000000000000\nstatus: test\nlogsource: {{product: kubernetes, service: audit}}\ndetection: {}\nlevel: medium\n",
        same.name,
        CASES.iter().position(|one| one.name == same.name).unwrap_or_default(),
        same.sigma
    )
}

fn native(same: &Same) -> (String, String) {
    let (actions, when) = same.native;
    let text = format!(
        "id: native-{}\nversion: 1\ntitle: T\nfamily: rbac\nseverity: medium\non:\n  actions: [{actions}]\n  outcomes: {ANY}\nwhen: |\n  {when}\nexplain: \"{{principal}} did it.\"\nwhy: w\n",
        same.name
    );
    (format!("native-{}.yaml", same.name), text)
}

/// The requests that each rule points at, by its title or id.
fn pointed_at(rules: &RuleSet, recording: &Recording) -> BTreeMap<String, BTreeSet<String>> {
    let masker = Masker::new([3; 16]);
    let worker = Worker { rules, masker: &masker, secret: [5; 16] };
    let mut memory = worker.memory();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in &discover(&recording.files).sources {
        let mut reader = open(source, Limits::default()).unwrap();
        while let Some(chunk) = reader.next() {
            for (fact, _) in worker.work(&chunk, &mut memory).facts {
                for candidate in &fact.candidates {
                    let rule = rules.rule(candidate.rule).unwrap();
                    let id = fact.event.audit_id.to_string();
                    found.entry(rule.id().to_owned()).or_default().insert(id);
                }
            }
        }
    }
    found
}

fn recordings() -> Vec<Recording> {
    let others = ["metadata", "requestresponse"].map(|name| Recording::new(name, beside(name)));
    committed().into_iter().chain(others).filter(|one| !one.files.is_empty()).collect()
}

#[test]
fn falco_sigma_and_native_forms_of_a_rule_point_at_the_same_requests() {
    let falco = falco();
    let sigma: Vec<(String, String)> =
        CASES.iter().map(|same| (format!("{}.yml", same.name), sigma(same))).collect();
    let native: Vec<(String, String)> = CASES.iter().map(native).collect();
    let rules = loaded(&native, &[("rules.yaml", &falco)], &sigma);
    let by_title: BTreeMap<&str, Vec<&str>> = CASES
        .iter()
        .map(|same| {
            let of_title = rules.rules().iter().filter(|rule| {
                rule.title() == same.name || rule.id() == format!("native-{}", same.name)
            });
            (same.name, of_title.map(trailhound_rules::Rule::id).collect())
        })
        .collect();
    for recording in recordings() {
        let found = pointed_at(&rules, &recording);
        let mut some = 0;
        for (name, ids) in &by_title {
            assert_eq!(ids.len(), 3, "{name}: {ids:?}");
            let sets: Vec<BTreeSet<String>> =
                ids.iter().map(|id| found.get(*id).cloned().unwrap_or_default()).collect();
            some += usize::from(!sets[0].is_empty());
            for (set, id) in sets.iter().zip(ids) {
                let apart: Vec<_> = set.symmetric_difference(&sets[0]).take(5).collect();
                assert!(apart.is_empty(), "{}: {id} and {}: {apart:?}", recording.name, ids[0]);
            }
        }
        let least = if recording.files.len() > 1 || recording.name == "metadata" { 6 } else { 1 };
        assert!(some >= least || recording.name == "heartbeats", "{}: {some}", recording.name);
    }
}

#[test]
fn an_imported_rule_points_at_the_same_requests_as_its_original() {
    let falco = falco();
    let sigma: Vec<(String, String)> =
        CASES.iter().map(|same| (format!("{}.yml", same.name), sigma(same))).collect();
    let originals = loaded(&[], &[("rules.yaml", &falco)], &sigma);
    let mut imported = Vec::new();
    for rule in originals.rules() {
        let native = import(rule).unwrap_or_else(|reason| panic!("{}: {reason}", rule.id()));
        let id = format!("i{}-{}", imported.len(), native.id);
        let text = native.text.replace(&format!("id: {}\n", native.id), &format!("id: {id}\n"));
        imported.push((rule.id().to_owned(), (format!("{id}.yaml"), text)));
    }
    let native: Vec<_> = imported.iter().map(|(_, file)| file.clone()).collect();
    let rules = loaded(&native, &[("rules.yaml", &falco)], &sigma);
    for recording in recordings() {
        let found = pointed_at(&rules, &recording);
        for (original, (file, _)) in &imported {
            let of = |id: &str| found.get(id).cloned().unwrap_or_default();
            let (one, other) = (of(original), of(file.trim_end_matches(".yaml")));
            let apart: Vec<_> = one.symmetric_difference(&other).take(5).collect();
            assert!(apart.is_empty(), "{}: {original}: {apart:?}", recording.name);
        }
    }
}

fn loaded(
    native: &[(String, String)],
    falco: &[(&str, &String)],
    sigma: &[(String, String)],
) -> RuleSet {
    let falco: Vec<_> = falco.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (native, sigma) = (pairs(native), pairs(sigma));
    let sources = Sources { native: &native, falco: &falco, sigma: &sigma, ..Sources::default() };
    RuleSet::load_all(&sources).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn pairs(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}
