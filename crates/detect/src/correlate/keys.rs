//! What an act of an intruder leaves behind that a later act can be recognised by, and what a fact
//! shows of where its power came from. Only things that Kubernetes itself writes are compared.

use super::{
    hands::{Key, key_of, name_of},
    link::Joint,
    recall::{Keys, Recall},
};
use smallvec::SmallVec;
use trailhound_model::{
    action::{ActionKind, Effect, Outcome},
    body::BodyKind,
    credential::CredentialKind,
    event::Event,
    fact::Fact,
    observed::{Said, State},
    time::HOUR,
};

/// Power that was given may be used long after: a token lives for hours, a grant for ever.
const DAY: i64 = 24 * HOUR;

/// What sort of trace it is: it decides what a later act must fulfil beside having the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Trace {
    /// A pod that was made: whatever its credential does follows from that.
    Made,
    /// A pod that somebody got into: it has a life of its own beside.
    Entered,
    /// A credential that was issued.
    Issued,
    /// Rights.
    Granted,
    /// Any other object that was written.
    Object,
    /// A secret whose contents were read.
    Read,
}

/// A key with its sort.
pub(super) type Leaf = (Key, Trace);

/// A question whether something with this key was left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) key: Key,
    pub(super) joint: Joint,
    /// How long ago at most.
    pub(super) within: i64,
}

pub(super) fn pod_key(namespace: &str, name: &str) -> Key {
    key_of("pod", &[namespace, name])
}

fn object_key(resource: &str, namespace: &str, name: &str) -> Key {
    key_of("object", &[resource, namespace, name])
}

pub(super) fn credential_key(id: &str) -> Key {
    key_of("credential", &[id])
}

/// A certificate for this user name.
pub(super) fn name_key(user: &str) -> Key {
    key_of("name", &[user])
}

/// Traces of an act, if it succeeded.
pub(super) fn leaves(fact: &Fact) -> SmallVec<[Leaf; 3]> {
    let mut leaves = SmallVec::new();
    if fact.action.outcome != Outcome::Allowed {
        return leaves;
    }
    let event = &fact.event;
    let (resource, namespace, name) = (event.resource(), event.namespace(), name_of(fact));
    let named = !name.is_empty() && !resource.is_empty();
    match fact.action.kind {
        ActionKind::PodExec | ActionKind::PodAttach | ActionKind::PodDebug if named => {
            leaves.push((pod_key(namespace, name), Trace::Entered));
        }
        ActionKind::NodeProxy => leaves.extend(pod_of_proxy(event.path())),
        ActionKind::WorkloadCreate if named && resource == "pods" => {
            leaves.push((pod_key(namespace, name), Trace::Made));
        }
        ActionKind::TokenMint => {
            let issued = event.annotation("authentication.kubernetes.io/issued-credential-id");
            leaves.extend(issued.map(|id| (credential_key(id), Trace::Issued)));
        }
        ActionKind::CsrCreate | ActionKind::CsrApprove => {
            leaves.extend(certificate_name(fact).map(|name| (name_key(&name), Trace::Issued)));
        }
        _ => {}
    }
    if named && is_piece_of_work(resource) {
        let rights = matches!(fact.action.kind, ActionKind::RbacGrant | ActionKind::RoleChange);
        let trace = match (fact.action.effect, fact.action.kind) {
            (Effect::Changed, _) if rights => Some(Trace::Granted),
            (Effect::Changed, _) => Some(Trace::Object),
            (_, ActionKind::SecretRead) => Some(Trace::Read),
            _ => None,
        };
        leaves.extend(trace.map(|trace| (object_key(resource, namespace, name), trace)));
    }
    leaves
}

fn certificate_name(fact: &Fact) -> Option<String> {
    match fact.body().map(|body| &body.kind) {
        Some(BodyKind::Certificate(request)) if !request.common_name.is_empty() => {
            Some(request.common_name.to_string())
        }
        _ => None,
    }
}

/// The pod in which a kubelet is asked to run something: `…/proxy/run/NAMESPACE/POD/CONTAINER`.
fn pod_of_proxy(path: &str) -> Option<Leaf> {
    let (_, rest) = path.split_once("/proxy/")?;
    let mut parts = rest.split('/');
    let verb = parts.next()?;
    if !matches!(verb, "run" | "exec" | "attach" | "portForward") {
        return None;
    }
    Some((pod_key(parts.next()?, parts.next()?), Trace::Entered))
}

/// Objects that are somebody's piece of work. Namespaces, nodes and shared configuration are touched
/// by everybody.
fn is_piece_of_work(resource: &str) -> bool {
    matches!(
        resource,
        "pods"
            | "deployments"
            | "daemonsets"
            | "statefulsets"
            | "replicasets"
            | "jobs"
            | "cronjobs"
            | "secrets"
            | "certificatesigningrequests"
            | "roles"
            | "clusterroles"
            | "rolebindings"
            | "clusterrolebindings"
            | "mutatingwebhookconfigurations"
            | "validatingwebhookconfigurations"
            | "validatingadmissionpolicies"
            | "validatingadmissionpolicybindings"
            | "services"
            | "ingresses"
    )
}

/// Where the power of a fact may have come from.
pub(super) fn probes(fact: &Fact, own: Keys, rights: [Option<Key>; 2]) -> SmallVec<[Probe; 4]> {
    let mut probes = SmallVec::new();
    let event = &fact.event;
    let mut ask = |key, joint, within| probes.push(Probe { key, joint, within });
    let credential = &fact.credential;
    if let Some(key) = own.credential {
        ask(key, Joint::Token, DAY);
    }
    if let Some(key) = own.pod {
        ask(key, Joint::Pod, DAY);
    }
    if let Some(key) = own.name {
        ask(key, Joint::Certificate, DAY);
    }
    if credential.kind == CredentialKind::LegacyToken
        && let Some(secret) = secret_of_legacy(fact)
    {
        let namespace = &fact.principal.actor().namespace;
        ask(object_key("secrets", namespace, secret), Joint::Account, DAY);
    }
    if let Some(id) = event.user.name.strip_prefix("system:bootstrap:") {
        let secret = format!("bootstrap-token-{id}");
        ask(object_key("secrets", "kube-system", &secret), Joint::Token, DAY);
    }
    for key in rights.into_iter().flatten() {
        ask(key, Joint::Grant, DAY);
    }
    let (resource, name) = (event.resource(), name_of(fact));
    if !name.is_empty() && is_piece_of_work(resource) {
        ask(object_key(resource, event.namespace(), name), Joint::Object, HOUR);
    }
    probes
}

fn secret_of_legacy(fact: &Fact) -> Option<&str> {
    let names = [
        "authentication.k8s.io/legacy-token-manual-secret",
        "authentication.k8s.io/legacy-token-autogenerated-secret",
    ];
    names.iter().find_map(|key| fact.event.annotation(key))
}

type Rights<'a> = (&'static str, &'a str, &'a str);

/// The binding and the role that the authorizer names.
fn rights_of(event: &Event) -> [Option<Rights<'_>>; 2] {
    let reason = event.annotation("authorization.k8s.io/reason");
    let Some(rest) = reason.and_then(|reason| reason.strip_prefix("RBAC: allowed by ")) else {
        return [None, None];
    };
    let Some((kind, (name, rest))) = rest.split_once(' ').and_then(|(k, r)| Some((k, quoted(r)?)))
    else {
        return [None, None];
    };
    let role = rest.strip_prefix(" of ").and_then(|rest| rest.split_once(' '));
    let role = role.and_then(|(kind, rest)| Some((kind, quoted(rest)?.0)));
    // The authorizer writes the name before the namespace.
    let (plain, namespace) = name.rsplit_once('/').unwrap_or((name, ""));
    let binding = match kind {
        "ClusterRoleBinding" => Some(("clusterrolebindings", "", name)),
        "RoleBinding" => Some(("rolebindings", namespace, plain)),
        _ => None,
    };
    let role = match role {
        Some(("ClusterRole", role)) => Some(("clusterroles", "", role)),
        Some(("Role", role)) => Some(("roles", namespace, role)),
        _ => None,
    };
    [binding, role]
}

/// Keys of the binding and the role that the authorizer names.
pub(super) fn rights(event: &Event) -> [Option<Key>; 2] {
    rights_of(event)
        .map(|one| one.map(|(resource, namespace, name)| object_key(resource, namespace, name)))
}

/// A text in quotes at the start, and what follows. One with quotes of its own, which names of roles
/// and bindings may have, is none that could be compared with the name in an URL.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('"')?.split_once('"')?;
    (!name.contains('\\')).then_some((name, rest))
}

/// What is remembered as having been seen: the certificate that is used, the binding that allows.
pub(super) fn seen(fact: &Fact, recall: &mut Recall) -> [Option<Key>; 2] {
    let [binding, _] = recall.rights(&fact.event);
    let certificate = (fact.credential.kind == CredentialKind::X509)
        .then(|| recall.keys(fact).credential)
        .flatten();
    [certificate, binding]
}

/// The certificate that is used.
pub(super) fn certificate_used(fact: &Fact) -> Option<Key> {
    let is_one = fact.credential.kind == CredentialKind::X509;
    is_one.then(|| credential_key(&fact.credential.id))
}

/// The binding that allows the request, by the authorizer's word.
pub(super) fn binding_used(fact: &Fact) -> Option<Key> {
    let [binding, _] = rights(&fact.event);
    binding
}

/// The certificate that a record shows as signed: the request's key and the credential id that the
/// certificate will have.
pub(super) fn signed(fact: &Fact) -> Option<(Key, Key)> {
    if fact.event.resource() != "certificatesigningrequests" {
        return None;
    }
    let object = fact.observed.as_deref()?.objects.first()?;
    match &object.state {
        State::Certificate { fingerprint, .. }
            if !fingerprint.is_empty() && (object.said != Said::Asked || is_signer(fact)) =>
        {
            Some((
                object_key("certificatesigningrequests", "", name_of(fact)),
                credential_key(fingerprint),
            ))
        }
        _ => None,
    }
}

/// Whoever asks for a certificate may write any certificate into his request, which the API server
/// ignores; only what is written to the status counts.
fn is_signer(fact: &Fact) -> bool {
    fact.action.kind == ActionKind::CsrSign && fact.action.outcome == Outcome::Allowed
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::{
        event::{Event, ObjectRef, Stage, Status},
        observed::{Observation, Observed},
    };

    fn allowed(reason: &str) -> Fact {
        let reason = format!("RBAC: allowed by {reason}");
        Fact::of(Event {
            annotations: vec![("authorization.k8s.io/reason".into(), reason.as_str().into())]
                .into(),
            ..Event::default()
        })
    }

    #[test]
    fn a_role_binding_is_the_one_of_its_namespace() {
        let fact = allowed(r#"RoleBinding "developers/catalog" of Role "edit" to Group "dev""#);
        let binding = ("rolebindings", "catalog", "developers");
        assert_eq!(rights_of(&fact.event), [Some(binding), Some(("roles", "catalog", "edit"))]);
    }

    #[test]
    fn a_name_with_quotes_is_no_other_binding() {
        let name = r#"ClusterRoleBinding "x\" of ClusterRole \"cluster-admin" of ClusterRole "y" to User "z""#;
        assert_eq!(rights_of(&allowed(name).event), [None, None]);
        assert_eq!(rights_of(&allowed("ClusterRoleBinding").event), [None, None]);
    }

    #[test]
    fn a_certificate_that_somebody_writes_into_his_request_ties_nobody_to_him() {
        let told = |said| {
            let mut fact = Fact::of(Event {
                verb: "update".into(),
                object: Some(Box::new(ObjectRef {
                    resource: "certificatesigningrequests".into(),
                    name: "csr-1".into(),
                    ..ObjectRef::default()
                })),
                stage: Stage::ResponseComplete,
                status: Some(Status { code: Some(200), ..Status::default() }.into()),
                ..Event::default()
            });
            let state = State::Certificate {
                requester: "mallory".into(),
                signer: "s".into(),
                common_name: "admin".into(),
                organizations: Vec::new(),
                conditions: Vec::new(),
                fingerprint: "X509SHA256=admins".into(),
            };
            let one = Observation { said, state, ..Observation::default() };
            fact.observed = Some(Box::new(Observed { objects: vec![one], left_out: 0 }));
            signed(&fact).is_some()
        };
        assert!(told(Said::Answered) && told(Said::Read));
        assert!(!told(Said::Asked));
    }
}
