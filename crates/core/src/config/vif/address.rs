//! The texts in a specification that stand for addresses: MACs as xl reads them, `ip` lists, and
//! bridges with what Open vSwitch's script reads from them.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::name::{IfName, Mac};

/// A MAC as libxl reads it: six hexadecimal bytes of one or two digits with any one character
/// between them; whatever comes behind is ignored (contract 3.6.3).
pub(super) fn lenient_mac(text: &str) -> Option<Mac> {
    let mut rest = text.trim_start();
    let mut bytes = [0; 6];
    for (index, byte) in bytes.iter_mut().enumerate() {
        if index > 0 {
            let mut characters = rest.chars();
            characters.next()?;
            rest = characters.as_str();
        }
        let digits = rest.chars().take_while(char::is_ascii_hexdigit).count();
        *byte = u8::from_str_radix(rest.get(..digits)?, 16)
            .ok()
            .filter(|_| digits <= 2)?;
        rest = &rest[digits..];
    }
    Some(Mac(bytes))
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
    fn reads_macs_as_libxl_does() {
        let expected = Some(Mac([0xaa, 0, 0, 0, 1, 0x11]));
        for text in [
            "aa:00:00:00:01:11",
            "AA-0-0-0-1-11",
            " aa:0:0:0:1:11 and more",
            "aa.0.0.0.1.11",
        ] {
            assert_eq!(lenient_mac(text), expected, "{text}");
        }
        for text in [
            "",
            "aa:00:00:00:01",
            "aa:00:00:00:01:",
            "aaa:0:0:0:1:11",
            "éé",
            "aa\u{e9}0",
        ] {
            assert_eq!(lenient_mac(text), None, "{text}");
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
