//! A running server for one test, with its socket in a folder of its own.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use xenwire_xenstore::{Client, Domid, Handle, Server, Store};

pub struct Bench {
    pub server: Handle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
    folder: PathBuf,
}

impl Bench {
    /// A server that listens as dom0 on [`Bench::socket`]`(0)`.
    pub fn start() -> Bench {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("xenwire-xs-{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let (server, thread) = Server::spawn(Store::default()).unwrap();
        let bench = Bench {
            server,
            thread: Some(thread),
            folder,
        };
        bench.listen(0);
        bench
    }

    pub fn listen(&self, domid: Domid) -> xenwire_xenstore::server::ListenerId {
        let listener = UnixListener::bind(self.socket(domid)).unwrap();
        self.server.listen(listener, domid).unwrap()
    }

    pub fn socket(&self, domid: Domid) -> PathBuf {
        self.folder.join(format!("dom{domid}"))
    }

    pub fn client(&self, domid: Domid) -> Client {
        Client::connect(&self.socket(domid)).unwrap()
    }

    /// Ends the server and says how its thread ended.
    pub fn stop(&mut self) -> std::io::Result<()> {
        self.server.stop();
        self.thread.take().map_or(Ok(()), |thread| {
            thread.join().expect("the server does not panic")
        })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let stopped = self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
        if !std::thread::panicking() {
            stopped.unwrap();
        }
    }
}
