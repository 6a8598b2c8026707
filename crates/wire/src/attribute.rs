//! Attributes as bytes: for the messages whose attributes are carried along unread, which the
//! netlink-packet crates cannot give back as they came.
//!
//! ```text
//!  | length: u16 | kind: u16 | payload, padded to 4 bytes |   (struct nlattr, netlink.h)
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{DefaultNla, Emitable, NLA_F_NESTED, NlasIterator};

/// An attribute that this crate has no word for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The kernel's number of it, within its kind of message.
    pub kind: u16,
    /// Its payload.
    pub value: Vec<u8>,
}

/// Takes attributes apart.
///
/// # Errors
/// What is wrong with the first that cannot be read.
pub(crate) fn split(bytes: &[u8]) -> Result<Vec<(u16, &[u8])>, String> {
    NlasIterator::new(bytes)
        .map(|nla| {
            let nla = nla.map_err(|error| error.to_string())?;
            let (kind, length) = (nla.kind(), usize::from(nla.length()));
            Ok((kind, &nla.into_inner()[4..length]))
        })
        .collect()
}

/// Attributes being written.
#[derive(Default)]
pub(crate) struct Attributes(pub Vec<u8>);

impl Attributes {
    pub(crate) fn put(&mut self, kind: u16, value: &[u8]) {
        let nla = DefaultNla::new(kind, value.to_vec());
        let start = self.0.len();
        self.0.resize(start + nla.buffer_len(), 0);
        nla.emit(&mut self.0[start..]);
    }

    pub(crate) fn put_u32(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_ne_bytes());
    }

    pub(crate) fn put_be32(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_be_bytes());
    }

    pub(crate) fn put_text(&mut self, kind: u16, text: &str) {
        self.put(kind, &[text.as_bytes(), b"\0"].concat());
    }

    pub(crate) fn put_ip(&mut self, kind: u16, ip: IpAddr) {
        self.put(kind, &octets(ip));
    }

    /// Attributes within an attribute, with the flag that says so.
    pub(crate) fn put_nest(&mut self, kind: u16, within: impl FnOnce(&mut Self)) {
        let mut nest = Self::default();
        within(&mut nest);
        self.put(kind | NLA_F_NESTED, &nest.0);
    }

    pub(crate) fn put_all(&mut self, attributes: &[Attribute]) {
        for attribute in attributes {
            self.put(attribute.kind, &attribute.value);
        }
    }
}

/// A payload that is a number.
///
/// # Errors
/// It has another length.
pub(crate) fn as_u32(value: &[u8]) -> Result<u32, String> {
    let bytes = value.try_into();
    bytes
        .map(u32::from_ne_bytes)
        .map_err(|_| format!("{} bytes are no number of 32 bits", value.len()))
}

/// A payload that is a number of one byte.
///
/// # Errors
/// It has another length.
pub(crate) fn as_u8(value: &[u8]) -> Result<u8, String> {
    match value {
        [byte] => Ok(*byte),
        _ => Err(format!("{} bytes are not one", value.len())),
    }
}

/// A payload that is an address.
///
/// # Errors
/// It has the length of none.
pub(crate) fn as_ip(value: &[u8]) -> Result<IpAddr, String> {
    if let Ok(octets) = <[u8; 4]>::try_from(value) {
        return Ok(Ipv4Addr::from(octets).into());
    }
    let octets = <[u8; 16]>::try_from(value);
    octets
        .map(|octets| Ipv6Addr::from(octets).into())
        .map_err(|_| format!("{} bytes are no address", value.len()))
}

/// A payload that is a text with a NUL.
pub(crate) fn as_text(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.trim_end_matches('\0').to_owned()
}

pub(crate) fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// AF_INET or AF_INET6.
pub(crate) fn family_number(ipv6: bool) -> u8 {
    if ipv6 { 10 } else { 2 }
}

/// Whether a message's first byte says IPv6; `None` for a family that is neither.
pub(crate) fn is_ipv6(family: u8) -> Option<bool> {
    match family {
        2 => Some(false),
        10 => Some(true),
        _ => None,
    }
}

/// The address that stands for all, of a family.
pub(crate) fn unspecified(ipv6: bool) -> IpAddr {
    if ipv6 {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    }
}
