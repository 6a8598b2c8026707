//! `lab.toml` into a [`Lab`]. A text that means something is parsed where it is read, and one
//! that does not parse never keeps the rest from being checked.

use std::fmt::Display;
use std::net::IpAddr;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;

use super::claims;
use super::raw::{self, RawGuest, RawHost, RawLab, RawMachine, in_order};
use super::{Bridge, Guest, GuestNic, Host, Lab, Lan, Machine, MachineName};
use crate::diag::{Diagnostic, Diagnostics, Source, Span, Spanned, code, nearest};
use crate::name::IfName;

/// Reads `lab.toml`.
pub fn read(text: &str, file: &str, out: &mut Diagnostics) -> Option<Lab> {
    let source = Source::new(file, text);
    let errors = out.errors();
    let raw: RawLab = match toml::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            out.add(toml_fault(&source, &error));
            return None;
        }
    };
    let lab = Reader {
        source: &source,
        out,
    }
    .lab(raw);
    (out.errors() == errors).then_some(lab)
}

/// The toml crate's own complaint, and for an unknown key the one that was meant.
fn toml_fault(source: &Arc<Source>, error: &toml::de::Error) -> Diagnostic {
    let span = Span::new(source, error.span().unwrap_or(0..0));
    // "unknown field `x`, expected one of `a`, `b`": between backticks are the names.
    let names: Vec<&str> = error.message().split('`').skip(1).step_by(2).collect();
    let hint = match names.split_first() {
        Some((unknown, known)) if error.message().starts_with("unknown field") => {
            nearest(unknown, known.iter().copied()).map(|near| format!("did you mean `{near}`?"))
        }
        _ => None,
    };
    // A message of several lines tells the rest in them; a title has one.
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    Diagnostic::error(code::lab::TOML, &span, message).maybe_hint(hint)
}

/// What reading needs everywhere: where the places are, and where the faults go.
pub(super) struct Reader<'a> {
    source: &'a Arc<Source>,
    pub(super) out: &'a mut Diagnostics,
}

impl Reader<'_> {
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, range)
    }

    /// The place of a text's inside, without quotes.
    pub(super) fn place(&self, text: &raw::Text) -> Span {
        self.span(text.span())
    }

    /// A text that must parse as `what`.
    pub(super) fn parsed<T: FromStr<Err: Display>>(
        &mut self,
        text: &raw::Text,
        what: &str,
    ) -> Option<Spanned<T>> {
        let span = self.place(text);
        match text.get_ref().parse() {
            Ok(value) => Some(Spanned::new(value, span)),
            Err(why) => {
                let message = format!("`{}` cannot be {what}: {why}", text.get_ref());
                self.out
                    .add(Diagnostic::error(code::lab::BAD_VALUE, &span, message));
                None
            }
        }
    }

    pub(super) fn all_parsed<T: FromStr<Err: Display>>(
        &mut self,
        texts: &[raw::Text],
        what: &str,
    ) -> Vec<Spanned<T>> {
        texts
            .iter()
            .filter_map(|text| self.parsed(text, what))
            .collect()
    }

    pub(super) fn addresses(&mut self, texts: &[raw::Text]) -> Vec<Spanned<IpNet>> {
        let mut found = Vec::new();
        for text in texts {
            let span = self.place(text);
            match text.get_ref().parse::<IpNet>() {
                Ok(net) => found.push(Spanned::new(net, span)),
                Err(_) => {
                    let message = format!(
                        "`{}` is not an address with the length of its network",
                        text.get_ref()
                    );
                    let hint = match text.get_ref().parse::<IpAddr>() {
                        Ok(IpAddr::V4(address)) => format!("write for example `{address}/24`"),
                        Ok(IpAddr::V6(address)) => format!("write for example `{address}/64`"),
                        Err(_) => "for example 192.0.2.1/24 or 2001:db8:1::1/64".to_owned(),
                    };
                    self.out
                        .add(Diagnostic::error(code::lab::BAD_VALUE, &span, message).hint(hint));
                }
            }
        }
        found
    }

    pub(super) fn mtu(&mut self, mtu: Option<toml::Spanned<i64>>) -> Option<u32> {
        let mtu = mtu?;
        let number = u32::try_from(*mtu.get_ref())
            .ok()
            .filter(|n| (68..=65_535).contains(n));
        if number.is_none() {
            let message = format!(
                "{} cannot be an MTU: it goes from 68 to 65535",
                mtu.get_ref()
            );
            self.out.add(Diagnostic::error(
                code::lab::BAD_VALUE,
                &self.span(mtu.span()),
                message,
            ));
        }
        number
    }

    fn lab(&mut self, raw: RawLab) -> Lab {
        let mut lans = Vec::new();
        for (name, lan) in in_order(raw.lan) {
            let mtu = self.mtu(lan.mtu);
            lans.extend(self.parsed(&name, "a LAN").map(|name| Lan { name, mtu }));
        }
        let machines = in_order(raw.machine)
            .into_iter()
            .filter_map(|(name, machine)| self.machine(&name, machine, &lans))
            .collect();
        let host = self.host(raw.host, &lans);
        let guests = raw
            .guest
            .into_iter()
            .map(|guest| self.guest(guest))
            .collect();
        let claims = claims::read(self, raw.reach, raw.not_reach);
        let expect = self.expect(raw.expect, &host);
        Lab {
            title: raw.title,
            lans,
            machines,
            host,
            guests,
            claims,
            expect,
        }
    }

    fn machine(&mut self, name: &raw::Text, raw: RawMachine, lans: &[Lan]) -> Option<Machine> {
        let name: Option<Spanned<MachineName>> = self.parsed(name, "a machine");
        if let Some(name) = name.as_ref().filter(|name| name.value.is_dom0()) {
            let found = Diagnostic::error(
                code::lab::NAME_TWICE,
                &name.span,
                "`dom0` is the host's own name",
            );
            self.out
                .add(found.hint("describe the host in `[host]`, or take another name"));
        }
        let nics = self.nics(raw.nic, lans);
        let names: Vec<&IfName> = nics.iter().map(|nic| &nic.name.value).collect();
        let networks = networks(nics.iter().flat_map(|nic| &nic.addresses));
        let routes = self.routes(raw.route, Some(&names), &networks);
        Some(Machine {
            name: name?,
            forward: raw.forward,
            nics,
            routes,
        })
    }

    fn host(&mut self, raw: RawHost, lans: &[Lan]) -> Host {
        let nics = self.nics(raw.nic, lans);
        let mut bridges: Vec<Bridge> = Vec::new();
        for bridge in raw.bridge {
            if let Some(bridge) = self.bridge(bridge, &nics, &bridges) {
                bridges.push(bridge);
            }
        }
        let nic_names = nics.iter().map(|nic| &nic.name.value);
        let names: Vec<&IfName> = nic_names
            .chain(bridges.iter().map(|bridge| &bridge.name.value))
            .collect();
        let of_bridges = bridges.iter().flat_map(|bridge| &bridge.addresses);
        let networks = networks(nics.iter().flat_map(|nic| &nic.addresses).chain(of_bridges));
        let routes = self.routes(raw.route, Some(&names), &networks);
        let boot = self.boot(
            raw.toolstack.as_ref(),
            raw.generation.as_ref(),
            raw.nloopbacks.as_ref(),
            &raw.boot,
        );
        let links = nics.iter().map(|nic| &nic.name);
        self.pairs_are_free(
            &boot,
            links.chain(bridges.iter().map(|bridge| &bridge.name)),
        );
        Host {
            nics,
            bridges,
            routes,
            boot,
        }
    }

    fn guest(&mut self, raw: toml::Spanned<RawGuest>) -> Guest {
        let span = self.span(raw.span());
        let raw = raw.into_inner();
        let config = Spanned::new(raw.config.get_ref().clone(), self.place(&raw.config));
        let mut nics = Vec::new();
        for (name, nic) in in_order(raw.nic) {
            let addresses = self.addresses(&nic.address);
            nics.extend(self.parsed(&name, "a NIC").map(|name| GuestNic {
                name,
                addresses,
                dhcp: nic.dhcp,
            }));
        }
        // Which NICs the guest has is known from its own file only.
        let networks = networks(nics.iter().flat_map(|nic: &GuestNic| &nic.addresses));
        let routes = self.routes(raw.route, None, &networks);
        Guest {
            config,
            start: raw.start,
            nics,
            routes,
            span,
        }
    }
}

fn networks<'a>(addresses: impl Iterator<Item = &'a Spanned<IpNet>>) -> Vec<IpNet> {
    addresses.map(|address| address.value).collect()
}
