//! What people write about a host's networks, read into values.
//!
//! ```text
//!  foo.cfg ──xl──▶ settings ──domu──▶ DomU ─┐
//!                     └──vif──▶ VifSpec ────┤ lab::resolve ──▶ Scenario
//!  xl.conf ──xl──▶ settings ──xl_conf──▶ XlConf
//!  lab.toml ───────────lab::read──────▶ Lab ┘
//! ```
//!
//! Every reader has the same shape: it takes the text and the file's name, adds everything that
//! is wrong to a [`Diagnostics`](crate::diag::Diagnostics), and returns a value exactly if it
//! added no error. No reader opens a file, and none panics, whatever the text.

pub mod domu;
pub mod lab;
pub mod vif;
pub mod xl;
pub mod xl_conf;

#[cfg(test)]
mod tests;
