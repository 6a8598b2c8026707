//! Reading the kernel's network into a value.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;

use ipnet::IpNet;
use xenwire_core::name::{IfName, Mac};
use xenwire_core::state::{
    Address, BridgeOptions, Lifetime, Link, LinkFacts, LinkKind, LinkSysctl, NetState, Observed,
    PeerEnd, Route, RouteKind, Scope,
};
use xenwire_wire as wire;
use xenwire_wire::{Query, Reply};

use super::{EAFNOSUPPORT, ENODEV, EOPNOTSUPP, Kernel, KernelError};

impl Kernel {
    /// What is there, within a scope. The cost of a scope of links does not depend on how many
    /// others there are.
    ///
    /// # Errors
    /// [`KernelError`]; a link that goes away meanwhile is none.
    pub fn observe(&mut self, scope: Scope) -> Result<Observed, KernelError> {
        let links = match &scope {
            Scope::Host => links(self.socket.ask(&Query::Links)?),
            Scope::Links { whole, bare } => {
                let mut found = Vec::new();
                for name in whole.union(bare) {
                    found.extend(self.one_link(Query::Link(name.to_string()))?);
                }
                found
            }
        };
        let mut names = names(&links);
        for link in &links {
            let Some(master) = link.master.filter(|index| !names.contains_key(index)) else {
                continue;
            };
            let found = self.one_link(Query::LinkNumbered(master))?;
            names.extend(found.and_then(|link| Some((link.index, link.name?.parse().ok()?))));
        }
        self.indexes
            .extend(names.iter().map(|(index, name)| (name.clone(), *index)));

        let mut state = NetState::default();
        let mut facts = BTreeMap::new();
        for link in &links {
            let Some(name) = names.get(&link.index) else {
                continue;
            };
            facts.insert(
                name.clone(),
                LinkFacts {
                    index: link.index,
                    carrier: link.carrier,
                    running: link.running,
                    addresses: Vec::new(),
                },
            );
            state.links.insert(name.clone(), as_state(link, &names));
            if scope.holds_whole(name) {
                let known = LinkSysctl::KNOWN.iter();
                let key = |(family, setting): &(_, &str)| LinkSysctl {
                    link: name.clone(),
                    family: *family,
                    name: (*setting).into(),
                };
                state.sysctls.extend(settings(known.map(key)));
            }
        }
        if scope == Scope::Host {
            let known = LinkSysctl::KNOWN_OF_HOST;
            state
                .sysctls
                .extend(settings(known.into_iter().map(LinkSysctl::of_host)));
        }
        self.addresses_and_routes(&scope, &links, &names, &mut state, &mut facts)?;
        Ok(Observed {
            scope,
            state,
            facts,
        })
    }

    fn addresses_and_routes(
        &mut self,
        scope: &Scope,
        links: &[wire::Link],
        names: &BTreeMap<u32, IfName>,
        state: &mut NetState,
        facts: &mut BTreeMap<IfName, LinkFacts>,
    ) -> Result<(), KernelError> {
        let mut queries = Vec::new();
        if *scope == Scope::Host {
            queries.push(Query::Addresses(None));
            queries.extend([false, true].map(|ipv6| Query::Routes { ipv6, index: None }));
        } else {
            for link in links
                .iter()
                .filter(|link| names.get(&link.index).is_some_and(|n| scope.holds_whole(n)))
            {
                queries.push(Query::Addresses(Some(link.index)));
                // No route leaves by a link that is down (fib_disable_ip, rt6_disable_ip).
                if link.up == Some(true) {
                    queries.extend([false, true].map(|ipv6| Query::Routes {
                        ipv6,
                        index: Some(link.index),
                    }));
                }
            }
        }
        for query in queries {
            let replies = match self.socket.ask(&query) {
                // IPv6 is not there, or the link has gone since.
                Err(error) if matches!(error.errno(), Some(ENODEV | EAFNOSUPPORT | EOPNOTSUPP)) => {
                    continue;
                }
                replies => replies?,
            };
            for reply in replies {
                match reply {
                    Reply::Address(address) => {
                        let Some(address) = as_address(address, names) else {
                            continue;
                        };
                        if let Some(facts) = facts.get_mut(&address.link) {
                            facts.addresses.push(address.net);
                        }
                        state.addresses.insert(address);
                    }
                    Reply::Route(route) => state.routes.extend(as_route(route, names, scope)),
                    _ => {}
                }
            }
        }
        // An old kernel that ignores the filter answers with everything.
        state
            .addresses
            .retain(|address| scope.holds_whole(&address.link));
        Ok(())
    }
}

fn links(replies: Vec<Reply>) -> Vec<wire::Link> {
    let link = |reply| match reply {
        Reply::Link(link) => Some(link),
        _ => None,
    };
    replies.into_iter().filter_map(link).collect()
}

/// Links whose names we would not accept are passed over: nothing can be planned about them.
fn names(links: &[wire::Link]) -> BTreeMap<u32, IfName> {
    links
        .iter()
        .filter_map(|link| Some((link.index, link.name.as_ref()?.parse().ok()?)))
        .collect()
}

fn as_state(link: &wire::Link, names: &BTreeMap<u32, IfName>) -> Link {
    let name_of = |index: &u32| names.get(index).cloned();
    Link {
        kind: match &link.kind {
            Some(wire::Kind::Bridge { stp, forward_delay }) => LinkKind::Bridge(BridgeOptions {
                stp: *stp,
                forward_delay: *forward_delay,
            }),
            Some(wire::Kind::Veth(_)) => {
                let peer = link.lower.as_ref().and_then(name_of);
                let name = peer.map(|name| name.to_string()).unwrap_or_default();
                LinkKind::Veth(PeerEnd {
                    name,
                    netns: None,
                    mac: None,
                })
            }
            Some(wire::Kind::Other(kind)) => LinkKind::Other(kind.clone()),
            None => LinkKind::Other(String::new()),
        },
        up: link.up.unwrap_or(false),
        mac: link.mac.map(Mac),
        mtu: link.mtu.unwrap_or(0),
        master: link.master.as_ref().and_then(name_of),
        alias: link.alias.clone(),
    }
}

fn as_address(address: wire::Address, names: &BTreeMap<u32, IfName>) -> Option<Address> {
    let link = names.get(&address.index)?.clone();
    let label = address.label.filter(|label| *label != link.as_str());
    let lifetime = match (address.valid, address.preferred) {
        (u32::MAX, u32::MAX) => Lifetime::Forever,
        (valid, preferred) => Lifetime::Seconds { valid, preferred },
    };
    Some(Address {
        net: IpNet::new(address.local, address.prefix_len).ok()?,
        peer: address
            .peer
            .and_then(|peer| IpNet::new(peer, address.prefix_len).ok()),
        broadcast: address.broadcast,
        label,
        scope: address.scope,
        flags: address.flags & Address::SETTINGS,
        lifetime,
        protocol: address.protocol,
        metric: address.metric,
        link,
    })
}

fn as_route(route: wire::Route, names: &BTreeMap<u32, IfName>, scope: &Scope) -> Option<Route> {
    let link = route.index.and_then(|index| names.get(&index).cloned());
    if *scope != Scope::Host && !link.as_ref().is_some_and(|link| scope.holds_whole(link)) {
        return None;
    }
    Some(Route {
        table: route.table,
        to: IpNet::new(route.to, route.prefix_len).ok()?,
        kind: if route.kind == UNICAST {
            RouteKind::Unicast
        } else {
            RouteKind::Other(route.kind)
        },
        via: route.via.filter(|via: &IpAddr| !via.is_unspecified()),
        link,
        metric: route.metric,
        source: route.source,
        scope: route.scope,
        protocol: route.protocol,
    })
}

/// RTN_UNICAST.
pub(super) const UNICAST: u8 = 1;

/// The settings that are there. A file that is missing is a setting that the kernel does not have.
fn settings(keys: impl Iterator<Item = LinkSysctl>) -> Vec<(LinkSysctl, String)> {
    keys.filter_map(|key| {
        let value = fs::read_to_string(format!("/proc/sys/{key}")).ok()?;
        Some((key, value.trim_end().to_owned()))
    })
    .collect()
}
