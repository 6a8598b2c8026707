//! Routes.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Attribute, Deadline};
use crate::name::IfName;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// The table: 254 main, 255 local.
    pub table: u32,
    /// Where to; the default route is `0.0.0.0/0` or `::/0`.
    pub to: IpNet,
    /// IPv6: only for packets from there.
    pub from: Option<IpNet>,
    /// IPv4: the type of service it is for.
    pub tos: u8,
    /// What happens there.
    pub kind: RouteKind,
    /// The next hops; none for a route that leads nowhere (blackhole).
    pub hops: Vec<Hop>,
    /// The lower, the better.
    pub metric: u32,
    /// The source address it prefers.
    pub source: Option<IpAddr>,
    /// The kernel's scope number: 0 global, 253 link, 254 host.
    pub scope: u8,
    /// Who made it (rtproto): 2 the kernel, 3 boot, 4 static, 9 a router's advertisement.
    pub protocol: u8,
    /// IPv6: when it goes.
    pub expires: Option<Deadline>,
    /// The number of the nexthop object it uses (`ip nexthop`), which dies with its link.
    pub nexthop: Option<u32>,
    /// All else: metrics, preference.
    pub attributes: Vec<Attribute>,
}

/// One way out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hop {
    /// The link it leaves by.
    pub link: IfName,
    /// The next machine.
    pub via: Option<IpAddr>,
    /// RTNH_F_* bits that are settings: 4 onlink.
    pub flags: u8,
    /// Of several hops, how many shares this one has besides the first (rtnh_hops).
    pub weight: u8,
    /// All else that is said of it alone: encapsulation, realm.
    pub attributes: Vec<Attribute>,
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
    /// The protocol number of the kernel's own routes: they come and go with addresses.
    pub const KERNEL: u8 = 2;
    /// The protocol number of routes that a router advertised.
    pub const ADVERTISED: u8 = 9;
    /// The metric of what a router advertised (ra_defrtr_metric, ip-sysctl).
    const ADVERTISED_METRIC: u32 = 1024;
    /// The protocol number of routes made by hand or by a configuration.
    pub const STATIC: u8 = 4;

    /// A plain route by a next hop.
    pub fn via(to: IpNet, via: IpAddr, link: IfName) -> Self {
        let hop = Hop {
            via: Some(via),
            ..Hop::by(link)
        };
        Self::plain(to, hop)
    }

    /// A plain route to what is at a link.
    pub fn onlink(to: IpNet, link: IfName) -> Self {
        Self {
            scope: if to.addr().is_ipv4() { 253 } else { 0 },
            ..Self::plain(to, Hop::by(link))
        }
    }

    fn plain(to: IpNet, hop: Hop) -> Self {
        Self {
            table: Self::MAIN,
            to,
            from: None,
            tos: 0,
            kind: RouteKind::Unicast,
            hops: vec![hop],
            // The kernel's own choice (IP6_RT_PRIO_USER).
            metric: if to.addr().is_ipv6() { 1024 } else { 0 },
            source: None,
            scope: 0,
            protocol: Self::STATIC,
            expires: None,
            nexthop: None,
            attributes: Vec::new(),
        }
    }

    /// The link it leaves by; of several, the first.
    pub fn link(&self) -> Option<&IfName> {
        self.hops.first().map(|hop| &hop.link)
    }

    /// Whether it leaves by this link, if only in part.
    pub fn leaves_by(&self, link: &IfName) -> bool {
        self.hops.iter().any(|hop| hop.link == *link)
    }

    /// Whether it goes to another machine first, which must be reachable when it is made.
    pub fn has_next_hop(&self) -> bool {
        self.hops.iter().any(|hop| hop.via.is_some())
    }

    /// The route as it is given to a link that takes over: one that a router advertised comes right
    /// behind the one that the kernel makes of the next advertisement. In that one's place the kernel
    /// would not know ours as its own, and would drop the rest of every advertisement, prefixes
    /// included (ndisc_router_discovery, net/ipv6/ndisc.c).
    pub fn again(mut self) -> Self {
        if self.protocol == Self::ADVERTISED && self.metric == Self::ADVERTISED_METRIC {
            self.metric += 1;
        }
        self
    }

    /// Whether both are the same route: ends may differ by what the kernel rounds.
    pub fn is(&self, other: &Self) -> bool {
        let ends = match (self.expires, other.expires) {
            (Some(one), Some(other)) => one.is_about(other),
            (one, other) => one == other,
        };
        let expires = other.expires;
        ends && *other
            == Self {
                expires,
                ..self.clone()
            }
    }

    /// The route with links renamed.
    pub fn renamed(&self, name: impl Fn(&IfName) -> IfName) -> Self {
        let hop = |hop: &Hop| Hop {
            link: name(&hop.link),
            ..hop.clone()
        };
        Self {
            hops: self.hops.iter().map(hop).collect(),
            ..self.clone()
        }
    }
}

impl Hop {
    /// RTNH_F_ONLINK (include/uapi/linux/rtnetlink.h): the next hop is at the link whatever the
    /// addresses say.
    pub const ONLINK: u8 = 4;

    /// What is at this link.
    pub fn by(link: IfName) -> Self {
        Self {
            link,
            via: None,
            flags: 0,
            weight: 0,
            attributes: Vec::new(),
        }
    }
}
