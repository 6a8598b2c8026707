//! What to undo after a crash.

use std::fmt;

use super::Fault;
use crate::plan::{Need, Step};
use crate::state::{Effect, Mismatch, NetState, Undo};

/// What is observed fits no point of the announced run: somebody else changed it meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// Why the whole run cannot have been done.
    pub whole: Mismatch,
    /// Why nothing of it cannot have been done.
    pub nothing: Mismatch,
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "what is there fits no point of the interrupted run: not its end ({}), not its start ({})",
            self.whole, self.nothing
        )
    }
}

impl std::error::Error for Unclear {}

impl From<Unclear> for Fault {
    fn from(unclear: Unclear) -> Self {
        Self {
            operation: "recover".into(),
            errno: None,
            reason: unclear.to_string(),
        }
    }
}

/// The effects that bring back the state before an announced run that was cut off somewhere,
/// forward or while undoing. Both leave the first `n` steps in place, for some `n`: that `n` is
/// the one for which what is observed can be walked back to the start and on to the end.
///
/// # Errors
/// [`Unclear`] if there is no such `n`.
pub fn recover(steps: &[Step], observed: &NetState) -> Result<Vec<Effect>, Unclear> {
    let mut nothing = None;
    let mut whole = None;
    for done in (0..=steps.len()).rev() {
        match walk(&steps[..done], &steps[done..], observed) {
            Ok(undo) => return Ok(undo),
            Err(mismatch) if done == 0 => nothing = Some(mismatch),
            Err(mismatch) => whole = whole.or(Some(mismatch)),
        }
    }
    let none = || Mismatch("nothing was announced".into());
    Err(Unclear {
        whole: whole.unwrap_or_else(none),
        nothing: nothing.unwrap_or_else(none),
    })
}

/// Whether an announced run was done to its end, and only the record of that is missing.
pub fn is_whole(steps: &[Step], observed: &NetState) -> bool {
    walk(steps, &[], observed).is_ok()
}

fn walk(done: &[Step], ahead: &[Step], observed: &NetState) -> Result<Vec<Effect>, Mismatch> {
    let mut forward = observed.clone();
    for step in ahead {
        match forward.apply(&step.effect) {
            Ok(()) => {}
            // It may be one that this machine refuses.
            Err(_) if step.need == Need::Wished => {}
            Err(mismatch) => return Err(mismatch),
        }
    }
    let mut back = observed.clone();
    let mut undo = Vec::new();
    for step in done.iter().rev() {
        let effect = match step.effect.undo() {
            Undo::By(effect) => *effect,
            Undo::Never(why) => return Err(Mismatch(why.into())),
        };
        match back.apply(&effect) {
            Ok(()) => undo.push(effect),
            // A wished step may have failed on the way.
            Err(_) if step.need == Need::Wished => {}
            Err(mismatch) => return Err(mismatch),
        }
    }
    Ok(undo)
}
