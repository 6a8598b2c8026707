//! The nodes of a vif that a script reads (contract 2.3, 2.5, 2.11, 3.2).

use std::collections::BTreeMap;

use super::Invocation;
use crate::state::{NodePath, NodeValue};

/// What the toolstack wrote about a vif. A node that is missing or empty is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// The name that the backend link is to get.
    pub vifname: Option<String>,
    /// The bridge.
    pub bridge: Option<String>,
    /// The guest's addresses, separated by blanks.
    pub ip: Option<String>,
    /// The wanted MTU; written only if it is not 1500.
    pub mtu: Option<String>,
    /// The VLANs that its port is to carry (Xen 4.19 and later).
    pub vlan: Option<String>,
}

const READ: [&str; 7] = [
    "vifname",
    "bridge",
    "ip",
    "mtu",
    "vlan",
    "hotplug-status",
    "hotplug-error",
];

/// The nodes that this call wants to know, to be read in one go.
pub fn wanted_nodes(call: &Invocation) -> Vec<NodePath> {
    READ.iter()
        .map(|name| call.backend.join(name))
        .chain([call.frontend().join("mtu")])
        .collect()
}

impl Nodes {
    /// Picks the call's nodes out of those read. What is not UTF-8 in a value becomes a sign that no
    /// name and no number holds, so it is refused like any other wrong one: taken as missing, a guest
    /// would be given the first bridge.
    pub fn of(call: &Invocation, read: &BTreeMap<NodePath, NodeValue>) -> Self {
        let text = |name: &str| {
            let value = &read.get(&call.backend.join(name))?.0;
            (!value.is_empty()).then(|| String::from_utf8_lossy(value).into_owned())
        };
        Self {
            vifname: text("vifname"),
            bridge: text("bridge"),
            ip: text("ip"),
            mtu: text("mtu"),
            vlan: text("vlan"),
        }
    }
}
