//! A vif that is a port: what vif-bridge and vif-openvswitch share (contract 2.6, 2.11).
//!
//! A port has the MAC fe:ff:ff:ff:ff:ff, which a bridge never takes for its own, and no address of
//! either family: a guest must not be able to talk to dom0 through the backend link.

use std::collections::BTreeSet;

use super::identity::{connected, deaf, wanted_link};
use super::{Device, Invocation};
use crate::name::{IfName, Mac};
use crate::state::{Desired, Link, Managed, Moment, NodeValue, WantedLink, WantedNode};

/// A port that comes and gets this name: the link, up and quiet, and what is wanted beside it. The
/// guest is told its MTU, and netback that it is connected.
pub(super) fn quiet(call: &Invocation, name: &IfName, mtu: Option<u32>) -> (WantedLink, Desired) {
    let mut link = wanted_link(call, name);
    // netback of 2010 refuses another MAC (contract 4.1), and has this one already.
    link.mac = Managed::Wish(Mac::QUIET);
    link.mtu = mtu.map_or(Managed::LeaveAlone, Managed::Wish);
    link.addresses = Managed::Set(BTreeSet::new());
    let mut desired = Desired::default();
    if mtu.is_none_or(|mtu| mtu >= Link::LEAST_OF_IPV6) {
        desired.sysctls.extend(deaf(name));
    }
    desired.nodes.extend(mtu.and_then(|mtu| told(call, mtu)));
    desired.nodes.extend(connected(call));
    (link, desired)
}

/// The frontend's MTU, of a vif that has one.
fn told(call: &Invocation, mtu: u32) -> Option<WantedNode> {
    let folder = call.frontend();
    (call.device == Device::Vif).then(|| WantedNode {
        path: folder.join("mtu"),
        within: folder,
        value: NodeValue::text(mtu.to_string()),
        moment: Moment::BeforeUp,
        required: false,
    })
}
