//! The order within each rank: items go to the middle of what they are joined to, down and up in
//! turn, and the order with the fewest crossings is kept.

use super::layers::Net;

/// Sweeps over all ranks; the order hardly changes after a few.
const SWEEPS: usize = 24;

/// Orders the ranks of a net.
pub(crate) fn settle(net: &mut Net) {
    let joints = joints(net);
    let mut best = (crossings(&net.ranks, &joints), net.ranks.clone());
    let mut ranks = net.ranks.clone();
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        one_sweep(&mut ranks, &joints, sweep % 2 == 0);
        let count = crossings(&ranks, &joints);
        if count < best.0 {
            best = (count, ranks.clone());
        }
    }
    net.ranks = best.1;
}

/// What each item is joined to in the rank before and in the rank after it.
pub(crate) struct Joints {
    pub(crate) before: Vec<Vec<usize>>,
    pub(crate) after: Vec<Vec<usize>>,
}

/// The joints of a net.
pub(crate) fn joints(net: &Net) -> Joints {
    let none = vec![Vec::new(); net.items.len()];
    let mut joints = Joints { before: none.clone(), after: none };
    for way in &net.ways {
        for (from, to) in way.iter().zip(way.iter().skip(1)) {
            joints.after[*from].push(*to);
            joints.before[*to].push(*from);
        }
    }
    joints
}

/// Where each item stands in its rank.
fn positions(ranks: &[Vec<usize>], items: usize) -> Vec<usize> {
    let mut positions = vec![0; items];
    for rank in ranks {
        for (position, item) in rank.iter().enumerate() {
            positions[*item] = position;
        }
    }
    positions
}

fn one_sweep(ranks: &mut [Vec<usize>], joints: &Joints, down: bool) {
    let neighbours = if down { &joints.before } else { &joints.after };
    let count = ranks.len();
    for step in 1..count {
        let rank = if down { step } else { count - 1 - step };
        let positions = positions(ranks, neighbours.len());
        let middle = |item: usize| -> f64 {
            let around = &neighbours[item];
            if around.is_empty() {
                return positions[item] as f64;
            }
            around.iter().map(|other| positions[*other] as f64).sum::<f64>() / around.len() as f64
        };
        ranks[rank].sort_by(|a, b| middle(*a).total_cmp(&middle(*b)));
    }
}

/// How often lines between neighbouring ranks cross.
fn crossings(ranks: &[Vec<usize>], joints: &Joints) -> usize {
    let positions = positions(ranks, joints.after.len());
    let mut count = 0;
    for rank in ranks {
        let mut seen: Vec<usize> = Vec::new();
        for item in rank {
            let ends: Vec<usize> =
                joints.after[*item].iter().map(|other| positions[*other]).collect();
            count += ends.iter().map(|end| seen.iter().filter(|e| *e > end).count()).sum::<usize>();
            seen.extend(ends);
        }
    }
    count
}
