//! Reads what a site brings along: site files, lists of indicators, databases of addresses. Every
//! file is capped before it is read, and all problems of all files are told at once.

use crate::{args::SiteArgs, exit::CommandError};
use std::{fs, path::Path, sync::Arc};
use trailhound_pipeline::geo::Mmdb;
use trailhound_rules::{
    Knowledge, LoadError, RuleSet, Site,
    site::{IndicatorFiles, MAX_SITE_FILE, geo::GeoSource, indicators},
};

/// Largest database of addresses: it is held in memory.
const MAX_DATABASE: usize = 512 << 20;

/// The rules, knowing what was brought along.
pub(crate) fn join(rules: RuleSet, args: &SiteArgs) -> Result<RuleSet, CommandError> {
    let SiteArgs { site, indicators, mmdb } = args;
    if site.is_empty() && indicators.is_empty() && mmdb.is_empty() {
        return Ok(rules);
    }
    let knowledge = knowledge(args).map_err(CommandError::Site)?;
    rules.with_knowledge(Arc::new(knowledge)).map_err(|errors| CommandError::Site(told(&errors)))
}

fn knowledge(args: &SiteArgs) -> Result<Knowledge, Vec<String>> {
    let mut wrong = Vec::new();
    let mut texts = Vec::new();
    for path in &args.site {
        match text(path, MAX_SITE_FILE) {
            Ok(text) => texts.push((path.display().to_string(), text)),
            Err(problem) => wrong.push(problem),
        }
    }
    let files: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let site = Site::load(&files).map_err(|errors| wrong.extend(told(&errors)));
    let mut lists = IndicatorFiles::default();
    for path in &args.indicators {
        match text(path, indicators::MAX_FILE) {
            Ok(text) => lists.add(&path.display().to_string(), &text),
            Err(problem) => wrong.push(problem),
        }
    }
    let indicators = lists.finish().map_err(|errors| wrong.extend(told(&errors)));
    let mut databases: Vec<Arc<dyn GeoSource>> = Vec::new();
    for path in &args.mmdb {
        match database(path) {
            Ok(database) => databases.push(Arc::new(database)),
            Err(problem) => wrong.push(problem),
        }
    }
    match (site, indicators) {
        (Ok(site), Ok(indicators)) if wrong.is_empty() => {
            Ok(Knowledge::new(site, indicators, databases))
        }
        _ => Err(wrong),
    }
}

fn told(errors: &[LoadError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn bytes(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    let failed = |why: String| format!("{}: {why}", path.display());
    let size = path.metadata().map_err(|error| failed(error.to_string()))?;
    if !size.is_file() || size.len() > most as u64 {
        return Err(failed(format!("not a file of at most {} MiB", most >> 20)));
    }
    fs::read(path).map_err(|error| failed(error.to_string()))
}

fn text(path: &Path, most: usize) -> Result<String, String> {
    String::from_utf8(bytes(path, most)?)
        .map_err(|_| format!("{}: not text in UTF-8", path.display()))
}

fn database(path: &Path) -> Result<Mmdb, String> {
    Mmdb::from_bytes(bytes(path, MAX_DATABASE)?)
        .map_err(|error| format!("{}: no database in MaxMind's format ({error})", path.display()))
}
