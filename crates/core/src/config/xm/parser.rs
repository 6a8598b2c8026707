//! The tokens, one after the other, and how a fault is reported. The grammar itself is in
//! [`expression`](super::expression) and [`statement`](super::statement).

use std::sync::Arc;

use super::ast::{At, DEEPEST, Expr, Kind};
use super::lexer::Token;
use crate::diag::{Code, Diagnostic, Diagnostics, Source, Span, code};

/// A fault that is reported already.
pub(super) struct Lost;

pub(super) struct Parser<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) tokens: Vec<(Token, At)>,
    pub(super) position: usize,
    pub(super) out: &'a mut Diagnostics,
    /// How many brackets, prefixes and blocks are open.
    pub(super) nested: u16,
    /// Whether `in` belongs to the `for` around, and is no comparison.
    pub(super) before_in: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn token(&self) -> &Token {
        self.tokens
            .get(self.position)
            .map_or(&Token::End, |(token, _)| token)
    }

    /// The place of the token that is looked at.
    pub(super) fn at(&self) -> At {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens
            .get(self.position.min(last))
            .map_or(At { start: 0, end: 0 }, |(_, at)| *at)
    }

    /// The place of the token before.
    pub(super) fn before(&self) -> At {
        self.position
            .checked_sub(1)
            .and_then(|position| self.tokens.get(position))
            .map_or_else(|| self.at(), |(_, at)| *at)
    }

    pub(super) fn text(&self, at: At) -> &'a str {
        self.source.text().get(at.start..at.end).unwrap_or_default()
    }

    pub(super) fn advance(&mut self) -> At {
        let at = self.at();
        self.position += 1;
        at
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.token(), Token::Sign(found) if *found == sign)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.token(), Token::Word) && self.text(self.at()) == word
    }

    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.position += usize::from(found);
        found
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.position += usize::from(found);
        found
    }

    pub(super) fn want_sign(&mut self, sign: &str) -> Result<(), Lost> {
        if self.take_sign(sign) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{sign}`")))
    }

    pub(super) fn span(&self, at: At) -> Span {
        Span::new(self.source, at.start..at.end)
    }

    pub(super) fn fault(
        &mut self,
        code: &'static Code,
        at: At,
        message: String,
        hint: Option<&str>,
    ) -> Lost {
        let found = Diagnostic::error(code, &self.span(at), message);
        self.out.add(found.maybe_hint(hint.map(str::to_owned)));
        Lost
    }

    /// Reports the token that is looked at as one that cannot be here.
    pub(super) fn unexpected(&mut self, wanted: &str) -> Lost {
        let found = match self.token() {
            Token::Bad => return Lost,
            Token::Newline => "the line ends".to_owned(),
            Token::End => "the file ends".to_owned(),
            Token::Indent | Token::Dedent => "the indentation changes".to_owned(),
            _ => format!("there is `{}`", self.text(self.at())),
        };
        let message = format!("here should be {wanted}, but {found}");
        self.fault(code::xm::SYNTAX, self.at(), message, self.advice(wanted))
    }

    /// What was meant, where people know another grammar better.
    fn advice(&self, wanted: &str) -> Option<&'static str> {
        let in_brackets = wanted.starts_with("`,`");
        Some(match (wanted, self.token()) {
            ("a value", Token::Sign("/")) => "a path is a text: put it into quotes",
            ("a value", Token::Newline | Token::End) => {
                "`''` is an empty text, `[ ]` a list of nothing"
            }
            ("a value", Token::Word) => {
                "this word belongs to Python: put it into quotes if it is a text"
            }
            ("the end of the line", Token::Word | Token::Int(_) | Token::Text(_)) => {
                "put the whole text into quotes, or a sign between the values"
            }
            ("`:`", Token::Sign("=")) => "`==` compares, and `=` sets",
            (_, Token::Text(_) | Token::Word | Token::Int(_)) if in_brackets => {
                "put a comma between the values"
            }
            _ => return None,
        })
    }

    /// Goes one bracket, prefix or block deeper.
    pub(super) fn deeper(&mut self) -> Result<(), Lost> {
        self.nested += 1;
        if self.nested > DEEPEST / 4 {
            return Err(self.too_deep(self.at()));
        }
        Ok(())
    }

    fn too_deep(&mut self, at: At) -> Lost {
        let message = "expressions lie deeper in each other here than any guest's file needs";
        let hint = "give parts of it names of their own";
        self.fault(code::xm::DEPTH, at, message.to_owned(), Some(hint))
    }

    /// An expression made of others, the deepest of which has this depth.
    pub(super) fn made(&mut self, kind: Kind, at: At, deepest: u16) -> Result<Expr, Lost> {
        if deepest >= DEEPEST {
            return Err(self.too_deep(at));
        }
        Ok(Expr {
            kind,
            at,
            depth: deepest + 1,
        })
    }
}
