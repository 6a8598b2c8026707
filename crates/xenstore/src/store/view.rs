//! The requests about nodes, on the store itself or inside a transaction.
//!
//! A [`View`] is one caller's sight of one tree. Every method checks the permissions first, then the
//! quotas, then changes. Invariant: a method that returns an error has changed nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::quota::{self, Quotas};
use super::transaction::Journal;
use super::tree::{Node, Tree, footprint, name_size, size};
use super::{Effect, OK};
use crate::Domid;
use crate::path::NodePath;
use crate::perms::{Access, Perms, parse_decimal};
use crate::wire::{ErrorName, PAYLOAD_MAX, Request, terminated};

/// Who is asking.
#[derive(Clone, Copy, Debug)]
pub(super) struct Actor {
    pub(super) domid: Domid,
    /// The domain it may act for.
    pub(super) target: Option<Domid>,
}

impl Actor {
    /// The server itself, when it tidies up.
    pub(super) const DOM0: Actor = Actor {
        domid: 0,
        target: None,
    };

    pub(super) fn is_privileged(self) -> bool {
        self.domid == 0
    }

    pub(super) fn may(self, perms: &Perms, wanted: Access) -> bool {
        self.domids()
            .any(|domid| perms.access_of(domid).allows(wanted))
    }

    fn owns(self, perms: &Perms) -> bool {
        self.is_privileged() || self.domids().any(|domid| domid == perms.owner())
    }

    fn domids(self) -> impl Iterator<Item = Domid> {
        std::iter::once(self.domid).chain(self.target)
    }
}

pub(super) struct View<'a> {
    pub(super) tree: &'a mut Tree,
    /// Of the transaction, inside one.
    pub(super) journal: Option<&'a mut Journal>,
    pub(super) actor: Actor,
    /// The caller's.
    pub(super) quotas: &'a Quotas,
    /// Bytes that the caller uses beside its nodes. Only a change that grows asks for them.
    pub(super) beside: &'a dyn Fn() -> usize,
    /// What watches are to hear of, outside a transaction.
    pub(super) effects: Vec<Effect>,
}

impl View<'_> {
    pub(super) fn serve(&mut self, request: &Request<'_>) -> Result<Vec<u8>, ErrorName> {
        let domid = self.actor.domid;
        let resolve = |path| NodePath::resolve(path, domid).map_err(|_| ErrorName::Einval);
        match request {
            Request::Read(path) => Ok(self.node(&resolve(path)?, Access::Read)?.value().to_vec()),
            Request::Directory(path) => {
                let node = self.node(&resolve(path)?, Access::Read)?;
                if node.names_len() > PAYLOAD_MAX {
                    return Err(ErrorName::E2big);
                }
                Ok(terminated(node.names()))
            }
            Request::DirectoryPart(path, offset) => {
                let offset = parse_decimal(offset).ok_or(ErrorName::Einval)?;
                Ok(part(self.node(&resolve(path)?, Access::Read)?, offset))
            }
            Request::GetPerms(path) => {
                let perms = self.node(&resolve(path)?, Access::Read)?.perms();
                Ok(terminated(perms.entries().map(|entry| entry.to_string())))
            }
            Request::Write(path, value) => self.write(&resolve(path)?, value),
            Request::Mkdir(path) => self.mkdir(&resolve(path)?),
            Request::Rm(path) => self.rm(&resolve(path)?),
            Request::SetPerms(path, entries) => {
                let perms = Perms::parse(entries.iter().copied()).ok_or(ErrorName::Einval)?;
                self.set_perms(&resolve(path)?, perms)
            }
            _ => Err(ErrorName::Enosys),
        }
    }

    /// The node, if it exists and the caller has this access to it.
    ///
    /// A missing node is reported as such only to those who have the access to the nearest node
    /// above it: whether it exists is nobody else's business.
    fn node(&mut self, path: &NodePath, wanted: Access) -> Result<&Node, ErrorName> {
        let (found, _) = self.tree.nearest(path);
        // What the caller may do there is part of the answer, unless it may do everything.
        let limits = (!self.actor.is_privileged()).then_some(&found);
        self.touch([path].into_iter().chain(limits))?;
        let (_, nearest) = self.tree.nearest(path);
        match (self.actor.may(nearest.perms(), wanted), found == *path) {
            (true, true) => Ok(nearest),
            (true, false) => Err(ErrorName::Enoent),
            (false, _) => Err(ErrorName::Eacces),
        }
    }

    fn write(&mut self, path: &NodePath, value: &[u8]) -> Result<Vec<u8>, ErrorName> {
        match self.node(path, Access::Write) {
            Ok(node) => {
                let perms = node.perms().clone();
                let size = node.size_with(value, &perms);
                let growth = (value.len(), node.value().len());
                self.check_size(size)?;
                self.check_memory(perms.owner(), growth)?;
                self.put(path, value.into(), perms, true);
                Ok(OK.to_vec())
            }
            Err(ErrorName::Enoent) => self.create(path, value),
            Err(error) => Err(error),
        }
    }

    fn mkdir(&mut self, path: &NodePath) -> Result<Vec<u8>, ErrorName> {
        match self.node(path, Access::Write) {
            Ok(_) => Ok(OK.to_vec()),
            Err(ErrorName::Enoent) => self.create(path, b""),
            Err(error) => Err(error),
        }
    }

    /// Creates a node, and first those that are missing above it. The caller's write access to the
    /// nearest existing one was checked.
    fn create(&mut self, path: &NodePath, value: &[u8]) -> Result<Vec<u8>, ErrorName> {
        let (parent, nearest) = self.tree.nearest(path);
        let perms = Arc::new(nearest.perms().inherited_by(self.actor.domid));
        let missing: Vec<&str> = path.names().skip(parent.names().count()).collect();
        let Some((last, between)) = missing.split_last() else {
            return Ok(OK.to_vec());
        };

        let first = between.first().unwrap_or(last);
        let mut sizes = vec![nearest.size() + name_size(first), size(value, 0, &perms)];
        sizes.extend(
            missing
                .iter()
                .skip(1)
                .map(|name| size(b"", name_size(name), &perms)),
        );
        let owned = self.tree.usage(self.actor.domid).nodes + missing.len();
        let made = missing.iter().map(|name| footprint(name, b"", &perms));
        let made = made.sum::<usize>() + value.len();
        sizes
            .into_iter()
            .try_for_each(|size| self.check_size(size))?;
        self.check(perms.count(), self.quotas.permissions)?;
        self.check(owned, self.quotas.nodes)?;
        self.check_memory(perms.owner(), (made, 0))?;
        let levels = missing.iter().scan(parent.clone(), |above, name| {
            *above = above.child(name);
            Some(above.clone())
        });
        let levels: Vec<NodePath> = levels.collect();
        self.touch(levels.iter().chain([&parent]))?;

        for above in levels.iter().take(between.len()) {
            self.put(above, Arc::default(), perms.clone(), false);
        }
        self.put(path, value.into(), perms, true);
        Ok(OK.to_vec())
    }

    pub(super) fn rm(&mut self, path: &NodePath) -> Result<Vec<u8>, ErrorName> {
        // Checked before permissions: nobody can remove the root.
        let parent = path.parent().ok_or(ErrorName::Einval)?;
        let below = match self.node(path, Access::Write) {
            Ok(node) => node.paths(path),
            Err(ErrorName::Enoent) => {
                self.touch([&parent])?;
                let parent = self.tree.get(&parent);
                return parent.map(|_| OK.to_vec()).ok_or(ErrorName::Enoent);
            }
            Err(error) => return Err(error),
        };
        self.touch(below.iter().chain([&parent]))?;
        for removed in below {
            let exact = removed != *path;
            // The node above decides too who may hear of it, and here that one is about to go.
            let above = removed.parent().filter(|_| exact);
            let nodes = above.iter().chain([&removed]);
            let perms = nodes.filter_map(|path| self.tree.get(path));
            let perms = perms.map(|node| node.perms().clone()).collect();
            self.tell(
                Effect {
                    path: removed,
                    exact,
                    perms,
                },
                true,
            );
        }
        self.tree.remove(path);
        Ok(OK.to_vec())
    }

    fn set_perms(&mut self, path: &NodePath, perms: Perms) -> Result<Vec<u8>, ErrorName> {
        let actor = self.actor;
        let node = self.node(path, Access::Write)?;
        if !actor.owns(node.perms()) {
            return Err(ErrorName::Eacces);
        }
        if !actor.is_privileged() && perms.owner() != node.perms().owner() {
            return Err(ErrorName::Eperm);
        }
        let value = node.value().clone();
        let size = node.size_with(&value, &perms);
        let growth = (size, node.size());
        self.check_size(size)?;
        self.check(perms.count(), self.quotas.permissions)?;
        self.check_memory(perms.owner(), growth)?;
        self.put(path, value, Arc::new(perms), true);
        Ok(OK.to_vec())
    }

    fn put(&mut self, path: &NodePath, value: Arc<[u8]>, perms: Arc<Perms>, told: bool) {
        let before = self.tree.get(path).map(|node| node.perms().clone());
        let readers = before.into_iter().chain([perms.clone()]).collect();
        self.tree.put(path, value, perms);
        self.tell(
            Effect {
                path: path.clone(),
                exact: false,
                perms: readers,
            },
            told,
        );
    }

    fn tell(&mut self, effect: Effect, told: bool) {
        match &mut self.journal {
            Some(journal) => journal.mark(&effect.path, told),
            None if told => self.effects.push(effect),
            None => {}
        }
    }

    /// Notes that a transaction depends on nodes: on all of them, or if they are too many on none.
    fn touch<'n>(
        &mut self,
        paths: impl IntoIterator<Item = &'n NodePath>,
    ) -> Result<(), ErrorName> {
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        let paths = paths.into_iter().filter(|path| !journal.has_touched(path));
        let paths: BTreeSet<&NodePath> = paths.collect();
        self.check(
            journal.touched() + paths.len(),
            self.quotas.transaction_nodes,
        )?;
        if let Some(journal) = &mut self.journal {
            paths.into_iter().for_each(|path| journal.touch(path));
        }
        Ok(())
    }

    fn check_size(&self, size: usize) -> Result<(), ErrorName> {
        self.check(size, self.quotas.node_size)
    }

    /// Whether a change of so many bytes, after and before, leaves the caller within its memory.
    /// What grows on another domain's account is bounded by that domain's nodes and their size.
    fn check_memory(&self, owner: Domid, (after, before): (usize, usize)) -> Result<(), ErrorName> {
        if self.actor.is_privileged() || owner != self.actor.domid || after <= before {
            return Ok(());
        }
        let used = self.tree.usage(owner).bytes + (self.beside)();
        self.check(used + after - before, self.quotas.memory)
    }

    fn check(&self, used: usize, limit: usize) -> Result<(), ErrorName> {
        if self.actor.is_privileged() {
            return Ok(());
        }
        quota::check(used, limit)
    }
}

/// A slice of a node's list of names, from a byte offset on: `generation|name|name|..|`, with one
/// more NUL when the list ends there. A name that does not fit whole waits for the next slice.
fn part(node: &Node, offset: usize) -> Vec<u8> {
    let mut reply = terminated([node.generation().to_string()]);
    let list = terminated(node.names());
    let rest = list.get(offset..).unwrap_or_default();
    // One byte stays free for the mark of the end.
    let room = PAYLOAD_MAX - reply.len() - 1;
    let end = if rest.len() <= room {
        rest.len()
    } else {
        let fitting = rest.get(..room).unwrap_or_default();
        fitting
            .iter()
            .rposition(|byte| *byte == 0)
            .map_or(0, |last| last + 1)
    };
    reply.extend_from_slice(rest.get(..end).unwrap_or_default());
    if end == rest.len() {
        reply.push(0);
    }
    reply
}
