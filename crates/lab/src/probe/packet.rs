//! Building echo requests, and reading what a tap sees. Pure: bytes in, values out. Input is
//! what any machine of a lab may send, so every length is checked and nothing panics.
//!
//! ```text
//! what a probe carries:  nonce (8 bytes) | number of the try (4 bytes, big end first)
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::outcome::Objection;

/// EtherTypes (linux/if_ether.h).
const ETH_P_IP: u16 = 0x0800;
const ETH_P_ARP: u16 = 0x0806;
const ETH_P_IPV6: u16 = 0x86dd;

/// A random mark by which a probe knows its own packets.
pub(super) type Nonce = [u8; 8];

/// What a probe carries: its nonce and the number of the try.
pub(super) fn load(nonce: Nonce, number: u32) -> [u8; 12] {
    let mut load = [0; 12];
    load[..8].copy_from_slice(&nonce);
    load[8..].copy_from_slice(&number.to_be_bytes());
    load
}

/// The number of the try, if the bytes begin with the load of this probe.
pub(super) fn number(bytes: &[u8], nonce: Nonce) -> Option<u32> {
    let load: [u8; 12] = bytes.get(..12)?.try_into().ok()?;
    (load[..8] == nonce).then(|| u32::from_be_bytes([load[8], load[9], load[10], load[11]]))
}

/// An ICMP or ICMPv6 echo request. The checksum of ICMPv6 is left to the kernel, which covers
/// the addresses with it (RFC 4443 2.3; raw(7), icmp6 sockets always do).
pub(super) fn echo_request(to: IpAddr, nonce: Nonce, number: u32) -> Vec<u8> {
    let kind = if to.is_ipv4() { 8 } else { 128 };
    let [.., high, low] = number.to_be_bytes();
    let mut packet = vec![kind, 0, 0, 0, nonce[0], nonce[1], high, low];
    packet.extend(load(nonce, number));
    if to.is_ipv4() {
        let sum = checksum(&packet).to_be_bytes();
        packet[2..4].copy_from_slice(&sum);
    }
    packet
}

/// The internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let sum = bytes.chunks(2).fold(0u32, |sum, pair| {
        let word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        let sum = sum + u32::from(word);
        (sum & 0xffff) + (sum >> 16)
    });
    !u16::try_from(sum).expect("folded after each word")
}

/// A frame, as far as a probe cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A packet.
    Packet(Packet),
    /// ARP or neighbour solicitation: who has this address?
    Question(IpAddr),
}

/// An IP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) content: Content,
}

/// What is in a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Request {
        load: Vec<u8>,
    },
    Reply {
        load: Vec<u8>,
    },
    Udp {
        to_port: u16,
        load: Vec<u8>,
    },
    Tcp {
        from_port: u16,
        to_port: u16,
        reset: bool,
    },
    /// An ICMP error, and the packet it is about, as much as was quoted.
    Error {
        said: Objection,
        about: Box<Packet>,
    },
    Solicitation(Ipv6Addr),
}

/// Reads a frame without its link header.
pub(super) fn frame(ethertype: u16, bytes: &[u8]) -> Option<Frame> {
    match ethertype {
        ETH_P_ARP => arp(bytes).map(Frame::Question),
        ETH_P_IP | ETH_P_IPV6 => Some(match packet(bytes)? {
            Packet {
                content: Content::Solicitation(target),
                ..
            } => Frame::Question(target.into()),
            packet => Frame::Packet(packet),
        }),
        _ => None,
    }
}

/// Reads an IP packet of either family, as raw sockets of IPv4 and ICMP errors have it too.
pub(super) fn packet(bytes: &[u8]) -> Option<Packet> {
    packet_within(bytes, true)
}

/// The load of an ICMPv6 echo reply, as a raw socket gives it: without an IP header.
pub(super) fn reply_v6(bytes: &[u8]) -> Option<&[u8]> {
    (*bytes.first()? == 129).then(|| bytes.get(8..)).flatten()
}

fn arp(bytes: &[u8]) -> Option<IpAddr> {
    // Ethernet and IPv4 with their lengths, and a request (RFC 826).
    let request = bytes.get(..8)? == [0, 1, 8, 0, 6, 4, 0, 1];
    let target: [u8; 4] = bytes.get(24..28)?.try_into().ok()?;
    request.then(|| Ipv4Addr::from(target).into())
}

/// `outer` is false for a packet quoted in an error: no error is about an error.
fn packet_within(bytes: &[u8], outer: bool) -> Option<Packet> {
    let (from, to, protocol, rest): (IpAddr, IpAddr, u8, &[u8]) = match bytes.first()? >> 4 {
        4 => {
            let header = usize::from(bytes[0] & 0xf) * 4;
            let fixed: &[u8; 20] = bytes.first_chunk()?;
            // A later fragment has no header of what it carries.
            if header < 20 || u16::from_be_bytes([fixed[6], fixed[7]]) & 0x1fff != 0 {
                return None;
            }
            let address =
                |at: usize| Ipv4Addr::new(fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]);
            (
                address(12).into(),
                address(16).into(),
                fixed[9],
                bytes.get(header..)?,
            )
        }
        6 => {
            let fixed: &[u8; 40] = bytes.first_chunk()?;
            let address = |at: usize| {
                <[u8; 16]>::try_from(&fixed[at..at + 16])
                    .map(Ipv6Addr::from)
                    .ok()
            };
            let (protocol, rest) = past_extensions(fixed[6], &bytes[40..])?;
            (address(8)?.into(), address(24)?.into(), protocol, rest)
        }
        _ => return None,
    };
    content(from, to, protocol, rest, outer)
}

/// Reads what an IPv6 packet carries, as raw sockets give it: without any IP header.
pub(super) fn segment(from: IpAddr, to: IpAddr, protocol: u8, bytes: &[u8]) -> Option<Packet> {
    content(from, to, protocol, bytes, true)
}

fn content(from: IpAddr, to: IpAddr, protocol: u8, rest: &[u8], outer: bool) -> Option<Packet> {
    let content = match protocol {
        1 if from.is_ipv4() => icmp(rest, outer)?,
        58 if from.is_ipv6() => icmp_v6(rest, outer)?,
        6 => tcp(rest)?,
        17 => Content::Udp {
            to_port: word(rest, 2)?,
            load: rest.get(8..).unwrap_or_default().to_vec(),
        },
        _ => return None,
    };
    Some(Packet { from, to, content })
}

/// Skips hop-by-hop, routing and destination options (RFC 8200 4), all of one form.
fn past_extensions(mut next: u8, mut rest: &[u8]) -> Option<(u8, &[u8])> {
    while matches!(next, 0 | 43 | 60) {
        next = *rest.first()?;
        let length = (usize::from(*rest.get(1)?) + 1) * 8;
        rest = rest.get(length..)?;
    }
    Some((next, rest))
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn tcp(bytes: &[u8]) -> Option<Content> {
    // An error quotes 8 bytes at least (RFC 792), which do not reach to the flags.
    let reset = bytes.get(13).is_some_and(|flags| flags & 4 != 0);
    Some(Content::Tcp {
        from_port: word(bytes, 0)?,
        to_port: word(bytes, 2)?,
        reset,
    })
}

fn icmp(bytes: &[u8], outer: bool) -> Option<Content> {
    let load = || bytes.get(8..).unwrap_or_default().to_vec();
    match (bytes.first()?, *bytes.get(1)?) {
        (8, 0) => Some(Content::Request { load: load() }),
        (0, 0) => Some(Content::Reply { load: load() }),
        (3, code) if outer => {
            let said = match code {
                1 => Objection::NoHost,
                3 => Objection::NoPort,
                9 | 10 | 13 => Objection::Prohibited,
                _ => Objection::NoRoute,
            };
            error(said, bytes)
        }
        _ => None,
    }
}

fn icmp_v6(bytes: &[u8], outer: bool) -> Option<Content> {
    let load = || bytes.get(8..).unwrap_or_default().to_vec();
    match (bytes.first()?, *bytes.get(1)?) {
        (128, 0) => Some(Content::Request { load: load() }),
        (129, 0) => Some(Content::Reply { load: load() }),
        (135, 0) => {
            let target: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            Some(Content::Solicitation(target.into()))
        }
        (1, code) if outer => {
            let said = match code {
                1 | 5 | 6 => Objection::Prohibited,
                3 => Objection::NoHost,
                4 => Objection::NoPort,
                _ => Objection::NoRoute,
            };
            error(said, bytes)
        }
        _ => None,
    }
}

fn error(said: Objection, bytes: &[u8]) -> Option<Content> {
    let about = packet_within(bytes.get(8..)?, false)?;
    Some(Content::Error {
        said,
        about: Box::new(about),
    })
}

#[cfg(test)]
mod tests;
