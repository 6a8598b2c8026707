//! Debian's command-line clients, which are libxenstore's, against the server.
//!
//! The tools are part of the set-up of a development machine: without them these tests fail, unless
//! `XENWIRE_NO_INSTALL=1` says that nothing can be installed here.
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use xenwire_xenstore::{Access, Nodes, Perms};

use crate::bench::Bench;

/// What a tool printed, and its exit status.
#[derive(Debug, PartialEq)]
struct Outcome {
    status: i32,
    stdout: String,
    stderr: String,
}

struct Tools {
    bench: Bench,
}

impl Tools {
    /// `None` if the tools are missing and may be.
    fn start() -> Option<Tools> {
        if installed("xenstore-read").is_some() {
            return Some(Tools {
                bench: Bench::start(),
            });
        }
        let reason =
            "xenstore-read is not in PATH; it comes with the Debian package xenstore-utils";
        assert!(
            std::env::var("XENWIRE_NO_INSTALL").as_deref() == Ok("1"),
            "{reason}"
        );
        eprintln!("skipped: {reason}, and XENWIRE_NO_INSTALL=1 is set");
        None
    }

    fn command(&self, tool: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(tool);
        command
            .args(arguments)
            .env("XENSTORED_PATH", self.bench.socket(0));
        command
    }

    fn run(&self, tool: &str, arguments: &[&str]) -> Outcome {
        let output = self.command(tool, arguments).output().unwrap();
        Outcome {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a tool that has to succeed.
    fn stdout(&self, tool: &str, arguments: &[&str]) -> String {
        let outcome = self.run(tool, arguments);
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (0, ""),
            "{tool} {arguments:?}"
        );
        outcome.stdout
    }
}

fn installed(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(tool))
        .find(|path| Path::exists(path))
}

#[test]
fn write_read_list_and_exist() {
    let Some(tools) = Tools::start() else { return };
    let mut store = tools.bench.client(0);
    assert_eq!(
        tools.stdout("xenstore-write", &["/a/b", "one", "/a/c", "two\\nlines"]),
        ""
    );
    assert_eq!(
        store.read("/a/c").unwrap(),
        b"two\nlines",
        "escapes are the tool's affair"
    );
    assert_eq!(
        tools.stdout("xenstore-read", &["/a/b", "/a/c"]),
        "one\ntwo\\nlines\n"
    );
    assert_eq!(tools.stdout("xenstore-list", &["/a"]), "b\nc\n");
    assert_eq!(tools.stdout("xenstore-list", &["-p", "/a"]), "/a/b\n/a/c\n");
    assert_eq!(tools.run("xenstore-exists", &["/a/b"]).status, 0);
    assert_eq!(tools.run("xenstore-exists", &["/a/q"]).status, 1);
    let missing = tools.run("xenstore-read", &["/a/b", "/a/q"]);
    assert_eq!((missing.status, missing.stdout.as_str()), (1, "one\n"));
    assert!(missing.stderr.contains("/a/q"), "{}", missing.stderr);

    store
        .write("/local/domain/0/backend/vif/1/0/state", b"4")
        .unwrap();
    assert_eq!(
        tools.stdout("xenstore-read", &["backend/vif/1/0/state"]),
        "4\n",
        "relative"
    );
}

#[test]
fn ls_and_chmod() {
    let Some(tools) = Tools::start() else { return };
    let mut store = tools.bench.client(0);
    store.write("/a/b/c", b"deep").unwrap();
    store.write("/a/d", b"").unwrap();
    assert_eq!(
        tools.stdout("xenstore-ls", &["/a"]),
        "b = \"\"\n c = \"deep\"\nd = \"\"\n"
    );
    assert_eq!(
        tools.stdout("xenstore-ls", &["-f", "/a"]),
        "/a/b = \"\"\n/a/b/c = \"deep\"\n/a/d = \"\"\n"
    );
    tools.stdout("xenstore-chmod", &["/a/b/c", "n0", "r5"]);
    let perms = Perms::owned_by(0, Access::None).with(Access::Read, 5);
    assert_eq!(store.permissions("/a/b/c").unwrap(), perms);
    tools.stdout("xenstore-chmod", &["-r", "/a", "b5"]);
    assert_eq!(
        store.permissions("/a/d").unwrap(),
        Perms::owned_by(5, Access::Both)
    );
    let listed = tools.stdout("xenstore-ls", &["-p", "/a"]);
    assert!(
        listed.lines().all(|line| line.ends_with("(b5)")),
        "{listed}"
    );
}

#[test]
fn rm_and_its_tidying() {
    let Some(tools) = Tools::start() else { return };
    let mut store = tools.bench.client(0);
    store.write("/a/b/c", b"1").unwrap();
    store.write("/keep/b/c", b"1").unwrap();
    store.write("/keep", b"value").unwrap();
    tools.stdout("xenstore-rm", &["/a/b"]);
    assert_eq!(store.directory("/a").unwrap(), Vec::<String>::new());
    tools.stdout("xenstore-rm", &["-t", "/keep/b/c"]);
    assert!(store.exists("/keep").unwrap() && !store.exists("/keep/b").unwrap());
    assert_eq!(tools.run("xenstore-rm", &["/none/none"]).status, 1);
}

#[test]
fn watch_hears_of_changes() {
    let Some(tools) = Tools::start() else { return };
    let mut store = tools.bench.client(0);
    let mut command = tools.command("xenstore-watch", &["-n", "4", "/w"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().expect("a line").unwrap();
    // The tool buffers its lines towards a pipe until it ends, so the first event cannot be waited
    // for here: changes go on until it has counted its four.
    let writer = std::thread::spawn(move || {
        while child.try_wait().unwrap().is_none() {
            store.write("/w/x", b"1").unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.wait().unwrap()
    });
    assert_eq!(
        [next(), next(), next(), next()],
        ["/w", "/w/x", "/w/x", "/w/x"]
    );
    assert!(writer.join().unwrap().success());
}

#[test]
fn a_long_list_is_read_in_parts() {
    let Some(tools) = Tools::start() else { return };
    let mut store = tools.bench.client(0);
    let names: Vec<String> = (0..1500).map(|number| format!("vif-{number:05}")).collect();
    for name in &names {
        store.mkdir(&format!("/many/{name}")).unwrap();
    }
    let listed = tools.stdout("xenstore-list", &["/many"]);
    assert_eq!(listed.lines().collect::<Vec<_>>(), names);
}
