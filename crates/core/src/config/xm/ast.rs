//! The parts of a file, as the parser leaves them. Invariant: no expression is deeper than
//! [`DEEPEST`], and no block deeper than [`DEEPEST_BLOCK`], so that going through them recursively
//! cannot exhaust the stack.

use std::rc::Rc;

use super::text::Str;

/// How deep expressions go: a chain of so many `+`, or brackets in brackets.
pub(super) const DEEPEST: u16 = 150;

/// How deep blocks go.
pub(super) const DEEPEST_BLOCK: usize = 20;

/// A range of bytes in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl At {
    /// From the begin of this place to the end of the other.
    pub(super) fn to(self, other: Self) -> Self {
        Self {
            start: self.start,
            end: other.end.max(self.end),
        }
    }
}

#[derive(Debug)]
pub(super) struct Expr {
    pub(super) kind: Kind,
    pub(super) at: At,
    pub(super) depth: u16,
}

#[derive(Debug)]
pub(super) enum Kind {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Rc<Str>),
    Name(Rc<str>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    /// `-`, `+`, `~` or `not`.
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `a < b <= c`: each sign stands before its operand.
    Compare(Box<Expr>, Vec<(&'static str, Expr)>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// `then if condition else other`.
    Choice(Box<[Expr; 3]>),
    Subscript(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Attribute(Box<Expr>, Rc<str>),
    Call(Box<Call>),
    Comprehension(Box<Expr>, Vec<Clause>),
    /// The value as `repr` writes it.
    Quoted(Box<Expr>),
    /// A function without a name, whose body is one `return`.
    Lambda(Rc<Def>),
    /// Something that is Python and is not read here: what, and what to write instead.
    Foreign(&'static str, &'static str),
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) what: Expr,
    pub(super) arguments: Vec<Expr>,
    pub(super) named: Vec<(Rc<str>, Expr)>,
}

/// A part of a comprehension behind its element.
#[derive(Debug)]
pub(super) enum Clause {
    For(Expr, Expr),
    If(Expr),
}

#[derive(Debug)]
pub(super) enum Statement {
    /// `a = b = value`.
    Assign(Vec<Expr>, Expr),
    /// `a += value`, by the sign before `=`.
    Augment(Expr, &'static str, Expr),
    /// The conditions with their blocks, and the block of `else`.
    If(Vec<(Expr, Vec<Statement>)>, Vec<Statement>),
    /// The names, what they go through, the block, and the block of `else`.
    For(Expr, Expr, Vec<Statement>, Vec<Statement>),
    /// The condition, the block, and the block of `else`.
    While(Expr, Vec<Statement>, Vec<Statement>),
    Def(Rc<Def>),
    Return(Option<Expr>),
    /// The names that it binds.
    Import(Vec<(Rc<str>, At)>),
    Expression(Expr),
    Pass,
    Break,
    Continue,
    Del(Vec<Expr>),
    Raise(At),
    Assert(Expr),
    /// A statement that is not read here: what, what to write instead, and the names it may bind.
    Foreign {
        what: &'static str,
        hint: &'static str,
        at: At,
        touched: Vec<Rc<str>>,
    },
}

/// What stands between the brackets of a `def`: names, and what they are by default.
pub(super) type Parameters = Vec<(Rc<str>, Option<Expr>)>;

#[derive(Debug)]
pub(super) struct Def {
    pub(super) name: Rc<str>,
    pub(super) at: At,
    pub(super) parameters: Parameters,
    pub(super) body: Vec<Statement>,
}

/// The names that these statements may bind, or whose values they may change.
pub(super) fn touched(statements: &[Statement], names: &mut Vec<Rc<str>>) {
    for statement in statements {
        match statement {
            Statement::Assign(targets, value) => {
                targets.iter().for_each(|target| bound(target, names));
                called(value, names);
            }
            Statement::Augment(target, _, _) => bound(target, names),
            Statement::If(branches, other) => {
                branches.iter().for_each(|(_, block)| touched(block, names));
                touched(other, names);
            }
            Statement::For(target, _, block, other) => {
                bound(target, names);
                touched(block, names);
                touched(other, names);
            }
            Statement::While(_, block, other) => {
                touched(block, names);
                touched(other, names);
            }
            Statement::Def(def) => names.push(Rc::clone(&def.name)),
            Statement::Import(imported) => {
                names.extend(imported.iter().map(|(name, _)| Rc::clone(name)));
            }
            Statement::Expression(value) => called(value, names),
            Statement::Del(targets) => targets.iter().for_each(|target| bound(target, names)),
            Statement::Foreign { touched, .. } => names.extend(touched.iter().cloned()),
            Statement::Return(_)
            | Statement::Pass
            | Statement::Break
            | Statement::Continue
            | Statement::Raise(_)
            | Statement::Assert(_) => {}
        }
    }
}

/// The names that an assignment to this binds or changes.
fn bound(target: &Expr, names: &mut Vec<Rc<str>>) {
    match &target.kind {
        Kind::Name(name) => names.push(Rc::clone(name)),
        Kind::List(parts) | Kind::Tuple(parts) => {
            parts.iter().for_each(|part| bound(part, names));
        }
        Kind::Subscript(of, _) | Kind::Slice(of, _) | Kind::Attribute(of, _) => bound(of, names),
        _ => {}
    }
}

/// The name whose method is called: `vif.append(…)` changes `vif`.
fn called(value: &Expr, names: &mut Vec<Rc<str>>) {
    if let Kind::Call(call) = &value.kind
        && let Kind::Attribute(of, _) = &call.what.kind
    {
        bound(of, names);
    }
}
