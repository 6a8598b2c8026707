//! What a domU file or `xl.conf` sets, whichever of the two grammars it is written in: xl's own
//! ([`xl`](super::xl)) or xm's ([`xm`](super::xm)), which was Python.
//!
//! Invariant: every value knows its place, and every byte of a text its own.

mod text;

pub(in crate::config) use text::Places;
pub use text::Text;

use std::sync::Arc;

use crate::diag::{Source, Span, Spanned};

/// A whole file: what each key is set to at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    source: Arc<Source>,
    settings: Vec<Setting>,
}

/// One key and what it is set to in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: Spanned<String>,
    /// Its value.
    pub value: Value,
}

/// What a key can be set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text in quotes.
    Text(Text),
    /// A number, and how it was written: xl takes a number wherever it takes a text.
    Number(u64, Text),
    /// A list.
    List(Spanned<Vec<Value>>),
    /// What only xm's files can hold, by a word for messages: `True`, `None`, a negative number, a
    /// fraction, a dictionary, a tuple.
    Other(Spanned<&'static str>),
}

impl Settings {
    /// The settings of a file, each key once.
    pub(in crate::config) fn new(source: Arc<Source>, settings: Vec<Setting>) -> Self {
        Self { source, settings }
    }

    /// The setting of a key.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings
            .iter()
            .find(|setting| setting.key.value == key)
    }

    /// All settings, in the order of their first appearance.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter()
    }

    /// The file.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The end of the file: where something that is missing could be added.
    pub fn end(&self) -> Span {
        let end = self.source.text().trim_end().len();
        Span::new(&self.source, end..end)
    }
}

impl Value {
    /// Where it was written.
    pub fn span(&self) -> &Span {
        match self {
            Self::Text(text) | Self::Number(_, text) => text.span(),
            Self::List(list) => &list.span,
            Self::Other(other) => &other.span,
        }
    }

    /// The text of a text or a number.
    pub fn atom(&self) -> Option<&Text> {
        match self {
            Self::Text(text) | Self::Number(_, text) => Some(text),
            Self::List(_) | Self::Other(_) => None,
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(..) => "a number",
            Self::List(_) => "a list",
            Self::Other(other) => other.value,
        }
    }
}
