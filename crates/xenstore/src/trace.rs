//! What a server saw and said, as text that a person can read and a program can replay.
//!
//! ```text
//! xenstore-trace 1                                     format and version
//! open 3 0                                             connection 3, which acts for dom0
//! request 3 WATCH 0 "/local/domain/7\0token\0"         connection, kind, transaction, payload
//! reply 3 WATCH "OK\0"                                 the kind is ERROR if the request failed
//! event 3 "/local/domain/7\0token\0"                   for one of the watches of connection 3
//! introduce 7                                          by the server's owner, without a request
//! release 7
//! close 3
//! ```
//!
//! One entry is one line, in the order in which the store saw it: a request, its reply, the events
//! that it caused. Kinds have their names of `xs_wire.h`; one without a name is its number. A payload
//! is in quotes: printable ASCII as it is, `\0` a NUL byte, `\"` and `\\` the signs themselves, `\xff`
//! any other byte. Request ids are left out, they are the client's own.
//!
//! [`Server::spawn_recorded`](crate::Server::spawn_recorded) writes a trace, [`parse`] reads it, and
//! [`replay`] says it again to another server, over its [`Daemon::open`]; nothing else here does I/O.
//! Invariant: every [`Entry`] prints to one line that parses to an equal one, and [`parse`] returns on
//! any text.

mod error;
mod kind;
mod parser;
mod payload;
mod replay;

#[cfg(test)]
mod tests;

pub use error::ParseError;
pub use replay::{Daemon, Difference, Local, ReplayError, Report, Said, replay};

use std::fmt;

use crate::Domid;
use crate::wire::Kind;
use kind::KindName;
use payload::Quoted;

/// The first line of every trace: the format's name and its version.
pub const HEADER: &str = "xenstore-trace 1";

/// The line on which the first entry of a trace is.
pub const FIRST_LINE: usize = 2;

/// One line of a trace. Connections have numbers that are used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A connection was opened.
    Opened {
        /// Its number.
        conn: u64,
        /// The domain it acts for.
        domid: Domid,
    },
    /// A client asked.
    Request {
        /// The client's connection.
        conn: u64,
        /// What it asked for.
        kind: Kind,
        /// In which of the connection's transactions; 0 for none.
        tx_id: u32,
        /// The arguments, at most [`PAYLOAD_MAX`](crate::wire::PAYLOAD_MAX) bytes.
        payload: Vec<u8>,
    },
    /// The answer to the last request of a connection.
    Reply {
        /// The client's connection.
        conn: u64,
        /// The request's kind, or [`Kind::Error`].
        kind: Kind,
        /// The result, or the error's name.
        payload: Vec<u8>,
    },
    /// A watch of a connection fired.
    Event {
        /// The watcher's connection.
        conn: u64,
        /// Path and token, and what else the server tells.
        payload: Vec<u8>,
    },
    /// A connection was closed, by its client or by the server.
    Closed {
        /// Its number.
        conn: u64,
    },
    /// The server's owner made a domain known, without a request.
    Introduced(Domid),
    /// The server's owner made the server forget a domain, without a request.
    Released(Domid),
}

impl fmt::Display for Entry {
    /// The entry's line, without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Opened { conn, domid } => write!(f, "open {conn} {domid}"),
            Entry::Request {
                conn,
                kind,
                tx_id,
                payload,
            } => {
                let (kind, payload) = (KindName(*kind), Quoted(payload));
                write!(f, "request {conn} {kind} {tx_id} {payload}")
            }
            Entry::Reply {
                conn,
                kind,
                payload,
            } => {
                let (kind, payload) = (KindName(*kind), Quoted(payload));
                write!(f, "reply {conn} {kind} {payload}")
            }
            Entry::Event { conn, payload } => write!(f, "event {conn} {}", Quoted(payload)),
            Entry::Closed { conn } => write!(f, "close {conn}"),
            Entry::Introduced(domid) => write!(f, "introduce {domid}"),
            Entry::Released(domid) => write!(f, "release {domid}"),
        }
    }
}

/// Prints entries as a trace: the header, then a line for each.
pub fn print<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> String {
    let mut text = format!("{HEADER}\n");
    for entry in entries {
        text.push_str(&entry.to_string());
        text.push('\n');
    }
    text
}

/// Reads a trace. The n-th entry, counted from 0, is on line n + [`FIRST_LINE`].
///
/// # Errors
///
/// [`ParseError`] for the first line that is not as it must be. A last line without a newline is one:
/// its writer was cut off; [`whole_lines`] leaves it out.
pub fn parse(text: &str) -> Result<Vec<Entry>, ParseError> {
    let mut entries = Vec::new();
    let mut lines = text.split_inclusive('\n').zip(1..);
    let header = lines.next().map_or("", |(line, _)| line);
    if header.strip_suffix('\n') != Some(HEADER) {
        return Err(ParseError::new(1, HEADER, header.trim_end_matches('\n')));
    }
    for (line, number) in lines {
        let Some(line) = line.strip_suffix('\n') else {
            return Err(ParseError::new(number, "a newline at the line's end", line));
        };
        entries.push(parser::entry(line).map_err(|wrong| wrong.on(number))?);
    }
    Ok(entries)
}

/// The beginning of a trace up to its last newline: what is left when the writer was killed inside
/// a line.
pub fn whole_lines(text: &str) -> &str {
    let end = text.rfind('\n').map_or(0, |newline| newline + 1);
    text.get(..end).unwrap_or_default()
}
