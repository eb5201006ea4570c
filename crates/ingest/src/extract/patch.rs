//! A JSON patch as the object that it sets, so that one extraction serves every way to change an
//! object.
//!
//! Only what a patch writes is known from it, so operations that move or copy what we do not see
//! are left out. Indices name places in a list that we do not have: each index becomes one element
//! of a list of our own, and `-` always a new one.

use crate::tree::Tree;
use std::borrow::Cow;

/// Operations that are looked at; a patch of more is no administrator's.
const MAX_OPERATIONS: usize = 1000;
/// Steps of a path.
const MAX_STEPS: usize = 32;

/// The object that a patch sets.
pub(super) fn as_object<'a>(operations: &[Tree<'a>]) -> Tree<'a> {
    let mut root = Node::default();
    for (index, operation) in operations.iter().take(MAX_OPERATIONS).enumerate() {
        let value = match operation.get("op").text() {
            "add" | "replace" => operation.get("value").clone(),
            "remove" => Tree::Null,
            _ => continue,
        };
        let path = steps(operation.get("path").text(), index);
        if path.len() <= MAX_STEPS {
            root.set(&path, value);
        }
    }
    root.into_tree()
}

/// Steps of a JSON pointer; `-` is made unique by the operation's index.
fn steps(path: &str, operation: usize) -> Vec<String> {
    let unescape = |step: &str| match step {
        "-" => format!("-{operation}"),
        _ => step.replace("~1", "/").replace("~0", "~"),
    };
    path.split('/').skip(1).map(unescape).collect()
}

/// A place that the patch writes to, or that lies on the way there.
#[derive(Default)]
struct Node<'a> {
    value: Option<Tree<'a>>,
    children: Vec<(String, Node<'a>)>,
}

impl<'a> Node<'a> {
    fn set(&mut self, path: &[String], value: Tree<'a>) {
        let Some((step, rest)) = path.split_first() else {
            self.children.clear();
            self.value = Some(value);
            return;
        };
        let known = self.children.iter().position(|(name, _)| name == step);
        let index = known.unwrap_or(self.children.len());
        if known.is_none() {
            self.children.push((step.clone(), Node::default()));
        }
        if let Some((_, child)) = self.children.get_mut(index) {
            child.set(rest, value);
        }
    }

    fn into_tree(self) -> Tree<'a> {
        if self.children.is_empty() {
            return self.value.unwrap_or_default();
        }
        let is_list = self.children.iter().all(|(step, _)| is_index(step));
        let (mut fields, mut elements) = match self.value {
            Some(Tree::Object(fields)) => (fields, Vec::new()),
            Some(Tree::List(elements)) => (Vec::new(), elements),
            _ => (Vec::new(), Vec::new()),
        };
        for (step, child) in self.children {
            if is_list {
                elements.push(child.into_tree());
            } else {
                fields.push((Cow::Owned(step), child.into_tree()));
            }
        }
        if is_list { Tree::List(elements) } else { Tree::Object(fields) }
    }
}

fn is_index(step: &str) -> bool {
    let digits = step.strip_prefix('-').unwrap_or(step);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
