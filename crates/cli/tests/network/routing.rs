//! `network-route` and `network-nat`: start makes dom0 a router, stop leaves no trace.

use crate::world::{Kind, World};

const SETTINGS: [&str; 4] = [
    "net.ipv4.ip_forward",
    "net.ipv4.conf.eth0.proxy_arp",
    "net.ipv6.conf.all.forwarding",
    "net.ipv6.conf.eth0.proxy_ndp",
];

fn each_user(test: impl Fn(World)) {
    for nobody in [false, true] {
        let kind = Kind {
            nobody,
            ..Kind::WITHOUT_PAIRS
        };
        if let Some(world) = World::new(kind) {
            test(world);
        }
    }
}

fn value(world: &World, key: &str) -> String {
    let path = key.replace('.', "/");
    world.sh(&format!("cat /proc/sys/{path}")).trim().to_owned()
}

fn set(world: &World, key: &str, value: &str) {
    let path = key.replace('.', "/");
    world.sh(&format!("echo {value} >/proc/sys/{path}"));
}

#[test]
fn network_route_starts_and_leaves_no_trace() {
    each_user(|world| {
        let before = world.rested();
        let plan = world.expect(0, &["network-route", "start", "--plan"]).out;
        assert!(
            plan.contains("write 1 to net/ipv4/conf/eth0/proxy_arp"),
            "{plan}"
        );
        assert_eq!(world.differs_from(&before), [""; 0]);
        world.expect(0, &["network-route", "start"]);
        for key in SETTINGS {
            assert_eq!(value(&world, key), "1", "{key}");
        }
        let status = world.expect(0, &["network-route", "status"]).out;
        assert!(
            status.contains("net/ipv4/conf/all/forwarding = 1"),
            "{status}"
        );
        assert!(status.contains("192.0.2."), "{status}");
        world.reaches_outside();
        let first = world.rested();
        world.expect(0, &["network-route", "start"]);
        assert_eq!(world.lastingly_differs_from(&first), [""; 0]);
        world.expect(0, &["network-route", "stop"]);
        for key in SETTINGS {
            assert_eq!(value(&world, key), "0", "{key}");
        }
        assert_eq!(world.lastingly_differs_from(&before), [""; 0]);
        world.expect(0, &["network-route", "stop"]);
        assert_eq!(world.lastingly_differs_from(&before), [""; 0]);
    });
}

/// What was set by hand is the administrator's.
#[test]
fn what_was_so_before_start_stays_after_stop() {
    each_user(|world| {
        set(&world, SETTINGS[0], "1");
        world.expect(0, &["network-route", "start", "netdev=eth0"]);
        world.expect(0, &["network-route", "stop", "netdev=eth0"]);
        assert_eq!(value(&world, SETTINGS[0]), "1");
        assert_eq!(value(&world, SETTINGS[1]), "0");
    });
}

#[test]
fn the_last_of_two_uplinks_ends_it() {
    each_user(|world| {
        world.expect(0, &["network-route", "start", "netdev=eth0"]);
        world.expect(0, &["network-route", "start", "netdev=eth1"]);
        let said = world.expect(0, &["network-route", "stop", "netdev=eth0"]);
        assert!(said.err.contains("eth1"), "{said}");
        assert_eq!(value(&world, SETTINGS[0]), "1");
        assert_eq!(value(&world, "net.ipv4.conf.eth1.proxy_arp"), "1");
        world.expect(0, &["network-route", "stop", "netdev=eth1"]);
        for key in SETTINGS {
            assert_eq!(value(&world, key), "0", "{key}");
        }
    });
}

/// A dial-up link, or a NIC that was pulled out.
#[test]
fn an_uplink_that_has_gone_is_stopped_all_the_same() {
    each_user(|world| {
        let before = world.rested();
        world.sh("ip link add ppp7 type veth peer name ppp8");
        world.expect(0, &["network-nat", "start", "netdev=ppp7"]);
        world.expect(0, &["network-route", "start", "netdev=ppp7"]);
        world.sh("ip link delete ppp7");
        world.expect(0, &["network-route", "stop", "netdev=ppp7"]);
        world.expect(0, &["network-nat", "stop", "netdev=ppp7"]);
        assert_eq!(value(&world, SETTINGS[0]), "0");
        assert_eq!(world.sh("nft list tables"), "");
        let said = world.expect(1, &["network-nat", "stop", "netdev=ppp7"]);
        assert!(said.err.contains("no link ppp7; NICs here:"), "{said}");
        assert_eq!(world.lastingly_differs_from(&before), [""; 0]);
    });
}

/// The kernel drops what routers advertised when a host becomes one (rt6_purge_dflt_routers).
#[test]
fn the_advertised_default_route_survives() {
    each_user(|world| {
        set(&world, "net.ipv6.conf.eth0.accept_ra", "1");
        world.sh(
            "ip -6 route replace default via fe80::1 dev eth0 proto ra metric 1024 expires 1800",
        );
        world.expect(0, &["network-route", "start"]);
        assert_eq!(value(&world, "net.ipv6.conf.eth0.accept_ra"), "2");
        let routes = world.sh("ip -6 route show default proto ra");
        assert!(routes.contains("fe80::1"), "{routes}");
        world.expect(0, &["network-route", "stop"]);
        assert_eq!(value(&world, "net.ipv6.conf.eth0.accept_ra"), "1");
    });
}

#[test]
fn calls_that_cannot_be() {
    each_user(|world| {
        let before = world.rested();
        for (args, word) in [
            (
                &["network-route", "start", "netdev=eth7"][..],
                "no link eth7",
            ),
            (&["network-route", "restart"][..], "Unknown command"),
            (&["network-nat"][..], "WORDS"),
        ] {
            let said = world.say(args);
            assert!(said.status != 0 && said.err.contains(word), "{said}");
        }
        assert_eq!(world.differs_from(&before), [""; 0]);
    });
}

/// As another tool shows it.
#[test]
fn network_nat_masquerades_and_leaves_no_trace() {
    each_user(|world| {
        let before = world.rested();
        world.expect(0, &["network-nat", "start"]);
        assert_eq!(value(&world, SETTINGS[0]), "1");
        assert_eq!(value(&world, SETTINGS[2]), "0");
        let rules = world.sh("nft list table ip xenwire-nat-eth0");
        for part in [
            "type nat hook postrouting priority srcnat; policy accept;",
            "oifname \"eth0\" masquerade",
        ] {
            assert!(rules.contains(part), "{rules}");
        }
        let status = world.expect(0, &["network-nat", "status"]).out;
        assert!(status.contains("masquerades"), "{status}");
        world.expect(0, &["network-nat", "start"]);
        let again = world.sh("nft list ruleset ip");
        assert_eq!(again.matches("masquerade").count(), 1, "{again}");
        world.expect(0, &["network-route", "start"]);
        let said = world.expect(0, &["network-route", "stop"]);
        assert!(said.err.contains("goes on forwarding"), "{said}");
        assert_eq!(value(&world, SETTINGS[0]), "1");
        world.expect(0, &["network-nat", "stop"]);
        assert_eq!(world.lastingly_differs_from(&before), [""; 0]);
        assert_eq!(world.sh("nft list ruleset ip"), "");
    });
}
