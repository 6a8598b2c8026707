//! A xenstore server on a socket of your choice, for the `xenstore-*` tools or any other client.
//!
//! ```text
//! cargo run --example server -- /tmp/xs &
//! XENSTORED_PATH=/tmp/xs xenstore-write /a/b hello
//! XENSTORED_PATH=/tmp/xs xenstore-ls /
//! ```
#![expect(clippy::print_stdout, reason = "this is a program")]

use std::os::unix::net::UnixListener;

use xenwire_xenstore::{Server, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: server SOCKET")?;
    let listener = UnixListener::bind(&path)?;
    let (server, thread) = Server::spawn(Store::default())?;
    server.listen(listener, 0)?;
    println!("serving dom0 on {path}");
    thread
        .join()
        .map_err(|_| "the server's thread panicked")??;
    Ok(())
}
