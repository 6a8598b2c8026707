//! Frames as a guest may forge them. Each bears its number, by which it is known where it comes out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub type Mac = [u8; 6];

pub const BROADCAST: Mac = [0xff; 6];

/// Who sends, and to whom.
#[derive(Clone, Copy)]
pub struct Ends {
    pub to: Mac,
    pub from: Mac,
}

fn frame(ends: Ends, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [ends.to, ends.from].concat();
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame.resize(frame.len().max(60), 0);
    frame
}

fn marked(number: usize) -> Vec<u8> {
    format!("frame-{number:02}").into_bytes()
}

/// A frame of any protocol.
pub fn other(ends: Ends, ethertype: u16, number: usize) -> Vec<u8> {
    frame(ends, ethertype, &[vec![0; 20], marked(number)].concat())
}

/// The same frame with a VLAN tag.
pub fn tagged(frame: &[u8], vlan: u16) -> Vec<u8> {
    let [high, low] = vlan.to_be_bytes();
    [&frame[..12], &[0x81, 0, high, low], &frame[12..]].concat()
}

/// A datagram from port 68 to this port.
pub fn udp(ends: Ends, from: IpAddr, to: IpAddr, port: u16, number: usize) -> Vec<u8> {
    let load = marked(number);
    let length = u16::try_from(8 + load.len()).unwrap();
    let mut udp = 68u16.to_be_bytes().to_vec();
    udp.extend(port.to_be_bytes());
    udp.extend(length.to_be_bytes());
    udp.extend([0, 0]);
    udp.extend(load);
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let header = ipv4_header(from, to, length);
            frame(ends, 0x0800, &[header, udp].concat())
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let sum = checksum6(from, to, 17, &udp);
            udp[6..8].copy_from_slice(&sum.to_be_bytes());
            let header = ipv6_header(from, to, length, 17);
            frame(ends, 0x86dd, &[header, udp].concat())
        }
        _ => panic!("{from} and {to} are of two families"),
    }
}

/// An ARP packet: 1 asks, 2 answers.
pub fn arp(ends: Ends, operation: u8, sender: (Mac, Ipv4Addr), number: usize) -> Vec<u8> {
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, operation];
    arp.extend(sender.0);
    arp.extend(sender.1.octets());
    arp.extend([0; 6]);
    arp.extend([10, 0, 0, 254]);
    arp.extend(marked(number));
    frame(ends, 0x0806, &arp)
}

/// A neighbour solicitation (135) or advertisement (136).
pub fn nd(ends: Ends, kind: u8, from: Ipv6Addr, target: Ipv6Addr, number: usize) -> Vec<u8> {
    let to: Ipv6Addr = "ff02::1".parse().unwrap();
    let mut icmp = vec![kind, 0, 0, 0, 0, 0, 0, 0];
    icmp.extend(target.octets());
    // Its own MAC, and a nonce (RFC 3971) whose 14 bytes bear the mark.
    icmp.extend([kind - 134, 1]);
    icmp.extend(ends.from);
    icmp.extend([14, 2]);
    icmp.extend(marked(number));
    icmp.resize(icmp.len().next_multiple_of(8), 0);
    let length = u16::try_from(icmp.len()).unwrap();
    let sum = checksum6(from, to, 58, &icmp);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    let header = ipv6_header(from, to, length, 58);
    frame(ends, 0x86dd, &[header, icmp].concat())
}

fn ipv4_header(from: Ipv4Addr, to: Ipv4Addr, length: u16) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend((20 + length).to_be_bytes());
    header.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    header.extend(from.octets());
    header.extend(to.octets());
    let sum = !folded(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

fn ipv6_header(from: Ipv6Addr, to: Ipv6Addr, length: u16, protocol: u8) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0];
    header.extend(length.to_be_bytes());
    header.extend([protocol, 255]);
    header.extend(from.octets());
    header.extend(to.octets());
    header
}

fn checksum6(from: Ipv6Addr, to: Ipv6Addr, protocol: u8, load: &[u8]) -> u16 {
    let length = u32::try_from(load.len()).unwrap().to_be_bytes();
    let pseudo = [
        &from.octets()[..],
        &to.octets(),
        &length,
        &[0, 0, 0, protocol],
    ];
    !folded(&[&pseudo.concat(), load].concat())
}

/// RFC 1071.
fn folded(bytes: &[u8]) -> u16 {
    let sum = bytes.chunks(2).fold(0u32, |sum, pair| {
        sum + (u32::from(pair[0]) << 8) + pair.get(1).map_or(0, |low| u32::from(*low))
    });
    let sum = (sum & 0xffff) + (sum >> 16);
    u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap()
}
