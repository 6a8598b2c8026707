//! `status` of `network-route` and `network-nat`: whether dom0 is a router, and where to.

use std::fmt;

use serde::Serialize;

use crate::state::{DhcpServer, Family, LinkSysctl, Observed};

use super::route::forwarding;
use super::status::{StatusLink, routes};
use super::{Routing, Uplink};

/// What `status` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoutingStatus {
    /// The version of this form.
    pub version: u32,
    /// The script asked about.
    pub script: String,
    /// The link by which packets leave.
    pub uplink: String,
    /// Each setting that the script looks after, with its value; without those that this kernel
    /// does not have.
    pub settings: Vec<(String, String)>,
    /// Whether what leaves by it is masqueraded.
    pub masquerades: bool,
    /// The DHCP server for guests: `none`, `dead` or `serving`; of network-nat alone.
    pub dhcp: Option<&'static str>,
    /// The uplink and its addresses.
    pub link: Option<StatusLink>,
    /// The main table.
    pub routes: Vec<String>,
}

impl RoutingStatus {
    /// Reads it off the host.
    pub fn of(routing: Routing, uplink: &Uplink, observed: &Observed) -> Self {
        let nic = &uplink.link;
        let of_nat = vec![forwarding(Family::Ipv4)];
        let keys = match routing {
            Routing::Nat => of_nat,
            Routing::Route => vec![
                forwarding(Family::Ipv4),
                LinkSysctl::conf(nic, Family::Ipv4, "proxy_arp"),
                forwarding(Family::Ipv6),
                LinkSysctl::ipv6(nic, "proxy_ndp"),
                LinkSysctl::ipv6(nic, "accept_ra"),
            ],
        };
        let value = |key: LinkSysctl| {
            let value = observed.state.sysctls.get(&key)?.clone();
            Some((key.to_string(), value))
        };
        Self {
            version: 1,
            script: routing.to_string(),
            uplink: nic.to_string(),
            settings: keys.into_iter().filter_map(value).collect(),
            masquerades: observed.state.masquerades.contains(nic),
            dhcp: (routing == Routing::Nat).then_some(match observed.state.dhcp.server {
                DhcpServer::Absent => "none",
                DhcpServer::Dead => "dead",
                DhcpServer::Serving(_) => "serving",
            }),
            link: StatusLink::of(nic, observed),
            routes: routes(observed, |_| true),
        }
    }
}

impl fmt::Display for RoutingStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.uplink, self.script)?;
        if self.masquerades {
            writeln!(f, "  masquerades what leaves by it")?;
        }
        match self.dhcp {
            Some("serving") => writeln!(f, "  dnsmasq gives guests their addresses")?,
            Some("dead") => writeln!(
                f,
                "  dnsmasq was started and has ended: guests get no addresses; `network-nat start dhcp=yes` starts it again"
            )?,
            _ => {}
        }
        for (key, value) in &self.settings {
            writeln!(f, "  {key} = {value}")?;
        }
        self.link.iter().try_for_each(|link| link.fmt(f))?;
        self.routes
            .iter()
            .try_for_each(|route| writeln!(f, "  route {route}"))
    }
}
