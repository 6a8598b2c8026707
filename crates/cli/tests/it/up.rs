//! The orders to a lab that is up.

use std::collections::BTreeSet;
use std::fs;

use crate::place::{Place, each_user, said, wait_until};
use crate::scenario::{OFFICE, TRUE, guest, office, script_before_ours};

/// An office that is up.
fn up(place: &Place) {
    office(place, "office", TRUE);
    place.expect(0, &["lab", "up", "office"]);
}

fn links(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

/// The domain's number of a guest that runs.
fn domid(place: &Place, guest: &str) -> Option<u64> {
    let listed = place.expect(0, &["lab", "ls", "--json"]).json();
    let machines = listed["labs"][0]["machines"].as_array().unwrap();
    let machine = machines.iter().find(|machine| machine["name"] == guest);
    machine.unwrap()["domid"].as_u64()
}

#[test]
fn commands_run_on_dom0_on_guests_and_outside() {
    each_user(|place| {
        up(place);
        assert_eq!(
            place.links("dom0"),
            links(&["lo", "eth0", "br0", "vif1.0", "vif2.0"])
        );
        for machine in ["foo", "bar", "desk"] {
            assert_eq!(place.links(machine), links(&["lo", "eth0"]), "{machine}");
        }
        // Each has a network of its own.
        let network = |machine| place.on(machine, &["readlink", "/proc/self/ns/net"]).out;
        let networks: BTreeSet<_> = ["dom0", "foo", "bar", "desk"].map(network).into();
        assert_eq!(networks.len(), 4, "{networks:?}");
        // The status is the command's, or a shell's for one that is none.
        for status in [0, 1, 42, 255] {
            let said = place.on("foo", &["sh", "-c", &format!("exit {status}")]);
            assert_eq!(said.status, status, "{place}");
        }
        assert_eq!(place.on("bar", &["sh", "-c", "kill -TERM $$"]).status, 143);
        assert_eq!(place.on("dom0", &["no-such-program"]).status, 127);
        assert_eq!(place.on("dom0", &["/etc/passwd"]).status, 126);
        // Words, output, and what comes on standard input go through unchanged.
        let said = place.on("desk", &["printf", "<%s>", "a b", "", "--lab", "$HOME"]);
        assert_eq!(said.out, "<a b><><--lab><$HOME>", "{said}");
        let shell = "printf 'in\\nput' | ./xenwire lab exec foo -- cat; echo $?";
        let piped = crate::place::said(place.command("sh").args(["-c", shell]));
        assert_eq!(piped.out, "in\nput0\n", "{piped}");
        // xenwire is there.
        let shown = place.on("dom0", &["xenwire", "show"]);
        assert_eq!(shown.status, 0, "{shown}");
        shown.line(&["vif1.0"]);
        place.expect(0, &["lab", "down"]);
        place.nothing_left("lab down");
    });
}

#[test]
fn a_guest_that_does_not_start_is_said_by_the_exit_status_too() {
    each_user(|place| {
        office(place, "office", TRUE);
        let vif = "mac=00:16:3e:00:00:03,bridge=nobr";
        place.write("office/etc/xen/bar.cfg", &guest("bar", &[vif]), 0o644);
        let up = place.expect(1, &["lab", "up", "office"]);
        assert!(
            up.err.contains("bar did not start: vif2.0: ")
                && up.err.contains("Could not find bridge device nobr"),
            "{place}: {up}"
        );
        assert!(
            up.err
                .contains("office is up, without what is said above; "),
            "{place}: {up}"
        );
        // What came is there, to be looked at.
        assert_eq!((domid(place, "foo"), domid(place, "bar")), (Some(1), None));
        assert_eq!(place.on("foo", &["true"]).status, 0);
        place.expect(0, &["lab", "down"]);
        place.nothing_left("lab down");
    });
}

#[test]
fn labs_are_listed_for_people_and_as_json() {
    each_user(|place| {
        let none = place.expect(0, &["lab", "ls"]);
        assert_eq!(none.out, "");
        let none = place.expect(0, &["lab", "ls", "--json"]).json();
        assert_eq!(none["version"], 1);
        assert_eq!(none["labs"].as_array().unwrap().len(), 0);

        up(place);
        place.expect(0, &["lab", "stop", "foo"]);
        let listed = place.expect(0, &["lab", "ls"]).out;
        let words: Vec<Vec<&str>> = listed
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let wanted: [&[&str]; 5] = [
            &["office"],
            &["dom0", "dom0"],
            &["foo", "guest,", "not", "running"],
            &["bar", "guest,", "domain", "2"],
            &["desk", "outside"],
        ];
        assert_eq!(words, wanted, "{place}");

        let listed = place.expect(0, &["lab", "ls", "--json"]).json();
        assert_eq!(listed["version"], 1);
        assert_eq!(listed["labs"][0]["name"], "office");
        let machines = listed["labs"][0]["machines"].as_array().unwrap();
        let machines: Vec<_> = machines
            .iter()
            .map(|machine| {
                let name = machine["name"].as_str().unwrap();
                let kind = machine["kind"].as_str().unwrap();
                (name, kind, machine["domid"].as_u64())
            })
            .collect();
        assert_eq!(
            machines,
            [
                ("dom0", "dom0", Some(0)),
                ("foo", "guest", None),
                ("bar", "guest", Some(2)),
                ("desk", "outside", None),
            ]
        );
        place.expect(0, &["lab", "down"]);
    });
}

#[test]
fn numbers_rise_and_vifs_are_gone_when_offline_runs() {
    each_user(|place| {
        office(place, "office", TRUE);
        // What each call finds; said on the script's output, which is the lab's log.
        let tell = "grep -q \"^ *$vif:\" /proc/net/dev && found=there || found=gone\n\
                    echo \"call $1 $vif $found\"";
        script_before_ours(place, "office", tell);
        place.expect(0, &["lab", "up", "office"]);
        let ids = || (domid(place, "foo"), domid(place, "bar"));
        assert_eq!(ids(), (Some(1), Some(2)));
        let calls = || {
            let log = fs::read_to_string(place.file("run/xenwire/office/log")).unwrap();
            let calls: BTreeSet<String> = log
                .lines()
                .filter_map(|line| line.strip_prefix("call "))
                .map(str::to_owned)
                .collect();
            calls
        };
        let mut wanted = links(&["online vif1.0 there", "online vif2.0 there"]);
        assert_eq!(calls(), wanted);

        place.expect(0, &["lab", "stop", "foo"]);
        assert_eq!(ids(), (None, Some(2)));
        wanted.insert("offline vif1.0 gone".into());
        assert_eq!(calls(), wanted, "{place}");
        assert_eq!(place.links("dom0"), links(&["lo", "eth0", "br0", "vif2.0"]));
        assert_ne!(place.on("foo", &["true"]).status, 0, "foo is off");

        let started = place.expect(0, &["lab", "start", "foo"]);
        assert!(started.out.contains("domain 3"), "{started}");
        assert_eq!(ids(), (Some(3), Some(2)));
        wanted.insert("online vif3.0 there".into());
        assert_eq!(calls(), wanted);

        place.expect(0, &["lab", "destroy", "bar"]);
        assert_eq!(ids(), (Some(3), None));
        wanted.insert("offline vif2.0 gone".into());
        assert_eq!(calls(), wanted, "{place}");

        place.expect(0, &["lab", "reboot", "foo"]);
        assert_eq!(ids(), (Some(4), None));
        wanted.insert("offline vif3.0 gone".into());
        wanted.insert("online vif4.0 there".into());
        assert_eq!(calls(), wanted);

        place.expect(0, &["lab", "start", "bar"]);
        assert_eq!(ids(), (Some(4), Some(5)));
        assert_eq!(
            place.links("dom0"),
            links(&["lo", "eth0", "br0", "vif4.0", "vif5.0"])
        );
        assert_eq!(place.links("foo"), links(&["lo", "eth0"]));
        // It is the same network: what a guest can reach, it can reach again.
        let claims = place.expect(1, &["lab", "claims"]);
        let said = format!("{}{}", claims.out, claims.err);
        assert!(said.contains("ok    reach     foo -> bar"), "{claims}");
        // Only the numbers have changed.
        assert!(said.contains("found eth0 vif4.0 vif5.0"), "{claims}");
        place.expect(0, &["lab", "down"]);
        place.nothing_left("lab down");
    });
}

#[test]
fn nics_come_and_go() {
    each_user(|place| {
        up(place);
        let one = "mac=00:16:3e:00:02:02,bridge=br0";
        let attached = place.expect(
            0,
            &["lab", "attach", "foo", one, "--address", "10.9.9.1/24"],
        );
        assert_eq!(attached.out, "foo has NIC 1\n");
        assert_eq!(place.links("foo"), links(&["lo", "eth0", "eth1"]));
        assert!(place.links("dom0").contains("vif1.1"));
        // Its MAC shows in the address that the kernel makes of it (RFC 4291, appendix A), once
        // the carrier is noticed.
        wait_until("fe80::216:3eff:fe00:202", || {
            let addresses = place.on("foo", &["cat", "/proc/net/if_inet6"]).out;
            addresses.contains("fe8000000000000002163efffe000202")
        });
        let routes = place.on("foo", &["cat", "/proc/net/route"]).out;
        let network = |line: &str| line.starts_with("eth1\t0009090A");
        assert!(routes.lines().any(network), "{routes}");

        // A number of its own choice, and then one more than the highest.
        let chosen = format!("{},devid=5", one.replace("02:02", "02:05"));
        place.expect(0, &["lab", "attach", "foo", &chosen]);
        let next = one.replace("02:02", "02:06");
        let attached = place.expect(0, &["lab", "attach", "foo", &next]);
        assert_eq!(attached.out, "foo has NIC 6\n");
        assert_eq!(
            place.links("foo"),
            links(&["lo", "eth0", "eth1", "eth5", "eth6"])
        );
        // A number that is taken is, and nothing happens to its NIC.
        let taken = place.expect(1, &["lab", "attach", "foo", &chosen]);
        assert!(taken.err.contains("already exists"), "{taken}");
        assert!(place.links("foo").contains("eth5"));

        for devid in [5, 1, 6] {
            place.expect(0, &["lab", "detach", "foo", &devid.to_string()]);
            assert!(!place.links("foo").contains(&format!("eth{devid}")));
            assert!(!place.links("dom0").contains(&format!("vif1.{devid}")));
        }
        // The NIC it was started with goes like any other.
        place.expect(0, &["lab", "detach", "foo", "0"]);
        assert_eq!(place.links("foo"), links(&["lo"]));
        place.expect(1, &["lab", "claims"]);

        // One that does not come leaves nothing.
        let wrong = place.expect(1, &["lab", "attach", "bar", "bridge=nobr"]);
        assert!(
            wrong
                .err
                .contains("script: Could not find bridge device nobr")
        );
        let typo = place.expect(1, &["lab", "attach", "bar", "brigde=br0"]);
        assert!(typo.err.contains("did you mean `bridge`?"), "{typo}");
        assert_eq!(place.links("bar"), links(&["lo", "eth0"]));
        assert_eq!(place.links("dom0"), links(&["lo", "eth0", "br0", "vif2.0"]));
        place.expect(0, &["lab", "down"]);
    });
}

#[test]
fn claims_are_tried_again_and_again() {
    let place = Place::new();
    up(&place);
    for _ in 0..3 {
        let claims = place.expect(0, &["lab", "claims"]);
        claims.line(&["ok", "reach", "foo -> bar"]);
        claims.line(&["ok", "expect", "bridge br0"]);
    }
    place.expect(0, &["lab", "stop", "bar"]);
    let claims = place.expect(1, &["lab", "claims"]);
    let said = format!("{}{}", claims.out, claims.err);
    assert!(said.contains("bar does not run"), "{claims}");
    place.expect(0, &["lab", "down"]);
}

#[test]
fn two_labs_need_a_name() {
    let place = Place::new();
    up(&place);
    place.expect(0, &["lab", "up", "office", "--name", "other"]);
    for words in [
        &["lab", "exec", "foo", "--", "true"][..],
        &["lab", "claims"],
        &["lab", "start", "foo"],
        &["lab", "stop", "foo"],
        &["lab", "destroy", "foo"],
        &["lab", "reboot", "foo"],
        &["lab", "attach", "foo", "bridge=br0"],
        &["lab", "detach", "foo", "0"],
        &["lab", "xenstore"],
        &["lab", "down"],
    ] {
        let said = place.expect(1, words);
        assert!(said.err.contains("office, other"), "{words:?}: {said}");
        assert!(said.err.contains("--lab"), "{words:?}: {said}");
    }
    let sockets = ["office", "other"].map(|name| {
        let said = place.expect(0, &["lab", "xenstore", "--lab", name]);
        assert!(fs::exists(said.out.trim()).unwrap(), "{said}");
        said.out
    });
    assert_ne!(sockets[0], sockets[1]);
    place.expect(0, &["lab", "stop", "--lab", "other", "foo"]);
    let listed = place.expect(0, &["lab", "ls", "--json"]).json();
    assert_eq!(listed["labs"][0]["machines"][1]["domid"], 1);
    assert!(listed["labs"][1]["machines"][1]["domid"].is_null());
    // The same name again is refused, and the lab of that name is not disturbed.
    let again = place.say(&["lab", "up", "office"]);
    assert_ne!(again.status, 0);
    assert!(again.err.contains("office is running"), "{again}");
    place.expect(0, &["lab", "claims", "--lab", "office"]);
    place.expect(0, &["lab", "down", "office"]);
    // The one that is left needs none.
    place.expect(0, &["lab", "start", "foo"]);
    place.expect(0, &["lab", "down"]);
    place.nothing_left("two labs");
}

#[test]
fn wrong_names_list_those_there_are() {
    let place = Place::new();
    let none = place.expect(1, &["lab", "exec", "foo", "--", "true"]);
    assert!(none.err.contains("no lab is up"), "{none}");
    office(&place, "office", TRUE);
    let toml = format!("{OFFICE}{TRUE}").replace("\"bar.cfg\"\n", "\"bar.cfg\"\nstart = false\n");
    place.write("office/lab.toml", &toml, 0o644);
    place.expect(0, &["lab", "up", "office"]);

    let machine = place.on("nowhere", &["true"]);
    assert_eq!(machine.status, 1);
    assert!(
        machine.err.contains("there are: dom0, desk, foo\n"),
        "only machines: {machine}"
    );
    for words in [
        &["lab", "start", "nobody"][..],
        &["lab", "stop", "nobody"],
        &["lab", "destroy", "nobody"],
        &["lab", "reboot", "nobody"],
        &["lab", "attach", "nobody", "bridge=br0"],
        &["lab", "detach", "nobody", "0"],
    ] {
        let said = place.expect(1, words);
        assert!(said.err.contains("nobody"), "{words:?}: {said}");
        assert!(said.err.contains("foo, bar"), "{words:?}: {said}");
    }
    // bar is a guest, which does not run.
    for words in [
        &["lab", "stop", "bar"][..],
        &["lab", "destroy", "bar"],
        &["lab", "reboot", "bar"],
        &["lab", "attach", "bar", "bridge=br0"],
        &["lab", "detach", "bar", "0"],
    ] {
        let said = place.expect(1, words);
        assert!(said.err.contains("bar does not run"), "{words:?}: {said}");
    }
    let runs = place.expect(1, &["lab", "start", "foo"]);
    assert!(runs.err.contains("foo runs already"), "{runs}");
    let nic = place.expect(1, &["lab", "detach", "foo", "7"]);
    assert!(nic.err.contains("foo has no NIC 7"), "{nic}");
    assert!(nic.err.contains("it has 0"), "{nic}");
    for words in [
        &["lab", "down", "other"][..],
        &["lab", "claims", "--lab", "other"],
        &["lab", "exec", "--lab", "other", "foo", "--", "true"],
    ] {
        let said = place.expect(1, words);
        assert!(
            said.err.contains("other") && said.err.contains("lab ls"),
            "{said}"
        );
    }
    let bad = place.say(&["lab", "up", "office", "--name", "../x"]);
    assert_ne!(bad.status, 0);
    assert!(bad.err.contains("../x"), "{bad}");
    place.expect(0, &["lab", "down"]);
}

#[test]
fn a_lab_whose_init_was_killed_is_no_lab() {
    let place = Place::new();
    up(&place);
    crate::place::kill(place.init("office"));
    place.settled_to(0, "the init was killed");
    assert_eq!(place.folders().len(), 1, "its folder is there");
    // The kernel frees its lock a little after its environment; then the next call clears up.
    wait_until("no lab is up", || {
        let none = place.say(&["lab", "claims"]);
        none.status == 1 && none.err.contains("no lab is up")
    });
    assert!(place.folders().is_empty(), "and its folder was cleared");
    // And its name is free.
    up(&place);
    let down = said(&mut place.xenwire(&["lab", "down", "office"]));
    assert_eq!(down.status, 0, "{down}");
}
