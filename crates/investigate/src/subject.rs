//! What a question is about, as a person types it: `user:alice`, `sa:shop/cart`, `pod:shop/cart-7d4`,
//! an address, a credential, any object, or the id of an incident or finding out of a report.
//!
//! Requests are compared with it without building names, because every request of a log is.

use std::{collections::BTreeSet, fmt};
use trailhound_model::{
    Str,
    credential::Credential,
    entity,
    event::Event,
    fact::Fact,
    principal::{Identity, PrincipalKind, service_account_name},
};

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user by the name in the log.
    User(Str),
    /// A service account.
    Account {
        /// Its namespace.
        namespace: Str,
        /// Its name.
        name: Str,
    },
    /// A node, as an identity and as an object.
    Node(Str),
    /// An address.
    Address(Str),
    /// A credential by its id (`JTI=…`, `X509SHA256=…`).
    Credential(Str),
    /// A namespace and all that is in it.
    Namespace(Str),
    /// An application, by its name in `apps`.
    App(Str),
    /// Any object; pods act too, by their credential.
    Object {
        /// Singular of its resource, as entities are named.
        kind: Str,
        /// Empty for what has none.
        namespace: Str,
        /// Its name.
        name: Str,
    },
    /// The id of an incident or of a finding.
    Told(Str),
}

/// Why a text is no subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSubject {
    text: String,
}

impl fmt::Display for NoSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is nothing that can be asked about. Give a kind and a name, such as user:alice, \
             sa:shop/cart, pod:shop/cart-7d4, node:worker-1, ip:10.0.0.9, cred:JTI=…, ns:shop, \
             secret:shop/db, clusterrolebinding:x, or the id of an incident or finding.",
            self.text
        )
    }
}

impl std::error::Error for NoSubject {}

/// Longest text that is taken for a name.
const LONGEST: usize = 1_000;

impl Subject {
    /// Reads what a person typed.
    pub fn parse(text: &str) -> Result<Subject, NoSubject> {
        let refused = || NoSubject { text: text.chars().take(200).collect() };
        if is_id(text) {
            return Ok(Subject::Told(text.into()));
        }
        if let Some((namespace, name)) = service_account_name(text) {
            return Ok(Subject::Account { namespace: namespace.into(), name: name.into() });
        }
        let (kind, name) = text.split_once(':').ok_or_else(refused)?;
        if kind.is_empty() || name.is_empty() || text.len() > LONGEST {
            return Err(refused());
        }
        Subject::of(&kind.to_ascii_lowercase(), name).ok_or_else(refused)
    }

    fn of(kind: &str, name: &str) -> Option<Subject> {
        let both = |name: &str| {
            let (namespace, name) = name.split_once('/')?;
            (!namespace.is_empty() && !name.is_empty()).then(|| (Str::from(namespace), name.into()))
        };
        Some(match kind {
            "user" => match service_account_name(name) {
                Some((namespace, name)) => {
                    Subject::Account { namespace: namespace.into(), name: name.into() }
                }
                None => match name.strip_prefix("system:node:") {
                    Some(node) => Subject::Node(node.into()),
                    None => Subject::User(name.into()),
                },
            },
            "sa" | "serviceaccount" | "serviceaccounts" => {
                let (namespace, name) = match both(name) {
                    Some(both) => both,
                    None if name.contains('/') => return None,
                    None => (Str::default(), name.into()),
                };
                Subject::Account { namespace, name }
            }
            "node" | "nodes" => Subject::Node(name.into()),
            "ip" | "address" => Subject::Address(name.into()),
            "cred" | "credential" => Subject::Credential(name.into()),
            "jti" => Subject::Credential(format!("JTI={name}").into()),
            "ns" | "namespace" | "namespaces" => Subject::Namespace(name.into()),
            "app" => Subject::App(name.into()),
            "incident" | "finding" => Subject::Told(name.into()),
            _ => {
                let kind = kind_of(kind);
                let (namespace, name) =
                    both(name).unwrap_or_else(|| (Str::default(), Str::from(name)));
                Subject::Object { kind, namespace, name }
            }
        })
    }

    /// The name by which everything else calls it.
    pub fn entity(&self) -> String {
        match self {
            Subject::User(name) => entity::user(name),
            Subject::Account { namespace, name } if namespace.is_empty() => format!("sa:{name}"),
            Subject::Account { namespace, name } => entity::service_account(namespace, name),
            Subject::Node(name) => entity::node(name),
            Subject::Address(address) => entity::ip(address),
            Subject::Credential(id) => entity::credential(id),
            Subject::Namespace(name) => entity::namespace(name),
            Subject::App(name) => format!("app:{name}"),
            Subject::Object { kind, namespace, name } if namespace.is_empty() => {
                format!("{kind}:{name}")
            }
            Subject::Object { kind, namespace, name } => format!("{kind}:{namespace}/{name}"),
            Subject::Told(id) => id.to_string(),
        }
    }

    /// How a request concerns it; `None` if it does not.
    pub fn relation(&self, fact: &Fact) -> Option<Relation> {
        let acted = || self.acted(fact).then_some(Relation::By);
        let happened = || self.is_object_of(fact).then_some(Relation::On);
        acted().or_else(happened).or_else(|| self.is_named_in(fact).then_some(Relation::About))
    }

    fn acted(&self, fact: &Fact) -> bool {
        let who = &fact.principal;
        let any = |is: &dyn Fn(&Identity) -> bool| {
            is(&who.effective) || who.real.as_deref().is_some_and(is)
        };
        match self {
            Subject::User(name) => any(&|one| is_user(one, name)),
            Subject::Account { namespace, name } => any(&|one| {
                one.namespace == *namespace && one.short == *name && !one.namespace.is_empty()
            }),
            Subject::Node(name) => {
                any(&|one| one.kind == PrincipalKind::Node && one.short == *name)
            }
            Subject::Address(address) => fact.event.source_ip() == address.as_str(),
            Subject::Credential(id) => fact.credential.id == *id,
            Subject::Object { kind, namespace, name } if kind == "pod" => {
                is_pod(&fact.credential, fact.principal.actor(), namespace, name)
            }
            _ => false,
        }
    }

    /// Whether a request was about it.
    pub(crate) fn is_object_of(&self, fact: &Fact) -> bool {
        let event = &fact.event;
        match self {
            Subject::Account { namespace, name } => {
                is_object(fact, "serviceaccounts", namespace, name)
            }
            Subject::Node(name) => is_object(fact, "nodes", "", name),
            Subject::Namespace(name) => {
                event.namespace() == name.as_str() || is_object(fact, "namespaces", "", name)
            }
            Subject::Credential(id) => issued(event) == Some(id.as_str()),
            Subject::Object { kind, namespace, name } => {
                event.namespace() == namespace.as_str()
                    && object_name(fact) == name.as_str()
                    && entity::singular(event.resource()) == *kind
            }
            _ => false,
        }
    }

    /// Named in the body only: the subject of a binding, the object of a Kubernetes event.
    fn is_named_in(&self, fact: &Fact) -> bool {
        use trailhound_model::observed::State;
        let Some(observed) = &fact.observed else { return false };
        observed.objects.iter().any(|object| match &object.state {
            State::Binding(binding) => binding
                .subjects
                .iter()
                .any(|one| self.is_subject(&one.kind, &one.namespace, &one.name)),
            State::Note { kind, namespace, name, .. } => {
                self.is_kind_and_name(kind, namespace, name)
            }
            _ => false,
        })
    }

    fn is_subject(&self, kind: &str, namespace: &str, name: &str) -> bool {
        match (self, kind) {
            (Subject::User(own), "User") => own.as_str() == name,
            (Subject::Account { namespace: space, name: own }, "ServiceAccount") => {
                space.as_str() == namespace && own.as_str() == name
            }
            _ => false,
        }
    }

    fn is_kind_and_name(&self, kind: &str, space: &str, own: &str) -> bool {
        match self {
            Subject::Object { kind: wanted, namespace, name } => {
                name.as_str() == own
                    && (namespace.as_str() == space || namespace.is_empty())
                    && wanted.eq_ignore_ascii_case(kind)
            }
            Subject::Node(name) => kind == "Node" && name.as_str() == own,
            _ => false,
        }
    }
}

/// How a request concerns a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// It acted.
    By,
    /// It was acted upon.
    On,
    /// It is only named in what was written.
    About,
}

impl Relation {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Relation::By => "by",
            Relation::On => "on",
            Relation::About => "about",
        }
    }
}

/// Requests of an incident or finding, by their audit ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records(pub BTreeSet<Str>);

/// Id of a token that the request issued.
pub fn issued(event: &Event) -> Option<&str> {
    event.annotation("authentication.kubernetes.io/issued-credential-id")
}

/// Name of the object of a request, also where only the bodies have it.
pub fn object_name(fact: &Fact) -> &str {
    let name = fact.object_name();
    if !name.is_empty() {
        return name;
    }
    match fact.observed.as_deref().map(|observed| observed.objects.as_slice()) {
        Some([only]) if fact.event.verb == "create" => only.name.as_str(),
        _ => "",
    }
}

fn is_object(fact: &Fact, resource: &str, namespace: &str, name: &str) -> bool {
    fact.event.resource() == resource
        && fact.event.namespace() == namespace
        && object_name(fact) == name
}

fn is_user(identity: &Identity, name: &str) -> bool {
    match identity.kind {
        PrincipalKind::ServiceAccount | PrincipalKind::Node => false,
        PrincipalKind::Unauthenticated => name == "unauthenticated",
        _ => identity.name == name,
    }
}

fn is_pod(credential: &Credential, actor: &Identity, namespace: &str, name: &str) -> bool {
    !name.is_empty() && credential.pod == name && actor.namespace == namespace
}

/// Ids are 16 hexadecimal digits, those of incidents behind `INC-`.
fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix("INC-").unwrap_or(text);
    digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The singular of what kubectl's users type.
fn kind_of(typed: &str) -> Str {
    const SHORT: &[(&str, &str)] = &[
        ("cj", "cronjob"),
        ("clusterroles", "clusterrole"),
        ("cm", "configmap"),
        ("csr", "certificatesigningrequest"),
        ("deploy", "deployment"),
        ("ds", "daemonset"),
        ("ing", "ingress"),
        ("netpol", "networkpolicy"),
        ("po", "pod"),
        ("pvc", "persistentvolumeclaim"),
        ("rs", "replicaset"),
        ("sts", "statefulset"),
        ("svc", "service"),
    ];
    let full = SHORT.iter().find(|(short, _)| *short == typed).map(|(_, full)| *full);
    full.map_or_else(|| plural_or_singular(typed), Str::from)
}

fn plural_or_singular(typed: &str) -> Str {
    // `ingress` and `endpoints` end like plurals and are none.
    if typed.ends_with("ss") { typed.into() } else { entity::singular(typed).into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::event::{ObjectRef, User};

    fn entity_of(text: &str) -> String {
        Subject::parse(text).unwrap().entity()
    }

    #[test]
    fn what_people_type_is_what_reports_say() {
        for (typed, entity) in [
            ("user:alice", "user:alice"),
            ("user:system:anonymous", "user:system:anonymous"),
            ("user:system:serviceaccount:shop:cart", "sa:shop/cart"),
            ("system:serviceaccount:shop:cart", "sa:shop/cart"),
            ("user:system:node:n1", "node:n1"),
            ("serviceaccount:shop/cart", "sa:shop/cart"),
            ("po:shop/cart-1", "pod:shop/cart-1"),
            ("pods:shop/cart-1", "pod:shop/cart-1"),
            ("Deploy:shop/cart", "deployment:shop/cart"),
            ("ingress:shop/web", "ingress:shop/web"),
            ("endpoints:shop/web", "endpoints:shop/web"),
            ("clusterrole:admin", "clusterrole:admin"),
            ("cred:JTI=1", "cred:JTI=1"),
            ("namespace:shop", "ns:shop"),
            ("INC-979e9c78f8c1798e", "INC-979e9c78f8c1798e"),
            ("incident:INC-979e9c78f8c1798e", "INC-979e9c78f8c1798e"),
        ] {
            assert_eq!(entity_of(typed), entity, "{typed}");
        }
    }

    #[test]
    fn what_names_nothing_is_refused_with_examples() {
        for text in ["", "alice", ":", "user:", ":x", "sa:/cart", "audit.log"] {
            let error = Subject::parse(text).unwrap_err().to_string();
            assert!(error.contains("sa:shop/cart"), "{error}");
        }
    }

    fn fact(user: &str, resource: &str, namespace: &str, name: &str) -> Fact {
        Fact::of(Event {
            user: User { name: user.into(), ..User::default() }.into(),
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
    fn requests_concern_who_acted_and_what_was_acted_upon() {
        let one = fact("system:serviceaccount:shop:cart", "secrets", "data", "db");
        for (text, relation) in [
            ("sa:shop/cart", Some(Relation::By)),
            ("user:system:serviceaccount:shop:cart", Some(Relation::By)),
            ("secret:data/db", Some(Relation::On)),
            ("ns:data", Some(Relation::On)),
            ("ns:shop", None),
            ("secret:shop/db", None),
            ("configmap:data/db", None),
            ("sa:data/cart", None),
        ] {
            assert_eq!(Subject::parse(text).unwrap().relation(&one), relation, "{text}");
        }
    }

    #[test]
    fn a_user_that_is_called_like_an_account_is_not_the_account() {
        let forged = fact("shop/cart", "secrets", "data", "db");
        assert_eq!(Subject::parse("sa:shop/cart").unwrap().relation(&forged), None);
    }
}
