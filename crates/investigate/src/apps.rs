//! Applications: workloads, pods, accounts, images, secrets and services grouped as a person would
//! name them.
//!
//! Nothing in a log says what an application is. Owners lead from a pod to the workload that somebody
//! made; its labels give the name by which people call it, else its own name does. At Metadata level
//! there are no labels, and owners follow from generated names: such applications are inferred.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use trailhound_model::{
    Str, entity,
    observed::{PodSpec, State, Surety},
    time::Time,
};
use trailhound_twin::{
    Twin,
    objects::{Edge, Life, Objects},
};

/// An application, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct App {
    /// Where it runs.
    pub namespace: Str,
    /// Its name.
    pub name: Str,
    /// Proved if labels or owners of a body say so, else inferred from names.
    pub surety: Surety,
    /// What somebody made: deployments and the like, or pods that nobody owns.
    pub workloads: BTreeSet<String>,
    /// Service accounts that its pods run as.
    pub service_accounts: BTreeSet<Str>,
    /// Images of its containers, if the log shows them.
    pub images: BTreeSet<Str>,
    /// Pods over the whole log.
    pub pods: usize,
    /// Pods without an end in the log.
    pub pods_left: usize,
}

/// Somebody who changes an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deployer {
    /// Who.
    pub who: Str,
    /// How often.
    pub acts: u64,
    /// His first act.
    pub first: Time,
    /// His last.
    pub last: Time,
}

/// A pod of an application, over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PodSpan {
    /// Its name.
    pub name: Str,
    /// Its node, if known.
    pub node: Str,
    /// Its service account, if known.
    pub account: Str,
    /// When it began.
    pub begin: Time,
    /// How that lies to the truth.
    pub begin_edge: Edge,
    /// When it ended, if it did.
    pub end: Option<Time>,
    /// How long it lived, if both ends are known.
    pub seconds: Option<i64>,
}

/// What an application's service account did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiUse {
    /// The account.
    pub account: Str,
    /// What it did (`secret.read`).
    pub action: &'static str,
    /// How often.
    pub count: u64,
    /// How many of these were refused.
    pub denied: u64,
}

/// An application with everything that belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AppDetail {
    /// In short.
    pub app: App,
    /// Nodes that its pods ran on.
    pub nodes: BTreeSet<Str>,
    /// Secrets that its pods use, by name.
    pub secrets: BTreeSet<Str>,
    /// Config maps that its pods use.
    pub config_maps: BTreeSet<Str>,
    /// Services that lead to it. Without labels in the log: those of its name.
    pub services: BTreeSet<Str>,
    /// Ingresses that lead to these.
    pub ingresses: BTreeSet<Str>,
    /// Who made and changed its workloads, the busiest first.
    pub deployers: Vec<Deployer>,
    /// Its pods in order of time.
    pub pods: Vec<PodSpan>,
    /// Pods beyond those that are listed.
    pub pods_left_out: usize,
    /// How its accounts use the API, the most frequent first. The default account is shared by
    /// whatever runs in a namespace.
    pub api: Vec<ApiUse>,
}

/// Pods that a detail lists.
const MOST_PODS: usize = 500;
/// Owners that are followed upwards.
const MOST_STEPS: usize = 6;
/// Labels by which people name an application, the plainest first.
const LABELS: [&str; 5] = [
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/name",
    "app",
    "k8s-app",
];
/// Resources whose objects somebody deploys.
const WORKLOADS: [&str; 7] = [
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "replicationcontrollers",
    "cronjobs",
    "jobs",
];

/// All applications, by namespace and name.
pub fn apps(twin: &Twin) -> Vec<App> {
    groups(twin.objects()).into_iter().map(|(key, group)| group.app(key)).collect()
}

/// The application of a name: `shop/cart`, or `cart` if only one namespace has it.
pub fn app(twin: &Twin, name: &str) -> Option<AppDetail> {
    let name = name.strip_prefix("app:").unwrap_or(name);
    let is_meant = |(namespace, app): &(Str, Str)| match name.split_once('/') {
        Some((space, name)) => namespace == space && app == name,
        None => app == name,
    };
    let mut found = groups(twin.objects()).into_iter().filter(|(key, _)| is_meant(key));
    let (key, group) = found.next()?;
    if found.next().is_some() {
        return None;
    }
    Some(group.detail(key, twin.objects()))
}

/// Lives that belong together.
#[derive(Default)]
struct Group<'a> {
    roots: Vec<&'a Life>,
    pods: Vec<&'a Life>,
    /// Workloads between roots and pods, and roots that the log only names.
    others: Vec<&'a Life>,
    named: BTreeSet<String>,
    /// That of the member that is least sure to belong to it.
    surety: Option<Surety>,
}

fn groups(objects: &Objects) -> BTreeMap<(Str, Str), Group<'_>> {
    let mut groups: BTreeMap<(Str, Str), Group<'_>> = BTreeMap::new();
    for resource in WORKLOADS {
        for life in objects.all(resource) {
            let root = root(objects, life);
            let group = groups.entry(root.key(life)).or_default();
            group.add_root(&root, life);
            if !std::ptr::eq(root.life.unwrap_or(life), life) || root.life.is_none() {
                group.others.push(life);
            }
        }
    }
    for pod in objects.all("pods") {
        let root = root(objects, pod);
        let group = groups.entry(root.key(pod)).or_default();
        group.add_root(&root, pod);
        group.pods.push(pod);
    }
    groups
}

/// Where owners lead.
struct Root<'a> {
    /// The workload, if the log shows it.
    life: Option<&'a Life>,
    /// Its entity.
    entity: String,
    name: Str,
    surety: Surety,
}

/// Follows the owners of a life upwards.
fn root<'a>(objects: &'a Objects, life: &'a Life) -> Root<'a> {
    let mut root = Root {
        life: Some(life),
        entity: life.entity(),
        name: life.name.clone(),
        surety: Surety::Proved,
    };
    let mut at = life;
    for _ in 0..MOST_STEPS {
        let Some((owner, surety)) = at.owner() else { break };
        // A pod of the node itself (a static pod) is its own application.
        if owner.kind == "Node" {
            break;
        }
        root.surety = root.surety.min(surety);
        let found = owner_life(objects, at, &owner.kind, &owner.name, &owner.uid);
        root.name.clone_from(&owner.name);
        root.life = found;
        let Some(found) = found else {
            root.name_only(&at.namespace, &owner.kind);
            break;
        };
        root.entity = found.entity();
        at = found;
    }
    root
}

/// The life of an owner: the one with its uid, else the last of its name.
fn owner_life<'a>(
    objects: &'a Objects,
    of: &Life,
    kind: &str,
    name: &str,
    uid: &str,
) -> Option<&'a Life> {
    let resources: Vec<String> = if kind.is_empty() {
        WORKLOADS.iter().map(|one| (*one).to_owned()).collect()
    } else {
        vec![format!("{}s", kind.to_ascii_lowercase())]
    };
    resources.iter().find_map(|resource| {
        let lives: Vec<&Life> = objects.lives(resource, &of.namespace, name).collect();
        let exact = lives.iter().find(|life| !uid.is_empty() && life.uid == uid);
        exact.or(lives.last()).copied()
    })
}

impl Root<'_> {
    /// The log only names the owner; of a replica set or job its own maker follows from the name.
    fn name_only(&mut self, namespace: &str, kind: &str) {
        let resource = format!("{}s", kind.to_ascii_lowercase());
        let above = Life { resource: resource.into(), name: self.name.clone(), ..Life::default() };
        let (kind, surety) = match above.owner() {
            Some((owner, surety)) => {
                self.name = owner.name;
                (owner.kind, self.surety.min(surety))
            }
            None => (kind.into(), self.surety),
        };
        self.surety = surety;
        let kind = if kind.is_empty() { "workload".into() } else { kind.to_ascii_lowercase() };
        self.entity = entity::object(&kind, namespace, &self.name);
    }

    /// Namespace and name of the application.
    fn key(&self, of: &Life) -> (Str, Str) {
        let labelled = self.life.and_then(label).or_else(|| label(of));
        (of.namespace.clone(), labelled.unwrap_or_else(|| self.name.clone()))
    }
}

/// The name that labels give.
fn label(life: &Life) -> Option<Str> {
    let template: &[(Str, Str)] = match life.state() {
        Some(State::Workload { labels, .. }) => labels,
        _ => &[],
    };
    let all = || life.labels.iter().chain(template);
    let named = |wanted: &&str| all().find(|(key, value)| key == *wanted && !value.is_empty());
    LABELS.iter().find_map(named).map(|(_, value)| value.clone())
}

impl<'a> Group<'a> {
    fn add_root(&mut self, root: &Root<'a>, of: &'a Life) {
        self.named.insert(root.entity.clone());
        if let Some(life) = root.life
            && !self.roots.iter().any(|known| std::ptr::eq(*known, life))
        {
            self.roots.push(life);
        }
        let by_label = root.life.and_then(label).or_else(|| label(of)).is_some();
        let surety = if by_label { Surety::Proved } else { root.surety };
        self.surety = Some(self.surety.map_or(surety, |least| least.min(surety)));
    }

    fn lives(&self) -> impl Iterator<Item = &'a Life> {
        self.roots.iter().chain(&self.others).chain(&self.pods).copied()
    }

    fn specs(&self) -> impl Iterator<Item = &'a PodSpec> {
        let versions = self.lives().flat_map(|life| &life.versions);
        versions.filter_map(|version| match version.state.as_deref() {
            Some(State::Pod { spec, .. } | State::Workload { spec, .. }) => Some(spec),
            _ => None,
        })
    }

    fn app(&self, (namespace, name): (Str, Str)) -> App {
        let named = self.specs().map(|spec| &spec.service_account);
        let told = self.pods.iter().filter_map(|pod| pod.account.as_ref());
        let accounts = named.chain(told.map(|told| &told.value));
        let images = self.specs().flat_map(|spec| &spec.containers).map(|one| &one.image);
        App {
            namespace,
            name,
            surety: self.surety.unwrap_or_default(),
            workloads: self.named.clone(),
            service_accounts: filled(accounts),
            images: filled(images),
            pods: self.pods.len(),
            pods_left: self.pods.iter().filter(|pod| pod.end.is_none()).count(),
        }
    }

    fn detail(&self, key: (Str, Str), objects: &Objects) -> AppDetail {
        let app = self.app(key);
        let services = self.services(&app, objects);
        let mut pods: Vec<PodSpan> = self.pods.iter().map(|pod| span(pod)).collect();
        pods.sort_by(|a, b| (a.begin, &a.name).cmp(&(b.begin, &b.name)));
        let pods_left_out = pods.len().saturating_sub(MOST_PODS);
        pods.truncate(MOST_PODS);
        AppDetail {
            nodes: filled(self.pods.iter().filter_map(|pod| pod.node.as_ref()).map(|t| &t.value)),
            secrets: filled(
                self.specs().flat_map(|spec| spec.secrets.iter().chain(&spec.pull_secrets)),
            ),
            config_maps: filled(self.specs().flat_map(|spec| &spec.config_maps)),
            ingresses: ingresses(&app.namespace, &services, objects),
            services,
            deployers: self.deployers(),
            pods,
            pods_left_out,
            api: api(&app, objects),
            app,
        }
    }

    /// Services that select labels of its pods; those of its name where the log shows no labels.
    fn services(&self, app: &App, objects: &Objects) -> BTreeSet<Str> {
        let selects = |service: &&Life| match service.state() {
            Some(State::Service { selector, .. }) => {
                !selector.is_empty() && self.lives().any(|life| has_labels(life, selector))
            }
            _ => service.name == app.name,
        };
        let services = objects.all("services").filter(|life| life.namespace == app.namespace);
        services.filter(selects).map(|service| service.name.clone()).collect()
    }

    fn deployers(&self) -> Vec<Deployer> {
        let mut found: BTreeMap<&Str, Deployer> = BTreeMap::new();
        let acts = self.roots.iter().flat_map(|life| {
            let ends = life.created_by.iter().chain(&life.deleted_by);
            let versions = life.versions.iter().filter(|version| {
                life.created_by.as_ref().is_none_or(|act| act.witness != version.witness)
            });
            ends.map(|act| (&act.who, act.witness.time))
                .chain(versions.map(|version| (&version.who, version.time)))
        });
        for (who, time) in acts.filter(|(who, _)| !who.is_empty()) {
            let one = found.entry(who).or_insert_with(|| Deployer {
                who: who.clone(),
                acts: 0,
                first: time,
                last: time,
            });
            one.acts += 1;
            one.first = one.first.min(time);
            one.last = one.last.max(time);
        }
        let mut deployers: Vec<Deployer> = found.into_values().collect();
        deployers.sort_by(|a, b| b.acts.cmp(&a.acts).then_with(|| a.who.cmp(&b.who)));
        deployers
    }
}

fn filled<'s>(names: impl Iterator<Item = &'s Str>) -> BTreeSet<Str> {
    names.filter(|name| !name.is_empty()).cloned().collect()
}

fn has_labels(life: &Life, wanted: &[(Str, Str)]) -> bool {
    let template: &[(Str, Str)] = match life.state() {
        Some(State::Workload { labels, .. }) => labels,
        _ if life.resource == "pods" => &life.labels,
        _ => &[],
    };
    wanted.iter().all(|pair| template.contains(pair))
}

fn ingresses(namespace: &str, services: &BTreeSet<Str>, objects: &Objects) -> BTreeSet<Str> {
    let leads = |life: &&Life| {
        matches!(life.state(), Some(State::Ingress { services: to, .. })
            if to.iter().any(|service| services.contains(service)))
    };
    let own = objects.all("ingresses").filter(|life| life.namespace == namespace);
    own.filter(leads).map(|life| life.name.clone()).collect()
}

fn span(pod: &Life) -> PodSpan {
    let told = |told: &Option<trailhound_twin::objects::Told>| {
        told.as_ref().map(|told| told.value.clone()).unwrap_or_default()
    };
    let end = pod.end.as_ref().map(|end| end.time);
    let is_known = pod.begin.edge == Edge::Exact;
    PodSpan {
        name: pod.name.clone(),
        node: told(&pod.node),
        account: told(&pod.account),
        begin: pod.begin.time,
        begin_edge: pod.begin.edge,
        end,
        seconds: end
            .filter(|_| is_known)
            .map(|end| end.since(pod.begin.time) / trailhound_model::time::SECOND),
    }
}

fn api(app: &App, objects: &Objects) -> Vec<ApiUse> {
    let mut found = Vec::new();
    for account in &app.service_accounts {
        let Some(uses) = objects.uses(&app.namespace, account) else { continue };
        found.extend(uses.actions.iter().map(|(action, (count, denied))| ApiUse {
            account: account.clone(),
            action: action.as_str(),
            count: *count,
            denied: *denied,
        }));
    }
    found.sort_by(|a, b| {
        b.count.cmp(&a.count).then_with(|| (&a.account, a.action).cmp(&(&b.account, b.action)))
    });
    found
}
