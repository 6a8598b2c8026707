//! What can go wrong for a client, with the operation and the path it happened to.

use std::fmt;
use std::path::PathBuf;

use crate::path::PathError;
use crate::wire::{ErrorName, PAYLOAD_MAX};

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
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::Mkdir => "mkdir",
            Operation::Remove => "rm",
            Operation::Directory => "list",
            Operation::Permissions => "read permissions of",
            Operation::SetPermissions => "set permissions of",
            Operation::Watch => "watch",
            Operation::Unwatch => "unwatch",
            Operation::ResetWatches => "reset watches",
            Operation::Event => "wait for an event",
            Operation::StartTransaction => "start a transaction",
            Operation::Commit => "commit a transaction",
            Operation::Abort => "drop a transaction",
            Operation::DomainPath => "get the path of domain",
            Operation::IsIntroduced => "ask for domain",
            Operation::Introduce => "introduce domain",
            Operation::Release => "release domain",
        })
    }
}

/// A request that did not succeed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no server at this place, or it does not let us in.
    Connect {
        /// The socket or device.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
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
    /// A watch's token has a NUL byte in it, which would end it early; nothing was sent.
    Token {
        /// The watched path.
        path: String,
    },
    /// Path and value together are longer than a packet; nothing was sent.
    TooLong {
        /// What was asked.
        operation: Operation,
        /// The path.
        path: String,
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
        /// The system's reason; a reply that is late is [`std::io::ErrorKind::TimedOut`].
        source: std::io::Error,
    },
    /// Other clients changed the same nodes during every attempt of a transaction.
    Conflict {
        /// How often it was tried.
        attempts: u32,
    },
}

impl Error {
    pub(super) fn transport(operation: Operation, subject: &str, source: std::io::Error) -> Error {
        Error::Transport {
            operation,
            subject: subject.to_owned(),
            source,
        }
    }

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
        matches!(self, Error::Transport { source, .. } if source.kind() == std::io::ErrorKind::TimedOut)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = |subject: &str| {
            if subject.is_empty() {
                String::new()
            } else {
                format!(" {subject}")
            }
        };
        match self {
            Error::Connect { path, source } => {
                write!(
                    f,
                    "connect to xenstore at {}: {source}; is a server running there?",
                    path.display()
                )
            }
            Error::Server {
                operation,
                subject,
                error,
            } => {
                write!(
                    f,
                    "{operation}{}: {} ({error})",
                    about(subject),
                    error.meaning()
                )
            }
            Error::Path {
                operation,
                path,
                error,
            } => write!(f, "{operation} {path:?}: {error}"),
            Error::Token { path } => {
                write!(
                    f,
                    "watch {path}: the token has a NUL byte, which would cut it short"
                )
            }
            Error::TooLong { operation, path } => write!(
                f,
                "{operation} {path}: path and value together must fit into {PAYLOAD_MAX} bytes"
            ),
            Error::NotText { path } => {
                write!(
                    f,
                    "read {path}: wanted text, found bytes that are not UTF-8"
                )
            }
            Error::Unsteady { path } => {
                write!(
                    f,
                    "list {path}: it has changed during each attempt to read it in parts"
                )
            }
            Error::Malformed { operation, subject } => write!(
                f,
                "{operation}{}: the server's reply does not follow the xenstore protocol",
                about(subject)
            ),
            Error::Transport {
                operation,
                subject,
                source,
            } => {
                write!(f, "{operation}{}: {source}", about(subject))
            }
            Error::Conflict { attempts } => write!(
                f,
                "commit a transaction: other clients changed the same nodes during all {attempts} attempts"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Connect { source, .. } | Error::Transport { source, .. } => Some(source),
            Error::Path { error, .. } => Some(error),
            _ => None,
        }
    }
}
