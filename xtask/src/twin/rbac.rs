//! Every decision of the API server against the rights that the twin knows at that moment: asked
//! before the record is taken, so that the answer cannot come from the decision itself.

use super::feed;
use crate::error::Result;
use std::path::Path;
use trailhound_twin::rbac::{
    Rbac,
    check::{Check, Verdict},
};

/// Most decisions that may be unknown where bodies are logged, in percent.
const MOST_UNKNOWN: f64 = 1.0;

/// Runs the part; `false` means that the bar was not kept.
pub(super) fn run(dir: &Path, verbose: bool) -> Result<bool> {
    let (mut rbac, mut check) = (Rbac::default(), Check::default());
    feed(dir, &mut |fact| {
        check.compare(&rbac, fact);
        rbac.observe(fact);
    })?;
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let of = |verdict| check.count(verdict);
    let unknown = 100.0 * of(Verdict::Unknown) as f64 / check.total().max(1) as f64;
    say!("{name}: decisions of RBAC");
    say!("  decisions   {}", check.total());
    say!("  right       {} ({} of them proved)", of(Verdict::Right), check.right_and_certain);
    say!(
        "  wrong       {}, and {} called proved",
        of(Verdict::Wrong),
        of(Verdict::WrongButCertain)
    );
    say!("  unknown     {} ({unknown:.2} %)", of(Verdict::Unknown));
    say!(
        "  racing      {} (within two seconds of a write that concerns the asker)",
        of(Verdict::Racing)
    );
    say!("  not RBAC    {:?}", check.others);
    if verbose {
        for mistake in &check.mistakes {
            say!("  {mistake:?}");
        }
    }
    let bodies = name != "metadata";
    let none_wrong = of(Verdict::WrongButCertain) == 0 && (!bodies || of(Verdict::Wrong) == 0);
    let kept = none_wrong && (!bodies || unknown <= MOST_UNKNOWN);
    let wanted = if bodies { "0 wrong, at most 1 % unknown" } else { "0 wrong but certain" };
    say!("  bar         {} ({wanted})", if kept { "kept" } else { "NOT kept" });
    Ok(kept)
}
