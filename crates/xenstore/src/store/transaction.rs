//! What an open transaction remembers.
//!
//! ```text
//!   base ──── the tree when the transaction started (shared, never changed)
//!   tree ──── the same with the transaction's own changes
//!   touched ─ every node it read or wrote: none of them may change in the store meanwhile
//!   marks ─── every node it wrote: what a commit carries over
//! ```
//!
//! Invariant: a marked node is touched too, and a node is marked after its parent if the
//! transaction made both; so a commit that found no conflict can copy the marked nodes in order.

use std::collections::{BTreeMap, BTreeSet};

use super::Effect;
use super::tree::Tree;
use crate::path::NodePath;

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
    pub(super) fn onto(self, current: &Tree) -> Option<(Tree, Vec<Effect>)> {
        let generation = |tree: &Tree, path| tree.get(path).map(super::tree::Node::generation);
        let steady = |path| generation(&self.base, path) == generation(current, path);
        if !self.journal.touched.iter().all(steady) {
            return None;
        }
        let mut marks: Vec<(NodePath, Mark)> = self.journal.marks.into_iter().collect();
        marks.sort_by_key(|(_, mark)| mark.order);
        let mut next = current.clone();
        let mut effects = Vec::new();
        for (path, mark) in marks {
            let before = current.get(&path).map(|node| node.perms().clone());
            let after = self.tree.get(&path);
            if let Some(node) = after {
                next.put(&path, node.value().clone(), node.perms().clone());
            } else {
                next.remove(&path);
            }
            let perms = before
                .into_iter()
                .chain(after.map(|node| node.perms().clone()));
            // Below a node that is gone too, only watches on exactly this node hear of it.
            let exact = after.is_none()
                && path
                    .parent()
                    .is_some_and(|parent| self.tree.get(&parent).is_none());
            let perms: Vec<_> = perms.collect();
            // A node that came and went inside the transaction was never there for anybody else.
            if mark.told && !perms.is_empty() {
                effects.push(Effect { path, exact, perms });
            }
        }
        Some((next, effects))
    }
}
