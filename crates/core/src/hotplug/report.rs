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
            write("hotplug-error", &cut(text)),
            write("hotplug-status", "error"),
        ],
    })
}

/// What is too long has its reason at its end: the middle is left out.
fn cut(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let (mut head, mut tail) = (LONGEST / 2, text.len() - LONGEST / 2);
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    format!("{} ... {}", &text[..head], &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_no_node_holds_is_cut() {
        let call = Invocation::from((1, 0));
        for value in [
            "a".repeat(100_000),
            "é".repeat(4096),
            format!("a{}", "é".repeat(4096)),
        ] {
            let told = failure(
                &call,
                &format!("vifname={value}: too long"),
                &BTreeMap::new(),
            );
            let Some(Effect::WriteNodes { writes, .. }) = told else {
                panic!("{told:?}")
            };
            let value = writes[0].to.as_ref().unwrap();
            let value = value.as_text().unwrap();
            assert!(value.len() > LONGEST - 4 && value.len() <= LONGEST + 5);
            assert!(value.starts_with("vifname=") && value.ends_with(": too long"));
        }
    }
}
