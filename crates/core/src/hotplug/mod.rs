//! What a hotplug call means: the contract between libxl, netback and a vif script, as functions.
//!
//! ```text
//!  argv, environment ──Invocation::parse──▶ who, and what for
//!  xenstore nodes    ──Nodes::of──────────▶ what the toolstack wrote
//!  the links in scope ─────────────────────▶ bridge::desire ──▶ Desired, or the text of hotplug-error
//! ```
//!
//! Sections of the contract: 2.1 to 2.6 (the scripts' common run-up and vif-bridge), 3.3 (argv and
//! environment).

pub mod bridge;
mod invocation;
mod nodes;
mod report;

pub use invocation::{Command, Device, Invocation, Quit, Script};
pub use nodes::{Nodes, wanted_nodes};
pub use report::failure;
