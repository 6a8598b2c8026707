//! Whether FORWARD lets a guest by, without a kernel.

use std::collections::BTreeMap;

use super::*;
use crate::hotplug::Command;
use crate::state::{ForwardChain, ForwardMark, Gate, NetState, NodePath, NodeValue};

fn link(name: &str) -> IfName {
    name.parse().unwrap()
}

fn call(script: Script, command: Command) -> Invocation {
    Invocation {
        script,
        command,
        ..Invocation::from((1, 0))
    }
}

fn passage(of: &str, place: Place, open: bool) -> Passage {
    Passage {
        of: link(of),
        place,
        mark: ForwardMark::default(),
        only: None,
        open,
    }
}

fn docker() -> Forward {
    Forward {
        chains: [(ForwardChain::Ipv4, Gate::Shut)].into(),
        legacy: false,
    }
}

type Passages = BTreeMap<IfName, Option<Passage>>;

fn passages(
    call: &Invocation,
    vifname: Option<&str>,
    forward: Passing,
    gates: &Forward,
    found: &[(&str, Passage)],
) -> Passages {
    let read: BTreeMap<_, _> = vifname
        .map(|name| {
            let path = NodePath("backend/vif/1/0/vifname".into());
            (path, NodeValue::text(name))
        })
        .into_iter()
        .collect();
    let found = found.iter().cloned();
    let state = NetState {
        passages: found.map(|(n, passage)| (link(n), passage)).collect(),
        ..NetState::default()
    };
    let conf = HostConf {
        forward,
        ..HostConf::default()
    };
    let nodes = Nodes::of(call, &read);
    let observed = Observed::host(state);
    let mut desired = Desired::default();
    let said = desire(call, &nodes, &conf, gates, &observed, &mut desired).unwrap();
    assert_eq!(said, [] as [&str; 0]);
    desired.passages
}

#[test]
fn a_bridged_guest_passes_and_a_routed_one_if_the_host_says_so() {
    use Script::{VifBridge, VifNat, VifOpenvswitch, VifRoute};
    for (script, forward, place) in [
        (VifBridge, Passing::Bridged, Some(Place::Bridged)),
        (VifBridge, Passing::All, Some(Place::Bridged)),
        (VifBridge, Passing::Off, None),
        (VifRoute, Passing::Bridged, None),
        (VifRoute, Passing::All, Some(Place::Routed)),
        (VifNat, Passing::All, Some(Place::Routed)),
        (VifOpenvswitch, Passing::All, None),
    ] {
        let got = passages(
            &call(script, Command::Online),
            None,
            forward,
            &docker(),
            &[],
        );
        let expected = place.map(|place| (link("vif1.0"), Some(passage("vif1.0", place, true))));
        assert_eq!(
            got,
            expected.into_iter().collect(),
            "{script:?} {forward:?}"
        );
    }
}

#[test]
fn where_there_is_no_chain_there_is_nothing_to_pass() {
    let online = call(Script::VifBridge, Command::Online);
    let none = Forward::default();
    assert!(passages(&online, None, Passing::Bridged, &none, &[]).is_empty());
    let legacy = Forward {
        legacy: true,
        ..none
    };
    assert_eq!(
        passages(&online, None, Passing::Bridged, &legacy, &[]).len(),
        1
    );
}

#[test]
fn what_goes_takes_its_own_under_either_name_and_no_other() {
    let mine = passage("vif1.0", Place::Bridged, false);
    let other = passage("vif2.0", Place::Bridged, true);
    let offline = call(Script::VifBridge, Command::Offline);
    for forward in [Passing::Bridged, Passing::Off] {
        let found = [("web", mine.clone()), ("vif1.0", other.clone())];
        let got = passages(&offline, Some("web"), forward, &docker(), &found);
        assert_eq!(got, [(link("web"), None)].into());
    }
    let online = call(Script::VifBridge, Command::Online);
    let found = [("vif1.0", mine)];
    let got = passages(&online, Some("web"), Passing::Bridged, &docker(), &found);
    let whole = passage("vif1.0", Place::Bridged, true);
    assert_eq!(
        got,
        [(link("vif1.0"), None), (link("web"), Some(whole))].into()
    );
}

#[test]
fn where_nothing_is_enforced_no_more_than_the_list_passes() {
    let online = call(Script::VifBridge, Command::Online);
    let only = |filter, pairs: &[(&str, &str)]| {
        let node = |(name, value): &(&str, &str)| {
            let path = NodePath(format!("backend/vif/1/0/{name}"));
            (path, NodeValue::text(*value))
        };
        let nodes = Nodes::of(&online, &pairs.iter().map(node).collect());
        let conf = HostConf {
            ip_filter: filter,
            ..HostConf::default()
        };
        let observed = Observed::host(NetState::default());
        let mut desired = Desired::default();
        desire(&online, &nodes, &conf, &docker(), &observed, &mut desired)?;
        let passage = desired.passages[&link("vif1.0")].clone().unwrap();
        let text = passage.text(128).join(" ");
        assert_eq!(
            Passage::parse(&text),
            Some((passage.of.clone(), passage.only.clone()))
        );
        Ok::<_, String>(passage.only.map(|only| only.to_string()))
    };
    let list = [("ip", "192.0.2.7"), ("mac", "00:16:3e:00:00:01")];
    let listed = Some("00:16:3e:00:00:01 192.0.2.7".to_owned());
    assert_eq!(only(IpFilter::AcceptOnly, &list), Ok(listed));
    assert_eq!(only(IpFilter::AcceptOnly, &list[1..]), Ok(None));
    assert_eq!(only(IpFilter::Enforce, &list), Ok(None));
    assert!(only(IpFilter::AcceptOnly, &[("ip", "x"), list[1]]).is_err());
}

#[test]
fn a_chain_that_is_owned_is_named_with_what_to_do() {
    let forward = Forward {
        chains: [(ForwardChain::Firewalld, Gate::Owned)].into(),
        legacy: false,
    };
    let said = forward.refusals(Place::Bridged);
    assert!(said[0].contains("firewall-cmd --permanent"), "{said:?}");
}
