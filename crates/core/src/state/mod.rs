//! A network as a value: what there is ([`NetState`]), what was found ([`Observed`]), what is
//! wanted ([`Desired`]), and what one [`Effect`] does to it.
//!
//! Every map is keyed by what identifies a thing to the kernel, and equality is total: two
//! states are equal only if every field is.

mod address;
mod apply;
mod attribute;
mod desired;
mod dhcp;
mod effect;
mod feature;
mod guard;
mod hooks;
mod line;
mod link;
mod mark;
mod neighbour;
mod node;
mod observed;
mod old_rule;
mod passage;
mod port_vlan;
mod route;
mod rule;
mod switch_port;
mod sysctl;

pub use address::{Address, Lifetime};
pub use apply::Mismatch;
pub use attribute::{Attribute, Deadline};
pub use desired::{Desired, Managed, Moment, Origin, WantedHooks, WantedLink, WantedNode};
pub use dhcp::{Dhcp, DhcpHostChange, DhcpServer, DhcpServerChange, Dhcpd};
pub use effect::{Effect, LinkChange, NodeWrite, Pair, Undo};
pub use feature::Feature;
pub use guard::{Forged, Guard, NoGuard, Place};
pub use hooks::Hooks;
pub use line::{Files, LineChange};
pub use link::{BridgeOptions, Link, LinkKind, PeerEnd};
pub use mark::Mark;
pub use neighbour::Neighbour;
pub use node::{NodePath, NodeValue};
pub use observed::{Keys, LinkFacts, Observed, Scope};
pub use old_rule::{OldRule, Passes};
pub use passage::{Forward, ForwardChain, ForwardMark, Gate, Passage};
pub use port_vlan::{Carriage, PortVlans, VlanChange};
pub use route::{Hop, Route, RouteKind};
pub use rule::Rule;
pub use switch_port::{SwitchChange, SwitchPort, Switches};
pub use sysctl::{Family, Folder, LinkSysctl};

use std::collections::{BTreeMap, BTreeSet};

use crate::name::IfName;

/// A network: links with their addresses, routes and settings, and the xenstore nodes in view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetState {
    /// Links by name.
    pub links: BTreeMap<IfName, Link>,
    /// Addresses, each of which names its link.
    pub addresses: BTreeSet<Address>,
    /// Routes of all tables.
    pub routes: BTreeSet<Route>,
    /// Policy rules.
    pub rules: BTreeSet<Rule>,
    /// Permanent neighbours and proxies.
    pub neighbours: BTreeSet<Neighbour>,
    /// Offload settings that can be changed, of the links whose every setting was looked at.
    pub features: BTreeMap<Feature, bool>,
    /// VLANs of the ports of bridges that filter them, of the links that were looked at.
    pub vlans: BTreeMap<IfName, PortVlans>,
    /// What is known of Open vSwitch.
    pub switches: Switches,
    /// Per-link settings below /proc/sys/net. A key that is missing is a setting that this
    /// kernel does not have.
    pub sysctls: BTreeMap<LinkSysctl, String>,
    /// What guests may say, by the names of their links, of the links whose guards were looked up.
    /// A guard outlives its link.
    pub guards: BTreeMap<IfName, Guard>,
    /// How links pass FORWARD, of the links that were looked up. A passage outlives its link.
    pub passages: BTreeMap<IfName, Passage>,
    /// Chains of the host with our rule in them, and the mark that it lets by; of those that were
    /// looked at.
    pub open: BTreeMap<ForwardChain, ForwardMark>,
    /// Links that masquerade what leaves by them, of those that were asked about: to others it comes
    /// from an address of that link.
    pub masquerades: BTreeSet<IfName>,
    /// Rules that Xen's own scripts made in the FORWARD chain, if they were looked for.
    pub old_rules: BTreeSet<OldRule>,
    /// What is known of the DHCP server of vif-nat's guests.
    pub dhcp: Dhcp,
    /// Files of others that lines of ours are in, of those that were read.
    pub files: Files,
    /// xenstore nodes. A key that is missing is a node that is not there.
    pub nodes: BTreeMap<NodePath, NodeValue>,
}

impl NetState {
    /// The addresses of one link, in order.
    pub fn addresses_of<'a>(&'a self, link: &'a IfName) -> impl Iterator<Item = &'a Address> {
        self.addresses.iter().filter(move |a| &a.link == link)
    }

    /// The ports of a bridge, in order of their names.
    pub fn ports_of<'a>(&'a self, bridge: &'a IfName) -> impl Iterator<Item = &'a IfName> {
        self.links
            .iter()
            .filter(move |(_, link)| link.master.as_ref() == Some(bridge))
            .map(|(name, _)| name)
    }
}
