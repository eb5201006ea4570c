//! Writes every format of the test fixtures into a directory, to be looked at: what a report is
//! worth shows only to the eye.
//!
//! `cargo run --release -p trailhound-report --example sample -- DIRECTORY`

#[path = "../tests/support/mod.rs"]
mod support;

use std::{env, fs, io, path::Path};
use trailhound_model::scan::Scan;
use trailhound_report::{TextStyle, html, json, jsonl, text};

fn main() -> io::Result<()> {
    let directory = env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let directory = Path::new(&directory);
    fs::create_dir_all(directory)?;
    write(directory, "breach", &support::breach::scan())?;
    write(directory, "quiet", &support::quiet())?;
    write(directory, "huge", &support::huge())?;
    write(directory, "hostile", &support::hostile::scan())
}

fn write(directory: &Path, name: &str, scan: &Scan) -> io::Result<()> {
    let put = |ending: &str, content: String| {
        fs::write(directory.join(format!("{name}.{ending}")), content)
    };
    put("html", html(scan))?;
    put("json", json(scan))?;
    put("jsonl", jsonl(scan))?;
    for width in [60, 80, 110] {
        put(&format!("{width}.txt"), text(scan, &TextStyle { width, ..TextStyle::default() }))?;
    }
    put("colour.txt", text(scan, &TextStyle { width: 100, colour: true, ..TextStyle::default() }))?;
    put(
        "verbose.txt",
        text(scan, &TextStyle { width: 100, verbose: true, unicode: false, colour: false }),
    )
}
