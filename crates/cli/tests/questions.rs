//! Questions to a log as a user asks them: on the recorded breach, whose truth is known, and on records
//! that were made to deceive whoever reads the answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

use std::{
    fs,
    process::{Command, Stdio},
};

const BREACH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/breach.log.zst");

struct Answer {
    code: Option<i32>,
    out: String,
    error: String,
}

fn ask(args: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_trailhound"))
        .args(args)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
    Answer { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
}

fn json(args: &[&str]) -> serde_json::Value {
    let answer = ask(&[args, &["--output", "json"]].concat());
    assert_eq!(answer.code, Some(0), "{}", answer.error);
    serde_json::from_str(&answer.out).unwrap()
}

#[test]
fn the_timeline_of_the_intruder_tells_the_stolen_token_with_its_finding() {
    let answer = ask(&["timeline", "user:bob", BREACH]);
    assert_eq!(answer.code, Some(0), "{}", answer.error);
    assert!(answer.out.contains("ran a command inside pod shop/cart-78469674b6-wv5q6: cat"));
    assert!(answer.out.contains("high"), "findings are marked");
    assert!(answer.error.is_empty(), "a pipe gets no progress: {}", answer.error);
    assert!(!answer.out.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn a_timeline_is_cut_by_time_and_number_and_says_what_it_left_out() {
    let told =
        json(&["timeline", "sa:shop/cart", BREACH, "--from", "2026-11-23T11:32", "--limit", "2"]);
    assert_eq!(told["schema"], "trailhound.timeline/1");
    assert_eq!(told["lines"].as_array().unwrap().len(), 2);
    let all = told["requests"].as_u64().unwrap();
    let left = told["requests_left_out"].as_u64().unwrap();
    let shown: u64 =
        told["lines"].as_array().unwrap().iter().map(|line| line["count"].as_u64().unwrap()).sum();
    assert_eq!(all, left + shown);
    assert!(told["first"].as_str().unwrap() >= "2026-11-23T11:32");
}

#[test]
fn the_requests_of_an_incident_are_asked_for_by_its_id() {
    let scan = ask(&["scan", BREACH, "--output", "json"]);
    let scan: serde_json::Value = serde_json::from_str(&scan.out).unwrap();
    let id = scan["incidents"][0]["id"].as_str().unwrap();
    let told = json(&["timeline", id, BREACH]);
    assert!(told["requests"].as_u64().unwrap() >= 10, "{}", told["requests"]);
}

#[test]
fn a_pod_leads_up_to_whoever_made_it() {
    let told = json(&["lineage", "pod:data/batch-fb5b6", BREACH]);
    assert_eq!(told["of"]["created"]["who"], "sa:shop/cart");
    let cart = json(&["lineage", "pod:shop/cart-78469674b6-wv5q6", BREACH]);
    let up: Vec<&str> =
        cart["up"].as_array().unwrap().iter().filter_map(|one| one["entity"].as_str()).collect();
    assert!(up.contains(&"deployment:shop/cart"), "{up:?}");
}

#[test]
fn a_moment_before_during_and_after_a_pod_are_three_answers() {
    let existence = |time: &str| {
        json(&["at", time, "pod:data/batch-fb5b6", BREACH])["existence"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(existence("2026-11-23T11:32:00Z"), "not-yet");
    assert_eq!(existence("2026-11-23T11:32:30Z"), "exists");
    assert_eq!(existence("end"), "gone");
}

#[test]
fn what_the_intruder_granted_is_in_the_difference() {
    let told = json(&["diff", "2026-11-23T11:32", "2026-11-23T11:33", BREACH]);
    let grants: Vec<&serde_json::Value> = told["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| {
            one["area"] == "grants"
                && one["object"] == "clusterrolebinding:system:node-proxier-fb5b6"
        })
        .collect();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0]["acts"][0]["who"], "sa:data/pipeline-admin-fb5b6");
    assert!(grants[0]["says"].as_str().unwrap().contains("cluster-admin"));
}

#[test]
fn who_can_names_the_grant_that_the_intruder_used() {
    let told = json(&["who-can", "list", "secrets", BREACH, "-n", "data"]);
    let holders = told["holders"].as_array().unwrap();
    let cart = holders.iter().find(|one| one["subject"] == "sa:shop/cart").unwrap();
    assert_eq!(cart["binding"], "clusterrolebinding:cart-legacy");
    assert!(cart["used"].as_u64().unwrap() > 0);
}

#[test]
fn the_other_questions_are_answered_in_words_and_as_json() {
    for question in [
        &["passport", "sa:shop/cart", BREACH][..],
        &["reach", "sa:shop/cart", BREACH],
        &["reach", "--worst", BREACH],
        &["apps", BREACH],
        &["apps", "show", "shop/cart", BREACH],
    ] {
        let words = ask(question);
        assert_eq!(words.code, Some(0), "{question:?}: {}", words.error);
        assert!(words.out.lines().count() > 3, "{question:?}: {}", words.out);
        let told = json(question);
        assert!(told["schema"].as_str().unwrap().ends_with("/1"), "{question:?}");
    }
}

#[test]
fn what_the_log_does_not_know_exits_with_1_and_names_what_looks_like_it() {
    for question in [
        &["timeline", "sa:shop/carr"][..],
        &["at", "end", "sa:shop/carr"],
        &["lineage", "deploy:shop/carr"],
    ] {
        let answer = ask(&[question, &[BREACH]].concat());
        assert_eq!(answer.code, Some(1), "{question:?}: {}", answer.error);
        assert!(answer.error.contains("shop/cart"), "{}", answer.error);
        assert!(answer.out.is_empty());
    }
}

#[test]
fn what_is_no_question_exits_with_2_and_says_how_to_ask() {
    for (question, hint) in [
        (&["timeline", "alice", BREACH][..], "user:alice"),
        (&["at", "yesterday", "user:bob", BREACH], "2026-11-23T11:20"),
        (&["timeline", "user:bob", "missing.log"], "missing.log"),
        (&["reach", "sa:shop/cart"], "trailhound reach"),
        (&["timeline", "user:bob", "-"], "nothing"),
        (&["at", "-2y", "user:bob", "missing.log"], "no time"),
        (&["at", "end", "sa:default", BREACH], "sa:catalog/default"),
        (&["diff", "start", "end", "sa:shop/cart"], "then the logs"),
        (&["at", "end", "sa:shop/cart", BREACH, "--output", "svg"], "no picture"),
        (&["timeline", "user:bob", BREACH, "--from", "end", "--to", "start"], "after --to"),
        (&["lineage", "pod:\u{1b}[2Jx", "missing.log"], "missing.log"),
    ] {
        let answer = ask(question);
        assert_eq!(answer.code, Some(2), "{question:?}: {}", answer.error);
        assert!(answer.error.contains(hint) || hint == "nothing", "{}", answer.error);
    }
}

#[test]
fn standard_input_is_read_twice_where_a_question_needs_it() {
    let input = fs::File::open(BREACH).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_trailhound"))
        .args(["lineage", "pod:data/batch-fb5b6", "-", "--output", "json"])
        .stdin(input)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["of"]["created"]["who"], "sa:shop/cart");
    assert_eq!(told["of"]["deleted"]["who"], "sa:data/pipeline-admin-fb5b6");
    assert_eq!(told["origin"]["entity"], "user:bob");
    assert_eq!(told["origin"]["known"], false, "a session inside is no proof");
}

#[test]
fn half_a_name_is_completed_if_only_one_is_meant() {
    let told = json(&["at", "-1m", "pod:batch-fb5b6", BREACH]);
    assert_eq!(told["entity"], "pod:data/batch-fb5b6");
    assert!(told["notes"][0].as_str().unwrap().contains("pod:data/batch-fb5b6"));
    assert_eq!(told["deleted"]["who"], "sa:data/pipeline-admin-fb5b6");
    let grant = &told["grants"][0];
    assert_eq!(grant["binding"], "clusterrolebinding:pipeline-admin-fb5b6");
    assert!(grant["uses"].as_u64().unwrap() > 0);
}

#[test]
fn a_moment_outside_of_the_log_is_unknown_and_not_no() {
    let early = json(&["at", "2026-11-20", "pod:data/batch-fb5b6", BREACH]);
    assert_ne!(early["surety"], "proved");
    assert!(early["notes"][0].as_str().unwrap().contains("before the log begins"));
    let late = json(&["at", "2027-01-01", "clusterrolebinding:cart-legacy", BREACH]);
    assert_eq!((&late["existence"], &late["surety"]), (&"exists".into(), &"inferred".into()));
    let turned = json(&["diff", "end", "start", BREACH]);
    assert!(turned["notes"][0].as_str().unwrap().contains("changed about"));
    assert_eq!(turned["changes"], json(&["diff", "start", "end", BREACH])["changes"]);
}

#[test]
fn a_difference_of_one_namespace_or_hand_has_nothing_else() {
    let shop = json(&["diff", "start", "end", BREACH, "-n", "data"]);
    for one in shop["changes"].as_array().unwrap() {
        let object = one["object"].as_str().unwrap();
        assert!(object.contains(":data/") || object == "ns:data", "{object}");
    }
    let cart = json(&["diff", "start", "end", "sa:shop/cart", BREACH]);
    let made = &cart["changes"][0];
    assert_eq!(made["object"], "pod:data/batch-fb5b6");
    assert_eq!(made["behind"]["entity"], "user:bob");
}

#[test]
fn an_application_is_all_that_belongs_to_it() {
    let app = json(&["timeline", "app:shop/cart", BREACH]);
    let account = json(&["timeline", "sa:shop/cart", BREACH]);
    assert!(app["requests"].as_u64() > account["requests"].as_u64());
}

#[test]
fn input_without_events_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("empty.log");
    fs::write(&log, "").unwrap();
    let path = log.to_str().unwrap();
    for question in
        [&["at", "end", "user:bob"][..], &["lineage", "user:bob"], &["timeline", "app:x"]]
    {
        let answer = ask(&[question, &[path]].concat());
        assert_eq!(answer.code, Some(2), "{question:?}: {}", answer.error);
        assert!(answer.error.contains("no audit event"), "{}", answer.error);
    }
}

#[test]
fn pictures_are_whole_and_carry_no_script() {
    for question in [
        &["reach", "sa:shop/cart"][..],
        &["lineage", "deploy:shop/cart"],
        &["passport", "sa:shop/cart"],
        &["apps", "show", "shop/cart"],
        &["timeline", "user:bob"],
    ] {
        let answer = ask(&[question, &[BREACH, "--output", "svg"]].concat());
        assert_eq!(answer.code, Some(0), "{question:?}: {}", answer.error);
        assert!(answer.out.starts_with("<svg") && answer.out.ends_with("</svg>\n"));
        assert!(!answer.out.contains("<script"));
    }
}

/// Every field of every answer with its types, so that none vanishes or changes unseen. To renew after
/// adding fields: `TRAILHOUND_RENEW=1 cargo test -p trailhound --test questions`.
#[test]
fn the_fields_of_answers_are_a_contract() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract");
    for (name, question) in [
        ("timeline", &["timeline", "sa:shop/cart", BREACH][..]),
        ("lineage", &["lineage", "pod:shop/cart-78469674b6-wv5q6", BREACH]),
        ("at", &["at", "-1m", "pod:data/batch-fb5b6", BREACH]),
        ("diff", &["diff", "start", "end", BREACH]),
        ("who-can", &["who-can", "list", "secrets", BREACH, "-n", "data"]),
        ("passport", &["passport", "sa:shop/cart", BREACH]),
        ("reach", &["reach", "sa:shop/cart", BREACH]),
        ("reach-worst", &["reach", "--worst", BREACH]),
        ("apps", &["apps", BREACH]),
        ("app", &["apps", "show", "shop/cart", BREACH]),
    ] {
        let told = json(question);
        assert_eq!(told["schema"], format!("trailhound.{name}/1"));
        let mut fields = std::collections::BTreeMap::new();
        shape("", &told, &mut fields);
        let mut text = String::new();
        for (path, types) in &fields {
            let types: Vec<&str> = types.iter().copied().collect();
            text.push_str(&[path, ": ", &types.join(" or "), "\n"].concat());
        }
        assert!(!text.contains("[][]"), "{name} has a pair without names:\n{text}");
        assert_eq!(text, text.to_lowercase(), "{name} has a field in capitals");
        let file = format!("{folder}/{name}.txt");
        if std::env::var_os("TRAILHOUND_RENEW").is_some() {
            fs::create_dir_all(folder).unwrap();
            fs::write(&file, &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(&file).unwrap_or_default(), "{file}");
    }
}

type Fields = std::collections::BTreeMap<String, std::collections::BTreeSet<&'static str>>;

fn shape(path: &str, value: &serde_json::Value, fields: &mut Fields) {
    use serde_json::Value as V;
    let of = match value {
        V::Null => "null",
        V::Bool(_) => "bool",
        V::Number(_) => "number",
        V::String(_) => "string",
        V::Array(all) => {
            for one in all {
                shape(&format!("{path}[]"), one, fields);
            }
            "array"
        }
        V::Object(all) => {
            for (name, one) in all {
                shape(&format!("{path}.{name}"), one, fields);
            }
            "object"
        }
    };
    fields.entry(path.to_owned()).or_default().insert(of);
}

#[test]
fn names_that_a_client_chose_cannot_write_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    fs::write(
        &log,
        r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a1","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods/x/exec?command=\u001b[2Jrm","verb":"create","user":{"username":"al\u001b]0;owned\u0007ice\u202e"},"sourceIPs":["10.0.0.9"],"userAgent":"curl\u001b[31m/1","objectRef":{"resource":"pods","namespace":"shop","name":"x\u001b[1m\ny","subresource":"exec","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":101},"requestReceivedTimestamp":"2026-11-23T11:00:00.000000Z","stageTimestamp":"2026-11-23T11:00:00.000001Z"}"#,
    )
    .unwrap();
    let path = log.to_str().unwrap();
    for question in
        [&["timeline", "ns:shop"][..], &["diff", "start", "end"], &["timeline", "ip:10.0.0.9"]]
    {
        for form in ["text", "json"] {
            let answer = ask(&[question, &[path, "--output", form]].concat());
            assert_eq!(answer.code, Some(0), "{}", answer.error);
            let bad = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
            assert!(!answer.out.contains(bad), "{form}: {:?}", answer.out);
        }
    }
}
