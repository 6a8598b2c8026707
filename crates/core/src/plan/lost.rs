//! What the kernel would drop without a word, and is taken away first so that it can come back.
//!
//! ```text
//!  a link goes down        its IPv6 addresses, all its routes and neighbours, and those of the
//!                          VLANs on it, which go down with it (vlan_device_event, net/8021q/vlan.c)
//!  an address goes         routes anywhere that prefer it as source (fib_sync_down_addr)
//!  a family's last one     all routes of that family by the link (fib_disable_ip)
//! ```
//!
//! Routes of the kernel's own (rtproto 2) come back with the address they belong to. One of them is
//! taken too: the prefix of an IPv6 address that ends some day outlives the address
//! (ipv6_del_addr, net/ipv6/addrconf.c), and would go on leading packets to the link that had it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::names::Names;
use super::order::needs_down;
use super::{Diff, LinkDiff, Refusal};
use crate::name::IfName;
use crate::state::{
    Address, Deadline, Desired, Hop, Lifetime, LinkKind, Managed, Neighbour, NetState, Observed,
    Route, RouteKind,
};

/// Completes the difference with everything that would be lost on the way, or says what cannot be
/// kept because nobody told us to look after it.
pub(super) fn take_first(
    diff: &mut Diff,
    desired: &Desired,
    observed: &Observed,
    names: &Names,
    refusals: &mut Vec<Refusal>,
) {
    let mut losses = Losses {
        diff,
        desired,
        observed,
        names,
        refusals,
    };
    losses.links_that_go();
    for present in losses.links_that_are_down_meanwhile() {
        losses.of_link_down(&present);
        for upper in losses.uppers(&present) {
            losses.of_upper(&upper);
            losses.mac_of_upper(&upper, &present);
        }
    }
    losses.prefixes();
    losses.of_last_addresses();
    losses.of_sources();
    losses.of_nexthops();
    losses.unreachable();
}

struct Losses<'a> {
    diff: &'a mut Diff,
    desired: &'a Desired,
    observed: &'a Observed,
    names: &'a Names,
    refusals: &'a mut Vec<Refusal>,
}

impl Losses<'_> {
    fn state(&self) -> &NetState {
        &self.observed.state
    }

    /// A link of ours that goes takes along what it has.
    fn links_that_go(&mut self) {
        let ends: BTreeSet<IfName> = self
            .diff
            .removed
            .iter()
            .flat_map(|(name, link)| link.peer().into_iter().chain([name.clone()]))
            .collect();
        for end in ends {
            let addresses: Vec<Address> = self.state().addresses_of(&end).cloned().collect();
            self.diff.addresses_removed.extend(addresses);
            for route in self.routes_by(&end) {
                self.take_route(&route);
            }
            let neighbours = self.neighbours_of(&end);
            self.diff.neighbours_removed.extend(neighbours);
        }
    }

    /// Present names of links that are up, go down in this plan, and stay.
    fn links_that_are_down_meanwhile(&self) -> Vec<IfName> {
        let down = self.diff.links.iter().filter(|(_, change)| {
            needs_down(change) || change.up.as_ref().is_some_and(|pair| !pair.to)
        });
        down.map(|(name, _)| self.names.present(name))
            .filter(|present| self.state().links.get(present).is_some_and(|link| link.up))
            .collect()
    }

    fn of_link_down(&mut self, present: &IfName) {
        let name = self.names.wanted(present);
        let default = LinkDiff::default();
        let change = self.diff.links.get(&name).unwrap_or(&default);
        // A link that is to stay down loses what it has on purpose.
        let comes_back = change.up.as_ref().is_none_or(|pair| pair.to);
        let wanted = &self.desired.links[&name];
        let mut lost = Vec::new();
        match wanted.addresses.wanted() {
            None => lost.extend(
                self.state()
                    .addresses_of(present)
                    .map(|a| format!("the address {}", a.net)),
            ),
            Some(_) => {
                let kept: Vec<Address> = self
                    .state()
                    .addresses_of(present)
                    .filter(|kept| !self.diff.addresses_removed.contains(kept))
                    .cloned()
                    .collect();
                for kept in kept {
                    self.diff.addresses_added.push(kept.on(&name));
                    self.diff.addresses_removed.push(kept);
                }
            }
        }
        let routes = self.routes_by(present);
        if wanted.addresses == Managed::LeaveAlone && wanted.routes == Managed::LeaveAlone {
            lost.extend(routes.iter().map(|r| format!("the route to {}", r.to)));
        } else {
            for route in routes {
                let family = route.to.addr().is_ipv4();
                let stays = match wanted.routes.wanted() {
                    Some(_) => true,
                    None => has_family(wanted.addresses.wanted(), family),
                };
                if self.take_route(&route) && stays {
                    self.give_route(&route);
                }
            }
        }
        for neighbour in self.neighbours_of(present) {
            if self.diff.neighbours_removed.contains(&neighbour) {
                continue;
            }
            self.diff.neighbours_added.push(Neighbour {
                link: name.clone(),
                ..neighbour.clone()
            });
            self.diff.neighbours_removed.push(neighbour);
        }
        if !lost.is_empty() && comes_back {
            self.refusals.push(Refusal::WouldLose {
                link: present.clone(),
                what: lost,
            });
        }
    }

    /// Links that are on this one and up, with those on them.
    fn uppers(&self, lower: &IfName) -> Vec<IfName> {
        let mut found: Vec<IfName> = Vec::new();
        let mut seek = vec![lower.clone()];
        while let Some(lower) = seek.pop() {
            for (name, facts) in &self.observed.facts {
                let is_up = self.state().links.get(name).is_some_and(|link| link.up);
                if facts.lower.as_ref() == Some(&lower) && is_up && !found.contains(name) {
                    found.push(name.clone());
                    seek.push(name.clone());
                }
            }
        }
        found
    }

    fn of_upper(&mut self, upper: &IfName) {
        let kept: Vec<Address> = self
            .state()
            .addresses_of(upper)
            .filter(|a| a.net.addr().is_ipv6() && !self.diff.addresses_removed.contains(a))
            .cloned()
            .collect();
        self.diff.addresses_added.extend(kept.clone());
        self.diff.addresses_removed.extend(kept);
        for route in self.routes_by(upper) {
            if self.take_route(&route) {
                self.give_route(&route);
            }
        }
        for neighbour in self.neighbours_of(upper) {
            if !self.diff.neighbours_removed.contains(&neighbour) {
                self.diff.neighbours_added.push(neighbour.clone());
                self.diff.neighbours_removed.push(neighbour);
            }
        }
    }

    /// The prefix routes that the kernel leaves where an address that ends was.
    fn prefixes(&mut self) {
        let ends = |address: &&Address| matches!(address.lifetime, Lifetime::Until { valid, .. } if valid != Deadline::NEVER);
        let removed = self.diff.addresses_removed.iter();
        let removed = removed.filter(|a| a.net.addr().is_ipv6()).filter(ends);
        let left: Vec<Route> = removed
            .flat_map(|address| {
                let routes = self.observed.state.routes.iter();
                routes.filter(|route| {
                    route.protocol == Route::KERNEL
                        && route.kind == RouteKind::Unicast
                        && route.to == address.net.trunc()
                        && route.leaves_by(&address.link)
                })
            })
            .cloned()
            .collect();
        for route in left {
            if !self.diff.prefixes.contains(&route) {
                self.diff.prefixes.push(route);
            }
        }
    }

    /// A VLAN that never was given a MAC of its own follows that of its link
    /// (vlan_dev_inherit_address, net/8021q/vlan_dev.c): all hosts would be fe:ff:ff:ff:ff:ff on it.
    fn mac_of_upper(&mut self, upper: &IfName, present: &IfName) {
        let changes = self.diff.links.get(&self.names.wanted(present));
        let link = &self.observed.state.links[upper];
        let is_vlan = link.kind == LinkKind::Other("vlan".into());
        if let Some(mac) = link.mac
            && is_vlan
            && changes.is_some_and(|change| change.mac.as_ref().is_some_and(|p| p.from == mac))
        {
            self.diff.kept_macs.push((upper.clone(), mac));
        }
    }

    /// With the last address of a family go its routes, and they come back if the family has an
    /// address in the end.
    fn of_last_addresses(&mut self) {
        for (name, wanted) in &self.desired.links {
            let Some(addresses) = wanted.addresses.wanted() else {
                continue;
            };
            let present = self.names.present(name);
            for route in self.routes_by(&present) {
                let family = route.to.addr().is_ipv4();
                let had = self
                    .state()
                    .addresses_of(&present)
                    .any(|a| a.net.addr().is_ipv4() == family);
                if had && !has_family(Some(addresses), family) {
                    self.take_route(&route);
                }
            }
        }
    }

    /// Routes that prefer an address that goes, wherever they leave.
    fn of_sources(&mut self) {
        let removed = self.diff.addresses_removed.iter().map(|a| a.net.addr());
        let removed: BTreeSet<_> = removed.collect();
        let added = self.diff.addresses_added.iter().map(|a| a.net.addr());
        let added: BTreeSet<_> = added.collect();
        // One that another link has too stays the host's (fib_del_ifaddr, net/ipv4/fib_frontend.c).
        let stays = |address: &&Address| !self.diff.addresses_removed.contains(address);
        let stay = self.state().addresses.iter().filter(stays);
        let stay: BTreeSet<_> = stay.map(|address| address.net.addr()).collect();
        let removed: BTreeSet<_> = removed.difference(&stay).copied().collect();
        let prefers = |route: &&Route| {
            route.protocol != Route::KERNEL && route.source.is_some_and(|ip| removed.contains(&ip))
        };
        let routes: Vec<Route> = self
            .state()
            .routes
            .iter()
            .filter(prefers)
            .cloned()
            .collect();
        for route in routes {
            if !self.take_route(&route) {
                continue;
            }
            if route.source.is_some_and(|ip| added.contains(&ip)) {
                self.give_route(&route);
            } else if let Some(link) = route.link() {
                self.refusals.push(Refusal::WouldLose {
                    link: link.clone(),
                    what: vec![format!("the route to {}, whose source goes", route.to)],
                });
            }
        }
    }

    /// A nexthop object dies with its link and its number with it: nothing of ours makes one.
    fn of_nexthops(&mut self) {
        let by_nexthop = self
            .diff
            .routes_removed
            .iter()
            .filter(|r| r.nexthop.is_some());
        for route in by_nexthop {
            if let Some(link) = route.link() {
                self.refusals.push(Refusal::WouldLose {
                    link: link.clone(),
                    what: vec![format!("the route to {} by a nexthop object", route.to)],
                });
            }
        }
    }

    /// A route that is given again must be one that the kernel still takes: its next hop at its
    /// link, its source an address of the host's. One that was left over from a network that has
    /// gone would be lost, and is a reason not to begin (fib_check_nh, fib_valid_prefsrc).
    fn unreachable(&mut self) {
        let mut refused = Vec::new();
        for route in &self.diff.routes_added {
            let taken = |removed: &Route| {
                removed.renamed(|link| self.names.wanted(link)).again().to == route.to
            };
            if !self.diff.routes_removed.iter().any(taken) {
                continue;
            }
            let why = route
                .hops
                .iter()
                .find(|hop| !self.is_at_link(hop))
                .and_then(|hop| {
                    Some(format!(
                        "whose next hop {} is not at {}",
                        hop.via?, hop.link
                    ))
                })
                .or_else(|| self.lost_source(route));
            if let (Some(why), Some(link)) = (why, route.link()) {
                refused.push(Refusal::WouldLose {
                    link: link.clone(),
                    what: vec![format!("the route to {}, {why}", route.to)],
                });
            }
        }
        self.refusals.extend(refused);
    }

    /// Whether a next hop can be asked for at its link in the end.
    fn is_at_link(&self, hop: &Hop) -> bool {
        let Some(via) = hop.via else { return true };
        let is_link_local = matches!(via, IpAddr::V6(via) if via.is_unicast_link_local());
        if hop.flags & Hop::ONLINK != 0 || is_link_local {
            return true;
        }
        let addresses = self.final_addresses();
        let mut nets = addresses.filter(|a| a.link == hop.link);
        let direct = |route: &Route| {
            !route.has_next_hop() && route.leaves_by(&hop.link) && route.to.contains(&via)
        };
        nets.any(|a| a.peer.unwrap_or(a.net).contains(&via))
            || self.diff.routes_added.iter().any(direct)
            || self.state().routes.iter().any(|route| {
                !self.diff.routes_removed.contains(route)
                    && direct(&route.renamed(|link| self.names.wanted(link)))
            })
    }

    fn lost_source(&self, route: &Route) -> Option<String> {
        let source = route.source?;
        let is_there = self.final_addresses().any(|a| a.net.addr() == source);
        (!is_there).then(|| format!("whose source {source} is no address of this host"))
    }

    /// All addresses as they will be, under the wanted names.
    fn final_addresses(&self) -> impl Iterator<Item = Address> {
        let stays = |address: &&Address| !self.diff.addresses_removed.contains(address);
        let kept = self.state().addresses.iter().filter(stays);
        let kept = kept.map(|address| address.on(&self.names.wanted(&address.link)));
        kept.chain(self.diff.addresses_added.iter().cloned())
    }

    fn routes_by(&self, present: &IfName) -> Vec<Route> {
        let routes = self.state().routes.iter();
        routes
            .filter(|r| r.leaves_by(present) && r.protocol != Route::KERNEL)
            .cloned()
            .collect()
    }

    fn neighbours_of(&self, present: &IfName) -> Vec<Neighbour> {
        let neighbours = self.state().neighbours.iter();
        neighbours.filter(|n| n.link == *present).cloned().collect()
    }

    /// Whether it was not taken yet.
    fn take_route(&mut self, route: &Route) -> bool {
        let new = !self.diff.routes_removed.contains(route);
        if new {
            self.diff.routes_removed.push(route.clone());
        }
        new
    }

    fn give_route(&mut self, route: &Route) {
        let route = route.renamed(|link| self.names.wanted(link)).again();
        if !self.diff.routes_added.contains(&route) {
            self.diff.routes_added.push(route);
        }
    }
}

fn has_family(addresses: Option<&BTreeSet<Address>>, ipv4: bool) -> bool {
    addresses.is_some_and(|all| all.iter().any(|a| a.net.addr().is_ipv4() == ipv4))
}
