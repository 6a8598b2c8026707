//! One netlink socket: a request out, its replies in.

use std::os::fd::{AsRawFd, RawFd};

use netlink_sys::protocols::{NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_ROUTE};
use netlink_sys::{Socket as Netlink, SocketAddr};
use rustix::net::sockopt::{set_socket_send_buffer_size, set_socket_send_buffer_size_force};
use xenwire_wire::{Protocol, Query, Reply, decode};

use super::KernelError;

/// The kernel cuts a dump into datagrams of at most 32 KiB (NLMSG_GOODSIZE and netlink_dump,
/// net/netlink/af_netlink.c).
const DATAGRAM: usize = 64 * 1024;

/// How often a dump that was overtaken by a change is asked for again.
const ATTEMPTS: u32 = 50;

#[derive(Debug)]
pub(super) struct Socket {
    netlink: Netlink,
    protocol: Protocol,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    pub(super) fn open(protocol: Protocol) -> Result<Self, KernelError> {
        let io = |operation| move |error| KernelError::Io { operation, error };
        let number = match protocol {
            Protocol::Route => NETLINK_ROUTE,
            Protocol::Generic => NETLINK_GENERIC,
            Protocol::Netfilter => NETLINK_NETFILTER,
        };
        let mut netlink = Netlink::new(number).map_err(io("open a netlink socket"))?;
        netlink.bind_auto().map_err(io("bind a netlink socket"))?;
        netlink
            .connect(&SocketAddr::new(0, 0))
            .map_err(io("connect a netlink socket"))?;
        // Kernels before 4.12 and 5.0 know none of these; answers are then longer or without words.
        let _ = netlink.set_ext_ack(true);
        let _ = netlink.set_cap_ack(true);
        let _ = netlink.set_netlink_get_strict_chk(true);
        Ok(Self {
            netlink,
            protocol,
            sequence: 0,
            buffer: Vec::with_capacity(DATAGRAM),
        })
    }

    /// Asks, and asks again while the answer was cut short by a change.
    pub(super) fn ask(&mut self, query: &Query) -> Result<Vec<Reply>, KernelError> {
        for _ in 0..ATTEMPTS {
            self.sequence = self.sequence.wrapping_add(1);
            let bytes = query.encode(self.sequence);
            let (replies, interrupted) = self.exchange(&bytes, 1, query.is_dump())?;
            if !interrupted {
                return Ok(replies);
            }
        }
        Err(KernelError::NeverStill)
    }

    /// Sends a change and waits for its acknowledgement.
    pub(super) fn change(
        &mut self,
        encode: impl FnOnce(u32) -> Vec<u8>,
    ) -> Result<(), KernelError> {
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = encode(self.sequence);
        self.exchange(&bytes, 1, true).map(drop)
    }

    /// Sends changes that are made together and waits until they are. They have two numbers: the
    /// kernel says by the second that all is done, and by either what is wrong.
    pub(super) fn change_as_one(
        &mut self,
        encode: impl FnOnce(u32) -> Vec<u8>,
    ) -> Result<(), KernelError> {
        self.sequence = self.sequence.wrapping_add(2);
        let bytes = encode(self.sequence);
        self.make_room(bytes.len());
        self.exchange(&bytes, 2, true).map(drop)
    }

    /// A transaction is one datagram, and the usual room is 208 KiB. Where more is not granted, the
    /// kernel refuses the datagram with EMSGSIZE.
    fn make_room(&self, length: usize) {
        const USUAL: usize = 128 * 1024;
        if length > USUAL {
            let room = length * 2;
            let _ = set_socket_send_buffer_size_force(&self.netlink, room)
                .or_else(|_| set_socket_send_buffer_size(&self.netlink, room));
        }
    }

    fn exchange(
        &mut self,
        request: &[u8],
        numbers: u32,
        until_done: bool,
    ) -> Result<(Vec<Reply>, bool), KernelError> {
        let io = |operation| move |error| KernelError::Io { operation, error };
        self.netlink
            .send(request, 0)
            .map_err(io("send to the kernel"))?;
        let mut replies = Vec::new();
        loop {
            self.buffer.clear();
            match self.netlink.recv(&mut self.buffer, 0) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                result => result.map_err(io("receive from the kernel"))?,
            };
            for (sequence, reply) in
                decode(self.protocol, &self.buffer).map_err(KernelError::Decode)?
            {
                // A late answer to a request that was given up.
                if self.sequence.wrapping_sub(sequence) >= numbers {
                    continue;
                }
                match reply {
                    Reply::Done { interrupted } => return Ok((replies, interrupted)),
                    Reply::Refused { errno, text } => {
                        return Err(KernelError::Refused { errno, text });
                    }
                    reply if until_done => replies.push(reply),
                    reply => return Ok((vec![reply], false)),
                }
            }
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.netlink.as_raw_fd()
    }
}
