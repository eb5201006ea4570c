//! What the user agent says of the client: a tool that a person uses by hand, or a program.
//!
//! The client chooses its user agent, so "a program" proves nothing; "a hand tool" is worth knowing
//! wherever a program's identity shows up. It is here and not with the rules because the kind of an
//! identity depends on it too (`principal`).

/// Tools that a person types into or clicks in, and the general HTTP clients of hand-written
/// scripts, by the family of their user agent in lower case. Programs built for a cluster
/// (controllers, Helm, deployment tools, Go's own HTTP client) are not here.
const HAND_TOOLS: &[&str] = &[
    "aiohttp",
    "curl",
    "freelens",
    "headlamp",
    "httpie",
    "insomnia",
    "k9s",
    "kdigger",
    "kube-hunter",
    "kubectl",
    "kubeletctl",
    "kubens",
    "kubie",
    "lens",
    "libwww-perl",
    "mozilla",
    "node-fetch",
    "oc",
    "openlens",
    "peirates",
    "postmanruntime",
    "python-httpx",
    "python-requests",
    "python-urllib",
    "stern",
    "wget",
];

/// Whether the client says that it is a tool used by hand. The client chooses its user agent, so
/// "no" proves nothing.
pub fn is_hand_tool(agent_family: &str) -> bool {
    let name = agent_family.trim().to_ascii_lowercase();
    name.starts_with("kubectl-") || HAND_TOOLS.binary_search(&name.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_so_that_each_entry_is_found() {
        assert!(HAND_TOOLS.is_sorted());
    }

    #[test]
    fn what_people_type_into_is_told_from_programs() {
        for family in ["kubectl", "KUBECTL", "kubectl-neat", "oc", "Mozilla", "python-requests"] {
            assert!(is_hand_tool(family), "{family}");
        }
        for family in ["", "kubelet", "Helm", "argocd-application-controller", "Go-http-client"] {
            assert!(!is_hand_tool(family), "{family}");
        }
    }
}
