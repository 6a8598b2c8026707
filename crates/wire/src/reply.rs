//! Replies.

use std::fmt;

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage as Message;

use crate::{Address, Link, Route};

/// What one message of the kernel says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A link.
    Link(Link),
    /// An address.
    Address(Address),
    /// A route.
    Route(Route),
    /// A message about something that this crate has no word for.
    Other,
    /// Done (an acknowledgement).
    Done {
        /// The dump was cut short by a change and must be asked for again (NLM_F_DUMP_INTR).
        interrupted: bool,
    },
    /// Refused.
    Refused {
        /// The errno, positive.
        errno: i32,
        /// The kernel's own words (NLMSGERR_ATTR_MSG), if it has any.
        text: Option<String>,
    },
}

/// A datagram that is not rtnetlink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Where in the datagram the message starts, in bytes.
    pub offset: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "netlink message at byte {}: {}",
            self.offset, self.reason
        )
    }
}

impl std::error::Error for DecodeError {}

const NLM_F_DUMP_INTR: u16 = 0x10;
const HEADER: usize = 16;

/// Takes a datagram apart: each reply with its sequence number.
///
/// # Errors
/// [`DecodeError`] for the first message that cannot be read.
pub fn decode(datagram: &[u8]) -> Result<Vec<(u32, Reply)>, DecodeError> {
    let mut replies = Vec::new();
    let mut interrupted = false;
    let mut offset = 0;
    while offset + HEADER <= datagram.len() {
        let wrong = |reason: String| DecodeError { offset, reason };
        let rest = &datagram[offset..];
        let length = usize::try_from(u32::from_ne_bytes([rest[0], rest[1], rest[2], rest[3]]))
            .unwrap_or(usize::MAX);
        if length < HEADER || length > rest.len() {
            return Err(wrong(format!(
                "its length is {length}, of {} bytes that came",
                rest.len()
            )));
        }
        let message = NetlinkMessage::<Message>::deserialize(&rest[..length])
            .map_err(|e| wrong(e.to_string()))?;
        interrupted |= message.header.flags & NLM_F_DUMP_INTR != 0;
        let reply = match message.payload {
            NetlinkPayload::Error(error) => match error.code {
                None => Reply::Done { interrupted },
                Some(code) => Reply::Refused {
                    errno: code.get().checked_neg().unwrap_or(i32::MAX),
                    text: own_words(&rest[..length]),
                },
            },
            // The end of a dump carries an errno too (netlink_dump_done, net/netlink/af_netlink.c).
            NetlinkPayload::Done(done) if done.code < 0 => Reply::Refused {
                errno: done.code.checked_neg().unwrap_or(i32::MAX),
                text: None,
            },
            NetlinkPayload::Done(_) => Reply::Done { interrupted },
            NetlinkPayload::InnerMessage(Message::NewLink(link)) => {
                Reply::Link(Link::from_message(link))
            }
            NetlinkPayload::InnerMessage(Message::NewAddress(address)) => {
                Address::from_message(address).map_or(Reply::Other, Reply::Address)
            }
            NetlinkPayload::InnerMessage(Message::NewRoute(route)) => {
                Route::from_message(route).map_or(Reply::Other, Reply::Route)
            }
            _ => Reply::Other,
        };
        replies.push((message.header.sequence_number, reply));
        offset += length.next_multiple_of(4);
    }
    Ok(replies)
}

/// The text behind an error: header, errno, the header of the refused request (which is capped,
/// as the socket asks), then attributes, of which number 1 is a text with a NUL.
fn own_words(message: &[u8]) -> Option<String> {
    const CAPPED: usize = HEADER + 4 + HEADER;
    let mut rest = message.get(CAPPED..)?;
    while let [l0, l1, t0, t1, ..] = *rest {
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = rest.get(4..length)?;
        if u16::from_ne_bytes([t0, t1]) & 0x3fff == 1 {
            let text = String::from_utf8_lossy(value);
            return Some(text.trim_end_matches('\0').to_owned());
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests;
