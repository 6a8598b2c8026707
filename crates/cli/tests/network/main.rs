//! `network-bridge` is never half done: the program itself against the real kernel.
//!
//! | module | shows |
//! | --- | --- |
//! | `back` | `start` then `stop` leaves no trace on a host that has everything; twice is once |
//! | `faults` | each call that changes something fails once: undone, or done and said |
//! | `crash` | SIGKILL at each call that changes something: `recover` ends in the old state or the new |
//! | `crash_again` | SIGKILL at `recover` itself, and records that were cut off within a line |
//! | `at_once` | many calls at the same time, and guests that come meanwhile |
//! | `routing` | `network-route` and `network-nat`: a router, and none again |
//! | `dhcp` | guests of vif-nat that ask for their addresses |
//! | `cases` | what Xen's scripts did wrong or left to chance, a row each |
//!
//! `world` is a host with a network around it, `host.sh` builds it, `strike` finds the calls and
//! hits them, `whole_state` says all that the kernel says. Where the tests are root, some run twice:
//! as root and as uid 65534.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod at_once;
mod back;
mod cases;
mod crash;
mod crash_again;
mod dhcp;
mod faults;
#[path = "../it/need.rs"]
mod need;
mod routing;
#[path = "../../../host/tests/it/strike.rs"]
mod strike;
#[path = "../../../host/tests/it/whole_state.rs"]
mod whole_state;
mod world;
