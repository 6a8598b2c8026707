//! What a replay found.
//!
//! Invariant: each difference names the line of the trace that it belongs to.

use std::fmt;
use std::io;

use crate::Domid;
use crate::trace::Entry;

/// How a replay went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Requests that were sent.
    pub requests: usize,
    /// Requests that were not sent, and events that were not awaited, because their connection was
    /// lost before.
    pub skipped: usize,
    /// What was said differently, in the order of the trace.
    pub differences: Vec<Difference>,
}

impl Report {
    pub(super) fn differ(&mut self, line: usize, recorded: Option<&Entry>, said: Said) {
        self.differences.push(Difference {
            line,
            recorded: recorded.cloned(),
            said,
        });
    }
}

/// One thing that the server said otherwise than the trace has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line of the recorded entry; for something that was not recorded, the line of the request
    /// that brought it about.
    pub line: usize,
    /// The reply, event or act of the owner in the trace.
    pub recorded: Option<Entry>,
    /// What came instead.
    pub said: Said,
}

/// What a server said in place of a recorded entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Another reply or event. For an act of the server's owner: the reply of connection 0 to the request
    /// that was to do the same.
    Entry(Entry),
    /// Nothing.
    Nothing,
    /// No further word on this connection, and why.
    Lost(io::ErrorKind),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: recorded ", self.line)?;
        match &self.recorded {
            Some(entry) => write!(f, "{entry}")?,
            None => f.write_str("nothing")?,
        }
        write!(f, ", said {}", self.said)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Said::Entry(entry) => write!(f, "{entry}"),
            Said::Nothing => f.write_str("nothing"),
            Said::Lost(io::ErrorKind::TimedOut) => f.write_str("nothing for ten seconds"),
            Said::Lost(io::ErrorKind::UnexpectedEof) => f.write_str("nothing: it hung up"),
            Said::Lost(io::ErrorKind::InvalidData) => f.write_str("what is no reply"),
            Said::Lost(kind) => write!(f, "nothing: {kind}"),
        }
    }
}

/// Why a trace cannot be replayed to its end.
#[derive(Debug)]
pub enum ReplayError {
    /// A connection was not to be had.
    Open {
        /// The entry that needs it.
        line: usize,
        /// The domain it is to act for.
        domid: Domid,
        /// Why not.
        source: io::Error,
    },
    /// An entry names a connection that is not open there.
    NotOpen {
        /// The entry.
        line: usize,
        /// The connection.
        conn: u64,
    },
    /// A connection's number is used again while it is open.
    OpenTwice {
        /// The entry.
        line: usize,
        /// The connection.
        conn: u64,
    },
    /// A reply or event that follows no request it can belong to.
    Stray {
        /// The entry.
        line: usize,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Open {
                line,
                domid,
                source,
            } => write!(f, "line {line}: no connection for domain {domid}: {source}"),
            ReplayError::NotOpen { line, conn } => write!(
                f,
                "line {line}: connection {conn} is not open; wanted an \"open {conn} DOMID\" before it"
            ),
            ReplayError::OpenTwice { line, conn } => write!(
                f,
                "line {line}: connection {conn} is open already; wanted a number of its own"
            ),
            ReplayError::Stray { line } => write!(
                f,
                "line {line}: follows no request of its connection; wanted that request before it"
            ),
        }
    }
}

impl std::error::Error for ReplayError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ReplayError::Open { source, .. } => Some(source),
            _ => None,
        }
    }
}
