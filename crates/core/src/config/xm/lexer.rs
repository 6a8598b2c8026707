//! Text into tokens, all at once: lines, their indentation, and what stands on them.
//!
//! Within brackets lines have no meaning. A bracket that is never closed would swallow the rest of
//! the file; the lexer goes on at the next line that begins as a setting does.

use std::rc::Rc;
use std::sync::Arc;

use super::ast::At;
use super::expression::KEYWORDS;
use super::literal;
use super::text::Str;
use crate::diag::{Code, Diagnostic, Diagnostics, Source, Span, code};

#[derive(Clone, Debug)]
pub(super) enum Token {
    /// A name or a keyword.
    Word,
    Text(Rc<Str>),
    Int(i128),
    Float(f64),
    /// A sign.
    Sign(&'static str),
    Newline,
    Indent,
    Dedent,
    End,
    /// Something that is no token; it is reported already.
    Bad,
}

/// The signs, the longer ones first.
const SIGNS: [&str; 48] = [
    "**=", "//=", ">>=", "<<=", "...", "!=", "<>", "==", "<=", ">=", "+=", "-=", "*=", "/=", "%=",
    "&=", "|=", "^=", "**", "//", "<<", ">>", "->", ":=", "(", ")", "[", "]", "{", "}", ",", ":",
    ".", ";", "=", "+", "-", "*", "/", "%", "<", ">", "&", "|", "^", "~", "@", "`",
];

/// How often the lexer looks for the next setting behind a bracket that is not closed.
const RETRIES: usize = 8;

pub(super) struct Lexer<'a> {
    source: &'a Arc<Source>,
    pub(super) text: &'a str,
    pub(super) position: usize,
    tokens: Vec<(Token, At)>,
    /// The open brackets: their sign, their place, and how many tokens come before them.
    open: Vec<(char, At, usize)>,
    indents: Vec<usize>,
    out: &'a mut Diagnostics,
}

/// The tokens of a file; the last one is [`Token::End`].
pub(super) fn tokens(source: &Arc<Source>, out: &mut Diagnostics) -> Vec<(Token, At)> {
    let mut lexer = Lexer {
        source,
        text: source.text(),
        position: 0,
        tokens: Vec::new(),
        open: Vec::new(),
        indents: vec![0],
        out,
    };
    // Editors on other systems put a byte order mark first.
    if lexer.text.starts_with('\u{feff}') {
        lexer.position = '\u{feff}'.len_utf8();
    }
    lexer.run();
    lexer.tokens
}

impl Lexer<'_> {
    fn run(&mut self) {
        let mut retries = RETRIES;
        self.indentation();
        loop {
            self.blanks();
            if self.position < self.text.len() {
                self.token();
            } else if self.open.is_empty() {
                break;
            } else {
                self.never_closed(&mut retries);
            }
        }
        self.line_ends();
        while self.indents.len() > 1 {
            self.indents.pop();
            self.push(Token::Dedent, self.position);
        }
        self.push(Token::End, self.position);
    }

    pub(super) fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn push(&mut self, token: Token, start: usize) {
        let at = At {
            start,
            end: self.position,
        };
        self.tokens.push((token, at));
    }

    /// Reports what stands from `start` to here.
    pub(super) fn fault(&mut self, code: &'static Code, start: usize, message: String, hint: &str) {
        let span = Span::new(self.source, start..self.position);
        self.out
            .add(Diagnostic::error(code, &span, message).hint(hint));
    }

    pub(super) fn skip_while(&mut self, take: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.position += rest.find(|c| !take(c)).unwrap_or(rest.len());
    }

    /// Blanks, comments, and lines that a backslash continues.
    fn blanks(&mut self) {
        loop {
            self.skip_while(|c| matches!(c, ' ' | '\t' | '\x0c'));
            if self.rest().starts_with('#') {
                self.skip_while(|c| !matches!(c, '\n' | '\r'));
            }
            let ends = self.rest().strip_prefix('\\').map_or(0, newline);
            if ends == 0 {
                return;
            }
            self.position += 1 + ends;
        }
    }

    /// Compares the indentation of the next line that is not empty with the one before.
    fn indentation(&mut self) {
        let (start, column) = loop {
            let (start, mut column) = (self.position, 0);
            while let Some(blank) = self.rest().chars().next() {
                column = match blank {
                    ' ' => column + 1,
                    '\t' => (column / 8 + 1) * 8,
                    '\x0c' => 0,
                    _ => break,
                };
                self.position += 1;
            }
            if self.rest().starts_with('#') {
                self.skip_while(|c| !matches!(c, '\n' | '\r'));
            }
            match newline(self.rest()) {
                0 => break (start, column),
                length => self.position += length,
            }
        };
        let top = self.indents.last().copied().unwrap_or_default();
        if self.position == self.text.len() || column == top {
            return;
        }
        if column > top {
            self.indents.push(column);
            return self.push(Token::Indent, start);
        }
        while self.indents.last().is_some_and(|top| *top > column) {
            self.indents.pop();
            self.push(Token::Dedent, self.position);
        }
        if self.indents.last().is_some_and(|top| *top < column) {
            let message = "this line is indented as no line before it".to_owned();
            self.fault(
                code::xm::INDENT,
                start,
                message,
                "indent it as the block it belongs to",
            );
        }
    }

    /// Ends a line unless it is empty.
    fn line_ends(&mut self) {
        let empty = self
            .tokens
            .last()
            .is_none_or(|(last, _)| matches!(last, Token::Newline | Token::Indent | Token::Dedent));
        if !empty {
            self.push(Token::Newline, self.position);
        }
    }

    fn token(&mut self) {
        let start = self.position;
        let length = newline(self.rest());
        if length > 0 {
            if self.open.is_empty() {
                self.line_ends();
                self.position += length;
                self.indentation();
            } else {
                self.position += length;
            }
            return;
        }
        let token = match self.rest().chars().next() {
            None => return,
            Some('\'' | '"') => literal::text(self, start),
            Some('0'..='9') => literal::number(self),
            Some('.') if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                literal::number(self)
            }
            Some(first) if first.is_alphabetic() || first == '_' => {
                self.skip_while(|c| c.is_alphanumeric() || c == '_');
                let word = &self.text[start..self.position];
                let prefix = word.len() <= 2
                    && self.rest().starts_with(['\'', '"'])
                    && !KEYWORDS.contains(&word);
                if prefix {
                    literal::text(self, start)
                } else {
                    Token::Word
                }
            }
            Some(first) => self.sign(first, start),
        };
        self.push(token, start);
    }

    fn sign(&mut self, first: char, start: usize) -> Token {
        let rest = self.rest();
        let begins = |sign: &&str| sign.starts_with(first) && rest.starts_with(*sign);
        let Some(sign) = SIGNS.into_iter().find(begins) else {
            self.position += first.len_utf8();
            let (message, hint) = match first {
                '‘' | '’' | '“' | '”' | '´' => (
                    format!("{first:?} is a typographic quote, which begins no text"),
                    "write plain quotes: ' or \"",
                ),
                _ => (
                    format!("{first:?} has no meaning outside quotes"),
                    "put texts into quotes",
                ),
            };
            self.fault(code::xm::CHARACTER, start, message, hint);
            return Token::Bad;
        };
        self.position += sign.len();
        let at = At {
            start,
            end: self.position,
        };
        match first {
            '(' | '[' | '{' => self.open.push((first, at, self.tokens.len())),
            ')' | ']' | '}' => return self.close(first, sign, start),
            _ => {}
        }
        Token::Sign(sign)
    }

    fn close(&mut self, first: char, sign: &'static str, start: usize) -> Token {
        let opener = match first {
            ')' => '(',
            ']' => '[',
            _ => '{',
        };
        match self.open.pop() {
            Some((open, _, _)) if open == opener => Token::Sign(sign),
            Some((open, _, _)) => {
                let message = format!("`{first}` cannot close `{open}`");
                self.fault(
                    code::xm::BRACKET,
                    start,
                    message,
                    "every bracket is closed by its own kind",
                );
                Token::Bad
            }
            None => {
                let message = format!("`{first}` closes nothing");
                self.fault(
                    code::xm::BRACKET,
                    start,
                    message,
                    "remove it, or open the bracket",
                );
                Token::Bad
            }
        }
    }

    /// At the end of the file, with brackets open: forgets what is behind the first of them, and
    /// goes on at the next line that looks like a setting.
    fn never_closed(&mut self, retries: &mut usize) {
        let (bracket, at, tokens) = self.open[0];
        self.open.clear();
        self.tokens.truncate(tokens);
        self.position = at.end;
        let message = format!("this `{bracket}` is never closed");
        self.fault(
            code::xm::BRACKET,
            at.start,
            message,
            "add the closing bracket",
        );
        self.push(Token::Bad, at.start);
        *retries = retries.saturating_sub(1);
        if *retries == 0 {
            self.position = self.text.len();
        }
        loop {
            self.skip_while(|c| c != '\n');
            if self.position == self.text.len() {
                return;
            }
            self.position += 1;
            let line = self.rest();
            let after = line.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
            if after.len() < line.len() && after.trim_start_matches([' ', '\t']).starts_with('=') {
                self.push(Token::Newline, self.position);
                return self.indentation();
            }
        }
    }
}

/// How many bytes the line end is long that the text begins with.
pub(super) fn newline(text: &str) -> usize {
    if text.starts_with("\r\n") {
        2
    } else {
        usize::from(text.starts_with(['\n', '\r']))
    }
}
