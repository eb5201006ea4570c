//! Arguments of the questions to a log. All are alike: what is asked, then the logs.

use super::{ColorChoice, SiteArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// How the logs are read.
#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    /// The cluster: for records that do not say it, and which one is asked about if there are several.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// More rules, for the marks of findings (see docs/rules.md). May be repeated.
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    /// Decoding threads; 0 takes what the machine has.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) threads: usize,
}

/// How an answer is shown.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// Form of the answer on standard output.
    #[arg(long, default_value = "text", value_name = "FORM")]
    pub(crate) output: AnswerForm,
    /// Show everything.
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// When to use colour (`NO_COLOR` is honoured).
    #[arg(long, default_value = "auto", value_name = "WHEN")]
    pub(crate) color: ColorChoice,
}

/// Form of an answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerForm {
    /// Words for people.
    Text,
    /// One JSON object: see docs/investigate.md.
    Json,
}

pub(super) const TIMELINE_EXAMPLES: &str = "\
Examples:
  trailhound timeline sa:shop/cart /logs
  trailhound timeline pod:shop/cart-7d4f8-x2b9k /logs --from 2026-11-23T11:20 --to 2026-11-23T11:40
  trailhound timeline ip:198.18.0.9 audit.log --limit 50
  trailhound timeline INC-979e9c78f8c1798e /logs          the requests of an incident or finding
  trailhound timeline user:bob /logs --output json | jq '.lines[].target'

Alike requests are one line; what programs do all day is one line for the whole time. Where there is
no room for all, lines with findings come first, then writes and refusals.
Exit codes: 0 answered, 1 the log knows nothing of it, 2 an error, or input not wholly read.";

pub(super) const LINEAGE_EXAMPLES: &str = "\
Examples:
  trailhound lineage pod:shop/cart-7d4f8-x2b9k /logs      up to whoever made its deployment
  trailhound lineage deploy:shop/cart /logs               down to its pods
  trailhound lineage user:bob /logs                       what bob made, and what came of it

Exit codes: 0 answered, 1 the log knows nothing of it, 2 an error, or input not wholly read.";

pub(super) const AT_EXAMPLES: &str = "\
Examples:
  trailhound at 2026-11-23T11:31:00Z pod:shop/cart-7d4f8-x2b9k /logs
  trailhound at 2026-11-23T11:31 sa:shop/cart /logs       times without a zone are UTC
  trailhound at end clusterrolebinding:ops /logs          at the log's last event

Exit codes: 0 answered, 1 the log knows nothing of it, 2 an error, or input not wholly read.";

pub(super) const DIFF_EXAMPLES: &str = "\
Examples:
  trailhound diff 2026-11-23T11:30 2026-11-23T11:40 /logs
  trailhound diff start end /logs                         the whole log
  trailhound diff start end /logs --output json | jq '.changes[] | select(.area == \"grants\")'

What controllers and kubelets write is counted, not listed.
Exit codes: 0 answered (also if nothing changed), 2 an error, or input not wholly read.";

/// Arguments of `timeline`.
#[derive(Debug, Args)]
pub(crate) struct TimelineArgs {
    /// About what: user:alice, sa:shop/cart, pod:…, node:…, ip:…, cred:…, ns:…, any object
    /// (secret:shop/db), or the id of an incident or finding.
    pub(crate) entity: String,
    /// Logs: files or directories.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Nothing before this moment.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Nothing after this moment.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// Most lines; what is left out is counted.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// Arguments of questions about one thing.
#[derive(Debug, Args)]
pub(crate) struct EntityArgs {
    /// About what: pod:shop/cart-7d4, deploy:shop/cart, sa:shop/cart, user:alice …
    pub(crate) entity: String,
    /// Logs: files or directories.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// Arguments of `at`.
#[derive(Debug, Args)]
pub(crate) struct AtArgs {
    /// When: RFC 3339, or less of it in UTC; `start` and `end` are those of the log.
    pub(crate) time: String,
    /// About what: pod:shop/cart-7d4, sa:shop/cart, clusterrolebinding:ops …
    pub(crate) entity: String,
    /// Logs: files or directories.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The first moment: RFC 3339, or less of it in UTC; `start` and `end` are those of the log.
    pub(crate) from: String,
    /// The second moment.
    pub(crate) to: String,
    /// Logs: files or directories.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}
