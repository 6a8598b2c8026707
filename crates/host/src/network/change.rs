//! From what is wanted to how it ended.

use xenwire_core::journal::{Machine, Outcome};
use xenwire_core::plan::{Plan, check, plan};
use xenwire_core::state::{Desired, Observed};

use crate::journal::FileJournal;
use crate::run::{Gate, Gated, Host, run};

/// A plan that was looked at.
pub(crate) struct Change {
    /// The steps.
    pub plan: Plan,
}

/// How a run ended.
pub(crate) enum Ended {
    /// All is as wanted.
    Done {
        /// What went wrong without mattering.
        notes: Vec<String>,
    },
    /// Nothing was changed in the end.
    Undone(String),
    /// A person is needed.
    Stuck(String),
}

impl Ended {
    /// What went wrong without mattering.
    ///
    /// # Errors
    /// What is not done, and why.
    pub fn notes(self) -> Result<Vec<String>, String> {
        match self {
            Self::Done { notes } => Ok(notes),
            Self::Undone(text) | Self::Stuck(text) => Err(text),
        }
    }
}

impl Change {
    /// Plans, and looks at the plan.
    ///
    /// # Errors
    /// Every reason why there is none.
    pub fn plan(desired: &Desired, observed: &Observed) -> Result<Self, String> {
        let join = |lines: Vec<String>| lines.join("; ");
        let planned = plan(desired, observed);
        let plan = planned
            .plan
            .map_err(|refusals| join(refusals.iter().map(ToString::to_string).collect()))?;
        check(&plan, desired, &observed.state).map_err(|complaints| {
            let complaints = complaints.iter().map(ToString::to_string).collect();
            format!("a bug in xenwire: {}", join(complaints))
        })?;
        // Of the report nothing is told: settings that this kernel does not have were not asked for
        // by anybody, they were read off another link.
        Ok(Self { plan })
    }

    /// The same, where no step depends on another.
    pub fn each_by_itself(self) -> Self {
        let plan = self.plan.each_by_itself();
        Self { plan }
    }

    /// Carries it out.
    pub fn run(
        self,
        subject: &str,
        journal: &mut FileJournal,
        host: &mut Host,
        gate: &mut Gate<'_>,
    ) -> Ended {
        let mut gated = Gated { host, gate };
        match run(Machine::new(subject, self.plan), journal, &mut gated) {
            Outcome::NothingToDo => Ended::Done { notes: Vec::new() },
            Outcome::Applied { notes } => Ended::Done { notes },
            outcome @ Outcome::Undone { .. } => Ended::Undone(outcome.to_string()),
            outcome @ Outcome::Stuck { .. } => Ended::Stuck(outcome.to_string()),
        }
    }
}
