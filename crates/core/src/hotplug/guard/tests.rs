//! What `ip=` comes to, without a kernel.

use std::collections::BTreeMap;

use super::*;
use crate::hotplug::Command;
use crate::journal::Event;
use crate::plan::Step;
use crate::state::{
    BridgeOptions, Effect, Link, LinkKind, Managed, NetState, NodePath, NodeValue, Origin, Pair,
    WantedLink,
};

const MAC: (&str, &str) = ("mac", "00:16:3e:00:00:01");

fn nodes(pairs: &[(&str, &str)]) -> Nodes {
    let node = |(name, value): &(&str, &str)| {
        let path = NodePath(format!("backend/vif/1/0/{name}"));
        (path, NodeValue::text(*value))
    };
    let read: BTreeMap<_, _> = pairs.iter().map(node).collect();
    Nodes::of(&online(), &read)
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

fn link(name: &str) -> IfName {
    name.parse().unwrap()
}

type Guards = BTreeMap<IfName, Option<Guard>>;

fn guards(
    call: &Invocation,
    pairs: &[(&str, &str)],
    filter: IpFilter,
    found: &[(&str, &Guard)],
) -> Result<Guards, String> {
    let found = found.iter();
    let state = NetState {
        guards: found
            .map(|(n, guard)| (link(n), (*guard).clone()))
            .collect(),
        ..NetState::default()
    };
    let mut desired = Desired::default();
    desire(
        call,
        &nodes(pairs),
        filter,
        &Observed::host(state),
        &mut desired,
    )?;
    Ok(desired.guards)
}

fn of(vif: &str, forged: Forged, allowed: &[&str]) -> Guard {
    let allowed = allowed.iter().map(|word| Guard::net(word).unwrap());
    let mac = MAC.1.parse().unwrap();
    Guard::new(link(vif), Place::Bridged, forged, mac, allowed)
}

#[test]
fn a_list_is_enforced_or_logged() {
    let list = ("ip", " 192.0.2.7  2001:db8::7 198.51.100.8/29 ");
    let words = ["192.0.2.7", "2001:db8::7", "198.51.100.8/29"];
    for (filter, forged) in [
        (IpFilter::Enforce, Some(Forged::Dropped)),
        (IpFilter::Log, Some(Forged::Logged)),
        (IpFilter::AcceptOnly, None),
        (IpFilter::Off, None),
    ] {
        let expected = forged.map(|forged| (link("vif1.0"), Some(of("vif1.0", forged, &words))));
        let got = guards(&online(), &[list, MAC], filter, &[]);
        assert_eq!(got, Ok(expected.into_iter().collect()), "{filter:?}");
    }
    // It is the name that the link is to have.
    let named = [list, MAC, ("vifname", "web")];
    let got = guards(&online(), &named, IpFilter::Enforce, &[]).unwrap();
    assert_eq!(got.keys().map(IfName::as_str).collect::<Vec<_>>(), ["web"]);
}

/// vif-nat is of IPv4, and gives a guest an address that has none.
#[test]
fn a_guest_behind_nat_may_use_what_it_is_given() {
    let nat = Invocation {
        script: Script::VifNat,
        ..online()
    };
    for (list, allowed) in [
        ("2001:db8::7", ["10.0.1.1", "2001:db8::7"]),
        (
            "192.168.7.10/24 2001:db8::7",
            ["192.168.7.10", "2001:db8::7"],
        ),
    ] {
        let mut guard = of("vif1.0", Forged::Dropped, &allowed);
        guard.place = Place::Routed;
        let got = guards(&nat, &[("ip", list), MAC], IpFilter::Enforce, &[]);
        assert_eq!(got, Ok([(link("vif1.0"), Some(guard))].into()));
    }
}

#[test]
fn what_cannot_be_enforced_is_an_error_that_names_it() {
    for (pairs, word) in [
        (
            &[("ip", "192.0.2.7 192.0.2.300"), MAC][..],
            "\"192.0.2.300\"",
        ),
        (&[("ip", "192.0.2.0/33"), MAC][..], "192.0.2.0/33"),
        (&[("ip", "10.0.0.1,10.0.0.2"), MAC][..], "10.0.0.1,10.0.0.2"),
        (&[("ip", "192.0.2.7")][..], "backend/vif/1/0/mac"),
        (&[("ip", "192.0.2.7"), ("mac", "1:2:3")][..], "1:2:3"),
    ] {
        let text = guards(&online(), pairs, IpFilter::Enforce, &[]).unwrap_err();
        assert!(text.contains(word), "{text}");
        // Whoever is not held to it may write anything, as ever.
        assert!(guards(&online(), pairs, IpFilter::Off, &[]).is_ok());
        assert!(guards(&offline(), pairs, IpFilter::Enforce, &[]).is_ok());
    }
}

#[test]
fn a_guard_goes_with_its_own_vif() {
    let ours = of("vif1.0", Forged::Dropped, &["192.0.2.7"]);
    let other = of("vif2.0", Forged::Dropped, &["192.0.2.8"]);
    let named = [("vifname", "web")];
    let found = [("vif1.0", &ours), ("web", &other)];
    let gone = Guards::from([(link("vif1.0"), None)]);
    assert_eq!(
        guards(&offline(), &named, IpFilter::Enforce, &found),
        Ok(gone)
    );
    // A list that is no longer enforced.
    let now_off = guards(
        &online(),
        &[("ip", "192.0.2.7"), MAC],
        IpFilter::Off,
        &found[..1],
    );
    assert_eq!(now_off, Ok(Guards::from([(link("vif1.0"), None)])));
}

#[test]
fn guards_are_looked_up_only_where_there_may_be_one() {
    let names = |call, pairs: &[(&str, &str)]| -> Vec<String> {
        let scope = scope(&call, &nodes(pairs), &Given::default()).unwrap();
        scope.iter().map(IfName::to_string).collect()
    };
    assert_eq!(names(online(), &[]), [""; 0]);
    assert_eq!(names(online(), &[("ip", "192.0.2.7")]), ["vif1.0"]);
    assert_eq!(names(offline(), &[]), ["vif1.0"]);
    assert_eq!(names(offline(), &[MAC]), [""; 0]);
    assert_eq!(names(offline(), &[MAC, ("ip", "192.0.2.7")]), ["vif1.0"]);
    assert_eq!(names(offline(), &[("vifname", "web")]), ["vif1.0", "web"]);
}

#[test]
fn what_a_vif_was_held_to_is_looked_up_whatever_is_said_of_it_later() {
    let guard = of("vif1.0", Forged::Dropped, &["192.0.2.7"]);
    let step = |from, to| {
        let (port, change) = (link("web"), Pair { from, to });
        Step::required(Effect::ChangeGuard { port, change })
    };
    let given = |step| {
        Given::of(&[Event::Announced {
            subject: "vif1.0 online".into(),
            steps: vec![step],
        }])
    };
    let came = given(step(None, Some(guard.clone())));
    let names = |call, given| scope(&call, &nodes(&[MAC]), given).unwrap();
    assert_eq!(names(offline(), &came), BTreeSet::from([link("web")]));
    assert_eq!(names(online(), &came), BTreeSet::from([link("web")]));
    let went = given(step(Some(guard), None));
    assert_eq!(names(offline(), &went), BTreeSet::new());
}

#[test]
fn a_list_that_no_table_can_enforce_is_refused() {
    let switch = Invocation {
        script: Script::VifOpenvswitch,
        ..online()
    };
    let store = [("ip", "192.0.2.7"), MAC];
    let refused = guards(&switch, &store, IpFilter::Enforce, &[]).unwrap_err();
    assert!(refused.contains("Open vSwitch"), "{refused}");
    assert_eq!(
        guards(&switch, &store, IpFilter::Off, &[]),
        Ok(Guards::new())
    );
    assert_eq!(
        guards(&switch, &[MAC], IpFilter::Enforce, &[]),
        Ok(Guards::new())
    );
}

#[test]
fn a_bridge_may_hold_its_guests_whatever_the_file_says() {
    for (alias, held) in [
        (None, false),
        (Some("xenwire made for eth0"), false),
        (Some("xenwire made for eth0 antispoof"), true),
        (Some("antispoof"), false),
    ] {
        let bridge = Link {
            up: true,
            alias: alias.map(str::to_owned),
            ..Link::of(LinkKind::Bridge(BridgeOptions::XEN))
        };
        let state = NetState {
            links: [(link("br0"), bridge)].into(),
            ..NetState::default()
        };
        let mut port = WantedLink::new(Origin::Expected);
        port.master = Managed::Set(Some(link("br0")));
        let mut desired = Desired::default();
        desired.links.insert(link("vif1.0"), port);
        let observed = Observed::host(state);
        let nodes = nodes(&[MAC, ("ip", "192.0.2.7")]);
        desire(&online(), &nodes, IpFilter::Off, &observed, &mut desired).unwrap();
        let guard = desired.guards.get(&link("vif1.0"));
        assert_eq!(guard.is_some(), held, "{alias:?}");
    }
}
