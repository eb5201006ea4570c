//! Why the score is what it is, in words that claim no more than the beats prove.

use super::{metronomes::Metronomes, series::Series};
use trailhound_model::time::{MINUTE, SECOND};

/// Share of beats missing one by one above which it is told as loss all over.
const LOSS_WORTH_TELLING: f64 = 0.02;

/// `every 2 s`
pub(crate) fn rhythm(period: i64) -> String {
    let seconds = period as f64 / SECOND as f64;
    if seconds < 9.95 && (seconds - seconds.round()).abs() > 0.09 {
        format!("every {seconds:.1} s")
    } else {
        format!("every {seconds:.0} s")
    }
}

/// What cannot be known from any log by itself.
const ENDS: &str = "What is missing before its first or after its last record cannot be known";

/// The reasons for the score.
pub(crate) fn basis(metronomes: &Metronomes, events: u64) -> String {
    let trusted = metronomes.trusted();
    let sum = metronomes.sum();
    let Some(fastest) = trusted.first().filter(|_| sum.expected() > 0) else {
        return unknown(events);
    };
    let mut sentences = vec![format!(
        "{} of {} requests that come at a regular interval were seen, in {} ({} {}{})",
        sum.seen,
        sum.expected(),
        counted(&trusted),
        fastest.name,
        rhythm(fastest.period()),
        if trusted.len() > 1 { " is the fastest" } else { "" },
    )];
    if sum.lost as f64 > LOSS_WORTH_TELLING * sum.expected() as f64 {
        sentences.push(loss(sum.lost as f64 / (sum.seen + sum.lost) as f64));
    }
    sentences.extend(tail(metronomes, fastest));
    if metronomes.more_gaps > 0 {
        sentences.push(format!("{} more gaps are counted, not named", metronomes.more_gaps));
    }
    sentences.push(format!("Gaps shorter than about {} s cannot be seen", shortest(fastest)));
    sentences.push(ENDS.to_owned());
    sentences.join(". ")
}

fn counted(trusted: &[&Series]) -> String {
    let leases = trusted.iter().any(|series| series.kind != super::series::Kind::Other);
    let what = if leases { "lease renewals" } else { "regular requests" };
    match trusted.len() {
        1 => format!("one series of {what}"),
        many => format!("{many} series of {what}"),
    }
}

fn shortest(fastest: &Series) -> i64 {
    (3 * fastest.period() + SECOND / 2) / SECOND
}

fn unknown(events: u64) -> String {
    if events == 0 {
        return "unknown: there are no records".to_owned();
    }
    "unknown: nothing in this log comes at a regular interval (lease renewals are not logged, or \
     the log is too short), so a gap would not show"
        .to_owned()
}

fn loss(share: f64) -> String {
    format!(
        "Beats are missing one by one all over the log: about {:.0} in 100 records may be lost, \
         as happens when the audit buffer of the API server overflows or batches are dropped",
        (share * 100.0).max(1.0)
    )
}

/// Records go on but no metronome does: the server was stopping, or records are missing.
fn tail(metronomes: &Metronomes, fastest: &Series) -> Option<String> {
    let (newest, beat) = metronomes.ends()?;
    let silence = newest.since(beat);
    if silence <= (4 * fastest.period()).max(10 * SECOND) {
        return None;
    }
    let length = if silence < 2 * MINUTE {
        format!("{} seconds", silence / SECOND)
    } else {
        format!("{} minutes", silence / MINUTE)
    };
    Some(format!(
        "No regular request came in the last {length} of the log: the API server was stopping, or \
         records are missing there"
    ))
}
