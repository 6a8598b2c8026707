//! Text into a specification, every fault at its place (contract 3.6.3, 6.3).
//!
//! Where xl only prints a line and creates the vif all the same (an unknown key, a bad value), a
//! slip went unnoticed; here it is an error, unless the rules are lenient. Where a toolstack reads
//! something odd in a definite way, that is what is read, with a warning.

use std::collections::BTreeMap;
use std::ops::Range;

use super::address::net;
use super::keys::{self, Key};
use super::value::{Value, judge};
use super::{Dialect, Rules, VifSpec, Written, made};
use crate::config::settings::Text;
use crate::diag::{Diagnostic, Diagnostics, Severity, Span, code, nearest};

/// Reads one specification.
pub fn read(text: &Text, rules: Rules, out: &mut Diagnostics) -> Option<Written> {
    let mut reader = Reader {
        text,
        rules,
        out: Diagnostics::new(),
        written: Written {
            spec: VifSpec::default(),
            span: text.span().clone(),
            places: BTreeMap::new(),
            passed_on: BTreeMap::new(),
        },
    };
    for part in parts(text.as_str(), rules.dialect) {
        reader.part(part);
    }
    let written = (!reader.out.has_errors()).then_some(reader.written);
    out.append(reader.out);
    written
}

/// What C's isspace and Python's strip take for a blank.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// The parts between commas. xl trims spaces in front (no other blank) and skips what is empty
/// then; xm trims on both sides and skips nothing, unless there is nothing at all.
fn parts(text: &str, dialect: Dialect) -> impl Iterator<Item = Range<usize>> {
    let mut next = 0;
    let nothing = dialect == Dialect::Xm && text.trim_matches(is_blank).is_empty();
    text.split(',').filter_map(move |part| {
        let end = next + part.len();
        next = end + 1;
        match dialect {
            Dialect::Xl => {
                let start = end - part.trim_start_matches(' ').len();
                (start < end).then_some(start..end)
            }
            Dialect::Xm => {
                let start = end - part.trim_start_matches(is_blank).len();
                let end = start + part.trim_matches(is_blank).len();
                (!nothing).then_some(start..end)
            }
        }
    })
}

struct Reader<'a> {
    text: &'a Text,
    rules: Rules,
    out: Diagnostics,
    written: Written,
}

impl Reader<'_> {
    /// Adds what xl says on its way and xm gives up at.
    fn add_shrugged(&mut self, mut found: Diagnostic) {
        if self.rules.lenient && self.rules.dialect == Dialect::Xl {
            found.severity = Severity::Warning;
        }
        self.out.add(found);
    }

    fn part(&mut self, range: Range<usize>) {
        let part = &self.text.as_str()[range.clone()];
        let whole = self.text.span_of(range.clone());
        let Some(equals) = part.find('=') else {
            return self.word(part, &whole);
        };
        let (mut key, mut value) = (&part[..equals], &part[equals + 1..]);
        let mut value_start = range.start + equals + 1;
        if self.rules.dialect == Dialect::Xm {
            key = key.trim_end_matches(is_blank);
            value_start += value.len() - value.trim_start_matches(is_blank).len();
            value = value.trim_start_matches(is_blank);
        }
        let key_span = self.text.span_of(range.start..range.start + key.len());
        let value = Value {
            text: value,
            rest: &self.text.as_str()[value_start..],
            span: self.text.span_of(value_start..range.end),
        };
        match Key::of(key, self.rules.dialect) {
            Key::Valued(known) => self.valued(known, &key_span, &value),
            Key::Old => {
                let message = "`netdev` is the old name of `gatewaydev`";
                self.out.add(
                    Diagnostic::warning(code::vif::OLD_KEY, &key_span, message)
                        .hint("write `gatewaydev`"),
                );
                self.valued("gatewaydev", &key_span, &value);
            }
            Key::Accel => self.out.add(
                Diagnostic::warning(code::vif::ACCEL, &key_span, "`accel` has no effect")
                    .hint("remove it"),
            ),
            Key::OfXend => {
                let message = format!("`{key}` meant something to xend only");
                self.out.add(
                    Diagnostic::warning(code::vif::OF_XEND, &key_span, message).hint("remove it"),
                );
            }
            Key::Colo => {
                let colo = &mut self.written.spec.colo;
                colo.retain(|(before, _)| before != key);
                colo.push((key.to_owned(), value.text.to_owned()));
            }
            Key::Unknown => self.unknown(key, &key_span, true),
        }
    }

    /// A part without `=`.
    fn word(&mut self, word: &str, span: &Span) {
        let after_ip = self.written.places.get("ip").cloned();
        if let Some(ip) = after_ip.filter(|_| net(word.trim_matches(is_blank)).is_some()) {
            let message = format!("`{}` is not read as one of the addresses", word.trim());
            let hint = "a comma begins a new key: put blanks between addresses";
            let found = Diagnostic::error(code::vif::IP_COMMA, span, message);
            return self.add_shrugged(found.also(&ip, "they end here").hint(hint));
        }
        if self.rules.dialect == Dialect::Xm {
            let message = match word {
                "" => "there is nothing between the commas".to_owned(),
                _ => format!("`{word}` has no `=`"),
            };
            let hint = match word {
                "" => "remove the comma",
                _ => "each part is KEY=VALUE",
            };
            let found = Diagnostic::error(code::vif::NO_EQUALS, span, message);
            return self.out.add(found.hint(hint));
        }
        let trusted = match word {
            keys::TRUSTED => true,
            keys::UNTRUSTED => false,
            _ => return self.unknown(word, span, false),
        };
        self.first_time("trusted", span, span);
        self.written.spec.trusted = Some(trusted);
    }

    fn unknown(&mut self, key: &str, span: &Span, has_value: bool) {
        let dialect = self.rules.dialect;
        let bare = key.trim();
        let valued = keys::VALUED.contains(&bare);
        let (message, hint) = if dialect == Dialect::Xm && valued {
            (
                format!("xm has no key `{bare}`"),
                "only xl knows it: with xm the guest does not start".to_owned(),
            )
        } else if valued && has_value {
            (
                format!("there is a blank beside the key `{bare}`"),
                "xl takes blanks as part of the key: write `key=value`".to_owned(),
            )
        } else if valued {
            (
                format!("`{bare}` has no value"),
                format!("write `{bare}=…`"),
            )
        } else if has_value && (bare == keys::TRUSTED || bare == keys::UNTRUSTED) {
            (
                format!("`{bare}` takes no value"),
                format!("write `{bare}` alone"),
            )
        } else {
            let hint = match nearest(bare, keys::all(dialect)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "the keys are {}",
                    keys::all(dialect).collect::<Vec<_>>().join(", ")
                ),
            };
            (format!("a vif has no key `{bare}`"), hint)
        };
        self.add_shrugged(Diagnostic::error(code::vif::UNKNOWN_KEY, span, message).hint(hint));
    }

    /// Remembers where a key was written; both toolstacks take the last of several.
    fn first_time(&mut self, key: &'static str, key_span: &Span, value: &Span) {
        if let Some(before) = self.written.places.insert(key, value.clone()) {
            let message = format!(
                "`{key}` is set again; {} takes the last value only",
                self.rules.dialect
            );
            self.out.add(
                Diagnostic::warning(code::vif::KEY_AGAIN, key_span, message)
                    .also(&before, "first set here")
                    .hint("remove one of them"),
            );
        }
    }

    fn valued(&mut self, key: &'static str, key_span: &Span, value: &Value<'_>) {
        self.first_time(key, key_span, &value.span);
        let Rules { dialect, lenient } = self.rules;
        let mut found = Diagnostics::new();
        judge(
            &mut self.written.spec,
            key,
            key_span,
            value,
            dialect,
            &mut found,
        );
        self.written.passed_on.remove(key);
        if found.has_errors() && lenient && made::of(&mut self.written, key, value, dialect) {
            self.out.extend(found.iter().map(|fault| Diagnostic {
                severity: Severity::Warning,
                ..fault.clone()
            }));
        } else {
            self.out.append(found);
        }
    }
}
