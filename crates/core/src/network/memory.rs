//! What start changed, for stop to bring back.
//!
//! What belongs to dom0 is not remembered but found: it may have changed since. Remembered is what
//! cannot be seen any more: the settings of links that start gave others.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::name::{IfName, Mac};
use crate::plan::Step;
use crate::state::{Desired, Effect, Feature, LinkChange, LinkSysctl, Managed, Rule};

/// The first value of everything that starts changed, by the names the links had before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    links: BTreeMap<IfName, Past>,
    sysctls: BTreeMap<LinkSysctl, String>,
    features: BTreeMap<Feature, bool>,
    /// Links that began to masquerade.
    masquerades: BTreeSet<IfName>,
    /// Addresses that were taken from a link.
    addresses: BTreeMap<IfName, BTreeSet<IpNet>>,
    /// Rules that were there and are not, or name another link.
    rules: BTreeSet<Rule>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Past {
    up: Option<bool>,
    arp: Option<bool>,
    multicast: Option<bool>,
    mac: Option<Mac>,
    mtu: Option<u32>,
}

impl Memory {
    /// What these runs changed, the oldest first. Each was done whole.
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a [Step]>) -> Self {
        let mut memory = Self::default();
        let mut names = FirstNames::default();
        for step in runs.into_iter().flatten() {
            names.follow(&step.effect);
            if let Effect::ChangeMasquerade { uplink, .. } = &step.effect {
                memory.masquerades.insert(uplink.clone());
            }
            if let Effect::DeleteRule(rule) = &step.effect {
                memory.rules.insert(rule.clone());
            }
            let Some(first) = step.effect.link().and_then(|link| names.first(link)) else {
                continue;
            };
            match &step.effect {
                Effect::ChangeLink { change, .. } => {
                    memory.links.entry(first).or_default().remember(change);
                }
                Effect::WriteSysctl { key, from, .. } => {
                    let past = memory.sysctls.entry(key.on(&first));
                    past.or_insert_with(|| from.clone());
                }
                Effect::SetFeature { key, from, .. } => {
                    memory.features.entry(key.on(&first)).or_insert(*from);
                }
                Effect::DeleteAddress(address) => {
                    memory
                        .addresses
                        .entry(first)
                        .or_default()
                        .insert(address.net);
                }
                _ => {}
            }
        }
        memory
    }

    /// Says that a link, by the name it had, is to have what it had; under its wanted name, which
    /// is that one.
    pub(super) fn bring_back(&self, name: &IfName, desired: &mut Desired) {
        if let (Some(past), Some(link)) = (self.links.get(name), desired.links.get_mut(name)) {
            set(&mut link.up, past.up);
            set(&mut link.arp, past.arp);
            set(&mut link.multicast, past.multicast);
            set(&mut link.mac, past.mac);
            set(&mut link.mtu, past.mtu);
        }
        let settings = self.sysctls.iter().filter(|(key, _)| key.link == *name);
        for (key, value) in settings {
            desired.sysctls.insert(key.clone(), value.clone());
        }
        let offloads = self.features.iter().filter(|(key, _)| key.link == *name);
        for (key, value) in offloads {
            desired.features.insert(key.clone(), *value);
        }
    }

    /// Every setting that was changed, by the link's first name, with what it was.
    pub(super) fn settings(&self) -> impl Iterator<Item = (&LinkSysctl, &String)> {
        self.sysctls.iter()
    }

    /// Links that masqueraded at one time.
    pub(super) fn masquerades(&self) -> &BTreeSet<IfName> {
        &self.masquerades
    }

    /// Whether this link was down before.
    pub(super) fn was_down(&self, name: &IfName) -> bool {
        self.links
            .get(name)
            .is_some_and(|past| past.up == Some(false))
    }

    /// Whether there was this rule before.
    pub(super) fn had_rule(&self, rule: &Rule) -> bool {
        self.rules.contains(rule)
    }

    /// Whether this address was on this link before.
    pub(super) fn had(&self, name: &IfName, net: IpNet) -> bool {
        self.addresses
            .get(name)
            .is_some_and(|all| all.contains(&net))
    }
}

/// What links were called before everything, by what they are called at the moment.
#[derive(Default)]
struct FirstNames(BTreeMap<IfName, Option<IfName>>);

impl FirstNames {
    fn follow(&mut self, effect: &Effect) {
        match effect {
            Effect::ChangeLink {
                change: LinkChange::Name(pair),
                ..
            } => {
                let first = self.first(&pair.from);
                self.0.remove(&pair.from);
                self.0.insert(pair.to.clone(), first);
            }
            Effect::CreateLink { name, link } => {
                let ends = link.peer().into_iter().chain([name.clone()]);
                self.0.extend(ends.map(|end| (end, None)));
            }
            _ => {}
        }
    }

    /// `None` for a link that was not there.
    fn first(&self, name: &IfName) -> Option<IfName> {
        self.0.get(name).map_or(Some(name.clone()), Clone::clone)
    }
}

impl Past {
    /// The first change is the one that tells how it was.
    fn remember(&mut self, change: &LinkChange) {
        match change {
            LinkChange::Up(pair) => keep(&mut self.up, pair.from),
            LinkChange::Arp(pair) => keep(&mut self.arp, pair.from),
            LinkChange::Multicast(pair) => keep(&mut self.multicast, pair.from),
            LinkChange::Mac(pair) => keep(&mut self.mac, pair.from),
            LinkChange::Mtu(pair) => keep(&mut self.mtu, pair.from),
            LinkChange::Name(_) | LinkChange::Master(_) | LinkChange::Alias(_) => {}
        }
    }
}

fn keep<T>(place: &mut Option<T>, from: T) {
    place.get_or_insert(from);
}

fn set<T>(place: &mut Managed<T>, past: Option<T>) {
    if let Some(past) = past {
        *place = Managed::Set(past);
    }
}
