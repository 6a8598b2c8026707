//! Which link a call is about, whatever it is called by now: the same for every vif script
//! (contract 2.3).

use super::{Command, Device, Invocation, Nodes};
use crate::name::{IfName, Mac};
use crate::state::{
    LinkSysctl, Managed, Mark, Moment, NodeValue, Observed, Origin, WantedLink, WantedNode,
};

/// The name the link is to have: `vifname`, with `-emu` behind it for a tap.
pub(super) fn wanted_name(call: &Invocation, nodes: &Nodes) -> Result<IfName, String> {
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

/// What the link of a vif that comes is called at present.
///
/// # Errors
/// It is not there, or the wanted name is somebody else's.
pub(super) fn coming<'a>(
    call: &'a Invocation,
    observed: &Observed,
    name: &'a IfName,
) -> Result<&'a IfName, String> {
    let links = &observed.state.links;
    if links.contains_key(&call.link) {
        return Ok(&call.link);
    }
    if *name == call.link || !links.contains_key(name) {
        return Err(format!(
            "there is no link {}; its backend has not made it, or has removed it again",
            call.link
        ));
    }
    if !is_this_vif(call, observed, name) {
        return Err(format!(
            "there is no link {}, and {name} belongs to something else",
            call.link
        ));
    }
    Ok(name)
}

/// What the link of a vif that goes is called at present, if it is still there.
pub(super) fn going<'a>(
    call: &'a Invocation,
    observed: &Observed,
    name: &'a IfName,
) -> Option<&'a IfName> {
    let links = &observed.state.links;
    if links.contains_key(&call.link) {
        return Some(&call.link);
    }
    (links.contains_key(name) && is_this_vif(call, observed, name)).then_some(name)
}

/// A link that comes and gets this name, with the mark by which it is known then.
pub(super) fn wanted_link(call: &Invocation, name: &IfName) -> WantedLink {
    let mut link = WantedLink::new(Origin::Expected);
    link.up = Managed::Set(true);
    if *name != call.link {
        link.formerly = Some(call.link.clone());
        link.alias = Managed::Set(mark(call).alias());
    }
    link
}

/// The link makes no IPv6 address by itself and believes no router behind it: a guest must not be
/// able to talk to dom0 through the backend link, or lead it astray.
pub(super) fn deaf(name: &IfName) -> [(LinkSysctl, String); 2] {
    // IN6_ADDR_GEN_MODE_NONE (include/uapi/linux/if_link.h): no fe80 address when it comes up.
    [("addr_gen_mode", "1"), ("accept_ra", "0")]
        .map(|(setting, value)| (LinkSysctl::ipv6(name, setting), value.to_owned()))
}

/// The word to netback, which comes last; none for a tap.
pub(super) fn connected(call: &Invocation) -> Option<WantedNode> {
    (call.device == Device::Vif).then(|| WantedNode {
        path: call.backend.join("hotplug-status"),
        within: call.backend.clone(),
        value: NodeValue::text("connected"),
        moment: Moment::AtEnd,
        required: true,
    })
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
