//! Debian's own vif scripts and ours in the same situations, on the real kernel, with the same
//! xenstore: what comes out is the same, or the difference is in `docs/differences.md`.
//!
//! ```text
//!  situations/*.txt ─▶ world, nodes, calls ─┬─▶ Debian's scripts ─▶ what was seen ─┐
//!                                           └─▶ ours ────────────▶ what was seen ─┴─▶ differences
//! ```
//!
//! | module | is |
//! | --- | --- |
//! | `situation` | the text files: a world, nodes, calls, and what may differ |
//! | `world` | a dom0 in namespaces of its own, driven through a shell; `world.sh` builds it |
//! | `store` | a xenstore that writes down who wrote what, and which links were up then |
//! | `seen` | all that a call changed, as readable facts |
//! | `listed` | the table of `docs/differences.md`, and what of it was met |
//! | `ours` | our side alone, for each row of that table |
//! | `draw` | situations that nobody wrote down, from a seed and a number; by `dice` |
//! | `drawn` | goes through them; what differs is made small |
//! | `excused` | which row of the table covers what there |
//! | `mutants` | Debian's scripts made wrong: each must be noticed |
//!
//! Both sides are called as `/etc/xen/scripts/NAME`, in the environment of xl. Where the tests are
//! root they run twice: as root and as uid 65534.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod dice;
mod draw;
mod drawn;
mod excused;
mod listed;
mod mutants;
#[path = "../it/need.rs"]
mod need;
mod ours;
mod run;
#[path = "../../../xenstore/tests/model/seed.rs"]
mod seed;
mod seen;
mod situation;
mod store;
#[path = "../it/switch.rs"]
mod switch;
mod tools;
mod world;

use world::User;

#[test]
fn hotplug_differential_as_whoever_runs_it() {
    run::all(User::Caller);
}

#[test]
fn hotplug_differential_as_an_ordinary_user() {
    if rustix::process::geteuid().is_root() {
        run::all(User::Nobody);
    }
}

#[test]
fn hotplug_differential_of_drawn_situations() {
    drawn::all();
}

#[test]
fn hotplug_differential_notices_mutants() {
    mutants::all();
}

#[test]
fn hotplug_differential_lists_what_is_shown() {
    listed::rows_are_whole();
}
