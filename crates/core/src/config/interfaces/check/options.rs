//! The options of one stanza.

use std::net::IpAddr;

use super::super::address::{self, Fault, first_word};
use super::super::keywords::{FOREIGN, OPTIONS, STANZAS};
use super::super::{Iface, Interfaces, Setting};
use crate::diag::code::interfaces as code;
use crate::diag::{Diagnostic, Diagnostics, nearest};
use crate::name::Mac;

/// Options of which a stanza takes one. bridge_ports and dns-nameservers are made of several
/// lines by design, since their values are lists.
const ONCE: [&str; 6] = [
    "address",
    "netmask",
    "gateway",
    "broadcast",
    "mtu",
    "hwaddress",
];

/// Below this length nearly everything is near something.
const TELLING: usize = 5;

/// Reports what is wrong with the options of a stanza; `template` says that others inherit from
/// it, so that it need not be complete.
pub(super) fn check(interfaces: &Interfaces, iface: &Iface, template: bool, out: &mut Diagnostics) {
    let mut seen: [Option<&Setting>; ONCE.len()] = [None; ONCE.len()];
    for option in &iface.options {
        let Some(known) = spelling(iface, option, out) else {
            continue;
        };
        comment(known, option, out);
        if let Some(place) = ONCE.iter().position(|name| *name == known) {
            match seen[place] {
                Some(first) => twice(iface, first, option, out),
                None => seen[place] = Some(option),
            }
        }
        value(interfaces, iface, known, option, out);
    }
    let complete = template || iface.inherits.is_some();
    if address::takes_addresses(iface)
        && iface.has_method("static")
        && !complete
        && iface.own("address").next().is_none()
    {
        let message = format!("`{}` is static and has no address", iface.name.value);
        out.add(
            Diagnostic::warning(code::NO_ADDRESS, &iface.name.span, message)
                .hint("add an `address` line, or write `manual` for a link without one"),
        );
    }
}

/// The option's name as it stands in the list of known ones. A slip is reported, others belong to
/// somebody's scripts.
fn spelling(iface: &Iface, option: &Setting, out: &mut Diagnostics) -> Option<&'static str> {
    if let Some(known) = OPTIONS.into_iter().find(|known| option.is(known)) {
        return Some(known);
    }
    let written = option.name.value.as_str();
    let plain = written.replace('_', "-");
    if FOREIGN.iter().any(|family| plain.starts_with(family)) {
        return None;
    }
    let long = plain.len() >= TELLING;
    let (near, message) = match nearest(&plain, STANZAS) {
        Some(stanza) => {
            let name = &iface.name.value;
            (
                stanza,
                format!("ifup takes `{written}` for an option of `{name}`"),
            )
        }
        None => {
            let near = nearest(&plain, OPTIONS).filter(|_| long)?;
            (near, format!("ifup knows no option `{written}`"))
        }
    };
    out.add(
        Diagnostic::warning(code::UNKNOWN_OPTION, &option.name.span, message)
            .hint(format!("did you mean `{near}`?")),
    );
    None
}

/// A shell takes `#` for a comment, so commands are safe; free text may hold one.
fn comment(known: &str, option: &Setting, out: &mut Diagnostics) {
    if option.phase().is_some() || matches!(known, "description" | "alias" | "options" | "provider")
    {
        return;
    }
    if let Some(word) = option.words.iter().find(|word| word.value.starts_with('#')) {
        let message = format!("this `#` begins no comment: it belongs to the value of `{known}`");
        out.add(
            Diagnostic::warning(code::COMMENT, &word.span, message)
                .hint("move it to a line of its own"),
        );
    }
}

fn twice(iface: &Iface, first: &Setting, second: &Setting, out: &mut Diagnostics) {
    let (name, link) = (&second.name.value, &iface.name.value);
    let hint = match name.as_str() {
        "address" => format!("write a second `iface {link}` stanza; only ifupdown2 takes two here"),
        _ => "remove one".to_owned(),
    };
    let message = format!("`{name}` is there twice, and ifup joins both values");
    out.add(
        Diagnostic::warning(code::TWICE, &second.name.span, message)
            .also(&first.name.span, "first here")
            .hint(hint),
    );
}

fn value(
    interfaces: &Interfaces,
    iface: &Iface,
    known: &str,
    option: &Setting,
    out: &mut Diagnostics,
) {
    let word = first_word(option);
    let text = word.value.as_str();
    let family = address::family(iface);
    // A value that a template language or a variable fills in is not ours to judge.
    if text.contains(['$', '{', '%', '<']) {
        return;
    }
    let fault = match known {
        "address" if address::takes_addresses(iface) => {
            let mask = interfaces.values(iface, "netmask");
            let mask = mask.last().map(|mask| first_word(mask).value.as_str());
            match address::read(text, mask, family) {
                Ok(_) => return,
                Err(Fault::Address) => {
                    Diagnostic::error(code::ADDRESS, &word.span, format!("`{text}` is no address"))
                }
                Err(Fault::OtherFamily) => {
                    let family = family.map_or("", |family| family.as_str());
                    let message = format!("`{text}` is no address of the family `{family}`");
                    let other = if family == "inet" { "inet6" } else { "inet" };
                    let hint =
                        format!("write it below `iface {} {other} static`", iface.name.value);
                    Diagnostic::error(code::ADDRESS, &word.span, message).hint(hint)
                }
                // Said at the netmask line, if it is that which is wrong.
                Err(Fault::Netmask) if !text.contains('/') => return,
                Err(Fault::Netmask) => {
                    let message = format!("`{text}` has no network of that length");
                    Diagnostic::error(code::NETMASK, &word.span, message)
                }
            }
        }
        "netmask" if address::takes_addresses(iface) => {
            let any = match family {
                Some(super::super::Family::Inet6) => "::1",
                _ => "10.0.0.1",
            };
            if address::read(any, Some(text), None).is_ok() {
                return;
            }
            let message = format!("`{text}` is no netmask");
            Diagnostic::error(code::NETMASK, &word.span, message)
                .hint("write a length such as 24, or ones followed by zeros such as 255.255.255.0")
        }
        "gateway" if address::takes_addresses(iface) => {
            if text.parse::<IpAddr>().is_ok() {
                return;
            }
            Diagnostic::error(
                code::ADDRESS,
                &word.span,
                format!("`{text}` is no address of a gateway"),
            )
        }
        "mtu" => {
            // A link carries at least IPv4's 68 bytes, and the kernel's limit is 65535.
            if text
                .parse()
                .is_ok_and(|mtu: u32| (68..=65_535).contains(&mtu))
            {
                return;
            }
            let message = format!("`mtu` should be 68 to 65535 bytes, but is `{text}`");
            Diagnostic::error(code::VALUE, &word.span, message)
        }
        "hwaddress" | "hw-mac-address" => {
            // `hwaddress ether ADDRESS` is how older releases wanted it; `random` draws one.
            let named = option.words.iter().find(|word| word.value != "ether");
            let Some(named) = named.filter(|word| word.value != "random") else {
                return;
            };
            if named.value.parse::<Mac>().is_ok() || named.value.contains(['$', '%']) {
                return;
            }
            let message = format!("`{}` is no MAC address", named.value);
            Diagnostic::error(code::VALUE, &named.span, message)
                .hint("write six pairs of hex digits with colons")
        }
        _ => return,
    };
    out.add(fault);
}
