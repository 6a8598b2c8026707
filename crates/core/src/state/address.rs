//! Addresses of links.

use std::net::Ipv4Addr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Deadline;
use crate::name::IfName;

/// An address of a link. Link, address and prefix length identify it to the kernel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address {
    /// The link that has it.
    pub link: IfName,
    /// Address and prefix length.
    pub net: IpNet,
    /// The other end of a point-to-point address.
    pub peer: Option<IpNet>,
    /// IPv4: the broadcast address.
    pub broadcast: Option<Ipv4Addr>,
    /// IPv4: the label, if it is not the link's name.
    pub label: Option<String>,
    /// The kernel's scope number: 0 global, 253 link, 254 host (rt_scope_t).
    pub scope: u8,
    /// IFA_F_* bits that an administrator can set: nodad, home, mngtmpaddr, noprefixroute.
    pub flags: u32,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// Who made it (IFA_PROTO); 0 unknown or an administrator. 3 is the kernel's own fe80.
    pub protocol: u8,
    /// The metric of the route that the kernel makes with it; 0 is the kernel's own choice.
    pub metric: u32,
}

/// How long an address is valid and preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lifetime {
    /// No end.
    Forever,
    /// An end.
    Until {
        /// When it goes.
        valid: Deadline,
        /// When it is no longer chosen for new connections.
        preferred: Deadline,
    },
}

impl Address {
    /// IFA_F_NODAD (include/uapi/linux/if_addr.h): usable at once, without asking the segment.
    pub const NODAD: u32 = 0x02;

    /// The bits of the kernel's flags that are settings; the others are state.
    pub const SETTINGS: u32 = Self::NODAD | 0x10 | 0x100 | 0x200;

    /// Whether both are the same address with the same settings: lifetimes may differ by what the
    /// kernel rounds.
    pub fn is(&self, other: &Self) -> bool {
        let ends = match (self.lifetime, other.lifetime) {
            (Lifetime::Forever, Lifetime::Forever) => true,
            (
                Lifetime::Until { valid, preferred },
                Lifetime::Until {
                    valid: other_valid,
                    preferred: other_preferred,
                },
            ) => valid.is_about(other_valid) && preferred.is_about(other_preferred),
            _ => false,
        };
        let lifetime = other.lifetime;
        ends && *other
            == Self {
                lifetime,
                ..self.clone()
            }
    }

    /// The same address on another link.
    pub fn on(&self, link: &IfName) -> Self {
        Self {
            link: link.clone(),
            ..self.clone()
        }
    }

    /// A plain, lasting address, as `ip address add` makes it.
    pub fn new(link: IfName, net: IpNet) -> Self {
        Self {
            link,
            net,
            peer: None,
            broadcast: None,
            label: None,
            scope: 0,
            flags: 0,
            lifetime: Lifetime::Forever,
            protocol: 0,
            metric: 0,
        }
    }
}
