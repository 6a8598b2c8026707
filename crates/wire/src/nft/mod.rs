//! nf_tables messages: a [`Batch`] of [`Change`]s that the kernel takes as a whole or not at all,
//! and what it says of tables, chains, rules and elements.
//!
//! ```text
//!  | begin | change | change | … | last change, acknowledged | end |
//! ```
//!
//! Only what xenwire needs is here. Numbers in attributes are big-endian, keys of sets
//! stand as the kernel loads them from a packet: names of links padded with NULs, addresses in
//! network order, each field padded to four bytes.
//!
//! Sources: include/uapi/linux/netfilter/{nf_tables,nfnetlink}.h, net/netfilter/{nf_tables_api,
//! nfnetlink}.c; what nft(8) reads from user data is libnftnl's include/libnftnl/udata.h.

mod batch;
mod expression;
mod found;
mod said;
mod set;

pub use batch::{Batch, Chain, Change, Hook, Rule, Work};
pub use expression::{Base, Expression, Load, Register, Verdict};
pub use found::{FoundRule, Part};
pub use said::Said;
pub use set::{Element, Field, Set};

pub(crate) use said::read;

use crate::attribute::Attributes;

/// A family of tables, by the kernel's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// NFPROTO_INET: IPv4 and IPv6 packets of the host itself.
    Inet = 1,
    /// NFPROTO_IPV4: IPv4 packets of the host itself.
    Ipv4 = 2,
    /// NFPROTO_ARP: ARP packets of the host itself.
    Arp = 3,
    /// NFPROTO_BRIDGE: frames at a bridge.
    Bridge = 7,
    /// NFPROTO_IPV6: IPv6 packets of the host itself.
    Ipv6 = 10,
}

/// NFNL_SUBSYS_NFTABLES, in the high byte of a message's kind.
const SUBSYSTEM: u16 = 10;

/// The kind of a message of nf_tables.
pub(crate) const fn kind(message: u16) -> u16 {
    SUBSYSTEM << 8 | message
}

pub(crate) const NEWTABLE: u16 = 0;
pub(crate) const GETTABLE: u16 = 1;
const DELTABLE: u16 = 2;
const NEWCHAIN: u16 = 3;
pub(crate) const GETCHAIN: u16 = 4;
const NEWRULE: u16 = 6;
pub(crate) const GETRULE: u16 = 7;
const DELRULE: u16 = 8;
const NEWSET: u16 = 9;
pub(crate) const NEWSETELEM: u16 = 12;
pub(crate) const GETSETELEM: u16 = 13;
const DELSETELEM: u16 = 14;
const NEWGEN: u16 = 15;
pub(crate) const GETGEN: u16 = 16;

/// `struct nfgenmsg`: family, version 0, resource.
fn header(family: u8, resource: u16) -> Vec<u8> {
    let [high, low] = resource.to_be_bytes();
    vec![family, 0, high, low]
}

/// A question for a table.
pub(crate) fn table_query(family: Family, table: &str) -> Vec<u8> {
    let mut to = Attributes(header(family as u8, 0));
    to.put_text(1, table);
    to.0
}

/// A question for the tables of all families (NFPROTO_UNSPEC).
pub(crate) fn tables_query() -> Vec<u8> {
    header(0, 0)
}

/// A question for a chain.
pub(crate) fn chain_query(family: Family, table: &str, chain: &str) -> Vec<u8> {
    let mut to = Attributes(header(family as u8, 0));
    to.put_text(1, table);
    to.put_text(3, chain);
    to.0
}

/// A question for the rules of a chain, in their order.
pub(crate) fn rules_query(family: Family, table: &str, chain: &str) -> Vec<u8> {
    let mut to = Attributes(header(family as u8, 0));
    to.put_text(1, table);
    to.put_text(2, chain);
    to.0
}

/// A question for one element of a set, by its key, or for all.
pub(crate) fn element_query(
    family: Family,
    table: &str,
    set: &str,
    element: Option<&Element>,
) -> Vec<u8> {
    let mut to = Attributes(header(family as u8, 0));
    set::put_elements(&mut to, table, set, element.as_slice(), false);
    to.0
}

/// A question for the number of the present ruleset.
pub(crate) fn generation_query() -> Vec<u8> {
    header(0, 0)
}

/// One piece of user data: kind, length, value (libnftnl, `struct nftnl_udata`).
fn user_piece(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut piece = vec![kind, u8::try_from(value.len()).unwrap_or(u8::MAX)];
    piece.extend(value);
    piece
}

/// A comment, which is piece number 0 of tables, rules and elements.
fn comment(text: &str) -> Vec<u8> {
    user_piece(0, &[text.as_bytes(), b"\0"].concat())
}

#[cfg(test)]
mod tests;
