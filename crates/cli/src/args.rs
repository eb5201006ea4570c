//! What can be typed. Help texts carry examples, because they are read in a hurry.

mod questions;

pub(crate) use questions::{
    AnswerForm, AppsArgs, AppsCommand, AskArgs, AtArgs, DiffArgs, EntityArgs, ReachArgs, ReadArgs,
    TimelineArgs, WhoCanArgs,
};

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
  trailhound timeline sa:shop/cart logs/   every act by or on a service account

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
    /// Every act by or on somebody or something, in order.
    #[command(after_help = questions::TIMELINE_EXAMPLES)]
    Timeline(TimelineArgs),
    /// Where something comes from and what came of it: owners up, children down, who made each.
    #[command(after_help = questions::LINEAGE_EXAMPLES)]
    Lineage(EntityArgs),
    /// How something was at one moment, how sure that is, and which record says so.
    #[command(after_help = questions::AT_EXAMPLES)]
    At(AtArgs),
    /// What changed between two moments in grants, workloads, admission and accounts, and by whom.
    #[command(
        after_help = questions::DIFF_EXAMPLES,
        override_usage = "trailhound diff [OPTIONS] <FROM> <TO> [ENTITY] <PATH>..."
    )]
    Diff(DiffArgs),
    /// Who can do something, by which grant, and whether it was ever used for it.
    #[command(after_help = questions::WHO_CAN_EXAMPLES)]
    WhoCan(WhoCanArgs),
    /// The life of a credential, or of those of a pod or account: issued, used from where, alarms.
    #[command(after_help = questions::PASSPORT_EXAMPLES)]
    Passport(EntityArgs),
    /// What could be taken from somewhere, by which ways, and which grant to remove first.
    #[command(
        after_help = questions::REACH_EXAMPLES,
        override_usage = "trailhound reach [OPTIONS] <ENTITY> <PATH>...\n       trailhound reach [OPTIONS] --worst <PATH>..."
    )]
    Reach(ReachArgs),
    /// The applications of the cluster, rebuilt from the log.
    #[command(after_help = questions::APPS_EXAMPLES)]
    Apps(AppsArgs),
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
  trailhound scan /logs --falco-rules k8s_audit_rules.yaml --falco-rules local.yaml
  trailhound scan /logs --falco-rules k8s_audit_rules.yaml --output falco > alerts.json
  trailhound scan /logs --sigma-rules sigma/rules/application/kubernetes/
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
    /// Leave the cluster unbuilt: incidents are poorer. Only to measure what rebuilding costs.
    #[arg(long, hide = true)]
    pub(crate) no_twin: bool,
    /// More rules: a file, or a directory of .yaml files (see docs/rules.md). May be repeated.
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,
    /// Falco rules for `k8s_audit`: files in the order in which Falco would load them.
    #[arg(long, value_name = "FILE")]
    pub(crate) falco_rules: Vec<PathBuf>,
    /// Of the Falco rules that match an event, take the first only, as Falco does by default.
    #[arg(long, requires = "falco_rules")]
    pub(crate) falco_first_match: bool,
    /// Sigma rules: files, or directories of .yml files.
    #[arg(long, value_name = "PATH")]
    pub(crate) sigma_rules: Vec<PathBuf>,
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
    /// The alerts of the Falco rules that were given, one JSON object per line, as Falco writes them.
    Falco,
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
    /// Say what is wrong with rules that load: can never fire, another says the same, not logged.
    #[command(after_help = LINT_EXAMPLES)]
    Lint {
        /// Rule files or directories, native, Falco or Sigma; without any, the shipped rules.
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The audit policy of the API server: says which rules it leaves blind.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// Form of the answer.
        #[arg(long, default_value = "text", value_name = "FORM")]
        output: OutputForm,
    },
    /// Run the examples that rules prove themselves with.
    #[command(after_help = TEST_EXAMPLES)]
    Test {
        /// Rule files or directories; without any, the shipped rules.
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Also show the examples that hold, with what was said.
        #[arg(long, short)]
        verbose: bool,
    },
    /// Say what a rule would have cost on logs of the past, and which suppressions would help.
    #[command(
        after_help = BACKTEST_EXAMPLES,
        override_usage = "trailhound rules backtest [OPTIONS] <RULE> --on <PATH>..."
    )]
    Backtest(BacktestArgs),
    /// Write Falco or Sigma rules as native ones, where their meaning can be kept.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import {
        /// Falco or Sigma rule files; Falco's in the order in which it would load them.
        #[arg(required = true, value_name = "FILE")]
        paths: Vec<PathBuf>,
        /// Directory for the native rules; must not hold files of the same names.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

const LINT_EXAMPLES: &str = "\
Examples:
  trailhound rules lint our-rules/
  trailhound rules lint our-rules/ --policy /etc/kubernetes/audit-policy.yaml
  trailhound rules lint --policy audit-policy.yaml      what this policy hides from the shipped rules

Exit codes: 0 nothing or only notes, 1 warnings, 2 a file does not load.";

const TEST_EXAMPLES: &str = "\
Examples:
  trailhound rules test our-rules/exec-at-night.yaml
  trailhound rules test                                 all shipped rules

Exit codes: 0 all examples hold, 1 some do not, 2 a file does not load.";

const BACKTEST_EXAMPLES: &str = "\
Examples:
  trailhound rules backtest our-rules/exec-at-night.yaml --on /logs/october/
  trailhound rules backtest secrets-listed-everywhere --on /logs --output json
  trailhound rules backtest k8s_audit_rules.yaml --on audit.log.gz
  trailhound rules backtest exec-reads-token --on /logs --confirmed 0f3a9b2c11d4e5f6

A file of labels has one JSON object a line with `auditID` and `scenario`, as in
{\"auditID\": \"…\", \"scenario\": \"token theft in May\"}; where `kind` is there and not `attack` or `malicious`, the line is passed over.

Exit codes: 0 done, 2 an error, or input not wholly read.";

const IMPORT_EXAMPLES: &str = "\
Examples:
  trailhound rules import k8s_audit_rules.yaml --out rules-from-falco/
  trailhound rules import sigma/rules/application/kubernetes/audit/ --out rules-from-sigma/

What cannot be said in the native language is left out, with the reason.
Exit codes: 0 all were written, 1 some were left out, 2 an error.";

/// Arguments of `rules backtest`.
#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    /// Id of a shipped rule, or a file of rules.
    pub(crate) rule: String,
    /// Logs: files or directories.
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    pub(crate) on: Vec<PathBuf>,
    /// Which records belong to which known attack.
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
    /// Id of an incident that was confirmed; may be repeated.
    #[arg(long, value_name = "ID")]
    pub(crate) confirmed: Vec<String>,
    /// Form of the answer.
    #[arg(long, default_value = "text", value_name = "FORM")]
    pub(crate) output: OutputForm,
}

fn severity(name: &str) -> Result<Severity, String> {
    Severity::from_name(name).ok_or_else(|| "one of info, low, medium, high, critical".to_owned())
}

/// Parses the command line; prints help and exits by itself where that is asked for.
pub(crate) fn parse() -> Cli {
    Cli::parse()
}
