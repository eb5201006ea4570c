//! The record as it is on the wire, borrowed from the buffer and unmasked: private to this crate.
//!
//! Every field has a default because real servers leave out any of them (`"user":{}` on a 401).
//! Bodies stay raw slices: skipping them is what makes a `RequestResponse` log fast to read. A field
//! of a wrong type fails the whole parse, which is then repeated field by field in
//! [`crate::degraded`]; good records do not pay for that.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use sonic_rs::LazyValue;
use std::{borrow::Cow, fmt};

/// A record.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Wire<'a> {
    #[serde(borrow)]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub api_version: Text<'a>,
    #[serde(borrow)]
    pub level: Text<'a>,
    #[serde(borrow, rename = "auditID")]
    pub audit_id: Text<'a>,
    #[serde(borrow)]
    pub stage: Text<'a>,
    #[serde(borrow, rename = "requestURI")]
    pub request_uri: Text<'a>,
    #[serde(borrow)]
    pub verb: Text<'a>,
    #[serde(borrow)]
    pub user: Part<'a, WireUser<'a>>,
    #[serde(borrow)]
    pub impersonated_user: Part<'a, WireUser<'a>>,
    #[serde(borrow, rename = "sourceIPs")]
    pub source_ips: Part<'a, Texts<'a>>,
    #[serde(borrow)]
    pub user_agent: Text<'a>,
    #[serde(borrow)]
    pub object_ref: Option<WireRef<'a>>,
    #[serde(borrow)]
    pub response_status: Part<'a, WireStatus<'a>>,
    #[serde(borrow)]
    pub request_object: Option<Raw<'a>>,
    #[serde(borrow)]
    pub response_object: Option<Raw<'a>>,
    #[serde(borrow)]
    pub request_received_timestamp: Text<'a>,
    #[serde(borrow)]
    pub stage_timestamp: Text<'a>,
    #[serde(borrow)]
    pub timestamp: Option<Raw<'a>>,
    #[serde(borrow)]
    pub annotations: Part<'a, Pairs<'a>>,
    #[serde(borrow)]
    pub authentication_metadata: Option<WireAuthentication<'a>>,
}

/// `user`, `impersonatedUser`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct WireUser<'a> {
    #[serde(borrow)]
    pub username: Text<'a>,
    #[serde(borrow)]
    pub uid: Text<'a>,
    #[serde(borrow)]
    pub groups: Texts<'a>,
    #[serde(borrow)]
    pub extra: Extra<'a>,
}

/// `objectRef`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct WireRef<'a> {
    #[serde(borrow)]
    pub resource: Text<'a>,
    #[serde(borrow)]
    pub subresource: Text<'a>,
    #[serde(borrow)]
    pub api_group: Text<'a>,
    #[serde(borrow)]
    pub api_version: Text<'a>,
    #[serde(borrow)]
    pub namespace: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub uid: Text<'a>,
    #[serde(borrow)]
    pub resource_version: Text<'a>,
}

/// `responseStatus`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct WireStatus<'a> {
    pub code: Option<i64>,
    #[serde(borrow)]
    pub reason: Text<'a>,
    #[serde(borrow)]
    pub message: Text<'a>,
    /// Success that a converter knows of without an HTTP code; never on the wire.
    #[serde(skip)]
    pub succeeded: bool,
}

/// `authenticationMetadata`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct WireAuthentication<'a> {
    #[serde(borrow)]
    pub impersonation_constraint: Text<'a>,
}

/// A part of a record that is looked into only if its text is not remembered.
#[derive(Debug, Default)]
pub(crate) enum Part<'a, T> {
    /// Not there, or `null`.
    #[default]
    Absent,
    /// Its JSON text, syntax checked.
    Raw(&'a str),
    /// Put together from elsewhere.
    Known(T),
}

impl<T> Part<'_, T> {
    /// What is known without looking into the text.
    pub(crate) fn known(&self) -> Option<&T> {
        match self {
            Part::Known(value) => Some(value),
            Part::Absent | Part::Raw(_) => None,
        }
    }
}

impl<T> From<Option<T>> for Part<'_, T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Part::Absent, Part::Known)
    }
}

impl<T> From<T> for Part<'_, T> {
    fn from(value: T) -> Self {
        Part::Known(value)
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for Part<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match LazyValue::deserialize(deserializer)?.as_raw_cow() {
            Cow::Borrowed("null") => Ok(Part::Absent),
            Cow::Borrowed(raw) => Ok(Part::Raw(raw)),
            Cow::Owned(_) => Err(serde::de::Error::custom("a part that is not in the buffer")),
        }
    }
}

/// A value's JSON text, syntax checked, not looked into.
#[derive(Debug, Default)]
pub(crate) struct Raw<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        LazyValue::deserialize(deserializer).map(|value| Raw(value.as_raw_cow()))
    }
}

impl Raw<'_> {
    /// Whether AKS left the body out because of its size.
    pub(crate) fn is_left_out(&self) -> bool {
        self.0 == "\"skipped-too-big-size-object\""
    }
}

impl WireRef<'_> {
    /// The same, borrowing nothing.
    pub(crate) fn into_owned<'b>(self) -> WireRef<'b> {
        let owned = |text: Text<'_>| Text(Cow::Owned(text.0.into_owned()));
        WireRef {
            resource: owned(self.resource),
            subresource: owned(self.subresource),
            api_group: owned(self.api_group),
            api_version: owned(self.api_version),
            namespace: owned(self.namespace),
            name: owned(self.name),
            uid: owned(self.uid),
            resource_version: owned(self.resource_version),
        }
    }
}

/// A string; `null` is empty. Serde's own `Cow` copies inside of lists, this one never does
/// unless the text has escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub Cow<'a, str>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text::default())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

/// A list of strings; `null` is empty.
#[derive(Debug, Default)]
pub(crate) struct Texts<'a>(pub Vec<Text<'a>>);

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts<'de>, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        Ok(Texts(texts))
    }

    fn visit_unit<E>(self) -> Result<Texts<'de>, E> {
        Ok(Texts::default())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

/// An object, in the order of the log; `null` is empty.
#[derive(Debug)]
pub(crate) struct Entries<'a, V>(pub Vec<(Text<'a>, V)>);

impl<V> Default for Entries<'_, V> {
    fn default() -> Self {
        Entries(Vec::new())
    }
}

/// `annotations`.
pub(crate) type Pairs<'a> = Entries<'a, Text<'a>>;
/// `extra`.
pub(crate) type Extra<'a> = Entries<'a, Texts<'a>>;

struct EntriesVisitor<V>(std::marker::PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for EntriesVisitor<V> {
    type Value = Entries<'de, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de, V>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }

    fn visit_unit<E>(self) -> Result<Entries<'de, V>, E> {
        Ok(Entries::default())
    }
}

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for Entries<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor(std::marker::PhantomData))
    }
}

impl Wire<'_> {
    /// Whether this is an audit event, as opposed to any other JSON object (a Kubernetes `Event`
    /// of the core API has the same `kind`).
    pub(crate) fn is_event(&self) -> bool {
        let kind = self.kind.is_empty() || self.kind.as_str() == "Event";
        let version = self.api_version.is_empty() || self.api_version.starts_with("audit.k8s.io/");
        let named = self.api_version.starts_with("audit.k8s.io/") && !self.kind.is_empty();
        kind && version && (named || self.looks_like_event())
    }

    fn looks_like_event(&self) -> bool {
        let marks = [
            !self.audit_id.is_empty(),
            !self.stage.is_empty(),
            !self.verb.is_empty(),
            !self.request_uri.is_empty(),
        ];
        marks.into_iter().filter(|mark| *mark).count() >= 2
    }

    /// What the object says it is, for the reason of a reject. Only letters, digits, dots and
    /// slashes: the rest of a log's text stays out of our messages.
    pub(crate) fn kind_label(&self) -> String {
        let clean = |text: &str| -> String {
            text.chars()
                .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '/'))
                .take(40)
                .collect()
        };
        match (clean(&self.kind), clean(&self.api_version)) {
            (kind, _) if kind.is_empty() => "none".to_owned(),
            (kind, version) if version.is_empty() => kind,
            (kind, version) => format!("{kind} of {version}"),
        }
    }

    /// The old `timestamp` field (v1alpha1, v1beta1), if it is text.
    pub(crate) fn old_timestamp(&self) -> &str {
        self.timestamp.as_ref().map_or("", |raw| raw.0.trim_matches('"'))
    }

    /// `objectRef.resource`, or empty.
    pub(crate) fn resource(&self) -> &str {
        self.object_ref.as_ref().map_or("", |object| object.resource.as_str())
    }

    /// `objectRef.subresource`, or empty.
    pub(crate) fn subresource(&self) -> &str {
        self.object_ref.as_ref().map_or("", |object| object.subresource.as_str())
    }
}
