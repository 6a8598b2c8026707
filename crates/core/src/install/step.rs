//! What is done, a change a step.

use serde::Serialize;

use super::{MANIFEST_FILE, MANIFEST_FOLDER, Manifest, PROGRAM, aside};

/// One change. What it says of a name is below the scripts' folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum Step {
    /// Write what is meant to be, and wait until it is on the disk.
    WriteManifest {
        /// It.
        manifest: Manifest,
    },
    /// Copy the program that runs.
    WriteProgram {
        /// Its SHA-256.
        sha256: String,
    },
    /// Let dpkg put the package's script aside from now on. No file is renamed.
    Divert {
        /// The script.
        name: String,
    },
    /// Make our link where the original is to be kept.
    Stage {
        /// The script.
        name: String,
    },
    /// Exchange what is at the name and what is aside, in one system call.
    Exchange {
        /// The script.
        name: String,
    },
    /// Make our link at a name that is free.
    Link {
        /// The script.
        name: String,
    },
    /// Give the original its name back, which is free.
    Restore {
        /// The script.
        name: String,
    },
    /// Remove our link from a name.
    Unlink {
        /// The script.
        name: String,
    },
    /// Remove our link from where the original was.
    UnlinkAside {
        /// The script.
        name: String,
    },
    /// Let dpkg put the package's script where it belongs. No file is renamed.
    Undivert {
        /// The script.
        name: String,
    },
    /// Remove the program.
    RemoveProgram,
    /// Remove the manifest.
    RemoveManifest,
}

/// What is going to be done, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// What somebody changed since, which is left as it is: a person is needed.
    pub left: Vec<String>,
}

impl Step {
    /// What it does, in a line; `scripts` is the folder.
    pub fn line(&self, scripts: &str) -> String {
        match self {
            Self::WriteManifest { .. } => format!("write {MANIFEST_FOLDER}/{MANIFEST_FILE}"),
            Self::WriteProgram { sha256 } => {
                format!("copy this program to {PROGRAM} (SHA-256 {sha256})")
            }
            Self::Divert { name } => format!(
                "let dpkg put its {scripts}/{name} at {scripts}/{}",
                aside(name)
            ),
            Self::Stage { name } => format!("link {scripts}/{} to {PROGRAM}", aside(name)),
            Self::Exchange { name } => {
                format!("exchange {scripts}/{name} and {scripts}/{}", aside(name))
            }
            Self::Link { name } => format!("link {scripts}/{name} to {PROGRAM}"),
            Self::Restore { name } => {
                format!("rename {scripts}/{} to {scripts}/{name}", aside(name))
            }
            Self::Unlink { name } => format!("remove the link {scripts}/{name}"),
            Self::UnlinkAside { name } => format!("remove the link {scripts}/{}", aside(name)),
            Self::Undivert { name } => format!("let dpkg put its {scripts}/{name} there again"),
            Self::RemoveProgram => format!("remove {PROGRAM}"),
            Self::RemoveManifest => format!("remove {MANIFEST_FOLDER}/{MANIFEST_FILE}"),
        }
    }
}
