//! Names that controllers generate, read backwards: which object may have made one of this name.
//!
//! A name proves nothing, because anybody may choose it; it says whom to ask. Kubernetes makes
//! random endings of letters and digits that spell no words.

/// Length of the random ending of `generateName`.
const RANDOM: usize = 5;
/// A pod template's hash is never longer.
const LONGEST_HASH: usize = 10;

/// Resource and name of the objects that may have made this one, likeliest first.
pub(super) fn makers<'a>(resource: &str, name: &'a str) -> Vec<(&'static str, &'a str)> {
    let mut found = Vec::new();
    match resource {
        "pods" => of_pod(name, &mut found),
        "replicasets" => add(&mut found, hashed(name), &["deployments"]),
        "jobs" => add(&mut found, numbered(name), &["cronjobs"]),
        "controllerrevisions" => add(&mut found, hashed(name), &["daemonsets", "statefulsets"]),
        "endpointslices" => add(&mut found, random(name), &["services"]),
        "endpoints" => found.push(("services", name)),
        _ => {}
    }
    found
}

fn of_pod<'a>(name: &'a str, found: &mut Vec<(&'static str, &'a str)>) {
    const MAKERS: &[&str] = &["replicasets", "daemonsets", "jobs", "replicationcontrollers"];
    if let Some(base) = random(name) {
        add(found, Some(base), MAKERS);
        add(found, numbered(base), &["jobs"]);
        // The job or replica set between may be older than the log.
        add(found, hashed(base), &["deployments"]);
        add(found, numbered(base), &["cronjobs"]);
    }
    add(found, numbered(name), &["statefulsets"]);
}

fn add<'a>(
    found: &mut Vec<(&'static str, &'a str)>,
    base: Option<&'a str>,
    resources: &[&'static str],
) {
    let Some(base) = base else { return };
    found.extend(resources.iter().map(|resource| (*resource, base)));
}

/// `x` of `x-abcde`.
fn random(name: &str) -> Option<&str> {
    let (base, end) = name.rsplit_once('-')?;
    (end.len() == RANDOM && end.bytes().all(is_random) && !base.is_empty()).then_some(base)
}

/// `x` of `x-54c8b8896f`.
fn hashed(name: &str) -> Option<&str> {
    let (base, end) = name.rsplit_once('-')?;
    let fits = (1..=LONGEST_HASH).contains(&end.len());
    (fits && end.bytes().all(is_random) && !base.is_empty()).then_some(base)
}

/// `x` of `x-17`.
fn numbered(name: &str) -> Option<&str> {
    let (base, end) = name.rsplit_once('-')?;
    let fits = (1..=LONGEST_HASH).contains(&end.len());
    (fits && end.bytes().all(|byte| byte.is_ascii_digit()) && !base.is_empty()).then_some(base)
}

fn is_random(byte: u8) -> bool {
    b"bcdfghjklmnpqrstvwxz2456789".contains(&byte)
}

/// The object that a Kubernetes Event `x.18eaa886b31311c6` is about.
pub(super) fn noted(name: &str) -> Option<&str> {
    let (base, end) = name.rsplit_once('.')?;
    let is_hex = end.bytes().all(|byte| byte.is_ascii_hexdigit());
    ((12..=17).contains(&end.len()) && is_hex && !base.is_empty()).then_some(base)
}

/// The resource of a kind that owns things.
pub(super) fn resource_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Pod" => "pods",
        "ReplicaSet" => "replicasets",
        "Deployment" => "deployments",
        "DaemonSet" => "daemonsets",
        "StatefulSet" => "statefulsets",
        "Job" => "jobs",
        "CronJob" => "cronjobs",
        "ReplicationController" => "replicationcontrollers",
        "Service" => "services",
        "HorizontalPodAutoscaler" => "horizontalpodautoscalers",
        "PodDisruptionBudget" => "poddisruptionbudgets",
        "Endpoints" => "endpoints",
        "EndpointSlice" => "endpointslices",
        "Node" => "nodes",
        "Namespace" => "namespaces",
        "ServiceAccount" => "serviceaccounts",
        "PersistentVolumeClaim" => "persistentvolumeclaims",
        "CertificateSigningRequest" => "certificatesigningrequests",
        _ => return None,
    })
}

/// Whether controllers work on this resource day by day because of what others did.
pub(super) fn is_worked_on(resource: &str) -> bool {
    matches!(
        resource,
        "pods"
            | "replicasets"
            | "deployments"
            | "daemonsets"
            | "statefulsets"
            | "replicationcontrollers"
            | "jobs"
            | "cronjobs"
            | "services"
            | "endpoints"
            | "endpointslices"
            | "controllerrevisions"
            | "poddisruptionbudgets"
            | "horizontalpodautoscalers"
            | "resourcequotas"
            | "certificatesigningrequests"
            | "persistentvolumeclaims"
            | "persistentvolumes"
            | "namespaces"
            | "serviceaccounts"
            | "configmaps"
            | "events"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_backwards() {
        let first = |resource: &str, name: &'static str| makers(resource, name).first().copied();
        assert_eq!(first("replicasets", "web-54c8b8896f"), Some(("deployments", "web")));
        assert_eq!(first("replicasets", "web-api-54c8b8896f"), Some(("deployments", "web-api")));
        assert_eq!(first("pods", "web-54c8b8896f-c25j7"), Some(("replicasets", "web-54c8b8896f")));
        assert_eq!(first("pods", "db-0"), Some(("statefulsets", "db")));
        assert_eq!(first("jobs", "nightly-29400120"), Some(("cronjobs", "nightly")));
        assert_eq!(first("endpointslices", "cart-x7k2p"), Some(("services", "cart")));
        assert_eq!(noted("web-1.18eaa886b31311c6"), Some("web-1"));
    }

    #[test]
    fn words_are_no_random_endings() {
        assert!(makers("pods", "web-alice").is_empty());
        assert!(makers("replicasets", "web-frontend").is_empty());
        assert!(makers("pods", "-c25j7").is_empty());
        assert_eq!(noted("kube-root-ca.crt"), None);
    }
}
