//! Values as texts: `str` and `repr`.

use super::ast::At;
use super::number;
use super::run::{LARGEST, Outcome, Run};
use super::text::Str;
use super::value::Value;
use crate::diag::code;

impl Run<'_> {
    /// A text stays what and where it is; everything else is made at `at`.
    pub(super) fn str(&mut self, value: &Value, at: At) -> Outcome<Str> {
        match value.text() {
            Some(text) => {
                self.spend(text.as_str().len() / 32, at)?;
                Ok((**text).clone())
            }
            None => Ok(Str::made(self.repr(value, at)?, at)),
        }
    }

    pub(super) fn repr(&mut self, value: &Value, at: At) -> Outcome<String> {
        let mut text = String::new();
        self.write(value, &mut text, at)?;
        Ok(text)
    }

    fn write(&mut self, value: &Value, text: &mut String, at: At) -> Outcome<()> {
        self.spend(1, at)?;
        if text.len() > LARGEST {
            let message = format!("this makes a text of more than {LARGEST} bytes");
            return Err(self.causes.add(code::xm::LIMIT, at, message, None));
        }
        match value {
            Value::None => text.push_str("None"),
            Value::Bool(value) => text.push_str(if *value { "True" } else { "False" }),
            Value::Int(value) => text.push_str(&value.to_string()),
            Value::Float(value) => text.push_str(&number::repr(*value)),
            Value::Text(found) | Value::Given(found, _) => {
                self.spend(found.as_str().len() / 32, at)?;
                quoted(found.as_str(), text);
            }
            Value::List(id) => {
                let items = self.heap.items(*id)?.to_vec();
                self.write_all(&items, ["[", "]"], text, at)?;
            }
            Value::Tuple(id) => {
                let items = self.heap.items(*id)?.to_vec();
                let close = if items.len() == 1 { ",)" } else { ")" };
                self.write_all(&items, ["(", close], text, at)?;
            }
            Value::Dict(id) => {
                let pairs = self.heap.pairs(*id)?.to_vec();
                self.spend(pairs.len(), at)?;
                text.push('{');
                for (number, (key, value)) in pairs.iter().enumerate() {
                    text.push_str(if number > 0 { ", " } else { "" });
                    self.deeper(at, |run| run.write(key, text, at))?;
                    text.push_str(": ");
                    self.deeper(at, |run| run.write(value, text, at))?;
                }
                text.push('}');
            }
            Value::Unknown(cause) => return Err(*cause),
            other => {
                let what = format!("{} as a text", other.kind());
                return Err(self.causes.foreign(at, &what, "write the text itself"));
            }
        }
        Ok(())
    }

    fn write_all(
        &mut self,
        items: &[Value],
        [open, close]: [&str; 2],
        text: &mut String,
        at: At,
    ) -> Outcome<()> {
        self.spend(items.len(), at)?;
        text.push_str(open);
        for (number, item) in items.iter().enumerate() {
            text.push_str(if number > 0 { ", " } else { "" });
            self.deeper(at, |run| run.write(item, text, at))?;
        }
        text.push_str(close);
        Ok(())
    }
}

/// A text as Python would have it written: in single quotes, unless there are some within.
fn quoted(found: &str, text: &mut String) {
    let quote = if found.contains('\'') && !found.contains('"') {
        '"'
    } else {
        '\''
    };
    text.push(quote);
    for c in found.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c == quote => text.extend(['\\', c]),
            c if u32::from(c) < 0x20 || matches!(u32::from(c), 0x7f..=0xa0 | 0xad) => {
                text.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text.push(quote);
}
