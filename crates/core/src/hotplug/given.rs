//! What earlier calls of a vif made that does not go with it: found in the vif's journal, since the
//! vif and its nodes may be gone by then.

use std::collections::BTreeSet;

use crate::journal::Event;
use crate::name::IfName;
use crate::plan::Step;
use crate::state::{Effect, Neighbour};

/// Proxy neighbours that calls of a vif gave to others, and what it was held to. A call that was cut
/// off may have made them or not: they are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The entries.
    pub neighbours: BTreeSet<Neighbour>,
    /// Links whose guests were held to something, whatever the call that takes them away says of it:
    /// `ip=` may have been an argument, or its node may be gone.
    pub guarded: BTreeSet<IfName>,
    /// Whether a call of ours brought it up: else Xen's own scripts may have. One that only was about
    /// to take away what they made is none.
    pub by_us: bool,
}

impl Given {
    /// Reads it out of the journal of a vif.
    pub fn of(events: &[Event]) -> Self {
        let steps = || {
            events.iter().flat_map(|event| match event {
                Event::Announced { steps, .. } => steps.as_slice(),
                _ => &[],
            })
        };
        let neighbours = steps().filter_map(|step| match &step.effect {
            Effect::AddNeighbour(neighbour) => Some(neighbour.clone()),
            _ => None,
        });
        let guarded = steps().filter_map(|step| match &step.effect {
            Effect::ChangeGuard { port, change } if change.to.is_some() => Some(port.clone()),
            _ => None,
        });
        let is_of_theirs = |step: &Step| matches!(step.effect, Effect::DeleteOldRule(_));
        Self {
            neighbours: neighbours.collect(),
            guarded: guarded.collect(),
            by_us: !events.is_empty() && !steps().any(is_of_theirs),
        }
    }
}
