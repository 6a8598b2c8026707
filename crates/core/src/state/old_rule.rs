//! The rules by which Xen's own scripts let the frames of a vif pass dom0's FORWARD chain.

use std::fmt;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::name::IfName;

/// A rule of the chain FORWARD of the table `ip filter`, in exactly the form that Xen's scripts give
/// it (contract 2.4); of any other form it is somebody else's:
///
/// ```text
///  -m physdev --physdev-is-bridged --physdev-in vif1.0 [-s 192.0.2.7 | -p udp --sport 68 --dport 67] -j ACCEPT
///  -m physdev --physdev-is-bridged --physdev-out vif1.0 -j ACCEPT
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OldRule {
    /// How many rules are before it.
    pub place: u32,
    /// The vif or tap, by its name when the rule was made.
    pub port: IfName,
    /// What passes.
    pub passes: Passes,
    /// The kernel's own form of it, in which it is put back.
    pub expressions: Vec<u8>,
}

/// What a rule lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passes {
    /// What comes from the guest with this source.
    From(Ipv4Net),
    /// What the guest sends to a DHCP server.
    Dhcp,
    /// Whatever comes from the guest.
    FromAnywhere,
    /// Whatever goes to the guest.
    To,
}

impl OldRule {
    /// Whether this is the same rule, wherever it stands and however often it matched.
    pub fn is(&self, other: &Self) -> bool {
        (&self.port, self.passes) == (&other.port, other.passes)
    }
}

impl fmt::Display for OldRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.passes {
            Passes::To => "out",
            _ => "in",
        };
        write!(
            f,
            "-A FORWARD -m physdev --physdev-is-bridged --physdev-{direction} {}",
            self.port
        )?;
        match self.passes {
            Passes::From(net) => write!(f, " -s {net}")?,
            Passes::Dhcp => f.write_str(" -p udp --sport 68 --dport 67")?,
            Passes::FromAnywhere | Passes::To => {}
        }
        f.write_str(" -j ACCEPT")
    }
}
