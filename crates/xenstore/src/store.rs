//! The store: nodes, transactions, watches and domains, as a state machine without I/O.
//!
//! ```text
//!   request(conn, packet) ──> [ (conn, reply), (watcher, event), (watcher, event), .. ]
//! ```
//!
//! A connection acts for one domain. [`Store::request`] answers a packet at once and completely: the
//! reply first, then the watch events that the request causes. Whoever runs the store delivers the
//! packets of each connection in that order. Invariants: a request that fails has changed nothing;
//! changes inside a transaction are seen by nobody else before its commit; the same requests in
//! the same order give the same packets.
//!
//! Source: the protocol description `docs/misc/xenstore.txt` of Xen and what C xenstored does.

mod domains;
mod quota;
mod transaction;
mod tree;
mod view;
mod watches;

#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;

pub use quota::Quotas;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Domid;
use crate::path::{NodePath, Special};
use crate::perms::{Access, Perms, parse_decimal};
use crate::wire::{ErrorName, PAYLOAD_MAX, Packet, Request, terminated};
use domains::Domains;
use transaction::Transaction;
use tree::Tree;
use view::{Actor, View};
use watches::{Target, Watches};

/// The payload of a reply that has nothing to tell.
const OK: &[u8] = b"OK\0";

/// One client of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(u64);

/// Packets to deliver, each to a connection, in this order.
pub type Deliveries = Vec<(ConnId, Packet)>;

/// All of the server's state.
#[derive(Debug)]
pub struct Store {
    tree: Tree,
    connections: BTreeMap<ConnId, Connection>,
    watches: Watches,
    domains: Domains,
    quotas: Quotas,
    last_conn: u64,
}

#[derive(Debug)]
struct Connection {
    domid: Domid,
    transactions: BTreeMap<u32, Transaction>,
    last_tx_id: u32,
}

/// A change, as watches hear of it.
#[derive(Debug)]
struct Effect {
    path: NodePath,
    /// Only watches on this very path hear of it: a node that went with the one above it.
    exact: bool,
    /// The node's permissions before and after: one of them has to let a watcher read.
    perms: Vec<Arc<Perms>>,
}

impl Default for Store {
    fn default() -> Store {
        Store::new(Quotas::default())
    }
}

impl Store {
    /// A store with `/tool/xenstored` in it, as every server starts.
    pub fn new(quotas: Quotas) -> Store {
        let mut tree = Tree::new();
        let perms = Arc::new(Perms::owned_by(0, Access::None));
        let tool = NodePath::root().child("tool");
        tree.put(&tool, Arc::default(), perms.clone());
        tree.put(&tool.child("xenstored"), Arc::default(), perms);
        Store {
            tree,
            connections: BTreeMap::new(),
            watches: Watches::default(),
            domains: Domains::default(),
            quotas,
            last_conn: 0,
        }
    }

    /// A new client that acts for a domain.
    pub fn connect(&mut self, domid: Domid) -> ConnId {
        self.last_conn += 1;
        let conn = ConnId(self.last_conn);
        let connection = Connection {
            domid,
            transactions: BTreeMap::new(),
            last_tx_id: 0,
        };
        self.connections.insert(conn, connection);
        conn
    }

    /// Forgets a client with its watches and open transactions.
    pub fn disconnect(&mut self, conn: ConnId) {
        self.watches.remove_all(conn);
        self.connections.remove(&conn);
    }

    /// Serves one request: its reply, then the events it causes.
    ///
    /// A connection that is not known gets nothing.
    pub fn request(&mut self, conn: ConnId, packet: &Packet) -> Deliveries {
        let Some(actor) = self.actor(conn) else {
            return Vec::new();
        };
        let mut events = Vec::new();
        let result = Request::parse(packet)
            .and_then(|request| self.serve(conn, actor, packet.tx_id, &request, &mut events));
        let reply = match result {
            Ok(payload) if payload.len() <= PAYLOAD_MAX => packet.reply(payload),
            Ok(_) => packet.failure(ErrorName::E2big),
            Err(error) => packet.failure(error),
        };
        let mut deliveries = vec![(conn, reply)];
        deliveries.append(&mut events);
        deliveries
    }

    /// Makes a domain known, and tells those who watch `@introduceDomain`. A domain that is known
    /// already stays so without an event.
    pub fn introduce(&mut self, domid: Domid) -> Deliveries {
        let mut events = Vec::new();
        if self.domains.introduce(domid) {
            self.fire_special(Special::IntroduceDomain, domid, &mut events);
        }
        events
    }

    /// Forgets a domain: its connections lose their watches and transactions, and those who watch
    /// `@releaseDomain` are told. Its nodes stay, they are the toolstack's to remove.
    pub fn release(&mut self, domid: Domid) -> Deliveries {
        let mut events = Vec::new();
        if self.domains.release(domid) {
            let conns: Vec<ConnId> = self.conns_of(domid).map(|(conn, _)| conn).collect();
            conns.into_iter().for_each(|conn| self.reset(conn));
            self.fire_special(Special::ReleaseDomain, domid, &mut events);
        }
        events
    }

    fn conns_of(&self, domid: Domid) -> impl Iterator<Item = (ConnId, &Connection)> {
        let all = self
            .connections
            .iter()
            .map(|(conn, connection)| (*conn, connection));
        all.filter(move |(_, connection)| connection.domid == domid)
    }

    fn actor(&self, conn: ConnId) -> Option<Actor> {
        let domid = self.connections.get(&conn)?.domid;
        Some(Actor {
            domid,
            target: self.domains.target(domid),
        })
    }

    fn serve(
        &mut self,
        conn: ConnId,
        actor: Actor,
        tx_id: u32,
        request: &Request<'_>,
        events: &mut Deliveries,
    ) -> Result<Vec<u8>, ErrorName> {
        match request {
            Request::Watch(path, token, depth) => {
                let target = target(path, actor)?;
                let depth = depth.map(|depth| parse_decimal(depth).ok_or(ErrorName::Einval));
                let conns = self.conns_of(actor.domid);
                let set: usize = conns.map(|(conn, _)| self.watches.count(conn)).sum();
                if !actor.is_privileged() && set >= self.quotas.watches {
                    return Err(ErrorName::Enospc);
                }
                self.watches.add(conn, &target, token, depth.transpose()?)?;
                // The path was checked to be ASCII; the event repeats it as it was sent.
                let path = std::str::from_utf8(path).map_err(|_| ErrorName::Einval)?;
                events.extend(Packet::watch_event(path, token).map(|event| (conn, event)));
                Ok(OK.to_vec())
            }
            Request::Unwatch(path, token) => {
                self.watches.remove(conn, &target(path, actor)?, token)?;
                Ok(OK.to_vec())
            }
            Request::ResetWatches => {
                self.reset(conn);
                Ok(OK.to_vec())
            }
            Request::TransactionStart => self.start_transaction(conn, actor, tx_id),
            Request::TransactionEnd(commit) => {
                self.end_transaction(conn, actor, tx_id, *commit, events)?;
                Ok(OK.to_vec())
            }
            Request::Introduce(domid, frame, port) => {
                let domid = privileged(actor, domid)?;
                let _: u64 = parse_decimal(frame).ok_or(ErrorName::Einval)?;
                let _: u32 = parse_decimal(port).ok_or(ErrorName::Einval)?;
                events.extend(self.introduce(domid));
                Ok(OK.to_vec())
            }
            Request::Release(domid) => {
                let domid = privileged(actor, domid)?;
                self.domains.check_guest(domid)?;
                events.extend(self.release(domid));
                Ok(OK.to_vec())
            }
            Request::Control(command) => control(actor, command),
            Request::GetPerms(path) | Request::SetPerms(path, _)
                if Special::from_bytes(path).is_some() =>
            {
                self.domains.serve_special(actor, request)
            }
            Request::GetDomainPath(_)
            | Request::IsDomainIntroduced(_)
            | Request::Resume(_)
            | Request::SetTarget(..)
            | Request::GetFeature(_)
            | Request::SetFeature(..) => self.domains.serve(actor, request),
            _ => self.serve_node(conn, actor, tx_id, request, events),
        }
    }

    /// The requests about a node, inside a transaction or outside.
    fn serve_node(
        &mut self,
        conn: ConnId,
        actor: Actor,
        tx_id: u32,
        request: &Request<'_>,
        events: &mut Deliveries,
    ) -> Result<Vec<u8>, ErrorName> {
        let (tree, journal) = if tx_id == 0 {
            (&mut self.tree, None)
        } else {
            let connection = self.connections.get_mut(&conn).ok_or(ErrorName::Enoent)?;
            let transaction = connection
                .transactions
                .get_mut(&tx_id)
                .ok_or(ErrorName::Enoent)?;
            (&mut transaction.tree, Some(&mut transaction.journal))
        };
        let mut view = View {
            tree,
            journal,
            actor,
            quotas: &self.quotas,
            effects: Vec::new(),
        };
        let reply = view.serve(request)?;
        let effects = view.effects;
        self.fire(&effects, events);
        Ok(reply)
    }

    fn start_transaction(
        &mut self,
        conn: ConnId,
        actor: Actor,
        tx_id: u32,
    ) -> Result<Vec<u8>, ErrorName> {
        if tx_id != 0 {
            return Err(ErrorName::Ebusy);
        }
        let conns = self.conns_of(actor.domid);
        let open: usize = conns
            .map(|(_, connection)| connection.transactions.len())
            .sum();
        if !actor.is_privileged() && open >= self.quotas.transactions {
            return Err(ErrorName::Enospc);
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

    fn end_transaction(
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
        let grown = |(domid, count): (Domid, usize)| {
            domid != 0 && count > self.quotas.nodes && count > self.tree.owned_by(domid)
        };
        if !actor.is_privileged() && next.owners().any(grown) {
            return Err(ErrorName::Enospc);
        }
        self.tree = next;
        self.fire(&effects, events);
        Ok(())
    }

    fn reset(&mut self, conn: ConnId) {
        self.watches.remove_all(conn);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.transactions.clear();
        }
    }

    fn fire(&self, effects: &[Effect], events: &mut Deliveries) {
        for effect in effects {
            let parent = effect
                .path
                .parent()
                .map(|parent| self.tree.nearest(&parent).1.perms());
            let may_see = |conn| {
                let mut perms = effect.perms.iter().chain(parent);
                self.actor(conn)
                    .is_some_and(|actor| perms.any(|perms| actor.may(perms, Access::Read)))
            };
            self.watches.on_change(effect, may_see, events);
        }
    }

    fn fire_special(&self, special: Special, domid: Domid, events: &mut Deliveries) {
        let perms = self.domains.perms(special);
        let may_see = |conn| {
            self.actor(conn)
                .is_some_and(|actor| actor.may(perms, Access::Read))
        };
        self.watches.on_special(special, domid, may_see, events);
    }
}

/// A path as it is watched: special, absolute, or relative and to be shown so.
fn target(path: &[u8], actor: Actor) -> Result<Target, ErrorName> {
    if let Some(special) = Special::from_bytes(path) {
        return Ok(Target::Special(special));
    }
    let relative = !path.starts_with(b"/");
    let path = resolve(path, actor)?;
    let cut = if relative {
        NodePath::of_domain(actor.domid).as_str().len() + 1
    } else {
        0
    };
    Ok(Target::Node { path, cut })
}

fn resolve(path: &[u8], actor: Actor) -> Result<NodePath, ErrorName> {
    NodePath::resolve(path, actor.domid).map_err(|_| ErrorName::Einval)
}

/// The domid of a request that only dom0 may send.
fn privileged(actor: Actor, domid: &[u8]) -> Result<Domid, ErrorName> {
    if !actor.is_privileged() {
        return Err(ErrorName::Eacces);
    }
    parse_decimal(domid).ok_or(ErrorName::Einval)
}

/// Commands to the server itself. There is nothing to command here, and `help` says so.
fn control(actor: Actor, command: &[&[u8]]) -> Result<Vec<u8>, ErrorName> {
    match command {
        _ if !actor.is_privileged() => Err(ErrorName::Eacces),
        [b"help"] => Ok(terminated(["commands: help"])),
        _ => Err(ErrorName::Einval),
    }
}
