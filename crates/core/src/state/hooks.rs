//! Scripts of an administrator that are told of a vif: `vif-post.d/*.hook` (contract 2.9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Hooks, and all that they are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooks {
    /// The script they are hooks of, by its path.
    pub script: String,
    /// The files, in order.
    pub files: Vec<String>,
    /// What the call is for.
    pub command: String,
    /// The command that takes it back.
    pub counterpart: String,
    /// Variables, by name. They are handed over as they are, and never evaluated.
    pub variables: BTreeMap<String, String>,
}

impl Hooks {
    /// The same, told the opposite.
    pub(super) fn back(self) -> Self {
        Self {
            command: self.counterpart,
            counterpart: self.command,
            ..self
        }
    }
}
