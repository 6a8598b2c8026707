//! What a hotplug call means: the contract between libxl, netback and a vif script, as functions.
//!
//! ```text
//!  argv, environment ──Invocation::parse──▶ who, and what for
//!  xenstore nodes    ──Nodes::of──────────▶ what the toolstack wrote
//!  the vif's journal ──Given::of──────────▶ what earlier calls gave to other links
//!  all of these      ──Looks::of──────────▶ what must be seen of the machine
//!  what was seen     ──decide─────────────▶ Desired, or the text of hotplug-error
//! ```
//!
//! Each script has a file that says what it wants; what they share is in `identity` (which link it
//! is), `port` (a port of something) and `routed` (a link of its own). Sections of the contract: 2.1 to 2.9, 3.3.

mod bridge;
mod dhcp;
pub(crate) mod dhcpd;
#[cfg(test)]
mod fuzz;
mod given;
mod guard;
mod guest_ip;
mod hooks;
mod identity;
mod invocation;
mod looks;
mod nat;
mod nodes;
mod old_rules;
mod openvswitch;
mod passage;
mod port;
mod report;
mod route;
mod routed;
mod script;
#[cfg(test)]
mod tests;

pub use dhcp::is_told;
pub use given::Given;
pub use hooks::FoundHooks;
pub use invocation::{Command, Device, Invocation, Quit, Uplink};
pub use looks::{Looks, Seen, decide, heeds_conf};
pub use nodes::{Nodes, vm_nodes, wanted_nodes};
pub use openvswitch::questions;
pub use passage::place;
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

/// The links that must be looked at for this call.
fn scope(call: &Invocation, nodes: &Nodes, given: &Given) -> Result<Scope, String> {
    match call.script {
        Script::VifBridge | Script::VifBridgeManual | Script::VifSetup => {
            bridge::scope(call, nodes)
        }
        Script::VifRoute => route::scope(call, nodes, given),
        Script::VifNat => nat::scope(call, nodes),
        Script::VifOpenvswitch => openvswitch::scope(call, nodes),
    }
}

/// What the call's script wants.
fn desire(
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
