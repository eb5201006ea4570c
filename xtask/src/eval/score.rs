//! The scoring rules. The unit is the scenario instance, never the request: one mass deletion of
//! 780 requests must not outweigh a three-request privilege escalation. All of it is a pure
//! function of labels and scan, so that each rule has a test with five handmade records.

use super::family::{FAMILIES, family_of};
use crate::recording::{Instance, Truth};
use crate::scan::{Incident, Scan, Severity};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Incidents of this severity or above are the product's word; the rest is background reading.
const COUNTS_FROM: Severity = Severity::Medium;

/// An instance that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Found {
    /// Instance.
    pub(crate) instance: String,
    /// Its title.
    pub(crate) title: String,
    /// Family.
    pub(crate) family: &'static str,
    /// Worst severity among the incidents that found it.
    pub(crate) severity: Severity,
    /// Incidents of medium or above that cite it, also those that are mainly another's.
    pub(crate) incidents: usize,
    /// Its records (without discovery calls) that those incidents cite.
    pub(crate) cited: usize,
    /// Its records without discovery calls.
    pub(crate) records: usize,
}

/// Why an instance was missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Reason {
    /// Nothing cites any of its records.
    NotSeen,
    /// Findings cite it but no incident does.
    OnlyFindings {
        /// Rules of those findings.
        rules: Vec<String>,
    },
    /// Incidents cite it, all of them below medium.
    TooMild {
        /// Worst severity.
        severity: Severity,
        /// Rules of the findings that cite it.
        rules: Vec<String>,
    },
    /// Incidents cite it, but more than half of what is labelled in them is another's.
    MainlyAnothers {
        /// Incident and the instance with most of its records.
        incidents: Vec<(String, String)>,
    },
}

/// An instance that was missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Missed {
    /// Instance.
    pub(crate) instance: String,
    /// Its title.
    pub(crate) title: String,
    /// Family.
    pub(crate) family: &'static str,
    /// Why.
    pub(crate) reason: Reason,
    /// What its records did, with counts, in order of first appearance by name.
    pub(crate) actions: BTreeMap<String, usize>,
    /// Its records without discovery calls.
    pub(crate) records: BTreeSet<String>,
    /// Fields that the log does not carry for them, with counts. Filled from the audit files.
    pub(crate) missing_fields: BTreeMap<String, usize>,
}

/// What a false incident stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FalseKind {
    /// Unlabelled background.
    Background,
    /// Benign behaviour made to look like an attack.
    LookAlike,
}

/// An incident without a malicious or related record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct False {
    /// Incident id.
    pub(crate) id: String,
    /// Severity.
    pub(crate) severity: Severity,
    /// Title.
    pub(crate) title: String,
    /// What it stands on.
    pub(crate) kind: FalseKind,
    /// Look-alike scenarios in it.
    pub(crate) look_alikes: Vec<String>,
    /// Rules of its findings.
    pub(crate) rules: Vec<String>,
    /// Number of records.
    pub(crate) records: usize,
}

/// An incident that mixes unrelated instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Mixed {
    /// Incident id.
    pub(crate) id: String,
    /// Severity.
    pub(crate) severity: Severity,
    /// Title.
    pub(crate) title: String,
    /// Malicious records (discovery calls included) by instance.
    pub(crate) instances: BTreeMap<String, usize>,
}

/// Counts of a family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// Instances found.
    pub(crate) found: usize,
    /// Instances in the recording.
    pub(crate) of: usize,
}

/// The score of a scan.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Score {
    /// Name of the recording.
    pub(crate) recording: String,
    /// Events that the scan read.
    pub(crate) events: u64,
    /// Byte ranges that became no event.
    pub(crate) rejected: u64,
    /// Found and missed over all instances.
    pub(crate) instances: Tally,
    /// The same by family.
    pub(crate) families: BTreeMap<&'static str, Tally>,
    /// Found.
    pub(crate) found: Vec<Found>,
    /// Missed.
    pub(crate) missed: Vec<Missed>,
    /// Incidents of medium or above.
    pub(crate) incidents: usize,
    /// All incidents by severity.
    pub(crate) by_severity: BTreeMap<Severity, usize>,
    /// Incidents that stand on related records only: neither hits nor false alarms.
    pub(crate) only_related: usize,
    /// False incidents.
    pub(crate) false_incidents: Vec<False>,
    /// Mixing incidents.
    pub(crate) mixed: Vec<Mixed>,
    /// Incidents per found instance, mean.
    pub(crate) incidents_per_found: f64,
    /// Causal edges whose two sides are in one incident, and edges in all.
    pub(crate) edges: Tally,
    /// auditIDs in evidence that no record of the recording has.
    pub(crate) unknown_evidence: usize,
}

impl Score {
    /// False incidents of a kind.
    pub(crate) fn false_of(&self, kind: FalseKind) -> impl Iterator<Item = &False> {
        self.false_incidents.iter().filter(move |one| one.kind == kind)
    }
}

/// An incident that counts, with its labels looked up once.
struct Cited<'a> {
    incident: &'a Incident,
    /// Malicious records by instance.
    by_instance: BTreeMap<&'a str, usize>,
    /// The same without discovery calls.
    acts: BTreeMap<&'a str, BTreeSet<&'a str>>,
    related: usize,
    look_alikes: BTreeSet<&'a str>,
}

impl<'a> Cited<'a> {
    fn new(incident: &'a Incident, truth: &'a Truth) -> Cited<'a> {
        let mut cited = Cited {
            incident,
            by_instance: BTreeMap::new(),
            acts: BTreeMap::new(),
            related: 0,
            look_alikes: BTreeSet::new(),
        };
        for id in &incident.evidence {
            cited.related += usize::from(truth.related.contains_key(id));
            let Some(label) = truth.labels.get(id) else { continue };
            match label.instance.as_deref().filter(|_| label.is_malicious()) {
                Some(instance) => {
                    *cited.by_instance.entry(instance).or_default() += 1;
                    if !label.aux {
                        cited.acts.entry(instance).or_default().insert(id);
                    }
                }
                None if label.kind == "benign_lookalike" => {
                    cited.look_alikes.insert(&label.scenario);
                }
                None => {}
            }
        }
        cited
    }

    fn malicious(&self) -> usize {
        self.by_instance.values().sum()
    }

    /// Whether this incident finds the instance: cites an act of it, and at least half of what is
    /// labelled in it is its.
    fn finds(&self, instance: &str) -> bool {
        self.acts.contains_key(instance)
            && self.by_instance.get(instance).is_some_and(|own| own * 2 >= self.malicious())
    }

    fn main_instance(&self) -> String {
        let most = self.by_instance.iter().max_by_key(|(name, count)| (**count, *name));
        most.map(|(name, _)| (*name).to_owned()).unwrap_or_default()
    }
}

/// Scores a scan against the truth.
pub(crate) fn score(truth: &Truth, scan: &Scan) -> Score {
    let counting: Vec<Cited> = scan
        .incidents
        .iter()
        .filter(|incident| incident.severity >= COUNTS_FROM)
        .map(|incident| Cited::new(incident, truth))
        .collect();
    let mut score = Score { incidents: counting.len(), ..Score::default() };
    score.events = scan.input.events;
    score.rejected = scan.input.rejected;
    for incident in &scan.incidents {
        *score.by_severity.entry(incident.severity).or_default() += 1;
    }
    judge_instances(&mut score, truth, scan, &counting);
    judge_incidents(&mut score, scan, &counting);
    score.edges = count_edges(truth, &counting);
    score
}

fn judge_instances(score: &mut Score, truth: &Truth, scan: &Scan, counting: &[Cited]) {
    let acts = acts_by_instance(truth);
    for (name, records) in acts {
        let Some(instance) = truth.instances.get(name) else { continue };
        let family = family_of(&instance.scenario);
        let found = counting.iter().any(|cited| cited.finds(name));
        for tally in [&mut score.instances, score.families.entry(family).or_default()] {
            tally.of += 1;
            tally.found += usize::from(found);
        }
        if found {
            score.found.push(found_instance(instance, family, &records, counting));
        } else {
            score.missed.push(missed_instance(instance, family, &records, truth, scan, counting));
        }
    }
    let cited: usize = score.found.iter().map(|found| found.incidents).sum();
    score.incidents_per_found = cited as f64 / score.found.len().max(1) as f64;
}

/// Records of each instance without discovery calls. An instance of discovery calls only is none.
fn acts_by_instance(truth: &Truth) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut acts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for label in truth.labels.values().filter(|label| label.is_malicious() && !label.aux) {
        if let Some(instance) = &label.instance {
            acts.entry(instance).or_default().insert(&label.audit_id);
        }
    }
    acts
}

fn found_instance(
    instance: &Instance,
    family: &'static str,
    records: &BTreeSet<&str>,
    counting: &[Cited],
) -> Found {
    let name = instance.name.as_str();
    let citing: Vec<&Cited> =
        counting.iter().filter(|cited| cited.acts.contains_key(name)).collect();
    let severity = citing
        .iter()
        .filter(|cited| cited.finds(name))
        .map(|cited| cited.incident.severity)
        .max()
        .unwrap_or_default();
    let cited: BTreeSet<&str> =
        citing.iter().filter_map(|cited| cited.acts.get(name)).flatten().copied().collect();
    Found {
        instance: name.to_owned(),
        title: instance.title.clone(),
        family,
        severity,
        incidents: citing.len(),
        cited: cited.len(),
        records: records.len(),
    }
}

fn missed_instance(
    instance: &Instance,
    family: &'static str,
    records: &BTreeSet<&str>,
    truth: &Truth,
    scan: &Scan,
    counting: &[Cited],
) -> Missed {
    let mut actions = BTreeMap::new();
    for label in records.iter().filter_map(|id| truth.labels.get(*id)) {
        *actions.entry(label.action()).or_default() += 1;
    }
    Missed {
        instance: instance.name.clone(),
        title: instance.title.clone(),
        family,
        reason: reason_of(&instance.name, records, scan, counting),
        actions,
        records: records.iter().map(|id| (*id).to_owned()).collect(),
        missing_fields: BTreeMap::new(),
    }
}

fn reason_of(name: &str, records: &BTreeSet<&str>, scan: &Scan, counting: &[Cited]) -> Reason {
    let anothers: Vec<(String, String)> = counting
        .iter()
        .filter(|cited| cited.acts.contains_key(name))
        .map(|cited| (cited.incident.id.clone(), cited.main_instance()))
        .collect();
    if !anothers.is_empty() {
        return Reason::MainlyAnothers { incidents: anothers };
    }
    let cites = |evidence: &BTreeSet<String>| records.iter().any(|id| evidence.contains(*id));
    let rules: BTreeSet<String> = scan
        .findings
        .iter()
        .filter(|finding| cites(&finding.evidence))
        .map(|finding| format!("{} ({})", finding.rule.id, finding.severity.as_str()))
        .collect();
    let rules: Vec<String> = rules.into_iter().collect();
    let mild = scan.incidents.iter().filter(|incident| cites(&incident.evidence));
    match mild.map(|incident| incident.severity).max() {
        Some(severity) => Reason::TooMild { severity, rules },
        None if rules.is_empty() => Reason::NotSeen,
        None => Reason::OnlyFindings { rules },
    }
}

fn judge_incidents(score: &mut Score, scan: &Scan, counting: &[Cited]) {
    let rule_of: BTreeMap<&str, &str> = scan
        .findings
        .iter()
        .map(|finding| (finding.id.as_str(), finding.rule.id.as_str()))
        .collect();
    for cited in counting {
        let incident = cited.incident;
        if cited.acts.len() > 1 {
            let with_acts = |name: &str| cited.acts.contains_key(name);
            score.mixed.push(Mixed {
                id: incident.id.clone(),
                severity: incident.severity,
                title: incident.title.clone(),
                instances: cited
                    .by_instance
                    .iter()
                    .filter(|(name, _)| with_acts(name))
                    .map(|(name, count)| ((*name).to_owned(), *count))
                    .collect(),
            });
        }
        if cited.malicious() > 0 {
            continue;
        }
        if cited.related > 0 {
            score.only_related += 1;
        } else {
            score.false_incidents.push(false_incident(cited, &rule_of));
        }
    }
    for family in FAMILIES {
        score.families.entry(family).or_default();
    }
}

fn false_incident(cited: &Cited, rule_of: &BTreeMap<&str, &str>) -> False {
    let incident = cited.incident;
    let rules: BTreeSet<String> = incident
        .findings
        .iter()
        .filter_map(|id| rule_of.get(id.as_str()))
        .map(|rule| (*rule).to_owned())
        .collect();
    False {
        id: incident.id.clone(),
        severity: incident.severity,
        title: incident.title.clone(),
        kind: if cited.look_alikes.is_empty() {
            FalseKind::Background
        } else {
            FalseKind::LookAlike
        },
        look_alikes: cited.look_alikes.iter().map(|name| (*name).to_owned()).collect(),
        rules: rules.into_iter().collect(),
        records: incident.evidence.len(),
    }
}

/// A causal edge is told when one incident cites records of both of its sides.
fn count_edges(truth: &Truth, counting: &[Cited]) -> Tally {
    let edges: Vec<_> = truth
        .instances
        .values()
        .flat_map(|instance| &instance.edges)
        .filter(|edge| !edge.from_ids.is_empty() && !edge.to_ids.is_empty())
        .collect();
    let told = edges.iter().filter(|edge| {
        counting.iter().any(|cited| {
            let has = |ids: &[String]| ids.iter().any(|id| cited.incident.evidence.contains(id));
            has(&edge.from_ids) && has(&edge.to_ids)
        })
    });
    Tally { found: told.count(), of: edges.len() }
}
