//! Small worlds where names collide, and what somebody may want of them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::name::{IfName, Mac};
use crate::state::{
    Address, BridgeOptions, Carriage, Desired, Forged, Guard, Link, LinkKind, LinkSysctl, Managed,
    Moment, NetState, NodePath, NodeValue, Observed, Origin, Passage, PeerEnd, Place, PortVlans,
    Route, WantedLink, WantedNode,
};

const NAMES: [&str; 5] = ["a", "b", "br0", "br1", "vif1.0"];

fn name() -> impl Strategy<Value = IfName> {
    prop::sample::select(&NAMES[..]).prop_map(|n| n.parse().unwrap())
}

fn mac() -> impl Strategy<Value = Mac> {
    prop::sample::select(&[Mac([2, 0, 0, 0, 0, 1]), Mac::QUIET][..])
}

fn kind() -> impl Strategy<Value = LinkKind> {
    prop_oneof![
        Just(LinkKind::Bridge(BridgeOptions::XEN)),
        (0..2u16).prop_map(|first| LinkKind::Bridge(BridgeOptions {
            filters: Some(first),
            ..BridgeOptions::XEN
        })),
        Just(LinkKind::Other("vif".into())),
        Just(LinkKind::Veth(PeerEnd {
            name: String::new(),
            netns: None,
            mac: None
        })),
    ]
}

fn address(link: IfName) -> impl Strategy<Value = Address> {
    prop::sample::select(&["10.0.0.1/24", "10.0.0.2/24", "2001:db8::1/64"][..])
        .prop_map(move |net| Address::new(link.clone(), net.parse().unwrap()))
}

fn vlans() -> impl Strategy<Value = PortVlans> {
    let others = prop::sample::select(&[Carriage::Tagged, Carriage::Untagged][..]);
    let others = prop::collection::btree_map(1..6u16, others, 0..4);
    (others, prop::option::of(1..6u16)).prop_map(|(mut vlans, own)| {
        vlans.extend(own.map(|own| (own, Carriage::Own)));
        vlans
    })
}

pub fn observed() -> impl Strategy<Value = Observed> {
    let links = prop::collection::btree_map(
        name(),
        (
            kind(),
            any::<bool>(),
            mac(),
            prop::sample::select(&[1500u32, 9000][..]),
            prop::option::of(name()),
        ),
        0..5,
    );
    (
        links,
        prop::collection::btree_set(name().prop_flat_map(address), 0..4),
        any::<bool>(),
        0..3usize,
        prop::collection::vec(vlans(), NAMES.len()),
        (
            prop::collection::btree_map(name(), guard(), 0..3),
            prop::collection::btree_map(name(), passage(), 0..3),
        ),
    )
        .prop_map(|(links, addresses, ipv6, routes, mut carried, filters)| {
            let (guards, passages) = filters;
            let mut state = NetState::default();
            let passages = passages.into_iter();
            state
                .passages
                .extend(passages.filter_map(|(name, passage)| Some((name, passage?))));
            let guards = guards.into_iter();
            state
                .guards
                .extend(guards.filter_map(|(name, guard)| Some((name, guard?))));
            if ipv6 {
                let begins = LinkSysctl::ipv6(&"default".parse().unwrap(), "accept_ra");
                state.sysctls.insert(begins, "1".into());
            }
            let bridges: BTreeSet<IfName> = links
                .iter()
                .filter(|(_, l)| l.0.is_bridge())
                .map(|(n, _)| n.clone())
                .collect();
            for (name, (kind, up, mac, mtu, master)) in links {
                let master = master.filter(|m| bridges.contains(m) && !kind.is_bridge());
                if ipv6 {
                    state
                        .sysctls
                        .insert(LinkSysctl::ipv6(&name, "accept_ra"), "1".into());
                }
                state.links.insert(
                    name,
                    Link {
                        up,
                        mac: Some(mac),
                        mtu,
                        master,
                        ..Link::of(kind)
                    },
                );
            }
            for (name, link) in &state.links {
                let bridge = link.master.as_ref().and_then(|name| state.links.get(name));
                if bridge.is_some_and(|bridge| bridge.kind.first_vlans().is_some()) {
                    let carried = carried.pop().unwrap_or_default();
                    state.vlans.insert(name.clone(), carried);
                }
            }
            state.addresses = addresses
                .into_iter()
                .filter(|a| state.links.contains_key(&a.link))
                .collect();
            let up: Vec<IfName> = state
                .links
                .iter()
                .filter(|(_, l)| l.up)
                .map(|(n, _)| n.clone())
                .collect();
            for link in up.into_iter().take(routes) {
                let (to, via) = (
                    "198.51.100.0/24".parse().unwrap(),
                    "10.0.0.7".parse().unwrap(),
                );
                state.routes.insert(Route::via(to, via, link));
            }
            Observed::host(state)
        })
}

fn passage() -> impl Strategy<Value = Option<Passage>> {
    let passage = (
        prop::sample::select(&["1", "0x10000000"][..]),
        any::<bool>(),
    );
    let passage = passage.prop_map(|(mark, open)| Passage {
        of: "vif1.0".parse().unwrap(),
        place: Place::Bridged,
        mark: mark.parse().unwrap(),
        only: None,
        open,
    });
    prop::option::of(passage)
}

fn guard() -> impl Strategy<Value = Option<Guard>> {
    let lists: [&[&str]; 3] = [&[], &["10.0.0.1/32"], &["10.0.0.0/29", "2001:db8::1/128"]];
    let guard = prop::sample::select(lists.to_vec()).prop_map(|list| {
        let of = "vif1.0".parse().unwrap();
        let allowed = list.iter().map(|net| net.parse().unwrap());
        Guard::new(
            of,
            Place::Bridged,
            Forged::Dropped,
            Mac([2, 0, 0, 0, 0, 1]),
            allowed,
        )
    });
    prop::option::of(guard)
}

fn managed<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Managed<T>> {
    value.prop_flat_map(|v| {
        prop::sample::select(vec![
            Managed::LeaveAlone,
            Managed::Set(v.clone()),
            Managed::Wish(v),
        ])
    })
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![
        2 => Just(Origin::Expected),
        2 => Just(Origin::IfThere),
        2 => Just(Origin::Ours(LinkKind::Bridge(BridgeOptions::XEN))),
    ]
}

fn wanted(link: IfName) -> impl Strategy<Value = WantedLink> {
    (
        origin(),
        prop::option::weighted(0.3, name()),
        managed(any::<bool>()),
        managed(any::<bool>()),
        managed(mac()),
        managed(prop::sample::select(&[1500u32, 9000][..])),
        managed(prop::option::of(name())),
        managed(prop::collection::btree_set(address(link), 0..3)),
        prop::option::weighted(0.3, vlans()),
    )
        .prop_map(
            |(origin, formerly, up, arp, mac, mtu, master, addresses, vlans)| WantedLink {
                formerly: formerly.filter(|_| matches!(origin, Origin::Expected | Origin::IfThere)),
                origin,
                up,
                arp,
                mac,
                mtu,
                master,
                addresses,
                vlans: vlans.map_or(Managed::LeaveAlone, Managed::Set),
                ..WantedLink::new(Origin::Expected)
            },
        )
}

pub fn desired() -> impl Strategy<Value = Desired> {
    let links = prop::collection::btree_set(name(), 0..4).prop_flat_map(|names| {
        names
            .into_iter()
            .map(|n| wanted(n.clone()).prop_map(move |w| (n.clone(), w)))
            .collect::<Vec<_>>()
    });
    let gone = prop::collection::btree_set(name(), 0..2);
    let guards = prop::collection::btree_map(name(), guard(), 0..3);
    let passages = prop::collection::btree_map(name(), passage(), 0..3);
    let filters = (guards, passages);
    (links, gone, filters, any::<bool>()).prop_map(|(links, gone, filters, node)| {
        // 2 is written at another moment than 0.
        let accept_ra = if node { "2" } else { "0" };
        let (guards, passages) = filters;
        let mut desired = Desired {
            guards,
            passages,
            ..Desired::default()
        };
        let mut taken = BTreeSet::new();
        for (name, mut wanted) in links {
            // Two wishes about one link are for the reader of configurations to refuse; so are
            // ports of themselves, and bridges that are ports.
            wanted
                .formerly
                .take_if(|f| *f == name || gone.contains(f) || !taken.insert(f.clone()));
            let of_itself = wanted
                .master
                .wanted()
                .is_some_and(|m| m.as_ref() == Some(&name));
            if of_itself || matches!(wanted.origin, Origin::Ours(_)) {
                wanted.master = Managed::LeaveAlone;
            }
            desired
                .sysctls
                .insert(LinkSysctl::ipv6(&name, "accept_ra"), accept_ra.into());
            desired.links.insert(name, wanted);
        }
        let names: BTreeSet<IfName> = desired.links.keys().cloned().collect();
        desired.gone = gone
            .into_iter()
            .filter(|name| {
                // A link that is wanted and goes is another such fault, unless another gets its name.
                !names.contains(name)
                    || desired.links[name].formerly.is_some()
                    || matches!(desired.links[name].origin, Origin::Ours(_))
            })
            .collect();
        if node {
            desired.nodes.push(WantedNode {
                path: NodePath("b/hotplug-status".into()),
                within: NodePath("b".into()),
                value: NodeValue::text("connected"),
                moment: Moment::AtEnd,
                required: true,
            });
        }
        desired
    })
}
