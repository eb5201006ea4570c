//! Ordinary life of an invented cluster: written out as a log for a look, or counted, beside the same
//! counts of a recording, so that it can be seen where invention and reality differ.

use crate::error::{Error, Result};
use clap::Args as ClapArgs;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use trailhound_generate::{
    HOUR, Profile, Writer,
    life::{Deed, Life, LifeProfile},
};

/// Let an invented cluster live: write its log, or count what happens in it.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The profile: gitops, tenants, batch, eks, ci; aks, gke, edge, bank; campus.
    #[arg(long, default_value = "gitops")]
    profile: String,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days.
    #[arg(long, default_value_t = 1)]
    days: i64,
    /// Write the log to this file (`-`: standard output), every repeat a line of its own.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Count the events of this file of audit JSON lines as well.
    #[arg(long)]
    compare: Vec<PathBuf>,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let known = LifeProfile::named(&args.profile);
    let known = known.ok_or_else(|| {
        let names: Vec<&str> = LifeProfile::all().map(|one| one.name).collect();
        Error::Other(format!(
            "there is no profile `{}`; there are {}",
            args.profile,
            names.join(", ")
        ))
    })?;
    let life = Life::new(LifeProfile { days: args.days, ..known }, args.seed);
    if let Some(out) = &args.out {
        write(life, out)?;
        return Ok(true);
    }
    let mut made = Counts::default();
    for deed in life {
        made.deed(&deed);
    }
    say!("## {} of {} days\n", args.profile, args.days);
    made.print();
    let mut recorded = Counts::default();
    for file in &args.compare {
        recorded.file(file)?;
    }
    if recorded.requests > 0 {
        say!("\n## Recorded\n");
        recorded.print();
    }
    Ok(true)
}

fn write(cluster: Life, out: &Path) -> Result<()> {
    let writer = Writer::new(&Profile { level: cluster.profile().level, ..Profile::small() });
    let place: Box<dyn Write> = if out.as_os_str() == "-" {
        Box::new(std::io::stdout().lock())
    } else {
        Box::new(File::create(out).map_err(Error::io("write", out))?)
    };
    let mut place = BufWriter::with_capacity(1 << 20, place);
    let mut hour: Vec<(i64, Vec<u8>)> = Vec::new();
    let mut now = 0;
    for deed in cluster {
        if deed.hour() != now {
            now = deed.hour();
            flush(&mut hour, &mut place).map_err(Error::io("write", out))?;
        }
        for act in deed.acts() {
            let mut line = Vec::with_capacity(700);
            writer.write(&act, &mut line);
            hour.push((act.received, line));
        }
    }
    flush(&mut hour, &mut place).map_err(Error::io("write", out))?;
    place.flush().map_err(Error::io("write", out))
}

/// Repeats are spread over their hour: only within it they need sorting.
fn flush(hour: &mut Vec<(i64, Vec<u8>)>, out: &mut impl Write) -> std::io::Result<()> {
    hour.sort_by_key(|(at, _)| *at);
    hour.drain(..).try_for_each(|(_, line)| out.write_all(&line))
}

/// What is compared.
#[derive(Default)]
struct Counts {
    requests: u64,
    verbs: BTreeMap<String, u64>,
    resources: BTreeMap<String, u64>,
    kinds: BTreeMap<&'static str, u64>,
    codes: BTreeMap<u64, u64>,
    hours: BTreeMap<(String, i64), u64>,
    /// Who asked what of what in which namespace.
    known: BTreeSet<(String, String, String, String)>,
    fresh: BTreeMap<i64, u64>,
    first: Option<i64>,
}

impl Counts {
    fn deed(&mut self, deed: &Deed) {
        let act = &deed.act;
        let resource = act.target.resource.map_or("", |kind| kind.plural);
        let names = [&*act.actor.name, act.verb, resource, &act.target.namespace];
        self.add(names, (u64::from(act.code), deed.hour()), u64::from(deed.count));
    }

    fn add(&mut self, names: [&str; 4], (code, hour): (u64, i64), count: u64) {
        let [user, verb, resource, namespace] = names;
        self.requests += count;
        *self.verbs.entry(verb.to_owned()).or_default() += count;
        *self.resources.entry(resource.to_owned()).or_default() += count;
        *self.kinds.entry(kind(user)).or_default() += count;
        *self.codes.entry(code).or_default() += count;
        *self.hours.entry((user.to_owned(), hour)).or_default() += count;
        let first = *self.first.get_or_insert(hour);
        let tuple = (user.to_owned(), verb.to_owned(), resource.to_owned(), namespace.to_owned());
        if self.known.insert(tuple) {
            *self.fresh.entry(hour - first).or_default() += 1;
        }
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        for line in BufReader::new(file).lines() {
            let line = line.map_err(Error::io("read", path))?;
            let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
            if event["stage"] == "RequestReceived" || event["stage"] == "ResponseStarted" {
                continue;
            }
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let hour = seconds(&text(&event["requestReceivedTimestamp"])) / (HOUR / 1_000_000);
            let names = [
                &text(&event["user"]["username"]),
                &text(&event["verb"]),
                &text(&event["objectRef"]["resource"]),
                &text(&event["objectRef"]["namespace"]),
            ];
            let code = event["responseStatus"]["code"].as_u64().unwrap_or(0);
            self.add(names.map(String::as_str), (code, hour), 1);
        }
        Ok(())
    }

    fn print(&self) {
        say!(
            "{} requests; {} sorts of request (who, verb, resource, namespace)\n",
            self.requests,
            self.known.len()
        );
        say!("| | share of requests |\n|---|---|");
        self.rows("verb", self.verbs.iter().map(|(name, count)| (name.clone(), *count)), 9);
        self.rows(
            "resource",
            self.resources.iter().map(|(name, count)| (name.clone(), *count)),
            14,
        );
        self.rows("by", self.kinds.iter().map(|(name, count)| ((*name).to_owned(), *count)), 8);
        self.rows("code", self.codes.iter().map(|(code, count)| (code.to_string(), *count)), 8);
        let mut hours: Vec<u64> = self.hours.values().copied().collect();
        hours.sort_unstable();
        let at = |part: usize| hours.get(hours.len() * part / 100).copied().unwrap_or(0);
        say!(
            "\nRequests of an identity in an hour: median {}, 90 % {}, 99 % {}, most {}.",
            at(50),
            at(90),
            at(99),
            hours.last().copied().unwrap_or(0)
        );
        let after = |from: i64| {
            let late = self.fresh.iter().filter(|(hour, _)| **hour >= from);
            let hours = self.fresh.keys().last().map_or(0, |last| (last - from + 1).max(0));
            (late.map(|(_, count)| count).sum::<u64>(), hours)
        };
        for days in [0, 1, 3, 7, 14] {
            let (count, hours) = after(days * 24);
            if hours > 0 {
                let rate = count as f64 / hours as f64;
                say!(
                    "New sorts of request from day {days} on: {count} in {hours} hours, {rate:.2} an hour."
                );
            }
        }
    }

    fn rows(&self, what: &str, counts: impl Iterator<Item = (String, u64)>, most: usize) {
        let mut counts: Vec<(String, u64)> = counts.collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        for (name, count) in counts.into_iter().take(most) {
            let name = if name.is_empty() { "(none)" } else { &name };
            say!("| {what} {name} | {:.3} % |", 100.0 * count as f64 / self.requests as f64);
        }
    }
}

fn kind(user: &str) -> &'static str {
    if user.starts_with("system:node:") {
        return "node";
    }
    if user.starts_with("system:serviceaccount:kube-system:") && user.ends_with("-controller") {
        return "controller";
    }
    match user {
        _ if user.starts_with("system:serviceaccount:") => "service account",
        _ if user.starts_with("system:") || user.starts_with("eks:") || user == "aksService" => {
            "component"
        }
        _ => "person or pipeline",
    }
}

/// Seconds since 1970 of `2026-11-23T11:20:30.000000Z`; days are counted from the civil date.
fn seconds(text: &str) -> i64 {
    let number = |from: usize, to: usize| {
        text.get(from..to).and_then(|t| t.parse::<i64>().ok()).unwrap_or(0)
    };
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    days * 86_400 + number(11, 13) * 3_600 + number(14, 16) * 60 + number(17, 19)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_recordings_are_read() {
        assert_eq!(seconds("1970-01-01T00:00:00.000000Z"), 0);
        assert_eq!(seconds("2026-03-02T08:00:00.000000Z"), 1_772_438_400);
        assert_eq!(seconds(""), seconds("x"));
    }
}
