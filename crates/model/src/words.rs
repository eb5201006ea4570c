//! Entities in words: `sa:shop/cart` is "service account shop/cart" in a sentence.

/// The entity in words.
pub fn words(entity: &str) -> String {
    let (sort, name) = entity.split_once(':').unwrap_or(("", entity));
    match sort {
        "user" => user_words(name),
        "sa" => format!("service account {name}"),
        "node" => format!("node {name}"),
        "cred" => format!("credential {name}"),
        "ns" => format!("namespace {name}"),
        "ip" | "url" => name.to_owned(),
        "" => entity.to_owned(),
        kind => object_words(kind, name),
    }
}

fn user_words(name: &str) -> String {
    match name {
        "system:anonymous" => "an anonymous caller".to_owned(),
        "unauthenticated" => "a caller without a valid credential".to_owned(),
        _ if name.starts_with("system:bootstrap:") => {
            format!("bootstrap token {}", name.trim_start_matches("system:bootstrap:"))
        }
        "system:kube-controller-manager"
        | "system:kube-scheduler"
        | "system:apiserver"
        | "system:kube-proxy" => format!("control-plane user {name}"),
        _ => format!("user {name}"),
    }
}

fn object_words(kind: &str, name: &str) -> String {
    match name.split_once('/') {
        Some((namespace, "*")) => format!("{kind}s in namespace {namespace}"),
        Some((namespace, object)) => format!("{kind} {object} in namespace {namespace}"),
        None if name == "*" => format!("{kind}s in every namespace"),
        None => format!("{kind} {name}"),
    }
}

/// The entity in words that need no knowledge of Kubernetes' spelling: `clusterrolebinding:x` is
/// "cluster role binding x".
pub fn spoken(entity: &str) -> String {
    let Some((kind, name)) = entity.split_once(':') else { return words(entity) };
    match spelled(kind) {
        Some(apart) => object_words(apart, name),
        None => words(entity),
    }
}

/// Kinds whose names are several words run together.
fn spelled(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "clusterrole" => "cluster role",
        "clusterrolebinding" => "cluster role binding",
        "rolebinding" => "role binding",
        "configmap" => "config map",
        "daemonset" => "daemon set",
        "statefulset" => "stateful set",
        "replicaset" => "replica set",
        "cronjob" => "cron job",
        "serviceaccount" => "service account",
        "certificatesigningrequest" => "certificate request",
        "mutatingwebhookconfiguration" => "mutating webhook",
        "validatingwebhookconfiguration" => "validating webhook",
        _ => return None,
    })
}

/// `one`, `one and two`, `one, two and three`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// `42 seconds`, `3 minutes`, `2.5 hours`
pub fn duration(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    match seconds {
        ..=0 => "a moment".to_owned(),
        1 => "1 second".to_owned(),
        2..=119 => format!("{seconds} seconds"),
        120..=7199 => format!("{} minutes", (seconds + 30) / 60),
        7200..=172_799 => format!("{:.1} hours", seconds as f64 / 3600.0),
        _ => format!("{:.1} days", seconds as f64 / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_become_words() {
        for (entity, said) in [
            ("sa:shop/cart", "service account shop/cart"),
            ("user:alice", "user alice"),
            ("user:system:anonymous", "an anonymous caller"),
            ("pod:shop/cart-1", "pod cart-1 in namespace shop"),
            ("secret:*", "secrets in every namespace"),
            ("secret:shop/*", "secrets in namespace shop"),
            ("clusterrolebinding:x", "clusterrolebinding x"),
        ] {
            assert_eq!(words(entity), said);
        }
        assert_eq!(spoken("clusterrolebinding:x"), "cluster role binding x");
        assert_eq!(spoken("rolebinding:shop/*"), "role bindings in namespace shop");
        assert_eq!(spoken("sa:shop/cart"), "service account shop/cart");
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!(duration(42_000_000), "42 seconds");
    }
}
