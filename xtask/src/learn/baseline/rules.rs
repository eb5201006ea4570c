//! The product's own rules without any learning: deeds become lines, the pipeline judges them as it
//! judges a log, and its incidents are what was found.
//!
//! Of what is done often only the refused, the secret and the important is written out, up to a
//! hundred times an hour: rules that count count these. What else an identity does again is written
//! once in a day, because no rule asks how often a lease was renewed, and it would only cost time.
//!
//! An incident may last for weeks; so what is judged is its hours, each as grave as its findings.

use super::ByHash;
use crate::learn::detector::{Detector, RowId, Scored, Scores, Seen};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use trailhound_detect::{Engine, Settings};
use trailhound_generate::life::Deed;
use trailhound_generate::{Act, Profile, Writer};
use trailhound_ingest::{Chunk, Masker};
use trailhound_learn::row::Row;
use trailhound_model::Str;
use trailhound_model::finding::{Finding, Severity};
use trailhound_model::time::{HOUR, Time};
use trailhound_pipeline::work::Worker;
use trailhound_rules::RuleSet;

/// Bytes that are judged at once.
const BATCH: usize = 4 << 20;
/// Times that a deed is written out at most.
const MOST_TIMES: u32 = 100;
/// Rows of an hour that are kept as evidence.
const MOST_EVIDENCE: usize = 256;

/// The rules alone.
pub(in crate::learn) struct Rules {
    set: Arc<RuleSet>,
    masker: Masker,
    writer: Writer,
    engine: Engine,
    /// Acts whose time has not come, by time and number.
    waiting: BinaryHeap<Reverse<(i64, u64)>>,
    acts: ByHash<(Act, Place)>,
    written: u64,
    lines: Vec<u8>,
    /// Where the lines are from, by auditID.
    rows: HashMap<Str, Place>,
    /// The same of those that a rule may match.
    evidence: HashMap<Str, Place>,
    /// What was written today.
    today: (i64, HashSet<u64>),
}

/// A row and whose it is.
#[derive(Clone, Copy, Debug)]
struct Place {
    row: RowId,
    link: u64,
}

impl Rules {
    /// One that has seen nothing.
    pub(in crate::learn) fn new(profile: &Profile) -> Rules {
        // Rules that are built in are tested to load; without them nothing would be found, which the
        // tables would show.
        let set = Arc::new(RuleSet::builtin().unwrap_or_default());
        Rules {
            engine: Engine::new(Arc::clone(&set), Settings::default()),
            set,
            masker: Masker::new([0; 16]),
            writer: Writer::new(profile),
            waiting: BinaryHeap::new(),
            acts: ByHash::default(),
            written: 0,
            lines: Vec::new(),
            rows: HashMap::new(),
            evidence: HashMap::new(),
            today: (0, HashSet::new()),
        }
    }

    /// How often a deed is written.
    fn times(&mut self, deed: &Deed, row: &Row) -> u32 {
        if row.critical || row.series.denied || row.series.secret {
            return deed.count.clamp(1, MOST_TIMES);
        }
        let day = row.time.0.div_euclid(24 * HOUR);
        if self.today.0 != day {
            self.today = (day, HashSet::new());
        }
        let mut thing = row.who.key.with(row.at_place).with(row.agent.program).with(row.source);
        if row.series.write {
            thing = thing.with(row.target).with(row.namespace);
        }
        u32::from(self.today.1.insert(thing.0))
    }

    fn wait(&mut self, deed: &Deed, times: u32, id: Place) {
        for act in deed.acts().take(times as usize) {
            let number = self.written;
            self.written += 1;
            self.waiting.push(Reverse((act.completed, number)));
            self.acts.insert(number, (act, id));
        }
    }

    /// Writes what has come to pass by now.
    fn write(&mut self, now: i64) {
        while let Some(Reverse((time, number))) = self.waiting.peek().copied() {
            if time > now {
                break;
            }
            self.waiting.pop();
            let Some((act, id)) = self.acts.remove(&number) else { continue };
            self.writer.write(&act, &mut self.lines);
            self.rows.insert(act.id.to_string().into(), id);
        }
        if self.lines.len() >= BATCH {
            self.judge();
        }
    }

    fn judge(&mut self) {
        let worker = Worker { rules: &self.set, masker: &self.masker, secret: [0; 16] };
        let chunk = Chunk::from_bytes(0, "", std::mem::take(&mut self.lines));
        let batch = worker.work(&chunk, &mut worker.memory());
        for (fact, key) in batch.facts {
            let matters = !fact.candidates.is_empty() || fact.claims.contradiction.is_some();
            if matters && let Some(id) = self.rows.get(&fact.event.audit_id) {
                self.evidence.insert(fact.event.audit_id.clone(), *id);
            }
            self.engine.push(fact, key);
        }
        self.rows.clear();
    }

    /// The hours of a finding.
    fn add(&self, finding: &Finding, incident: f64, hours: &mut BTreeMap<(u64, i64), Scored>) {
        let own = f64::from(finding.severity as u8);
        let score = f64::midpoint(own, incident) + 0.1 * finding.confidence.clamp(0.0, 1.0);
        for record in &finding.records {
            let Some(place) = self.evidence.get(&record.audit_id) else { continue };
            let hour = record.time.0.div_euclid(HOUR);
            let window = hours.entry((place.link, hour)).or_insert_with(|| Scored {
                link: place.link,
                from: Time(hour * HOUR),
                to: Time((hour + 1) * HOUR),
                raised: record.time,
                ..Scored::default()
            });
            if score > window.score {
                window.score = score;
                window.raised = record.time;
                window.alarmed = finding.severity >= Severity::High;
            }
            if window.rows.len() < MOST_EVIDENCE {
                window.rows.push(place.row);
            }
        }
    }
}

impl Detector for Rules {
    fn observe(&mut self, seen: &Seen<'_>, _: &mut Scores) {
        let times = self.times(seen.deed, seen.row);
        let place = Place { row: seen.id, link: seen.row.who.key.0 };
        self.wait(seen.deed, times, place);
        self.write(seen.deed.act.received);
    }

    fn finish(&mut self, out: &mut Scores) {
        self.write(i64::MAX);
        self.judge();
        self.engine.flush();
        let outcome = self.engine.outcome();
        let incidents = outcome.incidents.iter();
        let grave: HashMap<&str, f64> = incidents
            .flat_map(|one| {
                one.findings.iter().map(|id| (id.as_str(), f64::from(one.severity as u8)))
            })
            .collect();
        let mut hours = BTreeMap::new();
        for finding in &outcome.findings {
            let incident = grave.get(finding.id.as_str()).copied().unwrap_or_default();
            self.add(finding, incident, &mut hours);
        }
        for window in hours.into_values() {
            out.add(window);
        }
    }
}
