//! `stop`: the NIC gets its name back, and everything that dom0 has by now (contract 1.2, 1.3.4,
//! 1.4.3). Guests keep their links, with a mark by which the next start knows where they were.

use std::net::IpAddr;

use crate::name::IfName;
use crate::state::{Address, Desired, Managed, Mark, NetState, Observed, Origin, WantedLink};

use super::nic::{Belongings, bare, copy_settings, move_rules, move_rules_that};
use super::start::{is_dummy, is_made};
use super::target::{is_guests, is_pairs};
use super::{Memory, Pair, Target, Wanted};

/// What `stop` wants, whichever generation it was that started. Nothing, if nothing was started.
pub fn stop(target: &Target, observed: &Observed, memory: &Memory) -> Wanted {
    let state = &observed.state;
    let mut wanted = Wanted::default();
    if !target.is_started {
        return wanted;
    }
    let stays = other_nics(target, state);
    let goes = is_made(target, state) && stays.is_empty();
    let desired = &mut wanted.desired;
    above(target, desired);
    match target.pair {
        Some(pair) => from_pair(target, pair, observed, memory, desired),
        None => from_bridge(target, state, goes, memory, desired),
    }
    if goes {
        desired.gone.insert(target.bridge.clone());
        free_guests(target, state, &mut wanted);
    } else {
        keep_bridge(target, state, memory, &mut wanted, &stays);
    }
    wanted
}

/// The NIC, under its own name and on no bridge.
fn above(target: &Target, desired: &mut Desired) {
    let Target { nic, port, .. } = target;
    let mut link = WantedLink::new(Origin::Expected);
    link.formerly = (nic != port).then(|| port.clone());
    link.up = Managed::Set(true);
    link.master = Managed::Set(None);
    desired.links.insert(nic.clone(), link);
}

/// NICs on the bridge besides ours.
fn other_nics(target: &Target, state: &NetState) -> Vec<IfName> {
    let ports = state.ports_of(&target.bridge);
    let others = ports
        .filter(|port| **port != target.port && !is_guests(state, port) && !is_pairs(state, port));
    others.cloned().collect()
}

/// Xen 3.0: what dom0 has on the pair's end is the NIC's again, and the pair is as it was.
fn from_pair(
    target: &Target,
    pair: Pair,
    observed: &Observed,
    memory: &Memory,
    desired: &mut Desired,
) {
    let state = &observed.state;
    let nic = &target.nic;
    if Pair::of_end(state, nic) != Some(pair) {
        // Somebody took the pair away; the NIC knows its own MAC.
        memory.bring_back(nic, desired);
        let born = observed
            .facts
            .get(&target.port)
            .and_then(|facts| facts.permanent_mac);
        if let (Some(mac), Some(link)) = (born, desired.links.get_mut(nic))
            && link.mac == Managed::LeaveAlone
        {
            link.mac = Managed::Set(mac);
        }
        return;
    }
    let end = &state.links[nic];
    takes_back(nic, nic, state, memory, desired);
    if let Some(link) = desired.links.get_mut(nic) {
        link.mac = end.mac.map_or(Managed::LeaveAlone, Managed::Set);
        // A dummy's own are not the end's, and start changed none that memory does not know.
        if !is_dummy(&state.links[&target.port]) {
            link.arp = Managed::Set(end.arp);
            link.multicast = Managed::Set(end.multicast);
        }
    }
    let vif = pair.vif();
    if Mark::of(end).is_some_and(|mark| mark.nic.as_ref() == Some(nic)) {
        desired.gone.insert(nic.clone());
        return;
    }
    for (name, formerly) in [(pair.veth(), Some(nic.clone())), (vif, None)] {
        let mut link = WantedLink::new(Origin::Expected);
        link.formerly = formerly;
        link.up = Managed::Set(false);
        link.master = Managed::Set(None);
        bare(&mut link);
        desired.links.insert(name.clone(), link);
        memory.bring_back(&name, desired);
    }
}

/// Xen 2.0 and 3.2: what dom0 has on the bridge is the NIC's again. A bridge that stays keeps what
/// it has of its own.
fn from_bridge(
    target: &Target,
    state: &NetState,
    goes: bool,
    memory: &Memory,
    desired: &mut Desired,
) {
    let Target { nic, bridge, .. } = target;
    if goes {
        takes_back(bridge, nic, state, memory, desired);
        return;
    }
    let had = |address: &Address| memory.had(nic, address.net);
    let back = Belongings::moved(state, bridge, nic).only(had);
    back.give(nic, Belongings::default(), desired);
    move_rules_that(state, bridge, nic, desired, |rule| memory.had_rule(rule));
    memory.bring_back(nic, desired);
    let own = |address: &Address| !memory.had(nic, address.net);
    let kept = Belongings::moved(state, bridge, bridge).only(own);
    let stays = WantedLink::new(Origin::Expected);
    desired.links.insert(bridge.clone(), stays);
    kept.give(bridge, Belongings::default(), desired);
}

/// Addresses, routes, neighbours and rules go back to the NIC, with the settings that dom0 knows
/// under its name; what start only changed below comes back from memory.
fn takes_back(
    from: &IfName,
    nic: &IfName,
    state: &NetState,
    memory: &Memory,
    desired: &mut Desired,
) {
    memory.bring_back(nic, desired);
    // What the kernel made when start brought the link up goes when that goes down again.
    let goes = |address: &Address| memory.was_down(nic) && is_made_by_kernel(address);
    Belongings::moved(state, from, nic)
        .without(goes)
        .give(nic, Belongings::default(), desired);
    move_rules(state, from, nic, desired);
    copy_settings(state, from, nic, desired);
}

/// A link-local address with the MAC in it (RFC 4291, appendix A).
fn is_made_by_kernel(address: &Address) -> bool {
    match address.net.addr() {
        IpAddr::V6(ip) => ip.is_unicast_link_local() && ip.octets()[11..13] == [0xff, 0xfe],
        IpAddr::V4(_) => false,
    }
}

/// Guests' links stay, on no bridge, and are marked.
fn free_guests(target: &Target, state: &NetState, wanted: &mut Wanted) {
    for port in state
        .ports_of(&target.bridge)
        .filter(|port| is_guests(state, port))
    {
        let link = &state.links[port];
        let mut free = WantedLink::new(Origin::Expected);
        free.master = Managed::Set(None);
        let foreign = link.alias.is_some() && Mark::of(link).is_none();
        if !foreign {
            let mark = Mark {
                port_of: Some(target.bridge.clone()),
                ..Mark::of(link).unwrap_or_default()
            };
            free.alias = Managed::Set(mark.alias());
        }
        wanted.desired.links.insert(port.clone(), free);
        wanted.notes.push(match foreign {
            false => format!("{port} is on no bridge until the next start"),
            true => format!(
                "{port} is on no bridge; it has an alias of somebody else's, so the next start will not know it"
            ),
        });
    }
}

fn keep_bridge(
    target: &Target,
    state: &NetState,
    memory: &Memory,
    wanted: &mut Wanted,
    stays: &[IfName],
) {
    let bridge = &target.bridge;
    // What start said of a bridge that is not ours.
    if let Some(mark) = Mark::of(&state.links[bridge]).filter(|mark| mark.antispoof && !mark.made) {
        let link = wanted.desired.links.entry(bridge.clone());
        let link = link.or_insert_with(|| WantedLink::new(Origin::Expected));
        let antispoof = false;
        link.alias = Managed::Set(Mark { antispoof, ..mark }.alias());
    }
    if stays.is_empty() {
        // It was there before start, which may have brought it up.
        let desired = &mut wanted.desired;
        let link = desired
            .links
            .entry(bridge.clone())
            .or_insert_with(|| WantedLink::new(Origin::Expected));
        if state.ports_of(bridge).any(|port| is_guests(state, port)) {
            link.up = Managed::LeaveAlone;
        } else {
            let mut past = Desired::default();
            past.links.insert(bridge.clone(), link.clone());
            memory.bring_back(bridge, &mut past);
            desired.links.extend(past.links);
        }
        wanted
            .notes
            .push(format!("{bridge} was there before, and stays"));
    } else {
        let others: Vec<String> = stays.iter().map(ToString::to_string).collect();
        wanted.notes.push(format!(
            "{bridge} stays: {} is on it too",
            others.join(", ")
        ));
    }
}
