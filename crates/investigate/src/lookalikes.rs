//! Names that a log knows and that look like one that it does not: a typing error should cost one
//! more try, not a search.

use crate::subject;
use std::collections::BTreeSet;
use trailhound_model::{entity, fact::Fact};

/// Names that are remembered.
const MOST_NAMES: usize = 200_000;
/// Longer names are not remembered.
const LONGEST: usize = 300;
/// Suggestions.
const MOST_SUGGESTIONS: usize = 5;

/// Names that a log knows.
#[derive(Clone, Debug, Default)]
pub struct Names {
    names: BTreeSet<String>,
}

impl Names {
    /// Takes the next request.
    pub fn observe(&mut self, fact: &Fact) {
        if self.names.len() >= MOST_NAMES {
            return;
        }
        self.add(fact.principal.effective.entity());
        if let Some(real) = &fact.principal.real {
            self.add(real.entity());
        }
        if let Some(object) = &fact.event.object {
            let name = subject::object_name(fact);
            if !name.is_empty() {
                self.add(entity::object(&object.resource, &object.namespace, name));
            }
            if !object.namespace.is_empty() {
                self.add(entity::namespace(&object.namespace));
            }
        }
        if !fact.credential.pod.is_empty() {
            let actor = fact.principal.actor();
            self.add(entity::pod(&actor.namespace, &fact.credential.pod));
        }
        if !fact.credential.id.is_empty() {
            self.add(entity::credential(&fact.credential.id));
        }
        if !fact.event.source_ip().is_empty() {
            self.add(entity::ip(fact.event.source_ip()));
        }
    }

    fn add(&mut self, name: String) {
        if name.len() <= LONGEST && !self.names.contains(&name) {
            self.names.insert(name);
        }
    }

    /// The names that are most like this one, best first; none if nothing is near.
    pub fn like(&self, wanted: &str) -> Vec<String> {
        let wanted = wanted.to_lowercase();
        let mut near: Vec<(usize, &String)> =
            self.names.iter().filter_map(|name| Some((score(&wanted, name)?, name))).collect();
        near.sort();
        near.into_iter().take(MOST_SUGGESTIONS).map(|(_, name)| name.clone()).collect()
    }
}

/// Less is nearer; `None` is not near at all.
fn score(wanted: &str, name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let (kind, own) = split(wanted);
    let (other_kind, other) = split(&name);
    let far = usize::from(kind != other_kind) * 3;
    if own == other {
        return Some(far);
    }
    let base = own.rsplit('/').next().unwrap_or(own);
    let other_base = other.rsplit('/').next().unwrap_or(other);
    if base.len() >= 3
        && (other_base.starts_with(base) || base.starts_with(other_base) && other_base.len() >= 3)
    {
        return Some(far + 1 + usize::from(base != other_base));
    }
    let allowed = ((own.chars().count() + 1) / 3).clamp(1, 4);
    let steps = distance(own, other, allowed)?;
    Some(far + 2 + steps)
}

fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

/// Insertions, deletions, replacements and swaps from one text to the other, if at most `most`.
fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = (0..=b.len()).collect();
    for (row, x) in a.iter().enumerate() {
        let mut now = vec![row + 1];
        for (column, y) in b.iter().enumerate() {
            let replaced = before.get(column).copied().unwrap_or(most) + usize::from(x != y);
            let deleted = before.get(column + 1).copied().unwrap_or(most) + 1;
            let inserted = now.last().copied().unwrap_or(most) + 1;
            now.push(replaced.min(deleted).min(inserted));
        }
        before = now;
    }
    before.last().copied().filter(|steps| *steps <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Names {
        Names { names: all.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn typing_errors_and_missing_parts_are_found() {
        let known =
            names(&["sa:shop/cart", "sa:shop/card-reader", "user:alice", "pod:shop/cart-7d4-x1"]);
        assert_eq!(known.like("sa:shop/carr").first().map(String::as_str), Some("sa:shop/cart"));
        assert_eq!(known.like("sa:store/cart").first().map(String::as_str), Some("sa:shop/cart"));
        assert_eq!(known.like("user:alcie").first().map(String::as_str), Some("user:alice"));
        assert_eq!(
            known.like("pod:shop/cart-7d4").first().map(String::as_str),
            Some("pod:shop/cart-7d4-x1")
        );
        assert!(known.like("node:unrelated-thing").is_empty());
    }

    #[test]
    fn the_same_name_of_another_kind_is_near() {
        assert_eq!(names(&["sa:shop/cart"]).like("user:shop/cart"), ["sa:shop/cart"]);
    }
}
