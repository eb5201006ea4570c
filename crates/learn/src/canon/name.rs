//! Names without what changes at every rollout: `cart-5d4f7b6c9d-x7k2p` and the pod that replaces it
//! tomorrow are both `cart-*-*`.
//!
//! This decides more than any model: a name taken for new that is only redrawn is a false alarm per
//! rollout, and a name taken for drawn that somebody chose hides what it names. So what the log
//! proves (an owner, a node's name) goes before what a name looks like, and where people choose names
//! more must show. `*` stands for what was drawn and `#` for a number; neither can be in a name, so a
//! template is its own template.

use super::tail::{self, Naming, Tail};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use trailhound_model::Str;

/// What was found in a name.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Form {
    /// Nothing: the name is its template.
    #[default]
    Plain,
    /// A drawn tail (`generateName`).
    Drawn,
    /// The hash of a pod template or of contents.
    Hash,
    /// A hash and a drawn tail: a pod of a Deployment.
    ReplicaPod,
    /// A number and a drawn tail: a pod of a Job.
    JobPod,
    /// A small number at the end: a pod of a StatefulSet, an index.
    Ordinal,
    /// A long number: a run of a CronJob, a time, an account.
    Number,
    /// A date.
    Date,
    /// A UUID.
    Uuid,
    /// A hexadecimal or otherwise opaque id.
    Id,
    /// An IPv4 address.
    Address,
    /// A node.
    Node,
    /// The copy of a static pod: a name and its node's.
    Mirror,
    /// A release of Helm.
    HelmRelease,
    /// A token of a service account, a bootstrap token, a registry credential.
    Token,
    /// A lease by which an API server or a node says that it is alive.
    Heartbeat,
    /// A Kubernetes Event: the name of its object and a time.
    Event,
    /// A pod of a CI system.
    CiPod,
    /// It follows from its owner's name.
    Owned,
    /// Too many names have this beginning (see [`super::fanout`]).
    FanOut,
}

/// A name without what is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The name with `*` for what was drawn and `#` for numbers.
    pub text: Str,
    /// What was found.
    pub form: Form,
}

/// Longest template, in bytes.
pub const LONGEST: usize = 160;

impl Template {
    fn new(text: impl AsRef<str>, form: Form) -> Template {
        Template { text: bounded(text.as_ref()), form }
    }

    /// The template without what stands for drawn tokens at its end: `cart` of `cart-*-*`.
    pub fn root(&self) -> &str {
        let root = self.text.trim_end_matches(['*', '#', '-', '.']);
        if root.is_empty() { &self.text } else { root }
    }
}

/// Cut so that what is left cannot be taken for something else.
fn bounded(text: &str) -> Str {
    if text.len() <= LONGEST {
        return text.into();
    }
    let mut end = LONGEST - '…'.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut cut = Str::from(text.get(..end).unwrap_or_default());
    cut.push('…');
    cut
}

/// Which names are nodes: what a log knows from the kubelets that act in it.
pub trait KnownNodes {
    /// Whether a node of this name has acted.
    fn is_node(&self, name: &str) -> bool;
}

/// Nothing is known of nodes.
impl KnownNodes for () {
    fn is_node(&self, _name: &str) -> bool {
        false
    }
}

/// The owner of an object, where a body or the twin knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnerName<'a> {
    /// `ReplicaSet`, `StatefulSet`, `Job` …
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The name of the owner's owner (the Deployment of a ReplicaSet, the CronJob of a Job), if known.
    pub root: Option<&'a str>,
}

/// The template of an object whose owner is known; nothing but the name itself can be wrong then.
pub fn owned(name: &str, owner: OwnerName) -> Option<Template> {
    let tail = name.strip_prefix(owner.name)?.strip_prefix('-').filter(|tail| !tail.is_empty())?;
    if owner.kind == "Node" {
        return None;
    }
    let stem =
        match owner.root.and_then(|root| owner.name.strip_prefix(root).map(|rest| (root, rest))) {
            Some((root, rest)) if rest.starts_with('-') => [root, "-*"].concat(),
            _ if owner.kind == "ReplicaSet" => of(owner.name, Naming::Generated).text.to_string(),
            _ if owner.kind == "Job" => of(owner.name, Naming::Generated).text.to_string(),
            _ => owner.name.to_owned(),
        };
    let number = tail.bytes().all(|b| b.is_ascii_digit());
    let indexed = tail.split_once('-').filter(|_| owner.kind == "Job");
    let end = match indexed {
        Some((index, _)) if index.bytes().all(|b| b.is_ascii_digit()) => "-#-*",
        _ if number && owner.kind == "StatefulSet" => "-#",
        _ => "-*",
    };
    Some(Template::new([stem.as_str(), end].concat(), Form::Owned))
}

/// The template of an object's name.
pub fn template(resource: &str, namespace: &str, name: &str, nodes: &dyn KnownNodes) -> Template {
    let longest = name.len().min(4 * LONGEST);
    let name = name.get(..longest).unwrap_or(name);
    if let Some(found) = by_resource(resource, namespace, name, nodes) {
        return found;
    }
    of(name, Naming::of(resource))
}

fn by_resource(
    resource: &str,
    namespace: &str,
    name: &str,
    nodes: &dyn KnownNodes,
) -> Option<Template> {
    match resource {
        "secrets" => secret(name),
        "leases" if namespace == "kube-node-lease" => {
            Some(Template::new(node(name).text, Form::Heartbeat))
        }
        "leases" => api_server_lease(name),
        "nodes" | "csinodes" | "ciliumnodes" => Some(node(name)),
        "events" => event(namespace, name, nodes),
        "certificatesigningrequests" => {
            name.strip_prefix("node-csr-").map(|_| Template::new("node-csr-*", Form::Id))
        }
        "pods" => mirror(name, nodes).or_else(|| runner(name)).or_else(|| cut_tail(name)),
        _ => None,
    }
}

fn secret(name: &str) -> Option<Template> {
    if let Some(release) = name.strip_prefix("sh.helm.release.v1.") {
        let (release, version) = release.rsplit_once(".v")?;
        let numbered = version == "#" || version.bytes().all(|b| b.is_ascii_digit());
        let text = ["sh.helm.release.v1.", release, ".v#"].concat();
        return (numbered && !version.is_empty()).then(|| Template::new(text, Form::HelmRelease));
    }
    for (mark, length) in [("-token-", 5), ("-dockercfg-", 5), ("bootstrap-token-", 6)] {
        let Some((stem, tail)) = name.rsplit_once(mark) else { continue };
        let drawn = tail.len() == length && tail.bytes().all(|b| b.is_ascii_alphanumeric());
        if tail == "*" || drawn && (length == 6 || tail.bytes().all(tail::is_drawn)) {
            return Some(Template::new([stem, mark, "*"].concat(), Form::Token));
        }
    }
    None
}

fn api_server_lease(name: &str) -> Option<Template> {
    let id = name.strip_prefix("apiserver-").or_else(|| name.strip_prefix("kube-apiserver-"))?;
    let drawn = id.len() >= 20 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let stem = name.strip_suffix(id)?;
    (drawn || id == "*").then(|| Template::new([stem, "*"].concat(), Form::Heartbeat))
}

/// `OBJECT.TIME`, the time in hexadecimal nanoseconds.
fn event(namespace: &str, name: &str, nodes: &dyn KnownNodes) -> Option<Template> {
    let (object, time) = name.rsplit_once('.')?;
    let is_time = time == "*"
        || (12..=20).contains(&time.len()) && time.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_time || object.is_empty() {
        return None;
    }
    let object = if nodes.is_node(object) {
        node(object)
    } else {
        template("pods", namespace, object, nodes)
    };
    Some(Template::new([object.text.as_str(), ".*"].concat(), Form::Event))
}

/// The name of a node. Whatever numbers a node is no part of what it is.
fn node(name: &str) -> Template {
    let mut found = of(name, Naming::Node);
    if let Some(pool) = google_pool(name) {
        found.text = pool;
    } else if let Some(pool) = scale_set(name) {
        found.text = pool;
    }
    Template { text: numbered_labels(&found.text), form: Form::Node }
}

/// `gke-CLUSTER-POOL-HASH-RAND`: the last has four characters of any kind.
fn google_pool(name: &str) -> Option<Str> {
    let rest = name.strip_prefix("gke-").or_else(|| name.strip_prefix("gk3-"))?;
    let (rest, tail) = rest.rsplit_once('-')?;
    let (pool, hash) = rest.rsplit_once('-')?;
    let drawn = tail.len() == 4 && tail.bytes().all(|b| b.is_ascii_alphanumeric());
    (drawn && tail::is_hex_of(hash, 8)).then(|| {
        let pool = of(pool, Naming::Node).text;
        bounded(&[name.get(..4).unwrap_or_default(), &pool, "-*-*"].concat())
    })
}

/// `aks-POOL-NUMBER-vmssINDEX`: the index is six characters of base 36.
fn scale_set(name: &str) -> Option<Str> {
    let (stem, index) = name.rsplit_once("-vmss")?;
    let (pool, number) = stem.rsplit_once('-')?;
    let digits = number.len() >= 5 && number.bytes().all(|b| b.is_ascii_digit());
    let index = index.len() == 6 && index.bytes().all(|b| b.is_ascii_alphanumeric());
    (digits && index).then(|| bounded(&[pool, "-#-vmss*"].concat()))
}

/// Numbers at the end of the first label: `worker01.example.com` is `worker#.example.com`. The rest
/// names a domain.
fn numbered_labels(text: &str) -> Str {
    let (label, domain) = text.find('.').map_or((text, ""), |at| text.split_at(at));
    let stem = label.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() == label.len() || stem.is_empty() || stem.ends_with(['*', '#']) {
        return bounded(text);
    }
    bounded(&[stem, "#", domain].concat())
}

/// `kube-apiserver-NODE`: static pods bear their node's name.
fn mirror(name: &str, nodes: &dyn KnownNodes) -> Option<Template> {
    let bytes = name.bytes().enumerate();
    let mut dashes = bytes.filter(|(_, b)| *b == b'-').map(|(at, _)| at).take(24);
    let at = dashes.find(|at| name.get(at + 1..).is_some_and(|tail| nodes.is_node(tail)))?;
    Some(Template::new([name.get(..at)?, "-<node>"].concat(), Form::Mirror))
}

/// `runner-TOKEN-project-1-concurrent-0-x7k2p`: GitLab's token has characters of any kind.
fn runner(name: &str) -> Option<Template> {
    let rest = name.strip_prefix("runner-")?;
    let (_, rest) = rest.split_once("-project-")?;
    let (_, rest) = rest.split_once("-concurrent-")?;
    let end = if rest.contains('-') { "-#-*" } else { "-#" };
    Some(Template::new(["runner-*-project-#-concurrent", end].concat(), Form::CiPod))
}

/// Names are cut to 63 characters and then the tail is put on, with no dash left before it.
fn cut_tail(name: &str) -> Option<Template> {
    let (stem, tail) = name.split_at_checked(name.len().checked_sub(5)?)?;
    let word = name.rsplit('-').next()?;
    let cut = name.len() == 63 && word.len() > 5 && tail.bytes().all(tail::is_drawn);
    (cut && tail::has_inner_digit(tail)).then(|| Template::new([stem, "*"].concat(), Form::Drawn))
}

/// What stands in a template for a token of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Keep,
    Drawn,
    Number,
    /// It goes with the drawn token before it.
    Joined,
}

/// A part of a name and the character after it, which is none for the last.
struct Token<'a> {
    text: &'a str,
    end: &'a str,
    mark: Mark,
}

type Tokens<'a> = SmallVec<[Token<'a>; 12]>;

/// Tokens that are looked at; a name with more is left alone.
const MOST_TOKENS: usize = 64;

fn of(name: &str, naming: Naming) -> Template {
    let mut tokens = split(name);
    if tokens.len() > MOST_TOKENS {
        return Template::new(name, Form::Plain);
    }
    let inner = ids(&mut tokens, naming);
    let end = tails(&mut tokens, naming);
    let inside = if naming == Naming::Generated { insides(&mut tokens) } else { Form::Plain };
    let form = [end, inner, inside].into_iter().find(|form| *form != Form::Plain);
    let form = form.unwrap_or_default();
    if form == Form::Plain {
        return Template::new(name, form);
    }
    Template::new(joined(&tokens), form)
}

fn split(name: &str) -> Tokens<'_> {
    let mut tokens = Tokens::new();
    let mut rest = name;
    while let Some(at) = rest.find(['-', '.', '_', ':', '/']) {
        let (text, after) = rest.split_at(at);
        let (end, after) = after.split_at(1);
        tokens.push(Token { text, end, mark: Mark::Keep });
        rest = after;
        if tokens.len() > MOST_TOKENS {
            return tokens;
        }
    }
    tokens.push(Token { text: rest, end: "", mark: Mark::Keep });
    tokens
}

fn joined(tokens: &Tokens) -> String {
    let mut out = String::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.mark {
            Mark::Keep => out.push_str(token.text),
            Mark::Drawn => out.push('*'),
            Mark::Number => out.push('#'),
            Mark::Joined => {}
        }
        let goes_on = tokens.get(at + 1).is_some_and(|next| next.mark == Mark::Joined);
        if !goes_on {
            out.push_str(token.end);
        }
    }
    out
}

/// Marks what is an id wherever it stands.
fn ids(tokens: &mut Tokens, naming: Naming) -> Form {
    let mut found = Form::Plain;
    let mut at = 0;
    while at < tokens.len() {
        let rest = tokens.get_mut(at..).unwrap_or_default();
        let (form, length) = id(rest, naming);
        mark(rest, length, if form == Form::Number { Mark::Number } else { Mark::Drawn });
        found = if found == Form::Plain { form } else { found };
        at += length.max(1);
    }
    found
}

fn mark(tokens: &mut [Token], length: usize, as_what: Mark) {
    for (at, token) in tokens.iter_mut().take(length).enumerate() {
        token.mark = if at == 0 { as_what } else { Mark::Joined };
    }
}

/// The id that begins here, and how many tokens it has.
fn id(rest: &[Token], naming: Naming) -> (Form, usize) {
    let Some(token) = rest.first() else { return (Form::Plain, 0) };
    if is_uuid(rest) {
        return (Form::Uuid, 5);
    }
    if is_date(rest) {
        return (Form::Date, 3);
    }
    if is_address(rest) {
        return (Form::Address, 4);
    }
    let text = token.text;
    if tail::is_version(text) {
        return (Form::Plain, 0);
    }
    if tail::is_hex(text) || tail::is_opaque(text) {
        return (if is_hash(text, naming) { Form::Hash } else { Form::Id }, 1);
    }
    if tail::is_hash_of_digits(text, naming) {
        return (Form::Hash, 1);
    }
    let number = text.len() >= 5 && text.bytes().all(|b| b.is_ascii_digit());
    if number { (Form::Number, 1) } else { (Form::Plain, 0) }
}

fn is_hash(token: &str, naming: Naming) -> bool {
    tail::is_hash_of_digits(token, naming) || tail::tail(token, Naming::Mixed, false) == Tail::Hash
}

fn dashed(rest: &[Token], length: usize) -> bool {
    rest.iter().take(length - 1).all(|token| token.end == "-")
}

fn is_uuid(rest: &[Token]) -> bool {
    const PARTS: [usize; 5] = [8, 4, 4, 4, 12];
    rest.len() >= 5
        && dashed(rest, 5)
        && rest.iter().zip(PARTS).all(|(token, length)| tail::is_hex_of(token.text, length))
}

fn is_date(rest: &[Token]) -> bool {
    let [year, month, day, ..] = rest else { return false };
    let digits =
        |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    dashed(rest, 3)
        && digits(year.text, 4)
        && (year.text.starts_with("20") || year.text.starts_with("19"))
        && digits(month.text, 2)
        && digits(day.text, 2)
}

fn is_address(rest: &[Token]) -> bool {
    let [a, b, c, d, ..] = rest else { return false };
    let separators = (a.end, b.end, c.end);
    matches!(separators, ("-", "-", "-") | (".", ".", "."))
        && [a, b, c, d].iter().all(|token| tail::is_octet(token.text))
}

/// Marks drawn tokens from the end on, as far as they reach. What comes before a hash is the name
/// of the owner, which somebody chose.
fn tails(tokens: &mut Tokens, naming: Naming) -> Form {
    let (mut drawn, mut number, mut long, mut hash) = (false, false, false, false);
    let domain = if naming == Naming::Node { domain_at(tokens) } else { tokens.len() };
    for at in (1..domain).rev() {
        let Some(dashed) = at.checked_sub(1).and_then(|before| tokens.get(before)) else { break };
        let dashed = dashed.end == "-";
        let Some(token) = tokens.get_mut(at) else { break };
        if token.mark != Mark::Keep {
            if token.mark == Mark::Drawn && is_hash(token.text, naming) {
                hash = true;
                break;
            }
            long |= token.mark == Mark::Number;
            continue;
        }
        match tail::tail(token.text, naming, drawn) {
            Tail::Drawn if dashed || naming == Naming::Generated => {
                (token.mark, drawn) = (Mark::Drawn, true);
            }
            Tail::Hash => {
                (token.mark, hash) = (Mark::Drawn, true);
                break;
            }
            Tail::Ordinal if dashed => (token.mark, number) = (Mark::Number, true),
            _ => break,
        }
    }
    match (hash, drawn, number || long) {
        (true, true, _) => Form::ReplicaPod,
        (true, ..) => Form::Hash,
        (_, true, true) => Form::JobPod,
        (_, true, _) => Form::Drawn,
        (.., true) if !long => Form::Ordinal,
        _ => Form::Plain,
    }
}

/// Where the domain of a node's name begins.
fn domain_at(tokens: &Tokens) -> usize {
    tokens.iter().position(|token| token.end == ".").map_or(tokens.len(), |at| at + 1)
}

/// Marks drawn tokens inside the names of generated objects: steps of pipelines, groups of workers.
fn insides(tokens: &mut Tokens) -> Form {
    let numbered = tokens.last().is_some_and(|last| matches!(last.text, "build" | "deploy"));
    let mut found = Form::Plain;
    for token in tokens.iter_mut().skip(1).filter(|token| token.mark == Mark::Keep) {
        if tail::is_drawn_inside(token.text) {
            (token.mark, found) = (Mark::Drawn, Form::Drawn);
        } else if numbered && tail::is_octet(token.text) && !token.text.is_empty() {
            (token.mark, found) = (Mark::Number, Form::Ordinal);
        }
    }
    found
}
