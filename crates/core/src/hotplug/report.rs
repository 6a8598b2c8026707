//! What a failed call leaves for the toolstack to read.

use std::collections::BTreeMap;

use super::Invocation;
use crate::state::{Effect, NodePath, NodeValue, NodeWrite};

/// `hotplug-error`, then `hotplug-status`, in one transaction (contract 2.1); nothing for a call
/// that goes, which never writes a status (appendix B).
pub fn failure(
    call: &Invocation,
    text: &str,
    read: &BTreeMap<NodePath, NodeValue>,
) -> Option<Effect> {
    let write = |name: &str, value: &str| {
        let path = call.backend.join(name);
        NodeWrite {
            from: read.get(&path).cloned(),
            to: Some(NodeValue::text(value)),
            path,
        }
    };
    call.command.comes().then(|| Effect::WriteNodes {
        within: call.backend.clone(),
        writes: vec![
            write("hotplug-error", text),
            write("hotplug-status", "error"),
        ],
    })
}
