//! Names with `*` in them. Nothing more, because whoever reads an exception a year later must see
//! at once what it lets through.

/// A name, or a pattern with `*` for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern(Box<[String]>);

impl NamePattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> NamePattern {
        NamePattern(text.split('*').map(str::to_owned).collect())
    }

    /// Whether every name matches.
    pub fn is_everything(&self) -> bool {
        self.0.len() > 1 && self.0.iter().all(String::is_empty)
    }

    /// The name, if there is no `*` in it.
    pub(crate) fn literal(&self) -> Option<&str> {
        match &*self.0 {
            [whole] => Some(whole),
            _ => None,
        }
    }

    /// Whether a name matches.
    pub fn matches(&self, name: &str) -> bool {
        let [first, middle @ .., last] = &*self.0 else {
            return self.0.first().is_some_and(|whole| whole == name);
        };
        let Some(mut rest) = name.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            let Some((_, after)) = rest.split_once(part.as_str()) else { return false };
            rest = after;
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_run_of_characters() {
        for (pattern, name, matches) in [
            ("alice", "alice", true),
            ("alice", "alice2", false),
            ("", "", true),
            ("", "x", false),
            ("*", "anybody", true),
            ("ci-*", "ci-", true),
            ("ci-*", "xci-1", false),
            ("*:deployer", "system:serviceaccount:ci:deployer", true),
            ("system:serviceaccount:*:argo*", "system:serviceaccount:cd:argocd-server", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
        ] {
            assert_eq!(NamePattern::new(pattern).matches(name), matches, "{pattern} {name}");
        }
        assert!(NamePattern::new("**").is_everything() && !NamePattern::new("a*").is_everything());
    }
}
