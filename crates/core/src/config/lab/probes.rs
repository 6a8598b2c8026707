//! A claim into its probes: who sends, and to which addresses of whom.
//!
//! Invariant: every claim that comes out has at least one target, and every target is an address
//! that some machine has, so that a claim which holds has been tested.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Claim, Domain, Family, Lab, MachineName, Probes, Target};
use crate::diag::{Diagnostic, Diagnostics, Spanned, code, nearest};
use crate::name::IfName;

/// A machine and the addresses of each of its links.
pub(super) struct Place {
    machine: MachineName,
    links: Vec<(IfName, Vec<IpAddr>)>,
}

impl Place {
    /// All of them, each once: an address may move from one link to another.
    fn addresses(&self) -> Vec<IpAddr> {
        let mut all: Vec<IpAddr> = Vec::new();
        for address in self.links.iter().flat_map(|(_, addresses)| addresses) {
            if !all.contains(address) {
                all.push(*address);
            }
        }
        all
    }
}

/// The addresses that can be probed from elsewhere. A link-local one means something on its own
/// link only (RFC 4291, 2.5.6), so no claim is about it.
fn probed<'a>(nets: impl Iterator<Item = &'a IpNet>) -> Vec<IpAddr> {
    let link_local = |address: &IpAddr| match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    nets.map(IpNet::addr)
        .filter(|address| !link_local(address))
        .collect()
}

/// Every machine of the world.
pub(super) fn places(lab: &Lab, guests: &[Domain]) -> Vec<Place> {
    fn link(name: &Spanned<IfName>, addresses: &[Spanned<IpNet>]) -> (IfName, Vec<IpAddr>) {
        let nets = addresses.iter().map(|address| &address.value);
        (name.value.clone(), probed(nets))
    }
    let nics = lab.host.nics.iter();
    let bridges = lab.host.bridges.iter();
    let mut dom0 = Place {
        machine: MachineName::dom0(),
        links: nics
            .map(|nic| link(&nic.name, &nic.addresses))
            .chain(bridges.map(|bridge| link(&bridge.name, &bridge.addresses)))
            .collect(),
    };
    // Scripts that run when the host boots give addresses to links, as `expect` has it.
    for expected in &lab.expect.links {
        let made = link(
            &expected.name,
            expected.addresses.as_deref().unwrap_or_default(),
        );
        match dom0.links.iter_mut().find(|(name, _)| *name == made.0) {
            Some((_, addresses)) => {
                let more = made.1.into_iter();
                let more: Vec<IpAddr> = more.filter(|one| !addresses.contains(one)).collect();
                addresses.extend(more);
            }
            None if made.1.is_empty() => {}
            None => dom0.links.push(made),
        }
    }
    let machines = lab.machines.iter().map(|machine| {
        let nics = machine.nics.iter();
        Place {
            machine: machine.name.value.clone(),
            links: nics.map(|nic| link(&nic.name, &nic.addresses)).collect(),
        }
    });
    let guests = guests.iter().map(|guest| {
        let nics = guest.nics.iter();
        Place {
            machine: guest.name.clone(),
            links: nics
                .map(|nic| (nic.name.clone(), probed(nic.addresses.iter())))
                .collect(),
        }
    });
    std::iter::once(dom0)
        .chain(machines)
        .chain(guests)
        .collect()
}

/// The probes of a claim, or None and the reason why there can be none.
pub(super) fn probes(claim: &Claim, places: &[Place], out: &mut Diagnostics) -> Option<Probes> {
    let from = source(claim, places, out);
    let to = targets(claim, places, out);
    let (from, (to, all)) = (from?, to?);
    if to.machine == from.machine {
        // The kernel answers such packets by itself, on `lo`: nothing of xenwire is tested.
        let message = format!("`{}` would only talk to itself", from.machine);
        out.add(
            Diagnostic::error(code::lab::CLAIM_SELF, &claim.to.span, message)
                .hint("name another machine"),
        );
        return None;
    }
    let name = match &claim.to.value {
        Target::Address(address) => address.to_string(),
        Target::Named(name) => name.clone(),
    };
    if all.is_empty() {
        let message = format!("`{name}` has no address, so this claim would probe nothing");
        out.add(
            Diagnostic::error(code::lab::CLAIM_EMPTY, &claim.to.span, message)
                .hint("give it an address, or remove the claim"),
        );
        return None;
    }
    let missing = |family: &&Family| !all.iter().any(|address| Family::of(*address) == **family);
    if let Some(family) = claim.families.iter().flatten().find(missing) {
        let message = format!(
            "`{name}` has no {} address",
            if *family == Family::V4 {
                "IPv4"
            } else {
                "IPv6"
            }
        );
        out.add(
            Diagnostic::error(code::lab::CLAIM_FAMILY, &claim.to.span, message)
                .hint("take the family out of `family`, or give it an address"),
        );
        return None;
    }
    let wanted = |address: &IpAddr| {
        claim
            .families
            .as_ref()
            .is_none_or(|families| families.contains(&Family::of(*address)))
    };
    let targets = all
        .into_iter()
        .filter(wanted)
        .map(|address| (to.machine.clone(), address))
        .collect();
    let (protocols, span) = (claim.protocols.clone(), claim.span.clone());
    Some(Probes {
        kind: claim.kind,
        from: from.machine.clone(),
        to: name,
        targets,
        protocols,
        span,
    })
}

fn machine<'a>(name: &str, places: &'a [Place]) -> Option<&'a Place> {
    places.iter().find(|place| place.machine.as_str() == name)
}

/// What to say about a name that leads to no machine.
fn which_machine(name: &str, places: &[Place]) -> String {
    let names = || places.iter().map(|place| place.machine.as_str());
    match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "the machines are {}",
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}

fn source<'a>(claim: &Claim, places: &'a [Place], out: &mut Diagnostics) -> Option<&'a Place> {
    let name = &claim.from;
    let place = machine(&name.value, places);
    if place.is_none() {
        let message = format!("there is no machine `{}`", name.value);
        out.add(
            Diagnostic::error(code::lab::UNKNOWN_MACHINE, &name.span, message)
                .hint(which_machine(&name.value, places)),
        );
    }
    place
}

/// The machine a claim's target is on, and the addresses it stands for.
fn targets<'a>(
    claim: &Claim,
    places: &'a [Place],
    out: &mut Diagnostics,
) -> Option<(&'a Place, Vec<IpAddr>)> {
    let span = &claim.to.span;
    let name = match &claim.to.value {
        Target::Address(address) => {
            let owner = places
                .iter()
                .find(|place| place.addresses().contains(address));
            if owner.is_none() {
                // An address nobody has cannot answer: `reach` would always fail, `not_reach` never.
                let message =
                    format!("no machine has the address {address}, so nothing can listen there");
                out.add(
                    Diagnostic::error(code::lab::CLAIM_NOBODY, span, message)
                        .hint("give it to a machine, or name one"),
                );
            }
            return Some((owner?, vec![*address]));
        }
        Target::Named(name) => name,
    };
    // A guest's name may hold dots, so the whole text is tried as a machine first.
    if let Some(place) = machine(name, places) {
        return Some((place, place.addresses()));
    }
    let Some((place, link)) = name
        .rsplit_once('.')
        .and_then(|(name, link)| Some((machine(name, places)?, link)))
    else {
        let bare = name.split_once('.').map_or(name.as_str(), |(bare, _)| bare);
        let message = format!("there is no machine `{bare}`");
        out.add(
            Diagnostic::error(code::lab::UNKNOWN_MACHINE, span, message)
                .hint(which_machine(bare, places)),
        );
        return None;
    };
    if let Some((_, addresses)) = place.links.iter().find(|(known, _)| known.as_str() == link) {
        return Some((place, addresses.clone()));
    }
    let links = || place.links.iter().map(|(known, _)| known.as_str());
    let hint = match nearest(link, links()) {
        Some(near) => format!("did you mean `{}.{near}`?", place.machine),
        None => format!("its NICs are {}", links().collect::<Vec<_>>().join(", ")),
    };
    let message = format!("`{}` has no NIC `{link}`", place.machine);
    out.add(Diagnostic::error(code::lab::UNKNOWN_NIC, span, message).hint(hint));
    None
}
