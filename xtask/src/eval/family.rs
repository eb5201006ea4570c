//! Which threat family a scenario belongs to. A table in code, not in the recordings, because the
//! families are ours: a recording only says what was done.

/// The families, in the order of reports.
pub(crate) const FAMILIES: [&str; 5] = ["credentials", "rbac", "exploitation", "policy", "other"];

/// Scenario and family. A chain counts for the family of its entry.
const TABLE: [(&str, &str); 28] = [
    ("S01", "credentials"),  // stolen pod token used from a foreign address
    ("S02", "rbac"),         // access through a bad binding to system:anonymous
    ("S03", "rbac"),         // cluster-admin granted by a developer
    ("S04", "rbac"),         // the escalate verb on an own role
    ("S05", "rbac"),         // impersonation
    ("S06", "exploitation"), // privileged pod, escape to the node
    ("S07", "credentials"),  // pod created to get a powerful account's token
    ("S08", "credentials"),  // TokenRequest for a powerful account
    ("S09", "credentials"),  // long-lived token secret
    ("S10", "exploitation"), // exec into system pods
    ("S11", "exploitation"), // nodes/proxy
    ("S12", "credentials"),  // own certificate approved
    ("S13", "policy"),       // admission webhook as a back door
    ("S14", "exploitation"), // DNS poisoning
    ("S15", "exploitation"), // DaemonSet and CronJob persistence
    ("S16", "credentials"),  // mass dump of secrets
    ("S17", "policy"),       // mass deletion, traces removed
    ("S18", "credentials"),  // bursts of 401 and 403
    ("S19", "exploitation"), // miner
    ("S20", "exploitation"), // masquerade as a system pod
    ("S21", "exploitation"), // CVE-style probes
    ("S22", "policy"),       // defences weakened
    ("S23", "policy"),       // dashboard exposed
    ("S24", "credentials"),  // bootstrap token misused
    ("S25", "credentials"),  // slow reconnaissance
    ("S26", "credentials"),  // full chain, entered by a developer's credential
    ("S27", "credentials"),  // stolen CI token
    ("S28", "exploitation"), // privileged node shell
];

/// The family of a scenario; "other" for scenarios that the table does not know.
pub(crate) fn family_of(scenario: &str) -> &'static str {
    TABLE.iter().find(|(id, _)| *id == scenario).map_or("other", |(_, family)| family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_each_scenario_once_and_only_known_families() {
        for (index, (id, family)) in TABLE.iter().enumerate() {
            assert!(FAMILIES.contains(family), "{id}");
            assert!(!TABLE.iter().skip(index + 1).any(|(other, _)| other == id), "{id} twice");
        }
    }

    #[test]
    fn an_unknown_scenario_is_counted_apart_not_lost() {
        assert_eq!(family_of("S99"), "other");
    }
}
