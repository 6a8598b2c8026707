//! One client of the server: its socket and the bytes that are under way.
//!
//! Invariant: at most [`OUTPUT_MAX`] bytes and one packet wait for a client;
//! no call here blocks.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use crate::Domid;
use crate::store::ConnId;
use crate::wire::{Decoder, Kind, Packet};

/// Bytes that may wait for a client that does not read its events. Beyond them it is cut off.
///
/// Room for 500 of the longest packets, or some ten thousand usual watch events.
pub const OUTPUT_MAX: usize = 2 * 1024 * 1024;

/// Bytes that may wait for a client before its further requests have to wait too.
///
/// Who asks faster than it reads only holds itself up. It can read on at any time, so there is no
/// reason to cut it off; what others cause, the events, cannot be held up like this.
const FULL: usize = 256 * 1024;

/// Bytes taken from one client before the others have their turn.
pub(super) const INPUT_SIZE: usize = 32 * 1024;

/// The connection is over: the client left, broke the protocol, or does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CutOff;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) conn: ConnId,
    pub(super) domid: Domid,
    pub(super) stream: UnixStream,
    decoder: Decoder,
    output: Vec<u8>,
    /// Everything before this offset was sent.
    sent: usize,
    /// Bytes that the socket has taken since the beginning.
    taken: u64,
    /// Events queued while the queue was full, and where each begins, counted as `taken` is.
    late: BTreeMap<Vec<u8>, u64>,
    /// What epoll was told to look for.
    registered: EventFlags,
}

impl Connection {
    pub(super) fn new(conn: ConnId, domid: Domid, stream: UnixStream) -> Connection {
        Connection {
            conn,
            domid,
            stream,
            decoder: Decoder::new(),
            output: Vec::new(),
            sent: 0,
            taken: 0,
            late: BTreeMap::new(),
            registered: EventFlags::IN,
        }
    }

    /// Receives what is there, up to one buffer.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Result<(), CutOff> {
        match rustix::net::recv(&self.stream, &mut *buffer, RecvFlags::empty()) {
            Ok((0, _)) => Err(CutOff),
            Ok((length, _)) => {
                self.decoder.feed(buffer.get(..length).unwrap_or_default());
                Ok(())
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(_) => Err(CutOff),
        }
    }

    /// The next request among the bytes received.
    pub(super) fn next_request(&mut self) -> Result<Option<Packet>, CutOff> {
        self.decoder.next().map_err(|_| CutOff)
    }

    /// Puts a packet into the queue.
    pub(super) fn queue(&mut self, packet: &Packet) -> Result<(), CutOff> {
        if self.is_full() && packet.kind == Kind::WatchEvent && !self.is_news(&packet.payload) {
            return Ok(());
        }
        if self.waiting() > OUTPUT_MAX {
            return Err(CutOff);
        }
        packet.encode(&mut self.output).map_err(|_| CutOff)
    }

    /// Whether an event says something that no event in the full queue says already.
    ///
    /// An event says "look again", and the client will when it gets to the one that waits. So a
    /// guest that writes the same nodes over and over cannot get a slow watcher cut off.
    fn is_news(&mut self, event: &[u8]) -> bool {
        if self
            .late
            .get(event)
            .is_some_and(|begin| *begin >= self.taken)
        {
            return false;
        }
        let begin = self.taken + u64::try_from(self.waiting()).unwrap_or(u64::MAX);
        self.late.insert(event.to_vec(), begin);
        true
    }

    /// Whether so much waits for the client that its next request has to wait too.
    pub(super) fn is_full(&self) -> bool {
        self.waiting() > FULL
    }

    /// Tells epoll what to look for: requests unless the queue is full, and room in the socket
    /// exactly as long as there is output.
    pub(super) fn register_interest(&mut self, epoll: &OwnedFd, number: u64) -> Result<(), CutOff> {
        let mut interest = EventFlags::empty();
        interest.set(EventFlags::IN, !self.is_full());
        interest.set(EventFlags::OUT, self.waiting() > 0);
        if interest != self.registered {
            let number = EventData::new_u64(number);
            epoll::modify(epoll, &self.stream, number, interest).map_err(|_| CutOff)?;
            self.registered = interest;
        }
        Ok(())
    }

    fn waiting(&self) -> usize {
        self.output.len() - self.sent
    }

    /// Sends as much as the socket takes.
    pub(super) fn flush(&mut self) -> Result<(), CutOff> {
        while let Some(rest) = self.output.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match rustix::net::send(&self.stream, rest, SendFlags::NOSIGNAL) {
                Ok(length) => {
                    self.sent += length;
                    self.taken += u64::try_from(length).unwrap_or(u64::MAX);
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(_) => return Err(CutOff),
            }
        }
        if self.sent == self.output.len() {
            self.output.clear();
            self.sent = 0;
        } else if self.sent > OUTPUT_MAX / 2 {
            // Moved in memory once for every megabyte sent, not once for every send.
            self.output.drain(..self.sent);
            self.sent = 0;
            self.late.retain(|_, begin| *begin >= self.taken);
        }
        if !self.is_full() {
            self.late.clear();
        }
        Ok(())
    }
}
