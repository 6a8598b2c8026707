//! Netlink as bytes: [`Verb`]s and [`Query`]s become datagrams, datagrams become [`Reply`]s.
//! No socket, no clock, and no opinion on what should be changed.
//!
//! Links and addresses are encoded and decoded by the netlink-packet crates. Their types change
//! about once a month, so none of them leaves this crate: what comes in and goes out are plain
//! structs with the kernel's own numbers. Routes, rules and neighbours are read here, attribute by
//! attribute, so that what nobody knows is given back as it came.
//!
//! Sources: rtnetlink(7), include/uapi/linux/{netlink,rtnetlink,if_link,if_addr,fib_rules,
//! neighbour,if_bridge,genetlink,ethtool_netlink}.h. Packet filters: [`nft`].
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod attribute;
mod feature;
mod link;
mod neighbour;
pub mod nft;
mod port_vlan;
mod reply;
mod request;
mod route;
mod rule;

pub use address::Address;
pub use attribute::Attribute;
pub use link::{Kind, Link};
pub use neighbour::Neighbour;
pub use port_vlan::PortVlan;
pub use reply::{DecodeError, Reply, decode};
pub use request::{Protocol, Query, Verb};
pub use route::{Hop, Route};
pub use rule::Rule;
