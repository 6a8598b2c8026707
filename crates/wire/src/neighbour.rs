//! RTM_*NEIGH messages, of IPv4 and IPv6.
//!
//! ```text
//!  | family | 3 bytes of 0 | index: i32 | state: u16 | flags | type | attributes |
//! ```

use std::net::IpAddr;

use crate::attribute::{Attributes, as_ip, as_u8, family_number, is_ipv6, split};

/// A neighbour, or an address that a link answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The link's index.
    pub index: u32,
    /// NDA_DST.
    pub to: IpAddr,
    /// NDA_LLADDR, if it has six bytes.
    pub mac: Option<[u8; 6]>,
    /// NUD_*.
    pub state: u16,
    /// NTF_*, all bits.
    pub flags: u8,
    /// NDA_PROTOCOL.
    pub protocol: u8,
}

const AF_BRIDGE: u8 = 7;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NDA_PROTOCOL: u16 = 12;

impl Neighbour {
    /// Somebody set it, and it stays.
    pub const PERMANENT: u16 = 0x80;
    /// NTF_PROXY: an address that the link answers for.
    pub const PROXY: u8 = 0x08;

    /// `Ok(None)` for a neighbour of another family (a bridge's), or without an address.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Option<Self>, String> {
        let Some((header, rest)) = bytes.split_first_chunk::<12>() else {
            return Err(format!("{} bytes are no neighbour", bytes.len()));
        };
        let [family, _, _, _, i0, i1, i2, i3, s0, s1, flags, _] = *header;
        if is_ipv6(family).is_none() {
            return Ok(None);
        }
        let (mut to, mut mac, mut protocol) = (None, None, 0);
        for (kind, value) in split(rest)? {
            match kind {
                NDA_DST => to = Some(as_ip(value)?),
                NDA_LLADDR => mac = value.try_into().ok(),
                NDA_PROTOCOL => protocol = as_u8(value)?,
                _ => {}
            }
        }
        Ok(to.map(|to| Self {
            index: u32::from_ne_bytes([i0, i1, i2, i3]),
            to,
            mac,
            state: u16::from_ne_bytes([s0, s1]),
            flags,
            protocol,
        }))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut to = Attributes(header(
            family_number(self.to.is_ipv6()),
            self.index,
            self.state,
            self.flags,
        ));
        to.put_ip(NDA_DST, self.to);
        if let Some(mac) = self.mac {
            to.put(NDA_LLADDR, &mac);
        }
        // A kernel before 5.0 does not know it.
        if self.protocol != 0 {
            to.put(NDA_PROTOCOL, &[self.protocol]);
        }
        to.0
    }
}

/// The question for all neighbours of both families, or for all proxies.
pub(crate) fn query(proxies: bool) -> Vec<u8> {
    header(0, 0, 0, if proxies { Neighbour::PROXY } else { 0 })
}

/// The question for what all bridges have learned (AF_BRIDGE).
pub(crate) fn learned_query() -> Vec<u8> {
    header(AF_BRIDGE, 0, 0, 0)
}

/// A MAC that a bridge has learned, and the index of its port; `None` for anything else, such as the
/// MACs of the ports themselves (NUD_PERMANENT) and those that somebody set (NUD_NOARP).
pub(crate) fn learned(bytes: &[u8]) -> Result<Option<(u32, [u8; 6])>, String> {
    const NUD_NOARP: u16 = 0x40;
    let Some((header, rest)) = bytes.split_first_chunk::<12>() else {
        return Ok(None);
    };
    let [family, _, _, _, i0, i1, i2, i3, s0, s1, ..] = *header;
    let state = u16::from_ne_bytes([s0, s1]);
    if family != AF_BRIDGE || state & (Neighbour::PERMANENT | NUD_NOARP) != 0 {
        return Ok(None);
    }
    let mac = split(rest)?
        .into_iter()
        .find_map(|(kind, value)| (kind == NDA_LLADDR).then(|| value.try_into().ok())?);
    Ok(mac.map(|mac| (u32::from_ne_bytes([i0, i1, i2, i3]), mac)))
}

/// The question for one proxy.
pub(crate) fn proxy_query(index: u32, to: IpAddr) -> Vec<u8> {
    let family = family_number(to.is_ipv6());
    let mut query = Attributes(header(family, index, 0, Neighbour::PROXY));
    query.put_ip(NDA_DST, to);
    query.0
}

fn header(family: u8, index: u32, state: u16, flags: u8) -> Vec<u8> {
    let mut header = vec![family, 0, 0, 0];
    header.extend(index.to_ne_bytes());
    header.extend(state.to_ne_bytes());
    header.extend([flags, 0]);
    header
}
