//! What a guest may say by one of its links: a MAC, and addresses.
//!
//! A guard is kept in the kernel as elements of sets, beside a text of its own ([`Guard::text`])
//! that tells it whole, so that it can be looked up by the link's name alone.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::name::{IfName, Mac};

/// What may come out of a guest by one link; all else is forged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Guard {
    /// The vif or tap that it is for, by the kernel's name of it. The link it is at may have
    /// another name.
    pub of: IfName,
    /// Where frames of the guest are looked at.
    pub place: Place,
    /// What becomes of a forged one.
    pub forged: Forged,
    /// The guest's MAC.
    pub mac: Mac,
    /// The guest's addresses, and networks that are the guest's.
    allowed: BTreeSet<IpNet>,
}

/// How a guest's link leads on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// It is a port of a bridge.
    Bridged,
    /// Packets are routed by the host.
    Routed,
}

/// What becomes of what a guest may not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forged {
    /// It goes nowhere.
    Dropped,
    /// It goes on, and the kernel's log says so.
    Logged,
}

/// A text that is no guard's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoGuard(pub String);

impl fmt::Display for NoGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} does not tell what a guest may say", self.0)
    }
}

impl std::error::Error for NoGuard {}

impl Guard {
    /// A guard. Networks that overlap become one, so that each is in the kernel's set once.
    pub fn new(
        of: IfName,
        place: Place,
        forged: Forged,
        mac: Mac,
        allowed: impl IntoIterator<Item = IpNet>,
    ) -> Self {
        let (single, nets): (Vec<_>, Vec<_>) = allowed.into_iter().partition(is_single);
        let nets = IpNet::aggregate(&nets);
        let single = single
            .into_iter()
            .filter(|one| !nets.iter().any(|net| net.contains(one)));
        let allowed = single.chain(nets.iter().copied()).collect();
        Self {
            of,
            place,
            forged,
            mac,
            allowed,
        }
    }

    /// The sources that a guest may use: its own; before it has any, none; and with an IPv6
    /// address the one of the link that its MAC gives it (RFC 4291, appendix A).
    pub fn sources(&self) -> BTreeSet<IpNet> {
        let mut sources = self.allowed.clone();
        sources.insert(IpNet::from(IpAddr::from(Ipv4Addr::UNSPECIFIED)));
        if sources.iter().any(|net| net.addr().is_ipv6()) {
            sources.insert(IpNet::from(IpAddr::from(self.link_local())));
        }
        sources
    }

    fn link_local(&self) -> Ipv6Addr {
        let [a, b, c, d, e, f] = self.mac.0;
        let pair = u16::from_be_bytes;
        let (first, last) = (pair([a ^ 2, b]), pair([e, f]));
        Ipv6Addr::new(
            0xfe80,
            0,
            0,
            0,
            first,
            pair([c, 0xff]),
            pair([0xfe, d]),
            last,
        )
    }

    /// The whole of it as a text, in pieces of at most `length` bytes. All but the last end with
    /// [`Guard::MORE`].
    pub fn text(&self, length: usize) -> Vec<String> {
        let place = match self.place {
            Place::Bridged => "bridged",
            Place::Routed => "routed",
        };
        let forged = match self.forged {
            Forged::Dropped => "enforce",
            Forged::Logged => "log",
        };
        let head = [self.of.to_string(), place.into(), forged.into()];
        let mac = self.mac.to_string();
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let nets = self.allowed.iter().map(word);
        for word in head.into_iter().chain([mac]).chain(nets) {
            if piece.len() + 1 + word.len() + Self::MORE.len() > length {
                pieces.push(std::mem::take(&mut piece) + Self::MORE);
            }
            if !piece.is_empty() {
                piece.push(' ');
            }
            piece.push_str(&word);
        }
        pieces.push(piece);
        pieces
    }

    /// An address, or a network as a whole, from what is written as either.
    pub fn net(word: &str) -> Option<IpNet> {
        let net: Option<IpNet> = word.parse().ok();
        net.map(|net| net.trunc())
            .or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from))
    }

    /// What ends a piece of a text that goes on.
    pub const MORE: &'static str = " +";

    /// Reads a text, all its pieces joined.
    ///
    /// # Errors
    /// [`NoGuard`]: it is somebody else's.
    pub fn parse(text: &str) -> Result<Self, NoGuard> {
        let wrong = || NoGuard(text.to_owned());
        let mut words = text.split(' ').filter(|word| *word != Self::MORE.trim());
        let mut next = || words.next().ok_or_else(wrong);
        let of = next()?.parse().map_err(|_| wrong())?;
        let place = match next()? {
            "bridged" => Place::Bridged,
            "routed" => Place::Routed,
            _ => return Err(wrong()),
        };
        let forged = match next()? {
            "enforce" => Forged::Dropped,
            "log" => Forged::Logged,
            _ => return Err(wrong()),
        };
        let mac = next()?.parse().map_err(|_| wrong())?;
        let allowed = words
            .map(|word| Self::net(word).ok_or_else(wrong))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(of, place, forged, mac, allowed))
    }
}

/// Whether a network is one address.
fn is_single(net: &IpNet) -> bool {
    net.prefix_len() == net.max_prefix_len()
}

fn word(net: &IpNet) -> String {
    if is_single(net) {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.mac)?;
        self.allowed
            .iter()
            .try_for_each(|net| write!(f, " {}", word(net)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allowed: &[&str]) -> Guard {
        Guard::new(
            "vif1.0".parse().unwrap(),
            Place::Bridged,
            Forged::Dropped,
            Mac([0, 0x16, 0x3e, 1, 2, 3]),
            allowed.iter().map(|word| Guard::net(word).unwrap()),
        )
    }

    #[test]
    fn a_text_tells_the_whole_guard() {
        let small = guard(&["192.0.2.7", "198.51.100.9/29", "2001:db8::7"]);
        assert_eq!(
            small.text(128),
            ["vif1.0 bridged enforce 00:16:3e:01:02:03 192.0.2.7 198.51.100.8/29 2001:db8::7"]
        );
        let many: Vec<String> = (0..250).map(|n| format!("2001:db8::{n}:1")).collect();
        let large = guard(&many.iter().map(String::as_str).collect::<Vec<_>>());
        for guard in [small, large, guard(&[])] {
            let pieces = guard.text(128);
            assert!(pieces.iter().all(|piece| piece.len() <= 128));
            assert_eq!(Guard::parse(&pieces.join(" ")), Ok(guard));
        }
        for text in [
            "",
            "vif1.0",
            "vif1.0 bridged drop 0:0:0:0:0:1",
            "a/b bridged log",
        ] {
            assert!(Guard::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks_that_overlap_are_one() {
        let guard = guard(&[
            "10.0.0.0/28",
            "10.0.0.0/29",
            "10.0.0.3",
            "10.0.1.1",
            "10.0.1.1/32",
        ]);
        assert_eq!(guard.to_string(), "00:16:3e:01:02:03 10.0.0.0/28 10.0.1.1");
    }

    #[test]
    fn a_guest_without_ipv6_has_no_link_address() {
        let sources = |allowed: &[&str]| -> Vec<String> {
            guard(allowed).sources().iter().map(word).collect()
        };
        assert_eq!(sources(&["10.0.0.1"]), ["0.0.0.0", "10.0.0.1"]);
        assert_eq!(
            sources(&["2001:db8::/64"]),
            ["0.0.0.0", "2001:db8::/64", "fe80::216:3eff:fe01:203"]
        );
    }
}
