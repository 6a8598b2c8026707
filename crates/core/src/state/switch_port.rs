//! Ports of Open vSwitch bridges, as its database knows them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::IfName;

/// A port of an Open vSwitch bridge with one interface of the same name (ovs-vswitchd.conf.db(5),
/// tables Port and Interface).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchPort {
    /// The bridge.
    pub bridge: IfName,
    /// The VLAN of frames without a tag, 1 to 4094; `None`: they stay without.
    pub tag: Option<u16>,
    /// The VLANs it carries with their tags; none: all, or with `tag` that one alone.
    pub trunks: BTreeSet<u16>,
    /// Texts for whoever controls the switch (Interface, external_ids).
    pub external_ids: BTreeMap<String, String>,
}

/// A port's change: one transaction of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchChange {
    /// The port.
    pub port: IfName,
    /// What it was; `None`: no port.
    pub from: Option<SwitchPort>,
    /// What it is to be; `None`: no port.
    pub to: Option<SwitchPort>,
}

/// What is known of Open vSwitch. It is asked only for the ports that a call is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// Its bridges among those that were asked for.
    pub bridges: BTreeSet<IfName>,
    /// The ports there are among those that were asked for.
    pub ports: BTreeMap<IfName, SwitchPort>,
}

impl SwitchChange {
    /// What takes it back.
    pub(super) fn swapped(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
            ..self
        }
    }
}

impl fmt::Display for SwitchChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { port, to, .. } = self;
        let Some(to) = to else {
            return write!(f, "take port {port} from Open vSwitch");
        };
        write!(f, "make {port} a port of Open vSwitch's {}", to.bridge)?;
        if let Some(tag) = to.tag {
            write!(f, ", VLAN {tag}")?;
        }
        let trunks: Vec<String> = to.trunks.iter().map(u16::to_string).collect();
        if trunks.is_empty() {
            return Ok(());
        }
        write!(f, ", tagged {}", trunks.join(" "))
    }
}
