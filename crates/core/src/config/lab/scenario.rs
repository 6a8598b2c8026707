//! A scenario: complete, and free of names that lead nowhere. The lab builds and checks exactly
//! this.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{ClaimKind, Expect, Host, Lan, Machine, MachineName, Protocol, Route};
use crate::config::domu::GuestType;
use crate::config::vif::VifSpec;
use crate::diag::Span;
use crate::name::{DevId, IfName};

/// A world and what must hold in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// One line for people.
    pub title: Option<String>,
    /// Ethernet segments outside the host.
    pub lans: Vec<Lan>,
    /// Machines outside the host.
    pub machines: Vec<Machine>,
    /// dom0 as it is at the beginning.
    pub host: Host,
    /// The guests, in the order in which they start.
    pub guests: Vec<Domain>,
    /// What must be reachable and what must not.
    pub claims: Vec<Probes>,
    /// What dom0 must look like in the end.
    pub expect: Expect,
}

/// A guest: what its file and `lab.toml` say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its name, from its file.
    pub name: MachineName,
    /// Its file, relative to the scenario's `etc/xen`.
    pub config: String,
    /// Its kind.
    pub kind: GuestType,
    /// Whether it is started with the lab, or later by hand.
    pub start: bool,
    /// A NIC for each of its vifs, in the order of its file.
    pub nics: Vec<DomainNic>,
    /// Its own system's routes.
    pub routes: Vec<Route>,
}

/// One vif, seen from both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainNic {
    /// The link in the guest: eth0 for the first vif of the list.
    pub name: IfName,
    /// The device number.
    pub devid: DevId,
    /// What the guest's file says about it.
    pub spec: VifSpec,
    /// What the guest's own system configures.
    pub addresses: Vec<IpNet>,
    /// Whether it asks for its IPv4 address; one that is written is what it must be given.
    pub dhcp: bool,
}

/// A claim, spelled out: every target is probed by every protocol. There is at least one of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probes {
    /// Whether the probes must be answered.
    pub kind: ClaimKind,
    /// The machine that sends.
    pub from: MachineName,
    /// What the file calls the target.
    pub to: String,
    /// The machines that must listen, and the address to send to.
    pub targets: Vec<(MachineName, IpAddr)>,
    /// By what.
    pub protocols: Vec<Protocol>,
    /// The claim's place in `lab.toml`.
    pub span: Span,
}

/// One packet's errand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe<'a> {
    /// The machine that sends.
    pub from: &'a MachineName,
    /// The machine that has the address.
    pub to: &'a MachineName,
    /// The address.
    pub address: IpAddr,
    /// By what.
    pub protocol: Protocol,
}

impl Probes {
    /// All probes of the claim: address by address, protocol by protocol.
    pub fn each(&self) -> impl Iterator<Item = Probe<'_>> {
        self.targets.iter().flat_map(move |(to, address)| {
            let probe = move |protocol: &Protocol| Probe {
                from: &self.from,
                to,
                address: *address,
                protocol: *protocol,
            };
            self.protocols.iter().map(probe)
        })
    }
}

impl fmt::Display for ClaimKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Reach => "reach",
            Self::NotReach => "not_reach",
        })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Icmp => "icmp",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}
