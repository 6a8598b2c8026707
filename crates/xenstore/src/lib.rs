//! xenstore: the small tree of names and values through which the domains of a Xen host agree on
//! their devices. This crate has the protocol's codec, a complete store, a server for UNIX sockets
//! and a blocking client. It needs neither Xen nor its C libraries.
//!
//! # The model
//!
//! A *node* has a path (`/local/domain/7/name`), a value (any bytes, often empty), permissions and
//! children. A *watch* tells a client that something at or below a path changed. A *transaction*
//! makes several requests one: it commits as a whole, or fails with EAGAIN because somebody else
//! changed a node it used, and is then done again from the start. Every connection acts for one
//! *domain*; dom0 may do everything, the others what a node's permissions let them.
//!
//! # A client
//!
//! ```no_run
//! use xenwire_xenstore::{Client, Error, Nodes};
//!
//! # fn main() -> Result<(), Error> {
//! let mut store = Client::open(|name| std::env::var(name).ok())?;
//! let state = store.read_text("backend/vif/7/0/state")?; // relative to /local/domain/0
//! println!("state {state}");
//!
//! // Several nodes in one round trip; each path has its own result.
//! let nodes = store.read_many(&["backend/vif/7/0/bridge", "backend/vif/7/0/mac"])?;
//! for node in nodes {
//!     match node {
//!         Ok(value) => println!("{}", String::from_utf8_lossy(&value)),
//!         Err(error) if error.is_not_found() => println!("not set"),
//!         Err(error) => return Err(error),
//!     }
//! }
//!
//! // All or nothing, tried again at most ten times when others interfere.
//! store.transaction(10, |nodes| {
//!     nodes.write("backend/vif/7/0/hotplug-status", b"connected")?;
//!     nodes.rm("backend/vif/7/0/hotplug-error")
//! })?;
//!
//! // The first event comes at once, so there is no gap between looking and being told.
//! store.watch("backend/vif", "vifs")?;
//! while let Some(event) = store.event(None)? {
//!     println!("{} changed", event.path);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Nodes`] is the trait of all requests about nodes. [`Client`] and [`Transaction`] both have it,
//! so a function that takes `&mut impl Nodes` works inside a transaction and outside. Which method
//! sends which request is in the table of [`client`].
//!
//! # Where the store is
//!
//! [`Client::open`] looks where libxenstore does, at [`places`]: the one that `XENSTORED_PATH` names,
//! a socket or a device; else the daemon's socket in `XENSTORED_RUNDIR` or the usual folders; else
//! the kernel's device, through which a domain reaches a store in another one. What the device does
//! otherwise than a socket is told at [`client::Device`]: shorter requests, no depth of
//! watches, no reset of watches, and a server that dies is not noticed there, only waited for.
//!
//! # Transactions
//!
//! [`Client::transaction`] runs a closure, commits, and runs it again from the start when the server
//! says EAGAIN, at the commit or at any request inside, up to a bound. A transaction is never
//! committed in part. Nothing but the nodes should be changed in the closure, since it may run
//! several times.
//!
//! # Watches
//!
//! [`Client::watch`] asks for events about a path and all below it, [`Client::watch_depth`] for
//! fewer levels. [`Client::event`] waits for one, with or without a limit. An event means "look", not
//! "this was written": the first one comes when the watch is set, several changes may be told by one,
//! and the node may be gone when it is read. Events that arrive while a request waits for its reply
//! are kept.
//!
//! # Errors
//!
//! Each [`Error`] names the operation and the path, what the server said and what that means, and
//! what to do where that is known. The questions that programs ask have methods:
//!
//! | question | method | then |
//! | --- | --- | --- |
//! | Is it just not there? | [`Error::is_not_found`] | often no error: [`Nodes::read_optional`] |
//! | May this domain not do it? | [`Error::is_denied`] | it runs in the wrong domain, or a node's permissions are to be changed |
//! | Did others interfere? | [`Error::is_conflict`] | the bound was too low, or try later |
//! | Is the server slow? | [`Error::is_timeout`] | the connection is still good |
//! | Is the connection gone? | [`Error::is_lost`] | connect again, or let the client do it |
//! | Was it done or not? | [`Error::may_have_been_done`] | nobody knows: read before doing it again |
//!
//! # When the daemon is started again
//!
//! A program that runs for long asks for [`Client::reconnecting`]: the client then connects again,
//! sets its watches again, and repeats what only reads. What it does not hide, and why, is told in
//! [`client::reconnect`]. A hanging server is another matter: [`Client::set_timeout`].
//!
//! # A server
//!
//! ```
//! use xenwire_xenstore::{Nodes, Server, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (server, thread) = Server::spawn(Store::default())?;
//! let mut dom0 = server.client(0)?; // or server.listen(socket, 0)
//! dom0.write("/local/domain/7/name", b"guest")?;
//! assert_eq!(dom0.read_text("/local/domain/7/name")?, "guest");
//! server.stop();
//! thread.join().expect("it does not panic")?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Server::spawn_recorded`] also writes a [`trace`] of all that the store sees and says, which
//! [`trace::replay`] says again to another server, to find what that one answers differently.
//!
//! # Layers
//!
//! ```text
//!   client ──────────── one connection, blocking ─┐
//!                                                 ├─ wire ── packets and their arguments
//!   server ── store ─── nodes, watches, domains ──┘
//!             │
//!             └─ path, perms
//! ```
//!
//! [`wire`], [`path`], [`perms`] and [`store`] do no I/O: a store can be driven packet by packet in
//! a test. Only [`server`] and [`client`] make system calls. The crate reads no environment, prints
//! nothing and has no `unsafe` code.
//!
//! # What it follows
//!
//! Xen's `docs/misc/xenstore.txt` (the protocol), `xen/include/public/io/xs_wire.h` (its numbers),
//! and the behaviour of C xenstored where the text leaves room; `tools/libs/store/xs.c` for where a
//! client connects; `drivers/xen/xenbus/xenbus_dev_frontend.c` of Linux for the device. It is tested
//! against Debian's `xenstore-utils`. What differs from a server on a Xen host is listed in the crate's README.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod client;
pub mod path;
pub mod perms;
mod places;
pub mod server;
pub mod store;
pub mod trace;
pub mod wire;

pub use client::{Client, Error, Nodes, Transaction, WatchEvent};
pub use perms::{Access, Perm, Perms};
pub use places::places;
pub use server::{Handle, Server};
pub use store::{Quotas, Store};

/// The number of a domain; dom0 is 0, and 0x7ff0 and above are reserved by Xen.
pub type Domid = u16;

/// How long property tests run: `XENWIRE_CASES` cases each, 256 without it.
#[cfg(test)]
fn test_cases() -> proptest::test_runner::Config {
    let cases = std::env::var("XENWIRE_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    proptest::test_runner::Config {
        cases: cases.unwrap_or(256),
        failure_persistence: None,
        ..Default::default()
    }
}
