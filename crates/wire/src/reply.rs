//! Replies.

use std::collections::BTreeMap;
use std::fmt;

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage as Message;

use crate::attribute::{as_text, split};
use crate::feature::{self, Said};
use crate::{Address, Link, Neighbour, PortVlan, Protocol, Route, Rule, neighbour, nft};

/// What one message of the kernel says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A link.
    Link(Link),
    /// An address.
    Address(Address),
    /// A route.
    Route(Route),
    /// A policy rule.
    Rule(Rule),
    /// A neighbour or a proxy.
    Neighbour(Neighbour),
    /// A MAC that a bridge has learned.
    Learned {
        /// The index of its port.
        index: u32,
        /// The MAC.
        mac: [u8; 6],
    },
    /// VLANs of a port.
    PortVlans(Vec<PortVlan>),
    /// The number of a generic family.
    Family(u16),
    /// The offload settings of a link that can be changed, and whether they are wished for.
    Features(BTreeMap<String, bool>),
    /// A table of packet filters, or elements of a set.
    Filter(nft::Said),
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
/// The numbers of messages that say what is there.
const RTM_NEWROUTE: u16 = 24;
const RTM_NEWNEIGH: u16 = 28;
const RTM_NEWRULE: u16 = 32;
const RTM_NEWVLAN: u16 = 112;
/// Smaller ones are netlink's own: NLMSG_ERROR, NLMSG_DONE (NLMSG_MIN_TYPE).
const NLMSG_MIN_TYPE: u16 = 16;

/// Takes a datagram of a protocol apart: each reply with its sequence number.
///
/// # Errors
/// [`DecodeError`] for the first message that cannot be read.
pub fn decode(protocol: Protocol, datagram: &[u8]) -> Result<Vec<(u32, Reply)>, DecodeError> {
    let mut replies = Vec::new();
    let mut interrupted = false;
    let mut offset = 0;
    while let Some((header, _)) = datagram[offset..].split_first_chunk::<HEADER>() {
        let wrong = |reason: String| DecodeError { offset, reason };
        let [l0, l1, l2, l3, t0, t1, f0, f1, s0, s1, s2, s3, ..] = *header;
        let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        let came = datagram.len() - offset;
        if length < HEADER || length > came {
            return Err(wrong(format!(
                "its length is {length}, of {came} bytes that came"
            )));
        }
        let message = &datagram[offset..offset + length];
        let kind = u16::from_ne_bytes([t0, t1]);
        interrupted |= u16::from_ne_bytes([f0, f1]) & NLM_F_DUMP_INTR != 0;
        let reply = match (protocol, kind) {
            (Protocol::Generic, NLMSG_MIN_TYPE..) => of_generic(kind, &message[HEADER..]),
            (Protocol::Netfilter, NLMSG_MIN_TYPE..) => nft::read(kind, &message[HEADER..])
                .map(|said| said.map_or(Reply::Other, Reply::Filter)),
            _ => of_route(kind, message, interrupted),
        };
        let sequence = u32::from_ne_bytes([s0, s1, s2, s3]);
        replies.push((sequence, reply.map_err(wrong)?));
        offset = (offset + length.next_multiple_of(4)).min(datagram.len());
    }
    Ok(replies)
}

fn of_generic(family: u16, payload: &[u8]) -> Result<Reply, String> {
    Ok(match feature::read(family, payload)? {
        Said::Family(number) => Reply::Family(number),
        Said::Features(features) => Reply::Features(features),
        Said::Nothing => Reply::Other,
    })
}

fn of_route(kind: u16, message: &[u8], interrupted: bool) -> Result<Reply, String> {
    let payload = &message[HEADER..];
    match kind {
        RTM_NEWROUTE => return Ok(Route::from_bytes(payload)?.map_or(Reply::Other, Reply::Route)),
        RTM_NEWRULE => return Ok(Rule::from_bytes(payload)?.map_or(Reply::Other, Reply::Rule)),
        RTM_NEWVLAN => return PortVlan::from_bytes(payload).map(Reply::PortVlans),
        RTM_NEWNEIGH => {
            if let Some((index, mac)) = neighbour::learned(payload)? {
                return Ok(Reply::Learned { index, mac });
            }
            let neighbour = Neighbour::from_bytes(payload)?;
            return Ok(neighbour.map_or(Reply::Other, Reply::Neighbour));
        }
        _ => {}
    }
    let decoded =
        NetlinkMessage::<Message>::deserialize(message).map_err(|error| error.to_string())?;
    Ok(match decoded.payload {
        NetlinkPayload::Error(error) => match error.code {
            None => Reply::Done { interrupted },
            Some(code) => Reply::Refused {
                errno: code.get().checked_neg().unwrap_or(i32::MAX),
                text: own_words(message),
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
        _ => Reply::Other,
    })
}

/// The text behind an error: header, errno, the header of the refused request (which is capped,
/// as the socket asks), then attributes, of which number 1 is a text with a NUL.
fn own_words(message: &[u8]) -> Option<String> {
    const CAPPED: usize = HEADER + 4 + HEADER;
    let attributes = split(message.get(CAPPED..)?).ok()?;
    let text = attributes.iter().find(|(kind, _)| *kind == 1);
    text.map(|(_, value)| as_text(value))
}

#[cfg(test)]
mod tests;
