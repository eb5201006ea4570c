//! Ties acts that no rule objects to to the incidents that they are part of, and incidents to one
//! another by acts.
//!
//! Three things tie an act to an incident: it uses what an act of the incident left (a token, a pod,
//! rights, a certificate), it works on an object of it by the same identity, or it is done by the
//! same hand in one go where that hand is not its owner's. The first and second hold for a day, the
//! third for as long as the hand's own rhythm says that it is one piece of work. When a hand is first
//! found out, what it did just before is looked at again: a breach begins before it is noticed.

use super::{
    Correlator,
    hands::{self, Doing, Hands, Heat, Key},
    keys::{self, Probe, Trace},
    link::{self, Joint},
    recall::{Keys, Recall},
    sieve::Sieve,
};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::VecDeque;
use trailhound_model::{
    Map, Str,
    action::{ActionKind, Outcome},
    credential::CredentialKind,
    fact::Fact,
    finding::Finding,
    lookup::{History, Truth},
    principal::PrincipalKind,
    time::{HOUR, MINUTE, SECOND, Time},
};

/// Acts that incidents keep beside their findings, all together.
const MOST_ACTS: usize = 50_000;
/// Traces that are remembered; beyond this the oldest is forgotten.
const MOST_TRACES: usize = 50_000;
/// Acts that one key is remembered for; of more, the latest.
const MOST_LEFT: usize = 4;
/// Acts of one incident: a long use of stolen rights is told by its beginning.
const MOST_IN_GROUP: usize = 400;
/// Findings that one act names.
const MOST_FINDINGS: usize = 8;
/// A refusal this long before the same thing succeeds belongs to it.
const REFUSED_BEFORE: i64 = 2 * MINUTE;
/// Certificates that were asked for and have not been seen in use.
const MOST_PENDING: usize = 64;
/// Certificates and bindings whose first use is remembered; later ones have none.
const MOST_SEEN: usize = 100_000;
/// How long such a certificate is waited for.
const PENDING_FOR: i64 = HOUR;
/// A change of rights is felt a moment before its own record is written.
const RACE: i64 = SECOND;

/// Why one act follows another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tie {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) joint: Joint,
}

/// An act that is part of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Attached {
    pub(super) hand: Key,
    pub(super) doing: Doing,
    pub(super) findings: SmallVec<[usize; 2]>,
    group: usize,
}

/// What is shown of a hand, kept for as long as its incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) who: String,
    pub(super) credential: String,
    pub(super) address: Str,
    pub(super) agents: SmallVec<[Str; 1]>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Left {
    act: usize,
    time: Time,
    trace: Trace,
    hand: Key,
}

/// What somebody asked for without its name being in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pending {
    act: usize,
    time: Time,
    address: Str,
    sort: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Wanted {
    Certificate,
    JoiningToken,
    Binding,
}

/// All acts of incidents, and by what later ones are recognised.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Trail {
    hands: Hands,
    #[serde(skip)]
    recall: Recall,
    pub(super) acts: Vec<Attached>,
    pub(super) shown: Map<Key, Shown>,
    traces: Map<Key, SmallVec<[Left; 1]>>,
    /// The keys of the traces; made anew after a restart.
    #[serde(skip)]
    sieve: Sieve,
    /// Keys of `first_seen` that come again and again.
    #[serde(skip)]
    often: Often,
    order: VecDeque<Key>,
    pending: VecDeque<Pending>,
    /// When a certificate or binding was first seen in use.
    first_seen: Map<Key, Time>,
    /// Acts that were not kept because there were too many.
    pub(super) left_out: u64,
    /// Traces forgotten because there were too many.
    forgotten: u64,
}

/// The keys that were looked up last: a handful makes most of all requests.
#[derive(Clone, Debug, Default)]
struct Often(Vec<Key>);

impl Often {
    const PLACES: usize = 256;

    /// Whether this key was there the last time that its place was asked.
    fn is_again(&mut self, key: Key) -> bool {
        if self.0.is_empty() {
            self.0.resize(Self::PLACES, 0);
        }
        let place = self.0.get_mut(key as usize % Self::PLACES);
        place.is_some_and(|place| std::mem::replace(place, key) == key)
    }
}

/// A tie that was found: from which act, why, how long ago.
type Found = (usize, Joint);

impl Trail {
    /// How many of what was not kept, in words that follow the number.
    pub(super) fn bounds(&self) -> [(u64, &'static str); 3] {
        [
            (
                self.left_out,
                "acts of incidents are not told because there were too many: an incident may hold more than it shows",
            ),
            (
                self.hands.forgotten,
                "users of a credential at an address were forgotten because there were too many: what they did before is not joined to incidents",
            ),
            (
                self.forgotten,
                "traces of incidents were forgotten because there were too many: what used them later is not joined to the incident",
            ),
        ]
    }

    /// Acts of a group are in another now.
    pub(super) fn moved(&mut self, acts: &[usize], home: usize) {
        for act in acts {
            if let Some(act) = self.acts.get_mut(*act) {
                act.group = home;
            }
        }
    }

    fn ties(
        &mut self,
        own: Keys,
        fact: &Fact,
        found: bool,
        past: &dyn History,
    ) -> SmallVec<[Found; 4]> {
        let mut ties: SmallVec<[Found; 4]> = SmallVec::new();
        if self.traces.is_empty() && self.pending.is_empty() {
            return ties;
        }
        if self.sieve.is_empty() {
            self.sieve = Sieve::of(self.traces.keys().copied());
        }
        let rights = self.recall.rights(&fact.event);
        for probe in keys::probes(fact, own, rights) {
            if !self.sieve.may_have(probe.key) {
                continue;
            }
            let left = self.traces.get(&probe.key).into_iter().flatten();
            let fits = left
                .filter(|left| fact.event.time.since(left.time) <= probe.within)
                .filter(|left| self.fits(left, &probe, own.hand, fact, past));
            if let Some(left) = fits.max_by_key(|left| (left.time, left.act)) {
                ties.push((left.act, joint_of(probe.joint, left.trace)));
            }
        }
        if ties.is_empty() {
            ties.extend(self.pending_for(fact, found));
        }
        ties.sort_unstable();
        ties.dedup_by_key(|tie| tie.0);
        ties
    }

    /// What must hold beside the key.
    fn fits(&self, left: &Left, probe: &Probe, hand: Key, fact: &Fact, past: &dyn History) -> bool {
        let Some(known) = self.hands.get(hand) else { return false };
        let same_hand = left.hand == hand;
        match (probe.joint, left.trace) {
            (Joint::Pod, Trace::Made) => true,
            // The pod, the account, the name has a life of its own beside: only a hand that was not
            // there before is the intruder's.
            (Joint::Pod, Trace::Entered) | (Joint::Account | Joint::Certificate, _) => {
                known.first >= left.time
            }
            // What others do with rights that they were given is told by rules: it need not be part
            // of what the giver did.
            (Joint::Grant, Trace::Granted) => {
                let since = past.done_since(fact);
                let new = since.is_none_or(|since| since.since(left.time) >= -RACE);
                new && (same_hand || is_nameless(fact))
            }
            (Joint::Grant | Joint::Pod, _) | (Joint::Object, Trace::Read) => false,
            (Joint::Object, trace) => {
                let made = matches!(trace, Trace::Object | Trace::Made);
                same_hand || made && is_entry(fact.action.kind)
            }
            _ => true,
        }
    }

    /// A certificate, joining token or binding that was made where the log does not name it: tied only
    /// if there is one that it can be.
    fn pending_for(&self, fact: &Fact, found: bool) -> Option<Found> {
        let (wanted, key) = wanted_by(fact)?;
        let now = fact.event.time;
        let fresh = |one: &&Pending| {
            let new = key.is_none_or(|key| self.is_first_use(key, one.time));
            one.sort == wanted && now.since(one.time) <= PENDING_FOR && new
        };
        let near = |one: &&Pending| {
            one.address == fact.event.source_ip() || found || wanted == Wanted::Binding
        };
        let mut open: SmallVec<[&Pending; 4]> =
            self.pending.iter().filter(fresh).filter(near).collect();
        open.sort_by_key(|one| std::cmp::Reverse((one.time, one.act)));
        let group = |one: &&Pending| self.acts.get(one.act).map(|act| act.group);
        let first = open.first()?;
        if open.iter().any(|other| group(other) != group(first)) {
            return None;
        }
        Some((first.act, Joint::Supposed))
    }

    /// Whether nobody used it before. When there were too many to remember, nobody can say so.
    fn is_first_use(&self, key: Key, since: Time) -> bool {
        match self.first_seen.get(&key) {
            Some(first) => *first >= since,
            None => self.first_seen.len() < MOST_SEEN,
        }
    }

    fn see(&mut self, fact: &Fact) {
        for key in keys::seen(fact, &mut self.recall).into_iter().flatten() {
            if self.often.is_again(key) {
                continue;
            }
            if !self.first_seen.contains_key(&key) && self.first_seen.len() < MOST_SEEN {
                self.first_seen.insert(key, fact.event.time);
            }
        }
    }

    fn leave(&mut self, act: usize, hand: Key, fact: &Fact) {
        let time = fact.event.time;
        for (key, trace) in keys::leaves(fact) {
            self.sift(key);
            let traces = self.traces.entry(key).or_default();
            if let Some(known) = traces.iter_mut().find(|left| left.act == act) {
                known.time = time;
                continue;
            }
            if traces.len() >= MOST_LEFT {
                traces.remove(0);
            }
            traces.push(Left { act, time, trace, hand });
            self.order.push_back(key);
        }
        while self.order.len() > MOST_TRACES {
            let oldest = self.order.pop_front();
            let left = oldest.and_then(|key| self.traces.remove(&key));
            self.forgotten += u64::from(left.is_some());
        }
        self.await_unnamed(act, fact);
    }

    /// One key more. An empty sieve is made of all traces when it is asked.
    fn sift(&mut self, key: Key) {
        if !self.sieve.is_empty() {
            self.sieve.add(key);
        }
    }

    fn await_unnamed(&mut self, act: usize, fact: &Fact) {
        let sort = match fact.action.kind {
            _ if fact.action.outcome != Outcome::Allowed => return,
            ActionKind::CsrCreate | ActionKind::CsrApprove => Wanted::Certificate,
            ActionKind::SecretWrite
                if fact.event.namespace() == "kube-system" && hands::name_of(fact).is_empty() =>
            {
                Wanted::JoiningToken
            }
            ActionKind::RbacGrant
                if fact.event.verb == "create" && hands::name_of(fact).is_empty() =>
            {
                Wanted::Binding
            }
            _ => return,
        };
        if self.pending.len() >= MOST_PENDING {
            self.pending.pop_front();
        }
        let (time, address) = (fact.event.time, fact.event.source_ip().into());
        self.pending.push_back(Pending { act, time, address, sort });
    }

    /// The controller has signed a certificate of an incident: from now on it can be recognised.
    fn note_signed(&mut self, fact: &Fact) {
        let Some((request, certificate)) = keys::signed(fact) else { return };
        let asked = self.traces.get(&request).and_then(|left| left.last()).cloned();
        let Some(asked) = asked else { return };
        // Whoever looks at the request shows it again.
        self.sift(certificate);
        let traces = self.traces.entry(certificate).or_default();
        if traces.iter().any(|left| left.act == asked.act) {
            return;
        }
        if traces.len() >= MOST_LEFT {
            traces.remove(0);
        }
        traces.push(Left { trace: Trace::Issued, time: fact.event.time, ..asked });
        self.order.push_back(certificate);
    }
}

/// What a fact uses that somebody may have asked for, and the key by which its first use is known.
fn wanted_by(fact: &Fact) -> Option<(Wanted, Option<Key>)> {
    if fact.event.user.name.starts_with("system:bootstrap:") {
        return Some((Wanted::JoiningToken, None));
    }
    if is_nameless(fact) {
        return keys::binding_used(fact).map(|key| (Wanted::Binding, Some(key)));
    }
    keys::certificate_used(fact).map(|key| (Wanted::Certificate, Some(key)))
}

fn is_nameless(fact: &Fact) -> bool {
    matches!(fact.principal.actor().kind, PrincipalKind::Anonymous | PrincipalKind::Unauthenticated)
}

fn joint_of(joint: Joint, trace: Trace) -> Joint {
    match (joint, trace) {
        // The id of a certificate that was signed.
        (Joint::Token, Trace::Object) => Joint::Certificate,
        _ => joint,
    }
}

/// Getting into a pod that somebody else made.
fn is_entry(kind: ActionKind) -> bool {
    matches!(kind, ActionKind::PodExec | ActionKind::PodAttach | ActionKind::PodDebug)
}

impl Correlator {
    /// Takes every fact, with the places of the findings made on it that are in incidents.
    pub fn follow(&mut self, fact: &Fact, found: &[usize], all: &[Finding], past: &dyn History) {
        if fact.event.time_inferred {
            return;
        }
        self.trail.note_signed(fact);
        self.trail.see(fact);
        let found = self.leading(fact, found, all);
        if found.is_empty() && !hands::is_kept(fact) && fact.credential.kind != CredentialKind::X509
        {
            return;
        }
        let own = self.trail.recall.keys(fact);
        let hand = own.hand;
        let pause = self.trail.hands.meet(hand, fact);
        let ties = self.trail.ties(own, fact, !found.is_empty(), past);
        let now = fact.event.time;
        let going = self.trail.hands.get(hand).and_then(|hand| hand.heat.clone());
        let going = going.filter(|heat| {
            // What comes after is tied only if it comes at once: it may be the beginning of something
            // else, which is then told from its own findings backwards.
            let patience = if found.is_empty() { pause / 3 } else { pause };
            let same = found.is_empty() || self.is_of(heat.act, &found);
            heat.whole && same && now.since(heat.last) <= patience
        });
        if found.is_empty() && ties.is_empty() && going.is_none() {
            if let Some(hand) = self.trail.hands.get_mut(hand).filter(|_| hands::is_kept(fact)) {
                hand.remember(fact);
            }
            return;
        }
        let whole = going.is_some() || is_strange(fact, &found, &ties, all, past);
        self.take(hand, fact, &found, &ties, going.as_ref(), whole, all, pause);
    }

    /// Whether an act is part of the incident that one of the findings is in.
    fn is_of(&self, act: usize, found: &[usize]) -> bool {
        let group = self.trail.acts.get(act).map(|act| act.group);
        found.iter().any(|place| self.group_of.get(place).copied() == group)
    }

    /// Findings that lead others together, made on an act of this very identity.
    fn leading(&self, fact: &Fact, found: &[usize], all: &[Finding]) -> SmallVec<[usize; 2]> {
        let who = || fact.principal.actor().entity();
        let own = |finding: &Finding| {
            let actor = finding.real_principal.as_ref().unwrap_or(&finding.principal);
            link::joins(finding) && *actor == who()
        };
        let leads =
            |place: &&usize| self.group_of.contains_key(place) && all.get(**place).is_some_and(own);
        found.iter().filter(leads).copied().collect()
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is known only where a fact is taken")]
    fn take(
        &mut self,
        hand: Key,
        fact: &Fact,
        found: &[usize],
        ties: &[Found],
        going: Option<&Heat>,
        whole: bool,
        all: &[Finding],
        pause: i64,
    ) {
        let home = self.home(found, ties, going, all);
        let Some(home) = home else { return };
        let earlier = going.map(|heat| heat.act);
        let fresh = earlier.is_none() && whole;
        let before = if fresh { self.walk_back(hand, fact, home, pause) } else { None };
        let before = before.or_else(|| self.refused_before(hand, fact, home));
        let Some(act) = self.attach(hand, fact, found, home, earlier.or(before)) else { return };
        for (from, joint) in ties {
            self.tie(home, *from, act, *joint);
        }
        if let Some(from) = earlier.or(before) {
            let token = matches!(
                fact.credential.kind,
                CredentialKind::PodToken | CredentialKind::Token | CredentialKind::LegacyToken
            );
            let joint = if token { Joint::Credential } else { Joint::Session };
            self.tie(home, from, act, joint);
        }
        let time = fact.event.time;
        if whole || !found.is_empty() {
            self.trail.leave(act, hand, fact);
        }
        if let Some(hand) = self.trail.hands.get_mut(hand) {
            let whole = whole || hand.heat.as_ref().is_some_and(|heat| heat.whole);
            hand.heat = Some(Heat { act, last: time, whole });
        }
    }

    /// The one incident of all that the act is part of.
    fn home(
        &mut self,
        found: &[usize],
        ties: &[Found],
        going: Option<&Heat>,
        all: &[Finding],
    ) -> Option<usize> {
        let mut groups: SmallVec<[usize; 4]> =
            found.iter().filter_map(|place| self.group_of.get(place).copied()).collect();
        let acts = ties.iter().map(|(act, _)| *act).chain(going.map(|heat| heat.act));
        groups.extend(acts.filter_map(|act| self.trail.acts.get(act)).map(|act| act.group));
        groups.sort_unstable();
        groups.dedup();
        let (home, others) = groups.split_first()?;
        for other in others {
            self.merge(*home, *other, all);
        }
        Some(*home)
    }

    fn tie(&mut self, home: usize, from: usize, to: usize, joint: Joint) {
        let tie = Tie { from, to, joint };
        if from == to {
            return;
        }
        if let Some(group) = self.groups.get_mut(home)
            && !group.ties.contains(&tie)
        {
            group.ties.push(tie);
        }
    }

    /// Adds the fact to the acts of an incident; more of the same makes the last act longer.
    fn attach(
        &mut self,
        hand: Key,
        fact: &Fact,
        found: &[usize],
        home: usize,
        earlier: Option<usize>,
    ) -> Option<usize> {
        let last = self
            .trail
            .hands
            .get(hand)
            .and_then(|hand| hand.heat.as_ref().map(|heat| heat.act))
            .or(earlier);
        if let Some(place) = last
            && let Some(act) = self.trail.acts.get_mut(place)
            && act.hand == hand
            && act.group == home
            && act.doing.takes(fact)
        {
            for finding in found {
                if act.findings.len() < MOST_FINDINGS && !act.findings.contains(finding) {
                    act.findings.push(*finding);
                }
            }
            return Some(place);
        }
        self.add_act(hand, Doing::of(fact), found, home)
    }

    fn add_act(&mut self, hand: Key, doing: Doing, found: &[usize], home: usize) -> Option<usize> {
        let group = self.groups.get_mut(home)?;
        if group.acts.len() >= MOST_IN_GROUP || self.trail.acts.len() >= MOST_ACTS {
            self.trail.left_out += 1;
            return None;
        }
        let place = self.trail.acts.len();
        group.acts.push(place);
        let findings = SmallVec::from_slice(found);
        self.trail.acts.push(Attached { hand, doing, findings, group: home });
        if let Some(known) = self.trail.hands.get(hand) {
            self.trail.shown.insert(
                hand,
                Shown {
                    who: known.who.clone(),
                    credential: known.credential.clone(),
                    address: known.address.clone(),
                    agents: known.agents.clone(),
                },
            );
        }
        Some(place)
    }

    /// What the hand did in the same go before it was found out; the last of it.
    fn walk_back(&mut self, hand: Key, fact: &Fact, home: usize, pause: i64) -> Option<usize> {
        let lately = std::mem::take(&mut self.trail.hands.get_mut(hand)?.lately);
        let mut next = fact.event.time;
        let mut from = lately.len();
        for doing in lately.iter().rev() {
            if next.since(doing.last) > pause {
                break;
            }
            next = doing.first;
            from -= 1;
        }
        let mut last = None;
        for doing in lately.into_iter().skip(from) {
            let Some(act) = self.add_act(hand, doing, &[], home) else { continue };
            if let Some(earlier) = last.replace(act) {
                self.tie(home, earlier, act, Joint::Session);
            }
        }
        last
    }

    /// The same thing, refused a moment before it succeeded.
    fn refused_before(&mut self, hand: Key, fact: &Fact, home: usize) -> Option<usize> {
        let known = self.trail.hands.get_mut(hand)?;
        let place = known.lately.iter().rposition(|doing| {
            doing.action == fact.action.kind
                && matches!(doing.outcome, Outcome::Denied | Outcome::Rejected)
                && doing.resource == fact.event.resource()
                && fact.event.time.since(doing.last) <= REFUSED_BEFORE
        })?;
        let doing = known.lately.remove(place)?;
        self.add_act(hand, doing, &[], home)
    }
}

/// Whether the hand is not where its owner is, or has no owner, so that all it does in one go is
/// one piece of work.
fn is_strange(
    fact: &Fact,
    found: &[usize],
    ties: &[Found],
    all: &[Finding],
    past: &dyn History,
) -> bool {
    let new = found.iter().filter_map(|place| all.get(*place)).any(|finding| {
        finding.address_new == Some(true)
            || matches!(finding.actor_kind.as_str(), "anonymous" | "unauthenticated" | "bootstrap")
    });
    let taken = ties.iter().any(|(_, joint)| {
        matches!(joint, Joint::Pod | Joint::Token | Joint::Certificate | Joint::Account)
    });
    new || taken
        || fact.event.impersonated.is_some()
        || !found.is_empty() && past.token_off_network(fact) == Truth::True
}
