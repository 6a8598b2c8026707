//! One change to the machine, fully specified, with what it takes to undo it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Address, DhcpHostChange, DhcpServerChange, Feature, ForwardChain, ForwardMark, Guard, Hooks,
    LineChange, Link, LinkKind, LinkSysctl, Neighbour, NodePath, NodeValue, OldRule, Passage,
    PeerEnd, Route, Rule, SwitchChange, VlanChange,
};
use crate::name::{IfName, Mac};

/// One effect: one netlink message, one write below /proc/sys, or one xenstore transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Makes a link; it is down and no port. A veth pair's other end comes with it.
    CreateLink {
        /// Its name.
        name: IfName,
        /// What it is to be. `up`, `master` and `alias` are not looked at: steps of their own.
        link: Link,
    },
    /// Removes a link, which must be down and no port.
    DeleteLink {
        /// Its name.
        name: IfName,
        /// What it was.
        link: Link,
    },
    /// Changes one setting of a link.
    ChangeLink {
        /// Its name before the change.
        name: IfName,
        /// The change.
        change: LinkChange,
    },
    /// Hands a link to another namespace, where it gets a name and a MAC. The lab's way to give
    /// a guest its NIC; a namespace that received a link cannot be asked to give it back.
    MoveLink {
        /// Its name here.
        name: IfName,
        /// The namespace, by its name below /run/netns.
        netns: String,
        /// Its name there.
        new_name: IfName,
        /// Its MAC there.
        mac: Mac,
    },
    /// Has a port carry VLANs, or carry them in another way, or no more.
    ChangeVlans(VlanChange),
    /// Has a link be a port of Open vSwitch, or be one no more.
    ChangeSwitchPort(SwitchChange),
    /// Gives a link an address.
    AddAddress(Address),
    /// Takes an address from a link.
    DeleteAddress(Address),
    /// Gives an address that is there other flags: IPv6 only.
    ChangeAddress(Pair<Address>),
    /// Adds a route.
    AddRoute(Route),
    /// Removes a route.
    DeleteRoute(Route),
    /// Adds a policy rule.
    AddRule(Rule),
    /// Removes a policy rule.
    DeleteRule(Rule),
    /// Adds a permanent neighbour or a proxy.
    AddNeighbour(Neighbour),
    /// Removes a permanent neighbour or a proxy.
    DeleteNeighbour(Neighbour),
    /// Switches an offload of a link.
    SetFeature {
        /// Which.
        key: Feature,
        /// Whether it was on.
        from: bool,
        /// Whether it is to be on.
        to: bool,
    },
    /// Writes a per-link setting.
    WriteSysctl {
        /// Which.
        key: LinkSysctl,
        /// What it was.
        from: String,
        /// What it is to be.
        to: String,
    },
    /// Says what a guest may say by a link; in one transaction, so that no frame passes between.
    ChangeGuard {
        /// The link's name; the link need not be there.
        port: IfName,
        /// `None`: anything.
        change: Pair<Option<Guard>>,
    },
    /// Lets a link pass FORWARD, or no longer; in one transaction.
    ChangePassage {
        /// The link's name; the link need not be there.
        port: IfName,
        /// `None`: it passes as anybody does.
        change: Pair<Option<Passage>>,
    },
    /// Puts our rule into a chain of the host, or takes it away.
    OpenForward {
        /// The chain.
        chain: ForwardChain,
        /// The mark that it lets by; `None`: no rule.
        change: Pair<Option<ForwardMark>>,
    },
    /// Masquerades what leaves by a link, or no longer.
    ChangeMasquerade {
        /// The link's name; the link need not be there.
        uplink: IfName,
        /// Whether it does.
        change: Pair<bool>,
    },
    /// Puts a rule of Xen's own scripts back where it was: what takes back its removal.
    RestoreOldRule(OldRule),
    /// Removes a rule of Xen's own scripts from the FORWARD chain.
    DeleteOldRule(OldRule),
    /// Tells the DHCP server about a guest's NIC, or has it forget one. A server that is not there
    /// reads the file when it starts.
    ChangeDhcpHost(DhcpHostChange),
    /// Changes a line of somebody's file.
    ChangeLine(LineChange),
    /// Starts or stops the DHCP server.
    ChangeDhcpServer(DhcpServerChange),
    /// Writes or removes nodes, in one transaction that fails if `within` is gone by then: a
    /// backend folder that libxl deleted must not come back (contract, appendix B).
    WriteNodes {
        /// The folder that must still be there.
        within: NodePath,
        /// The nodes, in this order.
        writes: Vec<NodeWrite>,
    },
    /// Runs an administrator's hooks. What they do is theirs; told the opposite, they take it back.
    RunHooks(Hooks),
}

/// One node's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeWrite {
    /// Which.
    pub path: NodePath,
    /// What it was; `None`: not there.
    pub from: Option<NodeValue>,
    /// What it is to be; `None`: not there.
    pub to: Option<NodeValue>,
}

/// A change to one setting of a link: what it was, and what it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "setting", content = "value")]
pub enum LinkChange {
    /// Its name. Only while it is down.
    Name(Pair<IfName>),
    /// Administratively up or down.
    Up(Pair<bool>),
    /// Whether it asks and answers for addresses.
    Arp(Pair<bool>),
    /// Whether it takes part in multicast.
    Multicast(Pair<bool>),
    /// Its Ethernet address. Only while it is down.
    Mac(Pair<Mac>),
    /// Its MTU in bytes.
    Mtu(Pair<u32>),
    /// The bridge it is a port of.
    Master(Pair<Option<IfName>>),
    /// Its alias.
    Alias(Pair<Option<String>>),
}

/// What was, and what is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair<T> {
    /// What was found.
    pub from: T,
    /// What is wanted.
    pub to: T,
}

/// How an effect is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// By this one.
    By(Box<Effect>),
    /// Not at all, for this reason.
    Never(&'static str),
}

impl<T> Pair<T> {
    /// `from` and `to`, if they differ.
    pub fn differing(from: T, to: T) -> Option<Self>
    where
        T: PartialEq,
    {
        (from != to).then_some(Self { from, to })
    }

    pub(crate) fn swapped(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
        }
    }
}

impl Effect {
    /// What takes this effect back.
    pub fn undo(&self) -> Undo {
        Undo::By(Box::new(match self.clone() {
            Self::CreateLink { name, link } => Self::DeleteLink { name, link },
            Self::DeleteLink { name, link } => Self::CreateLink { name, link },
            Self::ChangeLink { name, change } => match change {
                LinkChange::Name(p) => Self::ChangeLink {
                    name: p.to.clone(),
                    change: LinkChange::Name(p.swapped()),
                },
                LinkChange::Up(p) => Self::ChangeLink {
                    name,
                    change: LinkChange::Up(p.swapped()),
                },
                LinkChange::Arp(p) => Self::ChangeLink {
                    name,
                    change: LinkChange::Arp(p.swapped()),
                },
                LinkChange::Multicast(p) => Self::ChangeLink {
                    name,
                    change: LinkChange::Multicast(p.swapped()),
                },
                LinkChange::Mac(p) => Self::ChangeLink {
                    name,
                    change: LinkChange::Mac(p.swapped()),
                },
                LinkChange::Mtu(p) => Self::ChangeLink {
                    name,
                    change: LinkChange::Mtu(p.swapped()),
                },
                LinkChange::Master(p) => Self::ChangeLink {
                    name,
                    change: LinkChange::Master(p.swapped()),
                },
                LinkChange::Alias(p) => Self::ChangeLink {
                    name,
                    change: LinkChange::Alias(p.swapped()),
                },
            },
            Self::MoveLink { .. } => {
                return Undo::Never("the link is in another namespace by then");
            }
            Self::ChangeVlans(change) => Self::ChangeVlans(change.swapped()),
            Self::ChangeSwitchPort(change) => Self::ChangeSwitchPort(change.swapped()),
            Self::AddAddress(a) => Self::DeleteAddress(a),
            Self::DeleteAddress(a) => Self::AddAddress(a),
            Self::ChangeAddress(pair) => Self::ChangeAddress(pair.swapped()),
            Self::AddRoute(r) => Self::DeleteRoute(r),
            Self::DeleteRoute(r) => Self::AddRoute(r),
            Self::AddRule(r) => Self::DeleteRule(r),
            Self::DeleteRule(r) => Self::AddRule(r),
            Self::AddNeighbour(n) => Self::DeleteNeighbour(n),
            Self::DeleteNeighbour(n) => Self::AddNeighbour(n),
            Self::SetFeature { key, from, to } => Self::SetFeature {
                key,
                from: to,
                to: from,
            },
            Self::WriteSysctl { key, from, to } => Self::WriteSysctl {
                key,
                from: to,
                to: from,
            },
            Self::RunHooks(hooks) => Self::RunHooks(hooks.back()),
            Self::ChangeGuard { port, change } => Self::ChangeGuard {
                port,
                change: change.swapped(),
            },
            Self::ChangePassage { port, change } => Self::ChangePassage {
                port,
                change: change.swapped(),
            },
            Self::OpenForward { chain, change } => Self::OpenForward {
                chain,
                change: change.swapped(),
            },
            Self::ChangeMasquerade { uplink, change } => Self::ChangeMasquerade {
                uplink,
                change: change.swapped(),
            },
            Self::RestoreOldRule(rule) => Self::DeleteOldRule(rule),
            Self::DeleteOldRule(rule) => Self::RestoreOldRule(rule),
            Self::ChangeDhcpHost(change) => Self::ChangeDhcpHost(change.swapped()),
            Self::ChangeDhcpServer(change) => Self::ChangeDhcpServer(change.swapped()),
            Self::ChangeLine(change) => Self::ChangeLine(change.swapped()),
            Self::WriteNodes { within, writes } => Self::WriteNodes {
                within,
                writes: writes
                    .into_iter()
                    .rev()
                    .map(|w| NodeWrite {
                        from: w.to,
                        to: w.from,
                        ..w
                    })
                    .collect(),
            },
        }))
    }

    /// Whether the kernel's network is what changes, and not the store, Open vSwitch, the DHCP
    /// server or what hooks change.
    pub fn is_kernel(&self) -> bool {
        !matches!(
            self,
            Self::WriteNodes { .. }
                | Self::RunHooks(_)
                | Self::ChangeSwitchPort(_)
                | Self::ChangeDhcpHost(_)
                | Self::ChangeDhcpServer(_)
                | Self::ChangeLine(_)
        )
    }

    /// The link it is about, by its name before the effect. A guard is about a name.
    pub fn link(&self) -> Option<&IfName> {
        match self {
            Self::CreateLink { name, .. }
            | Self::DeleteLink { name, .. }
            | Self::ChangeLink { name, .. }
            | Self::MoveLink { name, .. } => Some(name),
            Self::ChangeVlans(change) => Some(&change.port),
            Self::AddAddress(a) | Self::DeleteAddress(a) => Some(&a.link),
            Self::ChangeAddress(pair) => Some(&pair.to.link),
            Self::AddRoute(r) | Self::DeleteRoute(r) => r.link(),
            Self::AddNeighbour(n) | Self::DeleteNeighbour(n) => Some(&n.link),
            Self::WriteSysctl { key, .. } => Some(&key.link),
            Self::SetFeature { key, .. } => Some(&key.link),
            // A port of Open vSwitch may be one without a link.
            Self::AddRule(_)
            | Self::DeleteRule(_)
            | Self::ChangeGuard { .. }
            | Self::ChangePassage { .. }
            | Self::OpenForward { .. }
            | Self::ChangeMasquerade { .. }
            | Self::RestoreOldRule(_)
            | Self::DeleteOldRule(_)
            | Self::ChangeSwitchPort(_)
            | Self::ChangeDhcpHost(_)
            | Self::ChangeDhcpServer(_)
            | Self::ChangeLine(_)
            | Self::WriteNodes { .. }
            | Self::RunHooks(_) => None,
        }
    }
}

impl Link {
    /// The other end, if this is one of a veth pair with both ends here.
    pub fn peer(&self) -> Option<IfName> {
        match &self.kind {
            LinkKind::Veth(PeerEnd {
                name, netns: None, ..
            }) => name.parse().ok(),
            _ => None,
        }
    }
}

fn on(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateLink { name, link } => {
                let kind = match &link.kind {
                    LinkKind::Bridge(_) => "bridge",
                    LinkKind::Veth(_) => "veth",
                    LinkKind::Other(kind) => kind,
                };
                write!(f, "create {kind} {name}")
            }
            Self::DeleteLink { name, .. } => write!(f, "delete {name}"),
            Self::ChangeLink { name, change } => match change {
                LinkChange::Name(p) => write!(f, "rename {} to {}", p.from, p.to),
                LinkChange::Up(p) => write!(f, "set {name} {}", if p.to { "up" } else { "down" }),
                LinkChange::Arp(p) => write!(f, "set ARP of {name} {}", on(p.to)),
                LinkChange::Multicast(p) => write!(f, "set multicast of {name} {}", on(p.to)),
                LinkChange::Mac(p) => {
                    write!(f, "set the MAC of {name} to {} (was {})", p.to, p.from)
                }
                LinkChange::Mtu(p) => {
                    write!(f, "set the MTU of {name} to {} (was {})", p.to, p.from)
                }
                LinkChange::Master(Pair {
                    to: Some(bridge), ..
                }) => write!(f, "attach {name} to {bridge}"),
                LinkChange::Master(Pair { from, .. }) => {
                    write!(f, "detach {name}")?;
                    from.iter()
                        .try_for_each(|bridge| write!(f, " from {bridge}"))
                }
                LinkChange::Alias(p) => match &p.to {
                    Some(alias) => write!(f, "mark {name} as {alias:?}"),
                    None => write!(f, "take the mark from {name}"),
                },
            },
            Self::MoveLink {
                name,
                netns,
                new_name,
                ..
            } => write!(f, "move {name} to {netns} as {new_name}"),
            Self::ChangeVlans(change) => change.fmt(f),
            Self::ChangeSwitchPort(change) => change.fmt(f),
            Self::AddAddress(a) => write!(f, "add {} to {}", a.net, a.link),
            Self::DeleteAddress(a) => write!(f, "remove {} from {}", a.net, a.link),
            Self::ChangeAddress(p) => {
                write!(
                    f,
                    "set the flags of {} on {} to {:#x}",
                    p.to.net, p.to.link, p.to.flags
                )
            }
            Self::AddRoute(r) => {
                write!(f, "add the route to {}", r.to)?;
                r.link().iter().try_for_each(|link| write!(f, " by {link}"))
            }
            Self::DeleteRoute(r) => {
                write!(f, "remove the route to {}", r.to)?;
                r.link().iter().try_for_each(|link| write!(f, " by {link}"))
            }
            Self::AddRule(r) => write!(f, "add the rule {r}"),
            Self::DeleteRule(r) => write!(f, "remove the rule {r}"),
            Self::AddNeighbour(n) => write!(f, "add the neighbour {} to {}", n.to, n.link),
            Self::DeleteNeighbour(n) => write!(f, "remove the neighbour {} from {}", n.to, n.link),
            Self::SetFeature { key, to, .. } => write!(f, "switch {key} {}", on(*to)),
            Self::WriteSysctl { key, from, to } => write!(f, "write {to} to {key} (was {from})"),
            Self::RunHooks(Hooks { files, command, .. }) => {
                write!(f, "run {} with {command}", files.join(", "))
            }
            Self::ChangeGuard { port, change } => match &change.to {
                Some(guard) => write!(f, "hold {port} to {guard}"),
                None => write!(f, "let {port} send anything"),
            },
            Self::ChangePassage { port, change } => match &change.to {
                Some(passage) => {
                    write!(f, "let {port} pass FORWARD by the mark {}", passage.mark)
                }
                None => write!(f, "let {port} pass FORWARD no longer"),
            },
            Self::OpenForward { chain, change } => match &change.to {
                Some(mark) => write!(f, "let the mark {mark} pass {chain}"),
                None => write!(f, "take our rule out of {chain}"),
            },
            Self::ChangeMasquerade { uplink, change } => match change.to {
                true => write!(f, "masquerade what leaves by {uplink}"),
                false => write!(f, "masquerade no longer what leaves by {uplink}"),
            },
            Self::RestoreOldRule(rule) => write!(f, "put back the rule {rule}"),
            Self::DeleteOldRule(rule) => write!(f, "remove the rule {rule}"),
            Self::ChangeDhcpHost(change) => change.fmt(f),
            Self::ChangeDhcpServer(change) => change.fmt(f),
            Self::ChangeLine(change) => change.fmt(f),
            Self::WriteNodes { writes, .. } => {
                for (n, write) in writes.iter().enumerate() {
                    f.write_str(if n == 0 { "" } else { " and " })?;
                    match &write.to {
                        Some(value) => write!(f, "write {value} to {}", write.path)?,
                        None => write!(f, "remove node {}", write.path)?,
                    }
                }
                Ok(())
            }
        }
    }
}
