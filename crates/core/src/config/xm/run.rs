//! Goes through the statements as Python would, within bounds: so many steps, so deep, so large.
//! A value that cannot be made is unknown, and why; everything else goes on.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::{At, Expr, Statement, touched};
use super::cause::{Cause, Causes};
use super::value::{Heap, Id, Value};
use crate::diag::code;

/// How many steps a file may take beyond those that its length explains.
const STEPS: usize = 100_000;

/// How deep expressions, blocks and calls go in each other.
const DEEPEST: usize = 300;

/// How large a text may become, in bytes.
pub(super) const LARGEST: usize = 1 << 20;

/// A value, or why there is none.
pub(super) type Outcome<T = Value> = Result<T, Cause>;

/// What a name is set to, and where.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) value: Value,
    /// The name where it was set last.
    pub(super) key: At,
    /// The expression it was set to.
    pub(super) at: At,
    /// Which name it was, in order of appearance.
    pub(super) order: usize,
}

pub(super) type Scope = BTreeMap<Rc<str>, Slot>;

/// Where to go on behind a statement.
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
    /// Nobody knows, as this depends on something unknown.
    Lost(Cause),
}

pub(super) struct Run<'a> {
    pub(super) vars: &'a BTreeMap<&'a str, &'a str>,
    pub(super) heap: Heap,
    pub(super) causes: Causes,
    pub(super) globals: Scope,
    /// The names of the functions that are being called.
    pub(super) locals: Vec<Scope>,
    steps: usize,
    pub(super) depth: usize,
    spent: Option<Cause>,
    order: usize,
    /// For each unknown condition around: what was there before, and the condition.
    pub(super) branches: Vec<(Id, Cause)>,
}

impl<'a> Run<'a> {
    pub(super) fn new(text: &'a str, vars: &'a BTreeMap<&'a str, &'a str>) -> Self {
        Self {
            vars,
            heap: Heap::default(),
            causes: Causes::default(),
            globals: Scope::new(),
            locals: Vec::new(),
            steps: STEPS + text.len(),
            depth: 0,
            spent: None,
            order: 0,
            branches: Vec::new(),
        }
    }

    /// Counts steps; a text of so many bytes or a list of so many elements is as many.
    pub(super) fn spend(&mut self, steps: usize, at: At) -> Outcome<()> {
        if let Some(cause) = self.spent {
            return Err(cause);
        }
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(self.exhausted(at)),
        }
    }

    fn exhausted(&mut self, at: At) -> Cause {
        let message = "this computes for longer than any guest's file needs: reading stops here";
        self.causes.unsure = false;
        let hint = "write the values themselves";
        let cause = self.causes.add(code::xm::LIMIT, at, message, Some(hint));
        self.spent = Some(cause);
        cause
    }

    /// Goes one expression, block or call deeper.
    pub(super) fn deeper<T>(
        &mut self,
        at: At,
        go: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        if self.depth >= DEEPEST {
            return Err(self.exhausted(at));
        }
        self.depth += 1;
        let outcome = go(self);
        self.depth -= 1;
        outcome
    }

    pub(super) fn scope(&mut self) -> &mut Scope {
        self.locals.last_mut().unwrap_or(&mut self.globals)
    }

    /// The value of a name, if it is set.
    pub(super) fn lookup(&self, name: &str) -> Option<&Value> {
        let local = self.locals.last().and_then(|scope| scope.get(name));
        local
            .or_else(|| self.globals.get(name))
            .map(|slot| &slot.value)
    }

    pub(super) fn bind(&mut self, name: &Rc<str>, value: Value, key: At, at: At) {
        let order = self.order;
        self.order += 1;
        let slot = Slot {
            value,
            key,
            at,
            order,
        };
        match self.scope().get_mut(name) {
            Some(old) => {
                *old = Slot {
                    order: old.order,
                    ..slot
                }
            }
            None => {
                self.scope().insert(Rc::clone(name), slot);
            }
        }
    }

    /// Nobody knows any more what these names are, nor what the lists are that they stand for.
    pub(super) fn forget(&mut self, statements: &[Statement], cause: Cause, at: At) {
        let mut names = Vec::new();
        touched(statements, &mut names);
        for name in names {
            if let Some(Value::List(id) | Value::Dict(id)) = self.lookup(&name) {
                let id = *id;
                self.heap.spoil(id, cause);
            }
            let (key, at) = match self.scope().get(&name) {
                Some(slot) => (slot.key, slot.at),
                None => (at, at),
            };
            self.bind(&name, Value::Unknown(cause), key, at);
        }
    }

    /// Allows a list or dictionary to be changed, unless nobody knows whether that happens: then
    /// what is in it is not known any more.
    pub(super) fn may_change(&mut self, id: Id) -> Outcome<()> {
        match self.branches.last() {
            Some((mark, cause)) if id < *mark => {
                let cause = *cause;
                self.heap.spoil(id, cause);
                Err(cause)
            }
            _ => Ok(()),
        }
    }

    /// The whole file.
    pub(super) fn file(&mut self, statements: &[Statement]) {
        self.block(statements);
    }

    pub(super) fn block(&mut self, statements: &[Statement]) -> Flow {
        for statement in statements {
            match self.statement(statement) {
                Flow::Next => {}
                flow => return flow,
            }
        }
        Flow::Next
    }

    fn statement(&mut self, statement: &Statement) -> Flow {
        match statement {
            Statement::Assign(targets, value) => {
                let made = self.known(value);
                for target in targets {
                    self.assign(target, made.clone(), value.at);
                }
            }
            Statement::Augment(target, sign, value) => {
                let at = target.at.to(value.at);
                let made = self.augmented(target, sign, value, at);
                let made = made.unwrap_or_else(Value::Unknown);
                self.assign(target, made, at);
            }
            Statement::If(branches, other) => return self.choose(branches, other),
            Statement::For(..) => return self.each(statement),
            Statement::While(..) => return self.repeat(statement),
            Statement::Def(def) => {
                let function = self.function(def);
                self.bind(&def.name, function, def.at, def.at);
            }
            Statement::Return(value) => {
                let value = value
                    .as_ref()
                    .map_or(Value::None, |value| self.known(value));
                return Flow::Return(value);
            }
            Statement::Import(names) => {
                for (name, at) in names {
                    self.bind(name, Value::Module, *at, *at);
                }
            }
            Statement::Expression(value) => {
                if let Err(cause) = self.eval(value) {
                    self.forget(std::slice::from_ref(statement), cause, value.at);
                }
            }
            Statement::Pass => {}
            Statement::Break => return Flow::Break,
            Statement::Continue => return Flow::Continue,
            Statement::Del(targets) => targets.iter().for_each(|target| self.delete(target)),
            Statement::Raise(at) => {
                let cause = self.causes.fault(*at, "the file itself stops here");
                return Flow::Return(Value::Unknown(cause));
            }
            Statement::Assert(condition) => {
                if let Ok(false) = self.holds(condition) {
                    self.causes
                        .fault(condition.at, "this does not hold, and the file stops here");
                }
            }
            Statement::Foreign { what, hint, at, .. } => {
                let cause = self.causes.foreign(*at, what, hint);
                self.forget(std::slice::from_ref(statement), cause, *at);
            }
        }
        Flow::Next
    }

    /// The value, or that it is unknown.
    pub(super) fn known(&mut self, expression: &Expr) -> Value {
        self.eval(expression).unwrap_or_else(Value::Unknown)
    }

    pub(super) fn holds(&mut self, condition: &Expr) -> Outcome<bool> {
        let value = self.eval(condition)?;
        self.truth(&value)
    }
}
