//! The product's answer as its JSON contract says (`trailhound.scan/1`). Only the contract is
//! used, never the product's own types: an evaluation must see what a user sees.

use crate::error::{Error, Result};
use crate::workspace::child;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The schema that this module reads.
pub(crate) const SCHEMA: &str = "trailhound.scan/1";

/// Severity, from least to worst.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Worth knowing.
    #[default]
    Info,
    /// When there is time.
    Low,
    /// Today.
    Medium,
    /// Now.
    High,
    /// Everything is at stake.
    Critical,
}

impl Severity {
    /// The name in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// What went in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Input {
    /// Events read.
    pub(crate) events: u64,
    /// Bytes after decompression.
    pub(crate) bytes: u64,
    /// Ranges that became no event.
    pub(crate) rejected: u64,
}

/// An incident.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Incident {
    /// Id.
    pub(crate) id: String,
    /// Severity.
    pub(crate) severity: Severity,
    /// One line.
    pub(crate) title: String,
    /// Ids of its findings.
    pub(crate) findings: Vec<String>,
    /// auditIDs.
    pub(crate) evidence: BTreeSet<String>,
    /// Who acted.
    pub(crate) hands: Vec<Hand>,
    /// What ties their acts.
    pub(crate) causes: Vec<Cause>,
}

/// An identity with what it did.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Hand {
    /// In order of time.
    pub(crate) acts: Vec<Act>,
}

/// An act.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Act {
    /// auditIDs.
    pub(crate) evidence: Vec<String>,
}

/// Why one act follows another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Cause {
    /// The earlier.
    pub(crate) from: ActRef,
    /// The later.
    pub(crate) to: ActRef,
    /// Sort.
    pub(crate) kind: String,
}

/// An act by its places.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActRef {
    hand: usize,
    act: usize,
}

impl ActRef {
    /// Places of the hand and of its act.
    pub(crate) fn place(self) -> (usize, usize) {
        (self.hand, self.act)
    }
}

/// Which rule found it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RuleRef {
    /// Id.
    pub(crate) id: String,
}

/// A finding.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Finding {
    /// Id.
    pub(crate) id: String,
    /// Rule.
    pub(crate) rule: RuleRef,
    /// Severity.
    pub(crate) severity: Severity,
    /// auditIDs.
    pub(crate) evidence: BTreeSet<String>,
}

/// The answer of a scan.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Scan {
    /// Version of the contract.
    pub(crate) schema: String,
    /// What went in.
    pub(crate) input: Input,
    /// Incidents.
    pub(crate) incidents: Vec<Incident>,
    /// Findings.
    pub(crate) findings: Vec<Finding>,
}

impl Scan {
    /// Reads a scan from JSON text.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Scan> {
        let scan: Scan =
            serde_json::from_str(text).map_err(|error| Error::json(path, error.line())(error))?;
        if scan.schema == SCHEMA {
            return Ok(scan);
        }
        Err(Error::Other(format!(
            "{}: the schema is {:?}, not {SCHEMA:?}; give the output of `trailhound scan … --output \
             json`",
            path.display(),
            scan.schema
        )))
    }

    /// Reads a scan from a file.
    pub(crate) fn read(path: &Path) -> Result<Scan> {
        Scan::parse(&crate::recording::read_text(path)?, path)
    }

    /// Runs the product over files. Exit code 2 (input not wholly read) still carries an answer;
    /// it is used and the reader is told.
    pub(crate) fn run(program: &Path, files: &[PathBuf]) -> Result<Scan> {
        let line = format!("trailhound scan ({} files) --output json", files.len());
        let output = Command::new(program)
            .arg("scan")
            .args(files)
            .args(["--output", "json"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| child(&line, format!("did not start: {error}")))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match output.status.code() {
            Some(0 | 1) => {}
            Some(2) if !text.trim().is_empty() => {
                eprintln!("note: `{line}` said that its input was not wholly read (exit code 2)");
            }
            Some(code) => return Err(child(&line, format!("failed with exit code {code}"))),
            None => return Err(child(&line, "was killed by a signal".into())),
        }
        Scan::parse(&text, Path::new("(output of trailhound scan)"))
    }
}
