//! Watches: what a client asked to be told about.
//!
//! A watch belongs to its connection. A client that reconnects sets all of them again, so it
//! remembers them; invariant: it remembers exactly those that the server has granted and not taken
//! back.

use std::time::Duration;

use super::calls::Call;
use super::transport::deadline;
use super::{Client, Error, Operation};
use crate::wire::{ErrorName, Kind, terminated};

/// The server's feature bit for the depth of a watch (`XENSTORE_SERVER_FEATURE_WATCHDEPTH`).
pub const FEATURE_WATCH_DEPTH: u32 = 4;

/// Something under a watched path changed, or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchEvent {
    /// The path that changed: the watched one or one below it, relative if the watch was; or the
    /// name of a special watch.
    pub path: String,
    /// The token the watch was set with.
    pub token: String,
}

/// A watch that the server has granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    path: String,
    token: String,
    depth: Option<u32>,
}

impl Watch {
    pub(super) fn call(&self) -> Result<Call, Error> {
        let mut call = Call::on_watch(Operation::Watch, Kind::Watch, &self.path, &self.token)?;
        if let Some(depth) = self.depth {
            call.payload.extend(terminated([depth.to_string()]));
        }
        Ok(call)
    }
}

impl Client {
    /// Asks for events about a path (or `@introduceDomain`, `@releaseDomain`) and all below it.
    ///
    /// One event for the path itself arrives at once, whether or not the node exists: read the
    /// state when it comes, and there is no gap between looking and being told. Such an event comes
    /// again after the client has reconnected; an event always means "look", never "this was
    /// written".
    ///
    /// # Errors
    ///
    /// As every request: [`Error`]. The same path and token twice is [`ErrorName::Eexist`], but
    /// through the kernel's device, which takes them for two watches.
    pub fn watch(&mut self, path: &str, token: &str) -> Result<(), Error> {
        self.set_watch(path, token, None)
    }

    /// Asks for events about a path and at most `depth` levels below it: 0 is the node alone.
    /// For `@releaseDomain` and `@introduceDomain` a depth of 1 has the domid in the event's path.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] if the server does not have the feature, which is asked first, or if the kernel's device is in between, which would drop
    /// the depth without a word. Else as [`Client::watch`].
    pub fn watch_depth(&mut self, path: &str, token: &str, depth: u32) -> Result<(), Error> {
        let unsupported = |why| Error::Unsupported {
            operation: Operation::Watch,
            subject: path.to_owned(),
            why,
        };
        if !self.carries().watch_depth {
            return Err(unsupported(
                "the kernel's device does not pass the depth of a watch on; watch without one",
            ));
        }
        let features = match self.features(None) {
            Ok(features) => features,
            // A server from before the request: how it refuses differs.
            Err(Error::Server { .. }) => 0,
            Err(error) => return Err(error),
        };
        if features & FEATURE_WATCH_DEPTH == 0 {
            return Err(unsupported(
                "the server does not offer the depth of a watch; watch without one",
            ));
        }
        self.set_watch(path, token, Some(depth))
    }

    fn set_watch(&mut self, path: &str, token: &str, depth: Option<u32>) -> Result<(), Error> {
        let (path, token) = (path.to_owned(), token.to_owned());
        let watch = Watch { path, token, depth };
        self.call(0, watch.call()?)?;
        self.watches.push(watch);
        Ok(())
    }

    /// Takes a watch back. Events it caused before may still be waiting in [`Client::event`].
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn unwatch(&mut self, path: &str, token: &str) -> Result<(), Error> {
        let call = Call::on_watch(Operation::Unwatch, Kind::Unwatch, path, token)?;
        let done = self.call(0, call).map(drop);
        let gone = match &done {
            Ok(()) => true,
            Err(error) => error.server_error() == Some(ErrorName::Enoent),
        };
        let of = |watch: &Watch| watch.path == path && watch.token == token;
        if let Some(position) = self.watches.iter().position(of).filter(|_| gone) {
            self.watches.remove(position);
        }
        done
    }

    /// Drops all watches and transactions of this connection, and the events that wait here.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] over the kernel's device, where the connection is the whole kernel's,
    /// with the watches of all its drivers. Else as every request: [`Error`].
    pub fn reset_watches(&mut self) -> Result<(), Error> {
        let operation = Operation::ResetWatches;
        if !self.carries().own_connection {
            return Err(Error::Unsupported {
                operation,
                subject: String::new(),
                why: "over the kernel's device it would drop the watches of the kernel's own \
                      drivers; take each watch back by itself",
            });
        }
        self.call(
            0,
            Call::with(operation, Kind::ResetWatches, String::new(), &[""]),
        )?;
        self.watches.clear();
        self.stream.events.clear();
        Ok(())
    }

    /// The next watch event: waits up to `timeout`, or for ever without one.
    ///
    /// `Ok(None)` means that the time is up. A zero timeout looks at what has already arrived.
    /// Events that had arrived when the connection broke are handed out before its loss is told.
    /// A client that reconnects does so while it waits here: it then counts the time for that as
    /// part of `timeout`, save that a server that lets it in and does not answer may cost a second
    /// more.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] or [`Error::Malformed`]; the connection is then gone.
    pub fn event(&mut self, timeout: Option<Duration>) -> Result<Option<WatchEvent>, Error> {
        let deadline = deadline(timeout);
        let mut renewed = false;
        loop {
            if let Some(event) = self.stream.events.pop_front() {
                return Ok(Some(event));
            }
            let failure = match self.stream.wait(deadline) {
                Ok(true) => continue,
                Ok(false) => return Ok(None),
                Err(failure) => failure,
            };
            let error = failure.during(Operation::Event, "");
            if renewed && self.line.is_over() {
                return Err(error);
            }
            renewed = self.reconnect(deadline, error)?;
            if !renewed {
                return Ok(None);
            }
        }
    }
}
