//! A vif that is no port of a bridge but a link of its own: what vif-route and vif-nat share.
//!
//! ```text
//!  dom0:  router's address /32 on the vif,  route guest's address ─▶ vif,  proxy_arp on the vif
//! ```

use std::collections::BTreeSet;

use super::identity::{coming, connected, deaf, going, wanted_link, wanted_name};
use super::{Invocation, Nodes};
use crate::name::IfName;
use crate::state::{
    Address, Desired, Family, Keys, LinkSysctl, Managed, Observed, Origin, Route, WantedLink,
};

/// `proxy_arp`: dom0 answers the guest for whatever it has a route to.
pub(super) fn proxy_arp(link: &IfName) -> LinkSysctl {
    LinkSysctl::conf(link, Family::Ipv4, "proxy_arp")
}

/// `proxy_ndp`: a link answers for the addresses that it was given as proxies.
pub(super) fn proxy_ndp(link: &IfName) -> LinkSysctl {
    LinkSysctl::ipv6(link, "proxy_ndp")
}

/// Whether the host forwards packets of a family.
pub(super) fn forwarding(family: Family) -> LinkSysctl {
    LinkSysctl::of_host(("all", family, "forwarding"))
}

/// The links that are this vif's, under both names.
pub(super) fn own_links(call: &Invocation, nodes: &Nodes) -> Result<BTreeSet<IfName>, String> {
    Ok([call.link.clone(), wanted_name(call, nodes)?].into())
}

/// The settings of a vif that are looked at besides the usual ones.
pub(super) fn own_settings(links: &BTreeSet<IfName>) -> BTreeSet<LinkSysctl> {
    let of_link = |link: &IfName| [proxy_arp(link), proxy_ndp(link)];
    links.iter().flat_map(of_link).collect()
}

/// What is looked up for a vif that goes.
pub(super) fn own_keys(links: &BTreeSet<IfName>) -> Keys {
    Keys {
        settings: own_settings(links),
        ..Keys::default()
    }
}

/// A vif that comes, with exactly these addresses of dom0's and these routes to the guest.
pub(super) struct Arrival {
    /// The name it gets.
    pub(super) name: IfName,
    /// The name it has.
    pub(super) present: IfName,
    /// What is wanted so far.
    pub(super) desired: Desired,
}

impl Arrival {
    /// The link, up, no port and answering for others; without addresses and routes so far.
    ///
    /// # Errors
    /// The text of `hotplug-error`.
    pub(super) fn of(
        call: &Invocation,
        nodes: &Nodes,
        observed: &Observed,
    ) -> Result<Self, String> {
        let name = wanted_name(call, nodes)?;
        let present = coming(call, observed, &name)?.clone();
        let mut link = wanted_link(call, &name);
        link.arp = Managed::Set(true);
        link.master = Managed::Set(None);
        link.addresses = Managed::Set(BTreeSet::new());
        link.routes = Managed::Set(BTreeSet::new());
        let mut desired = Desired::default();
        desired.links.insert(name.clone(), link);
        desired.sysctls.insert(proxy_arp(&name), "1".into());
        // A kernel without IPv6 has none of its settings, and nothing to be kept from.
        let accept_ra = LinkSysctl::ipv6(&present, "accept_ra");
        if observed.state.sysctls.contains_key(&accept_ra) {
            desired.sysctls.extend(deaf(&name));
        }
        desired.nodes.extend(connected(call));
        Ok(Self {
            name,
            present,
            desired,
        })
    }

    /// Gives the link an address of dom0's.
    pub(super) fn address(&mut self, address: Address) {
        if let Managed::Set(addresses) = &mut self.link().addresses {
            addresses.insert(address);
        }
    }

    /// Leads packets for the guest to the link.
    pub(super) fn route(&mut self, route: Route) {
        if let Managed::Set(routes) = &mut self.link().routes {
            routes.insert(route);
        }
    }

    fn link(&mut self) -> &mut WantedLink {
        let link = self.desired.links.get_mut(&self.name);
        link.expect("it was inserted when this was made")
    }
}

/// A vif that goes: down, and without anything that a call that came gave it. It may be gone.
pub(super) fn leave(
    call: &Invocation,
    nodes: &Nodes,
    observed: &Observed,
) -> Result<Desired, String> {
    let name = wanted_name(call, nodes)?;
    let mut desired = Desired::default();
    let Some(present) = going(call, observed, &name) else {
        return Ok(desired);
    };
    let mut link = WantedLink::new(Origin::IfThere);
    link.up = Managed::Set(false);
    link.addresses = Managed::Set(BTreeSet::new());
    link.routes = Managed::Set(BTreeSet::new());
    desired.links.insert(present.clone(), link);
    for key in [proxy_arp(present), proxy_ndp(present)] {
        if observed.state.sysctls.contains_key(&key) {
            desired.sysctls.insert(key, "0".into());
        }
    }
    Ok(desired)
}
