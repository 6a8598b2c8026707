//! What is wrong between guests, and between a guest and its host.

use std::collections::BTreeMap;

use super::host::Host;
use crate::config::domu::DomU;
use crate::config::vif::Written;
use crate::diag::{Code, Diagnostic, Diagnostics, Severity, Span, code, nearest};

/// Adds everything. With `in_lab`, what `lab::resolve` says already is left out.
pub(super) fn check(guests: &[DomU], host: &Host, in_lab: bool, out: &mut Diagnostics) {
    let mut macs = Seen::new(code::guests::MAC_TWICE, "MAC");
    let mut names = Seen::new(code::guests::VIFNAME_TWICE, "name");
    for guest in guests {
        for vif in &guest.vifs {
            if let Some(mac) = vif.spec.mac.filter(|_| !in_lab) {
                macs.add(mac.to_string(), guest, vif.place("mac"), out);
            }
            if let Some(name) = &vif.spec.vifname {
                names.add(name.to_string(), guest, vif.place("vifname"), out);
                name_is_free(name.as_str(), vif, host, out);
            }
            if !has_backend_elsewhere(guest, vif, guests, out) {
                bridge_is_made(vif, host, out);
                route_has_address(guest, vif, host, out);
            }
        }
    }
}

/// Things that only one vif of all that run together may have.
struct Seen<'a> {
    code: &'static Code,
    what: &'static str,
    first: BTreeMap<String, (&'a DomU, Span)>,
}

impl<'a> Seen<'a> {
    fn new(code: &'static Code, what: &'static str) -> Self {
        Self {
            code,
            what,
            first: BTreeMap::new(),
        }
    }

    fn add(&mut self, thing: String, guest: &'a DomU, span: &Span, out: &mut Diagnostics) {
        let Some((other, first)) = self.first.get(&thing) else {
            self.first.insert(thing, (guest, span.clone()));
            return;
        };
        let message = format!("another vif has the {} {thing} too", self.what);
        let mut found = Diagnostic::error(self.code, span, message).also(first, "here first");
        // Two files with one guest's name are two versions of it: Xen runs one at a time.
        if !std::ptr::eq(*other, guest) && other.name.value == guest.name.value {
            found.severity = Severity::Warning;
            found = found.hint(format!(
                "both files are of a guest called `{}`, so they cannot run together",
                guest.name.value
            ));
        }
        out.add(found);
    }
}

fn name_is_free(name: &str, vif: &Written, host: &Host, out: &mut Diagnostics) {
    if let Some(link) = host.link(name) {
        let message = format!("`{name}` is a link of the host itself");
        out.add(
            Diagnostic::error(code::guests::VIFNAME_TAKEN, vif.place("vifname"), message)
                .also(link, "this one"),
        );
    }
}

/// Whether the vif's other end is not in dom0. A guest cannot be at both ends of its own cable.
fn has_backend_elsewhere(
    guest: &DomU,
    vif: &Written,
    guests: &[DomU],
    out: &mut Diagnostics,
) -> bool {
    let Some(backend) = vif.spec.backend.as_deref() else {
        return false;
    };
    if backend == guest.name.value {
        let message = format!("`{backend}` cannot be the backend of its own vif");
        let others = guests.iter().map(|guest| guest.name.value.as_str());
        let others: Vec<&str> = others.filter(|name| *name != backend).collect();
        let hint = match others.as_slice() {
            [] => "name the domain at the other end".to_owned(),
            [other] => format!("write `backend={other}`"),
            several => format!("name the domain at the other end: {}", several.join(", ")),
        };
        let place = vif.place("backend");
        out.add(Diagnostic::error(code::guests::BACKEND_SELF, place, message).hint(hint));
    }
    !matches!(backend, "0" | "Domain-0")
}

/// The name of the script that brings the vif up, without its folder.
fn script<'a>(vif: &'a Written, host: &'a Host) -> &'a str {
    let script = vif.spec.script.as_deref().unwrap_or(host.script());
    script.rsplit('/').next().unwrap_or_default()
}

fn bridge_is_made(vif: &Written, host: &Host, out: &mut Diagnostics) {
    let Some(name) = vif.spec.bridge.as_deref() else {
        return;
    };
    // Open vSwitch keeps its bridges in a database of its own, and routed vifs have none.
    let bridged = script(vif, host) == "vif-bridge";
    if !bridged || !host.has_told_its_bridges() || host.bridge(name).is_some() {
        return;
    }
    let names: Vec<&str> = host.bridges.iter().map(|b| b.value.as_str()).collect();
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "the files that were read make no bridge".to_owned(),
        None => format!("the bridges are {}", names.join(", ")),
    };
    let message = format!("no file makes the bridge `{name}`");
    let place = vif.place("bridge");
    out.add(Diagnostic::warning(code::guests::BRIDGE_UNKNOWN, place, message).hint(hint));
}

fn route_has_address(guest: &DomU, vif: &Written, host: &Host, out: &mut Diagnostics) {
    let routed = script(vif, host) == "vif-route";
    let Some(dhcp) = guest.dhcp.as_ref().filter(|_| routed) else {
        return;
    };
    // The value becomes the kernel's ip= argument (Documentation/admin-guide/nfs/nfsroot.rst).
    if matches!(dhcp.value.as_str(), "" | "off" | "none" | "no") {
        return;
    }
    let message = format!(
        "`{}` is routed, and a routed guest cannot get its address from a DHCP server",
        guest.name.value
    );
    out.add(
        Diagnostic::error(code::guests::ROUTE_DHCP, &dhcp.span, message)
            .also(&vif.span, "this vif is routed")
            .hint("give it a static address, and write it as `ip=` of the vif"),
    );
}
