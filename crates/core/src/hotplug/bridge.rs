//! vif-bridge: a vif becomes a quiet port of a bridge (contract 2.5).

use std::collections::BTreeSet;

use super::identity::{coming, going, wanted_name};
use super::{Invocation, Nodes, Script, Wanted, port};
use crate::config::vif::{VlanId, Vlans};
use crate::name::IfName;
use crate::state::{
    Carriage, Desired, Keys, Managed, Observed, Origin, PortVlans, Scope, WantedLink,
};

/// What must be known of the machine for this call.
///
/// # Errors
/// The text of `hotplug-error`.
pub(super) fn scope(call: &Invocation, nodes: &Nodes) -> Result<Scope, String> {
    let whole = BTreeSet::from([call.link.clone(), wanted_name(call, nodes)?]);
    let mut bare = BTreeSet::new();
    match bridge_text(call, nodes).map(bridge_name) {
        Some(Ok(bridge)) => {
            bare.extend(old_spelling(&bridge));
            bare.insert(bridge);
        }
        None if call.command.comes() && call.script == Script::VifBridgeManual => {
            return Err(unnamed(call));
        }
        // No bridge is named: the host's only one is meant, and all must be looked at.
        None if call.command.comes() => return Ok(Scope::Host),
        Some(Err(wrong)) if call.command.comes() => return Err(wrong),
        // What goes leaves whatever bridge it is on.
        None | Some(Err(_)) => {}
    }
    Ok(Scope::Links {
        whole,
        bare,
        keys: Keys::default(),
    })
}

/// What the call wants.
///
/// # Errors
/// The text of `hotplug-error`. Nothing was changed.
pub(super) fn desire(
    call: &Invocation,
    nodes: &Nodes,
    observed: &Observed,
) -> Result<Wanted, String> {
    let name = wanted_name(call, nodes)?;
    if call.command.comes() {
        come(call, nodes, observed, name)
    } else {
        Ok(go(call, observed, name).into())
    }
}

fn come(
    call: &Invocation,
    nodes: &Nodes,
    observed: &Observed,
    name: IfName,
) -> Result<Wanted, String> {
    let links = &observed.state.links;
    coming(call, observed, &name)?;
    let mut warnings = Vec::new();
    let bridge = chosen_bridge(call, nodes, observed, &mut warnings)?;
    let mtu = nodes.mtu_or(links.get(&bridge).map(|link| link.mtu))?;

    let vlans = vlans(nodes, observed, &bridge)?;
    let (mut link, mut desired) = port::quiet(call, &name, mtu);
    link.vlans = vlans.map_or(Managed::LeaveAlone, Managed::Set);
    link.master = Managed::Set(Some(bridge));
    desired.links.insert(name, link);
    Ok(Wanted { desired, warnings })
}

/// What `vlan=` says (contract 3.6.3). A bridge that does not filter VLANs would hand on every
/// tag, and the guest would be in VLANs that it is to be kept out of.
fn vlans(nodes: &Nodes, observed: &Observed, bridge: &IfName) -> Result<Option<PortVlans>, String> {
    let Some(text) = &nodes.vlan else {
        return Ok(None);
    };
    let vlans: Vlans = text.parse().map_err(|e| format!("vlan={text:?}: {e}"))?;
    let found = observed.state.links.get(bridge);
    if found.is_none_or(|bridge| bridge.kind.first_vlans().is_none()) {
        return Err(format!(
            "vlan={text:?}: {bridge} does not filter VLANs; `ip link set {bridge} type bridge vlan_filtering 1` makes it, if its kernel can"
        ));
    }
    let carried = |vlans: &BTreeSet<VlanId>, how| {
        let numbers = vlans.iter().map(|vlan| vlan.get());
        numbers.map(|number| (number, how)).collect::<Vec<_>>()
    };
    let mut port = PortVlans::new();
    port.extend(carried(vlans.tagged(), Carriage::Tagged));
    port.extend(carried(vlans.untagged(), Carriage::Untagged));
    port.insert(vlans.pvid().get(), Carriage::Own);
    Ok(Some(port))
}

/// The link may be gone, under either name, and so may the bridge: then there is nothing to do.
fn go(call: &Invocation, observed: &Observed, name: IfName) -> Desired {
    let mut desired = Desired::default();
    if let Some(present) = going(call, observed, &name) {
        let mut port = WantedLink::new(Origin::IfThere);
        port.up = Managed::Set(false);
        port.master = Managed::Set(None);
        desired.links.insert(present.clone(), port);
    }
    desired
}

fn unnamed(call: &Invocation) -> String {
    format!(
        "{} takes no bridge that is only at hand, and none was named: write bridge= into the vif",
        call.script
    )
}

fn bridge_text<'a>(call: &'a Invocation, nodes: &'a Nodes) -> Option<&'a str> {
    nodes.bridge.as_deref().or(call.bridge.as_deref())
}

fn bridge_name(text: &str) -> Result<IfName, String> {
    text.parse().map_err(|e| format!("bridge={text:?}: {e}"))
}

/// Guests of the days before Xen 3.2 ask for `xenbrN` where the bridge is now called `ethN`.
fn old_spelling(bridge: &IfName) -> Option<IfName> {
    format!("eth{}", bridge.as_str().strip_prefix("xenbr")?)
        .parse()
        .ok()
}

fn chosen_bridge(
    call: &Invocation,
    nodes: &Nodes,
    observed: &Observed,
    warnings: &mut Vec<String>,
) -> Result<IfName, String> {
    let links = &observed.state.links;
    let Some(text) = bridge_text(call, nodes) else {
        if call.script == Script::VifBridgeManual {
            return Err(unnamed(call));
        }
        // As the originals: the first of those that `brctl show` lists, which is by name.
        let mut bridges = links
            .iter()
            .filter(|(_, link)| link.kind.is_bridge())
            .map(|(name, _)| name);
        let first = bridges
            .next()
            .ok_or("Could not find bridge, and none was specified")?;
        let others: Vec<&str> = bridges.map(IfName::as_str).collect();
        if !others.is_empty() {
            warnings.push(format!(
                "no bridge was specified for {}: took {first}, the first by name (there are also {}); write bridge= into the vif",
                call.link,
                others.join(", "),
            ));
        }
        return Ok(first.clone());
    };
    let bridge = bridge_name(text)?;
    let is_bridge = |name: &IfName| links.get(name).is_some_and(|link| link.kind.is_bridge());
    if links.contains_key(&bridge) {
        return Ok(bridge);
    }
    match old_spelling(&bridge).filter(is_bridge) {
        Some(old) => Ok(old),
        None => Err(format!(
            "Could not find bridge device {bridge}; `ip link show type bridge` lists those there are"
        )),
    }
}

#[cfg(test)]
mod tests;
