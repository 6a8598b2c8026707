//! What a sequence is about: who is there, what they may use, and what they do how often.

use xenwire_xenstore::wire::Kind;
use xenwire_xenstore::{Domid, Quotas};

use crate::acts::SEATS;

/// One of the things a client or the server's owner does.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    Ask(Kind),
    Return,
    Introduce,
    Release,
}

#[derive(Debug)]
pub struct Theme {
    pub name: &'static str,
    /// For which domain each seat's connection acts.
    pub domids: [Domid; SEATS],
    /// Small ones are met all the time.
    pub quotas: Quotas,
    /// Whether guests are introduced at the beginning and own a home each.
    pub settled: bool,
    pub paths: &'static [&'static str],
    pub lists: &'static [&'static str],
    /// Of 256 requests: how many are in a transaction, how many watches have a depth, and how many
    /// payloads are spoiled.
    pub in_transaction: usize,
    pub depth: usize,
    pub wrong: usize,
    pub deeds: &'static [(usize, Deed)],
}

impl Theme {
    /// The quotas by their names in SET_QUOTA.
    pub fn limits(&self) -> [(&'static str, usize); 7] {
        let quotas = &self.quotas;
        [
            ("nodes", quotas.nodes),
            ("watches", quotas.watches),
            ("transactions", quotas.transactions),
            ("transaction-nodes", quotas.transaction_nodes),
            ("memory", quotas.memory),
            ("node-size", quotas.node_size),
            ("permissions", quotas.permissions),
        ]
    }

    /// The deed that a byte means.
    pub fn deed(&self, byte: usize) -> Deed {
        let total: usize = self.deeds.iter().map(|(weight, _)| weight).sum();
        let mut place = byte * total / 256;
        for (weight, deed) in self.deeds {
            if place < *weight {
                return *deed;
            }
            place -= weight;
        }
        unreachable!("the place is below the total")
    }

    /// Whether a daemon on a Xen host can be asked the same: over dom0's socket, below nodes that
    /// nobody else has, without a word about domains.
    pub fn suits_a_daemon(&self) -> bool {
        self.domids == [0; SEATS]
    }
}
