//! The grammar of statements and blocks. After a fault it goes on at the next line, so that one
//! run reports every fault once.

use std::rc::Rc;
use std::sync::Arc;

use super::ast::{DEEPEST_BLOCK, Def, Statement, touched};
use super::lexer::{self, Token};
use super::parser::{Lost, Parser};
use crate::diag::{Diagnostics, Source, code};

/// What a file says, statement by statement.
pub(super) fn parse(source: &Arc<Source>, out: &mut Diagnostics) -> Vec<Statement> {
    let tokens = lexer::tokens(source, out);
    let mut parser = Parser {
        source,
        tokens,
        position: 0,
        out,
        nested: 0,
        before_in: false,
    };
    let mut statements = Vec::new();
    while !matches!(parser.token(), Token::End) {
        if matches!(parser.token(), Token::Indent | Token::Dedent) {
            parser.stray_indent();
            continue;
        }
        parser.line(&mut statements, 0);
    }
    statements
}

impl Parser<'_> {
    fn stray_indent(&mut self) {
        if matches!(self.token(), Token::Indent) {
            let at = self.at();
            let message = "this line is indented, but no block begins above it".to_owned();
            let hint = "remove the blanks, or put it within the brackets above";
            self.fault(code::xm::INDENT, at, message, Some(hint));
        }
        self.advance();
    }

    /// One line, whatever is on it, and the blocks that belong to it.
    fn line(&mut self, statements: &mut Vec<Statement>, blocks: usize) {
        if self.statements(statements, blocks).is_err() {
            self.nested = 0;
            self.before_in = false;
            self.skip_line();
        }
    }

    /// Behind a fault: the rest of the line, and the block under it.
    fn skip_line(&mut self) {
        while !matches!(self.token(), Token::Newline | Token::End | Token::Dedent) {
            self.advance();
        }
        if matches!(self.token(), Token::Newline) {
            self.advance();
        }
        if !matches!(self.token(), Token::Indent) {
            return;
        }
        let mut depth = 0_usize;
        loop {
            match self.token() {
                Token::Indent => depth += 1,
                Token::Dedent => depth -= 1,
                Token::End => return,
                _ => {}
            }
            self.advance();
            if depth == 0 {
                return;
            }
        }
    }

    fn statements(&mut self, statements: &mut Vec<Statement>, blocks: usize) -> Result<(), Lost> {
        if let Some(compound) = self.compound(blocks)? {
            statements.push(compound);
            return Ok(());
        }
        loop {
            statements.push(self.simple(blocks)?);
            if !self.take_sign(";") || matches!(self.token(), Token::Newline) {
                break;
            }
        }
        match self.token() {
            Token::Newline => self.advance(),
            Token::End => return Ok(()),
            _ => return Err(self.unexpected("the end of the line")),
        };
        Ok(())
    }

    /// `:` and a block: the rest of the line, or the lines indented below.
    fn block(&mut self, blocks: usize) -> Result<Vec<Statement>, Lost> {
        self.want_sign(":")?;
        let mut statements = Vec::new();
        if blocks >= DEEPEST_BLOCK {
            let at = self.at();
            let message = format!("blocks lie deeper than {DEEPEST_BLOCK} in each other here");
            let hint = "write the values that the file should have in the end";
            return Err(self.fault(code::xm::DEPTH, at, message, Some(hint)));
        }
        if !matches!(self.token(), Token::Newline) {
            self.statements(&mut statements, blocks + 1)?;
            return Ok(statements);
        }
        self.advance();
        if !matches!(self.token(), Token::Indent) {
            let at = self.at();
            let message = "a block should begin here, as the line above ends with `:`";
            let hint = "indent the lines that belong to it; a block of nothing is `pass`";
            self.fault(code::xm::INDENT, at, message.to_owned(), Some(hint));
            // This line is read for itself.
            return Ok(statements);
        }
        self.advance();
        while !matches!(self.token(), Token::Dedent | Token::End) {
            if matches!(self.token(), Token::Indent) {
                self.stray_indent();
                continue;
            }
            self.line(&mut statements, blocks + 1);
        }
        if matches!(self.token(), Token::Dedent) {
            self.advance();
        }
        Ok(statements)
    }

    /// A statement with blocks, if one begins here.
    fn compound(&mut self, blocks: usize) -> Result<Option<Statement>, Lost> {
        if !matches!(self.token(), Token::Word) {
            return Ok(None);
        }
        let at = self.at();
        let word = self.text(at);
        let statement = match word {
            "if" => {
                self.advance();
                self.if_statement(blocks)?
            }
            "for" => {
                self.advance();
                let target = self.loop_target()?;
                let over = self.expressions()?;
                let body = self.block(blocks)?;
                Statement::For(target, over, body, self.other(blocks)?)
            }
            "while" => {
                self.advance();
                let condition = self.expression()?;
                let body = self.block(blocks)?;
                Statement::While(condition, body, self.other(blocks)?)
            }
            "def" => {
                self.advance();
                self.def(blocks)?
            }
            "try" | "with" | "class" => self.foreign_block(word == "try", blocks)?,
            _ => return Ok(None),
        };
        Ok(Some(statement))
    }

    fn if_statement(&mut self, blocks: usize) -> Result<Statement, Lost> {
        let mut branches = vec![(self.expression()?, self.block(blocks)?)];
        while self.take_word("elif") {
            branches.push((self.expression()?, self.block(blocks)?));
        }
        Ok(Statement::If(branches, self.other(blocks)?))
    }

    /// The block of `else`, if there is one.
    fn other(&mut self, blocks: usize) -> Result<Vec<Statement>, Lost> {
        if self.take_word("else") {
            return self.block(blocks);
        }
        Ok(Vec::new())
    }

    fn def(&mut self, blocks: usize) -> Result<Statement, Lost> {
        let Token::Word = self.token() else {
            return Err(self.unexpected("a name"));
        };
        let at = self.advance();
        let name = Rc::from(self.text(at));
        self.want_sign("(")?;
        let parameters = self.parameters(")", "`,` or `)`")?;
        let body = self.block(blocks)?;
        Ok(Statement::Def(Rc::new(Def {
            name,
            at,
            parameters,
            body,
        })))
    }

    /// `try`, `with` or `class`: what is in its blocks is not run, but read for its names.
    fn foreign_block(&mut self, tries: bool, blocks: usize) -> Result<Statement, Lost> {
        let at = self.at();
        let word = self.text(at);
        let mut names = Vec::new();
        self.advance();
        if word == "class" && matches!(self.token(), Token::Word) {
            names.push(Rc::from(self.text(self.at())));
        }
        loop {
            while !matches!(self.token(), Token::Sign(":") | Token::Newline | Token::End) {
                if matches!(self.token(), Token::Bad) {
                    return Err(Lost);
                }
                self.advance();
            }
            let block = self.block(blocks)?;
            if word != "class" {
                touched(&block, &mut names);
            }
            let next = ["except", "else", "finally"]
                .iter()
                .any(|word| self.is_word(word));
            if !tries || !next {
                break;
            }
            self.advance();
        }
        let (what, hint) = match word {
            "try" => (
                "`try`",
                "write the values that its names should have in the end",
            ),
            "with" => ("`with`", "write what it reads into this file"),
            _ => ("`class`", "write a dictionary, or plain names"),
        };
        Ok(Statement::Foreign {
            what,
            hint,
            at,
            touched: names,
        })
    }
}
