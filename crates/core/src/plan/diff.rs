//! What differs between wanted and found.

use std::collections::BTreeMap;

use super::{Refusal, Report, Skipped};
use crate::name::{IfName, Mac};
use crate::state::{
    Address, Desired, Effect, Link, LinkKind, LinkSysctl, Managed, NetState, NodeWrite, Observed,
    Origin, Pair, Route, WantedLink, WantedNode,
};

/// Everything that differs. Links carry the name they are wanted under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Links to make, as they are to be.
    pub created: BTreeMap<IfName, Link>,
    /// Links to remove, as they are.
    pub removed: BTreeMap<IfName, Link>,
    /// Links whose settings differ, those of `created` included.
    pub links: BTreeMap<IfName, LinkDiff>,
    /// Addresses to give.
    pub addresses_added: Vec<Address>,
    /// Addresses to take, under the link's present name.
    pub addresses_removed: Vec<Address>,
    /// Routes to add.
    pub routes_added: Vec<Route>,
    /// Routes to remove, under the link's present name, since they would be lost without a word.
    pub routes_removed: Vec<Route>,
    /// Per-link settings to write, under the link's wanted name.
    pub sysctls: BTreeMap<LinkSysctl, Pair<String>>,
    /// Nodes to write, each with the effect and what it came from.
    pub nodes: Vec<(WantedNode, Effect)>,
}

/// How one link differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkDiff {
    /// Its name.
    pub name: Option<Pair<IfName>>,
    /// Up or down.
    pub up: Option<Pair<bool>>,
    /// Its Ethernet address.
    pub mac: Option<Pair<Mac>>,
    /// Its MTU.
    pub mtu: Option<Pair<u32>>,
    /// Its bridge.
    pub master: Option<Pair<Option<IfName>>>,
    /// Its alias.
    pub alias: Option<Pair<Option<String>>>,
}

impl Diff {
    /// Compares. What cannot be had is among the refusals; what is left alone is in the report.
    pub fn between(desired: &Desired, observed: &Observed) -> (Self, Vec<Refusal>, Report) {
        let mut diff = Self::default();
        let mut refusals = Vec::new();
        let mut report = Report::default();
        let state = &observed.state;

        for (name, wanted) in &desired.links {
            diff.compare_link(name, wanted, state, &mut refusals, &mut report);
        }
        for (key, value) in &desired.sysctls {
            diff.compare_sysctl(key, value, desired, state, &mut report);
        }
        diff.routes_added = desired.routes.difference(&state.routes).cloned().collect();
        for wanted in &desired.nodes {
            let from = state.nodes.get(&wanted.path);
            if from != Some(&wanted.value) {
                let write = NodeWrite {
                    path: wanted.path.clone(),
                    from: from.cloned(),
                    to: Some(wanted.value.clone()),
                };
                let effect = Effect::WriteNodes {
                    within: wanted.within.clone(),
                    writes: vec![write],
                };
                diff.nodes.push((wanted.clone(), effect));
            }
        }
        report.foreign = state
            .links
            .keys()
            .filter(|name| {
                !desired
                    .links
                    .iter()
                    .any(|(n, w)| n == *name || w.formerly.as_ref() == Some(name))
            })
            .cloned()
            .collect();
        (diff, refusals, report)
    }

    fn compare_link(
        &mut self,
        name: &IfName,
        wanted: &WantedLink,
        state: &NetState,
        refusals: &mut Vec<Refusal>,
        report: &mut Report,
    ) {
        let former = wanted
            .formerly
            .as_ref()
            .filter(|former| *former != name && state.links.contains_key(former));
        let found = match (former, state.links.get(name)) {
            (Some(link), Some(_)) => {
                return refusals.push(Refusal::NameTaken {
                    link: link.clone(),
                    name: name.clone(),
                });
            }
            (Some(former), None) => state.links.get(former).map(|link| (former, link)),
            (None, found) => found.map(|link| (name, link)),
        };
        let mut change = LinkDiff::default();
        let present = match (&wanted.origin, found) {
            (Origin::Gone, found) => {
                if let Some((present, link)) = found {
                    self.removed.insert(present.clone(), link.clone());
                    self.links.insert(
                        present.clone(),
                        LinkDiff {
                            up: Pair::differing(link.up, false),
                            master: Pair::differing(link.master.clone(), None),
                            ..LinkDiff::default()
                        },
                    );
                }
                return;
            }
            (Origin::Expected, None) => {
                return refusals.push(Refusal::NoSuchLink(
                    wanted.formerly.clone().unwrap_or(name.clone()),
                ));
            }
            (Origin::IfThere, None) => {
                return report.skipped.push(Skipped::LinkGone(
                    wanted.formerly.clone().unwrap_or(name.clone()),
                ));
            }
            (Origin::Ours(kind), None) => {
                let made = as_made(kind, wanted);
                self.created.insert(name.clone(), made.clone());
                made
            }
            (Origin::Ours(kind), Some((present, link))) => {
                if std::mem::discriminant(kind) != std::mem::discriminant(&link.kind) {
                    return refusals.push(Refusal::OtherKind(present.clone()));
                }
                link.clone()
            }
            (Origin::Expected | Origin::IfThere, Some((_, link))) => link.clone(),
        };
        let present_name = found.map_or(name, |(present, _)| present);

        change.name = Pair::differing(present_name.clone(), name.clone());
        change.up = differing(present.up, &wanted.up);
        change.mac = present.mac.and_then(|mac| differing(mac, &wanted.mac));
        change.mtu = differing(present.mtu, &wanted.mtu);
        change.master = differing(present.master.clone(), &wanted.master);
        change.alias = differing(present.alias.clone(), &wanted.alias);
        if let Some(Pair {
            to: Some(bridge), ..
        }) = &change.master
        {
            // A bridge among the wanted links is made or configured by this very plan.
            match state.links.get(bridge) {
                Some(link) if !link.kind.is_bridge() => {
                    refusals.push(Refusal::NotABridge(bridge.clone()))
                }
                None if !self.created.contains_key(bridge) => {
                    refusals.push(Refusal::NoSuchBridge(bridge.clone()))
                }
                _ => {}
            }
        }
        if let Some(addresses) = wanted.addresses.wanted() {
            let present: Vec<&Address> = state.addresses_of(present_name).collect();
            let same = |a: &Address, b: &Address| {
                a == &Address {
                    link: a.link.clone(),
                    ..b.clone()
                }
            };
            self.addresses_removed.extend(
                present
                    .iter()
                    .filter(|p| !addresses.iter().any(|a| same(a, p)))
                    .map(|p| (*p).clone()),
            );
            self.addresses_added.extend(
                addresses
                    .iter()
                    .filter(|a| !present.iter().any(|p| same(a, p)))
                    .cloned(),
            );
        }
        if change != LinkDiff::default() {
            self.links.insert(name.clone(), change);
        }
    }

    fn compare_sysctl(
        &mut self,
        key: &LinkSysctl,
        value: &str,
        desired: &Desired,
        state: &NetState,
        report: &mut Report,
    ) {
        let former = desired
            .links
            .get(&key.link)
            .and_then(|wanted| wanted.formerly.as_ref())
            .and_then(|former| state.sysctls.get(&key.on(former)));
        let link_is_there = desired.links.get(&key.link).is_none_or(|wanted| {
            state.links.contains_key(&key.link)
                || wanted
                    .formerly
                    .as_ref()
                    .is_some_and(|former| state.links.contains_key(former))
        });
        match former.or_else(|| state.sysctls.get(key)) {
            Some(found) => {
                if let Some(pair) = Pair::differing(found.clone(), value.to_owned()) {
                    self.sysctls.insert(key.clone(), pair);
                }
            }
            None if link_is_there => report.skipped.push(Skipped::NoSuchSetting(key.clone())),
            None => {}
        }
    }
}

fn differing<T: PartialEq + Clone>(found: T, wanted: &Managed<T>) -> Option<Pair<T>> {
    wanted
        .wanted()
        .and_then(|wanted| Pair::differing(found, wanted.clone()))
}

/// The link as our own message makes it: down, no port, MAC and MTU already as wanted.
fn as_made(kind: &LinkKind, wanted: &WantedLink) -> Link {
    Link {
        kind: kind.clone(),
        up: false,
        mac: wanted.mac.wanted().copied(),
        mtu: wanted.mtu.wanted().copied().unwrap_or(1500),
        master: None,
        alias: None,
    }
}
