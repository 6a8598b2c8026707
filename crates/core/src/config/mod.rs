//! What people write about a host's networks, read into values.
//!
//! ```text
//!  foo.cfg ──xl or xm──▶ settings ──domu──▶ DomU ─┐
//!                           └──vif──▶ VifSpec ────┤ lab::resolve ──▶ Scenario
//!  lab.toml ────────────────lab::read───────▶ Lab ┘
//!  xl.conf ──xl──▶ settings ──xl_conf──▶ XlConf
//!  xenwire.toml ──host_conf──▶ HostConf
//!  xend-config.sxp ──sxp──▶ lists ──xend──▶ XendConf
//!  /etc/network/interfaces ──interfaces──▶ Interfaces
//!
//!  any set of them ──check──▶ what is wrong with each and between them
//! ```
//!
//! Every reader has the same shape: it takes the text and the file's name, adds everything that
//! is wrong to a [`Diagnostics`](crate::diag::Diagnostics), and returns a value exactly if it
//! added no error. No reader opens a file, and none panics, whatever the text.

pub mod check;
pub mod domu;
pub mod host_conf;
pub mod interfaces;
pub mod lab;
pub mod settings;
pub mod sxp;
pub mod vif;
pub mod xend;
pub mod xl;
pub mod xl_conf;
pub mod xm;

#[cfg(test)]
mod tests;
