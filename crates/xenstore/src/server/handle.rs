//! The way into a running server, from any thread.
//!
//! Invariant: an order is in the queue before the bell rings, so the thread that hears the bell
//! finds it; orders are carried out in the order in which they were given.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Domid;
use crate::client::Client;

/// One of a server's listening sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub(super) u64);

#[derive(Debug)]
pub(super) enum Order {
    Listen(ListenerId, UnixListener, Domid),
    Unlisten(ListenerId),
    Connect(UnixStream, Domid),
    Introduce(Domid),
    Release(Domid),
    Stop,
}

#[derive(Debug)]
pub(super) struct Shared {
    orders: Mutex<Vec<Order>>,
    last_listener: AtomicU64,
    waker: UnixStream,
}

impl Shared {
    pub(super) fn new(waker: UnixStream) -> Shared {
        Shared {
            orders: Mutex::default(),
            last_listener: AtomicU64::new(0),
            waker,
        }
    }

    pub(super) fn take_orders(&self) -> Vec<Order> {
        // A panic of another thread inside `push` leaves the vector whole.
        std::mem::take(&mut *self.orders.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, order: Order) {
        self.orders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(order);
        // A full socket has rung already, and without its other end there is nobody to call.
        // Without the flag that would end a program that has not its way with SIGPIPE.
        let _ = rustix::net::send(&self.waker, &[1], rustix::net::SendFlags::NOSIGNAL);
    }
}

/// A running server. Clones are handles to the same one.
///
/// Orders do not wait for the server's thread: a client that connects right after
/// [`Handle::listen`] is served, since its connection waits in the socket.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Shared>);

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Handle {
        Handle(shared)
    }

    /// Serves a listening socket; its clients act for `domid`.
    ///
    /// # Errors
    ///
    /// The system's reason if the socket cannot be made non-blocking.
    pub fn listen(&self, listener: UnixListener, domid: Domid) -> io::Result<ListenerId> {
        listener.set_nonblocking(true)?;
        let id = ListenerId(self.0.last_listener.fetch_add(1, Ordering::Relaxed));
        self.0.push(Order::Listen(id, listener, domid));
        Ok(id)
    }

    /// Closes a listening socket. Clients that it let in stay connected.
    pub fn unlisten(&self, listener: ListenerId) {
        self.0.push(Order::Unlisten(listener));
    }

    /// Serves a connected socket whose other end acts for `domid`.
    ///
    /// # Errors
    ///
    /// The system's reason if the socket cannot be made non-blocking.
    pub fn connect(&self, stream: UnixStream, domid: Domid) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        self.0.push(Order::Connect(stream, domid));
        Ok(())
    }

    /// A client of this server that acts for `domid`, without a socket in the file system.
    ///
    /// # Errors
    ///
    /// The system's reason if a pair of sockets cannot be made.
    pub fn client(&self, domid: Domid) -> io::Result<Client> {
        let (ours, theirs) = UnixStream::pair()?;
        self.connect(theirs, domid)?;
        Ok(Client::from_stream(ours))
    }

    /// Makes a domain known, as a toolstack's INTRODUCE does.
    pub fn introduce(&self, domid: Domid) {
        self.0.push(Order::Introduce(domid));
    }

    /// Forgets a domain, as a toolstack's RELEASE does.
    pub fn release(&self, domid: Domid) {
        self.0.push(Order::Release(domid));
    }

    /// Ends the server: all its sockets are closed. Join the thread to wait for that.
    pub fn stop(&self) {
        self.0.push(Order::Stop);
    }
}
