//! What earlier calls of a vif gave to links that are not the vif's, and that therefore does not go
//! with it: found in the vif's journal, since the vif may be gone by then.

use std::collections::BTreeSet;

use crate::journal::Event;
use crate::plan::Step;
use crate::state::{Effect, Neighbour};

/// Proxy neighbours that calls of a vif gave to others. A call that was cut off may have given them
/// or not: they are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The entries.
    pub neighbours: BTreeSet<Neighbour>,
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
        let is_of_theirs = |step: &Step| matches!(step.effect, Effect::DeleteOldRule(_));
        Self {
            neighbours: neighbours.collect(),
            by_us: !events.is_empty() && !steps().any(is_of_theirs),
        }
    }
}
