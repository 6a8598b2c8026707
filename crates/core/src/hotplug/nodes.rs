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
    /// The guest's MAC.
    pub mac: Option<String>,
    /// The wanted MTU; written only if it is not 1500.
    pub mtu: Option<String>,
    /// The VLANs that its port is to carry (Xen 4.19 and later).
    pub vlan: Option<String>,
}

const READ: [&str; 8] = [
    "vifname",
    "bridge",
    "ip",
    "mac",
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
    /// Picks the call's nodes out of those read. Values that are not text are taken as missing:
    /// the toolstack writes none.
    pub fn of(call: &Invocation, read: &BTreeMap<NodePath, NodeValue>) -> Self {
        let text = |name: &str| {
            let value = read.get(&call.backend.join(name))?.as_text()?;
            (!value.is_empty()).then(|| value.to_owned())
        };
        Self {
            vifname: text("vifname"),
            bridge: text("bridge"),
            ip: text("ip"),
            mac: text("mac"),
            mtu: text("mtu"),
            vlan: text("vlan"),
        }
    }
}
