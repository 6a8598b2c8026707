//! The far end of a client, played by hand: a server that does what a real one would not.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use xenwire_xenstore::wire::{Decoder, Packet};
use xenwire_xenstore::{Client, Handle, Server, Store};

/// Answers each packet with what `script` says; hangs up at `None` or when the client leaves.
pub fn play(mut stream: UnixStream, mut script: impl FnMut(&Packet) -> Option<Packet>) {
    let (mut decoder, mut buffer) = (Decoder::new(), [0; 4096]);
    loop {
        while let Some(packet) = decoder.next().unwrap() {
            let Some(reply) = script(&packet) else { return };
            let mut bytes = Vec::new();
            reply.encode(&mut bytes).unwrap();
            if stream.write_all(&bytes).is_err() {
                return;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(length) => decoder.feed(&buffer[..length]),
        }
    }
}

/// A client whose server is a script.
pub fn client_of(
    script: impl FnMut(&Packet) -> Option<Packet> + Send + 'static,
) -> (Client, JoinHandle<()>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let thread = std::thread::spawn(move || play(theirs, script));
    (Client::from_stream(ours), thread)
}

/// A place in the file system where servers come and go.
pub struct Site {
    folder: PathBuf,
    running: Option<(Handle, JoinHandle<std::io::Result<()>>)>,
}

impl Site {
    pub fn new() -> Site {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("xenwire-site-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Site {
            folder,
            running: None,
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.socket()).unwrap()
    }

    /// A listening socket, in place of the one before.
    pub fn bind(&self) -> UnixListener {
        let _ = std::fs::remove_file(self.socket());
        UnixListener::bind(self.socket()).unwrap()
    }

    /// A new server with an empty store.
    pub fn start(&mut self) {
        let (server, thread) = Server::spawn(Store::default()).unwrap();
        server.listen(self.bind(), 0).unwrap();
        self.running = Some((server, thread));
    }

    /// Ends the server: when this returns its connections are closed. The socket's name stays, as
    /// it does when a daemon is killed.
    pub fn stop(&mut self) {
        if let Some((server, thread)) = self.running.take() {
            server.stop();
            thread.join().unwrap().unwrap();
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
