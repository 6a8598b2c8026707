//! A xenstore by itself, in the foreground, and a trace of one said again to another.
//!
//! ```text
//!   --socket  /tmp/xs      clients act for dom0 ──┐
//!   --domain 7=/tmp/xs7    .. for domain 7      ──┼──> one store ──> --record FILE
//!   SIGTERM, SIGINT, SIGHUP                     ──┘    (a thread)
//! ```
//!
//! Invariants: whatever is bound is removed at the end, and nothing else is; the trace has all that
//! a client was told.

mod address;
mod error;
mod replay;
mod socket;

pub use address::{DomainSocket, WrongAddress};
pub use error::DaemonError;
pub use replay::{Replayed, ReplayedDifference, replay};

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{JoinHandle, spawn};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use xenwire_xenstore::{Handle, Server, Store};

use crate::sandbox::signals::{Caught, ENDING};
use socket::Bound;

/// A xenstore that runs until it is told to end.
pub struct Daemon {
    server: Handle,
    caught: Caught,
    /// Ends with the server's thread.
    alive: UnixStream,
    thread: JoinHandle<io::Result<()>>,
    /// Why recording stopped, if it did.
    lost: Receiver<io::Error>,
    record: Option<PathBuf>,
    /// Removes the sockets when it goes.
    _sockets: Vec<Bound>,
}

impl Daemon {
    /// Binds the sockets, dom0's among them, and serves an empty store on them. Domains other than
    /// dom0 count as introduced. From here on the signals that end a program end the daemon, in
    /// [`Daemon::wait`].
    ///
    /// # Errors
    ///
    /// [`DaemonError`]; nothing is left bound then.
    pub fn start(sockets: &[DomainSocket], record: Option<&Path>) -> Result<Daemon, DaemonError> {
        let caught = Caught::install(&ENDING).map_err(|source| DaemonError::System {
            operation: "catch signals",
            source,
        })?;
        raise_files();
        for (count, socket) in sockets.iter().enumerate() {
            if sockets
                .iter()
                .take(count)
                .any(|other| other.path == socket.path)
            {
                return Err(DaemonError::Twice {
                    path: socket.path.clone(),
                });
            }
        }
        let mut bound = Vec::new();
        let mut listeners = Vec::new();
        for DomainSocket { domid, path } in sockets {
            let (listener, socket) = socket::bind(path)?;
            bound.push(socket);
            listeners.push((listener, *domid));
        }

        let system = |source| DaemonError::System {
            operation: "start the server",
            source,
        };
        let (told, lost) = channel();
        let (server, serving) = match record {
            None => Server::spawn(Store::default()).map_err(system)?,
            Some(path) => {
                let unwritten = |source| DaemonError::Record {
                    path: path.to_owned(),
                    source,
                };
                let sink = create(path).map_err(unwritten)?;
                let name = path.display().to_string();
                let tell = move |error: io::Error| {
                    crate::complain(&format!(
                        "xenwire: {name}: {error}; recording stopped, clients are served"
                    ));
                    // Nobody listens any more when the daemon has ended.
                    let _ = told.send(error);
                };
                Server::spawn_recorded(Store::default(), sink, tell).map_err(unwritten)?
            }
        };
        for (listener, domid) in listeners {
            if domid != 0 {
                server.introduce(domid);
            }
            server.listen(listener, domid).map_err(system)?;
        }
        let (alive, end) = UnixStream::pair().map_err(system)?;
        let thread = spawn(move || {
            let ended = serving
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("it panicked")));
            drop(end);
            ended
        });
        Ok(Daemon {
            server,
            caught,
            alive,
            thread,
            lost,
            record: record.map(Path::to_owned),
            _sockets: bound,
        })
    }

    /// Serves until SIGTERM, SIGINT or SIGHUP, then ends the server and removes the sockets.
    ///
    /// # Errors
    ///
    /// [`DaemonError::System`] if the server failed, [`DaemonError::Record`] if the trace is not whole.
    pub fn wait(self) -> Result<(), DaemonError> {
        let system = |operation| move |source| DaemonError::System { operation, source };
        loop {
            let signals = self.caught.as_fd();
            let mut files = [
                PollFd::from_borrowed_fd(signals, PollFlags::IN),
                PollFd::new(&self.alive, PollFlags::IN),
            ];
            match poll(&mut files, None) {
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(system("wait")(error.into())),
            }
        }
        self.server.stop();
        let ended = self.thread.join();
        ended
            .unwrap_or_else(|_| Err(io::Error::other("its watcher panicked")))
            .map_err(system("serve"))?;
        match (self.lost.try_recv(), self.record) {
            (Ok(source), Some(path)) => Err(DaemonError::Record { path, source }),
            _ => Ok(()),
        }
    }
}

/// Opens the file for a trace, empty. A store may hold secrets, so a new file is its owner's only.
fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)
}

/// Raises the limit of open files as far as it goes: each client is one.
fn raise_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Up to the hard limit this is everybody's right; where it is refused, fewer clients fit.
    let _ = setrlimit(Resource::Nofile, raised);
}
