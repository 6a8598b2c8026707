//! In which order things stand, so that the fewest lines cross: guests from top to bottom, their
//! NICs, and the vifs in each bridge. Bridges keep the order they are given in, and where orders
//! are equally good, guests stand by domid.

use std::collections::HashMap;

use super::topology::{Domain, Topology};
use crate::name::VifId;

/// More guests than this, and only two orders are compared instead of all (6! = 720).
const COMPARED: usize = 6;

/// The guests, and where in them each vif ends.
pub(super) struct Order<'a> {
    /// The guests from top to bottom, each with its NICs (as indices) in order.
    pub(super) guests: Vec<(&'a Domain, Vec<usize>)>,
    /// How many pairs of lines cross.
    pub(super) crossings: usize,
    rank: HashMap<VifId, usize>,
}

impl<'a> Order<'a> {
    /// The order with the fewest crossings.
    pub(super) fn best(topology: &'a Topology) -> Self {
        let mut domains: Vec<&Domain> = topology.domains.iter().collect();
        domains.sort_by_key(|d| (d.domid, &d.name));
        let group = groups(topology);
        // Of equally good ones the first is taken, which is the order by domid.
        std::iter::once(domains.clone())
            .chain(candidates(&domains, &group))
            .map(|candidate| Self::of(&candidate, &group))
            .min_by_key(|order| order.crossings)
            .expect("there is one candidate at least")
    }

    /// Where a vif stands within its bridge: like its NIC among all NICs. A vif without a guest
    /// comes last.
    pub(super) fn rank(&self, vif: VifId) -> usize {
        self.rank.get(&vif).copied().unwrap_or(usize::MAX)
    }

    /// Guests in this order, their NICs in the order of the bridges they lead to.
    fn of(domains: &[&'a Domain], group: &HashMap<VifId, usize>) -> Self {
        let mut rank = HashMap::new();
        let mut guests = Vec::new();
        for &domain in domains {
            let mut nics: Vec<usize> = (0..domain.nics.len()).collect();
            nics.sort_by_key(|&n| {
                let nic = &domain.nics[n];
                (group.get(&nic.vif).copied().unwrap_or(usize::MAX), nic.vif)
            });
            for &n in &nics {
                let next = rank.len();
                rank.entry(domain.nics[n].vif).or_insert(next);
            }
            guests.push((domain, nics));
        }
        let crossings = crossings(&rank, group);
        Self {
            guests,
            crossings,
            rank,
        }
    }
}

/// How many pairs of lines cross: those whose ends are in opposite order at both sides.
fn crossings(rank: &HashMap<VifId, usize>, group: &HashMap<VifId, usize>) -> usize {
    let mut ends: Vec<(usize, usize)> = rank
        .iter()
        .filter_map(|(vif, &rank)| Some((*group.get(vif)?, rank)))
        .collect();
    ends.sort_unstable();
    ends.iter()
        .enumerate()
        .map(|(i, a)| ends[i + 1..].iter().filter(|b| b.1 < a.1).count())
        .sum()
}

/// In which bridge each vif is, counted from the top; routed vifs stand below all bridges.
fn groups(topology: &Topology) -> HashMap<VifId, usize> {
    use super::topology::PortKind;
    let mut group = HashMap::new();
    for (i, bridge) in topology.bridges.iter().enumerate() {
        for port in &bridge.ports {
            if let PortKind::Vif(vif) = port.kind {
                group.entry(vif).or_insert(i);
            }
        }
    }
    for routed in &topology.routed {
        group.entry(routed.vif).or_insert(topology.bridges.len());
    }
    group
}

/// Orders worth comparing: all of few guests; of many, the one by the middle of their bridges.
fn candidates<'a>(domains: &[&'a Domain], group: &HashMap<VifId, usize>) -> Vec<Vec<&'a Domain>> {
    if domains.len() <= COMPARED {
        return permutations(domains);
    }
    let middle = |d: &Domain| {
        let at: Vec<usize> = d
            .nics
            .iter()
            .filter_map(|n| group.get(&n.vif).copied())
            .collect();
        // In hundredths, so that the mean needs no float.
        at.iter().sum::<usize>() * 100 / at.len().max(1)
    };
    let mut by_middle = domains.to_vec();
    by_middle.sort_by_key(|d| middle(d));
    vec![by_middle]
}

/// All orders of a few things, the given one first and then in lexicographic order.
fn permutations<'a>(things: &[&'a Domain]) -> Vec<Vec<&'a Domain>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for i in 0..things.len() {
        let mut rest = things.to_vec();
        let head = rest.remove(i);
        for mut tail in permutations(&rest) {
            tail.insert(0, head);
            all.push(tail);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{DevId, DomId, Mac};
    use crate::show::{Bridge, GuestNic, Port, PortKind};

    fn vif(domid: u16, devid: u32) -> VifId {
        VifId::new(DomId(domid), DevId(devid)).expect("short numbers")
    }

    fn bridge(name: &str, vifs: &[VifId]) -> Bridge {
        let port = |&vif: &VifId| Port {
            name: vif.link(),
            kind: PortKind::Vif(vif),
            up: true,
            end: None,
        };
        Bridge {
            name: name.parse().expect("a link name"),
            up: true,
            addresses: Vec::new(),
            ports: vifs.iter().map(port).collect(),
        }
    }

    fn domain(domid: u16, nics: u32) -> Domain {
        let nic = |n| GuestNic {
            name: format!("eth{n}"),
            vif: vif(domid, n),
            mac: Mac::QUIET,
            addresses: Vec::new(),
        };
        Domain {
            domid: DomId(domid),
            name: format!("g{domid}"),
            nics: (0..nics).map(nic).collect(),
        }
    }

    fn order_of(topology: &Topology) -> (Vec<u16>, usize) {
        let order = Order::best(topology);
        (
            order.guests.iter().map(|(d, _)| d.domid.0).collect(),
            order.crossings,
        )
    }

    #[test]
    fn a_guest_in_two_bridges_stands_between_those_in_one() {
        let topology = Topology {
            bridges: vec![
                bridge("br0", &[vif(1, 0), vif(2, 0)]),
                bridge("br1", &[vif(1, 1), vif(3, 0)]),
            ],
            domains: vec![domain(3, 1), domain(2, 1), domain(1, 2)],
            ..Topology::default()
        };
        assert_eq!(order_of(&topology), (vec![2, 1, 3], 0));
    }

    #[test]
    fn where_nothing_helps_guests_stand_by_domid() {
        let topology = Topology {
            bridges: vec![
                bridge("br0", &[vif(1, 0), vif(2, 0)]),
                bridge("br1", &[vif(1, 1), vif(2, 1)]),
            ],
            domains: vec![domain(2, 2), domain(1, 2)],
            ..Topology::default()
        };
        assert_eq!(order_of(&topology), (vec![1, 2], 1));
    }
}
