//! Which row of `docs/differences.md` covers which difference of a drawn situation.
//!
//! A written situation names its differences itself. Here a row says by its own terms when it
//! applies: what had been there before the call, and how either side ended. And ours alone is held
//! to what is true of every call, also where the two sides have gone apart.

mod call;
mod rows;
mod sound;

use std::collections::{BTreeMap, BTreeSet};

use crate::listed::{EVERYWHERE, fits};
use crate::seen::{Seen, differences};
use crate::situation::{Situation, Step};
use call::Call;

/// What a comparison of two sides came to.
#[derive(Debug, Default)]
pub struct Compared {
    /// Rows that were met.
    pub met: BTreeSet<&'static str>,
    /// Differences, or faults of ours, that no row covers.
    pub unlisted: Vec<String>,
    /// Calls that were compared.
    pub calls: usize,
    /// Calls behind one that made the sides unlike; ours is looked at alone there.
    pub apart: usize,
}

/// Compares what was seen, before and after each call.
pub fn compare(situation: &Situation, theirs: &[Seen], ours: &[Seen]) -> Compared {
    let mut compared = Compared::default();
    let mut apart = false;
    let mut pairs = theirs.chunks(2).zip(ours.chunks(2));
    let mut env: BTreeMap<String, String> = BTreeMap::new();
    let mut number = 0;
    for step in &situation.steps {
        let words = match step {
            Step::Env(name, value) => {
                env.insert(name.clone(), value.clone().unwrap_or_default());
                continue;
            }
            Step::Call(words) => words,
            _ => continue,
        };
        number += 1;
        let (theirs, ours) = pairs.next().expect("a look before each call");
        let call = Call {
            words,
            env: &env,
            before: [&theirs[0], &ours[0]],
            after: [&theirs[1], &ours[1]],
        };
        let faults = sound::faults(&call);
        compared.unlisted.extend(
            faults
                .into_iter()
                .map(|fault| format!("{number} ours: {fault}")),
        );
        if apart {
            compared.apart += 1;
            continue;
        }
        compared.calls += 1;
        apart = one(&call, number, &mut compared);
    }
    compared
}

/// Compares one call; whether the sides are too unlike now to go on.
fn one(call: &Call, number: usize, compared: &mut Compared) -> bool {
    let carried = differences(
        std::slice::from_ref(call.before[0]),
        std::slice::from_ref(call.before[1]),
    );
    let mut new = differences(
        std::slice::from_ref(call.after[0]),
        std::slice::from_ref(call.after[1]),
    );
    new.retain(|line| !carried.contains(line));
    let mut lines: Vec<String> = new
        .iter()
        .filter_map(|line| line.strip_prefix("1 "))
        // What is written is compared below, and nothing else changes a node.
        .filter(|line| !line.starts_with("write ") && !line.starts_with("node "))
        .map(str::to_owned)
        .collect();
    lines.extend(rows::writes(call, &mut compared.met));
    let mut apart = call.failed(0) != call.failed(1);
    for line in rows::same_but_for_protocol(lines, &mut compared.met) {
        let everywhere = EVERYWHERE
            .iter()
            .find(|(_, pattern)| fits(pattern, &format!("1 {line}")));
        let row = everywhere
            .map(|(id, _)| *id)
            .or_else(|| rows::row(call, &line));
        match row {
            Some(id) => {
                apart |= id == "D10" || id == "D13";
                compared.met.insert(id);
            }
            None => compared.unlisted.push(format!("{number} {line}")),
        }
    }
    apart
}
