//! Finds the requests that come at a regular interval, and proves by their silence that records are
//! missing. No record can be proved to be missing by itself; a heartbeat can, because it was due.
//!
//! Leases come first: three that are regular, and nothing else is followed, so that most events
//! cost one comparison. A gap is proved when clients that do not know of one another fall silent
//! together and go on afterwards; one client that stops has stopped, nothing more.

use super::{
    gap::{Found, Mark, Proof},
    minutes::Minutes,
    series::{Beat, Kind, Series},
};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hasher;
use trailhound_model::{
    Str,
    action::{ActionKind, Outcome},
    event::{Event, Stage},
    fact::Fact,
    time::{MINUTE, SECOND, Time},
};

/// Most leases that are followed.
const MOST_LEASES: usize = 4_096;
/// Most other requests that are followed.
const MOST_OTHERS: usize = 2_048;
/// A series that may go when there are too many was silent for so long.
const FORGET_AFTER: i64 = 10 * MINUTE;
/// With so many regular leases nothing else is followed.
const ENOUGH_LEASES: usize = 3;
/// No silence shorter than this is looked at.
const SHORTEST_SILENCE: i64 = 2 * SECOND;
/// Most pauses between records that are remembered until the next beat.
const MOST_PAUSES: usize = 64;
/// Most gaps that are named; the rest is counted.
const MOST_GAPS: usize = 1_000;
/// A gap longer than this, after which there is only one record, is a broken clock.
const LEAP: i64 = 15 * MINUTE;
/// Characters of a name that are kept.
const MOST_NAME: usize = 120;

/// All series of a cluster, and the gaps that they prove.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Metronomes {
    leases: HashMap<u64, Series>,
    others: HashMap<u64, Series>,
    regular_leases: usize,
    newest: Option<Mark>,
    /// The last beat of a regular series, and the long pauses between two records since.
    beat: Option<Mark>,
    pauses: Vec<(Mark, Mark)>,
    records: u64,
    /// The first record, and the first beat of a series that had proved regular.
    begun: Option<Time>,
    judged: Option<Time>,
    gaps: Vec<Found>,
    /// Gaps beyond the number that is named.
    pub(crate) more_gaps: u64,
    /// Series that were not followed because there were too many.
    pub(crate) unfollowed: u64,
    pub(crate) minutes: Minutes,
}

/// What the beats add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) seen: u64,
    pub(crate) lost: u64,
    pub(crate) in_gaps: u64,
    pub(crate) series: u64,
}

impl Sum {
    pub(crate) fn expected(self) -> u64 {
        self.seen + self.lost + self.in_gaps
    }
}

impl Metronomes {
    /// How long at the beginning no rhythm was known, in microseconds, and until when.
    pub(crate) fn unjudged(&self) -> Option<(i64, Time)> {
        let (begun, judged) = (self.begun?, self.judged?);
        Some((judged.since(begun), judged))
    }

    /// Takes the next record, in order of time but for late ones.
    pub(crate) fn observe(&mut self, fact: &Fact) {
        let mark = Mark::of(&fact.event);
        match self.newest {
            Some(newest) if mark.time < newest.time => return self.late(fact, mark),
            Some(newest) => self.rest(newest, mark),
            None => self.begun = Some(mark.time),
        }
        self.newest = Some(mark);
        self.records += 1;
        if let Some(kind) = self.kind_of(fact) {
            self.tick(kind, key_of(kind, fact), fact, mark);
        }
    }

    fn rest(&mut self, before: Mark, now: Mark) {
        let long = now.time.since(before.time) >= SHORTEST_SILENCE;
        if long && self.pauses.len() < MOST_PAUSES {
            self.pauses.push((before, now));
        }
    }

    /// Which series a record may belong to, if any is worth following.
    fn kind_of(&self, fact: &Fact) -> Option<Kind> {
        let done = matches!(fact.event.stage, Stage::ResponseComplete | Stage::Unknown);
        if fact.action.outcome != Outcome::Allowed || !done {
            return None;
        }
        if fact.action.kind == ActionKind::LeaseRenew {
            return Some(if is_server(&fact.event) { Kind::Server } else { Kind::Lease });
        }
        let wanted = self.regular_leases < ENOUGH_LEASES
            && matches!(fact.event.verb.as_str(), "get" | "list" | "update" | "patch");
        wanted.then_some(Kind::Other)
    }

    fn map(&mut self, kind: Kind) -> &mut HashMap<u64, Series> {
        if kind == Kind::Other { &mut self.others } else { &mut self.leases }
    }

    fn tick(&mut self, kind: Kind, key: u64, fact: &Fact, mark: Mark) {
        let Some(series) = self.map(kind).get(&key) else {
            return self.begin(kind, key, fact, mark.time);
        };
        let (was_regular, since) = (series.regular(), series.last);
        let silence = self.beat.map_or(0, |beat| mark.time.since(beat.time));
        if was_regular && silence > SHORTEST_SILENCE {
            self.judge(mark);
        }
        let in_a_gap = self.gaps.last().is_some_and(|gap| gap.to.time > since);
        let Some(series) = self.map(kind).get_mut(&key) else { return };
        let beat = series.beat(mark.time, !in_a_gap);
        if series.regular() && series.name.is_empty() {
            series.name = name_of(kind, &fact.event);
        }
        let (regular, period) = (series.regular(), series.period());
        if regular && self.judged.is_none() {
            self.judged = Some(mark.time);
        }
        if was_regular || self.beat.is_none() && regular {
            self.beat = Some(mark);
            self.pauses.clear();
            self.records = 0;
        }
        if regular {
            self.minutes.at(mark.time).seen += 1;
        }
        if kind != Kind::Other && regular != was_regular {
            self.regular_leases =
                self.regular_leases + usize::from(regular) - usize::from(was_regular);
            if self.regular_leases >= ENOUGH_LEASES {
                self.others.clear();
            }
        }
        if was_regular && beat.missing > 0 {
            self.account(kind, key, beat, period, mark);
        }
    }

    fn begin(&mut self, kind: Kind, key: u64, fact: &Fact, now: Time) {
        let most = if kind == Kind::Other { MOST_OTHERS } else { MOST_LEASES };
        let map = self.map(kind);
        if map.len() >= most {
            map.retain(|_, series| now.since(series.last) < FORGET_AFTER);
        }
        if map.len() >= most {
            self.unfollowed += 1;
            return;
        }
        let witness = hash(&[&fact.event.user.name]);
        // Most requests never prove regular: those that do are named then.
        let name = if kind == Kind::Other { Str::default() } else { name_of(kind, &fact.event) };
        map.insert(key, Series::new(kind, name, witness, now));
    }

    /// Beats were missing before this one: in a gap, one by one, or the client paused.
    fn account(&mut self, kind: Kind, key: u64, beat: Beat, period: i64, mark: Mark) {
        let mut in_gaps = 0;
        let recent = self.gaps.iter_mut().rev().take_while(|gap| gap.to.time > beat.since);
        for gap in recent.filter(|gap| gap.server.is_empty()) {
            let owed = gap.overlap(beat.since, mark.time) as f64 / period.max(1) as f64;
            let owed = (owed.round() as u64).min(beat.missing - in_gaps);
            gap.missing += owed;
            in_gaps += owed;
        }
        let silent_server = kind == Kind::Server && in_gaps == 0 && beat.missing >= 2;
        let Some(series) = self.map(kind).get_mut(&key) else { return };
        let lost = series.settle(beat.missing, if silent_server { beat.missing } else { in_gaps });
        let name = series.name.clone();
        self.minutes.at(mark.time).missing += u32::try_from(lost).unwrap_or(u32::MAX);
        if silent_server {
            let from = Mark::at(beat.since);
            let proof = Proof { fastest: name.clone(), period, witnesses: 1 };
            let server = server_name(&name);
            let (missing, inside, open) = (beat.missing, 0, false);
            self.found(Found { from, to: mark, server, proof, missing, inside, open });
        }
    }

    fn found(&mut self, gap: Found) {
        if self.gaps.len() < MOST_GAPS {
            self.gaps.push(gap);
        } else {
            self.more_gaps += 1;
        }
    }

    /// All metronomes were silent until now: is it proved that records are missing? Best by
    /// stretches without any record; else by one with only a few.
    fn judge(&mut self, now: Mark) {
        let Some(beat) = self.beat else { return };
        let mut proved = Vec::new();
        for (from, to) in &self.pauses {
            if let Some((proof, _)) = self.proof(beat.time, from.time, to.time) {
                proved.push(whole(*from, *to, proof, 0));
            }
        }
        let inside = self.records.saturating_sub(1);
        if proved.is_empty()
            && let Some((proof, owed)) = self.proof(beat.time, beat.time, now.time)
            && proof.witnesses >= 3
            && inside <= owed
        {
            proved.push(whole(beat, now, proof, inside));
        }
        for gap in proved {
            self.found(gap);
        }
    }

    /// What proves that a stretch lacks records, and how many beats were due in it, of the series
    /// that were going on at the last beat of all.
    fn proof(&self, beat: Time, from: Time, to: Time) -> Option<(Proof, u64)> {
        let (mut most, mut owed) = (0, 0);
        let mut fastest: Option<&Series> = None;
        let mut witnesses = BTreeSet::new();
        for series in self.leases.values().chain(self.others.values()) {
            let missing = if series.running(beat) { series.owed_within(from, to) } else { 0 };
            if missing == 0 {
                continue;
            }
            (most, owed) = (most.max(missing), owed + missing);
            witnesses.insert(series.witness);
            let place = |series: &Series| (series.period(), series.name.clone());
            if fastest.is_none_or(|best| place(series) < place(best)) {
                fastest = Some(series);
            }
        }
        let fastest = fastest?;
        let alone_is_enough = match fastest.kind {
            Kind::Lease | Kind::Server => most >= 3,
            Kind::Other => most >= 3 && fastest.seen >= 60 && fastest.pauses == 0,
        };
        let together = witnesses.len() >= 2 && most >= 2;
        let proof = Proof {
            fastest: fastest.name.clone(),
            period: fastest.period(),
            witnesses: witnesses.len() as u64,
        };
        (together || alone_is_enough).then_some((proof, owed))
    }

    /// A record whose place has gone by: it may fill a gap.
    fn late(&mut self, fact: &Fact, mark: Mark) {
        let kind = self.kind_of(fact);
        let name = match kind {
            Some(kind) if kind != Kind::Other => name_of(kind, &fact.event),
            _ => Str::default(),
        };
        let server = server_name(&name);
        let fills =
            |gap: &Found| gap.holds(mark.time) && (gap.server.is_empty() || gap.server == server);
        if self.gaps.iter().any(fills) {
            let gaps = std::mem::take(&mut self.gaps);
            for gap in gaps {
                if fills(&gap) {
                    self.gaps.extend(gap.split(mark).into_iter().filter(Found::stands));
                } else {
                    self.gaps.push(gap);
                }
            }
        }
        let Some(kind) = kind else { return };
        if let Some(series) = self.map(kind).get_mut(&key_of(kind, fact)) {
            series.late_beat();
            if series.regular() {
                self.minutes.at(mark.time).seen += 1;
            }
        }
    }

    /// The proved gaps in order of time, with API servers that did not come back.
    pub(crate) fn gaps(&self) -> Vec<Found> {
        let mut gaps: Vec<Found> =
            self.gaps.iter().filter(|gap| !self.is_broken_clock(gap)).cloned().collect();
        gaps.extend(self.lost_servers());
        gaps.sort_by(|a, b| {
            (a.from.time, a.to.time, &a.server).cmp(&(b.from.time, b.to.time, &b.server))
        });
        gaps
    }

    /// A long silence after which there is one record and nothing more: a wrong time, not a gap.
    fn is_broken_clock(&self, gap: &Found) -> bool {
        let newest = self.newest.unwrap_or_default();
        gap.length() > LEAP && gap.to.position == newest.position && gap.to.time == newest.time
    }

    /// API servers that fell silent while others went on.
    fn lost_servers(&self) -> Vec<Found> {
        let Some(mut beat) = self.beat else { return Vec::new() };
        if let Some(gap) = self.gaps.last().filter(|gap| self.is_broken_clock(gap)) {
            beat = gap.from;
        }
        self.servers()
            .into_iter()
            .filter(|series| series.regular() && series.owed(beat.time) >= 3)
            .map(|series| Found {
                from: Mark::at(series.last),
                to: beat,
                server: server_name(&series.name),
                proof: Proof {
                    fastest: series.name.clone(),
                    period: series.period(),
                    witnesses: 1,
                },
                missing: series.owed(beat.time),
                inside: 0,
                open: true,
            })
            .collect()
    }

    /// The series of API servers, by name.
    pub(crate) fn servers(&self) -> Vec<&Series> {
        let mut servers: Vec<&Series> =
            self.leases.values().filter(|series| series.kind == Kind::Server).collect();
        servers.sort_by(|a, b| a.name.cmp(&b.name));
        servers
    }

    /// The series that the score stands on: leases, or others if no lease is regular.
    pub(crate) fn trusted(&self) -> Vec<&Series> {
        let map = if self.regular_leases > 0 { &self.leases } else { &self.others };
        let mut series: Vec<&Series> = map.values().filter(|series| series.regular()).collect();
        series.sort_by(|a, b| (a.period(), &a.name).cmp(&(b.period(), &b.name)));
        series
    }

    /// All beats of the trusted series.
    pub(crate) fn sum(&self) -> Sum {
        self.trusted().into_iter().fold(Sum::default(), |sum, series| Sum {
            seen: sum.seen + series.seen,
            lost: sum.lost + series.lost,
            in_gaps: sum.in_gaps + series.in_gaps,
            series: sum.series + 1,
        })
    }

    /// Time of the last record and of the last beat.
    pub(crate) fn ends(&self) -> Option<(Time, Time)> {
        Some((self.newest?.time, self.beat?.time))
    }
}

fn whole(from: Mark, to: Mark, proof: Proof, inside: u64) -> Found {
    Found { from, to, server: Str::default(), proof, missing: 0, inside, open: false }
}

/// Whether a lease is the one by which an API server says that it is alive.
fn is_server(event: &Event) -> bool {
    event.namespace() == "kube-system"
        && event.object_name().starts_with("apiserver-")
        && event.user.name == "system:apiserver"
}

fn key_of(kind: Kind, fact: &Fact) -> u64 {
    let event = &fact.event;
    match kind {
        Kind::Lease | Kind::Server => hash(&[event.namespace(), event.object_name()]),
        Kind::Other => {
            let path = if event.object.is_some() { "" } else { event.path() };
            let (resource, part) = (event.resource(), event.subresource());
            let (namespace, name) = (event.namespace(), event.object_name());
            hash(&[&event.user.name, &event.verb, resource, part, namespace, name, path])
        }
    }
}

fn hash(texts: &[&str]) -> u64 {
    let mut hasher = SipHasher13::new();
    for text in texts {
        hasher.write(text.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish()
}

fn name_of(kind: Kind, event: &Event) -> Str {
    let place = [event.namespace(), event.object_name()];
    let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
    let text = match (kind, event.object.is_some()) {
        (Kind::Lease | Kind::Server, _) => format!("lease {}", place.join("/")),
        (Kind::Other, true) => {
            let what = format!("{} {}", event.verb, event.resource());
            format!("{} by {}", [what, place.join("/")].join(" ").trim(), event.user.name)
        }
        (Kind::Other, false) => format!("{} {} by {}", event.verb, event.path(), event.user.name),
    };
    text.chars().take(MOST_NAME).collect()
}

/// `apiserver-…` of `lease kube-system/apiserver-…`.
fn server_name(lease: &str) -> Str {
    let name = lease.strip_prefix("lease kube-system/").unwrap_or_default();
    if name.starts_with("apiserver-") { name.into() } else { Str::default() }
}
