//! The product's learner in the race.

use super::detector::{Detector, RowId, Scored, Scores, Seen};
use std::collections::HashSet;
use trailhound_learn::budget::Verdict;
use trailhound_learn::expect::Scope;
use trailhound_learn::{Learner, Opened, Settings};

/// The learner, and if asked for somebody who says of each false alarm that it is fine.
pub(super) struct Learned {
    learner: Learner,
    triage: Option<Triage>,
}

/// Somebody who looks at what is told, and knows.
#[derive(Default)]
struct Triage {
    attacks: HashSet<RowId>,
    /// What was said to be fine: identity, sides and what was observed.
    fine: HashSet<Vec<u64>>,
    said: u32,
    repeats: u32,
}

impl Learned {
    /// One that has seen nothing.
    pub(super) fn new(settings: Settings, triage: bool) -> Learned {
        let triage = triage.then(Triage::default);
        Learned { learner: Learner::new(settings), triage }
    }

    fn drain(&mut self, out: &mut Scores) {
        for opened in self.learner.drain() {
            if let Some(triage) = &mut self.triage {
                triage.look(&opened, &mut self.learner);
            }
            if let Some(early) = peak(&opened) {
                out.add(early);
            }
            out.add(scored(&opened));
        }
    }
}

impl Triage {
    fn look(&mut self, opened: &Opened, learner: &mut Learner) {
        let attack = opened.evidence.iter().any(|id| self.attacks.contains(id));
        if opened.verdict != Verdict::Told || attack {
            return;
        }
        let mut key: Vec<u64> = opened.reasons.iter().map(|one| one.observed).collect();
        key.sort_unstable();
        key.push(opened.who.key.0);
        if !self.fine.insert(key) {
            self.repeats += 1;
        }
        self.said += 1;
        learner.expect(opened, Scope::Identity(opened.who.key.0), "triage", "planned", u32::MAX);
    }
}

fn scored(opened: &Opened) -> Scored {
    let reason = opened.reasons.first().map_or("", |reason| reason.side.as_str());
    Scored {
        link: opened.link(),
        from: opened.from,
        to: opened.to,
        raised: opened.raised,
        score: opened.score,
        rows: opened.evidence.clone(),
        reason,
        alarmed: opened.verdict == Verdict::Told,
        chance: (!opened.early).then_some(opened.chance),
    }
}

/// The strangest request by itself: an alarm about it comes before the hour is over.
fn peak(opened: &Opened) -> Option<Scored> {
    let (score, raised) = opened.peak;
    let rows = opened.evidence.iter().take(1).copied().collect();
    (score > 0.0).then(|| Scored {
        score,
        raised,
        rows,
        alarmed: false,
        chance: None,
        ..scored(opened)
    })
}

impl Detector for Learned {
    fn observe(&mut self, seen: &Seen<'_>, out: &mut Scores) {
        let label = seen.deed.label;
        if let Some(triage) = self.triage.as_mut().filter(|_| label.story > 0 && !label.cascade) {
            triage.attacks.insert(seen.id);
        }
        self.learner.observe(seen.row, seen.id);
        self.drain(out);
    }

    fn finish(&mut self, out: &mut Scores) {
        self.learner.finish();
        self.drain(out);
    }

    fn review(&self) -> Vec<(u64, u64)> {
        self.learner.review().into_iter().map(|doubt| (doubt.who.key.0, doubt.what)).collect()
    }

    fn triage(&self) -> Option<(u32, u32)> {
        self.triage.as_ref().map(|triage| (triage.said, triage.repeats))
    }
}
