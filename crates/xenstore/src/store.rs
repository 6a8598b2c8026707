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

mod control;
mod domains;
mod quota;
mod release;
mod transaction;
mod tree;
mod view;
mod watches;

#[cfg(test)]
mod tests;

pub use quota::Quotas;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::Domid;
use crate::path::{NodePath, Special};
use crate::perms::{Access, Perms, parse_decimal};
use crate::wire::{ErrorName, PAYLOAD_MAX, Packet, Request};
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
    by_domid: BTreeMap<Domid, BTreeSet<ConnId>>,
    watches: Watches,
    domains: Domains,
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
            by_domid: BTreeMap::new(),
            watches: Watches::default(),
            domains: Domains::new(quotas),
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
        self.by_domid.entry(domid).or_default().insert(conn);
        conn
    }

    /// Forgets a client with its watches and open transactions.
    pub fn disconnect(&mut self, conn: ConnId) {
        self.watches.remove_all(conn);
        let Some(connection) = self.connections.remove(&conn) else {
            return;
        };
        if let Some(conns) = self.by_domid.get_mut(&connection.domid) {
            conns.remove(&conn);
            if conns.is_empty() {
                self.by_domid.remove(&connection.domid);
            }
        }
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

    /// Forgets a domain: its connections lose their watches and transactions, the nodes it owns are
    /// removed, all permissions it had are dropped, and those who watch `@releaseDomain` are told.
    pub fn release(&mut self, domid: Domid) -> Deliveries {
        let mut events = Vec::new();
        if self.domains.release(domid) {
            let conns: Vec<ConnId> = self.conns_of(domid).collect();
            conns.into_iter().for_each(|conn| self.reset(conn));
            let effects = self.disown(domid);
            self.fire(&effects, &mut events);
            self.fire_special(Special::ReleaseDomain, domid, &mut events);
        }
        events
    }

    fn conns_of(&self, domid: Domid) -> impl Iterator<Item = ConnId> {
        self.by_domid.get(&domid).into_iter().flatten().copied()
    }

    fn watches_of(&self, domid: Domid) -> usize {
        let counts = self.conns_of(domid).map(|conn| self.watches.count(conn));
        counts.sum()
    }

    /// Bytes that the watches of a domain take.
    fn watch_bytes_of(&self, domid: Domid) -> usize {
        let bytes = self.conns_of(domid).map(|conn| self.watches.bytes(conn));
        bytes.sum()
    }

    fn transactions_of(&self, domid: Domid) -> usize {
        let conns = self.conns_of(domid);
        let open = conns.filter_map(|conn| self.connections.get(&conn));
        open.map(|connection| connection.transactions.len()).sum()
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
                if depth.is_some() && !self.domains.has_watch_depth(actor.domid) {
                    return Err(ErrorName::Einval);
                }
                let depth = depth.map(|depth| parse_decimal(depth).ok_or(ErrorName::Einval));
                let depth = depth.transpose()?;
                // A watch that is there already is that, also when there is no room for another.
                self.watches.check_new(conn, &target, token)?;
                self.check_watch(actor, target.bytes(token))?;
                self.watches.add(conn, &target, token, depth);
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
            Request::Control(_) | Request::GetQuota(..) | Request::SetQuota(..) => {
                self.serve_control(actor, request)
            }
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
        let (own, watches) = (self.by_domid.get(&actor.domid), &self.watches);
        let beside = || {
            own.into_iter()
                .flatten()
                .map(|conn| watches.bytes(*conn))
                .sum()
        };
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
            quotas: self.domains.quotas(actor.domid),
            beside: &beside,
            effects: Vec::new(),
        };
        let reply = view.serve(request)?;
        let effects = view.effects;
        self.fire(&effects, events);
        Ok(reply)
    }

    /// Whether a domain may set one more watch.
    fn check_watch(&self, actor: Actor, bytes: usize) -> Result<(), ErrorName> {
        if actor.is_privileged() {
            return Ok(());
        }
        let (domid, quotas) = (actor.domid, self.domains.quotas(actor.domid));
        quota::check(self.watches_of(domid) + 1, quotas.watches)?;
        let used = self.tree.usage(domid).bytes + self.watch_bytes_of(domid);
        quota::check(used + bytes, quotas.memory)
    }

    fn reset(&mut self, conn: ConnId) {
        self.watches.remove_all(conn);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.transactions.clear();
        }
    }

    fn fire(&self, effects: &[Effect], events: &mut Deliveries) {
        for effect in effects {
            let parent = effect.path.parent();
            let parent = parent.and_then(|parent| self.tree.get(&parent));
            let may_see = |conn| {
                let mut perms = effect.perms.iter().chain(parent.map(|node| node.perms()));
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
    if let Some((special, domid)) = Special::watched(path) {
        let one = domid.map(|domid| special.of_domain(domid));
        let name = one.unwrap_or_else(|| special.as_str().to_owned());
        return Ok(Target::Special(name));
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
