//! `examples/nat-dhcp`: what guests are given that ask, as somebody at a lab sees it.

use std::fs;

use crate::place::each_user;
use crate::scenario::{ASKING, guests_can_ask};

#[test]
fn guests_have_what_they_were_given_and_the_server_is_seen_alive() {
    if !guests_can_ask() {
        return;
    }
    each_user(|place| {
        place.expect(0, &["lab", "up", ASKING]);
        // What is typed there has a pid namespace of its own, and dnsmasq is not in it.
        let status = place.on("dom0", &["xenwire", "network-nat", "status"]);
        assert_eq!(status.status, 0, "{place}: {status}");
        status.line(&["dnsmasq gives guests"]);
        let stopped = place.on("dom0", &["xenwire", "network-nat", "stop", "netdev=eth0"]);
        assert_eq!(stopped.status, 1, "{place}: {stopped}");
        assert!(
            stopped.err.contains("outer pid namespace"),
            "{place}: {stopped}"
        );
        for (guest, word) in [("foo", "8001000A"), ("bar", "8907A8C0")] {
            // The default route, by the router's bytes the other way round (proc(5), /proc/net/route).
            let routes = place.on(guest, &["cat", "/proc/net/route"]).out;
            let is_default = |line: &str| line.starts_with(&format!("eth0\t00000000\t{word}"));
            assert!(routes.lines().any(is_default), "{place} {guest}: {routes}");
        }
        // The next one of that name has another number, and so another address than the file has.
        let again = place.expect(1, &["lab", "reboot", "foo"]);
        assert!(
            again.err.contains("foo: eth0 was given 10.0.3.1/24"),
            "{place}: {again}"
        );
        place.expect(0, &["lab", "down"]);
        place.nothing_left("lab down");
    });
}

#[test]
fn another_address_than_the_files_is_said() {
    if !guests_can_ask() {
        return;
    }
    each_user(|place| {
        let folder = place.file("other");
        let mut copy = place.command("cp");
        let copied = copy.arg("-r").args([&place.file(ASKING), &folder]).status();
        assert!(copied.unwrap().success());
        let lab = fs::read_to_string(folder.join("lab.toml")).unwrap();
        let lab = lab.replace("10.0.1.1/24", "10.0.1.2/24");
        place.write("other/lab.toml", &lab, 0o644);
        let run = place.expect(1, &["lab", "run", "other"]);
        let why = "FAIL  foo: eth0 was given 10.0.1.1/24, and lab.toml says 10.0.1.2/24";
        run.line(&[why]);
        place.nothing_left("lab run");
    });
}
