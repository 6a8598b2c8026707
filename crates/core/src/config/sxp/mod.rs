//! The grammar of S-expressions, as xend reads its configuration and prints its domains.
//!
//! ```text
//!  (network-script 'network-bridge netdev=eth1')     a list: a key and a value
//!  └─ List ──────┘ └─ Word, quoted ────────────┘
//! ```
//!
//! The rules are those of xend's own reader (Xen 4.2, tools/python/xen/xend/sxp.py): blanks part
//! elements; `#` begins a comment wherever no quotes are open, even right behind a letter; a quote
//! opens a text only at the begin of an element, and the text may go over several lines. Where
//! xend stops at the first fault, this reader reports it and goes on.
//!
//! Invariant: every element has its span, lists are nested at most [`DEEPEST`] levels, and reading
//! takes time in proportion to the text.

mod escape;
mod parser;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::diag::{Diagnostics, Source, Span, Spanned};

/// How many lists may lie in one another. xend has no such limit; its own files use four levels.
pub const DEEPEST: usize = 64;

/// One element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A word or a quoted text.
    Word(Word),
    /// A list.
    List(List),
}

/// A word, or a text in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it says, without quotes and escapes.
    pub value: String,
    /// Where it stands, quotes included.
    pub span: Span,
    /// Where the first byte of the value stands, if every byte of it stands as it is.
    verbatim: Option<usize>,
}

/// Elements between parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The elements in order.
    pub items: Vec<Node>,
    /// From the opening parenthesis to the closing one.
    pub span: Span,
}

impl Node {
    /// Where it stands.
    pub fn span(&self) -> &Span {
        match self {
            Self::Word(word) => &word.span,
            Self::List(list) => &list.span,
        }
    }
}

impl Word {
    /// The bytes `range` of the value, and where they stand: the whole word where escapes make
    /// the place of a single byte unclear.
    pub fn part(&self, range: std::ops::Range<usize>) -> Spanned<String> {
        let value = self.value.get(range.clone()).unwrap_or_default().to_owned();
        let span = match self.verbatim {
            Some(start) => Span::new(self.span.source(), start + range.start..start + range.end),
            None => self.span.clone(),
        };
        Spanned::new(value, span)
    }

    /// The value and where it stands, without the quotes.
    pub fn spanned(&self) -> Spanned<String> {
        self.part(0..self.value.len())
    }
}

impl List {
    /// The first element if it is a word: what the list is about.
    pub fn name(&self) -> Option<&Word> {
        match self.items.first() {
            Some(Node::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// What follows the name. A second element that is a list named `@` holds attributes in
    /// sxp.py, and is not counted.
    pub fn values(&self) -> &[Node] {
        let rest = self.items.get(1..).unwrap_or_default();
        match rest {
            [Node::List(list), values @ ..]
                if list.name().is_some_and(|name| name.value == "@") =>
            {
                values
            }
            _ => rest,
        }
    }
}

/// Reads a text as a sequence of elements.
pub fn read(text: &str, file: &str, out: &mut Diagnostics) -> Option<Vec<Node>> {
    let errors = out.errors();
    let nodes = elements(&Source::new(file, text), out);
    (out.errors() == errors).then_some(nodes)
}

/// Every element that can be told in a source, whatever else is wrong with it.
pub fn elements(source: &Arc<Source>, out: &mut Diagnostics) -> Vec<Node> {
    parser::elements(source, out)
}

/// Whether a text is of this kind at all, such as what `xm list --long` prints: its first element
/// is a list that begins with a word. No file in xl's or xm's syntax begins so.
pub fn looks_like(text: &str) -> bool {
    let mut rest = text.trim_start_matches(blank);
    while let Some(comment) = rest.strip_prefix('#') {
        let end = comment.find('\n').unwrap_or(comment.len());
        rest = comment[end..].trim_start_matches(blank);
    }
    let Some(inside) = rest.strip_prefix('(') else {
        return false;
    };
    let inside = inside.trim_start_matches(blank);
    let word = inside.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_.".contains(c));
    inside.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.starts_with(|c: char| blank(c) || "()'\"#".contains(c))
}

/// The blanks of sxp.py.
fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}
