//! Which link gets which name.
//!
//! A name may pass from one link to another within a plan: the NIC `eth0` becomes `peth0`, and the
//! end of a pair becomes `eth0`. So a link is known by two names, the present one and the wanted.

use std::collections::{BTreeMap, BTreeSet};

use super::Refusal;
use crate::name::IfName;
use crate::state::{Desired, NetState};

/// The renamings of a plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Present name to wanted name, of links that are there and get another one.
    renamed: BTreeMap<IfName, IfName>,
    /// Links that go, with the other ends of pairs, by present name.
    gone: BTreeSet<IfName>,
    taken: Vec<Refusal>,
}

impl Names {
    /// Who is called what afterwards.
    pub(super) fn new(desired: &Desired, state: &NetState) -> Self {
        let gone = desired.gone.iter().filter_map(|name| {
            let link = state.links.get(name)?;
            Some(std::iter::once(name.clone()).chain(link.peer()))
        });
        let gone: BTreeSet<IfName> = gone.flatten().collect();
        let renamed: BTreeMap<IfName, IfName> = desired
            .links
            .iter()
            .filter_map(|(name, wanted)| Some((wanted.formerly.clone()?, name.clone())))
            .filter(|(former, name)| {
                former != name && state.links.contains_key(former) && !gone.contains(former)
            })
            .collect();
        let mut names = Self {
            renamed,
            gone,
            taken: Vec::new(),
        };
        names.taken = names.blocked(state);
        names
    }

    /// The renamings that can never be done, since the name is another link's and stays so.
    fn blocked(&self, state: &NetState) -> Vec<Refusal> {
        let mut taken: BTreeSet<&IfName> = state.links.keys().collect();
        taken.retain(|name| !self.gone.contains(*name));
        let mut waiting: Vec<_> = self.renamed.iter().collect();
        loop {
            let before = waiting.len();
            waiting.retain(|(from, to)| {
                if taken.contains(to) {
                    return true;
                }
                taken.remove(from);
                taken.insert(to);
                false
            });
            if waiting.len() == before {
                break;
            }
        }
        let blocked = waiting.into_iter().map(|(link, name)| Refusal::NameTaken {
            link: link.clone(),
            name: name.clone(),
        });
        blocked.collect()
    }

    pub(super) fn refusals(&self) -> Vec<Refusal> {
        self.taken.clone()
    }

    /// The name a link has now, by the one it gets.
    pub(super) fn present(&self, wanted: &IfName) -> IfName {
        let mut renamed = self.renamed.iter();
        let found = renamed.find(|(_, to)| *to == wanted);
        found.map_or(wanted, |(from, _)| from).clone()
    }

    /// The name a link gets, by the one it has.
    pub(super) fn wanted(&self, present: &IfName) -> IfName {
        self.renamed.get(present).unwrap_or(present).clone()
    }

    /// The state with all links under their wanted names, and without those that go.
    pub(super) fn applied(&self, state: &NetState) -> NetState {
        let stays = |link: &IfName| !self.gone.contains(link);
        let mut named = state.clone();
        named.addresses.retain(|a| stays(&a.link));
        named
            .routes
            .retain(|r| r.hops.iter().all(|hop| stays(&hop.link)));
        named.neighbours.retain(|n| stays(&n.link));
        named.sysctls.retain(|key, _| stays(&key.link));
        named.features.retain(|key, _| stays(&key.link));
        named.rename_settings(|link| self.wanted(link));
        named.links = std::mem::take(&mut named.links)
            .into_iter()
            .filter(|(name, _)| stays(name))
            .map(|(name, mut link)| {
                link.master = link.master.map(|bridge| self.wanted(&bridge));
                if let Some(peer) = link.peer() {
                    link.rename_peer(&self.wanted(&peer));
                }
                (self.wanted(&name), link)
            })
            .collect();
        named
    }
}
