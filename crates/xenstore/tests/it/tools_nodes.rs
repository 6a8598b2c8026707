//! Debian's tools against the server: values, lists, several nodes at once, other domains.

use std::sync::atomic::{AtomicBool, Ordering};

use xenwire_xenstore::{Access, Nodes, Perms};

use crate::tools::Tools;

#[test]
fn a_value_of_any_bytes_goes_there_and_back() {
    let Some(tools) = Tools::start() else { return };
    let mut store = tools.store();
    let value: Vec<u8> = (0..=255).collect();
    store.write("/a/b", &value).unwrap();
    // What `xenstore-read` escapes, `xenstore-write` reads back.
    let escaped = tools.stdout("xenstore-read", &["/a/b"]);
    let escaped = escaped.strip_suffix('\n').unwrap();
    assert!(
        escaped.starts_with("\\000\\001\\002\\003\\004\\005\\006\\007\\x08\\t\\n"),
        "{escaped}"
    );
    assert!(
        escaped.contains(" !\"#$%&'()*+,-./0") && escaped.contains("[\\\\]"),
        "{escaped}"
    );
    assert!(escaped.ends_with("\\xfd\\xfe\\xff"), "{escaped}");
    tools.stdout("xenstore-write", &["/a/c", escaped]);
    assert_eq!(store.read("/a/c").unwrap(), value);
    // The nested form cuts a long value short, the flat one does not.
    let cut = tools.stdout("xenstore-ls", &["/a"]);
    assert!(cut.lines().all(|line| line.ends_with("...\"")), "{cut}");
    let whole = format!("/a/b = \"{escaped}\"\n/a/c = \"{escaped}\"\n");
    assert_eq!(tools.stdout("xenstore-ls", &["-f", "/a"]), whole);

    tools.stdout("xenstore-write", &["/a/empty", ""]);
    assert_eq!(store.read("/a/empty").unwrap(), b"");
    assert_eq!(tools.stdout("xenstore-read", &["/a/empty"]), "\n");
}

#[test]
fn a_value_that_does_not_fit_a_packet_is_refused() {
    let Some(tools) = Tools::start() else { return };
    let longest = "x".repeat(4096 - "/a\0".len());
    tools.stdout("xenstore-write", &["/a", &longest]);
    assert_eq!(
        tools.stdout("xenstore-read", &["/a"]),
        longest.clone() + "\n"
    );
    let refused = tools.run("xenstore-write", &["/b", &(longest + "x")]);
    assert_eq!(refused.failed("could not write path /b"), (1, ""));
    assert!(!tools.store().exists("/b").unwrap());
}

#[test]
fn several_nodes_are_one_transaction() {
    let Some(tools) = Tools::start() else { return };
    let mut store = tools.store();
    let refused = tools.run("xenstore-write", &["/a/ok", "1", "/a/.bad", "2"]);
    assert_eq!(refused.failed("could not write path /a/.bad"), (1, ""));
    assert!(!store.exists("/a").unwrap(), "nothing of it");

    store
        .write_many(&[("/r/1", b"one"), ("/r/3", b"three")])
        .unwrap();
    // What was read before the first missing one is printed, what comes after it is not.
    let missing = tools.run("xenstore-read", &["/r/1", "/r/2", "/r/3"]);
    assert_eq!(missing.failed("couldn't read path /r/2"), (1, "one\n"));
    let missing = tools.run("xenstore-read", &["/r/2", "/r/3"]);
    assert_eq!(missing.failed("couldn't read path /r/2"), (1, ""));
    let missing = tools.run("xenstore-list", &["/r", "/q"]);
    assert_eq!(missing.failed("could not list path /q"), (1, "1\n3\n"));
    tools.stdout("xenstore-rm", &["/r/1", "/r/3"]);
    assert_eq!(store.directory("/r").unwrap(), Vec::<String>::new());
    let refused = tools.run("xenstore-rm", &["/r", "/none/none"]);
    assert_eq!(refused.failed("could not remove path /none/none"), (1, ""));
    assert!(store.exists("/r").unwrap(), "nothing of it");
}

#[test]
fn a_transaction_that_loses_is_done_again() {
    let Some(tools) = Tools::start() else { return };
    let (mut store, mut rival) = (tools.store(), tools.store());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writes = scope.spawn(|| {
            let mut writes = 0_u32;
            while !over.load(Ordering::Relaxed) {
                rival
                    .write("/shared/x", writes.to_string().as_bytes())
                    .unwrap();
                writes += 1;
                // The tool has to win now and then.
                std::thread::sleep(std::time::Duration::from_micros(500));
            }
            writes
        });
        for round in 0..20 {
            let value = round.to_string();
            let pairs = [
                "/shared/a",
                &value,
                "/shared/x",
                "mine",
                "/shared/b",
                &value,
            ];
            tools.stdout("xenstore-write", &pairs);
            assert_eq!(store.read_text("/shared/a").unwrap(), value);
            assert_eq!(store.read_text("/shared/b").unwrap(), value);
        }
        over.store(true, Ordering::Relaxed);
        assert!(writes.join().unwrap() > 0);
    });
}

#[test]
fn what_exists_and_what_can_be_removed() {
    let Some(tools) = Tools::start() else { return };
    tools.store().write("/a/b", b"").unwrap();
    let exists = |paths: &[&str]| tools.run("xenstore-exists", paths).status;
    assert_eq!(exists(&["/a/b"]), 0);
    assert_eq!(exists(&["/"]), 0);
    assert_eq!(
        (
            exists(&["/a/q"]),
            exists(&["/a", "/q"]),
            exists(&["/q", "/a"])
        ),
        (1, 1, 1)
    );
    // Removing a node that is not there is fine if there is a place for it.
    assert_eq!(tools.stdout("xenstore-rm", &["/a/q"]), "");
    assert_eq!(tools.run("xenstore-rm", &["/q/q"]).failed("/q/q"), (1, ""));
    assert_eq!(
        tools
            .run("xenstore-rm", &["/"])
            .failed("could not remove path /"),
        (1, "")
    );
    assert_eq!(
        tools
            .run("xenstore-list", &["/q"])
            .failed("could not list path /q"),
        (1, "")
    );
    assert_eq!(
        tools
            .run("xenstore-ls", &["/q"])
            .failed("(/q): No such file"),
        (1, "")
    );
}

#[test]
fn relative_paths_are_below_the_domain() {
    let Some(tools) = Tools::start() else { return };
    tools.bench.listen(5);
    let mut store = tools.store();
    tools.stdout("xenstore-write", &["backend/vif/1/0/state", "4"]);
    assert_eq!(
        store.read("/local/domain/0/backend/vif/1/0/state").unwrap(),
        b"4"
    );
    assert_eq!(
        tools.stdout("xenstore-read", &["backend/vif/1/0/state"]),
        "4\n"
    );
    assert_eq!(
        tools.stdout("xenstore-ls", &["-f", "backend/vif/1"]),
        "backend/vif/1/0 = \"\"\nbackend/vif/1/0/state = \"4\"\n"
    );
    tools.stdout("xenstore-chmod", &["backend", "n0", "r5"]);
    tools.stdout("xenstore-rm", &["backend/vif"]);
    assert_eq!(tools.stdout("xenstore-list", &["backend"]), "");
    store.write("/local/domain/5/name", b"five").unwrap();
    store
        .set_permissions("/local/domain/5/name", &Perms::owned_by(5, Access::None))
        .unwrap();
    let read = tools.run_as(5, "xenstore-read", &["name"]);
    assert_eq!((read.status, read.stdout.as_str()), (0, "five\n"));
}

#[test]
fn a_guest_is_told_what_it_may_not() {
    let Some(tools) = Tools::start() else { return };
    tools.bench.listen(5);
    let mut store = tools.store();
    store
        .write_many(&[
            ("/local/domain/5/own", b"o"),
            ("/secret/x", b"s"),
            ("/open/x", b"o"),
        ])
        .unwrap();
    store
        .set_permissions("/local/domain/5", &Perms::owned_by(5, Access::None))
        .unwrap();
    let readable = Perms::owned_by(0, Access::None).with(Access::Read, 5);
    store.set_permissions("/open", &readable).unwrap();
    store.set_permissions("/open/x", &readable).unwrap();

    let guest = |tool, arguments: &[&str]| tools.run_as(5, tool, arguments);
    assert_eq!(guest("xenstore-read", &["/open/x"]).stdout, "o\n");
    assert_eq!(
        guest("xenstore-read", &["/secret/x"]).failed("/secret/x"),
        (1, "")
    );
    assert_eq!(
        guest("xenstore-list", &["/secret"]).failed("/secret"),
        (1, "")
    );
    assert_eq!(
        guest("xenstore-ls", &["/secret"]).failed("(/secret): Permission denied"),
        (1, "")
    );
    assert_eq!(guest("xenstore-ls", &["/open"]).stdout, "x = \"o\"\n");
    assert_eq!(guest("xenstore-exists", &["/secret/x"]).status, 1);
    assert_eq!(
        guest("xenstore-write", &["/open/x", "mine"]).failed("/open/x"),
        (1, "")
    );
    assert_eq!(
        guest("xenstore-write", &["/new", "mine"]).failed("/new"),
        (1, "")
    );
    assert_eq!(
        guest("xenstore-rm", &["/open/x"]).failed("/open/x"),
        (1, "")
    );
    let refused = guest("xenstore-chmod", &["/open/x", "b5"]);
    assert_eq!(refused.failed("'/open/x': Permission denied"), (1, ""));
    assert_eq!(store.read("/open/x").unwrap(), b"o");

    // What is its own it may write, and give a mode, but not away.
    assert_eq!(guest("xenstore-write", &["data/x", "mine"]).status, 0);
    assert_eq!(guest("xenstore-chmod", &["data/x", "n5", "r7"]).status, 0);
    let given = Perms::owned_by(5, Access::None).with(Access::Read, 7);
    assert_eq!(store.permissions("/local/domain/5/data/x").unwrap(), given);
    let refused = guest("xenstore-chmod", &["data/x", "n7"]);
    assert_eq!(refused.failed("'data/x': Operation not permitted"), (1, ""));
    assert_eq!(guest("xenstore-rm", &["-t", "data/x"]).status, 0);
}

#[test]
fn a_list_longer_than_a_packet() {
    let Some(tools) = Tools::start() else { return };
    let mut store = tools.store();
    let names: Vec<String> = (0..1500).map(|number| format!("vif-{number:05}")).collect();
    let paths: Vec<String> = names.iter().map(|name| format!("/many/{name}")).collect();
    let nodes: Vec<(&str, &[u8])> = paths
        .iter()
        .map(|path| (path.as_str(), &b"1"[..]))
        .collect();
    store.write_many(&nodes).unwrap();
    let listed = tools.stdout("xenstore-list", &["/many"]);
    assert_eq!(listed.lines().collect::<Vec<_>>(), names);
    let listed = tools.stdout("xenstore-ls", &["-f", "/many"]);
    assert_eq!(listed.lines().count(), names.len());
    assert!(listed.ends_with("/many/vif-01499 = \"1\"\n"), "{listed}");
    tools.stdout("xenstore-chmod", &["-r", "/many", "n7"]);
    assert_eq!(
        store.permissions("/many/vif-01499").unwrap(),
        Perms::owned_by(7, Access::None)
    );
    assert_eq!(tools.run("xenstore-exists", &["/many"]).status, 0);
    tools.stdout("xenstore-rm", &["/many"]);
    assert!(!store.exists("/many").unwrap());
}
