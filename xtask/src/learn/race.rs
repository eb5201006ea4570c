//! One pass over a cluster for several detectors at once, and what each was worth.

use super::{
    deeds::Deeds,
    detector::{Detector, RowId, Scored, Scores, Seen},
    metrics::{Case, Measured, measure},
    roster::{self, Entry},
    source::{Cluster, Source},
    truth::{Period, Truth},
};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::time::Instant;
use trailhound_generate::DAY;
use trailhound_generate::life::Story;
use trailhound_ingest::Masker;
use trailhound_learn::canon::Canon;
use trailhound_model::time::Time;

/// What a detector was worth on a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Profile of the cluster.
    pub(crate) profile: String,
    /// Seed of the cluster.
    pub(crate) seed: u64,
    /// Detector.
    pub(crate) detector: String,
    /// Commit of the program that measured it.
    pub(crate) commit: String,
    /// Rows that it saw.
    pub(crate) rows: u64,
    /// Nanoseconds per row.
    pub(crate) cost: f64,
    /// The first 24 hours.
    pub(crate) first_day: Measured,
    /// Days 2 to 7.
    pub(crate) first_week: Measured,
    /// All that comes after.
    pub(crate) after: Measured,
    /// All of it, for attacks that go on for weeks.
    pub(crate) whole: Measured,
    /// Place of the first thing that an attacker did, of all that looks wrong in what was learned in
    /// the first week; none if it is not there, or if nothing was listed.
    pub(crate) review: Option<(u32, u32)>,
    /// False alarms that were said to be fine, and how many came again.
    pub(crate) triage: Option<(u32, u32)>,
}

/// One cluster and those detectors that have not seen it.
pub(super) struct Job {
    /// Cluster.
    pub(super) cluster: Cluster,
    /// Name of its profile.
    pub(super) name: String,
    /// Detectors.
    pub(super) entries: Vec<Entry>,
    /// Commit of the program.
    pub(super) commit: String,
}

/// A detector at work.
struct Runner {
    name: String,
    detector: Box<dyn Detector>,
    scores: Scores,
    nanos: u128,
    timed: u64,
    review: Vec<(u64, u64)>,
}

/// What a detector said.
struct Said {
    name: String,
    ranked: Vec<Scored>,
    cost: f64,
    review: Vec<(u64, u64)>,
    triage: Option<(u32, u32)>,
}

/// One row in so many is timed: the clock costs as much as a fast detector. A prime, so that it falls
/// into step with nothing.
const TIMED: RowId = 17;
/// Learning ends here; what was learned is looked through.
const LEARNED: i64 = 7 * DAY;

/// One pass over a cluster for all detectors that have not seen it.
pub(super) fn evaluate(job: &Job, source: &mut dyn Source) -> Result<Vec<Outcome>> {
    let masker = Masker::new([0; 16]);
    let mut deeds = Deeds::new(&job.cluster.profile, &masker);
    let (mut canon, mut truth) = (Canon::default(), Truth::default());
    let mut runners = runners(job)?;
    let (mut rows, mut span, mut learned) = (0, None, false);
    for deed in &mut *source {
        let Some(fact) = deeds.fact(&deed) else { continue };
        let mut row = canon.row(fact);
        row.count = deed.count.max(1);
        truth.note(rows, &deed, &row);
        let (first, _) = *span.get_or_insert((row.time, row.time));
        span = Some((first, row.time));
        if !learned && row.time.since(first) >= LEARNED {
            learned = true;
            for runner in &mut runners {
                runner.review = runner.detector.review();
            }
        }
        for runner in &mut runners {
            runner.take(&Seen { id: rows, deed: &deed, fact, row: &row });
        }
        rows += 1;
    }
    let said: Vec<Said> = runners.into_iter().map(Runner::finish).collect();
    let end = End { truth, stories: source.stories(), rows, span: span.unwrap_or_default() };
    let both = job.entries.iter().filter_map(|entry| both(entry, &said));
    let both: Vec<Said> = both.collect();
    let wanted = |said: &&Said| job.entries.iter().any(|entry| entry.name == said.name);
    Ok(said.iter().chain(&both).filter(wanted).map(|said| end.outcome(job, said)).collect())
}

/// Those who look at rows: the detectors of a job, and the parts of those that are made of others.
fn runners(job: &Job) -> Result<Vec<Runner>> {
    let names = job.entries.iter().filter_map(|entry| entry.make.parts()).flatten();
    let names: Vec<String> = names.map(str::to_owned).collect();
    // No names would be everybody.
    let parts = if names.is_empty() { Vec::new() } else { roster::chosen(&names)? };
    let mut all: Vec<Runner> = Vec::new();
    for entry in job.entries.iter().chain(&parts) {
        if all.iter().any(|runner| runner.name == entry.name) {
            continue;
        }
        all.extend(Runner::new(entry, &job.cluster));
    }
    Ok(all)
}

/// What an entry that is made of two others says.
fn both(entry: &Entry, said: &[Said]) -> Option<Said> {
    let of = |name: &str| said.iter().find(|said| said.name == name);
    let [first, second] = entry.make.parts()?;
    let (first, second) = (of(first)?, of(second)?);
    let mut scores = Scores::default();
    let joined = entry.make.joined(&first.ranked, &second.ranked);
    for scored in joined {
        scores.add(scored);
    }
    Some(Said {
        name: entry.name.clone(),
        ranked: scores.ranked(),
        cost: first.cost + second.cost,
        review: Vec::new(),
        triage: None,
    })
}

/// All that is known when the log has ended.
struct End {
    truth: Truth,
    stories: Vec<Story>,
    rows: u64,
    span: (Time, Time),
}

impl End {
    fn outcome(&self, job: &Job, said: &Said) -> Outcome {
        let (first, last) = self.span;
        let period = |from: i64, to: i64| Period {
            from: first.plus(from * DAY),
            to: Time(first.plus(to * DAY).0.min(last.0 + 1)),
        };
        let case = |period| Case { truth: &self.truth, stories: &self.stories, period };
        let rank = said.review.iter().position(|act| self.truth.is_misused(*act));
        Outcome {
            profile: job.name.clone(),
            seed: job.cluster.seed,
            detector: said.name.clone(),
            commit: job.commit.clone(),
            rows: self.rows,
            cost: said.cost,
            first_day: measure(&said.ranked, &case(period(0, 1))),
            first_week: measure(&said.ranked, &case(period(1, 7))),
            after: measure(&said.ranked, &case(period(7, 10_000))),
            whole: measure(&said.ranked, &case(period(0, 10_000))),
            review: rank.map(|rank| (rank as u32 + 1, said.review.len() as u32)),
            triage: said.triage,
        }
    }
}

impl Runner {
    fn new(entry: &Entry, cluster: &Cluster) -> Option<Runner> {
        Some(Runner {
            name: entry.name.clone(),
            detector: entry.make.start(&cluster.profile)?,
            scores: Scores::default(),
            nanos: 0,
            timed: 0,
            review: Vec::new(),
        })
    }

    fn take(&mut self, seen: &Seen<'_>) {
        if !seen.id.is_multiple_of(TIMED) {
            return self.detector.observe(seen, &mut self.scores);
        }
        let start = Instant::now();
        self.detector.observe(seen, &mut self.scores);
        self.nanos += start.elapsed().as_nanos();
        self.timed += 1;
    }

    fn finish(mut self) -> Said {
        self.detector.finish(&mut self.scores);
        Said {
            name: self.name,
            cost: self.nanos as f64 / self.timed.max(1) as f64,
            review: self.review,
            triage: self.detector.triage(),
            ranked: self.scores.ranked(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::People;
    use super::*;
    use std::sync::Arc;
    use trailhound_generate::life::{Deed, Kind, Label, Stealth, World};
    use trailhound_generate::{Act, Actor, HOUR, MINUTE, Moment, Profile, Target, resources};

    /// A cluster's ordinary half day, with a thief in it.
    struct Robbed {
        deeds: std::vec::IntoIter<Deed>,
        from: Moment,
        world: World,
    }

    impl Iterator for Robbed {
        type Item = Deed;

        fn next(&mut self) -> Option<Deed> {
            self.deeds.next()
        }
    }

    impl Source for Robbed {
        fn world(&self) -> &World {
            &self.world
        }

        fn stories(&self) -> Vec<Story> {
            vec![Story {
                number: 1,
                kind: Kind::Attack { family: "theft", stealth: Stealth::Noisy },
                from: self.from,
                to: self.from + HOUR,
                actors: vec!["mallory".into()],
                requests: 5,
                tells: vec!["action"],
            }]
        }
    }

    fn job(entries: Vec<Entry>) -> Job {
        let profile = Profile { length: 12 * HOUR, ..Profile::small() };
        Job {
            cluster: Cluster { profile, seed: 4, people: People::Single, play: None },
            name: "small".into(),
            entries,
            commit: String::new(),
        }
    }

    fn robbed(job: &Job) -> Robbed {
        let from = job.cluster.profile.start + 10 * HOUR;
        let thief = Arc::new(Actor {
            name: "mallory".into(),
            groups: vec!["system:authenticated".into()],
            address: "203.0.113.9".into(),
            agent: "curl/8.5.0".into(),
            ..Actor::default()
        });
        let label = Label { story: 1, step: 0, cascade: false };
        let steal = |place: i64| {
            let everywhere = Target::object(&resources::SECRETS, &"".into(), &"".into());
            let mut act = Act::new(from + place * MINUTE, &thief, "list", everywhere);
            act.completed = act.received + 1_000;
            Deed::once(act).labelled(label)
        };
        let mut deeds: Vec<Deed> = job.cluster.start().chain((0..5).map(steal)).collect();
        deeds.sort_by_key(|deed| deed.act.received);
        Robbed { deeds: deeds.into_iter(), from, world: World::default() }
    }

    fn robbed_outcomes(entries: Vec<Entry>) -> Vec<Outcome> {
        let job = job(entries);
        let mut source = robbed(&job);
        evaluate(&job, &mut source).unwrap()
    }

    #[test]
    fn chance_does_not_see_a_thief_and_its_lots_are_fair() {
        let all = robbed_outcomes(roster::chosen(&["chance".into()]).unwrap());
        let one = all.first().unwrap();
        assert_eq!(one.first_day.found(1.0, |_| true), (0, 1));
        assert!(one.first_day.attacks[0].price.unwrap() > 1.0);
        let realised = one.whole.probabilities.realised().unwrap();
        assert!(realised[0] > 0.3 && realised[0] < 3.0, "{realised:?}");
    }

    #[test]
    fn the_same_cluster_gives_the_same_numbers_whoever_else_takes_part() {
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let all = robbed_outcomes(roster::chosen(&names).unwrap());
            all.into_iter().map(|one| (one.detector, one.first_day)).next()
        };
        assert_eq!(of(&["chance"]), of(&["chance", "chance"]));
    }

    #[test]
    fn who_is_made_of_two_others_brings_them_along_and_is_told_alone() {
        let all = robbed_outcomes(roster::chosen(&["rules-learner".into()]).unwrap());
        let names: Vec<&str> = all.iter().map(|one| one.detector.as_str()).collect();
        assert_eq!(names, ["rules-learner"]);
        assert!(all[0].first_day.attacks[0].price.is_some());
    }
}
