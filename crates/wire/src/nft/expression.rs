//! Expressions, of which rules are made, and the registers that they load and compare.

use super::set::Field;
use crate::attribute::Attributes;

/// A register of four bytes; longer values take those behind it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register(pub u32);

/// Where an offset into a packet counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The Ethernet header. The kernel puts a VLAN tag that it has taken off back into what is
    /// read here (nft_payload_copy_vlan, net/netfilter/nft_payload.c).
    Link = 0,
    /// The IP or ARP header.
    Network = 1,
    /// What IP carries, behind the extension headers of IPv6.
    Transport = 2,
}

impl Base {
    /// The base of this number.
    pub(super) fn of(number: u32) -> Option<Self> {
        [Self::Link, Self::Network, Self::Transport]
            .into_iter()
            .find(|base| *base as u32 == number)
    }
}

/// What is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// NFT_META_IIFNAME: the link that it came in by; in the bridge family the port.
    InLink,
    /// NFT_META_OIFNAME: the link that it leaves by.
    OutLink,
    /// NFT_META_IIFKIND: the kind of that link, 16 bytes padded with NULs (Linux 5.6).
    InKind,
    /// NFT_META_MARK, in host order.
    Mark,
    /// NFT_META_NFPROTO: 2 for IPv4, 10 for IPv6.
    NetworkProtocol,
    /// NFT_META_L4PROTO: what IP carries.
    TransportProtocol,
    /// Bytes of the packet. A rule does not match a packet that has none there.
    Payload {
        /// Where the offset counts from.
        base: Base,
        /// The first byte.
        offset: u32,
        /// How many.
        length: u32,
    },
}

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// NF_DROP.
    Drop,
    /// NF_ACCEPT: done with this hook's chain.
    Accept,
    /// NFT_JUMP: another chain, and back.
    Jump(String),
    /// NFT_GOTO: another chain, and not back.
    Goto(String),
}

/// One expression of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Loads something.
    Load(Load, Register),
    /// The rule goes on if a register holds this.
    Equals(Register, Vec<u8>),
    /// Four bytes of a register become `(them & kept) ^ flipped`.
    Bits {
        /// The register.
        register: Register,
        /// The bits that stay.
        kept: u32,
        /// The bits that then change.
        flipped: u32,
    },
    /// The packet's mark becomes what a register holds.
    SetMark(Register),
    /// The rule goes on if what begins at a register is a key of this set.
    In(Register, String),
    /// The rule goes on if it is none.
    NotIn(Register, String),
    /// Counts.
    Counter,
    /// The rule goes on so many times a second, with as many to spare.
    PerSecond(u64),
    /// Says so in the kernel's log.
    Log(String),
    /// The packet's connection gets an address of the link that it leaves by as its source.
    Masquerade,
    /// The end.
    Verdict(Verdict),
}

impl Register {
    /// NFT_REG32_00.
    pub const FIRST: Self = Self(8);

    /// The register behind a value of this kind.
    pub fn behind(self, field: Field) -> Self {
        Self(self.0 + field.width() / 4)
    }
}

impl Expression {
    fn name(&self) -> &'static str {
        match self {
            Self::Load(Load::Payload { .. }, _) => "payload",
            Self::Load(..) | Self::SetMark(_) => "meta",
            Self::Bits { .. } => "bitwise",
            Self::Equals(..) => "cmp",
            Self::In(..) | Self::NotIn(..) => "lookup",
            Self::Counter => "counter",
            Self::PerSecond(_) => "limit",
            Self::Log(_) => "log",
            Self::Masquerade => "masq",
            Self::Verdict(_) => "immediate",
        }
    }

    /// NFTA_EXPR_NAME and NFTA_EXPR_DATA.
    pub(super) fn put(&self, to: &mut Attributes) {
        to.put_text(1, self.name());
        to.put_nest(2, |data| self.put_attributes(data));
    }

    fn put_attributes(&self, to: &mut Attributes) {
        match self {
            Self::Load(
                Load::Payload {
                    base,
                    offset,
                    length,
                },
                register,
            ) => {
                let values = [register.0, *base as u32, *offset, *length];
                for (kind, value) in (1..).zip(values) {
                    to.put_be32(kind, value);
                }
            }
            Self::Load(load, register) => {
                to.put_be32(1, register.0);
                to.put_be32(2, load.meta_key());
            }
            Self::SetMark(register) => {
                to.put_be32(2, Load::Mark.meta_key());
                to.put_be32(3, register.0);
            }
            Self::Bits {
                register,
                kept,
                flipped,
            } => {
                for (kind, value) in (1..).zip([register.0, register.0, 4]) {
                    to.put_be32(kind, value);
                }
                for (kind, value) in (4..).zip([kept, flipped]) {
                    to.put_nest(kind, |data| data.put(1, &value.to_ne_bytes()));
                }
            }
            Self::Equals(register, value) => {
                to.put_be32(1, register.0);
                to.put_be32(2, 0);
                to.put_nest(3, |data| data.put(1, value));
            }
            Self::In(register, set) | Self::NotIn(register, set) => {
                to.put_text(1, set);
                to.put_be32(2, register.0);
                if matches!(self, Self::NotIn(..)) {
                    to.put_be32(5, 1);
                }
            }
            Self::Counter => {
                to.put(1, &0u64.to_be_bytes());
                to.put(2, &0u64.to_be_bytes());
            }
            Self::PerSecond(times) => {
                to.put(1, &times.to_be_bytes());
                to.put(2, &1u64.to_be_bytes());
                to.put_be32(3, u32::try_from(*times).unwrap_or(u32::MAX));
                to.put_be32(4, 0);
            }
            Self::Log(prefix) => {
                to.put_text(2, prefix);
                // LOG_INFO.
                to.put_be32(5, 6);
            }
            // With the ports that are free.
            Self::Masquerade => {}
            Self::Verdict(verdict) => {
                // NFT_REG_VERDICT.
                to.put_be32(1, 0);
                to.put_nest(2, |data| data.put_nest(2, |inner| verdict.put(inner)));
            }
        }
    }
}

impl Load {
    /// enum nft_meta_keys; a payload has none.
    fn meta_key(self) -> u32 {
        match self {
            Self::Mark => 3,
            Self::InLink => 6,
            Self::OutLink => 7,
            Self::InKind => 26,
            Self::NetworkProtocol => 15,
            Self::TransportProtocol => 16,
            Self::Payload { .. } => 0,
        }
    }
}

impl Verdict {
    fn put(&self, to: &mut Attributes) {
        // enum nft_verdicts; NF_DROP and NF_ACCEPT (linux/netfilter.h).
        let (code, chain) = match self {
            Self::Drop => (0, None),
            Self::Accept => (1, None),
            Self::Jump(chain) => (-3, Some(chain)),
            Self::Goto(chain) => (-4, Some(chain)),
        };
        to.put(1, &i32::to_be_bytes(code));
        if let Some(chain) = chain {
            to.put_text(2, chain);
        }
    }
}
