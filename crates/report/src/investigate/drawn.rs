//! Pictures of answers, where a picture says more than lines: ways of an attacker, families of objects,
//! use over time. All are drawn by `svg`, which makes every text harmless and counts what does not fit.

use crate::{
    sanitize,
    svg::{
        self, Drawing, Edge, Flow, Graph, Key, Lane, Line, Look, Mark, Node, Sample, Shape, Strip,
        Tone,
    },
    words,
};
use std::collections::{BTreeMap, BTreeSet};
use trailhound_investigate::{
    apps::AppDetail,
    lineage::{Lineage, Member},
    passport::Passport,
    reach::{EdgeKind, Path, Reach},
    timeline::{Line as Told, Timeline},
};
use trailhound_model::{action::Outcome, entity, observed::Surety};

/// Ways drawn.
const WAYS: usize = 6;
/// Things of one kind in a box.
const LISTED: usize = 5;
/// Longest text on an arrow, in characters.
const LABEL: usize = 60;

fn shape(kind: &str) -> Shape {
    match kind {
        "user" | "sa" | "group" | "cred" => Shape::Round,
        "pod" | "node" | "deployment" | "replicaset" | "daemonset" | "statefulset" | "job"
        | "cronjob" => Shape::Hexagon,
        "secret" => Shape::Cylinder,
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" | "configmap" => {
            Shape::Document
        }
        _ => Shape::Box,
    }
}

/// An entity as a box.
fn node(entity: &str) -> Node {
    let (kind, name) = words::entity(entity);
    let own = entity.split_once(':').map_or("", |(kind, _)| kind);
    let title = match name {
        "*" => "any".to_owned(),
        name => match name.strip_suffix("/*") {
            Some(namespace) => format!("any in {namespace}"),
            None => name.to_owned(),
        },
    };
    Node {
        id: entity.to_owned(),
        kind: kind.to_owned(),
        title,
        shape: shape(own),
        ..Node::default()
    }
}

fn sureness() -> Vec<Key> {
    let key = |dashed, text: &str| Key {
        sample: Sample::Edge { dashed, tone: Tone::Plain },
        text: text.to_owned(),
    };
    vec![key(false, "proved by the log"), key(true, "inferred, or not known to work")]
}

fn label(text: &str) -> String {
    sanitize::shortened(&sanitize::prose(text), LABEL)
}

/// The ways from the start to the whole cluster; without one, to what it reaches.
pub fn reach(answer: &Reach) -> Drawing {
    let mut graph = Graph {
        title: format!("What {} could take", words::named(&answer.start)),
        legend: sureness(),
        ..Graph::default()
    };
    let start = Node {
        mark: "Start".to_owned(),
        lines: amounts(answer),
        tone: Tone::Medium,
        ..node(&answer.start)
    };
    graph.nodes.push(start);
    for path in answer.paths.iter().take(WAYS) {
        draw_way(&mut graph, path);
    }
    if answer.paths.is_empty() {
        for things in [&answer.secrets, &answer.namespaces, &answer.nodes, &answer.identities] {
            for thing in things.samples.iter().take(LISTED) {
                draw_way(&mut graph, &thing.path);
            }
        }
    }
    graph.left_out = answer.paths.len().saturating_sub(WAYS) as u64;
    svg::graph(&graph, &Look { text_width: 250, ..Look::RIGHT })
}

fn amounts(answer: &Reach) -> Vec<Line> {
    [
        ("secrets", &answer.secrets),
        ("namespaces", &answer.namespaces),
        ("nodes", &answer.nodes),
        ("identities", &answer.identities),
    ]
    .into_iter()
    .map(|(name, things)| Line::from(format!("{} of {} {name}", things.count, things.of)))
    .collect()
}

fn draw_way(graph: &mut Graph, path: &Path) {
    for step in &path.steps {
        if !graph.nodes.iter().any(|known| known.id == step.to) {
            graph.nodes.push(match step.to.as_str() {
                "clusterrole:cluster-admin" => Node {
                    kind: "cluster-admin".to_owned(),
                    title: "The whole cluster".to_owned(),
                    tone: Tone::Critical,
                    ..node(&step.to)
                },
                other => node(other),
            });
        }
        let grant = step.grants.first();
        let by = grant.map(|one| format!(" ({})", words::entity(&one.binding).1));
        let kind = way(step.kind);
        let edge = Edge {
            from: step.from.clone(),
            to: step.to.clone(),
            label: label(&format!("{kind}{}", by.unwrap_or_default())),
            dashed: step.surety != Surety::Proved,
            tone: Tone::Plain,
        };
        let known = |one: &Edge| one.from == edge.from && one.to == edge.to;
        if !graph.edges.iter().any(known) {
            graph.edges.push(edge);
        }
    }
}

/// The sort of step in words that fit on an arrow.
fn way(kind: EdgeKind) -> String {
    let text = match kind {
        EdgeKind::PermissionDiscover => "has the rights",
        EdgeKind::PodCreate => "starts a pod of its own",
        EdgeKind::PodPatch => "changes a running pod",
        EdgeKind::PodExec | EdgeKind::PodAttach | EdgeKind::PodDebug => "goes into the pod",
        EdgeKind::NodeProxy => "commands through the kubelet",
        EdgeKind::IdentityAssume => "uses its credential",
        EdgeKind::IdentityImpersonate => "acts as it",
        EdgeKind::TokenList | EdgeKind::TokenBruteforce | EdgeKind::TokenSecret => {
            "takes its token from a secret"
        }
        EdgeKind::TokenSteal | EdgeKind::ExploitHostTraverse => "takes its token on the node",
        EdgeKind::TokenRequest => "requests its token",
        EdgeKind::SecretRead => "reads it",
        EdgeKind::NamespaceWrite => "changes its objects",
        EdgeKind::RoleBind => "binds itself to a stronger role",
        EdgeKind::RoleEscalate => "adds rules to its role",
        EdgeKind::CsrSign => "gets a certificate in its name",
        EdgeKind::WebhookWrite => "rewrites what others create",
        EdgeKind::VolumeDiscover | EdgeKind::VolumeAccess => "reads its volumes",
        EdgeKind::CePrivMount => "mounts the node's disk",
        EdgeKind::ExploitHostRead => "reads keys on the node",
        EdgeKind::ExploitHostWrite => "writes files that the node runs",
        other => return other.as_str().to_ascii_lowercase().replace('_', " "),
    };
    text.to_owned()
}

/// Owners above, children below, whoever made or ended them beside.
pub fn lineage(answer: &Lineage) -> Drawing {
    let mut graph = Graph {
        title: format!("Where {} comes from", words::named(&answer.of.entity)),
        legend: sureness(),
        left_out: answer.left_out,
        ..Graph::default()
    };
    graph.nodes.push(Node { mark: "Asked".to_owned(), tone: Tone::Medium, ..member(&answer.of) });
    for one in &answer.up {
        graph.nodes.push(member(one));
        graph.edges.push(owns(&one.entity, &one.parent, one.surety));
    }
    for one in &answer.down {
        graph.nodes.push(member(one));
        graph.edges.push(owns(&one.parent, &one.entity, one.surety));
    }
    let top = answer.up.last().unwrap_or(&answer.of);
    let maker = top.created.as_ref().map(|act| act.real.as_ref().unwrap_or(&act.who).clone());
    if let Some(who) = maker.filter(|who| !who.is_empty() && *who != answer.of.entity) {
        graph.nodes.insert(0, Node { mark: "Began it".to_owned(), ..node(&who) });
        graph.edges.push(Edge {
            from: who.clone(),
            to: top.entity.clone(),
            label: "made".to_owned(),
            ..Edge::default()
        });
        if let Some(origin) = &answer.origin {
            let (behind, did) = if origin.known {
                ("Behind it", "used it")
            } else {
                ("Perhaps behind it", "may have used it")
            };
            graph.nodes.insert(0, Node { mark: behind.to_owned(), ..node(&origin.entity) });
            graph.edges.push(Edge {
                from: origin.entity.clone(),
                to: who,
                label: did.to_owned(),
                dashed: origin.surety != Surety::Proved,
                tone: Tone::Plain,
            });
        }
    }
    let wide = answer.down.len() > 8;
    svg::graph(&graph, &if wide { Look::RIGHT } else { Look::DOWN })
}

fn owns(from: &str, to: &str, surety: Surety) -> Edge {
    let dashed = surety != Surety::Proved;
    Edge { from: from.to_owned(), to: to.to_owned(), dashed, ..Edge::default() }
}

fn member(one: &Member) -> Node {
    let mut lines = Vec::new();
    if let Some(act) = &one.created {
        lines.push(Line::from(format!("made {}", words::moment(act.time))));
        if !act.who.is_empty() {
            lines.push(Line::new(format!("by {}", words::named(&act.who)), Tone::Muted));
        }
    }
    if let Some(act) = &one.deleted {
        lines.push(Line::from(format!("ended {}", words::moment(act.time))));
        if !act.who.is_empty() {
            lines.push(Line::new(format!("by {}", words::named(&act.who)), Tone::Muted));
        }
    }
    Node { lines, ..node(&one.entity) }
}

/// Acts over time, a lane for each who acted.
pub fn timeline(answer: &Timeline) -> Drawing {
    let mut lanes: BTreeMap<&str, Lane> = BTreeMap::new();
    for line in &answer.lines {
        let who = line.real.as_deref().unwrap_or(&line.who);
        let lane = lanes
            .entry(who)
            .or_insert_with(|| Lane { title: words::named(who), ..Lane::default() });
        lane.marks.push(mark(line));
    }
    let mut lanes: Vec<Lane> = lanes.into_values().collect();
    let worst = |lane: &Lane| lane.marks.iter().map(|mark| mark.tone).max();
    lanes.sort_by(|a, b| worst(b).cmp(&worst(a)).then_with(|| a.title.cmp(&b.title)));
    svg::strip(&Strip {
        title: format!("What happened around {}", words::named(&answer.about)),
        description: format!("{} requests over time, by whoever made them.", answer.requests),
        lanes,
    })
}

fn mark(line: &Told) -> Mark {
    let tone = match line.severity {
        Some(severity) => severity.into(),
        None if line.outcome == Outcome::Denied => Tone::Low,
        None if line.routine => Tone::Muted,
        None => Tone::Plain,
    };
    let count = if line.count > 1 { format!(" ×{}", line.count) } else { String::new() };
    let text = format!("{} {}{count}", line.action.phrase(), words::named(&line.target));
    Mark { from: line.first, to: line.last, tone, text: format!("{} {text}", line.first.clock()) }
}

/// When each credential was used from where.
pub fn passport(answer: &Passport) -> Drawing {
    let mut lanes = Vec::new();
    for one in &answer.credentials {
        let odd = !one.life.alarms.is_empty();
        for place in &one.life.places {
            let id = sanitize::shortened(&one.life.id, 28);
            let title = format!("{id} from {} with {}", place.address, place.agent);
            let tone = if odd { Tone::High } else { Tone::Plain };
            let text = format!(
                "{} from {}",
                words::counted(place.count, "request"),
                words::period(place.first.time, place.last)
            );
            let mark = Mark { from: place.first.time, to: place.last, tone, text };
            lanes.push((odd, Lane { title, marks: vec![mark] }));
        }
    }
    for session in &answer.sessions {
        let title = format!(
            "{} inside {}/{}",
            words::named(&session.hand.by),
            session.namespace,
            session.pod
        );
        let to = session.closed.as_ref().map_or(session.opened, |closed| closed.time);
        let text = format!("{}: {}", session.kind.phrase(), session.command);
        let mark = Mark { from: session.opened, to, tone: Tone::Medium, text };
        lanes.push((true, Lane { title, marks: vec![mark] }));
    }
    lanes.sort_by_key(|(odd, _)| !odd);
    svg::strip(&Strip {
        title: format!("When and from where {} was used", words::named(&answer.entity)),
        description: "One line for each credential and place; those with an alarm first."
            .to_owned(),
        lanes: lanes.into_iter().map(|(_, lane)| lane).collect(),
    })
}

/// An application: what leads to it, what it is, what it uses.
pub fn app(answer: &AppDetail) -> Drawing {
    let own = &answer.app;
    let space = own.namespace.as_str();
    let mut graph = Graph {
        title: format!("Application {space}/{}", own.name),
        legend: sureness(),
        ..Graph::default()
    };
    let dashed = own.surety != Surety::Proved;
    let arrow = |from: &str, to: &str, label: &str| {
        let (from, to, label) = (from.to_owned(), to.to_owned(), label.to_owned());
        Edge { from, to, label, dashed, tone: Tone::Plain }
    };
    let center = format!("app:{space}/{}", own.name);
    let mut lines: Vec<Line> = own.workloads.iter().map(|one| words::named(one).into()).collect();
    lines.truncate(LISTED);
    lines
        .push(format!("{}, {} left", words::counted(own.pods as u64, "pod"), own.pods_left).into());
    lines.extend(own.images.iter().take(LISTED).map(|one| Line::new(one.as_str(), Tone::Muted)));
    let whole = Node { lines, tone: Tone::Medium, shape: Shape::Hexagon, ..node(&center) };
    let mut edges = Vec::new();
    let mut nodes = vec![whole];
    let service = entity::object("services", space, own.name.as_str());
    for (names, resource) in [(&answer.ingresses, "ingresses"), (&answer.services, "services")] {
        if let Some(one) = several(names, space, resource) {
            let next = match resource {
                "ingresses" if !answer.services.is_empty() => {
                    several(&answer.services, space, "services").map_or(service.clone(), |n| n.id)
                }
                _ => center.clone(),
            };
            edges.push(arrow(&one.id, &next, "leads to"));
            nodes.push(one);
        }
    }
    for (names, resource, label) in [
        (&own.service_accounts, "serviceaccounts", "runs as"),
        (&answer.secrets, "secrets", "uses"),
        (&answer.config_maps, "configmaps", "uses"),
        (&answer.nodes, "nodes", "ran on"),
    ] {
        let within = if resource == "nodes" { "" } else { space };
        if let Some(one) = several(names, within, resource) {
            edges.push(arrow(&center, &one.id, label));
            nodes.push(one);
        }
    }
    for one in answer.deployers.iter().take(LISTED) {
        edges.push(arrow(
            &one.who,
            &center,
            &format!("deploys ({})", words::counted(one.acts, "time")),
        ));
        nodes.push(node(&one.who));
    }
    graph.nodes = nodes;
    graph.edges = edges;
    svg::graph(&graph, &Look { flow: Flow::Right, ..Look::RIGHT })
}

/// Things of one kind in one box.
fn several(
    names: &BTreeSet<trailhound_model::Str>,
    namespace: &str,
    resource: &str,
) -> Option<Node> {
    let first = names.first()?;
    let spell = |name: &str| match resource {
        "serviceaccounts" => entity::service_account(namespace, name),
        "nodes" => entity::node(name),
        _ => entity::object(resource, namespace, name),
    };
    let mut one = node(&spell(first));
    if names.len() > 1 {
        one.kind = words::counted(names.len() as u64, &one.kind);
        one.title = String::from(first.as_str());
        one.lines = names.iter().skip(1).take(LISTED).map(|name| name.as_str().into()).collect();
        let more = names.len().saturating_sub(LISTED + 1);
        if more > 0 {
            one.lines.push(Line::new(format!("and {more} more"), Tone::Muted));
        }
    }
    Some(one)
}
