//! Situations that nobody wrote down, on both sides.
//!
//! `XENWIRE_CASES` says how many, `XENWIRE_SEED` with which dice, `XENWIRE_CASE` which one alone: if
//! it has a difference that no row covers, it is made small, line by line. What is printed can be
//! put into a file.

use std::collections::BTreeSet;

use rustix::process::geteuid;

use crate::draw;
use crate::excused::{self, Compared};
use crate::run::{Place, each};
use crate::situation::Situation;
use crate::tools::debian_scripts;
use crate::world::User;

/// Without `XENWIRE_SEED`: the same each time, so that a change is to blame.
const SEED: u64 = 1;
/// Without `XENWIRE_CASES`.
const CASES: u64 = 64;

/// Goes through all of them.
pub fn all() {
    let Some(debian) = debian_scripts() else {
        return;
    };
    let place = Place::new(Some(&debian));
    let seed = number("XENWIRE_SEED").unwrap_or(SEED);
    let cases: Vec<u64> = match number("XENWIRE_CASE") {
        Some(one) => vec![one],
        None => (0..number("XENWIRE_CASES").unwrap_or(CASES)).collect(),
    };
    let compared: Vec<Compared> = each(&cases, |number| {
        let user = user(*number);
        let text = draw::case(seed, *number);
        let mut compared = compare(&place, user, &text);
        if !compared.unlisted.is_empty() {
            let text = match cases.len() {
                1 => smaller(&place, user, text),
                _ => text,
            };
            if cases.len() == 1 {
                compared = compare(&place, user, &text);
            }
            let lines = compared.unlisted.join("\n  ");
            let case = format!("{text}\n  {lines}");
            println!("{case}\n");
            compared.unlisted = vec![case];
        }
        compared
    });
    let met: BTreeSet<&str> = compared
        .iter()
        .flat_map(|one| one.met.iter().copied())
        .collect();
    let calls: usize = compared.iter().map(|one| one.calls).sum();
    let apart: usize = compared.iter().map(|one| one.apart).sum();
    let unlisted: Vec<&String> = compared.iter().flat_map(|one| &one.unlisted).collect();
    println!(
        "seed {seed}: {} drawn situations, {calls} calls compared, {apart} after the two sides had gone \
         apart; {} listed differences met; cases with unlisted: {}",
        cases.len(),
        met.len(),
        unlisted.len(),
    );
    assert!(
        unlisted.is_empty(),
        "unlisted; XENWIRE_CASE=number makes one small"
    );
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Where the tests are root, each second case is an ordinary user's.
fn user(number: u64) -> User {
    match geteuid().is_root() && number % 2 == 1 {
        true => User::Nobody,
        false => User::Caller,
    }
}

fn compare(place: &Place, user: User, text: &str) -> Compared {
    let situation = Situation::drawn(text);
    let theirs = place.see(user, &place.theirs(), &situation);
    let ours = place.see(user, &place.ours(), &situation);
    excused::compare(&situation, &theirs, &ours)
}

/// Leaves out each line without which something unlisted is still there.
fn smaller(place: &Place, user: User, text: String) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut at = lines.len();
    while at > 0 {
        at -= 1;
        let takes = ["world: ", "node: ", "no-node: ", "env: ", "call: "];
        if !takes.iter().any(|key| lines[at].starts_with(key)) {
            continue;
        }
        let mut fewer = lines.clone();
        let call = fewer.remove(at).starts_with("call: ");
        if call {
            fewer.remove(at - 1);
        }
        let some = fewer.iter().any(|line| line.starts_with("call: "));
        if some && !compare(place, user, &fewer.join("\n")).unlisted.is_empty() {
            lines = fewer;
            at -= usize::from(call);
        }
    }
    lines.join("\n")
}
