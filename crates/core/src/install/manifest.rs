//! What `install` remembers: `/var/lib/xenwire/install.json`. It is on the disk before the first
//! thing is changed, and goes last.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Entry;

/// The only version there is so far.
const VERSION: u32 = 1;

/// The record of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this format.
    pub version: u32,
    /// The folder of the scripts.
    pub scripts: String,
    /// The program we wrote; `None`: a package brought it, and takes it away.
    pub program: Option<Written>,
    /// The names that are links to it.
    pub names: BTreeMap<String, Kept>,
}

/// A file of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// What it is to be.
    pub sha256: String,
    /// What of ours it takes the place of: found after a crash, it is ours too.
    pub replaces: Option<String>,
}

/// What became of a name's original.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// What it was when it was put aside; `None`: there was none.
    pub original: Option<Entry>,
}

impl Manifest {
    /// One without names.
    pub fn new(scripts: &str, program: Option<Written>) -> Self {
        Self {
            version: VERSION,
            scripts: scripts.to_owned(),
            program,
            names: BTreeMap::new(),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// Why it is none, in a line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let manifest: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match manifest.version {
            VERSION => Ok(manifest),
            other => Err(format!(
                "version {other} is not {VERSION}: a newer xenwire wrote it"
            )),
        }
    }

    /// Its text.
    pub fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("strings and maps have a JSON form");
        text + "\n"
    }

    /// Whether an original of this name was put aside.
    pub fn has_original(&self, name: &str) -> bool {
        self.names
            .get(name)
            .is_some_and(|kept| kept.original.is_some())
    }
}

impl Written {
    /// Whether a file with this SHA-256 is one that we wrote.
    pub fn is(&self, sha256: &str) -> bool {
        self.sha256 == sha256 || self.replaces.as_deref() == Some(sha256)
    }
}
