//! Rules as the kernel tells them, whoever made them.
//!
//! Only what the rules of Xen's own scripts are made of has a word here (iptables-nft of 1.8.2 to
//! 1.8.11 was looked at); the bytes are kept, so that a rule can be put back as it was.

use super::expression::Base;
use crate::attribute::{as_text, split};

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRule {
    /// The kernel's number of it.
    pub handle: u64,
    /// Its comment.
    pub comment: Option<String>,
    /// What it does, as the kernel's own bytes (NFTA_RULE_EXPRESSIONS).
    pub expressions: Vec<u8>,
}

/// An expression. All of a rule that iptables makes load one register and compare it next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What a packet carries in IP is loaded (NFT_META_L4PROTO).
    TransportProtocol,
    /// Bytes of the packet are loaded.
    Bytes {
        /// Where the offset counts from.
        base: Base,
        /// The first byte.
        offset: u32,
        /// How many.
        length: u32,
    },
    /// Of what was loaded these bits are kept.
    Mask(Vec<u8>),
    /// The rule goes on if what was loaded is this.
    Equals(Vec<u8>),
    /// A match of iptables (`xt_NAME`), and its `struct xt_NAME_info`, padded.
    Match(String, Vec<u8>),
    /// Counts.
    Counter,
    /// The packet is accepted.
    Accept,
    /// Something else.
    Other,
}

impl FoundRule {
    /// What it does, in order.
    pub fn parts(&self) -> Vec<Part> {
        let list = split(&self.expressions).unwrap_or_default().into_iter();
        list.map(|(_, one)| part(one).unwrap_or(Part::Other))
            .collect()
    }
}

/// NFTA_EXPR_NAME and NFTA_EXPR_DATA.
fn part(bytes: &[u8]) -> Option<Part> {
    let of = Fields(split(bytes).ok()?);
    let fields = Fields(split(of.bytes(2)?).ok()?);
    known(&as_text(of.bytes(1)?), &fields)
}

struct Fields<'a>(Vec<(u16, &'a [u8])>);

impl Fields<'_> {
    fn bytes(&self, wanted: u16) -> Option<&[u8]> {
        let found = self.0.iter().find(|(kind, _)| *kind == wanted);
        found.map(|(_, value)| *value)
    }

    fn number(&self, wanted: u16) -> Option<u32> {
        let bytes = self.bytes(wanted)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    }

    /// NFTA_DATA_VALUE of a field.
    fn value(&self, wanted: u16) -> Option<Vec<u8>> {
        let data = split(self.bytes(wanted)?).ok()?;
        let value = data.iter().find(|(kind, _)| *kind == 1)?;
        Some(value.1.to_vec())
    }
}

fn known(name: &str, fields: &Fields<'_>) -> Option<Part> {
    Some(match name {
        // NFT_META_L4PROTO; one that sets something has no register to load.
        "meta" if fields.number(2) == Some(16) && fields.bytes(1).is_some() => {
            Part::TransportProtocol
        }
        "payload" if fields.bytes(1).is_some() => Part::Bytes {
            base: Base::of(fields.number(2)?)?,
            offset: fields.number(3)?,
            length: fields.number(4)?,
        },
        // NFT_BITWISE_MASK_XOR, the only one before Linux 5.6 had others.
        "bitwise" if fields.number(6).unwrap_or(0) == 0 => {
            let xor = fields.value(5)?;
            xor.iter()
                .all(|byte| *byte == 0)
                .then_some(Part::Mask(fields.value(4)?))?
        }
        // NFT_CMP_EQ.
        "cmp" if fields.number(2) == Some(0) => Part::Equals(fields.value(3)?),
        "match" => Part::Match(as_text(fields.bytes(1)?), fields.bytes(3)?.to_vec()),
        "counter" => Part::Counter,
        // NFT_REG_VERDICT, NFTA_DATA_VERDICT, NFTA_VERDICT_CODE: NF_ACCEPT.
        "immediate" if fields.number(1) == Some(0) => {
            let data = split(fields.bytes(2)?).ok()?;
            let verdict = data.iter().find(|(kind, _)| *kind == 2)?;
            let verdict = Fields(split(verdict.1).ok()?);
            (verdict.number(1) == Some(1)).then_some(Part::Accept)?
        }
        _ => return None,
    })
}
