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
    /// A picture: of timeline, lineage, passport, reach and apps show.
    Svg,
}

pub(super) const TIMELINE_EXAMPLES: &str = "\
Examples:
  trailhound timeline sa:shop/cart /logs
  trailhound timeline pod:shop/cart-7d4f8-x2b9k /logs --from 2026-11-23T11:20 --to 2026-11-23T11:40
  trailhound timeline ip:198.18.0.9 audit.log --limit 50
  trailhound timeline app:shop/cart /logs                 all that belongs to an application
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
  trailhound lineage deploy:shop/cart /logs --output svg > cart.svg

Exit codes: 0 answered, 1 the log knows nothing of it, 2 an error, or input not wholly read.";

pub(super) const AT_EXAMPLES: &str = "\
Examples:
  trailhound at 2026-11-23T11:31:00Z pod:shop/cart-7d4f8-x2b9k /logs
  trailhound at 2026-11-23T11:31 sa:shop/cart /logs       times without a zone are UTC
  trailhound at end clusterrolebinding:ops /logs          at the log's last event
  trailhound at -5m pod:cart-7d4f8-x2b9k /logs            five minutes before; the only one of that name

Exit codes: 0 answered, 1 the log knows nothing of it, 2 an error, or input not wholly read.";

pub(super) const DIFF_EXAMPLES: &str = "\
Examples:
  trailhound diff 2026-11-23T11:30 2026-11-23T11:40 /logs
  trailhound diff start end /logs                         the whole log
  trailhound diff -10m end /logs -n shop                  its last ten minutes in one namespace
  trailhound diff start end sa:shop/cart /logs            by or about a service account
  trailhound diff start end /logs --output json | jq '.changes[] | select(.area == \"grants\")'

What controllers and kubelets write is counted, not listed.
Exit codes: 0 answered (also if nothing changed), 2 an error, or input not wholly read.";

/// Arguments of `timeline`.
#[derive(Debug, Args)]
pub(crate) struct TimelineArgs {
    /// About what: user:alice, sa:shop/cart, pod:…, node:…, ip:…, cred:…, ns:…, any object
    /// (secret:shop/db), or the id of an incident or finding.
    pub(crate) entity: String,
    /// Logs: files or directories; `-` is standard input.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Nothing before this moment.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// Nothing after this moment.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
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
    /// Logs: files or directories; `-` is standard input.
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
    /// When: RFC 3339, or less of it in UTC; `start`, `end`; `-2h` before the log's end.
    #[arg(allow_hyphen_values = true)]
    pub(crate) time: String,
    /// About what: pod:shop/cart-7d4, sa:shop/cart, clusterrolebinding:ops …
    pub(crate) entity: String,
    /// Logs: files or directories; `-` is standard input.
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
    /// The first moment: RFC 3339, or less of it in UTC; `start`, `end`; `-2h` before the log's end.
    #[arg(allow_hyphen_values = true)]
    pub(crate) from: String,
    /// The second moment.
    #[arg(allow_hyphen_values = true)]
    pub(crate) to: String,
    /// Perhaps only about something (sa:shop/cart, deploy:shop/cart), then the logs: files,
    /// directories, or `-` for standard input.
    #[arg(required = true, value_names = ["ENTITY", "PATH"])]
    pub(crate) what: Vec<PathBuf>,
    /// Only in this namespace.
    #[arg(long, short, default_value = "", hide_default_value = true, value_name = "NAMESPACE")]
    pub(crate) namespace: String,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

pub(super) const WHO_CAN_EXAMPLES: &str = "\
Examples:
  trailhound who-can get secrets /logs -n shop
  trailhound who-can create pods/exec /logs -n shop --at 2026-11-23T11:20:00Z
  trailhound who-can escalate clusterroles /logs
  trailhound who-can get /metrics /logs                   a URL that is no resource

Exit codes: 0 answered, 1 the log knows nobody who can, 2 an error, or input not wholly read.";

pub(super) const PASSPORT_EXAMPLES: &str = "\
Examples:
  trailhound passport cred:JTI=11903241-3656-47fc-b52b-432024497e45 /logs
  trailhound passport pod:shop/cart-7d4f8-x2b9k /logs
  trailhound passport sa:shop/cart /logs

Exit codes: 0 answered, 1 the log knows nothing of it, 2 an error, or input not wholly read.";

pub(super) const REACH_EXAMPLES: &str = "\
Examples:
  trailhound reach sa:shop/cart /logs                     what it could take at the log's end
  trailhound reach pod:shop/cart-7d4f8-x2b9k /logs --at 2026-11-23T11:32
  trailhound reach sa:shop/cart /logs --without clusterrolebinding:cart-legacy
  trailhound reach sa:shop/cart /logs --output svg > reach.svg
  trailhound reach --worst /logs                          standing grants, worst first

Exit codes: 0 answered, 1 the log knows nothing of it, 2 an error, or input not wholly read.";

pub(super) const APPS_EXAMPLES: &str = "\
Examples:
  trailhound apps /logs
  trailhound apps show shop/cart /logs

A directory that is called `show` is given as ./show.
Exit codes: 0 answered, 1 there is no such application, 2 an error, or input not wholly read.";

/// Arguments of `who-can`.
#[derive(Debug, Args)]
pub(crate) struct WhoCanArgs {
    /// get, list, create, delete, impersonate, escalate …
    pub(crate) verb: String,
    /// pods, pods/exec, deployments.apps, or a URL that is no resource (/metrics).
    pub(crate) resource: String,
    /// Logs: files or directories; `-` is standard input.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Namespace; without it, in all of the cluster.
    #[arg(long, short, default_value = "", hide_default_value = true, value_name = "NAMESPACE")]
    pub(crate) namespace: String,
    /// Name of the object; without it, any.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    pub(crate) name: String,
    /// When: RFC 3339, or less of it in UTC; `start`, `end`; `-2h` before the log's end.
    #[arg(long, default_value = "end", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: String,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// Arguments of `reach`.
#[derive(Debug, Args)]
pub(crate) struct ReachArgs {
    /// From where (sa:shop/cart, pod:…, user:…, node:…, cred:…), then the logs; with --worst only the
    /// logs.
    #[arg(required = true, value_names = ["ENTITY", "PATH"])]
    pub(crate) what: Vec<std::ffi::OsString>,
    /// Rank standing grants by what whoever holds them could take, unused first.
    #[arg(long)]
    pub(crate) worst: bool,
    /// As if this binding were not there: clusterrolebinding:NAME, rolebinding:NAMESPACE/NAME.
    #[arg(long, conflicts_with = "worst", value_name = "BINDING")]
    pub(crate) without: Option<String>,
    /// When: RFC 3339, or less of it in UTC; `start`, `end`; `-2h` before the log's end.
    #[arg(long, default_value = "end", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: String,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// Arguments of `apps`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct AppsArgs {
    /// One of them.
    #[command(subcommand)]
    pub(crate) command: Option<AppsCommand>,
    /// Logs: files or directories; `-` is standard input.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// What to do with applications.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AppsCommand {
    /// Show one in full: workloads, pods over time, images, accounts, secrets, who deploys it.
    Show {
        /// Its name: shop/cart, or cart if only one namespace has it.
        name: String,
        /// Logs: files or directories; `-` is standard input.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        read: Box<ReadArgs>,
        #[command(flatten)]
        ask: AskArgs,
    },
}
