//! Our readers beside Debian's own xl and libxlutil, which run unmodified: xl in its dry run
//! (`-N`), kept from the hypervisor it does not find by `gate.c`; libxlutil in a program of ours,
//! `libxlu.c`. What differs stands in a table with its reason, and everything else fails.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the test runs the programs that the crate is compared with"
)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod debian;
mod files;
mod specs;
mod tally;
mod vifs;
