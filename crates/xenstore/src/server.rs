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

pub use connection::OUTPUT_MAX;
pub use handle::{Handle, ListenerId};

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::store::Store;
use event_loop::EventLoop;
use handle::Shared;

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
        let (bell, waker) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        waker.set_nonblocking(true)?;
        let shared = Arc::new(Shared::new(waker));
        let event_loop = EventLoop::new(store, bell, Arc::clone(&shared))?;
        let thread = std::thread::Builder::new()
            .name("xenstore".to_owned())
            .spawn(move || event_loop.run())?;
        Ok((Handle::new(shared), thread))
    }
}
