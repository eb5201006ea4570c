//! What a record says about itself, and whether it can be true. Real logs are full of odd cases
//! (aggregated APIs, proxies, path traversal, names filled in from the body), so only plain
//! resource paths are compared, only where both sides say something, and only in whole records.

use trailhound_model::{
    claims::{Claims, Contradiction},
    event::{Event, ObjectRef, Stage},
    time::SECOND,
};

/// What is compared between records, and what contradicts itself within this one.
pub fn claims(event: &Event) -> Claims {
    let failed_to_log_in = event.code() == Some(401);
    let comparable = !event.audit_id.is_empty()
        && event.stage != Stage::RequestReceived
        && !failed_to_log_in
        && !event.time_inferred;
    let contradiction = contradiction(event);
    if !comparable {
        return Claims { contradiction, ..Claims::default() };
    }
    let user = mix(event.user.name.as_bytes(), 0) as u32;
    let effective = match &event.impersonated {
        Some(other) => mix(other.name.as_bytes(), 0) as u32,
        None => user,
    };
    Claims {
        id: id(&event.audit_id),
        request: mix(event.path().as_bytes(), mix(event.verb.as_bytes(), 0)) as u32,
        user,
        effective,
        contradiction,
    }
}

/// A hash of an auditID, never 0.
pub(crate) fn id(audit_id: &str) -> u64 {
    mix(audit_id.as_bytes(), 0).max(1)
}

fn contradiction(event: &Event) -> Option<Contradiction> {
    if event.time_inferred || event.stage == Stage::Unknown {
        return None;
    }
    let received = event.received?;
    let done = matches!(event.code(), Some(101 | 200..=299));
    if done && event.annotation("authorization.k8s.io/decision") == Some("forbid") {
        return Some(Contradiction::ForbiddenButDone);
    }
    if received.since(event.time) > SECOND {
        return Some(Contradiction::EndsBeforeItBegins);
    }
    let object = event.object.as_deref().filter(|_| done)?;
    let path = event.path();
    let (named, whole) = if let Some(named) = agrees(path, object) {
        (named, object.subresource.is_empty())
    } else {
        let url = Url::of(path)?;
        if url.disagrees(object) {
            return Some(Contradiction::ObjectIsNotOfUrl);
        }
        (!url.name.is_empty(), object.subresource.is_empty() && url.subresource.is_empty())
    };
    (whole && !can_be(&event.verb, named)).then_some(Contradiction::VerbIsNotOfUrl)
}

/// Whether a path names exactly this object, and if so whether it has a name in it: what nearly
/// every record says, without taking the path apart.
fn agrees(path: &str, object: &ObjectRef) -> Option<bool> {
    let rest = path.strip_prefix("/api/v1").or_else(|| {
        let rest = path.strip_prefix("/apis/")?.strip_prefix(object.api_group.as_str())?;
        rest.strip_prefix('/')?.strip_prefix(object.api_version.as_str())
    })?;
    let rest = if object.namespace.is_empty() {
        rest
    } else {
        rest.strip_prefix("/namespaces/")?.strip_prefix(object.namespace.as_str())?
    };
    let rest = rest.strip_prefix('/')?.strip_prefix(object.resource.as_str())?;
    if rest.is_empty() {
        return Some(false);
    }
    let rest = rest.strip_prefix('/')?.strip_prefix(object.name.as_str())?;
    let exact = rest.is_empty() || rest.strip_prefix('/') == Some(object.subresource.as_str());
    (exact && !object.name.is_empty()).then_some(true)
}

/// Whether the API server can make this verb of a path with or without a name: it makes `list` and
/// `deletecollection` of requests without one, `get` and `delete` of those with one.
fn can_be(verb: &str, named: bool) -> bool {
    match verb {
        "list" | "deletecollection" => !named,
        "get" | "delete" => named,
        _ => true,
    }
}

/// A plain resource path in its parts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Url<'a> {
    namespace: &'a str,
    resource: &'a str,
    name: &'a str,
    subresource: &'a str,
}

impl<'a> Url<'a> {
    /// `None` if the path is anything but a plain one.
    fn of(path: &'a str) -> Option<Url<'a>> {
        let odd = |part: &str| {
            part.is_empty() || part == "." || part == ".." || part.contains(['%', '[', '\\'])
        };
        let mut parts = path.strip_prefix('/')?.split('/');
        match parts.next()? {
            "api" => parts.next().map(|_| ())?,
            "apis" => parts.nth(1).map(|_| ())?,
            _ => return None,
        }
        let mut rest = [""; 6];
        let mut count = 0;
        for part in parts {
            if odd(part) {
                return None;
            }
            *rest.get_mut(count)? = part;
            count += 1;
        }
        Url::split(rest, count)
    }

    fn split(rest: [&'a str; 6], count: usize) -> Option<Url<'a>> {
        let [first, second, third, fourth, fifth, _] = rest;
        // Old paths for watches and proxies, and whatever hangs below a subresource.
        if count == 0 || matches!(first, "watch" | "proxy") || fifth == "proxy" || third == "proxy"
        {
            return None;
        }
        let namespaced =
            first == "namespaces" && count >= 3 && !matches!(third, "status" | "finalize");
        let url = if namespaced {
            Url { namespace: second, resource: third, name: fourth, subresource: fifth }
        } else {
            let namespace = if first == "namespaces" { second } else { "" };
            Url { namespace, resource: first, name: second, subresource: third }
        };
        let longest = if namespaced { 5 } else { 3 };
        (count <= longest).then_some(url)
    }

    fn disagrees(&self, object: &ObjectRef) -> bool {
        let differ =
            |url: &str, object: &str| !url.is_empty() && !object.is_empty() && url != object;
        differ(self.resource, &object.resource)
            || differ(self.namespace, &object.namespace)
            || differ(self.name, &object.name)
    }
}

/// A fast hash. A client that makes two texts collide gains a false finding of low severity about
/// itself.
fn mix(bytes: &[u8], seed: u64) -> u64 {
    const A: u64 = 0x9e37_79b9_7f4a_7c15;
    const B: u64 = 0xe703_7ed1_a0b4_28db;
    let fold = |left: u64, right: u64| {
        let wide = u128::from(left) * u128::from(right);
        (wide as u64) ^ ((wide >> 64) as u64)
    };
    let mut state = seed ^ A ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = chunk.try_into().map_or(0, u64::from_le_bytes);
        state = fold(state ^ word, A);
    }
    let mut rest = [0; 8];
    rest.iter_mut().zip(chunks.remainder()).for_each(|(to, from)| *to = *from);
    fold(state ^ u64::from_le_bytes(rest), B)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::{event::Status, time::Time};

    fn event(verb: &str, uri: &str, object: [&str; 4]) -> Event {
        let [namespace, resource, name, subresource] = object;
        Event {
            audit_id: "a".into(),
            stage: Stage::ResponseComplete,
            received: Some(Time(0)),
            verb: verb.into(),
            request_uri: uri.into(),
            object: Some(Box::new(ObjectRef {
                namespace: namespace.into(),
                resource: resource.into(),
                name: name.into(),
                subresource: subresource.into(),
                ..ObjectRef::default()
            })),
            status: Some(Status { code: Some(200), ..Status::default() }.into()),
            ..Event::default()
        }
    }

    fn judged(verb: &str, uri: &str, object: [&str; 4]) -> Option<Contradiction> {
        contradiction(&event(verb, uri, object))
    }

    #[test]
    fn what_a_real_api_server_writes_is_no_contradiction() {
        for (verb, uri, object) in [
            ("get", "/api/v1/namespaces/shop/pods/p/log?follow=true", ["shop", "pods", "p", "log"]),
            ("create", "/api/v1/namespaces/shop/pods", ["shop", "pods", "filled-in", ""]),
            ("list", "/api/v1/pods", ["", "pods", "", ""]),
            ("list", "/api/v1/pods?fieldSelector=metadata.name%3Dp", ["", "pods", "p", ""]),
            ("get", "/api/v1/namespaces/shop", ["shop", "namespaces", "shop", ""]),
            (
                "update",
                "/api/v1/namespaces/shop/finalize",
                ["shop", "namespaces", "shop", "finalize"],
            ),
            ("list", "/api/v1/namespaces", ["", "namespaces", "", ""]),
            (
                "get",
                "/apis/apps/v1/namespaces/s/deployments/d/scale",
                ["s", "deployments", "d", "scale"],
            ),
            ("get", "/api/v1/namespaces/s/pods/../../secrets/x", ["s", "..", "..", "secrets"]),
            (
                "get",
                "/api/v1/namespaces/s/services/https:x:443/proxy/a/b",
                ["s", "services", "https:x:443", "proxy"],
            ),
            ("get", "/api/v1/nodes/n/proxy/pods", ["", "nodes", "n", "proxy"]),
            ("watch", "/api/v1/watch/namespaces/s/pods/p", ["s", "pods", "p", ""]),
            (
                "get",
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
                ["", "clusterroles", "system:node", ""],
            ),
        ] {
            assert_eq!(judged(verb, uri, object), None, "{verb} {uri}");
        }
    }

    #[test]
    fn a_record_whose_object_or_verb_is_not_of_its_url_is_told() {
        let wrong = |uri: &str, object| judged("get", uri, object);
        let object = Some(Contradiction::ObjectIsNotOfUrl);
        assert_eq!(wrong("/api/v1/namespaces/a/secrets/x", ["a", "pods", "x", ""]), object);
        assert_eq!(wrong("/api/v1/namespaces/a/secrets/x", ["b", "secrets", "x", ""]), object);
        assert_eq!(wrong("/apis/apps/v1/deployments/x", ["", "deployments", "y", ""]), object);
        let verb = Some(Contradiction::VerbIsNotOfUrl);
        assert_eq!(wrong("/api/v1/secrets", ["", "secrets", "", ""]), verb);
        assert_eq!(judged("deletecollection", "/api/v1/nodes/n", ["", "nodes", "n", ""]), verb);
    }

    #[test]
    fn a_refused_request_that_succeeded_and_an_end_before_the_beginning_are_told() {
        let mut refused = event("get", "/api/v1/nodes/n", ["", "nodes", "n", ""]);
        refused.annotations =
            vec![("authorization.k8s.io/decision".into(), "forbid".into())].into();
        assert_eq!(contradiction(&refused), Some(Contradiction::ForbiddenButDone));
        let mut early = event("get", "/api/v1/nodes/n", ["", "nodes", "n", ""]);
        early.received = Some(Time(3 * SECOND));
        assert_eq!(contradiction(&early), Some(Contradiction::EndsBeforeItBegins));
        early.received = Some(Time(SECOND));
        assert_eq!(contradiction(&early), None, "clocks tremble");
    }

    #[test]
    fn hashes_tell_texts_apart() {
        let texts = ["", "a", "b", "ab", "12345678", "123456780", "\0", "\0\0"];
        let hashes: std::collections::BTreeSet<u64> =
            texts.iter().map(|text| mix(text.as_bytes(), 0)).collect();
        assert_eq!(hashes.len(), texts.len());
    }
}
