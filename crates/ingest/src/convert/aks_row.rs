//! Rows of the Log Analytics tables `AKSAudit` and `AKSAuditAdmin`: an event spread over columns,
//! whose values are JSON or, in most exports, JSON inside of strings.

use super::{object::Object, rows};
use crate::{
    decode::{self, Envelope, Run},
    wire::{Raw, Text, Wire},
};
use serde::Deserialize;
use std::borrow::Cow;
use trailhound_model::format::Format;

/// Whether the columns of an event are there.
pub(super) fn is_row(object: &Object<'_>) -> bool {
    object.has("AuditId") && (object.has("RequestUri") || object.has("Verb"))
}

/// Hands the row on as an event.
pub(super) fn read(run: &mut Run<'_>, object: &Object<'_>, text: &str, envelope: Envelope) -> bool {
    let json = |key| object.get(key).and_then(rows::json);
    let (user, impersonated) = (json("User"), json("ImpersonatedUser"));
    let (target, status) = (json("ObjectRef"), json("ResponseStatus"));
    let (addresses, annotations) = (json("SourceIps"), json("Annotations"));
    let mut wire = Wire {
        level: column(object, "Level"),
        audit_id: column(object, "AuditId"),
        stage: column(object, "Stage"),
        request_uri: column(object, "RequestUri"),
        verb: column(object, "Verb"),
        user: parsed(user.as_ref()).into(),
        impersonated_user: parsed(impersonated.as_ref()).into(),
        source_ips: parsed(addresses.as_ref()).into(),
        user_agent: column(object, "UserAgent"),
        object_ref: parsed(target.as_ref()),
        response_status: parsed(status.as_ref()).into(),
        request_object: body(object, "RequestObject"),
        response_object: body(object, "ResponseObject"),
        request_received_timestamp: column(object, "RequestReceivedTime"),
        stage_timestamp: column(object, "StageReceivedTime"),
        annotations: parsed(annotations.as_ref()).into(),
        ..Wire::default()
    };
    let damaged = |json: Option<&Cow<'_, str>>, read: bool| {
        !read && json.is_some_and(|json| json.starts_with('{'))
    };
    if damaged(user.as_ref(), wire.user.known().is_some())
        || damaged(impersonated.as_ref(), wire.impersonated_user.known().is_some())
    {
        // Who acted would be invented.
        run.reject(&envelope, "a row whose user is cut or damaged".to_owned());
        return true;
    }
    let cut = damaged(target.as_ref(), wire.object_ref.is_some())
        || damaged(status.as_ref(), wire.response_status.known().is_some())
        || damaged(annotations.as_ref(), wire.annotations.known().is_some());
    decode::complete(&mut wire, cut);
    let is_admin = object.text("Type").as_deref() == Some("AKSAuditAdmin");
    let format = if is_admin { Format::AksAdmin } else { Format::Aks };
    run.emit(&wire, text, &Envelope { format, converted: true, cut, ..envelope });
    true
}

fn column<'a>(object: &'a Object<'_>, key: &str) -> Text<'a> {
    Text(object.text(key).unwrap_or_default())
}

/// A column that is a structure; none if it is not of the structure that it should be.
fn parsed<'a, T: Deserialize<'a>>(json: Option<&'a Cow<'_, str>>) -> Option<T> {
    sonic_rs::from_str(json?).ok()
}

/// A body, whose place may be taken by a word that says that it was left out.
fn body<'a>(object: &'a Object<'_>, key: &str) -> Option<Raw<'a>> {
    let raw = object.get(key)?;
    let as_is = || (raw != "\"\"").then_some(Raw(Cow::Borrowed(raw)));
    rows::json(raw).map(Raw).or_else(as_is)
}
