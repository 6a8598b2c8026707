//! The bytes on the stream: packets, their kinds, and a decoder that is fed piece by piece.
//!
//! ```text
//!  0        4        8        12       16
//!  +--------+--------+--------+--------+-----------------+
//!  | kind   | req_id | tx_id  | length | payload         |   four native-endian u32,
//!  +--------+--------+--------+--------+-----------------+   then at most 4096 bytes
//! ```
//!
//! Nothing here does I/O or knows what a node is. Invariant: no input makes the decoder panic or
//! hold more than the bytes of one incomplete packet beyond what it was fed, and every packet it
//! returns encodes to the bytes it came from.
//!
//! Source: the framing of `xen/include/public/io/xs_wire.h`.

mod error_name;
mod request;

#[cfg(test)]
mod tests;

pub use error_name::ErrorName;
pub use request::Request;

use std::fmt;

/// Bytes of the header before every payload.
pub const HEADER_LEN: usize = 16;

/// Longest payload, in both directions (`XENSTORE_PAYLOAD_MAX`).
pub const PAYLOAD_MAX: usize = 4096;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What a packet is: the first word of its header.
        ///
        /// A number that this version does not know is kept, so that it can be answered.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
            /// A number outside the table.
            Unknown(u32),
        }

        impl Kind {
            /// Reads a header word; every number has a kind.
            pub fn from_number(number: u32) -> Kind {
                match number {
                    $($number => Kind::$name,)*
                    other => Kind::Unknown(other),
                }
            }

            /// The number on the wire.
            pub fn number(self) -> u32 {
                match self {
                    $(Kind::$name => $number,)*
                    Kind::Unknown(number) => number,
                }
            }
        }
    };
}

kinds! {
    /// A command to the server itself; formerly DEBUG.
    Control = 0,
    /// Names of a node's children.
    Directory = 1,
    /// The value of a node.
    Read = 2,
    /// The permissions of a node.
    GetPerms = 3,
    /// Ask for events about a path and everything below it.
    Watch = 4,
    /// Take a watch back.
    Unwatch = 5,
    /// Open a transaction.
    TransactionStart = 6,
    /// Commit (`T`) or drop (`F`) a transaction.
    TransactionEnd = 7,
    /// Make a domain known to the server.
    Introduce = 8,
    /// Make the server forget a domain.
    Release = 9,
    /// The path relative paths of a domain start from.
    GetDomainPath = 10,
    /// Set a node's value, creating it and its parents.
    Write = 11,
    /// Create an empty node and its parents.
    Mkdir = 12,
    /// Remove a node and everything below it.
    Rm = 13,
    /// Replace a node's permissions.
    SetPerms = 14,
    /// Sent by the server only: something under a watched path changed.
    WatchEvent = 15,
    /// Sent by the server only: the request failed, the payload names why.
    Error = 16,
    /// Whether a domain was introduced.
    IsDomainIntroduced = 17,
    /// Forget that a domain has shut down.
    Resume = 18,
    /// Let one domain act for another (a device model for its guest).
    SetTarget = 19,
    /// Drop all watches and transactions of the connection.
    ResetWatches = 21,
    /// A slice of a list of children that is too long for [`Kind::Directory`].
    DirectoryPart = 22,
    /// Features of the server, or those granted to a domain.
    GetFeature = 23,
    /// Set the features granted to a domain.
    SetFeature = 24,
    /// Quotas (Xen 4.21 and later).
    GetQuota = 25,
    /// Set a quota (Xen 4.21 and later).
    SetQuota = 26,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Unknown(number) => write!(f, "request type {number}"),
            known => write!(f, "{known:?}"),
        }
    }
}

/// One message, request or reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it is.
    pub kind: Kind,
    /// Chosen by the client and repeated in the reply; 0 in a watch event.
    pub req_id: u32,
    /// The transaction it belongs to; 0 for none.
    pub tx_id: u32,
    /// At most [`PAYLOAD_MAX`] bytes.
    pub payload: Vec<u8>,
}

impl Packet {
    /// The answer to this packet: the same kind and ids, with another payload.
    pub fn reply(&self, payload: Vec<u8>) -> Packet {
        Packet {
            kind: self.kind,
            req_id: self.req_id,
            tx_id: self.tx_id,
            payload,
        }
    }

    /// The answer that says why this packet's request failed.
    pub fn failure(&self, error: ErrorName) -> Packet {
        Packet {
            kind: Kind::Error,
            req_id: self.req_id,
            tx_id: self.tx_id,
            payload: terminated([error.as_str()]),
        }
    }

    /// An event for a watch; `None` when path and token do not fit into one packet.
    pub fn watch_event(path: &str, token: &[u8]) -> Option<Packet> {
        let mut payload = terminated([path]);
        payload.extend_from_slice(token);
        payload.push(0);
        (payload.len() <= PAYLOAD_MAX).then_some(Packet {
            kind: Kind::WatchEvent,
            req_id: 0,
            tx_id: 0,
            payload,
        })
    }

    /// Appends the packet's bytes to `out`.
    ///
    /// # Errors
    ///
    /// [`PayloadTooLong`] if the payload exceeds [`PAYLOAD_MAX`]; `out` is then left as it was.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), PayloadTooLong> {
        let too_long = PayloadTooLong {
            kind: self.kind,
            length: self.payload.len(),
        };
        if self.payload.len() > PAYLOAD_MAX {
            return Err(too_long);
        }
        let length = u32::try_from(self.payload.len()).map_err(|_| too_long)?;
        for word in [self.kind.number(), self.req_id, self.tx_id, length] {
            out.extend_from_slice(&word.to_ne_bytes());
        }
        out.extend_from_slice(&self.payload);
        Ok(())
    }
}

/// Joins strings the way most payloads are laid out: each followed by a NUL byte.
pub fn terminated<S: AsRef<[u8]>>(strings: impl IntoIterator<Item = S>) -> Vec<u8> {
    let mut payload = Vec::new();
    for string in strings {
        payload.extend_from_slice(string.as_ref());
        payload.push(0);
    }
    payload
}

/// Splits a payload of NUL-terminated strings; `None` if the last one is not terminated.
///
/// An empty payload is an empty list.
pub fn split_terminated(payload: &[u8]) -> Option<Vec<&[u8]>> {
    if payload.is_empty() {
        return Some(Vec::new());
    }
    let body = payload.strip_suffix(&[0])?;
    Some(body.split(|byte| *byte == 0).collect())
}

/// A payload that no packet can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadTooLong {
    /// The kind of the packet.
    pub kind: Kind,
    /// Its payload's length in bytes.
    pub length: usize,
}

impl fmt::Display for PayloadTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PayloadTooLong { kind, length } = self;
        write!(
            f,
            "{kind}: a payload of {length} bytes; a xenstore packet carries at most {PAYLOAD_MAX}"
        )
    }
}

impl std::error::Error for PayloadTooLong {}

/// Takes bytes as they arrive and returns the packets in them.
///
/// After an error the stream has no more packet boundaries to find: the connection is to be closed.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// Everything before this offset was returned already.
    start: usize,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Adds bytes from the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        // What was returned is dropped once per feed, not once per packet: a burst of small
        // packets is moved in memory once.
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole packet, or `None` until more bytes are fed.
    ///
    /// # Errors
    ///
    /// [`PayloadTooLong`] if a header announces more than [`PAYLOAD_MAX`] bytes.
    #[expect(
        clippy::should_implement_trait,
        reason = "it reports errors and can go on after None"
    )]
    pub fn next(&mut self) -> Result<Option<Packet>, PayloadTooLong> {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let Some((header, rest)) = rest.split_first_chunk::<HEADER_LEN>() else {
            return Ok(None);
        };
        let [kind, req_id, tx_id, length] = words(header);
        let kind = Kind::from_number(kind);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > PAYLOAD_MAX {
            return Err(PayloadTooLong { kind, length });
        }
        let Some(payload) = rest.get(..length) else {
            return Ok(None);
        };
        let payload = payload.to_vec();
        self.start += HEADER_LEN + length;
        Ok(Some(Packet {
            kind,
            req_id,
            tx_id,
            payload,
        }))
    }
}

fn words(header: &[u8; HEADER_LEN]) -> [u32; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(header.as_chunks::<4>().0) {
        *word = u32::from_ne_bytes(*bytes);
    }
    words
}
