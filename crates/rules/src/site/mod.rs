//! What a site knows about itself and brings along: expectations, suppressions, emergency access,
//! allow-lists, indicators of compromise, places of addresses.
//!
//! It stands in the crate of the rules because rules ask it (`site.…`, `indicator.…`, `geo.…`), its
//! conditions are theirs, and it is as pure as they are: texts go in, an unchanging value comes out,
//! and who reads the files is not its business. The past is not in it; what happened is judged with
//! it, and by the time of the event, so that a replay a year later says the same.

pub(crate) mod address;
pub mod cidr;
mod file;
pub mod geo;
pub mod indicators;
pub mod pattern;
pub(crate) mod terms;
mod weigh;

use crate::{error::LoadError, field::FieldId, rule::Rule, tree::Predicate};
use cidr::{Network, Networks};
use geo::{GeoSource, Place};
pub use indicators::{IndicatorFiles, Indicators};
use pattern::NamePattern;
use std::{net::IpAddr, sync::Arc};
use terms::Terms;
use trailhound_model::{
    action::ActionKind, fact::Fact, finding::Finding, lookup::Truth, site::SiteEntry, time::Time,
};
pub(crate) use weigh::Weighed;

/// Largest site file, in bytes.
pub const MAX_SITE_FILE: usize = file::MAX_FILE;

/// What must be brought along before a field can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wants {
    /// Trusted networks.
    Networks,
    /// Allowed registries and images.
    Images,
    /// Allowed nodes.
    Nodes,
    /// Allowed namespaces.
    Namespaces,
    /// Allowed users.
    Users,
    /// Identities for emergencies.
    BreakGlass,
    /// Bad addresses.
    Addresses,
    /// Bad images.
    BadImages,
    /// Bad agents.
    Agents,
    /// Leaked credentials.
    Credentials,
    /// A database of addresses.
    Geo,
}

impl Wants {
    /// Why a rule is blind without it, and what to give.
    pub fn reason(self) -> &'static str {
        match self {
            Wants::Networks => {
                "needs a list of trusted networks from the site (--site, `networks`)"
            }
            Wants::Images => {
                "needs a list of allowed registries and images from the site (--site, `images`)"
            }
            Wants::Nodes => "needs a list of allowed nodes from the site (--site, `nodes`)",
            Wants::Namespaces => {
                "needs a list of allowed namespaces from the site (--site, `namespaces`)"
            }
            Wants::Users => "needs a list of allowed users from the site (--site, `users`)",
            Wants::BreakGlass => {
                "needs the identities kept for emergencies from the site (--site, `break-glass`)"
            }
            Wants::Addresses => {
                "needs a list of bad addresses (--indicators, type address or cidr)"
            }
            Wants::BadImages => "needs a list of bad images (--indicators, type image)",
            Wants::Agents => "needs a list of bad user agents (--indicators, type agent)",
            Wants::Credentials => {
                "needs a list of leaked credentials (--indicators, type credential)"
            }
            Wants::Geo => "needs a database of addresses (--mmdb)",
        }
    }
}

/// What a field needs to be brought along.
pub fn wants(id: FieldId) -> Option<Wants> {
    Some(match id {
        FieldId::SiteTrustedNetwork => Wants::Networks,
        FieldId::SiteImagesAllowed => Wants::Images,
        FieldId::SiteNodeAllowed => Wants::Nodes,
        FieldId::SiteNamespaceAllowed => Wants::Namespaces,
        FieldId::SiteUserAllowed => Wants::Users,
        FieldId::SiteBreakGlass | FieldId::SiteBreakGlassOpen => Wants::BreakGlass,
        FieldId::IndicatorAddress => Wants::Addresses,
        FieldId::IndicatorImage => Wants::BadImages,
        FieldId::IndicatorAgent => Wants::Agents,
        FieldId::IndicatorCredential => Wants::Credentials,
        FieldId::GeoCountry | FieldId::GeoAsn | FieldId::GeoOrganisation => Wants::Geo,
        _ => return None,
    })
}

/// Everything that was brought along.
#[derive(Debug, Default)]
pub struct Knowledge {
    site: Site,
    indicators: Indicators,
    geo: Vec<Arc<dyn GeoSource>>,
}

impl Knowledge {
    /// Puts it together.
    pub fn new(site: Site, indicators: Indicators, geo: Vec<Arc<dyn GeoSource>>) -> Knowledge {
        Knowledge { site, indicators, geo }
    }

    /// What the site said.
    pub fn site(&self) -> &Site {
        &self.site
    }

    pub(crate) fn indicators(&self) -> &Indicators {
        &self.indicators
    }

    /// What the databases say of an address, the first one that knows a thing.
    pub(crate) fn place(&self, address: &str) -> Place {
        let Ok(address) = address.parse::<IpAddr>() else { return Place::default() };
        self.geo.iter().fold(Place::default(), |known, source| known.or(source.look_up(address)))
    }

    /// Whether it was brought along.
    pub fn has(&self, wants: Wants) -> bool {
        match wants {
            Wants::Networks => !self.site.trusted.is_empty(),
            Wants::Images => !self.site.images.is_empty(),
            Wants::Nodes => !self.site.nodes.is_empty(),
            Wants::Namespaces => !self.site.namespaces.is_empty(),
            Wants::Users => !self.site.users.is_empty(),
            Wants::BreakGlass => !self.site.break_glass.is_empty(),
            Wants::Addresses => self.indicators.has_addresses(),
            Wants::BadImages => self.indicators.has_images(),
            Wants::Agents => self.indicators.has_agents(),
            Wants::Credentials => self.indicators.has_credentials(),
            Wants::Geo => !self.geo.is_empty(),
        }
    }
}

/// What a rule lacks to decide anything at all: some part of its condition asks only for what was
/// not brought along.
pub(crate) fn missing(rule: &Rule, knowledge: Option<&Knowledge>) -> Option<Wants> {
    let absent = |id| wants(id).filter(|wants| !knowledge.is_some_and(|known| known.has(*wants)));
    rule.conditions().find_map(|conjunct| {
        let fields = conjunct.fields();
        let lacks: Option<Vec<Wants>> = fields.iter().map(|field| absent(field.id())).collect();
        lacks?.first().copied()
    })
}

/// Names that are allowed, each until its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowList {
    names: Vec<(NamePattern, Time)>,
    /// When the last of them ends.
    end: Time,
}

impl AllowList {
    fn extend(&mut self, names: Vec<NamePattern>, end: Time) {
        self.end = self.end.max(end);
        self.names.extend(names.into_iter().map(|name| (name, end)));
    }

    fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether one of the forms of a name is allowed; unknown if the whole list has ended.
    fn allows(&self, at: Time, is_it: impl Fn(&NamePattern) -> bool) -> Truth {
        if self.names.is_empty() || at >= self.end {
            return Truth::Unknown;
        }
        Truth::from(self.names.iter().any(|(name, end)| at < *end && is_it(name)))
    }
}

/// Actors that an entry is about: who authenticated, not as whom he acts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who {
    names: Vec<NamePattern>,
    groups: Vec<NamePattern>,
}

impl Who {
    fn is(&self, fact: &Fact) -> bool {
        let name = fact.principal.actor().name.as_str();
        let groups = &fact.event.user.groups;
        (!name.is_empty() && self.names.iter().any(|one| one.matches(name)))
            || self.groups.iter().any(|one| groups.iter().any(|group| one.matches(group)))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Expected {
    terms: Terms,
    who: Who,
    actions: Vec<ActionKind>,
    namespaces: Vec<NamePattern>,
    from: Vec<Network>,
    rules: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Suppress {
    terms: Terms,
    rules: Vec<String>,
    when: Option<Predicate>,
}

#[derive(Clone, Debug)]
pub(crate) struct BreakGlass {
    terms: Terms,
    who: Who,
    window: Option<(Time, Time)>,
}

impl BreakGlass {
    fn is_open(&self, at: Time) -> bool {
        self.window.is_some_and(|(from, until)| from <= at && at < until)
    }
}

/// What the site files say.
#[derive(Clone, Debug, Default)]
pub struct Site {
    expected: Vec<Expected>,
    suppress: Vec<Suppress>,
    break_glass: Vec<BreakGlass>,
    /// As read; `trusted` is made of them.
    networks: Vec<(Network, Time)>,
    trusted: Networks<Time>,
    trusted_end: Time,
    images: AllowList,
    nodes: AllowList,
    namespaces: AllowList,
    users: AllowList,
    /// Terms of the entries of all lists.
    lists: Vec<Terms>,
    named_rules: Vec<file::NamedRule>,
}

impl Site {
    /// Reads site files, given as name and text. Says everything that is wrong with any of them.
    pub fn load(files: &[(&str, &str)]) -> Result<Site, Vec<LoadError>> {
        let mut site = Site::default();
        let mut errors = Vec::new();
        for (name, text) in files {
            errors.extend(file::add(&mut site, name, text).err().into_iter().flatten());
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        site.trusted = Networks::of(site.networks.iter().copied(), |one, other| one > other);
        site.trusted_end = site.networks.iter().map(|(_, end)| *end).max().unwrap_or_default();
        Ok(site)
    }

    /// Rules that entries name and that do not exist.
    pub(crate) fn unknown_rules(&self, rules: &[Rule]) -> Vec<LoadError> {
        let exists = |id: &str| rules.iter().any(|rule| rule.id() == id);
        let wrong = self.named_rules.iter().filter(|named| !exists(&named.id));
        wrong
            .map(|named| LoadError {
                what: format!("there is no rule `{}`", named.id),
                hint: match crate::error::nearest(&named.id, rules.iter().map(Rule::id)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`trailhound rules list` shows all".to_owned(),
                },
                ..named.place.clone()
            })
            .collect()
    }

    /// Until when a trusted network covers an address.
    pub(crate) fn trusted_until(&self, address: &str) -> Option<Time> {
        self.trusted.covering(address.parse().ok()?).copied().max()
    }

    /// Whether there is a list of trusted networks that has not ended.
    pub(crate) fn trusts_anything(&self, at: Time) -> bool {
        at < self.trusted_end
    }

    pub(crate) fn image_allowed(&self, image: &str, at: Time) -> Truth {
        let full = indicators::full_image(image);
        // A registry or a folder of it allows what is below; an image without tag, all its tags.
        let below = |name: &str| {
            let rest = full.strip_prefix(name.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.starts_with(['/', ':', '@']))
        };
        self.images.allows(at, |one| {
            one.matches(image) || one.matches(&full) || one.literal().is_some_and(below)
        })
    }

    pub(crate) fn node_allowed(&self, name: &str, at: Time) -> Truth {
        self.nodes.allows(at, |one| one.matches(name))
    }

    pub(crate) fn namespace_allowed(&self, name: &str, at: Time) -> Truth {
        self.namespaces.allows(at, |one| one.matches(name))
    }

    pub(crate) fn user_allowed(&self, name: &str, at: Time) -> Truth {
        self.users.allows(at, |one| one.matches(name))
    }

    /// Owner and reason of the entry that keeps the actor for emergencies, that of an open window
    /// before others; and whether a window is open.
    pub(crate) fn emergency(&self, fact: &Fact) -> Option<(String, bool)> {
        let at = fact.event.time;
        let mut his = self.break_glass.iter().filter(|one| one.who.is(fact));
        let first = his.next()?;
        let open = std::iter::once(first).chain(his).find(|one| one.is_open(at));
        let terms = &open.unwrap_or(first).terms;
        Some((format!("{} ({})", terms.reason, terms.owner), open.is_some()))
    }

    /// Entries that make findings milder, with what they did to these.
    pub fn used(&self, findings: &[Finding]) -> Vec<SiteEntry> {
        let entry = |kind: &str, terms: &Terms| {
            let note = terms.note(trailhound_model::site::SiteEffect::Expected);
            let mut entry = SiteEntry {
                entry: note.entry,
                kind: kind.to_owned(),
                owner: note.owner,
                reason: note.reason,
                expires: note.expires,
                ..SiteEntry::default()
            };
            weigh::count(&mut entry, findings);
            entry
        };
        let expected = self.expected.iter().map(|one| entry("expected", &one.terms));
        let suppressed = self.suppress.iter().map(|one| entry("suppress", &one.terms));
        let windows = self.break_glass.iter().filter(|one| one.window.is_some());
        let windows = windows.map(|one| entry("break-glass", &one.terms));
        expected.chain(suppressed).chain(windows).collect()
    }

    /// Entries of lists that ended before the log did: what they allowed is allowed no more.
    pub fn ended_lists(&self, last: Option<Time>) -> Vec<String> {
        let Some(last) = last else { return Vec::new() };
        let ended = self.lists.iter().filter(|terms| !terms.is_live(last));
        ended
            .map(|terms| {
                format!(
                    "{}, which {} answers for, ended on {}; what it allows was not allowed after that. Renew it or take it out.",
                    terms.entry, terms.owner, terms.expires
                )
            })
            .collect()
    }
}
