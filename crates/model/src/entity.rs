//! The names by which everything refers to the things of a cluster: `user:alice`, `sa:shop/cart`,
//! `pod:shop/cart-7d4`, `node:…`, `ip:…`, `cred:JTI=…`, `role:…`, `ns:…`. One spelling in
//! findings, JSON, links and commands, so that a name can be pasted from any of them into any other.

/// `user:NAME`
pub fn user(name: &str) -> String {
    format!("user:{name}")
}

/// `sa:NAMESPACE/NAME`
pub fn service_account(namespace: &str, name: &str) -> String {
    format!("sa:{namespace}/{name}")
}

/// `node:NAME`
pub fn node(name: &str) -> String {
    format!("node:{name}")
}

/// `ip:ADDRESS`
pub fn ip(address: &str) -> String {
    format!("ip:{address}")
}

/// `cred:ID`, with the id as the log writes it (`JTI=…`, `X509SHA256=…`).
pub fn credential(id: &str) -> String {
    format!("cred:{id}")
}

/// `ns:NAME`
pub fn namespace(name: &str) -> String {
    format!("ns:{name}")
}

/// `pod:NAMESPACE/NAME`
pub fn pod(namespace: &str, name: &str) -> String {
    format!("pod:{namespace}/{name}")
}

/// Any object: the singular of well-known resources, else the plural as the API names it; the
/// namespace only if there is one. `secret:shop/db`, `clusterrole:admin`, `node:n1`.
pub fn object(resource: &str, namespace: &str, name: &str) -> String {
    let kind = singular(resource);
    match (namespace.is_empty(), name.is_empty()) {
        (true, true) => format!("{kind}:*"),
        (true, false) => format!("{kind}:{name}"),
        (false, true) => format!("{kind}:{namespace}/*"),
        (false, false) => format!("{kind}:{namespace}/{name}"),
    }
}

/// The singular of a resource name, by the rules that Kubernetes' own names follow.
pub fn singular(resource: &str) -> String {
    if resource.is_empty() || resource == "endpoints" {
        return resource.to_owned();
    }
    if let Some(stem) = resource.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for ending in ["sses", "xes", "shes", "ches"] {
        if resource.ends_with(ending) {
            return resource.strip_suffix("es").unwrap_or(resource).to_owned();
        }
    }
    resource.strip_suffix('s').unwrap_or(resource).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_in_the_singular() {
        assert_eq!(object("secrets", "shop", "db"), "secret:shop/db");
        assert_eq!(object("networkpolicies", "shop", ""), "networkpolicy:shop/*");
        assert_eq!(object("ingresses", "", "x"), "ingress:x");
        assert_eq!(object("nodes", "", ""), "node:*");
        assert_eq!(object("storageclasses", "", "fast"), "storageclass:fast");
    }
}
