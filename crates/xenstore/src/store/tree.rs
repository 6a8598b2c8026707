//! The nodes, as a tree that can be copied in constant time.
//!
//! Nodes are shared through [`Arc`]: a copy of the tree is a copy of one pointer, and a change after
//! that copies the nodes on the way to it and nothing else. While no copy is alive, changes are made
//! in place. Invariants: the root exists; every change gives the node (and, if a child comes or goes,
//! its parent) a generation that no node of this tree had before; `owned` has the usage of every owner
//! of a node.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Domid;
use crate::path::NodePath;
use crate::perms::{Access, Perms};

/// What one permission entry adds to a node's size (`struct xs_permissions`).
const PERM_SIZE: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct Node {
    generation: u64,
    value: Arc<[u8]>,
    perms: Arc<Perms>,
    /// The generation in which the node was made.
    born: u64,
    children: BTreeMap<Arc<str>, Arc<Node>>,
    /// The children's names by the generation they were made in, which is the order of every list.
    order: BTreeMap<u64, Arc<str>>,
    /// Bytes of all the children's names, each with its NUL.
    names_len: usize,
}

impl Node {
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// A number that no other node of this tree has, and that grows with each node made.
    pub(super) fn born(&self) -> u64 {
        self.born
    }

    pub(super) fn value(&self) -> &Arc<[u8]> {
        &self.value
    }

    pub(super) fn perms(&self) -> &Arc<Perms> {
        &self.perms
    }

    /// The children's names in the order in which they were made, as C xenstored lists them.
    pub(super) fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.order.values().map(AsRef::as_ref)
    }

    fn children(&self) -> impl DoubleEndedIterator<Item = (&str, &Node)> {
        let child = |name: &'_ str| self.children.get(name).map(AsRef::as_ref);
        self.names()
            .filter_map(move |name| Some((name, child(name)?)))
    }

    /// Bytes the list of names takes in a reply.
    pub(super) fn names_len(&self) -> usize {
        self.names_len
    }

    /// What the quota on the size of a node counts.
    pub(super) fn size(&self) -> usize {
        size(&self.value, self.names_len, &self.perms)
    }

    /// The size with another value and permissions in their place.
    pub(super) fn size_with(&self, value: &[u8], perms: &Perms) -> usize {
        size(value, self.names_len, perms)
    }

    /// This node's paths and those below it, parents first, given its own path.
    pub(super) fn paths(&self, path: &NodePath) -> Vec<NodePath> {
        let mut paths = Vec::new();
        let mut open = vec![(path.clone(), self)];
        while let Some((path, node)) = open.pop() {
            let below = node.children().rev();
            open.extend(below.map(|(name, child)| (path.child(name), child)));
            paths.push(path);
        }
        paths
    }
}

pub(super) fn size(value: &[u8], names_len: usize, perms: &Perms) -> usize {
    value.len() + names_len + PERM_SIZE * perms.count()
}

/// What a domain's nodes add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) nodes: usize,
    /// Of names, values and permissions.
    pub(super) bytes: usize,
}

/// What one node adds to the memory of its owner.
pub(super) fn footprint(name: &str, value: &[u8], perms: &Perms) -> usize {
    name.len() + size(value, 0, perms)
}

/// How many bytes a child adds to its parent's list of names.
pub(super) fn name_size(name: &str) -> usize {
    name.len() + 1
}

#[derive(Clone, Debug)]
pub(super) struct Tree {
    root: Arc<Node>,
    owned: Arc<BTreeMap<Domid, Usage>>,
    generation: u64,
}

impl Tree {
    /// A root that belongs to dom0 and nothing below it.
    pub(super) fn new() -> Tree {
        let root = Node {
            generation: 0,
            value: Arc::default(),
            perms: Arc::new(Perms::owned_by(0, Access::None)),
            born: 0,
            children: BTreeMap::new(),
            order: BTreeMap::new(),
            names_len: 0,
        };
        let usage = Usage {
            nodes: 1,
            bytes: footprint("", &root.value, &root.perms),
        };
        Tree {
            root: Arc::new(root),
            owned: Arc::new(BTreeMap::from([(0, usage)])),
            generation: 0,
        }
    }

    pub(super) fn get(&self, path: &NodePath) -> Option<&Node> {
        path.names().try_fold(self.root.as_ref(), |node, name| {
            node.children.get(name).map(AsRef::as_ref)
        })
    }

    /// The deepest node that exists on the way to a path, with its own path.
    pub(super) fn nearest(&self, path: &NodePath) -> (NodePath, &Node) {
        let (mut found, mut node) = (NodePath::root(), self.root.as_ref());
        for name in path.names() {
            let Some(child) = node.children.get(name) else {
                break;
            };
            found = found.child(name);
            node = child;
        }
        (found, node)
    }

    /// What the nodes of a domain add up to.
    pub(super) fn usage(&self, domid: Domid) -> Usage {
        self.owned.get(&domid).copied().unwrap_or_default()
    }

    /// Every owner of a node with what its nodes add up to.
    pub(super) fn owners(&self) -> impl Iterator<Item = (Domid, Usage)> {
        self.owned.iter().map(|(domid, usage)| (*domid, *usage))
    }

    /// Sets value and permissions of a node, creating it below its parent if need be.
    ///
    /// Whoever calls this has seen to the parent; without one nothing happens.
    pub(super) fn put(&mut self, path: &NodePath, value: Arc<[u8]>, perms: Arc<Perms>) {
        self.generation += 1;
        let generation = self.generation;
        let (owner, bytes) = (
            perms.owner(),
            footprint(path.name().unwrap_or(""), &value, &perms),
        );
        let previous = match (path.parent(), path.name()) {
            (Some(parent), Some(name)) => {
                let Some(parent) = self.get_mut(&parent) else {
                    return;
                };
                match parent.children.get_mut(name) {
                    Some(node) => Some(Arc::make_mut(node).set(name, value, perms, generation)),
                    None => {
                        let node = Node {
                            generation,
                            value,
                            perms,
                            born: generation,
                            children: BTreeMap::new(),
                            order: BTreeMap::new(),
                            names_len: 0,
                        };
                        let name: Arc<str> = name.into();
                        parent.names_len += name_size(&name);
                        parent.order.insert(generation, Arc::clone(&name));
                        parent.children.insert(name, Arc::new(node));
                        parent.generation = generation;
                        None
                    }
                }
            }
            _ => Some(Arc::make_mut(&mut self.root).set("", value, perms, generation)),
        };
        let owned = Arc::make_mut(&mut self.owned);
        let usage = owned.entry(owner).or_default();
        usage.nodes += 1;
        usage.bytes += bytes;
        if let Some((owner, bytes)) = previous {
            subtract(owned, owner, bytes);
        }
    }

    /// Takes a node and everything below it out of the tree.
    pub(super) fn remove(&mut self, path: &NodePath) {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            return;
        };
        if self.get(path).is_none() {
            return;
        }
        self.generation += 1;
        let generation = self.generation;
        let Some(parent) = self.get_mut(&parent) else {
            return;
        };
        let Some(removed) = parent.children.remove(name) else {
            return;
        };
        parent.order.remove(&removed.born);
        parent.names_len -= name_size(name);
        parent.generation = generation;
        let owned = Arc::make_mut(&mut self.owned);
        let mut open = vec![(name, removed.as_ref())];
        while let Some((name, node)) = open.pop() {
            let bytes = footprint(name, &node.value, &node.perms);
            subtract(owned, node.perms.owner(), bytes);
            let children = node.children.iter();
            open.extend(children.map(|(name, child)| (name.as_ref(), child.as_ref())));
        }
    }

    fn get_mut(&mut self, path: &NodePath) -> Option<&mut Node> {
        let mut node = Arc::make_mut(&mut self.root);
        for name in path.names() {
            node = Arc::make_mut(node.children.get_mut(name)?);
        }
        Some(node)
    }
}

impl Node {
    /// Returns the owner before, and what the node was to it.
    fn set(
        &mut self,
        name: &str,
        value: Arc<[u8]>,
        perms: Arc<Perms>,
        generation: u64,
    ) -> (Domid, usize) {
        let bytes = footprint(name, &self.value, &self.perms);
        let previous = (self.perms.owner(), bytes);
        (self.value, self.perms, self.generation) = (value, perms, generation);
        previous
    }
}

fn subtract(owned: &mut BTreeMap<Domid, Usage>, owner: Domid, bytes: usize) {
    if let Some(usage) = owned.get_mut(&owner) {
        usage.nodes -= 1;
        usage.bytes -= bytes;
        if usage.nodes == 0 {
            owned.remove(&owner);
        }
    }
}
