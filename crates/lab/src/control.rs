//! The language between `xenwire lab start …` and a lab that is up: one line of JSON each way, on
//! the control socket in the lab's state folder, which only its owner can open.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The name of the control socket in a lab's state folder.
pub const CONTROL: &str = "control";
/// The name of the store's socket in a lab's state folder: dom0's.
pub const XENSTORE: &str = "xenstore";

/// What a lab is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Request {
    /// Start a guest of the scenario that does not run.
    Start {
        /// Its name.
        guest: String,
    },
    /// Ask a guest to power itself off, and remove its domain.
    Stop {
        /// Its name.
        guest: String,
    },
    /// End a guest at once.
    Destroy {
        /// Its name.
        guest: String,
    },
    /// Stop, then start as a new domain.
    Reboot {
        /// Its name.
        guest: String,
    },
    /// Give a guest that runs a NIC.
    Attach {
        /// Its name.
        guest: String,
        /// A vif specification.
        vif: String,
        /// What the guest's own system gives the NIC.
        addresses: Vec<String>,
    },
    /// Take a NIC from a guest.
    Detach {
        /// Its name.
        guest: String,
        /// The NIC's device number.
        devid: u32,
    },
    /// Who is there.
    List,
    /// Try the scenario's claims again.
    Judge,
}

/// What the lab says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "said")]
pub enum Reply {
    /// It is done.
    Done {
        /// What there is to say of it, a line each.
        lines: Vec<String>,
    },
    /// The claims were tried.
    Judged {
        /// Whether all hold.
        holds: bool,
        /// The table, a line each.
        lines: Vec<String>,
    },
    /// It is not done.
    Refused {
        /// Why, a line each.
        lines: Vec<String>,
    },
    /// Who is there.
    Machines {
        /// In the order of `lab.toml`.
        machines: Vec<MachineLine>,
    },
}

/// One machine of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineLine {
    /// Its name.
    pub name: String,
    /// `dom0`, `guest` or `outside`.
    pub kind: String,
    /// A guest's domain, if it runs.
    pub domid: Option<u16>,
}

/// Asks a lab.
///
/// # Errors
/// If the lab does not answer, or not in this language.
pub fn ask(socket: &Path, request: &Request) -> io::Result<Reply> {
    let mut stream = UnixStream::connect(socket)?;
    send(&mut stream, request)?;
    receive(&mut BufReader::new(stream))
}

/// Writes one line.
///
/// # Errors
/// If the other side is gone.
pub fn send<T: Serialize>(stream: &mut UnixStream, value: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Reads one line of at most 64 KiB.
///
/// # Errors
/// If the other side is gone, or says something else.
pub fn receive<T: for<'de> Deserialize<'de>>(stream: &mut impl BufRead) -> io::Result<T> {
    let mut line = Vec::new();
    io::Read::take(stream, 64 * 1024).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&line)?)
}
