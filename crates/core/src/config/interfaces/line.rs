//! Logical lines: comments left out, continuation lines joined. Invariant: every byte of a line
//! knows its place in the file.
//!
//! As ifupdown's get_line does it (config.c): a comment is a line whose first visible character
//! is `#`, and a backslash at its end means nothing; a backslash is the very last byte of a line
//! or no continuation; the next line is joined as it is, even if it begins with `#`.

use std::ops::Range;
use std::sync::Arc;

use crate::diag::{Source, Span, Spanned};

/// One logical line, without blanks at either end. Never empty.
pub(super) struct Line<'a> {
    source: &'a Arc<Source>,
    text: String,
    /// Where each joined part begins: in the line, and in the file.
    parts: Vec<(usize, usize)>,
}

/// The blanks of C's isspace.
pub(super) fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

impl Line<'_> {
    /// The bytes `range` of the line and where they stand.
    pub fn part(&self, range: Range<usize>) -> Spanned<String> {
        let start = self.place(range.start);
        let end = match range.is_empty() {
            true => start,
            false => self.place(range.end - 1) + 1,
        };
        let value = self.text.get(range).unwrap_or_default().to_owned();
        Spanned::new(value, Span::new(self.source, start..end))
    }

    /// Where this byte of the line stands in the file.
    fn place(&self, byte: usize) -> usize {
        let after = self.parts.partition_point(|(start, _)| *start <= byte);
        let (start, place) = self.parts[after.saturating_sub(1)];
        place + (byte - start)
    }

    /// Every word.
    pub fn words(&self) -> Vec<Spanned<String>> {
        self.words_from(0)
    }

    fn words_from(&self, from: usize) -> Vec<Spanned<String>> {
        let mut words = Vec::new();
        let mut at = from;
        for word in self.text[from..].split(blank) {
            if !word.is_empty() {
                words.push(self.part(at..at + word.len()));
            }
            // Every blank is one byte.
            at += word.len() + 1;
        }
        words
    }

    /// What stands behind the first word, and its words.
    pub fn rest(&self) -> (Spanned<String>, Vec<Spanned<String>>) {
        let first = self.text.find(blank).unwrap_or(self.text.len());
        let behind = &self.text[first..];
        let start = first + (behind.len() - behind.trim_start_matches(blank).len());
        (self.part(start..self.text.len()), self.words_from(start))
    }
}

/// Every logical line of a file, in order.
pub(super) fn lines(source: &Arc<Source>) -> Vec<Line<'_>> {
    let text = source.text();
    let mut lines = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let physical = physical(text, &mut at);
        let start = physical.start + {
            let line = &text[physical.clone()];
            line.len() - line.trim_start_matches(blank).len()
        };
        if text[start..physical.end].starts_with('#') {
            continue;
        }
        let mut line = Line {
            source,
            text: text[start..physical.end].to_owned(),
            parts: vec![(0, start)],
        };
        while line.text.ends_with('\\') {
            line.text.pop();
            if at >= text.len() {
                break;
            }
            let next = self::physical(text, &mut at);
            line.parts.push((line.text.len(), next.start));
            line.text.push_str(&text[next]);
        }
        line.trim();
        if !line.text.is_empty() {
            lines.push(line);
        }
    }
    lines
}

impl Line<'_> {
    /// Blanks at the begin can be left only where a line begins with a continuation.
    fn trim(&mut self) {
        let written = self.text.trim_end_matches(blank).len();
        self.text.truncate(written);
        let blanks = written - self.text.trim_start_matches(blank).len();
        if blanks > 0 {
            let first = self.place(blanks);
            self.parts.retain(|(start, _)| *start > blanks);
            for (start, _) in &mut self.parts {
                *start -= blanks;
            }
            self.parts.insert(0, (0, first));
            self.text.drain(..blanks);
        }
    }
}

/// The next line of the file, without its end.
fn physical(text: &str, at: &mut usize) -> Range<usize> {
    let start = *at;
    let end = text[start..].find('\n').map_or(text.len(), |n| start + n);
    *at = end + 1;
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let source = Source::new("f", text);
        lines(&source).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_are_those_of_ifupdown() {
        for (text, lines) in [
            ("", vec![]),
            (" a b \n\n\t\n#c\n  # d\\\ne", vec!["a b", "e"]),
            ("a\\\n  b\\\n#c\nd", vec!["a  b#c", "d"]),
            ("a\\ \nb", vec!["a\\", "b"]),
            ("a\\", vec!["a"]),
            ("\\\n  a", vec!["a"]),
            ("\\\n\\\n", vec![]),
            ("a # b", vec!["a # b"]),
        ] {
            assert_eq!(read(text), lines, "{text:?}");
        }
    }

    #[test]
    fn every_word_knows_its_place() {
        let source = Source::new("f", "  up \\\n  \té\\\nf  g \n");
        let lines = lines(&source);
        let words = lines[0].words();
        let shown: Vec<(&str, &str, usize)> = words
            .iter()
            .map(|word| (word.value.as_str(), word.span.text(), word.span.line()))
            .collect();
        assert_eq!(shown, [("up", "up", 1), ("éf", "é\\\nf", 2), ("g", "g", 3)]);
        let (rest, words) = lines[0].rest();
        assert_eq!((rest.value.as_str(), words.len()), ("éf  g", 2));
        assert_eq!(rest.span.text(), "é\\\nf  g");

        // The blanks that a continuation brings to the begin shift what is joined behind them.
        let source = Source::new("f", "\\\n  up \\\nf g\n");
        let words = self::lines(&source)[0].words();
        let shown: Vec<(&str, usize)> = words
            .iter()
            .map(|word| (word.span.text(), word.span.line()))
            .collect();
        assert_eq!(shown, [("up", 2), ("f", 3), ("g", 3)]);
    }
}
