//! From a graph to layers: what is shown, which arrows are turned round so that no circle is left,
//! in which layer each node stands, and the joints through which long arrows pass. Labels are
//! joints with a size in the ranks between the layers, so that nothing is ever drawn over them.

use super::{
    Edge, Flow, Graph, Line, Look, MOST_EDGES, Node, Tone,
    measure::{self, Bulk, SMALL},
};
use std::collections::{BTreeMap, BTreeSet};

/// Room for a label.
const LABEL_WIDTH: usize = 150;

/// The part of a graph that is drawn.
pub(crate) struct Shown {
    pub(crate) nodes: Vec<Node>,
    /// Ends as places in `nodes`, which edge, and whether it was turned round.
    pub(crate) edges: Vec<Arrow>,
    pub(crate) nodes_left_out: u64,
    pub(crate) edges_left_out: u64,
}

/// An edge that is drawn.
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) edge: Edge,
    /// It leads from a later layer to an earlier one.
    pub(crate) turned: bool,
}

impl Arrow {
    /// Its ends, earlier layer first.
    pub(crate) fn ends(&self) -> (usize, usize) {
        if self.turned { (self.to, self.from) } else { (self.from, self.to) }
    }
}

impl Shown {
    pub(crate) fn of(graph: &Graph, look: &Look) -> Shown {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut nodes: Vec<Node> = Vec::new();
        let mut nodes_left_out = graph.left_out;
        for node in &graph.nodes {
            if places.contains_key(node.id.as_str()) {
                continue;
            }
            if nodes.len() >= look.limit.max(1) {
                nodes_left_out += 1;
                continue;
            }
            places.insert(&node.id, nodes.len());
            nodes.push(node.clone());
        }
        let mut shown = Shown { nodes, edges: Vec::new(), nodes_left_out, edges_left_out: 0 };
        shown.add_edges(&graph.edges, &places);
        shown.turn();
        shown
    }

    fn add_edges(&mut self, edges: &[Edge], places: &BTreeMap<&str, usize>) {
        let mut seen = BTreeSet::new();
        for edge in edges {
            let ends = (places.get(edge.from.as_str()), places.get(edge.to.as_str()));
            let (Some(&from), Some(&to)) = ends else {
                self.edges_left_out += 1;
                continue;
            };
            if !seen.insert((from, to, edge.label.as_str())) {
                continue;
            }
            if from == to {
                self.nodes[from].lines.push(loop_line(edge));
            } else if self.edges.len() >= MOST_EDGES {
                self.edges_left_out += 1;
            } else {
                self.edges.push(Arrow { from, to, edge: edge.clone(), turned: false });
            }
        }
    }

    /// Turns the arrows that close a circle, as a walk in the order of the nodes meets them.
    fn turn(&mut self) {
        let mut state = vec![0_u8; self.nodes.len()];
        for start in 0..self.nodes.len() {
            if state[start] == 0 {
                self.walk(start, &mut state);
            }
        }
    }

    /// `state`: 0 not met, 1 on the way, 2 done.
    fn walk(&mut self, start: usize, state: &mut [u8]) {
        state[start] = 1;
        let mut way = vec![(start, 0)];
        while let Some((node, next)) = way.last_mut() {
            let Some(arrow) = self.edges.get_mut(*next) else {
                state[*node] = 2;
                way.pop();
                continue;
            };
            *next += 1;
            if arrow.from != *node || arrow.turned {
                continue;
            }
            match state[arrow.to] {
                0 => {
                    state[arrow.to] = 1;
                    way.push((arrow.to, 0));
                }
                1 => arrow.turned = true,
                _ => {}
            }
        }
    }

    /// The layer of each node: the longest way to it, unless that layer is full; what nothing leads
    /// to stands right before what it leads to.
    fn layers(&self, most: usize) -> Vec<usize> {
        let mut layers = vec![0_usize; self.nodes.len()];
        for node in self.sorted() {
            let before = self.edges.iter().map(Arrow::ends).filter(|(_, to)| *to == node);
            let least = before.map(|(from, _)| layers[from] + 1).max().unwrap_or(0);
            layers[node] = least;
        }
        for node in 0..self.nodes.len() {
            let led_to = self.edges.iter().any(|arrow| arrow.ends().1 == node);
            let after = self.edges.iter().map(Arrow::ends).filter(|(from, _)| *from == node);
            if let (false, Some(first)) = (led_to, after.map(|(_, to)| layers[to]).min()) {
                layers[node] = first.saturating_sub(1);
            }
        }
        self.spread(&layers, most.max(1))
    }

    /// Moves what has no room in its layer to the next that has, with all that follows from it.
    fn spread(&self, wanted: &[usize], most: usize) -> Vec<usize> {
        let mut order = self.sorted();
        order.sort_by_key(|node| wanted[*node]);
        let mut layers = vec![0; self.nodes.len()];
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        for node in order {
            let before = self.edges.iter().map(Arrow::ends).filter(|(_, to)| *to == node);
            let mut layer = before.map(|(from, _)| layers[from] + 1).fold(wanted[node], usize::max);
            while taken.get(&layer).is_some_and(|count| *count >= most) {
                layer += 1;
            }
            *taken.entry(layer).or_default() += 1;
            layers[node] = layer;
        }
        layers
    }

    /// The nodes so that every arrow leads forward; in their own order where that leaves a choice.
    fn sorted(&self) -> Vec<usize> {
        let mut done = vec![false; self.nodes.len()];
        let mut order = Vec::with_capacity(self.nodes.len());
        while order.len() < self.nodes.len() {
            let ready = |node: &usize| {
                !done[*node]
                    && self
                        .edges
                        .iter()
                        .map(Arrow::ends)
                        .all(|(from, to)| to != *node || done[from])
            };
            // There is no circle left, so there is always one; if not, take any.
            let next =
                (0..self.nodes.len()).find(ready).or_else(|| done.iter().position(|done| !done));
            let Some(next) = next else { break };
            done[next] = true;
            order.push(next);
        }
        order
    }
}

fn loop_line(edge: &Edge) -> Line {
    Line::new(format!("↻ {}", edge.label), if edge.dashed { Tone::Muted } else { edge.tone })
}

/// What stands in a rank.
pub(crate) enum What {
    Node,
    Label(Vec<String>),
    Bend,
}

/// Something that stands in a rank.
pub(crate) struct Item {
    pub(crate) what: What,
    pub(crate) rank: usize,
    /// Size beside its neighbours in the rank.
    pub(crate) breadth: f64,
    /// Size from rank to rank.
    pub(crate) depth: f64,
}

/// The graph in ranks. Even ranks hold nodes, odd ones labels.
pub(crate) struct Net {
    /// The nodes first, in their order.
    pub(crate) items: Vec<Item>,
    /// Items of each rank, in order.
    pub(crate) ranks: Vec<Vec<usize>>,
    /// Each arrow as the items it passes, from the earlier rank to the later.
    pub(crate) ways: Vec<Vec<usize>>,
}

impl Net {
    fn add(&mut self, item: Item) -> usize {
        let place = self.items.len();
        while self.ranks.len() <= item.rank {
            self.ranks.push(Vec::new());
        }
        self.ranks[item.rank].push(place);
        self.items.push(item);
        place
    }
}

/// Puts what is shown into ranks.
pub(crate) fn net(shown: &Shown, boxes: &[Bulk], look: &Look) -> Net {
    let mut net = Net { items: Vec::new(), ranks: Vec::new(), ways: Vec::new() };
    for (layer, bulk) in shown.layers(look.layer).into_iter().zip(boxes) {
        let (breadth, depth) = across(bulk.width, bulk.height, look.flow);
        net.add(Item { what: What::Node, rank: layer * 2, breadth, depth });
    }
    for arrow in &shown.edges {
        let (first, last) = arrow.ends();
        let (from, to) = (net.items[first].rank, net.items[last].rank);
        let mut way = vec![first];
        // The label stands in the odd rank nearest to the middle.
        let middle = usize::midpoint(from, to) | 1;
        for rank in from + 1..to {
            let item = if rank == middle { label(arrow, rank, look.flow) } else { bend(rank) };
            way.push(net.add(item));
        }
        way.push(last);
        net.ways.push(way);
    }
    net
}

fn bend(rank: usize) -> Item {
    Item { what: What::Bend, rank, breadth: 8.0, depth: 0.0 }
}

fn label(arrow: &Arrow, rank: usize, flow: Flow) -> Item {
    let lines = measure::lines(&arrow.edge.label, LABEL_WIDTH, SMALL, false);
    if lines.is_empty() {
        return bend(rank);
    }
    let wide = lines.iter().map(|line| measure::width(line, SMALL, false)).fold(0.0, f64::max);
    let (breadth, depth) = across(wide + 8.0, lines.len() as f64 * 14.0 + 4.0, flow);
    Item { what: What::Label(lines), rank, breadth, depth }
}

/// Width and height as breadth and depth.
fn across(width: f64, height: f64, flow: Flow) -> (f64, f64) {
    match flow {
        Flow::Down => (width, height),
        Flow::Right => (height, width),
    }
}
