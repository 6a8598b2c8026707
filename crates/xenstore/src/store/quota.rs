//! How much of the store a domain other than dom0 may use.
//!
//! Each limit has the name under which `GET_QUOTA`, `SET_QUOTA` and `CONTROL quota` know it.
//! Invariant: a limit of 0 is none.

use crate::perms::parse_decimal;
use crate::wire::ErrorName;

/// Limits for every domain but dom0; 0 is no limit. The defaults are those of C xenstored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Nodes that a domain owns.
    pub nodes: usize,
    /// Watches of a domain, on all its connections.
    pub watches: usize,
    /// Open transactions of a domain, on all its connections.
    pub transactions: usize,
    /// Nodes that one transaction reads or writes.
    pub transaction_nodes: usize,
    /// Bytes of a domain: names, values and permissions of the nodes it owns, paths and tokens of
    /// its watches. Each open transaction may hold as much again, until its commit is judged.
    pub memory: usize,
    /// Bytes of one node: value, names of its children, permissions.
    pub node_size: usize,
    /// Entries of one permission list.
    pub permissions: usize,
}

impl Default for Quotas {
    fn default() -> Quotas {
        Quotas {
            nodes: 1000,
            watches: 128,
            transactions: 10,
            transaction_nodes: 1024,
            memory: 2560 * 1024,
            node_size: 2048,
            permissions: 5,
        }
    }
}

impl Quotas {
    /// Every limit with its name in the protocol, in the order in which they are listed.
    pub(super) fn named(&self) -> [(&'static str, usize); 7] {
        [
            ("nodes", self.nodes),
            ("watches", self.watches),
            ("transactions", self.transactions),
            ("transaction-nodes", self.transaction_nodes),
            ("memory", self.memory),
            ("node-size", self.node_size),
            ("permissions", self.permissions),
        ]
    }

    /// EINVAL for a name that no limit has.
    pub(super) fn get(&self, name: &[u8]) -> Result<usize, ErrorName> {
        let named = self.named().into_iter();
        let mut found = named.filter(|(other, _)| other.as_bytes() == name);
        found
            .next()
            .map(|(_, limit)| limit)
            .ok_or(ErrorName::Einval)
    }

    /// EINVAL for a name that no limit has, and for a value that is no number.
    pub(super) fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), ErrorName> {
        let limit = match name {
            b"nodes" => &mut self.nodes,
            b"watches" => &mut self.watches,
            b"transactions" => &mut self.transactions,
            b"transaction-nodes" => &mut self.transaction_nodes,
            b"memory" => &mut self.memory,
            b"node-size" => &mut self.node_size,
            b"permissions" => &mut self.permissions,
            _ => return Err(ErrorName::Einval),
        };
        *limit = parse_decimal(value).ok_or(ErrorName::Einval)?;
        Ok(())
    }
}

/// ENOSPC if more is used than a limit allows.
pub(super) fn check(used: usize, limit: usize) -> Result<(), ErrorName> {
    if limit != 0 && used > limit {
        return Err(ErrorName::Enospc);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_set_and_read_by_its_name() {
        for (position, (name, before)) in Quotas::default().named().into_iter().enumerate() {
            let mut quotas = Quotas::default();
            quotas.set(name.as_bytes(), b"77").unwrap();
            assert_eq!(quotas.get(name.as_bytes()), Ok(77));
            let mut expected = Quotas::default().named();
            expected[position] = (name, 77);
            assert_eq!(quotas.named(), expected, "{name} alone, which was {before}");
        }
    }

    #[test]
    fn nonsense_is_refused_and_zero_is_no_limit() {
        let mut quotas = Quotas::default();
        for (name, value) in [("node", "1"), ("", "1"), ("nodes", ""), ("nodes", "-1")] {
            let refused = quotas.set(name.as_bytes(), value.as_bytes());
            assert_eq!(refused, Err(ErrorName::Einval), "{name} {value}");
        }
        assert_eq!(quotas, Quotas::default());
        assert_eq!(check(3, 3), Ok(()));
        assert_eq!(check(4, 3), Err(ErrorName::Enospc));
        assert_eq!(check(usize::MAX, 0), Ok(()));
    }
}
