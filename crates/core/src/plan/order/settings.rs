//! Settings below /proc/sys: those that come before any link does, and the others.

use super::Ordering;
use super::hush::Hush;
use super::steps::Steps;
use crate::state::{LinkSysctl, Pair};

impl Ordering<'_> {
    /// Those of the host, and those that must be so before the host's are.
    pub(super) fn settings_first(&self, steps: &mut Steps) {
        let (first, then): (Vec<_>, Vec<_>) = self
            .diff
            .sysctls
            .iter()
            .filter(|(key, pair)| key.is_of_host() || self.listens_anyway(key, pair))
            .filter(|(key, _)| !self.is_followed(key))
            .partition(|(key, _)| !key.is_of_host());
        for (key, pair) in first.into_iter().chain(then) {
            // What follows is made as it is to be found when this is undone; and afterwards as it is
            // wanted.
            for (other, value) in self.following(key) {
                steps.write(other, value, &pair.from);
            }
            steps.write(key, &pair.from, &pair.to);
            for (other, _) in self.following(key) {
                if let Some(wanted) = self.desired.sysctls.get(other) {
                    steps.write(other, &pair.to, wanted);
                }
            }
        }
    }

    /// Those of links as they are called by now.
    pub(super) fn settings_then(&self, hushed: &[Hush], steps: &mut Steps) {
        for (key, pair) in &self.diff.sysctls {
            let is_done =
                key.is_of_host() || self.listens_anyway(key, pair) || self.is_followed(key);
            if !is_done && !hushed.iter().any(|hush| hush.wanted == *key) {
                steps.write(key, &pair.from, &pair.to);
            }
        }
    }

    /// Whether the kernel writes this setting with another that this plan writes.
    fn is_followed(&self, key: &LinkSysctl) -> bool {
        self.diff.sysctls.keys().any(|all| key.follows(all))
    }

    /// The settings that the kernel writes with this one, as they are.
    fn following(&self, key: &LinkSysctl) -> impl Iterator<Item = (&LinkSysctl, &String)> {
        let all = self.state.sysctls.iter();
        all.filter(move |(other, _)| other.follows(key))
    }

    /// Whether a link begins to listen to routers although the host forwards: before it does, or the
    /// kernel drops what they advertised (rt6_purge_dflt_routers, net/ipv6/route.c).
    fn listens_anyway(&self, key: &LinkSysctl, pair: &Pair<String>) -> bool {
        key.name == "accept_ra"
            && pair.to == "2"
            // Not one that gets this name only in the course of the plan.
            && self.names.present(&key.link) == key.link
            && self.names.wanted(&key.link) == key.link
            && !self.is_made(&key.link)
            && self.state.links.contains_key(&key.link)
    }
}
