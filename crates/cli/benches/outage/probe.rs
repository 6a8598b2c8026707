//! Echo requests, one a millisecond, which dom0's kernel answers: no program of dom0's has to get
//! its turn for it.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, ipproto, socket};

use crate::ear::Ear;

/// How often there is a probe, or a piece of a stream.
pub const EVERY: Duration = Duration::from_millis(1);

/// An echo request without what the kernel fills in: type, code (RFC 792, RFC 4443).
const REQUEST4: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, 0];
const REQUEST6: [u8; 8] = [128, 0, 0, 0, 0, 0, 0, 0];

/// Probes until the program ends.
pub fn start(address: IpAddr, ear: Arc<Ear>) {
    let (family, protocol, request) = match address {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP, REQUEST4),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6, REQUEST6),
    };
    let socket = socket(family, SocketType::DGRAM, Some(protocol)).unwrap();
    let socket = UdpSocket::from(socket);
    socket.connect(SocketAddr::new(address, 0)).unwrap();
    let sender = socket.try_clone().unwrap();
    thread::spawn(move || {
        every_millisecond(|| {
            // An unreachable dom0 is what this is about.
            let _ = sender.send(&request);
        });
    });
    thread::spawn(move || {
        let mut answer = [0; 64];
        loop {
            // Errors are those that the sender is told as well.
            if socket.recv(&mut answer).is_ok() {
                ear.hears();
            }
        }
    });
}

/// Does it again and again, with no more than a turn behind when it was held up.
pub fn every_millisecond(mut turn: impl FnMut()) {
    let mut next = Instant::now();
    loop {
        turn();
        next = (next + EVERY).max(Instant::now());
        thread::sleep(next - Instant::now());
    }
}
