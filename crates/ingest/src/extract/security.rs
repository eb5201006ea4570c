//! The security settings of a pod template, as pods and containers make them.
//!
//! They are read as they are written, without the defaults that they imply: what a patch does not
//! set must stay distinguishable from what it sets.

use crate::{mask::Walk, tree::Tree};
use trailhound_model::{
    Str,
    body::{Container, Security},
};

/// Annotations that set `AppArmor` profiles before there was a field for it.
const OLD_APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// The pod's own settings.
pub(super) fn of_pod(template: &Walk<'_, '_>) -> Security {
    template.at(&["spec"]).map(|spec| of_context(&spec)).unwrap_or_default()
}

/// The `securityContext` of a pod's spec or of a container.
pub(super) fn of_context(owner: &Walk<'_, '_>) -> Security {
    let Some(context) = owner.at(&["securityContext"]) else { return Security::default() };
    let tree = context.tree();
    let given = |key: &str| !context.string(&["seLinuxOptions", key]).is_empty();
    Security {
        run_as_non_root: tree.get("runAsNonRoot").truth(),
        run_as_user: tree.get("runAsUser").int(),
        seccomp: context.string(&["seccompProfile", "type"]),
        app_armor: context.string(&["appArmorProfile", "type"]),
        selinux_type: context.string(&["seLinuxOptions", "type"]),
        selinux_user_or_role: given("user") || given("role"),
        host_process: tree.at(&["windowsOptions", "hostProcess"]).truth(),
    }
}

/// The profile that the old annotation names for a container whose field is empty.
pub(super) fn old_app_armor(template: &Walk<'_, '_>, container: &mut Container) {
    if !container.security.app_armor.is_empty() || container.name.is_empty() {
        return;
    }
    let key = format!("{OLD_APP_ARMOR}{}", container.name);
    let old = template.tree().at(&["metadata", "annotations", &key]);
    container.security.app_armor = match old.text() {
        "" => return,
        "runtime/default" => "RuntimeDefault",
        text if text.starts_with("localhost/") => "Localhost",
        _ => "Unconfined",
    }
    .into();
}

/// Names of the kernel settings that the pod changes.
pub(super) fn sysctls(template: &Walk<'_, '_>) -> Vec<Str> {
    let settings = template.elements(&["spec", "securityContext", "sysctls"]);
    settings.iter().map(|one| one.string(&["name"])).filter(|name| !name.is_empty()).collect()
}

/// Where a container keeps its probes and hooks.
const CALLERS: [&[&str]; 5] = [
    &["livenessProbe"],
    &["readinessProbe"],
    &["startupProbe"],
    &["lifecycle", "postStart"],
    &["lifecycle", "preStop"],
];

/// Commands that probes and hooks run: they start a program as well as the container's own does.
pub(super) fn hook_commands(container: &Walk<'_, '_>) -> Vec<Str> {
    let callers = CALLERS.iter().filter_map(|path| container.at(path));
    let commands = callers.map(|caller| caller.strings(&["exec", "command"]).join(" "));
    commands.filter(|command| !command.is_empty()).map(Str::from).collect()
}

/// Hosts that probes and hooks name.
pub(super) fn probe_hosts(container: &Walk<'_, '_>) -> Vec<Str> {
    let callers = CALLERS.iter().filter_map(|path| container.at(path));
    let hosts = callers
        .flat_map(|caller| ["httpGet", "tcpSocket"].map(|how| caller.string(&[how, "host"])));
    hosts.filter(|host| !host.is_empty()).collect()
}

/// Fields of a container that the server fills in.
const FILLED_IN: [&str; 4] =
    ["imagePullPolicy", "resources", "terminationMessagePath", "terminationMessagePolicy"];

/// Whether a container as it came out has nothing but what the patch gave it: then it was not there
/// before.
pub(super) fn is_defined_by(result: &Tree<'_>, patch: &Tree<'_>) -> bool {
    let given = |key: &str| FILLED_IN.contains(&key) || !patch.get(key).is_null();
    !patch.get("image").is_null() && result.fields().iter().all(|(key, _)| given(key))
}
