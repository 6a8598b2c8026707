//! Loops, and calls of the file's own functions.

use std::rc::Rc;

use super::ast::{At, Call, Clause, Def, Expr, Statement};
use super::cause::Cause;
use super::run::{Flow, Outcome, Run, Scope};
use super::value::{Id, Value};

impl Run<'_> {
    /// `for`.
    pub(super) fn each(&mut self, whole: &Statement) -> Flow {
        let Statement::For(target, over, body, other) = whole else {
            return Flow::Next;
        };
        let items = match self
            .eval(over)
            .and_then(|over| self.elements(&over, target.at))
        {
            Ok(items) => items,
            Err(cause) => return self.lose(whole, cause, target.at),
        };
        for item in items {
            if let Err(cause) = self.spend(1, target.at) {
                return self.lose(whole, cause, target.at);
            }
            self.assign(target, item, over.at);
            match self.block(body) {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Flow::Next,
                Flow::Lost(cause) => return self.lose(whole, cause, target.at),
                flow @ Flow::Return(_) => return flow,
            }
        }
        self.block(other)
    }

    /// `while`.
    pub(super) fn repeat(&mut self, whole: &Statement) -> Flow {
        let Statement::While(condition, body, other) = whole else {
            return Flow::Next;
        };
        loop {
            let goes_on = self
                .spend(1, condition.at)
                .and_then(|()| self.holds(condition));
            match goes_on {
                Ok(true) => {}
                Ok(false) => return self.block(other),
                Err(cause) => return self.lose(whole, cause, condition.at),
            }
            match self.block(body) {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Flow::Next,
                Flow::Lost(cause) => return self.lose(whole, cause, condition.at),
                flow @ Flow::Return(_) => return flow,
            }
        }
    }

    /// What a loop would set is not known.
    fn lose(&mut self, whole: &Statement, cause: Cause, at: At) -> Flow {
        self.forget(std::slice::from_ref(whole), cause, at);
        if returns(std::slice::from_ref(whole)) {
            return Flow::Lost(cause);
        }
        Flow::Next
    }

    /// A function as the file writes it; what its names are by default is computed here.
    pub(super) fn function(&mut self, def: &Rc<Def>) -> Value {
        let defaults = def.parameters.iter();
        let defaults = defaults.filter_map(|(_, default)| default.as_ref());
        let defaults = defaults.map(|default| self.known(default)).collect();
        let id = self.heap.mark();
        self.heap.tuple(defaults);
        Value::Def(Rc::clone(def), id)
    }

    /// Calls a function of the file. As in Python, names of the file can be read in it; xm itself
    /// showed a function no names but its own.
    pub(super) fn call_def(
        &mut self,
        def: &Rc<Def>,
        defaults: Id,
        arguments: Vec<Value>,
        named: Vec<(Rc<str>, Value)>,
        at: At,
    ) -> Outcome {
        self.spend(1, at)?;
        let mut scope = Scope::new();
        let (given, most) = (arguments.len(), def.parameters.len());
        if given > most {
            let message = format!("`{}` takes {most} values, but gets {given}", def.name);
            return Err(self.causes.fault(at, message));
        }
        let mut arguments = arguments.into_iter();
        let mut named = named;
        let mut defaults = self.heap.items(defaults)?.to_vec().into_iter();
        for (order, (name, default)) in def.parameters.iter().enumerate() {
            let default = default.as_ref().and_then(|_| defaults.next());
            let by_name = named.iter().position(|(given, _)| given == name);
            let value = match (arguments.next(), by_name, default) {
                (Some(value), None, _) => value,
                (None, Some(position), _) => named.swap_remove(position).1,
                (None, None, Some(default)) => default,
                _ => {
                    let message = format!("`{}` takes one value for `{name}`", def.name);
                    return Err(self.causes.fault(at, message));
                }
            };
            let slot = super::run::Slot {
                value,
                key: at,
                at,
                order,
            };
            scope.insert(Rc::clone(name), slot);
        }
        if let Some((name, _)) = named.first() {
            let message = format!("`{}` has no `{name}`", def.name);
            return Err(self.causes.fault(at, message));
        }
        self.deeper(at, |run| {
            run.locals.push(scope);
            let flow = run.block(&def.body);
            run.locals.pop();
            match flow {
                Flow::Return(Value::Unknown(cause)) | Flow::Lost(cause) => Err(cause),
                Flow::Return(value) => Ok(value),
                _ => Ok(Value::None),
            }
        })
    }

    /// Calls whatever it is.
    pub(super) fn call_value(&mut self, what: &Value, arguments: Vec<Value>, at: At) -> Outcome {
        match what {
            Value::Def(def, defaults) => self.call_def(def, *defaults, arguments, Vec::new(), at),
            Value::Builtin(name) => self.builtin(name, arguments, Vec::new(), at),
            Value::Unknown(cause) => Err(*cause),
            other => {
                let message = format!("{} cannot be called", other.kind());
                Err(self.causes.fault(at, message))
            }
        }
    }

    /// `xm_vars.var(name, use=…, check=…)` makes what the command line says of a name into a value
    /// by the file's own function (xm/help.py); `xm_vars.check()` stops if one is missing.
    pub(super) fn declare(&mut self, call: &Call, method: &str, at: At) -> Outcome {
        if method != "var" {
            return Ok(Value::None);
        }
        let Some(first) = call.arguments.first() else {
            return Err(self.causes.fault(at, "`xm_vars.var` wants a name"));
        };
        let declared = self.eval(first)?;
        let Some(name) = declared.text().map(|text| text.as_str().to_owned()) else {
            return Err(self.causes.fault(first.at, "the name should be a text"));
        };
        let name: Rc<str> = Rc::from(name.as_str());
        let value = match self
            .lookup(&name)
            .cloned()
            .or_else(|| self.given(&name, first.at))
        {
            None => {
                let default = call.named.iter().find(|(key, _)| &**key == "default");
                match default {
                    Some((_, default)) => self.known(default),
                    None => Value::Unknown(self.causes.not_given(&name, first.at)),
                }
            }
            Some(value) => match call.named.iter().find(|(key, _)| &**key == "check") {
                None => value,
                Some((_, check)) => {
                    let check = self.eval(check)?;
                    let arguments = vec![Value::Text(self.made(&*name, first.at)), value];
                    self.call_value(&check, arguments, at)
                        .unwrap_or_else(Value::Unknown)
                }
            },
        };
        self.bind(&name, value, first.at, first.at);
        Ok(Value::None)
    }

    /// The elements of a comprehension.
    pub(super) fn comprehend(
        &mut self,
        item: &Expr,
        clauses: &[Clause],
        items: &mut Vec<Value>,
    ) -> Outcome<()> {
        let Some((clause, rest)) = clauses.split_first() else {
            self.spend(1, item.at)?;
            let made = self.known(item);
            items.push(made);
            return Ok(());
        };
        match clause {
            Clause::If(condition) => {
                if self.holds(condition)? {
                    self.comprehend(item, rest, items)?;
                }
                Ok(())
            }
            Clause::For(target, over) => {
                let value = self.eval(over)?;
                for element in self.elements(&value, over.at)? {
                    self.spend(1, over.at)?;
                    self.assign(target, element, over.at);
                    self.deeper(over.at, |run| run.comprehend(item, rest, items))?;
                }
                Ok(())
            }
        }
    }
}

/// Whether a `return` stands in these statements.
fn returns(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| match statement {
        Statement::Return(_) => true,
        Statement::If(branches, other) => {
            branches.iter().any(|(_, block)| returns(block)) || returns(other)
        }
        Statement::For(_, _, body, other) | Statement::While(_, body, other) => {
            returns(body) || returns(other)
        }
        _ => false,
    })
}
