//! A store in this process, to replay on without a server.
//!
//! Invariant: a packet that was sent has been served, and all that came of it is in the queues of
//! its connections, before `send` returns.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Daemon;
use crate::Domid;
use crate::client::{SendError, Transport};
use crate::store::{ConnId, Deliveries, Store};
use crate::wire::Decoder;

/// A store that traces are replayed on; also a way to use a [`Client`](crate::Client) without a
/// socket or a thread.
#[derive(Clone, Debug)]
pub struct Local(Arc<Mutex<Inside>>);

#[derive(Debug)]
struct Inside {
    store: Store,
    /// The bytes that wait for each connection.
    waiting: BTreeMap<ConnId, Vec<u8>>,
}

impl Local {
    /// Replays on this store.
    pub fn new(store: Store) -> Local {
        Local(Arc::new(Mutex::new(Inside {
            store,
            waiting: BTreeMap::new(),
        })))
    }

    /// A connection that acts for a domain. A reply waits for whoever receives next; to receive when
    /// nothing waits is the same as a timeout.
    pub fn connect(&self, domid: Domid) -> Box<dyn Transport> {
        let mut inside = self.inside();
        let conn = inside.store.connect(domid);
        inside.waiting.insert(conn, Vec::new());
        Box::new(LocalTransport {
            local: self.clone(),
            conn,
            decoder: Decoder::new(),
        })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // The store has no state between two requests that a panic could leave half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn deliver(&mut self, deliveries: Deliveries) {
        for (conn, packet) in deliveries {
            if let Some(bytes) = self.waiting.get_mut(&conn) {
                // The store makes no packet that is too long.
                let _ = packet.encode(bytes);
            }
        }
    }
}

impl Daemon for Local {
    fn open(&mut self, domid: Domid) -> io::Result<Box<dyn Transport>> {
        Ok(self.connect(domid))
    }

    fn introduce(&mut self, domid: Domid) -> bool {
        let mut inside = self.inside();
        let deliveries = inside.store.introduce(domid);
        inside.deliver(deliveries);
        true
    }

    fn release(&mut self, domid: Domid) -> bool {
        let mut inside = self.inside();
        let deliveries = inside.store.release(domid);
        inside.deliver(deliveries);
        true
    }
}

#[derive(Debug)]
struct LocalTransport {
    local: Local,
    conn: ConnId,
    decoder: Decoder,
}

impl Transport for LocalTransport {
    fn send(&mut self, packets: &[Vec<u8>], _: Option<Duration>) -> Result<(), SendError> {
        for bytes in packets {
            self.decoder.feed(bytes);
        }
        let mut inside = self.local.inside();
        let broken = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        while let Some(packet) = self.decoder.next().map_err(broken)? {
            let deliveries = inside.store.request(self.conn, &packet);
            inside.deliver(deliveries);
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], _: Option<Duration>) -> io::Result<Option<usize>> {
        let mut inside = self.local.inside();
        let Some(waiting) = inside.waiting.get_mut(&self.conn) else {
            return Ok(Some(0));
        };
        let length = waiting.len().min(buffer.len());
        if length == 0 {
            return Ok(None);
        }
        for (place, byte) in buffer.iter_mut().zip(waiting.drain(..length)) {
            *place = byte;
        }
        Ok(Some(length))
    }
}

impl Drop for LocalTransport {
    fn drop(&mut self) {
        let mut inside = self.local.inside();
        inside.store.disconnect(self.conn);
        inside.waiting.remove(&self.conn);
    }
}
