//! Sets: what their keys are made of, and their elements.

use super::user_piece;
use crate::attribute::Attributes;

/// A field of a key, by what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The name of a link.
    LinkName,
    /// An Ethernet address.
    Mac,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A number of 32 bits in host order: nft's type `mark`.
    Number,
}

/// A set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// What its keys are made of.
    pub key: Vec<Field>,
    /// Whether elements are ranges. The kernel copies such a set for each change
    /// (net/netfilter/nft_set_pipapo.c), so only what cannot be a single key belongs there.
    pub ranges: bool,
}

/// An element of a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Element {
    /// Its key; the first one of a range.
    pub key: Vec<u8>,
    /// The last key of a range.
    pub end: Option<Vec<u8>>,
    /// A comment, of at most [`Element::COMMENT`] bytes.
    pub comment: Option<String>,
}

const NFT_SET_INTERVAL: u32 = 0x4;
const NFT_SET_CONCAT: u32 = 0x80;

impl Field {
    /// Bytes in a packet.
    fn length(self) -> u32 {
        match self {
            Self::LinkName => 16,
            Self::Mac => 6,
            Self::Ipv4 | Self::Number => 4,
            Self::Ipv6 => 16,
        }
    }

    /// nft's number of the type (enum nft_data_types, nftables, include/datatype.h): the kernel
    /// only keeps it, nft prints by it.
    fn kind(self) -> u32 {
        match self {
            Self::LinkName => 41,
            Self::Mac => 9,
            Self::Ipv4 => 7,
            Self::Ipv6 => 8,
            Self::Number => 19,
        }
    }

    /// Whether nft takes it as a number in host order.
    fn is_host_order(self) -> bool {
        matches!(self, Self::LinkName | Self::Number)
    }

    /// Bytes in registers and keys: whole registers of four.
    pub(super) fn width(self) -> u32 {
        self.length().next_multiple_of(4)
    }
}

impl Set {
    pub(super) fn put(&self, to: &mut Attributes, table: &str, id: u32) {
        let concatenated = self.key.len() > 1;
        let mut flags = 0;
        if self.ranges {
            flags |= NFT_SET_INTERVAL;
        }
        if self.ranges && concatenated {
            flags |= NFT_SET_CONCAT;
        }
        // nft packs the numbers of the fields' types, six bits each (TYPE_BITS).
        let kind = self
            .key
            .iter()
            .fold(0, |kind, field| kind << 6 | field.kind());
        let length = self.key.iter().map(|field| field.width()).sum();
        to.put_text(1, table);
        to.put_text(2, &self.name);
        to.put_be32(3, flags);
        to.put_be32(4, kind);
        to.put_be32(5, length);
        to.put_be32(10, id);
        if self.ranges && concatenated {
            // NFTA_SET_DESC, NFTA_SET_DESC_CONCAT, a nest for each field's length.
            to.put_nest(9, |desc| {
                desc.put_nest(2, |fields| {
                    for field in &self.key {
                        fields.put_nest(1, |one| one.put_be32(1, field.length()));
                    }
                });
            });
        }
        // NFTNL_UDATA_SET_KEYBYTEORDER: without it nft prints names of links as garbage. 1 is host
        // order; a key of several fields has none of its own.
        let order = u32::from(!concatenated && self.key.iter().all(|f| f.is_host_order()));
        to.put(13, &user_piece(0, &order.to_ne_bytes()));
    }
}

impl Element {
    /// The longest comment that nft(8) reads (NFTNL_UDATA_COMMENT_MAXLEN), so that what it prints can
    /// be given back to it.
    pub const COMMENT: usize = 128;

    /// One key, without a comment.
    pub fn new(key: Vec<u8>) -> Self {
        Self {
            key,
            end: None,
            comment: None,
        }
    }

    fn put(&self, to: &mut Attributes) {
        // NFTA_SET_ELEM_KEY and NFTA_SET_ELEM_KEY_END, each an NFTA_DATA_VALUE.
        to.put_nest(1, |key| key.put(1, &self.key));
        if let Some(end) = &self.end {
            to.put_nest(10, |key| key.put(1, end));
        }
        if let Some(comment) = &self.comment {
            to.put(6, &super::comment(comment));
        }
    }
}

/// NFTA_SET_ELEM_LIST_*. A deletion names keys only.
pub(super) fn put_elements(
    to: &mut Attributes,
    table: &str,
    set: &str,
    elements: &[impl std::borrow::Borrow<Element>],
    with_comments: bool,
) {
    to.put_text(1, table);
    to.put_text(2, set);
    if elements.is_empty() {
        return;
    }
    to.put_nest(3, |list| {
        for element in elements {
            let element = element.borrow();
            let comment = element.comment.clone().filter(|_| with_comments);
            let element = Element {
                comment,
                ..element.clone()
            };
            list.put_nest(1, |one| element.put(one));
        }
    });
}
