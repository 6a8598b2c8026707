//! The journal of a run, and the state machine that decides what a run does next.
//!
//! A run announces all its steps, and with them how each is undone, before the first is done.
//! [`next`] is the whole truth about which record may follow which; reading a journal is folding
//! it. What a crash left is found by comparing the announced steps with what is observed
//! ([`recover`]): never by trusting that a record was written at the right moment.

mod machine;
mod recover;

pub use machine::{Answer, Fault, Left, Machine, Order, Outcome};
pub use recover::{Unclear, is_whole, recover};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::Step;

/// One record, one line of a journal file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// These steps are about to be done.
    Announced {
        /// What the run is about, for people: `vif1.0 online`.
        subject: String,
        /// All of them, in order.
        steps: Vec<Step>,
    },
    /// All steps are done.
    Done,
    /// A step failed; what was done before it is about to be undone.
    Failed {
        /// Its number, from 0.
        step: usize,
        /// Why.
        fault: Fault,
    },
    /// Everything is undone.
    Undone,
    /// Something could not be undone; a person is needed.
    Stuck {
        /// What is left.
        left: Vec<Left>,
    },
    /// The run was cut off, and the next one plans from what it finds. This is how a hotplug call
    /// recovers: what it wants does not depend on what an earlier call had in mind.
    Superseded,
}

impl Status {
    /// Whether a run was cut off here.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Announced | Self::Undoing)
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Nothing was announced.
    #[default]
    Idle,
    /// Steps were announced; how many of them are done is not known from the journal.
    Announced,
    /// A step failed; how much is undone is not known from the journal.
    Undoing,
    /// All steps are done.
    Done,
    /// All steps are undone.
    Undone,
    /// Neither.
    Stuck,
}

/// A record that may not follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Illegal {
    /// Where the run stood.
    pub status: Status,
    /// The record's kind.
    pub event: &'static str,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a record {:?} cannot follow in a journal that is at {:?}",
            self.event, self.status
        )
    }
}

impl std::error::Error for Illegal {}

/// Which status follows. A finished run may be followed by another announcement.
///
/// # Errors
/// [`Illegal`] if that record cannot come there.
pub fn next(status: Status, event: &Event) -> Result<Status, Illegal> {
    use Status::{Announced, Done, Idle, Stuck, Undoing, Undone};
    match (status, event) {
        (Idle | Done | Undone | Stuck, Event::Announced { .. }) => Ok(Announced),
        (Announced, Event::Done) => Ok(Done),
        (Announced, Event::Failed { .. }) => Ok(Undoing),
        // A crashed run is undone without a `failed` record.
        (Announced | Undoing, Event::Undone) => Ok(Undone),
        (Announced | Undoing, Event::Stuck { .. }) => Ok(Stuck),
        (Announced | Undoing, Event::Superseded) => Ok(Idle),
        _ => Err(Illegal {
            status,
            event: event.kind(),
        }),
    }
}

impl Event {
    /// The record's kind, as it stands in a journal.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Announced { .. } => "announced",
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Undone => "undone",
            Self::Stuck { .. } => "stuck",
            Self::Superseded => "superseded",
        }
    }
}

/// Where a journal stands after these records, and the steps of its last announcement.
///
/// # Errors
/// [`Illegal`] for the first record that cannot come where it is.
pub fn replay(events: &[Event]) -> Result<(Status, &[Step]), Illegal> {
    let mut status = Status::Idle;
    let mut steps: &[Step] = &[];
    for event in events {
        status = next(status, event)?;
        if let Event::Announced {
            steps: announced, ..
        } = event
        {
            steps = announced;
        }
    }
    Ok((status, steps))
}

/// The steps of every run that was done, the oldest first.
pub fn done_runs(events: &[Event]) -> Vec<&[Step]> {
    let mut runs = Vec::new();
    let mut announced: Option<&[Step]> = None;
    for event in events {
        match event {
            Event::Announced { steps, .. } => announced = Some(steps),
            Event::Done => runs.extend(announced.take()),
            Event::Failed { .. } | Event::Undone | Event::Stuck { .. } | Event::Superseded => {
                announced = None;
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests;
