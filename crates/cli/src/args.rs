//! What can be typed. Help texts carry examples, because they are read in a hurry.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use trailhound_model::finding::Severity;

/// Security observability from Kubernetes audit logs: what happened, who did it, what to do.
#[derive(Debug, Parser)]
#[command(name = "trailhound", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  trailhound demo                          a recorded breach, nothing to configure
  trailhound scan /var/log/kubernetes/     read a directory of audit logs, rotated and compressed
  trailhound scan logs/ --report out.html  also write one page to send to others
  kubectl logs … | trailhound scan -       read standard input

Exit codes:
  0  no incident of --fail-on severity (default: medium) or above
  1  there are such incidents
  2  an error, or input that was not wholly read (2 wins over 1)";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read audit logs and tell what happened.
    #[command(after_help = SCAN_EXAMPLES)]
    Scan(ScanArgs),
    /// Scan a recorded real breach that this program carries.
    Demo(OutputArgs),
    /// Look at the detections.
    Rules {
        /// What to do with them.
        #[command(subcommand)]
        command: RulesCommand,
    },
}

const SCAN_EXAMPLES: &str = "\
Examples:
  trailhound scan audit.log audit-2026-11-23T11-20-45.842.log.gz
  trailhound scan /logs --cluster prod-eu --report incident.html
  trailhound scan /logs --output json | jq '.incidents[].title'
  trailhound scan /logs --fail-on high && echo quiet
  trailhound scan /logs --rules our-rules/
  trailhound scan /logs --site site.yaml --indicators bad.csv --mmdb GeoLite2-Country.mmdb

Reads: audit.k8s.io events as JSON lines, EventList, arrays; the envelopes of EKS (CloudWatch), GKE,
AKS, OpenShift, OVHcloud and log shippers; plain, gzip or zstd, told by content. Directories are
read to any depth. Files are put into the order of time.";

/// Arguments of `scan`.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Files or directories; `-` is standard input.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Name of the cluster, for records that do not say it.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// More rules: a file, or a directory of .yaml files (see docs/rules.md). May be repeated.
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    /// Decoding threads; 0 takes what the machine has.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) threads: usize,
    /// Exit with 1 if there is an incident of this severity or above.
    #[arg(long, default_value = "medium", value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Severity,
    /// How to show the answer.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What the site brings along.
#[derive(Debug, Default, Args)]
pub(crate) struct SiteArgs {
    /// What your site expects, suppresses and allows (see docs/site.md). May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) site: Vec<PathBuf>,
    /// Known-bad addresses, images, agents, credentials: CSV or JSON lines. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) indicators: Vec<PathBuf>,
    /// Countries or networks of addresses, in the MMDB format. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) mmdb: Vec<PathBuf>,
}

/// How to show an answer.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Form of the answer on standard output.
    #[arg(long, default_value = "text", value_name = "FORM")]
    pub(crate) output: OutputForm,
    /// Also write one self-contained HTML page.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Show everything: low findings, all steps.
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// When to use colour (`NO_COLOR` is honoured).
    #[arg(long, default_value = "auto", value_name = "WHEN")]
    pub(crate) color: ColorChoice,
}

/// Form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    /// Words for people.
    Text,
    /// One JSON object: see docs/output.md.
    Json,
    /// One JSON object per line.
    Jsonl,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do with the detections.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List them.
    List,
    /// Print the manual of one.
    Explain {
        /// Its id.
        id: String,
    },
}

fn severity(name: &str) -> Result<Severity, String> {
    Severity::from_name(name).ok_or_else(|| "one of info, low, medium, high, critical".to_owned())
}

/// Parses the command line; prints help and exits by itself where that is asked for.
pub(crate) fn parse() -> Cli {
    Cli::parse()
}
