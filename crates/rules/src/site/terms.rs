//! Who answers for an entry of the site, why it is there and when it ends. An exception without an
//! end outlives its reason, so an end is required, and only the time of an event is held against it.

use trailhound_model::{
    site::{SiteEffect, SiteNote},
    time::{HOUR, Time},
};

/// The terms of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// `site.yaml, expected 2`
    pub(crate) entry: String,
    pub(crate) owner: String,
    pub(crate) reason: String,
    /// The end as it was written.
    pub(crate) expires: String,
    /// The first moment at which the entry does not hold any more.
    pub(crate) end: Time,
}

impl Terms {
    pub(crate) fn is_live(&self, at: Time) -> bool {
        at < self.end
    }

    pub(crate) fn note(&self, effect: SiteEffect) -> SiteNote {
        SiteNote {
            entry: self.entry.clone(),
            owner: self.owner.clone(),
            reason: self.reason.clone(),
            expires: self.expires.clone(),
            effect,
        }
    }
}

/// The end that a date (the whole day holds) or a time stands for.
pub(crate) fn end_of(text: &str) -> Option<Time> {
    match text.len() {
        10 => Some(Time::parse(&format!("{text}T00:00:00Z"))?.plus(24 * HOUR)),
        _ => Time::parse(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_holds_until_it_is_over() {
        let day = end_of("2027-01-31").unwrap();
        assert_eq!(day, Time::parse("2027-02-01T00:00:00Z").unwrap());
        assert_eq!(end_of("2027-01-31T12:00:00Z"), Time::parse("2027-01-31T12:00:00Z"));
        for text in ["", "soon", "31.01.2027", "2027-13-01", "2027-1-31"] {
            assert_eq!(end_of(text), None, "{text}");
        }
    }
}
