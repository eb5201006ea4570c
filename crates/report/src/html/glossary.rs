//! Words that a reader who does not know Kubernetes meets in the report. Only those that occur are
//! printed, plus the few without which nothing makes sense: a glossary of everything is read by
//! nobody.

/// A term, what it means, and the words that call for it (none: always).
pub(crate) struct Term {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    cues: &'static [&'static str],
}

/// The terms that this text calls for, in alphabetical order.
pub(crate) fn of(text: &str) -> Vec<&'static Term> {
    let text = text.to_lowercase();
    TERMS
        .iter()
        .filter(|term| term.cues.is_empty() || term.cues.iter().any(|cue| occurs(&text, cue)))
        .collect()
}

/// Whether the cue stands in the text as a word of its own, or as its plural.
fn occurs(text: &str, cue: &str) -> bool {
    text.match_indices(cue).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + cue.len()..).unwrap_or_default();
        let after = after.strip_prefix('s').unwrap_or(after).chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

const fn term(name: &'static str, cues: &'static [&'static str], meaning: &'static str) -> Term {
    Term { name, meaning, cues }
}

const TERMS: &[Term] = &[
    term(
        "Admission webhook",
        &["webhook", "admission"],
        "A server that the API server asks before it stores a change. It may refuse or alter the change, and it sees everything in it. Whoever controls one can read and change what is deployed.",
    ),
    term("Anonymous", &["anonymous"], "A request without any credential."),
    term(
        "API server",
        &[],
        "The front door of a Kubernetes cluster. Every person, program and machine that wants something of the cluster asks it; it checks who they are and what they may do.",
    ),
    term(
        "ATT&CK",
        &["technique"],
        "A public catalogue of what attackers do, kept by MITRE. An entry such as T1609 names one technique.",
    ),
    term(
        "Audit level",
        &["metadata", "requestresponse"],
        "How much the audit log holds of a request. “Metadata”: who did what, without contents. “Request”: also what was sent. “RequestResponse”: also what came back.",
    ),
    term(
        "Audit log",
        &[],
        "What the API server writes down about the requests that it gets: who, when, what, and what came of it. It does not show what happens inside programs or on machines.",
    ),
    term(
        "Binding",
        &["binding", "rolebinding", "clusterrolebinding"],
        "The entry that gives the rights of a role to a person, group or service account. A cluster role binding gives them in the whole cluster.",
    ),
    term(
        "Certificate request",
        &["certificate", "csr", "certificatesigningrequest"],
        "A request that the cluster sign a certificate. A signed certificate is an identity that cannot be taken back before it runs out.",
    ),
    term(
        "Cluster",
        &[],
        "A group of machines that Kubernetes runs programs on as if they were one.",
    ),
    term(
        "cluster-admin",
        &[
            "cluster-admin",
            "cluster administrator",
            "administrator of the cluster",
            "administrator of the whole cluster",
        ],
        "The role that allows everything. Whoever has it in the whole cluster owns the cluster.",
    ),
    term(
        "Config map",
        &["configmap", "config map"],
        "Settings of a program, not meant for secrets.",
    ),
    term(
        "Container",
        &["container", "image"],
        "A packaged program with everything it needs, run apart from others on the same machine.",
    ),
    term(
        "Credential",
        &["credential", "token"],
        "What an identity proves itself with: a token or a certificate. Whoever holds it is that identity, as far as the cluster can tell.",
    ),
    term(
        "Cron job",
        &["cronjob", "cron job"],
        "A program that the cluster starts again and again, by the clock.",
    ),
    term(
        "Daemon set",
        &["daemonset", "daemon set"],
        "A program that the cluster runs on every one of its machines.",
    ),
    term(
        "Deployment",
        &["deployment"],
        "A program that the cluster keeps running in a given number of copies.",
    ),
    term("etcd", &["etcd"], "The database in which a cluster keeps everything, secrets included."),
    term(
        "Event",
        &["event"],
        "One line of the audit log. Kubernetes also calls the notes that it keeps about its own work “events”; deleting those removes traces.",
    ),
    term(
        "Exec",
        &["exec", "ran a command", "run a command", "ran commands"],
        "Running a command inside a running container, as if one sat in front of it.",
    ),
    term(
        "Impersonation",
        &["impersonate", "impersonation", "acting as", "acted as", "act as"],
        "Making a request in somebody else’s name. Kubernetes allows it to those who have that right; the log names both.",
    ),
    term(
        "Kubelet",
        &["kubelet"],
        "The program on each machine that starts and stops containers there.",
    ),
    term(
        "Lease",
        &["lease"],
        "A short entry that machines and servers renew every few seconds. Because it is so regular, a missing one shows that the log has a hole.",
    ),
    term(
        "Namespace",
        &["namespace"],
        "A part of a cluster with a name, such as a team’s or a product’s.",
    ),
    term(
        "Network policy",
        &["networkpolicy", "network policy"],
        "A rule about which programs may talk to each other over the network.",
    ),
    term("Node", &["node"], "One machine of the cluster."),
    term(
        "Pod",
        &["pod"],
        "The smallest thing that Kubernetes runs: one program, or a few that belong together.",
    ),
    term(
        "Port forwarding",
        &["port-forward", "tunnel"],
        "A tunnel from somebody’s computer through the API server into a pod, past the network’s walls.",
    ),
    term(
        "Privileged",
        &["privileged"],
        "Said of a container that may do everything on the machine it runs on. Whoever controls it controls the machine.",
    ),
    term(
        "Role",
        &["role", "clusterrole", "cluster role"],
        "A list of what may be done to what. It has no effect until a binding gives it to somebody.",
    ),
    term(
        "Rule",
        &[],
        "One thing that this program looks for. A rule that cannot see what it needs is called blind.",
    ),
    term(
        "Secret",
        &["secret"],
        "An entry in which the cluster keeps passwords, keys and certificates.",
    ),
    term(
        "Service account",
        &["service account", "serviceaccount"],
        "The identity of a program in the cluster, as a user is the identity of a person. It is written namespace/name.",
    ),
    term(
        "SHA-256",
        &["sha-256"],
        "A fingerprint of some data. If one character of the original record is changed, it no longer fits.",
    ),
    term(
        "Token",
        &["token"],
        "A credential in the form of a text. It can be copied and used from anywhere until it runs out.",
    ),
    term(
        "User agent",
        &["user agent"],
        "What a client says it is, for example kubectl. It can be made up.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        of(text).iter().map(|term| term.name).collect()
    }

    #[test]
    fn only_the_words_that_occur_are_explained() {
        assert_eq!(names(""), ["API server", "Audit log", "Cluster", "Rule"]);
        assert!(names("Two Pods were seen").contains(&"Pod"));
        assert!(
            !names("a tripod, podcasts and anodes")
                .iter()
                .any(|name| *name == "Pod" || *name == "Node")
        );
        assert!(names("daemonset:kube-system/x").contains(&"Daemon set"));
    }

    #[test]
    fn terms_are_in_alphabetical_order() {
        assert!(TERMS.is_sorted_by_key(|term| term.name.to_lowercase()));
    }
}
