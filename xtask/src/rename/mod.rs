//! Copies a recording under other names: users, namespaces, objects, addresses, ids. A score that
//! changes with the names rests on them, and would be worth nothing in another cluster. What
//! Kubernetes and tools define stays; all timing and all structure stay.

mod address;
mod collect;
mod hash;
mod keep;
mod lex;
mod names;
mod text;

use crate::error::{Error, Result};
use crate::{recording, workspace};
use names::Names;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead as _, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Copy a recording under other names.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory of the recording, or its name under ../shared/corpus
    recording: PathBuf,
    /// Where the copy goes; must be empty or not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Other seeds give other names
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also rename what well-known tools install (namespace cert-manager, account prometheus …)
    #[arg(long)]
    tools_too: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let dir = workspace::recording_dir(&args.recording)?;
    let files = files_of(&dir)?;
    prepare(&args.out)?;
    let mut names = Names::new(args.seed, args.tools_too);
    for path in &files {
        each_line(path, |line| collect::collect(line, &mut names))?;
    }
    let mut before = Count::default();
    for path in &files {
        before.add(copy(path, &args.out, &mut names)?);
    }
    let mut after = Count::default();
    for path in files_of(&args.out)? {
        each_line(&path, |line| after.add(Count::of(line)))?;
    }
    say!(
        "renamed {} names, {} addresses, {} ids in {} files ({} lines, {} events)",
        names.count(),
        names.addresses.count(),
        names.id_count(),
        files.len(),
        after.lines,
        after.events
    );
    say!("not renamed: names inside base64 (certificate requests, list positions), IPv6");
    check(before, after)
}

/// What must be the same before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    lines: u64,
    events: u64,
    json: u64,
}

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "auditID", default)]
    audit_id: Option<String>,
}

impl Count {
    fn of(line: &[u8]) -> Count {
        let header = sonic_rs::from_slice::<Header>(line);
        let events = header.as_ref().is_ok_and(|header| header.audit_id.is_some());
        Count { lines: 1, events: events.into(), json: header.is_ok().into() }
    }

    fn add(&mut self, other: Count) {
        self.lines += other.lines;
        self.events += other.events;
        self.json += other.json;
    }
}

fn check(before: Count, after: Count) -> Result<bool> {
    if before == after {
        return Ok(true);
    }
    Err(Error::Other(format!(
        "the copy is not like its original: {before:?} became {after:?}; this is a fault of rename"
    )))
}

/// Audit files, labels, relations and scenarios.
fn files_of(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = recording::audit_files(dir)?;
    let others = ["labels.jsonl", "related.jsonl", "scenarios.json"];
    files.extend(others.iter().filter_map(|name| recording::file_named(dir, name)));
    Ok(files)
}

fn prepare(out: &Path) -> Result<()> {
    std::fs::create_dir_all(out).map_err(Error::io("create", out))?;
    let mut entries = std::fs::read_dir(out).map_err(Error::io("list", out))?;
    if entries.next().is_none() {
        return Ok(());
    }
    Err(Error::Other(format!("{} is not empty; give another directory for --out", out.display())))
}

fn each_line(path: &Path, mut visit: impl FnMut(&[u8])) -> Result<()> {
    let mut reader = recording::open(path)?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(Error::io("read", path))?;
        if length == 0 {
            return Ok(());
        }
        visit(&line);
    }
}

/// Copies one file, compressed as its original. Lines are independent: pretty-printed JSON is
/// read as one piece.
fn copy(path: &Path, out: &Path, names: &mut Names) -> Result<Count> {
    let to = out.join(path.file_name().unwrap_or_default());
    let mut writer = create(&to)?;
    let mut counted = Count::default();
    let mut new = Vec::new();
    let mut failed = Ok(());
    let mut visit = |text: &[u8], counts: bool| {
        new.clear();
        rename_text(text, names, &mut new);
        if failed.is_ok() {
            failed = writer.write_all(&new);
        }
        if counts {
            counted.add(Count::of(text));
        }
    };
    let plain = recording::plain_name(path);
    if Path::new(&plain).extension().is_some_and(|end| end == "json") {
        let text = recording::read_text(path)?;
        visit(text.as_bytes(), false);
        text.split_inclusive('\n').for_each(|line| counted.add(Count::of(line.as_bytes())));
    } else {
        each_line(path, |line| visit(line, true))?;
    }
    failed.map_err(Error::io("write", &to))?;
    writer.finish().map_err(Error::io("write", &to))?;
    Ok(counted)
}

fn rename_text(old: &[u8], names: &mut Names, new: &mut Vec<u8>) {
    lex::walk(old, |piece, place| match (place, std::str::from_utf8(piece)) {
        (Some(place), Ok(string)) => text::rewrite(string, &place, names, new),
        _ => new.extend_from_slice(piece),
    });
}

/// A file that is compressed as its name says.
enum Out {
    Plain(BufWriter<File>),
    Gzip(flate2::write::GzEncoder<BufWriter<File>>),
    Zstd(zstd::stream::write::Encoder<'static, BufWriter<File>>),
}

fn create(path: &Path) -> Result<Out> {
    let file = File::create_new(path).map_err(Error::io("create", path))?;
    let file = BufWriter::with_capacity(1 << 18, file);
    let suffix = path.extension().unwrap_or_default();
    Ok(if suffix == "gz" {
        Out::Gzip(flate2::write::GzEncoder::new(file, flate2::Compression::fast()))
    } else if suffix == "zst" {
        Out::Zstd(zstd::stream::write::Encoder::new(file, 3).map_err(Error::io("write", path))?)
    } else {
        Out::Plain(file)
    })
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Out::Plain(file) => file.write(bytes),
            Out::Gzip(file) => file.write(bytes),
            Out::Zstd(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Out::Plain(file) => file.flush(),
            Out::Gzip(file) => file.flush(),
            Out::Zstd(file) => file.flush(),
        }
    }
}

impl Out {
    fn finish(self) -> std::io::Result<()> {
        match self {
            Out::Plain(mut file) => file.flush(),
            Out::Gzip(file) => file.finish()?.flush(),
            Out::Zstd(file) => file.finish()?.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"kind":"Event","auditID":"930b0068-c0df-497c-b0c5-c1fa76aec71f","verb":"get","user":{"username":"alice"},"sourceIPs":["203.0.113.21"],"objectRef":{"resource":"secrets","namespace":"shop","name":"cart-db"},"annotations":{"authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"cart-reader/shop\" of Role \"reader\" to User \"alice\""}}"#;
    const LABEL: &str = r#"{"auditID":"930b0068-c0df-497c-b0c5-c1fa76aec71f","kind":"malicious","scenario":"S01","instance":"S01-A-0","actor":"alice","user":"alice","verb":"get","objectRef":{"resource":"secrets","namespace":"shop","name":"cart-db"}}"#;

    fn both(seed: u64) -> (serde_json::Value, serde_json::Value) {
        let mut names = Names::new(seed, false);
        collect::collect(EVENT.as_bytes(), &mut names);
        collect::collect(LABEL.as_bytes(), &mut names);
        let mut renamed = |text: &str| {
            let mut new = Vec::new();
            rename_text(text.as_bytes(), &mut names, &mut new);
            serde_json::from_slice(&new).unwrap()
        };
        (renamed(EVENT), renamed(LABEL))
    }

    #[test]
    fn labels_still_point_at_their_events() {
        let (event, label) = both(1);
        assert_eq!(event["auditID"], label["auditID"]);
        assert_eq!(event["user"]["username"], label["user"]);
        assert_eq!(event["objectRef"], label["objectRef"]);
        assert_eq!(label["instance"], "S01-A-0");
        let user = event["user"]["username"].as_str().unwrap();
        let reason = event["annotations"]["authorization.k8s.io/reason"].as_str().unwrap();
        assert!(reason.ends_with(&format!("to User \"{user}\"")), "{reason}");
    }

    #[test]
    fn nothing_of_the_old_names_is_left() {
        let text = both(1).0.to_string();
        for old in ["alice", "shop", "cart", "930b0068", "203.0.113"] {
            assert!(!text.contains(old), "{old} in {text}");
        }
        for kept in ["secrets", "RBAC: allowed by RoleBinding", "\"get\""] {
            assert!(text.contains(kept) || text.contains(&kept.replace('"', "\\\"")), "{kept}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_copy_and_another_seed_another() {
        assert_eq!(both(1), both(1));
        assert_ne!(both(1).0["user"], both(2).0["user"]);
    }
}
