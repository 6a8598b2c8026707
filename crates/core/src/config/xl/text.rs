//! A text value whose every byte knows where in the file it was written. Invariant: `at` has one
//! entry more than the text has bytes, the last being the end of what was written.

use std::ops::Range;
use std::sync::Arc;

use crate::diag::{Source, Span};

/// A text as it is meant, and where it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    text: String,
    span: Span,
    at: Vec<usize>,
}

impl Text {
    /// The text that stands at `range` as it is, without quotes or escapes.
    pub fn verbatim(source: &Arc<Source>, range: Range<usize>) -> Self {
        let span = Span::new(source, range);
        let at = (span.range().start..=span.range().end).collect();
        Self {
            text: span.text().to_owned(),
            span,
            at,
        }
    }

    /// A text whose n-th byte was written at `at[n]`.
    pub(super) fn unescaped(text: String, span: Span, at: Vec<usize>) -> Self {
        debug_assert_eq!(at.len(), text.len() + 1);
        Self { text, span, at }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it was written, quotes included.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Where these bytes of the text were written.
    pub fn span_of(&self, bytes: Range<usize>) -> Span {
        let place = |byte: usize| {
            self.at
                .get(byte)
                .or(self.at.last())
                .copied()
                .unwrap_or_default()
        };
        Span::new(self.span.source(), place(bytes.start)..place(bytes.end))
    }

    /// Adds another text behind this one, as `+=` does.
    pub(super) fn append(&mut self, other: &Self) {
        self.at.pop();
        self.at.extend(&other.at);
        self.text.push_str(&other.text);
        self.span = self.span.to(&other.span);
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.text, f)
    }
}
