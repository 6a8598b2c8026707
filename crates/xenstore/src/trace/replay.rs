//! A trace, said again to another server: what does it answer differently?
//!
//! ```text
//!   entries ──> one request at a time ──> Transport ──> any server
//!                 reply, then a barrier on every      │
//!                 connection that watches   <─────────┘
//!                 ──> compared with the recorded reply and events ──> differences
//! ```
//!
//! Invariants: the next request is sent after the reply and the events of the one before have
//! arrived, so a difference belongs to its line; what servers choose freely is not compared: the
//! numbers of transactions (each recorded one stands for the live one) and the generation in a
//! DIRECTORY_PART reply. The order of events is compared for each connection by itself.

mod compare;
mod live;
mod local;
mod report;

#[cfg(test)]
mod tests;

pub use local::Local;
pub use report::{Difference, ReplayError, Report, Said};

use std::collections::BTreeMap;
use std::io;

use super::{Entry, FIRST_LINE};
use crate::Domid;
use crate::client::Transport;
use crate::wire::{ErrorName, Kind, Packet, terminated};
use compare::same_reply;
use live::Live;

/// A server that a trace can be replayed on.
///
/// A closure that opens connections is one; over sockets that is all there is.
pub trait Daemon {
    /// Opens a connection that acts for a domain.
    ///
    /// # Errors
    ///
    /// Why there is none; the replay ends with it.
    fn open(&mut self, domid: Domid) -> io::Result<Box<dyn Transport>>;

    /// Makes a domain known as the server's owner. `false` if only a request can, which the replay
    /// then sends as dom0: INTRODUCE with frame and port 1.
    fn introduce(&mut self, _domid: Domid) -> bool {
        false
    }

    /// Makes the server forget a domain as its owner. `false` if only a request (RELEASE) can.
    fn release(&mut self, _domid: Domid) -> bool {
        false
    }
}

impl<F: FnMut(Domid) -> io::Result<Box<dyn Transport>>> Daemon for F {
    fn open(&mut self, domid: Domid) -> io::Result<Box<dyn Transport>> {
        self(domid)
    }
}

/// Sends a trace's requests to a server and compares what it says with what was recorded.
///
/// The server should be as new as the recorded one was at the trace's beginning. A connection that
/// the server ends or leaves without an answer for ten seconds is a difference, and its further
/// entries are skipped and counted. A request without a recorded reply (the last one of a trace that was
/// cut off) is sent, and what comes of it is not compared.
///
/// # Errors
///
/// [`ReplayError`] if a connection cannot be opened, or the entries are not in an order in which a
/// server can have seen them.
pub fn replay(entries: &[Entry], daemon: &mut impl Daemon) -> Result<Report, ReplayError> {
    let mut replay = Replay {
        daemon,
        connections: BTreeMap::new(),
        owner: None,
        report: Report::default(),
    };
    let mut rest = entries.iter().zip(FIRST_LINE..).peekable();
    while let Some((entry, line)) = rest.next() {
        let mut recorded = Recorded {
            line,
            ..Recorded::default()
        };
        while let Some((entry, line)) =
            rest.next_if(|(entry, _)| matches!(entry, Entry::Reply { .. } | Entry::Event { .. }))
        {
            recorded.keep(entry, line);
        }
        replay.entry(entry, line, recorded)?;
    }
    Ok(replay.report)
}

/// What the trace has after a request, or after what the owner did.
#[derive(Default)]
struct Recorded<'a> {
    /// The line of the request.
    line: usize,
    reply: Option<(&'a Entry, usize)>,
    /// A second reply to the same request.
    stray: Option<usize>,
    events: BTreeMap<u64, Vec<(&'a Entry, usize)>>,
}

impl<'a> Recorded<'a> {
    fn keep(&mut self, entry: &'a Entry, line: usize) {
        match entry {
            Entry::Event { conn, .. } => self.events.entry(*conn).or_default().push((entry, line)),
            _ if self.reply.is_none() => self.reply = Some((entry, line)),
            _ => self.stray = self.stray.or(Some(line)),
        }
    }
}

struct Replay<'d, D> {
    daemon: &'d mut D,
    connections: BTreeMap<u64, Live>,
    /// A connection of dom0 for what the owner did, where that takes a request.
    owner: Option<Live>,
    report: Report,
}

impl<D: Daemon> Replay<'_, D> {
    fn entry(
        &mut self,
        entry: &Entry,
        line: usize,
        recorded: Recorded<'_>,
    ) -> Result<(), ReplayError> {
        let asker = match entry {
            Entry::Request { conn, .. } => Some(*conn),
            _ => None,
        };
        let foreign = recorded.reply.filter(|(reply, _)| conn_of(reply) != asker);
        if let Some(line) = foreign.map(|(_, line)| line).or(recorded.stray) {
            return Err(ReplayError::Stray { line });
        }
        match entry {
            Entry::Opened { conn, domid } => {
                let transport = self.open(*domid, line)?;
                if self.connections.insert(*conn, transport).is_some() {
                    return Err(ReplayError::OpenTwice { line, conn: *conn });
                }
            }
            Entry::Closed { conn } => {
                let closed = self.connections.remove(conn);
                closed.ok_or(ReplayError::NotOpen { line, conn: *conn })?;
            }
            Entry::Introduced(domid) => {
                if !self.daemon.introduce(*domid) {
                    let domid = domid.to_string();
                    let payload = terminated([domid.as_str(), "1", "1"]);
                    self.as_owner(entry, line, Kind::Introduce, &payload)?;
                }
            }
            Entry::Released(domid) => {
                if !self.daemon.release(*domid) {
                    let payload = terminated([domid.to_string()]);
                    self.as_owner(entry, line, Kind::Release, &payload)?;
                }
            }
            Entry::Request {
                conn,
                kind,
                tx_id,
                payload,
            } => self.request((*conn, *kind, *tx_id, payload), line, recorded.reply)?,
            // Only a trace that begins with one of them brings it here.
            Entry::Reply { .. } | Entry::Event { .. } => return Err(ReplayError::Stray { line }),
        }
        let reads = matches!(entry, Entry::Request { kind, .. } if only_reads(*kind));
        if !reads || !recorded.events.is_empty() {
            self.gather(line);
        }
        if asker.is_some() && recorded.reply.is_none() {
            self.connections
                .values_mut()
                .for_each(|live| live.events.clear());
            return Ok(());
        }
        self.compare_events(&recorded)
    }

    fn open(&mut self, domid: Domid, line: usize) -> Result<Live, ReplayError> {
        let opened = self.daemon.open(domid);
        opened.map(Live::new).map_err(|source| ReplayError::Open {
            line,
            domid,
            source,
        })
    }

    /// Does by a request of dom0 what the recorded server's owner did without one.
    fn as_owner(
        &mut self,
        entry: &Entry,
        line: usize,
        kind: Kind,
        payload: &[u8],
    ) -> Result<(), ReplayError> {
        if self.owner.is_none() {
            self.owner = Some(self.open(0, line)?);
        }
        let Some(owner) = &mut self.owner else {
            return Ok(());
        };
        let said = match owner.ask(kind, 0, payload) {
            Ok(reply) if reply.kind != Kind::Error || is_gone(kind, &reply) => return Ok(()),
            Ok(reply) => Said::Entry(Entry::Reply {
                conn: 0,
                kind: reply.kind,
                payload: reply.payload,
            }),
            Err(lost) => Said::Lost(lost),
        };
        self.report.differ(line, Some(entry), said);
        Ok(())
    }

    fn request(
        &mut self,
        (conn, kind, tx_id, payload): (u64, Kind, u32, &[u8]),
        line: usize,
        recorded: Option<(&Entry, usize)>,
    ) -> Result<(), ReplayError> {
        let live = self.connections.get_mut(&conn);
        let live = live.ok_or(ReplayError::NotOpen { line, conn })?;
        if live.lost {
            self.report.skipped += 1;
            return Ok(());
        }
        self.report.requests += 1;
        let tx_id = live.transactions.live(tx_id);
        let reply = match live.ask(kind, tx_id, payload) {
            Ok(reply) => reply,
            Err(lost) => {
                let (entry, line) =
                    recorded.map_or((None, line), |(entry, line)| (Some(entry), line));
                self.report.differ(line, entry, Said::Lost(lost));
                return Ok(());
            }
        };
        live.watches |= kind == Kind::Watch && reply.kind != Kind::Error;
        let Some((entry, line)) = recorded else {
            return Ok(());
        };
        if let Entry::Reply { payload, .. } = entry {
            live.transactions.started(kind, payload, &reply);
        }
        let said = Entry::Reply {
            conn,
            kind: reply.kind,
            payload: reply.payload,
        };
        if !same_reply(kind, entry, &said) {
            self.report.differ(line, Some(entry), Said::Entry(said));
        }
        Ok(())
    }

    /// Waits until every connection that watches has what was queued for it.
    fn gather(&mut self, line: usize) {
        let watching = || |live: &&mut Live| live.watches && !live.lost;
        let sent: Vec<_> = self
            .connections
            .values_mut()
            .filter(watching())
            .map(Live::send_barrier)
            .collect();
        let waiting = self.connections.values_mut().filter(watching()).zip(sent);
        for (live, sent) in waiting {
            if let Err(lost) = sent.and_then(|req_id| live.reply(req_id)) {
                live.lost = true;
                self.report.differ(line, None, Said::Lost(lost));
            }
        }
    }

    fn compare_events(&mut self, recorded: &Recorded<'_>) -> Result<(), ReplayError> {
        let unknown = recorded
            .events
            .iter()
            .find(|(conn, _)| !self.connections.contains_key(conn));
        if let Some((conn, events)) = unknown {
            let line = events.first().map_or(recorded.line, |(_, line)| *line);
            return Err(ReplayError::NotOpen { line, conn: *conn });
        }
        for (conn, live) in &mut self.connections {
            let said: Vec<Entry> = std::mem::take(&mut live.events)
                .into_iter()
                .map(|payload| Entry::Event {
                    conn: *conn,
                    payload,
                })
                .collect();
            let wanted = recorded.events.get(conn).map_or(&[][..], Vec::as_slice);
            if live.lost {
                self.report.skipped += wanted.len();
            } else {
                compare::events(recorded.line, wanted, said, &mut self.report);
            }
        }
        Ok(())
    }
}

fn conn_of(entry: &Entry) -> Option<u64> {
    match entry {
        Entry::Reply { conn, .. } => Some(*conn),
        _ => None,
    }
}

/// Whether a domain that was to be released was not there.
fn is_gone(asked: Kind, reply: &Packet) -> bool {
    asked == Kind::Release && reply.payload == terminated([ErrorName::Enoent.as_str()])
}

/// Requests after which no watch fires: no barrier is needed.
fn only_reads(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Directory
            | Kind::DirectoryPart
            | Kind::Read
            | Kind::GetPerms
            | Kind::GetDomainPath
            | Kind::IsDomainIntroduced
            | Kind::GetFeature
            | Kind::GetQuota
            | Kind::TransactionStart
    )
}
