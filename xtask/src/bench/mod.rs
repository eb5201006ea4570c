//! Speed and memory as ratios. Absolute numbers say more about the machine than about the program;
//! a ratio of two things measured in turns, in one call, over the same bytes, holds elsewhere too.

mod bare;
mod child;
mod copies;
mod variants;

use crate::error::{Error, Result};
use crate::{recording, workspace};
use bare::Pass;
pub(crate) use child::{Args as MeasureArgs, measure};
use child::{Program, Usage};
use std::ffi::OsString;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Measure a scan against a bare parse of the same bytes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Audit files (plain, .gz or .zst), one event per line
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Runs of each; the median counts
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Run this executable instead of building the workspace's own
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Measure peak memory on 1 and on `--repeat` copies through standard input instead
    #[arg(long)]
    memory: bool,
    /// Copies for --memory
    #[arg(long, default_value_t = 10)]
    repeat: u32,
    /// Also measure ten times the rules: the shipped ones and nine variants of each
    #[arg(long)]
    many_rules: bool,
    /// Leave out `jq` and `duckdb`
    #[arg(long)]
    no_others: bool,
    /// Fail if the scan is slower than this share of the bare parse, per core
    #[arg(long, value_name = "RATIO")]
    min_ratio: Option<f64>,
    /// Fail if peak memory is above this many MiB
    #[arg(long, value_name = "MIB")]
    max_memory: Option<f64>,
}

/// Exit codes that mean "the whole input was scanned".
const SCANNED: [i32; 2] = [0, 1];

/// Runs the command; `false` means that a limit was not kept.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let program = match &args.program {
        Some(program) => program.clone(),
        None => workspace::build_product()?,
    };
    let input = Input::read(&args.files)?;
    if args.memory { memory(args, &program, &input) } else { speed(args, &program, &input) }
}

/// The same bytes in memory and in plain files.
struct Input {
    bytes: Vec<u8>,
    files: Vec<PathBuf>,
    /// Holds decompressed copies until the end.
    temporary: Option<TempDir>,
}

impl Input {
    fn read(given: &[PathBuf]) -> Result<Input> {
        let mut input = Input { bytes: Vec::new(), files: Vec::new(), temporary: None };
        for path in given {
            let start = input.bytes.len();
            let mut reader = recording::open(path)?;
            reader.read_to_end(&mut input.bytes).map_err(Error::io("read", path))?;
            let plain =
                if is_compressed(path) { input.keep_plain(path, start)? } else { path.clone() };
            input.files.push(plain);
        }
        Ok(input)
    }

    fn keep_plain(&mut self, path: &Path, start: usize) -> Result<PathBuf> {
        if self.temporary.is_none() {
            let dir = tempfile::tempdir().map_err(Error::io("create a directory for", path))?;
            self.temporary = Some(dir);
        }
        let dir = self.temporary.as_ref().map_or(path, TempDir::path);
        let plain = dir.join(format!("{}-{}", self.files.len(), recording::plain_name(path)));
        let bytes = self.bytes.get(start..).unwrap_or_default();
        std::fs::write(&plain, bytes).map_err(Error::io("write", &plain))?;
        Ok(plain)
    }

    fn megabytes(&self) -> f64 {
        self.bytes.len() as f64 / 1e6
    }
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "gz" || suffix == "zst")
}

/// Measurements of all runs.
#[derive(Default)]
struct Runs {
    bare: Vec<Pass>,
    one: Vec<Usage>,
    two: Vec<Usage>,
}

fn speed(args: &Args, program: &Path, input: &Input) -> Result<bool> {
    let threads = has_threads_option(program);
    let warm = bare::parse(&input.bytes);
    bare::check(&warm)?;
    let mut runs = Runs::default();
    for _ in 0..args.runs.max(1) {
        runs.bare.push(bare::parse(&input.bytes));
        runs.one.push(scan(program, input, threads.then_some("1"))?);
        if threads {
            runs.two.push(scan(program, input, Some("2"))?);
        }
    }
    say!(
        "{:.1} MB, {} events, median of {} runs in turns",
        input.megabytes(),
        warm.events,
        runs.bare.len()
    );
    let kept = print_speed(args, &runs, input.megabytes(), threads);
    if args.many_rules {
        many_rules(args, program, input)?;
    }
    if !args.no_others {
        others(input)?;
    }
    Ok(kept)
}

/// The same scan with ten times the rules, in turns with the shipped ones.
fn many_rules(args: &Args, program: &Path, input: &Input) -> Result<()> {
    let folder = TempDir::new().map_err(Error::io("make a folder in", &std::env::temp_dir()))?;
    let count = variants::write(&workspace::root().join("rules"), folder.path())?;
    let with = |rules: &[OsString]| {
        let mut args: Vec<OsString> = vec!["scan".into()];
        args.extend(input.files.iter().map(OsString::from));
        args.extend(["--output".into(), "json".into(), "--threads".into(), "1".into()]);
        args.extend(rules.iter().cloned());
        child::run(&Program { name: "trailhound scan", path: program, args, ok: &SCANNED }, None)
    };
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for _ in 0..args.runs.max(1) {
        few.push(with(&[])?);
        many.push(with(&["--rules".into(), folder.path().into()])?);
    }
    let [few, many] = [few, many].map(|runs| median(runs.iter().map(|usage| usage.cpu)));
    line("ten times the rules", many, input.megabytes(), &format!("{} rules", count * 10));
    let ratio = many.as_secs_f64() / few.as_secs_f64().max(1e-9);
    say!("  {:<22} {ratio:>8.2} ×", "time against shipped");
    Ok(())
}

fn print_speed(args: &Args, runs: &Runs, megabytes: f64, threads: bool) -> bool {
    let bare = median(runs.bare.iter().map(|pass| pass.cpu));
    let scan_cpu = median(runs.one.iter().map(|usage| usage.cpu));
    let ratio = bare.as_secs_f64() / scan_cpu.as_secs_f64().max(1e-9);
    line("bare typed parse", bare, megabytes, "CPU, one thread, from memory");
    let how = if threads {
        "CPU, --threads 1, from the page cache"
    } else {
        "CPU of all its threads (it has no --threads option)"
    };
    line("trailhound scan", scan_cpu, megabytes, how);
    say!("  {:<22} {ratio:>8.2} ×       of the bare parse, per core", "ratio scan/bare");
    if threads {
        let one = median(runs.one.iter().map(|usage| usage.wall));
        let two = median(runs.two.iter().map(|usage| usage.wall));
        line("scan, wall, 1 thread", one, megabytes, "");
        line("scan, wall, 2 threads", two, megabytes, "");
        let gain = one.as_secs_f64() / two.as_secs_f64().max(1e-9);
        say!("  {:<22} {gain:>8.2} ×", "two threads against 1");
    }
    let peak = runs.one.iter().chain(&runs.two).map(|usage| usage.peak).max().unwrap_or(0);
    say!("  {:<22} {:>8.1} MiB", "peak memory of scan", mebibytes(peak));
    let fast = args.min_ratio.is_none_or(|least| ratio >= least);
    if !fast {
        eprintln!("limit not kept: the ratio is below {}", args.min_ratio.unwrap_or_default());
    }
    small_enough(args, peak) && fast
}

fn line(what: &str, time: Duration, megabytes: f64, how: &str) {
    let seconds = time.as_secs_f64();
    let speed = megabytes / seconds.max(1e-9);
    say!("  {what:<22} {speed:>8.1} MB/s {seconds:>8.3} s  {how}");
}

fn small_enough(args: &Args, peak: u64) -> bool {
    let kept = args.max_memory.is_none_or(|most| mebibytes(peak) <= most);
    if !kept {
        eprintln!("limit not kept: peak memory is {:.1} MiB", mebibytes(peak));
    }
    kept
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn scan(path: &Path, input: &Input, threads: Option<&str>) -> Result<Usage> {
    let mut args: Vec<OsString> = vec!["scan".into()];
    args.extend(input.files.iter().map(OsString::from));
    args.extend(["--output".into(), "json".into()]);
    args.extend(threads.iter().flat_map(|threads| ["--threads".into(), (*threads).into()]));
    child::run(&Program { name: "trailhound scan", path, args, ok: &SCANNED }, None)
}

fn has_threads_option(program: &Path) -> bool {
    let help = Command::new(program).args(["scan", "--help"]).stdin(Stdio::null()).output();
    help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--threads"))
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// What people use today, for one filter over the same files. They look at one to three fields;
/// the scan looks at everything.
fn others(input: &Input) -> Result<()> {
    say!("one filter (subresource is exec), for comparison, one run each:");
    let filter = "select(.objectRef.subresource == \"exec\") | .auditID";
    let mut jq: Vec<OsString> = vec!["-c".into(), filter.into()];
    jq.extend(input.files.iter().map(OsString::from));
    other("jq", jq, input)?;
    let list: Vec<String> = input
        .files
        .iter()
        .map(|path| format!("'{}'", path.display().to_string().replace('\'', "''")))
        .collect();
    let sql = format!(
        "SET threads=1; SELECT auditID FROM read_json([{}], format='newline_delimited', \
         columns={{auditID: 'VARCHAR', objectRef: 'STRUCT(subresource VARCHAR)'}}, \
         maximum_object_size=67108864) WHERE objectRef.subresource = 'exec'",
        list.join(", ")
    );
    other("duckdb", vec!["-csv".into(), "-c".into(), sql.into()], input)
}

fn other(name: &str, args: Vec<OsString>, input: &Input) -> Result<()> {
    if !child::is_installed(name) {
        say!("  {name:<22} not installed");
        return Ok(());
    }
    let program = Program { name, path: Path::new(name), args, ok: &[0] };
    let usage = child::run(&program, None)?;
    line(name, usage.cpu, input.megabytes(), "CPU");
    Ok(())
}

fn memory(args: &Args, path: &Path, input: &Input) -> Result<bool> {
    let copies = copies::Copies::new(&input.bytes)?;
    say!("peak memory of `trailhound scan -`, each copy a day later with new audit ids");
    let mut peak = 0;
    for count in [1, args.repeat.max(1)] {
        let feed = |out: &mut dyn Write| {
            (0..count).try_for_each(|copy| copies.write(&input.bytes, copy, out))
        };
        let args = ["scan", "-", "--output", "json"].map(OsString::from).to_vec();
        let program = Program { name: "trailhound scan -", path, args, ok: &SCANNED };
        let usage = child::run(&program, Some(&feed))?;
        let size = input.megabytes() * f64::from(count);
        say!(
            "  {count:>4} × = {size:>9.1} MB {:>8.1} MiB {:>8.2} s wall",
            mebibytes(usage.peak),
            usage.wall.as_secs_f64()
        );
        peak = peak.max(usage.peak);
    }
    Ok(small_enough(args, peak))
}
