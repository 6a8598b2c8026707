//! What a hotplug call means: the contract between libxl, netback and a vif script, as functions.
//!
//! ```text
//!  argv, environment ──Invocation::parse──▶ who, and what for
//!  xenstore nodes    ──Nodes::of──────────▶ what the toolstack wrote
//!  the vif's journal ──Given::of──────────▶ what earlier calls gave to other links
//!  the links in scope ──desire────────────▶ Desired, or the text of hotplug-error
//!  its guard ───────────guard::desire─────▶ and what its guest may send
//!  its passage ─────────passage::desire───▶ and whether FORWARD lets it by
//!  the FORWARD chain ───old_rules::desire─▶ and what Xen's own scripts left there
//! ```
//!
//! Each script has a file that says what it wants; what they share is in `identity` (which link it
//! is), `port` (a port of something) and `routed` (a link of its own). Sections of the contract: 2.1 to 2.9, 3.3.

mod bridge;
mod dhcp;
mod dhcpd;
#[cfg(test)]
mod fuzz;
mod given;
pub mod guard;
mod guest_ip;
mod hooks;
mod identity;
mod invocation;
mod nat;
mod nodes;
pub mod old_rules;
mod openvswitch;
pub mod passage;
mod port;
mod report;
mod route;
mod routed;
mod script;
#[cfg(test)]
mod tests;

pub use given::Given;
pub use hooks::{FoundHooks, hooks};
pub use invocation::{Command, Device, Invocation, Quit, Uplink};
pub use nodes::{Nodes, vm_nodes, wanted_nodes};
pub use openvswitch::questions;
pub use report::failure;
pub use route::{find_uplink, lacks_uplink};
pub use script::Script;

use crate::state::{Desired, Observed, Scope};

/// What a call wants, and what is worth a line in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What is wanted.
    pub desired: Desired,
    /// What the administrator should know: choices that should have been theirs, things that will
    /// not work.
    pub warnings: Vec<String>,
}

impl From<Desired> for Wanted {
    /// With nothing to say about it.
    fn from(desired: Desired) -> Self {
        Self {
            desired,
            warnings: Vec::new(),
        }
    }
}

/// What must be known of the machine for this call.
///
/// # Errors
/// The text of `hotplug-error`.
pub fn scope(call: &Invocation, nodes: &Nodes, given: &Given) -> Result<Scope, String> {
    match call.script {
        Script::VifBridge | Script::VifBridgeManual | Script::VifSetup => {
            bridge::scope(call, nodes)
        }
        Script::VifRoute => route::scope(call, nodes, given),
        Script::VifNat => nat::scope(call, nodes),
        Script::VifOpenvswitch => openvswitch::scope(call, nodes),
    }
}

/// What the call wants.
///
/// # Errors
/// The text of `hotplug-error`. Nothing was changed.
pub fn desire(
    call: &Invocation,
    nodes: &Nodes,
    given: &Given,
    observed: &Observed,
) -> Result<Wanted, String> {
    match call.script {
        Script::VifBridge | Script::VifBridgeManual | Script::VifSetup => {
            bridge::desire(call, nodes, observed)
        }
        Script::VifRoute => route::desire(call, nodes, given, observed),
        Script::VifNat => nat::desire(call, nodes, observed),
        Script::VifOpenvswitch => openvswitch::desire(call, nodes, observed),
    }
}
