//! The bridges of a file and their ports (bridge-utils-interfaces(5); `glob` is ifupdown2's).

use std::collections::BTreeMap;

use super::{Iface, Interfaces};
use crate::diag::Spanned;

/// A bridge that the host makes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge<'a> {
    /// Its name.
    pub name: &'a Spanned<String>,
    /// The first stanza that gives it ports.
    pub iface: &'a Iface,
    /// Its ports, in order, those of all its stanzas together.
    pub ports: Vec<Port>,
}

/// What `bridge_ports` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// A link of this name.
    Named(Spanned<String>),
    /// Every link of the host whose whole name matches an extended regular expression.
    Matching(Spanned<String>),
    /// ifupdown2's `glob`: every link whose name matches a pattern such as `swp1-4`.
    Glob(Spanned<String>),
    /// `all`: what looks like a NIC: `eth.*`, `em.*` and `p[0-9].*`.
    All(Spanned<String>),
}

impl Interfaces {
    /// Every bridge, in order: a link is one exactly if a stanza of it has `bridge_ports`, be it
    /// `bridge_ports none`.
    pub fn bridges(&self) -> Vec<Bridge<'_>> {
        let mut bridges: Vec<Bridge<'_>> = Vec::new();
        let mut known = BTreeMap::new();
        for iface in self.ifaces() {
            let lines = self.values(iface, "bridge-ports");
            if lines.is_empty() {
                continue;
            }
            let index = *known.entry(&iface.name.value).or_insert(bridges.len());
            if index == bridges.len() {
                let (name, ports) = (&iface.name, Vec::new());
                bridges.push(Bridge { name, iface, ports });
            }
            for line in lines {
                ports(&line.words, &mut bridges[index].ports);
            }
        }
        bridges
    }
}

/// `regex` and `glob` hold until another word of the kind, or the end of the line.
fn ports(words: &[Spanned<String>], ports: &mut Vec<Port>) {
    let mut kind: fn(Spanned<String>) -> Port = Port::Named;
    for word in words {
        match word.value.as_str() {
            "none" => {}
            "all" => ports.push(Port::All(word.clone())),
            "regex" => kind = Port::Matching,
            "noregex" | "noglob" => kind = Port::Named,
            "glob" => kind = Port::Glob,
            // What was meant as a comment has been reported.
            text if text.starts_with('#') => return,
            _ => ports.push(kind(word.clone())),
        }
    }
}
