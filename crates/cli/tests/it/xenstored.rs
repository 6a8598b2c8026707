//! `xenwire xenstored`: a xenstore for others' tests, with Debian's tools as the others. Its traces are
//! in `xenstored_trace`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::need;
use crate::place::{Place, Said, said, wait_until};

/// Longer than anything here takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon that has said that it listens.
pub struct Running {
    child: Child,
    pub line: String,
}

impl Running {
    pub fn start(place: &Place, args: &[&str]) -> Running {
        let mut words = vec!["xenstored"];
        words.extend(args);
        Running::of(&mut place.xenwire(&words))
    }

    fn of(command: &mut Command) -> Running {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        // A byte at a time: what follows is for `end`.
        let stderr = child.stderr.as_mut().unwrap();
        BufReader::with_capacity(1, stderr)
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("listens on"), "{line:?}");
        Running { child, line }
    }

    fn kill(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Sends a signal and waits for the end.
    pub fn end(mut self, signal: Signal) -> Said {
        self.kill(signal);
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = self.child.wait().unwrap();
        let mut out = String::new();
        let mut err = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        Said {
            status: status.code().unwrap_or(-1),
            out,
            err,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program started by a shell, which prepares the process first.
pub fn prepared(place: &Place, preparation: &str, args: &str) -> Running {
    let line = format!("{preparation}; exec ./xenwire xenstored {args}");
    Running::of(place.command("sh").args(["-c", &line]))
}

/// What one of Debian's tools says on a socket of this place.
pub fn tool(place: &Place, socket: &str, words: &[&str]) -> Said {
    let mut command = place.command(words[0]);
    command
        .args(&words[1..])
        .env("XENSTORED_PATH", place.file(socket));
    said(&mut command)
}

pub fn has_tools() -> bool {
    need::found("xenstore-ls", "xenstore-utils")
}

#[test]
fn debians_tools_use_it() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let running = Running::start(
        &place,
        &["--socket", "xs", "--domain", "7=xs7", "--domain", "8=xs8"],
    );
    assert_eq!(
        running.line,
        "xenwire: xenstore listens on xs (dom0), xs7 (domain 7), xs8 (domain 8)\n"
    );
    let ok = |socket: &str, words: &[&str]| {
        let said = tool(&place, socket, words);
        assert_eq!(
            (said.status, said.err.as_str()),
            (0, ""),
            "{words:?}: {said}"
        );
        said.out
    };
    ok("xs", &["xenstore-write", "/local/domain/7/name", "guest"]);
    ok("xs", &["xenstore-chmod", "/local/domain/7", "n7", "r0"]);
    ok(
        "xs",
        &["xenstore-chmod", "/local/domain/7/name", "n0", "r7"],
    );
    // A relative path is below the socket's domain, and what it may see differs.
    assert_eq!(ok("xs7", &["xenstore-read", "name"]), "guest\n");
    ok("xs7", &["xenstore-write", "device", "mine"]);
    assert!(
        ok("xs", &["xenstore-ls", "-fp", "/local/domain/7"])
            .contains(r#"device = "mine"   (n7,r0)"#)
    );
    assert_ne!(
        tool(&place, "xs8", &["xenstore-read", "/local/domain/7/name"]).status,
        0
    );
    assert_ne!(
        tool(&place, "xs7", &["xenstore-write", "/tool/x", "1"]).status,
        0
    );

    let ended = running.end(Signal::TERM);
    assert_eq!(
        (ended.status, ended.out.as_str(), ended.err.as_str()),
        (0, "", "")
    );
    for socket in ["xs", "xs7", "xs8"] {
        assert!(!place.file(socket).exists(), "{socket} is still there");
    }
}

#[test]
fn only_its_owner_may_connect_whatever_the_umask() {
    let place = Place::new();
    let running = prepared(&place, "umask 0", "--socket xs --record trace");
    let mode = |name: &str| {
        let found = fs::metadata(place.file(name)).unwrap();
        found.permissions().mode() & 0o7777
    };
    assert_eq!((mode("xs"), mode("trace")), (0o600, 0o600));
    assert_eq!(running.end(Signal::INT).status, 0);
    assert!(!place.file("xs").exists());
}

#[test]
fn what_it_opens_is_never_taken_for_standard_input_or_output() {
    let place = Place::new();
    let mut shell = place.command("sh");
    let mut store = shell
        .args(["-c", "exec \"$@\" <&- >&- 2>&-", "sh"])
        .arg(place.file("xenwire"))
        .args(["xenstored", "--socket", "xs"])
        .spawn()
        .unwrap();
    wait_until("it listens", || place.file("xs").exists());
    for number in 0..3 {
        let open = fs::read_link(format!("/proc/{}/fd/{number}", store.id())).unwrap();
        assert_eq!(open.to_str(), Some("/dev/null"), "{number}");
    }
    // SIGPIPE: a reader that goes away is an error of a write, and no end (signal(7)).
    let status = fs::read_to_string(format!("/proc/{}/status", store.id())).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
    assert_eq!(ignored >> (13 - 1) & 1, 1, "{status}");
    store.kill().unwrap();
    store.wait().unwrap();
}

#[test]
fn a_socket_is_taken_over_from_the_dead_only() {
    let place = Place::new();
    // Killed, it leaves its socket, and the next one takes its place.
    let killed = Running::start(&place, &["--socket", "xs"]);
    killed.end(Signal::KILL);
    assert!(
        fs::metadata(place.file("xs"))
            .unwrap()
            .file_type()
            .is_socket()
    );
    let running = Running::start(&place, &["--socket", "xs"]);

    // The living keep theirs, and are not disturbed.
    let refused = place.expect(1, &["xenstored", "--socket", "xs"]);
    assert_eq!(
        refused.err,
        "xenwire: xs: somebody listens on this socket; end that program, or choose another path\n"
    );
    UnixStream::connect(place.file("xs")).unwrap();
    assert_eq!(running.end(Signal::TERM).status, 0);

    // One that does not accept, and whose queue is full, lives too.
    let listener = UnixListener::bind(place.file("busy")).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _waiting = UnixStream::connect(place.file("busy")).unwrap();
    let refused = place.expect(1, &["xenstored", "--socket", "busy"]);
    assert!(refused.err.contains("somebody listens"), "{refused}");
    assert!(place.file("busy").exists());
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let place = Place::new();
    place.write("file", "precious", 0o644);
    fs::create_dir(place.file("folder")).unwrap();
    std::os::unix::fs::symlink("nowhere", place.file("link")).unwrap();
    for name in ["file", "folder", "link"] {
        let refused = place.expect(1, &["xenstored", "--socket", name]);
        assert!(
            refused.err.starts_with(&format!(
                "xenwire: {name}: wanted a socket or nothing there"
            )),
            "{refused}"
        );
        assert!(fs::symlink_metadata(place.file(name)).is_ok());
    }
    assert_eq!(fs::read_to_string(place.file("file")).unwrap(), "precious");
    // A start that fails takes what it bound before with it.
    place.expect(1, &["xenstored", "--socket", "first", "--domain", "7=file"]);
    assert!(!place.file("first").exists());
    // And a place that somebody else took meanwhile is not ours to clear.
    let running = Running::start(&place, &["--socket", "xs"]);
    fs::remove_file(place.file("xs")).unwrap();
    place.write("xs", "another's", 0o644);
    assert_eq!(running.end(Signal::TERM).status, 0);
    assert_eq!(fs::read_to_string(place.file("xs")).unwrap(), "another's");
}

#[test]
fn wrong_words_say_what_was_wanted() {
    let place = Place::new();
    for (domain, wanted) in [
        ("7", "wanted DOMID=PATH, as in 7=/tmp/xs7"),
        ("7=", "wanted a socket's path after the ="),
        ("0=xs0", "dom0's socket is --socket"),
        (
            "x=xs7",
            r#"wanted a guest's domid, 1 to 32751, before the =, found "x""#,
        ),
        ("65536=xs7", "1 to 32751"),
        ("32752=xs7", "1 to 32751"),
    ] {
        let refused = place.expect(2, &["xenstored", "--socket", "xs", "--domain", domain]);
        assert!(refused.err.contains(wanted), "{domain}: {refused}");
    }
    for words in [
        &["xenstored"][..],
        &["xenstored", "--domain", "7=xs7"],
        &["xenstored", "replay"],
        &["xenstored", "replay", "trace"],
        &[
            "xenstored",
            "--socket",
            "xs",
            "replay",
            "trace",
            "--socket",
            "xs",
        ],
    ] {
        let refused = place.expect(2, words);
        assert!(refused.err.contains("--help"), "{words:?}: {refused}");
    }
    let twice = place.expect(1, &["xenstored", "--socket", "xs", "--domain", "7=xs"]);
    assert!(twice.err.contains("given for two domains"), "{twice}");
    let long = "x".repeat(200);
    let refused = place.expect(3, &["xenstored", "--socket", &long]);
    assert!(refused.err.contains("cannot listen here"), "{refused}");
    let refused = place.expect(3, &["xenstored", "--socket", "xs", "--record", "no/where"]);
    assert!(
        refused
            .err
            .starts_with("xenwire: no/where: cannot write the trace"),
        "{refused}"
    );
    assert!(!place.file("xs").exists());
}

#[test]
fn files_may_be_as_many_as_the_system_allows() {
    let place = Place::new();
    let running = prepared(&place, "ulimit -S -n 64", "--socket xs");
    let limits = fs::read_to_string(format!("/proc/{}/limits", running.child.id())).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let mut words = files["Max open files".len()..].split_whitespace();
    assert_eq!(words.next(), words.next(), "{files}");
    assert_eq!(running.end(Signal::TERM).status, 0);
}
