//! Packets over a transport: requests are matched with their replies, watch events are kept.
//!
//! Invariants: a reply is given to the request with its number and to no other, whatever came in
//! between; events are handed out in the order in which they arrived.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::nodes::Call;
use super::{Error, Operation, Transport, WatchEvent};
use crate::wire::{Decoder, Kind, Packet, split_terminated};

/// Bytes received at once: room for three of the longest replies.
const RECEIVE_SIZE: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Stream {
    transport: Box<dyn Transport>,
    decoder: Decoder,
    buffer: Vec<u8>,
    last_req_id: u32,
    pub(super) events: VecDeque<WatchEvent>,
    pub(super) timeout: Option<Duration>,
}

impl Stream {
    pub(super) fn new(transport: Box<dyn Transport>) -> Stream {
        Stream {
            transport,
            decoder: Decoder::new(),
            buffer: vec![0; RECEIVE_SIZE],
            last_req_id: 0,
            events: VecDeque::new(),
            timeout: None,
        }
    }

    /// The next watch event; `None` when the time is up first.
    pub(super) fn event(&mut self, timeout: Option<Duration>) -> Result<Option<WatchEvent>, Error> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            match self
                .next_packet(deadline)
                .map_err(|cause| cause.during(Operation::Event, ""))?
            {
                // A reply here belongs to a request that timed out.
                Some(packet) => self.keep_event(packet).map(drop)?,
                None => return Ok(None),
            }
        }
    }

    /// Sends all calls at once and returns their replies in the order of the calls.
    pub(super) fn exchange(&mut self, tx_id: u32, calls: &[Call]) -> Result<Vec<Packet>, Error> {
        let Some(first) = calls.first() else {
            return Ok(Vec::new());
        };
        let (operation, subject) = (first.operation, first.subject.as_str());
        let mut waiting = BTreeMap::new();
        let mut packets = Vec::with_capacity(calls.len());
        for (position, call) in calls.iter().enumerate() {
            let req_id = self.next_req_id();
            let mut bytes = Vec::new();
            Packet {
                kind: call.kind,
                req_id,
                tx_id,
                payload: call.payload.clone(),
            }
            .encode(&mut bytes)
            .map_err(|_| call.too_long())?;
            packets.push(bytes);
            waiting.insert(req_id, position);
        }
        self.transport
            .send(&packets)
            .map_err(|source| Error::transport(operation, subject, source))?;

        let deadline = self
            .timeout
            .and_then(|timeout| Instant::now().checked_add(timeout));
        let mut replies: Vec<Option<Packet>> = vec![None; calls.len()];
        while !waiting.is_empty() {
            let packet = self
                .next_packet(deadline)
                .and_then(|packet| packet.ok_or_else(|| std::io::ErrorKind::TimedOut.into()))
                .map_err(|cause| cause.during(operation, subject))?;
            let Some(packet) = self.keep_event(packet)? else {
                continue;
            };
            // A number nobody waits for is the late reply of a request that timed out.
            if let Some(position) = waiting.remove(&packet.req_id) {
                replies[position] = Some(packet);
            }
        }
        Ok(replies.into_iter().flatten().collect())
    }

    /// Numbers requests from 1, so that 0 stays the events' own.
    fn next_req_id(&mut self) -> u32 {
        self.last_req_id = self.last_req_id.checked_add(1).unwrap_or(1);
        self.last_req_id
    }

    /// Keeps a watch event; gives any other packet back.
    fn keep_event(&mut self, packet: Packet) -> Result<Option<Packet>, Error> {
        if packet.kind != Kind::WatchEvent {
            return Ok(Some(packet));
        }
        // With "watch depth" or later extensions more strings may follow; two are always there.
        let strings = split_terminated(&packet.payload).unwrap_or_default();
        let [path, token, ..] = strings.as_slice() else {
            return Err(Error::malformed(Operation::Event, ""));
        };
        let text = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec()).map_err(|_| Error::malformed(Operation::Event, ""))
        };
        self.events.push_back(WatchEvent {
            path: text(path)?,
            token: text(token)?,
        });
        Ok(None)
    }

    /// The next packet of any kind; `None` when the deadline passes first.
    fn next_packet(&mut self, deadline: Option<Instant>) -> Result<Option<Packet>, Broken> {
        loop {
            if let Some(packet) = self.decoder.next().map_err(|_| Broken::Malformed)? {
                return Ok(Some(packet));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match self.transport.receive(&mut self.buffer, left)? {
                Some(0) => return Err(Broken::from(std::io::ErrorKind::UnexpectedEof)),
                Some(length) => self
                    .decoder
                    .feed(self.buffer.get(..length).unwrap_or_default()),
                None => return Ok(None),
            }
        }
    }
}

/// A stream that gives no packet, before it is known which request that hits.
enum Broken {
    Transport(std::io::Error),
    Malformed,
}

impl Broken {
    fn during(self, operation: Operation, subject: &str) -> Error {
        match self {
            Broken::Transport(source) => Error::transport(operation, subject, source),
            Broken::Malformed => Error::malformed(operation, subject),
        }
    }
}

impl From<std::io::Error> for Broken {
    fn from(source: std::io::Error) -> Broken {
        Broken::Transport(source)
    }
}

impl From<std::io::ErrorKind> for Broken {
    fn from(kind: std::io::ErrorKind) -> Broken {
        Broken::Transport(kind.into())
    }
}
