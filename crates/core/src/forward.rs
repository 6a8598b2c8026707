//! The host's FORWARD chains as a whole: what `xenwire boot` puts right, and what `xenwire uninstall`
//! takes away. A vif's own call does its part of it by itself ([`crate::hotplug::decide`]); this is for
//! what came meanwhile: Docker that was started behind the guests, a firewall that was loaded anew,
//! and tables of iptables-legacy, which a vif script does not touch.

use std::collections::BTreeMap;

use crate::config::host_conf::{HostConf, IpFilter};
use crate::name::IfName;
use crate::network::is_guests;
use crate::state::{Desired, Forward, Gate, Mark, Observed, Passage, Place};

/// What is wanted, and what to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What is wanted.
    pub desired: Desired,
    /// A line each.
    pub notes: Vec<String>,
}

/// Every guest that is to pass does, and our rule is in every chain that may stop one.
/// `is_filtered`: bridged frames meet FORWARD at present.
pub fn open(conf: &HostConf, forward: &Forward, is_filtered: bool, observed: &Observed) -> Wanted {
    let mut wanted = Wanted::default();
    let lets_by = |place| conf.forward.lets_by(place);
    let meets = |place| place == Place::Routed || is_filtered;
    let places = [Place::Bridged, Place::Routed];
    let needed = |place: &Place| lets_by(*place) && meets(*place) && forward.is_there();
    let needed: Vec<Place> = places.into_iter().filter(needed).collect();
    let passages = &mut wanted.desired.passages;
    let mut unknown = Vec::new();
    for (port, mut passage) in guests(observed, conf) {
        if !needed.contains(&passage.place) {
            continue;
        }
        match observed.state.passages.get(&port) {
            Some(found) => passage.only.clone_from(&found.only),
            // Its list is in xenstore, for its script to read.
            None if conf.ip_filter == IpFilter::AcceptOnly => {
                unknown.push(port.to_string());
                continue;
            }
            None => {}
        }
        passages.insert(port, Some(passage));
    }
    if !unknown.is_empty() {
        wanted.notes.push(format!(
            "{}: with ip_filter = \"accept-only\" only its own script lets a guest by; run it again with `online`",
            unknown.join(", ")
        ));
    }
    // What is not wished for any more, and what is left of links that have gone.
    for (port, passage) in &observed.state.passages {
        let is_there = observed.state.links.contains_key(port);
        if !is_there || !lets_by(passage.place) {
            passages.entry(port.clone()).or_insert(None);
        }
    }
    let mark = match needed.is_empty() {
        false => Some(conf.forward_mark),
        true if places.into_iter().any(lets_by) => return wanted,
        true => None,
    };
    for (chain, gate) in &forward.chains {
        if *gate != Gate::Owned {
            wanted.desired.open.insert(*chain, mark);
        }
    }
    let refusals = needed.first().map(|place| forward.refusals(*place));
    wanted.notes.extend(refusals.unwrap_or_default());
    wanted
}

/// Nothing of ours is left in a chain of the host, and nobody is marked.
pub fn shut(forward: &Forward, observed: &Observed) -> Wanted {
    let mut wanted = Wanted::default();
    let there = |port: &&IfName| observed.state.links.contains_key(*port);
    let passages = &observed.state.passages;
    let cut: Vec<&str> = passages.keys().filter(there).map(IfName::as_str).collect();
    if !cut.is_empty() {
        let cut = cut.join(", ");
        wanted.notes.push(format!(
            "FORWARD stops {cut} from now on, if it drops: `iptables -I FORWARD -m physdev --physdev-is-bridged -j ACCEPT` and the same with ip6tables lets bridged guests by, and so does the vif script of a guest that is started anew"
        ));
    }
    let gone = passages.keys().map(|port| (port.clone(), None));
    wanted.desired.passages.extend(gone);
    let chains = forward.chains.keys().map(|chain| (*chain, None));
    wanted.desired.open.extend(chains);
    wanted
}

/// The guests' links that are up for it, and how they would pass.
fn guests(observed: &Observed, conf: &HostConf) -> BTreeMap<IfName, Passage> {
    let state = &observed.state;
    let passage = |(name, link): (&IfName, &crate::state::Link)| {
        let of_another = Mark::of(link).and_then(|mark| mark.link);
        let place = match &link.master {
            Some(master) => {
                let bridge = state.links.get(master);
                bridge.filter(|bridge| bridge.kind.is_bridge())?;
                Place::Bridged
            }
            None => Place::Routed,
        };
        let passage = Passage {
            of: of_another.unwrap_or_else(|| name.clone()),
            place,
            mark: conf.forward_mark,
            only: None,
            open: true,
        };
        is_guests(state, name).then(|| (name.clone(), passage))
    };
    state.links.iter().filter_map(passage).collect()
}

#[cfg(test)]
mod tests;
