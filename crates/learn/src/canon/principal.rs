//! Who acts, as a key under which a history can be kept.
//!
//! All nodes are one principal, because kubelets do one job and come and go; so are all requests
//! without a credential. A cloud role is one principal whatever its sessions are called; the subject
//! of a CI system's token is its repository whatever the branch. Everything else that has a name of
//! its own has a history of its own: two people are never made one.

use super::name;
use crate::symbol::{Sort, Symbol};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use trailhound_model::principal::{Identity, Principal, PrincipalKind};

/// With whom an identity is compared.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Class {
    /// People.
    #[default]
    Human,
    /// Pipelines and deployment tools.
    Ci,
    /// Kubelets and joining nodes.
    Node,
    /// The control plane and components of the provider.
    System,
    /// Service accounts of everything that runs in the cluster.
    Workload,
    /// Whoever has no credential.
    Nobody,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 6] =
        [Class::Human, Class::Ci, Class::Node, Class::System, Class::Workload, Class::Nobody];

    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Human => "human",
            Class::Ci => "ci",
            Class::Node => "node",
            Class::System => "system",
            Class::Workload => "workload",
            Class::Nobody => "nobody",
        }
    }
}

/// An identity's key and class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// Under what its history is kept: the real and the effective identity together.
    pub key: Symbol,
    /// The identity that authenticated.
    pub real: Symbol,
    /// The identity that authorization judged; the same unless it acted as another.
    pub effective: Symbol,
    /// Class of the identity that authenticated.
    pub class: Class,
}

impl Who {
    /// Names the identities of a request.
    pub fn of(principal: &Principal) -> Who {
        let effective = symbol(&principal.effective);
        let Some(real) = principal.real.as_deref() else {
            let class = class(&principal.effective);
            return Who { key: effective, real: effective, effective, class };
        };
        let own = symbol(real);
        Who { key: own.with(effective), real: own, effective, class: class(real) }
    }

    /// The key in words: `user:alice`, or `user:alice as sa:shop/cart`.
    pub fn text(principal: &Principal) -> String {
        let effective = text(&principal.effective);
        match principal.real.as_deref() {
            Some(real) => format!("{} as {effective}", text(real)),
            None => effective,
        }
    }
}

fn symbol(identity: &Identity) -> Symbol {
    let (sort, first, second) = parts(identity);
    Symbol::of(Sort::Principal, &[sort, &first, &second])
}

/// The identity in words.
pub fn text(identity: &Identity) -> String {
    match parts(identity) {
        (sort, first, _) if first.is_empty() => sort.to_owned(),
        (sort, first, second) if second.is_empty() => format!("{sort}:{first}"),
        (sort, first, second) => format!("{sort}:{first}/{second}"),
    }
}

type Parts<'a> = (&'static str, Cow<'a, str>, Cow<'a, str>);

fn parts(identity: &Identity) -> Parts<'_> {
    const NONE: Cow<'static, str> = Cow::Borrowed("");
    match identity.kind {
        PrincipalKind::ServiceAccount => account(identity),
        PrincipalKind::ControlPlane if !identity.namespace.is_empty() => {
            ("sa", identity.namespace.as_str().into(), identity.short.as_str().into())
        }
        PrincipalKind::Node => ("node", NONE, NONE),
        PrincipalKind::Bootstrap => ("bootstrap", NONE, NONE),
        PrincipalKind::Anonymous => ("anonymous", NONE, NONE),
        PrincipalKind::Unauthenticated => ("unauthenticated", NONE, NONE),
        PrincipalKind::CloudRole if identity.short != identity.name => {
            ("role", cloud_account(&identity.name).into(), identity.short.as_str().into())
        }
        _ => ("user", subject(&identity.name).into(), NONE),
    }
}

fn account(identity: &Identity) -> Parts<'_> {
    let namespace = drawn_only("namespaces", &identity.namespace);
    ("sa", namespace, drawn_only("serviceaccounts", &identity.short))
}

/// The template, without an allocation if that is the name itself.
fn drawn_only<'a>(resource: &str, text: &'a str) -> Cow<'a, str> {
    let found = name::template(resource, "", text, &());
    if found.form == name::Form::Plain { text.into() } else { found.text.to_string().into() }
}

/// The account in `arn:aws:sts::ACCOUNT:assumed-role/…`: the same role of two accounts is two.
fn cloud_account(name: &str) -> &str {
    name.split(':').nth(4).unwrap_or_default()
}

/// The part of a CI system's subject that stays the same: GitHub's and GitLab's tokens name the
/// branch too.
fn subject(name: &str) -> &str {
    let Some(start) = ["repo:", "project_path:"].iter().find_map(|mark| subject_at(name, mark))
    else {
        return name;
    };
    let end = name.get(start..).and_then(|rest| rest.find(':')).map_or(name.len(), |at| start + at);
    name.get(..end).unwrap_or(name)
}

/// Where the value after a mark begins, if the mark opens the name or follows a prefix of the
/// authenticator's.
fn subject_at(name: &str, mark: &str) -> Option<usize> {
    let at = name.find(mark)?;
    let before = name.get(..at)?;
    let opens = before.is_empty() || before.ends_with([':', '#', '/', '|']);
    let value = name.get(at + mark.len()..)?;
    (opens && value.contains('/')).then_some(at + mark.len())
}

/// With whom an identity is compared. By its kind, and between service accounts and robots by words
/// of the name: a wrong word only compares it with others.
pub fn class(identity: &Identity) -> Class {
    match identity.kind {
        PrincipalKind::Node | PrincipalKind::Bootstrap => Class::Node,
        PrincipalKind::ControlPlane | PrincipalKind::Provider => Class::System,
        PrincipalKind::Anonymous | PrincipalKind::Unauthenticated => Class::Nobody,
        PrincipalKind::ServiceAccount if is_ci(&identity.short) || is_ci(&identity.namespace) => {
            Class::Ci
        }
        PrincipalKind::ServiceAccount => Class::Workload,
        PrincipalKind::CloudRole if is_ci(&identity.short) || is_ci(&identity.session) => Class::Ci,
        _ if subject(&identity.name).len() != identity.name.len() => Class::Ci,
        _ if !identity.name.contains('@') && is_ci(&identity.name) => Class::Ci,
        PrincipalKind::CloudRole if identity.name.ends_with(".gserviceaccount.com") => {
            Class::Workload
        }
        _ => Class::Human,
    }
}

const CI_WORDS: &[&str] = &[
    "actions",
    "argo",
    "argocd",
    "atlantis",
    "bamboo",
    "buildkite",
    "cd",
    "ci",
    "cicd",
    "circleci",
    "concourse",
    "deploy",
    "deployer",
    "drone",
    "flux",
    "fluxcd",
    "github",
    "gitlab",
    "harness",
    "jenkins",
    "pipeline",
    "pipelines",
    "runner",
    "spinnaker",
    "teamcity",
    "tekton",
    "terraform",
    "tiller",
];

fn is_ci(name: &str) -> bool {
    name.split(['-', '_', ':', '.', '/']).any(|word| CI_WORDS.binary_search(&word).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::event::User;

    fn identity(name: &str) -> Identity {
        Identity::of(&User { name: name.into(), ..User::default() })
    }

    #[test]
    fn the_words_of_pipelines_are_sorted() {
        assert!(CI_WORDS.is_sorted());
    }

    #[test]
    fn who_it_is_does_not_change_with_session_branch_or_node() {
        for (name, expected, of) in [
            ("alice", "user:alice", Class::Human),
            ("alice@example.com", "user:alice@example.com", Class::Human),
            ("oidc:alice", "user:oidc:alice", Class::Human),
            ("https://issuer.example#42", "user:https://issuer.example#42", Class::Human),
            ("system:node:ip-10-0-1-23.eu-west-1.compute.internal", "node", Class::Node),
            ("system:node:gke-prod-default-pool-1a2b3c4d-x7kp", "node", Class::Node),
            ("system:bootstrap:9eaa90", "bootstrap", Class::Node),
            ("system:anonymous", "anonymous", Class::Nobody),
            ("", "unauthenticated", Class::Nobody),
            ("system:kube-scheduler", "user:system:kube-scheduler", Class::System),
            (
                "system:serviceaccount:kube-system:job-controller",
                "sa:kube-system/job-controller",
                Class::System,
            ),
            ("system:serviceaccount:shop:cart", "sa:shop/cart", Class::Workload),
            ("system:serviceaccount:shop:job-x7k2p", "sa:shop/job-*", Class::Workload),
            (
                "system:serviceaccount:preview-0c5f1b2e-8a6d-4d53-9d3c-2b1d6f3c7a10:web",
                "sa:preview-*/web",
                Class::Workload,
            ),
            ("system:serviceaccount:ci:ci-deployer", "sa:ci/ci-deployer", Class::Ci),
            ("system:serviceaccount:tools:jenkins", "sa:tools/jenkins", Class::Ci),
            ("system:serviceaccount:shop:civic", "sa:shop/civic", Class::Workload),
            (
                "arn:aws:sts::111122223333:assumed-role/ops/jane@example.com",
                "role:111122223333/ops",
                Class::Human,
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/github-deploy/1712345678",
                "role:111122223333/github-deploy",
                Class::Ci,
            ),
            (
                "arn:aws:iam::111122223333:user/bob",
                "user:arn:aws:iam::111122223333:user/bob",
                Class::Human,
            ),
            (
                "6f1f5b0e-3f6a-4f57-9a7e-8d0c1f2b3a4d",
                "user:6f1f5b0e-3f6a-4f57-9a7e-8d0c1f2b3a4d",
                Class::Human,
            ),
            (
                "build@acme.iam.gserviceaccount.com",
                "user:build@acme.iam.gserviceaccount.com",
                Class::Workload,
            ),
            ("repo:acme/shop:ref:refs/heads/main", "user:repo:acme/shop", Class::Ci),
            ("repo:acme/shop:pull_request", "user:repo:acme/shop", Class::Ci),
            ("gha:repo:acme/shop:ref:refs/tags/v1", "user:gha:repo:acme/shop", Class::Ci),
            (
                "project_path:acme/shop:ref_type:branch:ref:main",
                "user:project_path:acme/shop",
                Class::Ci,
            ),
            ("terraform-cloud", "user:terraform-cloud", Class::Ci),
            ("monorepo:alice", "user:monorepo:alice", Class::Human),
            ("kubernetes-admin", "user:kubernetes-admin", Class::Human),
        ] {
            let identity = identity(name);
            assert_eq!((text(&identity).as_str(), class(&identity)), (expected, of), "{name}");
        }
    }

    #[test]
    fn two_object_ids_of_azure_are_two_people() {
        let a = identity("6f1f5b0e-3f6a-4f57-9a7e-8d0c1f2b3a4d");
        let b = identity("7f1f5b0e-3f6a-4f57-9a7e-8d0c1f2b3a4d");
        assert_ne!(symbol(&a), symbol(&b));
    }

    #[test]
    fn acting_as_another_has_a_history_of_its_own() {
        let alone = Principal { effective: identity("bob"), real: None };
        let acting =
            Principal { effective: identity("bob"), real: Some(Box::new(identity("alice"))) };
        let (alone, both) = (Who::of(&alone), Who::of(&acting));
        assert_eq!(alone.key, alone.real);
        assert_ne!(both.key, alone.key);
        assert_eq!((both.effective, both.class), (alone.key, Class::Human));
        assert_eq!(Who::text(&acting), "user:alice as user:bob");
    }
}
