//! The grammar of xl's files, which domU files and `xl.conf` share (contract 6.5). It looks like
//! Python and is not:
//!
//! ```text
//!  file   = { [ key ( "=" | "+=" ) value ] ( newline | ";" ) }
//!  key    = lower-case letter, then lower-case letters, digits, "." and "_"
//!  value  = atom | "[" [ value { "," value } [ "," ] ] "]"       newlines are free inside [ ]
//!  atom   = 'text' | "text" | number
//! ```
//!
//! Invariant: every value knows its place, and the bytes of a text theirs, escapes or not.

mod lexer;
mod parser;
mod text;

#[cfg(test)]
mod tests;

pub use parser::read;
pub use text::Text;

use std::sync::Arc;

use crate::diag::{Source, Span, Spanned};

/// A whole file: what each key is set to at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    source: Arc<Source>,
    settings: Vec<Setting>,
}

/// One key and what it is set to, `+=` applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: Spanned<String>,
    /// Its value.
    pub value: Value,
}

/// What can stand right of `=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text in quotes.
    Text(Text),
    /// A number, and how it was written: xl takes a number wherever it takes a text.
    Number(u64, Text),
    /// A list.
    List(Spanned<Vec<Value>>),
}

impl Settings {
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
        }
    }

    /// The text of a text or a number.
    pub fn atom(&self) -> Option<&Text> {
        match self {
            Self::Text(text) | Self::Number(_, text) => Some(text),
            Self::List(_) => None,
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(..) => "a number",
            Self::List(_) => "a list",
        }
    }
}
