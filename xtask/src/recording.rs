//! A labelled recording: audit files of one API server plus what is known to be true about them.
//! Files may be plain, gzip or zstd; a recording that lacks `related.jsonl` is still a recording.

use crate::error::{Error, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// What an `objectRef` in a label says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ObjectRef {
    /// Plural resource name.
    pub(crate) resource: String,
    /// Subresource, or empty.
    pub(crate) subresource: String,
    /// Namespace, or empty.
    pub(crate) namespace: String,
    /// Name, or empty.
    pub(crate) name: String,
}

/// One labelled request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Label {
    /// `auditID`
    #[serde(rename = "auditID")]
    pub(crate) audit_id: String,
    /// `malicious`, `benign_lookalike`, or a relation.
    pub(crate) kind: String,
    /// Scenario (`S01`, `BL-helm-rbac`).
    pub(crate) scenario: String,
    /// Instance of the scenario.
    pub(crate) instance: Option<String>,
    /// Step of the scenario.
    pub(crate) step: String,
    /// Harmless by itself: a client's discovery calls.
    pub(crate) aux: bool,
    /// User in the log.
    pub(crate) user: Option<String>,
    /// User that it acted as.
    pub(crate) impersonated_user: Option<serde_json::Value>,
    /// Verb in the log.
    pub(crate) verb: String,
    /// HTTP status in the log.
    pub(crate) code: Option<u16>,
    /// Object in the log.
    pub(crate) object_ref: Option<ObjectRef>,
    /// Request line.
    pub(crate) request: String,
}

impl Label {
    /// Whether an attacker sent it.
    pub(crate) fn is_malicious(&self) -> bool {
        self.kind == "malicious" && self.instance.is_some()
    }

    /// The request in a few words: `create pods/exec 101 bob`.
    pub(crate) fn action(&self) -> String {
        let object = self.object_ref.as_ref().filter(|object| !object.resource.is_empty());
        let what = match object {
            Some(object) if object.subresource.is_empty() => object.resource.clone(),
            Some(object) => format!("{}/{}", object.resource, object.subresource),
            None => self.request.split_whitespace().nth(1).unwrap_or("?").to_owned(),
        };
        let code = self.code.map_or_else(|| "?".to_owned(), |code| code.to_string());
        let user = self.user.as_deref().filter(|user| !user.is_empty()).unwrap_or("(no user)");
        let acting = if self.impersonated_user.is_some() { " acting as another" } else { "" };
        format!("{} {what} {code} {user}{acting}", self.verb)
    }
}

/// A causal edge between two steps of an instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Edge {
    /// Step that came first.
    pub(crate) from: String,
    /// Step that follows from it.
    pub(crate) to: String,
    /// Why, in the words of its makers.
    pub(crate) why: String,
    /// Records of the first.
    pub(crate) from_ids: Vec<String>,
    /// Records of the second.
    pub(crate) to_ids: Vec<String>,
}

/// One instance of an attack.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Instance {
    /// Scenario.
    pub(crate) scenario: String,
    /// Its name.
    #[serde(rename = "instance")]
    pub(crate) name: String,
    /// One line.
    pub(crate) title: String,
    /// Causal edges.
    #[serde(rename = "edges_auditIDs")]
    pub(crate) edges: Vec<Edge>,
}

/// What is known to be true about a recording.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    /// Labels by auditID.
    pub(crate) labels: HashMap<String, Label>,
    /// Relations by auditID: neither hits nor false alarms.
    pub(crate) related: HashMap<String, Label>,
    /// Instances by name, with their titles and edges.
    pub(crate) instances: BTreeMap<String, Instance>,
}

impl Truth {
    /// Joins labels, relations and scenarios. An instance that only the labels know gets an entry
    /// of its own, so that a missing title never hides a miss.
    pub(crate) fn new(labels: Vec<Label>, related: Vec<Label>, scenarios: Vec<Instance>) -> Truth {
        let mut instances: BTreeMap<String, Instance> =
            scenarios.into_iter().map(|one| (one.name.clone(), one)).collect();
        for label in labels.iter().filter(|label| label.is_malicious()) {
            let name = label.instance.clone().unwrap_or_default();
            instances.entry(name.clone()).or_insert_with(|| Instance {
                scenario: label.scenario.clone(),
                name,
                ..Instance::default()
            });
        }
        let by_id = |labels: Vec<Label>| {
            labels.into_iter().map(|label| (label.audit_id.clone(), label)).collect()
        };
        Truth { labels: by_id(labels), related: by_id(related), instances }
    }

    /// Reads the truth of a recording.
    pub(crate) fn read(dir: &Path) -> Result<Truth> {
        let labels = read_lines(&required(dir, "labels.jsonl")?)?;
        let related = match file_named(dir, "related.jsonl") {
            Some(path) => read_lines(&path)?,
            None => Vec::new(),
        };
        let scenarios = match file_named(dir, "scenarios.json") {
            Some(path) => {
                let text = read_text(&path)?;
                serde_json::from_str(&text).map_err(Error::json(&path, 1))?
            }
            None => Vec::new(),
        };
        Ok(Truth::new(labels, related, scenarios))
    }
}

/// The audit files of a recording, oldest first: rotated files carry their time in their name,
/// the current one has none.
pub(crate) fn audit_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).map_err(Error::io("list", dir))?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_audit_file(path)).collect();
    files.sort_by_key(|path| (stem(path) == "audit", stem(path)));
    if files.is_empty() { Err(Error::NoRecording(dir.to_path_buf())) } else { Ok(files) }
}

fn is_audit_file(path: &Path) -> bool {
    let name = plain_name(path);
    name.starts_with("audit") && Path::new(&name).extension().is_some_and(|end| end == "log")
}

fn stem(path: &Path) -> String {
    plain_name(path).trim_end_matches(".log").to_owned()
}

/// The file's name without its compression suffix.
pub(crate) fn plain_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.trim_end_matches(".gz").trim_end_matches(".zst").to_owned()
}

/// The file with this name, plain or compressed.
pub(crate) fn file_named(dir: &Path, name: &str) -> Option<PathBuf> {
    ["", ".zst", ".gz"]
        .iter()
        .map(|suffix| dir.join(format!("{name}{suffix}")))
        .find(|path| path.is_file())
}

fn required(dir: &Path, name: &str) -> Result<PathBuf> {
    file_named(dir, name).ok_or_else(|| Error::NoRecording(dir.to_path_buf()))
}

/// Opens a file, decompressing by its suffix.
pub(crate) fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    const BUFFER: usize = 1 << 20;
    let file = File::open(path).map_err(Error::io("read", path))?;
    let suffix = path.extension().unwrap_or_default();
    let reader: Box<dyn Read> = if suffix == "gz" {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else if suffix == "zst" {
        Box::new(zstd::stream::read::Decoder::new(file).map_err(Error::io("read", path))?)
    } else {
        Box::new(file)
    };
    Ok(Box::new(BufReader::with_capacity(BUFFER, reader)))
}

/// Reads a whole file as text.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text).map_err(Error::io("read", path))?;
    Ok(text)
}

fn read_lines<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Vec<T>> {
    let text = read_text(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| serde_json::from_str(line).map_err(Error::json(path, index + 1)))
        .collect()
}
