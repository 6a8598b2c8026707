//! What a file has set in the end, as [`Settings`]: the last step of reading.

use std::sync::Arc;

use super::ast::At;
use super::cause::Cause;
use super::run::{Outcome, Run, Slot};
use super::text::Str;
use super::value::Value;
use crate::config::settings::{self, Setting, Settings, Text};
use crate::diag::{Diagnostic, Diagnostics, Source, Span, Spanned, code};

/// Makes settings of everything that is set. A setting in `needed` must be known as a whole.
pub(super) fn settle(
    mut run: Run<'_>,
    source: &Arc<Source>,
    needed: &[&str],
    out: &mut Diagnostics,
) -> Settings {
    let mut slots: Vec<(String, Slot)> = std::mem::take(&mut run.globals)
        .into_iter()
        .map(|(name, slot)| (name.to_string(), slot))
        .collect();
    slots.sort_by_key(|(_, slot)| slot.order);
    let mut settings = Vec::new();
    for (name, slot) in slots {
        let span = |at: At| Span::new(source, at.start..at.end);
        let needed = needed.contains(&name.as_str());
        // The command line wins over the file (xm/opts.py, Opts.load).
        let value = match run.given(&name, slot.key).filter(|_| needed) {
            Some(given) => Ok(given),
            None => known(&slot.value),
        };
        if let (Ok(Value::Tuple(_)), "vif") = (&value, name.as_str()) {
            let message = "`vif` is a tuple, which xm passes over: the guest would have no vif";
            let found = Diagnostic::warning(code::xm::TUPLE, &span(slot.at), message);
            out.add(found.hint("write `[ ]` instead of `( )`"));
        }
        let made = value.and_then(|value| run.settled(&value, slot.at, source));
        match made {
            Ok(Some(value)) => {
                let key = Spanned::new(name, span(slot.key));
                settings.push(Setting { key, value });
            }
            Ok(None) => {}
            Err(cause) if needed => run.causes.need(cause, &name, slot.key),
            Err(_) => {}
        }
    }
    for (name, text) in run.vars {
        if needed.contains(name) && !settings.iter().any(|setting| setting.key.value == *name) {
            settings.push(from_command_line(name, text));
        }
    }
    run.causes.report(source, out);
    Settings::new(Arc::clone(source), settings)
}

/// Every name and its value as `repr` writes it.
pub(super) fn variables(run: &mut Run<'_>) -> Vec<(String, Option<String>)> {
    let mut slots: Vec<(String, Slot)> = run
        .globals
        .iter()
        .map(|(name, slot)| (name.to_string(), slot.clone()))
        .collect();
    slots.sort_by_key(|(_, slot)| slot.order);
    let is_value = |value: &Value| {
        !matches!(
            value,
            Value::Def(..) | Value::Builtin(_) | Value::Module | Value::XmVars
        )
    };
    let slots = slots.into_iter().filter(|(_, slot)| is_value(&slot.value));
    slots
        .map(|(name, slot)| (name, run.repr(&slot.value, slot.at).ok()))
        .collect()
}

fn known(value: &Value) -> Outcome {
    match value {
        Value::Unknown(cause) => Err(*cause),
        value => Ok(value.clone()),
    }
}

/// A setting that stands only on the command line, which is what a diagnostic shows then.
fn from_command_line(name: &str, text: &str) -> Setting {
    let source = Source::new("--var", &format!("{name}={text}"));
    let end = source.text().len();
    Setting {
        key: Spanned::new(name.to_owned(), Span::new(&source, 0..name.len())),
        value: settings::Value::Text(Text::verbatim(&source, name.len() + 1..end)),
    }
}

impl Run<'_> {
    /// A value as one of a file's, or none if it is a function or a module.
    fn settled(
        &mut self,
        value: &Value,
        at: At,
        source: &Arc<Source>,
    ) -> Outcome<Option<settings::Value>> {
        self.spend(1, at)?;
        let span = Span::new(source, at.start..at.end);
        let text = |made: &Str, at: At| {
            let at = made.origin().unwrap_or(at);
            let span = Span::new(source, at.start..at.end);
            Text::new(made.as_str().to_owned(), span, made.places().clone())
        };
        let word = match value {
            Value::Text(made) => return Ok(Some(settings::Value::Text(text(made, at)))),
            Value::Given(made, number) => {
                let made = text(made, at);
                return Ok(Some(match u64::try_from(*number) {
                    Ok(number) => settings::Value::Number(number, made),
                    Err(_) => settings::Value::Text(made),
                }));
            }
            Value::Int(number) => match u64::try_from(*number) {
                Ok(value) => {
                    let made = Str::made(number.to_string(), at);
                    return Ok(Some(settings::Value::Number(value, text(&made, at))));
                }
                Err(_) if *number < 0 => "a negative number",
                Err(_) => "a very large number",
            },
            Value::List(id) | Value::Tuple(id) => {
                let items = self.heap.items(*id)?.to_vec();
                self.spend(items.len(), at)?;
                let mut list = Vec::new();
                let mut lost: Option<Cause> = None;
                for item in &items {
                    let made = match item {
                        Value::Unknown(cause) => Err(*cause),
                        item => self.deeper(at, |run| run.settled(item, at, source)),
                    };
                    match made {
                        Ok(Some(made)) => list.push(made),
                        Ok(None) => {
                            list.push(settings::Value::Other(Spanned::new(
                                item.kind(),
                                span.clone(),
                            )));
                        }
                        Err(cause) => lost = lost.or(Some(cause)),
                    }
                }
                return match lost {
                    Some(cause) => Err(cause),
                    None => Ok(Some(settings::Value::List(Spanned::new(list, span)))),
                };
            }
            Value::None => "None",
            Value::Bool(true) => "True",
            Value::Bool(false) => "False",
            Value::Float(_) => "a fraction",
            Value::Dict(_) => "a dictionary",
            Value::Def(..) | Value::Builtin(_) | Value::Module | Value::XmVars => return Ok(None),
            Value::Unknown(cause) => return Err(*cause),
        };
        Ok(Some(settings::Value::Other(Spanned::new(word, span))))
    }
}
