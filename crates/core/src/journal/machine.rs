//! What a run does next. The host asks for an order, carries it out, and says how it went.
//!
//! ```text
//!  announce ─▶ perform 0 ─▶ … ─▶ perform n-1 ─▶ record done ─▶ applied
//!                 │ refused
//!                 ▼
//!          record failed ─▶ undo k-1 ─▶ … ─▶ undo 0 ─▶ record undone ─▶ undone
//!                                │ refused (the others are undone all the same)
//!                                ▼
//!                          record stuck ─▶ stuck
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Event;
use crate::plan::{Need, Plan, Step};
use crate::state::{Effect, Undo};

/// A run of one plan.
#[derive(Clone, Debug)]
pub struct Machine {
    subject: String,
    steps: Vec<Step>,
    done: Vec<usize>,
    notes: Vec<String>,
    failed: Option<(usize, Fault)>,
    left: Vec<Left>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Announce,
    Perform(usize),
    RecordDone,
    RecordFailed,
    Undo,
    RecordUndone,
    Finished,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Write this record to the journal, and say whether it is there.
    Record(Event),
    /// Do this.
    Perform(Effect),
    /// It is over.
    Finish(Outcome),
}

/// How an order went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done (or it was so already).
    Done,
    /// Not done.
    Refused(Fault),
}

/// Why something was not done, in the words of whoever refused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What was tried.
    pub operation: String,
    /// The error's number, if the kernel gave one.
    pub errno: Option<i32>,
    /// The reason.
    pub reason: String,
}

/// A step that could not be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// What is still in place.
    pub effect: Effect,
    /// Why it could not be taken back.
    pub fault: Fault,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The plan was empty.
    NothingToDo,
    /// All is as wanted. Wished steps that failed are told.
    Applied {
        /// What went wrong without mattering.
        notes: Vec<String>,
    },
    /// A step failed and everything is as it was before.
    Undone {
        /// Why.
        fault: Fault,
    },
    /// A step failed, and what is `left` could not be undone.
    Stuck {
        /// Why the step failed.
        fault: Fault,
        /// What is still in place, and why.
        left: Vec<Left>,
    },
}

impl Machine {
    /// A run of this plan.
    pub fn new(subject: impl Into<String>, plan: Plan) -> Self {
        let stage = if plan.steps.is_empty() {
            Stage::Finished
        } else {
            Stage::Announce
        };
        Self {
            subject: subject.into(),
            steps: plan.steps,
            done: Vec::new(),
            notes: Vec::new(),
            failed: None,
            left: Vec::new(),
            stage,
        }
    }

    /// What to do next. Asking twice gives the same order.
    pub fn order(&self) -> Order {
        match self.stage {
            Stage::Announce => Order::Record(Event::Announced {
                subject: self.subject.clone(),
                steps: self.steps.clone(),
            }),
            Stage::Perform(number) => Order::Perform(self.steps[number].effect.clone()),
            Stage::RecordDone => Order::Record(Event::Done),
            Stage::RecordFailed => {
                let (step, fault) = self.failure();
                Order::Record(Event::Failed { step, fault })
            }
            Stage::Undo => match self
                .done
                .last()
                .map(|number| self.steps[*number].effect.undo())
            {
                Some(Undo::By(effect)) => Order::Perform(*effect),
                // `told` drops what has no undo before it comes here.
                Some(Undo::Never(_)) | None => Order::Finish(self.outcome()),
            },
            Stage::RecordUndone if self.left.is_empty() => Order::Record(Event::Undone),
            Stage::RecordUndone => Order::Record(Event::Stuck {
                left: self.left.clone(),
            }),
            Stage::Finished => Order::Finish(self.outcome()),
        }
    }

    /// Takes the answer to the last order. An answer after the end changes nothing.
    pub fn told(&mut self, answer: Answer) {
        self.stage = match (self.stage, answer) {
            (Stage::Announce, Answer::Done) => Stage::Perform(0),
            (Stage::Announce, Answer::Refused(fault)) => {
                // What cannot be announced is not begun.
                self.failed = Some((0, fault));
                Stage::Finished
            }
            (Stage::Perform(number), Answer::Done) => {
                self.done.push(number);
                self.after(number)
            }
            (Stage::Perform(number), Answer::Refused(fault)) => match self.steps[number].need {
                Need::Wished => {
                    self.notes.push(fault.to_string());
                    self.after(number)
                }
                Need::Required => {
                    self.failed = Some((number, fault));
                    Stage::RecordFailed
                }
            },
            // The steps are done whether or not that could be recorded; recovery observes.
            (Stage::RecordDone, answer) => {
                self.note_refusal(answer);
                Stage::Finished
            }
            (Stage::RecordFailed, answer) => {
                self.note_refusal(answer);
                self.undo_next()
            }
            (Stage::Undo, answer) => {
                let number = self.done.pop();
                if let (Some(number), Answer::Refused(fault)) = (number, answer) {
                    self.left.push(Left {
                        effect: self.steps[number].effect.clone(),
                        fault,
                    });
                }
                self.undo_next()
            }
            (Stage::RecordUndone | Stage::Finished, answer) => {
                self.note_refusal(answer);
                Stage::Finished
            }
        };
    }

    fn after(&self, number: usize) -> Stage {
        if number + 1 < self.steps.len() {
            Stage::Perform(number + 1)
        } else {
            Stage::RecordDone
        }
    }

    fn undo_next(&mut self) -> Stage {
        while let Some(number) = self.done.last() {
            let effect = &self.steps[*number].effect;
            let Undo::Never(why) = effect.undo() else {
                return Stage::Undo;
            };
            let fault = Fault {
                operation: format!("undo: {effect}"),
                errno: None,
                reason: why.into(),
            };
            self.left.push(Left {
                effect: effect.clone(),
                fault,
            });
            self.done.pop();
        }
        Stage::RecordUndone
    }

    fn note_refusal(&mut self, answer: Answer) {
        if let Answer::Refused(fault) = answer {
            self.notes.push(fault.to_string());
        }
    }

    fn failure(&self) -> (usize, Fault) {
        self.failed
            .clone()
            .expect("a failed stage is only entered with a fault")
    }

    fn outcome(&self) -> Outcome {
        match &self.failed {
            None if self.steps.is_empty() => Outcome::NothingToDo,
            None => Outcome::Applied {
                notes: self.notes.clone(),
            },
            Some((_, fault)) if self.left.is_empty() => Outcome::Undone {
                fault: fault.clone(),
            },
            Some((_, fault)) => Outcome::Stuck {
                fault: fault.clone(),
                left: self.left.clone(),
            },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.reason)
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingToDo => write!(f, "nothing to do"),
            Self::Applied { notes } if notes.is_empty() => write!(f, "done"),
            Self::Applied { notes } => write!(f, "done, but: {}", notes.join("; ")),
            Self::Undone { fault } => write!(f, "{fault} (everything was undone)"),
            Self::Stuck { fault, left } => {
                write!(f, "{fault}; and could not be undone:")?;
                left.iter()
                    .try_for_each(|l| write!(f, " [{}: {}]", l.effect, l.fault.reason))
            }
        }
    }
}
