//! The vif specification: one element of a domU's `vif = [ … ]`, such as
//! `mac=00:16:3e:00:00:02,bridge=br0` (contract 3.6.3; xl-network-configuration(5)).
//!
//! ```text
//!  text ─read─▶ parts ─keys─▶ key and value ─value─▶ VifSpec, or what is wrong
//!                                        └──made──▶ what the toolstack makes of it all the same
//! ```
//!
//! Invariant: a [`VifSpec`] holds only what was written, checked; no default is applied. Printed,
//! it is its own normal form: reading that gives the same specification.

mod address;
mod keys;
mod made;
mod number;
mod print;
mod rate;
mod read;
mod value;
mod vlan;

#[cfg(test)]
mod tests;

pub use rate::{Rate, RateError};
pub use read::read;
pub use vlan::{VlanError, VlanId, Vlans};

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::diag::Span;
use crate::name::{DevId, IfName, Mac};

/// Who is going to read the specification, and how much may be wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whose rules they are.
    pub dialect: Dialect,
    /// Whether the vif is made as the toolstack would make it, however wrong the specification
    /// is: then a fault is an error only if the toolstack itself gives up, and else a warning.
    pub lenient: bool,
}

/// The two toolstacks that read specifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// xl, since Xen 4.1 (contract 3.6.3).
    #[default]
    Xl,
    /// xm and xend, up to Xen 4.4 (contract 6.3).
    Xm,
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Xl => "xl",
            Self::Xm => "xm",
        })
    }
}

/// What a vif's specification says. The default is the empty text: one vif with all defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VifSpec {
    /// `mac`: the frontend's address. None, and libxl draws one.
    pub mac: Option<Mac>,
    /// `bridge`: a link's name, or Open vSwitch's `NAME[.VLAN][:VLAN…]` (contract 2.9).
    pub bridge: Option<String>,
    /// `gatewaydev`: the link vif-route takes dom0's own address from.
    pub gatewaydev: Option<IfName>,
    /// `type`: with or without an emulated card beside the vif.
    pub kind: Option<VifType>,
    /// `model`: the card QEMU emulates.
    pub model: Option<String>,
    /// `vifname`: the backend link's name, instead of `vif<domid>.<devid>`.
    pub vifname: Option<IfName>,
    /// `script`: a path, or a name in the script folder.
    pub script: Option<String>,
    /// `ip`: as written, one element for each blank-separated part.
    pub ip: Vec<String>,
    /// `ip` as addresses and networks, a single address with its full length; as long as `ip`,
    /// unless something in it that is no address was let pass.
    pub nets: Vec<IpNet>,
    /// `backend`: the name or number of the domain that has the backend.
    pub backend: Option<String>,
    /// `rate`: how fast the guest may transmit.
    pub rate: Option<Rate>,
    /// `devid`: the device number, instead of the position in the list.
    pub devid: Option<DevId>,
    /// `mtu`, 68 to 65535 unless it was let pass.
    pub mtu: Option<u32>,
    /// `vlan`: what a VLAN-filtering bridge lets the vif's port carry.
    pub vlan: Option<Vlans>,
    /// `trusted` or `untrusted`: whether the guest trusts the backend's domain.
    pub trusted: Option<bool>,
    /// `forwarddev` and the `colo_…` keys, untouched, in the order written.
    pub colo: Vec<(String, String)>,
}

/// `type` of a vif.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VifType {
    /// Paravirtual only.
    Vif,
    /// An HVM guest's emulated card too, with a tap beside the vif.
    Ioemu,
}

/// A specification and where its parts were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What it says.
    pub spec: VifSpec,
    /// The whole specification.
    pub span: Span,
    /// Each key that was written, by its name today, and the place of its value (of the word
    /// itself for `trusted`).
    pub places: BTreeMap<&'static str, Span>,
    /// What the toolstack hands on as it is although nothing can come of it, by key: a `vifname`
    /// that no link can have. Empty unless the specification was read leniently.
    pub passed_on: BTreeMap<&'static str, String>,
}

impl Written {
    /// Where this key's value was written, or else the specification.
    pub fn place(&self, key: &str) -> &Span {
        self.places.get(key).unwrap_or(&self.span)
    }
}
