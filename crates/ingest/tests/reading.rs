//! Sources as they are found on disks and pipes: packed, cut, looping, blocking.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use common::{event, masker, read_all, spec};
use std::{
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};
use trailhound_ingest::{Limits, SourceKind, discover, open, peek_first_time};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lines(ids: &[&str]) -> Vec<u8> {
    ids.iter().flat_map(|id| format!("{}\n", event(id)).into_bytes()).collect()
}

fn read(path: &Path, limits: Limits) -> (Vec<String>, Option<String>) {
    let mut reader = open(&spec(path), limits).unwrap();
    let found = read_all(&mut reader);
    let ids = found.events.iter().map(|event| event.audit_id.to_string()).collect();
    (ids, reader.unread().map(|unread| unread.reason))
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn packing_is_told_by_the_first_bytes_not_by_the_name() {
    let dir = tempfile::tempdir().unwrap();
    let members = [gzip(&lines(&["a"])), gzip(&lines(&["b"]))].concat();
    let frames = [
        zstd::encode_all(&lines(&["a"])[..], 3).unwrap(),
        zstd::encode_all(&lines(&["b"])[..], 3).unwrap(),
    ]
    .concat();
    for (name, bytes) in
        [("members.log", members), ("frames.gz", frames), ("plain.zst", lines(&["a", "b"]))]
    {
        let path = write(dir.path(), name, &bytes);
        assert_eq!(read(&path, Limits::default()), (vec!["a".into(), "b".into()], None), "{name}");
    }
}

#[test]
fn cut_packed_files_give_what_is_there_and_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..200).map(|n| format!("{:x}", n * 7919 % 65_536)).collect();
    let ids: Vec<&str> = names.iter().map(String::as_str).collect();
    let zipped = gzip(&lines(&ids));
    let framed = zstd::encode_all(&lines(&ids)[..], 1).unwrap();
    for (name, bytes, word) in [("a.gz", &zipped, "gzip"), ("a.zst", &framed, "zstd")] {
        let path = write(dir.path(), name, &bytes[..bytes.len() - 20]);
        let (read_ids, unread) = read(&path, Limits { chunk: 4096, ..Limits::default() });
        assert!(unread.unwrap().contains(word));
        if word == "gzip" {
            assert!(read_ids.len() > 100, "{}", read_ids.len());
        }
    }
}

#[test]
fn damage_and_rubbish_behind_a_gzip_member_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(
        dir.path(),
        "a.gz",
        &[gzip(&lines(&["a"])), b"rubbish, and a lot of it".to_vec()].concat(),
    );
    let (ids, unread) = read(&path, Limits::default());
    assert_eq!(ids, ["a"]);
    assert!(unread.unwrap().contains("damaged"));
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "bomb.gz", &gzip(&vec![b'\n'; 3_000_000]));
    let (_, unread) = read(&path, Limits { unpacked: 1_000_000, chunk: 1000, ..Limits::default() });
    assert!(unread.unwrap().contains("unpacks to more than 1000000 bytes"));
}

#[test]
fn directories_are_read_in_order_without_loops_or_hidden_files() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("b-dir");
    std::fs::create_dir(&inner).unwrap();
    write(dir.path(), "c.log", b"");
    write(dir.path(), "a.log", b"");
    write(&inner, "z.log", b"");
    write(dir.path(), ".hidden", b"");
    symlink(dir.path(), inner.join("loop")).unwrap();
    symlink(dir.path().join("a.log"), dir.path().join("d.log")).unwrap();
    symlink("/nowhere/at/all", dir.path().join("e.log")).unwrap();
    let found = discover(&[dir.path().to_owned(), dir.path().join("c.log")]);
    let names: Vec<_> = found.sources.iter().map(|s| s.name.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["a.log", "z.log", "c.log"]);
    assert_eq!(found.sources.iter().map(|s| s.index).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(found.unread.len(), 1);
    assert!(found.unread[0].source.ends_with("e.log"));
}

#[test]
fn what_is_not_there_and_what_is_empty_is_unread() {
    let dir = tempfile::tempdir().unwrap();
    let found = discover(&[
        dir.path().to_owned(),
        dir.path().join("none"),
        PathBuf::from("-"),
        PathBuf::from("-"),
    ]);
    assert_eq!(found.unread.len(), 2);
    assert_eq!(found.sources.len(), 1);
    assert_eq!(found.sources[0].kind, SourceKind::Stdin);
}

#[test]
fn a_pipe_is_read_when_named_and_never_blocked_on_when_found() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let found = discover(&[dir.path().to_owned()]);
    assert_eq!((found.sources.len(), found.unread.len()), (0, 1));
    let named = discover(std::slice::from_ref(&pipe));
    assert_eq!(peek_first_time(&named.sources[0]), None);
    let writer = std::thread::spawn(move || std::fs::write(pipe, lines(&["a", "b"])).unwrap());
    let mut reader = open(&named.sources[0], Limits::default()).unwrap();
    assert_eq!(read_all(&mut reader).events.len(), 2);
    writer.join().unwrap();
}

#[test]
fn the_first_time_is_found_without_reading_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let text = [b"not json\n".to_vec(), lines(&["a"]), lines(&["b"]).repeat(1000)].concat();
    for (name, bytes) in [("a.log", text.clone()), ("a.gz", gzip(&text))] {
        let path = write(dir.path(), name, &bytes);
        let time = peek_first_time(&spec(&path)).unwrap();
        assert_eq!(time.to_string(), "2026-11-23T11:17:13.205586Z");
    }
    assert_eq!(peek_first_time(&spec(&write(dir.path(), "b.log", b"x\n"))), None);
}

#[test]
fn a_file_without_newlines_is_skipped_in_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "disk.img", &vec![b'x'; 10_000_000]);
    let mut reader = open(&spec(&path), Limits { chunk: 1 << 16, ..Limits::default() }).unwrap();
    let mut largest = 0;
    let mut rejected = 0;
    let masker = masker();
    while let Some(chunk) = reader.next() {
        largest = largest.max(chunk.bytes.capacity());
        let mut sink = common::Collected::default();
        let tally =
            trailhound_ingest::decode(&chunk, &trailhound_ingest::Decoder::new(&masker), &mut sink);
        rejected += sink.rejects.iter().map(|reject| reject.length).sum::<u64>();
        assert_eq!(tally.records, 0);
    }
    assert_eq!(rejected, 10_000_000);
    assert!(largest <= 8 << 20, "{largest}");
}
