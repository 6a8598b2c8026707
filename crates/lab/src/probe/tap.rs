//! A tap on all links of a namespace: an AF_PACKET socket (packet(7)), which sees each frame
//! that leaves or comes, without its link header. The only file of the probe with `unsafe`: the
//! address of a frame (its type, direction and kind of link) is not in rustix.

use std::mem::{MaybeUninit, size_of};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, socket_with};

use super::packet::{Frame, frame};

/// A socket that sees all frames of the namespace it was opened in.
pub(super) struct Tap(OwnedFd);

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It left.
    Out,
    /// It came, and was meant for this machine.
    In,
    /// It came, and was meant for others or for all.
    Past,
}

/// A frame that was seen.
pub(super) struct Sighting {
    pub(super) frame: Frame,
    pub(super) way: Way,
    /// Whether the link was `lo`, over which nothing leaves the machine.
    pub(super) loopback: bool,
}

/// Frames of every EtherType (linux/if_ether.h).
const ETH_P_ALL: u16 = 3;
/// More than any link of a lab carries in one frame that is worth reading: headers of both
/// families, an ICMP error's, and a load of twelve bytes.
const SNAP: usize = 512;

impl Tap {
    /// Opens a tap in the calling thread's network namespace. It sees frames from now on.
    pub(super) fn open() -> Result<Self, Errno> {
        // A protocol given here binds to all links at once (packet(7)); ETH_P_ALL also sees what
        // leaves.
        let all = u32::from(ETH_P_ALL.to_be());
        let protocol = NonZeroU32::new(all).map(Protocol::from_raw);
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        socket_with(AddressFamily::PACKET, SocketType::DGRAM, flags, protocol).map(Self)
    }

    /// The next frame a probe may care for, if one waits.
    pub(super) fn next(&self) -> Option<Sighting> {
        loop {
            let (address, bytes) = self.receive()?;
            let ethertype = u16::from_be(address.sll_protocol);
            let Some(frame) = frame(ethertype, &bytes) else {
                continue;
            };
            let way = match address.sll_pkttype {
                libc::PACKET_OUTGOING => Way::Out,
                libc::PACKET_HOST => Way::In,
                _ => Way::Past,
            };
            let loopback = address.sll_hatype == libc::ARPHRD_LOOPBACK;
            return Some(Sighting {
                frame,
                way,
                loopback,
            });
        }
    }

    /// One frame and its address; nothing if none waits or the socket fails (a link that went
    /// away leaves ENETDOWN behind once, and the frames after it are still read).
    fn receive(&self) -> Option<(libc::sockaddr_ll, Vec<u8>)> {
        let mut bytes = vec![0u8; SNAP];
        for _ in 0..2 {
            let mut address = MaybeUninit::<libc::sockaddr_ll>::zeroed();
            let mut length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>())
                .expect("an address is a few bytes long");
            // SAFETY: the buffer and the address are valid for writes of the lengths given with
            // them and live through the call; the descriptor is open as long as `self`.
            let received = unsafe {
                libc::recvfrom(
                    self.0.as_raw_fd(),
                    bytes.as_mut_ptr().cast(),
                    bytes.len(),
                    libc::MSG_DONTWAIT,
                    address.as_mut_ptr().cast(),
                    &raw mut length,
                )
            };
            if let Ok(received) = usize::try_from(received) {
                bytes.truncate(received);
                // SAFETY: zeroed, and a sockaddr_ll of all zeroes is valid; the kernel wrote
                // over the front of it.
                return Some((unsafe { address.assume_init() }, bytes));
            }
        }
        None
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
