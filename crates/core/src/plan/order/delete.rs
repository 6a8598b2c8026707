//! Links that go: they are stripped first of what a new link would not have, so that undoing gives
//! them back as they were.

use super::Ordering;
use super::steps::Steps;
use crate::name::IfName;
use crate::plan::{Need, Step};
use crate::state::{Effect, LinkChange, LinkSysctl, Pair};

impl Ordering<'_> {
    /// Removes the links that go and of which this holds. `now` is what a link is called by then.
    pub(super) fn delete(
        &self,
        which: impl Fn(&IfName) -> bool,
        now: impl Fn(&IfName) -> IfName,
        steps: &mut Steps,
    ) {
        for (name, link) in self.diff.removed.iter().filter(|(name, _)| which(name)) {
            let ends = link.peer().into_iter().chain([name.clone()]);
            for end in ends {
                let Some(link) = self.state.links.get(&end) else {
                    continue;
                };
                self.leave_vlans(&end, &end, steps);
                let changes = [
                    Pair::differing(link.up, false).map(LinkChange::Up),
                    Pair::differing(link.arp, true).map(LinkChange::Arp),
                    Pair::differing(link.multicast, true).map(LinkChange::Multicast),
                    Pair::differing(link.master.as_ref().map(&now), None).map(LinkChange::Master),
                    Pair::differing(link.alias.clone(), None).map(LinkChange::Alias),
                ];
                for change in changes.into_iter().flatten() {
                    steps.change(&end, change);
                }
                // A pair begins with everything on that can be switched (VETH_FEATURES, veth.c).
                let is_pair = link.peer().is_some();
                let off = self
                    .state
                    .features
                    .iter()
                    .filter(|(key, on)| is_pair && key.link == end && !**on);
                for (key, _) in off {
                    steps.0.push(Step {
                        effect: Effect::SetFeature {
                            key: key.clone(),
                            from: false,
                            to: true,
                        },
                        need: Need::Wished,
                    });
                }
                // Last, so that a link which comes back has them before it is up.
                for (key, pair) in self.to_default(&end) {
                    steps.write(&key, &pair.from, &pair.to);
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
    fn to_default(&self, link: &IfName) -> Vec<(LinkSysctl, Pair<String>)> {
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
