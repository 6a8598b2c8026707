//! The target's end of a probe: a socket at the address that sends back what it gets. It is
//! served by the trial's own loop, and never blocks.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrAny, SocketFlags, SocketType, accept_with, bind,
    getsockname, listen, recv, recvfrom, send, sendto, socket_with,
};

use super::Protocol;

const NONBLOCK: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

/// Listens at one address, at a port the kernel chose.
pub(super) struct Listener {
    socket: OwnedFd,
    protocol: Protocol,
    port: u16,
    connections: Vec<OwnedFd>,
}

impl Listener {
    /// Opens it in the calling thread's network namespace. For ICMP the kernel answers, and the
    /// socket only holds the address: binding fails with EADDRNOTAVAIL where it is not there.
    pub(super) fn open(address: IpAddr, protocol: Protocol) -> Result<Self, Errno> {
        let family = if address.is_ipv4() {
            AddressFamily::INET
        } else {
            AddressFamily::INET6
        };
        let kind = match protocol {
            Protocol::Tcp => SocketType::STREAM,
            Protocol::Udp | Protocol::Icmp => SocketType::DGRAM,
        };
        let socket = socket_with(family, kind, NONBLOCK, None)?;
        bind(&socket, &SocketAddr::new(address, 0))?;
        if protocol == Protocol::Tcp {
            listen(&socket, 16)?;
        }
        let bound = SocketAddr::try_from(getsockname(&socket)?)?;
        Ok(Self {
            socket,
            protocol,
            port: bound.port(),
            connections: Vec::new(),
        })
    }

    /// The port it listens at; ICMP has none.
    pub(super) fn port(&self) -> Option<u16> {
        (self.protocol != Protocol::Icmp).then_some(self.port)
    }

    /// What to wait for.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(&self.socket)
            .chain(&self.connections)
            .map(AsFd::as_fd)
    }

    /// Answers all that waits.
    pub(super) fn serve(&mut self) {
        match self.protocol {
            Protocol::Icmp => {}
            Protocol::Udp => self.echo_datagrams(),
            Protocol::Tcp => {
                while let Ok(connection) = accept_with(&self.socket, NONBLOCK) {
                    self.connections.push(connection);
                }
                self.connections.retain(echo_stream);
            }
        }
    }

    fn echo_datagrams(&self) {
        let mut bytes = [0; 64];
        loop {
            match recvfrom(&self.socket, &mut bytes, RecvFlags::empty()) {
                Ok((length, _, Some(from))) => self.answer(&bytes[..length.min(64)], &from),
                // An ICMP error about an earlier answer is told once, and then gone.
                Ok(_) | Err(Errno::INTR | Errno::CONNREFUSED | Errno::HOSTUNREACH) => {}
                Err(_) => return,
            }
        }
    }

    /// An answer that cannot be sent is an answer that does not arrive: the probe tells.
    fn answer(&self, bytes: &[u8], to: &SocketAddrAny) {
        let _ = sendto(&self.socket, bytes, SendFlags::NOSIGNAL, to);
    }
}

/// Sends back what waits; false once the connection is over.
fn echo_stream(connection: &OwnedFd) -> bool {
    let mut bytes = [0; 64];
    match recv(connection, &mut bytes, RecvFlags::empty()) {
        Ok((0, _)) => false,
        Ok((length, _)) => send(connection, &bytes[..length.min(64)], SendFlags::NOSIGNAL).is_ok(),
        Err(errno) => matches!(errno, Errno::AGAIN | Errno::INTR),
    }
}
