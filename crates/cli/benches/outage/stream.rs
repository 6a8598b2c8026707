//! A TCP connection on which both ends write a little every millisecond, for as long as all is
//! measured: it has to outlive every change.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::ear::Ear;
use crate::probe::EVERY;

/// A line of a terminal session, say.
const PIECE: [u8; 64] = [b'.'; 64];

/// How long a broken connection is looked at before somebody says so.
const PATIENCE: Duration = Duration::from_secs(120);

/// dom0's end of one connection of each family.
pub fn answer(port: u16, ears: [Arc<Ear>; 2]) {
    let listener = TcpListener::bind(("::", port)).unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let connection = connection.unwrap();
            let peer = connection.peer_addr().unwrap().ip().to_canonical();
            talk(connection, ears[usize::from(peer.is_ipv6())].clone());
        }
    });
}

/// The end outside. dom0 may not answer yet.
pub fn start(address: SocketAddr, ear: Arc<Ear>) {
    let give_up = std::time::Instant::now() + PATIENCE;
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            Ok(connection) => return talk(connection, ear),
            Err(error) if std::time::Instant::now() > give_up => panic!("{address}: {error}"),
            Err(_) => thread::sleep(EVERY * 10),
        }
    }
}

fn talk(mut connection: TcpStream, ear: Arc<Ear>) {
    connection.set_nodelay(true).unwrap();
    let mut writer = connection.try_clone().unwrap();
    // Not a turn behind: what is not written waits in the socket.
    thread::spawn(move || {
        while writer.write_all(&PIECE).is_ok() {
            thread::sleep(EVERY);
        }
    });
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        // Who hears no more of it finds the silence going on for ever.
        while connection.read(&mut bytes).is_ok_and(|count| count > 0) {
            ear.hears();
        }
    });
}
