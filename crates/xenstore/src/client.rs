//! A blocking client.
//!
//! One [`Client`] is one connection, used by one thread at a time. A request is one send and one
//! receive; [`Nodes::read_many`] asks for many nodes in one send. Watch events that arrive between a
//! request and its reply are kept for [`Client::event`]. Invariant: after an [`Error::Server`] the
//! connection is as good as before; after an [`Error::Transport`] other than a timeout it is not.

mod error;
mod nodes;
mod stream;
mod transaction;
mod transport;

pub use error::{Error, Operation};
pub use nodes::Nodes;
pub use transaction::Transaction;
pub use transport::{Device, Transport};

use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::Domid;
use crate::wire::{HEADER_LEN, Kind, PAYLOAD_MAX, terminated};
use nodes::{Call, one_string};
use stream::Stream;

/// Requests sent before their replies are read.
const IN_FLIGHT_MAX: usize = 64;

/// Bytes sent before replies are read, which is less than any socket takes without blocking: were
/// the server to wait for this client to read, and the client for the server, both would for ever.
const IN_FLIGHT_BYTES: usize = 32 * 1024;

/// Something under a watched path changed, or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchEvent {
    /// The path that changed: the watched one or one below it, relative if the watch was; or the
    /// name of a special watch.
    pub path: String,
    /// The token the watch was set with.
    pub token: String,
}

/// A connection to a xenstore server.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
}

impl Client {
    /// Connects to a server: its socket, which [`crate::socket_path`] finds, or the kernel's device,
    /// usually `/dev/xen/xenbus`, which leads to a store in another domain.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] with the path and the system's reason.
    pub fn connect(path: &Path) -> Result<Client, Error> {
        let failed = |source| Error::Connect {
            path: path.to_owned(),
            source,
        };
        // The variable that names a server's socket may name the device as well.
        if std::fs::metadata(path).is_ok_and(|found| found.file_type().is_char_device()) {
            let device = Device::open(path).map_err(failed)?;
            return Ok(Client::over(Box::new(device)));
        }
        let stream = UnixStream::connect(path).map_err(failed)?;
        Ok(Client::from_stream(stream))
    }

    /// A client on a connected socket, in blocking mode.
    pub fn from_stream(stream: UnixStream) -> Client {
        Client::over(Box::new(stream))
    }

    /// A client on any transport.
    pub fn over(transport: Box<dyn Transport>) -> Client {
        Client {
            stream: Stream::new(transport),
        }
    }

    /// How long to wait for the reply to one request; `None`, the default, waits for ever.
    ///
    /// A reply that arrives after its request timed out is dropped, and the client stays usable.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.stream.timeout = timeout;
    }

    /// The path a domain's relative paths start from, `/local/domain/N`.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn domain_path(&mut self, domid: Domid) -> Result<String, Error> {
        let call = Call::on_domain(Operation::DomainPath, Kind::GetDomainPath, domid);
        let reply = self.call(0, call)?;
        one_string(Operation::DomainPath, &domid.to_string(), &reply)
    }

    /// Whether a domain was introduced and not released.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn is_introduced(&mut self, domid: Domid) -> Result<bool, Error> {
        let operation = Operation::IsIntroduced;
        let reply = self.call(
            0,
            Call::on_domain(operation, Kind::IsDomainIntroduced, domid),
        )?;
        match one_string(operation, &domid.to_string(), &reply)?.as_str() {
            "T" => Ok(true),
            "F" => Ok(false),
            _ => Err(Error::malformed(operation, domid)),
        }
    }

    /// Makes a domain known: its ring is on this frame, its bell this event channel. dom0 only.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn introduce(&mut self, domid: Domid, frame: u64, port: u32) -> Result<(), Error> {
        let mut call = Call::on_domain(Operation::Introduce, Kind::Introduce, domid);
        call.payload = terminated([domid.to_string(), frame.to_string(), port.to_string()]);
        self.call(0, call).map(drop)
    }

    /// Makes the server forget a domain. dom0 only.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn release(&mut self, domid: Domid) -> Result<(), Error> {
        self.call(0, Call::on_domain(Operation::Release, Kind::Release, domid))
            .map(drop)
    }

    /// Asks for events about a path (or `@introduceDomain`, `@releaseDomain`) and all below it.
    ///
    /// One event for the path itself arrives at once, whether or not the node exists: read the
    /// state when it comes, and there is no gap between looking and being told.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`]. The same path and token twice is [`ErrorName::Eexist`](crate::wire::ErrorName::Eexist).
    pub fn watch(&mut self, path: &str, token: &str) -> Result<(), Error> {
        let call = Call::on_watch(Operation::Watch, Kind::Watch, path, token)?;
        self.call(0, call).map(drop)
    }

    /// Takes a watch back. Events it caused before may still be waiting in [`Client::event`].
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn unwatch(&mut self, path: &str, token: &str) -> Result<(), Error> {
        let call = Call::on_watch(Operation::Unwatch, Kind::Unwatch, path, token)?;
        self.call(0, call).map(drop)
    }

    /// Drops all watches and transactions of this connection, and the events that wait here.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn reset_watches(&mut self) -> Result<(), Error> {
        let operation = Operation::ResetWatches;
        let call = Call {
            operation,
            kind: Kind::ResetWatches,
            subject: String::new(),
            payload: vec![0],
        };
        self.call(0, call)?;
        self.stream.events.clear();
        Ok(())
    }

    /// The next watch event: waits up to `timeout`, or for ever without one.
    ///
    /// `Ok(None)` means that the time is up. A zero timeout looks at what has already arrived.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] or [`Error::Malformed`].
    pub fn event(&mut self, timeout: Option<Duration>) -> Result<Option<WatchEvent>, Error> {
        self.stream.event(timeout)
    }

    /// Runs `body` in a transaction and commits it; again from the start when the commit meets
    /// another client's change, `bound` times at most.
    ///
    /// `body` may run several times, so it should compute and talk to its [`Transaction`], and leave
    /// the rest of the world alone. An error from it drops the transaction and is returned.
    ///
    /// # Errors
    ///
    /// What `body` returns; [`Error::Conflict`] after `bound` attempts; any other [`Error`].
    pub fn transaction<T, E: From<Error>>(
        &mut self,
        bound: u32,
        mut body: impl FnMut(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        for _ in 0..bound {
            let mut transaction = Transaction::start(self)?;
            match body(&mut transaction) {
                Ok(value) => match transaction.commit() {
                    Ok(()) => return Ok(value),
                    Err(error) if error.is_conflict() => {}
                    Err(error) => return Err(error.into()),
                },
                Err(error) => {
                    // The caller's error is the one to tell; a transaction that cannot be dropped
                    // ends with the connection.
                    let _ = transaction.abort();
                    return Err(error);
                }
            }
        }
        Err(Error::Conflict { attempts: bound }.into())
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
        if let Some(call) = calls.iter().find(|call| call.payload.len() > PAYLOAD_MAX) {
            return Err(call.too_long());
        }
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
            let replies = self.stream.exchange(tx_id, &window)?;
            results.extend(
                window
                    .into_iter()
                    .zip(replies)
                    .map(|(call, reply)| call.judge(reply)),
            );
        }
        Ok(results)
    }
}

impl Nodes for Client {
    fn call_nodes(&mut self, calls: Vec<Call>) -> Result<Vec<Result<Vec<u8>, Error>>, Error> {
        self.call_many(0, calls)
    }
}
