//! How a breach spread, drawn: each hand is a box with what it did, each way from hand to hand an
//! arrow with how sure it is. Beside it stands the story; below it, when each hand was at work.

use crate::{
    sanitize,
    svg::{self, Edge, Flow, Graph, Key, Lane, Line, Look, Mark, Node, Sample, Shape, Strip, Tone},
    words::{self, hand},
};
use trailhound_model::{
    finding::Severity,
    incident::{Act, ActRole, Hand, Incident},
};

/// Hands drawn.
const HANDS: usize = 24;
/// Acts told in a box.
const ACTS: usize = 4;
/// The same where there are many boxes.
const FEW_ACTS: usize = 2;
/// From here on there are many boxes.
const MANY: usize = 8;
/// Longest act in a box, in characters.
const ACT: usize = 110;
/// More hands after one than this are a fan.
const FAN: usize = 3;
/// Wider pictures do not leave enough room for the story beside them.
const BESIDE: u32 = 440;
/// Pictures up to this width are made smaller to fit a phone, wider ones can be moved there.
const SHRINKS: u32 = 460;

/// The spread of an incident.
pub(crate) struct SpreadView {
    /// SVG, escaped by its maker.
    pub(crate) drawing: String,
    /// SVG, escaped by its maker.
    pub(crate) strip: String,
    /// Whether there is room beside it.
    pub(crate) beside: bool,
    pub(crate) ways: Vec<Way>,
}

/// An arrow in words.
pub(crate) struct Way {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) movement: String,
    pub(crate) sentence: String,
    pub(crate) sure: String,
}

/// The spread, if there is more than one hand.
pub(crate) fn of(one: &Incident) -> Option<SpreadView> {
    if one.hands.len() < 2 {
        return None;
    }
    let graph = graph(one);
    let drawing = svg::graph(&graph, &look(&graph));
    let fit = if drawing.width <= SHRINKS { "shrinks" } else { "moves" };
    Some(SpreadView {
        beside: drawing.width <= BESIDE,
        drawing: drawing.embedded(fit),
        strip: svg::strip(&strip(one)).embedded("strip-of-acts"),
        ways: ways(one),
    })
}

/// A chain runs down the page; where many hang on one, a column beside it is easier to follow.
fn look(graph: &Graph) -> Look {
    let led_to = |node: &Node| graph.edges.iter().filter(|edge| edge.from == node.id).count();
    let is_fan = graph.nodes.iter().any(|node| led_to(node) > FAN);
    let chain = Look { flow: Flow::Down, limit: HANDS, text_width: 250, layer: 2 };
    if is_fan { Look { flow: Flow::Right, layer: HANDS, ..chain } } else { chain }
}

fn graph(one: &Incident) -> Graph {
    let acts = if one.hands.len() > MANY { FEW_ACTS } else { ACTS };
    let nodes = one.hands.iter().enumerate().map(|(index, hand)| node(index, hand, acts)).collect();
    let edges = hand::bridges(one).iter().map(edge).collect();
    Graph {
        title: "How it spread from hand to hand".to_owned(),
        nodes,
        edges,
        legend: legend(one),
        ..Graph::default()
    }
}

fn edge(bridge: &hand::Bridge) -> Edge {
    let movement = sanitize::shortened(&sanitize::prose(words::movement(bridge.kind)), 60);
    Edge {
        from: bridge.from.to_string(),
        to: bridge.to.to_string(),
        label: format!("{movement} ({})", words::sureness(bridge.confidence)),
        dashed: bridge.is_inferred(),
        tone: Tone::Plain,
    }
}

fn legend(one: &Incident) -> Vec<Key> {
    let mut legend = Vec::new();
    let mut add = |sample, text: &str| legend.push(Key { sample, text: text.to_owned() });
    let bridges = hand::bridges(one);
    if bridges.iter().any(|bridge| !bridge.is_inferred()) {
        add(Sample::Edge { dashed: false, tone: Tone::Plain }, "very likely or proved");
    }
    if bridges.iter().any(hand::Bridge::is_inferred) {
        add(Sample::Edge { dashed: true, tone: Tone::Plain }, "inferred");
    }
    for severity in words::WORST_FIRST {
        let found = |act: &Act| act.severity == Some(severity);
        if one.hands.iter().flat_map(|hand| &hand.acts).any(found) {
            add(Sample::Dot(severity.into()), severity.as_str());
        }
    }
    legend
}

fn node(index: usize, hand: &Hand, acts: usize) -> Node {
    let (kind, name) = words::entity(&hand.entity);
    let mut lines: Vec<Line> = Vec::new();
    let address = hand.address.strip_prefix("ip:").unwrap_or(&hand.address);
    let mut whence = vec![hand::credential(&hand.credential)];
    if !address.is_empty() {
        whence.push(format!("from {address}"));
    }
    whence.retain(|part| !part.is_empty());
    if !whence.is_empty() {
        lines.push(Line::new(whence.join(", "), Tone::Muted));
    }
    let told = told(&hand.acts, acts);
    lines.extend(told.iter().map(|act| line(hand, act)));
    let more = (hand.acts.len() - told.len()) as u64 + hand.acts_left_out;
    if more > 0 {
        lines.push(Line::new(format!("and {}", words::counted(more, "more act")), Tone::Muted));
    }
    Node {
        id: index.to_string(),
        kind: format!("{}. {kind}", index + 1),
        title: name.to_owned(),
        lines,
        mark: mark(hand).to_owned(),
        tone: worst(hand).filter(|one| *one > Severity::Low).map_or(Tone::Plain, Tone::from),
        shape: if hand.entity.starts_with("user:") { Shape::Round } else { Shape::Box },
    }
}

fn line(hand: &Hand, act: &Act) -> Line {
    let text = sanitize::shortened(&hand::plain_deed(hand, act), ACT);
    let tone = act.severity.map_or(Tone::Plain, Tone::from);
    Line::new(format!("{} {text}", act.time.clock()), tone)
}

/// The acts that say most of a hand, in order of time.
fn told(acts: &[Act], most: usize) -> Vec<&Act> {
    let mut order: Vec<(usize, &Act)> = acts.iter().enumerate().collect();
    order.sort_by_key(|(_, act)| std::cmp::Reverse((act.role != ActRole::Step, act.severity)));
    order.truncate(most);
    order.sort_by_key(|(index, _)| *index);
    order.into_iter().map(|(_, act)| act).collect()
}

fn worst(hand: &Hand) -> Option<Severity> {
    hand.acts.iter().filter_map(|act| act.severity).max()
}

fn mark(hand: &Hand) -> &'static str {
    let has = |role| hand.acts.iter().any(|act| act.role == role);
    match (has(ActRole::Entry), has(ActRole::Effect), has(ActRole::End)) {
        (true, true, _) => "Entry and effect",
        (true, false, _) => "Entry",
        (false, true, _) => "Effect",
        (false, false, true) => "End",
        _ => "",
    }
}

fn strip(one: &Incident) -> Strip {
    let lane = |(index, hand): (usize, &Hand)| Lane {
        title: lane_title(index, hand),
        marks: hand.acts.iter().map(|act| mark_of(hand, act)).collect(),
    };
    Strip {
        title: "When each hand was at work".to_owned(),
        description: format!(
            "{} from {}",
            words::counted(one.hands.len() as u64, "hand"),
            words::period(one.first_seen, one.last_seen)
        ),
        lanes: one.hands.iter().enumerate().map(lane).collect(),
    }
}

/// Short, because it must fit a phone.
fn lane_title(index: usize, hand: &Hand) -> String {
    let credential = hand::credential(&hand.credential);
    let comma = if credential.is_empty() { "" } else { ", " };
    let name = sanitize::shortened(&sanitize::prose(words::entity(&hand.entity).1), 28);
    format!("{}. {name}{comma}{credential}", index + 1)
}

fn mark_of(hand: &Hand, act: &Act) -> Mark {
    Mark {
        from: act.time,
        to: act.last,
        tone: act.severity.map_or(Tone::Muted, Tone::from),
        text: format!("{} {}", act.time.clock(), hand::plain_deed(hand, act)),
    }
}

fn ways(one: &Incident) -> Vec<Way> {
    let name = |place: usize| {
        let hand = one.hands.get(place).map_or("", |hand| hand.entity.as_str());
        sanitize::shortened(&sanitize::prose(&words::named(hand)), 120)
    };
    let way = |bridge: &hand::Bridge| Way {
        from: name(bridge.from),
        to: name(bridge.to),
        movement: sanitize::prose(words::movement(bridge.kind)),
        sentence: sanitize::prose(&words::sentence(bridge.sentence)),
        sure: words::sureness(bridge.confidence).to_owned(),
    };
    hand::bridges(one).iter().take(HANDS * 2).map(way).collect()
}
