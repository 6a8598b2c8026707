//! `ip=`: a guest may use the addresses that its vif was given, and no others (contract 2.4).
//!
//! Upstream's scripts let those addresses pass a FORWARD chain that drops, and stop nothing by
//! themselves. Here a guest that has a list is held to it: its MAC, its addresses, and nothing that
//! is neither IP nor ARP.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::guest_ip::{GuestIp, Length};
use super::{Given, Invocation, Nodes, Script, identity, nat};
use crate::config::host_conf::IpFilter;
use crate::name::{IfName, Mac};
use crate::state::{Desired, Forged, Guard, Mark, Observed, Place};

/// The links whose guards must be looked up for this call: none for a vif that has and had no `ip=`, so
/// that a host that does not use it needs no packet filter, and no call waits for another's: closing a
/// socket of packet filters does (nft_rcv_nl_event, net/netfilter/nf_tables_api.c).
///
/// # Errors
/// The text of `hotplug-error`.
pub fn scope(call: &Invocation, nodes: &Nodes, given: &Given) -> Result<BTreeSet<IfName>, String> {
    let mut ports = given.guarded.clone();
    // Of a vif that goes the folder may have gone already; while it is there it has a `mac`.
    let is_told = call.command.comes() || nodes.mac.is_some();
    if is_told && !has_list(call, nodes) {
        return Ok(ports);
    }
    ports.extend([call.link.clone(), identity::wanted_name(call, nodes)?]);
    Ok(ports)
}

/// Whether this is a vif that comes with a list, so that the host's wish counts.
pub fn is_listed(call: &Invocation, nodes: &Nodes) -> bool {
    call.command.comes() && has_list(call, nodes)
}

fn has_list(call: &Invocation, nodes: &Nodes) -> bool {
    !GuestIp::of(call, nodes, Length::OfGuest).is_empty()
}

/// Adds to what is wanted what the guest may say. `filter` is looked at for a vif that comes with
/// a list only.
///
/// # Errors
/// The text of `hotplug-error`: an entry that is no address, or a MAC that is none. Nothing was
/// changed.
pub fn desire(
    call: &Invocation,
    nodes: &Nodes,
    filter: IpFilter,
    observed: &Observed,
    desired: &mut Desired,
) -> Result<(), String> {
    let name = identity::wanted_name(call, nodes)?;
    // Under its other name it is this vif's only if it says so: the name may be another's.
    for (port, guard) in &observed.state.guards {
        if guard.of == call.link {
            desired.guards.insert(port.clone(), None);
        }
    }
    let held = is_held_by_bridge(&name, observed, desired);
    let forged = match filter {
        _ if held => Forged::Dropped,
        IpFilter::Enforce => Forged::Dropped,
        IpFilter::Log => Forged::Logged,
        IpFilter::AcceptOnly | IpFilter::Off => return Ok(()),
    };
    if is_listed(call, nodes) {
        let guard = guard(call, nodes, forged)?;
        desired.guards.insert(name, Some(guard));
    }
    Ok(())
}

/// Whether the bridge that this link is to be a port of holds its guests to their addresses
/// (`network-bridge antispoof=yes`).
fn is_held_by_bridge(link: &IfName, observed: &Observed, desired: &Desired) -> bool {
    let master = desired.links.get(link).map(|link| &link.master);
    let bridge = master.and_then(|master| master.wanted()?.as_ref());
    let bridge = bridge.and_then(|bridge| observed.state.links.get(bridge));
    bridge.and_then(Mark::of).is_some_and(|mark| mark.antispoof)
}

/// What the guest of a vif with a list may send.
pub(super) fn guard(call: &Invocation, nodes: &Nodes, forged: Forged) -> Result<Guard, String> {
    let (place, length) = match call.script {
        Script::VifBridge | Script::VifBridgeManual | Script::VifSetup => {
            (Place::Bridged, Length::OfNetwork)
        }
        Script::VifRoute => (Place::Routed, Length::OfNetwork),
        Script::VifNat => (Place::Routed, Length::OfGuest),
        Script::VifOpenvswitch => {
            return Err(format!(
                "{} has ip=, and a port of Open vSwitch cannot be held to it: the switch takes its frames before any table sees them. Take ip= out and let the switch's controller do it; or ip_filter = \"off\" in xenwire.toml leaves ip= without effect, as Xen's script did",
                call.link
            ));
        }
    };
    let list = GuestIp::of(call, nodes, length);
    if let Some(why) = list.wrong_v4.iter().chain(&list.wrong_v6).next() {
        return Err(why.clone());
    }
    let v4: Vec<IpNet> = match call.script {
        // With IPv6 alone in the list it is given one all the same.
        Script::VifNat => {
            let given = nat::guests(call, &list)?.into_iter();
            given.map(|address| IpAddr::V4(address).into()).collect()
        }
        _ => list.v4.into_iter().map(IpNet::from).collect(),
    };
    let allowed = v4.into_iter().chain(list.v6.into_iter().map(IpNet::from));
    let text = nodes.mac.as_deref().ok_or_else(|| {
        format!(
            "{} has ip= but no mac, so there is no telling its frames; libxl writes it to {}",
            call.link,
            call.backend.join("mac"),
        )
    })?;
    let mac: Mac = text.parse().map_err(|e| format!("mac={text:?}: {e}"))?;
    let of = call.link.clone();
    Ok(Guard::new(of, place, forged, mac, allowed))
}

#[cfg(test)]
mod tests;
