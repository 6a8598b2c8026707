//! `network-route` and `network-nat`: dom0 becomes the guests' router (contract 2.10).
//!
//! ```text
//!               network-route                            network-nat
//!  the host     forwards IPv4 and IPv6                   forwards IPv4
//!  the uplink   proxy_arp, proxy_ndp: answers for        masquerades what leaves by it
//!               guests it has routes or entries for
//!  guests                                               get addresses from dnsmasq, with dhcp=yes
//! ```
//!
//! A host that forwards IPv6 drops the default routes that routers advertised to it, and listens to
//! no more of them, unless it is told to (accept_ra 2: rt6_purge_dflt_routers, net/ipv6/route.c, and
//! ipv6_accept_ra, include/net/addrconf.h). It is told so first.

use std::collections::BTreeSet;
use std::fmt;

use crate::name::IfName;
use crate::state::{
    Desired, Family, LinkSysctl, NetState, Observed, Origin, Route, Scope, WantedLink,
};

use super::target::{is_guests, nics};
use super::{Arguments, Memory, Wanted, by_default_route, dhcp};

/// Which of the two scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// `network-route`.
    Route,
    /// `network-nat`.
    Nat,
}

/// The link by which packets leave, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// Its name.
    pub link: IfName,
    /// What is not there and would usually have been meant.
    pub instead_of: Option<IfName>,
}

impl Routing {
    /// The script of this file name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "network-route" => Some(Self::Route),
            "network-nat" => Some(Self::Nat),
            _ => None,
        }
    }

    /// What must be known of the host: everything, and every setting of the uplink and of the links
    /// that earlier calls were about.
    pub fn scope(uplink: &Uplink, memory: &Memory) -> Scope {
        let earlier = memory.settings().map(|(key, _)| &key.link);
        Scope::HostAnd(earlier.chain([&uplink.link]).cloned().collect())
    }

    /// What `start` wants. Done twice it wants nothing more.
    pub fn start(self, arguments: &Arguments, uplink: &Uplink, observed: &Observed) -> Wanted {
        let state = &observed.state;
        let nic = &uplink.link;
        let mut wanted = Wanted::default();
        if let Some(link) = &uplink.instead_of {
            wanted.notes.push(format!(
                "netdev= is not given and there is no {link}: took {nic}, the link of the default route"
            ));
        }
        if arguments.antispoof {
            wanted.notes.push(format!(
                "antispoof=yes: {self} holds nobody to an address; ip= in a guest's vif does"
            ));
        }
        let desired = &mut wanted.desired;
        // Whose settings may be written; nothing else is wanted of it.
        stays(nic, desired);
        set(forwarding(Family::Ipv4), "1", desired);
        if self == Self::Nat {
            desired.masquerades.insert(nic.clone(), true);
            let usual = state.dhcp.dhcpd.as_ref().is_some_and(|dhcpd| dhcpd.usual);
            if arguments.dhcp.unwrap_or(usual) {
                dhcp::start(state, &mut wanted);
            }
            return wanted;
        }
        set(
            LinkSysctl::conf(nic, Family::Ipv4, "proxy_arp"),
            "1",
            desired,
        );
        // A kernel without IPv6 has none of its settings.
        if !state.sysctls.contains_key(&forwarding(Family::Ipv6)) {
            return wanted;
        }
        set(forwarding(Family::Ipv6), "1", desired);
        set(LinkSysctl::ipv6(nic, "proxy_ndp"), "1", desired);
        for link in listeners(nic, state) {
            set(LinkSysctl::ipv6(&link, "accept_ra"), "2", desired);
            stays(&link, desired);
        }
        wanted
    }

    /// What `stop` wants: what starts changed is as it was before; and what is the host's own, only
    /// if nothing else that was started needs it.
    pub fn stop(self, uplink: &Uplink, observed: &Observed, memory: &Memory) -> Wanted {
        let state = &observed.state;
        let mut wanted = Wanted::default();
        let others = self.others(uplink, state, memory);
        if !others.is_empty() {
            let others: Vec<&str> = others.iter().map(|link| link.as_str()).collect();
            wanted.notes.push(format!(
                "dom0 goes on forwarding: network-route or network-nat was started on {} and not stopped",
                others.join(", ")
            ));
        }
        let goes = |key: &LinkSysctl| match is_answering(key) {
            true => self == Self::Route && key.link == uplink.link,
            false => others.is_empty(),
        };
        if self == Self::Nat && state.masquerades.iter().all(|link| *link == uplink.link) {
            dhcp::stop(state, &mut wanted);
        }
        let desired = &mut wanted.desired;
        if self == Self::Nat {
            desired.masquerades.insert(uplink.link.clone(), false);
        }
        for (key, before) in memory.settings().filter(|(key, _)| goes(key)) {
            // A link that has gone has none.
            if !state.sysctls.contains_key(key) {
                continue;
            }
            if !key.is_of_host() {
                stays(&key.link, desired);
            }
            set(key.clone(), before, desired);
        }
        wanted
    }

    /// Whether nothing that was started is left when this is stopped.
    pub fn is_last(self, uplink: &Uplink, observed: &Observed, memory: &Memory) -> bool {
        self.others(uplink, &observed.state, memory).is_empty()
    }

    /// The links that may masquerade: they are asked about one by one.
    pub fn masquerades(uplink: &Uplink, memory: &Memory) -> BTreeSet<IfName> {
        let earlier = memory.masquerades().iter();
        earlier.chain([&uplink.link]).cloned().collect()
    }

    /// Links that were started and that this call does not stop: one still has what start gave it.
    fn others(self, uplink: &Uplink, state: &NetState, memory: &Memory) -> BTreeSet<IfName> {
        let started = memory.settings().filter(|(key, before)| {
            let is_stopped = self == Self::Route && key.link == uplink.link;
            let now = state.sysctls.get(key);
            is_answering(key) && !is_stopped && now.is_some_and(|now| now != *before)
        });
        let masquerades = state
            .masquerades
            .iter()
            .filter(|link| self != Self::Nat || **link != uplink.link);
        started
            .map(|(key, _)| &key.link)
            .chain(masquerades)
            .cloned()
            .collect()
    }
}

impl fmt::Display for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Route => "network-route",
            Self::Nat => "network-nat",
        })
    }
}

impl Uplink {
    /// `netdev`; if it is not said, `eth0` as ever; if there is none, the link of the default route.
    ///
    /// # Errors
    /// A sentence that says what was wanted and what there is.
    pub fn of(arguments: &Arguments, state: &NetState) -> Result<Self, String> {
        let link = Self::named(arguments);
        if state.links.contains_key(&link) {
            let instead_of = None;
            return Ok(Self { link, instead_of });
        }
        if arguments.netdev.is_none()
            && let Some(found) = by_default_route(state)?
        {
            return Ok(Self {
                link: found,
                instead_of: Some(link),
            });
        }
        let nics = match nics(state) {
            nics if nics.is_empty() => "there is no NIC at all".to_owned(),
            nics => format!("NICs here: {}", nics.join(", ")),
        };
        Err(format!(
            "there is no link {link}; {nics}; say which with netdev="
        ))
    }

    /// The one to stop, which may have gone since it was started.
    ///
    /// # Errors
    /// As [`Uplink::of`].
    pub fn to_stop(
        arguments: &Arguments,
        state: &NetState,
        memory: &Memory,
    ) -> Result<Self, String> {
        let link = Self::named(arguments);
        let is_known = memory.masquerades().contains(&link)
            || memory.settings().any(|(key, _)| key.link == link);
        if is_known {
            let instead_of = None;
            return Ok(Self { link, instead_of });
        }
        Self::of(arguments, state)
    }

    fn named(arguments: &Arguments) -> IfName {
        let eth0 = || "eth0".parse().expect("four letters");
        arguments.netdev.clone().unwrap_or_else(eth0)
    }
}

/// Whether the host forwards packets of a family.
pub(super) fn forwarding(family: Family) -> LinkSysctl {
    LinkSysctl::of_host(("all", family, "forwarding"))
}

fn set(key: LinkSysctl, value: &str, desired: &mut Desired) {
    desired.sysctls.insert(key, value.to_owned());
}

fn stays(link: &IfName, desired: &mut Desired) {
    let stays = WantedLink::new(Origin::Expected);
    desired.links.entry(link.clone()).or_insert(stays);
}

/// The uplink, and other links that live on what routers advertise, as far as they listen to them
/// only while the host does not forward. A guest is nobody's router.
fn listeners(nic: &IfName, state: &NetState) -> BTreeSet<IfName> {
    let advertised = state
        .routes
        .iter()
        .filter(|route| route.protocol == Route::ADVERTISED)
        .filter_map(Route::link)
        .filter(|link| !is_guests(state, link));
    let listens = |link: &&IfName| {
        let accept_ra = LinkSysctl::ipv6(link, "accept_ra");
        state.sysctls.get(&accept_ra).is_some_and(|on| on == "1")
    };
    advertised.chain([nic]).filter(listens).cloned().collect()
}

/// Whether a setting is one by which an uplink answers for guests.
fn is_answering(key: &LinkSysctl) -> bool {
    matches!(key.name.as_str(), "proxy_arp" | "proxy_ndp")
}

#[cfg(test)]
mod tests;
