//! What `xenwire boot` and `xenwire uninstall` want, without a kernel.

use super::*;
use crate::config::host_conf::Passing;
use crate::state::{BridgeOptions, ForwardChain, ForwardMark, Link, LinkKind, NetState};

fn link(name: &str) -> IfName {
    name.parse().unwrap()
}

/// A bridge with a guest, a NIC and a guest that is routed.
fn host() -> Observed {
    let mut state = NetState::default();
    let bridge = LinkKind::Bridge(BridgeOptions {
        stp: false,
        forward_delay: 0,
        filters: None,
    });
    let other = || LinkKind::Other("vif".into());
    for (name, kind, master) in [
        ("br0", bridge, None),
        ("eth0", other(), Some("br0")),
        ("vif1.0", other(), Some("br0")),
        ("vif2.0", other(), None),
    ] {
        let link = Link {
            master: master.map(|name| name.parse().unwrap()),
            up: true,
            ..Link::of(kind)
        };
        state.links.insert(name.parse().unwrap(), link);
    }
    Observed::host(state)
}

fn docker() -> Forward {
    Forward {
        chains: [
            (ForwardChain::Ipv4, Gate::Shut),
            (ForwardChain::LegacyIpv4, Gate::Shut),
        ]
        .into(),
        legacy: true,
    }
}

fn conf(forward: Passing) -> HostConf {
    HostConf {
        forward,
        ..HostConf::default()
    }
}

fn ports(wanted: &Wanted, comes: bool) -> Vec<&str> {
    let passages = wanted.desired.passages.iter();
    let passages = passages.filter(|(_, passage)| passage.is_some() == comes);
    passages.map(|(port, _)| port.as_str()).collect()
}

#[test]
fn guests_that_came_before_the_firewall_pass_it() {
    let mark = Some(ForwardMark::default());
    for (forward, is_filtered, expected, rule) in [
        (Passing::Bridged, true, vec!["vif1.0"], Some(mark)),
        (Passing::All, true, vec!["vif1.0", "vif2.0"], Some(mark)),
        (Passing::All, false, vec!["vif2.0"], Some(mark)),
        (Passing::Bridged, false, vec![], None),
        (Passing::Off, true, vec![], Some(None)),
    ] {
        let wanted = open(&conf(forward), &docker(), is_filtered, &host());
        assert_eq!(ports(&wanted, true), expected, "{forward:?} {is_filtered}");
        let rules = &wanted.desired.open;
        let chains = [ForwardChain::Ipv4, ForwardChain::LegacyIpv4];
        let expected = rule.map(|rule| chains.map(|chain| (chain, rule)).into());
        assert_eq!(*rules, expected.unwrap_or_default(), "{forward:?}");
    }
    let none = Forward::default();
    assert_eq!(
        open(&conf(Passing::Bridged), &none, true, &host()),
        Wanted::default()
    );
}

#[test]
fn what_is_left_of_links_that_have_gone_goes() {
    let mut observed = host();
    let passage = Passage {
        of: link("vif9.0"),
        place: Place::Bridged,
        mark: ForwardMark::default(),
        only: None,
        open: true,
    };
    let passages = &mut observed.state.passages;
    passages.insert(link("vif9.0"), passage.clone());
    passages.insert(link("vif1.0"), passage);
    let wanted = open(&conf(Passing::Bridged), &docker(), true, &observed);
    assert_eq!(ports(&wanted, false), ["vif9.0"]);
    let wanted = open(&conf(Passing::Off), &docker(), true, &observed);
    assert_eq!(ports(&wanted, false), ["vif1.0", "vif9.0"]);
    let wanted = shut(&docker(), &observed);
    assert_eq!(ports(&wanted, false), ["vif1.0", "vif9.0"]);
    assert!(wanted.desired.open.values().all(Option::is_none));
    assert!(wanted.notes[0].contains("stops vif1.0 from"), "{wanted:?}");
}
