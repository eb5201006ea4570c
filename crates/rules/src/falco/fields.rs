//! The fields of Falco's `k8s_audit` events and where the audit event has them.
//!
//! Meanings are those of Falco's plugin, so that rules give the same answers; where the plugin
//! differs from its own description (addresses, registries with a port, effective users) the
//! description is followed. docs/falco.md lists the differences.

use crate::{
    ask::{Ask, Change, Like, Operand, Quantity, Test, TextAsk},
    derived::{Derived, Moment, PerItem},
    document::Place,
    error::nearest,
};
use trailhound_model::{
    Str,
    lookup::{Side, Step},
};

/// A field as a condition or an output asks for it.
pub(super) struct Field {
    pub(super) operand: Operand,
    /// It may have several values.
    pub(super) is_list: bool,
    /// Every event has it.
    pub(super) is_always: bool,
}

/// Fields with one value, and their places: steps with blanks between.
const SINGLE: [(&str, &str); 34] = [
    ("ka.auditid", "auditID"),
    ("ka.stage", "stage"),
    ("ka.auth.decision", "annotations authorization.k8s.io/decision"),
    ("ka.auth.reason", "annotations authorization.k8s.io/reason"),
    ("ka.auth.openshift.decision", "annotations authentication.openshift.io/decision"),
    ("ka.auth.openshift.username", "annotations authentication.openshift.io/username"),
    (
        "ka.validations.admission.policy.failure",
        "annotations validation.policy.admission.k8s.io/validation_failure",
    ),
    ("ka.security.pod.violations", "annotations pod-security.kubernetes.io/audit-violations"),
    ("ka.user.name", "user username"),
    ("ka.impuser.name", "impersonatedUser username"),
    ("ka.verb", "verb"),
    ("ka.uri", "requestURI"),
    ("ka.target.name", "objectRef name"),
    ("ka.target.namespace", "objectRef namespace"),
    ("ka.target.resource", "objectRef resource"),
    ("ka.target.subresource", "objectRef subresource"),
    ("ka.req.binding.role", "requestObject roleRef name"),
    ("ka.req.configmap.name", "objectRef name"),
    ("ka.req.configmap.obj", "requestObject data"),
    ("ka.req.container.image", "requestObject spec containers 0 image"),
    ("ka.req.pod.host_ipc", "requestObject spec hostIPC"),
    ("ka.req.pod.host_network", "requestObject spec hostNetwork"),
    ("ka.req.container.host_network", "requestObject spec hostNetwork"),
    ("ka.req.pod.host_pid", "requestObject spec hostPID"),
    ("ka.req.pod.run_as_user", "requestObject spec securityContext runAsUser"),
    ("ka.req.pod.run_as_group", "requestObject spec securityContext runAsGroup"),
    ("ka.req.pod.fs_group", "requestObject spec securityContext fsGroup"),
    ("ka.req.service.type", "requestObject spec type"),
    ("ka.resp.name", "responseObject metadata name"),
    ("ka.response.code", "responseStatus code"),
    ("ka.response.reason", "responseStatus reason"),
    ("ka.useragent", "userAgent"),
    ("evt.source", ""),
    ("evt.pluginname", ""),
];

/// Fields with several values. `*` is every item of a list, `#` too, unless an index chooses one.
const LISTS: [(&str, &str); 12] = [
    ("ka.user.groups", "user groups"),
    ("ka.req.binding.subjects", "requestObject subjects *"),
    ("ka.req.role.rules", "requestObject rules *"),
    ("ka.req.role.rules.apiGroups", "requestObject rules # apiGroups"),
    ("ka.req.role.rules.nonResourceURLs", "requestObject rules # nonResourceURLs"),
    ("ka.req.role.rules.verbs", "requestObject rules # verbs"),
    ("ka.req.role.rules.resources", "requestObject rules # resources"),
    ("ka.req.pod.supplemental_groups", "requestObject spec securityContext supplementalGroups"),
    ("ka.req.service.ports", "requestObject spec ports #"),
    ("ka.req.pod.volumes.hostpath", "requestObject spec volumes # hostPath path"),
    ("ka.req.pod.volumes.flexvolume_driver", "requestObject spec volumes # flexVolume driver"),
    ("ka.sourceips", "sourceIPs #"),
];

/// The three lists of containers of a pod.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// What is asked of containers, behind `ka.req.pod.containers.`.
const OF_CONTAINERS: [(&str, &str); 11] = [
    ("name", "name"),
    ("image", "image"),
    ("command", "command"),
    ("args", "args"),
    ("privileged", "securityContext privileged"),
    ("allow_privilege_escalation", "securityContext allowPrivilegeEscalation"),
    ("read_only_fs", "securityContext readOnlyRootFilesystem"),
    ("run_as_user", "securityContext runAsUser"),
    ("run_as_group", "securityContext runAsGroup"),
    ("proc_mount", "securityContext procMount"),
    ("add_capabilities", "securityContext capabilities add"),
];

/// What is worked out of containers.
const WORKED_OUT: [&str; 4] =
    ["image.repository", "eff_run_as_user", "eff_run_as_group", "host_port"];

/// Fields that are worked out, and whether they need an argument.
const SPECIAL: [(&str, bool); 19] = [
    ("ka.uri.param", true),
    ("ka.target.pod.name", false),
    ("ka.req.binding.subjects.user_names", false),
    ("ka.req.binding.subjects.serviceaccount_names", false),
    ("ka.req.binding.subjects.serviceaccount_ns_names", false),
    ("ka.req.binding.subjects.group_names", false),
    ("ka.req.binding.subject.has_name", true),
    ("ka.req.container.image.repository", false),
    ("ka.req.container.privileged", false),
    ("ka.req.volume.hostpath", true),
    ("ka.req.pod.volumes.volume_type", false),
    ("ka.cluster.name", false),
    ("jevt.value", true),
    ("jevt.time", false),
    ("jevt.time.iso8601", false),
    ("jevt.rawtime", false),
    ("jevt.obj", false),
    ("evt.time", false),
    ("evt.rawtime", false),
];

/// Why a field cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    pub(super) what: String,
    pub(super) hint: String,
    /// There is no such field.
    pub(super) is_unknown: bool,
}

fn refused(what: String, hint: impl Into<String>) -> FieldError {
    FieldError { what, hint: hint.into(), is_unknown: false }
}

/// Names of all fields.
pub(super) fn names() -> Vec<String> {
    let fixed = SINGLE.iter().chain(&LISTS).map(|(name, _)| *name);
    let special = SPECIAL.iter().map(|(name, _)| *name);
    let plain = fixed.chain(special).map(str::to_owned);
    let parts = OF_CONTAINERS.iter().map(|(part, _)| *part).chain(WORKED_OUT);
    let of = |part: &'static str| CONTAINERS.map(|list| format!("ka.req.pod.{list}.{part}"));
    let containers = parts.flat_map(of).filter(|name| is_of_containers(name));
    plain.chain(containers).collect()
}

/// Ephemeral containers have no ports.
fn is_of_containers(name: &str) -> bool {
    name != "ka.req.pod.ephemeralContainers.host_port"
}

/// The field with this name and argument.
pub(super) fn field(name: &str, argument: Option<&str>) -> Result<Field, FieldError> {
    if let Some((_, path)) = SINGLE.iter().find(|(known, _)| *known == name) {
        without(name, argument)?;
        return Ok(single(match name {
            "evt.source" => Operand::Literal("k8s_audit".into()),
            "evt.pluginname" => Operand::Literal("k8saudit".into()),
            _ => place(path, None),
        }));
    }
    if let Some((_, path)) = LISTS.iter().find(|(known, _)| *known == name) {
        let index =
            if path.contains('#') { index(name, argument)? } else { without(name, argument)? };
        return Ok(list(place(path, index)));
    }
    if let Some((list, part)) = of_containers(name) {
        return container_field(name, list, part, index(name, argument)?);
    }
    match SPECIAL.iter().find(|(known, _)| *known == name) {
        Some((_, true)) => {
            let hint = format!("write `{name}[…]`");
            let missing = || refused(format!("`{name}` needs an argument"), hint);
            Ok(with_argument(name, argument.ok_or_else(missing)?))
        }
        Some(_) if name == "ka.req.pod.volumes.volume_type" => {
            let volumes = steps("requestObject spec volumes #", index(name, argument)?);
            Ok(list(derived(Derived::Keys(volumes, "name".into()))))
        }
        Some(_) => {
            without(name, argument)?;
            Ok(special(name))
        }
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> FieldError {
    let names = names();
    let hint = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if name.starts_with("ka.") || name.starts_with("jevt.") => {
            "docs/falco.md lists the fields".to_owned()
        }
        None => "events of k8s_audit have fields that begin with ka. and jevt.".to_owned(),
    };
    FieldError { what: format!("unknown field `{name}`"), hint, is_unknown: true }
}

fn without(name: &str, argument: Option<&str>) -> Result<Option<usize>, FieldError> {
    match argument {
        None => Ok(None),
        Some(_) => Err(refused(format!("`{name}` takes no argument"), format!("write `{name}`"))),
    }
}

fn index(name: &str, argument: Option<&str>) -> Result<Option<usize>, FieldError> {
    let Some(text) = argument else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        refused(format!("`{text}` is no index"), format!("write `{name}[0]` for the first"))
    })
}

fn single(operand: Operand) -> Field {
    Field { operand, is_list: false, is_always: false }
}

fn list(operand: Operand) -> Field {
    Field { operand, is_list: true, is_always: false }
}

fn derived(derived: Derived) -> Operand {
    Operand::Derived(Box::new(derived))
}

fn step(text: &str, index: Option<usize>) -> Step {
    match (text, index) {
        ("#", Some(at)) => Step::Index(at),
        ("*" | "#", _) => Step::Each,
        ("0", _) => Step::Index(0),
        (key, _) => Step::Key(key.into()),
    }
}

fn steps(path: &str, index: Option<usize>) -> Place {
    let mut words = path.split(' ');
    let top = words.next().unwrap_or_default();
    Place::new(top, words.map(|word| step(word, index)).collect())
}

fn place(path: &str, index: Option<usize>) -> Operand {
    Operand::Place(steps(path, index))
}

fn present(path: &str) -> Ask {
    Ask { of: place(path, None), quantity: Quantity::Some, test: Test::Present }
}

fn is_one(of: Operand, wanted: &str) -> Ask {
    Ask { of, quantity: Quantity::Some, test: Test::OneOf(Box::new([wanted.into()])) }
}

fn of_containers(name: &str) -> Option<(&'static str, &str)> {
    let rest = name.strip_prefix("ka.req.pod.")?;
    CONTAINERS
        .iter()
        .find_map(|list| Some((*list, rest.strip_prefix(list)?.strip_prefix('.')?)))
        .filter(|_| is_of_containers(name))
}

fn container_field(
    name: &str,
    of: &str,
    part: &str,
    index: Option<usize>,
) -> Result<Field, FieldError> {
    let at = |rest: &str| place(&format!("requestObject spec {of} # {rest}"), index);
    if let Some((_, path)) = OF_CONTAINERS.iter().find(|(known, _)| *known == part) {
        return Ok(list(at(path)));
    }
    Ok(list(match part {
        "image.repository" => Operand::Changed(Change::Repository, Box::new(at("image"))),
        "eff_run_as_user" => effective(of, "runAsUser", index),
        "eff_run_as_group" => effective(of, "runAsGroup", index),
        "host_port" => {
            // In the network of the host every port of a container is one of the host.
            let shared = is_one(place("requestObject spec hostNetwork", None), "true");
            let own = at("ports * hostPort");
            let of_host = derived(Derived::If(shared, at("ports * containerPort")));
            Operand::Union(vec![own, of_host])
        }
        _ => return Err(unknown(name)),
    }))
}

/// The container's own, or the pod's, or 0.
fn effective(of: &str, key: &str, index: Option<usize>) -> Operand {
    let key_of = |steps: &[&str]| steps.iter().map(|one| Step::Key((*one).into())).collect();
    derived(Derived::PerItem(PerItem {
        side: Side::Request,
        list: key_of(&["spec", of]),
        index,
        only: None,
        parts: vec![key_of(&["securityContext", key])],
        between: Str::default(),
        otherwise: vec![
            place(&format!("requestObject spec securityContext {key}"), None),
            Operand::Literal("0".into()),
        ],
    }))
}

/// Names of subjects of a kind.
fn subjects(kind: &str, parts: &[&str]) -> Field {
    list(derived(Derived::PerItem(PerItem {
        side: Side::Request,
        list: vec![Step::Key("subjects".into())],
        index: None,
        only: Some(("kind".into(), kind.into())),
        parts: parts.iter().map(|part| vec![Step::Key((*part).into())]).collect(),
        between: ":".into(),
        otherwise: Vec::new(),
    })))
}

fn special(name: &str) -> Field {
    let moment = |form| derived(Derived::Moment(form));
    match name {
        "ka.target.pod.name" => {
            let pods = is_one(place("objectRef resource", None), "pods");
            single(derived(Derived::If(pods, place("objectRef name", None))))
        }
        "ka.req.binding.subjects.user_names" => subjects("User", &["name"]),
        "ka.req.binding.subjects.serviceaccount_names" => subjects("ServiceAccount", &["name"]),
        "ka.req.binding.subjects.serviceaccount_ns_names" => {
            subjects("ServiceAccount", &["namespace", "name"])
        }
        "ka.req.binding.subjects.group_names" => subjects("Group", &["name"]),
        "ka.req.container.image.repository" => {
            let image = place("requestObject spec containers 0 image", None);
            single(Operand::Changed(Change::Repository, Box::new(image)))
        }
        "ka.req.container.privileged" => {
            let flags = place("requestObject spec containers * securityContext privileged", None);
            asked("requestObject spec containers", is_one(flags, "true"))
        }
        "ka.cluster.name" => {
            let named = place("annotations cluster_name", None);
            single(Operand::First(vec![named, derived(Derived::Cluster)]))
        }
        "jevt.obj" => single(derived(Derived::Record)),
        "jevt.rawtime" | "evt.rawtime" => {
            Field { is_always: true, ..single(moment(Moment::Nanoseconds)) }
        }
        "jevt.time.iso8601" => Field { is_always: true, ..single(moment(Moment::Iso)) },
        _ => Field { is_always: true, ..single(moment(Moment::Clock)) },
    }
}

/// `true` or `false` where the body has this list, else nothing.
fn asked(list: &str, ask: Ask) -> Field {
    single(derived(Derived::If(present(list), derived(Derived::Truth(ask)))))
}

fn with_argument(name: &str, argument: &str) -> Field {
    match name {
        "ka.uri.param" => {
            // Of a parameter that is given several times Falco takes the first.
            single(derived(Derived::Nth(0, Operand::Query(argument.into()))))
        }
        "ka.req.binding.subject.has_name" => {
            let names = place("requestObject subjects * name", None);
            asked("requestObject subjects", is_one(names, argument))
        }
        "ka.req.volume.hostpath" => {
            let paths = place("requestObject spec volumes * hostPath path", None);
            let ask = match argument.strip_suffix('*') {
                None => is_one(paths, argument),
                Some(start) => Ask {
                    of: paths,
                    quantity: Quantity::Some,
                    test: Test::Any(vec![TextAsk::Like(Like::Starts, start.into())]),
                },
            };
            asked("requestObject spec volumes", ask)
        }
        _ => pointer(argument),
    }
}

/// `jevt.value[/annotations/authorization.k8s.io~1decision]`, RFC 6901.
fn pointer(text: &str) -> Field {
    let mut tokens = text.strip_prefix('/').unwrap_or(text).split('/');
    let top = unescaped(tokens.next().unwrap_or_default());
    let rest: Vec<Step> = tokens.map(|token| Step::Key(unescaped(token).into())).collect();
    let place = Place::new(&top, rest);
    // A field of the event without steps into it: read at once, and known to the index.
    single(if place.is_plain() { Operand::Place(place) } else { derived(Derived::Whole(place)) })
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_field_and_there_are_a_hundred_of_the_plugin() {
        let names = names();
        for name in &names {
            let bare = field(name, None).is_ok();
            assert!(bare || field(name, Some("0")).is_ok(), "{name}");
        }
        assert_eq!(names.iter().filter(|name| name.starts_with("ka.")).count(), 100);
    }

    #[test]
    fn arguments_are_wanted_where_the_field_takes_one_and_nowhere_else() {
        for (name, argument, works) in [
            ("ka.verb", None, true),
            ("ka.verb", Some("0"), false),
            ("ka.uri.param", None, false),
            ("ka.uri.param", Some("command"), true),
            ("ka.req.pod.containers.image", Some("1"), true),
            ("ka.req.pod.containers.image", Some("first"), false),
            ("ka.req.role.rules", Some("0"), false),
            ("ka.verbs", None, false),
            ("proc.name", None, false),
        ] {
            assert_eq!(field(name, argument).is_ok(), works, "{name} {argument:?}");
        }
    }

    #[test]
    fn a_slip_in_a_name_is_corrected() {
        let error = field("ka.usr.name", None).err().map(|error| error.hint);
        assert_eq!(error.as_deref(), Some("did you mean `ka.user.name`?"));
    }
}
