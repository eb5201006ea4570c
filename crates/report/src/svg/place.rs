//! Where things stand: every item is drawn to the middle of its neighbours as far as the order of
//! its rank and the room between neighbours allow. For one rank this is a regression under an
//! order, which pooling of adjacent violators solves exactly; a few rounds over all ranks settle.

use super::{
    layers::{Net, What},
    order::{Joints, joints},
};

/// Rounds over all ranks.
const ROUNDS: usize = 80;
/// Room between neighbours of a rank.
const ROOM: f64 = 22.0;
/// Room between ranks.
const STEP: f64 = 18.0;

/// Where everything stands: `middle` beside the neighbours, `start` and `end` of each rank.
pub(crate) struct Places {
    pub(crate) middle: Vec<f64>,
    pub(crate) start: Vec<f64>,
    pub(crate) end: Vec<f64>,
    pub(crate) breadth: f64,
    pub(crate) depth: f64,
}

/// The places of a net whose ranks are in order.
pub(crate) fn places(net: &Net) -> Places {
    let joints = joints(net);
    let mut middle = vec![0.0; net.items.len()];
    for rank in &net.ranks {
        settle(net, rank, &mut middle, |_| 0.0);
    }
    for round in 0..ROUNDS {
        let ranks: Box<dyn Iterator<Item = &Vec<usize>>> = if round % 2 == 0 {
            Box::new(net.ranks.iter())
        } else {
            Box::new(net.ranks.iter().rev())
        };
        for rank in ranks {
            let wanted: Vec<f64> =
                rank.iter().map(|item| pull(net, *item, &joints, &middle)).collect();
            settle(net, rank, &mut middle, |place| wanted[place]);
        }
    }
    let edge =
        |side: f64| move |(item, at): (usize, &f64)| at + side * net.items[item].breadth / 2.0;
    let least = middle.iter().enumerate().map(edge(-1.0)).fold(f64::INFINITY, f64::min);
    let most = middle.iter().enumerate().map(edge(1.0)).fold(f64::NEG_INFINITY, f64::max);
    if net.items.is_empty() {
        return Places { middle, start: Vec::new(), end: Vec::new(), breadth: 0.0, depth: 0.0 };
    }
    for at in &mut middle {
        *at -= least;
    }
    let (start, end) = along(net, &joints, &middle);
    let depth = end.last().copied().unwrap_or(0.0);
    Places { middle, start, end, breadth: most - least, depth }
}

/// The middle of what an item is joined to; itself, if to nothing. What has one neighbour wants to
/// stand before it more than what has many, and the joints of a long arrow want to be straight.
fn pull(net: &Net, item: usize, joints: &Joints, middle: &[f64]) -> f64 {
    let is_joint = |item: usize| !matches!(net.items[item].what, What::Node);
    let force = |other: usize, sharing: usize| {
        let straight = match (is_joint(item), is_joint(other)) {
            (true, true) => 8.0,
            (false, false) => 1.0,
            _ => 2.0,
        };
        (middle[other], straight / sharing.max(1) as f64)
    };
    let before = joints.before[item].iter().map(|other| force(*other, joints.after[*other].len()));
    let after = joints.after[item].iter().map(|other| force(*other, joints.before[*other].len()));
    let add = |(sum, all): (f64, f64), (at, force): (f64, f64)| (sum + at * force, all + force);
    let (sum, all) = before.chain(after).fold((0.0, 0.0), add);
    if all > 0.0 { sum / all } else { middle[item] }
}

/// Long arrows should be straight rather than their ends in the middle.
fn weight(what: &What) -> f64 {
    match what {
        What::Bend => 4.0,
        What::Label(_) => 2.0,
        What::Node => 1.0,
    }
}

/// Items that move together.
struct Pool {
    sum: f64,
    weight: f64,
    members: usize,
}

/// Moves the items of a rank as near as can be to where they want to be.
fn settle(net: &Net, rank: &[usize], middle: &mut [f64], wanted: impl Fn(usize) -> f64) {
    let mut offsets = Vec::with_capacity(rank.len());
    let mut offset = 0.0;
    let mut before = 0.0;
    for (place, item) in rank.iter().enumerate() {
        let half = net.items[*item].breadth / 2.0;
        if place > 0 {
            offset += before + half + ROOM;
        }
        before = half;
        offsets.push(offset);
    }
    let mut pools: Vec<Pool> = Vec::new();
    for (place, item) in rank.iter().enumerate() {
        let weight = weight(&net.items[*item].what);
        let target = wanted(place) - offsets[place];
        pools.push(Pool { sum: target * weight, weight, members: 1 });
        while let [.., a, b] = pools.as_slice()
            && a.sum / a.weight > b.sum / b.weight
        {
            let joined = Pool {
                sum: a.sum + b.sum,
                weight: a.weight + b.weight,
                members: a.members + b.members,
            };
            pools.truncate(pools.len() - 2);
            pools.push(joined);
        }
    }
    let at =
        pools.iter().flat_map(|pool| std::iter::repeat_n(pool.sum / pool.weight, pool.members));
    for ((item, at), offset) in rank.iter().zip(at).zip(&offsets) {
        middle[*item] = at + offset;
    }
}

/// Start and end of each rank; arrows that go far to the side get more room to bend.
fn along(net: &Net, joints: &Joints, middle: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut start = Vec::new();
    let mut end: Vec<f64> = Vec::new();
    for rank in &net.ranks {
        let far = rank
            .iter()
            .flat_map(|item| joints.before[*item].iter().map(|from| middle[*from] - middle[*item]))
            .fold(0.0, |far: f64, by| far.max(by.abs()));
        let begin = end.last().map_or(0.0, |end| end + STEP + (far * 0.1).min(30.0));
        let depth = rank.iter().map(|item| net.items[*item].depth).fold(0.0, f64::max);
        start.push(begin);
        end.push(begin + depth);
    }
    (start, end)
}
