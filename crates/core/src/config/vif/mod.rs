//! The vif specification: one element of a domU's `vif = [ … ]`, such as
//! `mac=00:16:3e:00:00:02,bridge=br0` (contract 3.6.3; xl-network-configuration(5)).
//!
//! Invariant: a [`VifSpec`] holds only what was written, checked; no default is applied. Printed,
//! it is its own normal form: reading that gives the same specification.

mod address;
mod keys;
mod print;
mod rate;
mod read;
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
    /// `ip` as addresses and networks, a single address with its full length; as long as `ip`.
    pub nets: Vec<IpNet>,
    /// `backend`: the name or number of the domain that has the backend.
    pub backend: Option<String>,
    /// `rate`: how fast the guest may transmit.
    pub rate: Option<Rate>,
    /// `devid`: the device number, instead of the position in the list.
    pub devid: Option<DevId>,
    /// `mtu`, 68 to 65535.
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
}

impl Written {
    /// Where this key's value was written, or else the specification.
    pub fn place(&self, key: &str) -> &Span {
        self.places.get(key).unwrap_or(&self.span)
    }
}
