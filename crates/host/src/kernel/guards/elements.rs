//! A guard as elements of sets.

use std::net::IpAddr;

use ipnet::IpNet;
use xenwire_core::name::IfName;
use xenwire_core::state::{Forged, Guard, Place};
use xenwire_wire::nft::{Element, Family};

use super::layout::{GUARDED, IPV4, IPV4_NETS, IPV6, IPV6_NETS, LOGGED, MORE};

/// An element, and the family and set that it is in.
pub(in crate::kernel) type Placed = (Family, &'static str, Element);

/// Everything that holds a link to a guard.
pub(in crate::kernel) fn elements(link: &IfName, guard: &Guard) -> Vec<Placed> {
    let mut placed = Vec::new();
    let mut pieces = guard.text(Element::COMMENT).into_iter().zip(0..);
    let mut families = vec![Family::Inet, Family::Arp];
    if guard.place == Place::Bridged {
        families.push(Family::Bridge);
    }
    for family in &families {
        let mut guarded = Element::new(key(link));
        if *family == Family::Inet {
            guarded.comment = pieces.next().map(|(piece, _)| piece);
        }
        placed.push((*family, GUARDED, guarded));
        if guard.forged == Forged::Logged {
            placed.push((*family, LOGGED, Element::new(key(link))));
        }
    }
    for (piece, number) in pieces {
        let element = Element {
            comment: Some(piece),
            ..Element::new(more_key(link, number))
        };
        placed.push((Family::Inet, MORE, element));
    }
    let families = match guard.place {
        Place::Bridged => vec![Family::Bridge],
        Place::Routed => vec![Family::Inet, Family::Arp],
    };
    for family in families {
        for net in guard.sources() {
            if family != Family::Arp || net.addr().is_ipv4() {
                placed.push(source(family, link, guard, net));
            }
        }
    }
    placed
}

/// An address is a key; only a network is a range.
pub(in crate::kernel) fn source(
    family: Family,
    link: &IfName,
    guard: &Guard,
    net: IpNet,
) -> Placed {
    let key = |ip: IpAddr| {
        let mut key = key(link);
        key.extend(guard.mac.0);
        key.extend([0; 2]);
        match ip {
            IpAddr::V4(ip) => key.extend(ip.octets()),
            IpAddr::V6(ip) => key.extend(ip.octets()),
        }
        key
    };
    let single = net.prefix_len() == net.max_prefix_len();
    let set = match (net, single) {
        (IpNet::V4(_), true) => IPV4,
        (IpNet::V4(_), false) => IPV4_NETS,
        (IpNet::V6(_), true) => IPV6,
        (IpNet::V6(_), false) => IPV6_NETS,
    };
    let mut element = Element::new(key(net.network()));
    // The last address of an IPv4 network is its broadcast address.
    element.end = (!single).then(|| key(net.broadcast()));
    (family, set, element)
}

/// A link's name as the kernel loads it: padded with NULs to IFNAMSIZ.
pub(in crate::kernel) fn key(link: &IfName) -> Vec<u8> {
    let mut key = link.as_str().as_bytes().to_vec();
    key.resize(16, 0);
    key
}

/// The key of the rest of a long text.
pub(in crate::kernel) fn more_key(link: &IfName, number: u32) -> Vec<u8> {
    [key(link), number.to_ne_bytes().to_vec()].concat()
}

/// The link that an element of `guarded` is about.
pub(in crate::kernel) fn link(element: &Element) -> Option<IfName> {
    let name = std::str::from_utf8(&element.key).ok()?;
    name.trim_end_matches('\0').parse().ok()
}
