//! A connection to the server that is compared with the trace.
//!
//! Invariant: one request is under way at a time, so the next packet that is no event is its reply.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use crate::client::Transport;
use crate::wire::{Decoder, Kind, Packet};

/// How long a server may be silent before a connection counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes received at once: room for three of the longest replies.
const RECEIVE_SIZE: usize = 16 * 1024;

/// Asked by a barrier: the path of domain 0, which every domain may ask for.
const BARRIER: &[u8] = b"0\0";

pub(super) struct Live {
    transport: Box<dyn Transport>,
    decoder: Decoder,
    buffer: Vec<u8>,
    last_req_id: u32,
    /// Payloads of events that have arrived.
    pub(super) events: Vec<Vec<u8>>,
    /// Whether a watch was ever set here.
    pub(super) watches: bool,
    /// Whether the server ended it, or does not answer.
    pub(super) lost: bool,
    pub(super) transactions: Transactions,
}

impl Live {
    pub(super) fn new(transport: Box<dyn Transport>) -> Live {
        Live {
            transport,
            decoder: Decoder::new(),
            buffer: vec![0; RECEIVE_SIZE],
            last_req_id: 0,
            events: Vec::new(),
            watches: false,
            lost: false,
            transactions: Transactions::default(),
        }
    }

    /// Sends a request and waits for its reply.
    pub(super) fn ask(
        &mut self,
        kind: Kind,
        tx_id: u32,
        payload: &[u8],
    ) -> Result<Packet, io::ErrorKind> {
        let reply = self
            .send(kind, tx_id, payload)
            .and_then(|req_id| self.reply(req_id));
        self.lost |= reply.is_err();
        reply
    }

    /// Sends a request that changes nothing: what was queued before arrives before its reply.
    pub(super) fn send_barrier(&mut self) -> Result<u32, io::ErrorKind> {
        self.send(Kind::GetDomainPath, 0, BARRIER)
    }

    fn send(&mut self, kind: Kind, tx_id: u32, payload: &[u8]) -> Result<u32, io::ErrorKind> {
        // From 1: 0 is the events'.
        self.last_req_id = self.last_req_id.checked_add(1).unwrap_or(1);
        let packet = Packet {
            kind,
            req_id: self.last_req_id,
            tx_id,
            payload: payload.to_vec(),
        };
        let mut bytes = Vec::new();
        packet
            .encode(&mut bytes)
            .map_err(|_| io::ErrorKind::InvalidInput)?;
        self.transport
            .send(&[bytes], Some(PATIENCE))
            .map_err(|error| error.source.kind())?;
        Ok(packet.req_id)
    }

    /// Waits for a reply, and keeps the events that come before it.
    pub(super) fn reply(&mut self, req_id: u32) -> Result<Packet, io::ErrorKind> {
        loop {
            let packet = self.next_packet()?;
            if packet.kind == Kind::WatchEvent && packet.req_id == 0 {
                self.events.push(packet.payload);
            } else if packet.req_id == req_id {
                return Ok(packet);
            } else {
                return Err(io::ErrorKind::InvalidData);
            }
        }
    }

    fn next_packet(&mut self) -> Result<Packet, io::ErrorKind> {
        loop {
            let decoded = self.decoder.next();
            if let Some(packet) = decoded.map_err(|_| io::ErrorKind::InvalidData)? {
                return Ok(packet);
            }
            let received = self.transport.receive(&mut self.buffer, Some(PATIENCE));
            match received.map_err(|error| error.kind())? {
                Some(0) => return Err(io::ErrorKind::UnexpectedEof),
                Some(length) => self
                    .decoder
                    .feed(self.buffer.get(..length).unwrap_or_default()),
                None => return Err(io::ErrorKind::TimedOut),
            }
        }
    }
}

/// Which live transaction a recorded one stands for.
#[derive(Debug, Default)]
pub(super) struct Transactions(BTreeMap<u32, u32>);

impl Transactions {
    /// The live number for a recorded one. One that was never given out stays one: if the server
    /// happens to have given its number to another transaction, the next that is free is taken.
    pub(super) fn live(&self, recorded: u32) -> u32 {
        if recorded == 0 {
            return 0;
        }
        if let Some(live) = self.0.get(&recorded) {
            return *live;
        }
        let mut unused = recorded;
        while unused == 0 || self.0.values().any(|live| *live == unused) {
            unused = unused.wrapping_sub(1);
        }
        unused
    }

    /// Learns a pair of numbers, if this was the start of a transaction on both sides.
    pub(super) fn started(&mut self, kind: Kind, recorded: &[u8], said: &Packet) {
        if kind != Kind::TransactionStart || said.kind != Kind::TransactionStart {
            return;
        }
        if let (Some(recorded), Some(live)) = (number(recorded), number(&said.payload)) {
            // A server may give the number of an ended transaction again.
            self.0.retain(|_, other| *other != live);
            self.0.insert(recorded, live);
        }
    }
}

/// The number in the reply to TRANSACTION_START.
pub(super) fn number(payload: &[u8]) -> Option<u32> {
    let digits = payload.strip_suffix(&[0])?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
