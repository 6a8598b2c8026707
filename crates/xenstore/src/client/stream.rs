//! Packets over a transport: requests are matched with their replies, watch events are kept.
//!
//! Invariants: a reply is given to the request with its number and to no other, whatever came in
//! between; events are handed out in the order in which they arrived, those of an older connection
//! first; a stream that lost its packet boundaries or its far end has no transport any more.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::{Duration, Instant};

use super::calls::Call;
use super::{Carries, Error, Operation, Transport, WatchEvent};
use crate::wire::{Decoder, ErrorName, HEADER_LEN, Kind, PAYLOAD_MAX, Packet, split_terminated};

/// Bytes received at once: room for the longest reply. More is memory that a call of a script, which
/// reads ten short ones, would have to have made for it.
const RECEIVE_SIZE: usize = HEADER_LEN + PAYLOAD_MAX;

#[derive(Debug)]
pub(super) struct Stream {
    transport: Option<Box<dyn Transport>>,
    decoder: Decoder,
    buffer: Vec<u8>,
    last_req_id: u32,
    pub(super) events: VecDeque<WatchEvent>,
}

impl Stream {
    pub(super) fn new(transport: Box<dyn Transport>) -> Stream {
        Stream {
            transport: Some(transport),
            decoder: Decoder::new(),
            buffer: vec![0; RECEIVE_SIZE],
            last_req_id: 0,
            events: VecDeque::new(),
        }
    }

    /// Starts again on another connection; the events that came over the old one stay.
    pub(super) fn renew(&mut self, transport: Box<dyn Transport>) {
        self.transport = Some(transport);
        self.decoder = Decoder::new();
    }

    /// Gives the connection up.
    pub(super) fn close(&mut self) {
        self.transport = None;
    }

    pub(super) fn is_open(&self) -> bool {
        self.transport.is_some()
    }

    /// What the connection carries; all of the protocol if there is none.
    pub(super) fn carries(&self) -> Carries {
        self.transport
            .as_ref()
            .map_or_else(Carries::default, |transport| transport.carries())
    }

    /// Waits for a watch event; false when the time is up first.
    pub(super) fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, Failure> {
        while self.events.is_empty() {
            match self.next_packet(deadline)? {
                // A reply here belongs to a request that timed out.
                Some(packet) => self.keep_event(packet).map(drop)?,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Sends all calls at once and returns their replies in the order of the calls.
    pub(super) fn exchange(
        &mut self,
        tx_id: u32,
        calls: &[Call],
        deadline: Option<Instant>,
    ) -> Result<Vec<Packet>, Failure> {
        let mut waiting = BTreeMap::new();
        let mut packets = Vec::with_capacity(calls.len());
        for (position, call) in calls.iter().enumerate() {
            let req_id = self.next_req_id();
            let mut bytes = Vec::new();
            let packet = Packet {
                kind: call.kind,
                req_id,
                tx_id,
                payload: call.payload.clone(),
            };
            if packet.encode(&mut bytes).is_err() {
                return Err(Failure::unsent(io::ErrorKind::InvalidInput.into()));
            }
            packets.push(bytes);
            waiting.insert(req_id, position);
        }
        let Some(transport) = &mut self.transport else {
            return Err(Failure::unsent(io::ErrorKind::NotConnected.into()));
        };
        if let Err(error) = transport.send(&packets, left(deadline)) {
            if !error.usable {
                self.drain();
            } else if let Some(refusal) = refusal(calls, &error.source) {
                return Ok(vec![refusal]);
            }
            return Err(Failure {
                sent: error.begun,
                position: 0,
                cause: Cause::System(error.source),
            });
        }

        let mut replies: Vec<Option<Packet>> = vec![None; calls.len()];
        while let Some(position) = waiting.values().min().copied() {
            let failed = |failure: Failure| Failure {
                sent: true,
                position,
                ..failure
            };
            let packet = self
                .next_packet(deadline)
                .and_then(|packet| {
                    packet.ok_or_else(|| Failure::unsent(io::ErrorKind::TimedOut.into()))
                })
                .map_err(failed)?;
            let Some(packet) = self.keep_event(packet).map_err(failed)? else {
                continue;
            };
            // A number nobody waits for is the late reply of a request that timed out.
            if let Some(position) = waiting.remove(&packet.req_id) {
                replies[position] = Some(packet);
            }
        }
        Ok(replies.into_iter().flatten().collect())
    }

    /// Closes a connection that takes nothing more, after keeping the events that had arrived.
    fn drain(&mut self) {
        while let Ok(Some(packet)) = self.next_packet(Some(Instant::now())) {
            if self.keep_event(packet).is_err() {
                break;
            }
        }
        self.close();
    }

    /// Numbers requests from 1, so that 0 stays the events' own. They go on over connections.
    fn next_req_id(&mut self) -> u32 {
        self.last_req_id = self.last_req_id.checked_add(1).unwrap_or(1);
        self.last_req_id
    }

    /// Keeps a watch event; gives any other packet back. The type alone tells an event: through
    /// the kernel's device its numbers are anything.
    fn keep_event(&mut self, packet: Packet) -> Result<Option<Packet>, Failure> {
        if packet.kind != Kind::WatchEvent {
            return Ok(Some(packet));
        }
        match WatchEvent::parse(&packet.payload) {
            Some(event) => self.events.push_back(event),
            None => return Err(self.malformed()),
        }
        Ok(None)
    }

    /// The next packet of any kind; `None` when the deadline passes first.
    fn next_packet(&mut self, deadline: Option<Instant>) -> Result<Option<Packet>, Failure> {
        loop {
            match self.decoder.next() {
                Ok(Some(packet)) => return Ok(Some(packet)),
                Ok(None) => {}
                Err(_) => return Err(self.malformed()),
            }
            let Some(transport) = &mut self.transport else {
                return Err(Failure::unsent(io::ErrorKind::NotConnected.into()));
            };
            let error = match transport.receive(&mut self.buffer, left(deadline)) {
                Ok(None) => return Ok(None),
                Ok(Some(0)) => io::ErrorKind::UnexpectedEof.into(),
                Ok(Some(length)) => {
                    self.decoder
                        .feed(self.buffer.get(..length).unwrap_or_default());
                    continue;
                }
                Err(error) => error,
            };
            self.close();
            return Err(Failure::unsent(error));
        }
    }

    fn malformed(&mut self) -> Failure {
        self.close();
        Failure {
            sent: false,
            position: 0,
            cause: Cause::Malformed,
        }
    }
}

impl WatchEvent {
    /// Path and token; later extensions of the protocol may put more behind them.
    fn parse(payload: &[u8]) -> Option<WatchEvent> {
        let strings = split_terminated(payload)?;
        let [path, token, ..] = strings.as_slice() else {
            return None;
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(WatchEvent {
            path: text(path)?,
            token: text(token)?,
        })
    }
}

fn left(deadline: Option<Instant>) -> Option<Duration> {
    deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
}

/// The kernel's device answers a watch that the server refuses with the errno of the write
/// (`xenbus_write_watch`): the packet that a server would have sent.
fn refusal(calls: &[Call], error: &io::Error) -> Option<Packet> {
    let [call] = calls else { return None };
    if !matches!(call.kind, Kind::Watch | Kind::Unwatch) {
        return None;
    }
    let name = ErrorName::ALL
        .iter()
        .find(|name| Some(errno(**name)) == error.raw_os_error())?;
    Some(Packet {
        kind: Kind::Error,
        req_id: 0,
        tx_id: 0,
        payload: name.as_str().into(),
    })
}

/// This system's number for a name.
fn errno(name: ErrorName) -> i32 {
    use rustix::io::Errno;
    match name {
        ErrorName::Einval => Errno::INVAL,
        ErrorName::Eacces => Errno::ACCESS,
        ErrorName::Eexist => Errno::EXIST,
        ErrorName::Eisdir => Errno::ISDIR,
        ErrorName::Enoent => Errno::NOENT,
        ErrorName::Enomem => Errno::NOMEM,
        ErrorName::Enospc => Errno::NOSPC,
        ErrorName::Eio => Errno::IO,
        ErrorName::Enotempty => Errno::NOTEMPTY,
        ErrorName::Enosys => Errno::NOSYS,
        ErrorName::Erofs => Errno::ROFS,
        ErrorName::Ebusy => Errno::BUSY,
        ErrorName::Eagain => Errno::AGAIN,
        ErrorName::Eisconn => Errno::ISCONN,
        ErrorName::E2big => Errno::TOOBIG,
        ErrorName::Eperm => Errno::PERM,
    }
    .raw_os_error()
}

/// A stream that gave no reply, before it is known what that means for the requests.
#[derive(Debug)]
pub(super) struct Failure {
    /// Whether any byte of the requests went out.
    pub(super) sent: bool,
    /// The first request without a reply.
    pub(super) position: usize,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    System(io::Error),
    Malformed,
}

impl Failure {
    fn unsent(source: io::Error) -> Failure {
        Failure {
            sent: false,
            position: 0,
            cause: Cause::System(source),
        }
    }

    pub(super) fn during(self, operation: Operation, subject: &str) -> Error {
        let subject = subject.to_owned();
        match self.cause {
            Cause::System(source) => Error::Transport {
                operation,
                subject,
                sent: self.sent,
                source,
            },
            Cause::Malformed => Error::Malformed { operation, subject },
        }
    }
}
