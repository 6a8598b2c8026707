//! The kernel's network, through a netlink socket; offload settings have a second one, which is
//! opened when it is asked for, and packet filters a third.
//!
//! A socket belongs to the network namespace of the thread that opened it, for ever. Settings
//! below /proc/sys are those of the calling thread's namespace: use a [`Kernel`] only on a thread
//! that is in the namespace where it was opened.

mod features;
mod forward;
mod from_wire;
mod guards;
mod legacy;
mod masquerade;
mod mutate;
mod observe;
mod old_rules;
mod part;
mod seen;
mod socket;
mod to_wire;

use std::collections::HashMap;
use std::{fmt, io};

use xenwire_core::journal::Fault;
use xenwire_core::name::IfName;
use xenwire_wire::{DecodeError, Protocol, Query, Reply};

pub use legacy::Legacy;
pub use seen::Heard;
use socket::Socket;

/// A connection to the kernel of the current thread's network namespace.
#[derive(Debug)]
pub struct Kernel {
    socket: Socket,
    /// The number of the generic family `ethtool`, and the socket that it is spoken to by.
    ethtool: Option<(u16, Socket)>,
    /// The socket of packet filters.
    filters: Option<Socket>,
    /// Whether closing that socket waits for the kernel to be rid of what was deleted by it.
    closing_waits: bool,
    /// The indexes of links seen, so that a step does not have to ask. Forgotten when in doubt.
    indexes: HashMap<IfName, u32>,
}

/// Why the kernel was not asked or did not answer.
#[derive(Debug)]
pub enum KernelError {
    /// A system call failed.
    Io {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        error: io::Error,
    },
    /// The kernel said no.
    Refused {
        /// The errno.
        errno: i32,
        /// Its own words, if it has any.
        text: Option<String>,
    },
    /// An answer could not be read.
    Decode(DecodeError),
    /// The network changed under every attempt to read it as a whole.
    NeverStill,
}

/// The sentence for a network that could not be looked at.
pub(crate) fn unreadable(error: KernelError) -> String {
    format!("cannot read the network: {error}")
}

impl Kernel {
    /// Opens a socket in the current thread's network namespace.
    ///
    /// # Errors
    /// [`KernelError::Io`].
    pub fn open() -> Result<Self, KernelError> {
        Ok(Self {
            socket: Socket::open(Protocol::Route)?,
            ethtool: None,
            filters: None,
            closing_waits: false,
            indexes: HashMap::new(),
        })
    }

    /// The index of a link, `None` if there is no such link.
    fn index_of(&mut self, name: &IfName) -> Result<Option<u32>, KernelError> {
        if let Some(index) = self.indexes.get(name) {
            return Ok(Some(*index));
        }
        let found = self.one_link(Query::Link(name.to_string()))?;
        if let Some(link) = &found {
            self.indexes.insert(name.clone(), link.index);
        }
        Ok(found.map(|link| link.index))
    }

    fn one_link(&mut self, query: Query) -> Result<Option<xenwire_wire::Link>, KernelError> {
        match self.socket.ask(&query) {
            Ok(replies) => Ok(replies.into_iter().find_map(|reply| match reply {
                Reply::Link(link) => Some(link),
                _ => None,
            })),
            Err(error) if error.errno() == Some(ENODEV) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

// The kernel's numbers of the refusals that mean something to us (errno(3)).
const ENOENT: i32 = 2;
const ESRCH: i32 = 3;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;
/// nf_tables: the ruleset is not the one that the changes were made for. It is no number of user
/// space's, and has no name there.
const ERESTART: i32 = 85;
/// A bridge with as many ports as it can have (find_portno, net/bridge/br_if.c).
const EXFULL: i32 = 54;
const EPROTONOSUPPORT: i32 = 93;
/// What RTM_GETLINK says of a name that nobody has.
const ENODEV: i32 = 19;
const EOPNOTSUPP: i32 = 95;
const EAFNOSUPPORT: i32 = 97;
const EADDRNOTAVAIL: i32 = 99;

/// Seconds of the boot clock, by which deadlines are told.
fn boot_seconds() -> u32 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u32::try_from(now.tv_sec).unwrap_or(0)
}

impl KernelError {
    /// The errno, if the kernel gave one.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Io { error, .. } => error.raw_os_error(),
            Self::Refused { errno, .. } => Some(*errno),
            Self::Decode(_) | Self::NeverStill => None,
        }
    }

    /// The error as a step's fault.
    pub fn fault(&self, operation: impl fmt::Display) -> Fault {
        Fault {
            operation: operation.to_string(),
            errno: self.errno(),
            reason: self.to_string(),
        }
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { operation, error } => write!(f, "{operation}: {error}"),
            Self::Refused { errno, text } => {
                let error = io::Error::from_raw_os_error(*errno);
                match text {
                    Some(text) => write!(f, "{error}: {text}"),
                    None if *errno == EXFULL => {
                        write!(
                            f,
                            "{error}: the bridge has 1,023 ports and takes no more; use another"
                        )
                    }
                    None => write!(f, "{error}"),
                }
            }
            Self::Decode(error) => error.fmt(f),
            Self::NeverStill => write!(
                f,
                "the network changed while it was read, each of many times"
            ),
        }
    }
}

impl std::error::Error for KernelError {}

#[cfg(test)]
mod tests;
