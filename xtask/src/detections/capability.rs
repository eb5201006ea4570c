//! The list of capabilities: everything that somebody in the field detects in audit logs, whether
//! we do or not. It is plain comma-separated text without quoting, so titles have no commas.

use crate::error::{Error, Result};

/// Whether an audit log can show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A rule can.
    In,
    /// It takes learning what is usual.
    Anomaly,
    /// Only the cloud provider's own log shows it.
    CloudLog,
    /// Only sensors in the containers show it.
    Runtime,
}

/// Who else detects it: code in the list, name, and whether it is a catalogue and no detector.
pub(crate) const PEERS: [(&str, &str, bool); 17] = [
    ("FAL", "Falco k8saudit", false),
    ("SIG", "Sigma, Kubernetes audit", false),
    ("SGC", "Sigma, cloud activity", false),
    ("PAN", "Panther", false),
    ("ELA", "Elastic", false),
    ("SPL", "Splunk ESCU", false),
    ("GD", "AWS GuardDuty EKS", false),
    ("MDC", "Microsoft Defender for Containers", false),
    ("SCC", "Google Security Command Center", false),
    ("SEN", "Microsoft Sentinel hunting", false),
    ("DD", "Datadog SIEM", false),
    ("ACS", "StackRox / RHACS", false),
    ("K3S", "k3sec", false),
    ("CHR", "Chronicle community", false),
    ("SRT", "Stratus Red Team", true),
    ("KH", "KubeHound", true),
    ("MSM", "Microsoft Threat Matrix", true),
];

/// Tactics by the letters of a capability's id.
pub(crate) const TACTICS: [(&str, &str); 10] = [
    ("IA", "Initial access"),
    ("EX", "Execution"),
    ("PE", "Persistence"),
    ("PR", "Privilege escalation"),
    ("DE", "Defence evasion"),
    ("CA", "Credential access"),
    ("DI", "Discovery"),
    ("LM", "Lateral movement"),
    ("IM", "Impact"),
    ("AS", "Attack sequence"),
];

/// One thing to detect.
#[derive(Clone, Debug)]
pub(crate) struct Capability {
    /// `PR01`
    pub(crate) id: String,
    /// A few words.
    pub(crate) title: String,
    /// MITRE ATT&CK techniques.
    pub(crate) techniques: Vec<String>,
    /// Audit level at which it shows; empty if the audit log does not show it.
    pub(crate) level: String,
    /// Codes of [`PEERS`].
    pub(crate) peers: Vec<String>,
    /// Whether an audit log can show it.
    pub(crate) reach: Reach,
    /// Why not, if it cannot.
    pub(crate) reason: String,
}

/// Reads the list.
pub(crate) fn parse(text: &str) -> Result<Vec<Capability>> {
    let lines = text.lines().enumerate().skip(1).filter(|(_, line)| !line.is_empty());
    lines
        .map(|(index, line)| {
            capability(line)
                .map_err(|what| Error::Other(format!("{}:{}: {what}", super::LIST, index + 1)))
        })
        .collect()
}

fn capability(line: &str) -> Result<Capability, String> {
    let fields: Vec<&str> = line.split(',').collect();
    let [id, title, techniques, level, _kind, peers, reach, reason] = fields.as_slice() else {
        return Err(format!(
            "{} fields; eight are needed, and titles have no commas",
            fields.len()
        ));
    };
    if !TACTICS.iter().any(|(letters, _)| id.starts_with(letters)) {
        return Err(format!("`{id}` begins with the letters of no tactic"));
    }
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let peers = words(peers);
    if let Some(strange) = peers.iter().find(|code| !PEERS.iter().any(|peer| peer.0 == **code)) {
        return Err(format!("nobody has the code `{strange}`"));
    }
    Ok(Capability {
        id: (*id).to_owned(),
        title: (*title).to_owned(),
        techniques: words(techniques),
        level: (*level).to_owned(),
        peers,
        reach: reach_of(reach)?,
        reason: (*reason).to_owned(),
    })
}

fn reach_of(word: &str) -> Result<Reach, String> {
    Ok(match word {
        "in" => Reach::In,
        "anomaly" => Reach::Anomaly,
        "cloud-log" => Reach::CloudLog,
        "runtime" => Reach::Runtime,
        other => return Err(format!("`{other}` is no reach; in, anomaly, cloud-log or runtime")),
    })
}
