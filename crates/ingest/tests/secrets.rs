//! Plants a credential in every place that we know of and searches everything that comes out.
//!
//! Both directions count: a planted credential that is found anywhere is a leak, and a text that
//! an investigator needs and that is gone is lost evidence.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use base64::{Engine, engine::general_purpose::STANDARD};
use common::{Ask, Collected, decode_all};
use trailhound_model::lookup::{Reading, Side, Value};

/// `J` is a JWT, `K` a private key, `#n` the n-th planted credential.
const JWT: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6Ing2In0.eyJpc3MiOiJrdWJlcm5ldGVzIiwic3ViIjoiUExBTlRFRCJ9.c2lnbmF0dXJlLXBsYW50ZWQ";

fn record(parts: &str) -> String {
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a","stage":"ResponseComplete","user":{{"username":"alice"}},"stageTimestamp":"2026-11-23T11:17:13.205586Z",{parts}}}"#
    )
}

fn object_ref(resource: &str) -> String {
    format!(
        r#""objectRef":{{"resource":"{resource}","namespace":"shop","name":"thing","apiVersion":"v1"}}"#
    )
}

fn write(resource: &str, verb: &str, body: &str) -> String {
    record(&format!(
        r#""verb":"{verb}",{},"requestURI":"/x","requestObject":{body},"responseObject":{body}"#,
        object_ref(resource)
    ))
}

fn uri(uri: &str) -> String {
    record(&format!(r#""verb":"get","requestURI":"{uri}""#))
}

fn pod(container: &str) -> String {
    write(
        "pods",
        "create",
        &format!(
            r#"{{"kind":"Pod","metadata":{{"name":"p"}},"spec":{{"containers":[{{"name":"c","image":"registry.example/img:1",{container}}}]}}}}"#
        ),
    )
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn decode(record: &str) -> Collected {
    let asks: Vec<Ask> = [Side::Request, Side::Response]
        .into_iter()
        .flat_map(|side| {
            [
                vec![],
                vec!["data"],
                vec!["data", "password"],
                vec!["stringData"],
                vec!["items"],
                vec!["items", "0", "data", "k"],
                vec!["spec"],
                vec!["spec", "token"],
                vec!["status", "token"],
                vec!["spec", "containers", "0", "command"],
                vec!["spec", "containers", "0", "command", "1"],
                vec!["spec", "containers", "0", "env", "0", "value"],
                vec!["metadata", "annotations"],
                vec!["0", "value"],
            ]
            .into_iter()
            .map(move |path| (side, path))
        })
        .collect();
    decode_all(format!("{record}\n").as_bytes(), asks)
}

/// Record, what must be gone, what must remain.
#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<(&'static str, String, Vec<&'static str>, Vec<&'static str>)> {
    let last_applied = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","namespace":"shop"},"data":{"password":"UExBTlRFRDAx"}}"#;
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIPLANTEDKEY\n-----END RSA PRIVATE KEY-----\n";
    let key_base64: &'static str = STANDARD.encode(key.repeat(2)).leak();
    let bearer =
        format!("curl -H 'Authorization: Bearer {JWT}' https://kubernetes.default/api/v1/secrets");
    vec![
        (
            "secret_data",
            write(
                "secrets",
                "create",
                r#"{"kind":"Secret","metadata":{"name":"db"},"data":{"password":"UExBTlRFRDAy","user.txt":"UExBTlRFRDAz"},"stringData":{"k":"planted04"},"type":"Opaque"}"#,
            ),
            vec!["UExBTlRFRDAy", "UExBTlRFRDAz", "planted04"],
            vec!["db", "user.txt", "Opaque", "password"],
        ),
        (
            "secret_list_whose_items_have_no_kind",
            write(
                "secrets",
                "list",
                r#"{"kind":"SecretList","items":[{"metadata":{"name":"db"},"data":{"k":"UExBTlRFRDA1"}}]}"#,
            ),
            vec!["UExBTlRFRDA1"],
            vec!["db"],
        ),
        (
            "list_of_anything",
            write(
                "things",
                "list",
                r#"{"kind":"List","items":[{"kind":"Secret","metadata":{"name":"db"},"data":{"k":"UExBTlRFRDA2"}}]}"#,
            ),
            vec!["UExBTlRFRDA2"],
            vec!["db"],
        ),
        (
            "merge_patch_of_a_secret",
            write(
                "secrets",
                "patch",
                r#"{"data":{"k":"UExBTlRFRDA3"},"metadata":{"labels":{"app":"shop"}}}"#,
            ),
            vec!["UExBTlRFRDA3"],
            vec!["shop"],
        ),
        (
            "json_patch_of_a_secret",
            write(
                "secrets",
                "patch",
                r#"[{"op":"add","path":"/data/k","value":"UExBTlRFRDA4"},{"op":"add","path":"/data","value":{"z":"UExBTlRFRDA5"}},{"op":"replace","path":"","value":{"data":{"q":"UExBTlRFRDEw"}}}]"#,
            ),
            vec!["UExBTlRFRDA4", "UExBTlRFRDA5", "UExBTlRFRDEw"],
            vec!["/data/k"],
        ),
        (
            "last_applied_configuration",
            write(
                "secrets",
                "update",
                &format!(
                    r#"{{"kind":"Secret","metadata":{{"name":"db","annotations":{{"kubectl.kubernetes.io/last-applied-configuration":{}}}}}}}"#,
                    quoted(last_applied)
                ),
            ),
            vec!["UExBTlRFRDAx"],
            vec!["last-applied-configuration", "password"],
        ),
        (
            "last_applied_of_a_workload",
            write(
                "pods",
                "update",
                &format!(
                    r#"{{"kind":"Pod","metadata":{{"name":"p","annotations":{{"kubectl.kubernetes.io/last-applied-configuration":{}}}}},"spec":{{"containers":[]}}}}"#,
                    quoted(
                        r#"{"kind":"Pod","spec":{"containers":[{"name":"c","env":[{"name":"DB_PASSWORD","value":"planted11"},{"name":"LOG","value":"debug-kept"}]}]}}"#
                    )
                ),
            ),
            vec!["planted11"],
            vec!["DB_PASSWORD", "debug-kept"],
        ),
        (
            "token_request",
            write(
                "serviceaccounts",
                "create",
                &format!(
                    r#"{{"kind":"TokenRequest","spec":{{"audiences":["vault"],"expirationSeconds":3600}},"status":{{"token":"{JWT}","expirationTimestamp":"2026-11-23T12:00:00Z"}}}}"#
                ),
            ),
            vec![JWT, "c2lnbmF0dXJlLXBsYW50ZWQ"],
            vec!["vault", "3600"],
        ),
        (
            "token_review_of_an_opaque_token",
            write(
                "tokenreviews",
                "create",
                r#"{"kind":"TokenReview","spec":{"token":"planted12opaque"},"status":{"authenticated":true,"user":{"username":"kept-user"}}}"#,
            ),
            vec!["planted12opaque"],
            vec!["kept-user"],
        ),
        (
            "jwt_in_a_user_agent",
            record(&format!(
                r#""verb":"get","requestURI":"/x","userAgent":"tool {JWT} kept-agent""#
            )),
            vec![JWT],
            vec!["kept-agent"],
        ),
        (
            "jwt_in_a_message",
            record(&format!(
                r#""verb":"get","requestURI":"/x","responseStatus":{{"code":401,"message":"token {JWT} is not accepted here"}}"#
            )),
            vec![JWT],
            vec!["is not accepted here"],
        ),
        (
            "jwt_in_an_annotation",
            record(&format!(
                r#""verb":"get","requestURI":"/x","annotations":{{"x":"{JWT}","authorization.k8s.io/reason":"RBAC: allowed by ClusterRoleBinding \"kept\" of ClusterRole \"kept-role\" to User \"alice\""}}"#
            )),
            vec![JWT],
            vec!["kept-role"],
        ),
        (
            "jwt_in_an_object_name",
            record(&format!(
                r#""verb":"get","requestURI":"/api/v1/{JWT}","objectRef":{{"resource":"pods","name":"{JWT}"}}"#
            )),
            vec![JWT],
            vec!["pods"],
        ),
        (
            "query_parameters",
            uri(
                "/api/v1/proxy?access_token=planted13\\u0026watch=true&user=kept&password=planted%2014&X-Auth-Token=planted15",
            ),
            vec!["planted13", "planted%2014", "planted 14", "planted15"],
            vec!["watch=true", "user=kept"],
        ),
        (
            "exec_of_curl",
            uri(
                "/api/v1/namespaces/shop/pods/p/exec?command=curl&command=-H&command=Authorization%3A+Bearer+planted16xYz&command=https%3A%2F%2F10.0.0.1%2Fapi&container=c&stdout=true",
            ),
            vec!["planted16"],
            vec!["curl", "https", "10.0.0.1", "container=c"],
        ),
        (
            "exec_of_a_shell",
            uri(
                "/api/v1/namespaces/shop/pods/p/exec?command=sh&command=-c&command=mysql+-uroot+-pplanted17+-e+%27select+1%27&stdin=true",
            ),
            vec!["planted17"],
            vec!["mysql", "-uroot", "select"],
        ),
        (
            "exec_with_flags",
            uri(
                "/exec?command=tool&command=--password&command=planted18&command=--token%3Dplanted19&command=--namespace&command=kept-ns",
            ),
            vec!["planted18", "planted19"],
            vec!["--password", "kept-ns"],
        ),
        (
            "exec_reading_a_token_file",
            uri(
                "/exec?command=cat&command=%2Fvar%2Frun%2Fsecrets%2Fkubernetes.io%2Fserviceaccount%2Ftoken",
            ),
            vec![],
            vec!["serviceaccount%2Ftoken"],
        ),
        (
            "jwt_in_an_encoded_argument",
            uri(&format!("/exec?command=sh&command=-c&command=echo%20{JWT}%20%7C%20tee%20/tmp/x")),
            vec![JWT],
            vec!["tee"],
        ),
        (
            "env_of_a_container",
            pod(
                r#""env":[{"name":"DB_PASSWORD","value":"planted20"},{"name":"API_KEY","value":"planted21"},{"name":"LEVEL","value":"kept-level"},{"name":"FROM","valueFrom":{"secretKeyRef":{"name":"kept-secret","key":"kept-key"}}},{"name":"TOKEN_FILE","value":"/var/run/secrets/kept"}]"#,
            ),
            vec!["planted20", "planted21"],
            vec!["kept-level", "kept-secret", "kept-key", "/var/run/secrets/kept", "DB_PASSWORD"],
        ),
        (
            "command_of_a_container",
            pod(
                r#""command":["mysqld","--password=planted22","--token","planted23","--user","kept-user"],"args":["-c","PGPASSWORD=planted24 psql -h kept-host postgres://admin:planted25@kept-db:5432/shop"]"#,
            ),
            vec!["planted22", "planted23", "planted24", "planted25"],
            vec!["kept-user", "kept-host", "kept-db:5432", "psql", "mysqld"],
        ),
        (
            "command_with_a_bearer_header",
            pod(&format!(r#""command":["sh","-c",{}]"#, quoted(&bearer))),
            vec![JWT],
            vec!["curl", "https://kubernetes.default/api/v1/secrets"],
        ),
        (
            "env_patch",
            write(
                "deployments",
                "patch",
                r#"[{"op":"add","path":"/spec/template/spec/containers/0/env/-","value":{"name":"REDIS_PASSWORD","value":"planted26"}},{"op":"replace","path":"/spec/template/spec/containers/0/env/0/value","value":"planted27"},{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"kept/image:2"}]"#,
            ),
            vec!["planted26", "planted27"],
            vec!["kept/image:2", "REDIS_PASSWORD"],
        ),
        (
            "config_map",
            write(
                "configmaps",
                "create",
                r#"{"kind":"ConfigMap","data":{"password":"planted28","db-url":"postgres://u:planted29@kept-host/db","app.properties":"spring.datasource.password=planted30\nspring.name=kept-app\nauth.token: planted31\n","level":"kept-debug"}}"#,
            ),
            vec!["planted28", "planted29", "planted30", "planted31"],
            vec!["kept-host", "kept-app", "kept-debug"],
        ),
        (
            "kubeconfig_in_a_config_map",
            write(
                "configmaps",
                "create",
                &format!(
                    r#"{{"kind":"ConfigMap","data":{{"config":{}}}}}"#,
                    quoted(&format!(
                        "users:\n- name: kept-user\n  user:\n    token: planted32abc\n    client-key-data: {key_base64}\n"
                    ))
                ),
            ),
            vec!["planted32abc", key_base64],
            vec!["kept-user"],
        ),
        (
            "private_key",
            write(
                "configmaps",
                "create",
                &format!(
                    r#"{{"kind":"ConfigMap","data":{{"tls.key":{},"note":"kept-note"}}}}"#,
                    quoted(key)
                ),
            ),
            vec!["MIIPLANTEDKEY"],
            vec!["kept-note", "BEGIN RSA PRIVATE KEY"],
        ),
        (
            "docker_config",
            write(
                "configmaps",
                "create",
                &format!(
                    r#"{{"kind":"ConfigMap","data":{{"config.json":{}}}}}"#,
                    quoted(
                        r#"{"auths":{"registry.kept":{"auth":"cGxhbnRlZDMz","username":"kept-user"}}}"#
                    )
                ),
            ),
            vec!["cGxhbnRlZDMz"],
            vec!["registry.kept", "kept-user"],
        ),
        (
            "admission_patch_annotation",
            record(&format!(
                r#""verb":"create","requestURI":"/x",{},"annotations":{{"patch.webhook.admission.k8s.io/round_0_index_0":{}}}"#,
                object_ref("pods"),
                quoted(
                    r#"{"configuration":"kept-hook","webhook":"w","patch":[{"op":"add","path":"/spec/containers/0/env/-","value":{"name":"VAULT_TOKEN","value":"planted34"}}],"patchType":"JSONPatch"}"#
                )
            )),
            vec!["planted34"],
            vec!["kept-hook", "VAULT_TOKEN", "JSONPatch"],
        ),
        (
            "admission_patch_of_a_secret",
            record(&format!(
                r#""verb":"create","requestURI":"/x",{},"annotations":{{"patch.webhook.admission.k8s.io/round_0_index_0":{}}}"#,
                object_ref("secrets"),
                quoted(
                    r#"{"configuration":"kept-hook","patch":[{"op":"add","path":"/data/injected","value":"planted35"}]}"#
                )
            )),
            vec!["planted35"],
            vec!["kept-hook", "/data/injected"],
        ),
        (
            "message_of_the_api_server",
            record(
                r#""verb":"create","requestURI":"/x","responseStatus":{"code":422,"message":"cannot reach https://admin:planted36@kept-host/hook: password=planted37 refused"}"#,
            ),
            vec!["planted36", "planted37"],
            vec!["kept-host", "refused"],
        ),
        (
            "basic_auth_in_a_custom_resource",
            write(
                "things",
                "create",
                r#"{"kind":"Thing","spec":{"adminPassword":"planted38","url":"https://x:planted39@kept-host","clientSecret":"planted40","secretName":"kept-name","header":"Basic cGxhbnRlZDQxOng="}}"#,
            ),
            vec!["planted38", "planted39", "planted40", "cGxhbnRlZDQxOng="],
            vec!["kept-name", "kept-host"],
        ),
        (
            "a_cut_record",
            {
                let whole = write(
                    "secrets",
                    "create",
                    r#"{"kind":"Secret","metadata":{"name":"db"},"data":{"password":"UExBTlRFRDQy"}}"#,
                );
                whole[..whole.len() - 120].to_owned()
            },
            vec!["UExBTlRFRDQy"],
            vec!["alice"],
        ),
        (
            "a_reject",
            format!(r#"{{"kind":"{JWT}","data":{{"password":"planted43"}}}}"#),
            vec!["planted43", "c2lnbmF0dXJlLXBsYW50ZWQ"],
            vec![],
        ),
        ("a_line_of_text", format!("password=planted44 {JWT}"), vec!["planted44", JWT], vec![]),
        (
            "helm_values",
            pod(
                r#""command":["helm","install","--set","db.password=planted45,replicas=2","kept-release"]"#,
            ),
            vec!["planted45"],
            vec!["kept-release", "helm"],
        ),
        (
            "kubectl_create_secret",
            uri(
                "/exec?command=kubectl&command=create&command=secret&command=generic&command=kept-name&command=--from-literal%3Dk%3Dplanted46",
            ),
            vec!["planted46"],
            vec!["kept-name", "--from-literal"],
        ),
        (
            "more_programs",
            pod(
                r#""command":["sh","-c","sshpass -p planted47 ssh kept@h; redis-cli -a planted48 KEYS x; curl -u kept:planted49 http://h; docker login -u kept -p planted50; openssl rsa -passin pass:planted51; aws configure set aws_secret_access_key planted52"]"#,
            ),
            vec!["planted47", "planted48", "planted49", "planted50", "planted51", "planted52"],
            vec!["sshpass", "redis-cli", "KEYS", "kept@h", "configure"],
        ),
        (
            "a_jwt_in_a_field_nobody_knows",
            record(&format!(
                r#""verb":"get","requestURI":"/x","p_any_ip_addresses":["10.9.8.7"],"p_note":"x {JWT}""#
            )),
            vec![JWT],
            vec!["10.9.8.7"],
        ),
        (
            "a_jwt_as_a_key",
            write(
                "configmaps",
                "create",
                &format!(
                    r#"{{"kind":"ConfigMap","metadata":{{"labels":{{"{JWT}":"x"}}}},"data":{{"{JWT}":"kept"}}}}"#
                ),
            ),
            vec![JWT],
            vec!["kept"],
        ),
        (
            "public_things_stay",
            write(
                "certificatesigningrequests",
                "create",
                r#"{"kind":"CertificateSigningRequest","spec":{"signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth"],"request":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQgotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K"},"status":{"certificate":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUIKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="}}"#,
            ),
            vec![],
            vec![
                "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNU",
                "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
                "client auth",
            ],
        ),
        (
            "what_clusters_write_all_day_stays",
            record(
                r#""verb":"get","requestURI":"/api/v1/namespaces/shop/secrets/db-password?resourceVersion=0&fieldSelector=metadata.name%3Ddb-password&timeoutSeconds=300","userAgent":"kubectl/v1.36.2 (linux/amd64) kubernetes/98b3519","responseStatus":{"code":403,"reason":"Forbidden","message":"secrets \"db-password\" is forbidden: User \"alice\" cannot get resource \"secrets\" in API group \"\" in the namespace \"shop\": invalid bearer token, token lookup failed"},"annotations":{"authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"token-reader/shop\" of Role \"secret-reader\" to Group \"password-admins\"","authentication.k8s.io/legacy-token":"shop/default-token-abcde"}"#,
            ),
            vec!["masked"],
            vec![
                "db-password?resourceVersion=0&fieldSelector=metadata.name%3Ddb-password",
                "invalid bearer token, token lookup failed",
                "token-reader/shop",
                "default-token-abcde",
                "(linux/amd64)",
            ],
        ),
    ]
}

#[test]
fn planted_credentials_never_leave_and_evidence_does() {
    for (name, record, planted, remains) in cases() {
        let found = decode(&record);
        let out = found.everything();
        // Debug output escapes quotes; compare without the escapes.
        let plain = out.replace('\\', "");
        for secret in planted {
            assert!(!plain.contains(secret), "{name}: {secret} leaked\n{out}");
        }
        for text in remains {
            assert!(plain.contains(text), "{name}: {text} was lost\n{out}");
        }
    }
}

#[test]
fn a_record_cut_anywhere_leaks_nothing() {
    for (name, record, planted, _) in cases() {
        for cut in (0..record.len()).step_by(5).filter(|cut| record.is_char_boundary(*cut)) {
            let plain = decode(&record[..cut]).everything().replace('\\', "");
            for secret in &planted {
                assert!(!plain.contains(secret), "{name} cut at {cut}: {secret} leaked\n{plain}");
            }
        }
    }
}

#[test]
fn equal_values_stay_comparable_within_a_run_only() {
    let body = r#"{"kind":"Secret","data":{"a":"c2FtZQ==","b":"c2FtZQ==","c":"b3RoZXI="}}"#;
    let found = decode_all(
        write("secrets", "create", body).as_bytes(),
        ["a", "b", "c"].map(|key| (Side::Request, vec!["data", key])).to_vec(),
    );
    let text = |n: usize| match &found.values[n] {
        Reading::Present(Value::Text(text)) => text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(text(0), text(1));
    assert_ne!(text(0), text(2));
    assert!(text(0).starts_with("[masked:") && text(0).len() == 17);
}

#[test]
fn the_masked_record_is_valid_json_at_any_limit() {
    let body = format!(
        r#"{{"kind":"ConfigMap","metadata":{{"managedFields":[{{"manager":"{}"}}]}},"data":{{"k":"{}"}}}}"#,
        "m".repeat(500),
        "v".repeat(500)
    );
    let record = write("configmaps", "create", &body);
    for limit in [0, 1, 2, 50, 100, 300, 600, 900, 1200, 2000, 5000] {
        let mut found = Collected { limit: limit.max(1), ..Collected::default() };
        let chunk = trailhound_ingest::Chunk::from_bytes(0, "t", record.clone().into_bytes());
        let masker = common::masker();
        trailhound_ingest::decode(&chunk, &trailhound_ingest::Decoder::new(&masker), &mut found);
        let text = &found.records[0];
        assert!(text.len() <= limit.max(1), "{limit}: {}", text.len());
        if limit >= 2 {
            sonic_rs::from_str::<sonic_rs::Value>(text).unwrap();
        }
        assert_eq!(
            text.contains("[cut: "),
            (300..5000).contains(&limit)
                && limit != 5000
                && text.len() < record.len() - 500
                && text.contains("cut"),
            "{limit}"
        );
    }
}
