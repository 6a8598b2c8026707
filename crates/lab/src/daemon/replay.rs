//! A trace from a file, said again to the daemon behind some sockets.
//!
//! Invariant: nothing is sent unless the whole file is a trace and every domain in it has a socket.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde::Serialize;
use xenwire_xenstore::Domid;
use xenwire_xenstore::client::Transport;
use xenwire_xenstore::trace::{self, Difference, Entry, Said};

use super::{DaemonError, DomainSocket};

/// How a replay went, for a person and as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// The form of this value in JSON.
    pub version: u32,
    /// Requests that were sent.
    pub requests: usize,
    /// Entries that were passed over because their connection was lost before.
    pub skipped: usize,
    /// Whether the file's last line was cut off, and left out.
    pub cut_off: bool,
    /// What the daemon said differently, in the order of the file.
    pub differences: Vec<ReplayedDifference>,
}

/// One difference, with the entries as they are in a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayedDifference {
    /// The line in the file.
    pub line: usize,
    /// The line's text; none for what the daemon said beyond the trace.
    pub recorded: Option<String>,
    /// What the daemon said, as a trace would have it; none if it said nothing.
    pub said: Option<String>,
    /// All of it in one line, for a person.
    pub text: String,
}

impl From<&Difference> for ReplayedDifference {
    fn from(difference: &Difference) -> ReplayedDifference {
        ReplayedDifference {
            line: difference.line,
            recorded: difference.recorded.as_ref().map(ToString::to_string),
            said: match &difference.said {
                Said::Entry(entry) => Some(entry.to_string()),
                Said::Nothing | Said::Lost(_) => None,
            },
            text: difference.to_string(),
        }
    }
}

/// Says a trace again to the daemon behind these sockets, dom0's among them.
///
/// # Errors
///
/// [`DaemonError`] if the file is no trace, a domain has no socket, or a socket no listener.
pub fn replay(path: &Path, sockets: &[DomainSocket]) -> Result<Replayed, DaemonError> {
    let bytes = std::fs::read(path).map_err(|source| DaemonError::Read {
        path: path.to_owned(),
        source,
    })?;
    // A trace is ASCII; what is not becomes a sign that its line is refused for.
    let text = String::from_utf8_lossy(&bytes);
    let whole = trace::whole_lines(&text);
    let entries = trace::parse(whole).map_err(|source| DaemonError::Parse {
        path: path.to_owned(),
        source,
    })?;
    let domids = without_socket(&entries, sockets);
    if !domids.is_empty() {
        return Err(DaemonError::NoSocket {
            path: path.to_owned(),
            domids,
        });
    }
    let mut open = |domid: Domid| -> io::Result<Box<dyn Transport>> {
        let socket = sockets.iter().find(|socket| socket.domid == domid);
        let socket = socket.ok_or(io::ErrorKind::NotFound)?;
        let stream = UnixStream::connect(&socket.path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", socket.path.display()))
        })?;
        Ok(Box::new(stream))
    };
    let report = trace::replay(&entries, &mut open).map_err(|source| DaemonError::Replay {
        path: path.to_owned(),
        source,
    })?;
    Ok(Replayed {
        version: 1,
        requests: report.requests,
        skipped: report.skipped,
        cut_off: whole.len() < text.len(),
        differences: report.differences.iter().map(Into::into).collect(),
    })
}

/// Domains with connections in the trace for which no socket was given.
fn without_socket(entries: &[Entry], sockets: &[DomainSocket]) -> Vec<Domid> {
    let opened = entries.iter().filter_map(|entry| match entry {
        Entry::Opened { domid, .. } => Some(*domid),
        _ => None,
    });
    let mut missing: Vec<Domid> = opened
        .filter(|domid| sockets.iter().all(|socket| socket.domid != *domid))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}
