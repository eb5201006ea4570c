//! What may be wrong with the use of a credential, condition by condition. A condition that the log
//! cannot answer is unknown, and so is the alarm: it says which of its conditions were checked.

use super::{Ledger, addresses, life::CredentialLife, pods::PodLife};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use trailhound_model::{
    Str,
    credential::CredentialKind,
    fact::Fact,
    lookup::Truth,
    observed::Witness,
    time::{MINUTE, SECOND, Time},
};

/// Two uses at different addresses within this time are at once.
const AT_ONCE: i64 = 10 * MINUTE;
/// Tokens of pods whose beginning is in the log that must have been seen issued, before one that was
/// not says anything.
const ENOUGH_ISSUED: u64 = 10;
/// A pod or account younger than this may have a token whose issue is not written yet.
const SETTLED: i64 = 30 * SECOND;
/// Clocks differ, and API servers remember a valid token for a moment.
const AFTER_EXPIRY: i64 = MINUTE;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$one:meta])* $variant:ident = $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum $name { $($(#[$one])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// The words in JSON and sentences.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
    };
}

words! {
    /// What is wrong.
    AlarmKind {
        /// A token bound to a pod comes from an address that is not that of its pod or node.
        OffNode = "used off its node";
        /// It was used after its pod had ended.
        AfterPodEnd = "used after its pod had ended";
        /// It was used at two addresses at once.
        TwoPlaces = "used in two places at once";
        /// Nobody issued it.
        NeverIssued = "never issued";
        /// A certificate in the name of a service account.
        AccountWithCertificate = "certificate in the name of a service account";
        /// It was used after it had expired.
        AfterExpiry = "used after it had expired";
    }
}

words! {
    /// One condition of an alarm.
    Condition {
        /// Else it may be used anywhere.
        BoundToPod = "the token is bound to one pod";
        /// From `extra` or bodies.
        NodeKnown = "the log says on which node the pod runs";
        /// No NAT, no proxy in between.
        AddressesTell = "clients reach the API server with addresses of their own";
        /// From the pod's status.
        PodAddressKnown = "the log says the pod's own address";
        /// Compared with what is known of pod and node.
        AddressForeign = "the address is neither the pod's nor its node's";
        /// It was deleted for good.
        PodEndSeen = "the end of the pod is in the log";
        /// By more than clocks may differ.
        UsedLater = "the request came after that";
        /// Within ten minutes.
        OtherPlaceAtOnce = "the same credential was used at another address within ten minutes";
        /// It does not say which of two places is the pod's.
        NotFirstPlace = "the credential was first used elsewhere";
        /// By the pod's status or the networks of its node.
        NotItsHome = "this address is not the one where the pod is";
        /// Neither is shared by pods or nodes.
        AddressesOwn = "neither address is shared by others";
        /// Only then can one tell that it was issued.
        IdKnown = "the log names the credential by its id";
        /// Enough of them.
        IssuesLogged = "the log shows the issue of other tokens of its kind";
        /// Of the pod, or of the service account.
        BeginningSeen = "the log reaches back to before the token can have been issued";
        /// In this log.
        NoIssue = "no request that issued the token is in the log";
        /// By the caps of this program.
        NothingForgotten = "no issue was forgotten for lack of room";
        /// By the metronomes of the log.
        NoGap = "no gap in the log is proved since then";
        /// From the answer to the TokenRequest.
        ExpiryKnown = "the log says when the token expired";
        /// By the user name.
        NameOfAccount = "the name is that of a service account";
        /// By the credential id.
        IsCertificate = "the credential is a client certificate";
    }
}

/// A condition and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was asked.
    pub condition: Condition,
    /// The answer; unknown if it could not be checked.
    pub truth: Truth,
}

/// The conditions of one alarm on one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Each condition that was come to.
    pub checks: SmallVec<[Check; 6]>,
}

impl Verdict {
    /// True if all hold, false if one does not, else unknown.
    pub fn truth(&self) -> Truth {
        self.checks.iter().fold(Truth::True, |sum, check| sum.and(check.truth))
    }

    fn with(mut self, condition: Condition, truth: impl Into<Truth>) -> Verdict {
        self.checks.push(Check { condition, truth: truth.into() });
        self
    }

    /// What was checked, in words: only conditions that hold or are unknown.
    pub fn told(&self) -> String {
        told(&self.checks)
    }
}

/// Conditions in words.
pub fn told(checks: &[Check]) -> String {
    let list = |truth: Truth| -> String {
        let words: Vec<&str> = checks
            .iter()
            .filter(|check| check.truth == truth)
            .map(|check| check.condition.as_str())
            .collect();
        words.join("; ")
    };
    let (yes, unknown) = (list(Truth::True), list(Truth::Unknown));
    match (yes.is_empty(), unknown.is_empty()) {
        (_, true) => format!("Checked: {yes}."),
        (true, false) => format!("Could not be checked: {unknown}."),
        (false, false) => format!("Checked: {yes}. Could not be checked: {unknown}."),
    }
}

/// Something wrong that was seen with a credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// What.
    pub kind: AlarmKind,
    /// First request that shows it.
    pub first: Witness,
    /// Last one.
    pub last: Time,
    /// Requests that show it.
    pub count: u64,
    /// Address of the first.
    pub address: Str,
    /// Program of the first.
    pub agent: Str,
    /// Its conditions, as they were at the first.
    pub checks: Vec<Check>,
}

impl AlarmKind {
    /// Every kind.
    pub const ALL: [AlarmKind; 6] = [
        AlarmKind::OffNode,
        AlarmKind::AfterPodEnd,
        AlarmKind::TwoPlaces,
        AlarmKind::NeverIssued,
        AlarmKind::AccountWithCertificate,
        AlarmKind::AfterExpiry,
    ];
}

impl Ledger {
    /// Judges a request by what is known before it.
    pub fn verdict(&self, fact: &Fact, kind: AlarmKind) -> Verdict {
        let life = self.of(fact);
        match kind {
            AlarmKind::OffNode => self.off_node(fact),
            AlarmKind::AfterPodEnd => self.after_pod_end(fact),
            AlarmKind::TwoPlaces => self.two_places(fact, life),
            AlarmKind::NeverIssued => self.never_issued(fact, life),
            AlarmKind::AccountWithCertificate => account_with_certificate(fact),
            AlarmKind::AfterExpiry => after_expiry(fact, life),
        }
    }

    fn off_node(&self, fact: &Fact) -> Verdict {
        use Condition::{AddressForeign, AddressesTell, BoundToPod, NodeKnown, PodAddressKnown};
        let verdict = Verdict::default().with(BoundToPod, is_pod_token(fact));
        if !is_pod_token(fact) {
            return verdict;
        }
        let pod = self.pod_of(fact);
        let node = node_of(fact, pod);
        let verdict = verdict.with(NodeKnown, known(!node.is_empty()));
        if node.is_empty() {
            return verdict;
        }
        let address = fact.event.source_ip();
        let tell = self.addresses.tell_apart() && !self.addresses.is_shared(address);
        let verdict = verdict.with(AddressesTell, known(tell));
        let own = pod.filter(|pod| !pod.addresses.is_empty() && !pod.host_network);
        let of_node = self.addresses.is_of_node(address, node);
        let foreign = match (own, of_node) {
            (Some(pod), _) if pod.addresses.iter().any(|one| one == address) => Truth::False,
            _ if pod.is_some_and(|pod| pod.host == address) => Truth::False,
            (Some(pod), _) if !pod.addresses.iter().any(|o| addresses::comparable(o, address)) => {
                Truth::Unknown
            }
            (_, Some(true)) => Truth::False,
            (_, Some(false)) => Truth::True,
            (_, None) => Truth::Unknown,
        };
        let verdict = match own {
            Some(_) => verdict.with(PodAddressKnown, true),
            None => verdict,
        };
        verdict.with(AddressForeign, foreign)
    }

    fn after_pod_end(&self, fact: &Fact) -> Verdict {
        let verdict = Verdict::default().with(Condition::BoundToPod, is_pod_token(fact));
        let Some(pod) = self.pod_of(fact) else {
            return verdict.with(Condition::PodEndSeen, Truth::Unknown);
        };
        let Some(silent) = pod.silent_from() else {
            return verdict.with(Condition::PodEndSeen, false);
        };
        let verdict = verdict.with(Condition::PodEndSeen, true);
        let sent = fact.event.received.unwrap_or(fact.event.time);
        let ended = pod.ended.as_ref().map_or(silent, |end| end.time);
        let later = match (sent <= ended, sent > silent) {
            (true, _) => Truth::False,
            (_, true) => Truth::True,
            _ => Truth::Unknown,
        };
        verdict.with(Condition::UsedLater, later)
    }

    fn two_places(&self, fact: &Fact, life: Option<&CredentialLife>) -> Verdict {
        use Condition::{
            AddressesOwn, AddressesTell, BoundToPod, NotFirstPlace, NotItsHome, OtherPlaceAtOnce,
        };
        let verdict = Verdict::default().with(BoundToPod, is_pod_token(fact));
        let (address, time) = (fact.event.source_ip(), fact.event.time);
        let near = |last: Time| time.since(last).abs() <= AT_ONCE;
        let other = life.filter(|_| is_pod_token(fact)).and_then(|life| {
            life.places.iter().find(|place| {
                near(place.last)
                    && place.address != address
                    && addresses::comparable(&place.address, address)
            })
        });
        let verdict = verdict.with(OtherPlaceAtOnce, other.is_some());
        let (Some(other), Some(life)) = (other, life) else { return verdict };
        let verdict = match self.is_home(fact, life) {
            Some(home) => verdict.with(NotItsHome, !home),
            // Which of the two is the pod's own is not known: the copy may have been used first.
            // Nor, without kubelets that have addresses of their own, whether these are two places at
            // all: a proxy may have several addresses.
            None => verdict
                .with(
                    NotFirstPlace,
                    life.places.first().is_some_and(|place| place.address != address),
                )
                .with(AddressesTell, known(self.addresses.tell_apart())),
        };
        let shared = |one: &str| self.addresses.is_shared(one) || self.addresses.is_kubelet(one);
        let pod = self.pod_of(fact);
        let host = pod.is_some_and(|pod| pod.host_network || pod.host == address);
        verdict.with(AddressesOwn, known(!shared(address) && !shared(&other.address) && !host))
    }

    /// Whether a request comes from where the pod itself is, as far as that is known: of two places one
    /// is mostly the pod's own.
    fn is_home(&self, fact: &Fact, life: &CredentialLife) -> Option<bool> {
        let address = fact.event.source_ip();
        let pod = self.pod_of(fact);
        if let Some(pod) = pod.filter(|pod| !pod.addresses.is_empty()) {
            return Some(pod.addresses.iter().any(|own| own == address));
        }
        let node = node_of(fact, pod);
        let first = life.places.first().map_or("", |place| place.address.as_str());
        let of_node = |one: &str| self.addresses.is_of_node(one, node);
        match (of_node(address), of_node(first)) {
            (Some(true), Some(false)) => Some(true),
            (Some(false), Some(true)) => Some(false),
            _ => None,
        }
    }

    fn never_issued(&self, fact: &Fact, life: Option<&CredentialLife>) -> Verdict {
        use Condition::{BeginningSeen, IdKnown, IssuesLogged, NoIssue, NothingForgotten};
        let named = fact.credential.id.starts_with("JTI=") && is_account(fact);
        let verdict = Verdict::default().with(IdKnown, named);
        if !named {
            return verdict;
        }
        let verdict = verdict.with(NoIssue, life.is_none_or(|life| life.issue.is_none()));
        if verdict.truth() == Truth::False {
            return verdict;
        }
        let logged = self.issued_and_used >= ENOUGH_ISSUED
            && self.used_unissued * 10 <= self.issued_and_used;
        verdict
            .with(BeginningSeen, known(self.beginning(fact).is_some()))
            .with(IssuesLogged, known(logged))
            .with(NothingForgotten, known(self.forgotten == 0))
    }

    /// Since when a token for this pod or account can have been issued, if the log shows it.
    pub fn beginning(&self, fact: &Fact) -> Option<Time> {
        let start = if is_pod_token(fact) {
            self.pod_of(fact)?.started.as_ref()?.time
        } else {
            let actor = fact.principal.actor();
            *self.accounts.get(format!("{}/{}", actor.namespace, actor.short).as_str())?
        };
        (fact.event.time.since(start) >= SETTLED).then_some(start)
    }

    pub(super) fn pod_of(&self, fact: &Fact) -> Option<&PodLife> {
        let credential = &*fact.credential;
        if credential.pod.is_empty() {
            return None;
        }
        let namespace = &fact.principal.actor().namespace;
        self.pods.find(namespace, &credential.pod, &credential.pod_uid)
    }
}

fn is_account(fact: &Fact) -> bool {
    fact.event.user.name.starts_with("system:serviceaccount:")
}

/// A condition that either holds or cannot be judged.
fn known(holds: bool) -> Truth {
    if holds { Truth::True } else { Truth::Unknown }
}

fn is_pod_token(fact: &Fact) -> bool {
    fact.credential.kind == CredentialKind::PodToken
}

fn node_of<'a>(fact: &'a Fact, pod: Option<&'a PodLife>) -> &'a str {
    if fact.credential.node.is_empty() {
        pod.map_or("", |pod| pod.node.as_str())
    } else {
        &fact.credential.node
    }
}

fn account_with_certificate(fact: &Fact) -> Verdict {
    let account = fact.event.user.name.starts_with("system:serviceaccount:");
    let kind = match fact.credential.kind {
        CredentialKind::X509 => Truth::True,
        CredentialKind::Unknown => Truth::Unknown,
        _ => Truth::False,
    };
    Verdict::default().with(Condition::NameOfAccount, account).with(Condition::IsCertificate, kind)
}

fn after_expiry(fact: &Fact, life: Option<&CredentialLife>) -> Verdict {
    let expires = life.filter(|life| !life.may_outlive).and_then(|life| life.expires);
    let verdict = Verdict::default().with(Condition::ExpiryKnown, known(expires.is_some()));
    let Some(expires) = expires else { return verdict };
    let sent = fact.event.received.unwrap_or(fact.event.time);
    verdict.with(Condition::UsedLater, sent.since(expires) > AFTER_EXPIRY)
}
