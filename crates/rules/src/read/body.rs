//! Fields of extracted bodies. A body of another kind than the field is about has nothing to say:
//! the field is absent there, not unknown.

use super::{Items, View, filled, found, groups};
use crate::{
    field::{Field, FieldId},
    judgement, pod_security,
};
use std::borrow::Cow;
use trailhound_model::{
    Str,
    body::{Binding, Body, BodyKind, CertificateRequest, Role, Webhook, Workload},
    lookup::{Reading, Truth},
};

type Text<'a> = Reading<Cow<'a, str>>;
type List<'a> = Reading<Items<'a>>;

impl<'a> View<'a> {
    pub(super) fn body_flag(&self, id: FieldId, body: &'a Body) -> Truth {
        match &body.kind {
            BodyKind::Workload(workload) => Truth::from(workload_flag(id, workload)),
            BodyKind::Binding(binding) if id == FieldId::GrantToSelf => self.grants_self(binding),
            BodyKind::Role(role) => self.role_flag(id, role),
            BodyKind::Webhooks(hooks) if id == FieldId::WebhookExternal => {
                let external = |hook: &Webhook| judgement::external_url(&hook.url);
                Truth::from(hooks.iter().filter(|hook| !hook.url.is_empty()).any(external))
            }
            BodyKind::Review { allowed, .. } if id == FieldId::ReviewAllowed => {
                allowed.map_or(Truth::Unknown, Truth::from)
            }
            _ => Truth::False,
        }
    }

    fn role_flag(&self, id: FieldId, role: &Role) -> Truth {
        let cluster_wide = self.event().resource() == "clusterroles";
        Truth::from(match id {
            FieldId::RoleWildcard => role.rules.iter().any(judgement::wildcard),
            FieldId::RoleEscalates => {
                role.rules.iter().any(|rule| judgement::escalates(rule, cluster_wide))
            }
            _ => false,
        })
    }

    /// By name for certain; by group only as far as the log has the groups.
    fn grants_self(&self, binding: &Binding) -> Truth {
        let (principal, event) = (&self.fact.principal, self.event());
        let names = [principal.actor().name.as_str(), principal.effective.name.as_str()];
        let subjects = &binding.subjects;
        let bound = |kind: bool, name: &str| {
            subjects
                .iter()
                .any(|one| (one.kind == "Group") == kind && one.authorizer_name() == name)
        };
        if names.iter().any(|name| !name.is_empty() && bound(false, name)) {
            return Truth::True;
        }
        if subjects.iter().all(|subject| subject.kind != "Group") {
            return Truth::False;
        }
        [(&*event.user, principal.actor()), (event.effective_user(), &principal.effective)]
            .into_iter()
            .map(|(user, identity)| match groups(user, identity) {
                Reading::Present(groups) => {
                    Truth::from(groups.iter().any(|group| bound(true, &group.text())))
                }
                Reading::Absent => Truth::False,
                Reading::Unknown => Truth::Unknown,
            })
            .fold(Truth::False, Truth::or)
    }
}

fn workload_flag(id: FieldId, workload: &Workload) -> bool {
    match id {
        FieldId::WorkloadPrivileged => workload.containers.iter().any(|one| one.privileged),
        FieldId::WorkloadHostPid => workload.host_pid,
        FieldId::WorkloadHostIpc => workload.host_ipc,
        FieldId::WorkloadHostNetwork => workload.host_network,
        FieldId::WorkloadMirror => workload.mirror,
        FieldId::WorkloadHostAccess => judgement::host_access(workload),
        FieldId::WorkloadHostControl => judgement::host_control(workload),
        FieldId::WorkloadSharesProcesses => workload.shares_processes,
        FieldId::WorkloadEscalation => {
            workload.containers.iter().any(|one| one.privilege_escalation == Some(true))
        }
        FieldId::WorkloadSetsSpec => workload.sets_spec,
        _ => false,
    }
}

pub(super) fn number(id: FieldId, body: &Body) -> Reading<i64> {
    let value = match (&body.kind, id) {
        (BodyKind::Workload(workload), FieldId::WorkloadReplicas) => workload.replicas,
        (BodyKind::TokenRequest { expiration_seconds, .. }, FieldId::TokenExpirationSeconds) => {
            *expiration_seconds
        }
        _ => None,
    };
    value.map_or(Reading::Absent, Reading::Present)
}

pub(super) fn text<'a>(field: &Field, body: &'a Body) -> Text<'a> {
    let key = field.key();
    match (&body.kind, field.id()) {
        (BodyKind::Workload(workload), id) => match id {
            FieldId::WorkloadServiceAccount => filled(workload.service_account.as_str()),
            FieldId::WorkloadNodeName => filled(workload.node_name.as_str()),
            FieldId::WorkloadLabels => found(&workload.labels, key),
            FieldId::WorkloadStandard => {
                pod_security::standard(workload).map_or(Reading::Unknown, filled)
            }
            _ => Reading::Absent,
        },
        (BodyKind::Binding(binding), FieldId::GrantRole) => filled(binding.role.as_str()),
        (BodyKind::Binding(binding), FieldId::GrantRoleKind) => filled(binding.role_kind.as_str()),
        (BodyKind::Certificate(request), FieldId::CsrSigner) => filled(request.signer.as_str()),
        (BodyKind::Certificate(request), FieldId::CsrCommonName) => {
            filled(request.common_name.as_str())
        }
        (BodyKind::Certificate(request), FieldId::CsrSubject) => filled(subject(request)),
        (BodyKind::Service(service), FieldId::ServiceType) => filled(service.service_type.as_str()),
        (BodyKind::Service(service), FieldId::ServiceExternalName) => {
            filled(service.external_name.as_str())
        }
        (BodyKind::Metadata { labels, .. }, FieldId::MetaLabels) => found(labels, key),
        (BodyKind::Metadata { annotations, .. }, FieldId::MetaAnnotations) => {
            found(annotations, key)
        }
        (BodyKind::TokenRequest { bound_pod, .. }, FieldId::TokenBoundPod) => {
            filled(bound_pod.as_str())
        }
        (BodyKind::Review { verb, resource, namespace, .. }, id) => match id {
            FieldId::ReviewVerb => filled(verb.as_str()),
            FieldId::ReviewResource => filled(resource.as_str()),
            FieldId::ReviewNamespace => filled(namespace.as_str()),
            _ => Reading::Absent,
        },
        _ => Reading::Absent,
    }
}

pub(super) fn list(id: FieldId, body: &Body) -> List<'_> {
    if id == FieldId::ConfigCredentials {
        return Reading::Present(Items::strs(&body.credential_keys));
    }
    match &body.kind {
        BodyKind::Workload(workload) => workload_list(id, workload),
        BodyKind::Binding(binding) => grant_list(id, binding),
        BodyKind::Role(role) => role_list(id, role),
        BodyKind::Webhooks(hooks) => webhook_list(id, hooks),
        BodyKind::Certificate(request) => certificate_list(id, request),
        BodyKind::Service(service) if id == FieldId::ServiceExternalIps => {
            Reading::Present(Items::strs(&service.external_ips))
        }
        BodyKind::Service(service) if id == FieldId::ServicePorts => {
            Reading::Present(Items::texts(service.ports.iter().map(ToString::to_string)))
        }
        BodyKind::Metadata { labels, .. } if id == FieldId::MetaLabels => keys(labels),
        BodyKind::Metadata { annotations, .. } if id == FieldId::MetaAnnotations => {
            keys(annotations)
        }
        BodyKind::TokenRequest { audiences, .. } if id == FieldId::TokenAudiences => {
            Reading::Present(Items::strs(audiences))
        }
        _ => Reading::Absent,
    }
}

fn keys(pairs: &[(Str, Str)]) -> List<'_> {
    Reading::Present(Items::strs(pairs.iter().map(|(key, _)| key)))
}

fn workload_list(id: FieldId, workload: &Workload) -> List<'_> {
    let containers = || workload.containers.iter();
    Reading::Present(match id {
        FieldId::WorkloadHostPaths => Items::strs(&workload.host_paths),
        FieldId::WorkloadCapabilities => {
            Items::strs(containers().flat_map(|one| &one.capabilities))
        }
        FieldId::WorkloadImages => Items::strs(containers().map(|one| &one.image)),
        FieldId::WorkloadCommands => {
            let own = containers().map(|one| &one.command).filter(|text| !text.is_empty());
            Items::strs(own.chain(containers().flat_map(|one| &one.hook_commands)))
        }
        FieldId::WorkloadContainers => Items::strs(containers().map(|one| &one.name)),
        FieldId::WorkloadLabels => return keys(&workload.labels),
        FieldId::WorkloadRisks => Items::texts(judgement::risks(workload)),
        FieldId::WorkloadWritableHostPaths => Items::strs(&workload.writable_host_paths),
        FieldId::WorkloadAddedContainers => Items::strs(&workload.added_containers),
        FieldId::WorkloadViolations => {
            Items::texts(pod_security::violations(workload).map(str::to_owned))
        }
        FieldId::WorkloadBaselineViolations => {
            Items::texts(pod_security::baseline_violations(workload).map(str::to_owned))
        }
        _ => return Reading::Absent,
    })
}

fn grant_list(id: FieldId, binding: &Binding) -> List<'_> {
    match id {
        FieldId::GrantSubjects => Reading::Present(Items::texts(
            binding.subjects.iter().map(trailhound_model::body::Subject::authorizer_name),
        )),
        FieldId::GrantSubjectKinds => {
            Reading::Present(Items::strs(binding.subjects.iter().map(|one| &one.kind)))
        }
        _ => Reading::Absent,
    }
}

fn role_list(id: FieldId, role: &Role) -> List<'_> {
    match id {
        FieldId::RoleAggregatesTo => Reading::Present(Items::strs(&role.aggregates_to)),
        FieldId::RoleVerbs => {
            Reading::Present(Items::strs(role.rules.iter().flat_map(|rule| &rule.verbs)))
        }
        FieldId::RoleResources => {
            Reading::Present(Items::strs(role.rules.iter().flat_map(|rule| &rule.resources)))
        }
        _ => Reading::Absent,
    }
}

fn webhook_list(id: FieldId, hooks: &[Webhook]) -> List<'_> {
    let given = |text: &&Str| !text.is_empty();
    Reading::Present(match id {
        FieldId::WebhookUrls => Items::strs(hooks.iter().map(|hook| &hook.url).filter(given)),
        FieldId::WebhookServices => {
            Items::strs(hooks.iter().map(|hook| &hook.service).filter(given))
        }
        FieldId::WebhookFailurePolicies => {
            Items::strs(hooks.iter().map(|hook| &hook.failure_policy).filter(given))
        }
        FieldId::WebhookResources => Items::strs(hooks.iter().flat_map(|hook| &hook.resources)),
        _ => return Reading::Absent,
    })
}

/// Whom a certificate would name, in words: its user, and its groups if it has any.
fn subject(request: &CertificateRequest) -> String {
    let groups = request.organizations.join(", ");
    match (request.common_name.as_str(), groups.as_str()) {
        (name, "") => name.to_owned(),
        ("", groups) => format!("a user without a name in the groups {groups}"),
        (name, groups) => format!("{name} in the groups {groups}"),
    }
}

fn certificate_list(id: FieldId, request: &CertificateRequest) -> List<'_> {
    Reading::Present(match id {
        FieldId::CsrOrganizations => Items::strs(&request.organizations),
        FieldId::CsrUsages => Items::strs(&request.usages),
        FieldId::CsrConditions => Items::strs(&request.conditions),
        _ => return Reading::Absent,
    })
}
