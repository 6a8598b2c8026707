//! Why a NIC cannot be put into a bridge. Each reason is found before anything is touched; the
//! originals found most of them with the network taken apart (contract 1.5).

use crate::name::IfName;
use crate::state::{LinkKind, Observed};

use super::target::{is_guests, is_pairs};
use super::{Call, Generation, NetworkRoot, Target};

/// Looks for a reason not to start.
///
/// # Errors
/// The reason, and what to do.
pub(super) fn refuse(
    call: &Call,
    target: &Target,
    observed: &Observed,
    root: Option<&NetworkRoot>,
) -> Result<(), String> {
    let nic = &target.nic;
    let state = &observed.state;
    let link = &state.links[nic];
    if nic.as_str() == "lo" || link.kind == LinkKind::Other("loopback".into()) {
        return Err(format!(
            "{nic} is the loopback link, which no guest can reach"
        ));
    }
    if link.kind.is_bridge() {
        return Err(format!(
            "{nic} is a bridge already; guests are put on it with bridge={nic} in their vif, and no network script is needed"
        ));
    }
    if let Some(master) = &link.master {
        let is_bridge = state.links.get(master).is_some_and(|m| m.kind.is_bridge());
        return Err(match is_bridge {
            true => format!("{nic} is a port of the bridge {master} already"),
            false => format!("{nic} belongs to {master}; name that one with netdev={master}"),
        });
    }
    if is_guests(state, nic) || is_pairs(state, nic) {
        return Err(format!("{nic} is a backend link and no NIC"));
    }
    if link.mac.is_none() {
        return Err(format!(
            "{nic} has no Ethernet address and cannot be a port of a bridge"
        ));
    }
    if observed.facts.get(nic).is_some_and(|facts| facts.wireless) {
        return Err(format!(
            "{nic} is wireless: its access point takes frames of one MAC only, so guests behind a bridge on it are never heard; use network-route or network-nat"
        ));
    }
    if let Some(upper) = takes_frames(observed, nic) {
        return Err(format!(
            "{upper} is on {nic} and takes its frames, so that {nic} can be no port of a bridge; remove {upper}, or give it a link of its own"
        ));
    }
    if let Some(why) = root.and_then(|root| root.needs(nic, state))
        && call.generation != Generation::Xen2
    {
        return Err(format!(
            "{why}; it would stop while the NIC is down. Use another NIC with netdev=, or --generation xen2, which takes no link down"
        ));
    }
    check_bridge(call, target, observed)?;
    if let Some(pair) = target.pair
        && let Some(why) = pair.in_use(state)
    {
        return Err(format!(
            "the pair {} is in use: {why}; choose another with vifnum=",
            pair.0
        ));
    }
    Ok(())
}

/// A link on this one that takes whatever comes in by it. The kernel lets one only do so, and for a
/// port that is the bridge (netdev_rx_handler_register, net/core/dev.c).
fn takes_frames<'a>(observed: &'a Observed, nic: &IfName) -> Option<&'a IfName> {
    const KINDS: [&str; 4] = ["macvlan", "macvtap", "ipvlan", "ipvtap"];
    let is_one = |name: &IfName| match observed.state.links.get(name).map(|link| &link.kind) {
        Some(LinkKind::Other(kind)) => KINDS.contains(&kind.as_str()),
        _ => false,
    };
    let mut uppers = observed.facts.iter();
    let found = uppers.find(|(name, facts)| facts.lower.as_ref() == Some(nic) && is_one(name));
    found.map(|(name, _)| name)
}

fn check_bridge(call: &Call, target: &Target, observed: &Observed) -> Result<(), String> {
    let Target { nic, bridge, .. } = target;
    let state = &observed.state;
    if bridge == nic && call.generation != Generation::Renaming {
        return Err(format!(
            "the bridge cannot be called {nic} like the NIC; choose another with bridge="
        ));
    }
    let Some(link) = state.links.get(bridge).filter(|_| bridge != nic) else {
        return Ok(());
    };
    if !link.kind.is_bridge() {
        return Err(format!(
            "{bridge} is there, but it is no bridge; choose another name with bridge="
        ));
    }
    let is_nic = |port: &&IfName| !is_guests(state, port) && !is_pairs(state, port);
    if let Some(other) = state.ports_of(bridge).find(is_nic)
        && call.arguments.bridge.is_none()
    {
        return Err(format!(
            "the bridge {bridge} has the NIC {other} already, and two NICs on one bridge can make a loop; name the bridge with bridge= if that is meant, or another with vifnum="
        ));
    }
    Ok(())
}
