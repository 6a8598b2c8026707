//! The sender's end of a probe: tries, and the answers to them. It never blocks.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{
    self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, connect, ipproto,
    recv, send, sendto, socket_with,
};

use super::Protocol;
use super::packet::{Content, Nonce, Packet, echo_request, load, number, packet, reply_v6};

const NONBLOCK: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

/// One side of a conversation with a listener.
pub(super) struct Talk {
    to: SocketAddr,
    /// Whether it speaks from the address it speaks to.
    at_home: bool,
    nonce: Nonce,
    /// When each try was made.
    tries: Vec<Instant>,
    means: Means,
}

enum Means {
    /// One socket for all tries.
    Icmp(OwnedFd),
    Udp(OwnedFd),
    /// A socket for each try.
    Tcp(Vec<Connection>),
}

struct Connection {
    socket: OwnedFd,
    number: u32,
    said: bool,
    heard: Vec<u8>,
}

impl Talk {
    /// Opens its sockets in the calling thread's network namespace, which must stay the thread's
    /// as long as it tries.
    pub(super) fn open(to: SocketAddr, protocol: Protocol, nonce: Nonce) -> Result<Self, Errno> {
        let means = match protocol {
            Protocol::Tcp => Means::Tcp(Vec::new()),
            Protocol::Udp => Means::Udp(socket(to.ip(), SocketType::DGRAM, None)?),
            Protocol::Icmp => {
                let icmp = if to.is_ipv4() {
                    ipproto::ICMP
                } else {
                    ipproto::ICMPV6
                };
                Means::Icmp(socket(to.ip(), SocketType::RAW, Some(icmp))?)
            }
        };
        Ok(Self {
            to,
            at_home: false,
            nonce,
            tries: Vec::new(),
            means,
        })
    }

    /// The same, for a machine that talks to itself. Left to choose, the kernel would speak from
    /// the first address of the network, and an ear could not tell it from another machine.
    pub(super) fn at_home(to: SocketAddr, protocol: Protocol, nonce: Nonce) -> Result<Self, Errno> {
        let talk = Self {
            at_home: true,
            ..Self::open(to, protocol, nonce)?
        };
        if let Means::Icmp(socket) | Means::Udp(socket) = &talk.means {
            bind(socket, &SocketAddr::new(to.ip(), 0))?;
        }
        Ok(talk)
    }

    /// How long to wait between tries. A connection's own first repetition comes after a second.
    pub(super) fn pace(&self) -> Duration {
        Duration::from_millis(if matches!(self.means, Means::Tcp(_)) {
            200
        } else {
            100
        })
    }

    /// How often it was tried.
    pub(super) fn tries(&self) -> u32 {
        u32::try_from(self.tries.len()).unwrap_or(u32::MAX)
    }

    /// Tries once.
    pub(super) fn attempt(&mut self) -> Result<(), Errno> {
        let number = self.tries();
        self.tries.push(Instant::now());
        let (nonce, to) = (self.nonce, self.to);
        match &mut self.means {
            Means::Icmp(socket) => {
                // A raw socket takes no port: it would be read as a protocol (raw(7)).
                let packet = echo_request(to.ip(), nonce, number);
                let to = SocketAddr::new(to.ip(), 0);
                sendto(socket, &packet, SendFlags::empty(), &to).map(drop)
            }
            Means::Udp(socket) => {
                sendto(socket, &load(nonce, number), SendFlags::empty(), &to).map(drop)
            }
            Means::Tcp(connections) => {
                let socket = socket(to.ip(), SocketType::STREAM, None)?;
                if self.at_home {
                    bind(&socket, &SocketAddr::new(to.ip(), 0))?;
                }
                match connect(&socket, &to) {
                    Ok(()) | Err(Errno::INPROGRESS) => {}
                    Err(errno) => return Err(errno),
                }
                connections.push(Connection {
                    socket,
                    number,
                    said: false,
                    heard: Vec::new(),
                });
                Ok(())
            }
        }
    }

    /// What to wait for.
    pub(super) fn descriptors(&self) -> Vec<(BorrowedFd<'_>, PollFlags)> {
        match &self.means {
            Means::Icmp(socket) | Means::Udp(socket) => vec![(socket.as_fd(), PollFlags::IN)],
            Means::Tcp(connections) => connections
                .iter()
                .map(|c| {
                    (
                        c.socket.as_fd(),
                        if c.said {
                            PollFlags::IN
                        } else {
                            PollFlags::OUT
                        },
                    )
                })
                .collect(),
        }
    }

    /// How long the answer took, if one is there.
    pub(super) fn hear(&mut self) -> Option<Duration> {
        let number = match &mut self.means {
            Means::Icmp(socket) => next(socket, |bytes| reply(bytes, self.to.ip(), self.nonce)),
            Means::Udp(socket) => next(socket, |bytes| number(bytes, self.nonce)),
            Means::Tcp(connections) => {
                let mut answered = None;
                connections.retain_mut(|c| match c.go_on(self.nonce) {
                    Ok(done) => {
                        answered = answered.or(done.then_some(c.number));
                        true
                    }
                    // Refused or reset: the tap tells by whom.
                    Err(_) => false,
                });
                answered
            }
        }?;
        let tried = self.tries.get(usize::try_from(number).ok()?)?;
        Some(tried.elapsed())
    }
}

impl Connection {
    /// Says what it has to say once it is connected, and reads the echo; true when it is whole.
    fn go_on(&mut self, nonce: Nonce) -> Result<bool, Errno> {
        let load = load(nonce, self.number);
        if !self.said {
            // Not yet connected counts as full.
            match send(&self.socket, &load, SendFlags::NOSIGNAL) {
                Ok(_) => self.said = true,
                Err(Errno::AGAIN) => return Ok(false),
                Err(errno) => return Err(errno),
            }
        }
        let mut bytes = [0; 12];
        match recv(&self.socket, &mut bytes, RecvFlags::empty()) {
            Ok((0, _)) => return Err(Errno::CONNRESET),
            Ok((length, _)) => self.heard.extend(&bytes[..length.min(12)]),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
        Ok(self.heard == load)
    }
}

fn socket(to: IpAddr, kind: SocketType, protocol: Option<net::Protocol>) -> Result<OwnedFd, Errno> {
    let family = if to.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    socket_with(family, kind, NONBLOCK, protocol)
}

/// Reads what waits at a socket until something is an answer.
fn next(socket: &OwnedFd, answer: impl Fn(&[u8]) -> Option<u32>) -> Option<u32> {
    let mut bytes = [0; 256];
    loop {
        match recv(socket, &mut bytes, RecvFlags::empty()) {
            Ok((length, _)) => {
                if let Some(number) = bytes.get(..length.min(256)).and_then(&answer) {
                    return Some(number);
                }
            }
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// The number of the try that this echo reply answers. A raw socket gives IPv4 with its header,
/// and IPv6 without.
fn reply(bytes: &[u8], from: IpAddr, nonce: Nonce) -> Option<u32> {
    if from.is_ipv6() {
        return number(reply_v6(bytes)?, nonce);
    }
    match packet(bytes)? {
        Packet {
            from: source,
            content: Content::Reply { load },
            ..
        } if source == from => number(&load, nonce),
        _ => None,
    }
}
