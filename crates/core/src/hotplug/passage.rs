//! FORWARD chains that drop (contract 2.4 and 8.5): a guest's frames are let by, whatever Docker,
//! firewalld or the administrator do there, as Xen's scripts let them by with two rules a vif.
//!
//! Bridged frames meet FORWARD only where br_netfilter is on. Of vif-route and vif-nat dom0 is the
//! router, and its FORWARD says what it routes: Xen's rules never matched there, so nothing is let by
//! unless the host's file says so.

use std::collections::BTreeSet;

use super::{Invocation, Nodes, Script, guard, identity};
use crate::config::host_conf::{HostConf, IpFilter, Passing};
use crate::name::IfName;
use crate::state::{Desired, Forged, Forward, Observed, Passage, Place};

/// Where packets of this call's link meet FORWARD; none for a port of Open vSwitch.
pub fn place(call: &Invocation) -> Option<Place> {
    match call.script {
        Script::VifBridge | Script::VifBridgeManual | Script::VifSetup => Some(Place::Bridged),
        Script::VifRoute | Script::VifNat => Some(Place::Routed),
        Script::VifOpenvswitch => None,
    }
}

/// Whether this host's chains are looked at for a link of this place. Of bridged ones always, so
/// that what an earlier wish of the host's file left behind goes.
pub fn is_asked(place: Place, conf: &HostConf) -> bool {
    place == Place::Bridged || conf.forward.lets_by(place)
}

/// The links whose passages must be looked up for this call.
///
/// # Errors
/// The text of `hotplug-error`.
pub fn scope(call: &Invocation, nodes: &Nodes) -> Result<BTreeSet<IfName>, String> {
    let name = identity::wanted_name(call, nodes)?;
    Ok(BTreeSet::from([call.link.clone(), name]))
}

/// Adds to what is wanted how the link passes FORWARD, and says what cannot be opened for it.
///
/// # Errors
/// The text of `hotplug-error`.
pub fn desire(
    call: &Invocation,
    nodes: &Nodes,
    conf: &HostConf,
    forward: &Forward,
    observed: &Observed,
    desired: &mut Desired,
) -> Result<Vec<String>, String> {
    let name = identity::wanted_name(call, nodes)?;
    // Under its other name it is this vif's only if it says so: the name may be another's.
    for (port, passage) in &observed.state.passages {
        if passage.of == call.link {
            desired.passages.insert(port.clone(), None);
        }
    }
    let Some(place) = place(call).filter(|place| conf.forward.lets_by(*place)) else {
        return Ok(Vec::new());
    };
    if !call.command.comes() || !forward.is_there() {
        return Ok(Vec::new());
    }
    // Xen's rules accepted no more than the list (contract 2.4). Where a guest is held to it, what
    // comes here is of the list.
    let is_list_all = conf.ip_filter == IpFilter::AcceptOnly && guard::is_listed(call, nodes);
    let only = is_list_all.then(|| guard::guard(call, nodes, Forged::Dropped));
    let passage = Passage {
        of: call.link.clone(),
        place,
        mark: conf.forward_mark,
        only: only.transpose()?,
        open: true,
    };
    desired.passages.insert(name, Some(passage));
    Ok(forward.refusals(place))
}

impl Passing {
    /// Whether guests of this place are let by.
    pub fn lets_by(self, place: Place) -> bool {
        match self {
            Self::All => true,
            Self::Bridged => place == Place::Bridged,
            Self::Off => false,
        }
    }
}

#[cfg(test)]
mod tests;
