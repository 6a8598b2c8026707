//! The functions that Python has. Where the two Pythons differ it is the older one, xm's: `range`,
//! `zip` and `map` make lists.

use std::cmp::Ordering;
use std::rc::Rc;

use super::ast::At;
use super::number::{self, Layout};
use super::percent::truncated;
use super::run::{Outcome, Run};
use super::value::Value;

impl Run<'_> {
    pub(super) fn builtin(
        &mut self,
        name: &str,
        arguments: Vec<Value>,
        named: Vec<(Rc<str>, Value)>,
        at: At,
    ) -> Outcome {
        self.spend(1, at)?;
        if !named.is_empty() && !matches!(name, "dict" | "sorted") {
            let what = format!("`{name}` with a named value");
            return Err(self.causes.foreign(at, &what, "leave the name out"));
        }
        for argument in &arguments {
            if let (Value::Unknown(cause), false) = (argument, name == "callable") {
                return Err(*cause);
            }
        }
        match (name, arguments.as_slice()) {
            ("str" | "unicode", []) => Ok(Value::Text(self.made("", at))),
            ("str" | "unicode", [value]) => {
                let text = self.str(value, at)?;
                self.finish(text, at)
            }
            ("repr", [value]) => {
                let text = self.repr(value, at)?;
                Ok(Value::Text(self.made(text, at)))
            }
            ("int" | "long", []) => Ok(Value::Int(0)),
            ("int" | "long", [value]) => self.int_of(value, 10, at),
            ("int" | "long", [value, base]) => {
                let base = self.want_int(base, at)?;
                self.int_of(value, base, at)
            }
            ("float", [value]) => self.float_of(value, at),
            ("bool", [value]) => Ok(Value::Bool(self.truth(value)?)),
            ("bool", []) => Ok(Value::Bool(false)),
            ("len", [value]) => {
                let length = match value {
                    Value::Text(text) => {
                        self.spend(text.as_str().len() / 32, at)?;
                        text.as_str().chars().count()
                    }
                    Value::List(id) | Value::Tuple(id) => self.heap.items(*id)?.len(),
                    Value::Dict(id) => self.heap.pairs(*id)?.len(),
                    other => {
                        let message = format!("{} has no length", other.kind());
                        return Err(self.causes.fault(at, message));
                    }
                };
                Ok(Value::Int(i128::try_from(length).unwrap_or(i128::MAX)))
            }
            ("range" | "xrange", [_] | [_, _] | [_, _, _]) => self.range(&arguments, at),
            ("hex" | "oct" | "bin", [value]) => {
                let value = self.want_int(value, at)?;
                let letter = match name {
                    "hex" => 'x',
                    "oct" => 'o',
                    _ => 'b',
                };
                let layout = Layout {
                    alternate: true,
                    ..Layout::default()
                };
                let text = number::int(value, letter, layout);
                // Python 2 writes 0777, not 0o777.
                let text = if letter == 'o' {
                    text.replacen("0o", "0", 1)
                } else {
                    text
                };
                Ok(Value::Text(self.made(text, at)))
            }
            ("chr" | "unichr", [value]) => {
                let code = self.want_int(value, at)?;
                match u32::try_from(code).ok().and_then(char::from_u32) {
                    Some(c) => Ok(Value::Text(self.made(c, at))),
                    None => Err(self.causes.fault(at, format!("{code} is no character"))),
                }
            }
            ("ord", [value]) => {
                let text = self.want_text(value, at)?;
                let mut characters = text.as_str().chars();
                match (characters.next(), characters.next()) {
                    (Some(c), None) => Ok(Value::Int(i128::from(u32::from(c)))),
                    _ => Err(self.causes.fault(at, "`ord` wants one character")),
                }
            }
            ("list", []) => Ok(self.heap.list(Vec::new())),
            ("tuple", []) => Ok(self.heap.tuple(Vec::new())),
            ("list", [value]) => {
                let items = self.elements(value, at)?;
                Ok(self.heap.list(items))
            }
            ("tuple", [value]) => {
                let items = self.elements(value, at)?;
                Ok(self.heap.tuple(items))
            }
            ("dict", [] | [_]) => self.dict_of(arguments.first(), named, at),
            ("min" | "max", [_, ..]) => self.extreme(name == "min", &arguments, at),
            ("sum", [of] | [of, _]) => {
                let mut sum = arguments.get(1).cloned().unwrap_or(Value::Int(0));
                for item in self.elements(of, at)? {
                    sum = self.binary("+", &sum, &item, at)?;
                }
                Ok(sum)
            }
            ("sorted", [of]) => self.sorted(of, &named, at),
            ("reversed", [of]) => {
                let mut items = self.elements(of, at)?;
                items.reverse();
                Ok(self.heap.list(items))
            }
            ("enumerate", [of] | [of, _]) => {
                let start = match arguments.get(1) {
                    Some(start) => self.want_int(start, at)?,
                    None => 0,
                };
                let items = self.elements(of, at)?;
                let pairs = (start..).zip(items);
                let pairs =
                    pairs.map(|(number, item)| self.heap.tuple(vec![Value::Int(number), item]));
                let pairs = pairs.collect();
                Ok(self.heap.list(pairs))
            }
            ("zip", [_, ..]) => {
                let columns: Outcome<Vec<Vec<Value>>> =
                    arguments.iter().map(|of| self.elements(of, at)).collect();
                let columns = columns?;
                let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
                let row = |row: usize| columns.iter().map(|column| column[row].clone()).collect();
                let rows = (0..rows)
                    .map(|number| self.heap.tuple(row(number)))
                    .collect();
                Ok(self.heap.list(rows))
            }
            ("abs", [value]) => match value {
                Value::Float(value) => Ok(Value::Float(value.abs())),
                value => Ok(Value::Int(self.want_int(value, at)?.saturating_abs())),
            },
            ("any" | "all", [of]) => {
                let stops = name == "any";
                for item in self.elements(of, at)? {
                    if self.truth(&item)? == stops {
                        return Ok(Value::Bool(stops));
                    }
                }
                Ok(Value::Bool(!stops))
            }
            ("map" | "filter", [function, of]) => {
                let mut made = Vec::new();
                for item in self.elements(of, at)? {
                    let value = self.call_value(function, vec![item.clone()], at)?;
                    if name == "map" {
                        made.push(value);
                    } else if self.truth(&value)? {
                        made.push(item);
                    }
                }
                Ok(self.heap.list(made))
            }
            ("divmod", [one, two]) => {
                let quotient = self.binary("//", one, two, at)?;
                let rest = self.binary("%", one, two, at)?;
                Ok(self.heap.tuple(vec![quotient, rest]))
            }
            ("pow", [one, two]) => self.binary("**", one, two, at),
            ("callable", [value]) => Ok(Value::Bool(matches!(
                value,
                Value::Def(..) | Value::Builtin(_)
            ))),
            _ => {
                let message = format!("`{name}` does not take {} values", arguments.len());
                Err(self.causes.fault(at, message))
            }
        }
    }

    fn int_of(&mut self, value: &Value, base: i128, at: At) -> Outcome {
        match value {
            Value::Float(value) => {
                if let Some(value) = truncated(*value) {
                    return Ok(Value::Int(value));
                }
            }
            Value::Text(text) | Value::Given(text, _) => {
                let base = u32::try_from(base).unwrap_or(1);
                if let Some(value) = parsed(text.as_str(), base) {
                    return Ok(Value::Int(value));
                }
                let message = format!("`{}` is not a number", text.as_str().escape_debug());
                return Err(self.causes.fault(at, message));
            }
            value => {
                if let Some(value) = value.int() {
                    return Ok(Value::Int(value));
                }
            }
        }
        let message = format!("{} makes no whole number", value.kind());
        Err(self.causes.fault(at, message))
    }

    fn float_of(&mut self, value: &Value, at: At) -> Outcome {
        let found = match value {
            Value::Text(text) => text.as_str().trim().parse().ok(),
            value => value.float(),
        };
        found
            .map(Value::Float)
            .ok_or_else(|| self.causes.fault(at, "this makes no number"))
    }

    fn range(&mut self, arguments: &[Value], at: At) -> Outcome {
        let mut bounds = Vec::new();
        for argument in arguments {
            bounds.push(self.want_int(argument, at)?);
        }
        let (start, end, step) = match bounds.as_slice() {
            [end] => (0, *end, 1),
            [start, end] => (*start, *end, 1),
            [start, end, step, ..] => (*start, *end, *step),
            [] => (0, 0, 1),
        };
        if step == 0 {
            return Err(self.causes.fault(at, "`range` cannot have steps of 0"));
        }
        let mut items = Vec::new();
        let mut here = start;
        while (step > 0 && here < end) || (step < 0 && here > end) {
            self.spend(1, at)?;
            items.push(Value::Int(here));
            here = here.saturating_add(step);
        }
        Ok(self.heap.list(items))
    }

    fn dict_of(&mut self, of: Option<&Value>, named: Vec<(Rc<str>, Value)>, at: At) -> Outcome {
        let mut pairs = Vec::new();
        match of {
            Some(Value::Dict(id)) => pairs = self.heap.pairs(*id)?.to_vec(),
            Some(of) => {
                for item in self.elements(of, at)? {
                    match self.elements(&item, at)?.as_slice() {
                        [key, value] => self.put(&mut pairs, key.clone(), value.clone(), at)?,
                        _ => return Err(self.causes.fault(at, "`dict` wants pairs")),
                    }
                }
            }
            None => {}
        }
        self.spend(pairs.len(), at)?;
        for (name, value) in named {
            let key = Value::Text(self.made(&*name, at));
            self.put(&mut pairs, key, value, at)?;
        }
        Ok(self.heap.dict(pairs))
    }

    fn extreme(&mut self, least: bool, arguments: &[Value], at: At) -> Outcome {
        let items = match arguments {
            [all] => self.elements(all, at)?,
            several => several.to_vec(),
        };
        let mut items = items.into_iter();
        let Some(mut found) = items.next() else {
            return Err(self.causes.fault(at, "there is nothing to choose from"));
        };
        let wanted = if least {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        for item in items {
            if self.order(&item, &found, at)? == Some(wanted) {
                found = item;
            }
        }
        Ok(found)
    }

    fn sorted(&mut self, of: &Value, named: &[(Rc<str>, Value)], at: At) -> Outcome {
        let items = self.elements(of, at)?;
        let (mut reverse, mut key) = (false, None);
        for (name, value) in named {
            match (&**name, value) {
                ("reverse", value) => reverse = self.truth(value)?,
                ("key", Value::None) => key = None,
                ("key", function) => key = Some(function),
                ("cmp", _) => {
                    let hint = "write the list in its order";
                    return Err(self.causes.foreign(at, "`sorted` by a comparison", hint));
                }
                (name, _) => {
                    let message = format!("`sorted` has no `{name}`");
                    return Err(self.causes.fault(at, message));
                }
            }
        }
        let wanted = if reverse {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        // By insertion, since an order that fails half way must not stop the sort.
        let mut sorted: Vec<(Value, Value)> = Vec::new();
        for item in items {
            let by = match key {
                Some(function) => self.call_value(function, vec![item.clone()], at)?,
                None => item.clone(),
            };
            let (mut low, mut high) = (0, sorted.len());
            while low < high {
                let middle = low.midpoint(high);
                match self.order(&sorted[middle].0, &by, at)? {
                    Some(order) if order == wanted => high = middle,
                    _ => low = middle + 1,
                }
            }
            self.spend(sorted.len() / 16, at)?;
            sorted.insert(low, (by, item));
        }
        let sorted = sorted.into_iter().map(|(_, item)| item).collect();
        Ok(self.heap.list(sorted))
    }
}

/// A text as a whole number: blanks around it are free, 0 as base goes by the prefix.
fn parsed(text: &str, base: u32) -> Option<i128> {
    let text = text.trim().to_ascii_lowercase();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let (prefix, radix) = match digits.get(..2) {
        Some("0x") => (2, 16),
        Some("0o") => (2, 8),
        Some("0b") => (2, 2),
        _ => (0, base),
    };
    let (digits, radix) = match base {
        0 if prefix == 0 => (digits, 10),
        0 => (&digits[prefix..], radix),
        2..=36 if radix == base => (&digits[prefix..], base),
        2..=36 => (digits, base),
        _ => return None,
    };
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}
