//! QEMU, as far as an emulated NIC goes: it makes a tap before the scripts run, and the tap ends
//! with it (contract 3.4). A veth end stands for the tap, which an ordinary user cannot make.

use xenwire_core::name::{IfName, Mac, VifId};
use xenwire_core::state::{Effect, Link, LinkKind, PeerEnd};

use super::netback::HELD;
use crate::act;

/// The tap of one emulated NIC.
#[derive(Clone, Debug)]
pub struct Tap {
    /// The name QEMU gives it.
    pub name: IfName,
    /// The name a script gives it, where the vif has a `vifname`.
    renamed: Option<IfName>,
}

impl Tap {
    /// Starts QEMU. The current thread must be in dom0's namespace.
    ///
    /// # Errors
    /// One sentence.
    pub fn open(vif: VifId, vifname: Option<&IfName>, mac: Mac) -> Result<Self, String> {
        let name = |vif: &dyn std::fmt::Display| {
            let name = format!("{vif}-emu");
            name.parse()
                .map_err(|error| format!("tap {name:?}: {error}"))
        };
        let tap = Self {
            name: name(&vif)?,
            renamed: vifname.map(|vifname| name(vifname)).transpose()?,
        };
        let peer = PeerEnd {
            name: tap.name.to_string(),
            netns: Some(HELD.to_owned()),
            mac: None,
        };
        let link = Link {
            mac: Some(mac),
            ..Link::of(LinkKind::Veth(peer))
        };
        let name = tap.name.clone();
        act::perform("QEMU", [Effect::CreateLink { name, link }])?;
        Ok(tap)
    }

    /// Ends QEMU.
    ///
    /// # Errors
    /// One sentence.
    pub fn close(self) -> Result<(), String> {
        for name in [Some(self.name), self.renamed].into_iter().flatten() {
            act::delete_veth(&name)?;
        }
        Ok(())
    }
}
