//! What `xenwire xenstored --record` writes, and what `replay` finds different.

use std::fs;

use rustix::process::Signal;

use crate::place::Place;
use crate::xenstored::{Running, has_tools, prepared, tool};

#[test]
fn a_trace_is_recorded_and_said_again() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let sockets = ["--socket", "xs", "--domain", "7=xs7"];
    let recording = [&sockets[..], &["--record", "trace"]].concat();
    let running = Running::start(&place, &recording);
    assert!(
        running.line.ends_with(", records to trace\n"),
        "{}",
        running.line
    );
    for (socket, words) in [
        (
            "xs",
            &["xenstore-write", "/local/domain/7/name", "guest"][..],
        ),
        ("xs", &["xenstore-chmod", "-r", "/local/domain/7", "b7"]),
        ("xs7", &["xenstore-write", "a", "1", "b", "2"]),
        ("xs7", &["xenstore-read", "nothing"]),
        ("xs", &["xenstore-ls", "-fp"]),
    ] {
        tool(&place, socket, words);
    }
    assert_eq!(running.end(Signal::TERM).status, 0);
    let trace = fs::read_to_string(place.file("trace")).unwrap();
    assert!(
        trace.starts_with("xenstore-trace 1\nintroduce 7\nopen "),
        "{trace}"
    );
    assert!(
        trace.contains(r#" WRITE 0 "/local/domain/7/name\0guest""#),
        "{trace}"
    );
    assert!(trace.contains(r#"ERROR "ENOENT\0""#), "{trace}");
    assert!(trace.ends_with('\n'));

    let replay = |status: i32, more: &[&str]| {
        let words = [&["xenstored", "replay", "trace"], &sockets[..], more].concat();
        place.expect(status, &words)
    };
    let running = Running::start(&place, &sockets);
    let same = replay(0, &[]);
    assert_eq!(same.out, "");
    assert!(
        same.err.contains("requests replayed, 0 differences"),
        "{same}"
    );
    running.end(Signal::TERM);

    // One answer that is not the recorded one, and a last line that was being written.
    let changed = trace.replace(r#"ERROR "ENOENT\0""#, r#"READ "surprise""#);
    let line = 1 + changed
        .lines()
        .position(|line| line.contains("surprise"))
        .unwrap();
    fs::write(place.file("trace"), format!("{changed}close 1")).unwrap();
    let running = Running::start(&place, &sockets);
    let other = replay(1, &[]);
    assert!(
        other
            .out
            .starts_with(&format!("line {line}: recorded reply ")),
        "{other}"
    );
    assert!(
        other.out.contains(r#"READ "surprise", said reply "#),
        "{other}"
    );
    assert_eq!(other.out.lines().count(), 1, "{other}");
    assert!(
        other.err.contains("the last line is cut off and left out"),
        "{other}"
    );
    running.end(Signal::TERM);
    let running = Running::start(&place, &sockets);
    let json: serde_json::Value = serde_json::from_str(&replay(1, &["--json"]).out).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["differences"][0]["line"], line);
    assert_eq!(json["differences"].as_array().unwrap().len(), 1);
    running.end(Signal::TERM);

    // Nobody listens; a domain has no socket; no trace at all.
    let refused = replay(3, &[]);
    assert!(
        refused.err.contains("no connection for domain"),
        "{refused}"
    );
    let refused = place.expect(1, &["xenstored", "replay", "trace", "--socket", "xs"]);
    assert!(refused.err.contains("give --domain 7=PATH"), "{refused}");
    place.write("trace", "xenstore-trace 1\nopen 1 dom0\n", 0o644);
    let refused = replay(1, &[]);
    assert_eq!(
        refused.err,
        "xenwire: trace: line 2: wanted a domid, 0 to 65535, found \"dom0\"\n"
    );
    fs::write(place.file("trace"), b"xenstore-trace 1\n\xff\n").unwrap();
    assert!(replay(1, &[]).err.contains("line 2: wanted open, request"));
}

#[test]
fn killed_it_leaves_every_line_of_what_it_had_said() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let running = Running::start(&place, &["--socket", "xs", "--record", "trace"]);
    for number in 0..5 {
        tool(&place, "xs", &["xenstore-write", "/n", &number.to_string()]);
    }
    running.end(Signal::KILL);
    let trace = fs::read_to_string(place.file("trace")).unwrap();
    assert!(trace.ends_with('\n'), "{trace}");
    assert_eq!(trace.matches("WRITE \"OK\\0\"").count(), 5, "{trace}");
}

#[test]
fn a_full_disk_stops_the_trace_and_not_the_store() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let refused = place.expect(3, &["xenstored", "--socket", "xs", "--record", "/dev/full"]);
    assert_eq!(
        refused.err,
        "xenwire: /dev/full: cannot write the trace: No space left on device (os error 28)\n"
    );
    assert!(!place.file("xs").exists());

    // A file that may have 1024 bytes stands for a disk that fills up.
    let small = "trap '' XFSZ; ulimit -f 2";
    let running = prepared(&place, small, "--socket xs --record trace");
    let value = "x".repeat(500);
    for _ in 0..5 {
        let written = tool(&place, "xs", &["xenstore-write", "/a", &value]);
        assert_eq!(written.status, 0, "{written}");
    }
    let ended = running.end(Signal::TERM);
    assert_eq!(ended.status, 3, "{ended}");
    let lines: Vec<&str> = ended.err.lines().collect();
    assert_eq!(
        lines,
        [
            "xenwire: trace: File too large (os error 27); recording stopped, clients are served",
            "xenwire: trace: cannot write the trace: File too large (os error 27)",
        ]
    );
    assert!(!place.file("xs").exists());
}
