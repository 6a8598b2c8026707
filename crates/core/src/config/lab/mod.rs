//! `lab.toml`: the world around a host in the lab, and what must hold in it.
//!
//! ```text
//!  lab.toml ──read──▶ Lab ─────────┐
//!  each guest's file ──domu──▶ DomU ┴─resolve─▶ Scenario ──▶ (xenwire-lab builds and checks it)
//! ```
//!
//! Reading is in two steps because a guest's name stands in its own file. [`Lab`] is what was
//! written, each part checked for itself; a [`Scenario`] is complete: every name leads to
//! something, no name, address or MAC is there twice, and every claim probes something.

mod boot;
mod claims;
mod expect;
mod links;
mod model;
mod names;
mod probes;
mod raw;
mod read;
mod resolve;
mod routes;
mod scenario;
mod unique;

#[cfg(test)]
mod tests;

pub use boot::{Boot, BootCommand, Toolstack};
pub use model::{
    Bridge, Claim, ClaimKind, Expect, ExpectedBridge, ExpectedLink, ExpectedMac, Family, Guest,
    GuestNic, Host, Lab, Lan, Machine, Master, Nic, Protocol, Route, Target,
};
pub use names::{LanName, MachineName, NameError};
pub use read::read;
pub use resolve::resolve;
pub use scenario::{Domain, DomainNic, Probe, Probes, Scenario};
