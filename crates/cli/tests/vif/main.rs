//! Vif scripts that are given what nobody should give them: the program itself, called as libxl
//! calls it, against the real kernel and a store.
//!
//! | module | shows |
//! | --- | --- |
//! | `bad` | each bad value by its name: refused, named in `hotplug-error`, and nothing is changed |
//! | `fuzzed` | any values at all: the vif comes or does not, and once it has gone nothing is left |
//! | `between` | the backend's folder, or the store, goes between reading and writing |
//!
//! `caller` calls; the world is that of the host crate's tests.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod bad;
mod between;
mod caller;
mod fuzzed;
#[allow(dead_code, reason = "the host crate's tests need more")]
#[path = "../../../host/tests/it/need.rs"]
mod need;
#[path = "../../../host/tests/it/strike.rs"]
mod strike;
#[path = "../../../host/tests/it/whole_state.rs"]
mod whole_state;
#[allow(dead_code, reason = "the host crate's tests need more")]
#[path = "../../../host/tests/it/world.rs"]
mod world;
