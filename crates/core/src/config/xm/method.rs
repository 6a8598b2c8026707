//! Which method is called, and the methods of lists and dictionaries.

use std::rc::Rc;

use super::ast::{At, Call, Expr};
use super::braces::Filling;
use super::run::{Outcome, Run};
use super::value::{Id, Value};

/// Methods of Python's that are not read, or only in a simpler form.
pub(super) const METHODS: [&str; 44] = [
    "capitalize",
    "center",
    "count",
    "decode",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "index",
    "isalnum",
    "isalpha",
    "isdigit",
    "islower",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
    "pop",
    "sort",
    "popitem",
    "update",
    "iteritems",
    "iterkeys",
    "itervalues",
];

impl Run<'_> {
    /// `object.method(arguments)`; `written` is how the object and the call were written.
    pub(super) fn method(
        &mut self,
        object: &Value,
        method: &str,
        arguments: Vec<Value>,
        named: Vec<(Rc<str>, Value)>,
        written: (&Expr, &Call),
        at: At,
    ) -> Outcome {
        self.spend(1, at)?;
        if let (Some(text), "format") = (object.text(), method) {
            let call = written.1;
            let places = call.arguments.iter().map(|argument| argument.at);
            let named_places = call.named.iter().map(|(_, argument)| argument.at);
            let named = named.into_iter().zip(named_places);
            let filling = Filling {
                positional: arguments.into_iter().zip(places).collect(),
                named: named
                    .map(|((name, value), place)| (name, value, place))
                    .collect(),
            };
            return self.braces(&Rc::clone(text), &filling, at);
        }
        if let (Value::List(id), "sort", []) = (object, method, arguments.as_slice()) {
            return self.sort(*id, named, at);
        }
        if let Some((name, _)) = named.first() {
            let message = format!("`.{method}` has no `{name}`");
            return Err(self.causes.fault(at, message));
        }
        match object {
            Value::Text(text) | Value::Given(text, _) => {
                let text = Rc::clone(text);
                self.spend(text.as_str().len() / 16, at)?;
                self.text_method(&text, method, &arguments, at)
            }
            Value::List(id) => self.list_method(*id, method, &arguments, at),
            Value::Tuple(id) if matches!(method, "count" | "index") => {
                self.list_method(*id, method, &arguments, at)
            }
            Value::Dict(id) => self.dict_method(*id, method, &arguments, at),
            Value::Unknown(cause) => Err(*cause),
            other => {
                let message = format!("{} has no `.{method}`", other.kind());
                Err(self.causes.fault(at, message))
            }
        }
    }

    pub(super) fn no_method(&mut self, kind: &str, method: &str, at: At) -> super::cause::Cause {
        if !METHODS.contains(&method) {
            return self.causes.fault(at, format!("{kind} has no `.{method}`"));
        }
        let what = format!("`.{method}` of {kind}, called like this,");
        self.causes.foreign(at, &what, "write what it makes")
    }

    fn sort(&mut self, id: Id, named: Vec<(Rc<str>, Value)>, at: At) -> Outcome {
        let sorted = self.builtin("sorted", vec![Value::List(id)], named, at)?;
        let items = self.elements(&sorted, at)?;
        self.may_change(id)?;
        self.heap.set_items(id, items);
        Ok(Value::None)
    }

    fn list_method(&mut self, id: Id, method: &str, arguments: &[Value], at: At) -> Outcome {
        let mut items = self.heap.items(id)?.to_vec();
        self.spend(items.len() / 8, at)?;
        let mut result = Value::None;
        match (method, arguments) {
            ("append", [value]) => items.push(value.clone()),
            ("extend", [values]) => items.extend(self.elements(values, at)?),
            ("insert", [place, value]) => {
                let length = i128::try_from(items.len()).unwrap_or(i128::MAX);
                let place = self.want_int(place, at)?;
                let place = if place < 0 {
                    place.saturating_add(length)
                } else {
                    place
                };
                let place = usize::try_from(place.clamp(0, length)).unwrap_or(0);
                items.insert(place, value.clone());
            }
            ("pop", []) => match items.pop() {
                Some(last) => result = last,
                None => return Err(self.causes.fault(at, "the list is empty")),
            },
            ("reverse", []) => items.reverse(),
            ("remove" | "index", [value]) => {
                let mut found = None;
                for (place, item) in items.iter().enumerate() {
                    if self.equal(item, value, at)? {
                        found = Some(place);
                        break;
                    }
                }
                match found {
                    Some(place) if method == "index" => {
                        return Ok(Value::Int(i128::try_from(place).unwrap_or(i128::MAX)));
                    }
                    Some(place) => {
                        items.remove(place);
                    }
                    None => return Err(self.causes.fault(at, "the list does not hold this")),
                }
            }
            ("count", [value]) => {
                let mut count = 0;
                for item in &items {
                    count += i128::from(self.equal(item, value, at)?);
                }
                return Ok(Value::Int(count));
            }
            _ => return Err(self.no_method("a list", method, at)),
        }
        self.may_change(id)?;
        self.heap.set_items(id, items);
        match result {
            Value::Unknown(cause) => Err(cause),
            result => Ok(result),
        }
    }

    fn dict_method(&mut self, id: Id, method: &str, arguments: &[Value], at: At) -> Outcome {
        let mut pairs = self.heap.pairs(id)?.to_vec();
        self.spend(pairs.len(), at)?;
        let column = |pairs: Vec<(Value, Value)>, keys: bool| {
            let one = |(key, value)| if keys { key } else { value };
            pairs.into_iter().map(one).collect::<Vec<Value>>()
        };
        match (method, arguments) {
            ("keys" | "values", []) => {
                let column = column(pairs, method == "keys");
                Ok(self.heap.list(column))
            }
            ("items", []) => {
                let pairs = pairs.into_iter();
                let items = pairs.map(|(key, value)| self.heap.tuple(vec![key, value]));
                let items = items.collect();
                Ok(self.heap.list(items))
            }
            ("has_key", [key]) => Ok(Value::Bool(self.position(&pairs, key, at)?.is_some())),
            ("get" | "setdefault", [key] | [key, _]) => {
                let found = match self.position(&pairs, key, at)? {
                    Some(position) => pairs[position].1.clone(),
                    None => {
                        let default = arguments.get(1).cloned().unwrap_or(Value::None);
                        if method == "setdefault" {
                            self.may_change(id)?;
                            self.put(&mut pairs, key.clone(), default.clone(), at)?;
                            self.heap.set_pairs(id, pairs);
                        }
                        default
                    }
                };
                match found {
                    Value::Unknown(cause) => Err(cause),
                    found => Ok(found),
                }
            }
            ("update", [Value::Dict(other)]) => {
                self.may_change(id)?;
                for (key, value) in self.heap.pairs(*other)?.to_vec() {
                    self.put(&mut pairs, key, value, at)?;
                }
                self.heap.set_pairs(id, pairs);
                Ok(Value::None)
            }
            ("copy", []) => Ok(self.heap.dict(pairs)),
            _ => Err(self.no_method("a dictionary", method, at)),
        }
    }
}
