//! The thinking half of xenwire. Everything in this crate is a function of its arguments: no
//! clock, no file, no socket, no environment, no process (`clippy.toml` beside this crate keeps
//! it so). What the machine looks like comes in as values; what should happen to it goes out as
//! values; `xenwire-host` does it.
//!
//! ```text
//!  text ──config──▶ what is wanted ──hotplug──▶ Desired ─┐
//!                                                        ├─diff─▶ plan ─▶ journal::Machine ─▶ (host)
//!  kernel and xenstore, as found ─────────────▶ Observed ┘
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod config;
pub mod diag;
pub mod forward;
pub mod gc;
pub mod hotplug;
pub mod install;
pub mod journal;
pub mod name;
pub mod network;
pub mod plan;
pub mod show;
pub mod state;
