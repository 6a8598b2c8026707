//! Why a domain or a NIC did not come, as `xl` or `xm` would say it.

use std::fmt;

use xenwire_core::name::VifId;
use xenwire_xenstore::Error;

use super::script::LIMIT;
use super::store::STATE_LIMIT;

/// Why a domain or a NIC did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartError {
    /// There is a domain of that name.
    Running(String),
    /// The lab has no such guest.
    NoSuchGuest(String),
    /// The toolstack's folder of this device is there.
    DeviceExists(VifId),
    /// The backend's state did not become 2.
    BackendSilent(VifId),
    /// The script ended with another status than 0, with what it left in `hotplug-error`.
    ScriptFailed {
        /// Whose.
        vif: VifId,
        /// The script, and what it was called for.
        script: String,
        /// How it ended.
        how: String,
        /// The node's text.
        hotplug_error: Option<String>,
    },
    /// The script took longer than 40 s and was killed.
    ScriptHung {
        /// Whose.
        vif: VifId,
        /// The script.
        script: String,
    },
    /// xend waited for the script's word in vain, or got a bad one (contract 6.4).
    NotConnected {
        /// Whose.
        vif: VifId,
        /// What xend says of it.
        why: String,
    },
    /// Something in the lab itself.
    Lab(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(name) => write!(f, "{name} runs already"),
            Self::NoSuchGuest(name) => write!(f, "there is no guest {name}"),
            Self::DeviceExists(vif) => write!(f, "{vif}: device already exists in xenstore"),
            Self::BackendSilent(vif) => write!(
                f,
                "{vif}: the backend did not get ready within {} s",
                STATE_LIMIT.as_secs()
            ),
            Self::ScriptFailed {
                vif,
                script,
                how,
                hotplug_error: Some(why),
            } => {
                write!(f, "{vif}: {script} {how}; script: {why}")
            }
            Self::ScriptFailed {
                vif,
                script,
                how,
                hotplug_error: None,
            } => {
                write!(f, "{vif}: {script} {how} and left no hotplug-error")
            }
            Self::ScriptHung { vif, script } => {
                write!(
                    f,
                    "{vif}: {script} online was killed: it did not end within {} s",
                    LIMIT.as_secs()
                )
            }
            Self::NotConnected { vif, why } => {
                write!(
                    f,
                    "Device {} (vif) could not be connected. {why}",
                    vif.devid
                )
            }
            Self::Lab(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StartError {}

impl From<Error> for StartError {
    fn from(error: Error) -> Self {
        Self::Lab(format!("xenstore: {error}"))
    }
}
