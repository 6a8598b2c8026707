//! What Xen's scripts did wrong, or left to chance, and what is done here: a row each. The table for
//! administrators is docs/differences.md, and names these rows.

use crate::world::{GENERATIONS, Kind, World};

/// A call that is refused: what is there besides, the arguments, and words of the sentence.
type Refused = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const REFUSED: [Refused; 17] = [
    (
        "no such NIC",
        "",
        &["start", "netdev=eth7"],
        &["no link eth7", "eth0, eth1"],
    ),
    (
        "the loopback link",
        "",
        &["start", "netdev=lo"],
        &["lo", "loopback"],
    ),
    (
        "a bridge as the NIC",
        "ip link add br9 type bridge",
        &["start", "netdev=br9"],
        &["br9 is a bridge already"],
    ),
    (
        "a port of another bridge",
        "ip link add br9 type bridge; ip link set eth1 master br9",
        &["start", "netdev=eth1"],
        &["eth1 is a port of the bridge br9"],
    ),
    (
        "a guest's link",
        "ip link add vif5.0 type veth peer name g5.0",
        &["start", "netdev=vif5.0"],
        &["vif5.0 is a backend link"],
    ),
    (
        "a bridge name that is a NIC's",
        "",
        &["start", "netdev=eth0", "bridge=eth1"],
        &["eth1 is there, but it is no bridge"],
    ),
    (
        "a name that cannot be lengthened",
        "ip link set eth1 down; ip link set eth1 name abcdefghijklmno; ip link set abcdefghijklmno up",
        &["start", "netdev=abcdefghijklmno"],
        &["longer than 15", "--generation xen2"],
    ),
    (
        "a bridge name that is too long",
        "",
        &["start", "bridge=abcdefghijklmnop"],
        &["bridge="],
    ),
    (
        "default routes by two NICs",
        "ip route add default nexthop via 192.0.2.1 nexthop via 198.18.0.1",
        &["start"],
        &["eth0 and eth1", "netdev="],
    ),
    (
        "a name given twice",
        "",
        &["start", "netdev=eth0", "netdev=eth1"],
        &["netdev is given twice"],
    ),
    (
        "a line end in a value",
        "",
        &["start", "netdev=eth0\nid"],
        &["line end"],
    ),
    (
        "shell in a value",
        "",
        &["start", "netdev=$(touch /run/evaluated)"],
        &["netdev=", "cannot be a link's name"],
    ),
    (
        "antispoof on a bridge with an alias of somebody else's",
        "ip link add br9 type bridge; ip link set br9 alias mine",
        &["start", "bridge=br9", "antispoof=yes"],
        &["br9 has an alias of somebody else's"],
    ),
    (
        "antispoof that is neither",
        "",
        &["start", "antispoof=true"],
        &["neither yes nor no"],
    ),
    (
        "a number that is none",
        "",
        &["start", "vifnum=two"],
        &["vifnum"],
    ),
    (
        "an unknown command",
        "",
        &["restart"],
        &["Unknown command", "start, stop, status"],
    ),
    (
        "no command",
        "",
        &["netdev=eth0"],
        &["Unknown command", "start, stop, status"],
    ),
];

#[test]
fn what_cannot_be_is_refused_before_anything_is_touched() {
    for (what, setting, args, words) in REFUSED {
        let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
            return;
        };
        world.sh(setting);
        let before = world.rested();
        let called: Vec<&str> = ["network-bridge"].iter().chain(args).copied().collect();
        let said = world.expect(1, &called);
        for word in words {
            assert!(said.err.contains(word), "{what}: no {word:?} in {said}");
        }
        assert_eq!(world.differs_from(&before), [""; 0], "{what}");
        assert_eq!(
            world.sh("ls /run | grep -c evaluated || true").trim(),
            "0",
            "{what}"
        );
    }
}

/// A host on which start and stop are as anywhere else: what is there besides, in which generations,
/// arguments of both calls, and what must hold in between.
struct Works {
    what: &'static str,
    setting: &'static str,
    generations: &'static [&'static str],
    args: &'static [&'static str],
    between: &'static str,
}

const WORKS: [Works; 15] = [
    Works {
        what: "a bridge that is there is used, and stays",
        // One with a port: without any, a bridge has no MAC of its own to keep.
        setting: "ip link add br9 address 02:00:00:00:00:09 type bridge; ip link set br9 up
                  ip link add n9 type veth peer name m9; ip link set n9 master br9
                  ip link set n9 up; ip link set m9 up
                  ip rule add iif eth1 lookup 100 priority 1100; ip rule add oif br9 lookup 100 priority 1101",
        generations: &GENERATIONS,
        args: &["netdev=eth1", "bridge=br9"],
        between: "ip link show master br9 | grep eth1",
    },
    Works {
        what: "somebody else's bridge is no reason to do nothing",
        setting: "ip link add virbr0 type bridge; ip link set virbr0 up",
        generations: &GENERATIONS,
        args: &["netdev=eth0"],
        between: "bridge link | grep -v 'master virbr0' | grep eth0",
    },
    // A NIC is known by its name alone: its twin is let be.
    Works {
        what: "two NICs with one MAC",
        setting: "ip link set eth1 address 52:54:00:00:00:01",
        generations: &GENERATIONS,
        args: &["netdev=eth0"],
        between: "ping -q -c 1 -W 2 192.0.2.1
                  ip -oneline link show eth1 | grep 52:54:00:00:00:01 | grep -v ' master '
                  ip -oneline address show eth1 | grep 198.18.0.10/24",
    },
    Works {
        what: "a longer name is another bridge",
        setting: "ip link add xenbr01 type bridge",
        generations: &["xen3.0"],
        args: &["netdev=eth0"],
        between: "ip link show master xenbr0",
    },
    Works {
        what: "a NIC without addresses",
        setting: "ip route del 198.51.100.64/26; ip address flush dev eth1 scope global",
        generations: &GENERATIONS,
        args: &["netdev=eth1"],
        between: "ip -oneline link show up | grep ' master .*state UP'",
    },
    Works {
        what: "a NIC that is down comes up, and goes down again",
        setting: "ip route del 198.51.100.64/26; ip link set eth1 down",
        generations: &GENERATIONS,
        args: &["netdev=eth1"],
        between: "ip -oneline link show up | grep ' master .*state UP'",
    },
    Works {
        what: "no default route",
        setting: "ip route del default; ip -6 route del default",
        generations: &GENERATIONS,
        args: &["netdev=eth0"],
        between: "ping -q -c 1 -W 2 192.0.2.1",
    },
    Works {
        what: "the word behind the NIC's name is none of its name",
        setting: "ip route replace default via 192.0.2.1 metric 100 proto static",
        generations: &GENERATIONS,
        args: &[],
        between: "ip link show type bridge | grep -v eth1",
    },
    Works {
        what: "the better of two default routes",
        setting: "ip route add default via 198.18.0.1 metric 7",
        generations: &["xen3.0", "xen3.2"],
        args: &[],
        between: "ip link show peth1",
    },
    Works {
        what: "a name without digits",
        setting: "ip route del 198.51.100.64/26; ip link set eth1 down; ip link set eth1 name lan; ip link set lan up
                  ip route add default via 198.18.0.1 metric 7",
        generations: &["xen3.0", "xen3.2"],
        args: &[],
        between: "ip link show plan",
    },
    Works {
        what: "a name with a dot, and one that ends in another's",
        setting: "ip route del 198.51.100.64/26; ip link set eth1 down; ip link set eth1 name eth0.293; ip link set eth0.293 up",
        generations: &["xen2"],
        args: &["netdev=eth0.293", "bridge=xen-br293", "antispoof=no"],
        between: "ip address show dev xen-br293 | grep 198.18.0.10; ip address show dev eth0 | grep 192.0.2.10",
    },
    Works {
        what: "antispoof, on a bridge that is made",
        setting: "",
        generations: &GENERATIONS,
        args: &["netdev=eth0", "bridge=br9", "antispoof=yes"],
        between: "ip link show dev br9 | grep 'alias xenwire made for eth0 antispoof'",
    },
    Works {
        what: "antispoof, on a bridge that stays",
        setting: "ip link add br9 address 02:00:00:00:00:09 type bridge; ip link set br9 up
                  ip link add n9 type veth peer name m9; ip link set n9 master br9
                  ip link set n9 up; ip link set m9 up",
        generations: &GENERATIONS,
        args: &["netdev=eth1", "bridge=br9", "antispoof=yes"],
        between: "ip link show dev br9 | grep 'alias xenwire antispoof'",
    },
    Works {
        what: "another end of the line",
        setting: "ip address add 203.0.113.1 peer 203.0.113.2/32 dev eth1
                  ip route add 203.0.113.64/26 via 203.0.113.2",
        generations: &GENERATIONS,
        args: &["netdev=eth1"],
        between: "ip route get 203.0.113.70 | grep 203.0.113.2",
    },
    Works {
        what: "values in quotes, in any order, and what nobody knows",
        setting: "",
        generations: &["xen3.2"],
        args: &["bridge=\"mybridge\"", "netdev='eth1'", "unknown=word"],
        between: "ip link show master mybridge | grep peth1",
    },
];

#[test]
fn what_can_be_works_and_is_taken_back() {
    for row in WORKS {
        for generation in row.generations {
            let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
                return;
            };
            let what = format!("{}, {generation}", row.what);
            world.sh(row.setting);
            let before = world.rested();
            let call = |verb| {
                let words = [verb, "--generation", generation];
                let words = words.iter().chain(row.args);
                ["network-bridge"]
                    .iter()
                    .chain(words)
                    .copied()
                    .collect::<Vec<&str>>()
            };
            let said = world.expect(0, &call("start"));
            let between = world.command(&["sh", "-ec", row.between]).output().unwrap();
            assert!(
                between.status.success(),
                "{what}: {said}{}",
                world.sh("ip address; bridge link")
            );
            world.expect(0, &call("stop"));
            assert_eq!(world.differs_from(&before), [""; 0], "{what}");
        }
    }
}

#[test]
fn null_is_the_way_to_have_no_bridge() {
    let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
        return;
    };
    let before = world.rested();
    for verb in ["start", "stop"] {
        let said = world.expect(0, &["network-bridge", verb, "bridge=null"]);
        assert_eq!(said.err, "");
    }
    assert_eq!(world.differs_from(&before), [""; 0]);
}

#[test]
fn a_plan_is_only_said() {
    let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
        return;
    };
    for generation in GENERATIONS {
        let before = world.rested();
        let said = world.expect(
            0,
            &[
                "network-bridge",
                "start",
                "--plan",
                "--generation",
                generation,
            ],
        );
        assert!(said.out.contains(" steps; interrupts "), "{said}");
        assert_eq!(world.differs_from(&before), [""; 0], "{generation}");
    }
}

#[test]
fn a_wrapper_starts_two_bridges() {
    let Some(world) = World::new(Kind::WITH_PAIRS) else {
        return;
    };
    let patterns = [
        ("xen3.0", ["vifnum=0", "vifnum=1"], ["xenbr0", "xenbr1"]),
        (
            "xen3.0",
            ["netdev=eth0", "netdev=eth1"],
            ["xenbr0", "xenbr1"],
        ),
        ("xen3.2", ["netdev=eth0", "netdev=eth1"], ["eth0", "eth1"]),
    ];
    for (generation, args, bridges) in patterns {
        let before = world.rested();
        for arg in args {
            world.expect(
                0,
                &["network-bridge", "start", arg, "--generation", generation],
            );
        }
        for (bridge, port) in bridges.iter().zip(["peth0", "peth1"]) {
            let ports = world.sh(&format!("ip -oneline link show master {bridge}"));
            assert!(ports.contains(port), "{generation} {args:?}: {ports}");
        }
        for arg in args {
            world.expect(
                0,
                &["network-bridge", "stop", arg, "--generation", generation],
            );
        }
        assert_eq!(
            world.lastingly_differs_from(&before),
            [""; 0],
            "{generation} {args:?}"
        );
    }
}

#[test]
fn guests_keep_their_links_and_come_back() {
    let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
        return;
    };
    for (generation, bridge) in GENERATIONS.into_iter().zip(["xen-br0", "xenbr0", "eth0"]) {
        world.bridge("start", generation);
        world.vif(7, Some(bridge));
        let said = world.bridge("stop", generation);
        assert!(
            said.err
                .contains("vif7.0 is on no bridge until the next start"),
            "{said}"
        );
        let said = world.bridge("start", generation);
        assert!(
            said.err.contains(&format!("vif7.0 is on {bridge} again")),
            "{said}"
        );
        let ports = world.sh(&format!("ip -oneline link show master {bridge}"));
        assert!(ports.contains("vif7.0"), "{generation}: {ports}");
        world.sh("ip link delete vif7.0");
        world.bridge("stop", generation);
    }
}

#[test]
fn what_dom0_was_given_meanwhile_stays_with_it() {
    let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
        return;
    };
    for (generation, holder) in GENERATIONS.into_iter().zip(["xen-br0", "eth0", "eth0"]) {
        world.bridge("start", generation);
        world.sh(&format!(
            "ip address add 192.0.2.50/24 dev {holder}; ip -6 address add 2001:db8::50/64 dev {holder} nodad
             ip address del 198.51.100.3/28 dev {holder}; ip route add 203.0.113.64/27 via 192.0.2.1"
        ));
        world.bridge("stop", generation);
        let addresses = world.sh("ip -oneline address show dev eth0; ip route");
        for there in [
            "192.0.2.50/24",
            "2001:db8::50/64",
            "203.0.113.64/27 via 192.0.2.1 dev eth0",
        ] {
            assert!(
                addresses.contains(there),
                "{generation}: no {there}: {addresses}"
            );
        }
        assert!(
            !addresses.contains("198.51.100.3/28"),
            "{generation}: {addresses}"
        );
        world.sh(
            "ip address del 192.0.2.50/24 dev eth0; ip -6 address del 2001:db8::50/64 dev eth0
                  ip route del 203.0.113.64/27; ip address add 198.51.100.3/28 dev eth0 label eth0:1",
        );
    }
}

#[test]
fn a_lease_moves_and_whoever_renews_it_is_named() {
    let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
        return;
    };
    world.sh("ip address add 192.0.2.60/24 dev eth0 valid_lft 3600 preferred_lft 3600");
    for generation in GENERATIONS {
        let before = world.rested();
        let said = world.bridge("start", generation);
        assert!(
            said.err.contains("192.0.2.60/24 is a lease"),
            "{generation}: {said}"
        );
        world.bridge("stop", generation);
        assert_eq!(
            world.lastingly_differs_from(&before),
            [""; 0],
            "{generation}"
        );
    }
}
