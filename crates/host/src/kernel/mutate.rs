//! The one place where the kernel's network is changed. Every function here takes the token of
//! a journal, and sends one message or writes one file.

mod forward;
mod guards;
mod masquerade;
mod old_rules;

use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::AsRawFd;

use xenwire_core::journal::Fault;
use xenwire_core::name::IfName;
use xenwire_core::state::{
    Carriage, Effect, Link, LinkChange, LinkKind, LinkSysctl, PeerEnd, Route, VlanChange,
};
use xenwire_wire as wire;
use xenwire_wire::Verb;

use super::{
    EADDRNOTAVAIL, EEXIST, ENODEV, ENOENT, EOPNOTSUPP, ESRCH, Kernel, KernelError, to_wire,
};
use crate::journal::Announced;

/// Where namespaces have names, as `ip netns` keeps them.
const NETNS: &str = "/run/netns";

impl Kernel {
    /// Does one effect on the network. What is already so is done.
    ///
    /// # Errors
    /// A [`Fault`] with the kernel's own words. Nothing was changed.
    ///
    /// # Panics
    /// If the effect is not one on the network ([`Effect::is_kernel`]).
    pub fn perform(&mut self, _announced: &Announced, effect: &Effect) -> Result<(), Fault> {
        let result = match effect {
            Effect::CreateLink { name, link } => self.create(name, link),
            Effect::DeleteLink { name, link } => {
                self.forget(name, link);
                let verb = Verb::DeleteLink(named(name));
                or_so_already(self.send(verb), &[ENODEV])
            }
            Effect::ChangeLink { name, change } => self.change(name, change),
            Effect::MoveLink {
                name,
                netns,
                new_name,
                mac,
            } => self.move_link(name, netns, new_name, mac.0),
            Effect::AddAddress(address) => {
                let verb = self.address(address).map(Verb::AddAddress);
                or_so_already(verb.and_then(|verb| self.send(verb)), &[EEXIST])
            }
            Effect::DeleteAddress(address) => {
                let verb = self.address(address).map(Verb::DeleteAddress);
                or_so_already(
                    verb.and_then(|verb| self.send(verb)),
                    &[EADDRNOTAVAIL, ENODEV],
                )
            }
            Effect::ChangeAddress(pair) => {
                let verb = self.address(&pair.to).map(Verb::ReplaceAddress);
                verb.and_then(|verb| self.send(verb))
            }
            Effect::AddRoute(route) => {
                let verb = self.route(route).map(Verb::AddRoute);
                or_so_already(verb.and_then(|verb| self.send(verb)), &[EEXIST])
            }
            Effect::DeleteRoute(route) => or_so_already(self.delete_route(route), &[ESRCH, ENODEV]),
            Effect::AddRule(rule) => {
                let verb = Verb::AddRule(to_wire::rule(rule));
                or_so_already(self.send(verb), &[EEXIST])
            }
            Effect::DeleteRule(rule) => {
                let verb = Verb::DeleteRule(to_wire::rule(rule));
                or_so_already(self.send(verb), &[ENOENT])
            }
            Effect::AddNeighbour(neighbour) => {
                let verb = self.neighbour(neighbour).map(Verb::AddNeighbour);
                verb.and_then(|verb| self.send(verb))
            }
            Effect::DeleteNeighbour(neighbour) => {
                let verb = self.neighbour(neighbour).map(Verb::DeleteNeighbour);
                or_so_already(verb.and_then(|verb| self.send(verb)), &[ENOENT, ENODEV])
            }
            Effect::ChangeVlans(change) => self.change_vlans(change),
            Effect::SetFeature { key, to, .. } => self.set_feature(&key.link, &key.name, *to),
            Effect::WriteSysctl { key, to, .. } => self.set(key, to),
            Effect::ChangeGuard { port, change } => {
                self.change_guard(port, change.from.as_ref(), change.to.as_ref())
            }
            Effect::ChangePassage { port, change } => {
                self.change_passage(port, change.from.as_ref(), change.to.as_ref())
            }
            Effect::OpenForward { chain, change } => self.open_forward(*chain, change),
            Effect::ChangeMasquerade { uplink, change } => self.masquerade(uplink, change.to),
            Effect::DeleteOldRule(rule) => self.delete_old_rule(rule),
            Effect::RestoreOldRule(rule) => self.restore_old_rule(rule),
            Effect::WriteNodes { .. }
            | Effect::ChangeSwitchPort(_)
            | Effect::ChangeDhcpHost(_)
            | Effect::ChangeDhcpServer(_)
            | Effect::ChangeLine(_)
            | Effect::RunHooks(_) => {
                unreachable!("the store, the switch, the DHCP server and a shell do these")
            }
        };
        result.map_err(|error| error.fault(effect))
    }

    fn send(&mut self, verb: Verb) -> Result<(), KernelError> {
        self.socket.change(|sequence| verb.encode(sequence))
    }

    fn create(&mut self, name: &IfName, link: &Link) -> Result<(), KernelError> {
        let mut netns = None;
        let kind = match &link.kind {
            LinkKind::Bridge(options) => wire::Kind::Bridge {
                stp: options.stp,
                forward_delay: options.forward_delay,
                filters: options.filters,
            },
            LinkKind::Veth(PeerEnd {
                name,
                netns: place,
                mac,
            }) => {
                netns = place.as_deref().map(open_netns).transpose()?;
                let peer = wire::Link {
                    name: Some(name.clone()),
                    mac: mac.map(|mac| mac.0),
                    mtu: Some(link.mtu),
                    netns: netns.as_ref().map(AsRawFd::as_raw_fd),
                    ..wire::Link::default()
                };
                wire::Kind::Veth(Some(Box::new(peer)))
            }
            LinkKind::Other(kind) => {
                let text = Some(format!("xenwire does not make links of kind {kind:?}"));
                return Err(KernelError::Refused {
                    errno: EOPNOTSUPP,
                    text,
                });
            }
        };
        self.forget(name, link);
        let made = self.send(Verb::CreateLink(wire::Link {
            mac: link.mac.map(|mac| mac.0),
            mtu: Some(link.mtu),
            kind: Some(kind),
            ..named(name)
        }));
        drop(netns);
        made
    }

    fn change(&mut self, name: &IfName, change: &LinkChange) -> Result<(), KernelError> {
        let link = match change {
            LinkChange::Name(pair) => {
                let index = self.required_index(name)?;
                let renamed = wire::Link {
                    index,
                    ..named(&pair.to)
                };
                self.send(Verb::SetLink(renamed))?;
                self.indexes.remove(name);
                self.indexes.insert(pair.to.clone(), index);
                return Ok(());
            }
            LinkChange::Up(pair) => wire::Link {
                up: Some(pair.to),
                ..named(name)
            },
            LinkChange::Arp(pair) => wire::Link {
                arp: Some(pair.to),
                ..named(name)
            },
            LinkChange::Multicast(pair) => wire::Link {
                multicast: Some(pair.to),
                ..named(name)
            },
            LinkChange::Mac(pair) => wire::Link {
                mac: Some(pair.to.0),
                ..named(name)
            },
            LinkChange::Mtu(pair) => wire::Link {
                mtu: Some(pair.to),
                ..named(name)
            },
            LinkChange::Alias(pair) => wire::Link {
                alias: Some(pair.to.clone().unwrap_or_default()),
                ..named(name)
            },
            LinkChange::Master(pair) => {
                let master = match &pair.to {
                    Some(bridge) => self.required_index(bridge)?,
                    None => 0,
                };
                wire::Link {
                    master: Some(master),
                    ..named(name)
                }
            }
        };
        self.send(Verb::SetLink(link))
    }

    /// `addr_gen_mode` goes by a message. A write of its file makes the address that the mode
    /// stands for, even of a link that is down (addrconf_sysctl_addr_gen_mode, net/ipv6/addrconf.c),
    /// so that taking such a write back would leave an address behind.
    fn set(&mut self, key: &LinkSysctl, value: &str) -> Result<(), KernelError> {
        match value.parse() {
            Ok(mode) if key.name == "addr_gen_mode" && !key.is_of_host() => {
                self.send(Verb::SetLink(wire::Link {
                    addr_gen_mode: Some(mode),
                    ..named(&key.link)
                }))
            }
            _ => write_setting(key, value),
        }
    }

    fn move_link(
        &mut self,
        name: &IfName,
        netns: &str,
        new_name: &IfName,
        mac: [u8; 6],
    ) -> Result<(), KernelError> {
        let index = self.required_index(name)?;
        let place = open_netns(netns)?;
        self.indexes.remove(name);
        self.send(Verb::SetLink(wire::Link {
            index,
            netns: Some(place.as_raw_fd()),
            mac: Some(mac),
            ..named(new_name)
        }))
    }

    fn change_vlans(&mut self, change: &VlanChange) -> Result<(), KernelError> {
        let vlan = wire::PortVlan {
            index: self.required_index(&change.port)?,
            first: change.first,
            last: change.last,
            own: change.to == Some(Carriage::Own),
            untagged: matches!(change.to, Some(Carriage::Own | Carriage::Untagged)),
        };
        match change.to {
            Some(_) => self.send(Verb::AddPortVlan(vlan)),
            None => or_so_already(self.send(Verb::DeletePortVlan(vlan)), &[ENOENT]),
        }
    }

    fn set_feature(&mut self, link: &IfName, name: &str, on: bool) -> Result<(), KernelError> {
        let index = self.required_index(link)?;
        let (family, generic) = self.ethtool()?;
        let verb = Verb::SetFeature {
            family,
            index,
            name: name.to_owned(),
            on,
        };
        generic.change(|sequence| verb.encode(sequence))
    }

    /// Looks first: to the kernel a metric of 0 means any (fib_nh_match,
    /// net/ipv4/fib_semantics.c), and for want of the route that is meant it removes another.
    fn delete_route(&mut self, route: &Route) -> Result<(), KernelError> {
        if !self.has_route(route)? {
            return Ok(());
        }
        let verb = Verb::DeleteRoute(self.route(route)?);
        self.send(verb)
    }

    /// Its index may be another link's from now on, and so may its other end's.
    fn forget(&mut self, name: &IfName, link: &Link) {
        for name in link.peer().iter().chain([name]) {
            self.indexes.remove(name);
        }
    }
}

fn named(name: &IfName) -> wire::Link {
    wire::Link {
        name: Some(name.to_string()),
        ..wire::Link::default()
    }
}

fn or_so_already(result: Result<(), KernelError>, errnos: &[i32]) -> Result<(), KernelError> {
    match result {
        Err(error) if error.errno().is_some_and(|errno| errnos.contains(&errno)) => Ok(()),
        result => result,
    }
}

fn open_netns(name: &str) -> Result<std::fs::File, KernelError> {
    std::fs::File::open(format!("{NETNS}/{name}")).map_err(|error| KernelError::Io {
        operation: "open a network namespace",
        error,
    })
}

/// One `write`: the kernel takes a setting whole or not at all.
fn write_setting(key: &LinkSysctl, value: &str) -> Result<(), KernelError> {
    let written = OpenOptions::new()
        .write(true)
        .open(format!("/proc/sys/{key}"))
        .and_then(|mut file| file.write_all(value.as_bytes()));
    written.map_err(|error| KernelError::Io {
        operation: "write a setting",
        error,
    })
}
