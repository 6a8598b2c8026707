//! `status`: how a NIC and its bridge are.

use std::fmt;

use serde::Serialize;

use crate::name::IfName;
use crate::state::{Observed, Route};

use super::{Call, Target};

/// What `status` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The version of this form.
    pub version: u32,
    /// The generation asked about.
    pub generation: String,
    /// The NIC, by dom0's name for it.
    pub nic: String,
    /// Whether it is a port of the bridge.
    pub started: bool,
    /// The bridge.
    pub bridge: String,
    /// The ports of the bridge.
    pub ports: Vec<String>,
    /// Links in question, each with its addresses.
    pub links: Vec<StatusLink>,
    /// Main-table routes by those links.
    pub routes: Vec<String>,
}

/// One link of a [`Status`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusLink {
    /// Its name.
    pub name: String,
    /// Its Ethernet address.
    pub mac: Option<String>,
    /// Administratively up.
    pub up: bool,
    /// Whether something is at the other end.
    pub carrier: bool,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// Its addresses.
    pub addresses: Vec<String>,
}

impl Status {
    /// Reads it off the host.
    pub fn of(call: &Call, target: &Target, observed: &Observed) -> Self {
        let state = &observed.state;
        let pair = target.pair.filter(|_| target.is_started);
        let mut names: Vec<IfName> = vec![
            target.nic.clone(),
            target.port.clone(),
            target.bridge.clone(),
        ];
        names.extend(pair.map(|pair| pair.vif()));
        names.sort();
        names.dedup();
        names.retain(|name| state.links.contains_key(name));
        let links = names
            .iter()
            .filter_map(|name| StatusLink::of(name, observed));
        Self {
            version: 1,
            generation: call.generation.to_string(),
            nic: target.nic.to_string(),
            started: target.is_started,
            bridge: target.bridge.to_string(),
            ports: state
                .ports_of(&target.bridge)
                .map(ToString::to_string)
                .collect(),
            links: links.collect(),
            routes: routes(observed, |route| {
                names.iter().any(|name| route.leaves_by(name))
            }),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.started {
            true => format!("on the bridge {}", self.bridge),
            false => "not started".to_owned(),
        };
        writeln!(f, "{}: {state} ({})", self.nic, self.generation)?;
        self.links.iter().try_for_each(|link| link.fmt(f))?;
        if self.started {
            writeln!(f, "  ports of {}: {}", self.bridge, self.ports.join(", "))?;
        }
        self.routes
            .iter()
            .try_for_each(|route| writeln!(f, "  route {route}"))
    }
}

/// The routes of the main table of which this holds, as text.
pub(super) fn routes(observed: &Observed, is_meant: impl Fn(&Route) -> bool) -> Vec<String> {
    let routes = observed.state.routes.iter();
    let routes = routes.filter(|route| route.table == Route::MAIN && is_meant(route));
    let text = |route: &Route| {
        let via = route.hops.iter().find_map(|hop| hop.via);
        let via = via.map(|via| format!(" via {via}")).unwrap_or_default();
        let link = route.link();
        let link = link.map(|link| format!(" dev {link}")).unwrap_or_default();
        format!("{}{via}{link}", route.to)
    };
    routes.map(text).collect()
}

impl StatusLink {
    /// Reads it off the host; `None` for a link that is not there.
    pub(super) fn of(name: &IfName, observed: &Observed) -> Option<Self> {
        let state = &observed.state;
        let link = state.links.get(name)?;
        let addresses = state.addresses_of(name).map(|a| a.net.to_string());
        Some(Self {
            name: name.to_string(),
            mac: link.mac.map(|mac| mac.to_string()),
            up: link.up,
            carrier: observed.facts.get(name).is_some_and(|facts| facts.carrier),
            mtu: link.mtu,
            addresses: addresses.collect(),
        })
    }
}

/// One or more lines, each with its end.
impl fmt::Display for StatusLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let up = match (self.up, self.carrier) {
            (true, true) => "up",
            (true, false) => "up, no carrier",
            _ => "down",
        };
        let mac = self.mac.as_deref().unwrap_or("-");
        writeln!(f, "  {:<15} {mac:<17}  mtu {:<5} {up}", self.name, self.mtu)?;
        for address in &self.addresses {
            writeln!(f, "  {:<15} {address}", "")?;
        }
        Ok(())
    }
}
