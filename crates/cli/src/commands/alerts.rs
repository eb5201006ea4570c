//! `trailhound scan --output falco`: one line per event and Falco rule, told while the log is read.
//!
//! Standard output gets nothing but alerts, because a program reads it; what a person must know
//! (input that was not read, rules that were left out) goes to standard error.

use super::{GivenRules, site_files};
use crate::{
    args::SiteArgs,
    exit::CommandError,
    terminal::{self, Lines, Meter},
};
use std::sync::Arc;
use trailhound_model::scan::Scan;
use trailhound_pipeline::Options;

/// Reads, judges and tells the alerts.
pub(super) fn tell(
    options: &Options,
    given: GivenRules<'_>,
    site: &SiteArgs,
) -> Result<Scan, CommandError> {
    if given.falco.is_empty() {
        return Err(CommandError::NoFalcoRules);
    }
    let rules = Arc::new(site_files::join(super::rules_with(given)?, site)?);
    rules.notes().iter().for_each(|note| terminal::complain(note));
    let host = terminal::host_name();
    let mut lines = Lines::start();
    let meter = Meter::start(trailhound_pipeline::size_on_disk(&options.paths));
    let scan = trailhound_pipeline::scan_with_alerts(
        options,
        &rules,
        &mut |progress| meter.show(progress),
        &mut |alert| lines.write(|out| trailhound_report::write_falco(&alert, &host, out)),
    );
    meter.finish();
    lines.finish()?;
    let scan = scan?;
    for unread in &scan.input.unread {
        terminal::complain(&format!("not read: {}: {}", unread.source, unread.reason));
    }
    if scan.input.rejected > 0 {
        terminal::complain(&format!("{} records could not be read", scan.input.rejected));
    }
    Ok(scan)
}
