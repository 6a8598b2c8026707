//! The requests about nodes.
//!
//! One of a missing node is answered as such only to those who have the access they ask for to the
//! nearest node above; to the others it is EACCES, as whether it exists is not their business.

use std::rc::Rc;

use xenwire_xenstore::Domid;
use xenwire_xenstore::wire::{ErrorName, Kind, Packet};

use super::nodes::{Change, Edit, Nodes};
use super::rules::{absolute, exactly, list, number, parent, shown, strings};
use super::transactions::Transaction;
use super::{Actor, Event, Model, Reply, ok};
use crate::acts::Seat;

impl Model {
    /// Where a request's transaction is; `None` if it is not in one.
    fn position(&self, seat: Seat, packet: &Packet) -> Result<Option<usize>, ErrorName> {
        if packet.tx_id == 0 {
            return Ok(None);
        }
        let position = self.open(seat, packet.tx_id);
        position.map(Some).ok_or(ErrorName::Enoent)
    }

    /// READ, DIRECTORY, DIRECTORY_PART, GET_PERMS.
    pub(super) fn look(&mut self, seat: Seat, packet: &Packet) -> Result<Reply, ErrorName> {
        let actor = self.actor(seat);
        let (path, offset) = match packet.kind {
            Kind::DirectoryPart => {
                let [path, offset] = exactly(&packet.payload)?;
                (path, Some(offset))
            }
            _ => {
                let [path] = exactly(&packet.payload)?;
                (path, None)
            }
        };
        let position = self.position(seat, packet)?;
        let offset = offset.map(number::<usize>).transpose()?;
        let path = absolute(path, actor.domid)?;
        let nodes = self.find(actor, position, &path, b'r')?;
        let node = nodes.get(&path).ok_or(ErrorName::Enoent)?;
        let names = nodes.names(&path);
        match (packet.kind, offset) {
            (Kind::Read, _) => Ok(Reply::Bytes(node.value.to_vec())),
            (Kind::GetPerms, _) => Ok(Reply::Bytes(shown(&node.list))),
            (_, Some(offset)) => Ok(Reply::Slice {
                version: node.version,
                names,
                offset,
            }),
            (_, None) if names.len() > 4096 => Err(ErrorName::E2big),
            (_, None) => Ok(Reply::Bytes(names)),
        }
    }

    /// WRITE, MKDIR, RM, SET_PERMS.
    pub(super) fn change(
        &mut self,
        seat: Seat,
        packet: &Packet,
        events: &mut Vec<Event>,
    ) -> Result<Reply, ErrorName> {
        let actor = self.actor(seat);
        let (path, edit) = match packet.kind {
            Kind::Write => {
                let nul = packet.payload.iter().position(|byte| *byte == 0);
                let (path, value) = packet.payload.split_at(nul.ok_or(ErrorName::Einval)?);
                (path, Some(Edit::Write(value[1..].into())))
            }
            Kind::SetPerms => match strings(&packet.payload)?.as_slice() {
                [path, _, ..] => (*path, None),
                _ => return Err(ErrorName::Einval),
            },
            kind => {
                let [path] = exactly(&packet.payload)?;
                (
                    path,
                    Some(if kind == Kind::Rm {
                        Edit::Rm
                    } else {
                        Edit::Mkdir
                    }),
                )
            }
        };
        let position = self.position(seat, packet)?;
        let edit = match edit {
            Some(edit) => edit,
            None => Edit::SetPerms(Rc::new(list(&strings(&packet.payload)?[1..])?)),
        };
        let path = absolute(path, actor.domid)?;
        if matches!(edit, Edit::Rm) && path == "/" {
            return Err(ErrorName::Einval);
        }
        let before = self.find(actor, position, &path, b'w')?.clone();
        self.permit(actor, position, &before, &path, &edit)?;

        let mut after = before.clone();
        let changes = after.edit(actor.domid, &path, &edit);
        // A list is judged when it is made, not with every write to its node.
        let lists = !matches!(edit, Edit::Write(_)) || before.get(&path).is_none();
        self.check_quotas(actor.domid, (&before, &after), &changes, lists)?;
        // A node that came or went is another child of the one above it.
        let mut written: Vec<&str> = changes.iter().map(|(path, _)| path.as_ref()).collect();
        let came_or_went = before.get(&path).is_some() != after.get(&path).is_some();
        let top = changes.first().filter(|_| came_or_went);
        written.extend(top.and_then(|(path, _)| parent(path)));
        self.depend(actor.domid, position, &written)?;
        match position {
            Some(position) => {
                let transaction = &mut self.transactions[position];
                transaction.nodes = after;
                transaction.log.push((actor.domid, path, edit));
            }
            None => {
                events.extend(self.told(&before, &after, &changes));
                self.nodes = after;
            }
        }
        ok()
    }

    /// The nodes that a request is about to look at, once it is clear that it may: what it looks
    /// for is read, and so is what decides that.
    fn find(
        &mut self,
        actor: Actor,
        position: Option<usize>,
        path: &str,
        wanted: u8,
    ) -> Result<&Nodes, ErrorName> {
        let nodes = self.seen(position);
        let nearest = nodes.nearest(path);
        let may = actor.may(&nodes.get(nearest).expect("it exists").list, wanted);
        if actor.domid == 0 {
            // What dom0 may do does not depend on any node.
            self.depend(0, position, &[path])?;
        } else {
            self.depend(actor.domid, position, &[path, nearest])?;
        }
        may.then(|| self.seen(position)).ok_or(ErrorName::Eacces)
    }

    fn seen(&self, position: Option<usize>) -> &Nodes {
        position.map_or(&self.nodes, |position| &self.transactions[position].nodes)
    }

    /// What else a change asks for than write access.
    fn permit(
        &mut self,
        actor: Actor,
        position: Option<usize>,
        nodes: &Nodes,
        path: &str,
        edit: &Edit,
    ) -> Result<(), ErrorName> {
        match (edit, nodes.get(path)) {
            // Removing what is not there is no error, unless there is no place for it either.
            (Edit::Rm, None) => {
                let above = parent(path).expect("it is not the root");
                self.depend(actor.domid, position, &[above])?;
                nodes.get(above).map(drop).ok_or(ErrorName::Enoent)
            }
            (Edit::SetPerms(_), None) => Err(ErrorName::Enoent),
            (Edit::SetPerms(list), Some(node)) if actor.domid != 0 => {
                if !actor.any(|domid| domid == node.owner()) {
                    return Err(ErrorName::Eacces);
                }
                let same = list[0].1 == node.owner();
                same.then_some(()).ok_or(ErrorName::Eperm)
            }
            _ => Ok(()),
        }
    }

    /// Every node that is written has to be within its limits afterwards, and what the caller has
    /// must not grow beyond its own.
    fn check_quotas(
        &self,
        domid: Domid,
        (before, after): (&Nodes, &Nodes),
        changes: &[Change],
        lists: bool,
    ) -> Result<(), ErrorName> {
        if domid == 0 {
            return Ok(());
        }
        let within = |name, used| self.domains.within(domid, name, used);
        let kept = changes
            .iter()
            .filter_map(|(path, _)| Some((path, after.get(path)?)));
        let mut fits = true;
        for (path, node) in kept {
            fits &= within("node-size", after.size(path));
            fits &= !lists || within("permissions", node.list.len());
            if let Some(above) = parent(path).filter(|_| before.get(path).is_none()) {
                fits &= within("node-size", after.size(above));
            }
        }
        let ((old, less), (nodes, bytes)) = (before.usage(domid), after.usage(domid));
        fits &= nodes <= old || within("nodes", nodes);
        fits &= bytes <= less || within("memory", bytes + self.watch_usage(domid).1);
        fits.then_some(()).ok_or(ErrorName::Enospc)
    }

    /// Notes what a transaction depends on: all of it, or nothing if that is too much.
    fn depend(
        &mut self,
        domid: Domid,
        position: Option<usize>,
        paths: &[&str],
    ) -> Result<(), ErrorName> {
        let Some(position) = position else {
            return Ok(());
        };
        let mut touched = self.transactions[position].touched.clone();
        touched.extend(paths.iter().map(|path| Rc::from(*path)));
        if !self
            .domains
            .within(domid, "transaction-nodes", touched.len())
        {
            return Err(ErrorName::Enospc);
        }
        self.transactions[position].touched = touched;
        Ok(())
    }
}

impl Transaction {
    /// Whether nothing that it depends on has changed since it started.
    pub(super) fn is_steady(&self, now: &Nodes) -> bool {
        let version = |nodes: &Nodes, path: &str| nodes.get(path).map(|node| node.version);
        let touched = self.touched.iter();
        touched
            .into_iter()
            .all(|path| version(&self.start, path) == version(now, path))
    }
}
