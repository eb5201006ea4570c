//! Lists the shipped rules for `include_str!`, so that the program needs no files beside it and a
//! new rule needs no line of Rust. The order is that of the ids (file stems), not of the folders,
//! so that moving a file between families changes nothing. Each rule is there twice: whole, and
//! without its tests, which a scan need not read each time it starts.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    write("builtin", "yaml")?;
    // Sigma calls its files so.
    write("sigma", "yml")
}

fn write(list: &str, extension: &str) -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = manifest.join("../../rules");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    if root.is_dir() {
        collect(&root.canonicalize()?, extension, &mut files)?;
    }
    files.sort_by_key(|path| (path.file_stem().map(ToOwned::to_owned), path.clone()));
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut code = String::from("&[\n");
    for (number, path) in files.iter().enumerate() {
        println!("cargo::rerun-if-changed={}", path.display());
        let name = shown(path);
        let lean = out.join(format!("{list}-{number}.yaml"));
        fs::write(&lean, without_tests(&fs::read_to_string(path)?))?;
        let [path, lean] = [path.as_path(), &lean].map(|path| path.display().to_string());
        let _ = writeln!(code, "    ({name:?}, include_str!({path:?}), include_str!({lean:?})),");
    }
    code.push_str("]\n");
    fs::write(out.join(format!("{list}.rs")), code)
}

/// The file without its `tests:`, which reach to the next key at the beginning of a line.
fn without_tests(text: &str) -> String {
    let mut in_tests = false;
    let mut lean = String::new();
    for line in text.split_inclusive('\n') {
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) || line.starts_with("---") {
            in_tests = line.starts_with("tests:");
        }
        lean.push_str(if in_tests { "\n" } else { line });
    }
    lean
}

/// `rules/family/id.yaml`: what a reader of an error message can find, without machine paths.
fn shown(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let start = parts.iter().rposition(|part| part == "rules").unwrap_or(0);
    parts.get(start..).unwrap_or_default().join("/")
}

fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, extension, files)?;
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    Ok(())
}
