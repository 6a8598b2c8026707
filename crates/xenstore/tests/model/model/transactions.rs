//! Transactions: a copy of the nodes, what was read and written in it, and what was done.

use std::collections::BTreeSet;
use std::rc::Rc;

use xenwire_xenstore::Domid;
use xenwire_xenstore::wire::{ErrorName, Packet};

use super::nodes::{Edit, Nodes};
use super::rules::exactly;
use super::{Event, Model, Reply, ok};
use crate::acts::Seat;

#[derive(Debug)]
pub struct Transaction {
    pub(super) seat: Seat,
    /// 0 until the server has said it.
    id: u32,
    /// The nodes as they were, and as the transaction sees them.
    pub(super) start: Nodes,
    pub(super) nodes: Nodes,
    pub(super) touched: BTreeSet<Rc<str>>,
    /// For whom, where, what.
    pub(super) log: Vec<(Domid, String, Edit)>,
}

impl Model {
    pub(super) fn open(&self, seat: Seat, id: u32) -> Option<usize> {
        let own = |transaction: &Transaction| transaction.seat == seat && transaction.id == id;
        self.transactions.iter().position(own)
    }

    /// How many transactions a domain has open.
    pub(super) fn open_of(&self, domid: Domid) -> usize {
        let own = |transaction: &&Transaction| self.domids[transaction.seat] == domid;
        self.transactions.iter().filter(own).count()
    }

    pub(super) fn start(&mut self, seat: Seat, inside: u32) -> Result<Reply, ErrorName> {
        if inside != 0 {
            let known = self.open(seat, inside).is_some();
            return Err(if known {
                ErrorName::Ebusy
            } else {
                ErrorName::Enoent
            });
        }
        let domid = self.domids[seat];
        if !self
            .domains
            .within(domid, "transactions", self.open_of(domid) + 1)
        {
            return Err(ErrorName::Enospc);
        }
        self.transactions.push(Transaction {
            seat,
            id: 0,
            start: self.nodes.clone(),
            nodes: self.nodes.clone(),
            touched: BTreeSet::new(),
            log: Vec::new(),
        });
        Ok(Reply::Opened)
    }

    /// The server has chosen a number for the transaction just started; whether it was free to.
    pub fn opened(&mut self, seat: Seat, id: u32) -> bool {
        let free = id != 0 && self.open(seat, id).is_none();
        if let Some(transaction) = self.transactions.last_mut() {
            transaction.id = id;
        }
        free
    }

    pub(super) fn end(
        &mut self,
        seat: Seat,
        packet: &Packet,
        events: &mut Vec<Event>,
    ) -> Result<Reply, ErrorName> {
        let commit = match exactly(&packet.payload)? {
            [b"T"] => true,
            [b"F"] => false,
            _ => return Err(ErrorName::Einval),
        };
        let open = self.open(seat, packet.tx_id).ok_or(ErrorName::Enoent)?;
        // It is over, however it ends.
        let transaction = self.transactions.remove(open);
        if !commit {
            return ok();
        }
        if !transaction.is_steady(&self.nodes) {
            return Err(ErrorName::Eagain);
        }
        let mut after = self.nodes.clone();
        let mut changes = Vec::new();
        for (creator, path, edit) in &transaction.log {
            changes.extend(after.edit(*creator, path, edit));
        }
        after.forget_detours(&self.nodes, &changes);
        // Others may have used up the room that there was when the changes were made.
        for domid in after.owners() {
            let (now, then) = (self.nodes.usage(domid), after.usage(domid));
            let bytes = then.1 + self.watch_usage(domid).1;
            let fits = (then.0 <= now.0 || self.domains.within(domid, "nodes", then.0))
                && (then.1 <= now.1 || self.domains.within(domid, "memory", bytes));
            if self.domids[seat] != 0 && !fits {
                return Err(ErrorName::Enospc);
            }
        }
        events.extend(self.told(&self.nodes, &after, &changes));
        self.nodes = after;
        ok()
    }
}
