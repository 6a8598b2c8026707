//! VLANs of the ports of a bridge that filters them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::IfName;

/// How a port carries a VLAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carriage {
    /// Its frames leave with their tag.
    Tagged,
    /// Its frames leave without a tag.
    Untagged,
    /// What comes in without a tag is in it (PVID), and its frames leave without one. A port has
    /// one such VLAN at most: the kernel takes the honour from the one that had it.
    Own,
}

/// What a port carries: 1 to 4094. A VLAN that is missing is not carried.
pub type PortVlans = BTreeMap<u16, Carriage>;

/// VLANs with neighbouring numbers that a port carries alike, and is to carry alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VlanChange {
    /// The port.
    pub port: IfName,
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
    /// How they were carried; `None`: not.
    pub from: Option<Carriage>,
    /// How they are to be; `None`: not.
    pub to: Option<Carriage>,
}

impl VlanChange {
    /// What takes it back.
    pub(super) fn swapped(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
            ..self
        }
    }

    /// The way from what a port carries to what it is to carry: first what goes, last the one of
    /// its own, so that no step changes what another started from.
    pub(crate) fn between(port: &IfName, found: &PortVlans, wanted: &PortVlans) -> Vec<Self> {
        let numbers: Vec<u16> = found.keys().chain(wanted.keys()).copied().collect();
        let mut changes: BTreeMap<u16, (Option<Carriage>, Option<Carriage>)> = BTreeMap::new();
        for number in numbers {
            let (from, to) = (found.get(&number).copied(), wanted.get(&number).copied());
            if from != to {
                changes.insert(number, (from, to));
            }
        }
        let mut runs: Vec<Self> = Vec::new();
        for (number, (from, to)) in changes {
            // The kernel takes no run of VLANs that are a port's own (br_vlan_valid_range).
            let alone = [from, to].contains(&Some(Carriage::Own));
            match runs.last_mut() {
                Some(run)
                    if !alone && run.last + 1 == number && (run.from, run.to) == (from, to) =>
                {
                    run.last = number;
                }
                _ => runs.push(Self {
                    port: port.clone(),
                    first: number,
                    last: number,
                    from,
                    to,
                }),
            }
        }
        runs.sort_by_key(|run| (run.to, run.first));
        runs
    }
}

impl fmt::Display for VlanChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, how) = match self.to {
            None => ("take from", ""),
            Some(Carriage::Tagged) => ("give", ", tagged"),
            Some(Carriage::Untagged) => ("give", ", untagged"),
            Some(Carriage::Own) => ("give", " as its own"),
        };
        write!(f, "{word} {} VLAN {}", self.port, self.first)?;
        if self.last != self.first {
            write!(f, "-{}", self.last)?;
        }
        f.write_str(how)
    }
}

#[cfg(test)]
mod tests {
    use Carriage::{Own, Tagged, Untagged};

    use super::*;

    #[test]
    fn neighbours_go_together_what_goes_is_first_and_the_own_one_last() {
        let port: IfName = "vif1.0".parse().unwrap();
        let found = PortVlans::from([(1, Own), (7, Tagged), (8, Tagged), (30, Tagged)]);
        let wanted = PortVlans::from([
            (10, Own),
            (20, Tagged),
            (21, Tagged),
            (22, Untagged),
            (30, Tagged),
        ]);
        let runs = VlanChange::between(&port, &found, &wanted);
        let told: Vec<_> = runs
            .iter()
            .map(|r| (r.first, r.last, r.from, r.to))
            .collect();
        assert_eq!(
            told,
            [
                (1, 1, Some(Own), None),
                (7, 8, Some(Tagged), None),
                (20, 21, None, Some(Tagged)),
                (22, 22, None, Some(Untagged)),
                (10, 10, None, Some(Own)),
            ]
        );
        assert_eq!(VlanChange::between(&port, &wanted, &wanted), []);
    }
}
