//! Pictures of our own: a graph in layers and a strip of time, as SVG without script, font or
//! anything else from outside, so that they can stand in the HTML report, be sent alone, be printed
//! and be compared byte by byte. The layout is deterministic, names from logs are harmless, and what
//! does not fit is counted in the picture instead of being left out silently.

mod layers;
mod measure;
mod order;
mod paint;
mod place;
mod strip;

pub use paint::Drawing;
pub use strip::{Lane, Mark, Strip};

use trailhound_model::finding::Severity;

/// Nodes drawn unless a [`Look`] says otherwise: more cannot be followed with the eye.
pub const MOST_NODES: usize = 60;
/// Edges drawn.
pub const MOST_EDGES: usize = 160;

/// How something is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Neither good nor bad.
    #[default]
    Plain,
    /// There, but not what the picture is about.
    Muted,
    /// As it should be.
    Good,
    /// The colours of the severities.
    Info,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl From<Severity> for Tone {
    fn from(severity: Severity) -> Tone {
        match severity {
            Severity::Info => Tone::Info,
            Severity::Low => Tone::Low,
            Severity::Medium => Tone::Medium,
            Severity::High => Tone::High,
            Severity::Critical => Tone::Critical,
        }
    }
}

/// The outline of a node, so that kinds can be told apart without colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Anything.
    #[default]
    Box,
    /// An identity: a person, a service account.
    Round,
    /// Something that runs: a pod, a workload, a node.
    Hexagon,
    /// Something written: a role, a binding, a config map.
    Document,
    /// Something kept: a secret.
    Cylinder,
}

/// A line within a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// What it says; long lines are wrapped.
    pub text: String,
    /// Any tone but plain and muted puts a dot of its colour before it.
    pub tone: Tone,
}

impl Line {
    /// A line with a tone.
    pub fn new(text: impl Into<String>, tone: Tone) -> Line {
        Line { text: text.into(), tone }
    }
}

impl<T: Into<String>> From<T> for Line {
    fn from(text: T) -> Line {
        Line::new(text, Tone::Plain)
    }
}

/// A thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// What edges call it; never shown. The second node with the same id is left out.
    pub id: String,
    /// What kind of thing it is, small, above the title; may be empty.
    pub kind: String,
    /// Its name.
    pub title: String,
    /// What is worth knowing of it.
    pub lines: Vec<Line>,
    /// A word on its upper edge that marks it out (`Entry`); may be empty.
    pub mark: String,
    /// Its colour.
    pub tone: Tone,
    /// Its outline.
    pub shape: Shape,
}

/// An arrow. An arrow from a node to itself becomes a line of that node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// Id of a node.
    pub from: String,
    /// Id of a node.
    pub to: String,
    /// What stands on it; may be empty.
    pub label: String,
    /// Inferred, not proved.
    pub dashed: bool,
    /// Its colour.
    pub tone: Tone,
}

/// What a line of the legend explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// A node that looks like this.
    Node(Shape, Tone),
    /// An edge that looks like this.
    Edge {
        /// Inferred.
        dashed: bool,
        /// Its colour.
        tone: Tone,
    },
    /// The dot before a line.
    Dot(Tone),
}

/// A line of the legend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it explains.
    pub sample: Sample,
    /// What it means.
    pub text: String,
}

/// Things and arrows. Put what matters most first: what is beyond the limit is left out from the
/// end, and counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// What the picture shows, in a few words.
    pub title: String,
    /// What it says, for those who cannot see it; made from nodes and edges if empty.
    pub description: String,
    /// The things.
    pub nodes: Vec<Node>,
    /// The arrows.
    pub edges: Vec<Edge>,
    /// What the looks mean.
    pub legend: Vec<Key>,
    /// Nodes that the caller left out before.
    pub left_out: u64,
}

/// Where arrows lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// From top to bottom: chains, for pages and phones.
    #[default]
    Down,
    /// From left to right: fans, where many hang on one.
    Right,
}

/// How a graph is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Where arrows lead.
    pub flow: Flow,
    /// Most nodes drawn.
    pub limit: usize,
    /// Widest text within a node, in pixels.
    pub text_width: usize,
    /// Most nodes beside each other in one layer; more begin another layer.
    pub layer: usize,
}

impl Look {
    /// From top to bottom, at most three beside each other.
    pub const DOWN: Look = Look { flow: Flow::Down, limit: MOST_NODES, text_width: 230, layer: 3 };
    /// From left to right, any number below each other.
    pub const RIGHT: Look =
        Look { flow: Flow::Right, limit: MOST_NODES, text_width: 210, layer: MOST_NODES };
}

/// The graph as a picture.
pub fn graph(graph: &Graph, look: &Look) -> Drawing {
    let shown = layers::Shown::of(graph, look);
    let boxes = measure::boxes(&shown, look);
    let mut net = layers::net(&shown, &boxes, look);
    order::settle(&mut net);
    let places = place::places(&net);
    paint::paint(graph, &shown, &boxes, &net, &places, look)
}

/// The strip as a picture.
pub fn strip(strip: &Strip) -> Drawing {
    strip::draw(strip)
}
