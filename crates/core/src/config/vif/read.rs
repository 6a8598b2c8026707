//! Text into a specification, every fault at its place (contract 3.6.3).
//!
//! Where xl only prints a line and creates the vif all the same (an unknown key, a bad value), a
//! slip went unnoticed; here it is an error. Where xl reads something odd in a definite way, that
//! is what is read, with a warning.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use super::address::{is_bridge, lenient_mac, net};
use super::{VifSpec, VifType, Written, keys};
use crate::config::xl::Text;
use crate::diag::{Diagnostic, Diagnostics, Span, code, nearest};
use crate::name::{DevId, Mac};

/// Reads one specification.
pub fn read(text: &Text, out: &mut Diagnostics) -> Option<Written> {
    let errors = out.errors();
    let mut reader = Reader {
        text,
        out,
        spec: VifSpec::default(),
        places: BTreeMap::new(),
    };
    for part in parts(text.as_str()) {
        reader.part(part);
    }
    let (spec, places) = (reader.spec, reader.places);
    (out.errors() == errors).then(|| Written {
        spec,
        span: text.span().clone(),
        places,
    })
}

/// The parts between commas, leading blanks trimmed, empty ones skipped: as xl splits.
fn parts(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut next = 0;
    text.split(',').filter_map(move |part| {
        let end = next + part.len();
        let start = end - part.trim_start().len();
        next = end + 1;
        (start < end).then_some(start..end)
    })
}

struct Reader<'a> {
    text: &'a Text,
    out: &'a mut Diagnostics,
    spec: VifSpec,
    places: BTreeMap<&'static str, Span>,
}

/// A value and where it stands.
struct Value<'a> {
    text: &'a str,
    span: Span,
}

impl<'a> Reader<'a> {
    fn part(&mut self, range: Range<usize>) {
        let part = &self.text.as_str()[range.clone()];
        let whole = self.text.span_of(range.clone());
        let Some(equals) = part.find('=') else {
            return self.word(part, &whole);
        };
        let key = &part[..equals];
        let key_span = self.text.span_of(range.start..range.start + equals);
        let value = Value {
            text: &part[equals + 1..],
            span: self.text.span_of(range.start + equals + 1..range.end),
        };
        if let Some(known) = keys::VALUED.into_iter().find(|known| *known == key) {
            self.valued(known, &key_span, value);
        } else if key == keys::OLD_GATEWAYDEV {
            let message = "`netdev` is the old name of `gatewaydev`";
            self.out.add(
                Diagnostic::warning(code::vif::OLD_KEY, &key_span, message)
                    .hint("write `gatewaydev`"),
            );
            self.valued("gatewaydev", &key_span, value);
        } else if key == keys::IGNORED {
            self.out.add(
                Diagnostic::warning(code::vif::ACCEL, &key_span, "`accel` has no effect")
                    .hint("remove it"),
            );
        } else if keys::is_colo(key) {
            self.spec.colo.push((key.to_owned(), value.text.to_owned()));
        } else {
            self.unknown(key, &key_span, true);
        }
    }

    /// A part without `=`.
    fn word(&mut self, word: &str, span: &Span) {
        let trusted = match word {
            keys::TRUSTED => true,
            keys::UNTRUSTED => false,
            _ => return self.unknown(word, span, false),
        };
        self.first_time("trusted", span, span);
        self.spec.trusted = Some(trusted);
    }

    fn unknown(&mut self, key: &str, span: &Span, has_value: bool) {
        let bare = key.trim();
        let valued = keys::VALUED.contains(&bare);
        let (message, hint) = if valued && has_value {
            (
                format!("there is a blank before the `=` of `{bare}`"),
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
            let hint = match nearest(bare, keys::all()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "the keys are {}",
                    keys::all().collect::<Vec<_>>().join(", ")
                ),
            };
            (format!("a vif has no key `{bare}`"), hint)
        };
        self.out
            .add(Diagnostic::error(code::vif::UNKNOWN_KEY, span, message).hint(hint));
    }

    /// Remembers where a key was written; xl takes the last of several.
    fn first_time(&mut self, key: &'static str, key_span: &Span, value: &Span) {
        if let Some(before) = self.places.insert(key, value.clone()) {
            let message = format!("`{key}` is set again; xl takes the last value only");
            self.out.add(
                Diagnostic::warning(code::vif::KEY_AGAIN, key_span, message)
                    .also(&before, "first set here")
                    .hint("remove one of them"),
            );
        }
    }

    fn valued(&mut self, key: &'static str, key_span: &Span, value: Value<'_>) {
        self.first_time(key, key_span, &value.span);
        if value.text.trim().is_empty() {
            let message = format!("`{key}` has no value");
            self.out.add(
                Diagnostic::error(code::vif::EMPTY, &key_span.to(&value.span), message)
                    .hint(format!("remove `{key}=` to get the default")),
            );
            return;
        }
        // `mac` and `ip` are read with blanks around them, by xl and by the scripts.
        if value.text.trim() != value.text && !matches!(key, "mac" | "ip") {
            let message = format!("there are blanks around the value of `{key}`");
            self.out.add(
                Diagnostic::error(code::vif::BLANK, &value.span, message)
                    .hint("xl takes blanks as part of the value: remove them"),
            );
            return;
        }
        let text = Some(value.text.to_owned());
        match key {
            "mac" => self.spec.mac = self.mac(&value),
            "bridge" => self.spec.bridge = self.bridge(&value),
            "gatewaydev" => self.spec.gatewaydev = self.parsed(key, &value),
            "type" => self.spec.kind = self.kind(&value),
            "model" => self.spec.model = text,
            "vifname" => self.spec.vifname = self.parsed(key, &value),
            "script" => self.spec.script = text,
            "ip" => self.ip(&value),
            "backend" => self.spec.backend = text,
            "rate" => self.spec.rate = self.rate(&value),
            "devid" => self.spec.devid = self.number(key, &value, 0, u32::MAX).map(DevId),
            // 68 is the least IPv4 allows (RFC 791), 65535 the most netback's 16-bit sizes carry.
            "mtu" => self.spec.mtu = self.number(key, &value, 68, 65_535),
            "vlan" => self.spec.vlan = self.parsed(key, &value),
            _ => {}
        }
    }

    fn bad(&mut self, key: &str, value: &Value<'_>, why: impl Display) -> Diagnostic {
        Diagnostic::error(
            code::vif::BAD_VALUE,
            &value.span,
            format!("`{}` cannot be `{key}`: {why}", value.text),
        )
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, key: &str, value: &Value<'_>) -> Option<T> {
        value
            .text
            .parse()
            .map_err(|why| {
                let found = self.bad(key, value, why);
                self.out.add(found);
            })
            .ok()
    }

    fn number(&mut self, key: &str, value: &Value<'_>, least: u32, most: u32) -> Option<u32> {
        let digits = value.text.bytes().all(|b| b.is_ascii_digit());
        let number = value
            .text
            .parse()
            .ok()
            .filter(|n| digits && (least..=most).contains(n));
        if number.is_none() {
            let found = self.bad(
                key,
                value,
                format!("it should be a number from {least} to {most}"),
            );
            self.out.add(found);
        }
        number
    }

    fn bridge(&mut self, value: &Value<'_>) -> Option<String> {
        if is_bridge(value.text) {
            return Some(value.text.to_owned());
        }
        let found = self.bad("bridge", value, "it is no link's name").hint("a link's name has at most 15 visible characters, no `/`; Open vSwitch's script also takes NAME.VLAN and NAME:VLAN:VLAN");
        self.out.add(found);
        None
    }

    fn kind(&mut self, value: &Value<'_>) -> Option<VifType> {
        match value.text {
            "vif" => Some(VifType::Vif),
            "ioemu" => Some(VifType::Ioemu),
            _ => {
                let found = self.bad("type", value, "it is `vif` or `ioemu`");
                self.out.add(found);
                None
            }
        }
    }

    fn rate(&mut self, value: &Value<'_>) -> Option<super::Rate> {
        let octal = value.text.split('@').any(|n| {
            n.len() > 1 && n.starts_with('0') && n[1..].starts_with(|c: char| c.is_ascii_digit())
        });
        let rate = match value.text.parse::<super::Rate>() {
            Ok(rate) => rate,
            Err(why) => {
                let found = self
                    .bad("rate", value, why)
                    .hint("for example 10Mb/s, or 1MB/s@20ms");
                self.out.add(found);
                return None;
            }
        };
        if octal {
            let message = format!(
                "xl reads a number with a leading 0 as octal, so this is {}",
                rate.to_spec()
            );
            self.out.add(
                Diagnostic::warning(code::vif::RATE_OCTAL, &value.span, message)
                    .hint("remove the 0"),
            );
        }
        Some(rate)
    }

    fn mac(&mut self, value: &Value<'_>) -> Option<Mac> {
        let mac = match value.text.parse::<Mac>() {
            Ok(mac) => mac,
            Err(why) => {
                let Some(mac) = lenient_mac(value.text) else {
                    let found = self
                        .bad("mac", value, why)
                        .hint("for example 00:16:3e:00:00:02");
                    self.out.add(found);
                    return None;
                };
                let message = format!("xl reads this as the MAC {mac}");
                self.out.add(
                    Diagnostic::warning(code::vif::MAC_ODD, &value.span, message)
                        .hint(format!("write `mac={mac}`")),
                );
                mac
            }
        };
        if mac == Mac([0; 6]) {
            // libxl_nic.c takes the zero address for "none given" and draws one.
            let message = "an all-zero MAC is no MAC: libxl draws another one at every start";
            self.out.add(
                Diagnostic::warning(code::vif::MAC_ZERO, &value.span, message).hint("remove it"),
            );
            return None;
        }
        if mac.is_multicast() {
            let found = Diagnostic::error(
                code::vif::MAC_MULTICAST,
                &value.span,
                format!("{mac} is a multicast address, which no NIC can have"),
            );
            self.out.add(found.hint("the first byte must be even"));
            return None;
        }
        if !mac.is_local() && !mac.is_xen() {
            let message = format!("{mac} belongs to a vendor: some card may have it");
            self.out.add(Diagnostic::warning(code::vif::MAC_VENDOR, &value.span, message).hint("take one from Xen's range, 00:16:3e:…, or a locally administered one, such as 02:…"));
        }
        Some(mac)
    }

    fn ip(&mut self, value: &Value<'_>) {
        (self.spec.ip, self.spec.nets) = (Vec::new(), Vec::new());
        for word in value.text.split_ascii_whitespace() {
            match net(word) {
                Some(net) => {
                    self.spec.ip.push(word.to_owned());
                    self.spec.nets.push(net);
                }
                None => {
                    let found = self.bad(
                        "ip",
                        value,
                        format!("`{word}` is not an address or a network"),
                    );
                    self.out
                        .add(found.hint("blanks stand between several: ip=192.0.2.7 2001:db8::7"));
                }
            }
        }
    }
}
