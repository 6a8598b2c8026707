//! The nodes of a vif that a script reads (contract 2.3, 2.5, 2.11, 3.2).

use std::collections::BTreeMap;

use super::{Invocation, Script};
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
    /// The guest's name, of a script that asks for it.
    pub vm_name: Option<String>,
    /// The guest's UUID, likewise.
    pub vm_uuid: Option<String>,
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
        .chain((call.script == Script::VifOpenvswitch).then(|| vm(call)))
        .collect()
}

/// What this call wants to know besides, once those are read: what the guest is called.
pub fn vm_nodes(call: &Invocation, read: &BTreeMap<NodePath, NodeValue>) -> Vec<NodePath> {
    let folder = vm_folder(call, read);
    let nodes = folder.map(|folder| ["name", "uuid"].map(|name| folder.join(name)));
    nodes.into_iter().flatten().collect()
}

fn vm_folder(call: &Invocation, read: &BTreeMap<NodePath, NodeValue>) -> Option<NodePath> {
    let folder = read.get(&vm(call))?.as_text()?;
    folder
        .starts_with("/vm/")
        .then(|| NodePath(folder.to_owned()))
}

/// Where a guest's folder below /vm is named.
fn vm(call: &Invocation) -> NodePath {
    NodePath(format!("/local/domain/{}/vm", call.vif.domid))
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
        let of_vm = |name: &str| {
            let node = vm_folder(call, read)?.join(name);
            Some(read.get(&node)?.as_text()?.to_owned())
        };
        Self {
            vifname: text("vifname"),
            bridge: text("bridge"),
            ip: text("ip"),
            mac: text("mac"),
            mtu: text("mtu"),
            vlan: text("vlan"),
            vm_name: of_vm("name"),
            vm_uuid: of_vm("uuid"),
        }
    }

    /// The MTU that the vif is to have: that of its file, else that of its bridge.
    ///
    /// # Errors
    /// The text of `hotplug-error`.
    pub(super) fn mtu_or(&self, of_bridge: Option<u32>) -> Result<Option<u32>, String> {
        let mtu = match &self.mtu {
            Some(text) => {
                let mtu = text.parse::<u32>();
                Some(mtu.map_err(|_| format!("mtu={text:?} is not a number of bytes"))?)
            }
            None => of_bridge,
        };
        Ok(mtu.filter(|mtu| *mtu > 0))
    }
}
