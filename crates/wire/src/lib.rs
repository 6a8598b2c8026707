//! rtnetlink as bytes: [`Verb`]s and [`Query`]s become datagrams, datagrams become [`Reply`]s.
//! No socket, no clock, and no opinion on what should be changed.
//!
//! The messages are encoded and decoded by the netlink-packet crates. Their types change about
//! once a month, so none of them leaves this crate: what comes in and goes out are the three
//! plain structs [`Link`], [`Address`] and [`Route`], with the kernel's own numbers.
//!
//! Sources: rtnetlink(7), include/uapi/linux/{netlink,rtnetlink,if_link,if_addr}.h.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod link;
mod reply;
mod request;
mod route;

pub use address::Address;
pub use link::{Kind, Link};
pub use reply::{DecodeError, Reply, decode};
pub use request::{Query, Verb};
pub use route::Route;
