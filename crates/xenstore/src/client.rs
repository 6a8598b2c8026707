//! A blocking client.
//!
//! One [`Client`] is one connection, used by one thread at a time. A request is one send and one
//! receive; [`Nodes::read_many`] asks for many nodes in one send. Watch events that arrive between a
//! request and its reply are kept for [`Client::event`]. Invariant: after an [`Error::Server`] or a
//! timeout the connection is as good as before; after another [`Error::Transport`] or an
//! [`Error::Malformed`] it is gone, and the next request has a new one or none
//! ([`Client::set_reconnect`]).
//!
//! Nothing waits without a limit where one was asked for: [`Client::set_timeout`] is the limit of a
//! reply and of the send before it, the argument of [`Client::event`] that of an event. The one
//! exception is made by the kernel: [`Device`].
//!
//! | requests | where |
//! | --- | --- |
//! | READ, WRITE, MKDIR, RM, DIRECTORY, DIRECTORY_PART, GET_PERMS, SET_PERMS | [`Nodes`] |
//! | TRANSACTION_START, TRANSACTION_END | [`Client::transaction`] |
//! | WATCH, UNWATCH, RESET_WATCHES | [`Client::watch`], [`Client::watch_depth`], [`Client::unwatch`], [`Client::reset_watches`] |
//! | INTRODUCE, RELEASE, RESUME, SET_TARGET | [`Client::introduce`], [`Client::release`], [`Client::resume`], [`Client::set_target`] |
//! | GET_DOMAIN_PATH, IS_DOMAIN_INTRODUCED | [`Client::domain_path`], [`Client::is_introduced`] |
//! | GET_FEATURE, SET_FEATURE | [`Client::features`], [`Client::set_features`] |
//! | GET_QUOTA, SET_QUOTA | [`Client::quota`], [`Client::quota_names`], [`Client::set_quota`] |
//! | CONTROL | [`Client::control`] |

mod calls;
mod device;
mod domains;
mod error;
mod nodes;
pub mod reconnect;
mod settings;
mod stream;
mod transaction;
mod transport;
mod watches;

pub use device::{DEVICE_PAYLOAD_MAX, Device};
pub use error::{Error, Operation};
pub use nodes::Nodes;
pub use transaction::Transaction;
pub use transport::{Carries, SendError, Transport};
pub use watches::{FEATURE_WATCH_DEPTH, WatchEvent};

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::places::{dial, places};
use crate::wire::{HEADER_LEN, Packet};
use calls::Call;
use reconnect::Line;
use stream::Stream;
use transport::deadline;
use watches::Watch;

/// Requests sent before their replies are read.
const IN_FLIGHT_MAX: usize = 64;

/// Bytes sent before replies are read, which is less than any socket takes without blocking: were
/// the server to wait for this client to read, and the client for the server, both would for ever.
const IN_FLIGHT_BYTES: usize = 32 * 1024;

/// A connection to a xenstore server.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
    timeout: Option<Duration>,
    watches: Vec<Watch>,
    line: Line,
}

impl Client {
    /// Connects to the store of this machine, wherever libxenstore would find it: the first of
    /// [`places`] that can be opened. `env` looks up a variable of the environment; the crate itself
    /// reads none.
    ///
    /// ```no_run
    /// use xenwire_xenstore::Client;
    ///
    /// let store = Client::open(|name| std::env::var(name).ok())?;
    /// # Ok::<(), xenwire_xenstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] with every place that was tried and the system's reason.
    pub fn open(env: impl Fn(&str) -> Option<String>) -> Result<Client, Error> {
        Client::connect_first(places(env))
    }

    /// Connects to what is at a path: a server's socket, or the kernel's device, usually
    /// `/dev/xen/xenbus`, which leads to a store in another domain.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] with the path and the system's reason.
    pub fn connect(path: &Path) -> Result<Client, Error> {
        Client::connect_first([path.to_owned()])
    }

    /// Connects to the first of these places that can be opened.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] with every place and the system's reason.
    pub fn connect_first(places: impl IntoIterator<Item = PathBuf>) -> Result<Client, Error> {
        let mut tried = Vec::new();
        for place in places {
            match dial(&place, true) {
                Ok(transport) => return Ok(Client::at(Some(place), transport)),
                Err(source) => tried.push((place, source)),
            }
        }
        Err(Error::Connect { tried })
    }

    /// A client on a connected socket.
    pub fn from_stream(stream: UnixStream) -> Client {
        Client::over(Box::new(stream))
    }

    /// A client on any transport.
    pub fn over(transport: Box<dyn Transport>) -> Client {
        Client::at(None, transport)
    }

    fn at(place: Option<PathBuf>, transport: Box<dyn Transport>) -> Client {
        Client {
            stream: Stream::new(transport),
            timeout: None,
            watches: Vec::new(),
            line: Line::new(place),
        }
    }

    /// Where the server is; `None` for a client that was given its stream.
    pub fn place(&self) -> Option<&Path> {
        self.line.place.as_deref()
    }

    /// What the connection carries of the protocol.
    pub fn carries(&self) -> Carries {
        self.stream.carries()
    }

    /// How long to wait for the reply to one request; `None`, the default, waits for ever.
    ///
    /// A reply that arrives after its request timed out is dropped, and the client stays usable.
    /// What the request did stays done: see [`Error::may_have_been_done`]; a transaction whose start
    /// timed out stays open at the server until the connection ends.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// One request, one reply.
    fn call(&mut self, tx_id: u32, call: Call) -> Result<Vec<u8>, Error> {
        let mut replies = self.call_many(tx_id, vec![call])?;
        replies.pop().expect("a reply for every call")
    }

    /// Sends all calls, a window at a time, and returns their replies in the order of the calls.
    fn call_many(
        &mut self,
        tx_id: u32,
        calls: Vec<Call>,
    ) -> Result<Vec<Result<Vec<u8>, Error>>, Error> {
        // Before any of them is sent, so that a refused list has done nothing.
        let limit = self.carries().payload;
        if let Some(call) = calls.iter().find(|call| call.payload.len() > limit) {
            return Err(call.too_long(limit));
        }
        self.in_windows(calls, |client, window| client.exchange(tx_id, window))
    }

    fn in_windows(
        &mut self,
        calls: Vec<Call>,
        mut exchange: impl FnMut(&mut Client, &[Call]) -> Result<Vec<Packet>, Error>,
    ) -> Result<Vec<Result<Vec<u8>, Error>>, Error> {
        let mut results = Vec::with_capacity(calls.len());
        let mut calls = calls.into_iter().peekable();
        while calls.peek().is_some() {
            let (mut window, mut bytes) = (Vec::new(), 0);
            while let Some(call) = calls.next_if(|call| {
                let fits = bytes + call.payload.len() + HEADER_LEN <= IN_FLIGHT_BYTES;
                window.len() < IN_FLIGHT_MAX && (fits || window.is_empty())
            }) {
                bytes += call.payload.len() + HEADER_LEN;
                window.push(call);
            }
            let replies = exchange(self, &window)?;
            results.extend(
                window
                    .into_iter()
                    .zip(replies)
                    .map(|(call, reply)| call.judge(reply)),
            );
        }
        Ok(results)
    }

    /// One window of calls; on a new connection, if the old one is lost and they may be repeated.
    fn exchange(&mut self, tx_id: u32, window: &[Call]) -> Result<Vec<Packet>, Error> {
        let repeatable = window.iter().all(Call::is_repeatable);
        let mut renewed = false;
        loop {
            let deadline = deadline(self.timeout);
            let failure = match self.stream.exchange(tx_id, window, deadline) {
                Ok(replies) => {
                    self.line.answered();
                    return Ok(replies);
                }
                Err(failure) => failure,
            };
            let call = window
                .get(failure.position)
                .expect("a failure of one of them");
            let (sent, lost) = (failure.sent, !self.stream.is_open());
            let error = failure.during(call.operation, &call.subject);
            match error {
                // Without its connection a transaction is dropped; only of a commit that was sent
                // nobody knows whether it came first.
                Error::Transport {
                    operation,
                    subject,
                    source,
                    ..
                } if tx_id != 0 && lost && !(sent && operation == Operation::Commit) => {
                    return Err(Error::TransactionLost {
                        operation,
                        subject,
                        source,
                    });
                }
                error if tx_id != 0 || (sent && !repeatable) => return Err(error),
                // Servers that let us in and then hang up: that has an end, too.
                error if renewed && self.line.is_over() => return Err(error),
                error => renewed = self.reconnect(None, error)?,
            }
        }
    }
}

impl Nodes for Client {
    fn call_nodes(&mut self, calls: Vec<Call>) -> Result<Vec<Result<Vec<u8>, Error>>, Error> {
        self.call_many(0, calls)
    }

    fn connection(&self) -> u64 {
        self.connections()
    }
}
