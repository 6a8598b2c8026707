//! What a `lab.toml` says, each part checked for itself and at its place. Everything is in the
//! order of the file.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Boot, LanName, MachineName};
use crate::diag::{Span, Spanned};
use crate::name::{IfName, Mac};

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lab {
    /// One line for people.
    pub title: Option<String>,
    /// `[lan.NAME]`: Ethernet segments outside the host.
    pub lans: Vec<Lan>,
    /// `[machine.NAME]`: machines outside the host.
    pub machines: Vec<Machine>,
    /// `[host]`: dom0.
    pub host: Host,
    /// `[[guest]]`.
    pub guests: Vec<Guest>,
    /// `[[reach]]` and `[[not_reach]]`.
    pub claims: Vec<Claim>,
    /// `[expect]`.
    pub expect: Expect,
}

/// An Ethernet segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lan {
    /// Its name.
    pub name: Spanned<LanName>,
    /// The MTU of everything on it, if not the kernel's default.
    pub mtu: Option<u32>,
}

/// A machine outside the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name.
    pub name: Spanned<MachineName>,
    /// Whether it forwards packets: whether it is a router.
    pub forward: bool,
    /// Its NICs.
    pub nics: Vec<Nic>,
    /// Its routes beside those its addresses bring.
    pub routes: Vec<Route>,
}

/// A NIC that is plugged into a LAN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Its name; eth0, eth1 and so on by position if the file gives none.
    pub name: Spanned<IfName>,
    /// The LAN it is plugged into.
    pub lan: Spanned<LanName>,
    /// Its MAC, if it matters.
    pub mac: Option<Spanned<Mac>>,
    /// Its MTU, if it is not the LAN's.
    pub mtu: Option<u32>,
    /// Its addresses with the length of their network.
    pub addresses: Vec<Spanned<IpNet>>,
}

/// dom0 as it is before xenwire does anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Its NICs.
    pub nics: Vec<Nic>,
    /// The bridges that are there already.
    pub bridges: Vec<Bridge>,
    /// Its routes beside those its addresses bring.
    pub routes: Vec<Route>,
    /// What runs when it boots.
    pub boot: Boot,
}

/// A bridge of dom0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// Its name.
    pub name: Spanned<IfName>,
    /// The NICs that are its ports.
    pub ports: Vec<Spanned<IfName>>,
    /// Its MAC, if it is not its ports'.
    pub mac: Option<Spanned<Mac>>,
    /// Its MTU, if it is not its ports'.
    pub mtu: Option<u32>,
    /// Whether its ports carry VLANs of their own, 1 to begin with. A kernel that was built without
    /// that takes no notice (CONFIG_BRIDGE_VLAN_FILTERING).
    pub vlan_filtering: bool,
    /// Its addresses with the length of their network.
    pub addresses: Vec<Spanned<IpNet>>,
}

/// A route; at least one of `via` and `nic` is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to; the whole family for `default`.
    pub to: IpNet,
    /// The next router, of the same family.
    pub via: Option<IpAddr>,
    /// The NIC to leave by, if `via` does not say so.
    pub nic: Option<Spanned<IfName>>,
    /// The route's place.
    pub span: Span,
}

/// A guest, as far as `lab.toml` knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Its file, relative to the scenario's `etc/xen`.
    pub config: Spanned<String>,
    /// Whether it is started with the lab, or later by hand.
    pub start: bool,
    /// What its own system configures.
    pub nics: Vec<GuestNic>,
    /// Its own system's routes beside those its addresses bring.
    pub routes: Vec<Route>,
    /// The guest's place.
    pub span: Span,
}

/// A NIC as the guest's own system configures it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestNic {
    /// Its name in the guest: `ethN` is the N-th element of `vif`, from 0.
    pub name: Spanned<IfName>,
    /// Its addresses with the length of their network.
    pub addresses: Vec<Spanned<IpNet>>,
    /// Whether the guest asks for its IPv4 address; one that is written is what it must be given.
    pub dhcp: bool,
}

/// What must be reachable, or must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which of the two.
    pub kind: ClaimKind,
    /// The name of the machine that sends.
    pub from: Spanned<String>,
    /// Where it sends to.
    pub to: Spanned<Target>,
    /// By what; at least one, none twice.
    pub protocols: Vec<Protocol>,
    /// Only over these, if given; then at least one, none twice.
    pub families: Option<Vec<Family>>,
    /// The claim's place.
    pub span: Span,
}

/// Whether a claim's packets must arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimKind {
    /// Every probe is answered.
    Reach,
    /// No probe is answered.
    NotReach,
}

/// Where a claim's packets go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To this address.
    Address(IpAddr),
    /// To every address of a machine, or of `machine.nic`. Which of the two only
    /// [`resolve`](super::resolve()) can tell, since a guest's name may hold dots.
    Named(String),
}

/// By what a probe is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// An echo request, of ICMP or of ICMPv6.
    Icmp,
    /// A connection.
    Tcp,
    /// A datagram that is answered.
    Udp,
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }
}

/// What dom0 must look like once everything is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// `[expect.bridge]`.
    pub bridges: Vec<ExpectedBridge>,
    /// `[expect.link.NAME]`.
    pub links: Vec<ExpectedLink>,
    /// `absent`: links that must not be there.
    pub absent: Vec<Spanned<IfName>>,
}

/// A bridge and exactly its ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedBridge {
    /// The bridge.
    pub name: Spanned<IfName>,
    /// Its ports, all of them.
    pub ports: Vec<Spanned<IfName>>,
}

/// A link of dom0 that must exist; what is None is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedLink {
    /// The link.
    pub name: Spanned<IfName>,
    /// Its addresses: all of them but link-local ones, or none at all if the list is empty.
    pub addresses: Option<Vec<Spanned<IpNet>>>,
    /// Its MAC.
    pub mac: Option<ExpectedMac>,
    /// Its MTU.
    pub mtu: Option<u32>,
    /// Whether it is up.
    pub up: Option<bool>,
    /// What it is a port of.
    pub master: Option<Master>,
}

/// Which MAC a link has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedMac {
    /// This one.
    Is(Mac),
    /// The one that this NIC of the host had when it was plugged in.
    OfNic(IfName),
}

/// What a link is a port of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Master {
    /// Of nothing.
    None,
    /// Of this bridge.
    Link(IfName),
}
