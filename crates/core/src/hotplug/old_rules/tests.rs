//! Whose rules go, and when they are looked for at all.

use super::*;
use crate::hotplug::Command;
use crate::journal::Event;
use crate::name::Mac;
use crate::state::{
    Effect, Link, LinkChange, LinkKind, NetState, NodePath, NodeValue, OldRule, Pair, Passes,
};

fn offline() -> Invocation {
    Invocation {
        command: Command::Offline,
        ..Invocation::from((1, 0))
    }
}

fn gone(ports: &[&str], links: &[(&str, Mac)], vifname: Option<&str>) -> Vec<u32> {
    let mut state = NetState::default();
    for (place, port) in (0..).zip(ports) {
        state.old_rules.insert(OldRule {
            place,
            port: port.parse().unwrap(),
            passes: Passes::FromAnywhere,
            expressions: Vec::new(),
            legacy: false,
        });
    }
    for (name, mac) in links {
        let link = Link {
            up: true,
            mac: Some(*mac),
            ..Link::of(LinkKind::Other("vif".into()))
        };
        state.links.insert(name.parse().unwrap(), link);
    }
    let path = NodePath("backend/vif/1/0/vifname".into());
    let read = vifname.map(|name| (path, NodeValue::text(name)));
    let nodes = Nodes::of(&offline(), &read.into_iter().collect());
    let mut desired = Desired::default();
    super::desire(&offline(), &nodes, &Observed::host(state), &mut desired).unwrap();
    let places = desired.old_rules_gone.iter().map(|rule| rule.place);
    places.collect()
}

#[test]
fn only_a_vif_that_goes_and_that_we_never_saw_is_asked_about() {
    let announced = |effect| {
        let steps = vec![crate::plan::Step::required(effect)];
        let subject = "vif1.0".into();
        Given::of(&[Event::Announced { subject, steps }])
    };
    let ours = announced(Effect::ChangeLink {
        name: "vif1.0".parse().unwrap(),
        change: LinkChange::Up(Pair {
            from: false,
            to: true,
        }),
    });
    let rule = OldRule {
        place: 0,
        port: "vif1.0".parse().unwrap(),
        passes: Passes::To,
        expressions: Vec::new(),
        legacy: false,
    };
    // An offline that was cut off, or was undone.
    let theirs = announced(Effect::DeleteOldRule(rule));
    assert!(may_have(&offline(), &theirs));
    assert!(may_have(&offline(), &Given::default()));
    assert!(!may_have(&offline(), &ours));
    assert!(!may_have(&Invocation::from((1, 0)), &Given::default()));
}

#[test]
fn the_rules_of_this_vif_go_by_both_its_names() {
    let ports = ["vif1.0", "vif11.0", "web0", "vif1.0", "vif1.0-emu"];
    assert_eq!(gone(&ports, &[], None), [0, 3]);
    assert_eq!(gone(&ports, &[], Some("web0")), [0, 2, 3]);
    // Renamed by Xen's scripts, and somebody's NIC.
    assert_eq!(
        gone(&ports, &[("web0", Mac::QUIET)], Some("web0")),
        [0, 2, 3]
    );
    assert_eq!(gone(&ports, &[("web0", Mac([2; 6]))], Some("web0")), [0, 3]);
}
