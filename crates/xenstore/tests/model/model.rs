//! What a store has to answer, written down as plainly as it goes.
//!
//! Nothing of the store's own is used but the names of kinds and errors. There is one flat map of
//! nodes; a transaction is a second map and a list of what was done to it, and a commit does the same
//! again on the first map. Rules are those of `xenstore.txt`, and of C xenstored where that is silent;
//! where both leave the order of checks open: first the shape of the payload, then the transaction,
//! then the arguments from the left, then permissions, then quotas.

mod domains;
mod nodes;
mod requests;
mod rules;
mod transactions;
mod watches;

use xenwire_xenstore::wire::{ErrorName, Kind, Packet};
use xenwire_xenstore::{Domid, Quotas};

use crate::acts::{SEATS, Seat};
use domains::Domains;
use nodes::Nodes;
use rules::{List, absolute, exactly, list, number, shown, strings};
use transactions::Transaction;
use watches::Watch;

/// An event for one of the watches of a seat's connection.
pub type Event = (Seat, Vec<u8>);

/// What a request that succeeds is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Bytes(Vec<u8>),
    /// The number of a new transaction, which the server chooses.
    Opened,
    /// A slice of a list of names from an offset on, before it the number of the node's version,
    /// which the server chooses.
    Slice {
        version: u64,
        names: Vec<u8>,
        offset: usize,
    },
    /// Lines of a name and a number.
    Table(Vec<(&'static str, usize)>),
    /// Some text for people.
    AnyText,
}

impl Reply {
    fn text(text: &str) -> Reply {
        Reply::Bytes(format!("{text}\0").into_bytes())
    }
}

fn ok() -> Result<Reply, ErrorName> {
    Ok(Reply::text("OK"))
}

/// For whom a connection acts: its domain, and the one that this is a device model of.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    domid: Domid,
    target: Option<Domid>,
}

impl Actor {
    fn any(self, test: impl Fn(Domid) -> bool) -> bool {
        test(self.domid) || self.target.is_some_and(test)
    }

    fn may(self, list: &List, wanted: u8) -> bool {
        self.any(|domid| rules::allows(list, domid, wanted))
    }

    fn must_be_dom0(self) -> Result<(), ErrorName> {
        (self.domid == 0).then_some(()).ok_or(ErrorName::Eacces)
    }
}

#[derive(Debug)]
pub struct Model {
    pub nodes: Nodes,
    domids: [Domid; SEATS],
    transactions: Vec<Transaction>,
    watches: Vec<Watch>,
    domains: Domains,
}

impl Model {
    pub fn new(quotas: &Quotas, domids: [Domid; SEATS]) -> Model {
        Model {
            nodes: Nodes::new(),
            domids,
            transactions: Vec::new(),
            watches: Vec::new(),
            domains: Domains::new(quotas),
        }
    }

    fn actor(&self, seat: Seat) -> Actor {
        let domid = self.domids[seat];
        Actor {
            domid,
            target: self.domains.target(domid),
        }
    }

    /// A connection is gone, or starts afresh.
    pub fn reset(&mut self, seat: Seat) {
        self.watches.retain(|watch| watch.seat != seat);
        self.transactions
            .retain(|transaction| transaction.seat != seat);
    }

    pub fn introduce(&mut self, domid: Domid) -> Vec<Event> {
        if !self.domains.introduce(domid) {
            return Vec::new();
        }
        self.told_of_domain("@introduceDomain", domid)
    }

    /// First its connections and its nodes go, then it is told that it went.
    pub fn release(&mut self, domid: Domid) -> Vec<Event> {
        if !self.domains.release(domid) {
            return Vec::new();
        }
        for seat in 0..SEATS {
            if self.domids[seat] == domid {
                self.reset(seat);
            }
        }
        let before = self.nodes.clone();
        let changes = self.nodes.disown(domid);
        let mut events = self.told(&before, &self.nodes, &changes);
        events.extend(self.told_of_domain("@releaseDomain", domid));
        events
    }

    /// Answers a request, and adds the events that follow the answer.
    pub fn request(
        &mut self,
        seat: Seat,
        packet: &Packet,
        events: &mut Vec<Event>,
    ) -> Result<Reply, ErrorName> {
        let (actor, payload) = (self.actor(seat), packet.payload.as_slice());
        match packet.kind {
            Kind::Watch => self.watch(seat, payload, events),
            Kind::Unwatch => {
                let [path, token] = exactly(payload)?;
                let path = watched(path, actor.domid)?;
                let own = |watch: &Watch| {
                    watch.seat == seat && watch.path == path && watch.token == token
                };
                let position = self.watches.iter().position(own);
                self.watches.remove(position.ok_or(ErrorName::Enoent)?);
                ok()
            }
            Kind::ResetWatches => {
                self.reset(seat);
                ok()
            }
            Kind::TransactionStart => self.start(seat, packet.tx_id),
            Kind::TransactionEnd => self.end(seat, packet, events),
            Kind::Introduce => {
                let [domid, frame, port] = exactly(payload)?;
                actor.must_be_dom0()?;
                let (domid, _): (_, u64) = (number(domid)?, number(frame)?);
                let _: u32 = number(port)?;
                events.extend(self.introduce(domid));
                ok()
            }
            Kind::Release => {
                let [domid] = exactly(payload)?;
                actor.must_be_dom0()?;
                let domid = number(domid)?;
                self.domains.guest(domid)?;
                events.extend(self.release(domid));
                ok()
            }
            Kind::GetPerms | Kind::SetPerms if is_special(payload) => self.special(actor, packet),
            Kind::Read | Kind::Directory | Kind::DirectoryPart | Kind::GetPerms => {
                self.look(seat, packet)
            }
            Kind::Write | Kind::Mkdir | Kind::Rm | Kind::SetPerms => {
                self.change(seat, packet, events)
            }
            Kind::Control => self.control(actor, payload),
            kind => self.domains.request(actor, kind, payload),
        }
    }

    fn watch(
        &mut self,
        seat: Seat,
        payload: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<Reply, ErrorName> {
        let strings = strings(payload)?;
        let (sent, token, depth) = match strings.as_slice() {
            [path, token] => (*path, *token, None),
            [path, token, depth] => (*path, *token, Some(*depth)),
            _ => return Err(ErrorName::Einval),
        };
        let domid = self.domids[seat];
        let (path, depth) = (watched(sent, domid)?, depth.map(number).transpose()?);
        if depth.is_some() && !self.domains.has_depth(domid) {
            return Err(ErrorName::Einval);
        }
        let own = |watch: &Watch| watch.seat == seat && watch.path == path && watch.token == token;
        if self.watches.iter().any(own) {
            return Err(ErrorName::Eexist);
        }
        let (set, bytes) = self.watch_usage(domid);
        let bytes = bytes + self.nodes.usage(domid).1 + path.len() + token.len();
        if !self.domains.within(domid, "watches", set + 1)
            || !self.domains.within(domid, "memory", bytes)
        {
            return Err(ErrorName::Enospc);
        }
        let (base, token) = (watches::base(sent, domid), token.to_vec());
        // The first event tells of nothing but the watch itself, in the words of the request.
        events.push((seat, [sent, b"\0", &token, b"\0"].concat()));
        self.watches.push(Watch {
            seat,
            path,
            base,
            token,
            depth,
        });
        ok()
    }

    /// How many watches a domain has, and the bytes of their paths and tokens.
    fn watch_usage(&self, domid: Domid) -> (usize, usize) {
        let own = self
            .watches
            .iter()
            .filter(|watch| self.domids[watch.seat] == domid);
        own.fold((0, 0), |(set, bytes), watch| {
            (set + 1, bytes + watch.path.len() + watch.token.len())
        })
    }

    /// What the server can be asked about itself: the default limits, and what a domain uses.
    fn control(&mut self, actor: Actor, payload: &[u8]) -> Result<Reply, ErrorName> {
        let words = strings(payload)?;
        if words.is_empty() {
            return Err(ErrorName::Einval);
        }
        actor.must_be_dom0()?;
        match words.as_slice() {
            [b"help"] => Ok(Reply::AnyText),
            [b"quota"] => Ok(Reply::Table(self.domains.default_limits())),
            [b"quota", domid] => {
                let domid = number(domid)?;
                let (nodes, bytes) = self.nodes.usage(domid);
                let (watches, more) = self.watch_usage(domid);
                Ok(Reply::Table(vec![
                    ("memory", bytes + more),
                    ("nodes", nodes),
                    ("transactions", self.open_of(domid)),
                    ("watches", watches),
                ]))
            }
            [b"quota", b"set", name, value] => self.domains.set_limit(None, name, value),
            _ => Err(ErrorName::Einval),
        }
    }

    /// The special names have permissions too, which dom0 alone changes.
    fn special(&mut self, actor: Actor, packet: &Packet) -> Result<Reply, ErrorName> {
        let strings = strings(&packet.payload)?;
        let (name, entries) = match (packet.kind, strings.as_slice()) {
            (Kind::GetPerms, [name]) => (name, None),
            (Kind::SetPerms, [name, entries @ ..]) if !entries.is_empty() => (name, Some(entries)),
            _ => return Err(ErrorName::Einval),
        };
        let name = if *name == b"@introduceDomain" {
            "@introduceDomain"
        } else {
            "@releaseDomain"
        };
        let Some(entries) = entries else {
            let now = self.domains.special(name);
            let may = actor.may(now, b'r');
            return may
                .then(|| Reply::Bytes(shown(now)))
                .ok_or(ErrorName::Eacces);
        };
        actor.must_be_dom0()?;
        *self.domains.special_mut(name) = list(entries)?;
        ok()
    }
}

/// Whether a payload's first string is a special name.
fn is_special(payload: &[u8]) -> bool {
    let names: [&[u8]; 2] = [b"@introduceDomain\0", b"@releaseDomain\0"];
    names.iter().any(|name| payload.starts_with(name))
}

/// What a watch is set on: a special name, which may end in a domain's number, or a path.
fn watched(path: &[u8], caller: Domid) -> Result<String, ErrorName> {
    for name in ["@introduceDomain", "@releaseDomain"] {
        match path.strip_prefix(name.as_bytes()) {
            Some([]) => return Ok(name.to_owned()),
            Some([b'/', domid @ ..]) => return Ok(format!("{name}/{}", number::<Domid>(domid)?)),
            _ => {}
        }
    }
    absolute(path, caller)
}
