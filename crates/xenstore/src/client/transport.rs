//! What a client's bytes travel over: a UNIX socket, or the kernel's xenbus device.
//!
//! Invariant: `send` takes all packets or fails; `receive` never blocks beyond its timeout.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

/// A stream that carries packets to a server and back.
pub trait Transport: fmt::Debug + Send {
    /// Sends whole packets, each given as its bytes; together in one system call where the
    /// transport allows it.
    ///
    /// # Errors
    ///
    /// What the system says; the stream is then unusable.
    fn send(&mut self, packets: &[Vec<u8>]) -> io::Result<()>;

    /// Receives some bytes: `Some(0)` at the end of the stream, `None` when the timeout passed
    /// first. Without a timeout it waits for ever.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn receive(
        &mut self,
        buffer: &mut [u8],
        timeout: Option<Duration>,
    ) -> io::Result<Option<usize>>;
}

impl Transport for UnixStream {
    fn send(&mut self, packets: &[Vec<u8>]) -> io::Result<()> {
        let joined;
        let mut rest = match packets {
            [one] => one.as_slice(),
            many => {
                joined = many.concat();
                joined.as_slice()
            }
        };
        while !rest.is_empty() {
            // Without the flag a server that went away would end the whole process by SIGPIPE,
            // unless the program ignores that signal.
            match rustix::net::send(&*self, rest, SendFlags::NOSIGNAL) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn receive(
        &mut self,
        buffer: &mut [u8],
        timeout: Option<Duration>,
    ) -> io::Result<Option<usize>> {
        if !readable(&*self, timeout)? {
            return Ok(None);
        }
        loop {
            match rustix::net::recv(&*self, &mut *buffer, RecvFlags::empty()) {
                Ok((received, _)) => return Ok(Some(received)),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The character device of the kernel's xenbus driver.
///
/// A write that ends one request must not begin the next: the driver sends the first packet of its
/// buffer and forgets the rest (`xenbus_file_write` in `drivers/xen/xenbus/xenbus_dev_frontend.c`).
#[derive(Debug)]
pub struct Device(File);

impl Device {
    /// Opens the device: `/dev/xen/xenbus`, or `/proc/xen/xenbus` on old kernels.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Device> {
        File::options()
            .read(true)
            .write(true)
            .open(path)
            .map(Device)
    }
}

impl Transport for Device {
    fn send(&mut self, packets: &[Vec<u8>]) -> io::Result<()> {
        packets
            .iter()
            .try_for_each(|packet| self.0.write_all(packet))
    }

    fn receive(
        &mut self,
        buffer: &mut [u8],
        timeout: Option<Duration>,
    ) -> io::Result<Option<usize>> {
        if !readable(&self.0, timeout)? {
            return Ok(None);
        }
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other.map(Some),
            }
        }
    }
}

/// Waits until there is something to read; without a timeout that is left to the read itself.
fn readable(file: impl AsFd, timeout: Option<Duration>) -> io::Result<bool> {
    let Some(timeout) = timeout else {
        return Ok(true);
    };
    // A duration that the kernel cannot count is as good as a very long one.
    let timeout = Timespec::try_from(timeout).unwrap_or(Timespec {
        tv_sec: i64::MAX,
        tv_nsec: 0,
    });
    let mut files = [PollFd::new(&file, PollFlags::IN)];
    loop {
        match rustix::event::poll(&mut files, Some(&timeout)) {
            Ok(ready) => return Ok(ready > 0),
            // Waiting anew may wait longer than asked; callers compute what is left of a deadline
            // before each call, so this is bounded by the signals that arrive.
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
