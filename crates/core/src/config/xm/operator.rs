//! Signs between values, comparisons, and what counts as true. `/` between whole numbers is
//! Python 2's, which xm ran under: 7 / 2 is 3.

use std::cmp::Ordering;
use std::rc::Rc;

use super::ast::{At, Expr};
use super::run::{Outcome, Run};
use super::text::Str;
use super::value::Value;
use crate::diag::code;

impl Run<'_> {
    pub(super) fn truth(&mut self, value: &Value) -> Outcome<bool> {
        Ok(match value {
            Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Text(text) | Value::Given(text, _) => !text.as_str().is_empty(),
            Value::List(id) | Value::Tuple(id) => !self.heap.items(*id)?.is_empty(),
            Value::Dict(id) => !self.heap.pairs(*id)?.is_empty(),
            Value::Def(..) | Value::Builtin(_) | Value::Module | Value::XmVars => true,
            Value::Unknown(cause) => return Err(*cause),
        })
    }

    pub(super) fn unary(&mut self, sign: &str, of: &Expr, at: At) -> Outcome {
        let value = self.eval(of)?;
        if sign == "not" {
            return Ok(Value::Bool(!self.truth(&value)?));
        }
        let made = match (sign, value.int(), &value) {
            ("-", _, Value::Float(value)) => Some(Value::Float(-value)),
            ("+", _, Value::Float(value)) => Some(Value::Float(*value)),
            ("-", Some(value), _) => value.checked_neg().map(Value::Int),
            ("+", Some(value), _) => Some(Value::Int(value)),
            ("~", Some(value), _) => Some(Value::Int(!value)),
            _ => {
                let message = format!("`{sign}` does not go before {}", value.kind());
                return Err(self.causes.fault(at, message));
            }
        };
        made.ok_or_else(|| self.too_large(at))
    }

    fn too_large(&mut self, at: At) -> super::cause::Cause {
        self.causes.add(
            code::xm::LIMIT,
            at,
            "this number is larger than any read here",
            None,
        )
    }

    pub(super) fn augmented(&mut self, target: &Expr, sign: &str, value: &Expr, at: At) -> Outcome {
        let old = self.eval(target)?;
        let more = self.eval(value)?;
        if let ("+", Value::List(id)) = (sign, &old) {
            // `+=` changes the list itself, and everything else that stands for it.
            let more = self.elements(&more, value.at)?;
            self.may_change(*id)?;
            let mut items = self.heap.items(*id)?.to_vec();
            self.spend(items.len() + more.len(), at)?;
            items.extend(more);
            self.heap.set_items(*id, items);
            return Ok(old);
        }
        if let ("%", Value::Text(format)) = (sign, &old) {
            return self.percent(&Rc::clone(format), &more, value, at);
        }
        self.binary(sign, &old, &more, at)
    }

    pub(super) fn binary(&mut self, sign: &str, left: &Value, right: &Value, at: At) -> Outcome {
        match (sign, left, right) {
            ("+", Value::Text(one) | Value::Given(one, _), Value::Text(two))
            | ("+", Value::Text(one), Value::Given(two, _)) => {
                let mut joined = Str::default();
                joined.push(one);
                joined.push(two);
                return self.finish(joined, at);
            }
            ("+", Value::List(one), Value::List(two)) => {
                let items = [self.heap.items(*one)?, self.heap.items(*two)?].concat();
                self.spend(items.len(), at)?;
                return Ok(self.heap.list(items));
            }
            ("+", Value::Tuple(one), Value::Tuple(two)) => {
                let items = [self.heap.items(*one)?, self.heap.items(*two)?].concat();
                self.spend(items.len(), at)?;
                return Ok(self.heap.tuple(items));
            }
            ("*", many @ (Value::Text(_) | Value::List(_) | Value::Tuple(_)), count)
            | ("*", count, many @ (Value::Text(_) | Value::List(_) | Value::Tuple(_))) => {
                if let Some(count) = count.int() {
                    return self.repeated(many, count, at);
                }
            }
            _ => {}
        }
        if let (Some(one), Some(two)) = (left.int(), right.int()) {
            return self.ints(sign, one, two, at);
        }
        if let (Some(one), Some(two)) = (left.float(), right.float()) {
            return self.floats(sign, one, two, at);
        }
        let message = format!(
            "`{sign}` does not go between {} and {}",
            left.kind(),
            right.kind()
        );
        let hint = match (sign, left, right) {
            ("+", Value::Text(_), Value::Int(_)) => Some("write `str(…)` around the number"),
            _ => None,
        };
        Err(self.causes.add(code::xm::FAULT, at, message, hint))
    }

    fn repeated(&mut self, many: &Value, count: i128, at: At) -> Outcome {
        let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
        match many {
            Value::Text(text) => {
                let length = text.as_str().len().max(1).saturating_mul(count);
                self.spend(length / 32, at)?;
                if text.as_str().is_empty() {
                    return Ok(many.clone());
                }
                let mut made = Str::default();
                (0..count).for_each(|_| made.push(text));
                self.finish(made, at)
            }
            Value::List(id) | Value::Tuple(id) => {
                let items = self.heap.items(*id)?;
                let length = items.len().saturating_mul(count);
                let one = items.to_vec();
                self.spend(length, at)?;
                let count = if one.is_empty() { 0 } else { count };
                let items = std::iter::repeat_n(&one, count)
                    .flatten()
                    .cloned()
                    .collect();
                Ok(match many {
                    Value::List(_) => self.heap.list(items),
                    _ => self.heap.tuple(items),
                })
            }
            _ => Ok(many.clone()),
        }
    }

    fn ints(&mut self, sign: &str, one: i128, two: i128, at: At) -> Outcome {
        if two == 0 && matches!(sign, "/" | "//" | "%") {
            return Err(self.causes.fault(at, "nothing can be divided by 0"));
        }
        let shift = || u32::try_from(two).ok().filter(|two| *two < 126);
        let made = match sign {
            "+" => one.checked_add(two),
            "-" => one.checked_sub(two),
            "*" => one.checked_mul(two),
            // Python rounds towards minus infinity.
            "/" | "//" => one
                .checked_div(two)
                .map(|quotient| quotient - i128::from(one % two != 0 && (one < 0) != (two < 0))),
            "%" => one.checked_rem(two).map(|rest| {
                if rest != 0 && (rest < 0) != (two < 0) {
                    rest + two
                } else {
                    rest
                }
            }),
            "**" if two < 0 => return self.floats(sign, lossy(one), lossy(two), at),
            "**" => u32::try_from(two).ok().and_then(|two| one.checked_pow(two)),
            "&" => Some(one & two),
            "|" => Some(one | two),
            "^" => Some(one ^ two),
            "<<" => shift().and_then(|two| one.checked_mul(1 << two)),
            ">>" if two < 0 => {
                return Err(self.causes.fault(at, "nothing is shifted by less than 0"));
            }
            ">>" => Some(one >> u32::try_from(two).unwrap_or(127).min(127)),
            _ => None,
        };
        made.map(Value::Int).ok_or_else(|| self.too_large(at))
    }

    fn floats(&mut self, sign: &str, one: f64, two: f64, at: At) -> Outcome {
        if two == 0.0 && matches!(sign, "/" | "//" | "%") {
            return Err(self.causes.fault(at, "nothing can be divided by 0"));
        }
        Ok(Value::Float(match sign {
            "+" => one + two,
            "-" => one - two,
            "*" => one * two,
            "/" => one / two,
            "//" => (one / two).floor(),
            "%" => one - two * (one / two).floor(),
            "**" => one.powf(two),
            _ => {
                let message = format!("`{sign}` does not go between fractions");
                return Err(self.causes.fault(at, message));
            }
        }))
    }

    pub(super) fn compare(
        &mut self,
        sign: &str,
        left: &Value,
        right: &Value,
        at: At,
    ) -> Outcome<bool> {
        Ok(match sign {
            "==" => self.equal(left, right, at)?,
            "!=" => !self.equal(left, right, at)?,
            "in" => self.contains(right, left, at)?,
            "not in" => !self.contains(right, left, at)?,
            _ => {
                let Some(order) = self.order(left, right, at)? else {
                    return Ok(false);
                };
                match sign {
                    "<" => order == Ordering::Less,
                    "<=" => order != Ordering::Greater,
                    ">" => order == Ordering::Greater,
                    _ => order != Ordering::Less,
                }
            }
        })
    }

    pub(super) fn contains(&mut self, all: &Value, one: &Value, at: At) -> Outcome<bool> {
        if let Some(text) = all.text() {
            let part = self.want_text(one, at)?;
            return Ok(text.as_str().contains(part.as_str()));
        }
        let mut unknown = None;
        for item in self.elements(all, at)? {
            match self.equal(&item, one, at) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(cause) => unknown = unknown.or(Some(cause)),
            }
        }
        unknown.map_or(Ok(false), Err)
    }

    /// Whether two ways of getting at a value make no difference.
    pub(super) fn alike(&mut self, one: &Value, two: &Value) -> bool {
        match (one, two) {
            (Value::Unknown(one), Value::Unknown(two)) => one == two,
            (Value::Module, Value::Module) | (Value::XmVars, Value::XmVars) => true,
            (Value::Def(one, _), Value::Def(two, _)) => Rc::ptr_eq(one, two),
            (Value::Builtin(one), Value::Builtin(two)) => one == two,
            _ => {
                one.kind() == two.kind()
                    && self
                        .equal(one, two, At { start: 0, end: 0 })
                        .unwrap_or(false)
            }
        }
    }

    pub(super) fn equal(&mut self, one: &Value, two: &Value, at: At) -> Outcome<bool> {
        self.spend(1, at)?;
        match (one, two) {
            (Value::Unknown(cause), _) | (_, Value::Unknown(cause)) => Err(*cause),
            (Value::None, Value::None) => Ok(true),
            (Value::Text(one) | Value::Given(one, _), Value::Text(two))
            | (Value::Text(one), Value::Given(two, _)) => Ok(one.as_str() == two.as_str()),
            (Value::List(one), Value::List(two)) | (Value::Tuple(one), Value::Tuple(two)) => {
                let (one, two) = (
                    self.heap.items(*one)?.to_vec(),
                    self.heap.items(*two)?.to_vec(),
                );
                self.spend(one.len().max(two.len()), at)?;
                if one.len() != two.len() {
                    return Ok(false);
                }
                self.deeper(at, |run| {
                    for (one, two) in one.iter().zip(&two) {
                        if !run.equal(one, two, at)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                })
            }
            (Value::Dict(one), Value::Dict(two)) => {
                let (one, two) = (
                    self.heap.pairs(*one)?.to_vec(),
                    self.heap.pairs(*two)?.to_vec(),
                );
                if one.len() != two.len() {
                    return Ok(false);
                }
                self.deeper(at, |run| {
                    for (key, value) in &one {
                        let Some(position) = run.position(&two, key, at)? else {
                            return Ok(false);
                        };
                        if !run.equal(value, &two[position].1, at)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                })
            }
            #[expect(clippy::float_cmp, reason = "as Python compares")]
            _ => Ok(match (one.int(), two.int(), one.float(), two.float()) {
                (Some(one), Some(two), _, _) => one == two,
                (_, _, Some(one), Some(two)) => one == two,
                _ => false,
            }),
        }
    }

    /// Where a key stands among pairs.
    pub(super) fn position(
        &mut self,
        pairs: &[(Value, Value)],
        key: &Value,
        at: At,
    ) -> Outcome<Option<usize>> {
        for (position, (found, _)) in pairs.iter().enumerate() {
            if self.equal(found, key, at)? {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// The order of two values; none if one of them is not a number at all.
    pub(super) fn order(&mut self, one: &Value, two: &Value, at: At) -> Outcome<Option<Ordering>> {
        self.spend(1, at)?;
        match (one, two) {
            (Value::Unknown(cause), _) | (_, Value::Unknown(cause)) => Err(*cause),
            (Value::Text(one) | Value::Given(one, _), Value::Text(two))
            | (Value::Text(one), Value::Given(two, _)) => Ok(Some(one.as_str().cmp(two.as_str()))),
            (Value::List(one), Value::List(two)) | (Value::Tuple(one), Value::Tuple(two)) => {
                let (one, two) = (
                    self.heap.items(*one)?.to_vec(),
                    self.heap.items(*two)?.to_vec(),
                );
                self.spend(one.len().max(two.len()), at)?;
                self.deeper(at, |run| {
                    for (one, two) in one.iter().zip(&two) {
                        if !run.equal(one, two, at)? {
                            return run.order(one, two, at);
                        }
                    }
                    Ok(Some(one.len().cmp(&two.len())))
                })
            }
            _ => match (one.int(), two.int(), one.float(), two.float()) {
                (Some(one), Some(two), _, _) => Ok(Some(one.cmp(&two))),
                (_, _, Some(one), Some(two)) => Ok(one.partial_cmp(&two)),
                _ => {
                    let message = format!("{} and {} have no order", one.kind(), two.kind());
                    Err(self.causes.fault(at, message))
                }
            },
        }
    }
}

/// A whole number as a fraction, as Python makes it.
#[expect(clippy::cast_precision_loss, reason = "as Python does")]
fn lossy(value: i128) -> f64 {
    value as f64
}
