//! The compiled tree, split into phases, against a naive evaluator of the same expression.

use crate::support::{FakeBodies, FakeHistory, event, truth_with};
use proptest::prelude::*;
use trailhound_model::lookup::Truth;

/// Conditions whose truth on the test event is known.
const ATOMS: &[(&str, Truth)] = &[
    ("event.verb == \"create\"", Truth::True),
    ("event.code in [200]", Truth::True),
    ("principal.groups.exists(g, g == \"dev\")", Truth::True),
    ("event.userAgent.contains(\"kubectl\")", Truth::True),
    ("event.verb != \"create\"", Truth::False),
    ("\"admin\" in principal.groups", Truth::False),
    ("principal.impersonated", Truth::False),
    ("workload.privileged", Truth::Unknown),
    ("workload.images.all(i, i == \"x\")", Truth::Unknown),
];

const HISTORY: &[(&str, Truth)] = &[
    ("history.priorActions > 2", Truth::True),
    ("history.priorRequests > 2", Truth::False),
    ("history.addressIsNew", Truth::Unknown),
];

#[derive(Clone, Debug)]
enum Tree {
    Atom(&'static str, Truth),
    Not(Box<Tree>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

impl Tree {
    fn text(&self) -> String {
        let joined = |parts: &[Tree], by: &str| {
            let all: Vec<_> = parts.iter().map(|part| format!("({})", part.text())).collect();
            all.join(by)
        };
        match self {
            Tree::Atom(text, _) => (*text).to_owned(),
            Tree::Not(part) => format!("!({})", part.text()),
            Tree::And(parts) => joined(parts, " && "),
            Tree::Or(parts) => joined(parts, " || "),
        }
    }

    /// 0 is false, 1 unknown, 2 true: Kleene's logic is minimum, maximum and mirror.
    fn level(&self) -> u8 {
        match self {
            Tree::Atom(_, truth) => match truth {
                Truth::False => 0,
                Truth::Unknown => 1,
                Truth::True => 2,
            },
            Tree::Not(part) => 2 - part.level(),
            Tree::And(parts) => parts.iter().map(Tree::level).min().unwrap(),
            Tree::Or(parts) => parts.iter().map(Tree::level).max().unwrap(),
        }
    }

    fn truth(&self) -> Truth {
        [Truth::False, Truth::Unknown, Truth::True][usize::from(self.level())]
    }
}

fn tree(atoms: Vec<(&'static str, Truth)>) -> impl Strategy<Value = Tree> {
    let leaf = prop::sample::select(atoms).prop_map(|(text, truth)| Tree::Atom(text, truth));
    leaf.prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| Tree::Not(Box::new(part))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Tree::And),
            prop::collection::vec(inner, 1..4).prop_map(Tree::Or),
        ]
    })
}

fn engine(tree: &Tree) -> Truth {
    let history = FakeHistory { actions: 3, requests: 1, truth: Truth::Unknown };
    truth_with(&tree.text(), &event("create", "", "pods", ""), &FakeBodies::default(), &history)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_engine_agrees_with_a_naive_evaluator(tree in tree(ATOMS.to_vec())) {
        prop_assert_eq!(engine(&tree), tree.truth(), "{}", tree.text());
    }

    /// What is undecided without history is given up before history could disprove it, so only
    /// firing has to agree.
    #[test]
    fn with_history_it_fires_exactly_when_the_whole_is_true(
        tree in tree([ATOMS, HISTORY].concat())
    ) {
        let fires = engine(&tree) == Truth::True;
        prop_assert_eq!(fires, tree.truth() == Truth::True, "{}", tree.text());
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in ".{0,200}") {
        let _ = trailhound_rules::native::compile(&text);
    }

    #[test]
    fn no_mixture_of_tokens_makes_the_compiler_panic(
        tokens in prop::collection::vec(prop::sample::select(TOKENS.to_vec()), 0..40)
    ) {
        let _ = trailhound_rules::native::compile(&tokens.join(" "));
    }

    #[test]
    fn no_file_makes_the_loader_panic(text in "(id|when|on|adjust|[a-z]{1,9}|: |\\||- |\n|  |\\{|\\}|\"|.){0,60}") {
        let _ = trailhound_rules::RuleSet::load(&[("r.yaml", &text)]);
    }
}

const TOKENS: &[&str] = &[
    "event",
    ".",
    "verb",
    "event.verb",
    "event.code",
    "principal.groups",
    "(",
    ")",
    "[",
    "]",
    "!",
    "&&",
    "||",
    "==",
    "in",
    "<",
    "\"a\"",
    "'",
    "1",
    "-",
    "has",
    "size",
    "exists",
    "x",
    ",",
    "?",
    ":",
    "event.requestObject",
    "contains",
    "matches",
    "\"(\"",
    "{",
    "}",
    "null",
    "1.5",
    "//",
    "\n",
];
