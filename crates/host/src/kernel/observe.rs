//! Reading the kernel's network into a value.

mod filtered;
mod settings;

pub(super) use filtered::has_legacy_filter;

use std::collections::BTreeMap;

use xenwire_core::name::IfName;
use xenwire_core::state::{
    Feature, Keys, LinkFacts, LinkSysctl, NetState, Observed, PortVlans, Route, Scope,
};
use xenwire_wire as wire;
use xenwire_wire::{Query, Reply};

use super::from_wire::{self, Names};
use super::{EAFNOSUPPORT, ENODEV, ENOENT, EOPNOTSUPP, Kernel, KernelError, boot_seconds};

type Facts = BTreeMap<IfName, LinkFacts>;

impl Kernel {
    /// What is there, within a scope. The cost of a scope of links does not depend on how many
    /// others there are.
    ///
    /// # Errors
    /// [`KernelError`]; a link that goes away meanwhile is none.
    pub fn observe(&mut self, scope: Scope) -> Result<Observed, KernelError> {
        let links = self.links(&scope)?;
        let mut names = names(&links);
        for link in &links {
            if let Some(master) = link.master {
                self.learn_name(master, &mut names)?;
            }
        }
        self.indexes
            .extend(names.iter().map(|(index, name)| (name.clone(), *index)));

        let mut state = NetState::default();
        let mut facts = Facts::new();
        for link in &links {
            let Some(name) = names.get(&link.index) else {
                continue;
            };
            facts.insert(name.clone(), from_wire::facts(link, &names));
            state
                .links
                .insert(name.clone(), from_wire::link(link, &names));
            if scope.holds_whole(name) {
                state.sysctls.extend(from_wire::settings(link, name));
            }
        }
        self.vlans(&scope, &links, &names, &mut state)?;
        self.addresses_and_routes(&scope, &links, &mut names, &mut state, &mut facts)?;
        if scope.is_host() {
            let known = LinkSysctl::KNOWN_OF_HOST.into_iter();
            let keys = known.map(LinkSysctl::of_host);
            state.sysctls.extend(settings::read(keys));
            let default = "default".parse().ok();
            for name in state.links.keys().chain(&default) {
                let following = LinkSysctl::FOLLOWING.iter();
                let keys =
                    following.map(|(family, name_of)| LinkSysctl::conf(name, *family, name_of));
                state.sysctls.extend(settings::read(keys));
            }
            self.rules_and_neighbours(&names, &mut state)?;
        }
        if let Some(keys) = scope.keys() {
            state
                .sysctls
                .extend(settings::read(keys.settings.iter().cloned()));
            self.proxies(keys, &names, &mut state)?;
        }
        if let Scope::HostAnd(named) = &scope {
            for name in named {
                self.every_setting(name, &mut state, &mut facts)?;
            }
        }
        Ok(Observed {
            scope,
            state,
            facts,
        })
    }

    fn links(&mut self, scope: &Scope) -> Result<Vec<wire::Link>, KernelError> {
        match scope {
            Scope::Host | Scope::HostAnd(_) => {
                let replies = self.socket.ask(&Query::Links)?.into_iter();
                Ok(replies.filter_map(as_link).collect())
            }
            Scope::Links { whole, bare, .. } => {
                let mut found = Vec::new();
                for name in whole.union(bare) {
                    found.extend(self.one_link(Query::Link(name.to_string()))?);
                }
                Ok(found)
            }
        }
    }

    /// Asks for the name of a link outside the scope.
    fn learn_name(&mut self, index: u32, names: &mut Names) -> Result<(), KernelError> {
        if names.contains_key(&index) {
            return Ok(());
        }
        let found = self.one_link(Query::LinkNumbered(index))?;
        names.extend(found.and_then(|link| Some((link.index, link.name?.parse().ok()?))));
        Ok(())
    }

    /// What the ports of bridges that filter VLANs carry.
    fn vlans(
        &mut self,
        scope: &Scope,
        links: &[wire::Link],
        names: &Names,
        state: &mut NetState,
    ) -> Result<(), KernelError> {
        let is_filtered = |link: &wire::Link| {
            let bridge = link.master.and_then(|master| names.get(&master));
            let bridge = bridge.and_then(|bridge| state.links.get(bridge));
            bridge.is_some_and(|bridge| bridge.kind.first_vlans().is_some())
        };
        let ports = links.iter().filter(|link| is_filtered(link));
        let ports: Vec<(u32, IfName)> = ports
            .filter_map(|link| Some((link.index, names.get(&link.index)?.clone())))
            .filter(|(_, name)| scope.holds_whole(name))
            .collect();
        let queries: Vec<Query> = match scope.is_host() {
            true if ports.is_empty() => Vec::new(),
            true => vec![Query::PortVlans(None)],
            false => ports
                .iter()
                .map(|(index, _)| Query::PortVlans(Some(*index)))
                .collect(),
        };
        for (_, port) in &ports {
            state.vlans.insert(port.clone(), PortVlans::new());
        }
        for query in queries {
            for reply in self.ask_if_there(&query)? {
                let Reply::PortVlans(told) = reply else {
                    continue;
                };
                for vlan in told {
                    let port = names
                        .get(&vlan.index)
                        .and_then(|name| state.vlans.get_mut(name));
                    let Some(port) = port else { continue };
                    let carriage = from_wire::carriage(&vlan);
                    port.extend((vlan.first..=vlan.last).map(|number| (number, carriage)));
                }
            }
        }
        Ok(())
    }

    /// The answer; nothing if the kernel has none of it, or the link has gone since.
    fn ask_if_there(&mut self, query: &Query) -> Result<Vec<Reply>, KernelError> {
        match self.socket.ask(query) {
            Err(error) if matches!(error.errno(), Some(ENODEV | EAFNOSUPPORT | EOPNOTSUPP)) => {
                Ok(Vec::new())
            }
            replies => replies,
        }
    }

    fn addresses_and_routes(
        &mut self,
        scope: &Scope,
        links: &[wire::Link],
        names: &mut Names,
        state: &mut NetState,
        facts: &mut Facts,
    ) -> Result<(), KernelError> {
        let now = boot_seconds();
        for query in queries(scope, links, names) {
            for reply in self.ask_if_there(&query)? {
                match reply {
                    Reply::Address(address) => {
                        let Some(address) = from_wire::address(address, names, now) else {
                            continue;
                        };
                        if let Some(facts) = facts.get_mut(&address.link) {
                            facts.addresses.push(address.net);
                        }
                        state.addresses.insert(address);
                    }
                    Reply::Route(route) => {
                        let leaves_by =
                            |index| names.get(index).is_some_and(|n| scope.holds_whole(n));
                        let indexes: Vec<u32> = route.hops.iter().map(|hop| hop.index).collect();
                        if !scope.is_host() && !indexes.iter().any(leaves_by) {
                            continue;
                        }
                        // Some of several hops may be out of scope.
                        for index in indexes {
                            self.learn_name(index, names)?;
                        }
                        state.routes.extend(from_wire::route(route, names, now));
                    }
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

    /// Whether exactly this route is there, whatever its end and its attributes are by now.
    ///
    /// # Errors
    /// [`KernelError`]; ENODEV if a link that it leaves by is not there.
    pub(super) fn has_route(&mut self, wanted: &Route) -> Result<bool, KernelError> {
        let mut names = Names::new();
        for hop in &wanted.hops {
            names.insert(self.required_index(&hop.link)?, hop.link.clone());
        }
        let query = Query::Routes {
            ipv6: wanted.to.addr().is_ipv6(),
            index: names.keys().next().copied(),
        };
        let is_wanted = |reply| {
            let Reply::Route(route) = reply else {
                return false;
            };
            from_wire::route(route, &names, 0).is_some_and(|found| {
                let (expires, attributes) = (found.expires, found.attributes.clone());
                let wanted = wanted.clone();
                found
                    == Route {
                        expires,
                        attributes,
                        ..wanted
                    }
            })
        };
        let replies = self.ask_if_there(&query)?;
        Ok(replies.into_iter().any(is_wanted))
    }

    fn rules_and_neighbours(
        &mut self,
        names: &Names,
        state: &mut NetState,
    ) -> Result<(), KernelError> {
        for query in [
            Query::Rules { ipv6: false },
            Query::Rules { ipv6: true },
            Query::Neighbours { proxies: false },
            Query::Neighbours { proxies: true },
        ] {
            for reply in self.ask_if_there(&query)? {
                match reply {
                    Reply::Rule(rule) => state.rules.extend(from_wire::rule(rule)),
                    Reply::Neighbour(neighbour) => {
                        let neighbour = from_wire::neighbour(&neighbour, names);
                        state.neighbours.extend(neighbour);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn proxies(
        &mut self,
        keys: &Keys,
        names: &Names,
        state: &mut NetState,
    ) -> Result<(), KernelError> {
        for (link, to) in &keys.proxies {
            let index = names.iter().find(|(_, name)| *name == link);
            let Some(index) = index.map(|(index, _)| *index) else {
                continue;
            };
            let replies = match self.socket.ask(&Query::Proxy { index, to: *to }) {
                Err(error) if error.errno() == Some(EOPNOTSUPP) => {
                    self.ask_if_there(&Query::Neighbours { proxies: true })?
                }
                Err(error) if error.errno() == Some(ENOENT) => continue,
                replies => replies?,
            };
            let found = replies.into_iter().filter_map(|reply| match reply {
                Reply::Neighbour(neighbour) => from_wire::neighbour(&neighbour, names),
                _ => None,
            });
            let found = found.filter(|n| n.link == *link && n.to == *to);
            state.neighbours.extend(found);
        }
        Ok(())
    }

    /// `name` may be `default`, which has files and is no link.
    fn every_setting(
        &mut self,
        name: &IfName,
        state: &mut NetState,
        facts: &mut Facts,
    ) -> Result<(), KernelError> {
        let every = settings::every(name, state.links.get(name));
        state.sysctls.extend(every);
        let Some(facts) = facts.get_mut(name) else {
            return Ok(());
        };
        facts.wireless = settings::is_wireless(name, facts.index);
        for (feature, on) in self.features(facts.index)? {
            let link = name.clone();
            let key = Feature {
                link,
                name: feature,
            };
            state.features.insert(key, on);
        }
        Ok(())
    }
}

/// What is to be asked about addresses and routes.
fn queries(scope: &Scope, links: &[wire::Link], names: &Names) -> Vec<Query> {
    let routes = |index| [false, true].map(|ipv6| Query::Routes { ipv6, index });
    let mut queries = Vec::new();
    if scope.is_host() {
        queries.push(Query::Addresses(None));
        queries.extend(routes(None));
        return queries;
    }
    for link in links {
        if !names.get(&link.index).is_some_and(|n| scope.holds_whole(n)) {
            continue;
        }
        queries.push(Query::Addresses(Some(link.index)));
        // No route leaves by a link that is down (fib_disable_ip, rt6_disable_ip).
        if link.up == Some(true) {
            queries.extend(routes(Some(link.index)));
        }
    }
    queries
}

fn as_link(reply: Reply) -> Option<wire::Link> {
    match reply {
        Reply::Link(link) => Some(link),
        _ => None,
    }
}

/// Links whose names we would not accept are passed over: nothing can be planned about them.
fn names(links: &[wire::Link]) -> Names {
    links
        .iter()
        .filter_map(|link| Some((link.index, link.name.as_ref()?.parse().ok()?)))
        .collect()
}
