//! vif-openvswitch: a vif becomes a port of an Open vSwitch bridge (contract 2.9).
//!
//! ```text
//!  bridge = NAME [ "." VLAN ] { ":" VLAN }        NAME has neither "." nor ":"
//! ```
//!
//! `xenbr0.5` is VLAN 5 without a tag, `xenbr0:5:6` carries VLANs 5 and 6 with their tags.

use std::collections::{BTreeMap, BTreeSet};

use super::identity::{coming, going, wanted_name};
use super::{Invocation, Nodes, Wanted, port};
use crate::config::vif::VlanId;
use crate::name::IfName;
use crate::state::{Desired, Keys, Managed, Observed, Origin, Scope, SwitchPort, WantedLink};

/// What must be known of the machine for this call.
pub(super) fn scope(call: &Invocation, nodes: &Nodes) -> Result<Scope, String> {
    let mut bare = BTreeSet::new();
    if call.command.comes() {
        bare.insert(place(call, nodes)?.bridge);
    }
    Ok(Scope::Links {
        whole: BTreeSet::from([call.link.clone(), wanted_name(call, nodes)?]),
        bare,
        keys: Keys::default(),
    })
}

/// What Open vSwitch is to be asked: for the bridge, and for the port under both of its names.
///
/// # Errors
/// The text of `hotplug-error`.
pub fn questions(
    call: &Invocation,
    nodes: &Nodes,
) -> Result<(Option<IfName>, BTreeSet<IfName>), String> {
    let bridge = match call.command.comes() {
        true => Some(place(call, nodes)?.bridge),
        false => None,
    };
    let ports = BTreeSet::from([call.link.clone(), wanted_name(call, nodes)?]);
    Ok((bridge, ports))
}

/// What the call wants.
pub(super) fn desire(
    call: &Invocation,
    nodes: &Nodes,
    observed: &Observed,
) -> Result<Wanted, String> {
    let name = wanted_name(call, nodes)?;
    if !call.command.comes() {
        return Ok(go(call, observed, name).into());
    }
    coming(call, observed, &name)?;
    let port = SwitchPort {
        external_ids: external_ids(nodes),
        ..place(call, nodes)?
    };
    if !observed.state.switches.bridges.contains(&port.bridge) {
        return Err(format!(
            "Open vSwitch has no bridge {}; `ovs-vsctl list-br` lists those it has",
            port.bridge
        ));
    }
    let of_bridge = observed.state.links.get(&port.bridge).map(|link| link.mtu);
    let (link, mut desired) = port::quiet(call, &name, nodes.mtu_or(of_bridge)?);
    desired.links.insert(name.clone(), link);
    desired.switch_ports.insert(name, port);
    Ok(desired.into())
}

fn go(call: &Invocation, observed: &Observed, name: IfName) -> Desired {
    let mut desired = Desired::default();
    if let Some(present) = going(call, observed, &name) {
        let mut link = WantedLink::new(Origin::IfThere);
        link.up = Managed::Set(false);
        desired.links.insert(present.clone(), link);
    }
    // The port stays in the database when the link goes, so both names are looked for.
    desired.switch_ports_gone = BTreeSet::from([call.link.clone(), name]);
    desired
}

/// What a controller of the switch knows a guest's port by; what the toolstack has not written is
/// left out.
fn external_ids(nodes: &Nodes) -> BTreeMap<String, String> {
    let ids = [
        ("attached-mac", &nodes.mac),
        ("xen-vm-name", &nodes.vm_name),
        ("xen-vm-uuid", &nodes.vm_uuid),
    ];
    ids.into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)))
        .collect()
}

/// The bridge and the VLANs that the vif names.
fn place(call: &Invocation, nodes: &Nodes) -> Result<SwitchPort, String> {
    let given = nodes.bridge.as_deref().or(call.bridge.as_deref());
    let text = given.ok_or("No valid bridge was specified: bridge= is missing in the vif")?;
    parse(text).ok_or_else(|| {
        format!("No valid bridge was specified: bridge={text:?} is not of the form NAME[.VLAN][:VLAN:VLAN], with VLANs from 1 to 4094")
    })
}

fn parse(text: &str) -> Option<SwitchPort> {
    let mut words = text.split(':');
    let first = words.next()?;
    let (name, tag) = match first.split_once('.') {
        Some((name, tag)) => (name, Some(vlan(tag)?)),
        None => (first, None),
    };
    Some(SwitchPort {
        bridge: name.parse().ok()?,
        tag,
        trunks: words.map(vlan).collect::<Option<_>>()?,
        external_ids: BTreeMap::new(),
    })
}

fn vlan(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok())??;
    VlanId::new(number).map(VlanId::get)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotplug::Script;
    use crate::state::{Link, LinkKind, NetState};

    #[test]
    fn the_grammar_of_bridges() {
        let place = |text: &str| {
            let port = parse(text)?;
            let trunks: Vec<u16> = port.trunks.into_iter().collect();
            Some((port.bridge.to_string(), port.tag, trunks))
        };
        let found = |tag, trunks: &[u16]| Some(("xenbr0".to_owned(), tag, trunks.to_vec()));
        assert_eq!(place("xenbr0"), found(None, &[]));
        assert_eq!(place("xenbr0.5"), found(Some(5), &[]));
        assert_eq!(place("xenbr0:100:99"), found(None, &[99, 100]));
        assert_eq!(place("xenbr0.5:99:100"), found(Some(5), &[99, 100]));
        for wrong in [
            "", ".5", "xenbr0.", "xenbr0.x", "br.1.2", "br:5,6", "br:", "br:5:", "br.0", "br.4095",
            "br.+5", "br.99999", "a name", "br.5.6:7",
        ] {
            assert_eq!(place(wrong), None, "{wrong:?}");
        }
    }

    /// Below 1,280 bytes a link has no IPv6, and no settings of it that could be written.
    #[test]
    fn a_small_mtu_is_no_failure() {
        let call = Invocation {
            script: Script::VifOpenvswitch,
            ..Invocation::from((1, 0))
        };
        let link = Link::of(LinkKind::Other("vif".into()));
        let mut state = NetState::default();
        state.links.insert(call.link.clone(), link);
        state.switches.bridges.insert("xenbr0".parse().unwrap());
        let observed = Observed::host(state);
        let settings = |mtu: Option<&str>| {
            let nodes = Nodes {
                bridge: Some("xenbr0".into()),
                mtu: mtu.map(str::to_owned),
                ..Nodes::default()
            };
            let wanted = desire(&call, &nodes, &observed).unwrap();
            wanted.desired.sysctls.len()
        };
        assert_eq!(settings(None), 2);
        assert_eq!(settings(Some("1280")), 2);
        assert_eq!(settings(Some("1279")), 0);
    }
}
