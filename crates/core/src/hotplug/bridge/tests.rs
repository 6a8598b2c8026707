//! vif-bridge decided on a table of hosts. What the kernel makes of it is tested in the lab.

use std::collections::BTreeMap;

use super::*;
use crate::hotplug::{Command, Device};
use crate::name::Mac;
use crate::plan::{Planned, Refusal, check, plan};
use crate::state::{BridgeOptions, Link, LinkKind, LinkSysctl, NetState, NodePath, NodeValue};

fn link(kind: LinkKind, mac: Mac) -> Link {
    Link {
        up: true,
        mac: Some(mac),
        ..Link::of(kind)
    }
}

fn name(text: &str) -> IfName {
    text.parse().unwrap()
}

/// A host with br0, eth0 as its port, and a fresh vif1.0.
fn host() -> Observed {
    let mut state = NetState::default();
    state.links.insert(
        name("br0"),
        link(
            LinkKind::Bridge(BridgeOptions::XEN),
            Mac([2, 0, 0, 0, 0, 1]),
        ),
    );
    let eth0 = Link {
        master: Some(name("br0")),
        ..link(LinkKind::Other(String::new()), Mac([2, 0, 0, 0, 0, 1]))
    };
    state.links.insert(name("eth0"), eth0);
    state.links.insert(
        name("vif1.0"),
        Link {
            up: false,
            arp: true,
            multicast: true,
            ..link(LinkKind::Other("vif".into()), Mac::QUIET)
        },
    );
    for link in ["br0", "eth0", "vif1.0"] {
        state
            .sysctls
            .insert(LinkSysctl::ipv6(&name(link), "addr_gen_mode"), "0".into());
        state
            .sysctls
            .insert(LinkSysctl::ipv6(&name(link), "accept_ra"), "1".into());
    }
    Observed::host(state)
}

fn nodes(pairs: &[(&str, &str)]) -> BTreeMap<NodePath, NodeValue> {
    pairs
        .iter()
        .map(|(n, v)| {
            (
                NodePath(format!("backend/vif/1/0/{n}")),
                NodeValue::text(*v),
            )
        })
        .collect()
}

/// The steps as text, or the error as xl would show it.
fn steps(
    call: &Invocation,
    mut host: Observed,
    store: &[(&str, &str)],
) -> Result<Vec<String>, String> {
    let read = nodes(store);
    let facts = Nodes::of(call, &read);
    let in_scope = host.within(scope(call, &facts)?);
    host = Observed {
        state: NetState {
            nodes: read,
            ..in_scope.state
        },
        ..in_scope
    };
    let desired = desire(call, &facts, &host)?.desired;
    let Planned { plan, .. } = plan(&desired, &host);
    let plan = plan.map_err(|refusals| {
        refusals
            .iter()
            .map(Refusal::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    })?;
    check(&plan, &desired, &host.state).unwrap();
    Ok(plan
        .steps
        .iter()
        .map(|step| step.effect.to_string())
        .collect())
}

fn online() -> Invocation {
    Invocation::from((1, 0))
}

fn offline() -> Invocation {
    Invocation {
        command: Command::Offline,
        ..online()
    }
}

#[test]
fn online_in_the_order_of_the_contract() {
    assert_eq!(
        steps(
            &online(),
            host(),
            &[("bridge", "br0"), ("hotplug-status", "")]
        )
        .unwrap(),
        [
            "write 0 to net/ipv6/conf/vif1.0/accept_ra (was 1)",
            "write 1 to net/ipv6/conf/vif1.0/addr_gen_mode (was 0)",
            "write \"1500\" to /local/domain/1/device/vif/0/mtu",
            "attach vif1.0 to br0",
            "set vif1.0 up",
            "write \"connected\" to backend/vif/1/0/hotplug-status",
        ]
    );
}

#[test]
fn the_mtu_is_the_stores_else_the_bridges() {
    let mut jumbo = host();
    jumbo.state.links.get_mut(&name("br0")).unwrap().mtu = 9000;
    let of = |store: &[(&str, &str)]| steps(&online(), jumbo.clone(), store).unwrap().join("\n");
    assert!(of(&[("bridge", "br0")]).contains("MTU of vif1.0 to 9000"));
    assert!(of(&[("bridge", "br0"), ("mtu", "4000")]).contains("MTU of vif1.0 to 4000"));
    assert!(
        of(&[("bridge", "br0"), ("mtu", "4000")])
            .contains("write \"4000\" to /local/domain/1/device/vif/0/mtu")
    );
    assert!(!of(&[("bridge", "br0"), ("mtu", "0")]).contains("MTU"));
    assert!(
        steps(
            &online(),
            jumbo.clone(),
            &[("bridge", "br0"), ("mtu", "many")]
        )
        .unwrap_err()
        .contains("many")
    );
}

#[test]
fn a_used_link_is_made_quiet_first() {
    let mut used = host();
    let vif = used.state.links.get_mut(&name("vif1.0")).unwrap();
    vif.up = true;
    vif.mac = Some(Mac([2, 0, 0, 0, 0, 9]));
    used.state.addresses.insert(crate::state::Address::new(
        name("vif1.0"),
        "10.0.0.1/24".parse().unwrap(),
    ));
    let got = steps(&online(), used, &[("bridge", "br0")]).unwrap();
    assert_eq!(
        got[..4],
        [
            "write 1 to net/ipv6/conf/vif1.0/addr_gen_mode (was 0)",
            "remove 10.0.0.1/24 from vif1.0",
            "set vif1.0 down",
            "set the MAC of vif1.0 to fe:ff:ff:ff:ff:ff (was 02:00:00:00:00:09)"
        ]
    );
    assert_eq!(got[got.len() - 2], "set vif1.0 up");
}

#[test]
fn a_bridge_that_is_not_there_is_named() {
    let error = steps(&online(), host(), &[("bridge", "xenbr0")]).unwrap_err();
    assert!(
        error.starts_with("Could not find bridge device xenbr0"),
        "{error}"
    );
    let error = steps(&online(), host(), &[("bridge", "eth0")]).unwrap_err();
    assert_eq!(error, "eth0 is there, but it is no bridge");
    assert!(
        steps(&online(), host(), &[("bridge", "br0.5:1")])
            .unwrap_err()
            .contains("bridge=")
    );
}

#[test]
fn xenbr0_means_the_bridge_eth0_where_that_is_one() {
    let mut newer = host();
    newer.state.links.get_mut(&name("eth0")).unwrap().kind = LinkKind::Bridge(BridgeOptions::XEN);
    let got = steps(&online(), newer, &[("bridge", "xenbr0")]).unwrap();
    assert!(got.contains(&"attach vif1.0 to eth0".to_owned()));
}

#[test]
fn without_a_bridge_the_first_by_name_is_taken_with_a_warning() {
    assert!(
        steps(&online(), host(), &[])
            .unwrap()
            .contains(&"attach vif1.0 to br0".to_owned())
    );
    let mut two = host();
    two.state.links.insert(
        name("br1"),
        link(LinkKind::Bridge(BridgeOptions::XEN), Mac([2; 6])),
    );
    let wanted = desire(&online(), &Nodes::default(), &two).unwrap();
    assert!(wanted.warnings[0].contains("took br0") && wanted.warnings[0].contains("br1"));
    let none = Observed {
        state: NetState {
            links: BTreeMap::from([(name("vif1.0"), host().state.links[&name("vif1.0")].clone())]),
            ..NetState::default()
        },
        ..host()
    };
    assert_eq!(
        desire(&online(), &Nodes::default(), &none),
        Err("Could not find bridge, and none was specified".into())
    );
}

#[test]
fn a_second_online_changes_nothing() {
    let mut there = host();
    let vif = there.state.links.get_mut(&name("vif1.0")).unwrap();
    (vif.up, vif.master) = (true, Some(name("br0")));
    there.state.sysctls.insert(
        LinkSysctl::ipv6(&name("vif1.0"), "addr_gen_mode"),
        "1".into(),
    );
    there
        .state
        .sysctls
        .insert(LinkSysctl::ipv6(&name("vif1.0"), "accept_ra"), "0".into());
    there.state.nodes = nodes(&[("bridge", "br0"), ("hotplug-status", "connected")]);
    there.state.nodes.insert(
        NodePath("/local/domain/1/device/vif/0/mtu".into()),
        NodeValue::text("1500"),
    );
    let facts = Nodes::of(&online(), &there.state.nodes);
    let desired = desire(&online(), &facts, &there).unwrap().desired;
    assert_eq!(
        plan(&desired, &there).plan,
        Ok(crate::plan::Plan::default())
    );
}

#[test]
fn vifname_renames_and_marks_and_does_so_once() {
    let store = [("bridge", "br0"), ("vifname", "web")];
    let got = steps(&online(), host(), &store).unwrap();
    assert_eq!(
        got[..2],
        ["mark vif1.0 as \"xenwire vif1.0\"", "rename vif1.0 to web"]
    );
    assert!(got.contains(&"write 1 to net/ipv6/conf/web/addr_gen_mode (was 0)".to_owned()));
    assert!(got.contains(&"write \"1500\" to /local/domain/1/device/vif/0/mtu".to_owned()));

    let mut again = host();
    let mut vif = again.state.links.remove(&name("vif1.0")).unwrap();
    vif.alias = Some("xenwire vif1.0".into());
    again.state.links.insert(name("web"), vif);
    assert!(
        !steps(&online(), again, &store)
            .unwrap()
            .iter()
            .any(|s| s.contains("rename"))
    );
}

#[test]
fn vifname_never_takes_somebody_elses_link() {
    let taken = steps(&online(), host(), &[("bridge", "br0"), ("vifname", "eth0")]).unwrap_err();
    assert_eq!(
        taken,
        "Cannot rename interface vif1.0. An interface with name eth0 already exists."
    );
    let mut gone = host();
    gone.state.links.remove(&name("vif1.0"));
    let error = steps(
        &online(),
        gone.clone(),
        &[("bridge", "br0"), ("vifname", "eth0")],
    )
    .unwrap_err();
    assert!(error.contains("belongs to something else"), "{error}");
    assert_eq!(steps(&offline(), gone, &[("vifname", "eth0")]), Ok(vec![]));
    for bad in ["a/b", "vif%d", "x-emu", "lo", "sixteen-bytes-xx"] {
        assert!(
            steps(&online(), host(), &[("bridge", "br0"), ("vifname", bad)])
                .unwrap_err()
                .contains(bad)
        );
    }
}

#[test]
fn offline_takes_the_port_down_and_off_and_says_nothing() {
    let mut there = host();
    let vif = there.state.links.get_mut(&name("vif1.0")).unwrap();
    (vif.up, vif.master) = (true, Some(name("br0")));
    assert_eq!(
        steps(
            &offline(),
            there,
            &[("bridge", "br0"), ("hotplug-status", "connected")]
        )
        .unwrap(),
        ["set vif1.0 down", "detach vif1.0 from br0"]
    );
}

#[test]
fn offline_of_what_is_gone_is_nothing_to_do() {
    let mut gone = host();
    gone.state.links.remove(&name("vif1.0"));
    gone.state.links.remove(&name("br0"));
    assert_eq!(
        steps(&offline(), gone, &[("bridge", "br0"), ("vifname", "a/b")]),
        Ok(vec![])
    );
}

#[test]
fn a_tap_gets_no_status_and_no_frontend_mtu() {
    let mut emulated = host();
    let vif = emulated.state.links.remove(&name("vif1.0")).unwrap();
    emulated.state.links.insert(
        name("vif1.0-emu"),
        Link {
            mac: Some(Mac([2; 6])),
            ..vif
        },
    );
    let tap = Invocation {
        command: Command::Add,
        device: Device::Tap,
        link: name("vif1.0-emu"),
        backend: NodePath("/local/domain/0/backend/vif/1/0".into()),
        bridge: Some("br0".into()),
        ..online()
    };
    let got = steps(&tap, emulated, &[]).unwrap();
    assert!(
        got.iter()
            .all(|step| !step.contains("hotplug-status") && !step.contains("/mtu")),
        "{got:?}"
    );
}

/// br0 filters VLANs and gives its ports VLAN 1.
fn filtering(mut host: Observed) -> Observed {
    let br0 = host.state.links.get_mut(&name("br0")).unwrap();
    br0.kind = LinkKind::Bridge(BridgeOptions {
        filters: Some(1),
        ..BridgeOptions::XEN
    });
    host
}

#[test]
fn a_port_carries_its_vlans_before_it_comes_up() {
    let store = [("bridge", "br0"), ("vlan", "10p/100+10x2")];
    let steps = steps(&online(), filtering(host()), &store).unwrap();
    let from_attach: Vec<&str> = steps
        .iter()
        .map(String::as_str)
        .skip_while(|step| *step != "attach vif1.0 to br0")
        .collect();
    assert_eq!(
        from_attach,
        [
            "attach vif1.0 to br0",
            "take from vif1.0 VLAN 1",
            "give vif1.0 VLAN 100, tagged",
            "give vif1.0 VLAN 110, tagged",
            "give vif1.0 VLAN 120, tagged",
            "give vif1.0 VLAN 10 as its own",
            "set vif1.0 up",
            "write \"connected\" to backend/vif/1/0/hotplug-status",
        ]
    );
}

#[test]
fn online_again_changes_only_the_vlans_that_differ() {
    let mut again = filtering(host());
    let vif = again.state.links.get_mut(&name("vif1.0")).unwrap();
    vif.master = Some(name("br0"));
    vif.up = true;
    let carried = [(10, Carriage::Own), (20, Carriage::Tagged)].into();
    again.state.vlans.insert(name("vif1.0"), carried);
    let told = |vlan| {
        steps(
            &online(),
            again.clone(),
            &[("bridge", "br0"), ("vlan", vlan)],
        )
        .unwrap()
    };
    let is_of_vlans = |step: &String| step.contains("VLAN");
    assert!(!told("10p/20").iter().any(is_of_vlans));
    let changed: Vec<String> = told("10p/30").into_iter().filter(is_of_vlans).collect();
    assert_eq!(
        changed,
        ["take from vif1.0 VLAN 20", "give vif1.0 VLAN 30, tagged"]
    );
}

#[test]
fn what_leaves_its_bridge_takes_the_vlans_off_first_so_that_undoing_gives_them_again() {
    let mut gone = filtering(host());
    let vif = gone.state.links.get_mut(&name("vif1.0")).unwrap();
    vif.master = Some(name("br0"));
    vif.up = true;
    let carried = [(10, Carriage::Own)].into();
    gone.state.vlans.insert(name("vif1.0"), carried);
    assert_eq!(
        steps(&offline(), gone, &[("bridge", "br0"), ("vlan", "10")]).unwrap(),
        [
            "set vif1.0 down",
            "take from vif1.0 VLAN 10",
            "give vif1.0 VLAN 1 as its own",
            "detach vif1.0 from br0",
        ]
    );
}

#[test]
fn vlans_need_a_bridge_that_filters_them_and_numbers_that_there_are() {
    let error =
        |host, vlan| steps(&online(), host, &[("bridge", "br0"), ("vlan", vlan)]).unwrap_err();
    let plain = error(host(), "10");
    assert!(plain.contains("br0 does not filter VLANs"), "{plain}");
    let wrong = error(filtering(host()), "10/4095");
    assert!(wrong.contains("vlan=\"10/4095\""), "{wrong}");
}

#[test]
fn an_mtu_that_leaves_no_room_for_ipv6_leaves_its_settings_alone() {
    let got = |mtu| steps(&online(), host(), &[("bridge", "br0"), ("mtu", mtu)]).unwrap();
    let settings = |mtu| got(mtu).iter().filter(|s| s.contains("net/ipv6")).count();
    assert_eq!((settings("1279"), settings("1280")), (0, 2));
    // A vif that is up goes down on the way and makes no address then; in the end there is nothing
    // to be written back.
    let mut up = host();
    let vif = up.state.links.get_mut(&name("vif1.0")).unwrap();
    vif.up = true;
    vif.mac = Some(Mac([2, 0, 0, 0, 0, 9]));
    let got = steps(&online(), up, &[("bridge", "br0"), ("mtu", "1279")]).unwrap();
    let settings: Vec<&String> = got.iter().filter(|s| s.contains("addr_gen_mode")).collect();
    let once = "write 1 to net/ipv6/conf/vif1.0/addr_gen_mode (was 0)";
    assert_eq!(settings, [once]);
}

#[test]
fn a_value_that_is_not_text_is_refused_and_not_taken_as_missing() {
    for node in ["bridge", "vifname", "mtu"] {
        let mut read = nodes(&[("bridge", "br0")]);
        let path = NodePath(format!("backend/vif/1/0/{node}"));
        read.insert(path, NodeValue(b"br\xff".to_vec()));
        let facts = Nodes::of(&online(), &read);
        let refused = scope(&online(), &facts).and_then(|_| desire(&online(), &facts, &host()));
        assert!(refused.unwrap_err().contains("br\u{fffd}"), "{node}");
    }
}
