//! A text in the making, with the place of each of its bytes. Invariant: there are as many places
//! as bytes.

use std::ops::Range;

use super::ast::At;
use crate::config::settings::Places;

/// A text and where its bytes come from.
#[derive(Clone, Debug, Default)]
pub(super) struct Str {
    text: String,
    places: Places,
    /// The whole expression that made it, quotes included.
    at: Option<At>,
}

impl Str {
    /// A text that an expression makes.
    pub(super) fn made(text: impl Into<String>, at: At) -> Self {
        let mut made = Self::default();
        made.push_made(&text.into(), at);
        made.at(at)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, made by this expression.
    pub(super) fn at(mut self, at: At) -> Self {
        self.at = Some(at);
        self
    }

    /// The expression that made it.
    pub(super) fn origin(&self) -> Option<At> {
        self.at
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Adds what stands at a place as it is.
    pub(super) fn push_verbatim(&mut self, text: &str, start: usize) {
        self.places.verbatim(start..start + text.len());
        self.text.push_str(text);
    }

    /// Adds what a place as a whole stands for.
    pub(super) fn push_made(&mut self, text: &str, at: At) {
        self.places.made(text.len(), at.start..at.end);
        self.text.push_str(text);
    }

    pub(super) fn push(&mut self, other: &Self) {
        self.places.append(&other.places);
        self.text.push_str(&other.text);
    }

    /// Adds some bytes of another text; the range lies on its characters.
    pub(super) fn push_slice(&mut self, other: &Self, bytes: Range<usize>) {
        if let Some(text) = other.text.get(bytes.clone()) {
            self.places.append_slice(&other.places, bytes);
            self.text.push_str(text);
        }
    }

    /// Some bytes of this text; the range lies on its characters.
    pub(super) fn slice(&self, bytes: Range<usize>) -> Self {
        let mut cut = Self::default();
        cut.push_slice(self, bytes);
        cut
    }

    /// The same places under another text of as many bytes, or else a text that `at` makes.
    pub(super) fn mapped(&self, text: String, at: At) -> Self {
        if text.len() == self.text.len() {
            Self {
                text,
                places: self.places.clone(),
                at: Some(at),
            }
        } else {
            Self::made(text, at)
        }
    }
}
