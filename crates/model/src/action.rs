//! What an event means, whatever the wire said: exec is exec whether it came as POST (SPDY) or
//! GET (WebSocket), and a 403 by an admission plugin is not a 403 by the authorizer.
//!
//! Rules, learning and sentences speak of actions, never of verbs and URLs, because those changed
//! under every tool that relied on them.

use crate::event::{Event, Level, Stage};
use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $phrase:literal;)*) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ActionKind { #[default] $($(#[$doc])* $variant,)* }

        impl ActionKind {
            /// Every kind.
            pub const ALL: &'static [ActionKind] = &[$(ActionKind::$variant,)*];

            /// The name in rules and JSON (`pod.exec`).
            pub fn as_str(self) -> &'static str {
                match self { $(ActionKind::$variant => $name,)* }
            }

            /// What somebody did, as the verb phrase of a sentence ("ran a command inside").
            pub fn phrase(self) -> &'static str {
                match self { $(ActionKind::$variant => $phrase,)* }
            }

            /// The kind with this name.
            pub fn from_name(name: &str) -> Option<ActionKind> {
                match name { $($name => Some(ActionKind::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    /// Anything that has no name of its own here.
    Other = "other", "made a request about";
    /// Reading an object.
    ObjectRead = "object.read", "read";
    /// Listing objects.
    ObjectList = "object.list", "listed";
    /// Watching objects.
    ObjectWatch = "object.watch", "watched";
    /// Creating an object.
    ObjectCreate = "object.create", "created";
    /// Changing an object.
    ObjectChange = "object.change", "changed";
    /// Deleting an object.
    ObjectDelete = "object.delete", "deleted";
    /// Deleting many objects in one request.
    ObjectDeleteMany = "object.delete-many", "deleted all of";
    /// Writing a status: controllers and kubelets do little else.
    StatusUpdate = "status.update", "updated the status of";
    /// Renewing a lease: the heartbeat of nodes and controllers.
    LeaseRenew = "lease.renew", "renewed";
    /// Running a command in a container.
    PodExec = "pod.exec", "ran a command inside";
    /// Attaching to a running container.
    PodAttach = "pod.attach", "attached to";
    /// Forwarding a port into a pod.
    PodPortForward = "pod.port-forward", "opened a tunnel into";
    /// Adding a debug container to a running pod.
    PodDebug = "pod.debug", "added a debug container to";
    /// Reading a container's output.
    PodLogs = "pod.logs", "read the logs of";
    /// HTTP to a pod or service through the API server.
    WorkloadProxy = "workload.proxy", "sent HTTP requests through the API server to";
    /// Evicting a pod.
    PodEvict = "pod.evict", "evicted";
    /// Binding a pod to a node: the scheduler's work.
    PodBind = "pod.bind", "placed on a node";
    /// HTTP to a kubelet through the API server.
    NodeProxy = "node.proxy", "reached through the API server to the kubelet of";
    /// Registering a node.
    NodeCreate = "node.create", "registered";
    /// Changing a node.
    NodeChange = "node.change", "changed";
    /// Removing a node.
    NodeDelete = "node.delete", "removed";
    /// Creating a pod or anything with a pod template.
    WorkloadCreate = "workload.create", "created";
    /// Changing one.
    WorkloadChange = "workload.change", "changed";
    /// Scaling one.
    WorkloadScale = "workload.scale", "scaled";
    /// Deleting one.
    WorkloadDelete = "workload.delete", "deleted";
    /// Reading one secret.
    SecretRead = "secret.read", "read";
    /// Listing secrets with their contents.
    SecretList = "secret.list", "listed, with their contents,";
    /// Watching secrets with their contents.
    SecretWatch = "secret.watch", "watched, with their contents,";
    /// Creating or changing a secret.
    SecretWrite = "secret.write", "wrote";
    /// Deleting secrets.
    SecretDelete = "secret.delete", "deleted";
    /// Reading config maps.
    ConfigRead = "config.read", "read";
    /// Creating or changing a config map.
    ConfigWrite = "config.write", "wrote";
    /// Deleting config maps.
    ConfigDelete = "config.delete", "deleted";
    /// Issuing a token for a service account.
    TokenMint = "token.mint", "issued a token for";
    /// Asking whether a token is valid.
    TokenReview = "token.review", "had a token checked with";
    /// Creating a service account.
    AccountCreate = "account.create", "created";
    /// Changing a service account.
    AccountChange = "account.change", "changed";
    /// Deleting a service account.
    AccountDelete = "account.delete", "deleted";
    /// Creating or changing a binding of a role.
    RbacGrant = "rbac.grant", "granted rights with";
    /// Deleting a binding.
    RbacRevoke = "rbac.revoke", "deleted";
    /// Creating or changing a role.
    RoleChange = "role.change", "wrote";
    /// Deleting a role.
    RoleDelete = "role.delete", "deleted";
    /// Acting as somebody else, and being refused: granted impersonation shows in the principal.
    IdentityImpersonate = "identity.impersonate", "tried to act as another identity on";
    /// Asking for a certificate.
    CsrCreate = "csr.create", "requested a certificate with";
    /// Approving a certificate.
    CsrApprove = "csr.approve", "approved";
    /// Signing it: the controller's work.
    CsrSign = "csr.sign", "signed";
    /// Deleting a request.
    CsrDelete = "csr.delete", "deleted";
    /// Creating or changing an admission webhook.
    WebhookChange = "webhook.change", "wrote";
    /// Deleting one.
    WebhookDelete = "webhook.delete", "deleted";
    /// Creating or changing an admission policy.
    PolicyChange = "policy.change", "wrote";
    /// Deleting one.
    PolicyDelete = "policy.delete", "deleted";
    /// Creating or changing a network policy.
    NetworkPolicyChange = "network-policy.change", "wrote";
    /// Deleting one.
    NetworkPolicyDelete = "network-policy.delete", "deleted";
    /// Creating a namespace.
    NamespaceCreate = "namespace.create", "created";
    /// Changing a namespace, its labels above all.
    NamespaceChange = "namespace.change", "changed";
    /// Deleting a namespace.
    NamespaceDelete = "namespace.delete", "deleted";
    /// Creating or changing a service.
    ServiceChange = "service.change", "wrote";
    /// Creating or changing an ingress or gateway.
    IngressChange = "ingress.change", "wrote";
    /// Deleting Kubernetes events: traces of what happened.
    EventDelete = "event.delete", "deleted";
    /// Writing Kubernetes events.
    EventWrite = "event.write", "recorded";
    /// Changing custom resource definitions or aggregated APIs.
    ApiExtend = "api.extend", "wrote";
    /// Asking what oneself may do.
    ReviewSelf = "review.self", "asked what it may do";
    /// Asking what somebody may do.
    ReviewOther = "review.other", "asked what another identity may do";
    /// Reading the list of APIs, the version, the OpenAPI document.
    Discovery = "discovery", "looked up which APIs exist at";
    /// Health endpoints.
    HealthCheck = "health", "checked the health at";
    /// Any other URL that is no resource.
    NonResource = "url.get", "requested";
}

/// What came of it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Outcome {
    /// It succeeded.
    Allowed,
    /// The authorizer refused (403).
    Denied,
    /// The authorizer allowed it but admission or validation refused.
    Rejected,
    /// Authentication failed (401).
    Unauthenticated,
    /// There was no such object.
    NotFound,
    /// It was there already, or had changed meanwhile.
    Conflict,
    /// It failed otherwise.
    Failed,
    /// The log does not say.
    #[default]
    Unknown,
}

impl Outcome {
    /// The name in rules and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Allowed => "allowed",
            Outcome::Denied => "denied",
            Outcome::Rejected => "rejected",
            Outcome::Unauthenticated => "unauthenticated",
            Outcome::NotFound => "not-found",
            Outcome::Conflict => "conflict",
            Outcome::Failed => "failed",
            Outcome::Unknown => "unknown",
        }
    }

    /// The outcome with this name.
    pub fn from_name(name: &str) -> Option<Outcome> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }

    /// Every outcome.
    pub const ALL: [Outcome; 8] = [
        Outcome::Allowed,
        Outcome::Denied,
        Outcome::Rejected,
        Outcome::Unauthenticated,
        Outcome::NotFound,
        Outcome::Conflict,
        Outcome::Failed,
        Outcome::Unknown,
    ];
}

/// Whether the cluster was changed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Effect {
    /// Nothing was to be changed, or it did not succeed.
    #[default]
    None,
    /// Something was changed, as far as the log tells.
    Changed,
    /// It succeeded as a dry run: nothing was changed.
    DryRun,
    /// It succeeded but the object stayed as it was (same resourceVersion).
    NoOp,
}

impl Effect {
    /// The name in rules and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::None => "none",
            Effect::Changed => "changed",
            Effect::DryRun => "dry-run",
            Effect::NoOp => "no-op",
        }
    }
}

/// What an event means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What was done.
    pub kind: ActionKind,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether the cluster was changed.
    pub effect: Effect,
}

impl Action {
    /// Judges an event by its own content. No-op updates need the body: see
    /// [`Action::with_versions`].
    pub fn of(event: &Event) -> Action {
        let kind = if is_denied_impersonation(event) {
            ActionKind::IdentityImpersonate
        } else {
            kind_of(event)
        };
        let outcome = outcome_of(event);
        Action { kind, outcome, effect: effect_of(event, outcome) }
    }

    /// Tells a no-op from a change: an update that leaves the resourceVersion it was based on.
    #[must_use]
    pub fn with_versions(mut self, before: &str, after: &str) -> Action {
        if self.effect == Effect::Changed && !before.is_empty() && before == after {
            self.effect = Effect::NoOp;
        }
        self
    }
}

/// Denied impersonation has no `impersonatedUser` and no annotations: the message is its only
/// trace (`cannot impersonate …`, since 1.36 also `cannot impersonate-on:…`).
fn is_denied_impersonation(event: &Event) -> bool {
    event.code() == Some(403)
        && event.impersonated.is_none()
        && event.message().contains(" cannot impersonate")
}

fn outcome_of(event: &Event) -> Outcome {
    if event.stage == Stage::RequestReceived {
        return Outcome::Unknown;
    }
    match event.code() {
        None if event.stage == Stage::Panic => Outcome::Failed,
        None if event.status.as_ref().is_some_and(|status| status.succeeded) => Outcome::Allowed,
        None => Outcome::Unknown,
        Some(200..=399) if is_refused_login(event) => Outcome::Unauthenticated,
        Some(101 | 200..=399) => Outcome::Allowed,
        Some(401) => Outcome::Unauthenticated,
        Some(403) if event.annotation("authorization.k8s.io/decision") == Some("allow") => {
            Outcome::Rejected
        }
        Some(403) => Outcome::Denied,
        Some(404) => Outcome::NotFound,
        Some(409) => Outcome::Conflict,
        Some(422) => Outcome::Rejected,
        Some(_) => Outcome::Failed,
    }
}

/// OpenShift's OAuth server answers a wrong password with a redirect or a page, so that the code
/// says nothing; its own annotation does.
fn is_refused_login(event: &Event) -> bool {
    event.object.is_none()
        && matches!(
            event.annotation("authentication.openshift.io/decision"),
            Some("deny" | "error")
        )
}

fn effect_of(event: &Event, outcome: Outcome) -> Effect {
    let writes = matches!(
        event.verb.as_str(),
        "create" | "update" | "patch" | "delete" | "deletecollection"
    );
    if !writes || outcome != Outcome::Allowed {
        return Effect::None;
    }
    if event.request_uri.contains("dryRun=") && event.query("dryRun").iter().any(|v| v == "All") {
        return Effect::DryRun;
    }
    Effect::Changed
}

/// Whether the audit policy could have written a body for this event.
pub fn body_was_logged(event: &Event) -> bool {
    event.level >= Level::Request && !event.bodies.truncated
}

/// Broad class of a verb.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Get,
    List,
    Watch,
    Create,
    Change,
    Delete,
    DeleteMany,
    Other,
}

fn verb_of(event: &Event) -> Verb {
    // A patch (server-side apply) or an update of what was not there creates it, and says so by 201.
    let created = event.code() == Some(201);
    match event.verb.as_str() {
        "update" | "patch" | "put" | "apply" if created => Verb::Create,
        "get" => Verb::Get,
        "list" => Verb::List,
        "watch" => Verb::Watch,
        "create" | "post" => Verb::Create,
        "update" | "patch" | "put" | "apply" => Verb::Change,
        "delete" => Verb::Delete,
        "deletecollection" => Verb::DeleteMany,
        _ => Verb::Other,
    }
}

fn kind_of(event: &Event) -> ActionKind {
    let Some(object) = &event.object else { return non_resource(event) };
    let verb = verb_of(event);
    let (group, resource) = (object.api_group.as_str(), object.resource.as_str());
    if !object.subresource.is_empty() {
        return subresource(group, resource, &object.subresource, verb);
    }
    let kind = match group {
        "" => core(resource, verb),
        "apps" | "batch" | "extensions" => workload(resource, verb),
        "rbac.authorization.k8s.io" => rbac(resource, verb),
        "admissionregistration.k8s.io" => admission(resource, verb),
        "certificates.k8s.io" if resource == "certificatesigningrequests" => certificate(verb),
        "authorization.k8s.io" => review(resource),
        "authentication.k8s.io" => authentication(resource),
        "coordination.k8s.io" if resource == "leases" && verb == Verb::Change => {
            Some(ActionKind::LeaseRenew)
        }
        "events.k8s.io" if resource == "events" => event_object(verb),
        "networking.k8s.io"
        | "gateway.networking.k8s.io"
        | "policy.networking.k8s.io"
        | "cilium.io"
        | "crd.antrea.io"
        | "crd.projectcalico.org"
        | "projectcalico.org" => network(resource, verb),
        "apiextensions.k8s.io" | "apiregistration.k8s.io" if is_write(verb) => {
            Some(ActionKind::ApiExtend)
        }
        _ => None,
    };
    kind.unwrap_or_else(|| generic(verb))
}

fn is_write(verb: Verb) -> bool {
    matches!(verb, Verb::Create | Verb::Change | Verb::Delete | Verb::DeleteMany)
}

fn generic(verb: Verb) -> ActionKind {
    match verb {
        Verb::Get => ActionKind::ObjectRead,
        Verb::List => ActionKind::ObjectList,
        Verb::Watch => ActionKind::ObjectWatch,
        Verb::Create => ActionKind::ObjectCreate,
        Verb::Change => ActionKind::ObjectChange,
        Verb::Delete => ActionKind::ObjectDelete,
        Verb::DeleteMany => ActionKind::ObjectDeleteMany,
        Verb::Other => ActionKind::Other,
    }
}

fn subresource(group: &str, resource: &str, subresource: &str, verb: Verb) -> ActionKind {
    match (group, resource, subresource) {
        ("", "pods", "exec") => ActionKind::PodExec,
        ("", "pods", "attach") => ActionKind::PodAttach,
        ("", "pods", "portforward") => ActionKind::PodPortForward,
        ("", "pods", "log") => ActionKind::PodLogs,
        ("", "pods", "ephemeralcontainers") if is_write(verb) => ActionKind::PodDebug,
        ("", "pods", "eviction") => ActionKind::PodEvict,
        ("", "pods", "binding") | ("", "bindings", _) => ActionKind::PodBind,
        ("", "pods" | "services", "proxy") => ActionKind::WorkloadProxy,
        ("", "nodes", "proxy") => ActionKind::NodeProxy,
        ("", "serviceaccounts", "token") if verb == Verb::Create => ActionKind::TokenMint,
        ("certificates.k8s.io", "certificatesigningrequests", "approval") if is_write(verb) => {
            ActionKind::CsrApprove
        }
        ("certificates.k8s.io", "certificatesigningrequests", "status") if is_write(verb) => {
            ActionKind::CsrSign
        }
        (_, _, "scale") if is_write(verb) => ActionKind::WorkloadScale,
        (_, _, "status") if is_write(verb) => ActionKind::StatusUpdate,
        ("", "namespaces", "finalize") => ActionKind::StatusUpdate,
        _ => generic(verb),
    }
}

fn core(resource: &str, verb: Verb) -> Option<ActionKind> {
    match resource {
        "pods" | "replicationcontrollers" => workload(resource, verb),
        "secrets" => Some(match verb {
            Verb::Get => ActionKind::SecretRead,
            Verb::List => ActionKind::SecretList,
            Verb::Watch => ActionKind::SecretWatch,
            Verb::Create | Verb::Change => ActionKind::SecretWrite,
            Verb::Delete | Verb::DeleteMany => ActionKind::SecretDelete,
            Verb::Other => return None,
        }),
        "configmaps" => match verb {
            Verb::Get | Verb::List => Some(ActionKind::ConfigRead),
            Verb::Create | Verb::Change => Some(ActionKind::ConfigWrite),
            Verb::Delete | Verb::DeleteMany => Some(ActionKind::ConfigDelete),
            Verb::Watch | Verb::Other => None,
        },
        "events" => event_object(verb),
        "serviceaccounts" => changes(
            verb,
            ActionKind::AccountCreate,
            ActionKind::AccountChange,
            ActionKind::AccountDelete,
        ),
        "nodes" => {
            changes(verb, ActionKind::NodeCreate, ActionKind::NodeChange, ActionKind::NodeDelete)
        }
        "namespaces" => changes(
            verb,
            ActionKind::NamespaceCreate,
            ActionKind::NamespaceChange,
            ActionKind::NamespaceDelete,
        ),
        "services" => {
            matches!(verb, Verb::Create | Verb::Change).then_some(ActionKind::ServiceChange)
        }
        "bindings" if is_write(verb) => Some(ActionKind::PodBind),
        _ => None,
    }
}

fn changes(
    verb: Verb,
    create: ActionKind,
    change: ActionKind,
    delete: ActionKind,
) -> Option<ActionKind> {
    match verb {
        Verb::Create => Some(create),
        Verb::Change => Some(change),
        Verb::Delete | Verb::DeleteMany => Some(delete),
        _ => None,
    }
}

fn workload(resource: &str, verb: Verb) -> Option<ActionKind> {
    if matches!(resource, "ingresses" | "networkpolicies") {
        return network(resource, verb);
    }
    let templated = matches!(
        resource,
        "pods"
            | "replicationcontrollers"
            | "deployments"
            | "daemonsets"
            | "statefulsets"
            | "replicasets"
            | "jobs"
            | "cronjobs"
    );
    if !templated {
        return None;
    }
    changes(
        verb,
        ActionKind::WorkloadCreate,
        ActionKind::WorkloadChange,
        ActionKind::WorkloadDelete,
    )
}

fn rbac(resource: &str, verb: Verb) -> Option<ActionKind> {
    match resource {
        "roles" | "clusterroles" => {
            changes(verb, ActionKind::RoleChange, ActionKind::RoleChange, ActionKind::RoleDelete)
        }
        "rolebindings" | "clusterrolebindings" => {
            changes(verb, ActionKind::RbacGrant, ActionKind::RbacGrant, ActionKind::RbacRevoke)
        }
        _ => None,
    }
}

fn admission(resource: &str, verb: Verb) -> Option<ActionKind> {
    if resource.ends_with("webhookconfigurations") {
        changes(
            verb,
            ActionKind::WebhookChange,
            ActionKind::WebhookChange,
            ActionKind::WebhookDelete,
        )
    } else {
        changes(verb, ActionKind::PolicyChange, ActionKind::PolicyChange, ActionKind::PolicyDelete)
    }
}

fn certificate(verb: Verb) -> Option<ActionKind> {
    match verb {
        Verb::Create => Some(ActionKind::CsrCreate),
        Verb::Delete | Verb::DeleteMany => Some(ActionKind::CsrDelete),
        _ => None,
    }
}

fn review(resource: &str) -> Option<ActionKind> {
    match resource {
        "selfsubjectaccessreviews" | "selfsubjectrulesreviews" => Some(ActionKind::ReviewSelf),
        "subjectaccessreviews" | "localsubjectaccessreviews" => Some(ActionKind::ReviewOther),
        _ => None,
    }
}

fn authentication(resource: &str) -> Option<ActionKind> {
    match resource {
        "tokenreviews" => Some(ActionKind::TokenReview),
        "selfsubjectreviews" => Some(ActionKind::ReviewSelf),
        _ => None,
    }
}

fn event_object(verb: Verb) -> Option<ActionKind> {
    match verb {
        Verb::Delete | Verb::DeleteMany => Some(ActionKind::EventDelete),
        Verb::Create | Verb::Change => Some(ActionKind::EventWrite),
        _ => None,
    }
}

fn network(resource: &str, verb: Verb) -> Option<ActionKind> {
    match (resource, verb) {
        (name, Verb::Delete | Verb::DeleteMany) if name.ends_with("networkpolicies") => {
            Some(ActionKind::NetworkPolicyDelete)
        }
        (name, Verb::Create | Verb::Change) if name.ends_with("networkpolicies") => {
            Some(ActionKind::NetworkPolicyChange)
        }
        ("ingresses" | "gateways" | "httproutes", Verb::Create | Verb::Change) => {
            Some(ActionKind::IngressChange)
        }
        _ => None,
    }
}

fn non_resource(event: &Event) -> ActionKind {
    let path = event.path();
    if ["/healthz", "/livez", "/readyz"].iter().any(|health| path.starts_with(health)) {
        return ActionKind::HealthCheck;
    }
    let discovery = ["/api", "/apis", "/openapi", "/.well-known", "/swagger"]
        .iter()
        .any(|root| path.starts_with(root))
        || path == "/version"
        || path == "/version/"
        || path == "/";
    if discovery && !path.contains("..") { ActionKind::Discovery } else { ActionKind::NonResource }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ObjectRef, Status};

    fn request(verb: &str, group: &str, resource: &str, sub: &str, code: u16) -> Event {
        Event {
            stage: Stage::ResponseComplete,
            verb: verb.into(),
            object: Some(Box::new(ObjectRef {
                api_group: group.into(),
                resource: resource.into(),
                subresource: sub.into(),
                ..ObjectRef::default()
            })),
            status: Some(crate::Shared::from(Status { code: Some(code), ..Status::default() })),
            ..Event::default()
        }
    }

    #[test]
    fn a_login_that_openshift_refused_is_no_success_although_it_was_redirected() {
        let login = |decision: &str| Event {
            status: Some(Status { code: Some(302), ..Status::default() }.into()),
            annotations: vec![("authentication.openshift.io/decision".into(), decision.into())]
                .into(),
            ..Event::default()
        };
        assert_eq!(Action::of(&login("deny")).outcome, Outcome::Unauthenticated);
        assert_eq!(Action::of(&login("error")).outcome, Outcome::Unauthenticated);
        assert_eq!(Action::of(&login("allow")).outcome, Outcome::Allowed);
    }

    #[test]
    fn success_without_a_code_is_success_and_silence_is_not() {
        let said = |succeeded| Event {
            status: Some(Status { succeeded, ..Status::default() }.into()),
            ..Event::default()
        };
        assert_eq!(Action::of(&said(true)).outcome, Outcome::Allowed);
        assert_eq!(Action::of(&said(false)).outcome, Outcome::Unknown);
    }

    #[test]
    fn exec_is_exec_whether_post_or_get() {
        for (verb, code) in [("create", 101), ("get", 101), ("create", 200)] {
            let action = Action::of(&request(verb, "", "pods", "exec", code));
            assert_eq!((action.kind, action.outcome), (ActionKind::PodExec, Outcome::Allowed));
        }
    }

    #[test]
    fn what_server_side_apply_made_is_a_creation_and_no_change() {
        let kind =
            |verb: &str, code| Action::of(&request(verb, "apps", "daemonsets", "", code)).kind;
        assert_eq!(kind("patch", 201), ActionKind::WorkloadCreate);
        assert_eq!(kind("update", 201), ActionKind::WorkloadCreate);
        assert_eq!(kind("patch", 200), ActionKind::WorkloadChange);
    }

    #[test]
    fn network_policies_of_every_maker_are_network_policies() {
        for (group, resource) in [
            ("policy.networking.k8s.io", "adminnetworkpolicies"),
            ("projectcalico.org", "globalnetworkpolicies"),
            ("crd.antrea.io", "clusternetworkpolicies"),
        ] {
            let action = Action::of(&request("delete", group, resource, "", 200));
            assert_eq!(action.kind, ActionKind::NetworkPolicyDelete, "{group}");
        }
    }

    #[test]
    fn a_refusal_by_admission_is_not_a_refusal_by_the_authorizer() {
        let mut event = request("create", "", "pods", "", 403);
        assert_eq!(Action::of(&event).outcome, Outcome::Denied);
        event.annotations.push(("authorization.k8s.io/decision".into(), "allow".into()));
        assert_eq!(Action::of(&event).outcome, Outcome::Rejected);
    }

    #[test]
    fn dry_runs_no_ops_and_failures_change_nothing() {
        let mut event = request("update", "", "configmaps", "", 200);
        assert_eq!(Action::of(&event).effect, Effect::Changed);
        assert_eq!(Action::of(&event).with_versions("7", "7").effect, Effect::NoOp);
        event.request_uri = "/x?dryRun=All".into();
        assert_eq!(Action::of(&event).effect, Effect::DryRun);
        assert_eq!(Action::of(&request("update", "", "configmaps", "", 409)).effect, Effect::None);
    }

    #[test]
    fn a_status_that_is_not_there_is_unknown() {
        let mut event = request("create", "", "pods", "", 201);
        event.status = None;
        assert_eq!(Action::of(&event).outcome, Outcome::Unknown);
        assert_eq!(Action::of(&event).effect, Effect::None);
    }

    #[test]
    fn denied_impersonation_is_known_by_its_message() {
        let mut event = request("get", "", "pods", "", 403);
        if let Some(status) = &mut event.status {
            status.message =
                "forbidden: User \"carol\" cannot impersonate-on:user-info:get path".into();
        }
        assert_eq!(Action::of(&event).kind, ActionKind::IdentityImpersonate);
    }

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in ActionKind::ALL {
            assert_eq!(ActionKind::from_name(kind.as_str()), Some(*kind));
        }
    }
}
