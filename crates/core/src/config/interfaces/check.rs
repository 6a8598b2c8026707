//! What a file says well-formed and cannot work, or was hardly meant. Invariant: what Debian's
//! ifup brings up without an error gets no error here.

mod options;

use std::collections::{BTreeMap, BTreeSet};

use super::{Chosen, Iface, Interfaces, Port, Selection, Stanza};
use crate::diag::code::interfaces as code;
use crate::diag::{Diagnostic, Diagnostics, Spanned, nearest};
use crate::name::{IfName, IfNameError};

pub(super) fn check(interfaces: &Interfaces, out: &mut Diagnostics) {
    let logical = Logical::of(interfaces);
    for iface in interfaces.ifaces() {
        logical.name(iface, out);
        let template = logical.inherited.contains(iface.name.value.as_str());
        options::check(interfaces, iface, template, out);
        vlan(interfaces, iface, out);
    }
    for stanza in &interfaces.stanzas {
        if let Stanza::Mapping(mapping) = stanza
            && mapping.script.is_none()
            && let Some(pattern) = mapping.patterns.first()
        {
            let message = format!("the mapping of `{}` has no script", pattern.value);
            out.add(Diagnostic::warning(code::SCRIPT, &pattern.span, message));
        }
    }
    bridges(interfaces, out);
    undefined(interfaces, &logical, out);
}

/// Names that need not be links: stanzas that others inherit from or that a mapping may choose.
struct Logical<'a> {
    inherited: BTreeSet<&'a str>,
    mapped: bool,
}

impl<'a> Logical<'a> {
    fn of(interfaces: &'a Interfaces) -> Self {
        let inherits = interfaces
            .ifaces()
            .filter_map(|iface| iface.inherits.as_ref());
        let pattern = |name: &Spanned<String>| name.value.contains('=');
        Self {
            inherited: inherits.map(|name| name.value.as_str()).collect(),
            mapped: interfaces.stanzas.iter().any(|stanza| match stanza {
                Stanza::Mapping(_) => true,
                Stanza::Selection(selection) => selection.names.iter().any(pattern),
                _ => false,
            }),
        }
    }

    fn name(&self, iface: &Iface, out: &mut Diagnostics) {
        let name = &iface.name;
        if !self.mapped && !self.inherited.contains(name.value.as_str()) && !name.value.is_empty() {
            link_name(name, out);
        }
    }
}

/// A label such as `eth0:1` counts as a whole: the kernel keeps it in the same 15 bytes.
fn link_name(name: &Spanned<String>, out: &mut Diagnostics) {
    let plain = name.value.replacen(':', ".", 1);
    // Patterns and templates of ifupdown2 hold other characters; only the kernel's limits count.
    if let Err(why @ (IfNameError::TooLong(_) | IfNameError::Forbidden('/'))) =
        plain.parse::<IfName>()
    {
        let message = format!("`{}` cannot be a link: {why}", name.value);
        out.add(Diagnostic::error(code::NAME, &name.span, message));
    }
}

fn vlan(interfaces: &Interfaces, iface: &Iface, out: &mut Diagnostics) {
    if let Some(Err(bad)) = interfaces.vlan(iface) {
        let number = bad.text.bytes().all(|byte| byte.is_ascii_digit());
        // The vlan package reads over a name without a number, and makes no link.
        let fault = if number {
            let message = format!("`{}` is no VLAN: the numbers are 1 to 4094", bad.text);
            Diagnostic::error(code::VLAN_ID, &bad.span, message)
        } else {
            let message = format!("`{}` does not say which VLAN it is", bad.text);
            Diagnostic::warning(code::VLAN_ID, &bad.span, message)
        };
        out.add(fault.hint("name the link like eth0.10 or vlan10, or add `vlan-id 10`"));
    }
}

fn bridges(interfaces: &Interfaces, out: &mut Diagnostics) {
    let chosen: BTreeSet<&str> = interfaces
        .stanzas
        .iter()
        .filter_map(|stanza| match stanza {
            Stanza::Selection(selection) if matches!(selection.what, Chosen::Class(_)) => {
                Some(&selection.names)
            }
            _ => None,
        })
        .flatten()
        .map(|name| name.value.as_str())
        .collect();
    let mut owners: BTreeMap<&str, (&Spanned<String>, &Spanned<String>)> = BTreeMap::new();
    let bridges = interfaces.bridges();
    for bridge in &bridges {
        for port in &bridge.ports {
            let Port::Named(port) = port else { continue };
            link_name(port, out);
            if port.value == bridge.name.value {
                let message = format!("`{}` is to be a port of itself", port.value);
                out.add(
                    Diagnostic::error(code::OWN_PORT, &port.span, message)
                        .hint("name the NIC that goes into the bridge"),
                );
                continue;
            }
            let (owner, first) = *owners.entry(&port.value).or_insert((bridge.name, port));
            if owner.value == bridge.name.value {
                continue;
            }
            let both = [owner, bridge.name].map(|bridge| chosen.contains(bridge.value.as_str()));
            let message = format!("`{}` is a port of `{}` already", port.value, owner.value);
            // Two bridges of which one is brought up by hand may be meant in turn.
            let fault = match both == [true, true] {
                true => Diagnostic::error(code::PORT_TWICE, &port.span, message),
                false => Diagnostic::warning(code::PORT_TWICE, &port.span, message),
            };
            out.add(
                fault
                    .also(&first.span, format!("it goes into `{}` here", owner.value))
                    .hint("a link is a port of one bridge; VLAN links share a wire"),
            );
        }
    }
}

/// Only where no other file is read, and no name stands for another.
fn undefined(interfaces: &Interfaces, logical: &Logical<'_>, out: &mut Diagnostics) {
    if interfaces.includes().next().is_some() || logical.mapped {
        return;
    }
    let known: BTreeSet<&str> = interfaces
        .ifaces()
        .map(|iface| iface.name.value.as_str())
        .collect();
    let mut told = BTreeSet::new();
    let lines = interfaces.stanzas.iter().filter_map(|stanza| match stanza {
        Stanza::Selection(line) if line.what == Chosen::Class("auto".to_owned()) => Some(line),
        _ => None,
    });
    // What follows a `#` was meant as a comment, which has been said.
    let meant = |line: &'_ Selection| line.names.iter().position(|n| n.value.starts_with('#'));
    for name in lines.flat_map(|line| &line.names[..meant(line).unwrap_or(line.names.len())]) {
        let text = name.value.as_str();
        // ifup knows lo without a stanza; patterns and ifupdown2's ranges choose among links.
        let pattern = text.contains(['/', '*', '[', '?']);
        if known.contains(text) || text == "lo" || pattern || !told.insert(text) {
            continue;
        }
        let message = format!("`{text}` is to be brought up, and no iface stanza defines it");
        // Comparing with thousands of names for each of thousands of slips would take its time.
        const ENOUGH: usize = 64;
        let near = nearest(text, known.iter().take(ENOUGH).copied());
        out.add(
            Diagnostic::warning(code::UNDEFINED, &name.span, message).maybe_hint(
                near.map(|near| format!("did you mean `{near}`?"))
                    .or_else(|| Some(format!("add `iface {text} inet manual`, or remove it"))),
            ),
        );
    }
}
