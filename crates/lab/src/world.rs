//! The world around the host: LANs, the machines on them, and dom0's NICs, bridges and routes as
//! its distribution would have made them.
//!
//! ```text
//!   machine "desk"        namespace of the LANs         dom0
//!   ┌──────────┐      ┌───────────────────────┐     ┌──────────┐
//!   │     eth0 ├──────┤ p1 ─ lan0 ("office") ─ p2 ├──┤ eth0     │
//!   └──────────┘      └───────────────────────┘     └──────────┘
//! ```
//!
//! A NIC is a veth pair whose other end is a port of its LAN's bridge.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use xenwire_core::config::lab::{Host, Lan, LanName, Machine, Nic, Route as WantedRoute, Scenario};
use xenwire_core::name::{IfName, Mac};
use xenwire_core::state::{
    Address, BridgeOptions, Desired, Family, LinkKind, LinkSysctl, Managed, Origin, PeerEnd, Route,
    WantedLink,
};

use xenwire_host::topology::LAB_NIC;

use crate::act;
use crate::sandbox::Netns;

/// The namespace where the LANs are. No machine can have this name.
const LANS: &str = "-lans";

/// The world around dom0.
pub struct World {
    /// The machines, by name.
    pub machines: BTreeMap<String, Netns>,
    /// The MACs of dom0's NICs, as they were plugged in.
    pub macs: BTreeMap<IfName, Mac>,
    lans: Netns,
}

impl World {
    /// Waits until every cable of the world carries packets, those of dom0 and of these guests
    /// included: a claim tried earlier would be about the kernel's pace.
    ///
    /// # Errors
    /// One sentence.
    pub fn settle<'a>(&'a self, guests: impl Iterator<Item = &'a Netns>) -> Result<(), String> {
        act::settle()?;
        let outside = self.machines.values().chain([&self.lans]);
        for netns in outside.chain(guests) {
            act::inside(netns, act::settle)?;
        }
        Ok(())
    }
}

/// Builds everything but the guests, with this many crossover pairs in dom0. The current thread
/// must be in dom0's namespace.
///
/// # Errors
/// One sentence.
pub fn build(scenario: &Scenario, loopbacks: u32) -> Result<World, String> {
    let namespace =
        |name: &str| Netns::new(name).map_err(|error| format!("make namespace {name}: {error}"));
    let lans = namespace(LANS)?;
    let by_lan = by_name(&scenario.lans);
    let mut sockets = Sockets::default();
    let mut dom0 = host(&scenario.host, &by_lan, &mut sockets);
    dom0.links.extend((0..loopbacks).map(pair));
    act::make("dom0", &dom0)?;
    let nics = scenario.host.nics.iter().map(|nic| &nic.name.value);
    let macs = act::macs("dom0", nics)?;
    let mut machines = BTreeMap::new();
    for machine in &scenario.machines {
        let netns = namespace(machine.name.value.as_str())?;
        let desired = outside(machine, &by_lan, &mut sockets);
        act::inside(&netns, || act::make(machine.name.value.as_str(), &desired))?;
        machines.insert(machine.name.value.to_string(), netns);
    }
    act::inside(&lans, || act::make("the LANs", &sockets.segments(scenario)))?;
    Ok(World {
        machines,
        macs,
        lans,
    })
}

/// What a LAN is to a NIC: its number and its MTU.
type Lans<'a> = BTreeMap<&'a LanName, (usize, Option<u32>)>;

fn by_name(lans: &[Lan]) -> Lans<'_> {
    let lans = lans.iter().enumerate();
    lans.map(|(number, lan)| (&lan.name.value, (number, lan.mtu)))
        .collect()
}

/// The LANs' ends of all cables so far: each with its LAN's number and its MTU.
#[derive(Default)]
struct Sockets(Vec<(usize, u32)>);

/// What a LAN carries if its file says nothing.
const MTU: u32 = 1500;

impl Sockets {
    /// Plugs in a NIC: the link as its machine sees it.
    fn plug(&mut self, nic: &Nic, lans: &Lans<'_>) -> WantedLink {
        let (lan, lan_mtu) = lans.get(&nic.lan.value).copied().unwrap_or_default();
        let mtu = nic.mtu.or(lan_mtu).unwrap_or(MTU);
        self.0.push((lan, mtu));
        let peer = PeerEnd {
            name: socket(self.0.len()).to_string(),
            netns: Some(LANS.into()),
            mac: None,
        };
        let mut link = WantedLink::new(Origin::Ours(LinkKind::Veth(peer)));
        link.up = Managed::Set(true);
        link.mtu = Managed::Set(mtu);
        link.alias = Managed::Set(Some(LAB_NIC.into()));
        if let Some(mac) = &nic.mac {
            link.mac = Managed::Set(mac.value);
        }
        link.addresses = addresses(&nic.name.value, nic.addresses.iter().map(|a| a.value));
        link
    }

    /// The LANs' own namespace: a bridge each, with their sockets as ports.
    fn segments(&self, scenario: &Scenario) -> Desired {
        let mut desired = Desired::default();
        for number in 0..scenario.lans.len() {
            let mtu = self
                .0
                .iter()
                .filter(|(lan, _)| *lan == number)
                .map(|(_, mtu)| *mtu)
                .max();
            let mut bridge = WantedLink::new(Origin::Ours(LinkKind::Bridge(BridgeOptions::XEN)));
            bridge.up = Managed::Set(true);
            bridge.mtu = Managed::Set(mtu.unwrap_or(MTU));
            desired.links.insert(segment(number), bridge);
        }
        for (number, (lan, _)) in (1..).zip(&self.0) {
            let mut port = WantedLink::new(Origin::Expected);
            port.up = Managed::Set(true);
            port.master = Managed::Set(Some(segment(*lan)));
            desired.links.insert(socket(number), port);
        }
        desired
    }
}

fn socket(number: usize) -> IfName {
    format!("p{number}")
        .parse()
        .expect("a letter and a small number")
}

fn segment(number: usize) -> IfName {
    format!("lan{number}")
        .parse()
        .expect("three letters and a small number")
}

fn host(host: &Host, lans: &Lans<'_>, sockets: &mut Sockets) -> Desired {
    let mut desired = with_loopback();
    for nic in &host.nics {
        desired
            .links
            .insert(nic.name.value.clone(), sockets.plug(nic, lans));
    }
    for bridge in &host.bridges {
        let name = &bridge.name.value;
        let options = BridgeOptions {
            filters: bridge.vlan_filtering.then_some(1),
            ..BridgeOptions::XEN
        };
        let mut link = WantedLink::new(Origin::Ours(LinkKind::Bridge(options)));
        link.up = Managed::Set(true);
        link.mac = bridge
            .mac
            .as_ref()
            .map_or(Managed::LeaveAlone, |mac| Managed::Set(mac.value));
        link.mtu = bridge.mtu.map_or(Managed::LeaveAlone, Managed::Set);
        link.addresses = addresses(name, bridge.addresses.iter().map(|a| a.value));
        desired.links.insert(name.clone(), link);
        for port in &bridge.ports {
            if let Some(nic) = desired.links.get_mut(&port.value) {
                nic.master = Managed::Set(Some(name.clone()));
            }
        }
    }
    desired.routes = routes(&host.routes, &desired);
    desired
}

/// A crossover pair as netloop makes it: vethN for dom0, vif0.N for a bridge, both down. It is the
/// kernel's, and has nobody's mark.
fn pair(number: u32) -> (IfName, WantedLink) {
    let name = format!("veth{number}");
    let other = PeerEnd {
        name: format!("vif0.{number}"),
        netns: None,
        mac: Some(Mac::QUIET),
    };
    let link = WantedLink::new(Origin::Ours(LinkKind::Veth(other)));
    (name.parse().expect("four letters and a small number"), link)
}

fn outside(machine: &Machine, lans: &Lans<'_>, sockets: &mut Sockets) -> Desired {
    let mut desired = with_loopback();
    for nic in &machine.nics {
        desired
            .links
            .insert(nic.name.value.clone(), sockets.plug(nic, lans));
    }
    if machine.forward {
        for family in [Family::Ipv4, Family::Ipv6] {
            let forwarding = LinkSysctl::of_host(("all", family, "forwarding"));
            desired.sysctls.insert(forwarding, "1".into());
        }
    }
    desired.routes = routes(&machine.routes, &desired);
    desired
}

/// A machine's network before it has any NIC. Its links do not wait to see whether somebody else
/// has their fe80 address: a router that has none yet cannot ask for its neighbours, and for the
/// first two seconds the lab would not be the office that has been there for years.
pub fn with_loopback() -> Desired {
    let mut lo = WantedLink::new(Origin::Expected);
    lo.up = Managed::Set(true);
    let no_dad = LinkSysctl::of_host(("default", Family::Ipv6, "accept_dad"));
    Desired {
        links: BTreeMap::from([(loopback(), lo)]),
        sysctls: BTreeMap::from([(no_dad, "0".into())]),
        ..Desired::default()
    }
}

fn loopback() -> IfName {
    "lo".parse().expect("two letters")
}

/// Addresses that can be used at once: nobody else is there who could have them too.
pub fn addresses(link: &IfName, nets: impl Iterator<Item = IpNet>) -> Managed<BTreeSet<Address>> {
    let address = |net: IpNet| {
        let flags = if net.addr().is_ipv6() {
            Address::NODAD
        } else {
            0
        };
        Address {
            flags,
            ..Address::new(link.clone(), net)
        }
    };
    Managed::Set(nets.map(address).collect())
}

/// The wanted routes that leave by one of the wanted links: the one that is named, else the one
/// whose network holds the next hop.
pub fn routes(wanted: &[WantedRoute], desired: &Desired) -> BTreeSet<Route> {
    let leaves_by = |route: &WantedRoute| {
        if let Some(nic) = &route.nic {
            return desired
                .links
                .contains_key(&nic.value)
                .then(|| nic.value.clone());
        }
        let via = route.via?;
        let holds = |link: &&WantedLink| {
            link.addresses
                .wanted()
                .is_some_and(|a| a.iter().any(|a| a.net.contains(&via)))
        };
        desired
            .links
            .iter()
            .find(|(_, link)| holds(link))
            .map(|(name, _)| name.clone())
    };
    let route = |route: &WantedRoute| {
        let link = leaves_by(route)?;
        Some(match route.via {
            Some(via) => Route::via(route.to, via, link),
            None => Route::onlink(route.to, link),
        })
    };
    wanted.iter().filter_map(route).collect()
}
