//! RTM_*ROUTE messages, of IPv4 and IPv6, with one next hop.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};

use crate::address::family;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to; all zero with length 0 for the default route, which also carries the family.
    pub to: IpAddr,
    /// The length of its prefix.
    pub prefix_len: u8,
    /// The table (RTA_TABLE).
    pub table: u32,
    /// RTN_*.
    pub kind: u8,
    /// RTA_GATEWAY.
    pub via: Option<IpAddr>,
    /// RTA_OIF.
    pub index: Option<u32>,
    /// RTA_PRIORITY.
    pub metric: u32,
    /// RTA_PREFSRC.
    pub source: Option<IpAddr>,
    /// RT_SCOPE_*.
    pub scope: u8,
    /// RTPROT_*.
    pub protocol: u8,
}

impl Route {
    /// `None` for a route that is not one of these: another family, several next hops, a clone in
    /// the kernel's cache (RTM_F_CLONED).
    pub(crate) fn from_message(message: RouteMessage) -> Option<Self> {
        const CLONED: u32 = 0x200;
        let header = &message.header;
        if header.flags.bits() & CLONED != 0 {
            return None;
        }
        let unspecified = match header.address_family {
            AddressFamily::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            AddressFamily::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            _ => return None,
        };
        let mut route = Self {
            to: unspecified,
            prefix_len: header.destination_prefix_length,
            table: header.table.into(),
            kind: header.kind.into(),
            via: None,
            index: None,
            metric: 0,
            source: None,
            scope: header.scope.into(),
            protocol: header.protocol.into(),
        };
        for attribute in message.attributes {
            match attribute {
                RouteAttribute::Destination(ip) => route.to = plain(ip)?,
                RouteAttribute::Gateway(ip) => route.via = Some(plain(ip)?),
                RouteAttribute::PrefSource(ip) => route.source = Some(plain(ip)?),
                RouteAttribute::Oif(index) => route.index = Some(index),
                RouteAttribute::Priority(metric) => route.metric = metric,
                RouteAttribute::Table(table) => route.table = table,
                RouteAttribute::MultiPath(_) => return None,
                _ => {}
            }
        }
        Some(route)
    }

    pub(crate) fn to_message(&self) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.address_family = family(self.to);
        message.header.destination_prefix_length = self.prefix_len;
        message.header.table = u8::try_from(self.table).unwrap_or(0);
        message.header.kind = self.kind.into();
        message.header.scope = self.scope.into();
        message.header.protocol = self.protocol.into();
        let attributes = &mut message.attributes;
        if self.prefix_len > 0 {
            attributes.push(RouteAttribute::Destination(self.to.into()));
        }
        attributes.extend(self.via.map(|ip| RouteAttribute::Gateway(ip.into())));
        attributes.extend(self.source.map(|ip| RouteAttribute::PrefSource(ip.into())));
        attributes.extend(self.index.map(RouteAttribute::Oif));
        if self.metric != 0 {
            attributes.push(RouteAttribute::Priority(self.metric));
        }
        attributes.push(RouteAttribute::Table(self.table));
        message
    }
}

fn plain(address: RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(ip) => Some(ip.into()),
        RouteAddress::Inet6(ip) => Some(ip.into()),
        _ => None,
    }
}
