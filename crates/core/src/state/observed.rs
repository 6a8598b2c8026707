//! What was found on the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Address, LinkSysctl, NetState};
use crate::name::{IfName, Mac};

/// How much of the machine was looked at. A hotplug call looks only at what it is about, so that
/// its cost does not grow with the number of vifs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Host,
    /// Everything, and every setting of these links: files below /proc/sys and offloads.
    HostAnd(BTreeSet<IfName>),
    /// These links, by name, whether there or not.
    Links {
        /// With their addresses, routes and settings.
        whole: BTreeSet<IfName>,
        /// The links alone: bridges to attach to.
        bare: BTreeSet<IfName>,
        /// What is looked up besides, one by one.
        keys: Keys,
    },
}

/// Single things that are looked up by what identifies them, at the same cost however many others
/// there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Settings besides those that are looked at anyway.
    pub settings: BTreeSet<LinkSysctl>,
    /// Addresses that a link may answer for. The link itself is looked at as a bare one.
    pub proxies: BTreeSet<(IfName, IpAddr)>,
}

/// A state as it was found, with the facts that nobody sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// How much was looked at.
    pub scope: Scope,
    /// What was found.
    pub state: NetState,
    /// Facts about the links found.
    pub facts: BTreeMap<IfName, LinkFacts>,
}

/// What the kernel says of a link and nobody sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFacts {
    /// The kernel's number of the link; the order in which links were made.
    pub index: u32,
    /// Whether something is at the other end (IFF_LOWER_UP).
    pub carrier: bool,
    /// Whether the kernel has drawn the conclusion from that (IFF_RUNNING), which it does a little
    /// later (net/core/link_watch.c): a port forwards only then.
    pub running: bool,
    /// The link it is on: a VLAN's NIC. It goes down with that one.
    pub lower: Option<IfName>,
    /// The MAC it was born with (IFLA_PERM_ADDRESS), if it is hardware.
    pub permanent_mac: Option<Mac>,
    /// Whether it is wireless: an access point takes frames of one MAC only.
    pub wireless: bool,
    /// Its addresses in the kernel's order: of several that fit, the first becomes a packet's
    /// source, and the first of an IPv4 subnet outlives the others.
    pub addresses: Vec<IpNet>,
}

impl Scope {
    /// Whether this link was looked at.
    pub fn holds(&self, link: &IfName) -> bool {
        match self {
            Self::Host | Self::HostAnd(_) => true,
            Self::Links { whole, bare, .. } => whole.contains(link) || bare.contains(link),
        }
    }

    /// Whether this link's addresses, routes and settings were looked at too.
    pub fn holds_whole(&self, link: &IfName) -> bool {
        match self {
            Self::Host | Self::HostAnd(_) => true,
            Self::Links { whole, .. } => whole.contains(link),
        }
    }

    /// The single things that are looked up.
    pub fn keys(&self) -> Option<&Keys> {
        match self {
            Self::Host | Self::HostAnd(_) => None,
            Self::Links { keys, .. } => Some(keys),
        }
    }

    /// Whether all links are looked at.
    pub fn is_host(&self) -> bool {
        !matches!(self, Self::Links { .. })
    }

    /// Whether every setting of this link is looked at.
    pub fn holds_every_setting(&self, link: &IfName) -> bool {
        matches!(self, Self::HostAnd(links) if links.contains(link))
    }
}

impl Observed {
    /// A whole host in this state, with facts that do not matter: for tests.
    #[cfg(test)]
    pub(crate) fn host(state: NetState) -> Self {
        let facts = |index| LinkFacts {
            index,
            carrier: true,
            running: true,
            lower: None,
            permanent_mac: None,
            wireless: false,
            addresses: Vec::new(),
        };
        let facts = (1..)
            .zip(state.links.keys())
            .map(|(index, name)| (name.clone(), facts(index)))
            .collect();
        Self {
            scope: Scope::Host,
            state,
            facts,
        }
    }

    /// Where an address stands among those its link was given, for an address that was found: the
    /// kernel appends an IPv4 address to those of its scope (`inet_insert_ifa`) and puts an IPv6
    /// one before them (`ipv6_link_dev_addr`).
    pub fn given(&self, address: &Address) -> Option<usize> {
        let addresses = &self.facts.get(&address.link)?.addresses;
        let place = addresses.iter().position(|net| *net == address.net)?;
        Some(match address.net {
            IpNet::V4(_) => place,
            IpNet::V6(_) => addresses.len() - place,
        })
    }

    /// What a smaller scope would have shown.
    pub fn within(&self, scope: Scope) -> Self {
        let mut state = self.state.clone();
        state.links.retain(|name, _| scope.holds(name));
        state.addresses.retain(|a| scope.holds_whole(&a.link));
        state
            .routes
            .retain(|r| r.hops.iter().any(|hop| scope.holds_whole(&hop.link)));
        if let Some(keys) = scope.keys() {
            state.rules.clear();
            state
                .neighbours
                .retain(|n| n.proxy && keys.proxies.contains(&(n.link.clone(), n.to)));
        }
        state
            .features
            .retain(|key, _| scope.holds_every_setting(&key.link));
        state.vlans.retain(|name, _| scope.holds_whole(name));
        let is_looked_up =
            |key: &LinkSysctl| scope.keys().is_some_and(|keys| keys.settings.contains(key));
        state.sysctls.retain(|key, _| {
            let is_held = scope.is_host() || !key.is_following();
            (scope.holds_whole(&key.link) && is_held) || is_looked_up(key)
        });
        let mut facts = self.facts.clone();
        facts.retain(|name, _| scope.holds(name));
        Self {
            scope,
            state,
            facts,
        }
    }
}
