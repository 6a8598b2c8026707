//! What dom0 must look like in the end.

use super::raw::{RawExpect, RawExpectedLink, Text, in_order};
use super::read::Reader;
use super::{Expect, ExpectedBridge, ExpectedLink, ExpectedMac, Host, Master};
use crate::diag::{Diagnostic, Spanned, code, nearest};
use crate::name::IfName;

impl Reader<'_> {
    pub(super) fn expect(&mut self, raw: RawExpect, host: &Host) -> Expect {
        let mut expect = Expect::default();
        for (name, ports) in in_order(raw.bridge) {
            let ports = self.all_parsed(&ports, "a port");
            let name = self.parsed(&name, "a bridge");
            let bridge = name.map(|name| ExpectedBridge { name, ports });
            expect.bridges.extend(bridge);
        }
        for (name, link) in in_order(raw.link) {
            expect.links.extend(self.expected_link(&name, link, host));
        }
        expect.absent = self.all_parsed(&raw.absent, "a link");
        self.not_both(&expect);
        expect
    }

    fn expected_link(
        &mut self,
        name: &Text,
        link: RawExpectedLink,
        host: &Host,
    ) -> Option<ExpectedLink> {
        let master = link.master.as_ref();
        let master = master.and_then(|master| match master.get_ref().as_str() {
            "" => Some(Master::None),
            _ => self
                .parsed(master, "a bridge")
                .map(|bridge| Master::Link(bridge.value)),
        });
        let mac = link.mac.as_ref().and_then(|mac| self.mac(mac, host));
        let mtu = self.mtu(link.mtu);
        let addresses = link.address.map(|address| self.addresses(&address));
        self.parsed(name, "a link").map(|name| ExpectedLink {
            name,
            addresses,
            mac,
            mtu,
            up: link.up,
            master,
        })
    }

    /// A MAC, or the name of the NIC that had it when the host was built. No NIC's name is a MAC:
    /// a colon cannot be in one.
    fn mac(&mut self, text: &Text, host: &Host) -> Option<ExpectedMac> {
        let word = text.get_ref();
        if word.contains(':') {
            let mac = self.parsed(text, "a MAC")?;
            return Some(ExpectedMac::Is(mac.value));
        }
        let mut nics = host.nics.iter().map(|nic| &nic.name.value);
        if let Some(nic) = nics.find(|nic| nic.as_str() == word) {
            return Some(ExpectedMac::OfNic(nic.clone()));
        }
        let message = format!("`{word}` is neither a MAC nor a NIC of the host");
        let names = host.nics.iter().map(|nic| nic.name.value.as_str());
        let hint = match nearest(word, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write the MAC, or the NIC of `[host]` that has it when the host boots".into(),
        };
        let place = self.place(text);
        self.out
            .add(Diagnostic::error(code::lab::BAD_VALUE, &place, message).hint(hint));
        None
    }

    /// A link cannot be absent and looked at.
    fn not_both(&mut self, expect: &Expect) {
        let links = expect.links.iter().map(|link| &link.name);
        let named: Vec<&Spanned<IfName>> = links
            .chain(expect.bridges.iter().map(|bridge| &bridge.name))
            .collect();
        for absent in &expect.absent {
            if let Some(other) = named.iter().find(|other| other.value == absent.value) {
                let message = format!("`{}` is expected to be there and absent", absent.value);
                self.out.add(
                    Diagnostic::error(code::lab::LINK_TWICE, &absent.span, message)
                        .also(&other.span, "expected here")
                        .hint("remove one of the two"),
                );
            }
        }
    }
}
