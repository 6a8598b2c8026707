//! What a failed call leaves for the toolstack to read.

use std::collections::BTreeMap;

use super::Invocation;
use crate::state::{Effect, NodePath, NodeValue, NodeWrite};

/// The longest text of `hotplug-error`, in bytes. With its path it must fit into 4,096
/// (XENSTORE_PAYLOAD_MAX, contract 5.2), or nobody is told anything. The log has the whole of it.
const LONGEST: usize = 2048;

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
            write("hotplug-error", cut(text)),
            write("hotplug-status", "error"),
        ],
    })
}

fn cut(text: &str) -> &str {
    let mut end = LONGEST.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_no_node_holds_is_cut() {
        let call = Invocation::from((1, 0));
        for text in [
            "a".repeat(100_000),
            "é".repeat(4096),
            format!("a{}", "é".repeat(4096)),
        ] {
            let told = failure(&call, &text, &BTreeMap::new());
            let Some(Effect::WriteNodes { writes, .. }) = told else {
                panic!("{told:?}")
            };
            let value = writes[0].to.as_ref().unwrap();
            let value = value.as_text().unwrap();
            assert!(value.len() > LONGEST - 2 && value.len() <= LONGEST);
            assert!(text.starts_with(value));
        }
    }
}
