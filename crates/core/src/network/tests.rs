//! start and stop decided on a host with everything a NIC can have, against the model of the
//! kernel ([`NetState::apply`]).

use std::net::IpAddr;

use super::*;
use crate::journal::recover;
use crate::name::{IfName, Mac};
use crate::plan::{Need, Plan, check, plan};
use crate::state::{
    Address, BridgeOptions, Deadline, Family, Feature, Folder, Lifetime, Link, LinkKind,
    LinkSysctl, Mark, Neighbour, NetState, Observed, PeerEnd, Route, Rule, Scope,
};

fn name(text: &str) -> IfName {
    text.parse().unwrap()
}

const NIC_MAC: Mac = Mac([0x52, 0x54, 0, 0, 0, 1]);

fn link(kind: LinkKind, up: bool) -> Link {
    Link {
        up,
        mac: Some(Mac([2, 0, 0, 0, 0, 9])),
        ..Link::of(kind)
    }
}

fn nic(up: bool) -> Link {
    Link {
        mac: Some(NIC_MAC),
        ..link(LinkKind::Other(String::new()), up)
    }
}

fn pair_end(peer: &str) -> Link {
    let kind = LinkKind::Veth(PeerEnd {
        name: peer.into(),
        netns: None,
        mac: None,
    });
    link(kind, false)
}

/// The host of the issue: three IPv4 addresses, two of IPv6 with lifetimes and the kernel's own,
/// routes in two tables, a rule, a permanent neighbour; eth1 besides; pairs 0 to 7.
fn host(pairs: u16) -> Observed {
    let mut state = NetState::default();
    let eth0 = name("eth0");
    for (nic_name, number) in [("eth0", 1), ("eth1", 2)] {
        let mac = Some(Mac([0x52, 0x54, 0, 0, 0, number]));
        state
            .links
            .insert(name(nic_name), Link { mac, ..nic(true) });
    }
    for number in 0..pairs {
        let pair = Pair(number);
        state
            .links
            .insert(pair.veth(), pair_end(pair.vif().as_str()));
        state
            .links
            .insert(pair.vif(), pair_end(pair.veth().as_str()));
    }
    let address = |net: &str| Address::new(eth0.clone(), net.parse().unwrap());
    let until = |valid, preferred| Lifetime::Until {
        valid: Deadline(valid),
        preferred: Deadline(preferred),
    };
    state.addresses.extend([
        address("192.0.2.10/24"),
        address("192.0.2.11/24"),
        Address {
            label: Some("eth0:1".into()),
            ..address("198.51.100.3/28")
        },
        Address {
            lifetime: until(9000, 4000),
            ..address("2001:db8::10/64")
        },
        Address {
            lifetime: until(90000, u32::MAX),
            ..address("2001:db8:1::10/64")
        },
        Address {
            scope: 253,
            protocol: 3,
            ..address("fe80::5054:ff:fe00:1/64")
        },
    ]);
    let via = |to: &str, via: &str| {
        Route::via(
            to.parse().unwrap(),
            via.parse::<IpAddr>().unwrap(),
            eth0.clone(),
        )
    };
    state.routes.extend([
        via("0.0.0.0/0", "192.0.2.1"),
        via("::/0", "fe80::1"),
        Route {
            table: 100,
            source: Some("192.0.2.11".parse().unwrap()),
            ..via("203.0.113.0/24", "192.0.2.7")
        },
        // The kernel's own comes and goes with its address.
        Route {
            protocol: Route::KERNEL,
            ..Route::onlink("192.0.2.0/24".parse().unwrap(), eth0.clone())
        },
    ]);
    state.rules.insert(Rule {
        family: Family::Ipv4,
        priority: 1000,
        from: None,
        to: None,
        iif: Some(eth0.clone()),
        oif: None,
        table: 100,
        action: 1,
        tos: 0,
        flags: 0,
        protocol: 0,
        attributes: Vec::new(),
    });
    state.neighbours.insert(Neighbour {
        link: eth0.clone(),
        to: "192.0.2.77".parse().unwrap(),
        mac: Some(Mac([2, 0, 0, 0, 0, 7])),
        proxy: false,
        flags: 0,
        protocol: 0,
    });
    let mut links: Vec<IfName> = state.links.keys().cloned().collect();
    links.push(name("default"));
    for link in links {
        let of_eth0 = link == eth0;
        for (setting, usual) in [
            ("addr_gen_mode", "0"),
            ("accept_ra", "1"),
            ("use_tempaddr", "0"),
        ] {
            let value = if of_eth0 && setting == "use_tempaddr" {
                "2"
            } else {
                usual
            };
            state
                .sysctls
                .insert(LinkSysctl::ipv6(&link, setting), value.into());
        }
        let filter = LinkSysctl {
            link: link.clone(),
            family: Family::Ipv4,
            folder: Folder::Conf,
            name: "rp_filter".into(),
        };
        state
            .sysctls
            .insert(filter, if of_eth0 { "2" } else { "0" }.into());
        let feature = Feature {
            link: link.clone(),
            name: "tx-checksum-ip-generic".into(),
        };
        if link.as_str() != "default" {
            state.features.insert(feature, !of_eth0);
        }
    }
    observed(state)
}

fn observed(state: NetState) -> Observed {
    Observed {
        scope: Scope::HostAnd(state.links.keys().cloned().collect()),
        ..Observed::host(state)
    }
}

fn called(generation: Generation, words: &[&str]) -> Call {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let env = |name: &str| (name == "XENWIRE_GENERATION").then(|| generation.to_string());
    Call::parse("network-bridge", &words, env).unwrap()
}

fn planned(wanted: &Wanted, observed: &Observed) -> Plan {
    let plan = plan(&wanted.desired, observed).plan.unwrap();
    check(&plan, &wanted.desired, &observed.state).unwrap();
    plan
}

fn start_plan(generation: Generation, words: &[&str], observed: &Observed) -> Result<Plan, String> {
    let call = called(generation, words);
    let target = Target::of(&call, &observed.state)?;
    Ok(planned(&start(&call, &target, observed, None)?, observed))
}

fn stop_plan(generation: Generation, words: &[&str], observed: &Observed, past: &[&Plan]) -> Plan {
    let call = called(generation, words);
    let target = Target::of(&call, &observed.state).unwrap();
    let memory = Memory::of(past.iter().map(|plan| plan.steps.as_slice()));
    planned(&stop(&target, observed, &memory), observed)
}

fn done(plan: &Plan, from: &Observed) -> Observed {
    let mut state = from.state.clone();
    for step in &plan.steps {
        let applied = state.apply(&step.effect);
        let wished = step.need == Need::Wished;
        assert!(applied.is_ok() || wished, "{}: {applied:?}", step.effect);
    }
    for link in state.links.values_mut() {
        // The kernel draws one, and does not say what the other end was made with.
        link.mac.get_or_insert(Mac([2, 0, 0, 0, 0, 8]));
        link.set_peer_mac(None);
    }
    observed(state)
}

/// What the model does not know: the kernel's own routes follow addresses by themselves.
fn comparable(state: &NetState) -> NetState {
    let mut state = state.clone();
    state.routes.retain(|r| r.protocol != Route::KERNEL);
    state
}

#[test]
fn start_and_stop_give_back_the_host() {
    for generation in Generation::ALL {
        for pairs in [0, 8] {
            let before = host(pairs);
            let first = start_plan(generation, &["start"], &before).unwrap();
            let started = done(&first, &before);
            let again = start_plan(generation, &["start"], &started).unwrap();
            assert_eq!(again, Plan::default(), "{generation}: start again");
            let back = stop_plan(generation, &["stop"], &started, &[&first]);
            let after = done(&back, &started);
            assert_eq!(
                comparable(&after.state),
                comparable(&before.state),
                "{generation}, {pairs} pairs"
            );
            let again = stop_plan(generation, &["stop"], &after, &[]);
            assert_eq!(again, Plan::default(), "{generation}: stop again");
        }
    }
}

#[test]
fn what_each_generation_makes() {
    let holds = |state: &NetState, link: &str| state.addresses_of(&name(link)).count();
    for generation in Generation::ALL {
        let before = host(8);
        let first = start_plan(generation, &["start"], &before).unwrap();
        let state = done(&first, &before).state;
        let (bridge, ports, dom0): (&str, &[&str], &str) = match generation {
            Generation::Xen2 => ("xen-br0", &["eth0"], "xen-br0"),
            Generation::Netloop => ("xenbr0", &["peth0", "vif0.0"], "eth0"),
            Generation::Renaming => ("eth0", &["peth0"], "eth0"),
        };
        let bridge = name(bridge);
        let found: Vec<&str> = state.ports_of(&bridge).map(IfName::as_str).collect();
        assert_eq!(found, ports, "{generation}");
        assert_eq!(holds(&state, dom0), 6, "{generation}");
        assert_eq!(state.links[&name(dom0)].mac, Some(NIC_MAC), "{generation}");
        for port in ports {
            assert_eq!(holds(&state, port), 0, "{generation}: {port}");
            let ra = LinkSysctl::ipv6(&name(port), "accept_ra");
            assert_eq!(state.sysctls[&ra], "0", "{generation}: {port}");
        }
        let filter = LinkSysctl::conf(&name(dom0), Family::Ipv4, "rp_filter");
        assert_eq!(state.sysctls[&filter], "2", "{generation}");
        let rule = state.rules.first().unwrap();
        assert_eq!(rule.iif, Some(name(dom0)), "{generation}");
        let labels: Vec<_> = state
            .addresses
            .iter()
            .filter_map(|a| a.label.clone())
            .collect();
        assert_eq!(labels, [format!("{dom0}:1")], "{generation}");
        let down = matches!(
            Outage::of(&first, &name("eth0"), &name("peth0")),
            Outage::Down(_)
        );
        assert_eq!(down, generation != Generation::Xen2, "{generation}");
    }
}

#[test]
fn a_crash_anywhere_is_undone() {
    for generation in Generation::ALL {
        let before = host(8);
        let first = start_plan(generation, &["start"], &before).unwrap();
        let started = done(&first, &before);
        let back = stop_plan(generation, &["stop"], &started, &[&first]);
        for (plan, from) in [(&first, &before), (&back, &started)] {
            for cut in 0..=plan.steps.len() {
                let mut state = from.state.clone();
                for step in &plan.steps[..cut] {
                    state.apply(&step.effect).unwrap();
                }
                for effect in recover(&plan.steps, &state).unwrap() {
                    state
                        .apply(&effect)
                        .unwrap_or_else(|m| panic!("{generation} {cut}: {m}"));
                }
                assert_eq!(
                    comparable(&state),
                    comparable(&from.state),
                    "{generation}, cut at {cut}"
                );
            }
        }
    }
}

#[test]
fn guests_are_kept_over_stop_and_start() {
    for generation in Generation::ALL {
        let before = host(8);
        let first = start_plan(generation, &["start"], &before).unwrap();
        let mut started = done(&first, &before);
        let call = called(generation, &["status"]);
        let bridge = Target::of(&call, &started.state).unwrap().bridge;
        let guest = Link {
            mac: Some(Mac::QUIET),
            master: Some(bridge.clone()),
            ..link(LinkKind::Other(String::new()), true)
        };
        let renamed = Link {
            alias: Some("xenwire vif2.0".into()),
            ..guest.clone()
        };
        started.state.links.insert(name("vif1.0"), guest.clone());
        started.state.links.insert(name("mail"), renamed.clone());
        let started = observed(started.state);
        let stopped = done(
            &stop_plan(generation, &["stop"], &started, &[&first]),
            &started,
        );
        for vif in ["vif1.0", "mail"] {
            let link = &stopped.state.links[&name(vif)];
            assert_eq!(link.master, None);
            assert_eq!(
                Mark::of(link).unwrap().port_of,
                Some(bridge.clone()),
                "{generation}"
            );
        }
        let again = start_plan(generation, &["start"], &stopped).unwrap();
        let again = done(&again, &stopped);
        assert_eq!(again.state.links[&name("vif1.0")], guest, "{generation}");
        assert_eq!(again.state.links[&name("mail")], renamed, "{generation}");
    }
}

#[test]
fn which_nic_which_pair_which_bridge() {
    let of = |words: &[&str], state: &NetState| {
        let target = Target::of(&called(Generation::Netloop, words), state).unwrap();
        format!(
            "{} {} {}",
            target.nic,
            target.pair.unwrap().0,
            target.bridge
        )
    };
    let state = host(8).state;
    assert_eq!(of(&["start"], &state), "eth0 0 xenbr0");
    assert_eq!(of(&["start", "vifnum=1"], &state), "eth1 1 xenbr1");
    assert_eq!(of(&["start", "netdev=eth1"], &state), "eth1 1 xenbr1");
    assert_eq!(
        of(&["start", "netdev=eth1", "vifnum=3"], &state),
        "eth1 3 xenbr3"
    );
    assert_eq!(of(&["start", "bridge=mybridge"], &state), "eth0 0 mybridge");
    // A pair that somebody uses is not taken.
    let mut used = state.clone();
    used.addresses
        .insert(Address::new(name("veth1"), "10.0.0.1/24".parse().unwrap()));
    assert_eq!(of(&["start", "netdev=eth1"], &used), "eth1 0 xenbr0");
    let call = called(Generation::Netloop, &["start", "netdev=eth7"]);
    let error = Target::of(&call, &state).unwrap_err();
    assert!(
        error.contains("eth7") && error.contains("eth0, eth1"),
        "{error}"
    );
}

#[test]
fn refusals_come_before_anything_is_touched() {
    let refused = |generation, words: &[&str], change: &dyn Fn(&mut Observed)| {
        let mut observed = host(8);
        change(&mut observed);
        start_plan(generation, words, &observed).unwrap_err()
    };
    let eth0 = || name("eth0");
    let bridge = || link(LinkKind::Bridge(BridgeOptions::XEN), true);
    let n = Generation::Netloop;
    let r = Generation::Renaming;
    type Row<'a> = (
        Generation,
        &'a [&'a str],
        &'a dyn Fn(&mut Observed),
        &'a str,
    );
    let table: &[Row<'_>] = &[
        (
            n,
            &["start", "netdev=lo"],
            &|o| {
                o.state.links.insert(name("lo"), nic(true));
            },
            "loopback",
        ),
        (
            n,
            &["start"],
            &|o| o.facts.get_mut(&eth0()).unwrap().wireless = true,
            "wireless",
        ),
        (
            r,
            &["start"],
            &|o| {
                o.state.links.insert(name("br9"), bridge());
                o.state.links.get_mut(&eth0()).unwrap().master = Some(name("br9"));
            },
            "port of the bridge br9",
        ),
        (
            r,
            &["start"],
            &|o| {
                o.state
                    .links
                    .insert(name("bond0"), link(LinkKind::Other("bond".into()), true));
                o.state.links.get_mut(&eth0()).unwrap().master = Some(name("bond0"));
            },
            "belongs to bond0",
        ),
        (
            n,
            &["start", "netdev=abcdefghijklmno"],
            &|o| {
                o.state.links.insert(name("abcdefghijklmno"), nic(true));
            },
            "longer than 15",
        ),
        (n, &["start", "bridge=eth1"], &|_| {}, "no bridge"),
        (
            n,
            &["start", "bridge=eth0"],
            &|_| {},
            "cannot be called eth0",
        ),
        (
            n,
            &["start", "netdev=br9"],
            &|o| {
                o.state.links.insert(name("br9"), bridge());
            },
            "bridge already",
        ),
        (
            n,
            &["start", "bridge=br9", "antispoof=yes"],
            &|o| {
                let mut foreign = bridge();
                foreign.alias = Some("the lab's".into());
                o.state.links.insert(name("br9"), foreign);
            },
            "br9 has an alias of somebody else's",
        ),
        (
            n,
            &["start", "netdev=vif3.0"],
            &|o| {
                o.state.links.insert(name("vif3.0"), nic(true));
            },
            "no NIC",
        ),
        (
            n,
            &["start"],
            &|o| {
                o.state.links.insert(name("xenbr0"), bridge());
                o.state.links.get_mut(&name("eth1")).unwrap().master = Some(name("xenbr0"));
            },
            "two NICs on one bridge",
        ),
        (
            n,
            &["start", "vifnum=0"],
            &|o| {
                o.state
                    .addresses
                    .insert(Address::new(name("veth0"), "10.0.0.1/24".parse().unwrap()));
            },
            "in use",
        ),
    ];
    for (generation, words, change, part) in table {
        let error = refused(*generation, words, change);
        assert!(error.contains(part), "{words:?}: {error}");
    }
}

#[test]
fn a_root_over_the_network_is_found() {
    let nfs = "192.0.2.77:/srv/root / nfs rw,vers=3,addr=192.0.2.77 0 0\n";
    let server: IpAddr = "192.0.2.77".parse().unwrap();
    assert_eq!(
        NetworkRoot::of(nfs, "", ""),
        Some(NetworkRoot::Server(server))
    );
    let cmdline = "root=/dev/nfs nfsroot=192.0.2.77:/srv/root ip=dhcp";
    assert_eq!(
        NetworkRoot::of("", cmdline, ""),
        Some(NetworkRoot::Server(server))
    );
    let fstab = "/dev/sda1 / ext4 defaults,_netdev 0 1\n";
    assert!(matches!(
        NetworkRoot::of("", "", fstab),
        Some(NetworkRoot::Unknown(_))
    ));
    assert_eq!(
        NetworkRoot::of("/dev/sda1 / ext4 rw 0 0\n", "quiet", "#x\n"),
        None
    );
    let observed = host(8);
    let root = NetworkRoot::Server(server);
    assert!(root.needs(&name("eth0"), &observed.state).is_some());
    assert_eq!(root.needs(&name("eth1"), &observed.state), None);
}

#[test]
fn calls_are_read_and_never_run() {
    let parse = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        Call::parse("network-bridge", &words, |_| None)
    };
    let call = parse(&["bridge='my br'", "start"]).unwrap_err();
    assert!(call.0.contains("bridge="), "{}", call.0);
    let call = parse(&["netdev=\"eth1\"", "stop", "unknown=$(reboot)"]).unwrap();
    assert_eq!(
        (call.command, call.arguments.netdev),
        (Command::Stop, Some(name("eth1")))
    );
    for (words, part) in [
        (&["start", "vifnum=1", "vifnum=2"][..], "twice"),
        (&["start", "bridge=a\nb"][..], "line end"),
        (&["restart"][..], "start, stop, status"),
        (&[][..], "start, stop, status"),
        (&["start", "vifnum=x"][..], "vifnum"),
        (&["start", "antispoof=maybe"][..], "neither yes nor no"),
        (&["start", "--generation", "xen4"][..], "xen3.2"),
    ] {
        let quit = parse(words).unwrap_err();
        assert!(quit.0.contains(part), "{words:?}: {}", quit.0);
    }
    let network = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        Call::parse("network", &words, |_| None).map(|call| call.generation)
    };
    assert_eq!(network(&["start"]), Ok(Generation::Xen2));
    assert!(network(&["start", "--generation=xen3.0"]).is_err());
}

#[test]
fn stop_takes_back_whatever_was_started() {
    for started_as in Generation::ALL {
        for asked in Generation::ALL.into_iter().filter(|g| *g != started_as) {
            let before = host(8);
            let first = start_plan(started_as, &["start"], &before).unwrap();
            let started = done(&first, &before);
            let error = start_plan(asked, &["start"], &started).unwrap_err();
            assert!(
                error.contains(&started_as.to_string()) && error.contains("stop"),
                "{error}"
            );
            let back = stop_plan(asked, &["stop"], &started, &[&first]);
            let after = done(&back, &started);
            assert_eq!(
                comparable(&after.state),
                comparable(&before.state),
                "started as {started_as}, stopped as {asked}"
            );
        }
    }
}

#[test]
fn a_pair_of_the_administrators_outlives_stop() {
    let before = host(0);
    let pair = Loopback::Add(Pair(0)).desire(&before).unwrap();
    let before = done(&planned(&pair, &before), &before);
    let first = start_plan(Generation::Netloop, &["start"], &before).unwrap();
    let started = done(&first, &before);
    let back = stop_plan(Generation::Netloop, &["stop"], &started, &[&first]);
    let after = done(&back, &started);
    assert_eq!(comparable(&after.state), comparable(&before.state));
    let pair = Loopback::Remove(Pair(0)).desire(&after).unwrap();
    let after = done(&planned(&pair, &after), &after);
    assert!(!after.state.links.contains_key(&name("vif0.0")));
}
