//! What nftables does for us: guards of guests, passing FORWARD, masquerading; and the rules of Xen's own
//! scripts.

use super::Ordering;
use super::steps::Steps;
use crate::plan::{Need, Step};
use crate::state::Effect;

impl Ordering<'_> {
    pub(super) fn masquerades(&self, begins: bool, steps: &mut Steps) {
        for (uplink, change) in &self.diff.masquerades {
            if change.to == begins {
                let (uplink, change) = (uplink.clone(), change.clone());
                steps.add(Effect::ChangeMasquerade { uplink, change });
            }
        }
    }

    pub(super) fn passages(&self, comes: bool, steps: &mut Steps) {
        for (chain, change) in &self.diff.open {
            if change.to.is_some() == comes {
                let (chain, change) = (*chain, change.clone());
                steps.add(Effect::OpenForward { chain, change });
            }
        }
        for (port, change) in &self.diff.passages {
            if change.to.is_some() == comes {
                let (port, change) = (port.clone(), change.clone());
                steps.add(Effect::ChangePassage { port, change });
            }
        }
    }

    pub(super) fn old_rules(&self, steps: &mut Steps) {
        for rule in &self.diff.old_rules_removed {
            steps.0.push(Step {
                effect: Effect::DeleteOldRule(rule.clone()),
                // A link that goes need not wait for a chain that somebody else keeps.
                need: Need::Wished,
            });
        }
    }

    pub(super) fn guards(&self, of: impl Fn(bool) -> bool, steps: &mut Steps) {
        for (port, change) in &self.diff.guards {
            if of(change.to.is_some()) {
                let (port, change) = (port.clone(), change.clone());
                steps.add(Effect::ChangeGuard { port, change });
            }
        }
    }
}
