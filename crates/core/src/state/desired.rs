//! What is wanted of the things that xenwire makes or was told to look after.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Address, DhcpServer, Feature, ForwardChain, ForwardMark, Guard, Hooks, LineChange, LinkKind,
    LinkSysctl, Neighbour, NodePath, NodeValue, OldRule, Passage, PortVlans, Route, Rule,
    SwitchPort,
};
use crate::name::{IfName, Mac};

/// What is wanted. A thing that is not named here is foreign and stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Links, by the name they are to have.
    pub links: BTreeMap<IfName, WantedLink>,
    /// Links of ours that are to go, by the name they have. The name may be wanted for another.
    pub gone: BTreeSet<IfName>,
    /// Routes that are to be there.
    pub routes: BTreeSet<Route>,
    /// Neighbours and proxies that are to be there, besides those that a link has.
    pub neighbours: BTreeSet<Neighbour>,
    /// Neighbours and proxies that are to go.
    pub neighbours_gone: BTreeSet<Neighbour>,
    /// Policy rules that are to be there.
    pub rules: BTreeSet<Rule>,
    /// Policy rules that are to go.
    pub rules_gone: BTreeSet<Rule>,
    /// Offload settings, if the link can change them.
    pub features: BTreeMap<Feature, bool>,
    /// Per-link settings, if the kernel has them.
    pub sysctls: BTreeMap<LinkSysctl, String>,
    /// What guests may say, by the names their links are to have; `None`: anything.
    pub guards: BTreeMap<IfName, Option<Guard>>,
    /// How links are to pass FORWARD, by the names they are to have; `None`: as anybody does.
    pub passages: BTreeMap<IfName, Option<Passage>>,
    /// Chains of the host, and the mark that our rule in them is to let by; `None`: no rule of ours.
    pub open: BTreeMap<ForwardChain, Option<ForwardMark>>,
    /// Links, and whether they are to masquerade what leaves by them.
    pub masquerades: BTreeMap<IfName, bool>,
    /// Rules of Xen's own scripts that are to go.
    pub old_rules_gone: BTreeSet<OldRule>,
    /// What host files of the DHCP server are to say, by vif; `None`: the file is to go.
    pub dhcp_hosts: BTreeMap<IfName, Option<String>>,
    /// Lines of somebody's files that are to change.
    pub lines: Vec<LineChange>,
    /// The DHCP server.
    pub dhcp_server: Managed<DhcpServer>,
    /// Ports of Open vSwitch that are to be there.
    pub switch_ports: BTreeMap<IfName, SwitchPort>,
    /// Ports of Open vSwitch that are to go.
    pub switch_ports_gone: BTreeSet<IfName>,
    /// Nodes to write, in this order within each [`Moment`].
    pub nodes: Vec<WantedNode>,
    /// Hooks to run, when everything is as wanted but the nodes at the end.
    pub hooks: Option<WantedHooks>,
}

/// Hooks to run. That they are run once more is wanted each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedHooks {
    /// Which.
    pub hooks: Hooks,
    /// Whether the plan fails if one of them does.
    pub required: bool,
}

/// A setting that is looked after, or left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Managed<T> {
    /// Not ours to change.
    #[default]
    LeaveAlone,
    /// To be this, if the kernel agrees.
    Wish(T),
    /// To be this, or the plan fails.
    Set(T),
}

/// What is wanted of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLink {
    /// Who makes it.
    pub origin: Origin,
    /// The name it has until it gets the wanted one.
    pub formerly: Option<IfName>,
    /// Administratively up.
    pub up: Managed<bool>,
    /// Whether it asks and answers for addresses.
    pub arp: Managed<bool>,
    /// Whether it takes part in multicast.
    pub multicast: Managed<bool>,
    /// Its Ethernet address.
    pub mac: Managed<Mac>,
    /// Its MTU in bytes.
    pub mtu: Managed<u32>,
    /// The bridge it is a port of.
    pub master: Managed<Option<IfName>>,
    /// The VLANs it carries, as a port of a bridge that filters them.
    pub vlans: Managed<PortVlans>,
    /// Its alias.
    pub alias: Managed<Option<String>>,
    /// All its addresses.
    pub addresses: Managed<BTreeSet<Address>>,
    /// All routes that leave by it, but the kernel's own.
    pub routes: Managed<BTreeSet<Route>>,
    /// All its permanent neighbours and proxies.
    pub neighbours: Managed<BTreeSet<Neighbour>>,
}

/// Who makes a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// We do, if it is not there.
    Ours(LinkKind),
    /// Somebody else does (the kernel's netback, for a vif; ourselves, for the other end of a veth
    /// pair); without it the plan is refused.
    Expected,
    /// Somebody else does, and it may be gone by now.
    IfThere,
}

/// A node to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedNode {
    /// Which.
    pub path: NodePath,
    /// The folder that must still be there.
    pub within: NodePath,
    /// What it is to hold.
    pub value: NodeValue,
    /// When.
    pub moment: Moment,
    /// Whether the run fails if it cannot be written.
    pub required: bool,
}

/// When a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Before the links come up.
    BeforeUp,
    /// When everything else is done.
    AtEnd,
}

impl WantedLink {
    /// A link of this origin with nothing else said about it.
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            formerly: None,
            up: Managed::LeaveAlone,
            arp: Managed::LeaveAlone,
            multicast: Managed::LeaveAlone,
            mac: Managed::LeaveAlone,
            mtu: Managed::LeaveAlone,
            master: Managed::LeaveAlone,
            vlans: Managed::LeaveAlone,
            alias: Managed::LeaveAlone,
            addresses: Managed::LeaveAlone,
            routes: Managed::LeaveAlone,
            neighbours: Managed::LeaveAlone,
        }
    }
}

impl<T> Managed<T> {
    /// The wanted value, if it is looked after.
    pub fn wanted(&self) -> Option<&T> {
        match self {
            Self::LeaveAlone => None,
            Self::Wish(value) | Self::Set(value) => Some(value),
        }
    }
}
