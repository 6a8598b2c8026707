//! A line of somebody else's file: the distribution's configuration of dhcpd.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Files by their paths, line by line.
pub type Files = BTreeMap<String, Vec<String>>;

/// A line that comes, goes, or has another in its place. The rest of its file stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineChange {
    /// The file.
    pub file: String,
    /// The line as it is; `None`: it is not there, and comes at the end.
    pub from: Option<String>,
    /// The line as it is to be; `None`: it goes.
    pub to: Option<String>,
}

impl LineChange {
    /// What takes it back. A line that went comes again at the end.
    pub(super) fn swapped(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
            ..self
        }
    }

    /// Makes the change in the file's lines; `None` if the line is not as it was.
    pub fn make(&self, lines: &mut Vec<String>) -> Option<()> {
        let Some(from) = &self.from else {
            lines.extend(self.to.clone());
            return Some(());
        };
        let place = lines.iter().position(|line| line == from)?;
        match &self.to {
            Some(to) => lines[place].clone_from(to),
            None => drop(lines.remove(place)),
        }
        Some(())
    }
}

impl fmt::Display for LineChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        match (&self.from, &self.to) {
            (_, Some(to)) => write!(f, "write `{to}` into {file}"),
            (Some(from), None) => write!(f, "remove `{from}` from {file}"),
            (None, None) => write!(f, "leave {file} as it is"),
        }
    }
}
