//! The addresses a file gives to its links, and the rules by which ifup reads them: the length
//! stands behind `/`, or in `netmask` as a number or a mask; without either it is that of the
//! address' class, or 64 for IPv6 (ifupdown's inet.defn and inet6.defn).

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::{Family, Iface, Interfaces, Setting};
use crate::diag::{Span, Spanned};

/// An address of a `static` stanza.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// The stanza it is for. It may stand in another, from which this one inherits.
    pub iface: &'a Iface,
    /// The address and the length of its network.
    pub net: Spanned<IpNet>,
}

impl Interfaces {
    /// Every address of every `static` stanza, in order. What is no address has been reported
    /// when the file was read, and is left out.
    pub fn addresses(&self) -> Vec<Address<'_>> {
        let mut addresses = Vec::new();
        for iface in self.ifaces().filter(|iface| takes_addresses(iface)) {
            let mask = self.values(iface, "netmask");
            let mask = mask.last().map(|mask| first_word(mask).value.as_str());
            for option in self.values(iface, "address") {
                let word = first_word(option);
                if let Ok(net) = read(word.value, mask, family(iface)) {
                    let net = Spanned::new(net, word.span.clone());
                    addresses.push(Address { iface, net });
                }
            }
        }
        addresses
    }
}

/// Whether its `address` lines are read by ifup. ifupdown2 does so without a method too.
pub(super) fn takes_addresses(iface: &Iface) -> bool {
    let ip = matches!(family(iface), None | Some(Family::Inet | Family::Inet6));
    ip && (iface.has_method("static") || iface.method.is_none())
}

pub(super) fn family(iface: &Iface) -> Option<Family> {
    iface.family.as_ref().map(|family| family.value)
}

/// The first word of a value: the rest is a comment that is none, which is reported elsewhere.
pub(super) fn first_word(option: &Setting) -> Spanned<&String> {
    let word = option.words.first().unwrap_or(&option.value);
    Spanned::new(&word.value, Span::clone(&word.span))
}

/// Which of the two is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Address,
    OtherFamily,
    Netmask,
}

/// An address with the length of its network.
pub(super) fn read(
    address: &str,
    netmask: Option<&str>,
    family: Option<Family>,
) -> Result<IpNet, Fault> {
    let (address, own) = match address.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (address, None),
    };
    let address: IpAddr = address.parse().map_err(|_| Fault::Address)?;
    if matches!(
        (address, family),
        (IpAddr::V4(_), Some(Family::Inet6)) | (IpAddr::V6(_), Some(Family::Inet))
    ) {
        return Err(Fault::OtherFamily);
    }
    let length = match own.or(netmask) {
        Some(mask) => length(mask, address).ok_or(Fault::Netmask)?,
        None => usual_length(address),
    };
    IpNet::new(address, length).map_err(|_| Fault::Netmask)
}

/// A number, or for IPv4 a mask of ones followed by zeros.
fn length(mask: &str, address: IpAddr) -> Option<u8> {
    if let Ok(length) = mask.parse() {
        return Some(length);
    }
    let mask: Ipv4Addr = mask.parse().ok()?;
    address.is_ipv4().then_some(())?;
    ipnet::ipv4_mask_to_prefix(mask).ok()
}

fn usual_length(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => match address.octets()[0] {
            0..128 => 8,
            128..192 => 16,
            _ => 24,
        },
        IpAddr::V6(_) => 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_found_as_ifup_finds_them() {
        for (address, mask, net) in [
            ("10.0.0.1/24", Some("8"), Ok("10.0.0.1/24")),
            ("10.0.0.1", Some("255.255.255.0"), Ok("10.0.0.1/24")),
            ("10.0.0.1", Some("22"), Ok("10.0.0.1/22")),
            ("10.0.0.1", None, Ok("10.0.0.1/8")),
            ("172.16.0.1", None, Ok("172.16.0.1/16")),
            ("192.168.0.1", None, Ok("192.168.0.1/24")),
            ("10.0.0.1/255.255.0.0", None, Ok("10.0.0.1/16")),
            ("fec0::1", None, Ok("fec0::1/64")),
            ("fec0::1", Some("48"), Ok("fec0::1/48")),
            ("10.0.0.1", Some("255.0.255.0"), Err(Fault::Netmask)),
            ("10.0.0.1", Some("33"), Err(Fault::Netmask)),
            ("fec0::1", Some("255.255.0.0"), Err(Fault::Netmask)),
            ("10.0.0", None, Err(Fault::Address)),
            ("10.0.0.256", None, Err(Fault::Address)),
        ] {
            let net = net.map(|net| net.parse().unwrap());
            assert_eq!(read(address, mask, None), net, "{address} {mask:?}");
        }
        let other = read("fec0::1/64", None, Some(Family::Inet));
        assert_eq!(other, Err(Fault::OtherFamily));
    }
}
