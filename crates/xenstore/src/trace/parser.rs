//! One line of a trace, read.
//!
//! Invariant: total; a line is an entry or says which word was wanted where another was found.

use std::str::FromStr;

use super::{Entry, ParseError, kind, payload};
use crate::wire::PAYLOAD_MAX;

const ENTRY: &str = "open, request, reply, event, close, introduce or release";
const CONN: &str = "a connection's number";
const DOMID: &str = "a domid, 0 to 65535";
const KIND: &str = "a request's name as in xs_wire.h, or its number";
const TX_ID: &str = "a transaction's number, 0 for none";
const PAYLOAD: &str = "a payload in quotes, at most 4096 bytes";
const END: &str = "the end of the line";

/// A word that is not the wanted one.
pub(super) struct Wrong<'a> {
    wanted: &'static str,
    found: &'a str,
}

impl Wrong<'_> {
    pub(super) fn on(self, line: usize) -> ParseError {
        ParseError::new(line, self.wanted, self.found)
    }
}

/// Reads a line without its newline.
pub(super) fn entry(line: &str) -> Result<Entry, Wrong<'_>> {
    let mut words = Words(line);
    Ok(match words.word() {
        "open" => Entry::Opened {
            conn: words.number(CONN)?,
            domid: words.last(DOMID)?,
        },
        "request" => Entry::Request {
            conn: words.number(CONN)?,
            kind: words.kind()?,
            tx_id: words.number(TX_ID)?,
            payload: words.payload()?,
        },
        "reply" => Entry::Reply {
            conn: words.number(CONN)?,
            kind: words.kind()?,
            payload: words.payload()?,
        },
        "event" => Entry::Event {
            conn: words.number(CONN)?,
            payload: words.payload()?,
        },
        "close" => Entry::Closed {
            conn: words.last(CONN)?,
        },
        "introduce" => Entry::Introduced(words.last(DOMID)?),
        "release" => Entry::Released(words.last(DOMID)?),
        found => {
            return Err(Wrong {
                wanted: ENTRY,
                found,
            });
        }
    })
}

/// The rest of a line. Words are one space apart.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn word(&mut self) -> &'a str {
        let (word, rest) = self.0.split_once(' ').unwrap_or((self.0, ""));
        self.0 = rest;
        word
    }

    fn number<T: FromStr>(&mut self, wanted: &'static str) -> Result<T, Wrong<'a>> {
        let found = self.word();
        // Rust reads "+7" as a number; it is not printed so, and a trace has one way to say a thing.
        found
            .parse()
            .ok()
            .filter(|_| !found.starts_with('+'))
            .ok_or(Wrong { wanted, found })
    }

    /// The number that ends the line.
    fn last<T: FromStr>(&mut self, wanted: &'static str) -> Result<T, Wrong<'a>> {
        let number = self.number(wanted)?;
        match self.0 {
            "" => Ok(number),
            found => Err(Wrong { wanted: END, found }),
        }
    }

    fn kind(&mut self) -> Result<crate::wire::Kind, Wrong<'a>> {
        let found = self.word();
        kind::parse(found).ok_or(Wrong {
            wanted: KIND,
            found,
        })
    }

    /// The payload, which ends the line.
    fn payload(&mut self) -> Result<Vec<u8>, Wrong<'a>> {
        payload::unquote(self.0)
            .filter(|bytes| bytes.len() <= PAYLOAD_MAX)
            .ok_or(Wrong {
                wanted: PAYLOAD,
                found: self.0,
            })
    }
}
