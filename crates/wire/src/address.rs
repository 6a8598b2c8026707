//! RTM_*ADDR messages.

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressProtocol, CacheInfo,
};

/// An address of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The link's index.
    pub index: u32,
    /// The address (IFA_LOCAL where there is one, else IFA_ADDRESS).
    pub local: IpAddr,
    /// The length of its prefix; with a peer, of the peer's.
    pub prefix_len: u8,
    /// The other end of a point-to-point address (IFA_ADDRESS where it differs from IFA_LOCAL).
    pub peer: Option<IpAddr>,
    /// IFA_BROADCAST.
    pub broadcast: Option<Ipv4Addr>,
    /// IFA_LABEL.
    pub label: Option<String>,
    /// RT_SCOPE_*.
    pub scope: u8,
    /// IFA_F_*, all bits.
    pub flags: u32,
    /// Seconds it stays valid (IFA_CACHEINFO); `u32::MAX` is for ever.
    pub valid: u32,
    /// Seconds it stays preferred.
    pub preferred: u32,
    /// IFA_PROTO.
    pub protocol: u8,
    /// IFA_RT_PRIORITY: the metric of the route that comes with it; 0 is the kernel's own choice.
    pub metric: u32,
}

impl Address {
    /// `None` for an address of a family that is neither IPv4 nor IPv6.
    pub(crate) fn from_message(message: AddressMessage) -> Option<Self> {
        let header = &message.header;
        let (mut local, mut remote) = (None, None);
        let mut address = Self {
            index: header.index,
            local: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            prefix_len: header.prefix_len,
            peer: None,
            broadcast: None,
            label: None,
            scope: header.scope.into(),
            flags: u32::from(header.flags.bits()),
            valid: u32::MAX,
            preferred: u32::MAX,
            protocol: 0,
            metric: 0,
        };
        for attribute in message.attributes {
            match attribute {
                AddressAttribute::Address(ip) => remote = Some(ip),
                AddressAttribute::Local(ip) => local = Some(ip),
                AddressAttribute::Broadcast(ip) => address.broadcast = Some(ip),
                AddressAttribute::Label(label) => address.label = Some(label),
                AddressAttribute::Flags(flags) => address.flags = flags.bits(),
                AddressAttribute::CacheInfo(times) => {
                    address.valid = times.ifa_valid;
                    address.preferred = times.ifa_preferred;
                }
                AddressAttribute::Protocol(protocol) => address.protocol = protocol.into(),
                AddressAttribute::RoutePriority(metric) => address.metric = metric,
                _ => {}
            }
        }
        address.local = local.or(remote)?;
        address.peer = remote.filter(|ip| *ip != address.local);
        Some(address)
    }

    pub(crate) fn to_message(&self) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.family = family(self.local);
        message.header.prefix_len = self.prefix_len;
        message.header.scope = self.scope.into();
        message.header.index = self.index;
        let attributes = &mut message.attributes;
        attributes.push(AddressAttribute::Local(self.local));
        attributes.push(AddressAttribute::Address(self.peer.unwrap_or(self.local)));
        attributes.extend(self.broadcast.map(AddressAttribute::Broadcast));
        attributes.extend(self.label.clone().map(AddressAttribute::Label));
        if self.flags != 0 {
            attributes.push(AddressAttribute::Flags(AddressFlags::from_bits_retain(
                self.flags,
            )));
        }
        if (self.valid, self.preferred) != (u32::MAX, u32::MAX) {
            let mut times = CacheInfo::default();
            times.ifa_valid = self.valid;
            times.ifa_preferred = self.preferred;
            attributes.push(AddressAttribute::CacheInfo(times));
        }
        if self.protocol != 0 {
            attributes.push(AddressAttribute::Protocol(AddressProtocol::from(
                self.protocol,
            )));
        }
        if self.metric != 0 {
            attributes.push(AddressAttribute::RoutePriority(self.metric));
        }
        message
    }
}

pub(crate) fn family(ip: IpAddr) -> AddressFamily {
    if ip.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    }
}
