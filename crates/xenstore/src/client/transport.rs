//! What a client's bytes travel over, and the UNIX socket.
//!
//! Invariant: with a timeout neither direction blocks beyond it, save where the kernel itself
//! waits ([`Device`](super::Device)); no send ends the process by SIGPIPE.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use crate::wire::PAYLOAD_MAX;

/// A stream that carries packets to a server and back.
pub trait Transport: fmt::Debug + Send {
    /// Sends whole packets, each given as its bytes; together in one system call where the
    /// transport allows it.
    ///
    /// # Errors
    ///
    /// [`SendError`], with how far it came; [`io::ErrorKind::TimedOut`] if the far end did not take
    /// them in time.
    fn send(&mut self, packets: &[Vec<u8>], timeout: Option<Duration>) -> Result<(), SendError>;

    /// Receives some bytes: `Some(0)` at the end of the stream, `None` when the time was up
    /// first. Without a timeout it waits for ever.
    ///
    /// # Errors
    ///
    /// What the system says; the stream is then unusable.
    fn receive(
        &mut self,
        buffer: &mut [u8],
        timeout: Option<Duration>,
    ) -> io::Result<Option<usize>>;

    /// What it carries of the protocol.
    fn carries(&self) -> Carries {
        Carries::default()
    }
}

/// What a transport carries of the protocol: all of it, or what the kernel's driver lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carries {
    /// The longest payload of a request, in bytes.
    pub payload: usize,
    /// Whether the depth of a watch arrives at the server.
    pub watch_depth: bool,
    /// Whether the server sees a connection of this client's own, whose watches it may drop
    /// without dropping somebody else's.
    pub own_connection: bool,
}

impl Default for Carries {
    fn default() -> Carries {
        Carries {
            payload: PAYLOAD_MAX,
            watch_depth: true,
            own_connection: true,
        }
    }
}

/// Packets that could not all be sent.
#[derive(Debug)]
pub struct SendError {
    /// Whether any byte of them was taken.
    pub begun: bool,
    /// Whether the stream can be used on: no packet was left half sent.
    pub usable: bool,
    /// The system's reason.
    pub source: io::Error,
}

/// A transport that does not know how far it came.
impl From<io::Error> for SendError {
    fn from(source: io::Error) -> SendError {
        SendError {
            begun: true,
            usable: false,
            source,
        }
    }
}

impl Transport for UnixStream {
    fn send(&mut self, packets: &[Vec<u8>], timeout: Option<Duration>) -> Result<(), SendError> {
        let deadline = deadline(timeout);
        let joined;
        let whole = match packets {
            [one] => one.as_slice(),
            many => {
                joined = many.concat();
                joined.as_slice()
            }
        };
        let mut rest = whole;
        while !rest.is_empty() {
            // NOSIGNAL: a server that went away would otherwise end the whole process by SIGPIPE,
            // unless the program ignores that signal.
            let sent = rustix::net::send(&*self, rest, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
            let failed = |source: io::Error| SendError {
                begun: rest.len() < whole.len(),
                usable: source.kind() == io::ErrorKind::TimedOut && rest.len() == whole.len(),
                source,
            };
            match sent {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !ready(&*self, PollFlags::OUT, deadline).map_err(failed)? {
                        return Err(failed(io::ErrorKind::TimedOut.into()));
                    }
                }
                Err(error) => return Err(failed(error.into())),
            }
        }
        Ok(())
    }

    fn receive(
        &mut self,
        buffer: &mut [u8],
        timeout: Option<Duration>,
    ) -> io::Result<Option<usize>> {
        let deadline = deadline(timeout);
        // Without a deadline one call does: it waits by itself, unless the socket was made
        // non-blocking by whoever gave it to us.
        let flags = match deadline {
            None => RecvFlags::empty(),
            Some(_) => RecvFlags::DONTWAIT,
        };
        if deadline.is_some() && !ready(&*self, PollFlags::IN, deadline)? {
            return Ok(None);
        }
        loop {
            match rustix::net::recv(&*self, &mut *buffer, flags) {
                Ok((received, _)) => return Ok(Some(received)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !ready(&*self, PollFlags::IN, deadline)? {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The end of a timeout; one that is too long for the clock is none.
pub(super) fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// Waits until the file can be read or written; false if the deadline passes first.
pub(super) fn ready(
    file: impl AsFd,
    flags: PollFlags,
    deadline: Option<Instant>,
) -> io::Result<bool> {
    let mut files = [PollFd::new(&file, flags)];
    loop {
        // A duration that the kernel cannot count is as good as no limit.
        let left = deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
            .and_then(|left| Timespec::try_from(left).ok());
        match rustix::event::poll(&mut files, left.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            // A signal: what is left of the deadline is computed anew.
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
