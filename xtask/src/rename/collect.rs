//! Learns the names of a recording from the places where only names stand: object references,
//! metadata, users, bindings. Free text is never a source, it only follows.

use super::keep;
use super::lex::{Place, walk};
use super::names::Names;

/// Learns from one piece of JSON text.
pub(super) fn collect(text: &[u8], names: &mut Names) {
    let mut defined = false;
    walk(text, |piece, place| {
        let (Some(place), Ok(value)) = (place, std::str::from_utf8(piece)) else { return };
        if place.is_key || value.is_empty() {
            return;
        }
        if place.key == b"authorization.k8s.io/reason" {
            learn_reason(value, names);
        }
        if value.contains('\\') {
            return;
        }
        if place.parent == b"objectRef" && place.key == b"resource" {
            defined = keep::has_defined_names(piece);
        }
        learn(value, &place, defined, names);
    });
}

fn learn(value: &str, place: &Place, defined: bool, names: &mut Names) {
    match place.key {
        b"resource" | b"apiGroup" | b"verb" => names.protect(value),
        b"name" if place.parent == b"objectRef" && defined => names.protect(value),
        b"name" | b"generateName" if holds_names(place.parent) => names.learn(value),
        b"namespace" if value != ".." => names.learn(value),
        b"serviceAccountName"
        | b"serviceAccount"
        | b"nodeName"
        | b"secretName"
        | b"claimName"
        | b"authentication.kubernetes.io/pod-name"
        | b"authentication.kubernetes.io/node-name" => {
            names.learn(value);
        }
        b"username" | b"actor" | b"user" => learn_user(value, names),
        b"groups" if matches!(place.parent, b"user" | b"impersonatedUser") => {
            learn_user(value, names);
        }
        b"image" => names.learn_image(value),
        _ => {}
    }
}

fn holds_names(parent: &[u8]) -> bool {
    matches!(
        parent,
        b"objectRef"
            | b"metadata"
            | b"involvedObject"
            | b"regarding"
            | b"related"
            | b"roleRef"
            | b"subjects"
            | b"ownerReferences"
            | b"configMapRef"
            | b"secretRef"
            | b"configMapKeyRef"
            | b"secretKeyRef"
            | b"target"
            | b"targetRef"
            | b"claimRef"
            | b"entities"
    )
}

/// `RBAC: allowed by RoleBinding "app/shop" of Role "app" to User "alice"`: whatever is quoted.
fn learn_reason(reason: &str, names: &mut Names) {
    for quoted in reason.split("\\\"").skip(1).step_by(2).filter(|text| !text.contains(' ')) {
        learn_user(quoted, names);
    }
}

fn learn_user(user: &str, names: &mut Names) {
    let mut parts = user.split(':');
    match (parts.next(), parts.next()) {
        (Some("system"), Some("serviceaccount" | "serviceaccounts" | "node" | "bootstrap")) => {
            parts.for_each(|part| names.learn(part));
        }
        (Some("system"), _) => {}
        _ => user.split([':', '@', '/']).for_each(|part| names.learn(part)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::Known;
    use super::*;

    fn learned(text: &str) -> Names {
        let mut names = Names::new(1, false);
        collect(text.as_bytes(), &mut names);
        names
    }

    #[test]
    fn users_service_accounts_and_objects_are_learned_resources_are_not() {
        let names = learned(
            r#"{"verb":"get","user":{"username":"system:serviceaccount:shop:cart","groups":["dev-team"]},
            "objectRef":{"resource":"pods","namespace":"data","name":"etl-worker-7b4ccb5445-6tkx5"}}"#,
        );
        for known in
            ["shop", "cart", "dev-team", "data", "etl-worker-7b4ccb5445-6tkx5", "7b4ccb5445"]
        {
            assert!(names.known(known).is_some(), "{known}");
        }
        for kept in ["pods", "get", "system", "serviceaccount"] {
            assert_eq!(names.known(kept), None, "{kept}");
        }
    }

    #[test]
    fn bindings_and_roles_are_learned_from_the_authorizer() {
        let names = learned(
            r#"{"authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"app-reader/shop\" of ClusterRole \"edit\" to ServiceAccount \"cart/shop\""}"#,
        );
        assert!(names.known("app-reader").is_some() && names.known("cart").is_some());
        assert_eq!(names.known("edit"), None);
    }

    #[test]
    fn a_container_or_port_name_is_no_source() {
        let names = learned(r#"{"containers":[{"name":"main","ports":[{"name":"http"}]}]}"#);
        assert_eq!(names.known("main"), None);
    }

    #[test]
    fn an_object_named_like_a_resource_stays() {
        let names = learned(r#"{"objectRef":{"resource":"secrets","name":"secrets"}}"#);
        assert_eq!(names.known("secrets"), None);
    }

    #[test]
    fn generated_names_are_learned_with_their_stem() {
        let names = learned(r#"{"metadata":{"generateName":"cart-78469674b6-"}}"#);
        assert_eq!(names.known("cart-78469674b6"), Some(Known::Strong));
    }
}
