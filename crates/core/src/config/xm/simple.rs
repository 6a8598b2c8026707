//! The grammar of statements that fit on a line: assignments, imports, and single words.

use std::rc::Rc;

use super::ast::{At, Expr, Kind, Statement};
use super::lexer::Token;
use super::parser::{Lost, Parser};
use crate::diag::code;

/// The signs that change what they assign to.
const AUGMENTS: [&str; 12] = [
    "+=", "-=", "*=", "/=", "//=", "%=", "**=", "&=", "|=", "^=", "<<=", ">>=",
];

impl Parser<'_> {
    pub(super) fn simple(&mut self, blocks: usize) -> Result<Statement, Lost> {
        let at = self.at();
        let word = match self.token() {
            Token::Word => self.text(at),
            _ => "",
        };
        let next = self.tokens.get(self.position + 1).map(|(token, _)| token);
        match word {
            "pass" | "break" | "continue" => {
                self.advance();
                return Ok(match word {
                    "pass" => Statement::Pass,
                    "break" => Statement::Break,
                    _ => Statement::Continue,
                });
            }
            "import" | "from" => return self.import(word == "from"),
            "return" if blocks == 0 => return Err(self.unexpected("a statement")),
            "return" => {
                self.advance();
                let value = self.until_end()?;
                return Ok(Statement::Return(value));
            }
            "del" => {
                self.advance();
                let target = self.expressions()?;
                self.assignable(&target)?;
                return Ok(Statement::Del(vec![target]));
            }
            "raise" => {
                self.skip_rest();
                return Ok(Statement::Raise(at.to(self.before())));
            }
            "assert" => {
                self.advance();
                let condition = self.expression()?;
                if self.take_sign(",") {
                    self.expression()?;
                }
                return Ok(Statement::Assert(condition));
            }
            "global" | "exec" | "yield" | "nonlocal"
                if matches!(next, Some(Token::Word | Token::Text(_))) =>
            {
                self.skip_rest();
                return Ok(Statement::Foreign {
                    what: "this statement",
                    hint: "write the values themselves",
                    at: at.to(self.before()),
                    touched: Vec::new(),
                });
            }
            // What is printed means nothing to the guest. In xm's days `print` was a statement.
            "print" if !matches!(next, Some(Token::Sign("=" | "."))) => {
                self.skip_rest();
                return Ok(Statement::Pass);
            }
            _ => {}
        }
        self.assignment()
    }

    fn skip_rest(&mut self) {
        while !matches!(self.token(), Token::Newline | Token::End | Token::Sign(";")) {
            self.advance();
        }
    }

    fn until_end(&mut self) -> Result<Option<Expr>, Lost> {
        match self.token() {
            Token::Newline | Token::End | Token::Sign(";") => Ok(None),
            _ => self.expressions().map(Some),
        }
    }

    fn assignment(&mut self) -> Result<Statement, Lost> {
        let first = self.expressions()?;
        if let Token::Sign(sign) = *self.token()
            && AUGMENTS.contains(&sign)
        {
            if !matches!(
                first.kind,
                Kind::Name(_) | Kind::Subscript(..) | Kind::Attribute(..)
            ) {
                let message = format!("nothing can be added to `{}`", self.text(first.at));
                let hint = "a name stands left of it";
                return Err(self.fault(code::xm::SYNTAX, first.at, message, Some(hint)));
            }
            self.advance();
            let value = self.expressions()?;
            return Ok(Statement::Augment(first, &sign[..sign.len() - 1], value));
        }
        let mut targets = vec![first];
        while self.take_sign("=") {
            if let Some(target) = targets.pop() {
                self.assignable(&target)?;
                targets.push(target);
            }
            targets.push(self.expressions()?);
        }
        match targets.pop() {
            Some(value) if targets.is_empty() => Ok(Statement::Expression(value)),
            Some(value) => Ok(Statement::Assign(targets, value)),
            None => Err(Lost),
        }
    }

    /// `import a, b.c as d` or `from a import b, c`.
    fn import(&mut self, from: bool) -> Result<Statement, Lost> {
        self.advance();
        if from {
            self.dotted()?;
            if !self.take_word("import") {
                return Err(self.unexpected("`import`"));
            }
        }
        let mut names = Vec::new();
        let brackets = from && self.take_sign("(");
        loop {
            if from && self.take_sign("*") {
                break;
            }
            let mut at = self.dotted()?;
            if self.take_word("as") {
                at = self.dotted()?;
            }
            names.push((Rc::from(self.text(at)), at));
            if !self.take_sign(",") || (brackets && self.is_sign(")")) {
                break;
            }
        }
        if brackets {
            self.want_sign(")")?;
        }
        Ok(Statement::Import(names))
    }

    /// A name with dots; the place of its first part, which is what `import` binds.
    fn dotted(&mut self) -> Result<At, Lost> {
        let at = self.at();
        loop {
            let Token::Word = self.token() else {
                return Err(self.unexpected("a name"));
            };
            self.advance();
            if !self.take_sign(".") {
                return Ok(at);
            }
        }
    }
}
