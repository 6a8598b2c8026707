//! Every option of every tool of `xenstore-utils`, in both forms of the tool.
//!
//! The tools' own usage texts say which options there are; one that has no row below fails the test.

use std::collections::BTreeSet;
use std::path::Path;

use xenwire_xenstore::{Access, Nodes, Perms};

use crate::need;
use crate::tools::{Tools, outcome};

/// A tool, one of its options, and what the option does.
type Row = (&'static str, char, fn(&Tools));

const ROWS: [Row; 30] = [
    ("xenstore-read", 'h', |tools| {
        usage_of(tools, "xenstore-read")
    }),
    ("xenstore-read", 'p', |tools| {
        tools.store().write("/a/b", b"one").unwrap();
        let read = tools.stdout("xenstore-read", &["-p", "/a/b", "/a"]);
        assert_eq!(read, "/a/b: one\n/a: \n");
    }),
    ("xenstore-read", 's', |tools| {
        tools.store().write("/a/b", b"one").unwrap();
        assert_eq!(tools.stdout("xenstore-read", &["-s", "/a/b"]), "one\n");
        socket_only(tools, "xenstore-read", &["/a/b"]);
    }),
    ("xenstore-read", 'R', |tools| {
        tools.store().write("/a/b", b"t\t\\n\0\x01").unwrap();
        let raw = tools.stdout("xenstore-read", &["-R", "/a/b"]);
        assert_eq!(raw, "t\t\\n\0\x01", "every byte, and no newline after it");
        assert_eq!(
            tools.stdout("xenstore-read", &["/a/b"]),
            "t\\t\\\\n\\000\\001\n"
        );
    }),
    ("xenstore-write", 'h', |tools| {
        usage_of(tools, "xenstore-write")
    }),
    ("xenstore-write", 's', |tools| {
        tools.stdout("xenstore-write", &["-s", "/a/b", "one"]);
        assert_eq!(tools.store().read("/a/b").unwrap(), b"one");
        socket_only(tools, "xenstore-write", &["/a/b", "one"]);
    }),
    ("xenstore-write", 'R', |tools| {
        tools.stdout("xenstore-write", &["-R", "/a/b", "x\\n\\x01"]);
        assert_eq!(tools.store().read("/a/b").unwrap(), b"x\\n\\x01");
        tools.stdout("xenstore-write", &["/a/b", "x\\n\\x01\\101"]);
        assert_eq!(tools.store().read("/a/b").unwrap(), b"x\n\x01A");
    }),
    ("xenstore-list", 'h', |tools| {
        usage_of(tools, "xenstore-list")
    }),
    ("xenstore-list", 'p', |tools| {
        tools
            .store()
            .write_many(&[("/a/b", b""), ("/a/c", b"")])
            .unwrap();
        assert_eq!(tools.stdout("xenstore-list", &["/a"]), "b\nc\n");
        assert_eq!(tools.stdout("xenstore-list", &["-p", "/a"]), "/a/b\n/a/c\n");
    }),
    ("xenstore-list", 's', |tools| {
        tools.store().mkdir("/a/b").unwrap();
        assert_eq!(tools.stdout("xenstore-list", &["-s", "/a"]), "b\n");
        socket_only(tools, "xenstore-list", &["/a"]);
    }),
    ("xenstore-exists", 'h', |tools| {
        usage_of(tools, "xenstore-exists")
    }),
    // The usage text names it, the tool does not take it: it prints the usage instead.
    ("xenstore-exists", 'p', |tools| {
        tools.store().mkdir("/a").unwrap();
        let refused = tools.run("xenstore-exists", &["-p", "/a"]);
        assert_eq!(refused.failed("Usage: "), (1, ""));
    }),
    ("xenstore-exists", 's', |tools| {
        tools.store().mkdir("/a").unwrap();
        assert_eq!(tools.stdout("xenstore-exists", &["-s", "/a"]), "");
        assert_eq!(tools.run("xenstore-exists", &["-s", "/q"]).status, 1);
        socket_only(tools, "xenstore-exists", &["/a"]);
    }),
    ("xenstore-rm", 'h', |tools| usage_of(tools, "xenstore-rm")),
    ("xenstore-rm", 's', |tools| {
        tools.store().mkdir("/a/b").unwrap();
        tools.stdout("xenstore-rm", &["-s", "/a/b"]);
        assert!(!tools.store().exists("/a/b").unwrap());
        socket_only(tools, "xenstore-rm", &["/a"]);
    }),
    ("xenstore-rm", 't', |tools| {
        let mut store = tools.store();
        // Up to the first node above that has a value or another child.
        store
            .write_many(&[("/keep", b"value"), ("/keep/b/c/d", b"1")])
            .unwrap();
        store
            .write_many(&[("/other/b/c", b"1"), ("/other/x", b"1")])
            .unwrap();
        tools.stdout("xenstore-rm", &["-t", "/keep/b/c/d"]);
        tools.stdout("xenstore-rm", &["-t", "/other/b/c"]);
        assert_eq!(store.directory("/keep").unwrap(), Vec::<String>::new());
        assert_eq!(store.directory("/other").unwrap(), ["x"]);
        tools.stdout("xenstore-rm", &["/other/x"]);
        assert!(
            store.exists("/other").unwrap(),
            "it stays without the option"
        );
    }),
    ("xenstore-ls", 'h', |tools| usage_of(tools, "xenstore-ls")),
    ("xenstore-ls", 'f', |tools| {
        tools
            .store()
            .write_many(&[("/a/b/c", b"deep"), ("/a/d", b"")])
            .unwrap();
        let nested = "b = \"\"\n c = \"deep\"\nd = \"\"\n";
        assert_eq!(tools.stdout("xenstore-ls", &["/a"]), nested);
        let flat = "/a/b = \"\"\n/a/b/c = \"deep\"\n/a/d = \"\"\n";
        assert_eq!(tools.stdout("xenstore-ls", &["-f", "/a"]), flat);
    }),
    ("xenstore-ls", 'p', |tools| {
        tools.store().write("/a/b", b"1").unwrap();
        let perms = Perms::owned_by(3, Access::Write)
            .with(Access::Read, 5)
            .with(Access::Both, 6);
        tools.store().set_permissions("/a/b", &perms).unwrap();
        let flat = tools.stdout("xenstore-ls", &["-f", "-p", "/a"]);
        assert_eq!(flat, "/a/b = \"1\"   (w3,r5,b6)\n");
        let nested = tools.stdout("xenstore-ls", &["-p", "/a"]);
        assert!(
            nested.starts_with("b = \"1\"  . .") && nested.ends_with(" .  (w3,r5,b6)\n"),
            "{nested}"
        );
    }),
    ("xenstore-ls", 's', |tools| {
        tools.store().write("/a/b", b"1").unwrap();
        assert_eq!(tools.stdout("xenstore-ls", &["-s", "/a"]), "b = \"1\"\n");
        socket_only(tools, "xenstore-ls", &["/a"]);
    }),
    ("xenstore-chmod", 'h', |tools| {
        usage_of(tools, "xenstore-chmod")
    }),
    ("xenstore-chmod", 'u', |tools| {
        let mut store = tools.store();
        store.write_many(&[("/a/b/c", b""), ("/a/d", b"")]).unwrap();
        tools.stdout("xenstore-chmod", &["-u", "/a/b", "n0", "r5"]);
        let perms = Perms::owned_by(0, Access::None).with(Access::Read, 5);
        let has =
            ["/a", "/a/b", "/a/b/c", "/a/d"].map(|path| store.permissions(path).unwrap() == perms);
        assert_eq!(
            has,
            [true, true, false, false],
            "the node and those above it"
        );
    }),
    ("xenstore-chmod", 'r', |tools| {
        let mut store = tools.store();
        store.write_many(&[("/a/b/c", b""), ("/a/d", b"")]).unwrap();
        tools.stdout("xenstore-chmod", &["-r", "/a/b", "b5"]);
        let perms = Perms::owned_by(5, Access::Both);
        let has =
            ["/a", "/a/b", "/a/b/c", "/a/d"].map(|path| store.permissions(path).unwrap() == perms);
        assert_eq!(
            has,
            [false, true, true, false],
            "the node and those below it"
        );
    }),
    ("xenstore-chmod", 's', |tools| {
        tools.store().mkdir("/a").unwrap();
        tools.stdout("xenstore-chmod", &["-s", "/a", "w7"]);
        assert_eq!(
            tools.store().permissions("/a").unwrap(),
            Perms::owned_by(7, Access::Write)
        );
        socket_only(tools, "xenstore-chmod", &["/a", "n0"]);
    }),
    ("xenstore-watch", 'h', |tools| {
        usage_of(tools, "xenstore-watch")
    }),
    ("xenstore-watch", 'n', |tools| {
        assert_eq!(tools.stdout("xenstore-watch", &["-n", "1", "/a"]), "/a\n");
        assert_eq!(
            tools.stdout("xenstore-watch", &["-n", "2", "/a", "/b"]),
            "/a\n/b\n"
        );
        // Not a number counts as 0 events.
        assert_eq!(tools.stdout("xenstore-watch", &["-n", "x", "/a"]), "");
    }),
    // Long names are in no usage text; each is its short one's.
    ("long", 'f', |tools| {
        same(tools, "xenstore-ls", "-f", "--flat")
    }),
    ("long", 'p', |tools| {
        same(tools, "xenstore-ls", "-p", "--prefix")
    }),
    ("long", 'R', |tools| {
        same(tools, "xenstore-read", "-R", "--raw")
    }),
    ("long", 'h', |tools| {
        let (short, long) = (
            tools.run("xenstore-ls", &["-h"]),
            tools.run("xenstore-ls", &["--help"]),
        );
        assert_eq!(short, long);
    }),
];

fn same(tools: &Tools, tool: &str, short: &str, long: &str) {
    tools.store().write("/a/b", b"t\t").unwrap();
    let path = if tool == "xenstore-ls" { "/a" } else { "/a/b" };
    let with = tools.stdout(tool, &[short, path]);
    assert_eq!(with, tools.stdout(tool, &[long, path]));
    assert_ne!(with, tools.stdout(tool, &[path]), "{long} does something");
}

/// `-h` and a call without arguments (where some are needed) print the usage and fail.
fn usage_of(tools: &Tools, tool: &str) {
    let help = tools.run(tool, &["-h"]);
    assert_eq!(help.failed("Usage: "), (1, ""));
    if tool != "xenstore-ls" {
        assert_eq!(tools.run(tool, &[]), help);
    }
}

/// `-s` says: the socket and nothing else. Without it the tool tries `/dev/xen/xenbus` after a
/// socket that is not there; outside a Xen domain that fails too, so where both go is all that
/// can be seen here.
fn socket_only(tools: &Tools, tool: &str, arguments: &[&str]) {
    let mut command = tools.command(tool, &[&["-s"], arguments].concat());
    let outcome = outcome(command.env("XENSTORED_PATH", "/nonexistent/socket"));
    assert_eq!(
        outcome.failed("xs_open: No such file or directory"),
        (1, "")
    );
}

fn options_of(usage: &str) -> BTreeSet<char> {
    let brackets = usage.split("[-").skip(1);
    brackets
        .filter_map(|option| option.chars().next())
        .collect()
}

#[test]
fn every_option_of_every_tool() {
    let Some(program) = need::program("xenstore-read", "xenstore-utils") else {
        return;
    };
    for by_mode in [false, true] {
        for (_, _, does) in ROWS {
            let Some(mut tools) = Tools::start() else {
                return;
            };
            tools.by_mode = by_mode;
            does(&tools);
        }
        let Some(mut tools) = Tools::start() else {
            return;
        };
        tools.by_mode = by_mode;
        for tool in tools_beside(&program) {
            let usage = tools.run(&tool, &["-h"]).stderr;
            let rows = ROWS.iter().filter(|(name, ..)| *name == tool);
            let rows: BTreeSet<char> = rows.map(|(_, option, _)| *option).collect();
            assert_eq!(
                rows,
                options_of(&usage),
                "{tool}: rows, and what the usage names: {usage}"
            );
            assert!(!rows.is_empty());
        }
    }
}

/// The tools in the package: all that lie beside the one that was found, but for the one that
/// commands a daemon, which comes with another package and is a dangling link without it.
fn tools_beside(program: &Path) -> Vec<String> {
    let folder = std::fs::read_dir(program.parent().unwrap()).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|name| name.starts_with("xenstore-") && name != "xenstore-control")
        .collect();
    names.sort();
    assert_eq!(names.len(), 8, "{names:?}");
    names
}

#[test]
fn modes_are_the_tools() {
    let Some(tools) = Tools::start() else { return };
    assert_eq!(
        tools.run("xenstore", &[]).failed("Usage: xenstore <mode>"),
        (1, "")
    );
    assert_eq!(
        tools.run("xenstore", &["frob"]).failed("unknown mode frob"),
        (1, "")
    );
    tools.stdout("xenstore", &["write", "/a", "1", "/b", "2"]);
    assert_eq!(tools.stdout("xenstore", &["read", "/a", "/b"]), "1\n2\n");
}

#[test]
fn wrong_usage_changes_nothing() {
    let Some(tools) = Tools::start() else { return };
    let mut store = tools.store();
    store.write("/a", b"1").unwrap();
    let perms = store.permissions("/a").unwrap();
    assert_eq!(
        tools
            .run("xenstore-write", &["/a", "2", "/b"])
            .failed("Usage: "),
        (1, "")
    );
    let refused = tools.run("xenstore-chmod", &["/a", "z9"]);
    assert_eq!(
        refused.failed("Invalid permission specification: 'z'"),
        (1, "")
    );
    let refused = tools.run("xenstore-chmod", &["/a"]);
    assert_eq!(
        refused.failed("setting permissions on '/a': Invalid argument"),
        (1, "")
    );
    let refused = tools.run("xenstore-chmod", &["/q", "n0"]);
    assert_eq!(refused.failed("'/q': No such file or directory"), (1, ""));
    assert_eq!(store.read("/a").unwrap(), b"1");
    assert_eq!(store.permissions("/a").unwrap(), perms);
    // An option of another tool is refused, though getopt knows it.
    assert_eq!(
        tools.run("xenstore-ls", &["-u", "/a"]).failed("Usage: "),
        (1, "")
    );
}
