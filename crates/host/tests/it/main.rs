//! A vif script's call against the kernel itself: each test has network, mount and user
//! namespaces of its own and an embedded xenstore, and Debian's tools say what was changed.
#![allow(clippy::unwrap_used)]
// What was counted is told with --nocapture.
#![allow(clippy::print_stdout)]

mod calls;
mod forward;
mod frame;
mod give_back;
mod guard;
mod killed;
mod lock;
mod need;
mod old_rules;
mod openvswitch;
mod race;
mod routed;
mod sees;
mod storm;
mod strike;
mod trace;
mod undo;
mod whole_state;
mod world;
