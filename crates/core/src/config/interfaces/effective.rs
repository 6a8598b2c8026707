//! What a stanza says together with what it inherits. Invariant: at most [`DEEPEST`] stanzas are
//! looked at, so that a long chain costs no more than a long file.

use super::{Iface, Interfaces, Setting, Stanza};

/// How many stanzas may inherit from one another. People write one or two.
const DEEPEST: usize = 32;

impl Interfaces {
    /// Every option that holds for the stanza: inherited ones first, repetitions included.
    pub fn options<'a>(&'a self, iface: &'a Iface) -> Vec<&'a Setting> {
        let mut chain = vec![iface];
        let mut base = iface.base;
        while let Some(Stanza::Iface(next)) = base.and_then(|index| self.stanzas.get(index))
            && chain.len() < DEEPEST
        {
            chain.push(next);
            base = next.base;
        }
        chain
            .iter()
            .rev()
            .flat_map(|iface| &iface.options)
            .collect()
    }

    /// The options as ifupdown keeps them and ifquery lists them: commands stay apart, other
    /// repetitions are joined by a newline, and a name that ends in `?` sets only what is not set.
    pub fn merged(&self, iface: &Iface) -> Vec<(String, String)> {
        let mut merged: Vec<(String, String)> = Vec::new();
        for option in self.options(iface) {
            let written = option.name.value.as_str();
            let (name, weak) = match written.strip_suffix('?') {
                Some(name) => (name, true),
                None => (written, false),
            };
            let command = option.phase();
            let name = match name {
                "post-up" => "up",
                "pre-down" => "down",
                _ => name,
            };
            let value = &option.value.value;
            match merged.iter_mut().find(|(known, _)| known == name) {
                Some((_, joined)) if command.is_none() => {
                    if !weak {
                        joined.push('\n');
                        joined.push_str(value);
                    }
                }
                _ => merged.push((name.to_owned(), value.clone())),
            }
        }
        merged
    }

    /// Every value of an option of this name, inherited ones first, `-` and `_` being the same.
    pub(super) fn values<'a>(&'a self, iface: &'a Iface, name: &str) -> Vec<&'a Setting> {
        let mut options = self.options(iface);
        options.retain(|option| option.is(name));
        options
    }
}
