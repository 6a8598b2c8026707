//! Drawings: golden ones in `cases/show`, and what must hold for every topology.
//! `XENWIRE_BLESS=1` writes the expected texts anew; the diff is to be read.
#![expect(
    clippy::disallowed_methods,
    reason = "golden files are read here, not in the crate"
)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use xenwire_core::name::{DevId, DomId, IfName, Mac, VifId};
use xenwire_core::show::{
    Bridge, Domain, GuestNic, Nic, Port, PortKind, Routed, Topology, Version, draw,
};

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/show");
    let mut seen = 0;
    for case in fs::read_dir(folder).unwrap() {
        let case = case.unwrap().path();
        let text = fs::read_to_string(case.join("topology.json")).unwrap();
        let topology: Topology = serde_json::from_str(&text).unwrap();
        for width in [80, 120] {
            let drawn = draw(&topology, width);
            let golden = case.join(format!("expected-{width}.txt"));
            if std::env::var_os("XENWIRE_BLESS").is_some() {
                fs::write(&golden, &drawn).unwrap();
            }
            let expected = fs::read_to_string(&golden).unwrap();
            assert!(
                drawn == expected,
                "{}: drawn\n{drawn}\nexpected\n{expected}",
                golden.display()
            );
        }
        seen += 1;
    }
    assert!(seen >= 6, "only {seen} cases found");
}

#[test]
fn json_says_its_version_and_refuses_others() {
    let json = serde_json::to_value(Topology::default()).unwrap();
    assert_eq!(json["version"], 1);
    let other = r#"{"version": 2, "host": "x"}"#;
    let refused = serde_json::from_str::<Topology>(other)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("version 2"), "{refused}");
}

/// Names that collide, names of every length, names that want to do harm.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("foo".to_owned()),
        "[a-z0-9.-]{1,40}",
        "\\PC{0,12}",
        Just("\x1b[2J\n".to_owned())
    ]
}

fn if_name() -> impl Strategy<Value = IfName> {
    "[a-z][a-z0-9]{0,14}".prop_map(|s| s.parse().unwrap())
}

fn vif() -> impl Strategy<Value = VifId> {
    let domid = prop_oneof![4 => 1u16..8, 1 => any::<u16>()];
    (domid, 0u32..4).prop_map(|(d, n)| VifId::new(DomId(d), DevId(n)).unwrap())
}

fn addresses() -> impl Strategy<Value = Vec<ipnet::IpNet>> {
    let one = prop_oneof![
        Just("10.0.0.1/24"),
        Just("192.168.100.100/32"),
        Just("2001:db8:1234:5678:9abc:def0:1234:5678/128")
    ];
    prop::collection::vec(one.prop_map(|s| s.parse().unwrap()), 0..5)
}

fn port() -> impl Strategy<Value = Port> {
    let vif = || vif().prop_map(|v| (v.link(), PortKind::Vif(v)));
    let named = (
        if_name(),
        prop_oneof![Just(PortKind::Nic), Just(PortKind::Other)],
    );
    let renamed = (if_name(), super_vif());
    (
        prop_oneof![3 => vif(), 1 => named, 1 => renamed],
        any::<bool>(),
    )
        .prop_map(|((name, kind), up)| Port {
            name,
            kind,
            up,
            end: None,
        })
}

fn super_vif() -> impl Strategy<Value = PortKind> {
    vif().prop_map(PortKind::Vif)
}

fn topology() -> impl Strategy<Value = Topology> {
    let bridge = (
        if_name(),
        any::<bool>(),
        addresses(),
        prop::collection::vec(port(), 0..6),
    )
        .prop_map(|(name, up, addresses, ports)| Bridge {
            name,
            up,
            addresses,
            ports,
        });
    let nic = (if_name(), any::<bool>(), addresses()).prop_map(|(name, up, addresses)| Nic {
        name,
        mac: Mac([2; 6]),
        up,
        addresses,
    });
    let routed = (vif(), any::<bool>(), addresses()).prop_map(|(vif, up, addresses)| Routed {
        name: vif.link(),
        vif,
        up,
        addresses,
    });
    let guest_nic = (text(), vif(), addresses()).prop_map(|(name, vif, addresses)| GuestNic {
        name,
        vif,
        mac: Mac([0, 0x16, 0x3e, 0, 0, 2]),
        addresses,
    });
    let domain = (1u16..9, text(), prop::collection::vec(guest_nic, 0..4)).prop_map(
        |(domid, name, nics)| Domain {
            domid: DomId(domid),
            name,
            nics,
        },
    );
    (
        text(),
        prop::collection::vec(nic, 0..3),
        prop::collection::vec(bridge, 0..4),
        prop::collection::vec(routed, 0..3),
        prop::collection::vec(domain, 0..8),
    )
        .prop_map(|(host, nics, bridges, routed, domains)| Topology {
            version: Version,
            host,
            nics,
            bridges,
            routed,
            domains,
        })
}

/// Whether a name stands in the drawing, whole or cut to no fewer than three characters.
fn appears(drawing: &str, name: &str) -> bool {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '?'
            }
        })
        .collect();
    let plain = plain.trim();
    drawing.contains(plain)
        || (3..plain.len()).any(|n| drawing.contains(&format!("{}~", &plain[..n])))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_topology_can_be_drawn(topology in topology(), width in 0usize..200) {
        let drawing = draw(&topology, width);
        for line in drawing.lines() {
            prop_assert!(line.len() <= width.max(40), "{} columns of {width}:\n{drawing}", line.len());
            prop_assert!(line.bytes().all(|b| (0x20..0x7f).contains(&b)), "{line:?}");
            prop_assert_eq!(line.trim_end(), line);
        }
        for bridge in &topology.bridges {
            prop_assert!(appears(&drawing, bridge.name.as_str()), "no {}:\n{drawing}", bridge.name);
            for port in &bridge.ports {
                prop_assert!(appears(&drawing, port.name.as_str()), "no {}:\n{drawing}", port.name);
            }
        }
        for routed in &topology.routed {
            prop_assert!(appears(&drawing, routed.name.as_str()), "no {}:\n{drawing}", routed.name);
        }
        for domain in &topology.domains {
            prop_assert!(appears(&drawing, &domain.name), "no {:?}:\n{drawing}", domain.name);
        }
        prop_assert_eq!(&drawing, &draw(&topology, width), "not stable");
    }
}
