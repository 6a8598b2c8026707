//! The DHCP server of vif-nat's guests: dnsmasq, with a file for each guest's NIC.
//!
//! ```text
//!  FOLDER/dnsmasq.conf    what the server is to do
//!  FOLDER/server          which process it is
//!  FOLDER/hosts/vifD.I    one line: the address of that NIC, and its name
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::IfName;

/// What is known of it. A host file is looked at only by a call about its NIC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dhcp {
    /// The folder of its files.
    pub folder: String,
    /// The server.
    pub server: DhcpServer,
    /// What the host files say, by the kernel's names of the vifs.
    pub hosts: BTreeMap<IfName, String>,
    /// The distribution's dhcpd, if it is installed.
    pub dhcpd: Option<Dhcpd>,
}

/// The files of a distribution's dhcpd, as far as they are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dhcpd {
    /// Its configuration.
    pub conf: String,
    /// Its options, among them the links that it listens on.
    pub args: Option<String>,
    /// Whether it is told about guests where nobody says anything of DHCP: as ever, if its
    /// configuration is at the oldest of the places (contract 2.8).
    pub usual: bool,
}

/// The server that `network-nat` starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DhcpServer {
    /// None was started, or it was stopped.
    #[default]
    Absent,
    /// It was started and not stopped, and is not there.
    Dead,
    /// It serves, by this configuration.
    Serving(String),
}

/// A host file's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpHostChange {
    /// The folder of the server's files.
    pub folder: String,
    /// The vif, by the kernel's name.
    pub vif: IfName,
    /// What it said; `None`: not there.
    pub from: Option<String>,
    /// What it is to say; `None`: not there.
    pub to: Option<String>,
}

/// The server's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpServerChange {
    /// The folder of its files.
    pub folder: String,
    /// What was found.
    pub from: DhcpServer,
    /// What is wanted.
    pub to: DhcpServer,
}

impl DhcpHostChange {
    /// What takes it back.
    pub(super) fn swapped(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
            ..self
        }
    }
}

impl DhcpServerChange {
    /// What takes it back.
    pub(super) fn swapped(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
            ..self
        }
    }
}

impl fmt::Display for DhcpHostChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, vif, .. } = self;
        match &self.to {
            Some(line) => write!(f, "write {} to {folder}/hosts/{vif}", line.trim_end()),
            None => write!(f, "remove {folder}/hosts/{vif}"),
        }
    }
}

impl fmt::Display for DhcpServerChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            DhcpServer::Serving(_) => write!(f, "start dnsmasq with {}/dnsmasq.conf", self.folder),
            DhcpServer::Absent | DhcpServer::Dead => write!(f, "stop dnsmasq"),
        }
    }
}
