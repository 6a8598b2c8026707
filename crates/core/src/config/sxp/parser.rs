//! Text into elements. Invariants: no recursion, each byte is looked at a bounded number of
//! times, and what is left open is reported once, at the place where it was opened.

use std::ops::Range;
use std::sync::Arc;

use super::escape::{Fault, escape};
use super::{DEEPEST, List, Node, Word, blank};
use crate::diag::code::xend as code;
use crate::diag::{Diagnostic, Diagnostics, Source, Span};

/// Reads twice if something is left open at the end: the rules of xend cannot tell where it should
/// have been closed, so everything behind it would be lost. The second time a text ends with its
/// line at the latest, and a parenthesis at the begin of a line closes whatever is open.
pub(super) fn elements(source: &Arc<Source>, out: &mut Diagnostics) -> Vec<Node> {
    let mut parser = Parser::new(source, false);
    parser.run();
    if parser.left_open {
        parser = Parser::new(source, true);
        parser.run();
    }
    out.extend(parser.found);
    parser.top
}

struct Parser<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    at: usize,
    /// Every open list: where it was opened, and what is in it so far.
    open: Vec<(usize, Vec<Node>)>,
    /// Lists open beyond the deepest level, whose elements are dropped.
    dropped: usize,
    top: Vec<Node>,
    mending: bool,
    left_open: bool,
    too_deep: bool,
    found: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn new(source: &'a Arc<Source>, mending: bool) -> Self {
        Self {
            source,
            text: source.text(),
            at: 0,
            open: Vec::new(),
            dropped: 0,
            top: Vec::new(),
            mending,
            left_open: false,
            too_deep: false,
            found: Vec::new(),
        }
    }

    fn run(&mut self) {
        while let Some(c) = self.text[self.at..].chars().next() {
            match c {
                // sxp.py takes a Ctrl-D for the end of the text.
                '\u{4}' => break,
                _ if blank(c) => self.at += 1,
                '#' => self.at = self.line_end(self.at),
                '(' => self.open_list(),
                ')' => self.close_list(),
                '\'' | '"' => self.quoted(c),
                _ if c.is_ascii_graphic() => self.word(),
                _ => self.stray_characters(),
            }
        }
        self.close_all(self.text.len());
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, range)
    }

    fn line_end(&self, from: usize) -> usize {
        self.text[from..]
            .find('\n')
            .map_or(self.text.len(), |n| from + n)
    }

    fn push(&mut self, node: Node) {
        if self.dropped > 0 {
            return;
        }
        match self.open.last_mut() {
            Some((_, items)) => items.push(node),
            None => self.top.push(node),
        }
    }

    fn open_list(&mut self) {
        let at_line_start = self.at == 0 || self.text.as_bytes()[self.at - 1] == b'\n';
        if self.mending && at_line_start {
            self.close_all(self.at);
        }
        if self.open.len() < DEEPEST && self.dropped == 0 {
            self.open.push((self.at, Vec::new()));
        } else {
            self.dropped += 1;
            if !self.too_deep {
                self.too_deep = true;
                let message = format!("more than {DEEPEST} lists lie in one another");
                let span = self.span(self.at..self.at + 1);
                self.found
                    .push(Diagnostic::error(code::DEEP, &span, message).hint(
                        "such a file is not xend's; look for parentheses that were never closed",
                    ));
            }
        }
        self.at += 1;
    }

    fn close_list(&mut self) {
        let end = self.at + 1;
        if self.dropped > 0 {
            self.dropped -= 1;
        } else if let Some((start, items)) = self.open.pop() {
            let span = self.span(start..end);
            self.push(Node::List(List { items, span }));
        } else {
            let message = "this `)` closes nothing, and xend stops reading here";
            let span = self.span(self.at..end);
            self.found
                .push(Diagnostic::error(code::CLOSE, &span, message).hint("remove it"));
        }
        self.at = end;
    }

    /// Reports the outermost open list and closes every one at `end`.
    fn close_all(&mut self, end: usize) {
        let within = self.open.len() + self.dropped;
        self.dropped = 0;
        let Some(&(start, _)) = self.open.first() else {
            return;
        };
        self.left_open = true;
        let message = match within {
            1 => "this list is never closed".to_owned(),
            _ => format!(
                "this list is never closed, nor are {} lists in it",
                within - 1
            ),
        };
        let fault = Diagnostic::error(code::OPEN, &self.span(start..start + 1), message)
            .hint("write `)` where it ends");
        self.found.push(if end < self.text.len() {
            fault.also(&self.span(end..end + 1), "the next one begins here")
        } else {
            fault
        });
        while let Some((start, items)) = self.open.pop() {
            let written = self.text[start..end].trim_end_matches(blank).len();
            let span = self.span(start..start + written);
            self.push(Node::List(List { items, span }));
        }
    }

    /// A word ends at a blank, a comment, a bracket, `!` or `;`. A quote within is a letter.
    fn word(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| blank(*c) || "{}()<>[]!;#".contains(*c))
            .map_or(rest.len(), |(n, _)| n);
        let range = self.at..self.at + length;
        let word = Word {
            value: rest[..length].to_owned(),
            verbatim: Some(range.start),
            span: self.span(range),
        };
        self.at += length;
        self.push(Node::Word(word));
    }

    fn quoted(&mut self, quote: char) {
        let start = self.at;
        let mut value = String::new();
        let mut verbatim = true;
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let plain = rest
                .find([quote, '\\', if self.mending { '\n' } else { quote }])
                .unwrap_or(rest.len());
            value.push_str(&rest[..plain]);
            self.at += plain;
            match rest[plain..].chars().next() {
                Some('\\') if self.at + 1 < self.text.len() => {
                    verbatim = false;
                    value.push_str(&self.escaped());
                }
                Some(c) if c == quote => {
                    self.at += 1;
                    self.swallowed(start);
                    break;
                }
                _ => {
                    self.left_open = true;
                    self.unclosed(start, &mut value);
                    break;
                }
            }
        }
        let word = Word {
            value,
            span: self.span(start..self.at),
            verbatim: verbatim.then_some(start + 1),
        };
        self.push(Node::Word(word));
    }

    /// A text may go over several lines, but one in which a line begins with a list has hardly
    /// been closed where it should.
    fn swallowed(&mut self, start: usize) {
        if let Some(place) = self.text[start..self.at].find("\n(") {
            let list = start + place + 1;
            let message = "this text goes on over the next list, which xend then does not see";
            let fault = Diagnostic::warning(code::QUOTE, &self.span(start..start + 1), message)
                .also(&self.span(list..list + 1), "a part of the text")
                .hint("write the quote where the text ends");
            self.found.push(fault);
        }
    }

    /// A text that is open at the end of the line (or, at first, of the file) ends before the
    /// parentheses there, which then close their lists.
    fn unclosed(&mut self, start: usize, value: &mut String) {
        let written = &self.text[start + 1..self.at];
        let tail = written.len() - written.trim_end_matches(|c| blank(c) || c == ')').len();
        for _ in 0..tail {
            value.pop();
        }
        let quote = &self.text[start..start + 1];
        let span = self.span(start..self.at - tail);
        self.at = (self.at - tail).max(start + 1);
        self.found.push(
            Diagnostic::error(code::QUOTE, &span, "this text is never closed")
                .hint(format!("write {quote} where it ends")),
        );
    }

    fn escaped(&mut self) -> String {
        let read = escape(&self.text[self.at + 1..]);
        let range = self.at..self.at + 1 + read.length;
        let span = self.span(range.clone());
        // A backslash before the end of a line would break the message in two.
        let written = span.text().replace('\n', "\u{2424}");
        let fault = match read.fault {
            None => None,
            Some(Fault::Unknown) => Some(
                Diagnostic::warning(
                    code::ESCAPE,
                    &span,
                    format!("`{written}` means nothing: xend keeps the backslash and loses what follows it"),
                )
                .hint("write `\\\\` for a backslash"),
            ),
            Some(Fault::Hex) => Some(
                Diagnostic::warning(
                    code::ESCAPE,
                    &span,
                    format!("xend reads the letters of `{written}` as 0 to 5"),
                )
                .hint("write the character itself, or its number in octal"),
            ),
            Some(Fault::Short) => Some(
                Diagnostic::error(code::ESCAPE, &span, format!("`{written}` needs two digits"))
                    .hint("write `\\\\x` for a backslash and an x"),
            ),
            Some(Fault::Range) => Some(Diagnostic::error(
                code::ESCAPE,
                &span,
                format!("`{written}` is beyond 255, the largest character"),
            )),
        };
        self.found.extend(fault);
        self.at = range.end;
        read.text
    }

    /// sxp.py lets only printable ASCII begin an element. A run of others is one fault.
    fn stray_characters(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest
            .find(|c: char| c.is_ascii_graphic() || blank(c) || c == '\u{4}')
            .unwrap_or(rest.len());
        let span = self.span(self.at..self.at + length);
        let first = rest.chars().next().unwrap_or_default();
        let message = format!("no word begins with {first:?}, and xend stops reading here");
        self.found.push(
            Diagnostic::error(code::CHARACTER, &span, message)
                .hint("remove it, or put the word into quotes"),
        );
        self.at += length;
    }
}
