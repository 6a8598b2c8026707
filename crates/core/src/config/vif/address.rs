//! The texts in a specification that stand for addresses: MACs as xl reads them, `ip` lists, and
//! bridges with what Open vSwitch's script reads from them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::number::{low32, strtoul};
use crate::name::IfName;

/// Reads a MAC as xl does (contract 3.6.3): six hexadecimal numbers up to 255 with any one byte
/// between them; whatever comes behind is ignored. The length of what was read; None where xl
/// stumbles, with the bytes before that place read.
///
/// xl has put a NUL where the next comma is and steps over it like over any other character
/// between two bytes, so that the text behind the comma is read on.
pub(super) fn mac_as_xl(text: &str, bytes: &mut [u8; 6]) -> Option<usize> {
    let mut at = 0;
    for byte in bytes {
        let (number, taken) = strtoul(text.as_bytes().get(at..)?, 16)?;
        *byte = u8::try_from(low32(number)).ok()?;
        at += taken + 1;
    }
    Some(at - 1)
}

/// The blank-separated words of an `ip`, and those of them that are addresses or networks.
pub(super) fn ip(text: &str) -> (Vec<String>, Vec<IpNet>) {
    let words: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
    let nets = words.iter().filter_map(|word| net(word)).collect();
    (words, nets)
}

/// An address or a network; an address is the network that holds only itself.
pub(super) fn net(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Whether a `bridge` value can mean anything: a link's name, or `NAME[.VLAN][:VLAN…]` with
/// digits only (contract 2.9).
pub(super) fn is_bridge(text: &str) -> bool {
    let digits = |vlan: &str| !vlan.is_empty() && vlan.bytes().all(|b| b.is_ascii_digit());
    let mut parts = text.split(':');
    let name = parts.next().unwrap_or_default();
    name.parse::<IfName>().is_ok() && parts.all(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_macs_as_xl_does() {
        let expected = [0xaa, 0, 0, 0, 1, 0x11];
        for text in [
            "aa:00:00:00:01:11",
            "AA-0-0-0-1-11",
            " aa:0:0:0:1:11 and more",
            "aa.0.0.0.1.11",
            "aa:0:0,0:1:11,bridge=br0",
            "1000000aa:0x0:+0: 0:0001:11",
        ] {
            let mut bytes = [9; 6];
            let read = mac_as_xl(text, &mut bytes).is_some();
            assert_eq!((read, bytes), (true, expected), "{text}");
        }
        for (text, read) in [
            ("", [9; 6]),
            ("aa:00:00:00:01", [0xaa, 0, 0, 0, 1, 9]),
            ("aa:00:00:00:01:", [0xaa, 0, 0, 0, 1, 9]),
            ("aaa:0:0:0:1:11", [9; 6]),
            ("aaé0é0é0é1é11", [0xaa, 9, 9, 9, 9, 9]),
            ("1:-1:0:0:1:11", [1, 9, 9, 9, 9, 9]),
        ] {
            let mut bytes = [9; 6];
            assert_eq!(mac_as_xl(text, &mut bytes), None, "{text}");
            assert_eq!(bytes, read, "{text}");
        }
    }

    #[test]
    fn knows_what_can_be_a_bridge() {
        for (text, is) in [
            ("xenbr0", true),
            ("ovs0.10", true),
            ("ovs0:10:20", true),
            ("ovs0.1:2", true),
            ("br 0", false),
            ("ovs0:", false),
            ("ovs0:x", false),
            ("", false),
            ("../x", false),
        ] {
            assert_eq!(is_bridge(text), is, "{text:?}");
        }
    }

    #[test]
    fn an_address_is_a_small_network() {
        assert_eq!(net("10.0.0.1").unwrap().to_string(), "10.0.0.1/32");
        assert_eq!(net("2001:db8::1").unwrap().to_string(), "2001:db8::1/128");
        assert_eq!(net("10.0.0.0/24").unwrap().to_string(), "10.0.0.0/24");
        assert_eq!(net("host"), None);
    }
}
