//! What can go wrong for a client, with the operation and the path it happened to.
//!
//! Invariant: every message says what was asked, of which path, what came of it, and what to do
//! where that is known; it is one sentence without a final stop, for a log or a user.

mod text;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::path::PathError;
use crate::wire::ErrorName;

/// What a client was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the method of the same name")]
pub enum Operation {
    Read,
    Write,
    Mkdir,
    Remove,
    Directory,
    Permissions,
    SetPermissions,
    Watch,
    Unwatch,
    ResetWatches,
    Event,
    StartTransaction,
    Commit,
    Abort,
    DomainPath,
    IsIntroduced,
    Introduce,
    Release,
    Resume,
    SetTarget,
    Features,
    SetFeatures,
    Quota,
    SetQuota,
    Control,
}

/// A request that did not succeed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no server at any of these places, or it does not let us in.
    Connect {
        /// Each socket or device that was tried, with the system's reason.
        tried: Vec<(PathBuf, io::Error)>,
    },
    /// The server refused.
    Server {
        /// What was asked.
        operation: Operation,
        /// The path, watch or domid it was asked of; empty if it is about none.
        subject: String,
        /// The server's answer.
        error: ErrorName,
    },
    /// The path is none that a server takes; nothing was sent.
    Path {
        /// What was asked.
        operation: Operation,
        /// The path.
        path: String,
        /// Which rule it breaks.
        error: PathError,
    },
    /// A watch's token, or another argument, has a NUL byte in it, which would end it early;
    /// nothing was sent.
    Nul {
        /// What was asked.
        operation: Operation,
        /// The path or setting it was asked of.
        subject: String,
        /// The argument.
        argument: String,
    },
    /// Path and value together are longer than a packet; nothing was sent.
    TooLong {
        /// What was asked.
        operation: Operation,
        /// The path.
        path: String,
        /// What fits, in bytes: 4096, or 4080 over the kernel's device.
        limit: usize,
    },
    /// The server, or the way to it, cannot do this; nothing was sent.
    Unsupported {
        /// What was asked.
        operation: Operation,
        /// The path it was asked of; empty if it is about none.
        subject: String,
        /// What is missing, and what to do instead.
        why: &'static str,
    },
    /// The value is not UTF-8, and text was asked for.
    NotText {
        /// The path.
        path: String,
    },
    /// The list of children changed each time a further part of it was read.
    Unsteady {
        /// The path.
        path: String,
    },
    /// The server's reply does not follow the protocol.
    Malformed {
        /// What was asked.
        operation: Operation,
        /// The path, watch or domid it was asked of; empty if it is about none.
        subject: String,
    },
    /// The connection broke, or the reply did not arrive in time.
    Transport {
        /// What was asked.
        operation: Operation,
        /// The path, watch or domid it was asked of; empty if it is about none.
        subject: String,
        /// Whether the server may have got it: see [`Error::may_have_been_done`].
        sent: bool,
        /// The system's reason; a reply that is late is [`io::ErrorKind::TimedOut`], a server that
        /// has closed the connection [`io::ErrorKind::UnexpectedEof`], a connection that was lost
        /// earlier [`io::ErrorKind::NotConnected`].
        source: io::Error,
    },
    /// The connection broke inside a transaction: nothing of it was done.
    TransactionLost {
        /// What was asked.
        operation: Operation,
        /// The path it was asked of; empty if it is about none.
        subject: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The connection was lost and no new one could be made within the time that the client was
    /// given for it. The request was not done, or it only reads.
    Gone {
        /// What was lost.
        lost: Box<Error>,
        /// The time, from [`Client::set_reconnect`](super::Client::set_reconnect).
        patience: Duration,
        /// Why the last attempt failed.
        source: Box<Error>,
    },
    /// Other clients changed the same nodes during every attempt of a transaction.
    Conflict {
        /// How often it was tried.
        attempts: u32,
    },
}

impl Error {
    pub(super) fn malformed(operation: Operation, subject: impl fmt::Display) -> Error {
        Error::Malformed {
            operation,
            subject: subject.to_string(),
        }
    }

    /// The server's answer, if it is one.
    pub fn server_error(&self) -> Option<ErrorName> {
        match self {
            Error::Server { error, .. } => Some(*error),
            _ => None,
        }
    }

    /// Whether what was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        self.server_error() == Some(ErrorName::Enoent)
    }

    /// Whether the server denied access. It does so too for a missing node below one that the
    /// caller may not read.
    pub fn is_denied(&self) -> bool {
        matches!(
            self.server_error(),
            Some(ErrorName::Eacces | ErrorName::Eperm)
        )
    }

    /// Whether a transaction met another client's change.
    pub fn is_conflict(&self) -> bool {
        self.server_error() == Some(ErrorName::Eagain) || matches!(self, Error::Conflict { .. })
    }

    /// Whether the reply did not arrive in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Error::Transport { source, .. } if source.kind() == io::ErrorKind::TimedOut)
    }

    /// Whether the connection is gone. A client that reconnects has another one for its next
    /// request; any other is to be replaced.
    pub fn is_lost(&self) -> bool {
        match self {
            Error::Transport { .. } => !self.is_timeout(),
            Error::TransactionLost { .. } | Error::Gone { .. } | Error::Malformed { .. } => true,
            _ => false,
        }
    }

    /// Whether a request that changes something was sent and its reply has not come: it may or may
    /// not have been done. Read what it was to change before doing it again.
    pub fn may_have_been_done(&self) -> bool {
        match self {
            Error::Transport {
                operation, sent, ..
            } => *sent && operation.changes(),
            Error::Malformed { operation, .. } => operation.changes(),
            _ => false,
        }
    }
}

impl Operation {
    /// Whether it changes the store, so that it matters if it was done.
    fn changes(self) -> bool {
        match self {
            Operation::Write
            | Operation::Mkdir
            | Operation::Remove
            | Operation::SetPermissions
            | Operation::Commit
            | Operation::Introduce
            | Operation::Release
            | Operation::Resume
            | Operation::SetTarget
            | Operation::SetFeatures
            | Operation::SetQuota
            | Operation::Control => true,
            Operation::Read
            | Operation::Directory
            | Operation::Permissions
            | Operation::Watch
            | Operation::Unwatch
            | Operation::ResetWatches
            | Operation::Event
            | Operation::StartTransaction
            | Operation::Abort
            | Operation::DomainPath
            | Operation::IsIntroduced
            | Operation::Features
            | Operation::Quota => false,
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // The last place is the one that was left to hope for.
            Error::Connect { tried } => tried.last().map(|(_, source)| source as _),
            Error::Transport { source, .. } | Error::TransactionLost { source, .. } => Some(source),
            Error::Gone { source, .. } => Some(source.as_ref()),
            Error::Path { error, .. } => Some(error),
            _ => None,
        }
    }
}
