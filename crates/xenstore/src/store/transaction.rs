//! Transactions: how one begins, what an open one remembers, and how it ends.
//!
//! ```text
//!   base ──── the tree when the transaction started (shared, never changed)
//!   tree ──── the same with the transaction's own changes
//!   touched ─ every node it read or wrote: none of them may change in the store meanwhile
//!   marks ─── every node it wrote: what a commit carries over
//! ```
//!
//! Invariant: a marked node is touched too, and a node is marked after its parent if the
//! transaction made both; so a commit that found no conflict can copy the marked nodes in the order in which they were made.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Node, Tree};
use super::view::Actor;
use super::{ConnId, Deliveries, Effect, Store, quota};
use crate::path::NodePath;
use crate::wire::{ErrorName, terminated};

#[derive(Debug)]
pub(super) struct Transaction {
    base: Tree,
    pub(super) tree: Tree,
    pub(super) journal: Journal,
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    touched: BTreeSet<NodePath>,
    marks: BTreeMap<NodePath, Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    order: usize,
    /// Whether watches hear of it: not so for a node that was made only to hold another.
    told: bool,
}

impl Journal {
    pub(super) fn touch(&mut self, path: &NodePath) {
        if !self.has_touched(path) {
            self.touched.insert(path.clone());
        }
    }

    pub(super) fn has_touched(&self, path: &NodePath) -> bool {
        self.touched.contains(path)
    }

    pub(super) fn touched(&self) -> usize {
        self.touched.len()
    }

    pub(super) fn mark(&mut self, path: &NodePath, told: bool) {
        self.touch(path);
        let order = self.marks.len();
        let mark = self
            .marks
            .entry(path.clone())
            .or_insert(Mark { order, told });
        mark.told |= told;
    }
}

impl Transaction {
    pub(super) fn start(tree: &Tree) -> Transaction {
        Transaction {
            base: tree.clone(),
            tree: tree.clone(),
            journal: Journal::default(),
        }
    }

    /// The store's tree with this transaction's changes, and what they are to watches; `None` if
    /// a node it depends on has changed since it started.
    pub(super) fn onto(&self, current: &Tree) -> Option<(Tree, Vec<Effect>)> {
        let generation = |tree: &Tree, path| tree.get(path).map(Node::generation);
        let steady = |path| generation(&self.base, path) == generation(current, path);
        if !self.journal.touched.iter().all(steady) {
            return None;
        }
        let mut marks: Vec<(&NodePath, &Mark)> = self.journal.marks.iter().collect();
        marks.sort_by_key(|(_, mark)| mark.order);
        let next = self.written(current, marks.iter().map(|(path, _)| *path));
        let mut effects = Vec::new();
        for (path, mark) in marks {
            let before = current.get(path).map(|node| node.perms().clone());
            let after = self.tree.get(path);
            let perms = before
                .into_iter()
                .chain(after.map(|node| node.perms().clone()));
            // Below a node that is gone too, only watches on exactly this node hear of it.
            let exact = after.is_none()
                && path
                    .parent()
                    .is_some_and(|parent| self.tree.get(&parent).is_none());
            let mut perms: Vec<_> = perms.collect();
            // A node that came and went inside the transaction was never there for anybody else.
            if mark.told && !perms.is_empty() {
                let above = path.parent().filter(|_| exact);
                let above = above.and_then(|above| current.get(&above));
                perms.extend(above.map(|node| node.perms().clone()));
                let path = path.clone();
                effects.push(Effect { path, exact, perms });
            }
        }
        Some((next, effects))
    }

    /// A tree with the nodes at these paths as they are in the transaction.
    fn written<'a>(&self, current: &Tree, paths: impl Iterator<Item = &'a NodePath>) -> Tree {
        let mut next = current.clone();
        let mut kept = Vec::new();
        for path in paths {
            let (was, is) = (self.base.get(path), self.tree.get(path));
            // Who was removed and made anew has its place behind those who stayed.
            if was.map(Node::born) != is.map(Node::born) {
                next.remove(path);
            }
            kept.extend(is.map(|node| (node.born(), path, node)));
        }
        // In the order in which they were made: parents first, and siblings as the transaction
        // lists them.
        kept.sort_by_key(|(born, ..)| *born);
        for (_, path, node) in kept {
            next.put(path, node.value().clone(), node.perms().clone());
        }
        next
    }
}

impl Store {
    pub(super) fn start_transaction(
        &mut self,
        conn: ConnId,
        actor: Actor,
        tx_id: u32,
    ) -> Result<Vec<u8>, ErrorName> {
        if tx_id != 0 {
            let connection = self.connections.get(&conn);
            let inside = connection.is_some_and(|own| own.transactions.contains_key(&tx_id));
            return Err(if inside {
                ErrorName::Ebusy
            } else {
                ErrorName::Enoent
            });
        }
        if !actor.is_privileged() {
            let open = self.transactions_of(actor.domid) + 1;
            quota::check(open, self.domains.quotas(actor.domid).transactions)?;
        }
        let connection = self.connections.get_mut(&conn).ok_or(ErrorName::Enoent)?;
        let open = &mut connection.transactions;
        // Numbers go round after 2^32 starts; one that is still open is passed over, and so is 0.
        let mut tx_id = connection.last_tx_id.wrapping_add(1);
        while tx_id == 0 || open.contains_key(&tx_id) {
            tx_id = tx_id.wrapping_add(1);
        }
        connection.last_tx_id = tx_id;
        open.insert(tx_id, Transaction::start(&self.tree));
        Ok(terminated([tx_id.to_string()]))
    }

    pub(super) fn end_transaction(
        &mut self,
        conn: ConnId,
        actor: Actor,
        tx_id: u32,
        commit: bool,
        events: &mut Deliveries,
    ) -> Result<(), ErrorName> {
        let connection = self.connections.get_mut(&conn).ok_or(ErrorName::Enoent)?;
        let transaction = connection
            .transactions
            .remove(&tx_id)
            .ok_or(ErrorName::Enoent)?;
        if !commit {
            return Ok(());
        }
        let (next, effects) = transaction.onto(&self.tree).ok_or(ErrorName::Eagain)?;
        // Each change was within the quota when it was made, but other transactions may have
        // taken the same room since.
        if !actor.is_privileged() {
            self.check_growth(&next)?;
        }
        self.tree = next;
        self.fire(&effects, events);
        Ok(())
    }

    /// Whether no domain that would have more than now would have too much.
    fn check_growth(&self, next: &Tree) -> Result<(), ErrorName> {
        for (domid, usage) in next.owners().filter(|(domid, _)| *domid != 0) {
            let (now, quotas) = (self.tree.usage(domid), self.domains.quotas(domid));
            if usage.nodes > now.nodes {
                quota::check(usage.nodes, quotas.nodes)?;
            }
            if usage.bytes > now.bytes {
                quota::check(usage.bytes + self.watch_bytes_of(domid), quotas.memory)?;
            }
        }
        Ok(())
    }
}
