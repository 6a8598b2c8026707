//! xend's own file, `/etc/xen/xend-config.sxp` (contract 6.1): which scripts build a host's
//! network. Everything else in it is kept as it is.
//!
//! The file is a sequence of `(key value)`. Where xend would end with an error or read over
//! something without a word, there is a diagnostic; what is read is what xend would take (Xen 4.2,
//! tools/python/xen/xend/XendOptions.py and sxp.py): the first of several equal keys, and the
//! first of several values.

mod arguments;
mod command;
mod keys;
mod made;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::diag::code::xend as code;
use crate::diag::{Diagnostic, Diagnostics, Source, Span, Spanned, nearest};

use super::sxp::{self, List, Node, Word};

pub use arguments::BridgeArguments;
pub use command::Command;
pub use made::{Made, Reason};

/// The networking part of xend-config.sxp. No default is applied: what is absent is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XendConf {
    /// `network-script`: run once when xend starts. An empty one runs nothing, and is `None`.
    pub network_script: Option<Command>,
    /// `vif-script`: run for every vif; vif-bridge if absent.
    pub vif_script: Option<Command>,
    /// `vif-bridge` (Xen 2.0 only): the bridge of vifs that name none.
    pub vif_bridge: Option<Spanned<String>>,
    /// `vif-antispoof` (Xen 2.0 only).
    pub vif_antispoof: Option<Spanned<bool>>,
    /// `device-create-timeout`, in seconds: how long xend waits for a script (100 if absent).
    pub device_create_timeout: Option<Spanned<u32>>,
    /// `device-destroy-timeout`, in seconds (100 if absent).
    pub device_destroy_timeout: Option<Spanned<u32>>,
    /// Every other key, in order.
    pub others: Vec<Entry>,
}

/// A key that is not about networks, or not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Spanned<String>,
    /// Its values; xend takes the first.
    pub values: Vec<Node>,
    /// The whole list.
    pub span: Span,
}

/// Reads xend-config.sxp. An empty text is a file in which nothing is set.
pub fn read(text: &str, file: &str, out: &mut Diagnostics) -> Option<XendConf> {
    let errors = out.errors();
    let nodes = sxp::elements(&Source::new(file, text), out);
    let mut reading = Reading::new(&nodes, out);
    let conf = XendConf {
        network_script: reading.command("network-script", Command::split_at_blanks),
        vif_script: reading.command("vif-script", Command::split_as_a_shell),
        vif_bridge: reading.word("vif-bridge").map(Word::spanned),
        vif_antispoof: reading.switch("vif-antispoof"),
        device_create_timeout: reading.seconds("device-create-timeout"),
        device_destroy_timeout: reading.seconds("device-destroy-timeout"),
        others: reading.others(),
    };
    arguments::check(&conf, out);
    pair(&conf, out);
    (out.errors() == errors).then_some(conf)
}

/// Every key's first list, and where to report to.
struct Reading<'a, 'o> {
    first: BTreeMap<&'a str, (&'a Word, &'a List)>,
    others: Vec<Entry>,
    out: &'o mut Diagnostics,
}

impl<'a, 'o> Reading<'a, 'o> {
    fn new(nodes: &'a [Node], out: &'o mut Diagnostics) -> Self {
        let mut reading = Self {
            first: BTreeMap::new(),
            others: Vec::new(),
            out,
        };
        for node in nodes {
            match node {
                Node::List(list) => reading.entry(list),
                Node::Word(word) => reading.no_list(word),
            }
        }
        reading
    }

    /// One list: the first of its key counts.
    fn entry(&mut self, list: &'a List) {
        let Some(key) = list.name() else {
            self.out.add(Diagnostic::warning(
                code::NO_LIST,
                &list.span,
                "this list does not begin with a key, and xend reads over it",
            ));
            return;
        };
        let name = key.value.as_str();
        if let Some((first, _)) = self.first.get(name) {
            let message = format!("`{name}` is there twice, and xend takes the first");
            self.out.add(
                Diagnostic::warning(code::KEY_AGAIN, &key.span, message)
                    .also(&first.span, "this one counts")
                    .hint("remove one"),
            );
            return;
        }
        self.first.insert(name, (key, list));
        if keys::NETWORK.contains(&name) {
            return;
        }
        // A key xend knows, or one of another release, is none of our business; only a slip in a
        // key of ours would leave a host without its network.
        if !keys::OTHERS.contains(&name)
            && let Some(near) = nearest(name, keys::NETWORK)
        {
            let message = format!("xend knows no key `{name}`, and reads over it");
            self.out.add(
                Diagnostic::warning(code::UNKNOWN_KEY, &key.span, message)
                    .hint(format!("did you mean `{near}`?")),
            );
        }
        self.others.push(Entry {
            key: key.spanned(),
            values: list.values().to_vec(),
            span: list.span.clone(),
        });
    }

    /// A word that stands alone: mostly parentheses that were forgotten.
    fn no_list(&mut self, word: &Word) {
        let name = &word.value;
        let message = format!("`{name}` stands outside of any list, and xend reads over it");
        let hint = if keys::NETWORK.contains(&name.as_str()) {
            format!("write `({name} VALUE)`")
        } else {
            "write `#` before a comment".to_owned()
        };
        self.out
            .add(Diagnostic::warning(code::NO_LIST, &word.span, message).hint(hint));
    }

    fn others(self) -> Vec<Entry> {
        self.others
    }

    /// The value xend takes, if it is a word.
    fn word(&mut self, key: &str) -> Option<&'a Word> {
        let (_, list) = self.first.get(key)?;
        let values = list.values();
        if let [first, second, ..] = values {
            let message = format!("`{key}` takes one value, and xend drops the rest");
            let words: Vec<&str> = values.iter().map(|value| value.span().text()).collect();
            let rest = values
                .last()
                .map_or(second.span().clone(), |last| second.span().to(last.span()));
            let list = values[1..].iter().any(|v| matches!(v, Node::List(_)));
            let quotes = words.iter().any(|word| word.contains(['\'', '"', '\n']));
            let hint = if list {
                "is a `)` missing behind the first?".to_owned()
            } else if quotes {
                "put the whole value into one pair of quotes".to_owned()
            } else {
                format!("write `({key} '{}')`", words.join(" "))
            };
            self.out.add(
                Diagnostic::warning(code::MORE_VALUES, &rest, message)
                    .also(first.span(), "xend takes this")
                    .hint(hint),
            );
        }
        match values.first()? {
            Node::Word(word) => Some(word),
            Node::List(list) => {
                let message =
                    format!("`{key}` should be a word or a text in quotes, but is a list");
                self.out
                    .add(Diagnostic::error(code::VALUE, &list.span, message));
                None
            }
        }
    }

    fn command(&mut self, key: &str, split: fn(&Word) -> Option<Command>) -> Option<Command> {
        self.word(key).and_then(split)
    }

    /// XendOptions' get_config_bool.
    fn switch(&mut self, key: &str) -> Option<Spanned<bool>> {
        let word = self.word(key)?;
        let value = match word.value.to_ascii_lowercase().as_str() {
            "yes" | "y" | "1" | "on" | "true" | "t" => true,
            "no" | "n" | "0" | "off" | "false" | "f" => false,
            other => {
                let message = format!("`{key}` should be yes or no, but is {other:?}");
                self.out
                    .add(Diagnostic::error(code::VALUE, &word.span, message));
                return None;
            }
        };
        Some(Spanned::new(value, word.span.clone()))
    }

    fn seconds(&mut self, key: &str) -> Option<Spanned<u32>> {
        let word = self.word(key)?;
        // Python's int() takes blanks around a number.
        if let Ok(seconds) = word.value.trim().parse() {
            return Some(Spanned::new(seconds, word.span.clone()));
        }
        let message = format!(
            "`{key}` should be a number of seconds, but is {:?}",
            word.value
        );
        self.out
            .add(Diagnostic::error(code::VALUE, &word.span, message).hint("the default is 100"));
        None
    }
}

/// The scripts of one kind of network belong together (the stock file names the three pairs).
fn pair(conf: &XendConf, out: &mut Diagnostics) {
    let (Some(network), Some(vif)) = (&conf.network_script, &conf.vif_script) else {
        return;
    };
    let kinds = ["bridge", "route", "nat"];
    let kind = |script: &Command, prefix: &str| {
        let kind = script.script().strip_prefix(prefix)?;
        kinds.into_iter().find(|known| *known == kind)
    };
    let (Some(made), Some(used)) = (kind(network, "network-"), kind(vif, "vif-")) else {
        return;
    };
    if made != used {
        let message = format!("`vif-{used}` does not go with `network-{made}`");
        out.add(
            Diagnostic::warning(code::PAIR, &vif.program.span, message)
                .also(&network.program.span, "this makes the network")
                .hint(format!("use vif-{made}, or network-{used}")),
        );
    }
}
