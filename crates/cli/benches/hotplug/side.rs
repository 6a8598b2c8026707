//! The three that are compared, as commands.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::dom0::{Vif, path};

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// xenwire by the name of the script.
    Ours,
    /// One process of iproute2.
    Batch,
    /// Debian's script.
    Debian,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The vif comes.
    Online,
    /// The vif goes.
    Offline,
}

impl Side {
    /// All of them, in the order of their turns.
    pub const ALL: [Self; 3] = [Self::Ours, Self::Batch, Self::Debian];

    /// The command that does it to a vif.
    pub fn command(self, act: Act, vif: &Vif) -> Command {
        let mut command = match self {
            Self::Ours => Command::new("/run/ours/vif-bridge"),
            Self::Debian => Command::new("/etc/xen/scripts/vif-bridge"),
            Self::Batch => {
                let mut command = Command::new("/usr/sbin/ip");
                command.args(["-batch", &vif.batch(act)]);
                command
            }
        };
        if self != Self::Batch {
            command.args([act.to_string(), "type_if=vif".to_owned()]);
        }
        // As xl calls it (contract 3.3).
        command
            .env_clear()
            .env("PATH", path())
            .env("XENSTORED_PATH", "/run/store")
            .env("XENBUS_PATH", format!("backend/vif/{}/0", vif.domid))
            .env("XENBUS_TYPE", "vif")
            .env("XENBUS_BASE_PATH", "backend")
            .env("script", "/etc/xen/scripts/vif-bridge")
            .env("netdev", "")
            .env("vif", vif.link())
            .stdin(Stdio::null());
        command
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ours => "xenwire",
            Self::Batch => "ip -batch",
            Self::Debian => "Debian's script",
        })
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Online => "online",
            Self::Offline => "offline",
        })
    }
}

/// The folder with Debian's scripts.
pub fn debian_scripts() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("XENWIRE_DEBIAN_SCRIPTS")?);
    folder.join("vif-bridge").exists().then_some(folder)
}

/// What is compared with what, and on what.
pub fn versions() -> String {
    let said = |words: &[&str]| {
        let output = Command::new(words[0]).args(&words[1..]).output();
        output.map_or("nothing".into(), |output| {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        })
    };
    let line = |path: &str, begin: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let found = text.lines().find_map(|line| line.strip_prefix(begin));
        found
            .unwrap_or("?")
            .trim_matches(['\t', ' ', ':', '"'])
            .to_owned()
    };
    let release = line("/usr/lib/os-release", "PRETTY_NAME=");
    let xen = line("/etc/xen/scripts/hotplugpath.sh", "LIBEXEC=");
    format!(
        "{release}, Linux {}, {} x {}\n{}; {}; Debian's scripts of {}\n\n",
        said(&["uname", "-r"]),
        std::thread::available_parallelism().map_or(1, usize::from),
        line("/proc/cpuinfo", "model name"),
        said(&["ip", "-V"]),
        said(&["bash", "-c", "echo bash $BASH_VERSION"]),
        xen.rsplit('/').next().unwrap_or("?"),
    )
}
