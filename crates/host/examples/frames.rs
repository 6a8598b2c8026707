//! Frames into a world's links, and who gets them:
//!
//! ```text
//! frames SENDER PORT LISTENER...  < frames in hexadecimal, one a line
//! ```
//!
//! The frames are sent by the link SENDER, one after the other. Each bears a mark: `frame-` and its
//! number in two digits. The last one must come to every LISTENER; then a line for each says which
//! came before it, and a line `udp` which datagrams came to this machine's port PORT. Nothing waits for
//! a time: links keep the order of frames. The tests of this crate run it.
#![allow(unsafe_code, reason = "packet(7) has no safe form")]
#![allow(clippy::print_stdout, reason = "what it is for")]

use std::collections::BTreeSet;
use std::io::{self, Error, Read};
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// ETH_P_ALL, in network order.
const ALL: u16 = 0x0003u16.to_be();

fn main() -> io::Result<()> {
    let mut words = std::env::args().skip(1);
    let mut word = || words.next().ok_or(io::ErrorKind::InvalidInput);
    let (sender, port) = (word()?, word()?);
    let sender = packets(&sender)?;
    let udp = UdpSocket::bind(format!("[::]:{port}"))?;
    udp.set_nonblocking(true)?;
    let names: Vec<String> = words.collect();
    let ears = names.iter().map(|name| packets(name));
    let ears: Vec<OwnedFd> = ears.collect::<io::Result<_>>()?;
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let frames: Vec<Vec<u8>> = text.lines().map(bytes).collect();
    for frame in &frames {
        // SAFETY: the pointer and length are those of a slice.
        let sent = unsafe { libc::send(sender.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        if sent < 0 {
            return Err(Error::last_os_error());
        }
    }
    let last = frames.len() - 1;
    for (name, ear) in names.iter().zip(&ears) {
        let mut came = BTreeSet::new();
        while !came.contains(&last) {
            came.extend(next(ear)?);
        }
        came.remove(&last);
        println!("{name}: {came:?}");
    }
    // Delivered within the sending (veth hands a frame over as it is sent), so nothing is late.
    let mut came = BTreeSet::new();
    let mut buffer = [0; 2048];
    while let Ok(length) = udp.recv(&mut buffer) {
        came.extend(mark(&buffer[..length]));
    }
    println!("udp: {came:?}");
    Ok(())
}

fn bytes(line: &str) -> Vec<u8> {
    let digits: Vec<u8> = line.bytes().collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).filter_map(byte).collect()
}

/// A socket for all frames of a link.
fn packets(link: &str) -> io::Result<OwnedFd> {
    let name = std::ffi::CString::new(link)?;
    // SAFETY: the name ends with a NUL.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    if index == 0 {
        return Err(Error::other(format!("no link {link}")));
    }
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    let socket = unsafe { libc::socket(libc::AF_PACKET, kind, i32::from(ALL)) };
    if socket < 0 {
        return Err(Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: all bytes zero is a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET.try_into().unwrap_or_default();
    address.sll_protocol = ALL;
    address.sll_ifindex = index.try_into().unwrap_or_default();
    let patience = libc::timeval {
        tv_sec: Duration::from_secs(15).as_secs().try_into().unwrap_or(15),
        tv_usec: 0,
    };
    // SAFETY: pointers and lengths of values that outlive the calls.
    let failed = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVTIMEO,
            (&raw const patience).cast(),
            size_of_val(&patience) as libc::socklen_t,
        ) != 0
            || libc::bind(
                socket.as_raw_fd(),
                (&raw const address).cast(),
                size_of_val(&address) as libc::socklen_t,
            ) != 0
    };
    if failed {
        return Err(Error::last_os_error());
    }
    Ok(socket)
}

/// The number of the next frame that came in; none for one that bears no mark or went out.
fn next(ear: &OwnedFd) -> io::Result<Option<usize>> {
    let mut buffer = [0u8; 2048];
    // SAFETY: all bytes zero is a valid sockaddr_ll.
    let mut from: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    let mut size = size_of_val(&from) as libc::socklen_t;
    // SAFETY: pointers and lengths of values that outlive the call.
    let length = unsafe {
        libc::recvfrom(
            ear.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            0,
            (&raw mut from).cast(),
            &raw mut size,
        )
    };
    let length = usize::try_from(length).map_err(|_| Error::last_os_error())?;
    let went_out = from.sll_pkttype == libc::PACKET_OUTGOING;
    Ok(mark(&buffer[..length]).filter(|_| !went_out))
}

fn mark(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(6).position(|six| six == b"frame-")?;
    let digits = bytes.get(at + 6..at + 8)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
