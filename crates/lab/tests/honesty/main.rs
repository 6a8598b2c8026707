//! The lab's stand-in for libxl, xend and netback is honest: every node, word, variable, state and
//! step of contract 3.x, 4.x and 6.x is there, so that what works here works on a Xen host.
//!
//! The lab is `examples/honesty.rs`; its hotplug script is a witness that writes down in the store
//! how it was called and what it found. What would not be noticed if it were wrong is in
//! `../MUTANTS.md`: nothing, as `ci/mutants.sh` tries out.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod attach;
mod detach;
mod need;
mod netback;
mod scripts;
mod world;
mod xend;
