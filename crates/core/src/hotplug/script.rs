//! The scripts we answer to, by their file names.

use std::fmt;

use super::Quit;

/// A vif script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// `vif-bridge`: a port of a bridge.
    VifBridge,
    /// `vif-bridge-manual`: the same of the bridge that is named, and of no other. The text on
    /// driver domains (seed 2) has a script of that name.
    VifBridgeManual,
    /// `vif-route`: a link of its own, with routes to the guest's addresses.
    VifRoute,
    /// `vif-nat`: the same with addresses that the script chooses.
    VifNat,
    /// `vif-openvswitch`: a port of an Open vSwitch bridge.
    VifOpenvswitch,
    /// `vif-setup`: the one of these that is in `$script` (contract 2.9).
    VifSetup,
}

const NAMES: [(&str, Script); 6] = [
    ("vif-bridge", Script::VifBridge),
    ("vif-bridge-manual", Script::VifBridgeManual),
    ("vif-route", Script::VifRoute),
    ("vif-nat", Script::VifNat),
    ("vif-openvswitch", Script::VifOpenvswitch),
    ("vif-setup", Script::VifSetup),
];

impl Script {
    /// The script of this file name.
    pub fn named(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, script)| *script)
    }

    /// Whether its calls give something to links that are not the vif's own, which must be known
    /// when the vif has gone.
    pub fn gives_to_others(self) -> bool {
        self == Self::VifRoute
    }

    /// What `vif-setup` stands for: the script of the variable `script`, and the arguments that are
    /// configured with it. Nothing is ever run: a script that is not ours cannot be had this way.
    ///
    /// # Errors
    /// [`Quit`] for a script that is not ours: its guest is not for a bridge that is only at hand.
    pub(super) fn behind_setup(variable: Option<String>) -> Result<(Self, Vec<String>), Quit> {
        let variable = variable.unwrap_or_default();
        let mut words = variable.split_whitespace().map(str::to_owned);
        let Some(path) = words.next() else {
            return Ok((Self::VifBridge, Vec::new()));
        };
        let file = path.rsplit('/').next().unwrap_or_default();
        match Self::named(file) {
            Some(script) if script != Self::VifSetup => Ok((script, words.collect())),
            _ => Err(Quit {
                status: 1,
                reason: Some(format!(
                    "vif-setup: script={path:?} is none of ours ({}), and vif-setup runs no other; let the toolstack call it itself, with script= in the vif",
                    NAMES.map(|(name, _)| name)[..5].join(", ")
                )),
            }),
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, script)| script == self);
        name.iter().try_for_each(|(name, _)| f.write_str(name))
    }
}
