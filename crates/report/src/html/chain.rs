//! Lays out how a breach moved: hops that follow one another become one chain, a branch starts a
//! chain of its own. Each hop is drawn once.

use crate::{sanitize, words};
use trailhound_model::incident::Hop;

/// One end of a hop.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) icon: &'static str,
    pub(crate) kind: String,
    /// In pieces between which a line may be broken.
    pub(crate) name: Vec<String>,
}

impl Node {
    pub(crate) fn of(entity: &str) -> Node {
        let clean = sanitize::prose(entity);
        let (kind, name) = words::entity(&clean);
        let (kind, name) = match (name, name.strip_suffix("/*")) {
            ("*", _) => (format!("every {kind}"), ""),
            (_, Some(namespace)) => (format!("every {kind} in"), namespace),
            _ => (kind.to_owned(), name),
        };
        Node { icon: icon(entity), kind, name: pieces(name) }
    }
}

fn pieces(name: &str) -> Vec<String> {
    name.split_inclusive(['/', '@', ':', '.']).map(str::to_owned).collect()
}

/// An arrow and what it leads to.
pub(crate) struct Link {
    pub(crate) movement: String,
    pub(crate) sure: String,
    pub(crate) sentence: String,
    pub(crate) to: Node,
}

/// Hops that follow one another.
pub(crate) struct Chain {
    pub(crate) start: Node,
    pub(crate) links: Vec<Link>,
}

impl Chain {
    /// Whether it is too long to stand in one line of a page.
    pub(crate) fn is_long(&self) -> bool {
        self.links.len() > 3
    }
}

/// The chains of these hops, in the order in which they begin.
pub(crate) fn chains(hops: &[Hop]) -> Vec<Chain> {
    let mut left: Vec<&Hop> = hops.iter().collect();
    let mut chains = Vec::new();
    while !left.is_empty() {
        let first = left.remove(0);
        let mut chain = Chain { start: Node::of(&first.from), links: vec![link(first)] };
        let mut end = first.to.as_str();
        while let Some(index) = left.iter().position(|hop| hop.from == end) {
            let next = left.remove(index);
            chain.links.push(link(next));
            end = &next.to;
        }
        chains.push(chain);
    }
    chains
}

fn link(hop: &Hop) -> Link {
    Link {
        movement: sanitize::prose(words::movement(&hop.kind)),
        sure: words::sureness(hop.confidence).to_owned(),
        sentence: sanitize::prose(&words::sentence(&hop.sentence)),
        to: Node::of(&hop.to),
    }
}

fn icon(entity: &str) -> &'static str {
    match entity.split(':').next().unwrap_or_default() {
        "user" => "i-person",
        "sa" | "serviceaccount" => "i-gear",
        "node" => "i-server",
        "secret" | "cred" | "token" => "i-key",
        "ip" => "i-globe",
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => "i-shield",
        _ => "i-box",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(from: &str, to: &str) -> Hop {
        Hop { from: from.into(), to: to.into(), ..Hop::default() }
    }

    fn drawn(hops: &[Hop]) -> Vec<String> {
        let line = |chain: &Chain| {
            let names = chain.links.iter().map(|link| link.to.name.concat());
            std::iter::once(chain.start.name.concat()).chain(names).collect::<Vec<_>>().join(">")
        };
        chains(hops).iter().map(line).collect()
    }

    #[test]
    fn a_branch_starts_its_own_chain_and_a_circle_ends() {
        assert_eq!(drawn(&[hop("a", "b"), hop("b", "c"), hop("b", "d")]), ["a>b>c", "b>d"]);
        assert_eq!(drawn(&[hop("a", "b"), hop("b", "a"), hop("a", "a")]), ["a>b>a>a"]);
        assert!(drawn(&[]).is_empty());
    }
}
