//! The private world a lab lives in, made by an ordinary user without any privilege.
//!
//! ```text
//!  lab run    caller ── pid 1: the lab's init        lab up    caller … pid 1: the lab's init
//!             waits      threads do everything                 leaves    a session of its own
//!
//!  lab exec   client ── joined ── pid 1 of a nested pid namespace ── the command
//! ```
//!
//! The init has its own user, mount, pid, network, IPC and UTS namespaces. Its network namespace is
//! dom0's; guests and outside machines are further ones ([`Netns`]), bound at /run/netns. In its
//! mounts the host is read-only, homes are empty, and only /etc/xen, /run, /tmp and /var/log/xen can
//! be written. There is no second program: every process here is a fork of the caller.
//!
//! This layer protects the machine from the lab: whatever xenwire does in there, to links, files or
//! processes, ends there. And it protects the user from leftovers: every process hangs on another
//! by a death signal and a pipe, and a pid namespace dies with its pid 1, so that killing any of
//! them with SIGKILL removes all that depended on it. What remains of a killed init is its state
//! folder, which the next call clears ([`StateRoot::labs`]).

mod error;
mod etc;
mod exec;
mod fork;
mod init;
mod launch;
mod mount_attr;
mod mounts;
mod namespaces;
mod netns;
mod refusal;
mod report;
pub(crate) mod signals;
mod state;

use std::path::PathBuf;

pub use error::{SandboxError, Stage};
pub use exec::exec;
pub use init::Inside;
pub use launch::{end, run_foreground, spawn_background};
pub use netns::Netns;
pub use refusal::{Refusal, Switches, classify};
pub use report::Came;
pub use state::{LabState, SOCKET_PATH_MAX, StateDir, StateError, StateRoot};

/// Where the running program can be started from inside: its names as a hotplug script link here.
pub const PROGRAM: &str = "/run/xenwire/bin/xenwire";

/// Where network namespaces are bound, as `ip netns` does (ip-netns(8)).
pub const NETNS: &str = "/run/netns";

/// The machine whose network namespace is the init's own.
pub const DOM0: &str = "dom0";

/// What a lab's world is to contain besides the host's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// What /etc/xen holds; nothing of the host's own /etc/xen is visible.
    pub files: Vec<EtcFile>,
}

/// One entry below /etc/xen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcFile {
    /// Relative to /etc/xen, without `.` and `..`; folders on the way are made, mode 0755.
    pub path: PathBuf,
    /// What it is.
    pub kind: EtcKind,
}

/// What an entry below /etc/xen is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EtcKind {
    /// A file.
    File {
        /// Its content.
        bytes: Vec<u8>,
        /// Its permissions, as in 0o755.
        mode: u32,
    },
    /// A symbolic link to this target.
    Link(PathBuf),
}
