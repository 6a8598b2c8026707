//! What the server costs under load. Every section is a line or a table; figures do not pass or
//! fail, but what was promised is said to hold or not.
//!
//! `cargo bench -p xenwire-xenstore --bench load [-- WORD]` runs all sections or those with WORD in
//! their names. Latencies are of whole round trips: a client's request, the server's thread, and
//! the reply. Where two things are compared they take turns, so that a machine that is busy for a
//! while disturbs both.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

mod children;
mod connections;
mod crowd;
mod fan_out;
mod measure;
mod tools;
mod watches;

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rustix::process::{Resource, getrlimit, setrlimit};
use xenwire_xenstore::{Client, Handle, Server, Store};

const SECTIONS: [(&str, fn()); 6] = [
    ("crowd", crowd::run),
    ("watches", watches::run),
    ("tools", tools::run),
    ("children", children::run),
    ("connections", connections::run),
    ("fan-out", fan_out::run),
];

/// A running server, ended with the section that it belongs to.
struct Bench {
    server: Handle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
    folder: PathBuf,
}

impl Bench {
    fn start() -> Bench {
        let (server, thread) = Server::spawn(Store::default()).unwrap();
        let folder = std::env::temp_dir().join(format!("xenwire-bench-{}", std::process::id()));
        let _ = std::fs::create_dir(&folder);
        Bench {
            server,
            thread: Some(thread),
            folder,
        }
    }

    fn client(&self) -> Client {
        self.server.client(0).unwrap()
    }

    /// A socket in the file system that acts for a domain.
    fn listen(&self, domid: u16) -> PathBuf {
        let path = self.folder.join(domid.to_string());
        let _ = std::fs::remove_file(&path);
        let socket = UnixListener::bind(&path).unwrap();
        self.server.listen(socket, domid).unwrap();
        path
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.server.stop();
        self.thread.take().unwrap().join().unwrap().unwrap();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // The bench as its own small tool, for comparison with Debian's.
    if let [word, socket, path] = &words[..]
        && word == tools::ONE_READ
    {
        return tools::one_read(Path::new(socket), path);
    }
    raise_limit_of_files();
    let wanted = words.iter().find(|word| !word.starts_with('-'));
    for (name, run) in SECTIONS {
        if wanted.is_none_or(|word| name.contains(word.as_str())) {
            println!("\n{name}");
            run();
        }
    }
}

/// A thousand clients are two thousand sockets here; the usual soft limit is 1024.
fn raise_limit_of_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
