//! A stand-in for what a Xen host has and the lab has not: libxl or xend, netback, and the guests'
//! kernels. Each follows the contract to the letter, and each talks to the others only as the
//! real ones do, through xenstore.
//!
//! ```text
//!   toolstack (libxl)          netback                  guest (netfront)
//!   ─────────────────          ───────                  ────────────────
//!   three folders, state 1 ──▶ vifD.I, no carrier
//!   waits for state 2     ◀──  features, state 2
//!   runs the script ─────────▶ (hotplug-status)
//!   unpauses the guest ───────────────────────────────▶ state 4
//!                              connected? then state 4
//!                              and ethN into the guest
//! ```
//!
//! With xend, it is udev that runs the script when netback has its device, and xend waits for
//! `hotplug-status`.
//!
//! What stands in for hardware: a vif is a veth pair. Its guest's end is held, down, in a
//! namespace of its own, so that the vif has no carrier and the guest no NIC until
//! `hotplug-status` was read as `connected`.

mod conf;
mod device;
mod error;
mod guest;
mod lease;
mod netback;
mod nodes;
mod qemu;
mod script;
mod store;
mod toolstack;
mod xend;

pub use conf::Conf;
pub use device::Attachment;
pub use error::StartError;
pub use guest::{GuestPlace, Guests, NicPlan};
pub use lease::prepare as prepare_leases;
pub use netback::Netback;
pub use nodes::{XenbusState, vif_paths};
pub use toolstack::{Running, Toolstack};

pub(crate) use script::wait as wait_for_process;
pub(crate) use xend::joined as script_path;

/// Where the stores' sockets are inside of the lab: dom0's under the usual name, each guest's
/// beside it.
pub const STORE: &str = "/run/xenstored/socket";

/// The socket on which a guest's own kernel reaches the store.
pub fn guest_socket(domid: xenwire_core::name::DomId) -> std::path::PathBuf {
    format!("/run/xenstored/domain-{domid}").into()
}
