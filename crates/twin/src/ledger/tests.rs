//! The mishaps of credentials: thefts, forgeries, names used again, and logs that say less.

use super::{alarms::Condition, life::IdentifiedBy, origin::How, *};
use crate::Twin;
use trailhound_model::{
    Shared,
    event::{Event, ObjectRef, Stage, Status, User},
    observed::{Observation, Observed, Surety},
    time::MINUTE,
};

const P: &str = "authentication.kubernetes.io/";

/// A request: who, what (`verb resource[/subresource] ns/name`), from where, at which second.
fn request(user: &str, what: &str, address: &str, seconds: i64) -> Fact {
    let mut words = what.split(' ');
    let mut word = || words.next().unwrap_or_default();
    let (verb, resource, name) = (word(), word(), word());
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    let group = if resource == "certificatesigningrequests" { "certificates.k8s.io" } else { "" };
    let kubelet = user.starts_with("system:node:");
    Fact::of(Event {
        audit_id: format!("{user}{what}{seconds}").into(),
        user: User { name: user.into(), ..User::default() }.into(),
        verb: verb.into(),
        object: Some(Box::new(ObjectRef {
            resource: resource.into(),
            subresource: subresource.into(),
            api_group: group.into(),
            namespace: namespace.into(),
            name: name.into(),
            ..ObjectRef::default()
        })),
        source_ips: vec![address.into()].into(),
        user_agent: if kubelet { "kubelet/v1" } else { "kubectl/v1" }.into(),
        stage: Stage::ResponseComplete,
        status: Some(Shared::from(Status { code: Some(200), ..Status::default() })),
        time: Time(seconds * SECOND),
        received: Some(Time(seconds * SECOND)),
        ..Event::default()
    })
}

/// The same with other fields of the event.
fn with(fact: Fact, change: impl FnOnce(&mut Event)) -> Fact {
    let mut event = fact.event;
    change(&mut event);
    Fact::of(event)
}

/// A token of pod `name` (uid `uid`, node n1, service account shop/cart).
fn token(id: &str, pod: &str, uid: &str, address: &str, seconds: i64) -> Fact {
    let user = "system:serviceaccount:shop:cart";
    with(request(user, "list secrets shop/", address, seconds), |event| {
        event.user.extra = [("credential-id", id), ("pod-name", pod), ("pod-uid", uid)]
            .iter()
            .chain([("node-name", "n1")].iter())
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (format!("{P}{key}").into(), vec![(*value).into()]))
            .collect();
    })
}

fn minted(by: &str, id: &str, address: &str, seconds: i64) -> Fact {
    with(request(by, "create serviceaccounts/token shop/cart", address, seconds), |event| {
        event.annotations = vec![(ISSUED.into(), id.into())].into();
    })
}

fn twin(facts: &[Fact]) -> Twin {
    let mut twin = Twin::default();
    for fact in facts {
        twin.observe(fact);
    }
    twin
}

fn kubelets() -> Vec<Fact> {
    vec![
        request("system:node:n1", "get nodes n1", "10.0.0.1", 1),
        request("system:node:n2", "get nodes n2", "10.0.0.2", 1),
    ]
}

fn neighbours() -> Vec<Fact> {
    (1..5)
        .map(|n| {
            token(
                &format!("JTI=n{n}"),
                &format!("p{n}"),
                &format!("u{n}"),
                &format!("10.1.1.{n}"),
                2,
            )
        })
        .collect()
}

#[test]
fn a_token_is_led_from_its_issue_to_every_place_of_use() {
    let twin = twin(&[
        minted("bob", "JTI=a", "10.0.0.9", 1),
        token("JTI=a", "", "", "198.51.100.1", 5),
        token("JTI=a", "", "", "198.51.100.2", 6),
        token("JTI=a", "", "", "198.51.100.2", 7),
    ]);
    let ledger = twin.ledger();
    let life = ledger.credential("cred:JTI=a").unwrap();
    let asked = ledger.issued_by("JTI=a").unwrap().requested.clone().unwrap();
    assert_eq!((asked.by.as_str(), life.holder.as_str()), ("user:bob", "sa:shop/cart"));
    let places: Vec<_> = ledger.places("JTI=a").iter().map(|one| one.count).collect();
    assert_eq!((life.uses, places), (3, vec![1, 2]));
    assert_eq!(ledger.credentials_of("sa:shop/cart").len(), 1);
    let who = origin::who_really(&twin, "JTI=a", Time(i64::MAX));
    assert_eq!(who.candidates[0].entity, "user:bob");
    assert!(!who.known, "another may have used what bob asked for");
}

#[test]
fn a_token_off_its_node_is_told_only_where_addresses_tell() {
    let theft = token("JTI=n1", "p1", "u1", "198.51.100.7", 900);
    let off = |facts: &[Fact]| twin(facts).ledger().verdict(&theft, AlarmKind::OffNode).truth();
    let neighbours = neighbours();
    assert_eq!(off(&neighbours), Truth::Unknown, "no kubelet was seen");
    let all = [kubelets(), neighbours.clone()].concat();
    assert_eq!(off(&all), Truth::True);
    let nat: Vec<Fact> = kubelets()
        .into_iter()
        .map(|fact| with(fact, |event| event.source_ips = vec!["10.0.0.250".into()].into()))
        .collect();
    assert_eq!(off(&[nat, neighbours].concat()), Truth::Unknown, "all come through one address");
    let home = token("JTI=n1", "p1", "u1", "10.1.1.99", 900);
    assert_eq!(twin(&all).ledger().verdict(&home, AlarmKind::OffNode).truth(), Truth::False);
}

#[test]
fn a_recreated_pod_is_another_pod() {
    let end = request("system:node:n1", "delete pods shop/p1", "10.0.0.1", 100);
    let old = token("JTI=a", "p1", "u1", "10.1.1.1", 50);
    let new = token("JTI=b", "p1", "u2", "10.1.1.2", 300);
    let twin = twin(&[old, end, new.clone()]);
    let judge = |fact: &Fact| twin.ledger().verdict(fact, AlarmKind::AfterPodEnd).truth();
    assert_eq!(judge(&new), Truth::False);
    assert_eq!(judge(&token("JTI=a", "p1", "u1", "10.1.1.1", 300)), Truth::True);
    assert_eq!(
        judge(&token("JTI=a", "p1", "u1", "10.1.1.1", 102)),
        Truth::Unknown,
        "clocks differ"
    );
    assert_eq!(twin.ledger().pods_named("shop", "p1").len(), 2);
}

#[test]
fn a_pod_that_is_asked_to_stop_still_runs() {
    let asked = request("alice", "delete pods shop/p1", "10.0.0.9", 100);
    let twin = twin(&[token("JTI=a", "p1", "u1", "10.1.1.1", 50), asked]);
    let late = token("JTI=a", "p1", "u1", "10.1.1.1", 300);
    assert_eq!(twin.ledger().verdict(&late, AlarmKind::AfterPodEnd).truth(), Truth::False);
}

#[test]
fn two_places_at_once_are_told_of_pod_tokens_only() {
    let judge = |first: Fact, second: Fact| {
        let facts = [kubelets(), vec![first]].concat();
        twin(&facts).ledger().verdict(&second, AlarmKind::TwoPlaces).truth()
    };
    let a = |at: i64| token("JTI=a", "p1", "u1", "10.1.1.1", at);
    let b = |at: i64| token("JTI=a", "p1", "u1", "198.51.100.7", at);
    assert_eq!(judge(a(1), b(60)), Truth::True);
    let bare = twin(&[a(1)]).ledger().verdict(&b(60), AlarmKind::TwoPlaces);
    assert_eq!(bare.truth(), Truth::Unknown, "a proxy may have several addresses");
    assert_eq!(judge(a(1), b(3000)), Truth::False, "long after");
    assert_eq!(judge(a(1), a(60)), Truth::False);
    let free = |ip: &str| token("JTI=a", "", "", ip, 60);
    assert_eq!(judge(free("10.1.1.1"), free("10.1.1.2")), Truth::False);
    let v6 = token("JTI=a", "p1", "u1", "fd00::1", 60);
    assert_eq!(judge(a(1), v6), Truth::False, "a pod may have an address of each family");
}

#[test]
fn never_issued_is_unknown_unless_the_log_reaches_back_far_enough() {
    let forged = token("JTI=forged", "q", "uq", "10.1.1.9", 900);
    let judge = |facts: &[Fact]| twin(facts).ledger().verdict(&forged, AlarmKind::NeverIssued);
    let start =
        with(request("system:kube-scheduler", "create pods/binding shop/q", "127.0.0.1", 1), |e| {
            e.object.as_mut().unwrap().uid = "uq".into();
        });
    let mut log = vec![start.clone()];
    for n in 0..12 {
        let (id, pod, uid) = (format!("JTI={n}"), format!("p{n}"), format!("u{n}"));
        let bind = format!("create pods/binding shop/{pod}");
        log.push(request("system:kube-scheduler", &bind, "127.0.0.1", 2));
        log.push(minted("system:node:n1", &id, "10.0.0.1", 3));
        log.push(token(&id, &pod, &uid, &format!("10.1.2.{n}"), 4));
    }
    assert_eq!(judge(&log).truth(), Truth::True);
    assert_eq!(judge(&[start]).truth(), Truth::Unknown, "the log shows no issues at all");
    let told = judge(&log[1..]);
    assert_eq!(told.truth(), Truth::Unknown);
    assert!(told.checks.iter().any(|check| {
        check.condition == Condition::BeginningSeen && check.truth == Truth::Unknown
    }));
    log.push(minted("system:node:n1", "JTI=forged", "10.0.0.1", 5));
    assert_eq!(judge(&log).truth(), Truth::False);
}

/// What the answer to a TokenRequest for a pod says.
fn answered(mut fact: Fact, seconds: i64) -> Fact {
    let expires = Some(fact.event.time.plus(seconds * SECOND));
    let state = State::Token {
        bound_kind: "Pod".into(),
        bound_name: "p1".into(),
        bound_uid: "u1".into(),
        expires,
        audiences: Vec::new(),
    };
    let object = Observation {
        resource: "serviceaccounts".into(),
        state,
        said: Said::Answered,
        ..Observation::default()
    };
    fact.observed = Some(Box::new(Observed { objects: vec![object], left_out: 0 }));
    fact
}

#[test]
fn a_token_that_the_server_lets_outlive_its_word_has_not_expired() {
    let late = token("JTI=a", "p1", "u1", "10.1.1.1", 9000);
    let judge = |life: i64| {
        let issue = answered(minted("system:node:n1", "JTI=a", "10.0.0.1", 1), life);
        twin(&[issue]).ledger().verdict(&late, AlarmKind::AfterExpiry).truth()
    };
    assert_eq!(judge(600), Truth::True);
    assert_eq!(judge(3607), Truth::Unknown);
    assert_eq!(judge(86_400), Truth::False);
    assert_eq!(twin(&[]).ledger().verdict(&late, AlarmKind::AfterExpiry).truth(), Truth::Unknown);
}

#[test]
fn a_certificate_is_led_back_to_who_asked_and_who_approved() {
    let csr = "certificatesigningrequests";
    let mut signed = request(
        "system:kube-controller-manager",
        &format!("update {csr}/status x"),
        "127.0.0.1",
        3,
    );
    let state = State::Certificate {
        requester: Str::default(),
        signer: Str::default(),
        common_name: "carol".into(),
        organizations: Vec::new(),
        conditions: Vec::new(),
        fingerprint: "X509SHA256=ff".into(),
    };
    let object =
        Observation { name: "x".into(), resource: csr.into(), state, ..Observation::default() };
    signed.observed = Some(Box::new(Observed { objects: vec![object], left_out: 0 }));
    let log = [
        request("bob", &format!("create {csr} x"), "10.0.0.9", 1),
        request("alice", &format!("update {csr}/approval x"), "10.0.0.8", 2),
        signed,
        with(request("carol", "list pods shop/", "198.51.100.1", 9), |event| {
            event.user.extra =
                vec![(format!("{P}credential-id").into(), vec!["X509SHA256=ff".into()])];
        }),
    ];
    let twin = twin(&log);
    let issue = twin.ledger().issued_by("X509SHA256=ff").unwrap();
    assert_eq!(issue.requested.as_ref().unwrap().by, "user:bob");
    assert_eq!(issue.approved.as_ref().unwrap().by, "user:alice");
    let who = origin::who_really(&twin, "user:carol", Time(i64::MAX));
    assert_eq!((who.candidates[0].entity.as_str(), who.known), ("user:bob", false));
}

#[test]
fn of_several_readers_of_a_token_all_are_candidates_and_none_is_known() {
    let used = with(
        request("system:serviceaccount:shop:cart", "list pods shop/", "198.51.100.1", 9),
        |event| {
            event.annotations = vec![
                (
                    "authentication.k8s.io/legacy-token".into(),
                    "system:serviceaccount:shop:cart".into(),
                ),
                ("authentication.k8s.io/legacy-token-manual-secret".into(), "cart-token".into()),
            ]
            .into();
        },
    );
    let twin = twin(&[
        request("alice", "get secrets shop/cart-token", "10.0.0.1", 1),
        request("bob", "list secrets shop/", "198.51.100.1", 2),
        request("carol", "get secrets shop/other", "10.0.0.3", 3),
        used,
    ]);
    let life = twin.ledger().credential("SECRET=shop/cart-token").unwrap();
    assert_eq!(life.identified_by, IdentifiedBy::SecretName);
    let who = origin::who_really(&twin, &life.id, Time(i64::MAX));
    let readers: Vec<&str> = who
        .candidates
        .iter()
        .filter(|one| one.how == How::SecretRead)
        .map(|one| one.entity.as_str())
        .collect();
    assert_eq!(readers, ["user:bob", "user:alice"], "bob's address is the one of its use");
    assert!(!who.known);
}

#[test]
fn a_chain_of_pods_leads_back_to_the_person_who_went_into_the_first() {
    let exec = |fact: Fact, pod: &str| {
        with(fact, |event| {
            event.request_uri = format!(
                "/exec/{pod}?command=cat&command=/run/secrets/kubernetes.io/serviceaccount/token"
            )
            .into();
            event.status = Some(Shared::from(Status { code: Some(101), ..Status::default() }));
            event.stage = Stage::ResponseStarted;
        })
    };
    let first = exec(request("bob", "get pods/exec shop/p1", "198.51.100.9", 10), "p1");
    let hop = token("JTI=a", "p1", "u1", "10.1.1.1", 20);
    let inner = with(token("JTI=a", "p1", "u1", "10.1.1.1", 30), |event| {
        event.verb = "create".into();
        event.object = request("x", "create pods/exec shop/p2", "", 0).event.object;
    });
    let twin =
        twin(&[first, hop, exec(inner, "p2"), token("JTI=b", "p2", "u2", "198.51.100.9", 40)]);
    let who = origin::who_really(&twin, "cred:JTI=b", Time(i64::MAX));
    let inside = who.candidates.iter().find(|one| one.how == How::InsidePod).unwrap();
    assert_eq!(inside.entity, "sa:shop/cart");
    assert_eq!(inside.behind[0].entity, "user:bob");
    assert_eq!(inside.surety, Surety::Inferred);
    assert!(!who.known);
    let session = twin.sessions().into_pod("shop", "p1")[0];
    assert_eq!((session.meanwhile.requests, session.names_token()), (2, true));
}

#[test]
fn impersonation_is_known_because_the_record_names_both() {
    let acted = with(request("alice", "list pods shop/", "10.0.0.1", 1), |event| {
        event.impersonated = Some(User { name: "carol".into(), ..User::default() }.into());
    });
    let who = origin::who_really(&twin(&[acted]), "user:carol", Time(i64::MAX));
    assert!(who.known);
    assert_eq!(who.candidates[0].entity, "user:alice");
}

#[test]
fn a_session_ends_with_its_second_record_and_what_comes_later_is_afterwards() {
    let open = with(request("bob", "create pods/exec shop/p1", "10.0.0.9", 10), |event| {
        event.request_uri = "/x?command=sh&container=main&tty=true&stdin=true".into();
        event.stage = Stage::ResponseStarted;
    });
    let end = with(open.clone(), |event| {
        event.stage = Stage::ResponseComplete;
        event.time = Time(70 * SECOND);
    });
    let mut twin = twin(&[open, token("JTI=a", "p1", "u1", "10.1.1.1", 20)]);
    twin.closed(&end);
    twin.observe(&token("JTI=a", "p1", "u1", "10.1.1.1", 80));
    twin.observe(&token("JTI=a", "p1", "u1", "10.1.1.1", 80 + 2 * 3600));
    let session = twin.sessions().into_pod("shop", "p1")[0];
    assert_eq!(session.length(), Some(MINUTE));
    assert_eq!((session.meanwhile.requests, session.afterwards.requests), (1, 1));
    assert_eq!(
        (session.command.as_str(), session.container.as_str(), session.tty),
        ("sh", "main", true)
    );
}

#[test]
fn without_ids_the_ledger_says_by_what_it_tells_credentials_apart() {
    let twin = twin(&[
        token("", "p1", "u1", "10.1.1.1", 1),
        request("bob", "list pods shop/", "10.0.0.9", 2),
    ]);
    let by = |entity: &str| twin.ledger().credentials_of(entity)[0].identified_by;
    assert_eq!(by("pod:shop/p1"), IdentifiedBy::PodName);
    assert_eq!(by("user:bob"), IdentifiedBy::AddressAndProgram);
}

#[test]
fn a_flood_of_forged_identities_pushes_out_one_another_but_no_alarm() {
    let theft =
        [token("JTI=a", "p1", "u1", "10.1.1.1", 1), token("JTI=a", "p1", "u1", "198.51.100.7", 2)];
    let mut twin = twin(&[kubelets(), theft.to_vec()].concat());
    for n in 0..MOST_CREDENTIALS as i64 * 2 {
        twin.ledger.observe(&request(
            &format!("u{n}"),
            "list pods shop/",
            "10.0.0.9",
            10 + n / 100,
        ));
    }
    let ledger = twin.ledger();
    assert!(ledger.lives.len() <= MOST_CREDENTIALS);
    assert!(ledger.left_out().credentials > 0);
    assert!(
        ledger
            .credential("JTI=a")
            .unwrap()
            .alarms
            .iter()
            .any(|one| one.kind == AlarmKind::TwoPlaces)
    );
    let (identities, many) = ledger.identities_at("10.0.0.9");
    assert_eq!((identities.len(), many), (4, true));
}

#[test]
fn a_pod_whose_deletion_was_only_tried_lives_on() {
    let tried = with(request("mallory", "delete pods shop/p1", "10.0.0.9", 100), |event| {
        event.request_uri =
            "/api/v1/namespaces/shop/pods/p1?dryRun=All&gracePeriodSeconds=0".into();
    });
    let facts = [token("JTI=a", "p1", "u1", "10.1.1.1", 50), tried];
    let later = token("JTI=a", "p1", "u1", "10.1.1.1", 900);
    let verdict = twin(&facts).ledger().verdict(&later, AlarmKind::AfterPodEnd);
    assert_eq!(verdict.truth(), Truth::False);
}

#[test]
fn a_certificate_that_somebody_writes_into_his_request_is_not_his() {
    let csr = |said, user: &str, what: &str, seconds| {
        let mut fact = request(user, what, "10.0.0.9", seconds);
        let state = State::Certificate {
            requester: "mallory".into(),
            signer: "kubernetes.io/kube-apiserver-client".into(),
            common_name: "admin".into(),
            organizations: Vec::new(),
            conditions: Vec::new(),
            fingerprint: "X509SHA256=admins".into(),
        };
        let one = Observation { name: "csr-1".into(), said, state, ..Observation::default() };
        fact.observed = Some(Box::new(Observed { objects: vec![one], left_out: 0 }));
        fact
    };
    let asked = "create certificatesigningrequests csr-1";
    let forged = twin(&[csr(Said::Asked, "mallory", asked, 1)]);
    assert!(forged.ledger().credential("X509SHA256=admins").is_none());
    let told = twin(&[csr(Said::Answered, "mallory", asked, 1)]);
    assert!(told.ledger().credential("X509SHA256=admins").is_some());
}

#[test]
fn who_was_acted_as_once_also_acts_himself() {
    let own = request("alice", "list pods shop/", "10.0.0.5", 1);
    let as_alice = with(request("mallory", "list pods shop/", "10.0.0.9", 5), |event| {
        event.impersonated = Some(User { name: "alice".into(), ..User::default() }.into());
    });
    let asked = |facts: &[Fact]| origin::who_really(&twin(facts), "user:alice", Time(i64::MAX));
    let both = asked(&[own, as_alice.clone()]);
    assert!(!both.known, "{}", both.sentence);
    assert!(both.candidates.iter().any(|one| one.entity == "user:alice"));
    assert!(asked(&[as_alice]).known);
}

#[test]
fn behind_a_shared_address_nobody_is_proved_to_be_who_asked() {
    let facts = [
        minted("bob", "JTI=a", "10.0.0.9", 1),
        token("JTI=a", "", "", "10.0.0.9", 5),
        request("carol", "list pods shop/", "10.0.0.9", 6),
    ];
    let alone = origin::who_really(&twin(&facts[..2]), "JTI=a", Time(i64::MAX));
    assert_eq!(alone.candidates[0].surety, Surety::Proved);
    let shared = origin::who_really(&twin(&facts), "JTI=a", Time(i64::MAX));
    assert!(!shared.known && shared.candidates[0].surety == Surety::Inferred);
}

#[test]
fn what_may_have_been_issued_in_a_gap_is_not_called_never_issued() {
    let mut twin = twin(&[token("JTI=a", "p1", "u1", "10.1.1.1", 50)]);
    let life = twin.ledger.lives.get_mut("JTI=a").unwrap();
    raise(life, AlarmKind::NeverIssued, Vec::new(), &token("JTI=a", "p1", "u1", "10.1.1.1", 60));
    twin.missing(&[]);
    assert_eq!(twin.ledger().credential("JTI=a").unwrap().alarms.len(), 1);
    twin.missing(&[(Time(20 * SECOND), Time(30 * SECOND))]);
    assert!(twin.ledger().credential("JTI=a").unwrap().alarms.is_empty());
}

mod state {
    use super::*;
    use proptest::prelude::*;

    const USERS: [&str; 5] = ["alice", "mallory", "system:node:n1", "system:kube-scheduler", ""];
    const WHATS: [&str; 9] = [
        "create pods shop/p1",
        "create pods/binding shop/p1",
        "delete pods shop/p1",
        "create serviceaccounts/token shop/cart",
        "create certificatesigningrequests c1",
        "get secrets shop/db",
        "list secrets shop/",
        "create serviceaccounts shop/cart",
        "create secrets kube-system/bootstrap-token-a",
    ];
    const PLACES: [&str; 4] = ["10.0.0.1", "10.0.0.2", "fd00::1", ""];

    type Pick = (usize, usize, usize, i64, bool);

    fn picked((who, what, place, time, own): Pick) -> Fact {
        if own {
            let (id, pod) = (["JTI=a", "JTI=b", ""][what % 3], ["p1", "", "p2"][who % 3]);
            return token(id, pod, ["u1", ""][what % 2], PLACES[place], time);
        }
        let fact = request(USERS[who], WHATS[what], PLACES[place], time);
        with(fact, |event| event.annotations = vec![(ISSUED.into(), "JTI=a".into())].into())
    }

    proptest! {
        /// Wherever it is stopped, it goes on as if it had not been, and every question has an answer.
        #[test]
        fn a_restored_ledger_goes_on_as_the_old_one(
            picks in proptest::collection::vec(
                (0..5_usize, 0..9_usize, 0..4_usize, -5..5_000_i64, any::<bool>()), 1..80),
            stop in 0..80_usize,
        ) {
            let facts: Vec<Fact> = picks.into_iter().map(picked).collect();
            let (mut old, mut new) = (Twin::default(), Twin::default());
            for (at, fact) in facts.iter().enumerate() {
                if at == stop {
                    let bytes = postcard::to_stdvec(&new).unwrap();
                    new = postcard::from_bytes(&bytes).unwrap();
                }
                for kind in AlarmKind::ALL {
                    let (a, b) = (old.ledger().verdict(fact, kind), new.ledger().verdict(fact, kind));
                    prop_assert_eq!(a, b);
                }
                old.observe(fact);
                new.observe(fact);
            }
            for asked in ["JTI=a", "sa:shop/cart", "pod:shop/p1", "user:alice", "", "cred:"] {
                let (a, b) = (
                    origin::who_really(&old, asked, Time(i64::MAX)),
                    origin::who_really(&new, asked, Time(i64::MAX)),
                );
                prop_assert_eq!(a, b);
            }
            prop_assert_eq!(old, new);
        }
    }
}
