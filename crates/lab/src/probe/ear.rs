//! An ear at the target: a raw socket (raw(7)), which gets a copy of each packet that the
//! target's kernel delivers to the address. It hears after the target's own filter, so what a
//! filter drops there has not come; what it hears has come, answered or not.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SocketFlags, SocketType, bind, ipproto, recvfrom, socket_with,
};

use super::Protocol;
use super::packet::{Packet, packet, segment};

/// Room for both headers and a load; the rest of a longer packet is cut off.
const SNAP: usize = 512;

/// Hears what comes to one address with one protocol.
pub(super) struct Ear {
    socket: OwnedFd,
    address: IpAddr,
    number: u8,
}

impl Ear {
    /// Opens it in the calling thread's network namespace.
    pub(super) fn open(address: IpAddr, protocol: Protocol) -> Result<Self, Errno> {
        let family = if address.is_ipv4() {
            AddressFamily::INET
        } else {
            AddressFamily::INET6
        };
        let (ip, number) = match protocol {
            Protocol::Icmp if address.is_ipv4() => (ipproto::ICMP, 1),
            Protocol::Icmp => (ipproto::ICMPV6, 58),
            Protocol::Tcp => (ipproto::TCP, 6),
            Protocol::Udp => (ipproto::UDP, 17),
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(family, SocketType::RAW, flags, Some(ip))?;
        bind(&socket, &SocketAddr::new(address, 0))?;
        Ok(Self {
            socket,
            address,
            number,
        })
    }

    /// The next packet from another machine, if one waits.
    pub(super) fn next(&self) -> Option<Packet> {
        let mut bytes = [0; SNAP];
        loop {
            let (length, from) = match recvfrom(&self.socket, &mut bytes, RecvFlags::empty()) {
                Ok((length, _, Some(from))) => (length.min(SNAP), SocketAddr::try_from(from)),
                Ok(_) | Err(Errno::INTR) => continue,
                Err(_) => return None,
            };
            let (bytes, Ok(from)) = (&bytes[..length], from) else {
                continue;
            };
            // IPv4 comes with its header, IPv6 without (RFC 3542 3).
            let heard = match self.address {
                IpAddr::V4(_) => packet(bytes),
                IpAddr::V6(_) => segment(from.ip(), self.address, self.number, bytes),
            };
            if let Some(packet) = heard.filter(|packet| packet.from != self.address) {
                return Some(packet);
            }
        }
    }
}

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
