//! `start`: the NIC becomes a port of a bridge, and dom0 goes on under its name (contract 1.2,
//! 1.3.3, 1.4.2).
//!
//! ```text
//!  xen2      eth0 ───────────────┐            xen3.0    peth0 ──────────┐
//!            xen-br0 (addresses) ┴─ guests              vif0.0 ─ xenbr0 ┴─ guests
//!                                                       eth0 (addresses; the pair's other end)
//!  xen3.2    peth0 ──────────────┐
//!            eth0 (addresses) ───┴─ guests
//! ```

use crate::name::{IfName, Mac};
use crate::state::{
    BridgeOptions, Desired, Link, LinkKind, Managed, Mark, NetState, Observed, Origin, WantedLink,
};

use super::nic::{Belongings, bare, copy_offloads, copy_settings, move_rules};
use super::quiet::{no_ipv6, quiet};
use super::refuse::refuse;
use super::target::{is_guests, is_ours, master};
use super::{Call, NetworkRoot, Pair, Target, Wanted};

/// What `start` wants.
///
/// # Errors
/// A sentence that says why not, and what to do; nothing is to be done.
pub fn start(
    call: &Call,
    target: &Target,
    observed: &Observed,
    root: Option<&NetworkRoot>,
) -> Result<Wanted, String> {
    let state = &observed.state;
    let mut wanted = Wanted::default();
    if target.is_started {
        is_whole(call, target, state)?;
    } else {
        refuse(call, target, observed, root)?;
        let desired = &mut wanted.desired;
        bridge(target, state, desired);
        match target.pair {
            Some(pair) => through_pair(target, pair, state, desired),
            None => as_bridge(target, state, desired),
        }
        wanted.notes.extend(leases(target, state));
    }
    return_guests(target, state, &mut wanted);
    if call.arguments.antispoof {
        hold_guests(target, state, &mut wanted)?;
    }
    Ok(wanted)
}

/// `antispoof=yes`: the bridge's own mark says that guests who come to it are held to their
/// addresses. So it lasts as long as the bridge does, and a vif script that looks at the bridge
/// anyway has read it.
fn hold_guests(target: &Target, state: &NetState, wanted: &mut Wanted) -> Result<(), String> {
    let name = &target.bridge;
    // Before start the name may be the NIC's.
    let is_bridge = target.is_started || *name != target.nic;
    let found = state.links.get(name).filter(|_| is_bridge);
    let mark = match found {
        Some(link) if link.alias.is_some() && Mark::of(link).is_none() => {
            return Err(format!(
                "{name} has an alias of somebody else's, so it cannot be marked for antispoof=yes; `ip link set {name} alias ''` takes it away, or ip_filter = \"enforce\" in xenwire.toml holds the guests of all bridges"
            ));
        }
        Some(link) => Mark::of(link).unwrap_or_default(),
        None => Mark::made_for(&target.nic),
    };
    if mark.antispoof {
        return Ok(());
    }
    let links = &mut wanted.desired.links;
    let link = links.entry(name.clone());
    let link = link.or_insert_with(|| WantedLink::new(Origin::Expected));
    let antispoof = true;
    link.alias = Managed::Set(Mark { antispoof, ..mark }.alias());
    let guests = state.ports_of(name).filter(|port| is_guests(state, port));
    wanted.notes.extend(guests.map(|port| {
        format!("{port} keeps what it may send until its script is run again, or its guest is started again")
    }));
    Ok(())
}

/// A NIC that was started has everything that this generation makes; what is missing was lost to
/// somebody else, and is not guessed.
fn is_whole(call: &Call, target: &Target, state: &NetState) -> Result<(), String> {
    let Target {
        nic, port, bridge, ..
    } = target;
    if call.generation != target.generation {
        return Err(format!(
            "{nic} is on {bridge} in the way of {}; `network-bridge stop netdev={nic}` takes it off, then it can be started in the way of {}",
            target.generation, call.generation
        ));
    }
    let missing = match target.pair {
        _ if state.links[port].master.is_none() => format!("{port} is on no bridge"),
        Some(pair) if Pair::of_end(state, nic) != Some(pair) => {
            format!("{nic} is not the end of the pair {}", pair.0)
        }
        Some(pair) if master(state, &pair.vif()).as_ref() != Some(bridge) => {
            format!("{} is not on {bridge}", pair.vif())
        }
        _ => return Ok(()),
    };
    Err(format!(
        "{nic} looks half started: there is {port}, but {missing}. `network-bridge stop netdev={nic}` puts back what it finds"
    ))
}

/// The bridge: made if it is not there, and otherwise left as the administrator has it.
fn bridge(target: &Target, state: &NetState, desired: &mut Desired) {
    let name = &target.bridge;
    // The name may be the NIC's, who gives it up.
    let is_there = *name != target.nic && state.links.contains_key(name);
    let mut link = WantedLink::new(if is_there {
        Origin::Expected
    } else {
        Origin::Ours(LinkKind::Bridge(BridgeOptions::XEN))
    });
    link.up = Managed::Set(true);
    if !is_there {
        link.alias = Managed::Set(Mark::made_for(&target.nic).alias());
    }
    desired.links.insert(name.clone(), link);
}

/// Xen 3.0: dom0 goes on through a pair.
fn through_pair(target: &Target, pair: Pair, state: &NetState, desired: &mut Desired) {
    let Target { nic, bridge, .. } = target;
    let found = &state.links[nic];
    if !state.links.contains_key(bridge) {
        quiet(bridge, desired);
    }
    below(target, desired);
    let port = desired.links.get_mut(&target.port).expect("made by below");
    port.mac = Managed::Set(Mac::QUIET);
    port.multicast = Managed::Set(false);
    port.arp = Managed::Set(false);

    let is_there = pair.is_there(state);
    let mut end = WantedLink::new(if is_there {
        Origin::Expected
    } else {
        pair.made()
    });
    end.formerly = is_there.then(|| pair.veth());
    end.up = Managed::Set(true);
    end.mac = found.mac.map_or(Managed::LeaveAlone, Managed::Set);
    end.mtu = Managed::Set(found.mtu);
    // A dummy is born without (dummy_setup, drivers/net/dummy.c), since nobody is behind it; behind
    // the pair there are guests.
    end.arp = Managed::Set(found.arp || is_dummy(found));
    end.multicast = Managed::Set(found.multicast || is_dummy(found));
    if !is_there {
        end.alias = Managed::Set(Mark::made_for(nic).alias());
    }
    desired.links.insert(nic.clone(), end);
    takes_over(nic, nic, state, desired);

    let vif = pair.vif();
    let mut other = WantedLink::new(Origin::Expected);
    other.up = Managed::Set(true);
    other.mac = Managed::Set(Mac::QUIET);
    other.mtu = Managed::Set(found.mtu);
    other.master = Managed::Set(Some(bridge.clone()));
    desired.links.insert(vif.clone(), other);
    quiet(&vif, desired);
}

/// Xen 2.0 and 3.2: dom0 goes on as the bridge.
fn as_bridge(target: &Target, state: &NetState, desired: &mut Desired) {
    below(target, desired);
    bridge_takes_over(target, state, desired);
}

/// The NIC under the bridge, without anything of dom0's.
fn below(target: &Target, desired: &mut Desired) {
    let Target {
        nic, port, bridge, ..
    } = target;
    let mut link = WantedLink::new(Origin::Expected);
    link.formerly = (nic != port).then(|| nic.clone());
    link.up = Managed::Set(true);
    link.master = Managed::Set(Some(bridge.clone()));
    bare(&mut link);
    desired.links.insert(port.clone(), link);
    no_ipv6(port, desired);
}

/// The bridge gets what the NIC had, and its MAC for good: otherwise it would follow the lowest of
/// its ports' (br_stp_recalculate_bridge_id), and neighbours would have to ask again.
fn bridge_takes_over(target: &Target, state: &NetState, desired: &mut Desired) {
    let Target { nic, bridge, .. } = target;
    let made = *bridge == *nic || !state.links.contains_key(bridge);
    if let Some(link) = desired.links.get_mut(bridge)
        && made
    {
        link.mac = state.links[nic]
            .mac
            .map_or(Managed::LeaveAlone, Managed::Set);
    }
    if made {
        takes_over(nic, bridge, state, desired);
    } else {
        let own = Belongings::moved(state, bridge, bridge);
        Belongings::moved(state, nic, bridge).give(bridge, own, desired);
        move_rules(state, nic, bridge, desired);
    }
}

/// Addresses, routes, neighbours, rules and settings of one link, for a link of ours that has none
/// of its own.
fn takes_over(from: &IfName, to: &IfName, state: &NetState, desired: &mut Desired) {
    Belongings::moved(state, from, to).give(to, Belongings::default(), desired);
    move_rules(state, from, to, desired);
    copy_settings(state, from, to, desired);
    copy_offloads(state, from, to, desired);
}

/// Guests' links that were ports of this bridge when it was stopped are ports again.
fn return_guests(target: &Target, state: &NetState, wanted: &mut Wanted) {
    for (name, link) in &state.links {
        let Some(mark) = Mark::of(link) else { continue };
        if mark.port_of.as_ref() != Some(&target.bridge) || link.master.is_some() {
            continue;
        }
        let mut port = WantedLink::new(Origin::Expected);
        port.master = Managed::Set(Some(target.bridge.clone()));
        port.alias = Managed::Set(
            Mark {
                port_of: None,
                ..mark
            }
            .alias(),
        );
        wanted.desired.links.insert(name.clone(), port);
        if target.is_started && !wanted.desired.links.contains_key(&target.bridge) {
            let bridge = WantedLink::new(Origin::Expected);
            wanted.desired.links.insert(target.bridge.clone(), bridge);
        }
        wanted
            .notes
            .push(format!("{name} is on {} again", target.bridge));
    }
}

/// What a program that renews an address has to be told.
fn leases(target: &Target, state: &NetState) -> Option<String> {
    let has_end = state
        .addresses_of(&target.nic)
        .find(|a| a.net.addr().is_ipv4() && a.lifetime != crate::state::Lifetime::Forever)?;
    let holder = match target.pair {
        Some(_) => &target.nic,
        None => &target.bridge,
    };
    Some(format!(
        "{} is a lease: it moves to {holder} as it is, and whoever renews it (a DHCP client) must be started again there",
        has_end.net
    ))
}

pub(super) fn is_dummy(link: &Link) -> bool {
    link.kind == LinkKind::Other("dummy".into())
}

/// Whether a bridge is one that start made.
pub(super) fn is_made(target: &Target, state: &NetState) -> bool {
    is_ours(state, &target.bridge)
}
