//! `'mac=00:16:3e:00:00:%02x' % vmid`: the `%` of texts. What is copied keeps its place in the
//! file; what is made from a value stands where that value was written.

use super::ast::{At, Expr, Kind};
use super::number::{self, Layout};
use super::run::{LARGEST, Outcome, Run};
use super::text::Str;
use super::value::Value;

/// Where the values come from.
struct Values {
    all: Vec<(Value, At)>,
    next: usize,
    /// The one value, which may be a dictionary for `%(name)s`.
    whole: Value,
    at: At,
}

/// A conversion, from behind its `%`.
#[derive(Default)]
struct Conversion {
    key: Option<String>,
    layout: Layout,
    left: bool,
    letter: char,
}

impl Run<'_> {
    /// `format % value`, the value being written as `right`.
    pub(super) fn percent(&mut self, format: &Str, value: &Value, right: &Expr, at: At) -> Outcome {
        let all = match value {
            Value::Unknown(cause) => return Err(*cause),
            Value::Tuple(id) => {
                let items = self.heap.items(*id)?.to_vec();
                self.spend(items.len(), at)?;
                let places = match &right.kind {
                    Kind::Tuple(parts) if parts.len() == items.len() => {
                        parts.iter().map(|part| part.at).collect()
                    }
                    _ => vec![right.at; items.len()],
                };
                items.into_iter().zip(places).collect()
            }
            value => vec![(value.clone(), right.at)],
        };
        let mut values = Values {
            all,
            next: 0,
            whole: value.clone(),
            at: right.at,
        };
        let text = format.as_str();
        self.spend(text.len() / 16, at)?;
        let mut made = Str::default();
        let mut position = 0;
        while let Some(found) = text[position..].find('%') {
            let start = position + found;
            made.push_slice(format, position..start);
            if text[start..].starts_with("%%") {
                made.push_slice(format, start..start + 1);
                position = start + 2;
                continue;
            }
            let (conversion, length) = self.conversion(&text[start + 1..], &mut values, at)?;
            self.convert(&conversion, &mut values, &mut made, at)?;
            position = start + 1 + length;
        }
        made.push_slice(format, position..text.len());
        let mapping = matches!(values.whole, Value::Dict(_) | Value::List(_));
        if values.next < values.all.len() && !mapping {
            let message = format!(
                "there are {} values, but the text takes {}",
                values.all.len(),
                values.next
            );
            return Err(self.causes.fault(at, message));
        }
        self.finish(made, at)
    }

    fn next(&mut self, values: &mut Values, at: At) -> Outcome<(Value, At)> {
        let Some((value, place)) = values.all.get(values.next).cloned() else {
            let message = "the text takes more values than there are";
            return Err(self.causes.fault(at, message));
        };
        values.next += 1;
        match value {
            Value::Unknown(cause) => Err(cause),
            value => Ok((value, place)),
        }
    }

    fn conversion(
        &mut self,
        text: &str,
        values: &mut Values,
        at: At,
    ) -> Outcome<(Conversion, usize)> {
        let mut conversion = Conversion::default();
        let mut rest = text;
        if let Some(inside) = rest.strip_prefix('(')
            && let Some((key, after)) = inside.split_once(')')
        {
            conversion.key = Some(key.to_owned());
            rest = after;
        }
        while let Some(flag) = rest.chars().next() {
            match flag {
                '-' => conversion.left = true,
                '0' => conversion.layout.zeros = true,
                '+' => conversion.layout.plus = Some('+'),
                ' ' => conversion.layout.plus = conversion.layout.plus.or(Some(' ')),
                '#' => conversion.layout.alternate = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        let width;
        (width, rest) = self.size(rest, values, at)?;
        conversion.layout.width = width.unwrap_or(0);
        if let Some(after) = rest.strip_prefix('.') {
            let precision;
            (precision, rest) = self.size(after, values, at)?;
            conversion.layout.precision = Some(precision.unwrap_or(0));
        }
        rest = rest.trim_start_matches(['l', 'h', 'L']);
        let Some(letter) = rest.chars().next() else {
            return Err(self.causes.fault(
                at,
                "the text ends within a conversion: write `%%` for a `%`",
            ));
        };
        conversion.letter = letter;
        Ok((conversion, text.len() - rest.len() + letter.len_utf8()))
    }

    /// A width or precision: digits, or `*` and the next value.
    fn size<'t>(
        &mut self,
        text: &'t str,
        values: &mut Values,
        at: At,
    ) -> Outcome<(Option<usize>, &'t str)> {
        let (size, rest) = if let Some(rest) = text.strip_prefix('*') {
            let (value, place) = self.next(values, at)?;
            let size = self.want_int(&value, place)?;
            (Some(usize::try_from(size).unwrap_or(0)), rest)
        } else {
            let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = &text[..text.len() - rest.len()];
            let size = (!digits.is_empty()).then(|| digits.parse().unwrap_or(usize::MAX));
            (size, rest)
        };
        if size.unwrap_or(0) > LARGEST {
            return Err(self
                .causes
                .fault(at, "this width is larger than any text read here"));
        }
        self.spend(size.unwrap_or(0) / 32, at)?;
        Ok((size, rest))
    }

    fn convert(
        &mut self,
        conversion: &Conversion,
        values: &mut Values,
        made: &mut Str,
        at: At,
    ) -> Outcome<()> {
        let (value, place) = match &conversion.key {
            None => self.next(values, at)?,
            Some(key) => {
                values.next = values.all.len();
                let Value::Dict(id) = values.whole else {
                    return Err(self.causes.fault(at, "`%(…)` wants a dictionary"));
                };
                let pairs = self.heap.pairs(id)?;
                let found = pairs
                    .iter()
                    .find(|(name, _)| name.text().is_some_and(|name| name.as_str() == key));
                match found {
                    Some((_, Value::Unknown(cause))) => return Err(*cause),
                    Some((_, value)) => (value.clone(), values.at),
                    None => {
                        let message = format!("the dictionary has no `{key}`");
                        return Err(self.causes.fault(at, message));
                    }
                }
            }
        };
        let mut layout = conversion.layout;
        layout.zeros &= !conversion.left;
        let text = match conversion.letter {
            letter @ ('d' | 'i' | 'u' | 'x' | 'X' | 'o') => {
                let number = match (&value, letter) {
                    (Value::Float(value), 'd' | 'i' | 'u') => truncated(*value),
                    _ => value.int(),
                };
                let Some(number) = number else {
                    let message = format!("`%{letter}` wants a number, but gets {}", value.kind());
                    return Err(self.causes.fault(place, message));
                };
                Str::made(number::int(number, letter, layout), place)
            }
            letter @ ('f' | 'F' | 'e' | 'E' | 'g' | 'G') => {
                let Some(number) = value.float() else {
                    let message = format!("`%{letter}` wants a number, but gets {}", value.kind());
                    return Err(self.causes.fault(place, message));
                };
                Str::made(number::float(number, letter, layout), place)
            }
            'c' => self.character(&value, place)?,
            letter @ ('s' | 'r') => {
                let text = match letter {
                    's' => self.str(&value, place)?,
                    _ => Str::made(self.repr(&value, place)?, place),
                };
                match layout.precision {
                    Some(most) => {
                        let end = text.as_str().char_indices().nth(most);
                        text.slice(0..end.map_or(text.as_str().len(), |(end, _)| end))
                    }
                    None => text,
                }
            }
            letter => {
                let message = format!("`%{letter}` is no conversion: write `%%` for a `%`");
                return Err(self.causes.fault(at, message));
            }
        };
        let length = text.as_str().chars().count();
        let align = if conversion.left { '<' } else { '>' };
        let (before, behind) = number::fill(length, layout.width, align);
        made.push_made(&" ".repeat(before), place);
        made.push(&text);
        made.push_made(&" ".repeat(behind), place);
        Ok(())
    }

    fn character(&mut self, value: &Value, place: At) -> Outcome<Str> {
        if let Value::Text(text) = value
            && text.as_str().chars().count() == 1
        {
            return Ok((**text).clone());
        }
        let found = value.int().and_then(|code| u32::try_from(code).ok());
        match found.and_then(char::from_u32) {
            Some(found) => Ok(Str::made(found, place)),
            None => Err(self.causes.fault(place, "this is no character")),
        }
    }
}

/// A fraction without what is behind its point.
#[expect(
    clippy::cast_possible_truncation,
    reason = "in range, and without a fraction"
)]
pub(super) fn truncated(value: f64) -> Option<i128> {
    (value.abs() < 1e36).then(|| value.trunc() as i128)
}
