//! The snapshot taken from the twin: the only place that knows both.

use super::{answer::Reach, snapshot::Snapshot, tell};
use trailhound_model::time::Time;
use trailhound_twin::Twin;

/// The cluster at a time, as the search needs it.
pub fn snapshot(_twin: &Twin, at: Time) -> Snapshot {
    Snapshot { at, ..Snapshot::default() }
}

/// What an entity could reach at a time.
pub fn reach_at(twin: &Twin, start: &str, at: Time) -> Reach {
    tell::reach(&snapshot(twin, at), start)
}
