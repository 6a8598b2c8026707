//! vif-route: dom0 is the guest's router, and answers for it on the uplink (contract 2.7).
//!
//! ```text
//!  guest 203.0.113.5 ── vif1.0  192.0.2.10/32, proxy_arp      eth0  192.0.2.10/24 ── LAN
//!                       203.0.113.5 dev vif1.0 metric 2       proxy_arp is network-route's
//!  guest 2001:db8::5 ── vif1.0  fe80::fcff:ffff:feff:ffff     eth0  proxy 2001:db8::5
//! ```
//!
//! IPv4 is answered for by proxy ARP, which asks the routes. Proxy NDP asks a list, so every IPv6
//! address of the guest is put on the uplink's; the list does not go with the vif, and the vif's
//! journal knows what was put there.
//!
//! What is wrong with an IPv6 entry never keeps a guest from starting: the originals knew no IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

use super::guest_ip::{GuestIp, Length};
use super::routed::{self, Arrival, forwarding, own_keys, own_links, proxy_ndp};
use super::{Command, Device, Given, Invocation, Nodes, Script, Uplink, Wanted};
use crate::name::{IfName, Mac};
use crate::network::by_default_route;
use crate::state::{
    Address, Family, Lifetime, LinkSysctl, Neighbour, NetState, Observed, Origin, Route, Scope,
    WantedLink,
};

/// The kernel's scope number of a link-local address (RT_SCOPE_LINK).
const LINK_SCOPE: u8 = 253;

/// What must be known of the machine for this call.
pub(super) fn scope(call: &Invocation, nodes: &Nodes, given: &Given) -> Result<Scope, String> {
    let mut whole = own_links(call, nodes)?;
    let mut keys = own_keys(&whole);
    let theirs = given.neighbours.iter();
    keys.proxies = theirs.map(|n| (n.link.clone(), n.to)).collect();
    let bare = given.neighbours.iter().map(|n| n.link.clone()).collect();
    if call.command.comes() {
        let uplink = call.uplink.name();
        let disabled = whole
            .iter()
            .map(|link| LinkSysctl::ipv6(link, "disable_ipv6"));
        keys.settings.extend(disabled);
        keys.settings.extend([
            forwarding(Family::Ipv4),
            forwarding(Family::Ipv6),
            proxy_ndp(&uplink),
            every_proxy_ndp(),
        ]);
        let list = GuestIp::of(call, nodes, Length::OfNetwork);
        let hosts = list.v6.iter().filter(|net| is_host(net));
        keys.proxies
            .extend(hosts.map(|net| (uplink.clone(), IpAddr::V6(net.addr()))));
        whole.insert(uplink);
    }
    Ok(Scope::Links { whole, bare, keys })
}

/// Whether the uplink that was looked at, for want of a name, is not there: then the whole host must
/// be looked at.
pub fn lacks_uplink(call: &Invocation, observed: &Observed) -> bool {
    call.script == Script::VifRoute
        && call.command.comes()
        && call.uplink == Uplink::Usual
        && !observed.state.links.contains_key(&call.uplink.name())
}

/// The call with the uplink that the host's default route names.
///
/// # Errors
/// The text of `hotplug-error`: there is none, or there are several.
pub fn find_uplink(call: &Invocation, host: &NetState) -> Result<Invocation, String> {
    let link = by_default_route(host)?.ok_or_else(|| no_address(call))?;
    Ok(Invocation {
        uplink: Uplink::OfDefaultRoute(link),
        ..call.clone()
    })
}

/// What the call wants.
pub(super) fn desire(
    call: &Invocation,
    nodes: &Nodes,
    given: &Given,
    observed: &Observed,
) -> Result<Wanted, String> {
    if call.command.comes() {
        return come(call, nodes, given, observed);
    }
    let mut desired = routed::leave(call, nodes, observed)?;
    // A tap goes when the guest's own driver takes over; its addresses stay the vif's.
    if call.command == Command::Offline {
        desired.neighbours_gone.clone_from(&given.neighbours);
    }
    Ok(desired.into())
}

fn come(
    call: &Invocation,
    nodes: &Nodes,
    given: &Given,
    observed: &Observed,
) -> Result<Wanted, String> {
    let mut warnings = Vec::new();
    let uplink = call.uplink.name();
    if let Uplink::OfDefaultRoute(link) = &call.uplink {
        warnings.push(format!(
            "netdev= is not given and there is no eth0: took {link}, the link of the default route; write gatewaydev={link} into the vif or vif.default.gatewaydev=\"{link}\" into xl.conf"
        ));
    }
    let mut arrival = Arrival::of(call, nodes, observed)?;
    let main = main_address(&uplink, observed).ok_or_else(|| no_address(call))?;
    let list = GuestIp::of(call, nodes, Length::OfNetwork);
    if let Some(why) = list.wrong_v4.first() {
        return Err(why.clone());
    }
    if list.is_empty() {
        warnings.push(
            "ip= lists nothing, so nothing is routed to the guest; write its addresses into the vif (DHCP cannot find them out: no route leads to a guest without an address)".into(),
        );
    }
    let link = arrival.name.clone();
    arrival.address(Address::new(link.clone(), IpNet::from(IpAddr::V4(main))));
    for net in &list.v4 {
        arrival.route(Route {
            metric: metric(call.device),
            source: Some(main.into()),
            ..Route::onlink(IpNet::V4(*net), link.clone())
        });
    }
    if !list.v4.is_empty() {
        warnings.extend(does_not_forward(Family::Ipv4, observed));
    }
    warnings.extend(list.wrong_v6.iter().map(|why| format!("{why}; left out")));
    let mut neighbours = Vec::new();
    if !list.v6.is_empty() {
        match ipv6_of(&arrival.present, observed) {
            Ok(()) => {
                ipv6(call, &list.v6, observed, &mut arrival, &mut warnings);
                if call.device == Device::Vif {
                    neighbours = proxied(&uplink, &list.v6, &mut warnings);
                }
            }
            Err(why) => warnings.push(why),
        }
    }
    let mut desired = arrival.desired;
    let is_off = |key: LinkSysctl| {
        let found = observed.state.sysctls.get(&key);
        found.is_some_and(|value| value == "0")
    };
    if !neighbours.is_empty() && is_off(proxy_ndp(&uplink)) && is_off(every_proxy_ndp()) {
        let stays = WantedLink::new(Origin::Expected);
        desired.links.entry(uplink.clone()).or_insert(stays);
        desired.sysctls.insert(proxy_ndp(&uplink), "1".into());
    }
    desired.neighbours = neighbours.into_iter().collect();
    let gone = given.neighbours.difference(&desired.neighbours);
    desired.neighbours_gone = gone.cloned().collect();
    Ok(Wanted { desired, warnings })
}

/// The guest's IPv6 addresses, and where its router is to be found: at the address that a backend
/// link has always had, and at the host's own, as with IPv4.
fn ipv6(
    call: &Invocation,
    list: &[Ipv6Net],
    observed: &Observed,
    arrival: &mut Arrival,
    warnings: &mut Vec<String>,
) {
    let link = arrival.name.clone();
    let usable = |net: IpNet| Address {
        flags: Address::NODAD,
        ..Address::new(link.clone(), net)
    };
    arrival.address(Address {
        scope: LINK_SCOPE,
        ..usable(IpNet::V6(
            Ipv6Net::new(Mac::QUIET.link_local(), 64).expect("64 is at most 128"),
        ))
    });
    if let Some(main) = main_ipv6(&call.uplink.name(), observed) {
        arrival.address(usable(IpAddr::V6(main).into()));
    }
    for net in list {
        arrival.route(Route {
            metric: metric(call.device),
            ..Route::onlink(IpNet::V6(*net), link.clone())
        });
    }
    arrival.desired.sysctls.insert(proxy_ndp(&link), "1".into());
    warnings.extend(does_not_forward(Family::Ipv6, observed));
}

/// The entries by which the uplink answers for the guest.
fn proxied(uplink: &IfName, list: &[Ipv6Net], warnings: &mut Vec<String>) -> Vec<Neighbour> {
    let (hosts, networks): (Vec<&Ipv6Net>, Vec<&Ipv6Net>) =
        list.iter().partition(|net| is_host(net));
    for net in networks {
        warnings.push(format!(
            "{net} is a network: {uplink} cannot answer for it, since proxy NDP is by address; the LAN's router must send it here"
        ));
    }
    let entry = |net: &Ipv6Net| Neighbour {
        link: uplink.clone(),
        to: net.addr().into(),
        mac: None,
        proxy: true,
        flags: 0,
        protocol: 0,
    };
    hosts.into_iter().map(entry).collect()
}

/// Whether the vif can have IPv6 at all.
fn ipv6_of(present: &IfName, observed: &Observed) -> Result<(), String> {
    let disabled = LinkSysctl::ipv6(present, "disable_ipv6");
    match observed.state.sysctls.get(&disabled).map(String::as_str) {
        Some("0") => Ok(()),
        Some(_) => Err(format!(
            "IPv6 is switched off for {present} (net.ipv6.conf.default.disable_ipv6): its IPv6 addresses are left out"
        )),
        None => Err("this kernel has no IPv6: the guest's IPv6 addresses are left out".into()),
    }
}

/// So that the route by an emulated NIC wins until the guest gives that up (contract 2.7).
fn metric(device: Device) -> u32 {
    match device {
        Device::Tap => 1,
        Device::Vif => 2,
    }
}

/// Either the link's setting or this one makes a link answer (ndisc_recv_ns, net/ipv6/ndisc.c).
fn every_proxy_ndp() -> LinkSysctl {
    LinkSysctl::of_host(("all", Family::Ipv6, "proxy_ndp"))
}

fn is_host(net: &Ipv6Net) -> bool {
    net.prefix_len() == 128
}

/// The first primary IPv4 address of a link: of several, the kernel keeps primary ones first.
fn main_address(link: &IfName, observed: &Observed) -> Option<Ipv4Addr> {
    let addresses = &observed.facts.get(link)?.addresses;
    addresses.iter().find_map(|net| match net.addr() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    })
}

/// The first lasting global IPv6 address of a link. One that ends would live on at the vif.
fn main_ipv6(link: &IfName, observed: &Observed) -> Option<Ipv6Addr> {
    let lasting = observed
        .state
        .addresses_of(link)
        .filter(|a| a.scope == 0 && a.lifetime == Lifetime::Forever);
    let v6 = lasting.filter_map(|a| match a.net.addr() {
        IpAddr::V6(address) => Some((observed.given(a), address)),
        IpAddr::V4(_) => None,
    });
    v6.min().map(|(_, address)| address)
}

fn no_address(call: &Invocation) -> String {
    let uplink = call.uplink.name();
    format!(
        "{uplink} is not up. Bring it up or specify another interface with netdev=<if> as a parameter to {}: the guest's router is {uplink}'s first IPv4 address, and it has none",
        call.script
    )
}

fn does_not_forward(family: Family, observed: &Observed) -> Option<String> {
    let (name, setting) = match family {
        Family::Ipv4 => ("IPv4", forwarding(family)),
        Family::Ipv6 => ("IPv6", forwarding(family)),
    };
    let is_off = observed
        .state
        .sysctls
        .get(&setting)
        .is_some_and(|on| on == "0");
    is_off.then(|| {
        format!("dom0 does not forward {name}, so the guest reaches dom0 and nothing else; `network-route start` switches it on")
    })
}

impl Uplink {
    /// The link meant.
    pub fn name(&self) -> IfName {
        match self {
            Self::Named(name) | Self::OfDefaultRoute(name) => name.clone(),
            Self::Usual => "eth0".parse().expect("four letters"),
        }
    }
}
