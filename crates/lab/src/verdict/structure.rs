//! What dom0 is expected to look like, compared with the kernel.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use xenwire_core::config::lab::{Expect, ExpectedMac, Master};
use xenwire_core::name::{DomId, IfName, Mac, VifId};
use xenwire_core::state::NetState;

use super::Verdict;

/// Compares what is expected with what the kernel has. `macs` are those of the NICs when they were
/// plugged in.
pub(super) fn structure(
    expect: &Expect,
    state: &NetState,
    macs: &BTreeMap<IfName, Mac>,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for bridge in &expect.bridges {
        let name = &bridge.name.value;
        let wanted: BTreeSet<String> = bridge
            .ports
            .iter()
            .map(|port| port.value.to_string())
            .collect();
        let found: BTreeSet<String> = state.ports_of(name).map(ToString::to_string).collect();
        let is_bridge = state
            .links
            .get(name)
            .is_some_and(|link| link.kind.is_bridge());
        let mut claim = Structure::of("bridge", name);
        if !is_bridge {
            claim.failures.push(format!("there is no bridge {name}"));
        }
        claim.compare("ports", &listed(&wanted), &listed(&found));
        verdicts.push(claim.verdict());
    }
    for link in &expect.links {
        let name = &link.name.value;
        let mut claim = Structure::of("link", name);
        let Some(found) = state.links.get(name) else {
            claim.failures.push(format!("there is no link {name}"));
            verdicts.push(claim.verdict());
            continue;
        };
        if let Some(addresses) = &link.addresses {
            let wanted: BTreeSet<IpNet> = addresses.iter().map(|a| a.value).collect();
            // Where none at all is wanted, the kernel's own fe80 address is one too many; but for a
            // guest's vif, where Debian's script leaves it.
            let vif = name.as_str().parse::<VifId>();
            let is_guests = vif.is_ok_and(|vif| vif.domid != DomId::DOM0);
            let strict = wanted.is_empty() && !is_guests;
            let counts = |net: &IpNet| strict || !is_link_local(net);
            let found = state.addresses_of(name).map(|a| a.net).filter(counts);
            let found: BTreeSet<IpNet> = found.collect();
            let text =
                |nets: BTreeSet<IpNet>| listed(&nets.iter().map(ToString::to_string).collect());
            claim.compare("address", &text(wanted), &text(found));
        }
        if let Some(mac) = &link.mac {
            let wanted = match mac {
                ExpectedMac::Is(mac) => Some(*mac),
                ExpectedMac::OfNic(nic) => macs.get(nic).copied(),
            };
            let text = |mac: Option<Mac>| mac.map_or("none".to_owned(), |mac| mac.to_string());
            claim.compare("mac", &text(wanted), &text(found.mac));
        }
        if let Some(mtu) = link.mtu {
            claim.compare("mtu", &mtu.to_string(), &found.mtu.to_string());
        }
        if let Some(up) = link.up {
            let word = |up: bool| if up { "up" } else { "down" };
            claim.compare("state", word(up), word(found.up));
        }
        if let Some(master) = &link.master {
            let wanted = match master {
                Master::None => "none".to_owned(),
                Master::Link(bridge) => bridge.to_string(),
            };
            claim.compare(
                "master",
                &wanted,
                &found
                    .master
                    .as_ref()
                    .map_or("none".into(), ToString::to_string),
            );
        }
        verdicts.push(claim.verdict());
    }
    for name in &expect.absent {
        let mut claim = Structure::of("absent", &name.value);
        let there = state.links.contains_key(&name.value);
        claim.compare("links", "none", if there { "one" } else { "none" });
        verdicts.push(claim.verdict());
    }
    verdicts
}

fn is_link_local(net: &IpNet) -> bool {
    match net {
        IpNet::V4(net) => net.addr().is_link_local(),
        IpNet::V6(net) => net.addr().is_unicast_link_local(),
    }
}

fn listed(items: &BTreeSet<String>) -> String {
    if items.is_empty() {
        "none".into()
    } else {
        items.iter().cloned().collect::<Vec<_>>().join(" ")
    }
}

struct Structure {
    claim: String,
    seen: Vec<String>,
    failures: Vec<String>,
}

impl Structure {
    fn of(kind: &str, name: &IfName) -> Self {
        Self {
            claim: format!("{:<9} {kind} {name}", "expect"),
            seen: Vec::new(),
            failures: Vec::new(),
        }
    }

    fn compare(&mut self, what: &str, wanted: &str, found: &str) {
        self.seen.push(format!("{what} {found}"));
        if wanted != found {
            self.failures
                .push(format!("{what}: wanted {wanted}, found {found}"));
        }
    }

    fn verdict(self) -> Verdict {
        Verdict {
            holds: self.failures.is_empty(),
            claim: self.claim,
            seen: self.seen.join(", "),
            micros: None,
            failures: self.failures,
        }
    }
}
