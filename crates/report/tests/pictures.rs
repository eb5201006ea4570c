//! Pictures: every graph becomes one, however it is knotted, and nothing from a log gets out of it.

#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use support::hostile::ATTACK;
use trailhound_model::time::{MINUTE, Time};
use trailhound_report::{
    sanitize::is_hidden,
    svg::{self, Edge, Graph, Key, Lane, Line, Look, Mark, Node, Sample, Shape, Strip, Tone},
};

fn node(id: &str, title: &str, shape: Shape) -> Node {
    Node { id: id.into(), title: title.into(), shape, ..Node::default() }
}

fn edge(from: &str, to: &str, label: &str) -> Edge {
    Edge { from: from.into(), to: to.into(), label: label.into(), ..Edge::default() }
}

/// An application: one of each shape, a long arrow, a circle, a loop.
fn shop() -> Graph {
    let mut nodes = vec![
        node("user", "alice@example.com", Shape::Round),
        node("deploy", "deployment shop/cart", Shape::Hexagon),
        node("sa", "service account shop/cart", Shape::Round),
        node("role", "cluster role cart-legacy", Shape::Document),
        node("secret", "secret shop/db", Shape::Cylinder),
        node("pods", "3 pods, node-1 and node-2", Shape::Hexagon),
        node("service", "service shop/cart", Shape::Box),
    ];
    nodes[3].tone = Tone::High;
    nodes[3].mark = "Wide".into();
    nodes[3].lines = vec![
        Line::new("may read every secret in every namespace of the cluster", Tone::High),
        "never used in the last 30 days".into(),
    ];
    Graph {
        title: "Application shop/cart".into(),
        edges: vec![
            edge("user", "deploy", "deploys"),
            edge("deploy", "pods", "runs"),
            edge("pods", "sa", "act as"),
            edge("sa", "role", "holds by binding cart-legacy"),
            edge("deploy", "secret", "mounts"),
            edge("service", "pods", "sends requests to"),
            edge("role", "secret", "could read"),
            Edge { dashed: true, tone: Tone::Medium, ..edge("sa", "deploy", "could change") },
            edge("pods", "pods", "talk to each other"),
        ],
        nodes,
        legend: vec![
            Key { sample: Sample::Node(Shape::Round, Tone::Plain), text: "identity".into() },
            Key {
                sample: Sample::Edge { dashed: true, tone: Tone::Medium },
                text: "inferred".into(),
            },
            Key { sample: Sample::Dot(Tone::High), text: "a standing risk".into() },
        ],
        ..Graph::default()
    }
}

/// Writes what is drawn where somebody wants to look at it.
fn look_at(name: &str, svg: &str) {
    if let Ok(folder) = std::env::var("TRAILHOUND_LOOK") {
        std::fs::write(format!("{folder}/{name}.svg"), svg).unwrap();
    }
}

/// Every tag is closed in order, and no attribute value ends early.
fn assert_well_formed(svg: &str) {
    let body = svg.split_once("</style>").map_or(svg, |(_, body)| body);
    let mut open = vec!["svg"];
    for rest in body.split('<').skip(1) {
        let (tag, text) = rest.split_once('>').unwrap();
        assert!(!text.contains('>'), "{text}");
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
        let numbers = tag.replace("g-info", "");
        assert!(!numbers.contains("NaN") && !numbers.contains("inf"), "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        assert!(
            ["svg", "g", "title", "desc", "rect", "path", "text", "circle", "polygon", "line"]
                .contains(&name),
            "{tag}"
        );
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(!svg.chars().any(|character| is_hidden(character) && character != '\n'));
}

#[test]
fn an_application_is_drawn_the_same_every_time() {
    for (name, look) in [("shop_down", Look::DOWN), ("shop_right", Look::RIGHT)] {
        let svg = svg::graph(&shop(), &look).standalone();
        assert_well_formed(&svg);
        assert_eq!(svg, svg::graph(&shop(), &look).standalone());
        assert!(svg.contains("<title>Application shop/cart</title>"));
        assert!(svg.contains("deployment shop/cart: runs: 3 pods, node-1 and node-2."));
        assert!(svg.contains("↻ talk to each other"));
        look_at(name, &svg);
    }
}

#[test]
fn what_does_not_fit_is_counted() {
    let name = |index: usize| format!("secret:shop/{index}");
    let graph = Graph {
        nodes: (0..90).map(|index| node(&name(index), &name(index), Shape::Cylinder)).collect(),
        edges: (1..90).map(|index| edge(&name(0), &name(index), "reads")).collect(),
        left_out: 10,
        ..Graph::default()
    };
    let svg = svg::graph(&graph, &Look::RIGHT).standalone();
    assert!(svg.contains("Not drawn: 40 nodes and 30 arrows."), "{svg}");
    look_at("fan", &svg);
    let few = Graph { nodes: graph.nodes.into_iter().take(12).collect(), ..graph };
    look_at("fan_down", &svg::graph(&few, &Look::DOWN).standalone());
}

#[test]
fn an_attack_in_every_text_stays_text() {
    let mut graph = shop();
    let attack = |text: &mut String| text.push_str(ATTACK);
    attack(&mut graph.title);
    for node in &mut graph.nodes {
        attack(&mut node.title);
        attack(&mut node.mark);
        attack(&mut node.kind);
        node.lines.iter_mut().for_each(|line| attack(&mut line.text));
    }
    graph.edges.iter_mut().for_each(|edge| attack(&mut edge.label));
    graph.legend.iter_mut().for_each(|key| attack(&mut key.text));
    let svg = svg::graph(&graph, &Look::DOWN).standalone();
    assert_well_formed(&svg);
    assert!(svg.contains("&lt;script&gt;"));
}

#[test]
fn acts_over_time_are_a_strip() {
    let lane = |name: &str, at: &[i64]| Lane {
        title: format!("{name}{ATTACK}"),
        marks: at
            .iter()
            .map(|minute| Mark {
                from: Time(minute * MINUTE),
                to: Time((minute + 1) * MINUTE),
                tone: Tone::High,
                text: ATTACK.into(),
            })
            .collect(),
    };
    let strip =
        Strip { lanes: vec![lane("bob", &[0, 3]), lane("cart", &[4, 9])], ..Strip::default() };
    let svg = svg::strip(&strip).standalone();
    assert_well_formed(&svg);
    look_at("strip", &svg);
    assert_well_formed(&svg::strip(&Strip::default()).standalone());
    assert_well_formed(&svg::graph(&Graph::default(), &Look::RIGHT).standalone());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_knot_is_drawn(ends in prop::collection::vec((0u8..20, 0u8..20, "[a-z ]{0,30}"), 0..60), layer in 0usize..6) {
        let graph = Graph {
            nodes: (0..18).map(|id: u8| node(&id.to_string(), "n", Shape::Box)).collect(),
            edges: ends.iter().map(|(from, to, label)| edge(&from.to_string(), &to.to_string(), label)).collect(),
            ..Graph::default()
        };
        for look in [Look { layer, ..Look::DOWN }, Look::RIGHT] {
            assert_well_formed(&svg::graph(&graph, &look).standalone());
        }
    }
}
