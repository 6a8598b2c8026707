//! A Xen host in network namespaces: the lab. As an ordinary user, on the real kernel, without
//! Xen, it runs the code that a Xen host runs.
//!
//! | module | is |
//! | --- | --- |
//! | [`scenario`] | a folder with a `lab.toml`, read |
//! | [`sandbox`] | namespaces and mounts: a world of our own, gone without a trace |
//! | [`world`] | LANs, machines on them, dom0's NICs and bridges |
//! | [`xen`] | a stand-in for libxl or xend, netback and the guests' kernels |
//! | [`probe`] | packets that must arrive, and packets that must not |
//! | [`verdict`] | a scenario's claims, held or not |
//! | [`control`] | what `lab start`, `lab attach` and the others say to a lab that is up |
//! | [`life`] | all of it in order: build, start, judge, stay, end |
//! | [`daemon`] | the lab's xenstore by itself, and a trace of one compared with another |
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod act;
mod boot;
pub mod control;
pub mod daemon;
pub mod life;
pub mod probe;
pub mod sandbox;
pub mod scenario;
pub mod verdict;
pub mod world;
pub mod xen;

/// What the lab's own machinery has to complain about while it runs: its kernel's log.
pub(crate) fn complain(line: &str) {
    use std::io::Write;
    // Nobody may be reading; then nobody is told.
    let _ = writeln!(std::io::stderr(), "{line}");
}
