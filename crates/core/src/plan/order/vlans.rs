//! VLANs of ports.

use super::Ordering;
use super::steps::Steps;
use crate::name::IfName;
use crate::state::{Effect, VlanChange};

impl Ordering<'_> {
    /// A port forgets its VLANs with its bridge. It goes back first to those that it will begin with
    /// when that is undone, so that undoing gives it the others again. `now` is its name by then.
    pub(super) fn leave_vlans(&self, present: &IfName, now: &IfName, steps: &mut Steps) {
        let master = self.present_master(present);
        let bridge = master.and_then(|bridge| self.state.links.get(&bridge));
        let first = bridge.and_then(|bridge| bridge.kind.first_vlans());
        if let Some((first, found)) = first.zip(self.state.vlans.get(present)) {
            for change in VlanChange::between(now, found, &first) {
                steps.add(Effect::ChangeVlans(change));
            }
        }
    }
}
