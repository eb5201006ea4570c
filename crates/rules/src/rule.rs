//! A rule as everybody behind the front ends sees it: what it watches, its conditions sorted by
//! when they can be judged, and its words.

use crate::{
    correlation::Correlation,
    error::LoadError,
    falco::AlertForm,
    field::Field,
    joint::Joint,
    recall,
    site::{
        IndicatorFiles, Knowledge, Site, Wants,
        cidr::Network,
        geo::{GeoSource, GeoTable, Place},
        wants,
    },
    template::Template,
    tree::Predicate,
};
use std::sync::Arc;
use trailhound_model::{
    action::{ActionKind, Effect, Outcome},
    event::Level,
    finding::{FindingKind, Severity},
    lookup::Side,
    principal::PrincipalKind,
};

/// How later acts follow from a finding of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Enables {
    /// Tokens bound to the pod that was entered or created.
    CredentialOfTargetPod,
    /// The token that a `TokenRequest` issued, and its account.
    IssuedCredential,
    /// The service account that owns the secret or token, or that the pod runs as.
    AccountOfTarget,
    /// The subjects of the binding.
    GrantSubjects,
    /// The user that the certificate names.
    CsrSubject,
    /// The identity acted as.
    Impersonated,
    /// The object itself.
    Target,
}

impl Enables {
    /// Every word.
    pub const ALL: [Enables; 7] = [
        Enables::CredentialOfTargetPod,
        Enables::IssuedCredential,
        Enables::AccountOfTarget,
        Enables::GrantSubjects,
        Enables::CsrSubject,
        Enables::Impersonated,
        Enables::Target,
    ];

    /// The name in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Enables::CredentialOfTargetPod => "credential-of-target-pod",
            Enables::IssuedCredential => "issued-credential",
            Enables::AccountOfTarget => "account-of-target",
            Enables::GrantSubjects => "grant-subjects",
            Enables::CsrSubject => "csr-subject",
            Enables::Impersonated => "impersonated",
            Enables::Target => "target",
        }
    }

    /// The word with this name.
    pub fn from_name(name: &str) -> Option<Enables> {
        Self::ALL.into_iter().find(|word| word.as_str() == name)
    }
}

/// What a rule watches: all must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watches {
    /// Kinds of action, in the order of [`ActionKind`].
    pub actions: Vec<ActionKind>,
    /// Outcomes.
    pub outcomes: Vec<Outcome>,
    /// Effects.
    pub effects: Vec<Effect>,
    /// Kinds of the effective identity.
    pub principals: Vec<PrincipalKind>,
}

/// Every effect.
pub const EFFECTS: [Effect; 4] = [Effect::None, Effect::Changed, Effect::DryRun, Effect::NoOp];

/// Another severity under a condition.
#[derive(Clone, Debug)]
pub struct Adjustment {
    /// When it applies.
    pub when: Predicate,
    /// The severity then.
    pub severity: Severity,
    /// Why.
    pub because: Template,
    /// The condition as it was written.
    pub source: String,
}

/// An example that a rule proves itself with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleTest {
    /// What it shows.
    pub name: String,
    /// Whether the rule fires on it.
    pub fires: bool,
    /// Audit events as JSON, to be completed.
    pub events: Vec<serde_json::Value>,
    /// What the site brings along in this test.
    pub knowledge: TestKnowledge,
}

/// What a site brings along in the test of a rule, as written there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TestKnowledge {
    /// A site file without its version.
    pub site: Option<serde_json::Map<String, serde_json::Value>>,
    /// Indicators.
    pub indicators: Vec<serde_json::Value>,
    /// Places of networks.
    pub geo: Vec<TestPlace>,
}

/// Where the addresses of a network are, in the test of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TestPlace {
    /// The network.
    pub network: String,
    /// Its country.
    pub country: String,
    /// Its autonomous system.
    pub asn: Option<u32>,
    /// Who runs that.
    pub organisation: String,
}

impl TestKnowledge {
    /// What it amounts to; nothing if the test brings nothing along.
    pub fn load(&self) -> Result<Option<Knowledge>, Vec<LoadError>> {
        if *self == TestKnowledge::default() {
            return Ok(None);
        }
        let mut site = self.site.clone().unwrap_or_default();
        site.entry("version").or_insert_with(|| 1.into());
        let site = Site::load(&[("test", &serde_json::Value::Object(site).to_string())])?;
        let mut files = IndicatorFiles::default();
        if !self.indicators.is_empty() {
            let lines: Vec<String> = self.indicators.iter().map(ToString::to_string).collect();
            files.add("test", &lines.join("\n"));
        }
        let mut places = Vec::new();
        for place in &self.geo {
            let network = Network::parse(&place.network)
                .map_err(|what| vec![LoadError { what, ..LoadError::default() }])?;
            let known = Place {
                country: place.country.as_str().into(),
                asn: place.asn,
                organisation: place.organisation.as_str().into(),
            };
            places.push((network, known));
        }
        let table: Option<Arc<dyn GeoSource>> =
            (!places.is_empty()).then(|| Arc::new(GeoTable::of(places)) as Arc<dyn GeoSource>);
        Ok(Some(Knowledge::new(site, files.finish()?, table.into_iter().collect())))
    }
}

/// The language that a rule was written in, which decides when it is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Ours: by actions, once for each request.
    #[default]
    Native,
    /// Falco's: on every record, whatever its stage.
    Falco,
    /// Sigma's: once for each request.
    Sigma,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) id: String,
    pub(crate) language: Language,
    /// Its place in the order in which rules of other languages were loaded.
    pub(crate) order: u32,
    pub(crate) file: String,
    pub(crate) version: u32,
    pub(crate) title: String,
    pub(crate) family: String,
    pub(crate) severity: Severity,
    pub(crate) confidence: f64,
    pub(crate) kind: FindingKind,
    pub(crate) techniques: Vec<String>,
    pub(crate) controls: Vec<String>,
    pub(crate) covers: Vec<String>,
    pub(crate) needs: Level,
    pub(crate) watches: Watches,
    pub(crate) conditions: Conditions,
    pub(crate) adjust: Vec<Adjustment>,
    pub(crate) correlation: Option<Correlation>,
    /// The rules that it is made of, if it does not match events by itself.
    pub(crate) joint: Option<Joint>,
    /// Only the rules that are made of it tell of its matches.
    pub(crate) part: bool,
    pub(crate) explain: Template,
    pub(crate) why: String,
    pub(crate) benign: Vec<String>,
    pub(crate) next: Vec<Template>,
    pub(crate) enables: Vec<Enables>,
    pub(crate) tests: Vec<RuleTest>,
    /// Whether it asks for the effect, which only body versions settle for updates.
    pub(crate) needs_versions: bool,
    /// What was not brought along and without which it cannot decide anything.
    pub(crate) missing: Option<Wants>,
    /// Its condition as it was written.
    pub(crate) source: String,
    /// How its matches are told in the form of the engine that it was written for.
    pub(crate) alert: Option<Box<AlertForm>>,
}

/// The top-level conjuncts of a condition, by when they can be judged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    /// With who acts and with which program: the same for all requests of a kind.
    pub(crate) actor: Vec<Predicate>,
    /// With the decoded event alone.
    pub(crate) event: Vec<Predicate>,
    /// With bodies, while the record is in the buffer.
    pub(crate) body: Vec<Predicate>,
    /// With history, in order of time.
    pub(crate) history: Vec<Predicate>,
}

impl Conditions {
    /// Sorts the conjuncts of a condition.
    pub(crate) fn of(predicate: Predicate) -> Conditions {
        use crate::field::Origin;
        let mut conditions = Conditions::default();
        for conjunct in predicate.conjuncts() {
            match conjunct.origin() {
                Origin::Event if is_of_actor(&conjunct) => {
                    conditions.actor.push(conjunct);
                }
                Origin::Event => conditions.event.push(conjunct),
                Origin::History => conditions.history.push(conjunct),
                _ => conditions.body.push(conjunct),
            }
        }
        conditions.body.sort_by_key(Predicate::origin);
        conditions
    }

    /// All conjuncts.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Predicate> {
        self.actor.iter().chain(&self.event).chain(&self.body).chain(&self.history)
    }
}

/// Whether it asks only for what all requests of a kind have in common.
fn is_of_actor(conjunct: &Predicate) -> bool {
    let mut asks = false;
    conjunct.each_ask(&mut |_| asks = true);
    !asks && conjunct.fields().iter().all(recall::remembers)
}

impl Rule {
    /// A rule of another language, with what every one of them has.
    pub(crate) fn foreign(id: String, language: Language, condition: Predicate) -> Rule {
        let mut needs = Level::Metadata;
        condition.each_ask(&mut |ask| {
            needs = needs.max(match ask.side() {
                None => Level::Metadata,
                Some(Side::Request) => Level::Request,
                Some(Side::Response) => Level::RequestResponse,
            });
        });
        Rule {
            id,
            language,
            order: 0,
            file: String::new(),
            version: 1,
            title: String::new(),
            family: String::new(),
            severity: Severity::Info,
            confidence: 0.5,
            kind: FindingKind::Rule,
            techniques: Vec::new(),
            controls: Vec::new(),
            covers: Vec::new(),
            needs,
            watches: Watches::default(),
            conditions: Conditions::of(condition),
            adjust: Vec::new(),
            correlation: None,
            joint: None,
            part: false,
            explain: Template::default(),
            why: String::new(),
            benign: Vec::new(),
            next: Vec::new(),
            enables: Vec::new(),
            tests: Vec::new(),
            needs_versions: false,
            missing: None,
            source: String::new(),
            alert: None,
        }
    }

    /// Stable id, kebab-case.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The language that it was written in.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Name of the file that it was loaded from.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Raised when the meaning changes.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// One line.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Threat family.
    pub fn family(&self) -> &str {
        &self.family
    }

    /// Severity before adjustments.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// 0 to 1.
    pub fn confidence(&self) -> f64 {
        self.confidence
    }

    /// What sort of finding it makes.
    pub fn kind(&self) -> FindingKind {
        self.kind
    }

    /// ATT&CK technique ids.
    pub fn techniques(&self) -> &[String] {
        &self.techniques
    }

    /// Controls of standards that it serves.
    pub fn controls(&self) -> &[String] {
        &self.controls
    }

    /// Capabilities of docs/detections.md that it covers: `PR01`.
    pub fn covers(&self) -> &[String] {
        &self.covers
    }

    /// Least audit level at which it can decide.
    pub fn needs(&self) -> Level {
        self.needs
    }

    /// What it watches.
    pub fn watches(&self) -> &Watches {
        &self.watches
    }

    /// Severities under conditions; the first that is true counts.
    pub fn adjust(&self) -> &[Adjustment] {
        &self.adjust
    }

    /// What it counts over time, if it does.
    pub fn correlation(&self) -> Option<&Correlation> {
        self.correlation.as_ref()
    }

    /// The rules that it is made of, if it does not match events by itself.
    pub fn joint(&self) -> Option<&Joint> {
        self.joint.as_ref()
    }

    /// Whether only rules that are made of it tell of its matches.
    pub fn is_part(&self) -> bool {
        self.part
    }

    /// What happened, as a template.
    pub fn explain(&self) -> &Template {
        &self.explain
    }

    /// Why it matters.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Innocent readings.
    pub fn benign(&self) -> &[String] {
        &self.benign
    }

    /// What to do next, as templates.
    pub fn next(&self) -> &[Template] {
        &self.next
    }

    /// How later acts follow from its findings.
    pub fn enables(&self) -> &[Enables] {
        &self.enables
    }

    /// Its examples.
    pub fn tests(&self) -> &[RuleTest] {
        &self.tests
    }

    /// Its condition as it was written; empty without one.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What the site did not bring along and without which the rule is blind.
    pub fn missing(&self) -> Option<Wants> {
        self.missing
    }

    /// What it asks of the site anywhere, each once: in conditions, adjustments and sentences.
    pub fn wants(&self) -> Vec<Wants> {
        let judged = self.conditions.all().chain(self.adjust.iter().map(|one| &one.when));
        let mut fields: Vec<Field> = judged.flat_map(Predicate::fields).collect();
        fields.extend(self.next.iter().chain([&self.explain]).flat_map(Template::fields).cloned());
        let mut found: Vec<Wants> = fields.iter().filter_map(|field| wants(field.id())).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether a part of its condition needs history.
    pub fn needs_history(&self) -> bool {
        !self.conditions.history.is_empty()
    }

    /// The conjuncts of its condition, those of the event first and those of history last.
    pub fn conditions(&self) -> impl Iterator<Item = &Predicate> {
        self.conditions.all()
    }
}

/// Kinds of action that change the cluster when they succeed. Exec and proxies are not among them:
/// whether their request is a POST or a GET depends on the client, not on what is done.
pub fn is_write(kind: ActionKind) -> bool {
    use ActionKind as A;
    matches!(
        kind,
        A::ObjectCreate
            | A::ObjectChange
            | A::ObjectDelete
            | A::ObjectDeleteMany
            | A::StatusUpdate
            | A::LeaseRenew
            | A::PodDebug
            | A::PodEvict
            | A::PodBind
            | A::NodeCreate
            | A::NodeChange
            | A::NodeDelete
            | A::WorkloadCreate
            | A::WorkloadChange
            | A::WorkloadScale
            | A::WorkloadDelete
            | A::SecretWrite
            | A::SecretDelete
            | A::ConfigWrite
            | A::ConfigDelete
            | A::TokenMint
            | A::AccountCreate
            | A::AccountChange
            | A::AccountDelete
            | A::RbacGrant
            | A::RbacRevoke
            | A::RoleChange
            | A::RoleDelete
            | A::CsrCreate
            | A::CsrApprove
            | A::CsrSign
            | A::CsrDelete
            | A::WebhookChange
            | A::WebhookDelete
            | A::PolicyChange
            | A::PolicyDelete
            | A::NetworkPolicyChange
            | A::NetworkPolicyDelete
            | A::NamespaceCreate
            | A::NamespaceChange
            | A::NamespaceDelete
            | A::ServiceChange
            | A::IngressChange
            | A::EventDelete
            | A::EventWrite
            | A::ApiExtend
    )
}
