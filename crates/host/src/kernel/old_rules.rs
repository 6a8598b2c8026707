//! The rules of Xen's own scripts in the FORWARD chain, as iptables-nft puts them into the kernel.
//!
//! ```text
//!  [meta l4proto · = udp] [payload ip saddr · mask · =] [match physdev] [payload ports · =] counter accept
//! ```
//!
//! Only what is exactly a rule of theirs is read as one. The tables of iptables-legacy cannot be
//! asked over netlink: only `xenwire gc` asks (`legacy.rs`).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use xenwire_core::name::IfName;
use xenwire_core::state::{OldRule, Passes};
use xenwire_wire::nft::{Base, Family, FoundRule, Part, Said};
use xenwire_wire::{Query, Reply};

use super::guards::is_absent;
use super::{Kernel, KernelError};

/// Xen's scripts know IPv4 only.
pub(super) const FAMILY: Family = Family::Ipv4;
/// The table and the chain.
pub(super) const TABLE: &str = "filter";
pub(super) const CHAIN: &str = "FORWARD";
/// IPPROTO_UDP.
pub(super) const UDP: u8 = 17;

impl Kernel {
    /// The rules of Xen's own scripts, for whatever vif.
    ///
    /// # Errors
    /// [`KernelError`]; where there is no such chain there are none.
    pub fn old_rules(&mut self) -> Result<BTreeSet<OldRule>, KernelError> {
        let rules = self.forward_rules()?.into_iter().zip(0..);
        Ok(rules
            .filter_map(|(rule, place)| old_rule(rule, place))
            .collect())
    }

    /// All rules of the chain, in their order.
    pub(super) fn forward_rules(&mut self) -> Result<Vec<FoundRule>, KernelError> {
        let query = Query::FilterRules {
            family: FAMILY,
            table: TABLE.into(),
            chain: CHAIN.into(),
        };
        let replies = match self.ask_filters(&query) {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            replies => replies?,
        };
        let rules = replies.into_iter().filter_map(|reply| match reply {
            Reply::Filter(Said::Rule(rule)) => Some(rule),
            _ => None,
        });
        Ok(rules.collect())
    }
}

/// The rule, if it is one of theirs.
pub(super) fn old_rule(rule: FoundRule, place: u32) -> Option<OldRule> {
    if rule.comment.is_some() {
        return None;
    }
    let parts = rule.parts();
    let (physdev, others): (Vec<&Part>, Vec<&Part>) = parts
        .iter()
        .filter(|part| **part != Part::Counter)
        .partition(|part| matches!(part, Part::Match(name, _) if name == "physdev"));
    let [Part::Match(_, bytes)] = physdev[..] else {
        return None;
    };
    let [extra @ .., Part::Accept] = &others[..] else {
        return None;
    };
    let (port, is_in) = port(bytes)?;
    let passes = match (is_in, extra) {
        (true, []) => Passes::FromAnywhere,
        (false, []) => Passes::To,
        (true, extra) => narrowed(extra)?,
        (false, _) => return None,
    };
    Some(OldRule {
        place,
        port,
        passes,
        expressions: rule.expressions,
        legacy: false,
    })
}

/// `struct xt_physdev_info` (linux/netfilter/xt_physdev.h): the port, and whether frames come in by
/// it. Nothing for a pattern, a negation, or any but one of the two with `--physdev-is-bridged`.
fn port(bytes: &[u8]) -> Option<(IfName, bool)> {
    const IN: u8 = 0x01;
    const OUT: u8 = 0x02;
    const BRIDGED: u8 = 0x04;
    let (name, mask, is_in) = match bytes.get(64..66)? {
        [0, is] if *is == IN | BRIDGED => (&bytes[0..16], &bytes[16..32], true),
        [0, is] if *is == OUT | BRIDGED => (&bytes[32..48], &bytes[48..64], false),
        _ => return None,
    };
    let length = name.iter().position(|byte| *byte == 0)?;
    // A pattern `vif+` leaves the NUL out.
    let is_whole = mask[..=length].iter().all(|byte| *byte == 0xff);
    let name = std::str::from_utf8(&name[..length]).ok()?;
    is_whole.then_some((name.parse().ok()?, is_in))
}

/// What is said besides the port.
fn narrowed(parts: &[&Part]) -> Option<Passes> {
    let source = |length: u32| Part::Bytes {
        base: Base::Network,
        offset: 12,
        length,
    };
    let ports = |offset: u32, length: u32| Part::Bytes {
        base: Base::Transport,
        offset,
        length,
    };
    match parts {
        [load, Part::Equals(address)] if **load == source(4) => net(address, &[0xff; 4]),
        // A length of whole bytes is compared without a mask.
        [Part::Bytes { length, .. }, Part::Equals(address)] if *parts[0] == source(*length) => {
            let mask: Vec<u8> = (0..4).map(|n| if n < *length { 0xff } else { 0 }).collect();
            net(address, &mask)
        }
        [load, Part::Mask(mask), Part::Equals(address)] if **load == source(4) => {
            net(address, mask)
        }
        [Part::TransportProtocol, Part::Equals(protocol), rest @ ..] if protocol[..] == [UDP] => {
            let is_dhcp = match rest {
                // Since iptables 1.8.9.
                [load, Part::Equals(both)] => **load == ports(0, 4) && both[..] == [0, 68, 0, 67],
                // struct xt_udp: two ranges of ports, in the host's order, nothing inverted.
                [Part::Match(name, bytes)] => {
                    let range = |port: u16| [port.to_ne_bytes(), port.to_ne_bytes()].concat();
                    let wanted = [range(68), range(67), vec![0]].concat();
                    name == "udp" && bytes.starts_with(&wanted)
                }
                _ => false,
            };
            is_dhcp.then_some(Passes::Dhcp)
        }
        _ => None,
    }
}

fn net(address: &[u8], mask: &[u8]) -> Option<Passes> {
    let mut octets = [0; 4];
    octets.get_mut(..address.len())?.copy_from_slice(address);
    let mask: [u8; 4] = mask.try_into().ok()?;
    let net = Ipv4Net::with_netmask(octets.into(), Ipv4Addr::from(mask)).ok()?;
    Some(Passes::From(net))
}
