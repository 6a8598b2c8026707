//! Offload settings of a link.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::IfName;

/// An offload setting of a link that can be changed, by the kernel's word for it, such as
/// `tx-checksum-ip-generic` (netdev_features_strings, net/ethtool/common.c).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Feature {
    /// The link.
    pub link: IfName,
    /// The kernel's word.
    pub name: String,
}

impl Feature {
    /// The same setting of another link.
    pub fn on(&self, link: &IfName) -> Self {
        Self {
            link: link.clone(),
            name: self.name.clone(),
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, self.link)
    }
}
