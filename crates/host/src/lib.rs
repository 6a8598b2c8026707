//! The doing half of xenwire: every system call on the machine's network, store, files and locks.
//! It performs and reports; what is to be done was decided in `xenwire-core`.
//!
//! | module | does |
//! | --- | --- |
//! | [`kernel`] | reads the kernel's network, and changes it, one message a step |
//! | [`store`] | reads and writes xenstore nodes |
//! | [`journal`] | keeps records, and hands out the token without which nothing is changed |
//! | [`run`] | carries out the orders of a journal's state machine |
//! | [`hotplug`] | a vif script's call from argv to exit status |
//! | [`install`] | puts links in the place of Xen's scripts, and the scripts back |
//! | [`gc`] | finds and removes what vifs that are gone left behind |
//! | [`hooks`] | finds and runs the hooks of the vif scripts |
//! | [`topology`] | what `xenwire show` draws, as observed |
//! | [`start`] | what a process needs before anything else |
//! | [`terminal`] | how wide it is |
//! | [`lock`] | the locks that Xen's scripts hold |
//! | [`log`] | xen-hotplug.log and syslog |
#![cfg_attr(test, allow(clippy::unwrap_used))]
// kernel/part.rs and start.rs have what there is.
#![deny(unsafe_code)]

mod dhcp;
pub mod files;
pub mod forward;
pub mod gc;
pub mod hooks;
pub mod hotplug;
pub mod install;
pub mod journal;
pub mod kernel;
mod lines;
pub mod lock;
pub mod log;
pub mod network;
pub mod run;
pub mod start;
pub mod store;
pub mod switch;
pub mod terminal;
pub mod topology;

/// The host's own name, if it is text.
pub fn name() -> Option<String> {
    let uname = rustix::system::uname();
    uname.nodename().to_str().ok().map(str::to_owned)
}

/// Who runs us: the effective user.
pub fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}
