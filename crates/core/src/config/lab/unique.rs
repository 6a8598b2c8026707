//! What may be in a world only once: a machine's name, an address, a MAC.

use std::collections::BTreeMap;
use std::fmt::Display;

use ipnet::IpNet;

use super::Lab;
use crate::config::domu::DomU;
use crate::diag::{Code, Diagnostic, Diagnostics, Span, Spanned, code};

/// Reports everything that is there twice. `guests` are the guests' files, in the guests' order.
pub(super) fn check(lab: &Lab, guests: &[&DomU], out: &mut Diagnostics) {
    names(lab, guests, out);
    addresses(lab, out);
    macs(lab, guests, out);
}

/// The things of one kind, and where each was seen first.
struct Seen<T> {
    code: &'static Code,
    what: &'static str,
    first: BTreeMap<T, Span>,
}

impl<T: Ord + Display + Clone> Seen<T> {
    fn new(code: &'static Code, what: &'static str) -> Self {
        Self {
            code,
            what,
            first: BTreeMap::new(),
        }
    }

    fn add(&mut self, thing: &T, span: &Span, out: &mut Diagnostics) {
        if let Some(first) = self.first.get(thing) {
            let message = format!("the {} `{thing}` is there twice", self.what);
            out.add(Diagnostic::error(self.code, span, message).also(first, "here first"));
        } else {
            self.first.insert(thing.clone(), span.clone());
        }
    }
}

fn names(lab: &Lab, guests: &[&DomU], out: &mut Diagnostics) {
    let mut seen = Seen::new(code::lab::NAME_TWICE, "machine");
    for machine in &lab.machines {
        seen.add(&machine.name.value.as_str(), &machine.name.span, out);
    }
    for guest in guests {
        if guest.name.value == "dom0" {
            let message = "`dom0` is the host's own name";
            out.add(
                Diagnostic::error(code::lab::NAME_TWICE, &guest.name.span, message)
                    .hint("give the guest another name"),
            );
        }
        seen.add(&guest.name.value.as_str(), &guest.name.span, out);
    }
}

fn addresses(lab: &Lab, out: &mut Diagnostics) {
    let outside = lab
        .machines
        .iter()
        .flat_map(|machine| &machine.nics)
        .chain(&lab.host.nics);
    let nics = outside.flat_map(|nic| &nic.addresses);
    let bridges = lab.host.bridges.iter().flat_map(|bridge| &bridge.addresses);
    let guests = lab
        .guests
        .iter()
        .flat_map(|guest| &guest.nics)
        .flat_map(|nic| &nic.addresses);
    let mut seen = Seen::new(code::lab::ADDRESS_TWICE, "address");
    for Spanned { value, span } in nics.chain(bridges).chain(guests) {
        // fe80::1 on one link has nothing to do with fe80::1 on another (RFC 4291, 2.5.6).
        let link_local = matches!(value, IpNet::V6(net) if net.addr().is_unicast_link_local());
        if !link_local {
            seen.add(&value.addr(), span, out);
        }
    }
}

fn macs(lab: &Lab, guests: &[&DomU], out: &mut Diagnostics) {
    let outside = lab
        .machines
        .iter()
        .flat_map(|machine| &machine.nics)
        .chain(&lab.host.nics);
    let mut seen = Seen::new(code::lab::MAC_TWICE, "MAC");
    // A bridge's MAC is left out: it is rightly that of one of its ports.
    for Spanned { value, span } in outside.filter_map(|nic| nic.mac.as_ref()) {
        seen.add(value, span, out);
    }
    for vif in guests.iter().flat_map(|guest| &guest.vifs) {
        if let Some(mac) = &vif.spec.mac {
            seen.add(mac, vif.place("mac"), out);
        }
    }
}
