//! What a workload is made of, where bodies were logged: the images' repositories, how near it is to
//! its node, whose account it uses.
//!
//! A tag or digest changes with every build and is left out. An account is named relative to the
//! workload (none, its own name, another), so that the first pod with a foreign account stands out in
//! every namespace alike.

use super::name;
use crate::symbol::{Sort, Symbol, Words};
use smallvec::SmallVec;
use std::borrow::Cow;
use trailhound_model::observed::{Observed, PodSpec, State};

/// Facets of a workload.
pub type Shapes = SmallVec<[Symbol; 4]>;

/// Containers that are looked at.
const MOST: usize = 12;

/// What a request says of a workload.
pub fn shapes(observed: &Observed, words: &mut Words) -> Shapes {
    let mut found = Shapes::new();
    // A list only shows what was there; a write is one object.
    let [object] = observed.objects.as_slice() else { return found };
    let (State::Pod { spec, .. } | State::Workload { spec, .. }) = &object.state else {
        return found;
    };
    for container in spec.containers.iter().take(MOST) {
        let (registry, repository) = repository(&container.image);
        let symbol = Symbol::of(Sort::Shape, &["image", registry, repository]);
        words.note(symbol, || format!("image {registry}{repository}"));
        add(&mut found, symbol);
    }
    let power = power(spec);
    if power != 0 {
        let symbol = Symbol::of(Sort::Shape, &["power"]).at(u64::from(power));
        words.note(symbol, || format!("power {}", power_text(power)));
        add(&mut found, symbol);
    }
    let account = account(&spec.service_account, &object.name);
    let symbol = Symbol::of(Sort::Shape, &["account", &account]);
    words.note(symbol, || format!("account {account}"));
    add(&mut found, symbol);
    found
}

fn add(found: &mut Shapes, symbol: Symbol) {
    if !found.contains(&symbol) {
        found.push(symbol);
    }
}

/// Registry (what an image without one comes from) and repository, without tag and digest.
pub fn repository(image: &str) -> (&'static str, &str) {
    let image = image.split('@').next().unwrap_or_default();
    let tag = image.rfind(':').filter(|at| !image.get(*at..).unwrap_or_default().contains('/'));
    let path = image.get(..tag.unwrap_or(image.len())).unwrap_or_default();
    let end = (0..=path.len().min(LONGEST)).rev().find(|at| path.is_char_boundary(*at));
    let path = path.get(..end.unwrap_or(0)).unwrap_or_default();
    let first = path.split('/').next().unwrap_or_default();
    let has_registry = path.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    match (has_registry, path.contains('/')) {
        (true, _) => ("", path),
        (false, true) => ("docker.io/", path),
        (false, false) => ("docker.io/library/", path),
    }
}

/// Longest repository, in bytes.
const LONGEST: usize = 120;

/// Capabilities that lead out of a container.
const STRONG: &[&str] = &[
    "ALL",
    "BPF",
    "DAC_READ_SEARCH",
    "NET_ADMIN",
    "NET_RAW",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
];

const NEAR: &[&str] = &["privileged", "host pid", "host ipc", "host network", "host path"];

/// One bit for each way to the node, in the order of [`NEAR`] and [`STRONG`].
fn power(spec: &PodSpec) -> u32 {
    let near = [
        spec.containers.iter().any(|one| one.privileged),
        spec.host_pid,
        spec.host_ipc,
        spec.host_network,
        !spec.host_paths.is_empty(),
    ];
    let has = |strong: &str| {
        let is = |one: &str| one.trim_start_matches("CAP_").eq_ignore_ascii_case(strong);
        spec.capabilities.iter().any(|one| is(one))
    };
    let strong = STRONG.iter().map(|strong| !spec.capabilities.is_empty() && has(strong));
    near.into_iter().chain(strong).enumerate().map(|(at, holds)| u32::from(holds) << at).sum()
}

fn power_text(power: u32) -> String {
    let all = NEAR.iter().chain(STRONG).enumerate();
    let held: Vec<&str> =
        all.filter(|(at, _)| power >> at & 1 == 1).map(|(_, text)| *text).collect();
    held.join(", ")
}

fn account<'a>(account: &'a str, workload: &str) -> Cow<'a, str> {
    if account.is_empty() || account == "default" {
        return "default".into();
    }
    if workload.starts_with(account) {
        return "named as it is".into();
    }
    let found = name::template("serviceaccounts", "", account, &());
    if found.form == name::Form::Plain { account.into() } else { found.text.to_string().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::observed::{ContainerState, Observation};

    #[test]
    fn images_lose_tag_and_digest() {
        for (image, expected) in [
            ("nginx", "docker.io/library/nginx"),
            ("nginx:1.27", "docker.io/library/nginx"),
            ("grafana/grafana:11", "docker.io/grafana/grafana"),
            ("ghcr.io/acme/web:v1.2.3@sha256:0123", "ghcr.io/acme/web"),
            ("registry:5000/web", "registry:5000/web"),
            ("registry:5000/web:1", "registry:5000/web"),
            ("localhost/web:1", "localhost/web"),
            (
                "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:x",
                "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web",
            ),
            ("", "docker.io/library/"),
        ] {
            let (registry, path) = repository(image);
            assert_eq!(format!("{registry}{path}"), expected, "{image}");
        }
    }

    fn observed(spec: PodSpec) -> Observed {
        let state = State::Workload { spec, labels: Vec::new(), replicas: None };
        let object = Observation { name: "cart".into(), state, ..Observation::default() };
        Observed { objects: vec![object], left_out: 0 }
    }

    fn said(spec: PodSpec) -> Vec<String> {
        let mut words = Words::default();
        let found = shapes(&observed(spec), &mut words);
        found.iter().map(|symbol| words.text(*symbol).to_owned()).collect()
    }

    #[test]
    fn a_pod_that_reaches_for_its_node_says_so() {
        let spec = PodSpec {
            containers: vec![ContainerState {
                image: "acme/cart:7".into(),
                privileged: true,
                ..ContainerState::default()
            }],
            host_pid: true,
            host_paths: vec!["/".into()],
            capabilities: vec!["CAP_SYS_ADMIN".into(), "CHOWN".into()],
            service_account: "admin".into(),
            ..PodSpec::default()
        };
        assert_eq!(
            said(spec),
            [
                "image docker.io/acme/cart",
                "power privileged, host pid, host path, SYS_ADMIN",
                "account admin"
            ]
        );
    }

    #[test]
    fn an_ordinary_pod_has_an_image_and_an_account() {
        let container = ContainerState { image: "acme/cart:8".into(), ..ContainerState::default() };
        let spec = PodSpec {
            containers: vec![container],
            service_account: "cart".into(),
            ..PodSpec::default()
        };
        assert_eq!(said(spec), ["image docker.io/acme/cart", "account named as it is"]);
    }

    #[test]
    fn a_pod_of_a_thousand_images_stays_short() {
        let image = |n: usize| ContainerState {
            image: format!("a/b{n}").into(),
            ..ContainerState::default()
        };
        let spec = PodSpec { containers: (0..1000).map(image).collect(), ..PodSpec::default() };
        assert_eq!(shapes(&observed(spec), &mut Words::default()).len(), MOST + 1);
    }
}
