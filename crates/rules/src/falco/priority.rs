//! Falco's eight priorities and our five severities.

use trailhound_model::finding::Severity;

/// How urgent the author of a rule finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Priority {
    /// As alerts write it.
    pub(super) name: &'static str,
    pub(super) severity: Severity,
}

const PRIORITIES: [Priority; 8] = [
    Priority { name: "Emergency", severity: Severity::Critical },
    Priority { name: "Alert", severity: Severity::Critical },
    Priority { name: "Critical", severity: Severity::High },
    Priority { name: "Error", severity: Severity::High },
    Priority { name: "Warning", severity: Severity::Medium },
    Priority { name: "Notice", severity: Severity::Low },
    Priority { name: "Informational", severity: Severity::Info },
    Priority { name: "Debug", severity: Severity::Info },
];

impl Priority {
    /// Reads a priority, in any case; `INFO` is short for informational.
    pub(super) fn from_name(name: &str) -> Option<Priority> {
        let name = if name.eq_ignore_ascii_case("info") { "informational" } else { name };
        PRIORITIES.into_iter().find(|one| one.name.eq_ignore_ascii_case(name))
    }

    /// All names.
    pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
        PRIORITIES.iter().map(|one| one.name)
    }
}
