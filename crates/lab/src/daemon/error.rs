//! Why a daemon does not start, or did not end well, or a trace could not be said again.
//!
//! Invariant: every message names the file or the operation, and what to do where there is a choice.

use std::fmt;
use std::io;
use std::path::PathBuf;

use xenwire_xenstore::Domid;
use xenwire_xenstore::trace::{ParseError, ReplayError};

/// What went wrong.
#[derive(Debug)]
pub enum DaemonError {
    /// Somebody listens on the socket.
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// What is in the socket's place is no socket.
    NotASocket {
        /// The place.
        path: PathBuf,
    },
    /// The same path was given for two domains.
    Twice {
        /// The path.
        path: PathBuf,
    },
    /// The system does not let the socket be bound, or looked at.
    Bind {
        /// The socket.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file of the trace cannot be opened or written.
    Record {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file with the trace cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is not a trace.
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: ParseError,
    },
    /// The trace has domains for which no socket was given.
    NoSocket {
        /// The file.
        path: PathBuf,
        /// The domains.
        domids: Vec<Domid>,
    },
    /// The trace cannot be said again to its end.
    Replay {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: ReplayError,
    },
    /// The system refused something else.
    System {
        /// What was to be done.
        operation: &'static str,
        /// Why not.
        source: io::Error,
    },
}

impl DaemonError {
    /// Whether what was asked for is wrong, and not what the machine made of it.
    pub fn is_wrong_request(&self) -> bool {
        match self {
            DaemonError::InUse { .. }
            | DaemonError::NotASocket { .. }
            | DaemonError::Twice { .. }
            | DaemonError::Read { .. }
            | DaemonError::Parse { .. }
            | DaemonError::NoSocket { .. } => true,
            DaemonError::Replay { source, .. } => !matches!(source, ReplayError::Open { .. }),
            DaemonError::Bind { .. } | DaemonError::Record { .. } | DaemonError::System { .. } => {
                false
            }
        }
    }
}

impl fmt::Display for DaemonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DaemonError::InUse { path } => write!(
                f,
                "{}: somebody listens on this socket; end that program, or choose another path",
                path.display()
            ),
            DaemonError::NotASocket { path } => write!(
                f,
                "{}: wanted a socket or nothing there, found another kind of file; \
                 it is left as it is, choose another path",
                path.display()
            ),
            DaemonError::Twice { path } => write!(
                f,
                "{}: given for two domains; wanted a socket of its own for each",
                path.display()
            ),
            DaemonError::Bind { path, source } => {
                write!(f, "{}: cannot listen here: {source}", path.display())
            }
            DaemonError::Record { path, source } => {
                write!(f, "{}: cannot write the trace: {source}", path.display())
            }
            DaemonError::Read { path, source } => {
                write!(f, "{}: cannot read the trace: {source}", path.display())
            }
            DaemonError::Parse { path, source } => write!(f, "{}: {source}", path.display()),
            DaemonError::NoSocket { path, domids } => {
                write!(
                    f,
                    "{}: clients of other domains are in it; give",
                    path.display()
                )?;
                domids
                    .iter()
                    .try_for_each(|domid| write!(f, " --domain {domid}=PATH"))
            }
            DaemonError::Replay { path, source } => write!(f, "{}: {source}", path.display()),
            DaemonError::System { operation, source } => write!(f, "cannot {operation}: {source}"),
        }
    }
}

impl std::error::Error for DaemonError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DaemonError::Bind { source, .. }
            | DaemonError::Record { source, .. }
            | DaemonError::Read { source, .. }
            | DaemonError::System { source, .. } => Some(source),
            DaemonError::Parse { source, .. } => Some(source),
            DaemonError::Replay { source, .. } => Some(source),
            DaemonError::InUse { .. }
            | DaemonError::NotASocket { .. }
            | DaemonError::Twice { .. }
            | DaemonError::NoSocket { .. } => None,
        }
    }
}
