//! Neighbours that somebody set.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::name::{IfName, Mac};

/// A permanent neighbour, or an address that a link answers for (`ip neighbour ... proxy`). What
/// the kernel learnt by itself is not kept: it learns it again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Neighbour {
    /// The link.
    pub link: IfName,
    /// The address.
    pub to: IpAddr,
    /// The MAC behind it; `None` for a proxy.
    pub mac: Option<Mac>,
    /// Whether the link answers for it.
    pub proxy: bool,
    /// NTF_* bits that are settings: 0x80 router.
    pub flags: u8,
    /// Who made it (NDA_PROTOCOL).
    pub protocol: u8,
}
