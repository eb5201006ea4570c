//! Turns a rule that holds on a fact into a finding: names, sentence, numbers, and what it touches
//! so that incidents can be joined by causes.

use std::collections::BTreeMap;
use trailhound_model::{
    body::BodyKind,
    credential::CredentialKind,
    entity,
    event::Event,
    fact::Fact,
    finding::{Finding, Record, RuleRef, Severity, Touch, TouchRole, hex},
    lookup::{History, Truth},
    principal::{self, PrincipalKind},
    site::SiteNote,
};
use trailhound_rules::{Enables, Rule, RuleSet, Verdict};

/// Characters of a user agent that a finding keeps.
pub(crate) const MOST_AGENT: usize = 300;

/// Characters of a path that a finding keeps; the record has the rest.
const MOST_PATH: usize = 1_000;

/// What is needed to judge.
pub(crate) struct Judge<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) rule: &'a Rule,
    pub(crate) fact: &'a Fact,
    pub(crate) history: &'a dyn History,
}

impl Judge<'_> {
    /// Writes what is said of a finding.
    pub(crate) fn tell(&self, finding: &mut Finding, extra: &BTreeMap<String, String>) {
        let rule = self.rule;
        finding.explanation = self.explanation(extra, &finding.site);
        rule.why().clone_into(&mut finding.why);
        finding.benign_readings = rule.benign().to_vec();
        finding.next_steps = self.next_steps(finding.severity, extra);
        finding.numbers.extend(self.numbers());
        finding.techniques = rule.techniques().to_vec();
    }

    /// The finding of this fact alone, before anything is said of it.
    pub(crate) fn finding(&self, verdict: &Verdict) -> Finding {
        let (fact, rule) = (self.fact, self.rule);
        let records = vec![record(fact)];
        Finding {
            id: Finding::id_of(rule.id(), &fact.event.cluster, &records),
            rule: RuleRef {
                id: rule.id().to_owned(),
                version: rule.version(),
                title: rule.title().to_owned(),
            },
            kind: rule.kind(),
            severity: verdict.severity,
            severity_reason: verdict.severity_reason.clone(),
            confidence: rule.confidence(),
            time: fact.event.time,
            last: fact.event.time,
            cluster: fact.event.cluster.clone(),
            principal: fact.principal.effective.entity(),
            real_principal: fact.principal.real.as_ref().map(|real| real.entity()),
            credential: credential_entity(fact),
            address: fact.event.source_ip().to_owned(),
            user_agent: fact.event.user_agent.chars().take(MOST_AGENT).collect(),
            address_new: self.address_new(),
            done_since: self.history.done_since(fact),
            actor_kind: fact.principal.actor().kind.as_str().to_owned(),
            action: fact.action.kind.as_str().to_owned(),
            outcome: fact.action.outcome.as_str().to_owned(),
            target: target_entity(fact),
            family: rule.family().to_owned(),
            record_count: 1,
            records,
            touches: touches(rule, fact),
            site: verdict.site.clone(),
            ..Finding::default()
        }
    }

    /// A caller without a name has no usual place.
    fn address_new(&self) -> Option<bool> {
        let kind = self.fact.principal.actor().kind;
        if matches!(kind, PrincipalKind::Anonymous | PrincipalKind::Unauthenticated) {
            return None;
        }
        known(self.history.address_is_new(self.fact))
    }

    /// The sentence of the rule, and what the site's entries say of it.
    pub(crate) fn explanation(
        &self,
        extra: &BTreeMap<String, String>,
        notes: &[SiteNote],
    ) -> String {
        let told = self.rules.render(self.rule.explain(), self.fact, self.history, extra);
        let mut told = told.replace("ithin 1 minutes ", "ithin a minute ");
        for note in notes {
            told.push(' ');
            told.push_str(&note.sentence());
        }
        told
    }

    fn next_steps(&self, severity: Severity, extra: &BTreeMap<String, String>) -> Vec<String> {
        let render = |step| self.rules.render(step, self.fact, self.history, extra);
        let severity_is_low = severity < Severity::Medium;
        self.rule
            .next()
            .iter()
            .map(render)
            // A step whose object is not known, or that destroys for a trifle, is worse than none.
            .filter(|step| !step.contains("(none)") && !step.contains("(not logged)"))
            .filter(|step| !(severity_is_low && step.contains("kubectl delete")))
            .collect()
    }

    fn numbers(&self) -> BTreeMap<String, f64> {
        let mut numbers = BTreeMap::new();
        numbers.insert("prior_actions".into(), self.history.prior_actions(self.fact) as f64);
        numbers.insert("prior_requests".into(), self.history.prior_requests(self.fact) as f64);
        numbers
    }
}

/// The record of a fact, without its text: masking costs, and most records of a finding need not be
/// shown.
pub(crate) fn record(fact: &Fact) -> Record {
    let event = &fact.event;
    let exhibit = fact.exhibit.as_deref();
    Record {
        audit_id: event.audit_id.clone(),
        stage: event.stage,
        time: event.time,
        position: event.position,
        sha256: exhibit.map(|exhibit| hex(&exhibit.digest())).unwrap_or_default(),
        summary: summary(fact),
        masked: String::new(),
    }
}

/// `create pods/exec shop/cart → 101`
fn summary(fact: &Fact) -> String {
    let event = &fact.event;
    let what = match &event.object {
        Some(object) => {
            let slash = if object.subresource.is_empty() { "" } else { "/" };
            let place: Vec<&str> = [object.namespace.as_str(), fact.object_name()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect();
            format!("{}{slash}{} {}", object.resource, object.subresource, place.join("/"))
        }
        None => event.path().chars().take(MOST_PATH).collect(),
    };
    let code = event.code().map_or_else(|| "no status".to_owned(), |code| code.to_string());
    format!("{} {} → {code}", event.verb, what.trim_end())
}

pub(crate) fn credential_entity(fact: &Fact) -> String {
    if fact.credential.id.is_empty() {
        String::new()
    } else {
        entity::credential(&fact.credential.id)
    }
}

/// The entity that an event acts upon.
pub(crate) fn target_entity(fact: &Fact) -> String {
    match &fact.event.object {
        Some(object) => entity::object(&object.resource, &object.namespace, fact.object_name()),
        None => format!("url:{}", fact.event.path().chars().take(MOST_PATH).collect::<String>()),
    }
}

pub(crate) fn touches(rule: &Rule, fact: &Fact) -> Vec<Touch> {
    let mut touches = Vec::new();
    let mut touch = |role, entity: String| {
        let touch = Touch { entity, role };
        if !touch.entity.is_empty() && !touches.contains(&touch) {
            touches.push(touch);
        }
    };
    touch(TouchRole::Actor, fact.principal.actor().entity());
    for entity in enabled_by(fact) {
        touch(TouchRole::EnabledBy, entity);
    }
    if !fact.object_name().is_empty() {
        touch(TouchRole::Target, target_entity(fact));
    }
    for enables in rule.enables() {
        let part =
            if *enables == Enables::GrantSubjects { TouchRole::Grants } else { TouchRole::Enables };
        for entity in enabled(*enables, fact) {
            touch(part, entity);
        }
    }
    touches
}

/// Where the power that was used came from.
fn enabled_by(fact: &Fact) -> Vec<String> {
    let mut sources = vec![credential_entity(fact), fact.principal.actor().entity()];
    if fact.credential.kind == CredentialKind::PodToken {
        sources.push(entity::pod(&fact.principal.actor().namespace, &fact.credential.pod));
    }
    sources.extend(binding_of_reason(&fact.event));
    sources
}

/// The binding that an RBAC reason names, as an entity.
fn binding_of_reason(event: &Event) -> Option<String> {
    let reason = event.annotation("authorization.k8s.io/reason")?;
    let (kind, rest) = reason.strip_prefix("RBAC: allowed by ")?.split_once(" \"")?;
    let (name, _) = rest.split_once('"')?;
    match kind {
        "ClusterRoleBinding" => Some(entity::object("clusterrolebindings", "", name)),
        "RoleBinding" => {
            let (name, namespace) = name.split_once('/')?;
            Some(entity::object("rolebindings", namespace, name))
        }
        _ => None,
    }
}

/// What a finding gives power to.
fn enabled(enables: Enables, fact: &Fact) -> Vec<String> {
    let object = fact.event.object.as_deref();
    let namespace = object.map_or("", |object| object.namespace.as_str());
    let name = fact.object_name();
    match enables {
        Enables::CredentialOfTargetPod => {
            if name.is_empty() {
                Vec::new()
            } else {
                vec![entity::pod(namespace, name)]
            }
        }
        Enables::IssuedCredential => issued(fact),
        Enables::AccountOfTarget => account_of_target(fact, namespace, name),
        Enables::GrantSubjects => grant_subjects(fact),
        Enables::CsrSubject => csr_subject(fact),
        // The event itself shows both identities; nothing later follows from the name alone.
        Enables::Impersonated => Vec::new(),
        Enables::Target => {
            if name.is_empty() {
                Vec::new()
            } else {
                vec![target_entity(fact)]
            }
        }
    }
}

fn issued(fact: &Fact) -> Vec<String> {
    fact.event
        .annotation("authentication.kubernetes.io/issued-credential-id")
        .map(entity::credential)
        .into_iter()
        .collect()
}

fn account_of_target(fact: &Fact, namespace: &str, name: &str) -> Vec<String> {
    if let Some(BodyKind::Workload(workload)) = fact.body().map(|body| &body.kind) {
        let account = workload.service_account.as_str();
        let default = account.is_empty() || account == "default";
        return if default {
            Vec::new()
        } else {
            vec![entity::service_account(namespace, account)]
        };
    }
    match fact.event.resource() {
        "serviceaccounts" if !name.is_empty() => vec![entity::service_account(namespace, name)],
        // Token secrets of Kubernetes' own making are called ACCOUNT-token-SUFFIX.
        "secrets" => name
            .rsplit_once("-token-")
            .map(|(account, _)| vec![entity::service_account(namespace, account)])
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn grant_subjects(fact: &Fact) -> Vec<String> {
    match fact.body().map(|body| &body.kind) {
        Some(BodyKind::Binding(binding)) => {
            binding.subjects.iter().map(|subject| named(&subject.authorizer_name())).collect()
        }
        _ => Vec::new(),
    }
}

fn csr_subject(fact: &Fact) -> Vec<String> {
    match fact.body().map(|body| &body.kind) {
        Some(BodyKind::Certificate(request)) if !request.common_name.is_empty() => {
            vec![named(&request.common_name)]
        }
        _ => Vec::new(),
    }
}

/// The entity of a user name.
fn named(user: &str) -> String {
    use trailhound_model::event::User;
    principal::Identity::of(&User { name: user.into(), ..User::default() }).entity()
}

fn known(truth: Truth) -> Option<bool> {
    match truth {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_are_read_out_of_the_authorizers_reason() {
        let mut event = Event::default();
        let mut reason = |text: &str| {
            event.annotations = vec![("authorization.k8s.io/reason".into(), text.into())].into();
            binding_of_reason(&event)
        };
        assert_eq!(
            reason("RBAC: allowed by ClusterRoleBinding \"x\" of ClusterRole \"y\" to User \"z\"")
                .as_deref(),
            Some("clusterrolebinding:x")
        );
        assert_eq!(
            reason("RBAC: allowed by RoleBinding \"developers/data\" of ClusterRole \"d\" to Group \"g\"").as_deref(),
            Some("rolebinding:data/developers")
        );
        assert_eq!(reason("can only read namespaced object of this type"), None);
        assert_eq!(reason("RBAC: allowed by RoleBinding \"broken"), None);
    }
}
