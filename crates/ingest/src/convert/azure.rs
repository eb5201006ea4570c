//! AKS: Azure's diagnostic records, from Event Hub, a storage account or Log Analytics.
//!
//! The category says which of the control plane's logs a record is from. Those of the others are
//! counted by kind and set aside; a hub usually carries several. `kube-audit-admin` is kept apart
//! from `kube-audit`, because requests that only read are not in it: silence proves nothing there.

use super::{aks_row, object::Object, unwrap};
use crate::{
    decode::{Envelope, Run},
    wire::Text,
};
use memchr::memmem;
use serde::Deserialize;
use trailhound_model::{Str, format::Format, time::Time};

/// The form that Azure's own exports have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Exported<'a> {
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow, rename = "resourceId")]
    resource: Text<'a>,
    #[serde(borrow)]
    time: Text<'a>,
    #[serde(borrow)]
    properties: Properties<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Properties<'a> {
    #[serde(borrow)]
    log: Text<'a>,
}

/// The short way for the usual form: one parse that takes the log out of its string. Whether it
/// was one; everything unusual about a record is left to [`read`].
pub(super) fn exported(run: &mut Run<'_>, text: &str, envelope: &Envelope) -> bool {
    if envelope.depth > 0 || memmem::find(text.as_bytes(), b"\"kube-audit").is_none() {
        return false;
    }
    let Ok(record) = sonic_rs::from_str::<Exported<'_>>(text) else { return false };
    let format = match record.category.as_str() {
        "kube-audit" => Format::Aks,
        "kube-audit-admin" => Format::AksAdmin,
        _ => return false,
    };
    if record.resource.is_empty() {
        return false;
    }
    let log = record.properties.log.trim_end();
    let cluster = cluster_of(&record.resource).or_else(|| envelope.cluster.clone());
    let time = Time::parse(&record.time).or(envelope.time);
    let inner = Envelope { cluster, time, format, depth: 1, ..envelope.clone() };
    log.starts_with('{') && run.native(log, &inner)
}

/// Handles the record if it is Azure's; whether it is.
pub(super) fn read(
    run: &mut Run<'_>,
    object: &Object<'_>,
    text: &str,
    envelope: &Envelope,
) -> bool {
    let resource = ["resourceId", "ResourceId", "_ResourceId"]
        .into_iter()
        .find_map(|key| object.text(key).filter(|id| !id.is_empty()));
    let cluster = resource.as_deref().and_then(cluster_of);
    let time = object.time().or(envelope.time);
    let inner = Envelope {
        cluster: cluster.or_else(|| envelope.cluster.clone()),
        time,
        ..envelope.clone()
    };
    if aks_row::is_row(object) {
        return aks_row::read(run, object, text, inner);
    }
    let category = object.text("category").or_else(|| object.text("Category"));
    let is_azure = resource.is_some() || object.has("operationName") || object.has("log_s");
    match category.as_deref() {
        Some(category) if category.eq_ignore_ascii_case("kube-audit") => {
            audit(run, object, text, &Envelope { format: Format::Aks, ..inner })
        }
        Some(category) if category.eq_ignore_ascii_case("kube-audit-admin") => {
            audit(run, object, text, &Envelope { format: Format::AksAdmin, ..inner })
        }
        Some(category) if is_azure => other(run, category),
        None if object.has("metricName") && is_azure => other(run, "AllMetrics"),
        // A pipeline may have lost the category on the way.
        None if object.has("properties") || object.has("log_s") => {
            payload(run, object, text, &Envelope { format: Format::Aks, ..inner })
        }
        _ => false,
    }
}

fn audit(run: &mut Run<'_>, object: &Object<'_>, text: &str, envelope: &Envelope) -> bool {
    if payload(run, object, text, envelope) {
        return true;
    }
    let log = object.text("log").or_else(|| object.text("log_s"));
    let log = log.or_else(|| {
        let properties = object.get("properties").and_then(super::rows::json)?;
        Some(Object::parse(&properties)?.text("log")?.into_owned().into())
    });
    match log {
        Some(log) => run.other_text(log.trim(), envelope),
        None => run.reject(envelope, "an AKS audit record without a readable log".to_owned()),
    }
    true
}

/// Hands on the event in `properties.log`, `log` or `log_s`; whether there is one.
fn payload(run: &mut Run<'_>, object: &Object<'_>, text: &str, envelope: &Envelope) -> bool {
    let in_properties = object.get("properties").is_some_and(|raw| {
        let Some(json) = super::rows::json(raw) else { return false };
        let Some(properties) = Object::parse(&json) else { return false };
        properties.get("log").is_some_and(|log| unwrap::value(run, log, text, envelope))
    });
    in_properties
        || ["log", "log_s"]
            .into_iter()
            .any(|key| object.get(key).is_some_and(|log| unwrap::value(run, log, text, envelope)))
}

fn other(run: &mut Run<'_>, category: &str) -> bool {
    run.ignore(match category {
        "kube-apiserver" => "a record of another AKS log: kube-apiserver",
        "kube-controller-manager" => "a record of another AKS log: kube-controller-manager",
        "kube-scheduler" => "a record of another AKS log: kube-scheduler",
        "cloud-controller-manager" => "a record of another AKS log: cloud-controller-manager",
        "cluster-autoscaler" => "a record of another AKS log: cluster-autoscaler",
        "guard" => "a record of another AKS log: guard (sign-in through Entra ID)",
        "csi-azuredisk-controller" | "csi-azurefile-controller" | "csi-snapshot-controller" => {
            "a record of another AKS log: a storage driver"
        }
        "AllMetrics" => "a metric of Azure",
        _ => "a record of another Azure log",
    });
    true
}

/// `subscription/resource group/name` out of a resource id. Azure writes the same id in different
/// case in different places, so it is lower-cased.
fn cluster_of(resource: &str) -> Option<Str> {
    let id = resource.to_ascii_lowercase();
    let part = |name: &str| {
        let (_, rest) = id.split_once(name)?;
        rest.split('/').next().filter(|part| !part.is_empty())
    };
    let name = part("/managedclusters/")?;
    let parts = [part("/subscriptions/"), part("/resourcegroups/"), Some(name)];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join("/").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_has_one_name_however_azure_spells_its_id() {
        let upper = "/SUBSCRIPTIONS/1A2B/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/PROD";
        let mixed = "/subscriptions/1a2b/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/prod";
        assert_eq!(cluster_of(upper).as_deref(), Some("1a2b/shop/prod"));
        assert_eq!(cluster_of(upper), cluster_of(mixed));
        assert_eq!(cluster_of("/subscriptions/1a2b/resourceGroups/shop"), None);
        assert_eq!(cluster_of("/managedclusters/"), None);
    }
}
