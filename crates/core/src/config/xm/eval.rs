//! What expressions are worth.

use std::rc::Rc;

use super::ast::{At, Call, Expr, Kind};
use super::method::METHODS;
use super::run::{LARGEST, Outcome, Run};
use super::text::Str;
use super::value::Value;
use crate::diag::code;

/// The functions of Python's that are known here.
const BUILTINS: [&str; 34] = [
    "str",
    "int",
    "long",
    "float",
    "bool",
    "len",
    "range",
    "xrange",
    "repr",
    "hex",
    "oct",
    "chr",
    "unichr",
    "ord",
    "list",
    "tuple",
    "dict",
    "min",
    "max",
    "sum",
    "sorted",
    "enumerate",
    "zip",
    "reversed",
    "abs",
    "any",
    "all",
    "map",
    "filter",
    "divmod",
    "unicode",
    "pow",
    "callable",
    "bin",
];

impl Run<'_> {
    pub(super) fn eval(&mut self, expression: &Expr) -> Outcome {
        let at = expression.at;
        self.spend(1, at)?;
        self.deeper(at, |run| run.eval_kind(&expression.kind, at))
    }

    fn eval_kind(&mut self, kind: &Kind, at: At) -> Outcome {
        Ok(match kind {
            Kind::None => Value::None,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Int(value) => Value::Int(*value),
            Kind::Float(value) => Value::Float(*value),
            Kind::Text(text) => Value::Text(Rc::clone(text)),
            Kind::Name(name) => return self.name(name, at),
            Kind::List(parts) => {
                let items = parts.iter().map(|part| self.known(part)).collect();
                self.heap.list(items)
            }
            Kind::Tuple(parts) => {
                let items = parts.iter().map(|part| self.known(part)).collect();
                self.heap.tuple(items)
            }
            Kind::Dict(pairs) => {
                let mut made = Vec::new();
                for (key, value) in pairs {
                    let key = self.eval(key)?;
                    let value = self.known(value);
                    self.put(&mut made, key, value, at)?;
                }
                self.heap.dict(made)
            }
            Kind::Unary(sign, of) => return self.unary(sign, of, at),
            Kind::Binary(sign, left, right) => {
                let first = self.eval(left)?;
                let second = self.eval(right)?;
                if let ("%", Value::Text(format)) = (*sign, &first) {
                    return self.percent(format, &second, right, at);
                }
                return self.binary(sign, &first, &second, at);
            }
            Kind::Compare(first, rest) => {
                let mut left = self.eval(first)?;
                for (sign, right) in rest {
                    let right = self.eval(right)?;
                    if !self.compare(sign, &left, &right, at)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Value::Bool(true)
            }
            Kind::And(parts) => return self.first_that(parts, false),
            Kind::Or(parts) => return self.first_that(parts, true),
            Kind::Choice(parts) => {
                let [then, condition, other] = &**parts;
                let chosen = if self.holds(condition)? { then } else { other };
                return self.eval(chosen);
            }
            Kind::Subscript(of, index) => {
                let of = self.eval(of)?;
                let index = self.eval(index)?;
                return self.index(&of, &index, at);
            }
            Kind::Slice(of, parts) => {
                let of = self.eval(of)?;
                let mut bounds = [None, None, None];
                for (bound, part) in bounds.iter_mut().zip(parts) {
                    if let Some(part) = part {
                        let value = self.eval(part)?;
                        *bound = match value {
                            Value::None => None,
                            value => Some(self.want_int(&value, part.at)?),
                        };
                    }
                }
                return self.slice(&of, bounds, at);
            }
            Kind::Attribute(of, name) => return self.attribute(of, name, at),
            Kind::Call(call) => return self.call(call, at),
            Kind::Comprehension(item, clauses) => {
                let outer = self.scope().clone();
                self.spend(outer.len(), at)?;
                let mut items = Vec::new();
                let made = self.comprehend(item, clauses, &mut items);
                *self.scope() = outer;
                made?;
                self.heap.list(items)
            }
            Kind::Quoted(of) => {
                let value = self.eval(of)?;
                let text = self.repr(&value, at)?;
                Value::Text(self.made(text, at))
            }
            // Within a function it would see that one's names, which nobody needs.
            Kind::Lambda(def) if self.locals.is_empty() => self.function(def),
            Kind::Lambda(_) => {
                let hint = "write a `def` outside of this one";
                return Err(self.causes.foreign(at, "`lambda` within a function", hint));
            }
            Kind::Foreign(what, hint) => return Err(self.causes.foreign(at, what, hint)),
        })
    }

    fn first_that(&mut self, parts: &[Expr], wanted: bool) -> Outcome {
        let mut value = Value::None;
        for part in parts {
            value = self.eval(part)?;
            if self.truth(&value)? == wanted {
                break;
            }
        }
        Ok(value)
    }

    fn name(&mut self, name: &Rc<str>, at: At) -> Outcome {
        match self.lookup(name) {
            Some(Value::Unknown(cause)) => return Err(*cause),
            Some(value) => return Ok(value.clone()),
            None => {}
        }
        if let Some(given) = self.given(name, at) {
            return Ok(given);
        }
        if let Some(builtin) = BUILTINS.iter().find(|builtin| **builtin == &**name) {
            return Ok(Value::Builtin(builtin));
        }
        match &**name {
            // xm imported these for every file (xm/opts.py, Opts.load).
            "os" | "sys" | "re" | "string" | "time" | "random" => Ok(Value::Module),
            "xm_vars" => Ok(Value::XmVars),
            "xm_help" => Ok(Value::Int(0)),
            "open"
            | "file"
            | "xm_file"
            | "raw_input"
            | "input"
            | "get_current_ipaddr"
            | "get_current_ipmask"
            | "get_current_ipgw"
            | "add_offset_to_ip"
            | "inet_aton"
            | "inet_ntoa"
            | "setup_vfr_rules_for_vif"
            | "__file__" => Err(self.causes.machine(at)),
            "eval" | "exec" | "execfile" | "locals" | "globals" | "vars" | "type"
            | "isinstance" | "set" | "frozenset" | "getattr" | "hasattr" | "iter" | "next"
            | "reduce" | "round" | "id" | "hash" | "object" | "apply" | "cmp" | "complex"
            | "bytes" | "bytearray" | "format" | "issubclass" | "slice" | "super" | "property"
            | "__import__" | "reload" | "setattr" | "dir" => {
                let what = format!("`{name}`");
                Err(self.causes.foreign(at, &what, "write the value itself"))
            }
            _ => Err(self.causes.name(name, at)),
        }
    }

    /// What the command line says of a name. There, every value is a text (xm/opts.py, set_var);
    /// what looks like a number may be used as one.
    pub(super) fn given(&self, name: &str, at: At) -> Option<Value> {
        let text = *self.vars.get(name)?;
        let made = Rc::new(Str::made(text, at));
        let digits = text.strip_prefix('-').unwrap_or(text);
        let number = digits.starts_with(|c: char| c.is_ascii_digit());
        Some(match text.parse::<i64>().ok().filter(|_| number) {
            Some(number) => Value::Given(made, i128::from(number)),
            None => Value::Text(made),
        })
    }

    fn attribute(&mut self, of: &Expr, name: &str, at: At) -> Outcome {
        match self.eval(of)? {
            // Lines can be joined by names of os that are the same on every Xen host.
            Value::Module => Err(match name {
                "linesep" | "sep" => {
                    let text = if name == "sep" { "/" } else { "\n" };
                    return Ok(Value::Text(self.made(text, at)));
                }
                _ => self.causes.machine(at),
            }),
            other if !METHODS.contains(&name) => {
                let message = format!("{} has no `.{name}`", other.kind());
                Err(self.causes.fault(at, message))
            }
            other => {
                let what = format!("`.{name}` of {}", other.kind());
                Err(self.causes.foreign(at, &what, "write the value itself"))
            }
        }
    }

    fn call(&mut self, call: &Call, at: At) -> Outcome {
        if let Kind::Attribute(of, method) = &call.what.kind {
            if of_module(self, of) {
                // Whatever a module's function says, only the machine knows.
                return Err(self.causes.machine(at));
            }
            let object = self.eval(of);
            if let Ok(Value::XmVars) = object {
                return self.declare(call, method, at);
            }
            // What is wrong with the arguments is told even if the object is unknown.
            let (arguments, named) = self.arguments(call);
            return self.method(&object?, method, arguments, named, (of, call), at);
        }
        let what = self.eval(&call.what)?;
        let (arguments, named) = self.arguments(call);
        match what {
            Value::Def(def, defaults) => self.call_def(&def, defaults, arguments, named, at),
            Value::Builtin(name) => self.builtin(name, arguments, named, at),
            // A name that was imported from a module.
            Value::Module => Err(self.causes.machine(at)),
            other => self.call_value(&other, arguments, at),
        }
    }

    fn arguments(&mut self, call: &Call) -> (Vec<Value>, Vec<(Rc<str>, Value)>) {
        let arguments = call
            .arguments
            .iter()
            .map(|value| self.known(value))
            .collect();
        let named = call
            .named
            .iter()
            .map(|(name, value)| (Rc::clone(name), self.known(value)))
            .collect();
        (arguments, named)
    }

    /// A text that an expression makes.
    pub(super) fn made(&self, text: impl Into<String>, at: At) -> Rc<Str> {
        Rc::new(Str::made(text, at))
    }

    /// A text of several parts, if it is not too large.
    pub(super) fn finish(&mut self, text: Str, at: At) -> Outcome {
        let length = text.as_str().len();
        if length > LARGEST {
            let message = format!("this makes a text of more than {LARGEST} bytes");
            return Err(self.causes.add(code::xm::LIMIT, at, message, None));
        }
        self.spend(length / 32, at)?;
        Ok(Value::Text(Rc::new(text.at(at))))
    }

    pub(super) fn want_int(&mut self, value: &Value, at: At) -> Outcome<i128> {
        match value {
            Value::Unknown(cause) => Err(*cause),
            value => value.int().ok_or_else(|| {
                let message = format!("here should be a number, but is {}", value.kind());
                self.causes.fault(at, message)
            }),
        }
    }

    pub(super) fn want_text(&mut self, value: &Value, at: At) -> Outcome<Rc<Str>> {
        match value {
            Value::Unknown(cause) => Err(*cause),
            value => value.text().cloned().ok_or_else(|| {
                let message = format!("here should be a text, but is {}", value.kind());
                self.causes.fault(at, message)
            }),
        }
    }
}

/// Whether it is `os`, `os.path` or the like.
fn of_module(run: &Run<'_>, of: &Expr) -> bool {
    let mut of = of;
    while let Kind::Attribute(inner, _) = &of.kind {
        of = inner;
    }
    let Kind::Name(name) = &of.kind else {
        return false;
    };
    match run.lookup(name) {
        Some(value) => matches!(value, Value::Module),
        None => matches!(&**name, "os" | "sys" | "re" | "string" | "time" | "random"),
    }
}
