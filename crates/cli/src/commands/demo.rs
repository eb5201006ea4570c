//! `trailhound demo`: the same scan on a recorded breach, so that a newcomer sees within a minute
//! what this program is for. It always exits with 0 when it could do its work.

use super::{GivenRules, scan};
use crate::{
    args::{OutputArgs, SiteArgs},
    exit::{CommandError, Verdict},
};
use std::{fs, path::PathBuf, process};

/// A stretch of a real kube-apiserver's audit log (Kubernetes 1.36, level `RequestResponse`) in which
/// one intruder works among ordinary traffic; see demo/README.md.
const RECORDING: &[u8] = include_bytes!("../../demo/breach.log.zst");

/// Runs the command.
pub(crate) fn run(output: &OutputArgs) -> Result<Verdict, CommandError> {
    let directory = unpack().map_err(CommandError::Demo)?;
    let path = directory.join("breach.log.zst");
    let answer = scan::options(vec![path], Some("demo".to_owned()), 0)
        .and_then(|options| scan::read(&options, GivenRules::default(), &SiteArgs::default()))
        .and_then(|scan| scan::show(&scan, output));
    // The recording is this program's own: if it stays behind, nothing is lost or given away.
    let _ = fs::remove_dir_all(directory);
    answer.map(|()| Verdict::Quiet)
}

fn unpack() -> std::io::Result<PathBuf> {
    let directory = std::env::temp_dir().join(format!("trailhound-demo-{}", process::id()));
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("breach.log.zst"), RECORDING)?;
    Ok(directory)
}
