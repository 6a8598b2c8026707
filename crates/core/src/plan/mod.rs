//! From wanted and found to ordered steps.
//!
//! [`Diff`] says what differs, [`plan`] in which order it is changed, [`check`] looks at the
//! result with rules of its own. Nothing is chosen after this: a step names one effect, with the
//! value it starts from, so that it can be undone exactly.

mod check;
mod diff;
mod lost;
mod names;
mod order;
#[cfg(test)]
mod proptests;
mod report;

pub use check::{Complaint, check};
pub use diff::{Diff, LinkDiff};
pub use order::plan;
pub use report::{Planned, Refusal, Report, Skipped};

use serde::{Deserialize, Serialize};

use crate::state::Effect;

/// What is done, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it does.
    pub effect: Effect,
    /// What happens if it fails.
    pub need: Need,
}

/// How much a step is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// If it fails, everything done so far is undone.
    Required,
    /// If it fails, that is said and the plan goes on.
    Wished,
}

impl Need {
    /// What it is for something that may be required.
    pub(crate) fn of(required: bool) -> Self {
        match required {
            true => Self::Required,
            false => Self::Wished,
        }
    }
}

impl Plan {
    /// The same, where each step is done if it can be, whatever becomes of the others.
    pub fn each_by_itself(mut self) -> Self {
        for step in &mut self.steps {
            step.need = Need::Wished;
        }
        self
    }
}

impl Step {
    /// A step without which the plan fails.
    pub fn required(effect: Effect) -> Self {
        Self {
            effect,
            need: Need::Required,
        }
    }
}
