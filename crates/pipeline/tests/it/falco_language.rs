//! What conditions of Falco mean, asked of one pod with everything in it. Every operator, every
//! transformer and every kind of field has a case that holds and one that does not.

use crate::support::{facts, log};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use trailhound_rules::{RuleSet, Sources};

fn pod() -> Value {
    json!({
        "verb": "create", "level": "RequestResponse", "userAgent": "kubectl/v1.33 (linux)",
        "requestURI": "/api/v1/namespaces/shop/pods?command=sh&command=-c&name=a%20b",
        "user": {"username": "Alice@example.com", "groups": ["dev", "system:authenticated"],
                 "extra": {"team": ["blue"]}},
        "sourceIPs": ["203.0.113.5", "10.0.0.9"],
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "cart", "apiVersion": "v1"},
        "responseStatus": {"code": 201, "metadata": {}},
        "annotations": {"authorization.k8s.io/decision": "allow", "cluster_name": "blue",
                        "pod-security.kubernetes.io/audit-violations": "would violate x"},
        "requestObject": {"kind": "Pod", "metadata": {"name": "cart", "labels": {"encoded": "Y2F0"}},
            "spec": {
                "hostNetwork": true, "hostPID": false, "tolerations": [], "nodeName": null,
                "securityContext": {"runAsUser": 1000, "supplementalGroups": [4, 5]},
                "containers": [
                    {"name": "web", "image": "registry:5000/team/app:v2", "args": ["--serve", "all"],
                     "ports": [{"containerPort": 8080, "hostPort": 8080}],
                     "securityContext": {"privileged": true, "runAsUser": 0,
                                         "capabilities": {"add": ["SYS_ADMIN", "NET_RAW"]}}},
                    {"name": "side", "image": "nginx", "ports": [{"containerPort": 9}]}],
                "initContainers": [{"name": "init", "image": "busybox@sha256:00"}],
                "volumes": [{"name": "a", "hostPath": {"path": "/etc/kubernetes/pki"}},
                            {"name": "b", "emptyDir": {}}]}},
        "responseObject": {"metadata": {"name": "cart-1"}}
    })
}

fn binding() -> Value {
    json!({
        "verb": "create", "level": "Request", "requestURI": "/x", "user": {"username": "bob"},
        "objectRef": {"resource": "clusterrolebindings", "name": "b"},
        "responseStatus": {"code": 403, "reason": "Forbidden"},
        "requestObject": {"roleRef": {"name": "cluster-admin"}, "subjects": [
            {"kind": "User", "name": "eve"}, {"kind": "Group", "name": "ops"},
            {"kind": "ServiceAccount", "namespace": "shop", "name": "cart"}]}
    })
}

fn role() -> Value {
    json!({
        "verb": "create", "level": "Request", "requestURI": "/x", "user": {"username": "bob"},
        "objectRef": {"resource": "clusterroles", "name": "r"},
        "requestObject": {"rules": [
            {"apiGroups": [""], "resources": ["pods", "pods/exec"], "verbs": ["get", "create"]},
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]}
    })
}

const LISTS: &str = r#"
- list: verbs
  items: [create, update]
- list: all_verbs
  items: [verbs, patch]
- list: quoted
  items: ['"Alice@example.com"', "bob jones"]
- list: only
  items: [pods]
- list: none
  items: []
- macro: on_pods
  condition: ka.target.resource = pods
- macro: by_dev
  condition: (ka.user.groups intersects (dev))
"#;

/// Names of the conditions that hold on an event.
fn holding(conditions: &[&str], event: &Value) -> BTreeSet<usize> {
    let mut text = LISTS.to_owned();
    for (at, condition) in conditions.iter().enumerate() {
        let condition = Value::from(*condition);
        let rule = format!(
            "- rule: c{at}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n  source: k8s_audit\n"
        );
        text.push_str(&rule);
    }
    let sources = Sources { falco: &[("cases.yaml", &text)], ..Sources::default() };
    let rules = RuleSet::load_all(&sources).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let facts = facts(&rules, &log(std::slice::from_ref(event)));
    let title = |number: u32| rules.rule(number).unwrap().title()[1..].parse().unwrap();
    facts[0].0.candidates.iter().map(|candidate| title(candidate.rule)).collect()
}

fn check(event: &Value, cases: &[(&str, bool)]) {
    let conditions: Vec<&str> = cases.iter().map(|(condition, _)| *condition).collect();
    let holding = holding(&conditions, event);
    for (at, (condition, wanted)) in cases.iter().enumerate() {
        assert_eq!(holding.contains(&at), *wanted, "{condition}");
    }
}

#[test]
fn comparisons_of_text() {
    check(
        &pod(),
        &[
            ("ka.verb = create", true),
            ("ka.verb == 'create'", true),
            ("ka.verb=Create", false),
            ("ka.verb != get", true),
            ("ka.verb != create", false),
            ("ka.user.name contains example", true),
            ("ka.user.name contains EXAMPLE", false),
            ("ka.user.name icontains EXAMPLE", true),
            ("ka.user.name icontains nobody", false),
            ("ka.user.name startswith Alice", true),
            ("ka.user.name startswith alice", false),
            ("ka.user.name endswith \".com\"", true),
            ("ka.user.name endswith .org", false),
            ("ka.user.name bcontains 6578616d706c65", true),
            ("ka.user.name bcontains 00", false),
            ("ka.user.name bstartswith 416c", true),
            ("ka.user.name bstartswith 6c", false),
            ("ka.user.name glob A*@*.com", true),
            ("ka.user.name glob a*", false),
            ("ka.user.name iglob a*", true),
            ("ka.user.name iglob b*", false),
            ("ka.user.name regex '[A-Z][a-z]+@.*'", true),
            ("ka.user.name regex 'lice'", false),
            ("ka.user.name regex '(a+)+$'", false),
            ("ka.user.name exists", true),
            ("ka.impuser.name exists", false),
        ],
    );
}

#[test]
fn numbers_are_compared_as_numbers() {
    check(
        &pod(),
        &[
            ("ka.response.code > 200", true),
            ("ka.response.code > 201", false),
            ("ka.response.code >= 201", true),
            ("ka.response.code >= 202", false),
            ("ka.response.code < 1000", true),
            ("ka.response.code < 201", false),
            ("ka.response.code <= 201.5", true),
            ("ka.response.code <= 0x10", false),
            ("ka.user.name > 1", false),
            ("jevt.rawtime > 1", true),
            ("jevt.rawtime = 0", false),
            ("jevt.rawtime exists", true),
            ("ka.req.pod.run_as_user > val(ka.response.code)", true),
            ("ka.req.pod.run_as_user < val(ka.response.code)", false),
        ],
    );
}

#[test]
fn several_values_on_the_right() {
    check(
        &pod(),
        &[
            ("ka.verb in (get, create)", true),
            ("ka.verb in (get, list)", false),
            ("ka.verb in ()", false),
            ("ka.verb in (none)", false),
            ("ka.verb in (verbs)", true),
            ("ka.verb in (all_verbs)", true),
            ("ka.verb in all_verbs", true),
            ("ka.verb in (\"verbs\")", false),
            ("ka.user.name in (quoted)", true),
            ("ka.target.resource = only", true),
            ("ka.user.name contains oneof (nobody, example)", true),
            ("ka.user.name contains anyof (nobody, none)", false),
            ("ka.user.name contains allof (Alice, example)", true),
            ("ka.user.name contains allof (Alice, bob)", false),
            ("ka.user.name startswith oneof (A, B)", true),
            ("ka.verb = oneof (get, create)", true),
            ("ka.verb = anyof", false),
            ("ka.req.pod.volumes.hostpath pmatch (/etc, /var)", true),
            ("ka.req.pod.volumes.hostpath pmatch (/etc/kube)", false),
        ],
    );
}

#[test]
fn lists_on_the_left_need_every_value_for_in_and_one_for_intersects() {
    check(
        &pod(),
        &[
            ("ka.user.groups in (dev)", false),
            ("ka.user.groups in (dev, system:authenticated, ops)", true),
            ("ka.user.groups intersects (dev, ops)", true),
            ("ka.user.groups intersects (ops)", false),
            ("ka.req.pod.containers.image.repository in (nginx, registry:5000/team/app)", true),
            ("ka.req.pod.containers.image.repository in (nginx)", false),
            ("ka.req.pod.containers.image[1] in (nginx)", true),
            ("ka.req.pod.containers.privileged intersects (true)", true),
            ("ka.req.pod.containers.privileged[1] intersects (true)", false),
            ("ka.req.pod.initContainers.privileged exists", false),
            ("len(ka.req.pod.containers.image) = 2", true),
            ("len(ka.req.pod.containers.image) > 2", false),
            ("join(\",\", ka.req.pod.containers.name) = \"web,side\"", true),
            ("join(\"-\", (ka.verb, ka.target.name)) = create-cart", true),
        ],
    );
}

#[test]
fn a_field_that_is_not_there_fails_every_comparison_and_passes_not() {
    check(
        &pod(),
        &[
            ("ka.impuser.name = bob", false),
            ("ka.impuser.name != bob", false),
            ("not ka.impuser.name = bob", true),
            ("not ka.impuser.name != bob", true),
            ("ka.impuser.name in (bob)", false),
            ("not ka.impuser.name in (bob)", true),
            ("ka.req.role.rules intersects (x)", false),
            ("len(ka.req.role.rules) < 5", false),
            ("ka.impuser.name != val(ka.user.name)", false),
        ],
    );
}

#[test]
fn logic_and_macros() {
    check(
        &pod(),
        &[
            ("on_pods and by_dev", true),
            ("on_pods and not by_dev", false),
            ("not on_pods or by_dev", true),
            ("not (on_pods and by_dev)", false),
            ("not(on_pods)", false),
            ("not not on_pods", true),
            ("ka.verb=get or ka.verb=create and ka.target.resource=secrets", false),
            ("(ka.verb=get or ka.verb=create)and(on_pods)", true),
            ("on_pods and (jevt.rawtime = 0 or by_dev)", true),
        ],
    );
}

#[test]
fn transformers_change_values_on_both_sides() {
    check(
        &pod(),
        &[
            ("tolower(ka.user.name) = alice@example.com", true),
            ("toupper(ka.verb) = CREATE", true),
            ("toupper(ka.verb) = create", false),
            ("b64(jevt.value[/requestObject/metadata/labels/encoded]) = cat", true),
            ("basename(ka.req.pod.volumes.hostpath) intersects (pki)", true),
            ("len(ka.verb) = 6", true),
            ("concat(ka.target.namespace, \"/\", ka.target.name) = shop/cart", true),
            ("ka.target.name = val(ka.req.configmap.name)", true),
            ("ka.target.name != val(ka.verb)", true),
            ("ka.resp.name startswith val(ka.target.name)", true),
            ("ka.verb = val(ka.target.name)", false),
            ("ka.verb = tolower(ka.verb)", true),
            ("ka.user.name = tolower(ka.user.name)", false),
        ],
    );
}

#[test]
fn fields_of_pods() {
    check(
        &pod(),
        &[
            ("ka.req.pod.host_network = true", true),
            ("ka.req.pod.host_network intersects (true)", true),
            ("ka.req.pod.host_pid = true", false),
            ("ka.req.pod.host_ipc exists", false),
            ("ka.req.container.image = registry:5000/team/app:v2", true),
            ("ka.req.container.image.repository = registry:5000/team/app", true),
            ("ka.req.container.privileged = true", true),
            ("ka.req.pod.initContainers.image.repository intersects (busybox)", true),
            ("ka.req.pod.containers.eff_run_as_user in (0, 1000)", true),
            ("ka.req.pod.containers.eff_run_as_user[1] = 1000", true),
            ("ka.req.pod.containers.eff_run_as_group intersects (0)", true),
            ("ka.req.pod.containers.run_as_user[1] exists", false),
            ("ka.req.pod.containers.host_port in (8080, 9)", true),
            ("ka.req.pod.containers.add_capabilities intersects (NET_RAW)", true),
            ("ka.req.pod.containers.args intersects (--serve)", true),
            ("ka.req.pod.supplemental_groups intersects (5)", true),
            ("ka.req.pod.volumes.volume_type intersects (emptyDir)", true),
            ("ka.req.pod.volumes.volume_type intersects (name)", false),
            ("ka.req.volume.hostpath[/etc*] = true", true),
            ("ka.req.volume.hostpath[/etc] = true", false),
            ("ka.req.volume.hostpath[/etc] = false", true),
            ("ka.target.pod.name = cart", true),
            ("ka.sourceips intersects (10.0.0.9)", true),
            ("ka.sourceips[0] = 203.0.113.5", true),
            ("ka.cluster.name = blue", true),
            ("ka.security.pod.violations contains violate", true),
            ("ka.uri.param[command] = sh", true),
            ("ka.uri.param[command] = -c", false),
            ("ka.uri.param[name] = \"a b\"", true),
            ("ka.auth.decision = allow", true),
            ("evt.source = k8s_audit", true),
        ],
    );
}

#[test]
fn fields_of_bindings_and_roles() {
    check(
        &binding(),
        &[
            ("ka.req.binding.role = cluster-admin", true),
            ("ka.req.binding.subjects.user_names in (eve)", true),
            ("ka.req.binding.subjects.group_names intersects (ops)", true),
            ("ka.req.binding.subjects.serviceaccount_names intersects (cart)", true),
            ("ka.req.binding.subjects.serviceaccount_ns_names intersects (shop:cart)", true),
            ("ka.req.binding.subject.has_name[eve] = true", true),
            ("ka.req.binding.subject.has_name[mallory] = true", false),
            ("ka.req.binding.subject.has_name[mallory] = false", true),
            ("ka.response.reason = Forbidden", true),
            ("len(ka.req.binding.subjects) = 3", true),
        ],
    );
    check(
        &role(),
        &[
            ("ka.req.role.rules.verbs intersects (create)", true),
            ("ka.req.role.rules.verbs[1] in (get)", true),
            ("ka.req.role.rules.resources intersects (\"pods/exec\")", true),
            ("ka.req.role.rules.nonResourceURLs intersects (/metrics)", true),
            ("ka.req.role.rules.apiGroups exists", true),
            ("ka.req.role.rules contains pods/exec", true),
            ("ka.req.binding.subject.has_name[eve] exists", false),
        ],
    );
}

#[test]
fn json_pointers_find_single_values_lists_and_whole_objects() {
    check(
        &pod(),
        &[
            ("jevt.value[/stage] in (ResponseComplete)", true),
            ("jevt.value[/annotations/authorization.k8s.io~1decision] = allow", true),
            ("jevt.value[/a~1~0b] exists", false),
            ("jevt.value[/requestObject/spec/containers/1/image] = nginx", true),
            ("jevt.value[/requestObject/spec/containers/2/image] exists", false),
            ("jevt.value[/requestObject/spec/tolerations] exists", true),
            ("jevt.value[/requestObject/spec/nodeName] exists", true),
            ("jevt.value[/requestObject/spec/volumes] contains hostPath", true),
            ("jevt.value[/user/groups] = '[\"dev\",\"system:authenticated\"]'", true),
            ("jevt.value[/user/groups/1] = system:authenticated", true),
            ("jevt.value[/user/extra/team/0] = blue", true),
            ("jevt.value[/user] contains dev", true),
            ("jevt.value[/sourceIPs/0] = 203.0.113.5", true),
            ("jevt.value[/objectRef/resource] = pods", true),
            ("jevt.value[/objectRef] contains namespace", true),
            ("jevt.value[/responseStatus/code] = 201", true),
            ("jevt.value[/verb/deeper] exists", false),
        ],
    );
}

#[test]
fn a_deployment_is_no_pod() {
    let mut event = pod();
    event["objectRef"]["resource"] = json!("deployments");
    event["requestObject"] =
        json!({"spec": {"template": {"spec": event["requestObject"]["spec"].clone()}}});
    check(
        &event,
        &[
            ("ka.req.pod.containers.image exists", false),
            ("ka.req.pod.host_network = true", false),
            ("jevt.value[/requestObject/spec/template/spec/hostNetwork] = true", true),
        ],
    );
}

#[test]
fn what_is_masked_compares_as_masked_and_its_name_stays() {
    let event = json!({
        "verb": "create", "level": "Request", "requestURI": "/x", "user": {"username": "bob"},
        "objectRef": {"resource": "configmaps", "name": "c"},
        "requestObject": {"data": {"password": "hunter2-hunter2", "colour": "blue"}}
    });
    check(
        &event,
        &[
            ("ka.req.configmap.obj contains password", true),
            ("ka.req.configmap.obj contains blue", true),
            ("ka.req.configmap.obj contains hunter2", false),
        ],
    );
}
