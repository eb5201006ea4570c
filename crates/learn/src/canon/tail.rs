//! What kind of token a part of a name is: one that a program drew, or one that a person chose.
//!
//! Kubernetes draws the tails of generated names from 27 characters without vowels and without
//! digits that look like letters, so that no words arise. Abbreviations have no vowels either
//! (`https`, `pgsql`), so letters alone prove nothing where names are mostly chosen by people.

/// How the names of a resource come about, and with it how much a token must show to be taken for
/// drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Mostly by programs: pods, replica sets, jobs, events.
    Generated,
    /// By both: secrets, config maps, leases, custom resources.
    Mixed,
    /// By people: deployments, service accounts, roles, namespaces. A small number at the end is a part
    /// of the name.
    Chosen,
    /// Nodes: by the cloud or by whoever bought the machine.
    Node,
}

impl Naming {
    /// How the names of a resource come about.
    pub fn of(resource: &str) -> Naming {
        if GENERATED.binary_search(&resource).is_ok() {
            Naming::Generated
        } else if CHOSEN.binary_search(&resource).is_ok() {
            Naming::Chosen
        } else if matches!(resource, "nodes" | "csinodes" | "ciliumnodes") {
            Naming::Node
        } else {
            Naming::Mixed
        }
    }
}

const GENERATED: &[&str] = &[
    "bindings",
    "certificaterequests",
    "certificatesigningrequests",
    "challenges",
    "ciliumendpoints",
    "controllerrevisions",
    "endpointslices",
    "events",
    "jobs",
    "machines",
    "nodeclaims",
    "orders",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pipelineruns",
    "pods",
    "policyreports",
    "replicasets",
    "replicationcontrollers",
    "taskruns",
    "volumeattachments",
    "workflows",
];

const CHOSEN: &[&str] = &[
    "apiservices",
    "clusterrolebindings",
    "clusterroles",
    "cronjobs",
    "customresourcedefinitions",
    "daemonsets",
    "deployments",
    "horizontalpodautoscalers",
    "ingressclasses",
    "ingresses",
    "mutatingwebhookconfigurations",
    "namespaces",
    "networkpolicies",
    "poddisruptionbudgets",
    "priorityclasses",
    "resourcequotas",
    "rolebindings",
    "roles",
    "runtimeclasses",
    "serviceaccounts",
    "services",
    "statefulsets",
    "storageclasses",
    "validatingadmissionpolicies",
    "validatingwebhookconfigurations",
];

/// Abbreviations that are spelt with the characters of generated tails.
const ABBREVIATIONS: &[&str] = &[
    "dbsrv", "grpcs", "grpcx", "http2", "https", "k8sdb", "ldbpg", "mssql", "mtlsd", "nfsv2",
    "nfsv4", "pgsql", "prdzn", "rtmps", "rtsps", "sctps", "smtps", "sshfs", "sshgw", "ssltl",
    "tcpdp", "vxlan", "xhtml",
];

/// The characters of generated tails (`k8s.io/apimachinery/pkg/util/rand`).
pub(super) fn is_drawn(byte: u8) -> bool {
    matches!(byte, b'b'..=b'd' | b'f'..=b'h' | b'j'..=b'n' | b'p'..=b't' | b'v'..=b'x' | b'z' | b'2' | b'4'..=b'9')
}

/// What a token at the end of a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Chosen, as far as it shows.
    Word,
    /// Five drawn characters.
    Drawn,
    /// A hash of a pod template or of a config map's contents.
    Hash,
    /// A small number: a replica, an index.
    Ordinal,
}

/// Judges the token at the end of a name, or what is the end once drawn tokens are taken off
/// (`followed`).
pub(super) fn tail(token: &str, naming: Naming, followed: bool) -> Tail {
    if token.bytes().all(|b| b.is_ascii_digit()) {
        return number(token, naming);
    }
    if is_template_hash(token, followed && naming == Naming::Generated) || is_content_hash(token) {
        return Tail::Hash;
    }
    if is_five_drawn(token, naming) {
        return Tail::Drawn;
    }
    Tail::Word
}

fn number(token: &str, naming: Naming) -> Tail {
    match token.len() {
        0 | 5.. => Tail::Word,
        4 if matches!(token.as_bytes(), [b'1', b'9', ..] | [b'2', b'0', ..]) => Tail::Word,
        1 | 2 if naming == Naming::Chosen => Tail::Word,
        _ => Tail::Ordinal,
    }
}

/// The hash that Deployments and DaemonSets put into names: a decimal number in an alphabet that
/// maps its digits to ten of the 27 characters. Short ones are rare and believed only before a
/// drawn tail.
fn is_template_hash(token: &str, followed: bool) -> bool {
    let shortest = if followed { 6 } else { 8 };
    (shortest..=10).contains(&token.len())
        && token.bytes().all(|b| matches!(b, b'4'..=b'9' | b'b'..=b'd' | b'f'))
        && token.bytes().any(|b| b.is_ascii_digit())
        && token.bytes().any(|b| b.is_ascii_lowercase())
}

/// A template hash can be of digits alone. Times and runs are too, but have others among them: minutes
/// since 1970 begin with 2 until the year 2027 and with 3 until 2046, seconds with 1 or 2.
pub(super) fn is_hash_of_digits(token: &str, naming: Naming) -> bool {
    naming == Naming::Generated
        && (8..=10).contains(&token.len())
        && token.bytes().all(|b| matches!(b, b'4'..=b'9'))
}

/// Eight to ten drawn characters with a digit among them that does not just number a word.
fn is_content_hash(token: &str) -> bool {
    (8..=10).contains(&token.len()) && token.bytes().all(is_drawn) && has_inner_digit(token)
}

fn is_five_drawn(token: &str, naming: Naming) -> bool {
    if token.len() != 5 || is_abbreviation(token) {
        return false;
    }
    let drawn = token.bytes().all(is_drawn);
    match naming {
        Naming::Generated | Naming::Node => {
            drawn || is_drawn_with_01(token) && has_inner_digit(token)
        }
        Naming::Mixed | Naming::Chosen => drawn && has_inner_digit(token),
    }
}

/// Jenkins and some clouds also draw 0, 1 and 3.
fn is_drawn_with_01(token: &str) -> bool {
    token.bytes().all(|b| is_drawn(b) || matches!(b, b'0' | b'1' | b'3'))
        && token.bytes().any(|b| b.is_ascii_lowercase())
}

/// Five characters that could be drawn, were it known that names like this one are.
pub(super) fn could_be_drawn(token: &str) -> bool {
    matches!(token.len(), 5 | 8..=10) && token.bytes().all(is_drawn) && !is_abbreviation(token)
}

pub(super) fn is_abbreviation(token: &str) -> bool {
    token.contains("k8s") || ABBREVIATIONS.binary_search(&token).is_ok()
}

/// A digit with a letter somewhere after it: `x7k2p`, but not `node12`.
pub(super) fn has_inner_digit(token: &str) -> bool {
    let first = token.bytes().position(|b| b.is_ascii_digit());
    let last = token.bytes().rposition(|b| b.is_ascii_lowercase());
    matches!((first, last), (Some(digit), Some(letter)) if digit < letter)
}

/// Changes between letters and digits.
fn turns(token: &str) -> usize {
    let digits = token.bytes().map(|b| b.is_ascii_digit());
    digits.clone().zip(digits.skip(1)).filter(|(a, b)| a != b).count()
}

/// Five drawn characters inside a name: only where two digits or more are strewn among letters.
pub(super) fn is_drawn_inside(token: &str) -> bool {
    token.len() == 5
        && token.bytes().all(is_drawn)
        && !is_abbreviation(token)
        && has_inner_digit(token)
        && turns(token) >= 2
        && !token.starts_with('v')
}

/// Hexadecimal, eight digits or longer; a word of the letters a to f is none.
pub(super) fn is_hex(token: &str) -> bool {
    let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    token.len() >= 8
        && token.bytes().all(hex)
        && token.bytes().any(|b| b.is_ascii_digit())
        && token.bytes().any(|b| b.is_ascii_lowercase())
}

/// A long token in which letters and digits alternate as in no word: ids of other programs.
pub(super) fn is_opaque(token: &str) -> bool {
    let plain = token.bytes().all(|b| b.is_ascii_alphanumeric());
    if !plain || token.len() < 8 || token.contains("k8s") {
        return false;
    }
    let letters = token.split(|c: char| c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    if token.len() >= 20 {
        let both_cases = token.bytes().any(|b| b.is_ascii_uppercase())
            && token.bytes().any(|b| b.is_ascii_lowercase());
        return turns(token) >= 3 || both_cases && turns(token) >= 1;
    }
    turns(token) >= 4 && letters <= 4 && !token.starts_with('v')
}

/// `v1`, `v2beta1`: no id.
pub(super) fn is_version(token: &str) -> bool {
    let Some(rest) = token.strip_prefix('v') else { return false };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix("alpha").or_else(|| rest.strip_prefix("beta")).unwrap_or(rest);
    rest.bytes().all(|b| b.is_ascii_digit())
}

/// One of the four numbers of an IPv4 address.
pub(super) fn is_octet(token: &str) -> bool {
    token.len() <= 3
        && token.bytes().all(|b| b.is_ascii_digit())
        && token.parse::<u16>().is_ok_and(|n| n < 256)
}

/// Hexadecimal of exactly this length: a part of a UUID.
pub(super) fn is_hex_of(token: &str, length: usize) -> bool {
    token.len() == length && token.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        for list in [GENERATED, CHOSEN, ABBREVIATIONS] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }

    #[test]
    fn abbreviations_have_the_look_of_a_tail_and_are_none() {
        for word in ABBREVIATIONS {
            assert_eq!(word.len(), 5, "{word}");
            assert_eq!(tail(word, Naming::Generated, true), Tail::Word, "{word}");
        }
    }

    #[test]
    fn a_template_hash_is_told_by_its_ten_characters() {
        assert_eq!(tail("5d4f7b6c9d", Naming::Chosen, false), Tail::Hash);
        assert_eq!(tail("5f8b7c", Naming::Generated, true), Tail::Hash);
        assert_eq!(tail("5f8b7c", Naming::Generated, false), Tail::Word);
        assert_eq!(tail("sftpsrv2", Naming::Generated, false), Tail::Word);
    }

    #[test]
    fn versions_are_no_ids() {
        for word in ["v1", "v1beta1", "v2alpha12", "v"] {
            assert!(is_version(word), "{word}");
        }
        assert!(!is_version("v1x"));
    }
}
