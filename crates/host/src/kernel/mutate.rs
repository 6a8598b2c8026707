//! The one place where the kernel's network is changed. Every function here takes the token of
//! a journal, and sends one message or writes one file.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::AsRawFd;

use xenwire_core::journal::Fault;
use xenwire_core::name::IfName;
use xenwire_core::state::{
    Address, Effect, Lifetime, Link, LinkChange, LinkKind, LinkSysctl, PeerEnd, Route, RouteKind,
};
use xenwire_wire as wire;
use xenwire_wire::Verb;

use super::observe::UNICAST;
use super::{EADDRNOTAVAIL, EEXIST, ENODEV, EOPNOTSUPP, ESRCH, Kernel, KernelError};
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
            Effect::DeleteLink { name, .. } => {
                self.indexes.remove(name);
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
            Effect::AddRoute(route) => {
                let verb = self.route(route).map(Verb::AddRoute);
                or_so_already(verb.and_then(|verb| self.send(verb)), &[EEXIST])
            }
            Effect::DeleteRoute(route) => {
                let verb = self.route(route).map(Verb::DeleteRoute);
                or_so_already(verb.and_then(|verb| self.send(verb)), &[ESRCH, ENODEV])
            }
            Effect::WriteSysctl { key, to, .. } => self.set(key, to),
            Effect::WriteNodes { .. } => unreachable!("nodes are written by the store"),
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
        self.indexes.remove(name);
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
            Ok(mode) if key.name == "addr_gen_mode" => self.send(Verb::SetLink(wire::Link {
                addr_gen_mode: Some(mode),
                ..named(&key.link)
            })),
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

    fn address(&mut self, address: &Address) -> Result<wire::Address, KernelError> {
        let (valid, preferred) = match address.lifetime {
            Lifetime::Forever => (u32::MAX, u32::MAX),
            Lifetime::Seconds { valid, preferred } => (valid, preferred),
        };
        // Every IPv4 address has a label; without one of its own it is the link's name.
        let label = address.net.addr().is_ipv4().then(|| {
            address
                .label
                .clone()
                .unwrap_or_else(|| address.link.to_string())
        });
        Ok(wire::Address {
            index: self.required_index(&address.link)?,
            local: address.net.addr(),
            prefix_len: address.peer.unwrap_or(address.net).prefix_len(),
            peer: address.peer.map(|peer| peer.addr()),
            broadcast: address.broadcast,
            label,
            scope: address.scope,
            flags: address.flags,
            valid,
            preferred,
            protocol: address.protocol,
            metric: address.metric,
        })
    }

    fn route(&mut self, route: &Route) -> Result<wire::Route, KernelError> {
        Ok(wire::Route {
            to: route.to.addr(),
            prefix_len: route.to.prefix_len(),
            table: route.table,
            kind: match route.kind {
                RouteKind::Unicast => UNICAST,
                RouteKind::Other(kind) => kind,
            },
            via: route.via,
            index: route
                .link
                .as_ref()
                .map(|link| self.required_index(link))
                .transpose()?,
            metric: route.metric,
            source: route.source,
            scope: route.scope,
            protocol: route.protocol,
        })
    }

    fn required_index(&mut self, name: &IfName) -> Result<u32, KernelError> {
        self.index_of(name)?.ok_or_else(|| KernelError::Refused {
            errno: ENODEV,
            text: Some(format!("there is no link {name}")),
        })
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
