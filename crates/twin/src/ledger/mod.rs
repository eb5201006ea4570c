//! The life of every credential: issued to whom, for which pod and node, used from where.
//!
//! The API server writes the id of a token when it is issued and whenever it is used, so that a
//! request can be led back to whoever asked for the token. Where the log has no ids the ledger falls
//! back to the pod, or to address and program, and says so with every credential
//! ([`life::IdentifiedBy`]). Bounded: 10^6 forged identities push out one another, not the ones with
//! an alarm.

mod addresses;
pub mod alarms;
pub mod certificates;
mod key;
pub mod life;
pub mod origin;
pub mod pods;
pub mod secrets;
#[cfg(test)]
mod tests;

use addresses::Addresses;
use alarms::{Alarm, AlarmKind};
use certificates::{CertificateTrail, Certificates};
use life::{CredentialLife, Hand, Issue, IssuedHow, Place, agent_of};
use pods::{PodLife, Pods};
use secrets::{SecretTrail, Secrets};
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Map, Str,
    action::{ActionKind, Effect, Outcome},
    credential::CredentialKind,
    entity,
    fact::Fact,
    lookup::Truth,
    observed::{Said, State, Witness},
    principal::{Identity, PrincipalKind},
    time::{SECOND, Time},
};

/// Credentials that are remembered.
pub const MOST_CREDENTIALS: usize = 60_000;
/// Service accounts whose creation is remembered, and identities that were acted as.
const MOST_NAMES: usize = 20_000;
/// Annotation with the id of a token that was just issued.
const ISSUED: &str = "authentication.kubernetes.io/issued-credential-id";
/// Life that programs in pods ask for; the API server then lets the token live a year, and only warns.
const EXTENDED_LIFE: i64 = 3607;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    lives: Map<Str, Box<CredentialLife>>,
    pods: Pods,
    addresses: Addresses,
    secrets: Secrets,
    certificates: Certificates,
    accounts: Map<Str, Time>,
    /// Who acted as an identity.
    acted_as: Map<Str, Vec<Hand>>,
    issued_and_used: u64,
    used_unissued: u64,
    /// Credentials forgotten because there were too many.
    forgotten: u64,
    #[serde(skip)]
    scratch: String,
}

/// What was left out for lack of room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Credentials.
    pub credentials: u64,
    /// Pods.
    pub pods: u64,
    /// Addresses and nodes.
    pub addresses: u64,
    /// Readers of secrets.
    pub readers: u64,
    /// Certificate signing requests.
    pub certificates: u64,
}

impl Ledger {
    /// Takes the next fact, in order of time.
    pub fn observe(&mut self, fact: &Fact) {
        // What was only tried ends no pod and makes no token.
        if fact.action.outcome == Outcome::Allowed && fact.action.effect != Effect::DryRun {
            self.learn(fact);
        }
        self.use_of(fact);
    }

    /// The life of a credential, by its id: `JTI=…`, `X509SHA256=…`, also as `cred:…`.
    pub fn credential(&self, id: &str) -> Option<&CredentialLife> {
        self.lives.get(id.strip_prefix("cred:").unwrap_or(id)).map(Box::as_ref)
    }

    /// The credentials that stand for an entity (`sa:ns/name`, `user:…`, `node:…`) or are bound to it
    /// (`pod:ns/name`), in the order of their first appearance.
    pub fn credentials_of(&self, entity: &str) -> Vec<&CredentialLife> {
        let pod = entity.strip_prefix("pod:").and_then(|name| name.split_once('/'));
        let is_of = |life: &&CredentialLife| match pod {
            Some((namespace, name)) => life.namespace == namespace && life.pod == name,
            None => life.holder == entity,
        };
        let all = self.lives.values().map(Box::as_ref);
        let mut found: Vec<&CredentialLife> = all.filter(is_of).collect();
        found.sort_by(|a, b| began(a).cmp(&began(b)).then_with(|| a.id.cmp(&b.id)));
        found
    }

    /// How a credential came into being, if the log shows it.
    pub fn issued_by(&self, id: &str) -> Option<&Issue> {
        self.credential(id)?.issue.as_deref()
    }

    /// Where a credential was used, in the order of first use.
    pub fn places(&self, id: &str) -> &[Place] {
        self.credential(id).map_or(&[], |life| &life.places)
    }

    /// The credential that made a request, as far as it is known before it.
    pub fn of(&self, fact: &Fact) -> Option<&CredentialLife> {
        if !fact.credential.id.is_empty() {
            return self.lives.get(fact.credential.id.as_str()).map(Box::as_ref);
        }
        self.lives.get(key::owned(fact)?.0.as_str()).map(Box::as_ref)
    }

    /// Pods that had a name, the latest last.
    pub fn pods_named(&self, namespace: &str, name: &str) -> Vec<&PodLife> {
        self.pods.named(namespace, name)
    }

    /// The pod that a credential is bound to.
    pub fn pod_of_credential(&self, life: &CredentialLife) -> Option<&PodLife> {
        self.pods.find(&life.namespace, &life.pod, &life.pod_uid)
    }

    /// What the log says of the Secret in which a credential lies.
    pub fn secret_of(&self, life: &CredentialLife) -> Option<SecretTrail> {
        let (namespace, name) = if let Some(id) = life.id.strip_prefix("BOOTSTRAP=") {
            ("kube-system", format!("bootstrap-token-{id}"))
        } else {
            let (namespace, name) = life.id.strip_prefix("SECRET=")?.split_once('/')?;
            (namespace, name.to_owned())
        };
        Some(SecretTrail {
            namespace: namespace.into(),
            created: self.secrets.creator(namespace, &name).cloned(),
            readers: self.secrets.readers(namespace, &name).into_iter().cloned().collect(),
            name: name.into(),
        })
    }

    /// Who acted as an identity, by impersonation.
    pub fn acted_as(&self, entity: &str) -> &[Hand] {
        self.acted_as.get(entity).map_or(&[], Vec::as_slice)
    }

    /// Identities seen at an address, and whether there are more than are kept.
    pub fn identities_at(&self, address: &str) -> (&[Str], bool) {
        self.addresses.identities(address)
    }

    /// The latest request for a certificate of a name.
    pub fn certificate(&self, name: &str) -> Option<&CertificateTrail> {
        self.certificates.named(name)
    }

    /// Certificate requests whose certificate is not known by fingerprint and may be this user's.
    pub fn certificates_before(&self, time: Time, user: &str) -> Vec<&CertificateTrail> {
        self.certificates.before(time, user)
    }

    /// What was left out for lack of room.
    pub fn left_out(&self) -> LeftOut {
        LeftOut {
            credentials: self.forgotten,
            pods: self.pods.forgotten,
            addresses: self.addresses.dropped,
            readers: self.secrets.dropped,
            certificates: self.certificates.forgotten,
        }
    }

    /// The log lacks these stretches: nobody can say of a token that may have been issued in one that
    /// it never was.
    pub(crate) fn missing(&mut self, gaps: &[(Time, Time)]) {
        let last = gaps.iter().map(|gap| gap.1).max().unwrap_or(Time(i64::MIN));
        for life in self.lives.values_mut() {
            let pod = self.pods.find(&life.namespace, &life.pod, &life.pod_uid);
            let start = match pod.filter(|_| life.is_bound_to_pod()) {
                Some(pod) => pod.started.as_ref().map(|started| started.time),
                None => {
                    life.holder.strip_prefix("sa:").and_then(|sa| self.accounts.get(sa)).copied()
                }
            };
            if start.is_none_or(|start| last >= start) {
                life.alarms.retain(|alarm| alarm.kind != AlarmKind::NeverIssued);
            }
        }
    }

    fn learn(&mut self, fact: &Fact) {
        use ActionKind as A;
        match fact.action.kind {
            A::TokenMint => self.minted(fact),
            A::SecretRead | A::SecretList | A::SecretWatch => self.secrets.observe(fact),
            A::SecretWrite => {
                self.secrets.observe(fact);
                self.secret_written(fact);
            }
            A::CsrCreate | A::CsrApprove | A::CsrSign => self.certificate_request(fact),
            A::AccountCreate => self.account_created(fact),
            _ if fact.event.resource() == "pods" => self.pods.observe(fact),
            _ => {}
        }
    }

    fn minted(&mut self, fact: &Fact) {
        let Some(id) = fact.event.annotation(ISSUED).filter(|id| !id.is_empty()) else { return };
        let (namespace, account) = (fact.event.namespace(), fact.event.object_name());
        let by_node = fact.principal.actor().kind == PrincipalKind::Node;
        let node = if by_node { fact.principal.actor().short.clone() } else { Str::default() };
        let issue = Issue {
            how: IssuedHow::TokenRequest,
            requested: Some(Hand::of(fact)),
            witness: Witness::of(&fact.event),
            through: entity::service_account(namespace, account).into(),
            ..Issue::default()
        };
        let time = fact.event.time;
        let life = self.entry(id, time);
        life.kind = CredentialKind::Token;
        life.holder = entity::service_account(namespace, account).into();
        life.namespace = namespace.into();
        life.node = node;
        life.issue = Some(Box::new(issue));
        let told = fact.observed.iter().flat_map(|observed| &observed.objects);
        for one in told {
            bind(life, &one.state, time);
            // When it ends only the answer says.
            if one.said == Said::Asked {
                (life.expires, life.may_outlive) = (None, false);
            }
        }
    }

    fn secret_written(&mut self, fact: &Fact) {
        if fact.event.verb != "create" {
            return;
        }
        let (namespace, name) = (fact.event.namespace(), fact.object_name());
        let joining = name.strip_prefix("bootstrap-token-").filter(|_| namespace == "kube-system");
        let told = fact.observed.iter().flat_map(|observed| &observed.objects);
        let mut account = told.filter_map(|one| match &one.state {
            State::Secret { account, .. } if !account.is_empty() => Some(account.clone()),
            _ => None,
        });
        let (key, how, holder) = match (joining, account.next_back()) {
            (Some(id), _) => {
                let user = entity::user(&format!("system:bootstrap:{id}"));
                (key::joining(id), IssuedHow::JoiningToken, user)
            }
            (None, Some(account)) => {
                let holder = entity::service_account(namespace, &account);
                (key::secret(namespace, name), IssuedHow::Secret, holder)
            }
            (None, None) => return,
        };
        let issue = Issue {
            how,
            requested: Some(Hand::of(fact)),
            witness: Witness::of(&fact.event),
            through: entity::object("secrets", namespace, name).into(),
            ..Issue::default()
        };
        let life = self.entry(&key, fact.event.time);
        life.identified_by = if how == IssuedHow::Secret {
            life::IdentifiedBy::SecretName
        } else {
            life::IdentifiedBy::JoiningToken
        };
        life.holder = holder.into();
        life.namespace = namespace.into();
        life.issue = Some(Box::new(issue));
    }

    fn certificate_request(&mut self, fact: &Fact) {
        let Some(trail) = self.certificates.observe(fact) else { return };
        let issue = Issue {
            how: IssuedHow::Certificate,
            requested: trail.requested.clone(),
            approved: trail.approved.clone(),
            witness: Witness::of(&fact.event),
            through: entity::object("certificatesigningrequests", "", &trail.name).into(),
        };
        let (id, user) = (trail.fingerprint.clone(), trail.common_name.clone());
        let life = self.entry(&id, fact.event.time);
        life.kind = CredentialKind::X509;
        life.holder = named(&user);
        life.issue = Some(Box::new(issue));
    }

    fn account_created(&mut self, fact: &Fact) {
        let told = fact.observed.iter().flat_map(|observed| &observed.objects).last();
        let from_body = told.map_or("", |one| one.name.as_str());
        let name = Some(fact.object_name()).filter(|name| !name.is_empty()).unwrap_or(from_body);
        if name.is_empty() || self.accounts.len() >= MOST_NAMES {
            return;
        }
        let key = format!("{}/{name}", fact.event.namespace());
        self.accounts.insert(key.into(), fact.event.time);
    }

    fn impersonated(&mut self, fact: &Fact) {
        let entity = fact.principal.effective.entity();
        let room = self.acted_as.len() < MOST_NAMES || self.acted_as.contains_key(entity.as_str());
        if !room {
            return;
        }
        let hand = Hand::of(fact);
        let hands = self.acted_as.entry(entity.into()).or_default();
        let known = hands.iter().any(|one| one.by == hand.by && one.address == hand.address);
        if !known && hands.len() < 8 {
            hands.push(hand);
        }
    }

    fn use_of(&mut self, fact: &Fact) {
        if fact.principal.real.is_some() && fact.action.outcome == Outcome::Allowed {
            self.impersonated(fact);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        if let Some((id, by)) = key::of(fact, &mut scratch) {
            self.count(id, by, fact);
        }
        scratch.clear();
        self.scratch = scratch;
    }

    fn count(&mut self, id: &str, by: life::IdentifiedBy, fact: &Fact) {
        let agent = agent_of(&fact.event);
        let before = self.lives.get(id).map(Box::as_ref);
        let is_new = before.is_none_or(|life| life.first.is_none());
        let place = before.and_then(|life| life.place(fact.event.source_ip(), agent));
        let new_place = place.is_none();
        let kinds = self.alarming(fact, is_new, new_place, before);
        if is_new {
            self.begin(id, by, fact);
        }
        let Some(life) = self.lives.get_mut(id) else { return };
        life.used(fact, agent);
        life.stale_uses +=
            u64::from(fact.event.annotation("authentication.k8s.io/stale-token").is_some());
        for (kind, checks) in kinds {
            raise(life, kind, checks, fact);
        }
        if is_new || new_place {
            self.settle(fact, is_new);
        }
    }

    /// The alarms that a request gives. Most conditions can only change where the place is new.
    fn alarming(
        &self,
        fact: &Fact,
        is_new: bool,
        new_place: bool,
        life: Option<&CredentialLife>,
    ) -> Vec<(AlarmKind, Vec<alarms::Check>)> {
        let known = |kind| life.is_some_and(|life| life.alarms.iter().any(|one| one.kind == kind));
        let mut found = Vec::new();
        for kind in AlarmKind::ALL {
            let worth = match kind {
                AlarmKind::OffNode | AlarmKind::TwoPlaces => new_place || known(kind),
                AlarmKind::NeverIssued => is_new || known(kind),
                AlarmKind::AccountWithCertificate => fact.credential.kind == CredentialKind::X509,
                AlarmKind::AfterPodEnd => !fact.credential.pod.is_empty(),
                AlarmKind::AfterExpiry => life.is_some_and(|life| life.expires.is_some()),
            };
            if worth {
                let verdict = self.verdict(fact, kind);
                if verdict.truth() == Truth::True {
                    found.push((kind, verdict.checks.into_vec()));
                }
            }
        }
        found
    }

    /// First use: what the record says of the credential itself.
    fn begin(&mut self, id: &str, by: life::IdentifiedBy, fact: &Fact) {
        let actor = fact.principal.actor();
        let checked = fact.credential.kind == CredentialKind::PodToken
            && fact.credential.id.starts_with("JTI=")
            && self.pod_of(fact).is_some_and(|pod| pod.started.is_some());
        let life = self.entry(id, fact.event.time);
        life.identified_by = by;
        life.kind = fact.credential.kind;
        life.holder = actor.entity().into();
        life.namespace.clone_from(&actor.namespace);
        if !fact.credential.pod.is_empty() {
            life.pod.clone_from(&fact.credential.pod);
            life.pod_uid.clone_from(&fact.credential.pod_uid);
        }
        if !fact.credential.node.is_empty() {
            life.node.clone_from(&fact.credential.node);
        }
        life.may_outlive |= life.is_bound_to_pod() && outlives(life);
        let issued = life.issue.is_some();
        self.issued_and_used += u64::from(checked && issued);
        self.used_unissued += u64::from(checked && !issued);
    }

    /// A credential came to a new place: what that says of the place.
    fn settle(&mut self, fact: &Fact, is_new: bool) {
        let (event, actor) = (&fact.event, fact.principal.actor());
        let address = event.source_ip();
        if actor.kind == PrincipalKind::Node && event.agent_family() == "kubelet" {
            self.addresses.kubelet(address, &actor.short);
        }
        if fact.credential.kind == CredentialKind::PodToken {
            let credential = &*fact.credential;
            let names = (actor.namespace.as_str(), credential.pod.as_str());
            let uid = credential.pod_uid.as_str();
            if let Some(pod) = self.pods.at((names.0, names.1, uid), event.time)
                && !credential.node.is_empty()
            {
                pod.node.clone_from(&credential.node);
            }
            if is_new {
                self.addresses.pod(address, uid, &credential.node);
            }
        }
        if actor.kind != PrincipalKind::ControlPlane {
            self.addresses.identity(address, &actor.entity());
        }
    }

    fn entry(&mut self, id: &str, time: Time) -> &mut CredentialLife {
        if !self.lives.contains_key(id) {
            self.make_room();
        }
        let life = self.lives.entry(id.into()).or_default();
        life.id = id.into();
        life.last = life.last.max(time);
        life
    }

    /// Forgets what was not heard of for longest, first what has no alarm.
    fn make_room(&mut self) {
        if self.lives.len() < MOST_CREDENTIALS {
            return;
        }
        let mut ages: Vec<(bool, Time, &Str)> = self
            .lives
            .values()
            .map(|life| (!life.alarms.is_empty(), life.last, &life.id))
            .collect();
        let cut = MOST_CREDENTIALS / 10;
        ages.select_nth_unstable(cut);
        let gone: Vec<Str> = ages.into_iter().take(cut).map(|(_, _, id)| id.clone()).collect();
        for id in gone {
            self.lives.remove(&id);
            self.forgotten += 1;
        }
    }
}

fn began(life: &CredentialLife) -> Time {
    let issued = life.issue.as_ref().map(|issue| issue.witness.time);
    let used = life.first.as_ref().map(|first| first.time);
    issued.into_iter().chain(used).min().unwrap_or(life.last)
}

/// What the answer to a TokenRequest says.
fn bind(life: &mut CredentialLife, state: &State, issued: Time) {
    let State::Token { bound_kind, bound_name, bound_uid, expires, .. } = state else { return };
    life.expires = *expires;
    match bound_kind.as_str() {
        "Pod" => {
            life.kind = CredentialKind::PodToken;
            life.pod.clone_from(bound_name);
            life.pod_uid.clone_from(bound_uid);
        }
        "Node" => life.node.clone_from(bound_name),
        "" => {}
        kind => life.bound_to = format!("{kind} {bound_name}").into(),
    }
    let seconds = expires.map_or(0, |end| end.since(issued) / SECOND);
    life.may_outlive = bound_kind == "Pod" && (seconds - EXTENDED_LIFE).abs() <= 5;
}

/// The API server extends tokens of pods that ask for the usual life.
fn outlives(life: &CredentialLife) -> bool {
    let (Some(end), Some(issue)) = (life.expires, &life.issue) else { return false };
    (end.since(issue.witness.time) / SECOND - EXTENDED_LIFE).abs() <= 5
}

fn raise(life: &mut CredentialLife, kind: AlarmKind, checks: Vec<alarms::Check>, fact: &Fact) {
    if let Some(alarm) = life.alarms.iter_mut().find(|alarm| alarm.kind == kind) {
        alarm.count += 1;
        alarm.last = alarm.last.max(fact.event.time);
        return;
    }
    life.alarms.push(Alarm {
        kind,
        first: Witness::of(&fact.event),
        last: fact.event.time,
        count: 1,
        address: fact.event.source_ip().into(),
        agent: agent_of(&fact.event).into(),
        checks,
    });
}

/// The entity of a user name.
fn named(user: &str) -> Str {
    use trailhound_model::event::User;
    Identity::of(&User { name: user.into(), ..User::default() }).entity().into()
}
