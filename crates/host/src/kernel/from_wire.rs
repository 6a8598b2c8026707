//! The kernel's numbers as values. Pure: what is not told is not guessed.
//!
//! Invariant: what only the kernel sets (state bits, remaining seconds) does not come out of here,
//! so that a thing taken away and given again is equal.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use xenwire_core::name::{IfName, Mac};
use xenwire_core::state::{
    Address, Attribute, BridgeOptions, Carriage, Deadline, Family, Hop, Lifetime, Link, LinkFacts,
    LinkKind, LinkSysctl, Neighbour, PeerEnd, Route, RouteKind, Rule,
};
use xenwire_wire as wire;

/// Names of links by index.
pub(super) type Names = BTreeMap<u32, IfName>;

/// RTN_UNICAST.
pub(super) const UNICAST: u8 = 1;

/// RTNH_F_PERVASIVE and RTNH_F_ONLINK; the other bits tell how the link is.
const HOP_SETTINGS: u8 = 0x02 | 0x04;

/// FIB_RULE_INVERT and FIB_RULE_FIND_SADDR; the other bits tell what became of the rule.
const RULE_SETTINGS: u32 = 0x2 | 0x1_0000;

/// NTF_ROUTER; the other bits tell how the entry was learnt.
const NEIGHBOUR_SETTINGS: u8 = 0x80;

pub(super) fn link(link: &wire::Link, names: &Names) -> Link {
    let name_of = |index: &u32| names.get(index).cloned();
    Link {
        kind: match &link.kind {
            Some(wire::Kind::Bridge {
                stp,
                forward_delay,
                filters,
            }) => LinkKind::Bridge(BridgeOptions {
                stp: *stp,
                forward_delay: *forward_delay,
                filters: *filters,
            }),
            Some(wire::Kind::Veth(_)) => {
                let peer = link.lower.as_ref().and_then(name_of);
                let name = peer.map(|name| name.to_string()).unwrap_or_default();
                LinkKind::Veth(PeerEnd {
                    name,
                    netns: None,
                    mac: None,
                })
            }
            Some(wire::Kind::Other(kind)) => LinkKind::Other(kind.clone()),
            None => LinkKind::Other(String::new()),
        },
        up: link.up.unwrap_or(false),
        arp: link.arp.unwrap_or(true),
        multicast: link.multicast.unwrap_or(true),
        mac: link.mac.map(Mac),
        mtu: link.mtu.unwrap_or(0),
        master: link.master.as_ref().and_then(name_of),
        alias: link.alias.clone(),
    }
}

/// Its settings that plans know of and that come with it; none if it has no IPv6.
pub(super) fn settings(
    link: &wire::Link,
    name: &IfName,
) -> impl Iterator<Item = (LinkSysctl, String)> {
    let accept_ra = link.accept_ra.map(|value| ("accept_ra", value.to_string()));
    let mode = link.addr_gen_mode;
    let mode = mode.map(|value| ("addr_gen_mode", value.to_string()));
    let told = accept_ra.into_iter().chain(mode);
    told.map(|(setting, value)| (LinkSysctl::ipv6(name, setting), value))
}

pub(super) fn carriage(vlan: &wire::PortVlan) -> Carriage {
    match vlan {
        wire::PortVlan { own: true, .. } => Carriage::Own,
        wire::PortVlan { untagged: true, .. } => Carriage::Untagged,
        _ => Carriage::Tagged,
    }
}

/// Without its addresses, and as if it were not wireless.
pub(super) fn facts(link: &wire::Link, names: &Names) -> LinkFacts {
    let is_cable = matches!(link.kind, Some(wire::Kind::Veth(_)));
    let lower = link.lower.filter(|_| !is_cable);
    LinkFacts {
        index: link.index,
        carrier: link.carrier,
        running: link.running,
        lower: lower.and_then(|index| names.get(&index).cloned()),
        permanent_mac: link.permanent_mac.map(Mac),
        wireless: false,
        addresses: Vec::new(),
    }
}

/// `now` is the boot clock's.
pub(super) fn address(address: wire::Address, names: &Names, now: u32) -> Option<Address> {
    let link = names.get(&address.index)?.clone();
    let label = address.label.filter(|label| *label != link.as_str());
    let lifetime = match (address.valid, address.preferred) {
        (u32::MAX, u32::MAX) => Lifetime::Forever,
        (valid, preferred) => Lifetime::Until {
            valid: Deadline::after(valid, now),
            preferred: Deadline::after(preferred, now),
        },
    };
    Some(Address {
        net: IpNet::new(address.local, address.prefix_len).ok()?,
        peer: address
            .peer
            .and_then(|peer| IpNet::new(peer, address.prefix_len).ok()),
        broadcast: address.broadcast,
        label,
        scope: address.scope,
        flags: address.flags & Address::SETTINGS,
        lifetime,
        protocol: address.protocol,
        metric: address.metric,
        link,
    })
}

/// `None` for a route by a link that has no name for us.
pub(super) fn route(route: wire::Route, names: &Names, now: u32) -> Option<Route> {
    let hop = |hop: wire::Hop| {
        Some(Hop {
            link: names.get(&hop.index)?.clone(),
            via: hop.via.filter(|via: &IpAddr| !via.is_unspecified()),
            flags: hop.flags & HOP_SETTINGS,
            weight: hop.weight,
            attributes: attributes(hop.attributes),
        })
    };
    Some(Route {
        table: route.table,
        to: IpNet::new(route.to, route.prefix_len).ok()?,
        from: net(route.from)?,
        tos: route.tos,
        kind: if route.kind == UNICAST {
            RouteKind::Unicast
        } else {
            RouteKind::Other(route.kind)
        },
        hops: route.hops.into_iter().map(hop).collect::<Option<_>>()?,
        metric: route.metric,
        source: route.source,
        scope: route.scope,
        protocol: route.protocol,
        expires: route.expires.map(|left| Deadline::after(left, now)),
        nexthop: route.nexthop,
        attributes: attributes(route.attributes.into_iter().filter(is_said).collect()),
    })
}

/// Whether an attribute says more than nothing would: the kernel tells of every IPv6 route that its
/// preference is the usual one (RTA_PREF, ICMPV6_ROUTER_PREF_MEDIUM).
fn is_said(attribute: &wire::Attribute) -> bool {
    const RTA_PREF: u16 = 20;
    attribute.kind != RTA_PREF || attribute.value != [0]
}

/// `None` for a rule that names a link as we would not.
pub(super) fn rule(rule: wire::Rule) -> Option<Rule> {
    let link = |name: Option<String>| name.map(|name| name.parse()).transpose().ok();
    Some(Rule {
        family: if rule.ipv6 {
            Family::Ipv6
        } else {
            Family::Ipv4
        },
        priority: rule.priority,
        from: net(rule.from)?,
        to: net(rule.to)?,
        iif: link(rule.iif)?,
        oif: link(rule.oif)?,
        table: rule.table,
        action: rule.action,
        tos: rule.tos,
        flags: rule.flags & RULE_SETTINGS,
        protocol: rule.protocol,
        attributes: attributes(rule.attributes),
    })
}

/// `None` for what the kernel learnt by itself, and for a hardware address that is not Ethernet's.
pub(super) fn neighbour(neighbour: &wire::Neighbour, names: &Names) -> Option<Neighbour> {
    let proxy = neighbour.flags & wire::Neighbour::PROXY != 0;
    let is_permanent = neighbour.state & wire::Neighbour::PERMANENT != 0;
    let is_set_by_somebody = is_permanent && neighbour.mac.is_some();
    if !proxy && !is_set_by_somebody {
        return None;
    }
    Some(Neighbour {
        link: names.get(&neighbour.index)?.clone(),
        to: neighbour.to,
        mac: neighbour.mac.map(Mac),
        proxy,
        flags: neighbour.flags & NEIGHBOUR_SETTINGS,
        protocol: neighbour.protocol,
    })
}

/// `None` if there is one and it is none.
fn net(net: Option<(IpAddr, u8)>) -> Option<Option<IpNet>> {
    net.map(|(ip, length)| IpNet::new(ip, length))
        .transpose()
        .ok()
}

fn attributes(attributes: Vec<wire::Attribute>) -> Vec<Attribute> {
    let attribute = |wire::Attribute { kind, value }| Attribute { kind, value };
    attributes.into_iter().map(attribute).collect()
}
