//! A server for UNIX sockets: one thread around a [`Store`].
//!
//! ```text
//!   listener (acts for domid 0) ─┐                ┌─ client: bytes in ─> Decoder ─> Store
//!   listener (acts for domid 5) ─┼─> epoll, one ──┤
//!   Handle: listen, stop, ..   ──┘    thread      └─ client: bytes out <─ bounded queue
//! ```
//!
//! A socket carries a domain's identity: whoever may connect to it acts for that domain, so its
//! mode and place are its protection, and the caller who creates it decides on both. Sockets come
//! and go through the [`Handle`] while the server runs. Invariants: the thread never waits for a
//! client, and what it keeps for one is bounded. A client that asks faster than it reads is not
//! listened to until it has caught up; one that lets [`OUTPUT_MAX`] bytes of different events pile
//! up, or sends garbage, is cut off. Nobody else notices.

mod connection;
mod event_loop;
mod handle;
mod recorder;

pub use connection::OUTPUT_MAX;
pub use handle::{Handle, ListenerId};

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::store::Store;
use event_loop::EventLoop;
use handle::Shared;
use recorder::Recorder;

/// Runs stores.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Runs a store in a thread of its own, with no socket yet.
    ///
    /// The thread ends after [`Handle::stop`], with an error only if epoll itself fails. Dropping
    /// the handle does not end it.
    ///
    /// # Errors
    ///
    /// The system's reason if epoll, the pair of sockets that wakes the thread, or the thread
    /// cannot be made.
    pub fn spawn(store: Store) -> io::Result<(Handle, JoinHandle<io::Result<()>>)> {
        Server::start(store, Recorder::off())
    }

    /// Runs a store as [`Server::spawn`] does, and writes a [`trace`](crate::trace) of all that it
    /// sees and says.
    ///
    /// The sink is given whole lines, and those of a request before its reply is sent: an unbuffered
    /// file is right, and what waits (a full pipe) makes every client wait. When the sink fails, the
    /// server goes on without it, and `lost` is called, once, in the server's thread. The trace has
    /// events as the store told them, before a client that does not read them is cut off.
    ///
    /// # Errors
    ///
    /// As [`Server::spawn`], or the sink's if it does not take the trace's first line; its later
    /// errors go to `lost`.
    pub fn spawn_recorded(
        store: Store,
        sink: impl Write + Send + 'static,
        lost: impl FnOnce(io::Error) + Send + 'static,
    ) -> io::Result<(Handle, JoinHandle<io::Result<()>>)> {
        let recorder = Recorder::begin(Box::new(sink), Box::new(lost))?;
        Server::start(store, recorder)
    }

    fn start(store: Store, recorder: Recorder) -> io::Result<(Handle, JoinHandle<io::Result<()>>)> {
        let (bell, waker) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        waker.set_nonblocking(true)?;
        let shared = Arc::new(Shared::new(waker));
        let event_loop = EventLoop::new(store, bell, Arc::clone(&shared), recorder)?;
        let thread = std::thread::Builder::new()
            .name("xenstore".to_owned())
            .spawn(move || event_loop.run())?;
        Ok((Handle::new(shared), thread))
    }
}
