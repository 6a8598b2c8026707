//! Elements: by number, by key, by range, one after the other.

use super::ast::{At, Expr};
use super::run::{Outcome, Run};
use super::text::Str;
use super::value::Value;

impl Run<'_> {
    /// The elements one gets by going through a value.
    pub(super) fn elements(&mut self, of: &Value, at: At) -> Outcome<Vec<Value>> {
        let items = match of {
            Value::Unknown(cause) => return Err(*cause),
            Value::List(id) | Value::Tuple(id) => self.heap.items(*id)?.to_vec(),
            Value::Dict(id) => {
                let pairs = self.heap.pairs(*id)?;
                pairs.iter().map(|(key, _)| key.clone()).collect()
            }
            Value::Text(text) | Value::Given(text, _) => {
                let text = std::rc::Rc::clone(text);
                self.spend(text.as_str().len(), at)?;
                let one = |(start, c): (usize, char)| {
                    Value::Text(text.slice(start..start + c.len_utf8()).into())
                };
                text.as_str().char_indices().map(one).collect()
            }
            other => {
                let message = format!("{} has no elements", other.kind());
                return Err(self.causes.fault(at, message));
            }
        };
        self.spend(items.len(), at)?;
        Ok(items)
    }

    fn out_of_range(&mut self, index: i128, length: usize, at: At) -> super::cause::Cause {
        let message = match length.checked_sub(1) {
            Some(last) => format!("there is no element {index}: the last one is {last}"),
            None => format!("there is no element {index}: nothing is in it"),
        };
        self.causes.fault(at, message)
    }

    pub(super) fn index(&mut self, of: &Value, index: &Value, at: At) -> Outcome {
        match of {
            Value::Dict(id) => {
                let pairs = self.heap.pairs(*id)?.to_vec();
                match self.position(&pairs, index, at)? {
                    Some(position) => known(&pairs[position].1),
                    None => Err(self.causes.fault(at, "the dictionary has no such key")),
                }
            }
            Value::List(id) | Value::Tuple(id) => {
                let index = self.want_int(index, at)?;
                let items = self.heap.items(*id)?;
                let length = items.len();
                match place(index, length).and_then(|place| items.get(place)) {
                    Some(item) => known(item),
                    None => Err(self.out_of_range(index, length, at)),
                }
            }
            Value::Text(text) | Value::Given(text, _) => {
                let index = self.want_int(index, at)?;
                let bounds = boundaries(text);
                self.spend(bounds.len() / 32, at)?;
                let length = bounds.len() - 1;
                match place(index, length) {
                    Some(place) => {
                        let cut = text.slice(bounds[place]..bounds[place + 1]);
                        self.finish(cut, at)
                    }
                    None => Err(self.out_of_range(index, length, at)),
                }
            }
            Value::Unknown(cause) => Err(*cause),
            other => {
                let message = format!("{} has no elements", other.kind());
                Err(self.causes.fault(at, message))
            }
        }
    }

    pub(super) fn slice(&mut self, of: &Value, bounds: [Option<i128>; 3], at: At) -> Outcome {
        match of {
            Value::Text(text) | Value::Given(text, _) => {
                let edges = boundaries(text);
                self.spend(edges.len() / 8, at)?;
                let mut cut = Str::default();
                for place in self.places(bounds, edges.len() - 1, at)? {
                    cut.push_slice(text, edges[place]..edges[place + 1]);
                }
                self.finish(cut, at)
            }
            Value::List(id) | Value::Tuple(id) => {
                let items = self.heap.items(*id)?.to_vec();
                self.spend(items.len(), at)?;
                let places = self.places(bounds, items.len(), at)?;
                let cut = places
                    .iter()
                    .filter_map(|place| items.get(*place))
                    .cloned()
                    .collect();
                Ok(match of {
                    Value::List(_) => self.heap.list(cut),
                    _ => self.heap.tuple(cut),
                })
            }
            Value::Unknown(cause) => Err(*cause),
            other => {
                let message = format!("{} has no elements", other.kind());
                Err(self.causes.fault(at, message))
            }
        }
    }

    /// The numbers of the elements between bounds.
    fn places(
        &mut self,
        [start, end, step]: [Option<i128>; 3],
        length: usize,
        at: At,
    ) -> Outcome<Vec<usize>> {
        let length = i128::try_from(length).unwrap_or(i128::MAX);
        let step = step.unwrap_or(1);
        if step == 0 {
            return Err(self.causes.fault(at, "a slice cannot have steps of 0"));
        }
        let clamp = |bound: i128, least: i128, most: i128| {
            let bound = if bound < 0 {
                bound.saturating_add(length)
            } else {
                bound
            };
            bound.clamp(least, most)
        };
        let (least, most) = if step > 0 {
            (0, length)
        } else {
            (-1, length - 1)
        };
        let default = if step > 0 {
            (0, length)
        } else {
            (length - 1, -1)
        };
        let mut here = start.map_or(default.0, |bound| clamp(bound, least, most));
        let end = end.map_or(default.1, |bound| clamp(bound, least, most));
        let mut places = Vec::new();
        while (step > 0 && here < end) || (step < 0 && here > end) {
            places.extend(usize::try_from(here));
            here = here.saturating_add(step);
        }
        Ok(places)
    }

    /// Sets a key among pairs.
    pub(super) fn put(
        &mut self,
        pairs: &mut Vec<(Value, Value)>,
        key: Value,
        value: Value,
        at: At,
    ) -> Outcome<()> {
        if matches!(key, Value::List(_) | Value::Dict(_)) {
            let message = format!("{} cannot be a key", key.kind());
            return Err(self.causes.fault(at, message));
        }
        match self.position(pairs, &key, at)? {
            Some(position) => pairs[position].1 = value,
            None => pairs.push((key, value)),
        }
        Ok(())
    }

    pub(super) fn assign_index(
        &mut self,
        of: &Expr,
        index: &Expr,
        value: Value,
        at: At,
    ) -> Outcome<()> {
        let object = self.eval(of)?;
        let index = self.eval(index)?;
        match object {
            Value::Dict(id) => {
                self.may_change(id)?;
                let mut pairs = self.heap.pairs(id)?.to_vec();
                self.spend(pairs.len(), at)?;
                self.put(&mut pairs, index, value, at)?;
                self.heap.set_pairs(id, pairs);
                Ok(())
            }
            Value::List(id) => {
                self.may_change(id)?;
                let index = self.want_int(&index, at)?;
                let mut items = self.heap.items(id)?.to_vec();
                self.spend(items.len(), at)?;
                let length = items.len();
                let Some(place) = place(index, length) else {
                    return Err(self.out_of_range(index, length, at));
                };
                items[place] = value;
                self.heap.set_items(id, items);
                Ok(())
            }
            other => {
                let message = format!("nothing can be set in {}", other.kind());
                Err(self.causes.fault(at, message))
            }
        }
    }

    pub(super) fn delete_index(&mut self, of: &Expr, index: &Expr, at: At) -> Outcome<()> {
        let object = self.eval(of)?;
        let index = self.eval(index)?;
        match object {
            Value::Dict(id) => {
                self.may_change(id)?;
                let mut pairs = self.heap.pairs(id)?.to_vec();
                match self.position(&pairs, &index, at)? {
                    Some(position) => pairs.remove(position),
                    None => return Err(self.causes.fault(at, "the dictionary has no such key")),
                };
                self.heap.set_pairs(id, pairs);
                Ok(())
            }
            Value::List(id) => {
                self.may_change(id)?;
                let index = self.want_int(&index, at)?;
                let mut items = self.heap.items(id)?.to_vec();
                let length = items.len();
                self.spend(length, at)?;
                let Some(place) = place(index, length) else {
                    return Err(self.out_of_range(index, length, at));
                };
                items.remove(place);
                self.heap.set_items(id, items);
                Ok(())
            }
            other => {
                let message = format!("nothing can be deleted from {}", other.kind());
                Err(self.causes.fault(at, message))
            }
        }
    }
}

/// An element that is known.
fn known(value: &Value) -> Outcome {
    match value {
        Value::Unknown(cause) => Err(*cause),
        value => Ok(value.clone()),
    }
}

/// A number that may count from the end, as a place.
fn place(index: i128, length: usize) -> Option<usize> {
    let index = if index < 0 {
        index.checked_add(i128::try_from(length).ok()?)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|place| *place < length)
}

/// Where characters begin, and where the last one ends.
fn boundaries(text: &Str) -> Vec<usize> {
    let text = text.as_str();
    let starts = text.char_indices().map(|(start, _)| start);
    starts.chain([text.len()]).collect()
}
