//! A text value whose every byte knows where in the file it was written, be it as it stands there,
//! as an escape, or as an expression that was computed.

use std::ops::Range;
use std::sync::Arc;

use crate::diag::{Source, Span};

/// A text as it is meant, and where it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    text: String,
    span: Span,
    places: Places,
}

impl Text {
    /// The text that stands at `range` as it is, without quotes or escapes.
    pub fn verbatim(source: &Arc<Source>, range: Range<usize>) -> Self {
        let span = Span::new(source, range);
        let mut places = Places::default();
        places.verbatim(span.range());
        Self::new(span.text().to_owned(), span, places)
    }

    /// A text that was written at `span`, and its bytes at `places`.
    pub(in crate::config) fn new(text: String, span: Span, places: Places) -> Self {
        debug_assert_eq!(places.len(), text.len());
        Self { text, span, places }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it was written, quotes included.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Where these bytes of the text were written. Bytes from several lines that do not follow
    /// each other in the file cannot be shown as one place: then it is where they begin.
    pub fn span_of(&self, bytes: Range<usize>) -> Span {
        let source = self.span.source();
        let Some(mut place) = self.places.place(bytes.start) else {
            // An empty text's inside is behind its first quote.
            let inside = (self.span.range().start + 1).min(self.span.range().end);
            return Span::new(source, inside..inside);
        };
        if bytes.end <= bytes.start || bytes.start >= self.text.len() {
            return Span::new(source, place.start..place.start);
        }
        for other in self.places.within(bytes) {
            let joined = place.start.min(other.start)..place.end.max(other.end);
            let follows = other.start <= place.end && place.start <= other.end;
            let between = source.text().as_bytes().get(joined.clone());
            if !follows && between.is_none_or(|between| between.contains(&b'\n')) {
                break;
            }
            place = joined;
        }
        Span::new(source, place)
    }

    /// Adds another text behind this one, as `+=` does.
    pub(in crate::config) fn append(&mut self, other: &Self) {
        self.places.append(&other.places);
        self.text.push_str(&other.text);
        self.span = self.span.to(&other.span);
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.text, f)
    }
}

/// The place of every byte of a text, as few pieces as there are. Invariant: `upto` grows from
/// piece to piece, and no piece is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::config) struct Places {
    pieces: Vec<Piece>,
}

/// Some bytes of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    /// Where they end in the text.
    upto: usize,
    /// Where they were written.
    place: Range<usize>,
    /// Whether they were written as they are, byte for byte. Otherwise every byte has the whole
    /// place: an escape's, or an expression's.
    verbatim: bool,
}

impl Places {
    /// How many bytes have a place.
    pub(in crate::config) fn len(&self) -> usize {
        self.pieces.last().map_or(0, |piece| piece.upto)
    }

    /// More bytes, which stand at `place` as they are.
    pub(in crate::config) fn verbatim(&mut self, place: Range<usize>) {
        let upto = self.len() + place.len();
        match self.pieces.last_mut() {
            _ if place.is_empty() => {}
            Some(last) if last.verbatim && last.place.end == place.start => {
                last.place.end = place.end;
                last.upto = upto;
            }
            _ => self.push(upto, place, true),
        }
    }

    /// `count` bytes more, which `place` as a whole stands for.
    pub(in crate::config) fn made(&mut self, count: usize, place: Range<usize>) {
        let upto = self.len() + count;
        match self.pieces.last_mut() {
            _ if count == 0 => {}
            Some(last) if !last.verbatim && last.place == place => last.upto = upto,
            _ => self.push(upto, place, false),
        }
    }

    /// The places of some bytes of this text, as those of a text of its own.
    pub(in crate::config) fn slice(&self, bytes: Range<usize>) -> Self {
        let mut cut = Self::default();
        cut.append_slice(self, bytes);
        cut
    }

    /// Adds the places of another text.
    pub(in crate::config) fn append(&mut self, other: &Self) {
        self.append_slice(other, 0..other.len());
    }

    /// Adds the places of some bytes of another text.
    pub(in crate::config) fn append_slice(&mut self, other: &Self, bytes: Range<usize>) {
        let mut from = bytes.start;
        for piece in &other.pieces[other.piece_of(from)..] {
            let end = piece.upto.min(bytes.end);
            if end <= from {
                break;
            }
            if piece.verbatim {
                let start = piece.place.end - (piece.upto - from);
                self.verbatim(start..start + (end - from));
            } else {
                self.made(end - from, piece.place.clone());
            }
            from = end;
        }
    }

    fn push(&mut self, upto: usize, place: Range<usize>, verbatim: bool) {
        self.pieces.push(Piece {
            upto,
            place,
            verbatim,
        });
    }

    /// The piece that holds this byte, or the number of pieces.
    fn piece_of(&self, byte: usize) -> usize {
        self.pieces.partition_point(|piece| piece.upto <= byte)
    }

    /// The place of a byte; behind the last one it is where that one ends.
    fn place(&self, byte: usize) -> Option<Range<usize>> {
        let Some(piece) = self.pieces.get(self.piece_of(byte)) else {
            let end = self.pieces.last()?.place.end;
            return Some(end..end);
        };
        if !piece.verbatim {
            return Some(piece.place.clone());
        }
        let start = piece.place.end - (piece.upto - byte);
        Some(start..start + 1)
    }

    /// The places of these bytes, piece by piece.
    fn within(&self, bytes: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        self.slice(bytes)
            .pieces
            .into_iter()
            .map(|piece| piece.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_follow_each_other_are_one_place_over_lines_too() {
        let source = Source::new("f", "a\n\\tb");
        let mut places = Places::default();
        places.verbatim(0..2);
        places.made(1, 2..4);
        places.verbatim(4..5);
        let text = Text::new("a\n\tb".to_owned(), Span::new(&source, 0..5), places);
        assert_eq!(text.span_of(0..4).range(), 0..5);
    }
}
