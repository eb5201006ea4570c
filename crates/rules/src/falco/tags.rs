//! ATT&CK out of the tags of a rule: `T1552.007`, `mitre_credential_access`.
//!
//! Falco's rules name tactics in words and techniques by number. Other tags are the site's own.

/// Tactics by the word in tags.
const TACTICS: [(&str, &str); 14] = [
    ("collection", "TA0009"),
    ("command_and_control", "TA0011"),
    ("credential_access", "TA0006"),
    ("defense_evasion", "TA0005"),
    ("discovery", "TA0007"),
    ("execution", "TA0002"),
    ("exfiltration", "TA0010"),
    ("impact", "TA0040"),
    ("initial_access", "TA0001"),
    ("lateral_movement", "TA0008"),
    ("persistence", "TA0003"),
    ("privilege_escalation", "TA0004"),
    ("reconnaissance", "TA0043"),
    ("resource_development", "TA0042"),
];

/// Ids of techniques and tactics that tags name.
pub(super) fn techniques(tags: &[String]) -> Vec<String> {
    let mut found: Vec<String> = tags.iter().filter_map(|tag| technique(tag)).collect();
    found.sort();
    found.dedup();
    found
}

fn technique(tag: &str) -> Option<String> {
    let tactic = tag.strip_prefix("mitre_").and_then(|word| {
        TACTICS.iter().find(|(known, _)| *known == word).map(|(_, id)| (*id).to_owned())
    });
    tactic.or_else(|| is_technique(tag).then(|| tag.to_ascii_uppercase()))
}

/// `T1234`, `T1234.001`
fn is_technique(tag: &str) -> bool {
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let Some(number) = tag.strip_prefix(['T', 't']) else { return false };
    match number.split_once('.') {
        None => digits(number, 4),
        Some((number, part)) => digits(number, 4) && digits(part, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_attack_is_taken_from_tags() {
        let tags = ["k8s", "T1552.007", "mitre_execution", "t1609", "T15", "mitre_nonsense", "TA"];
        let found = techniques(&tags.map(str::to_owned));
        assert_eq!(found, ["T1552.007", "T1609", "TA0002"]);
    }
}
