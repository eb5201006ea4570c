//! An incident told in plain words, for a reader who does not know Kubernetes. Every sentence is
//! put together from findings; nothing is added that no record shows.

use super::{Group, advice, follow::Trail, link::Joint, spread, words};
use std::collections::BTreeSet;
use trailhound_model::{
    Str,
    finding::{Finding, Severity, TouchRole},
    incident::{Hand, Hop, Incident, Step},
    time::Time,
};

/// The id of the incident that a finding opened.
pub fn incident_id(first: &Finding) -> String {
    format!("INC-{}", first.id)
}

/// Tells a group.
pub(super) fn tell(group: &Group, all: &[Finding], trail: &Trail) -> Incident {
    let mut findings: Vec<&Finding> = group.findings.iter().filter_map(|p| all.get(*p)).collect();
    let opened = findings.first().map(|first| incident_id(first)).unwrap_or_default();
    // Ids are hashes of bytes: what is told must not hang on them where the rule tells two apart.
    findings.sort_by(|a, b| (a.time, &a.rule.id, &a.id).cmp(&(b.time, &b.rule.id, &b.id)));
    let hops = hops(group, all);
    let worst = worst(&findings);
    let severity = severity(&findings, &hops);
    let (hands, causes) = spread::draw(group, all, trail);
    Incident {
        id: opened,
        severity,
        confidence: confidence(&findings),
        title: title(&findings, worst),
        story: story(&findings, &hops, worst, &hands),
        steps: findings.iter().map(|finding| step(finding)).collect(),
        first_seen: began(&findings, &hands),
        last_seen: findings.iter().map(|finding| finding.last).max().unwrap_or_default(),
        cluster: findings.first().map(|finding| finding.cluster.clone()).unwrap_or_default(),
        principals: ordered(findings.iter().flat_map(|finding| {
            finding.real_principal.iter().chain([&finding.principal]).cloned()
        })),
        addresses: ordered(findings.iter().map(|finding| finding.address.clone())),
        targets: ordered(
            findings
                .iter()
                .filter(|one| one.outcome != "denied")
                .map(|one| one.target.clone())
                .filter(|one| is_thing(one)),
        ),
        techniques: findings
            .iter()
            .flat_map(|finding| finding.techniques.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        findings: findings.iter().map(|finding| finding.id.clone()).collect(),
        evidence: evidence(&findings, &hands),
        hops,
        hands,
        causes,
        next_steps: advice::next_steps(&findings),
        unknowns: unknowns(&findings),
        merged: group.merged.clone(),
        ..Incident::default()
    }
}

fn worst<'a>(findings: &[&'a Finding]) -> Option<&'a Finding> {
    findings.iter().copied().max_by(|a, b| {
        let rank = |finding: &Finding| (finding.severity, finding.outcome == "allowed");
        rank(a).cmp(&rank(b)).then(a.confidence.total_cmp(&b.confidence)).then(b.time.cmp(&a.time))
    })
}

/// The worst effect decides; a breach that already moved through two identities is one step worse
/// than its single acts, because what it reaches next is decided by whoever holds them.
fn severity(findings: &[&Finding], hops: &[Hop]) -> Severity {
    let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or_default();
    let identities: BTreeSet<&str> = hops.iter().map(|hop| hop.to.as_str()).collect();
    if worst == Severity::High && identities.len() >= 2 { worst.raised() } else { worst }
}

/// That at least one of the findings is right, if they err independently. Bounded, because they
/// do not.
fn confidence(findings: &[&Finding]) -> f64 {
    let wrong: f64 = findings.iter().map(|finding| 1.0 - finding.confidence).product();
    ((1.0 - wrong) * 100.0).round().min(99.0) / 100.0
}

pub(super) fn actor(finding: &Finding) -> &str {
    finding.real_principal.as_deref().unwrap_or(&finding.principal)
}

fn title(findings: &[&Finding], worst: Option<&Finding>) -> String {
    let Some(worst) = worst else { return String::new() };
    let grave = |finding: &&&Finding| finding.severity >= Severity::Medium || findings.len() == 1;
    let actors = ordered(findings.iter().filter(grave).map(|finding| actor(finding).to_owned()));
    let first = actors.first().map(|entity| words::words(entity)).unwrap_or_default();
    match actors.len() {
        0 | 1 => format!("{} ({first})", worst.rule.title),
        2 => format!(
            "{} ({first}, then {})",
            worst.rule.title,
            words::words(actors.get(1).map_or("", String::as_str))
        ),
        more => format!("{} ({first}, then {} more identities)", worst.rule.title, more - 1),
    }
}

fn story(findings: &[&Finding], hops: &[Hop], worst: Option<&Finding>, hands: &[Hand]) -> String {
    let (Some(first), Some(last)) = (entry(findings), findings.iter().max_by_key(|f| f.last))
    else {
        return String::new();
    };
    let quiet = began(findings, hands) < first.time;
    let mut parts = vec![beginning(first, quiet)];
    parts.extend(spread(hops, actor(first)));
    if let Some(worst) = worst.filter(|worst| worst.id != first.id) {
        parts.push(format!(
            "The gravest act, at {} UTC: {}",
            worst.time.clock(),
            worst.explanation
        ));
    }
    parts.extend(acts(findings));
    if findings.len() > 1 {
        parts.push(format!(
            "All this within {}; {} findings stand on {}.",
            words::duration(last.last.since(began(findings, hands))),
            findings.len(),
            records(findings),
        ));
    }
    parts.join(" ")
}

/// The earliest that can be tied to it, whether or not a rule objects to it.
fn began(findings: &[&Finding], hands: &[Hand]) -> Time {
    let found = findings.iter().map(|finding| finding.time);
    found.chain(hands.iter().map(|hand| hand.first)).min().unwrap_or_default()
}

/// Several findings may stand on one record: each is counted once.
fn records(findings: &[&Finding]) -> String {
    let ids: BTreeSet<&str> = findings
        .iter()
        .flat_map(|finding| &finding.records)
        .map(|record| record.audit_id.as_str())
        .collect();
    let more = findings.iter().any(|one| one.record_count > one.records.len() as u64);
    let least = if more { "at least " } else { "" };
    match ids.len() {
        1 => format!("{least}1 log record"),
        many => format!("{least}{many} log records"),
    }
}

/// What was done, each sort of act once, in order: the whole at a glance.
fn acts(findings: &[&Finding]) -> Option<String> {
    let mut acts: Vec<(&str, usize)> = Vec::new();
    for finding in findings {
        let title = finding.rule.title.as_str();
        match acts.iter_mut().find(|(known, _)| *known == title) {
            Some((_, count)) => *count += 1,
            None => acts.push((title, 1)),
        }
    }
    if acts.len() < 3 {
        return None;
    }
    let said: Vec<String> = acts
        .iter()
        .map(|(title, count)| {
            let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
            format!("{}{times}", lower_first(title))
        })
        .collect();
    Some(format!("In order: {}.", said.join("; ")))
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().collect::<String>() + letters.as_str()
    })
}

/// The first act that is suspicious in itself: what came before only made it possible.
fn entry<'a>(findings: &[&'a Finding]) -> Option<&'a Finding> {
    findings
        .iter()
        .find(|finding| finding.severity >= Severity::Medium)
        .or(findings.first())
        .copied()
}

/// How it begins. Where quieter acts came before, the time is that of the first which stood out.
fn beginning(first: &Finding, quiet: bool) -> String {
    let place = match (first.address.as_str(), first.address_new) {
        ("", _) => String::new(),
        (address, Some(true)) => format!(
            " from {address}, an address that this identity had not used before in this log"
        ),
        (address, _) => format!(" from {address}"),
    };
    format!(
        "{} at {} UTC with {}{place}. {}",
        if quiet { "It first stands out" } else { "It begins" },
        first.time.clock(),
        words::words(actor(first)),
        first.explanation
    )
}

/// The identities that were gained, in order.
fn spread(hops: &[Hop], began: &str) -> Option<String> {
    let others = hops.iter().filter(|hop| hop.to != began);
    let gained = ordered(others.map(|hop| words::words(&hop.to)));
    let surest = hops.iter().map(|hop| hop.confidence).fold(1.0, f64::min);
    let sure = if surest >= 0.9 { "very likely" } else { "probably" };
    match gained.len() {
        0 => None,
        1 => Some(format!("From there it {sure} moved on to {}.", words::list(&gained))),
        more => Some(format!(
            "From there it {sure} moved on to {more} more identities: {}.",
            words::list(&gained)
        )),
    }
}

fn step(finding: &Finding) -> Step {
    Step {
        time: finding.time,
        who: actor(finding).to_owned(),
        text: finding.explanation.clone(),
        severity: finding.severity,
        finding: finding.id.clone(),
    }
}

/// Edges that lead from one identity to another, each pair once, by its surest reason.
fn hops(group: &Group, all: &[Finding]) -> Vec<Hop> {
    let mut hops: Vec<(trailhound_model::time::Time, Hop)> = Vec::new();
    for edge in &group.edges {
        let (Some(from), Some(to)) = (all.get(edge.from), all.get(edge.to)) else { continue };
        for hop in [crossing(from, to, edge.joint), impersonation(to)].into_iter().flatten() {
            let known =
                hops.iter_mut().find(|(_, other)| other.from == hop.from && other.to == hop.to);
            match known {
                Some((_, other)) if other.confidence >= hop.confidence => {}
                Some((_, other)) => *other = hop,
                None => hops.push((to.time, hop)),
            }
        }
    }
    for finding in group.findings.iter().filter_map(|place| all.get(*place)) {
        if let Some(hop) = impersonation(finding)
            && !hops.iter().any(|(_, other)| other.from == hop.from && other.to == hop.to)
        {
            hops.push((finding.time, hop));
        }
    }
    hops.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.to.cmp(&b.1.to)));
    hops.into_iter().map(|(_, hop)| hop).collect()
}

fn crossing(from: &Finding, to: &Finding, joint: Joint) -> Option<Hop> {
    if actor(from) == actor(to) {
        return None;
    }
    let evidence: Vec<Str> = [from.records.first(), to.records.first()]
        .into_iter()
        .flatten()
        .map(|record| record.audit_id.clone())
        .collect();
    Some(Hop {
        from: actor(from).to_owned(),
        to: actor(to).to_owned(),
        kind: hop_kind(from, joint).to_owned(),
        confidence: joint.confidence(),
        sentence: format!(
            "{} → {}: {}.",
            words::words(actor(from)),
            words::words(actor(to)),
            reason(from, to, joint)
        ),
        evidence,
    })
}

fn hop_kind(from: &Finding, joint: Joint) -> &'static str {
    match joint {
        Joint::Pod if from.action.starts_with("workload.") => "create",
        other => other.as_str(),
    }
}

fn reason(from: &Finding, to: &Finding, joint: Joint) -> String {
    match joint {
        Joint::Pod if from.action.starts_with("workload.") => {
            format!("its token was used after {} was created", words::words(&from.target))
        }
        Joint::Pod => {
            let (who, pod) = (words::words(actor(from)), words::words(&from.target));
            format!("its token was used after {who} got inside {pod}")
        }
        Joint::Token => "the token that was issued was used".to_owned(),
        Joint::Certificate => "the name that the certificate was signed for acted".to_owned(),
        Joint::Grant => format!("it used the rights granted with {}", words::words(&from.target)),
        Joint::Account => "the account whose token was within reach acted".to_owned(),
        Joint::Impersonation => "it acted as that identity".to_owned(),
        Joint::Object => format!("both worked on {}", words::words(&to.target)),
        Joint::Credential => "the same token was used from the same address".to_owned(),
        Joint::Supposed => {
            "what it uses was never seen before and fits what was asked for".to_owned()
        }
        Joint::Session | Joint::Repeat => "the same hand at the same address".to_owned(),
    }
}

fn impersonation(finding: &Finding) -> Option<Hop> {
    let real = finding.real_principal.as_ref()?;
    Some(Hop {
        from: real.clone(),
        to: finding.principal.clone(),
        kind: Joint::Impersonation.as_str().to_owned(),
        confidence: Joint::Impersonation.confidence(),
        evidence: finding
            .records
            .first()
            .map(|record| record.audit_id.clone())
            .into_iter()
            .collect(),
        sentence: format!(
            "{} → {}: it asked the API server to treat it as that identity, and was allowed to.",
            words::words(real),
            words::words(&finding.principal)
        ),
    })
}

fn evidence(findings: &[&Finding], hands: &[Hand]) -> Vec<Str> {
    let mut seen = BTreeSet::new();
    let cited = findings.iter().flat_map(|finding| &finding.records).map(|one| &one.audit_id);
    let followed = hands.iter().flat_map(|hand| &hand.acts).flat_map(|act| &act.evidence);
    cited.chain(followed).filter(|id| seen.insert((*id).clone())).cloned().collect()
}

fn unknowns(findings: &[&Finding]) -> Vec<String> {
    let mut unknowns = Vec::new();
    if findings.iter().any(|finding| finding.action == "pod.exec" || finding.action == "pod.attach")
    {
        unknowns.push("What was typed and read inside a container after the first command: the API server does not see it.".to_owned());
    }
    let reads = ["secret.read", "secret.list", "secret.watch"];
    let read = |finding: &&&Finding| {
        reads.contains(&finding.action.as_str()) && finding.outcome == "allowed"
    };
    if findings.iter().any(|finding| read(&finding)) {
        unknowns.push("Whether the secret values that were read have been used outside this cluster (databases, cloud accounts, registries).".to_owned());
    }
    if findings.iter().any(|finding| finding.action == "node.proxy") {
        unknowns
            .push("Requests sent to a kubelet directly, not through the API server.".to_owned());
    }
    let given: Vec<&str> = findings
        .iter()
        .flat_map(|finding| &finding.touches)
        .filter(|touch| touch.role == TouchRole::Enables)
        .map(|touch| touch.entity.as_str())
        .collect();
    if given.iter().any(|entity| entity.starts_with("cred:") || entity.starts_with("pod:")) {
        unknowns.push("Whether a credential that was within reach is still held by somebody: look for its use after the end of this log.".to_owned());
    }
    unknowns
}

/// Questions about rights are asked as objects that do not exist; nothing is touched by them.
pub(super) fn is_thing(target: &str) -> bool {
    let (kind, _) = target.split_once(':').unwrap_or((target, ""));
    !(kind.ends_with("accessreview")
        || kind.ends_with("rulesreview")
        || kind.ends_with("subjectreview"))
}

/// Without repeats and empty ones, in order of appearance.
fn ordered(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    items.filter(|item| !item.is_empty() && seen.insert(item.clone())).collect()
}
