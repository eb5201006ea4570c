//! Fields that are answered by what the site brought along. Without it they are unknown: a list
//! that nobody gave allows nothing and forbids nothing.

use super::{Items, View, body, filled, map};
use crate::{
    field::FieldId,
    site::{Knowledge, Wants, address::AddressFacts, geo::Place, wants},
};
use std::borrow::Cow;
use trailhound_model::{
    body::BodyKind,
    lookup::{Reading, Truth},
    principal::PrincipalKind,
};

const NODE_USER: &str = "system:node:";

impl<'a> View<'a> {
    /// What was brought along, if it answers this field.
    fn known(&self, id: FieldId) -> Option<&'a Knowledge> {
        self.memo.knowledge.filter(|known| wants(id).is_some_and(|wants| known.has(wants)))
    }

    fn address_facts(&self) -> &'a AddressFacts {
        self.memo.address.get_or_init(Default::default)
    }

    pub(super) fn site_flag(&self, id: FieldId) -> Truth {
        let Some(known) = self.known(id) else { return Truth::Unknown };
        let (site, at) = (known.site(), self.event().time);
        match id {
            FieldId::SiteTrustedNetwork => self.trusted_network(known),
            FieldId::SiteUserAllowed => site.user_allowed(&self.fact.principal.actor().name, at),
            FieldId::SiteNamespaceAllowed => match self.named_namespace() {
                Reading::Present(name) => site.namespace_allowed(name, at),
                Reading::Absent | Reading::Unknown => Truth::Unknown,
            },
            FieldId::SiteNodeAllowed => match self.named_node() {
                Reading::Present(name) => site.node_allowed(name, at),
                Reading::Absent => Truth::True,
                Reading::Unknown => Truth::Unknown,
            },
            FieldId::SiteImagesAllowed => match self.images() {
                Reading::Present(images) => images
                    .iter()
                    .map(|image| site.image_allowed(&image.text(), at))
                    .fold(Truth::True, Truth::and),
                Reading::Absent => Truth::True,
                Reading::Unknown => Truth::Unknown,
            },
            FieldId::SiteBreakGlassOpen => {
                Truth::from(site.emergency(self.fact).is_some_and(|(_, open)| open))
            }
            _ => Truth::Unknown,
        }
    }

    pub(super) fn site_text(&self, id: FieldId) -> Reading<Cow<'a, str>> {
        let Some(known) = self.known(id) else {
            return if wants(id).is_some() { Reading::Unknown } else { Reading::Absent };
        };
        let (indicators, at) = (known.indicators(), self.event().time);
        match id {
            FieldId::SiteBreakGlass => {
                filled(known.site().emergency(self.fact).map(|(told, _)| told).unwrap_or_default())
            }
            FieldId::IndicatorAddress => {
                let address = self.event().source_ip();
                let found =
                    self.address_facts().indicators.get_or_init(|| indicators.of_address(address));
                filled(indicators.live(found, at))
            }
            FieldId::IndicatorAgent => filled(indicators.agent(&self.event().user_agent, at)),
            FieldId::IndicatorCredential if self.fact.credential.id.is_empty() => Reading::Unknown,
            FieldId::IndicatorCredential => {
                filled(indicators.credential(&self.fact.credential.id, at))
            }
            FieldId::IndicatorImage => map(self.images(), |images| {
                let mut labels = images.iter().map(|image| indicators.image(&image.text(), at));
                filled(labels.find(|label| !label.is_empty()).unwrap_or_default())
            }),
            FieldId::GeoCountry => filled(self.located(known).country.as_str()),
            FieldId::GeoOrganisation => filled(self.located(known).organisation.as_str()),
            _ => Reading::Absent,
        }
    }

    pub(super) fn site_number(&self, id: FieldId) -> Reading<i64> {
        match (id, self.known(id)) {
            (FieldId::GeoAsn, Some(known)) => {
                let asn = self.located(known).asn;
                asn.map_or(Reading::Absent, |asn| Reading::Present(i64::from(asn)))
            }
            _ => Reading::Unknown,
        }
    }

    fn located(&self, known: &Knowledge) -> &'a Place {
        self.address_facts().place.get_or_init(|| known.place(self.event().source_ip()))
    }

    /// An address that cannot be read is in no network for certain.
    fn trusted_network(&self, known: &Knowledge) -> Truth {
        let (site, event) = (known.site(), self.event());
        if event.source_ip().is_empty() || !site.trusts_anything(event.time) {
            return Truth::Unknown;
        }
        let until = self
            .address_facts()
            .trusted_until
            .get_or_init(|| site.trusted_until(event.source_ip()));
        Truth::from(until.is_some_and(|until| event.time < until))
    }

    /// The namespace that a request is about: itself, or the one that its object lies in.
    fn named_namespace(&self) -> Reading<&'a str> {
        match self.event().namespace() {
            "" if self.event().resource() == "namespaces" => self.object_name(),
            "" => Reading::Absent,
            name => Reading::Present(name),
        }
    }

    /// The node that acts, is written, or would be named by a certificate that is asked for.
    fn named_node(&self) -> Reading<&'a str> {
        let actor = self.fact.principal.actor();
        if actor.kind == PrincipalKind::Node {
            return Reading::Present(actor.name.strip_prefix(NODE_USER).unwrap_or(&actor.name));
        }
        match self.event().resource() {
            "nodes" => self.object_name(),
            "certificatesigningrequests" => map(self.body(), |body| match &body.kind {
                BodyKind::Certificate(request) => request
                    .common_name
                    .strip_prefix(NODE_USER)
                    .map_or(Reading::Absent, Reading::Present),
                _ => Reading::Absent,
            }),
            _ => Reading::Absent,
        }
    }

    fn images(&self) -> Reading<Items<'a>> {
        map(self.body(), |body| body::list(FieldId::WorkloadImages, body))
    }
}

/// Whether any of these is what an address is asked for: then it is worth remembering.
pub(crate) fn asks_of_addresses(knowledge: &Knowledge) -> bool {
    [Wants::Networks, Wants::Addresses, Wants::Geo].into_iter().any(|wants| knowledge.has(wants))
}
