//! Bars of the cluster twin: what it says of a recording against what is known to be true of it.
//!
//! Each part is a module with one function that takes a recording and answers whether its bar was
//! kept, so that a new part is one line here.

mod causes;
mod incidents;
mod rbac;
mod truth;

use crate::{
    error::{Error, Result},
    recording, workspace,
};
use std::path::{Path, PathBuf};
use trailhound_detect::Settings;
use trailhound_ingest::Limits;
use trailhound_model::fact::Fact;
use trailhound_pipeline::Options;

/// Measure the cluster twin on recordings.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which part
    #[arg(value_enum, default_value = "all")]
    part: Part,
    /// Directory of the recording, or its name under ../shared/corpus; all of them if none is given
    recordings: Vec<PathBuf>,
    /// Also list what is wrong
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Every part
    All,
    /// Controllers' acts and the acts that set them off
    Causes,
    /// Every decision of the API server against the rights that the twin knows
    Rbac,
    /// Incidents against the noted causal steps
    Incidents,
}

/// Runs the command; `false` means that a bar was not kept.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let mut kept = true;
    for dir in dirs(&args.recordings)? {
        if matches!(args.part, Part::All | Part::Causes) {
            kept &= causes::run(&dir, args.verbose)?;
        }
        if matches!(args.part, Part::All | Part::Rbac) {
            kept &= rbac::run(&dir, args.verbose)?;
        }
        if matches!(args.part, Part::All | Part::Incidents) {
            kept &= incidents::run(&dir, args.verbose)?;
        }
    }
    Ok(kept)
}

fn dirs(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let dirs: Vec<PathBuf> = if given.is_empty() {
        workspace::recordings()
    } else {
        given.iter().map(|one| workspace::recording_dir(one)).collect::<Result<_>>()?
    };
    if dirs.is_empty() { Err(Error::NoRecording(workspace::corpus())) } else { Ok(dirs) }
}

/// Hands over the requests of a recording in order of time.
fn feed(dir: &Path, each: &mut (dyn FnMut(&mut Fact) + Send)) -> Result<()> {
    let options = Options {
        paths: recording::audit_files(dir)?,
        cluster: None,
        threads: 2,
        masking_key: [0; 16],
        record_key: [0; 16],
        limits: Limits::default(),
        settings: Settings::default(),
    };
    trailhound_pipeline::facts(&options, each).map_err(|error| Error::Other(error.to_string()))?;
    Ok(())
}
