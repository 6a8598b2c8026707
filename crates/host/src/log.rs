//! What a hotplug call says: a line in xen-hotplug.log, and one to syslog, facility daemon
//! (contract 0.4, 2.13). Neither is worth failing for.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

/// Where the lines go.
#[derive(Clone, Debug)]
pub struct Log {
    /// The name before each line: the path the script was called by.
    pub name: String,
    /// The log file.
    pub file: PathBuf,
    /// The socket of syslog.
    pub syslog: PathBuf,
}

/// How important a line is, with syslog's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error = 3,
    /// Something is odd.
    Warning = 4,
    /// Something happened.
    Debug = 7,
}

/// The log file of Xen's scripts (contract 0.4).
pub const FILE: &str = "/var/log/xen/xen-hotplug.log";

/// LOG_DAEMON (RFC 3164, facility 3).
const DAEMON: u8 = 3 << 3;

impl Log {
    /// The usual places.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            file: FILE.into(),
            syslog: "/dev/log".into(),
        }
    }

    /// Says it. A line that holds line ends is several lines no more.
    pub fn say(&self, level: Level, text: &str) {
        let text = text.replace(['\n', '\r', '\0'], " ");
        let line = format!("{}: {text}", self.name);
        if level <= Level::Warning {
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o640)
                .open(&self.file);
            let _ = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        }
        let Ok(socket) = UnixDatagram::unbound() else {
            return;
        };
        // A syslog that does not read must not hold up a guest.
        let _ = socket.set_nonblocking(true);
        let packet = format!("<{}>{line}", DAEMON | level as u8);
        let _ = socket.send_to(packet.as_bytes(), &self.syslog);
    }
}
