//! Records in every wrapping that exporters, shippers and people put them into, and damaged in
//! every way that we know of: what must come out is written next to what goes in.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use common::{Collected, decode_all, event, item, pretty, read_file};
use proptest::prelude::*;

/// Ids of events, number of rejects, number of ignored records.
fn outcome(found: &Collected) -> (Vec<&str>, usize, usize) {
    let ids = found.events.iter().map(|event| event.audit_id.as_str()).collect();
    (ids, found.rejects.len(), found.ignored.len())
}

struct Case {
    name: &'static str,
    input: Vec<u8>,
    ids: Vec<&'static str>,
    rejects: usize,
    ignored: usize,
}

fn case(name: &'static str, input: impl Into<Vec<u8>>, ids: &[&'static str]) -> Case {
    Case { name, input: input.into(), ids: ids.to_vec(), rejects: 0, ignored: 0 }
}

impl Case {
    fn rejects(self, rejects: usize) -> Case {
        Case { rejects, ..self }
    }
    fn ignored(self, ignored: usize) -> Case {
        Case { ignored, ..self }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn subscription(stream: &str, messages: &[&str]) -> String {
    let events: Vec<String> = messages
        .iter()
        .enumerate()
        .map(|(n, message)| {
            format!(r#"{{"id":"{n}","timestamp":1795432633204,"message":{}}}"#, quoted(message))
        })
        .collect();
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"/aws/eks/prod/cluster","logStream":"{stream}","subscriptionFilters":["f"],"logEvents":[{}]}}"#,
        events.join(",")
    )
}

fn filter_log_events(messages: &[(&str, &str)]) -> String {
    let events: Vec<String> = messages
        .iter()
        .map(|(stream, message)| {
            format!(
                r#"{{"logStreamName":"{stream}","timestamp":1795432633204,"message":{},"ingestionTime":1795432633999,"eventId":"38"}}"#,
                quoted(message)
            )
        })
        .collect();
    format!(r#"{{"events":[{}],"searchedLogStreams":[]}}"#, events.join(","))
}

/// As deep as the parser is led.
const DEEP: usize = 2040;
const KLOG: &str =
    "I1123 11:17:13.204586       1 controller.go:615] quota admission added evaluator";
const AUTHENTICATOR: &str = "time=\"2026-11-23T11:17:13Z\" level=info msg=\"access granted\" arn=x";
const AUDIT: &str = "kube-apiserver-audit-0a1b";

fn wrappings() -> Vec<Case> {
    let (a, b, c) = (event("a"), event("b"), event("c"));
    let (ia, ib) = (item("a"), item("b"));
    let list = format!(
        r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{ia},{ib}]}}"#
    );
    let sorted = format!(
        r#"{{"apiVersion":"audit.k8s.io/v1","items":[{ia},{ib}],"kind":"EventList","metadata":{{}}}}"#
    );
    vec![
        case("json_lines", format!("{a}\n{b}\n{c}\n"), &["a", "b", "c"]),
        case("crlf_bom_blank_lines_and_no_last_newline", format!("\u{feff}{a}\r\n\r\n  \n{b}"), &["a", "b"]),
        case("nothing_between_records", format!("{a}{b}{c}"), &["a", "b", "c"]),
        case("records_one_blank_apart", format!("{a} {b}\n{c}"), &["a", "b", "c"]),
        case("event_list_on_one_line", format!("{list}\n"), &["a", "b"]),
        case("event_list_pretty_printed", pretty(&list), &["a", "b"]),
        case("event_list_with_sorted_keys", sorted.clone(), &["a", "b"]),
        case("event_list_with_sorted_keys_pretty", pretty(&sorted), &["a", "b"]),
        case("two_event_lists_without_newline", format!("{list}{list}"), &["a", "b", "a", "b"]),
        case("array_on_one_line", format!("[{a},{b}]"), &["a", "b"]),
        case("array_one_record_a_line", format!("[\n{a},\n{b}\n]\n"), &["a", "b"]),
        case("array_pretty_printed", pretty(&format!("[{a},{b}]")), &["a", "b"]),
        case("pretty_printed_one_after_the_other", format!("{}\n{}\n", pretty(&a), pretty(&b)), &["a", "b"]),
        case("lines_then_pretty_then_lines", format!("{a}\n{}\n{c}\n", pretty(&b)), &["a", "b", "c"]),
        case("lines_then_a_list_then_lines", format!("{c}\n{list}\n{c}\n"), &["c", "a", "b", "c"]),
        case("cloudwatch_export_to_s3", format!("2026-11-23T11:22:33.123Z {a}\n2026-11-23T11:22:33.124Z {b}\n"), &["a", "b"]),
        case("cloudwatch_export_with_other_streams", format!("2026-11-23T11:22:33.123Z {KLOG}\n2026-11-23T11:22:33.123Z {AUTHENTICATOR}\n2026-11-23T11:22:33.124Z {b}\n"), &["b"]).ignored(2),
        case("cloudwatch_subscription", subscription(AUDIT, &[&a, &b]), &["a", "b"]),
        case("cloudwatch_subscriptions_concatenated", format!("{}{}", subscription(AUDIT, &[&a]), subscription(AUDIT, &[&b])), &["a", "b"]),
        case("cloudwatch_subscription_of_another_stream", subscription("kube-apiserver-0a1b", &[KLOG, KLOG]), &[]).ignored(2),
        case("cloudwatch_control_message", r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination"}]}"#, &[]).ignored(1),
        case("aws_logs_filter_log_events", filter_log_events(&[(AUDIT, &a), ("authenticator-1", AUTHENTICATOR), (AUDIT, &b)]), &["a", "b"]).ignored(1),
        case("aws_logs_filter_log_events_pretty", pretty(&filter_log_events(&[(AUDIT, &a), (AUDIT, &b)])), &["a", "b"]),
        case("node_name_before_each_record", format!("master-0.example {a}\nmaster-1.example {b}\n"), &["a", "b"]),
        case("klog_between_the_lines", format!("{a}\n{KLOG}\n{b}\n"), &["a", "b"]).ignored(1),
    ]
}

fn damages() -> Vec<Case> {
    let (a, b, c) = (event("a"), event("b"), event("c"));
    let cut_in_text = &b[..b.find("kubectl").unwrap() + 3];
    let cut_after_comma = &b[..b.find("\"verb\"").unwrap()];
    let cut_early = &b[..b.find("\"stage\"").unwrap()];
    let not_utf8 = {
        let mut bytes = format!("{a}\n{b}\n").into_bytes();
        let at = bytes.windows(7).position(|w| w == b"kubectl").unwrap();
        bytes[at] = 0xFF;
        bytes
    };
    vec![
        case(
            "a_line_cut_in_a_string_keeps_who_and_what",
            format!("{a}\n{cut_in_text}\n{c}\n"),
            &["a", "b", "c"],
        ),
        case("a_line_cut_too_early_is_rejected", format!("{a}\n{cut_early}\n{c}\n"), &["a", "c"])
            .rejects(1),
        case("a_line_cut_between_fields", format!("{a}\n{cut_after_comma}\n{c}\n"), &["a", "c"])
            .rejects(1),
        case(
            "a_cut_record_glued_to_the_next",
            format!("{a}\n{cut_in_text}{c}\n"),
            &["a", "b", "c"],
        ),
        case("the_last_line_is_cut", format!("{a}\n{cut_in_text}"), &["a", "b"]),
        case("the_first_line_has_lost_its_beginning", format!("{}\n{a}\n", &b[200..]), &["a"])
            .rejects(1),
        case("bytes_that_are_no_utf8", not_utf8, &["a", "b"]),
        case(
            "zeros_before_a_record",
            [vec![0u8; 5000], format!("{a}\n{b}\n").into_bytes()].concat(),
            &["a", "b"],
        ),
        case("other_text", format!("{a}\nhello world\n"), &["a"]).rejects(1),
        case(
            "other_json",
            format!("{a}\n{{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}}\n{{}}\n"),
            &["a"],
        )
        .rejects(2),
        case(
            "an_event_of_the_core_api_is_no_audit_event",
            r#"{"kind":"Event","apiVersion":"v1","metadata":{"name":"x"},"verb":"x","stage":"x"}"#,
            &[],
        )
        .rejects(1),
        case("nothing", "", &[]),
        case("blank_lines_only", "\n\r\n  \n", &[]),
        case(
            "nested_deeper_than_a_stack_is_high",
            format!(
                "{}\n{b}\n",
                a.replacen(
                    "\"verb\"",
                    &format!(
                        "\"requestObject\":{}{},\"verb\"",
                        "[".repeat(60_000),
                        "]".repeat(60_000)
                    ),
                    1
                )
            ),
            &["a", "b"],
        ),
        case(
            "nested_as_deep_as_the_parser_is_led",
            a.replacen(
                "\"verb\"",
                &format!("\"requestObject\":{}{},\"verb\"", "[".repeat(DEEP), "]".repeat(DEEP)),
                1,
            ),
            &["a"],
        ),
        case("endless_nesting", format!("{}\n{b}\n", "[{\"a\":".repeat(100_000)), &["b"])
            .rejects(1),
        case(
            "fields_of_wrong_types_do_not_lose_the_event",
            a.replace(r#"["10.0.0.1"]"#, "7")
                .replace(r#""code":200"#, r#""code":"200""#)
                .replace(r#"["system:authenticated"]"#, r#"{"x":1}"#),
            &["a"],
        ),
        case(
            "nulls",
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","user":null,"sourceIPs":null,"annotations":null,"objectRef":null,"responseStatus":null,"requestObject":null,"verb":null}"#,
            &["a"],
        ),
        case(
            "a_401_has_an_empty_user",
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a","stage":"ResponseStarted","requestURI":"/api","verb":"get","user":{},"responseStatus":{"code":401}}"#,
            &["a"],
        ),
        case(
            "a_field_twice",
            a.replace(r#""verb":"list""#, r#""verb":"get","verb":"list""#),
            &["a"],
        ),
        case("half_a_surrogate_pair", a.replace("kubectl/", "kube\\ud800ctl/"), &["a"]),
        case(
            "a_truncated_cloudwatch_message_keeps_who_and_what",
            subscription(
                AUDIT,
                &[&format!("{}[Truncated...]", &b[..b.find("\"objectRef\"").unwrap() + 20]), &a],
            ),
            &["b", "a"],
        ),
        case("a_cloudwatch_audit_message_that_is_no_event", subscription(AUDIT, &["what"]), &[])
            .rejects(1),
    ]
}

/// Unoptimised builds of the parser need far more stack than a thread has.
fn with_stack(test: fn()) {
    let size = if cfg!(debug_assertions) { 128 << 20 } else { 1 << 20 };
    let thread = std::thread::Builder::new().stack_size(size).spawn(test).unwrap();
    thread.join().unwrap();
}

#[test]
fn every_wrapping_gives_its_events_on_a_small_stack() {
    with_stack(every_wrapping);
}

fn every_wrapping() {
    for case in wrappings().into_iter().chain(damages()) {
        let found = decode_all(&case.input, Vec::new());
        assert_eq!(outcome(&found), (case.ids, case.rejects, case.ignored), "{}", case.name);
        assert_eq!(found.tally.records as usize, found.events.len(), "{}", case.name);
        assert_eq!(found.tally.rejected as usize, found.rejects.len(), "{}", case.name);
        assert_eq!(found.tally.ignored_total() as usize, found.ignored.len(), "{}", case.name);
    }
}

#[test]
fn the_size_of_chunks_changes_nothing() {
    with_stack(every_chunk_size);
}

fn every_chunk_size() {
    for case in wrappings().into_iter().chain(damages()) {
        if case.name == "endless_nesting" {
            continue;
        }
        for chunk in [1, 700, 1000, 4096] {
            let (found, unread) = read_file(&case.input, chunk, 1 << 20);
            assert_eq!(
                outcome(&found),
                (case.ids.clone(), case.rejects, case.ignored),
                "{} by {chunk}",
                case.name
            );
            assert_eq!(unread, None, "{}", case.name);
        }
    }
}

#[test]
fn positions_are_where_the_records_are() {
    let (a, b) = (event("a"), event("b"));
    for (input, chunk) in [
        (format!("{a}\n{b}\n"), 1 << 20),
        (format!("{a}\n{b}\n"), 100),
        (format!("{}\n{}", pretty(&a), pretty(&b)), 100),
        (format!("x {a}\nx {b}\n"), 100),
        (format!("[{a},{b}]"), 1 << 20),
        (format!(r#"{{"kind":"EventList","items":[{a},{b}]}}"#), 100),
    ] {
        let (found, _) = read_file(input.as_bytes(), chunk, 1 << 20);
        assert_eq!(found.events.len(), 2);
        for event in &found.events {
            let rest = &input[event.position.offset as usize..];
            let id = rest.split("auditID\":").nth(1).unwrap().trim_start();
            assert!(
                rest.starts_with('{') && id.starts_with(&format!("\"{}\"", event.audit_id)),
                "{input}"
            );
        }
    }
}

#[test]
fn an_eks_event_has_its_cluster_and_time() {
    let mut message = item("a");
    for key in ["requestReceivedTimestamp", "stageTimestamp"] {
        message = message.replace(key, "x");
    }
    let found = decode_all(subscription(AUDIT, &[&message]).as_bytes(), Vec::new());
    let event = &found.events[0];
    assert_eq!(event.cluster, "prod");
    assert_eq!(
        (event.time.to_string().as_str(), event.time_inferred),
        ("2026-11-23T11:17:13.204000Z", true)
    );
}

#[test]
fn a_record_without_time_takes_that_of_the_record_before_in_any_chunking() {
    let b = event("b").replace("requestReceivedTimestamp", "x").replace("stageTimestamp", "y");
    let input = format!("{}\n{b}\n", event("a"));
    for chunk in [1, 1 << 20] {
        let (found, _) = read_file(input.as_bytes(), chunk, 1 << 20);
        assert_eq!(found.events[1].time, found.events[0].time);
        assert!(found.events[1].time_inferred && !found.events[0].time_inferred);
    }
}

#[test]
fn a_cut_record_says_so() {
    let b = event("b");
    let found = decode_all(&b.as_bytes()[..b.find("kubectl").unwrap()], Vec::new());
    assert!(found.events[0].bodies.truncated);
    assert_eq!(found.events[0].user.name, "alice");
    assert_eq!(found.tally.truncated, 1);
}

#[test]
fn a_field_of_a_wrong_type_is_counted_and_the_rest_is_kept() {
    let input =
        event("a").replace(r#""code":200"#, r#""code":"403""#).replace(r#"["10.0.0.1"]"#, "7");
    let found = decode_all(input.as_bytes(), Vec::new());
    let event = &found.events[0];
    assert_eq!(
        (event.code(), event.user.name.as_str(), event.source_ip()),
        (Some(403), "alice", "7")
    );
    assert_eq!(found.tally.partial, 1);
}

#[test]
fn old_versions_are_read() {
    let v1beta1 = event("a").replace("audit.k8s.io/v1", "audit.k8s.io/v1beta1");
    let old = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1alpha1","metadata":{"creationTimestamp":"2018-01-01T00:00:00Z"},"level":"Metadata","timestamp":"2018-01-01T00:00:00Z","auditID":"b","stage":"ResponseComplete","requestURI":"/","verb":"get","user":{"username":"u"},"sourceIPs":["1.1.1.1"]}"#;
    let found = decode_all(format!("{v1beta1}\n{old}\n").as_bytes(), Vec::new());
    assert_eq!(found.events[1].time.to_string(), "2018-01-01T00:00:00Z");
    assert_eq!(found.events.len(), 2);
}

#[test]
fn a_record_over_the_limit_keeps_its_head_and_its_neighbours() {
    let big = event("b").replace(
        "\"annotations\"",
        &format!("\"requestObject\":\"{}\",\"annotations\"", "x".repeat(300_000)),
    );
    let input = format!("{}\n{big}\n{}\n", event("a"), event("c"));
    let (found, unread) = read_file(input.as_bytes(), 1000, 100_000);
    assert_eq!(outcome(&found), (vec!["a", "b", "c"], 0, 0));
    assert!(found.events[1].bodies.truncated);
    assert_eq!(found.tally.bytes, input.len() as u64);
    assert_eq!(unread, None);

    let other = format!("{}\n{{\"x\":\"{}\"}}\n{}\n", event("a"), "y".repeat(300_000), event("c"));
    let (found, _) = read_file(other.as_bytes(), 1000, 100_000);
    assert_eq!(outcome(&found), (vec!["a", "c"], 1, 0));
    assert_eq!(
        (found.rejects[0].offset, found.rejects[0].length),
        (event("a").len() as u64 + 1, 300_008)
    );
}

fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let texts = [
        event("a"),
        item("b"),
        pretty(&event("c")),
        "{".into(),
        "}".into(),
        "[".into(),
        "]".into(),
        ",".into(),
        "\"".into(),
        "\\".into(),
        "\n".into(),
        "\r\n".into(),
        " ".into(),
        "\u{feff}".into(),
        "{\"kind\":\"EventList\",\"items\":[".into(),
        "]}".into(),
        KLOG.into(),
        "\0".into(),
        "{\"".into(),
        subscription(AUDIT, &["x"]),
        "2026-11-23T11:22:33.123Z ".into(),
        "null".into(),
        "[Truncated...]".into(),
    ];
    prop_oneof![
        4 => prop::sample::select(texts.to_vec()).prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_counted_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let found = decode_all(&bytes, Vec::new());
        prop_assert_eq!(found.tally.bytes, bytes.len() as u64);
    }

    #[test]
    fn any_mixture_is_counted_and_never_panics(parts in prop::collection::vec(fragment(), 0..12), chunk in 1usize..3000) {
        let bytes = parts.concat();
        let whole = decode_all(&bytes, Vec::new());
        let (read, _) = read_file(&bytes, chunk, 1 << 20);
        prop_assert_eq!(read.tally.bytes, bytes.len() as u64);
        prop_assert_eq!(whole.tally.bytes, bytes.len() as u64);
    }

    #[test]
    fn json_lines_come_out_the_same_for_any_chunk_size(ids in prop::collection::vec("[a-z]{1,8}", 1..30), pretty_every in 2usize..9, chunk in 1usize..4000) {
        let records: Vec<String> = ids.iter().enumerate().map(|(n, id)| if n % pretty_every == 0 { pretty(&event(id)) } else { event(id) }).collect();
        let input = records.join("\n");
        let (found, _) = read_file(input.as_bytes(), chunk, 1 << 20);
        let read: Vec<&str> = found.events.iter().map(|event| event.audit_id.as_str()).collect();
        prop_assert_eq!(read, ids);
        prop_assert_eq!(found.rejects.len(), 0);
    }
}
