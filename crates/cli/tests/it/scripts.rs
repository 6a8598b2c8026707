//! Hotplug scripts that fail, lie or are not there: seen as xl sees them (contract 3.1).
//! The guest is gone again, and `offline` was called for its vif.

use std::collections::BTreeSet;

use crate::place::{Place, Said, each_user};
use crate::scenario::{TRUE, office};

/// A lab run whose vif-bridge is this, which must fail.
pub fn run(place: &Place, script: &str, mode: u32) -> Said {
    office(place, "office", TRUE);
    place.write("office/etc/xen/scripts/vif-bridge", script, mode);
    place.expect(1, &["lab", "run", "office", "--json"])
}

/// What xl would have said, a line for each guest, in the order of their vifs.
pub fn trouble(said: &Said) -> Vec<String> {
    let mut lines: Vec<String> = said.json()["trouble"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap().to_owned())
        .collect();
    lines.sort_by_key(|line| line.contains("vif2.0") || line.starts_with("bar"));
    lines
}

/// No guest and no vif is there any more.
pub fn gone(said: &Said) {
    let topology = &said.json()["topology"];
    assert_eq!(topology["domains"].as_array().unwrap().len(), 0, "{said}");
    let ports: Vec<_> = topology["bridges"][0]["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|port| port["name"].as_str().unwrap())
        .collect();
    assert_eq!(ports, ["eth0"], "{said}");
}

/// A script that says every call on its output, which is the lab's error output.
pub fn telling(body: &str) -> String {
    format!(
        "#!/bin/sh\necho \"call $1 $2 $vif $XENBUS_PATH\"\n[ \"$1\" = online ] || exit 0\n{body}\n"
    )
}

/// Both guests' scripts were called as they came and as they went, once each.
pub fn called_offline(said: &Said) {
    for domid in [1, 2] {
        for command in ["online", "offline"] {
            let call = format!("call {command} type_if=vif vif{domid}.0 backend/vif/{domid}/0");
            let calls = said.err.lines().filter(|line| **line == call).count();
            assert_eq!(calls, 1, "{call}: {said}");
        }
    }
}

#[test]
fn one_that_fails_and_says_why() {
    each_user(|place| {
        // A bridge that is not there: our own script fails, and says so to the toolstack.
        office(place, "office", TRUE);
        for (guest, mac) in [("foo", "00:16:3e:00:00:02"), ("bar", "00:16:3e:00:00:03")] {
            let vif = format!("mac={mac},bridge=nobr");
            let file = crate::scenario::guest(guest, &[&vif]);
            place.write(&format!("office/etc/xen/{guest}.cfg"), &file, 0o644);
        }
        let said = place.expect(1, &["lab", "run", "office", "--json"]);
        for (line, vif) in trouble(&said).iter().zip(["vif1.0", "vif2.0"]) {
            let wanted = format!(
                "did not start: {vif}: /etc/xen/scripts/vif-bridge online ended with exit status: 1; \
                 script: Could not find bridge device nobr"
            );
            assert!(line.contains(&wanted), "{place}: {line}");
        }
        assert_eq!(trouble(&said).len(), 2);
        gone(&said);
    });
}

#[test]
fn one_that_fails_without_a_word() {
    each_user(|place| {
        let said = run(place, &telling("exit 3"), 0o755);
        let lines = trouble(&said);
        let wanted = |guest: &str, vif: &str| {
            format!(
                "{guest} did not start: {vif}: /etc/xen/scripts/vif-bridge online ended with exit \
                 status: 3 and left no hotplug-error"
            )
        };
        assert_eq!(lines, [wanted("foo", "vif1.0"), wanted("bar", "vif2.0")]);
        called_offline(&said);
        gone(&said);
    });
}

#[test]
fn one_that_is_killed() {
    let place = Place::new();
    let said = run(&place, &telling("kill -9 $$"), 0o755);
    for line in trouble(&said) {
        assert!(line.contains("ended with signal: 9"), "{line}");
    }
    called_offline(&said);
    gone(&said);
}

#[test]
fn one_that_is_not_there_or_cannot_be_run() {
    each_user(|place| {
        for (mode, script, why) in [
            (0o644, None, "Permission denied"),
            (0o755, Some("no-such-script"), "No such file"),
        ] {
            office(place, "office", TRUE);
            place.write("office/etc/xen/scripts/vif-bridge", "#!/bin/sh\n", mode);
            if let Some(script) = script {
                let conf = format!("vif.default.script=\"{script}\"\n");
                place.write("office/etc/xen/xl.conf", &conf, 0o644);
            }
            let said = place.expect(1, &["lab", "run", "office", "--json"]);
            let lines = trouble(&said);
            assert_eq!(lines.len(), 2, "{said}");
            for line in lines {
                let script = script.unwrap_or("vif-bridge");
                let online = format!("/etc/xen/scripts/{script} online could not be started");
                assert!(line.contains(&online) && line.contains(why), "{line}");
            }
            // `offline` was tried as well, for both.
            for vif in ["vif1.0", "vif2.0"] {
                let tried = |line: &str| line.contains(vif) && line.contains("offline");
                assert!(said.err.lines().any(tried), "{vif}: {said}");
            }
            gone(&said);
        }
    });
}

#[test]
fn one_that_lies() {
    each_user(|place| {
        // Exit status 0 is success for xl: the domain runs. But its NIC never comes.
        office(place, "office", TRUE);
        place.write("lies/keep", "", 0o644);
        std::os::unix::fs::symlink("/bin/true", place.file("lies/vif-bridge")).unwrap();
        let lies = ["--scripts", "lies"];
        let mut words = vec!["lab", "run", "office", "--json"];
        words.extend(lies);
        let said = place.expect(1, &words);
        let lines = trouble(&said);
        assert_eq!(lines.len(), 2, "{said}");
        for (line, guest) in lines.iter().zip(["foo", "bar"]) {
            assert!(line.starts_with(&format!("{guest} has no NIC 0")), "{line}");
            assert!(line.contains("\"connected\""), "{line}");
        }
        assert_eq!(
            said.json()["topology"]["domains"].as_array().unwrap().len(),
            2
        );

        let mut words = vec!["lab", "up", "office"];
        words.extend(lies);
        let up = place.say(&words);
        assert!(up.err.contains("foo has no NIC 0"), "{up}");
        assert_eq!(place.links("foo"), BTreeSet::from(["lo".to_owned()]));
        // It can be ended all the same.
        place.expect(0, &["lab", "destroy", "foo"]);
        let links = place.links("dom0");
        assert!(!links.contains("vif1.0"), "{links:?}");
        assert!(links.contains("vif2.0"), "{links:?}");
        place.expect(0, &["lab", "down"]);
    });
}

#[test]
fn one_nic_that_fails_takes_its_whole_guest_and_no_other() {
    let place = Place::new();
    office(&place, "office", TRUE);
    let vifs = [
        "mac=00:16:3e:00:00:02,bridge=br0",
        "mac=00:16:3e:00:01:02,bridge=nobr",
    ];
    let file = crate::scenario::guest("foo", &vifs);
    place.write("office/etc/xen/foo.cfg", &file, 0o644);
    let said = place.expect(1, &["lab", "run", "office", "--json"]);
    let lines = trouble(&said);
    assert_eq!(lines.len(), 1, "{said}");
    assert!(
        lines[0].starts_with("foo did not start: vif1.1: "),
        "{said}"
    );
    let topology = &said.json()["topology"];
    let domains = topology["domains"].as_array().unwrap();
    assert_eq!(domains.len(), 1);
    assert_eq!(domains[0]["name"], "bar");
    let ports = topology["bridges"][0]["ports"].to_string();
    assert!(
        !ports.contains("vif1.") && ports.contains("vif2.0"),
        "{ports}"
    );
}
