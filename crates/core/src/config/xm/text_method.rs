//! The methods of texts. What a method takes out of a text keeps its place in the file.

use std::ops::Range;
use std::rc::Rc;

use super::ast::At;
use super::number;
use super::run::{Outcome, Run};
use super::text::Str;
use super::value::Value;

impl Run<'_> {
    pub(super) fn text_method(
        &mut self,
        text: &Rc<Str>,
        method: &str,
        arguments: &[Value],
        at: At,
    ) -> Outcome {
        let all = text.as_str();
        match (method, arguments) {
            ("lower", []) => Ok(Value::Text(text.mapped(all.to_lowercase(), at).into())),
            ("upper", []) => Ok(Value::Text(text.mapped(all.to_uppercase(), at).into())),
            ("strip" | "lstrip" | "rstrip", [] | [_]) => {
                let set = match arguments {
                    [Value::None] | [] => None,
                    [set, ..] => Some(self.want_text(set, at)?),
                };
                let stripped = |c: char| match &set {
                    Some(set) => set.as_str().contains(c),
                    None => c.is_whitespace(),
                };
                self.spend(
                    all.len() * set.as_ref().map_or(0, |set| set.as_str().len()) / 64,
                    at,
                )?;
                let start = match method {
                    "rstrip" => 0,
                    _ => all.len() - all.trim_start_matches(stripped).len(),
                };
                let end = match method {
                    "lstrip" => all.len(),
                    _ => all.trim_end_matches(stripped).len(),
                };
                self.finish(text.slice(start..end.max(start)), at)
            }
            ("split" | "rsplit", [] | [_] | [_, _]) => {
                let ranges = self.split(all, method == "rsplit", arguments, at)?;
                self.spend(ranges.len(), at)?;
                let parts = ranges.into_iter();
                let parts = parts
                    .map(|part| Value::Text(text.slice(part).into()))
                    .collect();
                Ok(self.heap.list(parts))
            }
            ("splitlines", []) => {
                let mut parts = Vec::new();
                let mut start = 0;
                for line in all.split_inclusive('\n') {
                    let kept = line.trim_end_matches(['\n', '\r']).len();
                    parts.push(Value::Text(text.slice(start..start + kept).into()));
                    start += line.len();
                }
                self.spend(parts.len(), at)?;
                Ok(self.heap.list(parts))
            }
            ("join", [parts]) => {
                let mut joined = Str::default();
                for (number, part) in self.elements(parts, at)?.iter().enumerate() {
                    let part = self.want_text(part, at)?;
                    self.spend((part.as_str().len() + all.len()) / 32, at)?;
                    if number > 0 {
                        joined.push(text);
                    }
                    joined.push(&part);
                }
                self.finish(joined, at)
            }
            ("replace", [old, new] | [old, new, _]) => {
                let (old, new) = (self.want_text(old, at)?, self.want_text(new, at)?);
                let most = match arguments.get(2) {
                    Some(most) => usize::try_from(self.want_int(most, at)?).unwrap_or(usize::MAX),
                    None => usize::MAX,
                };
                let found: Vec<usize> = all
                    .match_indices(old.as_str())
                    .take(most)
                    .map(|(start, _)| start)
                    .collect();
                self.spend(found.len().saturating_mul(1 + new.as_str().len() / 32), at)?;
                let mut made = Str::default();
                let mut position = 0;
                for start in found {
                    made.push_slice(text, position..start);
                    made.push(&new);
                    position = start + old.as_str().len();
                }
                made.push_slice(text, position..all.len());
                self.finish(made, at)
            }
            ("startswith" | "endswith", [part]) => {
                let parts = match part {
                    Value::Tuple(_) => self.elements(part, at)?,
                    part => vec![part.clone()],
                };
                for part in &parts {
                    let part = self.want_text(part, at)?;
                    let found = match method {
                        "startswith" => all.starts_with(part.as_str()),
                        _ => all.ends_with(part.as_str()),
                    };
                    if found {
                        return Ok(Value::Bool(true));
                    }
                }
                Ok(Value::Bool(false))
            }
            ("zfill", [width]) => {
                let width = self.width(width, at)?;
                let length = all.chars().count();
                let sign = usize::from(all.starts_with(['-', '+']));
                let mut made = text.slice(0..sign);
                made.push_made(&"0".repeat(width.saturating_sub(length)), at);
                made.push_slice(text, sign..all.len());
                self.finish(made, at)
            }
            ("rjust" | "ljust" | "center", [width] | [width, _]) => {
                let fill = match arguments.get(1) {
                    Some(fill) => self.want_text(fill, at)?,
                    None => self.made(" ", at),
                };
                let width = self.width(width, at)?;
                let (length, missing_from) = (all.chars().count(), method);
                let (before, behind) = match missing_from {
                    "rjust" => number::fill(length, width, '>'),
                    "ljust" => number::fill(length, width, '<'),
                    _ => return Err(self.no_method("a text", method, at)),
                };
                let mut made = Str::default();
                made.push_made(&fill.as_str().repeat(before), at);
                made.push(text);
                made.push_made(&fill.as_str().repeat(behind), at);
                self.finish(made, at)
            }
            ("find" | "rfind" | "index", [part]) => {
                let part = self.want_text(part, at)?;
                let found = match method {
                    "rfind" => all.rfind(part.as_str()),
                    _ => all.find(part.as_str()),
                };
                match found {
                    Some(found) => {
                        let place = all[..found].chars().count();
                        Ok(Value::Int(i128::try_from(place).unwrap_or(i128::MAX)))
                    }
                    None if method == "index" => {
                        Err(self.causes.fault(at, "the text does not hold this"))
                    }
                    None => Ok(Value::Int(-1)),
                }
            }
            ("count", [part]) => {
                let part = self.want_text(part, at)?;
                let count = all.matches(part.as_str()).count();
                Ok(Value::Int(i128::try_from(count).unwrap_or(i128::MAX)))
            }
            ("isdigit", []) => Ok(Value::Bool(
                !all.is_empty() && all.chars().all(|c| c.is_ascii_digit()),
            )),
            _ => Err(self.no_method("a text", method, at)),
        }
    }

    fn width(&mut self, width: &Value, at: At) -> Outcome<usize> {
        let width = usize::try_from(self.want_int(width, at)?.max(0)).unwrap_or(usize::MAX);
        self.spend(width / 32, at)?;
        Ok(width)
    }

    fn split(
        &mut self,
        all: &str,
        from_end: bool,
        arguments: &[Value],
        at: At,
    ) -> Outcome<Vec<Range<usize>>> {
        let most = match arguments.get(1) {
            Some(most) => usize::try_from(self.want_int(most, at)?).unwrap_or(usize::MAX),
            None => usize::MAX,
        };
        let separator = match arguments.first() {
            None | Some(Value::None) => None,
            Some(separator) => Some(self.want_text(separator, at)?),
        };
        let Some(separator) = separator else {
            if most != usize::MAX {
                return Err(self.no_method("a text", "split", at));
            }
            let start = |part: &str| part.as_ptr() as usize - all.as_ptr() as usize;
            let parts = all.split_whitespace();
            return Ok(parts
                .map(|part| start(part)..start(part) + part.len())
                .collect());
        };
        let separator = separator.as_str();
        if separator.is_empty() {
            return Err(self.causes.fault(at, "nothing is split at an empty text"));
        }
        let mut cuts: Vec<usize> = match from_end {
            true => all
                .rmatch_indices(separator)
                .take(most)
                .map(|(start, _)| start)
                .collect(),
            false => all
                .match_indices(separator)
                .take(most)
                .map(|(start, _)| start)
                .collect(),
        };
        cuts.sort_unstable();
        let mut parts = Vec::new();
        let mut position = 0;
        for cut in cuts {
            parts.push(position..cut);
            position = cut + separator.len();
        }
        parts.push(position..all.len());
        Ok(parts)
    }
}
