//! Where something was written. Invariant: a span lies within its source and on character
//! boundaries, whatever it was made from, so that slicing and showing it cannot fail.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A text that was read, and the name to show for it.
#[derive(PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// A source named as the person who wrote it would name it, usually by its path.
    pub fn new(name: &str, text: &str) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            text: text.to_owned(),
        })
    }

    /// The name to show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A range of bytes in a source.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    source: Arc<Source>,
    start: usize,
    end: usize,
}

impl Span {
    /// The span of `range`, cut to the text and widened to whole characters.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        let text = &source.text;
        let mut start = range.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = range.end.clamp(start, text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        Self {
            source: Arc::clone(source),
            start,
            end,
        }
    }

    /// The source the span is in.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The bytes of the source.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The text at this place.
    pub fn text(&self) -> &str {
        &self.source.text[self.start..self.end]
    }

    /// The line the span begins at, from 1.
    pub fn line(&self) -> usize {
        self.source.text[..self.start].matches('\n').count() + 1
    }

    /// The column the span begins at, from 1, in characters.
    pub fn column(&self) -> usize {
        let before = &self.source.text[..self.start];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        before[line..].chars().count() + 1
    }

    /// From the begin of this span to the end of the other one, if both are in one source and in
    /// that order; else this span.
    pub fn to(&self, other: &Self) -> Self {
        if Arc::ptr_eq(&self.source, &other.source) {
            Self {
                end: other.end.max(self.end),
                ..self.clone()
            }
        } else {
            self.clone()
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}..{}", self.source.name, self.start, self.end)
    }
}

/// A value and the place where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was written there.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value found at a place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = Source::new("f", "aé = 1\nbß = 2");
        assert_eq!(
            (
                Span::new(&source, 0..1).line(),
                Span::new(&source, 0..1).column()
            ),
            (1, 1)
        );
        let two = Span::new(&source, 14..15);
        assert_eq!((two.text(), two.line(), two.column()), ("2", 2, 6));
    }

    #[test]
    fn a_span_always_fits_its_source() {
        let source = Source::new("f", "é");
        assert_eq!(Span::new(&source, 1..1).range(), 0..2);
        assert_eq!(Span::new(&source, 0..1).text(), "é");
        let (backwards, beyond) = (9, 3);
        assert_eq!(Span::new(&source, backwards..beyond).range(), 2..2);
    }
}
