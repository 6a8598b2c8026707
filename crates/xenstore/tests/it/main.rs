//! Server and client over real sockets, and the tools of Debian's `xenstore-utils` against both.
#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod client;
mod device;
mod far_end;
mod hostile;
mod hostile_bytes;
mod hostile_clients;
mod hostile_nodes;
mod need;
mod places;
mod pyxs;
mod reconnect;
mod server;
mod tools;
mod tools_nodes;
mod tools_options;
mod tools_watch;
mod trace;
mod transactions;
