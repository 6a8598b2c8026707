//! Requests. A [`Verb`] changes the kernel, a [`Query`] never does; they are two types so that
//! whoever holds a query cannot send a change by mistake.

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};
use netlink_packet_route::route::{RouteAttribute, RouteMessage};

use crate::{Address, Link, Route};

/// A change. Each asks for an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// RTM_NEWLINK with NLM_F_CREATE | NLM_F_EXCL: fails if a link of that name is there.
    CreateLink(Link),
    /// RTM_SETLINK. Not a transaction: the kernel changes address, MTU, name, master, flags in
    /// this order and stops at the first that fails (net/core/rtnetlink.c, do_setlink).
    SetLink(Link),
    /// RTM_DELLINK.
    DeleteLink(Link),
    /// RTM_NEWADDR with NLM_F_CREATE | NLM_F_EXCL.
    AddAddress(Address),
    /// RTM_DELADDR.
    DeleteAddress(Address),
    /// RTM_NEWROUTE with NLM_F_CREATE | NLM_F_EXCL.
    AddRoute(Route),
    /// RTM_DELROUTE.
    DeleteRoute(Route),
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// One link, by name.
    Link(String),
    /// One link, by index.
    LinkNumbered(u32),
    /// All links.
    Links,
    /// Addresses of all links, or with a strict kernel (5.0 and later) of one, by index.
    Addresses(Option<u32>),
    /// Routes of all tables and both families, or with a strict kernel those that leave by one
    /// link, by index.
    Routes {
        /// IPv6, not IPv4.
        ipv6: bool,
        /// The link.
        index: Option<u32>,
    },
}

impl Verb {
    /// The datagram, with this sequence number.
    pub fn encode(&self, sequence: u32) -> Vec<u8> {
        let create = NLM_F_CREATE | NLM_F_EXCL;
        let (message, flags) = match self {
            Self::CreateLink(link) => (Message::NewLink(link.to_message()), create),
            Self::SetLink(link) => (Message::SetLink(link.to_message()), 0),
            Self::DeleteLink(link) => (Message::DelLink(link.to_message()), 0),
            Self::AddAddress(address) => (Message::NewAddress(address.to_message()), create),
            Self::DeleteAddress(address) => (Message::DelAddress(address.to_message()), 0),
            Self::AddRoute(route) => (Message::NewRoute(route.to_message()), create),
            Self::DeleteRoute(route) => (Message::DelRoute(route.to_message()), 0),
        };
        encode(message, flags | NLM_F_ACK, sequence)
    }
}

impl Query {
    /// Whether the answer comes in several messages and an end.
    pub fn is_dump(&self) -> bool {
        !matches!(self, Self::Link(_) | Self::LinkNumbered(_))
    }

    /// The datagram, with this sequence number.
    pub fn encode(&self, sequence: u32) -> Vec<u8> {
        // Without the statistics (RTEXT_FILTER_SKIP_STATS) an answer is half as long.
        let no_statistics = LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]);
        let message = match self {
            Self::Link(name) => {
                let mut link = LinkMessage::default();
                link.attributes
                    .extend([LinkAttribute::IfName(name.clone()), no_statistics]);
                Message::GetLink(link)
            }
            Self::LinkNumbered(index) => {
                let mut link = LinkMessage::default();
                link.header.index = *index;
                link.attributes.push(no_statistics);
                Message::GetLink(link)
            }
            Self::Links => {
                let mut link = LinkMessage::default();
                link.attributes.push(no_statistics);
                Message::GetLink(link)
            }
            Self::Addresses(index) => {
                let mut address = AddressMessage::default();
                address.header.index = index.unwrap_or(0);
                Message::GetAddress(address)
            }
            Self::Routes { ipv6, index } => {
                let mut route = RouteMessage::default();
                route.header.address_family = if *ipv6 {
                    AddressFamily::Inet6
                } else {
                    AddressFamily::Inet
                };
                route.attributes.extend(index.map(RouteAttribute::Oif));
                Message::GetRoute(route)
            }
        };
        let flags = if self.is_dump() { NLM_F_DUMP } else { 0 };
        encode(message, flags, sequence)
    }
}

fn encode(message: Message, flags: u16, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}
