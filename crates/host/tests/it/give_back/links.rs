//! What is done to links themselves, and what is told of them.

use serde_json::Value;
use xenwire_core::name::{IfName, Mac};
use xenwire_core::state::{Effect, Link, LinkChange, LinkKind, Pair, PeerEnd};

use super::{ip, perform, port, seen, undo};

/// What Debian's tool shows of a link; `None` if it is not there.
fn shown(name: &str) -> Option<Value> {
    let links: Vec<Value> = serde_json::from_str(&ip(&["-json", "link", "show"])).unwrap();
    links.into_iter().find(|link| link["ifname"] == name)
}

fn has_flag(name: &str, flag: &str) -> bool {
    let link = shown(name).unwrap();
    let flags = link["flags"].as_array().unwrap();
    flags.iter().any(|found| found == flag)
}

/// Each is taken, and given back.
pub fn flags() -> usize {
    let off = Pair {
        from: true,
        to: false,
    };
    let changes = [
        (LinkChange::Arp(off.clone()), "NOARP", true),
        (LinkChange::Multicast(off), "MULTICAST", false),
    ];
    let count = changes.len();
    for (change, flag, is_there) in changes {
        let change = Effect::ChangeLink {
            name: port(),
            change,
        };
        perform([change.clone(), change.clone()]);
        assert_eq!(has_flag("port", flag), is_there, "{change}");
        perform([undo(&change)]);
        assert_eq!(has_flag("port", flag), !is_there, "{change}");
    }
    count
}

/// Both ends are made with the MACs that are asked for, and go together.
pub fn pair() -> usize {
    let mac = |last| Mac([2, 0, 0, 0, 7, last]);
    let peer = PeerEnd {
        name: "end".into(),
        netns: None,
        mac: Some(mac(2)),
    };
    let link = Link {
        kind: LinkKind::Veth(peer),
        mac: Some(mac(1)),
        up: false,
        ..seen().state.links[&port()].clone()
    };
    let name: IfName = "start".parse().unwrap();
    let create = Effect::CreateLink {
        name: name.clone(),
        link,
    };
    for _ in 0..2 {
        perform([create.clone()]);
        let found = seen();
        let end: IfName = "end".parse().unwrap();
        assert_eq!(found.state.links[&name].mac, Some(mac(1)));
        assert_eq!(found.state.links[&end].mac, Some(mac(2)));
        assert_eq!(shown("start").unwrap()["address"], "02:00:00:00:07:01");
        assert_eq!(shown("end").unwrap()["address"], "02:00:00:00:07:02");
        assert_eq!(shown("end").unwrap()["link"], "start");
        perform([undo(&create)]);
        assert_eq!((shown("start"), shown("end")), (None, None));
    }
    2
}

/// A cable is not wireless and sits on nothing; a macvlan sits on its link.
pub fn facts() -> usize {
    let found = seen();
    let upper: IfName = "upper".parse().unwrap();
    assert!(!found.facts[&port()].wireless);
    assert_eq!(found.facts[&port()].lower, None);
    assert_eq!(found.facts[&upper].lower, Some(port()));
    found.facts.len()
}
