//! How a sentence calls the one who acted and the object acted upon, for readers who do not know
//! Kubernetes: "service account shop/cart", "all secrets in every namespace".

use trailhound_model::{
    action::{ActionKind, Outcome},
    entity,
    fact::Fact,
    principal::{Identity, Principal, PrincipalKind},
};

/// The one who acted: the identity that authenticated, and as whom it acted.
pub fn principal(principal: &Principal) -> String {
    let actor = identity(principal.actor());
    if principal.real.is_none() {
        return actor;
    }
    format!("{actor} acting as {}", acted_as(&principal.effective))
}

fn acted_as(effective: &Identity) -> String {
    match effective.kind {
        PrincipalKind::User
        | PrincipalKind::OidcUser
        | PrincipalKind::ControlPlane
        | PrincipalKind::Provider => effective.name.to_string(),
        _ => identity(effective),
    }
}

/// One identity in words.
pub fn identity(identity: &Identity) -> String {
    let short = &identity.short;
    match identity.kind {
        PrincipalKind::User | PrincipalKind::OidcUser => format!("user {}", identity.name),
        PrincipalKind::CloudRole if identity.session.is_empty() => format!("cloud role {short}"),
        PrincipalKind::CloudRole => format!("cloud role {short} (session {})", identity.session),
        PrincipalKind::ServiceAccount => {
            format!("service account {}/{short}", identity.namespace)
        }
        PrincipalKind::Node => format!("the kubelet of node {short}"),
        PrincipalKind::ControlPlane => {
            let name = short.strip_prefix("system:").unwrap_or(short);
            format!("control plane component {name}")
        }
        PrincipalKind::Provider => format!("the platform's component {}", identity.name),
        PrincipalKind::Bootstrap => format!("a joining node with bootstrap token {short}"),
        PrincipalKind::Anonymous => "an anonymous caller".to_owned(),
        PrincipalKind::Unauthenticated => "somebody whose credentials were refused".to_owned(),
    }
}

/// The object acted upon.
pub fn target(fact: &Fact) -> String {
    let event = &fact.event;
    if event.object.is_none() {
        let path = event.path();
        return if path.is_empty() { "the API".to_owned() } else { path.to_owned() };
    }
    let (resource, namespace) = (event.resource(), own_namespace(fact));
    match fact.object_name() {
        "" if is_many(fact) => many(resource, namespace),
        "" => within(&format!("a {}", noun(resource)), namespace),
        name if resource == "serviceaccounts" => format!("service account {namespace}/{name}"),
        name => within(&format!("{} {name}", noun(resource)), namespace),
    }
}

/// What was done to what, and what came of it if it did not succeed: "read secret x in namespace y
/// (denied)".
pub fn act(fact: &Fact) -> String {
    let phrase = fact.action.kind.phrase();
    let act = match fact.action.kind {
        ActionKind::ReviewSelf => phrase.to_owned(),
        _ => format!("{phrase} {}", target(fact)),
    };
    match fact.action.outcome {
        Outcome::Allowed => act,
        other => format!("{act} ({})", other.as_str()),
    }
}

/// `pod:shop/cart-7d4`, `sa:shop/cart`, `ns:shop`: one spelling in all findings. A path that is no
/// resource is `url:/version`.
pub fn target_entity(fact: &Fact) -> String {
    entity_named(fact, fact.object_name())
}

/// The same when the name is known from elsewhere: before a fact carries its body.
pub(crate) fn entity_named(fact: &Fact, name: &str) -> String {
    let event = &fact.event;
    if event.object.is_none() {
        return format!("url:{}", event.path());
    }
    let resource = event.resource();
    let namespace = own_namespace(fact);
    match resource {
        "serviceaccounts" if !name.is_empty() => entity::service_account(namespace, name),
        "namespaces" if !name.is_empty() => entity::namespace(name),
        _ => entity::object(resource, namespace, name),
    }
}

/// The namespace that an object lies in. The URL of a namespace names it as its own namespace.
fn own_namespace(fact: &Fact) -> &str {
    if fact.event.resource() == "namespaces" { "" } else { fact.event.namespace() }
}

fn is_many(fact: &Fact) -> bool {
    matches!(fact.event.verb.as_str(), "list" | "watch" | "deletecollection")
        || fact.action.kind == ActionKind::ObjectDeleteMany
}

fn many(resource: &str, namespace: &str) -> String {
    let all = format!("all {}", plural(resource));
    match (namespace, scope_of(resource)) {
        ("", Scope::Namespaced) => format!("{all} in every namespace"),
        ("", Scope::Cluster) => all,
        (namespace, _) => within(&all, namespace),
    }
}

fn within(what: &str, namespace: &str) -> String {
    if namespace.is_empty() { what.to_owned() } else { format!("{what} in namespace {namespace}") }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Namespaced,
    Cluster,
}

/// Kubernetes' own cluster-scoped resources. Of custom resources the log does not say, and most
/// are namespaced.
const CLUSTER_SCOPED: &[&str] = &[
    "apiservices",
    "certificatesigningrequests",
    "clusterrolebindings",
    "clusterroles",
    "componentstatuses",
    "csidrivers",
    "csinodes",
    "customresourcedefinitions",
    "flowschemas",
    "ingressclasses",
    "mutatingadmissionpolicies",
    "mutatingwebhookconfigurations",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "priorityclasses",
    "prioritylevelconfigurations",
    "runtimeclasses",
    "storageclasses",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
    "volumeattachments",
];

fn scope_of(resource: &str) -> Scope {
    if CLUSTER_SCOPED.binary_search(&resource).is_ok() { Scope::Cluster } else { Scope::Namespaced }
}

/// Names that read badly when only the plural ending is cut off.
const NOUNS: &[(&str, &str)] = &[
    ("apiservices", "APIService"),
    ("certificatesigningrequests", "certificate request"),
    ("clusterrolebindings", "ClusterRoleBinding"),
    ("clusterroles", "ClusterRole"),
    ("configmaps", "config map"),
    ("cronjobs", "cron job"),
    ("customresourcedefinitions", "CustomResourceDefinition"),
    ("daemonsets", "daemon set"),
    ("endpointslices", "endpoint slice"),
    ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
    ("networkpolicies", "network policy"),
    ("persistentvolumeclaims", "persistent volume claim"),
    ("persistentvolumes", "persistent volume"),
    ("replicasets", "replica set"),
    ("rolebindings", "RoleBinding"),
    ("roles", "Role"),
    ("serviceaccounts", "service account"),
    ("statefulsets", "stateful set"),
    ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
];

fn noun(resource: &str) -> String {
    match NOUNS.binary_search_by_key(&resource, |(name, _)| name) {
        Ok(at) => NOUNS.get(at).map_or("", |(_, noun)| noun).to_owned(),
        Err(_) => entity::singular(resource),
    }
}

fn plural(resource: &str) -> String {
    let Ok(at) = NOUNS.binary_search_by_key(&resource, |(name, _)| name) else {
        return resource.to_owned();
    };
    let noun = NOUNS.get(at).map_or("", |(_, noun)| noun);
    noun.strip_suffix('y').map_or_else(|| format!("{noun}s"), |stem| format!("{stem}ies"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::event::{Event, ObjectRef, User};

    fn named(name: &str) -> Event {
        Event { user: User { name: name.into(), ..User::default() }.into(), ..Event::default() }
    }

    #[test]
    fn identities_in_words() {
        for (name, words) in [
            ("alice", "user alice"),
            ("system:serviceaccount:shop:cart", "service account shop/cart"),
            ("system:node:n1", "the kubelet of node n1"),
            ("system:kube-scheduler", "control plane component kube-scheduler"),
            (
                "system:serviceaccount:kube-system:job-controller",
                "control plane component job-controller",
            ),
            ("system:bootstrap:abcdef", "a joining node with bootstrap token abcdef"),
            ("system:anonymous", "an anonymous caller"),
            ("", "somebody whose credentials were refused"),
            ("arn:aws:sts::111122223333:assumed-role/ops/jane", "cloud role ops (session jane)"),
        ] {
            assert_eq!(principal(&Principal::of(&named(name))), words);
        }
    }

    #[test]
    fn whoever_acts_as_another_is_named_first() {
        for (other, words) in [
            ("system:admin", "user carol acting as system:admin"),
            ("system:serviceaccount:shop:cart", "user carol acting as service account shop/cart"),
        ] {
            let mut event = named("carol");
            event.impersonated = Some(trailhound_model::Shared::from(User {
                name: other.into(),
                ..User::default()
            }));
            assert_eq!(principal(&Principal::of(&event)), words);
        }
    }

    fn about(verb: &str, resource: &str, namespace: &str, name: &str) -> Fact {
        Fact::of(Event {
            verb: verb.into(),
            object: Some(Box::new(ObjectRef {
                resource: resource.into(),
                namespace: namespace.into(),
                name: name.into(),
                ..ObjectRef::default()
            })),
            ..Event::default()
        })
    }

    #[test]
    fn targets_in_words_and_as_entities() {
        for (verb, resource, namespace, name, words, entity) in [
            (
                "get",
                "pods",
                "shop",
                "cart-7d4",
                "pod cart-7d4 in namespace shop",
                "pod:shop/cart-7d4",
            ),
            ("list", "secrets", "shop", "", "all secrets in namespace shop", "secret:shop/*"),
            ("list", "secrets", "", "", "all secrets in every namespace", "secret:*"),
            ("watch", "nodes", "", "", "all nodes", "node:*"),
            (
                "list",
                "networkpolicies",
                "",
                "",
                "all network policies in every namespace",
                "networkpolicy:*",
            ),
            (
                "create",
                "clusterrolebindings",
                "",
                "x",
                "ClusterRoleBinding x",
                "clusterrolebinding:x",
            ),
            ("create", "pods", "shop", "", "a pod in namespace shop", "pod:shop/*"),
            (
                "create",
                "serviceaccounts",
                "shop",
                "cart",
                "service account shop/cart",
                "sa:shop/cart",
            ),
            ("patch", "namespaces", "shop", "shop", "namespace shop", "ns:shop"),
            ("delete", "nodes", "", "n1", "node n1", "node:n1"),
        ] {
            let fact = about(verb, resource, namespace, name);
            assert_eq!(target(&fact), words);
            assert_eq!(target_entity(&fact), entity);
        }
    }

    #[test]
    fn a_url_that_is_no_resource_is_named_by_its_path() {
        let fact =
            Fact::of(Event { request_uri: "/version?timeout=3s".into(), ..Event::default() });
        assert_eq!(
            (target(&fact).as_str(), target_entity(&fact).as_str()),
            ("/version", "url:/version")
        );
    }

    #[test]
    fn tables_that_are_searched_are_sorted() {
        assert!(CLUSTER_SCOPED.is_sorted());
        assert!(NOUNS.is_sorted());
    }
}
