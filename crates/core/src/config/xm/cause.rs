//! Why a value is not known. A cause is told to the person only if it matters: what depends on
//! the machine may stay unknown unless the guest's network is made of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::At;
use crate::diag::{Code, Diagnostic, Diagnostics, Source, Span, code};

/// The number of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cause(usize);

#[derive(Debug)]
struct Reason {
    code: &'static Code,
    at: At,
    message: String,
    hint: Option<String>,
    /// Whether it stands where nobody knows if xm would come.
    unsure: bool,
    /// The settings that are made of it.
    needed: Vec<(String, At)>,
}

#[derive(Debug, Default)]
pub(super) struct Causes {
    reasons: Vec<Reason>,
    /// Each place tells one reason, however often it is passed.
    places: BTreeMap<(usize, usize, &'static str), Cause>,
    /// Each name that is missing is told once.
    names: BTreeMap<String, Cause>,
    /// Whether what is read now stands under a condition that is not known.
    pub(super) unsure: bool,
}

impl Causes {
    pub(super) fn add(
        &mut self,
        code: &'static Code,
        at: At,
        message: impl Into<String>,
        hint: Option<&str>,
    ) -> Cause {
        let place = (at.start, at.end, code.name);
        let cause = *self.places.entry(place).or_insert_with(|| {
            self.reasons.push(Reason {
                code,
                at,
                message: message.into(),
                hint: hint.map(str::to_owned),
                unsure: self.unsure,
                needed: Vec::new(),
            });
            Cause(self.reasons.len() - 1)
        });
        if let Some(reason) = self.reasons.get_mut(cause.0) {
            reason.unsure &= self.unsure;
        }
        cause
    }

    /// Python stops with an exception here.
    pub(super) fn fault(&mut self, at: At, message: impl Into<String>) -> Cause {
        self.add(code::xm::FAULT, at, message, None)
    }

    /// This is Python, and is not read here.
    pub(super) fn foreign(&mut self, at: At, what: &str, hint: &str) -> Cause {
        let message = format!("{what} is not read here");
        self.add(code::xm::UNSUPPORTED, at, message, Some(hint))
    }

    /// Only the machine knows this.
    pub(super) fn machine(&mut self, at: At) -> Cause {
        self.add(code::xm::MACHINE, at, "", None)
    }

    /// This name is declared as one of the command line's, where it does not stand.
    pub(super) fn not_given(&mut self, name: &str, at: At) -> Cause {
        let message = format!("`{name}` should come from the command line, and does not");
        let hint = format!("`--var {name}=…` gives it, as `xm create foo.cfg {name}=…` did");
        let cause = self.add(code::xm::VARIABLE, at, message, Some(&hint));
        self.names.insert(name.to_owned(), cause);
        cause
    }

    /// This name is set nowhere.
    pub(super) fn name(&mut self, name: &str, at: At) -> Cause {
        if let Some(cause) = self.names.get(name) {
            return *cause;
        }
        let message = format!("`{name}` is used, but set nowhere");
        let hint = format!(
            "give it on the command line: `--var {name}=…`, or put it into quotes if a text was meant"
        );
        let cause = self.add(code::xm::VARIABLE, at, message, Some(&hint));
        self.names.insert(name.to_owned(), cause);
        cause
    }

    /// A setting that is read here is made of this.
    pub(super) fn need(&mut self, cause: Cause, setting: &str, at: At) {
        if let Some(reason) = self.reasons.get_mut(cause.0) {
            reason.needed.push((setting.to_owned(), at));
        }
    }

    /// Tells what matters, in the order of the file.
    pub(super) fn report(mut self, source: &Arc<Source>, out: &mut Diagnostics) {
        self.reasons.sort_by_key(|reason| reason.at);
        let span = |at: At| Span::new(source, at.start..at.end);
        for reason in self.reasons {
            let told = span(reason.at);
            let is_needed = !reason.needed.is_empty();
            let found = match reason.code {
                code if code == code::xm::MACHINE => match machine(&reason, &told) {
                    Some(found) => found,
                    None => continue,
                },
                _ if !is_needed && reason.unsure => continue,
                code if code == code::xm::UNSUPPORTED && !is_needed => {
                    Diagnostic::warning(code, &told, reason.message)
                }
                code => Diagnostic::error(code, &told, reason.message),
            };
            let found = found.maybe_hint(reason.hint);
            // Where reading has stopped, everything behind is unknown, whatever it is made of.
            let stopped = reason.code == code::xm::LIMIT;
            out.add(match reason.needed.first() {
                Some((setting, at)) if *at != reason.at && !stopped => {
                    found.also(&span(*at), format!("`{setting}` is made of it"))
                }
                _ => found,
            });
        }
    }
}

/// What only the machine knows matters if the guest's network is made of it.
fn machine(reason: &Reason, told: &Span) -> Option<Diagnostic> {
    let names: Vec<&str> = reason.needed.iter().map(|(name, _)| &**name).collect();
    let (last, others) = names.split_last()?;
    let depends = match others {
        [] => format!("`{last}` depends"),
        others => format!("`{}` and `{last}` depend", others.join("`, `")),
    };
    let message = format!(
        "{depends} on `{}`, which only the machine knows",
        shortened(told.text())
    );
    // A list of vifs cannot be given on the command line.
    let hint = if names.contains(&"vif") {
        "write what it is on the machine you mean".to_owned()
    } else {
        format!("write it without that, or give it with `--var {last}=…`")
    };
    Some(Diagnostic::error(reason.code, told, message).hint(hint))
}

/// A piece of the file that fits into a message.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.len() == text.len() && line.chars().count() <= 40 {
        return line.to_owned();
    }
    line.chars().take(38).collect::<String>() + "…"
}
