//! The grammar of what signs stand between: names, numbers, texts, and what brackets make: tuples,
//! lists, dictionaries, comprehensions.

use std::rc::Rc;

use super::ast::{At, Clause, Expr, Kind};
use super::expression::{KEYWORDS, deepest};
use super::lexer::Token;
use super::parser::{Lost, Parser};
use super::text::Str;

impl Parser<'_> {
    pub(super) fn atom(&mut self) -> Result<Expr, Lost> {
        let at = self.at();
        let kind = match self.token() {
            Token::Int(value) => Kind::Int(*value),
            Token::Float(value) => Kind::Float(*value),
            Token::Text(_) => return self.texts(),
            Token::Word => match self.text(at) {
                "None" => Kind::None,
                "True" => Kind::Bool(true),
                "False" => Kind::Bool(false),
                word if KEYWORDS.contains(&word) => return Err(self.unexpected("a value")),
                word => Kind::Name(Rc::from(word)),
            },
            Token::Sign("(") => return self.bracketed(Self::round),
            Token::Sign("[") => return self.bracketed(Self::square),
            Token::Sign("{") => return self.bracketed(Self::curly),
            Token::Sign("`") => return self.bracketed(Self::quoted),
            _ => return Err(self.unexpected("a value")),
        };
        self.advance();
        self.made(kind, at, 0)
    }

    /// Texts side by side are one.
    fn texts(&mut self) -> Result<Expr, Lost> {
        let at = self.at();
        let mut all: Option<Rc<Str>> = None;
        while let Token::Text(text) = self.token() {
            all = Some(match all {
                None => Rc::clone(text),
                Some(mut before) => {
                    Rc::make_mut(&mut before).push(text);
                    before
                }
            });
            self.advance();
        }
        let at = at.to(self.before());
        let all = Rc::unwrap_or_clone(all.unwrap_or_default()).at(at);
        self.made(Kind::Text(Rc::new(all)), at, 0)
    }

    fn bracketed(&mut self, inside: fn(&mut Self, At) -> Result<Expr, Lost>) -> Result<Expr, Lost> {
        let open = self.advance();
        let outer = std::mem::replace(&mut self.before_in, false);
        let expression = inside(self, open);
        self.before_in = outer;
        expression
    }

    /// Backquotes were another way to write `repr(…)`.
    fn quoted(&mut self, open: At) -> Result<Expr, Lost> {
        let of = self.expressions()?;
        self.want_sign("`")?;
        let (at, depth) = (open.to(self.before()), of.depth);
        self.made(Kind::Quoted(Box::new(of)), at, depth)
    }

    fn round(&mut self, open: At) -> Result<Expr, Lost> {
        if self.take_sign(")") {
            return self.made(Kind::Tuple(Vec::new()), open.to(self.before()), 0);
        }
        let first = self.element()?;
        if self.take_sign(")") {
            // The brackets belong to what a caret shows.
            let at = open.to(self.before());
            return Ok(Expr { at, ..first });
        }
        let mut parts = vec![first];
        while self.take_sign(",") && self.begins() {
            parts.push(self.expression()?);
        }
        self.want_sign(")")?;
        let deepest = deepest(&parts);
        self.made(Kind::Tuple(parts), open.to(self.before()), deepest)
    }

    fn square(&mut self, open: At) -> Result<Expr, Lost> {
        let mut parts = Vec::new();
        while !self.take_sign("]") {
            let part = self.element()?;
            let only = parts.is_empty() && matches!(part.kind, Kind::Comprehension(..));
            parts.push(part);
            if only && self.take_sign("]") {
                let at = open.to(self.before());
                return Ok(Expr {
                    at,
                    ..parts.swap_remove(0)
                });
            }
            if !self.take_sign(",") && !self.is_sign("]") {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
        let deepest = deepest(&parts);
        self.made(Kind::List(parts), open.to(self.before()), deepest)
    }

    fn curly(&mut self, open: At) -> Result<Expr, Lost> {
        let (mut pairs, mut set, mut deepest) = (Vec::new(), false, 0);
        while !self.take_sign("}") {
            let key = self.expression()?;
            deepest = deepest.max(key.depth);
            if !set && self.take_sign(":") {
                let value = self.expression()?;
                deepest = deepest.max(value.depth);
                pairs.push((key, value));
            } else if pairs.is_empty() {
                set = true;
            } else {
                return Err(self.unexpected("`:`"));
            }
            if self.is_word("for") {
                set = true;
                self.comprehension(Expr {
                    kind: Kind::None,
                    at: open,
                    depth: 0,
                })?;
            }
            if !self.take_sign(",") && !self.is_sign("}") {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
        let kind = if set {
            Kind::Foreign(
                "a set, or a dictionary made by `for`",
                "write a list, or the dictionary's pairs",
            )
        } else {
            Kind::Dict(pairs)
        };
        self.made(kind, open.to(self.before()), deepest)
    }

    /// An expression that `for` may turn into a comprehension.
    pub(super) fn element(&mut self) -> Result<Expr, Lost> {
        let item = self.expression()?;
        if self.is_word("for") {
            return self.comprehension(item);
        }
        Ok(item)
    }

    fn comprehension(&mut self, item: Expr) -> Result<Expr, Lost> {
        let (start, mut deepest) = (item.at, item.depth);
        let mut clauses = Vec::new();
        loop {
            if self.take_word("for") {
                let target = self.loop_target()?;
                let over = self.either()?;
                deepest = deepest.max(target.depth).max(over.depth);
                clauses.push(Clause::For(target, over));
            } else if self.take_word("if") {
                let condition = self.either()?;
                deepest = deepest.max(condition.depth);
                clauses.push(Clause::If(condition));
            } else {
                let kind = Kind::Comprehension(Box::new(item), clauses);
                return self.made(kind, start.to(self.before()), deepest);
            }
        }
    }
}
