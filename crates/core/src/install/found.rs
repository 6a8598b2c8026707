//! What is found on the machine before anything is done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Manifest;

/// What is at a path. Links are not followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// Nothing.
    #[default]
    Absent,
    /// A link to our program.
    Ours,
    /// A file.
    File {
        /// The SHA-256 of what is in it, in hexadecimal.
        sha256: String,
    },
    /// A link to somewhere else.
    Link {
        /// Where to, as it is written in the link.
        target: String,
    },
    /// A folder, a device, a socket.
    Other {
        /// Which of them.
        kind: String,
    },
}

/// Who made dpkg put a package's file elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Diversion {
    /// Nobody.
    #[default]
    None,
    /// The administrator, to the name we want: as good as ours.
    Ours,
    /// Somebody else, or to somewhere else.
    Foreign {
        /// A package, or `LOCAL`.
        by: String,
        /// Where to.
        to: String,
    },
}

/// One of the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// What is there.
    pub name: Entry,
    /// What is where its original would be kept.
    pub aside: Entry,
    /// The package that brings the name, as dpkg says.
    pub package: Option<String>,
    /// Where dpkg puts that package's file.
    pub diversion: Diversion,
}

/// All that is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What an earlier run wrote.
    pub manifest: Option<Manifest>,
    /// What is where the program is to be.
    pub program: Entry,
    /// The package that brings the program.
    pub program_package: Option<String>,
    /// The names.
    pub names: BTreeMap<String, Place>,
}

impl Entry {
    /// Whether it is a script of somebody's: a file or a link, and not ours.
    pub fn is_original(&self) -> bool {
        matches!(self, Self::File { .. } | Self::Link { .. })
    }
}
