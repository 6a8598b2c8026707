//! What vifs that are gone left behind, and that it is to go.
//!
//! ```text
//!  the host, as observed ──┐
//!  guards, switch ports    ├──leftovers──▶ Desired (everything in it is "gone"), journals, locks
//!  lines of dhcpd, tables  │
//!  journals of vifs, locks ┘
//! ```
//!
//! Most of a vif goes with its link: addresses, routes, its port of a bridge. What is tied to its
//! name, or was given to another link, stays if nobody calls `offline`: a domain that crashed while
//! the toolstack was down, a driver domain's `xl devd` that was killed.
//!
//! Invariant: a link that is there, under its own name or another, keeps everything; and nothing
//! goes that is not marked as a vif's.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::hotplug::{Given, dhcpd};
use crate::name::{IfName, VifId};
use crate::state::{Desired, Mark, Neighbour, NetState, Observed, SwitchPort};

/// What was found besides the network itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The journals of vifs and taps, by their kernel's names, and what they say was given to others.
    pub journals: BTreeMap<IfName, Given>,
    /// Locks of Xen's scripts that nobody holds.
    pub free_locks: BTreeSet<String>,
}

/// What is to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// What the kernel and Open vSwitch have.
    pub desired: Desired,
    /// Journals, once that is gone.
    pub journals: BTreeSet<IfName>,
    /// Locks.
    pub locks: BTreeSet<String>,
    /// What stays, and why.
    pub notes: Vec<String>,
}

/// Finds it. `observed` is of the whole host, with all guards and passages, the rules of Xen's own
/// scripts, the host files, dhcpd's files, all that masquerades, and the ports that Open vSwitch has.
pub fn leftovers(observed: &Observed, kept: &Kept) -> Leftovers {
    let state = &observed.state;
    let mut left = Leftovers {
        locks: kept.free_locks.clone(),
        ..Leftovers::default()
    };
    for (port, guard) in &state.guards {
        // Before it is renamed a link has its guard under the name that it will have.
        if !is_there(port, state) && !is_there(&guard.of, state) {
            left.desired.guards.insert(port.clone(), None);
        }
    }
    for (port, passage) in &state.passages {
        if !is_there(port, state) && !is_there(&passage.of, state) {
            left.desired.passages.insert(port.clone(), None);
        }
    }
    for vif in state.dhcp.hosts.keys() {
        if !is_there(vif, state) {
            left.desired.dhcp_hosts.insert(vif.clone(), None);
        }
    }
    for rule in &state.old_rules {
        // Under another name it cannot be told from an administrator's own.
        if is_vif(&rule.port) && !is_there(&rule.port, state) {
            left.desired.old_rules_gone.insert(rule.clone());
        }
    }
    for (name, port) in &state.switches.ports {
        if is_of_vif(name, port) && !is_there(name, state) {
            left.desired.switch_ports_gone.insert(name.clone());
        }
    }
    for uplink in &state.masquerades {
        // What masquerades leaves by a link of that name: another name does not matter.
        if !state.links.contains_key(uplink) {
            left.desired.masquerades.insert(uplink.clone(), false);
        }
    }
    if let Some(server) = &state.dhcp.dhcpd {
        left.desired.lines = dhcpd::leftovers(server, &state.files, |link, address| {
            // An administrator's own link may be gone for a while.
            let is_known = !is_vif(link) || is_there(link, state);
            is_known || address.is_some_and(|address| is_renamed(address, state))
        });
        if !left.desired.lines.is_empty() {
            left.notes.push(format!(
                "dhcpd reads {} only when it starts: start it again then",
                server.conf
            ));
        }
    }
    for (vif, given) in &kept.journals {
        if is_there(vif, state) {
            continue;
        }
        let (needed, free): (Vec<_>, Vec<_>) = given
            .neighbours
            .intersection(&state.neighbours)
            .partition(|entry| is_needed(entry, state));
        left.desired
            .neighbours_gone
            .extend(free.into_iter().cloned());
        match needed.first() {
            None => {
                left.journals.insert(vif.clone());
            }
            Some(entry) => left.notes.push(format!(
                "{vif} is gone, and {} still answers for {}, which another vif has now: it stays",
                entry.link, entry.to
            )),
        }
    }
    left
}

/// Whether a name is that of a vif's or a tap's link, as the kernel or QEMU names it.
pub fn is_vif(name: &IfName) -> bool {
    let name = name.as_str();
    name.strip_suffix("-emu")
        .unwrap_or(name)
        .parse::<VifId>()
        .is_ok()
}

/// Whether a link is there, under its own name or under another that a vif script gave it.
fn is_there(name: &IfName, state: &NetState) -> bool {
    let is_it = |mark: Mark| mark.link.as_ref() == Some(name);
    state.links.contains_key(name)
        || state
            .links
            .values()
            .any(|link| Mark::of(link).is_some_and(is_it))
}

/// Whether a port was made by vif-openvswitch, ours or Xen's: by the texts it writes (contract 2.9).
/// `attached-mac` alone is written by others too.
fn is_of_vif(name: &IfName, port: &SwitchPort) -> bool {
    let ids = &port.external_ids;
    ids.keys().any(|key| key.starts_with("xen-vm-"))
        || (is_vif(name) && ids.contains_key("attached-mac"))
}

/// Whether this address is routed to a link of which nobody can say what it was called: a vif to which
/// Xen's own script gave a name.
fn is_renamed(address: Ipv4Addr, state: &NetState) -> bool {
    let mut routes = state.routes.iter();
    routes.any(|route| {
        route.to == IpNet::from(IpAddr::from(address))
            && route.link().is_some_and(|name| {
                let link = state.links.get(name);
                link.is_some_and(|link| Mark::of(link).is_none() && !is_vif(name))
            })
    })
}

/// Whether packets for this address are routed to a guest that is there: it has the address now.
fn is_needed(entry: &Neighbour, state: &NetState) -> bool {
    let mut routes = state.routes.iter();
    routes.any(|route| {
        route.to.addr() == entry.to
            && route.to.prefix_len() == route.to.max_prefix_len()
            && route
                .link()
                .is_some_and(|link| *link != entry.link && state.links.contains_key(link))
    })
}
