//! vif-route and vif-nat decided on a table of hosts. What the kernel makes of it is tested with
//! the command.

use std::net::IpAddr;

use super::*;
use crate::name::{IfName, Mac};
use crate::plan::{Planned, Step, check, plan};
use crate::state::{
    Address, Effect, Family, Link, LinkKind, LinkSysctl, NetState, NodePath, NodeValue, Route,
};

fn name(text: &str) -> IfName {
    text.parse().unwrap()
}

fn link(kind: &str, mac: Mac) -> Link {
    Link {
        up: kind.is_empty(),
        mac: Some(mac),
        ..Link::of(LinkKind::Other(kind.into()))
    }
}

/// A router with eth0, and a fresh vif1.0.
fn host() -> Observed {
    let mut state = NetState::default();
    let eth0 = name("eth0");
    let mac = Mac([0x52, 0x54, 0, 0, 0, 1]);
    state.links.insert(eth0.clone(), link("", mac));
    state.links.insert(name("vif1.0"), link("vif", Mac::QUIET));
    for net in ["192.0.2.10/24", "2001:db8:0:2::10/64"] {
        let address = Address::new(eth0.clone(), net.parse().unwrap());
        state.addresses.insert(address);
    }
    for link in ["eth0", "vif1.0"].map(name) {
        for (family, setting, value) in [
            (Family::Ipv4, "proxy_arp", "0"),
            (Family::Ipv6, "proxy_ndp", "0"),
            (Family::Ipv6, "disable_ipv6", "0"),
            (Family::Ipv6, "addr_gen_mode", "0"),
            (Family::Ipv6, "accept_ra", "1"),
        ] {
            let key = LinkSysctl::conf(&link, family, setting);
            state.sysctls.insert(key, value.into());
        }
    }
    for family in [Family::Ipv4, Family::Ipv6] {
        let forwarding = LinkSysctl::of_host(("all", family, "forwarding"));
        state.sysctls.insert(forwarding, "1".into());
    }
    let proxy_ndp = LinkSysctl::of_host(("all", Family::Ipv6, "proxy_ndp"));
    state.sysctls.insert(proxy_ndp, "0".into());
    let mut host = Observed::host(state);
    host.facts.get_mut(&eth0).unwrap().addresses = vec![
        "192.0.2.10/24".parse().unwrap(),
        "2001:db8:0:2::10/64".parse().unwrap(),
    ];
    host
}

fn call(script: Script, command: Command) -> Invocation {
    Invocation {
        script,
        command,
        ..Invocation::from((1, 0))
    }
}

fn nodes(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<NodePath, NodeValue> {
    let node = |(name, value): &(&str, &str)| {
        let path = NodePath(format!("backend/vif/1/0/{name}"));
        (path, NodeValue::text(*value))
    };
    pairs.iter().map(node).collect()
}

/// The steps and the warnings, or the text of hotplug-error.
fn decided(
    call: &Invocation,
    host: &Observed,
    store: &[(&str, &str)],
    given: &Given,
) -> Result<(Vec<Step>, Vec<String>), String> {
    let read = nodes(store);
    let told = Nodes::of(call, &read);
    let mut seen = host.within(scope(call, &told, given)?);
    seen.state.nodes = read;
    let Wanted { desired, warnings } = desire(call, &told, given, &seen)?;
    let Planned { plan, report } = plan(&desired, &seen);
    let plan = plan.unwrap();
    check(&plan, &desired, &seen.state).unwrap();
    let skipped = report.skipped.iter().map(ToString::to_string);
    Ok((plan.steps, warnings.into_iter().chain(skipped).collect()))
}

fn texts(steps: &[Step]) -> Vec<String> {
    steps.iter().map(|step| step.effect.to_string()).collect()
}

/// The host when these steps are done.
fn after(host: &Observed, steps: &[Step]) -> Observed {
    let mut host = host.clone();
    for step in steps {
        if step.effect.is_kernel() {
            host.state.apply(&step.effect).unwrap();
        }
    }
    host
}

const BOTH: (&str, &str) = ("ip", "203.0.113.5 203.0.113.8/29 2001:db8:0:2::5");

#[test]
fn vif_route_online() {
    let online = call(Script::VifRoute, Command::Online);
    let (steps, warnings) = decided(&online, &host(), &[BOTH], &Given::default()).unwrap();
    assert_eq!(
        texts(&steps),
        [
            "write 1 to net/ipv6/conf/eth0/proxy_ndp (was 0)",
            "write 1 to net/ipv4/conf/vif1.0/proxy_arp (was 0)",
            "write 0 to net/ipv6/conf/vif1.0/accept_ra (was 1)",
            "write 1 to net/ipv6/conf/vif1.0/addr_gen_mode (was 0)",
            "write 1 to net/ipv6/conf/vif1.0/proxy_ndp (was 0)",
            "set vif1.0 up",
            "add 192.0.2.10/32 to vif1.0",
            "add 2001:db8:0:2::10/128 to vif1.0",
            "add fe80::fcff:ffff:feff:ffff/64 to vif1.0",
            "add the route to 203.0.113.5/32 by vif1.0",
            "add the route to 203.0.113.8/29 by vif1.0",
            "add the route to 2001:db8:0:2::5/128 by vif1.0",
            "add the neighbour 2001:db8:0:2::5 to eth0",
            "write \"connected\" to backend/vif/1/0/hotplug-status",
        ]
    );
    assert_eq!(warnings, [""; 0]);
    let routes = steps.iter().filter_map(|step| match &step.effect {
        Effect::AddRoute(route) => Some(route),
        _ => None,
    });
    for route in routes {
        assert_eq!(route.metric, 2);
        let source = route.source.map(|source| source.to_string());
        let is_v4 = route.to.addr().is_ipv4();
        assert_eq!(source.as_deref(), is_v4.then_some("192.0.2.10"));
    }
}

#[test]
fn a_second_online_only_says_so() {
    let online = call(Script::VifRoute, Command::Online);
    let (steps, _) = decided(&online, &host(), &[BOTH], &Given::default()).unwrap();
    let done = after(&host(), &steps);
    let (again, _) = decided(&online, &done, &[BOTH], &Given::default()).unwrap();
    assert_eq!(
        texts(&again),
        ["write \"connected\" to backend/vif/1/0/hotplug-status"]
    );
}

#[test]
fn another_list_takes_the_place_of_the_first() {
    let online = call(Script::VifRoute, Command::Online);
    let (steps, _) = decided(&online, &host(), &[BOTH], &Given::default()).unwrap();
    let done = after(&host(), &steps);
    let given = given_by(&steps);
    let list = [("ip", "203.0.113.6 2001:db8:0:2::6")];
    let (again, _) = decided(&online, &done, &list, &given).unwrap();
    assert_eq!(
        texts(&again),
        [
            "remove the neighbour 2001:db8:0:2::5 from eth0",
            "remove the route to 203.0.113.5/32 by vif1.0",
            "remove the route to 203.0.113.8/29 by vif1.0",
            "remove the route to 2001:db8:0:2::5/128 by vif1.0",
            "add the route to 203.0.113.6/32 by vif1.0",
            "add the route to 2001:db8:0:2::6/128 by vif1.0",
            "add the neighbour 2001:db8:0:2::6 to eth0",
            "write \"connected\" to backend/vif/1/0/hotplug-status",
        ]
    );
}

fn given_by(steps: &[Step]) -> Given {
    Given::of(&[crate::journal::Event::Announced {
        subject: "vif1.0 online".into(),
        steps: steps.to_vec(),
    }])
}

#[test]
fn offline_leaves_nothing() {
    let online = call(Script::VifRoute, Command::Online);
    let (steps, _) = decided(&online, &host(), &[BOTH], &Given::default()).unwrap();
    let given = given_by(&steps);
    let offline = call(Script::VifRoute, Command::Offline);
    // The uplink has lost its address, and the store is empty: none of them is asked.
    let mut bare = after(&host(), &steps);
    bare.state.addresses.retain(|a| a.link != name("eth0"));
    bare.facts.get_mut(&name("eth0")).unwrap().addresses.clear();
    let (gone, warnings) = decided(&offline, &bare, &[], &given).unwrap();
    let left = after(&bare, &gone).state;
    assert!(left.neighbours.is_empty() && left.routes.is_empty());
    assert!(left.addresses.is_empty() && !left.links[&name("vif1.0")].up);
    let proxy_arp = LinkSysctl::conf(&name("vif1.0"), Family::Ipv4, "proxy_arp");
    assert_eq!(left.sysctls[&proxy_arp], "0");
    assert_eq!(warnings, [""; 0]);
    // The vif has gone, and with it all but what eth0 was given.
    let mut gone = after(&host(), &steps);
    let vif = name("vif1.0");
    gone.state.links.remove(&vif);
    gone.state.addresses.retain(|a| a.link != vif);
    gone.state.routes.clear();
    let (steps, warnings) = decided(&offline, &gone, &[], &given).unwrap();
    assert_eq!(
        texts(&steps),
        ["remove the neighbour 2001:db8:0:2::5 from eth0"]
    );
    assert_eq!(warnings, [""; 0]);
    // So has eth0.
    gone.state.links.remove(&name("eth0"));
    gone.state.neighbours.clear();
    let (steps, _) = decided(&offline, &gone, &[], &given).unwrap();
    assert_eq!(texts(&steps), [""; 0]);
}

/// An entry that the administrator made is not ours to take.
#[test]
fn what_was_there_before_stays() {
    let online = call(Script::VifRoute, Command::Online);
    let (steps, _) = decided(&online, &host(), &[BOTH], &Given::default()).unwrap();
    let entry = given_by(&steps);
    let mut theirs = host();
    theirs.state.neighbours.extend(entry.neighbours);
    let (steps, _) = decided(&online, &theirs, &[BOTH], &Given::default()).unwrap();
    assert!(given_by(&steps).neighbours.is_empty());
}

#[test]
fn a_taps_routes_win_and_its_end_leaves_the_vifs() {
    let mut host = host();
    let tap = name("vif1.0-emu");
    host.state
        .links
        .insert(tap.clone(), link("tun", Mac([2, 0, 0, 0, 0, 7])));
    let disabled = LinkSysctl::ipv6(&tap, "disable_ipv6");
    host.state.sysctls.insert(disabled, "0".into());
    let add = Invocation {
        link: tap,
        device: Device::Tap,
        ..call(Script::VifRoute, Command::Add)
    };
    let (steps, _) = decided(&add, &host, &[BOTH], &Given::default()).unwrap();
    let metrics: Vec<u32> = steps
        .iter()
        .filter_map(|step| match &step.effect {
            Effect::AddRoute(route) => Some(route.metric),
            _ => None,
        })
        .collect();
    assert_eq!(metrics, [1, 1, 1]);
    let texts = texts(&steps);
    assert!(
        !texts.iter().any(|text| text.contains("neighbour")),
        "{texts:?}"
    );
    assert!(
        !texts.iter().any(|text| text.contains("connected")),
        "{texts:?}"
    );
}

#[test]
fn what_cannot_be_had_of_ipv6_is_said_and_left_out() {
    let online = call(Script::VifRoute, Command::Online);
    let list = [(
        "ip",
        "203.0.113.5 2001:db8:1::/64 2001:db8::z 2001:db8:0:2::5/64",
    )];
    let (steps, warnings) = decided(&online, &host(), &list, &Given::default()).unwrap();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].contains("2001:db8::z"));
    assert!(warnings[1].contains("2001:db8:0:2::/64"));
    assert!(warnings[2].contains("2001:db8:1::/64 is a network"));
    let texts = texts(&steps);
    assert!(texts.contains(&"add the route to 2001:db8:1::/64 by vif1.0".to_owned()));
    let mut without = host();
    without
        .state
        .sysctls
        .retain(|key, _| key.family == Family::Ipv4);
    let (steps, warnings) = decided(&online, &without, &[BOTH], &Given::default()).unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("no IPv6"));
    assert!(!texts_of_ipv6(&steps));
    let mut off = host();
    let disabled = LinkSysctl::ipv6(&name("vif1.0"), "disable_ipv6");
    off.state.sysctls.insert(disabled, "1".into());
    let (steps, warnings) = decided(&online, &off, &[BOTH], &Given::default()).unwrap();
    assert!(warnings[0].contains("switched off"), "{warnings:?}");
    assert!(!texts_of_ipv6(&steps));
}

fn texts_of_ipv6(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.effect {
        Effect::AddRoute(route) => route.to.addr().is_ipv6(),
        Effect::AddAddress(address) => address.net.addr().is_ipv6(),
        Effect::AddNeighbour(_) => true,
        _ => false,
    })
}

#[test]
fn what_is_wrong_is_an_error_or_said() {
    let online = call(Script::VifRoute, Command::Online);
    let none = Given::default();
    let error = decided(&online, &host(), &[("ip", "203.0.113.9/29")], &none).unwrap_err();
    assert!(error.contains("203.0.113.8/29"), "{error}");
    let (steps, warnings) = decided(&online, &host(), &[], &none).unwrap();
    assert!(warnings[0].contains("ip= lists nothing"), "{warnings:?}");
    assert!(texts(&steps).contains(&"set vif1.0 up".to_owned()));
    let mut deaf = host();
    for family in [Family::Ipv4, Family::Ipv6] {
        let forwarding = LinkSysctl::of_host(("all", family, "forwarding"));
        deaf.state.sysctls.insert(forwarding, "0".into());
    }
    let (_, warnings) = decided(&online, &deaf, &[BOTH], &none).unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("does not forward IPv4"));
    let mut lost = host();
    lost.facts.get_mut(&name("eth0")).unwrap().addresses.clear();
    let error = decided(&online, &lost, &[BOTH], &none).unwrap_err();
    assert!(error.starts_with("eth0 is not up. Bring it up or specify another interface with netdev=<if> as a parameter to vif-route"), "{error}");
}

#[test]
fn without_eth0_the_default_route_says_which() {
    let mut host = host();
    let (eth0, nic) = (name("eth0"), name("enp3s0"));
    let link = host.state.links.remove(&eth0).unwrap();
    host.state.links.insert(nic.clone(), link);
    let facts = host.facts.remove(&eth0).unwrap();
    host.facts.insert(nic.clone(), facts);
    host.state.rename_settings(|name| {
        if *name == eth0 {
            nic.clone()
        } else {
            name.clone()
        }
    });
    let via: IpAddr = "192.0.2.1".parse().unwrap();
    host.state
        .routes
        .insert(Route::via("0.0.0.0/0".parse().unwrap(), via, nic));
    let online = call(Script::VifRoute, Command::Online);
    assert!(lacks_uplink(&online, &host));
    let found = find_uplink(&online, &host.state).unwrap();
    let (steps, warnings) = decided(&found, &host, &[BOTH], &Given::default()).unwrap();
    assert!(warnings[0].contains("took enp3s0"), "{warnings:?}");
    assert!(texts(&steps).contains(&"add the neighbour 2001:db8:0:2::5 to enp3s0".to_owned()));
    host.state.routes.clear();
    assert!(
        find_uplink(&online, &host.state)
            .unwrap_err()
            .contains("netdev=<if>")
    );
}

#[test]
fn vif_nat_chooses_addresses() {
    let online = call(Script::VifNat, Command::Online);
    let none = Given::default();
    let of = |store: &[(&str, &str)]| {
        let (steps, _) = decided(&online, &host(), store, &none).unwrap();
        let texts = texts(&steps).into_iter();
        texts
            .filter(|text| text.starts_with("add "))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(&[]),
        [
            "add 10.0.1.128/32 to vif1.0",
            "add the route to 10.0.1.1/32 by vif1.0"
        ]
    );
    assert_eq!(
        of(&[("ip", "192.168.7.10/24 192.168.7.11")]),
        [
            "add 192.168.7.137/32 to vif1.0",
            "add the route to 192.168.7.10/32 by vif1.0",
            "add the route to 192.168.7.11/32 by vif1.0",
        ]
    );
    // Where the originals came to 192.168.7.327.
    assert_eq!(
        of(&[("ip", "192.168.7.200")])[0],
        "add 192.168.7.73/32 to vif1.0"
    );
    let (_, warnings) =
        decided(&online, &host(), &[("ip", "10.9.0.1 2001:db8::5")], &none).unwrap();
    assert!(warnings[0].contains("vif-route takes both"), "{warnings:?}");
    let error = decided(&online, &host(), &[("ip", "10.9.0.1 10.9.0.128")], &none).unwrap_err();
    assert!(error.contains("10.9.0.128"), "{error}");
}

#[test]
fn vif_nat_again_and_off() {
    let online = call(Script::VifNat, Command::Online);
    let none = Given::default();
    let (steps, _) = decided(&online, &host(), &[], &none).unwrap();
    let done = after(&host(), &steps);
    let (again, _) = decided(&online, &done, &[], &none).unwrap();
    assert_eq!(
        texts(&again),
        ["write \"connected\" to backend/vif/1/0/hotplug-status"]
    );
    let offline = call(Script::VifNat, Command::Offline);
    let (steps, _) = decided(&offline, &done, &[], &none).unwrap();
    let left = after(&done, &steps).state;
    assert!(left.routes.is_empty() && !left.links[&name("vif1.0")].up);
    assert!(left.addresses.iter().all(|a| a.link == name("eth0")));
}

#[test]
fn vif_nat_tells_the_dhcp_server_and_has_it_forget() {
    let mut online = call(Script::VifNat, Command::Online);
    let none = Given::default();
    let mac = [("mac", "00:16:3e:00:00:01")];
    let mut host = host();
    host.state.dhcp.folder = "/run/d".into();
    let (steps, _) = decided(&online, &host, &mac, &none).unwrap();
    let told = &steps[steps.len() - 2];
    assert_eq!(
        told.effect.to_string(),
        "write 00:16:3e:00:00:01,tag:vif1.0,id:*,10.0.1.1,dom1 to /run/d/hosts/vif1.0"
    );
    host.state.apply(&told.effect).unwrap();
    let (again, _) = decided(&online, &host, &mac, &none).unwrap();
    assert!(!again.iter().any(|step| step.effect == told.effect));
    let forgets = "remove /run/d/hosts/vif1.0".to_owned();
    online.dhcp = Some(false);
    let (without, _) = decided(&online, &host, &mac, &none).unwrap();
    assert!(texts(&without).contains(&forgets));
    // Also of a guest whose link has gone.
    host.state.links.remove(&name("vif1.0"));
    let offline = call(Script::VifNat, Command::Offline);
    let (steps, _) = decided(&offline, &host, &[], &none).unwrap();
    assert_eq!(texts(&steps), [forgets]);
}

#[test]
fn vif_bridge_manual_takes_no_bridge_by_chance() {
    let online = call(Script::VifBridgeManual, Command::Online);
    let error = decided(&online, &host(), &[], &Given::default()).unwrap_err();
    assert!(error.contains("write bridge="), "{error}");
}

#[test]
fn vif_setup_stands_for_the_script_that_is_configured() {
    let parse = |script: Option<&str>| {
        let variable = |name: &str| match name {
            "script" => script.map(str::to_owned),
            "XENBUS_PATH" => Some("backend/vif/1/0".into()),
            "vif" => Some("vif1.0".into()),
            _ => None,
        };
        Invocation::parse(Script::VifSetup, &["online".into()], variable)
    };
    assert_eq!(parse(None).unwrap().script, Script::VifBridge);
    let configured = parse(Some("/etc/xen/scripts/vif-bridge bridge=eth1")).unwrap();
    assert_eq!(configured.script, Script::VifBridge);
    assert_eq!(configured.bridge.as_deref(), Some("eth1"));
    assert_eq!(parse(Some("vif-route")).unwrap().script, Script::VifRoute);
    for other in [
        "/opt/vif-own",
        "vif-setup",
        "/etc/xen/scripts/vif-own bridge=br0",
    ] {
        let quit = parse(Some(other)).unwrap_err();
        assert_eq!(quit.status, 1);
        assert!(quit.reason.unwrap().contains("runs no other"));
    }
}
