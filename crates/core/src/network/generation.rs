//! Which network-bridge it is. The name has stayed the same over three of them (contract 0.2).

use std::fmt;
use std::str::FromStr;

/// A generation of network scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Xen 2.0: the script `network`, and the bridge `xen-br0`.
    Xen2,
    /// Xen 3.0 and 3.1: bridges `xenbr0`, `xenbr1` by the number of the netloop pair.
    Netloop,
    /// Xen 3.2 to 4.4: the bridge takes the NIC's own name.
    Renaming,
}

impl Generation {
    /// All, in their order.
    pub const ALL: [Self; 3] = [Self::Xen2, Self::Netloop, Self::Renaming];
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xen2 => "xen2",
            Self::Netloop => "xen3.0",
            Self::Renaming => "xen3.2",
        })
    }
}

impl FromStr for Generation {
    type Err = String;

    /// # Errors
    /// A sentence that names those there are.
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|g| g.to_string() == text);
        found.ok_or_else(|| {
            format!("there is no generation {text:?}; wanted xen2, xen3.0 or xen3.2")
        })
    }
}
