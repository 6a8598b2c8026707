//! The grammar of expressions, by recursive descent; binary signs by their strength.

use std::rc::Rc;

use super::ast::{Call, Def, Expr, Kind, Parameters, Statement};
use super::lexer::Token;
use super::parser::{Lost, Parser};
use crate::diag::code;

/// The words that are no names.
pub(super) const KEYWORDS: [&str; 29] = [
    "and", "as", "assert", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "not", "or", "pass",
    "raise", "return", "try", "while", "with", "yield",
];

/// The values of a call: by position, and by name.
type Arguments = (Vec<Expr>, Vec<(Rc<str>, Expr)>);

/// How strongly signs bind; comparisons and what is weaker are read on their own.
const COMPARES: u8 = 3;
const WEAKEST: u8 = 4;
const UNARY: u8 = 10;

fn strength(sign: &str) -> Option<u8> {
    Some(match sign {
        "|" => 4,
        "^" => 5,
        "&" => 6,
        "<<" | ">>" => 7,
        "+" | "-" => 8,
        "*" | "/" | "//" | "%" => 9,
        "**" => 11,
        _ => return None,
    })
}

pub(super) fn deepest<'a>(parts: impl IntoIterator<Item = &'a Expr>) -> u16 {
    parts.into_iter().map(|part| part.depth).max().unwrap_or(0)
}

impl Parser<'_> {
    /// An expression, or several with commas between, which make a tuple.
    pub(super) fn expressions(&mut self) -> Result<Expr, Lost> {
        let first = self.expression()?;
        if !self.is_sign(",") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take_sign(",") {
            if !self.begins() {
                break;
            }
            parts.push(self.expression()?);
        }
        let at = parts[0].at.to(self.before());
        let deepest = deepest(&parts);
        self.made(Kind::Tuple(parts), at, deepest)
    }

    /// Whether an expression can begin here.
    pub(super) fn begins(&self) -> bool {
        match self.token() {
            Token::Word => {
                let word = self.text(self.at());
                !KEYWORDS.contains(&word) || matches!(word, "not" | "lambda")
            }
            Token::Text(_) | Token::Int(_) | Token::Float(_) | Token::Bad => true,
            Token::Sign(sign) => matches!(*sign, "(" | "[" | "{" | "`" | "-" | "+" | "~"),
            _ => false,
        }
    }

    /// `a if b else c`, or simpler.
    pub(super) fn expression(&mut self) -> Result<Expr, Lost> {
        self.deeper()?;
        let expression = self.choice();
        self.nested -= 1;
        expression
    }

    fn choice(&mut self) -> Result<Expr, Lost> {
        if self.is_word("lambda") {
            return self.lambda();
        }
        let then = self.either()?;
        if !self.take_word("if") {
            return Ok(then);
        }
        let condition = self.either()?;
        if !self.take_word("else") {
            return Err(self.unexpected("`else`"));
        }
        let other = self.expression()?;
        let parts = [then, condition, other];
        let (at, deepest) = (parts[0].at.to(parts[2].at), deepest(&parts));
        self.made(Kind::Choice(Box::new(parts)), at, deepest)
    }

    /// The names of a function's values, up to the sign behind them.
    pub(super) fn parameters(&mut self, end: &str, wanted: &str) -> Result<Parameters, Lost> {
        let mut parameters = Vec::new();
        while !self.take_sign(end) {
            let Token::Word = self.token() else {
                return Err(self.unexpected("a name"));
            };
            let name = self.advance();
            let name = Rc::from(self.text(name));
            let default = match self.take_sign("=") {
                true => Some(self.expression()?),
                false => None,
            };
            parameters.push((name, default));
            if !self.take_sign(",") && !self.is_sign(end) {
                return Err(self.unexpected(wanted));
            }
        }
        Ok(parameters)
    }

    fn lambda(&mut self) -> Result<Expr, Lost> {
        let start = self.advance();
        let outer = std::mem::replace(&mut self.before_in, false);
        let parameters = self.parameters(":", "`,` or `:`")?;
        let body = self.expression()?;
        self.before_in = outer;
        let defaults = parameters
            .iter()
            .filter_map(|(_, default)| default.as_ref());
        let deepest = body.depth.max(deepest(defaults));
        let at = start.to(body.at);
        let def = Def {
            name: Rc::from("lambda"),
            at,
            parameters,
            body: vec![Statement::Return(Some(body))],
        };
        self.made(Kind::Lambda(Rc::new(def)), at, deepest)
    }

    pub(super) fn either(&mut self) -> Result<Expr, Lost> {
        self.joined("or", Kind::Or, |parser| {
            parser.joined("and", Kind::And, Self::negated)
        })
    }

    /// Parts with a word between.
    fn joined(
        &mut self,
        word: &str,
        kind: fn(Vec<Expr>) -> Kind,
        part: impl Fn(&mut Self) -> Result<Expr, Lost>,
    ) -> Result<Expr, Lost> {
        let first = part(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take_word(word) {
            parts.push(part(self)?);
        }
        let at = parts[0].at.to(self.before());
        let deepest = deepest(&parts);
        self.made(kind(parts), at, deepest)
    }

    fn negated(&mut self) -> Result<Expr, Lost> {
        if !self.is_word("not") {
            return self.compared();
        }
        let start = self.advance();
        self.deeper()?;
        let of = self.negated()?;
        self.nested -= 1;
        let (at, depth) = (start.to(of.at), of.depth);
        self.made(Kind::Unary("not", Box::new(of)), at, depth)
    }

    /// The sign of a comparison, if one is here.
    fn comparison(&mut self) -> Option<&'static str> {
        let sign = match *self.token() {
            Token::Sign("<>") => "!=",
            Token::Sign(sign @ ("<" | "<=" | ">" | ">=" | "==" | "!=")) => sign,
            Token::Word => return self.comparison_word(),
            _ => return None,
        };
        self.advance();
        Some(sign)
    }

    /// `in`, `not in`, `is` or `is not`.
    fn comparison_word(&mut self) -> Option<&'static str> {
        if self.before_in {
            return None;
        }
        if self.take_word("in") {
            return Some("in");
        }
        if self.take_word("is") {
            return Some(if self.take_word("not") { "!=" } else { "==" });
        }
        let before = self.position;
        if self.take_word("not") && self.take_word("in") {
            return Some("not in");
        }
        self.position = before;
        None
    }

    fn compared(&mut self) -> Result<Expr, Lost> {
        let first = self.binary(WEAKEST)?;
        let mut rest = Vec::new();
        while let Some(sign) = self.comparison() {
            rest.push((sign, self.binary(COMPARES + 1)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let at = first.at.to(self.before());
        let deepest = first.depth.max(deepest(rest.iter().map(|(_, part)| part)));
        self.made(Kind::Compare(Box::new(first), rest), at, deepest)
    }

    /// Signs that bind at least as strongly as `weakest`.
    fn binary(&mut self, weakest: u8) -> Result<Expr, Lost> {
        let mut left = self.unary()?;
        loop {
            let Token::Sign(sign) = *self.token() else {
                return Ok(left);
            };
            let Some(strength) = strength(sign).filter(|strength| *strength >= weakest) else {
                return Ok(left);
            };
            self.advance();
            self.deeper()?;
            // `**` binds to the right, and a sign may stand before its right side: 2 ** -1.
            let right = self.binary(if sign == "**" { UNARY } else { strength + 1 })?;
            self.nested -= 1;
            let (at, deepest) = (left.at.to(right.at), left.depth.max(right.depth));
            left = self.made(
                Kind::Binary(sign, Box::new(left), Box::new(right)),
                at,
                deepest,
            )?;
        }
    }

    fn unary(&mut self) -> Result<Expr, Lost> {
        let Token::Sign(sign @ ("-" | "+" | "~")) = *self.token() else {
            return self.postfix();
        };
        let start = self.advance();
        self.deeper()?;
        let of = self.binary(UNARY)?;
        self.nested -= 1;
        let (at, depth) = (start.to(of.at), of.depth);
        self.made(Kind::Unary(sign, Box::new(of)), at, depth)
    }

    /// An atom with its calls, subscripts and attributes.
    fn postfix(&mut self) -> Result<Expr, Lost> {
        let mut of = self.atom()?;
        loop {
            let (start, depth) = (of.at, of.depth);
            let (kind, deepest) = if self.take_sign("(") {
                let (arguments, named) = self.arguments()?;
                let deepest =
                    deepest(&arguments).max(deepest(named.iter().map(|(_, value)| value)));
                let call = Call {
                    what: of,
                    arguments,
                    named,
                };
                (Kind::Call(Box::new(call)), deepest)
            } else if self.take_sign("[") {
                self.subscript(of)?
            } else if self.take_sign(".") {
                let Token::Word = self.token() else {
                    return Err(self.unexpected("a name"));
                };
                let name = self.advance();
                (Kind::Attribute(Box::new(of), Rc::from(self.text(name))), 0)
            } else {
                return Ok(of);
            };
            of = self.made(kind, start.to(self.before()), deepest.max(depth))?;
        }
    }

    fn arguments(&mut self) -> Result<Arguments, Lost> {
        let (mut arguments, mut named) = (Vec::new(), Vec::new());
        while !self.take_sign(")") {
            let word = matches!(self.token(), Token::Word);
            let assigns = matches!(
                self.tokens.get(self.position + 1),
                Some((Token::Sign("="), _))
            );
            if word && assigns {
                let name = self.advance();
                let name = Rc::from(self.text(name));
                self.advance();
                named.push((name, self.expression()?));
            } else if named.is_empty() {
                arguments.push(self.element()?);
            } else {
                return Err(self.unexpected("a named argument"));
            }
            if !self.take_sign(",") && !self.is_sign(")") {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
        Ok((arguments, named))
    }

    /// What stands between `for` and `in`, and the `in`.
    pub(super) fn loop_target(&mut self) -> Result<Expr, Lost> {
        let outer = std::mem::replace(&mut self.before_in, true);
        let target = self.expressions();
        self.before_in = outer;
        let target = target?;
        self.assignable(&target)?;
        if !self.take_word("in") {
            return Err(self.unexpected("`in`"));
        }
        Ok(target)
    }

    /// What is behind `[`, and the `]`.
    fn subscript(&mut self, of: Expr) -> Result<(Kind, u16), Lost> {
        let mut parts = [None, None, None];
        let (mut part, mut deepest) = (0, 0);
        let mut slice = false;
        loop {
            if self.take_sign("]") {
                break;
            }
            if self.is_sign(":") && part < 2 {
                self.advance();
                slice = true;
                part += 1;
            } else if parts[part].is_none() {
                let index = self.expressions()?;
                deepest = deepest.max(index.depth);
                parts[part] = Some(Box::new(index));
            } else {
                return Err(self.unexpected("`]`"));
            }
        }
        if slice {
            return Ok((Kind::Slice(Box::new(of), parts), deepest));
        }
        match parts {
            [Some(index), ..] => Ok((Kind::Subscript(Box::new(of), index), deepest)),
            _ => {
                self.position -= 1;
                Err(self.unexpected("an index"))
            }
        }
    }

    /// Reports what cannot stand left of `=`.
    pub(super) fn assignable(&mut self, target: &Expr) -> Result<(), Lost> {
        match &target.kind {
            Kind::Name(_) | Kind::Subscript(..) | Kind::Attribute(..) | Kind::Slice(..) => Ok(()),
            Kind::List(parts) | Kind::Tuple(parts) => {
                parts.iter().try_for_each(|part| self.assignable(part))
            }
            _ => {
                let message = format!("nothing can be assigned to `{}`", self.text(target.at));
                let hint = "a name stands left of `=`";
                Err(self.fault(code::xm::SYNTAX, target.at, message, Some(hint)))
            }
        }
    }
}
