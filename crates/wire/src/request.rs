//! Requests. A [`Verb`] changes the kernel, a [`Query`] never does; they are two types so that
//! whoever holds a query cannot send a change by mistake.

use std::net::IpAddr;

use netlink_packet_core::{
    Emitable, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE,
    NLM_F_REQUEST,
};
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};

use crate::attribute::family_number;
use crate::{
    Address, Link, Neighbour, PortVlan, Route, Rule, feature, neighbour, nft, port_vlan, route,
};

/// Which of netlink's protocols a message is of: each has a socket of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// NETLINK_ROUTE.
    Route,
    /// NETLINK_GENERIC.
    Generic,
    /// NETLINK_NETFILTER.
    Netfilter,
}

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
    /// RTM_NEWADDR with NLM_F_REPLACE: other flags and lifetimes for an address that is there.
    ReplaceAddress(Address),
    /// RTM_NEWROUTE with NLM_F_CREATE | NLM_F_APPEND: fails if exactly this route is there. With
    /// NLM_F_EXCL another route of the same destination and metric would be in the way too
    /// (fib_table_insert, net/ipv4/fib_trie.c; fib6_add_rt2node, net/ipv6/ip6_fib.c).
    AddRoute(Route),
    /// RTM_DELROUTE.
    DeleteRoute(Route),
    /// RTM_NEWRULE with NLM_F_CREATE | NLM_F_EXCL.
    AddRule(Rule),
    /// RTM_DELRULE.
    DeleteRule(Rule),
    /// RTM_NEWNEIGH with NLM_F_CREATE | NLM_F_REPLACE: what the kernel has learnt by itself is no
    /// obstacle.
    AddNeighbour(Neighbour),
    /// RTM_DELNEIGH.
    DeleteNeighbour(Neighbour),
    /// RTM_SETLINK of AF_BRIDGE: a port carries these VLANs, in this way.
    AddPortVlan(PortVlan),
    /// RTM_DELLINK of AF_BRIDGE: a port carries them no more.
    DeletePortVlan(PortVlan),
    /// ETHTOOL_MSG_FEATURES_SET.
    SetFeature {
        /// The number of the family `ethtool`.
        family: u16,
        /// The link's index.
        index: u32,
        /// The kernel's word for it.
        name: String,
        /// Whether it is to be on.
        on: bool,
    },
    /// Changes of packet filters. Its messages have two numbers, the given one and the one before.
    Filter(nft::Batch),
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
    /// Policy rules.
    Rules {
        /// IPv6, not IPv4.
        ipv6: bool,
    },
    /// Neighbours of all links and both families.
    Neighbours {
        /// Those that a link answers for, not those that it knows.
        proxies: bool,
    },
    /// What all bridges have learned.
    Learned,
    /// VLANs of one port, by index, or of all ports (Linux 5.6 and later).
    PortVlans(Option<u32>),
    /// One address that a link may answer for. ENOENT if it does not; a kernel before 5.0 cannot be
    /// asked for one (neigh_get, net/core/neighbour.c) and says EOPNOTSUPP.
    Proxy {
        /// The link.
        index: u32,
        /// The address.
        to: IpAddr,
    },
    /// The number of the generic family `ethtool`.
    EthtoolFamily,
    /// The offload settings of a link.
    Features {
        /// The number of the family `ethtool`.
        family: u16,
        /// The link's index.
        index: u32,
    },
    /// A table of packet filters.
    Table {
        /// Its family.
        family: nft::Family,
        /// Its name.
        name: String,
    },
    /// All tables of packet filters.
    Tables,
    /// A chain of such a table.
    Chain {
        /// The family of the table.
        family: nft::Family,
        /// The table.
        table: String,
        /// Its name.
        name: String,
    },
    /// The rules of a chain, in their order; none if there is no such chain.
    FilterRules {
        /// The family of the table.
        family: nft::Family,
        /// The table.
        table: String,
        /// The chain.
        chain: String,
    },
    /// Elements of a set of such a table.
    Elements {
        /// The family of the table.
        family: nft::Family,
        /// The table.
        table: String,
        /// The set.
        set: String,
        /// The key of the one that is wanted; none for all.
        key: Option<Vec<u8>>,
    },
    /// The number of the present ruleset of packet filters.
    Generation,
}

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const RTM_SETLINK: u16 = 19;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
const RTM_GETROUTE: u16 = 26;
const RTM_NEWNEIGH: u16 = 28;
const RTM_DELNEIGH: u16 = 29;
const RTM_GETNEIGH: u16 = 30;
const RTM_NEWRULE: u16 = 32;
const RTM_DELRULE: u16 = 33;
const RTM_GETRULE: u16 = 34;
const RTM_GETVLAN: u16 = 114;

impl Verb {
    /// The protocol of its socket.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::SetFeature { .. } => Protocol::Generic,
            Self::Filter(_) => Protocol::Netfilter,
            _ => Protocol::Route,
        }
    }

    /// The datagram, with this sequence number.
    pub fn encode(&self, sequence: u32) -> Vec<u8> {
        let create = NLM_F_CREATE | NLM_F_EXCL;
        let (kind, flags, payload) = match self {
            Self::CreateLink(link) => (RTM_NEWLINK, create, emitted(&link.to_message())),
            Self::SetLink(link) => (RTM_SETLINK, 0, emitted(&link.to_message())),
            Self::DeleteLink(link) => (RTM_DELLINK, 0, emitted(&link.to_message())),
            Self::AddAddress(address) => (RTM_NEWADDR, create, emitted(&address.to_message())),
            Self::DeleteAddress(address) => (RTM_DELADDR, 0, emitted(&address.to_message())),
            Self::ReplaceAddress(address) => {
                (RTM_NEWADDR, NLM_F_REPLACE, emitted(&address.to_message()))
            }
            Self::AddRoute(route) => (RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, route.to_bytes()),
            Self::DeleteRoute(route) => (RTM_DELROUTE, 0, route.to_identifying_bytes()),
            Self::AddRule(rule) => (RTM_NEWRULE, create, rule.to_bytes()),
            Self::DeleteRule(rule) => (RTM_DELRULE, 0, rule.to_bytes()),
            Self::AddNeighbour(neighbour) => {
                let flags = NLM_F_CREATE | NLM_F_REPLACE;
                (RTM_NEWNEIGH, flags, neighbour.to_bytes())
            }
            Self::DeleteNeighbour(neighbour) => (RTM_DELNEIGH, 0, neighbour.to_bytes()),
            Self::AddPortVlan(vlan) => (RTM_SETLINK, 0, vlan.to_bytes()),
            Self::DeletePortVlan(vlan) => (RTM_DELLINK, 0, vlan.to_bytes()),
            Self::SetFeature {
                family,
                index,
                name,
                on,
            } => (*family, 0, feature::change(*index, name, *on)),
            Self::Filter(batch) => return batch.encode(sequence),
        };
        framed(kind, flags | NLM_F_ACK, sequence, &payload)
    }
}

impl Query {
    /// The protocol of its socket.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::EthtoolFamily | Self::Features { .. } => Protocol::Generic,
            Self::Table { .. }
            | Self::Tables
            | Self::Chain { .. }
            | Self::FilterRules { .. }
            | Self::Elements { .. }
            | Self::Generation => Protocol::Netfilter,
            _ => Protocol::Route,
        }
    }

    /// Whether the answer comes in several messages and an end.
    pub fn is_dump(&self) -> bool {
        match self {
            Self::Link(_)
            | Self::LinkNumbered(_)
            | Self::Proxy { .. }
            | Self::EthtoolFamily
            | Self::Features { .. }
            | Self::Table { .. }
            | Self::Chain { .. }
            | Self::Generation => false,
            Self::Elements { key, .. } => key.is_none(),
            Self::Links
            | Self::Addresses(_)
            | Self::Routes { .. }
            | Self::Rules { .. }
            | Self::Neighbours { .. }
            | Self::Learned
            | Self::Tables
            | Self::FilterRules { .. }
            | Self::PortVlans(_) => true,
        }
    }

    /// The datagram, with this sequence number.
    pub fn encode(&self, sequence: u32) -> Vec<u8> {
        let (kind, payload) = match self {
            Self::Link(name) => {
                let name = LinkAttribute::IfName(name.clone());
                (RTM_GETLINK, link_query(0, Some(name)))
            }
            Self::LinkNumbered(index) => (RTM_GETLINK, link_query(*index, None)),
            Self::Links => (RTM_GETLINK, link_query(0, None)),
            Self::Addresses(index) => {
                let mut address = AddressMessage::default();
                address.header.index = index.unwrap_or(0);
                (RTM_GETADDR, emitted(&address))
            }
            Self::Routes { ipv6, index } => (RTM_GETROUTE, route::query(*ipv6, *index)),
            Self::Rules { ipv6 } => {
                let mut header = vec![0; 12];
                header[0] = family_number(*ipv6);
                (RTM_GETRULE, header)
            }
            Self::Neighbours { proxies } => (RTM_GETNEIGH, neighbour::query(*proxies)),
            Self::Learned => (RTM_GETNEIGH, neighbour::learned_query()),
            Self::PortVlans(index) => (RTM_GETVLAN, port_vlan::query(*index)),
            Self::Proxy { index, to } => (RTM_GETNEIGH, neighbour::proxy_query(*index, *to)),
            Self::EthtoolFamily => (feature::CONTROL, feature::family_query()),
            Self::Features { family, index } => (*family, feature::query(*index)),
            Self::Table { family, name } => {
                (nft::kind(nft::GETTABLE), nft::table_query(*family, name))
            }
            Self::Tables => (nft::kind(nft::GETTABLE), nft::tables_query()),
            Self::Chain {
                family,
                table,
                name,
            } => {
                let query = nft::chain_query(*family, table, name);
                (nft::kind(nft::GETCHAIN), query)
            }
            Self::FilterRules {
                family,
                table,
                chain,
            } => {
                let query = nft::rules_query(*family, table, chain);
                (nft::kind(nft::GETRULE), query)
            }
            Self::Elements {
                family,
                table,
                set,
                key,
            } => {
                let element = key.clone().map(nft::Element::new);
                let query = nft::element_query(*family, table, set, element.as_ref());
                (nft::kind(nft::GETSETELEM), query)
            }
            Self::Generation => (nft::kind(nft::GETGEN), nft::generation_query()),
        };
        let flags = if self.is_dump() { NLM_F_DUMP } else { 0 };
        framed(kind, flags, sequence, &payload)
    }
}

/// Without the statistics (RTEXT_FILTER_SKIP_STATS) an answer is half as long.
fn link_query(index: u32, name: Option<LinkAttribute>) -> Vec<u8> {
    let mut link = LinkMessage::default();
    link.header.index = index;
    link.attributes.extend(name);
    let no_statistics = LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]);
    link.attributes.push(no_statistics);
    emitted(&link)
}

fn emitted(message: &impl Emitable) -> Vec<u8> {
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

/// `struct nlmsghdr`, and what it heads.
pub(crate) fn framed(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    const HEADER: usize = 16;
    let length = u32::try_from(HEADER + payload.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    // The port: the kernel knows whose socket it is.
    bytes.extend(0u32.to_ne_bytes());
    bytes.extend(payload);
    bytes
}
