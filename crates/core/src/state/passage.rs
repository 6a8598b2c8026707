//! How guests pass the host's own FORWARD chains: by a mark that their frames carry, and one rule
//! of ours in each chain that lets the mark by.
//!
//! A passage is kept in the kernel as an element of a set, with a text of its own
//! ([`Passage::text`]), so that it can be looked up by the link's name.

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU32, ParseIntError};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Guard, Place};
use crate::name::IfName;

/// What comes from a link, and goes to it, is let by the host's FORWARD chains.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Passage {
    /// The vif or tap that it is for, by the kernel's name of it. The link it is at may have
    /// another name.
    pub of: IfName,
    /// Where packets are marked.
    pub place: Place,
    /// By which mark.
    pub mark: ForwardMark,
    /// What may come out of the guest, if nothing else is let by: `ip_filter = "accept-only"`.
    pub only: Option<Guard>,
    /// Whether all chains that we may write to let the mark by. They stay open when a passage
    /// goes: others need them.
    pub open: bool,
}

/// The bits of a packet's mark that say that it passes. They are masked: the others are others'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForwardMark(NonZeroU32);

/// A chain of the host that everything forwarded passes, and that another program or the
/// administrator fills. It is the only thing of others that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardChain {
    /// `ip filter FORWARD`, that of iptables and of Docker.
    Ipv4,
    /// `ip6 filter FORWARD`, that of ip6tables.
    Ipv6,
    /// `inet firewalld filter_FORWARD`.
    Firewalld,
    /// iptables-legacy's FORWARD, for which there is no netlink: a program is run for it, so only
    /// when the host boots and when xenwire is installed.
    LegacyIpv4,
    /// ip6tables-legacy's.
    LegacyIpv6,
}

impl ForwardChain {
    /// Whether a program must be run to read and write it.
    pub fn is_legacy(self) -> bool {
        matches!(self, Self::LegacyIpv4 | Self::LegacyIpv6)
    }
}

/// What a chain does to the mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// It treats it as any other packet.
    Shut,
    /// Our rule lets it by.
    Open,
    /// Its owner lets nobody write there (NFT_TABLE_F_OWNER, Linux 5.12).
    Owned,
}

/// What forwarded packets must pass on this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// The chains that there are.
    pub chains: BTreeMap<ForwardChain, Gate>,
    /// Whether iptables-legacy has a filter table too.
    pub legacy: bool,
}

impl Forward {
    /// Whether there is anything to pass.
    pub fn is_there(&self) -> bool {
        self.legacy || !self.chains.is_empty()
    }

    /// Whether no chain that we may write to stops the mark.
    pub fn is_open(&self) -> bool {
        !self.chains.values().any(|gate| *gate == Gate::Shut)
    }

    /// What is to be said of chains that stop a guest and are not ours to open.
    pub fn refusals(&self, place: Place) -> Vec<String> {
        let how = match place {
            Place::Bridged => {
                "put the guests' bridge into a zone that forwards within itself: `firewall-cmd --permanent --zone=trusted --add-interface=BRIDGE`, then `firewall-cmd --reload`"
            }
            Place::Routed => {
                "let it route for them: `firewall-cmd --permanent --zone=trusted --add-interface=VIF`, then `firewall-cmd --reload`"
            }
        };
        let owned = |gate: &&Gate| **gate == Gate::Owned;
        let chains = self.chains.iter().filter(|(_, gate)| owned(gate));
        chains
            .map(|(chain, _)| {
                format!("{chain} is its program's own, and nobody else may open it; if guests do not get through, {how}")
            })
            .collect()
    }
}

impl Passage {
    /// What is beside its element, in pieces as [`Guard::text`] has them.
    pub fn text(&self, length: usize) -> Vec<String> {
        match &self.only {
            Some(only) => only.text(length),
            None => vec![self.of.to_string()],
        }
    }

    /// Whose it is and what alone is let by, from a text, all its pieces joined.
    pub fn parse(text: &str) -> Option<(IfName, Option<Guard>)> {
        match Guard::parse(text) {
            Ok(only) => Some((only.of.clone(), Some(only))),
            Err(_) => Some((text.parse().ok()?, None)),
        }
    }
}

impl Default for ForwardMark {
    /// 0x10000000: free of the bits that Docker, Kubernetes and Tailscale use.
    fn default() -> Self {
        const BITS: NonZeroU32 = NonZeroU32::new(0x1000_0000).expect("not 0");
        Self(BITS)
    }
}

impl ForwardMark {
    /// The bits.
    pub fn bits(self) -> u32 {
        self.0.get()
    }
}

impl FromStr for ForwardMark {
    type Err = ParseIntError;

    /// A number that is not 0, decimal or with `0x`.
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let number = match text.strip_prefix("0x") {
            // A sign is no digit.
            Some(digits) if !digits.starts_with('+') => u32::from_str_radix(digits, 16)?,
            _ => text.parse()?,
        };
        // The error of a zero is NonZeroU32's own, so it is what reads one.
        match NonZeroU32::new(number) {
            Some(bits) => Ok(Self(bits)),
            None => "0".parse().map(Self),
        }
    }
}

impl fmt::Display for ForwardMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Display for ForwardChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "ip filter FORWARD",
            Self::Ipv6 => "ip6 filter FORWARD",
            Self::Firewalld => "inet firewalld filter_FORWARD",
            Self::LegacyIpv4 => "FORWARD of iptables-legacy",
            Self::LegacyIpv6 => "FORWARD of ip6tables-legacy",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_a_number_that_is_not_zero() {
        assert_eq!(ForwardMark::default().to_string(), "0x10000000");
        for (text, bits) in [
            ("0x10000000", Some(0x1000_0000)),
            ("1", Some(1)),
            ("0xffffffff", Some(u32::MAX)),
            ("0", None),
            ("0x", None),
            ("0x0", None),
            ("0x+1", None),
            ("0x100000000", None),
            ("-1", None),
            ("", None),
        ] {
            let mark = text.parse().ok().map(ForwardMark::bits);
            assert_eq!(mark, bits, "{text}");
        }
    }

    #[test]
    fn a_host_is_open_if_every_chain_is_that_may_be() {
        let forward = |gates: &[(ForwardChain, Gate)]| Forward {
            chains: gates.iter().copied().collect(),
            legacy: false,
        };
        let (v4, wall) = (ForwardChain::Ipv4, ForwardChain::Firewalld);
        assert!(!forward(&[]).is_there());
        assert!(forward(&[(v4, Gate::Open), (wall, Gate::Owned)]).is_open());
        assert!(!forward(&[(v4, Gate::Shut), (wall, Gate::Open)]).is_open());
    }
}
