//! Links: bridges, veth pairs, and those that somebody else makes.

use serde::{Deserialize, Serialize};

use super::{Carriage, PortVlans};
use crate::name::{IfName, Mac};

/// A link's settings. What nobody sets (its index, its carrier) is in
/// [`LinkFacts`](super::LinkFacts).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it is.
    pub kind: LinkKind,
    /// Administratively up (IFF_UP).
    pub up: bool,
    /// Asks and answers for addresses (IFF_NOARP is not set). A bridge that has no address of dom0
    /// answers for dom0's all the same unless this is off: to Linux an address is the host's.
    pub arp: bool,
    /// Takes part in multicast (IFF_MULTICAST).
    pub multicast: bool,
    /// Its Ethernet address; `None` for links that have none.
    pub mac: Option<Mac>,
    /// The largest packet in bytes, without the Ethernet header.
    pub mtu: u32,
    /// The bridge it is a port of.
    pub master: Option<IfName>,
    /// Its alias (`ip link set alias`), where xenwire leaves its mark.
    pub alias: Option<String>,
}

/// What a link is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// A software bridge.
    Bridge(BridgeOptions),
    /// One end of a virtual cable.
    Veth(PeerEnd),
    /// Anything else, by the kernel's word (`loopback`, `vlan`, `vif`); empty for hardware.
    Other(String),
}

/// A bridge's own settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeOptions {
    /// Whether it runs the spanning tree protocol.
    pub stp: bool,
    /// How long a new port listens before it forwards, in hundredths of a second. Without the
    /// spanning tree protocol the kernel does not wait (net/bridge/br_stp_if.c).
    pub forward_delay: u32,
    /// If it filters VLANs: the one that a new port of it begins with as its own, 0 for none.
    pub filters: Option<u16>,
}

/// Where the other end of a veth pair is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerEnd {
    /// Its name; empty when the end is in another namespace, where it cannot be read from here.
    pub name: String,
    /// The namespace it is made in, by its name below /run/netns; `None`: the same one. Wanted
    /// only, never observed.
    pub netns: Option<String>,
    /// The address it is made with; `None`: the kernel draws one. Wanted only.
    pub mac: Option<Mac>,
}

impl BridgeOptions {
    /// What Xen's scripts always made: no spanning tree, no delay (contract 2.11).
    pub const XEN: Self = Self {
        stp: false,
        forward_delay: 0,
        filters: None,
    };
}

impl Link {
    /// With fewer bytes the kernel takes IPv6 from a link, and its settings with it (RFC 8200 section
    /// 5; addrconf_notify, net/ipv6/addrconf.c).
    pub const LEAST_OF_IPV6: u32 = 1280;

    /// One as the kernel makes it: down, on its own, with 1500 bytes; its MAC is not known.
    pub fn of(kind: LinkKind) -> Self {
        Self {
            kind,
            up: false,
            arp: true,
            multicast: true,
            mac: None,
            mtu: 1500,
            master: None,
            alias: None,
        }
    }

    /// What a message that makes this link can say of it.
    pub(crate) fn bare(&self) -> Self {
        Self {
            up: false,
            arp: true,
            multicast: true,
            master: None,
            alias: None,
            ..self.clone()
        }
    }

    /// Whether a link that was found may be this one, which is to go: links pass on their names. A
    /// bridge that was given no MAC has that of a port.
    pub(super) fn may_be(&self, meant: &Self) -> bool {
        let kind = match (&self.kind, &meant.kind) {
            (LinkKind::Other(found), LinkKind::Other(meant)) => found == meant,
            (found, meant) => std::mem::discriminant(found) == std::mem::discriminant(meant),
        };
        kind && (self.kind.is_bridge() || meant.mac.is_none_or(|mac| self.mac == Some(mac)))
    }

    /// The MAC the other end is made with.
    pub(crate) fn set_peer_mac(&mut self, to: Option<Mac>) {
        if let LinkKind::Veth(peer) = &mut self.kind {
            peer.mac = to;
        }
    }

    /// The other end of this veth pair as it comes into being.
    pub(super) fn other_end(&self, name: &IfName) -> Self {
        let mac = match &self.kind {
            LinkKind::Veth(peer) => peer.mac,
            _ => None,
        };
        let kind = LinkKind::Veth(PeerEnd {
            name: name.to_string(),
            netns: None,
            mac: None,
        });
        Self {
            kind,
            mac,
            ..self.clone()
        }
    }

    /// The other end has another name now.
    pub(crate) fn rename_peer(&mut self, to: &IfName) {
        if let LinkKind::Veth(peer) = &mut self.kind {
            peer.name = to.to_string();
        }
    }
}

impl LinkKind {
    /// What a port of it carries at first (nbp_vlan_init, net/bridge/br_vlan.c), if it is a bridge
    /// that filters VLANs.
    pub fn first_vlans(&self) -> Option<PortVlans> {
        let Self::Bridge(BridgeOptions {
            filters: Some(first),
            ..
        }) = self
        else {
            return None;
        };
        let own = (*first != 0).then_some((*first, Carriage::Own));
        Some(own.into_iter().collect())
    }

    /// Whether ports can be attached to it.
    pub fn is_bridge(&self) -> bool {
        matches!(self, Self::Bridge(_))
    }
}
