//! The program against files that were made to break it: each test is one mishap or one attack, and
//! asks for an answer (a clear message or a counted reject, the right exit code), in bounded memory
//! and time. The cases are small relatives of those in docs/robustness.md.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use wait4::Wait4 as _;

/// No case may take more memory, whatever it holds.
const BUDGET: u64 = 512 << 20;
/// Far more than any case needs on a busy machine; what hangs or is quadratic takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

const TIME: &str = "2026-11-23T11:00:00.000000Z";

struct Answer {
    code: Option<i32>,
    out: String,
    error: String,
}

impl Answer {
    /// A count of the answer's `input`.
    fn count(&self, name: &str) -> u64 {
        let key = format!("\"{name}\":");
        let at = self.out.find(&key).unwrap_or_else(|| panic!("{name} in {}", self.begin()));
        let rest = self.out[at + key.len()..].trim_start();
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    }

    fn begin(&self) -> &str {
        self.out.get(..600).unwrap_or(&self.out)
    }
}

/// Runs the program and waits for it; fails if it takes too much.
fn run(folder: &Path, args: &[&str]) -> Answer {
    let (out, error) = (folder.join(".out"), folder.join(".err"));
    let begun = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_trailhound"))
        .args(args)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&error).unwrap())
        .spawn()
        .unwrap();
    let used = { child }.wait4().unwrap();
    let read = |path| String::from_utf8(fs::read(path).unwrap()).expect("output is text");
    let answer = Answer { code: used.status.code(), out: read(&out), error: read(&error) };
    assert!(answer.code.is_some_and(|code| code <= 2), "no crash: {}", answer.error);
    assert!(!answer.error.contains("panicked"), "{}", answer.error);
    assert!(begun.elapsed() < PATIENCE, "{args:?} took {:?}", begun.elapsed());
    assert!(used.rusage.maxrss < BUDGET, "{args:?} took {} MiB", used.rusage.maxrss >> 20);
    answer
}

/// Scans one file with these bytes.
fn scan(bytes: impl AsRef<[u8]>) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("audit.log"), bytes).unwrap();
    run(folder.path(), &["scan", "audit.log", "--output", "json"])
}

/// A record, its id and what is to be replaced in it.
fn record(id: usize, changes: &[(&str, &str)]) -> String {
    let mut text = format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"id-{id}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods","verb":"list","user":{{"username":"alice","groups":["system:authenticated"]}},"sourceIPs":["10.0.0.9"],"userAgent":"kubectl/v1","objectRef":{{"resource":"pods","namespace":"shop","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":200}},"requestReceivedTimestamp":"{TIME}","stageTimestamp":"{TIME}"}}"#
    );
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text.push('\n');
    text
}

fn records(count: usize, changes: impl Fn(usize) -> Vec<(&'static str, String)>) -> String {
    (0..count)
        .map(|number| {
            let changes = changes(number);
            let changes: Vec<(&str, &str)> =
                changes.iter().map(|(from, to)| (*from, to.as_str())).collect();
            record(number, &changes)
        })
        .collect()
}

/// A moment, microseconds after eleven.
fn moment(micros: usize) -> String {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    format!(
        "2026-11-23T{:02}:{:02}:{:02}.{rest:06}Z",
        11 + seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[test]
fn what_is_no_log_is_rejected_with_its_place() {
    for bytes in [
        "hello\n".as_bytes(),
        b"{\"kind\":0}\n",
        b"{",
        b"[",
        b"\"",
        b"{\"kind\":\"Event\"",
        b"nul\0\0\xFF\xFE\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\xEF\xBB\xBF\xEF\xBB\xBFx",
    ] {
        let answer = scan(bytes);
        assert_eq!(
            answer.code,
            Some(2),
            "{:?}: {}",
            String::from_utf8_lossy(bytes),
            answer.begin()
        );
        assert_eq!(answer.count("events"), 0);
    }
}

#[test]
fn an_empty_file_is_not_taken_for_a_quiet_cluster() {
    assert_eq!(scan("").code, Some(2));
    assert_eq!(scan("\n\n").code, Some(2));
}

#[test]
fn damaged_bytes_between_records_do_not_cost_the_records() {
    let mut bytes = Vec::new();
    for number in 0..500 {
        bytes.extend(record(number, &[]).into_bytes());
        bytes.extend([&b"\0\0\0"[..], b"\xC3(\xFF\n", b"{\"cut\":\n", b"]]]]\n"][number % 4]);
    }
    let answer = scan(bytes);
    assert_eq!((answer.code, answer.count("events")), (Some(2), 500), "{}", answer.begin());
    assert!(answer.count("rejected") >= 125);
}

#[test]
fn a_line_over_the_limit_is_counted_and_its_neighbours_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = io::BufWriter::new(File::create(folder.path().join("audit.log")).unwrap());
    let long = vec![b'x'; 40 << 20];
    file.write_all(record(1, &[]).as_bytes()).unwrap();
    file.write_all(&[b"{\"a\":\"", long.as_slice(), b"\"}\n"].concat()).unwrap();
    let whole =
        record(2, &[("\"requestReceived", "\"requestObject\":{\"x\":\"@@\"},\"requestReceived")]);
    let (head, tail) = whole.split_once("@@").unwrap();
    file.write_all(&[head.as_bytes(), &long, tail.as_bytes()].concat()).unwrap();
    file.write_all(&[long.as_slice(), b"\n", record(3, &[]).as_bytes()].concat()).unwrap();
    drop(file);
    let answer = run(folder.path(), &["scan", "audit.log", "--output", "json"]);
    assert_eq!((answer.code, answer.count("events")), (Some(2), 3), "{}", answer.begin());
    assert_eq!(answer.count("rejected"), 2);
}

#[test]
fn nesting_without_end_takes_neither_stack_nor_time() {
    let deep = |open: &str, close: &str, levels: usize| {
        format!("{}1{}", open.repeat(levels), close.repeat(levels))
    };
    let body = |json: String| {
        record(1, &[("\"stage\":", &format!("\"requestObject\":{json},\"stage\":"))])
    };
    let text = [
        deep("{\"a\":", "}", 100_000),
        deep("[", "]", 100_000),
        body(deep("{\"a\":", "}", 99_000)),
        body(deep("[", "]", 3_000)),
        "{\"a\":".repeat(1_000_000),
        record(7, &[]),
    ]
    .join("\n");
    let answer = scan(text);
    assert_eq!(answer.code, Some(2));
    assert!(answer.count("events") >= 2, "{}", answer.begin());
}

#[test]
fn records_cut_where_another_may_begin_are_not_followed_to_the_end_again_and_again() {
    for cut in ["{\"kind\":\"Event\",\"a\":[{\"b\":\n", "{\"a\":[\n", "{\"items\":[\n", "{\""] {
        let answer = scan(cut.repeat(200_000) + "\n" + &record(1, &[]));
        assert_eq!(answer.code, Some(2), "{cut}");
    }
    let glued = "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"user\":[";
    assert_eq!(scan(glued.repeat(100_000)).code, Some(2));
    assert_eq!(scan("x\n".to_owned() + &"\n".repeat(20 << 20)).code, Some(2));
}

/// Made here, because no file that may be committed is a bomb.
fn gzip(bytes: &[u8], times: usize) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..times {
        packer.write_all(bytes).unwrap();
    }
    packer.finish().unwrap()
}

#[test]
fn a_gzip_bomb_ends_at_the_limit_and_says_so() {
    let mut bomb = gzip(record(1, &[]).as_bytes(), 1);
    bomb.extend(gzip(&vec![b' '; 1 << 24], 24));
    let answer = scan(bomb);
    assert_eq!((answer.code, answer.count("events")), (Some(2), 1));
    assert!(answer.out.contains("times its size"), "{}", answer.begin());
}

#[test]
fn a_bomb_inside_of_an_envelope_is_one_reject() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let data = BASE64_STANDARD.encode(gzip(&vec![b' '; 1 << 24], 10));
    let envelopes = [
        format!("{{\"awslogs\":{{\"data\":\"{data}\"}}}}\n"),
        format!("{{\"Records\":[{{\"kinesis\":{{\"data\":\"{data}\"}}}}]}}\n"),
        format!("{{\"requestId\":\"r\",\"timestamp\":1,\"records\":[{{\"data\":\"{data}\"}}]}}\n"),
    ];
    let answer = scan(envelopes.concat() + &record(1, &[]));
    assert_eq!((answer.code, answer.count("events")), (Some(2), 1), "{}", answer.begin());
    assert_eq!(answer.count("rejected"), 3);
    assert!(answer.out.contains("unpacks to more than the limit"));
}

#[test]
fn an_envelope_in_an_envelope_without_end_is_given_up() {
    let mut text = record(1, &[]).trim_end().to_owned();
    for _ in 0..12 {
        text = format!("{{\"log\":{text:?}}}");
    }
    let answer = scan(text);
    assert_eq!((answer.code, answer.count("rejected")), (Some(2), 1));
}

#[test]
fn a_truncated_archive_gives_what_is_there_and_exits_with_2() {
    let text = records(2_000, |number| vec![("10.0.0.9", format!("10.0.0.{}", number * 7 % 250))]);
    let packed = gzip(text.as_bytes(), 1);
    let cut = scan(&packed[..packed.len() / 2]);
    assert_eq!(cut.code, Some(2));
    assert!(cut.count("events") > 100 && cut.count("events") < 2_000, "{}", cut.begin());
    let trailing = scan([packed.as_slice(), b"trailing garbage"].concat());
    assert_eq!(trailing.count("events"), 2_000);
    let members = scan([gzip(text.as_bytes(), 1), gzip(record(9_999, &[]).as_bytes(), 1)].concat());
    assert_eq!((members.code, members.count("events")), (Some(0), 2_001), "{}", members.begin());
}

#[test]
fn times_that_no_clock_shows_are_read_or_taken_from_the_neighbours() {
    let times = [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2026-02-30T00:00:00Z",
        "-292277-01-01T00:00:00Z",
        "2026-11-23T11:00:60Z",
        "2026-11-23T11:00:00+99:99",
        "99999999999999999999",
        "",
    ];
    let mut text = String::new();
    for (number, time) in times.iter().enumerate() {
        text += &record(10 * number, &[]);
        text += &record(10 * number + 1, &[(TIME, time)]);
    }
    let answer = scan(text);
    assert_eq!((answer.code, answer.count("events")), (Some(0), 16), "{}", answer.begin());
}

#[test]
fn keys_that_come_twice_neither_crash_nor_hide_the_record() {
    let twice = "\"verb\":\"delete\",\"user\":{\"username\":\"mallory\"},\"verb\"";
    let answer = scan(records(1_000, |_| vec![("\"verb\"", twice.to_owned())]));
    assert_eq!(answer.count("events"), 1_000);
}

#[test]
fn escapes_and_tags_of_the_log_reach_no_terminal_and_no_page() {
    let evil = r"\u001b[31m\u001b]0;x\u0007<script>alert(1)</script>\u202e\r\n\u0000";
    let text = records(50, |number| {
        vec![
            ("alice", format!("{evil}{number}")),
            ("kubectl/v1", evil.to_owned()),
            ("10.0.0.9", evil.to_owned()),
            ("\"shop\"", format!("\"{evil}\"")),
            ("/api/v1/namespaces/shop/pods", format!("/api/v1/secrets{evil}")),
            ("pods", "secrets".to_owned()),
            ("\"id-", format!("\"{evil}")),
        ]
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("audit.log"), text).unwrap();
    let answer = run(folder.path(), &["scan", "audit.log", "--verbose", "--report", "page.html"]);
    let bad = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!answer.out.chars().any(bad), "{}", answer.begin());
    assert!(!fs::read_to_string(folder.path().join("page.html")).unwrap().contains("<script"));
}

#[test]
fn a_flood_of_users_is_forgotten_in_part_and_told() {
    let answer = scan(records(150_000, |number| {
        vec![("alice", format!("user-{number}")), (TIME, moment(number * 1_000))]
    }));
    assert_eq!((answer.code, answer.count("events")), (Some(0), 150_000));
    assert!(answer.out.contains("history was forgotten"), "{}", answer.begin());
}

#[test]
fn a_flood_of_findings_is_counted_beyond_the_limit() {
    let answer = scan(records(30_000, |number| {
        vec![
            ("alice", format!("user-{number}")),
            ("pods", "secrets".to_owned()),
            ("/namespaces/shop", String::new()),
            ("\"namespace\":\"shop\",", String::new()),
            (TIME, moment(number * 1_000)),
        ]
    }));
    assert_eq!((answer.code, answer.count("events")), (Some(1), 30_000));
    assert!(answer.out.contains("were counted but not kept"), "{}", answer.begin());
}

#[test]
fn texts_of_100_kilobytes_in_every_field_stay_bounded() {
    let long = "A".repeat(100_000);
    for field in ["alice", "kubectl/v1", "id-", "10.0.0.9", "\"shop\"", "\"list\""] {
        let quote = if field.starts_with('"') { "\"" } else { "" };
        let answer = scan(records(400, |number| {
            vec![
                ("pods", "secrets".to_owned()),
                (TIME, moment(number * 1_000)),
                (field, format!("{quote}{number}{long}{quote}")),
            ]
        }));
        assert_eq!(answer.count("events"), 400, "{field}");
        assert!(answer.out.len() < 8 << 20, "{field}: {} bytes", answer.out.len());
    }
}

#[test]
fn one_second_of_long_records_is_not_held_whole() {
    let long = "A".repeat(100_000);
    let answer = scan(records(3_000, |number| {
        vec![(TIME, moment(number)), ("/pods", format!("/pods?labelSelector={number}{long}"))]
    }));
    assert_eq!(answer.count("events"), 3_000);
}

#[test]
fn records_of_one_moment_and_records_backwards_are_all_judged() {
    let same = scan(records(100_000, |_| Vec::new()));
    assert_eq!((same.code, same.count("events")), (Some(0), 100_000));
    let backwards =
        scan(records(100_000, |number| vec![(TIME, moment((100_000 - number) * 1_000))]));
    assert_eq!((backwards.code, backwards.count("events")), (Some(0), 100_000));
}

#[test]
fn names_that_look_alike_are_different_people() {
    let names =
        ["alice", "Alice", "al\u{200b}ice", "al\u{200d}ice", "\u{430}lice", "ali\u{202e}ce"];
    let text = records(600, |number| {
        let (name, read) = (names[number % names.len()].to_owned(), "secrets".to_owned());
        vec![("alice", name), ("pods", read), (TIME, moment(number * 1_000))]
    });
    let answer = scan(text);
    assert_eq!(answer.count("events"), 600);
    assert!(!answer.out.contains('\u{202e}') || answer.out.contains("alice"));
}

#[test]
fn lists_of_a_million_elements_do_not_become_a_million_objects() {
    let mut text = String::new();
    let list = |element: &str, count: usize| vec![element; count].join(",");
    text += &record(1, &[("\"10.0.0.9\"", &list("\"10.0.0.9\"", 1_000_000))]);
    text += &record(2, &[("\"system:authenticated\"", &list("\"g\"", 1_000_000))]);
    let body = |json: &str| {
        let with = format!("\"requestObject\":{{\"kind\":\"Pod\",\"x\":{json}}},\"stage\":");
        [
            ("\"stage\":", with),
            ("\"list\"", "\"create\"".to_owned()),
            ("Metadata", "Request".to_owned()),
        ]
    };
    for (number, json) in
        [format!("[{}]", list("0", 10_000_000)), format!("[{}]", list("{\"a\":{}}", 2_000_000))]
            .into_iter()
            .enumerate()
    {
        let changes = body(&json);
        let changes: Vec<(&str, &str)> = changes.iter().map(|(a, b)| (*a, b.as_str())).collect();
        text += &record(3 + number, &changes);
    }
    let answer = scan(text);
    assert_eq!(answer.count("events"), 4, "{}", answer.begin());
}

#[test]
fn a_list_of_events_without_newlines_is_read_in_pieces() {
    let mut text =
        String::from("{\"kind\":\"EventList\",\"apiVersion\":\"audit.k8s.io/v1\",\"items\":[");
    for number in 0..100_000 {
        let _ =
            write!(text, "{}{}", if number > 0 { "," } else { "" }, record(number, &[]).trim_end());
    }
    let answer = scan(text + "]}");
    assert_eq!((answer.code, answer.count("events")), (Some(0), 100_000));
}

#[test]
fn a_directory_of_pictures_and_ten_thousand_files_is_read_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("logs");
    fs::create_dir(&place).unwrap();
    for number in 0..10_000 {
        fs::write(place.join(format!("{number}.log")), record(number, &[])).unwrap();
    }
    fs::write(place.join("picture.png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0").unwrap();
    let answer = run(folder.path(), &["scan", "logs", "--output", "json"]);
    assert_eq!((answer.code, answer.count("events")), (Some(2), 10_000));
    assert!(answer.out.contains("picture.png"));
}

#[cfg(unix)]
mod unix {
    //! What only a Unix file system can hold.

    use super::*;
    use std::os::unix::{fs::symlink, net::UnixListener};

    #[test]
    fn a_loop_of_links_ends() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("logs");
        fs::create_dir_all(place.join("deep")).unwrap();
        fs::write(place.join("audit.log"), record(1, &[])).unwrap();
        symlink("..", place.join("deep/up")).unwrap();
        symlink("self", place.join("self")).unwrap();
        symlink("nowhere", place.join("dangling")).unwrap();
        let answer = run(folder.path(), &["scan", "logs", "--output", "json"]);
        assert_eq!((answer.code, answer.count("events")), (Some(2), 1), "{}", answer.begin());
        assert!(answer.out.contains("dangling") && answer.out.contains("self"));
    }

    #[test]
    fn pipes_and_sockets_in_a_directory_are_named_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("logs");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("audit.log"), record(1, &[])).unwrap();
        let _socket = UnixListener::bind(place.join("socket")).unwrap();
        assert!(Command::new("mkfifo").arg(place.join("pipe")).status().unwrap().success());
        let answer = run(folder.path(), &["scan", "logs", "--output", "json"]);
        assert_eq!((answer.code, answer.count("events")), (Some(2), 1));
        assert!(answer.out.contains("pipe, socket or device"), "{}", answer.begin());
        let named = run(folder.path(), &["scan", "logs/socket", "--output", "json"]);
        assert_eq!(named.code, Some(2));
    }

    #[test]
    fn a_named_pipe_with_a_writer_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let writer = std::thread::spawn(move || fs::write(pipe, record(1, &[])));
        let answer = run(folder.path(), &["scan", "pipe", "--output", "json"]);
        writer.join().unwrap().unwrap();
        assert_eq!((answer.code, answer.count("events")), (Some(0), 1), "{}", answer.begin());
    }

    #[test]
    fn a_file_that_may_not_be_read_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.log");
        fs::write(&path, record(1, &[])).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        if File::open(&path).is_ok() {
            let mut error = io::stderr().lock();
            let _ = writeln!(error, "left out: this user may read every file");
            return;
        }
        let answer = run(folder.path(), &["scan", "secret.log", "--output", "json"]);
        assert_eq!(answer.code, Some(2));
        assert!(format!("{}{}", answer.out, answer.error).contains("not permitted"));
    }

    #[test]
    fn a_file_that_grows_while_it_is_read_is_read_to_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        fs::write(&path, records(20_000, |_| Vec::new())).unwrap();
        let mut file = File::options().append(true).open(&path).unwrap();
        let writer = std::thread::spawn(move || {
            for number in 20_000..22_000 {
                file.write_all(record(number, &[]).as_bytes()).unwrap();
            }
        });
        let answer = run(folder.path(), &["scan", "audit.log", "--output", "json"]);
        writer.join().unwrap();
        assert!(answer.count("events") >= 20_000, "{}", answer.begin());
    }
}
