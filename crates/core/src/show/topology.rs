//! What a drawing is made from: a host's links and its guests, as plain values. Nothing here is
//! drawn yet, and nothing is looked up: what is not in the value is not in the picture.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::name::{DomId, IfName, Mac, VifId};

/// A host's network at one moment. In JSON it carries `"version": 1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topology {
    /// The form of this value in JSON.
    #[serde(default)]
    pub version: Version,
    /// The name of the host (of its dom0).
    pub host: String,
    /// The NICs of dom0 that are in no bridge.
    #[serde(default)]
    pub nics: Vec<Nic>,
    /// The bridges of dom0.
    #[serde(default)]
    pub bridges: Vec<Bridge>,
    /// The vifs that are in no bridge: their packets are routed.
    #[serde(default)]
    pub routed: Vec<Routed>,
    /// The guests.
    #[serde(default)]
    pub domains: Vec<Domain>,
}

/// The version of a [`Topology`] in JSON: the number 1, and nothing else is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Version;

/// A topology of a version that this program does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownVersion(pub u32);

/// A NIC of dom0 that is in no bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nic {
    /// The link's name.
    pub name: IfName,
    /// Its address on the wire.
    pub mac: Mac,
    /// Whether it is up and has a carrier.
    pub up: bool,
    /// Its IP addresses.
    #[serde(default)]
    pub addresses: Vec<IpNet>,
}

/// A bridge of dom0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bridge {
    /// The link's name.
    pub name: IfName,
    /// Whether it is up.
    pub up: bool,
    /// The addresses by which dom0 takes part in this network.
    #[serde(default)]
    pub addresses: Vec<IpNet>,
    /// The links in it.
    #[serde(default)]
    pub ports: Vec<Port>,
}

/// A link in a bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// The link's name, which for a vif may be one its `vifname` gave.
    pub name: IfName,
    /// What kind of link it is.
    pub kind: PortKind,
    /// Whether it is up and has a carrier.
    pub up: bool,
    /// Where it leads, if that is in dom0 too: the other end of a crossover pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<OtherEnd>,
}

/// A link of dom0 at the other end of a port: dom0's own NIC on that bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherEnd {
    /// The link's name.
    pub name: IfName,
    /// Its IP addresses.
    #[serde(default)]
    pub addresses: Vec<IpNet>,
}

/// What kind of link a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortKind {
    /// A way out of the host: a NIC, a bond, a VLAN on one.
    Nic,
    /// The backend end of a guest's NIC.
    Vif(VifId),
    /// Anything else: an emulated NIC's tap, an end of a pair, a dummy.
    Other,
}

/// A vif in no bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routed {
    /// The link's name.
    pub name: IfName,
    /// Whose NIC it is.
    pub vif: VifId,
    /// Whether it is up and has a carrier.
    pub up: bool,
    /// dom0's addresses on it.
    #[serde(default)]
    pub addresses: Vec<IpNet>,
}

/// A guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Its number.
    pub domid: DomId,
    /// Its name.
    pub name: String,
    /// Its NICs.
    #[serde(default)]
    pub nics: Vec<GuestNic>,
}

/// A NIC of a guest: the frontend end of a vif.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestNic {
    /// The name inside of the guest, as far as dom0 can know it.
    pub name: String,
    /// The vif at the other end.
    pub vif: VifId,
    /// Its address on the wire.
    pub mac: Mac,
    /// The addresses it may use, or says that it has.
    #[serde(default)]
    pub addresses: Vec<IpNet>,
}

impl TryFrom<u32> for Version {
    type Error = UnknownVersion;

    fn try_from(number: u32) -> Result<Self, UnknownVersion> {
        if number == 1 {
            Ok(Self)
        } else {
            Err(UnknownVersion(number))
        }
    }
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        1
    }
}

impl std::fmt::Display for UnknownVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "this topology has version {}, and version 1 is wanted",
            self.0
        )
    }
}

impl std::error::Error for UnknownVersion {}
