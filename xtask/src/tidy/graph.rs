//! Which crate may see which. The table stands here and in `docs/architecture.md`; both must say
//! the same, so that a new edge is a decision that somebody wrote down.

use super::Violation;
use crate::error::Result;
use crate::workspace::{child, root};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Who may depend on whom, without the prefix `trailhound-`; the program itself is `cli`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("ingest", &["model"]),
    ("rules", &["model"]),
    ("twin", &["model"]),
    ("learn", &["model"]),
    ("generate", &[]),
    ("detect", &["model", "rules", "twin"]),
    ("investigate", &["model", "twin"]),
    ("report", &["model", "investigate"]),
    ("pipeline", &["model", "ingest", "rules", "twin", "detect", "investigate"]),
    // Options of `scan` are values of ingest and detect (limits, settings).
    ("cli", &["model", "ingest", "rules", "detect", "investigate", "pipeline", "report"]),
    // House-keeping measures the core against recordings and invented clusters.
    (
        "xtask",
        &[
            "model",
            "ingest",
            "rules",
            "twin",
            "learn",
            "detect",
            "investigate",
            "pipeline",
            "generate",
        ],
    ),
];

const DOCUMENT: &str = "docs/architecture.md";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    req: String,
    kind: Option<String>,
    path: Option<String>,
}

type Edge = (String, String);

/// Checks the crates against the table, and the table against the document.
pub(super) fn check(document: Option<&str>, found: &mut Vec<Violation>) -> Result<()> {
    for package in metadata()?.packages {
        let name = short(&package.name);
        let manifest = manifest_of(&name);
        let Some((_, allowed)) = ALLOWED.iter().find(|(from, _)| *from == name) else {
            let what = format!("crate `{name}` is not in the table of xtask/src/tidy/graph.rs");
            found.push(Violation::new(&manifest, 1, what));
            continue;
        };
        for dependency in &package.dependencies {
            check_dependency(&name, allowed, dependency, &manifest, found);
        }
    }
    check_document(document, found);
    Ok(())
}

fn check_dependency(
    from: &str,
    allowed: &[&str],
    dependency: &Dependency,
    manifest: &str,
    found: &mut Vec<Violation>,
) {
    let to = short(&dependency.name);
    // Tests may use more than the crate itself.
    let counts = dependency.kind.as_deref() != Some("dev");
    if dependency.path.is_some() && counts && !allowed.contains(&to.as_str()) {
        let what = format!(
            "`{from}` must not see `{to}`; if it must, write the reason into {DOCUMENT} and add the \
             edge there and to xtask/src/tidy/graph.rs"
        );
        found.push(Violation::new(manifest, 1, what));
    }
    if dependency.path.is_none() && dependency.req == "*" {
        let what = format!("`{to}` has no version; name the one that was tested");
        found.push(Violation::new(manifest, 1, what));
    }
}

fn metadata() -> Result<Metadata> {
    const LINE: &str = "cargo metadata --no-deps";
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| child(LINE, format!("did not start: {error}")))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| child(LINE, format!("gave no answer: {error}")))
}

fn short(package: &str) -> String {
    if package == "trailhound" {
        return "cli".into();
    }
    package.strip_prefix("trailhound-").unwrap_or(package).to_owned()
}

fn manifest_of(name: &str) -> String {
    if name == "xtask" { "xtask/Cargo.toml".into() } else { format!("crates/{name}/Cargo.toml") }
}

fn check_document(document: Option<&str>, found: &mut Vec<Violation>) {
    let block = document.and_then(edges_block);
    let Some((line, written)) = block else {
        let what = "has no block ```edges with one `crate -> crate, crate` per line";
        found.push(Violation::new(DOCUMENT, 1, what));
        return;
    };
    let table: BTreeSet<Edge> = ALLOWED
        .iter()
        .flat_map(|(from, all)| all.iter().map(|to| ((*from).to_owned(), (*to).to_owned())))
        .collect();
    for (from, to) in table.difference(&written) {
        let what =
            format!("`{from} -> {to}` is allowed by xtask/src/tidy/graph.rs but not written here");
        found.push(Violation::new(DOCUMENT, line, what));
    }
    for (from, to) in written.difference(&table) {
        let what = format!("`{from} -> {to}` is not in xtask/src/tidy/graph.rs");
        found.push(Violation::new(DOCUMENT, line, what));
    }
}

/// The line of the block and its edges.
fn edges_block(document: &str) -> Option<(usize, BTreeSet<Edge>)> {
    let mut lines = document.lines().enumerate();
    let (start, _) = lines.find(|(_, line)| line.trim() == "```edges")?;
    let mut edges = BTreeSet::new();
    for (_, line) in lines.take_while(|(_, line)| line.trim() != "```") {
        let line = line.split('#').next().unwrap_or_default();
        let Some((from, all)) = line.split_once("->") else { continue };
        for to in all.split([',', ' ']).map(str::trim).filter(|to| !to.is_empty()) {
            edges.insert((from.trim().to_owned(), to.to_owned()));
        }
    }
    Some((start + 1, edges))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> String {
        let lines: Vec<String> =
            ALLOWED.iter().map(|(from, to)| format!("{from} -> {}", to.join(", "))).collect();
        format!("# A\n```edges\n{}\n```\n", lines.join("\n"))
    }

    #[test]
    fn the_document_must_say_what_the_table_says() {
        let mut found = Vec::new();
        check_document(Some(&table()), &mut found);
        assert!(found.is_empty(), "{found:?}");
        check_document(Some(&table().replace("report -> model", "report -> ingest")), &mut found);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_missing_block_is_told() {
        let mut found = Vec::new();
        check_document(Some("# Architecture\n"), &mut found);
        check_document(None, &mut found);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn the_table_has_no_cycle_and_only_known_crates() {
        for (index, (_, all)) in ALLOWED.iter().enumerate() {
            for to in *all {
                let at = ALLOWED.iter().position(|(name, _)| name == to);
                assert!(at.is_some_and(|at| at < index), "{to}");
            }
        }
    }

    #[test]
    fn a_forbidden_edge_and_a_loose_version_are_told() {
        let dependency =
            |name: &str, req: &str, path: Option<&str>, kind: Option<&str>| Dependency {
                name: name.into(),
                req: req.into(),
                kind: kind.map(str::to_owned),
                path: path.map(str::to_owned),
            };
        let count = |dependency: &Dependency| {
            let mut found = Vec::new();
            check_dependency("rules", &["model"], dependency, "x", &mut found);
            found.len()
        };
        assert_eq!(count(&dependency("trailhound-ingest", "^0.1", Some("p"), None)), 1);
        assert_eq!(count(&dependency("trailhound-ingest", "^0.1", Some("p"), Some("dev"))), 0);
        assert_eq!(count(&dependency("trailhound-model", "^0.1", Some("p"), None)), 0);
        assert_eq!(count(&dependency("serde", "*", None, None)), 1);
    }
}
