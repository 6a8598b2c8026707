//! NICs and bridges of a machine: where they are plugged in, and that no two have one name.

use super::raw::{RawBridge, RawNic};
use super::read::Reader;
use super::{Bridge, Lan, LanName, Nic};
use crate::diag::{Diagnostic, Spanned, code, nearest};
use crate::name::IfName;

impl Reader<'_> {
    pub(super) fn nics(&mut self, raw: Vec<toml::Spanned<RawNic>>, lans: &[Lan]) -> Vec<Nic> {
        let mut nics: Vec<Nic> = Vec::new();
        for (position, nic) in raw.into_iter().enumerate() {
            let whole = self.span(nic.span());
            let nic = nic.into_inner();
            let name = match &nic.name {
                Some(name) => self.parsed(name, "a NIC"),
                None => format!("eth{position}")
                    .parse()
                    .ok()
                    .map(|name| Spanned::new(name, whole)),
            };
            let lan: Option<Spanned<LanName>> = self.parsed(&nic.lan, "a LAN");
            if let Some(lan) = &lan {
                self.lan_exists(lan, lans);
            }
            let mac = nic.mac.as_ref().and_then(|mac| self.parsed(mac, "a MAC"));
            let mtu = self.mtu(nic.mtu);
            let addresses = self.addresses(&nic.address);
            if let (Some(name), Some(lan)) = (name, lan) {
                self.new_link(&name, nics.iter().map(|nic| &nic.name));
                nics.push(Nic {
                    name,
                    lan,
                    mac,
                    mtu,
                    addresses,
                });
            }
        }
        nics
    }

    fn lan_exists(&mut self, lan: &Spanned<LanName>, lans: &[Lan]) {
        let known = || lans.iter().map(|lan| lan.name.value.as_str());
        if !known().any(|name| name == lan.value.as_str()) {
            let hint = match nearest(lan.value.as_str(), known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `[lan.{}]`", lan.value),
            };
            let message = format!("there is no LAN `{}`", lan.value);
            self.out
                .add(Diagnostic::error(code::lab::UNKNOWN_LAN, &lan.span, message).hint(hint));
        }
    }

    /// A link must not have the name of another one of its machine.
    fn new_link<'b>(
        &mut self,
        name: &Spanned<IfName>,
        mut others: impl Iterator<Item = &'b Spanned<IfName>>,
    ) {
        if let Some(other) = others.find(|other| other.value == name.value) {
            let message = format!("two links of one machine are named `{}`", name.value);
            self.out.add(
                Diagnostic::error(code::lab::LINK_TWICE, &name.span, message)
                    .also(&other.span, "the other one"),
            );
        }
    }

    pub(super) fn bridge(
        &mut self,
        raw: RawBridge,
        nics: &[Nic],
        others: &[Bridge],
    ) -> Option<Bridge> {
        let name: Option<Spanned<IfName>> = self.parsed(&raw.name, "a bridge");
        if let Some(name) = &name {
            self.new_link(
                name,
                nics.iter()
                    .map(|nic| &nic.name)
                    .chain(others.iter().map(|other| &other.name)),
            );
        }
        let ports: Vec<Spanned<IfName>> = self.all_parsed(&raw.port, "a port");
        for (index, port) in ports.iter().enumerate() {
            if !nics.iter().any(|nic| nic.name.value == port.value) {
                let near = nearest(
                    port.value.as_str(),
                    nics.iter().map(|nic| nic.name.value.as_str()),
                );
                let message = format!("dom0 has no NIC `{}`", port.value);
                let found = Diagnostic::error(code::lab::UNKNOWN_NIC, &port.span, message);
                self.out
                    .add(found.maybe_hint(near.map(|near| format!("did you mean `{near}`?"))));
            }
            let mut taken = others
                .iter()
                .flat_map(|other| &other.ports)
                .chain(&ports[..index]);
            if let Some(other) = taken.find(|other| other.value == port.value) {
                let message = format!("`{}` cannot be a port twice", port.value);
                self.out.add(
                    Diagnostic::error(code::lab::PORT_TWICE, &port.span, message)
                        .also(&other.span, "a port here already"),
                );
            }
        }
        let mac = raw.mac.as_ref().and_then(|mac| self.parsed(mac, "a MAC"));
        let mtu = self.mtu(raw.mtu);
        let addresses = self.addresses(&raw.address);
        Some(Bridge {
            name: name?,
            ports,
            mac,
            mtu,
            vlan_filtering: raw.vlan_filtering,
            addresses,
        })
    }
}
