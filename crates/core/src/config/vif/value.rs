//! What each key's value has to be. A value that is right is put into the specification; one that
//! is wrong leaves it as it was.

mod names;

use std::fmt::Display;
use std::str::FromStr;

use super::address::{ip, mac_as_xl};
use super::{Dialect, Rate, RateError, VifSpec, VifType};
use crate::diag::{Code, Diagnostic, Diagnostics, Span, code};
use crate::name::{DevId, Mac};

/// A value and where it stands.
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    /// From the value's first byte to the end of the specification.
    pub(super) rest: &'a str,
    pub(super) span: Span,
}

/// Puts a value into the specification, or says why not.
pub(super) fn judge(
    spec: &mut VifSpec,
    key: &'static str,
    key_span: &Span,
    value: &Value<'_>,
    dialect: Dialect,
    out: &mut Diagnostics,
) {
    let text = value.text;
    if text.trim().is_empty() {
        let message = format!("`{key}` has no value");
        out.add(
            Diagnostic::error(code::vif::EMPTY, &key_span.to(&value.span), message)
                .hint(format!("remove `{key}=` to get the default")),
        );
        return;
    }
    // `mac` and `ip` are read with blanks around them, by xl and by the scripts.
    if text.trim() != text && !matches!(key, "mac" | "ip") {
        let message = format!("there are blanks around the value of `{key}`");
        out.add(
            Diagnostic::error(code::vif::BLANK, &value.span, message)
                .hint("xl takes blanks as part of the value: remove them"),
        );
        return;
    }
    let mut judge = Judge { value, out };
    match key {
        "mac" => {
            if let Some(mac) = judge.mac(dialect) {
                spec.mac = Some(mac).filter(|mac| *mac != NO_MAC);
            }
        }
        "bridge" => set(&mut spec.bridge, judge.bridge()),
        "gatewaydev" => set(&mut spec.gatewaydev, judge.link_name(key)),
        "type" => set(&mut spec.kind, judge.kind()),
        "model" => spec.model = Some(text.to_owned()),
        "vifname" => set(&mut spec.vifname, judge.vifname()),
        "script" => set(&mut spec.script, judge.script(dialect)),
        "ip" => judge.ip(spec),
        "backend" => set(&mut spec.backend, judge.backend()),
        "rate" => set(&mut spec.rate, judge.rate(dialect)),
        "devid" => {
            // libxl keeps it as a C int, of which -1 means none.
            let devid = judge.number(code::vif::DEVID, key, 0, i32::MAX.unsigned_abs());
            set(&mut spec.devid, devid.map(DevId));
        }
        // 68 is the least IPv4 allows (RFC 791), 65535 the most netback's 16-bit sizes carry.
        "mtu" => {
            let mtu = judge.number(code::vif::MTU, key, 68, 65_535);
            set(&mut spec.mtu, mtu);
        }
        "vlan" => set(&mut spec.vlan, judge.parsed(code::vif::VLAN, key)),
        _ => {}
    }
}

fn set<T>(field: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *field = value;
    }
}

/// A rate whose unit is written as other programs want it, with the unit that Xen has for it.
fn rate_in_xens_words(text: &str) -> Option<String> {
    let (speed, interval) = text.split_once('@').unwrap_or((text, ""));
    let digits = speed.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = speed.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let unit = unit
        .strip_suffix("/s")
        .or(unit.strip_suffix("ps"))
        .unwrap_or(&unit);
    let (size, what) = match unit {
        "bit" | "kbit" | "mbit" | "gbit" => (unit.strip_suffix("bit")?, 'b'),
        "byte" | "kbyte" | "mbyte" | "gbyte" => (unit.strip_suffix("byte")?, 'B'),
        "b" | "kb" | "mb" | "gb" => (
            unit.strip_suffix('b')?,
            if speed.contains('B') { 'B' } else { 'b' },
        ),
        _ => return None,
    };
    let at = if interval.is_empty() { "" } else { "@" };
    Some(format!(
        "{number}{}{what}/s{at}{interval}",
        size.to_ascii_uppercase()
    ))
}

/// libxl_nic.c takes the zero address for "none given" and draws one.
const NO_MAC: Mac = Mac([0; 6]);

struct Judge<'a> {
    value: &'a Value<'a>,
    out: &'a mut Diagnostics,
}

impl Judge<'_> {
    fn bad(&mut self, code: &'static Code, key: &str, why: impl Display, hint: Option<&str>) {
        let message = format!("`{}` cannot be `{key}`: {why}", self.value.text);
        self.out.add(
            Diagnostic::error(code, &self.value.span, message).maybe_hint(hint.map(str::to_owned)),
        );
    }

    fn warn(&mut self, code: &'static Code, message: String, hint: &str) {
        self.out
            .add(Diagnostic::warning(code, &self.value.span, message).hint(hint));
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, code: &'static Code, key: &str) -> Option<T> {
        let parsed = self.value.text.parse();
        parsed.map_err(|why| self.bad(code, key, why, None)).ok()
    }

    fn number(&mut self, code: &'static Code, key: &str, least: u32, most: u32) -> Option<u32> {
        let text = self.value.text;
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok();
        let number = number.filter(|n| digits && (least..=most).contains(n));
        if number.is_none() {
            let why = format!("it should be a number from {least} to {most}");
            self.bad(code, key, why, None);
        }
        number
    }

    fn kind(&mut self) -> Option<VifType> {
        match self.value.text {
            "vif" => Some(VifType::Vif),
            "ioemu" => Some(VifType::Ioemu),
            _ => {
                let hint = "`pv`, `hvm` and the like are the guest's `type`, not the vif's";
                self.bad(
                    code::vif::TYPE,
                    "type",
                    "it is `vif` or `ioemu`",
                    Some(hint),
                );
                None
            }
        }
    }

    fn rate(&mut self, dialect: Dialect) -> Option<Rate> {
        let text = self.value.text;
        let rate = match Rate::read(text, dialect) {
            Ok(rate) => rate,
            Err(RateError::Nothing) => {
                let why = RateError::Nothing;
                let hint = "use a longer interval: 100b/s@1s";
                self.bad(code::vif::RATE_NOTHING, "rate", why, Some(hint));
                return None;
            }
            Err(why) => {
                let near =
                    rate_in_xens_words(text).filter(|near| Rate::read(near, dialect).is_ok());
                let hint = match near {
                    Some(near) => format!("write `{near}`: b is a bit, B a byte"),
                    None => "for example 10Mb/s, or 1MB/s@20ms".to_owned(),
                };
                self.bad(code::vif::RATE, "rate", why, Some(&hint));
                return None;
            }
        };
        let octal = |number: &str| {
            number.len() > 1
                && number.starts_with('0')
                && number[1..].starts_with(|c: char| c.is_ascii_digit())
        };
        if dialect == Dialect::Xl && text.split('@').any(octal) {
            let why = format!(
                "xl reads a number with a leading 0 as octal, and makes {} of it",
                rate.to_spec()
            );
            self.bad(code::vif::RATE_OCTAL, "rate", why, Some("remove the 0"));
            return None;
        }
        Some(rate)
    }

    fn mac(&mut self, dialect: Dialect) -> Option<Mac> {
        let text = self.value.text;
        let mac = match text.parse::<Mac>() {
            Ok(mac) => mac,
            Err(why) => {
                let mut bytes = [0; 6];
                let read = match dialect {
                    Dialect::Xl => mac_as_xl(text, &mut bytes),
                    Dialect::Xm => None,
                };
                let Some(length) = read else {
                    let hint = Some("for example 00:16:3e:00:00:02");
                    self.bad(code::vif::MAC, "mac", why, hint);
                    return None;
                };
                let mac = Mac(bytes);
                let behind = text.get(length..).unwrap_or_default().trim();
                if !behind.is_empty() {
                    let message =
                        format!("xl reads this as the MAC {mac} and ignores `{behind}` behind it");
                    let hint = format!("write `mac={mac}`, and a comma before the next key");
                    let found = Diagnostic::error(code::vif::MAC_ODD, &self.value.span, message);
                    self.out.add(found.hint(hint));
                    return None;
                }
                let message = format!("xl reads this as the MAC {mac}");
                self.warn(code::vif::MAC_ODD, message, &format!("write `mac={mac}`"));
                mac
            }
        };
        if mac == NO_MAC && dialect == Dialect::Xm {
            let why = "xend hands it to the guest, whose driver cannot use it";
            self.bad(code::vif::MAC_ZERO, "mac", why, Some("remove it"));
            return None;
        } else if mac == NO_MAC {
            let message = "an all-zero MAC is no MAC: another one is drawn at every start";
            self.warn(code::vif::MAC_ZERO, message.to_owned(), "remove it");
        } else if mac.is_multicast() {
            let message = format!("{mac} is a multicast address, which no NIC can have");
            let found = Diagnostic::error(code::vif::MAC_MULTICAST, &self.value.span, message);
            self.out.add(found.hint("the first byte must be even"));
            return None;
        } else if !mac.is_local() && !mac.is_xen() {
            let message = format!("{mac} belongs to a vendor: some card may have it");
            let hint = "take one from Xen's range, 00:16:3e:…, or a locally administered one, such as 02:…";
            self.warn(code::vif::MAC_VENDOR, message, hint);
        }
        Some(mac)
    }

    fn ip(&mut self, spec: &mut VifSpec) {
        let text = self.value.text;
        let (words, nets) = ip(text);
        if words.len() != nets.len() {
            for word in words
                .iter()
                .filter(|word| super::address::net(word).is_none())
            {
                let why = format!("`{word}` is not an address or a network");
                let hint = "blanks stand between several: ip=192.0.2.7 2001:db8::7";
                self.bad(code::vif::IP, "ip", why, Some(hint));
            }
            return;
        }
        for net in nets.iter().filter(|net| net.addr() != net.network()) {
            let message = format!("`{net}` is an address inside the network {}", net.trunc());
            let hint = format!(
                "write {} for the guest's address alone, or {} for the whole network",
                net.addr(),
                net.trunc()
            );
            self.warn(code::vif::IP_BITS, message, &hint);
        }
        (spec.ip, spec.nets) = (words, nets);
    }
}
