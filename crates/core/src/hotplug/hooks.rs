//! What the hooks of a vif script are told (contract 2.2, 2.9).

use std::collections::BTreeMap;

use super::{Command, Device, Invocation, Nodes, Script};
use crate::name::IfName;
use crate::state::{Desired, Hooks, Managed, WantedHooks};

/// The hooks that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundHooks {
    /// The folder of the scripts.
    pub scripts: String,
    /// The files, in order.
    pub files: Vec<String>,
}

/// The hooks as a part of what a call wants, if there are any. They must agree to what comes; what
/// goes, goes.
pub(super) fn hooks(
    call: &Invocation,
    nodes: &Nodes,
    desired: &Desired,
    found: &FoundHooks,
) -> Option<WantedHooks> {
    // vif-openvswitch never called any.
    if found.files.is_empty() || call.script == Script::VifOpenvswitch {
        return None;
    }
    let link = desired.links.first_key_value();
    let device = link.map_or_else(|| name(call, nodes), |(name, _)| name.to_string());
    let bridge = link.and_then(|(_, link)| match &link.master {
        Managed::Set(Some(bridge)) | Managed::Wish(Some(bridge)) => Some(bridge),
        _ => None,
    });
    let given = nodes.bridge.as_deref().or(call.bridge.as_deref());
    let main = link.and_then(|(_, link)| match &link.addresses {
        Managed::Set(nets) | Managed::Wish(nets) => nets
            .iter()
            .map(|net| net.net.addr())
            .find(|address| address.is_ipv4()),
        Managed::LeaveAlone => None,
    });
    let type_if = match call.device {
        Device::Vif => "vif",
        Device::Tap => "tap",
    };
    let mut variables = BTreeMap::from([
        ("XENBUS_PATH", call.backend.to_string()),
        ("XEN_SCRIPT_DIR", found.scripts.clone()),
        (
            "bridge",
            bridge
                .map_or(given.unwrap_or(""), IfName::as_str)
                .to_owned(),
        ),
        ("dev", device),
        ("devid", call.vif.devid.to_string()),
        ("domid", call.vif.domid.to_string()),
        ("ip", nodes.ip.clone().unwrap_or_default()),
        (
            "main_ip",
            main.map_or(String::new(), |address| address.to_string()),
        ),
        ("type_if", type_if.to_owned()),
        ("vif", call.vif.link().to_string()),
        ("vifname", nodes.vifname.clone().unwrap_or_default()),
    ]);
    if call.device == Device::Tap {
        variables.insert("INTERFACE", call.link.to_string());
    }
    let counterpart = match call.command {
        Command::Online => Command::Offline,
        Command::Offline => Command::Online,
        Command::Add => Command::Remove,
        Command::Remove => Command::Add,
    };
    let variables = variables.into_iter();
    Some(WantedHooks {
        hooks: Hooks {
            script: format!("{}/{}", found.scripts, call.script),
            files: found.files.clone(),
            command: call.command.to_string(),
            counterpart: counterpart.to_string(),
            variables: variables
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        },
        required: call.command.comes(),
    })
}

/// The name of a link that is gone already.
fn name(call: &Invocation, nodes: &Nodes) -> String {
    match (&nodes.vifname, call.device) {
        (None, _) => call.link.to_string(),
        (Some(name), Device::Vif) => name.clone(),
        (Some(name), Device::Tap) => format!("{name}-emu"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Origin, WantedLink};

    fn found() -> FoundHooks {
        FoundHooks {
            scripts: "/etc/xen/scripts".into(),
            files: vec!["/etc/xen/scripts/vif-post.d/a.hook".into()],
        }
    }

    #[test]
    fn no_hooks_no_step() {
        let call = Invocation::from((1, 0));
        let none = FoundHooks::default();
        assert_eq!(
            hooks(&call, &Nodes::default(), &Desired::default(), &none),
            None
        );
    }

    #[test]
    fn they_are_told_the_bridge_that_was_taken_and_the_name_the_link_has() {
        let call = Invocation::from((7, 2));
        let nodes = Nodes {
            vifname: Some("web".into()),
            ip: Some("192.0.2.1 $(reboot)".into()),
            ..Nodes::default()
        };
        let mut link = WantedLink::new(Origin::Expected);
        link.master = Managed::Set(Some("br7".parse().unwrap()));
        let mut desired = Desired::default();
        desired.links.insert("web".parse().unwrap(), link);
        let wanted = hooks(&call, &nodes, &desired, &found()).unwrap();
        assert!(wanted.required);
        let told = |name: &str| wanted.hooks.variables[name].clone();
        assert_eq!(
            [
                "dev", "vif", "vifname", "bridge", "domid", "devid", "type_if"
            ]
            .map(told),
            ["web", "vif7.2", "web", "br7", "7", "2", "vif"]
        );
        assert_eq!(told("ip"), "192.0.2.1 $(reboot)");
        assert_eq!(wanted.hooks.script, "/etc/xen/scripts/vif-bridge");
        assert_eq!(
            (&*wanted.hooks.command, &*wanted.hooks.counterpart),
            ("online", "offline")
        );
    }

    #[test]
    fn what_goes_goes_whatever_they_say() {
        let mut call = Invocation::from((7, 2));
        call.command = Command::Offline;
        let wanted = hooks(&call, &Nodes::default(), &Desired::default(), &found()).unwrap();
        assert!(!wanted.required);
        assert_eq!(wanted.hooks.variables["dev"], "vif7.2");
    }
}
