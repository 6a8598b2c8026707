//! Putting xenwire in the place of Xen's scripts, and taking it away again: which steps, in which
//! order, and what is refused.
//!
//! ```text
//!  vif-bridge  Xen's script        ──stage──▶  vif-bridge          Xen's script
//!                                              vif-bridge.distrib  our link
//!                                                   │ exchange (renameat2): one system call
//!                                                   ▼
//!                                              vif-bridge          our link
//!                                              vif-bridge.distrib  Xen's script
//! ```
//!
//! Both ways are planned from what is found, so a run that was cut off anywhere is finished by the
//! next one. At every moment a name is the script it was or the program it is to be: libxl may call
//! it meanwhile. What the program does not know to be its own it leaves alone.

mod addresses;
mod elf;
mod found;
mod manifest;
mod refusal;
mod remove;
mod replace;
mod rules;
mod step;

#[cfg(test)]
mod tests;

pub use addresses::{CONF, Filter, Listed, Loss, Seen, filter, loss};
pub use elf::{NotStatic, is_static};
pub use found::{Diversion, Entry, Found, Place};
pub use manifest::{Kept, Manifest, Written};
pub use refusal::Refusal;
pub use remove::uninstall;
pub use replace::{Wanted, install};
pub use rules::{links_with_rules, note};
pub use step::{Plan, Step};

/// The names that xenwire can take over, if it knows what they do: Xen's own, of every version
/// (contract 0.4, appendix B).
pub const NAMES: [&str; 10] = [
    "vif-bridge",
    "vif-bridge-manual",
    "vif-route",
    "vif-nat",
    "vif-openvswitch",
    "vif-setup",
    "network",
    "network-bridge",
    "network-route",
    "network-nat",
];

/// Where Xen's scripts are, unless Xen was built otherwise (contract 0.4).
pub const SCRIPTS: &str = "/etc/xen/scripts";

/// The folder of the program that the names are links to.
pub const PROGRAM_FOLDER: &str = "/usr/libexec/xenwire";

/// The program's name there.
pub const PROGRAM_FILE: &str = "xenwire";

/// What the names are links to.
pub const PROGRAM: &str = "/usr/libexec/xenwire/xenwire";

/// The folder of the manifest.
pub const MANIFEST_FOLDER: &str = "/var/lib/xenwire";

/// The manifest's name there.
pub const MANIFEST_FILE: &str = "install.json";

/// What is put behind the name of an original, as dpkg-divert(1) does by itself.
const ASIDE: &str = ".distrib";

/// The name under which the original of `name` is kept, in the same folder: there it finds the
/// libraries it sources.
pub fn aside(name: &str) -> String {
    format!("{name}{ASIDE}")
}
