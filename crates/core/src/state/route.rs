//! Routes.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::name::IfName;

/// A route with one next hop.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// The table: 254 main, 255 local.
    pub table: u32,
    /// Where to; the default route is `0.0.0.0/0` or `::/0`.
    pub to: IpNet,
    /// What happens there.
    pub kind: RouteKind,
    /// The next hop.
    pub via: Option<IpAddr>,
    /// The link it leaves by.
    pub link: Option<IfName>,
    /// The lower, the better.
    pub metric: u32,
    /// The source address it prefers.
    pub source: Option<IpAddr>,
    /// The kernel's scope number: 0 global, 253 link, 254 host.
    pub scope: u8,
    /// Who made it (rtproto): 2 the kernel, 3 boot, 4 static.
    pub protocol: u8,
}

/// What a route does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteKind {
    /// Sends it on.
    Unicast,
    /// Any other of the kernel's RTN_* numbers (local, broadcast, blackhole, ...).
    Other(u8),
}

impl Route {
    /// The main table.
    pub const MAIN: u32 = 254;
    /// The protocol number of routes made by hand or by a configuration.
    pub const STATIC: u8 = 4;

    /// A plain route by a next hop.
    pub fn via(to: IpNet, via: IpAddr, link: IfName) -> Self {
        Self {
            table: Self::MAIN,
            to,
            kind: RouteKind::Unicast,
            via: Some(via),
            link: Some(link),
            metric: if via.is_ipv6() { 1024 } else { 0 },
            source: None,
            scope: 0,
            protocol: Self::STATIC,
        }
    }
}
