//! The fields that rules may speak of: name, type, and where the value comes from.
//!
//! The origin decides when a condition can be judged: event fields while the record is in the
//! buffer, body fields only after the body was parsed, history only in order of time. Types are
//! known here so that a rule that cannot work is refused when it is loaded, not silently false.

use std::fmt;
use trailhound_model::Str;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// True, false or unknown.
    Bool,
    /// A whole number.
    Int,
    /// Text.
    Text,
    /// A list of texts.
    List,
    /// Texts by name: needs `["NAME"]`.
    Map,
    /// Whatever a raw body has there; taken as what the condition asks for.
    Any,
}

impl Type {
    /// The type in an error message.
    pub fn as_str(self) -> &'static str {
        match self {
            Type::Bool => "true or false",
            Type::Int => "a number",
            Type::Text => "text",
            Type::List => "a list",
            Type::Map => "a map",
            Type::Any => "a raw value",
        }
    }
}

/// Where a field's value comes from, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The decoded event: always at hand.
    Event,
    /// The event, or the body where the event does not have it (names of created objects).
    Named,
    /// The extracted body: needs the audit level Request.
    Body,
    /// `requestObject` as logged: only while the record is in the buffer.
    RawRequest,
    /// `responseObject` as logged: only while the record is in the buffer.
    RawResponse,
    /// What happened before: only in order of time.
    History,
}

impl Origin {
    /// A body as logged, which nobody keeps after the record left the buffer.
    pub fn is_raw(self) -> bool {
        matches!(self, Origin::RawRequest | Origin::RawResponse)
    }
}

macro_rules! fields {
    ($($variant:ident $name:literal $kind:ident $origin:ident;)*) => {
        /// A name in the registry.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the name in the registry says it; docs/rules.md explains")]
        pub enum FieldId { $($variant,)* }

        impl FieldId {
            /// Every field.
            pub const ALL: &'static [FieldId] = &[$(FieldId::$variant,)*];

            /// The name in rules.
            pub fn name(self) -> &'static str {
                match self { $(FieldId::$variant => $name,)* }
            }

            /// What it holds.
            pub fn kind(self) -> Type {
                match self { $(FieldId::$variant => Type::$kind,)* }
            }

            /// Where it comes from.
            pub fn origin(self) -> Origin {
                match self { $(FieldId::$variant => Origin::$origin,)* }
            }

            /// The field with this name.
            pub fn from_name(name: &str) -> Option<FieldId> {
                match name { $($name => Some(FieldId::$variant),)* _ => None }
            }
        }
    };
}

fields! {
    EventVerb "event.verb" Text Event;
    EventUri "event.uri" Text Event;
    EventPath "event.path" Text Event;
    EventStage "event.stage" Text Event;
    EventLevel "event.level" Text Event;
    EventUserAgent "event.userAgent" Text Event;
    EventAgent "event.agent" Text Event;
    EventInteractive "event.interactive" Bool Event;
    EventSourceIp "event.sourceIP" Text Event;
    EventSourceIps "event.sourceIPs" List Event;
    EventSourcePrivate "event.sourcePrivate" Bool Event;
    EventCode "event.code" Int Event;
    EventReason "event.reason" Text Event;
    EventMessage "event.message" Text Event;
    EventCluster "event.cluster" Text Event;
    EventAnnotations "event.annotations" Map Event;
    RequestObject "event.requestObject" Any RawRequest;
    ResponseObject "event.responseObject" Any RawResponse;
    ActionKind "action.kind" Text Event;
    ActionPhrase "action.phrase" Text Event;
    ActionOutcome "action.outcome" Text Event;
    ActionEffect "action.effect" Text Named;
    PrincipalName "principal.name" Text Event;
    PrincipalKind "principal.kind" Text Event;
    PrincipalNamespace "principal.namespace" Text Event;
    PrincipalShort "principal.short" Text Event;
    PrincipalSession "principal.session" Text Event;
    PrincipalGroups "principal.groups" List Event;
    PrincipalImpersonated "principal.impersonated" Bool Event;
    ActorName "actor.name" Text Event;
    ActorKind "actor.kind" Text Event;
    ActorNamespace "actor.namespace" Text Event;
    ActorShort "actor.short" Text Event;
    ActorSession "actor.session" Text Event;
    ActorGroups "actor.groups" List Event;
    CredentialKind "credential.kind" Text Event;
    CredentialId "credential.id" Text Event;
    CredentialPod "credential.pod" Text Event;
    CredentialNode "credential.node" Text Event;
    AuthzDecision "authz.decision" Text Event;
    AuthzReason "authz.reason" Text Event;
    AuthzBinding "authz.binding" Text Event;
    AuthzRole "authz.role" Text Event;
    AuthnImpersonationConstraint "authn.impersonationConstraint" Text Event;
    TargetResource "target.resource" Text Event;
    TargetSubresource "target.subresource" Text Event;
    TargetGroup "target.group" Text Event;
    TargetNamespace "target.namespace" Text Event;
    TargetName "target.name" Text Named;
    TargetEntity "target.entity" Text Named;
    TargetSystem "target.system" Bool Named;
    ExecCommand "exec.command" Text Event;
    ExecContainer "exec.container" Text Event;
    ExecTty "exec.tty" Bool Event;
    ExecStdin "exec.stdin" Bool Event;
    ProxyPath "proxy.path" Text Event;
    Query "query" Map Event;
    WorkloadPrivileged "workload.privileged" Bool Body;
    WorkloadHostPid "workload.hostPID" Bool Body;
    WorkloadHostIpc "workload.hostIPC" Bool Body;
    WorkloadHostNetwork "workload.hostNetwork" Bool Body;
    WorkloadMirror "workload.mirror" Bool Body;
    WorkloadHostPaths "workload.hostPaths" List Body;
    WorkloadCapabilities "workload.capabilities" List Body;
    WorkloadImages "workload.images" List Body;
    WorkloadCommands "workload.commands" List Body;
    WorkloadContainers "workload.containers" List Body;
    WorkloadServiceAccount "workload.serviceAccount" Text Body;
    WorkloadNodeName "workload.nodeName" Text Body;
    WorkloadReplicas "workload.replicas" Int Body;
    WorkloadLabels "workload.labels" Map Body;
    WorkloadHostAccess "workload.hostAccess" Bool Body;
    WorkloadRisks "workload.risks" List Body;
    WorkloadHostControl "workload.hostControl" Bool Body;
    WorkloadWritableHostPaths "workload.writableHostPaths" List Body;
    WorkloadSharesProcesses "workload.sharesProcesses" Bool Body;
    WorkloadEscalation "workload.privilegeEscalation" Bool Body;
    WorkloadSetsSpec "workload.setsSpec" Bool Body;
    WorkloadAddedContainers "workload.addedContainers" List Body;
    WorkloadViolations "workload.violations" List Body;
    WorkloadBaselineViolations "workload.baselineViolations" List Body;
    WorkloadStandard "workload.standard" Text Body;
    GrantRole "grant.role" Text Body;
    GrantRoleKind "grant.roleKind" Text Body;
    GrantSubjects "grant.subjects" List Body;
    GrantSubjectKinds "grant.subjectKinds" List Body;
    GrantToSelf "grant.toSelf" Bool Body;
    RoleWildcard "role.wildcard" Bool Body;
    RoleVerbs "role.verbs" List Body;
    RoleResources "role.resources" List Body;
    RoleEscalates "role.escalates" Bool Body;
    RoleAggregatesTo "role.aggregatesTo" List Body;
    WebhookUrls "webhook.urls" List Body;
    WebhookServices "webhook.services" List Body;
    WebhookFailurePolicies "webhook.failurePolicies" List Body;
    WebhookResources "webhook.resources" List Body;
    WebhookExternal "webhook.external" Bool Body;
    CsrSigner "csr.signer" Text Body;
    CsrCommonName "csr.commonName" Text Body;
    CsrOrganizations "csr.organizations" List Body;
    CsrSubject "csr.subject" Text Body;
    CsrUsages "csr.usages" List Body;
    CsrConditions "csr.conditions" List Body;
    ServiceType "service.type" Text Body;
    ServiceExternalName "service.externalName" Text Body;
    ServiceExternalIps "service.externalIPs" List Body;
    ServicePorts "service.ports" List Body;
    ConfigCredentials "config.credentials" List Body;
    MetaLabels "meta.labels" Map Body;
    MetaAnnotations "meta.annotations" Map Body;
    TokenExpirationSeconds "token.expirationSeconds" Int Body;
    TokenAudiences "token.audiences" List Body;
    TokenBoundPod "token.boundPod" Text Body;
    ReviewVerb "review.verb" Text Body;
    ReviewResource "review.resource" Text Body;
    ReviewNamespace "review.namespace" Text Body;
    ReviewAllowed "review.allowed" Bool Body;
    SiteTrustedNetwork "site.trustedNetwork" Bool Event;
    SiteUserAllowed "site.userAllowed" Bool Event;
    SiteNamespaceAllowed "site.namespaceAllowed" Bool Named;
    SiteNodeAllowed "site.nodeAllowed" Bool Named;
    SiteImagesAllowed "site.imagesAllowed" Bool Body;
    SiteBreakGlass "site.breakGlass" Text Event;
    SiteBreakGlassOpen "site.breakGlassOpen" Bool Event;
    IndicatorAddress "indicator.address" Text Event;
    IndicatorImage "indicator.image" Text Body;
    IndicatorAgent "indicator.agent" Text Event;
    IndicatorCredential "indicator.credential" Text Event;
    GeoCountry "geo.country" Text Event;
    GeoAsn "geo.asn" Int Event;
    GeoOrganisation "geo.organisation" Text Event;
    HistoryPriorActions "history.priorActions" Int History;
    HistoryPriorRequests "history.priorRequests" Int History;
    HistoryAddressIsNew "history.addressIsNew" Bool History;
    HistoryAgentIsNew "history.agentIsNew" Bool History;
    HistoryTokenOffNetwork "history.tokenOffNetwork" Bool History;
    HistoryTokenMoved "history.tokenMoved" Bool History;
    HistoryAccountOnlyPodBound "history.accountOnlyPodBound" Bool History;
    HistoryAddressOfPerson "history.addressOfPerson" Bool History;
    HistoryRefusedToAnother "history.refusedToAnother" Bool History;
    HistoryGrantUnseen "history.grantUnseen" Bool History;
    HistoryTokenMintedElsewhere "history.tokenMintedElsewhere" Bool History;
    HistoryTokenOffNode "history.tokenOffNode" Bool History;
    HistoryTokenAfterPodEnd "history.tokenAfterPodEnd" Bool History;
    HistoryTokenTwoPlaces "history.tokenTwoPlaces" Bool History;
    HistoryTokenNeverIssued "history.tokenNeverIssued" Bool History;
    HistoryTokenAfterExpiry "history.tokenAfterExpiry" Bool History;
    HistoryAccountWithCertificate "history.accountWithCertificate" Bool History;
    HistoryTokenChecks "history.tokenChecks" Text History;
}

/// A field as a rule names it: with the key of a map or the path into a raw body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field {
    id: FieldId,
    path: Box<[Str]>,
}

impl Field {
    /// A field without key or path.
    pub fn plain(id: FieldId) -> Field {
        Field { id, path: Box::default() }
    }

    /// A field with the key of a map or a path into a raw body.
    pub fn at(id: FieldId, path: Vec<Str>) -> Field {
        Field { id, path: path.into() }
    }

    /// Which field.
    pub fn id(&self) -> FieldId {
        self.id
    }

    /// The key or path; empty for plain fields.
    pub fn path(&self) -> &[Str] {
        &self.path
    }

    /// The key of a map.
    pub fn key(&self) -> &str {
        self.path.first().map_or("", Str::as_str)
    }

    /// What it holds, its key taken into account.
    pub fn kind(&self) -> Type {
        match self.id.kind() {
            Type::Map if !self.path.is_empty() => Type::Text,
            kind => kind,
        }
    }

    /// Where it comes from.
    pub fn origin(&self) -> Origin {
        self.id.origin()
    }

    /// Reads `event.annotations["a/b"]`, `event.requestObject.spec.x`, `exec.command`. `None` if
    /// there is no such field.
    pub fn parse(text: &str) -> Option<Field> {
        if let Some(id) = FieldId::from_name(text) {
            return Some(Field::plain(id));
        }
        if let Some((name, rest)) = text.split_once('[') {
            let id = FieldId::from_name(name).filter(|id| id.kind() == Type::Map)?;
            let key = rest.strip_suffix(']')?;
            let key = strip_quotes(key, '"').or_else(|| strip_quotes(key, '\''))?;
            return Some(Field::at(id, vec![key.into()]));
        }
        FieldId::ALL.iter().filter(|id| id.kind() == Type::Any).find_map(|id| {
            let path = text.strip_prefix(id.name())?.strip_prefix('.')?;
            Some(Field::at(*id, path.split('.').map(Str::from).collect()))
        })
    }
}

fn strip_quotes(text: &str, quote: char) -> Option<&str> {
    text.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.contains(quote))
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id.name())?;
        for part in &self.path {
            match self.id.kind() {
                Type::Map => write!(f, "[\"{part}\"]")?,
                _ => write!(f, ".{part}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_what_it_prints() {
        for id in FieldId::ALL {
            assert_eq!(Field::parse(id.name()), Some(Field::plain(*id)));
        }
        for text in [
            "event.annotations[\"a.b/c\"]",
            "query[\"dryRun\"]",
            "event.requestObject.spec.containers.0.image",
        ] {
            assert_eq!(Field::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_field_is_not_taken_for_one() {
        for text in ["", "event", "event.nope", "exec.command.x", "event.verb[\"x\"]", "query[x]"] {
            assert_eq!(Field::parse(text), None, "{text}");
        }
    }
}
