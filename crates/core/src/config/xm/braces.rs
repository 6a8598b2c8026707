//! `'mac=00:16:3e:00:00:{:02x}'.format(vmid)`: the `.format` of texts.

use std::rc::Rc;

use super::ast::At;
use super::number::{self, Layout};
use super::run::{LARGEST, Outcome, Run};
use super::text::Str;
use super::value::Value;

/// What a text is filled with: values by position and by name, and their places.
pub(super) struct Filling {
    pub(super) positional: Vec<(Value, At)>,
    pub(super) named: Vec<(Rc<str>, Value, At)>,
}

/// What stands behind `:` in braces.
#[derive(Default)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    layout: Layout,
    letter: Option<char>,
}

impl Run<'_> {
    pub(super) fn braces(&mut self, format: &Str, filling: &Filling, at: At) -> Outcome {
        let text = format.as_str();
        self.spend(text.len() / 16, at)?;
        let mut made = Str::default();
        let (mut position, mut next) = (0, 0);
        while let Some(found) = text[position..].find(['{', '}']) {
            let start = position + found;
            made.push_slice(format, position..start);
            let brace = &text[start..=start];
            if text[start + 1..].starts_with(brace) {
                made.push_slice(format, start..start + 1);
                position = start + 2;
                continue;
            }
            let end = text[start + 1..]
                .find(['{', '}'])
                .map(|end| start + 1 + end);
            let Some(end) = end.filter(|end| brace == "{" && text[*end..].starts_with('}')) else {
                let message = "a brace stands alone in this text: write `{{` or `}}` for one";
                return Err(self.causes.fault(at, message));
            };
            self.field(&text[start + 1..end], filling, &mut next, &mut made, at)?;
            position = end + 1;
        }
        made.push_slice(format, position..text.len());
        self.finish(made, at)
    }

    fn field(
        &mut self,
        field: &str,
        filling: &Filling,
        next: &mut usize,
        made: &mut Str,
        at: At,
    ) -> Outcome<()> {
        let (field, spec) = field.split_once(':').unwrap_or((field, ""));
        let (field, conversion) = match field.split_once('!') {
            Some((field, conversion)) => (field, Some(conversion)),
            None => (field, None),
        };
        let (name, path) = match field.find(['[', '.']) {
            Some(end) => field.split_at(end),
            None => (field, ""),
        };
        let found = if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            let number = match name {
                "" => *next,
                name => name.parse().unwrap_or(usize::MAX),
            };
            *next += usize::from(name.is_empty());
            filling.positional.get(number).cloned()
        } else {
            let named = filling.named.iter().find(|(key, ..)| &**key == name);
            named.map(|(_, value, place)| (value.clone(), *place))
        };
        let Some((mut value, place)) = found else {
            let message = format!("`.format` has no value for `{{{field}}}`");
            return Err(self.causes.fault(at, message));
        };
        let mut path = path;
        while let Some((key, rest)) = path.strip_prefix('[').and_then(|path| path.split_once(']')) {
            let index = match key.parse::<i64>() {
                Ok(number) => Value::Int(i128::from(number)),
                Err(_) => Value::Text(self.made(key, at)),
            };
            value = self.index(&value, &index, place)?;
            path = rest;
        }
        if path.starts_with('[') {
            return Err(self.causes.fault(at, "a `[` in braces is not closed"));
        }
        if !path.is_empty() {
            let hint = "give `.format` the value itself";
            return Err(self.causes.foreign(at, "an attribute in braces", hint));
        }
        if let Value::Unknown(cause) = value {
            return Err(cause);
        }
        match conversion {
            Some("r") => {
                let text = self.repr(&value, place)?;
                value = Value::Text(self.made(text, place));
            }
            Some("s") => value = Value::Text(Rc::new(self.str(&value, place)?)),
            Some(_) => return Err(self.causes.fault(at, "behind `!` is only `r` or `s`")),
            None => {}
        }
        let spec = self.spec(spec, at)?;
        self.fill_in(&value, &spec, made, place, at)
    }

    /// `[[fill]align][sign][#][0][width][.precision][letter]`
    fn spec(&mut self, written: &str, at: At) -> Outcome<Spec> {
        let mut spec = Spec::default();
        let mut rest = written.chars().peekable();
        let first: Vec<char> = written.chars().take(2).collect();
        let is_align = |c: Option<&char>| c.is_some_and(|c| matches!(c, '<' | '>' | '^' | '='));
        if is_align(first.get(1)) {
            spec.fill = rest.next();
            spec.align = rest.next();
        } else if is_align(first.first()) {
            spec.align = rest.next();
        }
        match rest.peek() {
            Some(sign @ ('+' | ' ')) => {
                spec.layout.plus = Some(*sign);
                rest.next();
            }
            Some('-') => {
                rest.next();
            }
            _ => {}
        }
        spec.layout.alternate = rest.next_if_eq(&'#').is_some();
        if rest.next_if_eq(&'0').is_some() && spec.align.is_none() {
            spec.layout.zeros = true;
        }
        let digits = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut size = None;
            while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
                let before: usize = size.unwrap_or(0);
                size = Some(before.saturating_mul(10).saturating_add(digit as usize));
                rest.next();
            }
            size
        };
        spec.layout.width = digits(&mut rest).unwrap_or(0);
        if rest.next_if_eq(&'.').is_some() {
            spec.layout.precision = digits(&mut rest);
        }
        spec.letter = rest.next();
        let width = spec.layout.width.max(spec.layout.precision.unwrap_or(0));
        if rest.next().is_some() || width > LARGEST {
            let message = format!("`:{written}` is no form of a value");
            return Err(self.causes.fault(at, message));
        }
        self.spend(width / 32, at)?;
        Ok(spec)
    }

    fn fill_in(
        &mut self,
        value: &Value,
        spec: &Spec,
        made: &mut Str,
        place: At,
        at: At,
    ) -> Outcome<()> {
        let mut layout = spec.layout;
        if spec.align == Some('=') {
            layout.zeros = spec.fill == Some('0');
        }
        let wrong = |run: &mut Self, letter: char| {
            let message = format!("`:{letter}` does not fit {}", value.kind());
            run.causes.fault(at, message)
        };
        let number = matches!(value, Value::Int(_) | Value::Float(_) | Value::Given(..));
        let text = match (spec.letter, value) {
            (
                None | Some('d' | 'x' | 'X' | 'o' | 'b'),
                Value::Int(number) | Value::Given(_, number),
            ) => Str::made(
                number::int(*number, spec.letter.unwrap_or('d'), layout),
                place,
            ),
            (Some('c'), Value::Int(code)) => {
                let found = u32::try_from(*code).ok().and_then(char::from_u32);
                match found {
                    Some(found) => Str::made(found, place),
                    None => return Err(wrong(self, 'c')),
                }
            }
            (Some(letter @ ('f' | 'F' | 'e' | 'E' | 'g' | 'G' | '%')), _) => match value.float() {
                Some(number) => Str::made(number::float(number, letter, layout), place),
                None => return Err(wrong(self, letter)),
            },
            (None, Value::Float(number)) => match layout.precision {
                Some(_) => Str::made(number::float(*number, 'g', layout), place),
                None => self.str(value, place)?,
            },
            (None | Some('s'), _) if !number => {
                let text = self.str(value, place)?;
                let end = layout
                    .precision
                    .and_then(|most| text.as_str().char_indices().nth(most));
                text.slice(0..end.map_or(text.as_str().len(), |(end, _)| end))
            }
            (letter, _) => return Err(wrong(self, letter.unwrap_or('s'))),
        };
        let align = match spec.align {
            Some('=') | None if number => '>',
            None => '<',
            Some(align) => align,
        };
        let length = text.as_str().chars().count();
        let (before, behind) = number::fill(length, layout.width, align);
        let fill = spec.fill.unwrap_or(' ').to_string();
        made.push_made(&fill.repeat(before), place);
        made.push(&text);
        made.push_made(&fill.repeat(behind), place);
        Ok(())
    }
}
