//! The character device of Linux's xenbus driver, which leads to a store in another domain.
//!
//! Invariant: no write holds more than one request.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::transport::{Carries, SendError, Transport, deadline, ready};
use crate::wire::{HEADER_LEN, PAYLOAD_MAX};

/// The longest payload of a request through the device: the driver's buffer less a header.
pub const DEVICE_PAYLOAD_MAX: usize = PAYLOAD_MAX - HEADER_LEN;

/// The kernel's xenbus device, one connection for each time it is opened.
///
/// What the driver does was read in Linux 5.15 to 6.x, `drivers/xen/xenbus`:
///
/// * `xenbus_file_write` (`xenbus_dev_frontend.c`) gathers what is written until it has one whole
///   message, sends that, and drops whatever the same write held after it. So each request is a
///   write of its own. Its buffer takes 4096 bytes *with* the header, which leaves
///   [`DEVICE_PAYLOAD_MAX`] for a request; a reply may have all 4096 (`queue_reply`).
/// * Several requests may be on their way at once: the driver numbers them itself and puts the
///   caller's number into the reply (`xs_send` in `xenbus_xs.c`, `process_msg` in
///   `xenbus_comms.c`). Of TRANSACTION_START one at a time only: `xenbus_dev_queue_reply` finds the
///   file's new transaction by its not having a number yet. A client here waits for each.
/// * WATCH and UNWATCH are done by the kernel on its own connection (`xenbus_write_watch`): the
///   write itself waits for the server, with no limit, and a refusal is the write's errno, not a
///   reply. A depth is not passed on. The number in the header of an event is not set
///   (`watch_fired`), so an event is known by its type alone.
/// * The server sees one connection, the kernel's. RESET_WATCHES would drop the watches of all its
///   drivers, so it is not sent.
/// * `xenbus_file_read` gives as much as is queued, across packets; it never says that the stream
///   has ended: a server that dies leaves its clients waiting. It says EAGAIN for a file that was
///   opened with O_NONBLOCK. `xenbus_file_poll` reports what can be read, and never that a write
///   is possible, since a write does not wait for room.
/// * After a resume of the domain a commit of a transaction from before is answered with EAGAIN
///   (`xenbus_write_transaction`), so that it is done again.
#[derive(Debug)]
pub struct Device(File);

impl Device {
    /// Opens the device: `/dev/xen/xenbus`, or `/proc/xen/xenbus` on old systems.
    ///
    /// # Errors
    ///
    /// What the system says. ENOENT for a device that is there means that the kernel has not found
    /// its store yet (`xenbus_file_open`).
    pub fn open(path: &Path) -> io::Result<Device> {
        File::options()
            .read(true)
            .write(true)
            .open(path)
            .map(Device)
    }
}

/// A device that is open already, for reading and writing, blocking or not.
impl From<File> for Device {
    fn from(file: File) -> Device {
        Device(file)
    }
}

impl Device {
    /// One request; `rest` is what the driver has not taken.
    fn write(&mut self, rest: &mut &[u8], deadline: Option<Instant>) -> io::Result<()> {
        while !rest.is_empty() {
            match self.0.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => *rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !ready(&self.0, PollFlags::OUT, deadline)? {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Transport for Device {
    fn send(&mut self, packets: &[Vec<u8>], timeout: Option<Duration>) -> Result<(), SendError> {
        let deadline = deadline(timeout);
        for (position, packet) in packets.iter().enumerate() {
            let mut rest = packet.as_slice();
            self.write(&mut rest, deadline)
                .map_err(|source| SendError {
                    begun: position > 0 || rest.len() < packet.len(),
                    // What the driver refuses it does not keep: the next request starts afresh.
                    usable: rest.len() == packet.len(),
                    source,
                })?;
        }
        Ok(())
    }

    fn receive(
        &mut self,
        buffer: &mut [u8],
        timeout: Option<Duration>,
    ) -> io::Result<Option<usize>> {
        let deadline = deadline(timeout);
        if deadline.is_some() && !ready(&self.0, PollFlags::IN, deadline)? {
            return Ok(None);
        }
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !ready(&self.0, PollFlags::IN, deadline)? {
                        return Ok(None);
                    }
                }
                other => return other.map(Some),
            }
        }
    }

    fn carries(&self) -> Carries {
        Carries {
            payload: DEVICE_PAYLOAD_MAX,
            watch_depth: false,
            own_connection: false,
        }
    }
}
