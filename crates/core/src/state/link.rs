//! Links: bridges, veth pairs, and those that somebody else makes.

use serde::{Deserialize, Serialize};

use crate::name::{IfName, Mac};

/// A link's settings. What nobody sets (its index, its carrier) is in
/// [`LinkFacts`](super::LinkFacts).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it is.
    pub kind: LinkKind,
    /// Administratively up (IFF_UP).
    pub up: bool,
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
    };
}

impl LinkKind {
    /// Whether ports can be attached to it.
    pub fn is_bridge(&self) -> bool {
        matches!(self, Self::Bridge(_))
    }
}
