//! What answers look like to programs. The answers' own types serve the twin, which saves and restores
//! them; here their JSON becomes what is promised in docs/investigate.md: objects instead of pairs,
//! names of acts as in findings, entities in their usual spelling, no positions within files.

use serde_json::{Map, Value, json};
use trailhound_model::{action::ActionKind, credential::CredentialKind, entity};

/// The promised form of an answer.
pub(super) fn settle(command: &str, value: &mut Value) {
    everywhere(value);
    match command {
        "passport" => each(value, "credentials", &mut |one| spell::<CredentialKind>(one, "kind")),
        "apps" => each(value, "apps", &mut |one| {
            let space = text(one, "namespace");
            within(one, "service_accounts", &space, entity::service_account);
        }),
        "app" => application(value),
        _ => {}
    }
}

fn everywhere(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(everywhere),
        Value::Object(fields) => {
            fields.remove("position");
            pairs(fields);
            fields.values_mut().for_each(everywhere);
        }
        _ => {}
    }
}

/// Pairs and maps become objects whose fields have names.
fn pairs(fields: &mut Map<String, Value>) {
    for (name, field) in fields.iter_mut() {
        match (name.as_str(), &*field) {
            ("secrets" | "namespaces" | "nodes" | "identities", Value::Array(both)) => {
                if let [count @ Value::Number(_), of @ Value::Number(_)] = both.as_slice() {
                    *field = json!({"count": count, "of": of});
                }
            }
            ("cascade", Value::Array(all)) => {
                let named = all.iter().map(|one| match one.as_array().map(Vec::as_slice) {
                    Some([action, count]) => json!({"action": action, "count": count}),
                    _ => one.clone(),
                });
                *field = named.collect();
            }
            ("actions", Value::Object(counts)) => {
                let named = counts
                    .iter()
                    .map(|(kind, count)| json!({"action": action(kind), "count": count}));
                *field = named.collect();
            }
            ("truth", Value::String(word)) => *field = word.to_ascii_lowercase().into(),
            _ => {}
        }
    }
}

fn action(variant: &str) -> String {
    serde_json::from_value::<ActionKind>(variant.into())
        .map_or_else(|_| variant.to_owned(), |kind| kind.as_str().to_owned())
}

/// A kind by the name that people know it by.
trait Spelled: serde::de::DeserializeOwned {
    fn word(&self) -> &'static str;
}

impl Spelled for CredentialKind {
    fn word(&self) -> &'static str {
        self.as_str()
    }
}

fn spell<T: Spelled>(one: &mut Value, name: &str) {
    let Some(field) = one.get_mut(name) else { return };
    if let Ok(kind) = serde_json::from_value::<T>(field.clone()) {
        *field = kind.word().into();
    }
}

fn application(value: &mut Value) {
    let Some(app) = value.get_mut("app") else { return };
    let space = text(app, "namespace");
    within(app, "service_accounts", &space, entity::service_account);
    within(value, "nodes", "", |_, name| entity::node(name));
    within(value, "secrets", &space, |space, name| entity::object("secrets", space, name));
    within(value, "config_maps", &space, |space, name| entity::object("configmaps", space, name));
    within(value, "services", &space, |space, name| entity::object("services", space, name));
    within(value, "ingresses", &space, |space, name| entity::object("ingresses", space, name));
    each(value, "pods", &mut |pod| {
        let name = entity::object("pods", &space, &text(pod, "name"));
        let (node, account) = (text(pod, "node"), text(pod, "account"));
        let Some(pod) = pod.as_object_mut() else { return };
        pod.insert("entity".to_owned(), name.into());
        if !node.is_empty() {
            pod.insert("node".to_owned(), entity::node(&node).into());
        }
        if !account.is_empty() {
            pod.insert("account".to_owned(), entity::service_account(&space, &account).into());
        }
    });
    each(value, "api", &mut |one| {
        let account = entity::service_account(&space, &text(one, "account"));
        if let Some(one) = one.as_object_mut() {
            one.insert("account".to_owned(), account.into());
        }
    });
}

fn each(value: &mut Value, name: &str, change: &mut dyn FnMut(&mut Value)) {
    if let Some(all) = value.get_mut(name).and_then(Value::as_array_mut) {
        all.iter_mut().for_each(change);
    }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn within(value: &mut Value, name: &str, space: &str, of: impl Fn(&str, &str) -> String) {
    each(value, name, &mut |one| {
        if let Some(name) = one.as_str() {
            *one = of(space, name).into();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pair_variant_or_position_is_left() {
        let mut told = json!({
            "credentials": [{"kind": "X509", "first": {"audit_id": "a", "position": {"source": 0}}}],
            "sessions": [{"meanwhile": {"actions": {"PodExec": 2}}}],
            "postures": [{"secrets": [1, 9], "nodes": [0, 3]}],
            "lines": [{"cascade": [["pod.bind", 1]]}],
        });
        settle("passport", &mut told);
        let expected = json!({
            "credentials": [{"kind": CredentialKind::X509.as_str(), "first": {"audit_id": "a"}}],
            "sessions": [{"meanwhile": {"actions": [{"action": "pod.exec", "count": 2}]}}],
            "postures": [{"secrets": {"count": 1, "of": 9}, "nodes": {"count": 0, "of": 3}}],
            "lines": [{"cascade": [{"action": "pod.bind", "count": 1}]}],
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn what_belongs_to_an_application_is_spelled_as_entities() {
        let mut told = json!({"app": {"namespace": "shop", "service_accounts": ["cart"]},
            "secrets": ["db"], "pods": [{"name": "cart-1", "node": "n1", "account": "cart"}]});
        settle("app", &mut told);
        assert_eq!(told["app"]["service_accounts"][0], "sa:shop/cart");
        assert_eq!(told["secrets"][0], "secret:shop/db");
        assert_eq!(told["pods"][0]["entity"], "pod:shop/cart-1");
        assert_eq!(told["pods"][0]["node"], "node:n1");
    }
}
