//! vif-bridge: a vif becomes a quiet port of a bridge (contract 2.5, 2.6, 2.11).
//!
//! A quiet port has the MAC fe:ff:ff:ff:ff:ff, no address of either family, and never makes one
//! of its own: a guest must not be able to talk to dom0 through the backend link.

use std::collections::BTreeSet;

use super::{Command, Device, Invocation, Nodes};
use crate::config::vif::{VlanId, Vlans};
use crate::name::{IfName, Mac};
use crate::state::{
    Carriage, Desired, LinkSysctl, Managed, Mark, Moment, NodeValue, Observed, Origin, PortVlans,
    Scope, WantedLink, WantedNode,
};

/// What must be known of the machine for this call.
///
/// # Errors
/// The text of `hotplug-error`.
pub fn scope(call: &Invocation, nodes: &Nodes) -> Result<Scope, String> {
    let whole = BTreeSet::from([call.link.clone(), wanted_name(call, nodes)?]);
    let mut bare = BTreeSet::new();
    match bridge_text(call, nodes).map(bridge_name) {
        Some(Ok(bridge)) => {
            bare.extend(old_spelling(&bridge));
            bare.insert(bridge);
        }
        // No bridge is named: the host's only one is meant, and all must be looked at.
        None if call.command.comes() => return Ok(Scope::Host),
        Some(Err(wrong)) if call.command.comes() => return Err(wrong),
        // What goes leaves whatever bridge it is on.
        None | Some(Err(_)) => {}
    }
    Ok(Scope::Links { whole, bare })
}

/// What a call wants, and what is worth a line in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What is wanted.
    pub desired: Desired,
    /// Choices that the administrator should have made.
    pub warnings: Vec<String>,
}

/// What the call wants.
///
/// # Errors
/// The text of `hotplug-error`. Nothing was changed.
pub fn desire(call: &Invocation, nodes: &Nodes, observed: &Observed) -> Result<Wanted, String> {
    let name = wanted_name(call, nodes)?;
    if call.command.comes() {
        come(call, nodes, observed, name)
    } else {
        Ok(Wanted {
            desired: go(call, observed, name),
            warnings: Vec::new(),
        })
    }
}

fn come(
    call: &Invocation,
    nodes: &Nodes,
    observed: &Observed,
    name: IfName,
) -> Result<Wanted, String> {
    let links = &observed.state.links;
    let renamed = name != call.link;
    if !links.contains_key(&call.link) {
        if !renamed || !links.contains_key(&name) {
            return Err(format!(
                "there is no link {}; its backend has not made it, or has removed it again",
                call.link
            ));
        }
        if !is_this_vif(call, observed, &name) {
            return Err(format!(
                "there is no link {}, and {name} belongs to something else",
                call.link
            ));
        }
    }
    let mut warnings = Vec::new();
    let bridge = chosen_bridge(call, nodes, observed, &mut warnings)?;
    let mtu = match &nodes.mtu {
        Some(text) => Some(
            text.parse::<u32>()
                .map_err(|_| format!("mtu={text:?} is not a number of bytes"))?,
        ),
        None => links.get(&bridge).map(|link| link.mtu),
    }
    .filter(|mtu| *mtu > 0);

    let vlans = vlans(nodes, observed, &bridge)?;
    let mut port = WantedLink::new(Origin::Expected);
    port.vlans = vlans.map_or(Managed::LeaveAlone, Managed::Set);
    port.formerly = renamed.then(|| call.link.clone());
    port.up = Managed::Set(true);
    // netback of 2010 refuses another MAC (contract 4.1), and has this one already.
    port.mac = Managed::Wish(Mac::QUIET);
    port.mtu = mtu.map_or(Managed::LeaveAlone, Managed::Wish);
    port.master = Managed::Set(Some(bridge));
    port.addresses = Managed::Set(BTreeSet::new());
    if renamed {
        port.alias = Managed::Set(mark(call).alias());
    }

    let mut desired = Desired::default();
    // IN6_ADDR_GEN_MODE_NONE (include/uapi/linux/if_link.h): no fe80 address when it comes up.
    desired
        .sysctls
        .insert(LinkSysctl::ipv6(&name, "addr_gen_mode"), "1".into());
    desired
        .sysctls
        .insert(LinkSysctl::ipv6(&name, "accept_ra"), "0".into());
    desired.links.insert(name, port);
    if call.device == Device::Vif {
        if let Some(mtu) = mtu {
            let folder = call.frontend();
            desired.nodes.push(WantedNode {
                path: folder.join("mtu"),
                within: folder,
                value: NodeValue::text(mtu.to_string()),
                moment: Moment::BeforeUp,
                required: false,
            });
        }
        desired.nodes.push(WantedNode {
            path: call.backend.join("hotplug-status"),
            within: call.backend.clone(),
            value: NodeValue::text("connected"),
            moment: Moment::AtEnd,
            required: true,
        });
    }
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
    let links = &observed.state.links;
    let mut port = WantedLink::new(Origin::IfThere);
    port.up = Managed::Set(false);
    port.master = Managed::Set(None);
    let mut desired = Desired::default();
    if links.contains_key(&call.link) {
        desired.links.insert(call.link.clone(), port);
    } else if links.contains_key(&name) && is_this_vif(call, observed, &name) {
        desired.links.insert(name, port);
    }
    desired
}

/// The name the link is to have: `vifname`, with `-emu` behind it for a tap.
fn wanted_name(call: &Invocation, nodes: &Nodes) -> Result<IfName, String> {
    let Some(vifname) = &nodes.vifname else {
        return Ok(call.link.clone());
    };
    let wrong = |why: String| match call.command {
        // A bad name was refused when the vif came; now it only must not be in the way.
        Command::Offline | Command::Remove => Ok(call.link.clone()),
        Command::Online | Command::Add => Err(format!("vifname={vifname:?}: {why}")),
    };
    if vifname.ends_with("-emu") {
        return wrong("names that end in -emu are those of emulated NICs".into());
    }
    if vifname == "lo" {
        return wrong("lo is the loopback link".into());
    }
    let full = match call.device {
        Device::Vif => vifname.clone(),
        Device::Tap => format!("{vifname}-emu"),
    };
    full.parse()
        .or_else(|e: crate::name::IfNameError| wrong(e.to_string()))
}

/// The mark by which a renamed link is known to be this vif.
fn mark(call: &Invocation) -> Mark {
    Mark {
        link: Some(call.link.clone()),
        ..Mark::default()
    }
}

/// A link under the wanted name is this vif's if it carries our mark; or, renamed by the old
/// scripts, no mark of a name and the MAC that only backend links have. Anything else of that name
/// is somebody's NIC (Debian #658305: another guest's was taken down).
fn is_this_vif(call: &Invocation, observed: &Observed, name: &IfName) -> bool {
    let Some(link) = observed.state.links.get(name) else {
        return false;
    };
    match Mark::of(link) {
        Some(Mark {
            link: Some(marked), ..
        }) => marked == call.link,
        Some(_) => link.mac == Some(Mac::QUIET),
        None => link.alias.is_none() && link.mac == Some(Mac::QUIET) && !link.kind.is_bridge(),
    }
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
