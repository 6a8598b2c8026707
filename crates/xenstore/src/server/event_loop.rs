//! The server's thread: waits in epoll, feeds the store, and delivers what it answers.
//!
//! Invariants: every file that epoll knows is in `listeners` or `connections` under the number it
//! was registered with, or is the bell; each connection is
//! registered for what its `interest` says.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;

use super::connection::{Connection, CutOff, INPUT_SIZE};
use super::handle::{ListenerId, Order, Shared};
use super::recorder::Recorder;
use crate::Domid;
use crate::store::{ConnId, Deliveries, Store};
use crate::trace::Entry;

/// The number under which epoll knows the bell; all others count up from there.
const BELL: u64 = 0;

/// Events fetched from epoll at once.
const EVENTS: usize = 64;

/// Connections that a domain other than dom0 may have: file descriptors are everybody's.
const CONNECTIONS_MAX: usize = 128;

/// How long nobody is let in after the process ran out of file descriptors.
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

#[derive(Debug)]
struct Listener {
    id: ListenerId,
    socket: UnixListener,
    domid: Domid,
    /// Out of file descriptors: epoll is not asked about it for a while.
    paused: bool,
}

#[derive(Debug)]
pub(super) struct EventLoop {
    store: Store,
    epoll: OwnedFd,
    bell: UnixStream,
    shared: Arc<Shared>,
    listeners: BTreeMap<u64, Listener>,
    connections: BTreeMap<u64, Connection>,
    /// Where the packets for a connection of the store go.
    numbers: BTreeMap<ConnId, u64>,
    last_number: u64,
    buffer: Vec<u8>,
    recorder: Recorder,
    running: bool,
}

impl EventLoop {
    pub(super) fn new(
        store: Store,
        bell: UnixStream,
        shared: Arc<Shared>,
        recorder: Recorder,
    ) -> io::Result<EventLoop> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &bell, EventData::new_u64(BELL), EventFlags::IN)?;
        Ok(EventLoop {
            store,
            epoll,
            bell,
            shared,
            listeners: BTreeMap::new(),
            connections: BTreeMap::new(),
            numbers: BTreeMap::new(),
            last_number: BELL,
            buffer: vec![0; INPUT_SIZE],
            recorder,
            running: true,
        })
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS);
        while self.running {
            let any_paused = self.listeners.values().any(|listener| listener.paused);
            let timeout = any_paused.then_some(&PAUSE);
            match epoll::wait(&self.epoll, spare_capacity(&mut events), timeout) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if any_paused {
                self.resume_listeners();
            }
            for event in events.drain(..) {
                let (number, flags) = (event.data.u64(), event.flags);
                if number == BELL {
                    self.carry_out_orders();
                } else if self.listeners.contains_key(&number) {
                    self.accept(number);
                } else {
                    self.serve(number, flags);
                }
            }
            self.recorder.write();
        }
        Ok(())
    }

    fn carry_out_orders(&mut self) {
        // Emptied before the orders are taken: an order that comes later rings again.
        let mut rings = [0; 64];
        while matches!((&self.bell).read(&mut rings), Ok(length) if length > 0) {}
        for order in self.shared.take_orders() {
            match order {
                Order::Listen(id, socket, domid) => self.listen(id, socket, domid),
                Order::Unlisten(id) => self.unlisten(id),
                Order::Connect(stream, domid) => self.connect(stream, domid),
                Order::Introduce(domid) => {
                    self.recorder.add(|| Entry::Introduced(domid));
                    let deliveries = self.store.introduce(domid);
                    self.deliver(deliveries);
                }
                Order::Release(domid) => {
                    self.recorder.add(|| Entry::Released(domid));
                    let deliveries = self.store.release(domid);
                    self.deliver(deliveries);
                }
                Order::Stop => self.running = false,
            }
        }
    }

    fn listen(&mut self, id: ListenerId, socket: UnixListener, domid: Domid) {
        let number = self.next_number();
        // A socket that epoll refuses (the user's limit of watches) is closed: its clients see that.
        if self.register(&socket, number).is_ok() {
            self.listeners.insert(
                number,
                Listener {
                    id,
                    socket,
                    domid,
                    paused: false,
                },
            );
        }
    }

    fn unlisten(&mut self, id: ListenerId) {
        self.listeners.retain(|_, listener| {
            if listener.id == id {
                // Closing would take it out of epoll only if nobody else held its file.
                let _ = epoll::delete(&self.epoll, &listener.socket);
            }
            listener.id != id
        });
    }

    fn accept(&mut self, number: u64) {
        // Some at a time, so that a crowd at one door does not keep the clients inside waiting.
        for _ in 0..EVENTS {
            let Some(listener) = self.listeners.get_mut(&number) else {
                return;
            };
            let domid = listener.domid;
            match listener.socket.accept() {
                Ok((stream, _)) => {
                    if self.has_place(domid) && stream.set_nonblocking(true).is_ok() {
                        self.connect(stream, domid);
                    }
                }
                Err(error) => {
                    // Without descriptors left the client would be announced again and again.
                    if is_exhausted(&error) {
                        listener.paused = true;
                        let data = EventData::new_u64(number);
                        let nothing = EventFlags::empty();
                        let _ = epoll::modify(&self.epoll, &listener.socket, data, nothing);
                    }
                    return;
                }
            }
        }
    }

    /// Whether a domain may have one more connection.
    fn has_place(&self, domid: Domid) -> bool {
        let own = |connection: &&Connection| connection.domid == domid;
        domid == 0 || self.connections.values().filter(own).count() < CONNECTIONS_MAX
    }

    fn connect(&mut self, stream: UnixStream, domid: Domid) {
        let number = self.next_number();
        if self.register(&stream, number).is_ok() {
            self.recorder.add(|| Entry::Opened {
                conn: number,
                domid,
            });
            let conn = self.store.connect(domid);
            self.numbers.insert(conn, number);
            self.connections
                .insert(number, Connection::new(conn, domid, stream));
        }
    }

    fn serve(&mut self, number: u64, flags: EventFlags) {
        // One that was cut off earlier in the same round is no longer there.
        let Some(connection) = self.connections.get_mut(&number) else {
            return;
        };
        let mut result = Ok(());
        if flags.intersects(EventFlags::OUT) {
            result = connection.flush();
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR)
            && !connection.is_full()
        {
            result = result.and_then(|()| connection.receive(&mut self.buffer));
        }
        if result.is_err() {
            self.close(number);
        }
        while self.answer(number) {}
    }

    /// Answers a client's requests until there are none left or its queue is full, and sends all
    /// that came of it. Says whether the queue was full and has room again.
    fn answer(&mut self, number: u64) -> bool {
        let mut changed = vec![number];
        let mut was_full = false;
        while let Some(connection) = self.connections.get_mut(&number) {
            was_full = connection.is_full();
            if was_full {
                break;
            }
            match connection.next_request() {
                Ok(Some(packet)) => {
                    self.recorder.asked(number, &packet);
                    let deliveries = self.store.request(connection.conn, &packet);
                    changed.extend(self.enqueue(deliveries));
                }
                Ok(None) => break,
                Err(CutOff) => self.close(number),
            }
        }
        self.flush_all(changed);
        was_full
            && self
                .connections
                .get(&number)
                .is_some_and(|connection| !connection.is_full())
    }

    fn deliver(&mut self, deliveries: Deliveries) {
        let numbers = self.enqueue(deliveries);
        self.flush_all(numbers);
    }

    /// Puts packets into their queues and says whose queues those are.
    fn enqueue(&mut self, deliveries: Deliveries) -> Vec<u64> {
        let mut numbers = Vec::new();
        let mut broken = Vec::new();
        for (conn, packet) in deliveries {
            let Some(number) = self.numbers.get(&conn).copied() else {
                continue;
            };
            self.recorder.said(number, &packet);
            let Some(connection) = self.connections.get_mut(&number) else {
                continue;
            };
            match connection.queue(&packet) {
                Ok(()) if numbers.last() != Some(&number) => numbers.push(number),
                Ok(()) => {}
                Err(CutOff) => broken.push(number),
            }
        }
        // After all that came of one request, also in the trace.
        broken.into_iter().for_each(|number| self.close(number));
        numbers
    }

    /// Sends what is queued, in one system call for each client that takes it all.
    fn flush_all(&mut self, mut numbers: Vec<u64>) {
        self.recorder.write();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let Some(connection) = self.connections.get_mut(&number) else {
                continue;
            };
            let result = connection.flush();
            if result
                .and_then(|()| connection.register_interest(&self.epoll, number))
                .is_err()
            {
                self.close(number);
            }
        }
    }

    fn close(&mut self, number: u64) {
        if let Some(connection) = self.connections.remove(&number) {
            self.recorder.add(|| Entry::Closed { conn: number });
            self.numbers.remove(&connection.conn);
            self.store.disconnect(connection.conn);
            let _ = epoll::delete(&self.epoll, &connection.stream);
        }
    }

    fn resume_listeners(&mut self) {
        let paused = |(_, listener): &(&u64, &mut Listener)| listener.paused;
        for (number, listener) in self.listeners.iter_mut().filter(paused) {
            let data = EventData::new_u64(*number);
            let resumed = epoll::modify(&self.epoll, &listener.socket, data, EventFlags::IN);
            listener.paused = resumed.is_err();
        }
    }

    fn register(&self, file: impl AsFd, number: u64) -> Result<(), Errno> {
        epoll::add(
            &self.epoll,
            file,
            EventData::new_u64(number),
            EventFlags::IN,
        )
    }

    /// Numbers are never used twice, so a late event cannot hit a newer file.
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

/// Whether accepting failed because the process or the machine has no files or memory left.
fn is_exhausted(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| {
        [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM].contains(&errno)
    })
}
