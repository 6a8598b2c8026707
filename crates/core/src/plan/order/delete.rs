//! Links that go: they are stripped first of what a new link would not have, so that undoing gives
//! them back as they were.

use super::Ordering;
use super::steps::Steps;
use crate::name::IfName;
use crate::state::{Effect, LinkChange, LinkSysctl, Pair};

impl Ordering<'_> {
    pub(super) fn delete(&self, steps: &mut Steps) {
        for (name, link) in &self.diff.removed {
            let ends = link.peer().into_iter().chain([name.clone()]);
            for end in ends {
                let Some(link) = self.state.links.get(&end) else {
                    continue;
                };
                for (key, pair) in self.to_default(&end) {
                    steps.write(&key, &pair.from, &pair.to);
                }
                let bare = |to: Pair<bool>| (to.from != to.to).then_some(to);
                let flag = |from: bool, to: bool| bare(Pair { from, to });
                if let Some(pair) = flag(link.up, false) {
                    steps.change(&end, LinkChange::Up(pair));
                }
                if let Some(pair) = flag(link.arp, true) {
                    steps.change(&end, LinkChange::Arp(pair));
                }
                if let Some(pair) = flag(link.multicast, true) {
                    steps.change(&end, LinkChange::Multicast(pair));
                }
                if let Some(pair) = Pair::differing(link.master.clone(), None) {
                    steps.change(&end, LinkChange::Master(pair));
                }
                if let Some(pair) = Pair::differing(link.alias.clone(), None) {
                    steps.change(&end, LinkChange::Alias(pair));
                }
            }
            let mut bare = link.bare();
            if let Some(peer) = link.peer().and_then(|peer| self.state.links.get(&peer)) {
                bare.set_peer_mac(peer.mac);
            }
            steps.add(Effect::DeleteLink {
                name: name.clone(),
                link: bare,
            });
        }
    }

    /// The settings of a link that are not what new links begin with.
    pub(super) fn to_default(&self, link: &IfName) -> Vec<(LinkSysctl, Pair<String>)> {
        let of_link = self
            .state
            .sysctls
            .iter()
            .filter(|(key, _)| key.link == *link);
        let default: IfName = "default".parse().expect("a name");
        let differing = of_link.filter_map(|(key, value)| {
            let begins = self.state.sysctls.get(&key.on(&default))?;
            Some((key.clone(), Pair::differing(value.clone(), begins.clone())?))
        });
        differing.collect()
    }
}
