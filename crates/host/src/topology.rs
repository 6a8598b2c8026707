//! A host's network as `xenwire show` draws it: what the kernel has, and whose vifs these are.

use std::collections::BTreeMap;

use xenwire_core::name::{DevId, DomId, IfName, Mac, VifId};
use xenwire_core::show::{
    Bridge, Domain, GuestNic, Nic, OtherEnd, Port, PortKind, Routed, Topology,
};
use xenwire_core::state::{Link, LinkKind, Observed, Scope};
use xenwire_xenstore::{Client, Error, Nodes as _};

use crate::kernel::{Kernel, KernelError};

/// What is there. Without a store there are vifs and no guests' names.
///
/// # Errors
/// [`KernelError`]; a store that fails half-way leaves guests without names.
pub fn topology(
    host: &str,
    kernel: &mut Kernel,
    store: Option<&mut Client>,
) -> Result<Topology, KernelError> {
    let observed = kernel.observe(Scope::Host)?;
    let mut backends = Backends::default();
    if let Some(store) = store {
        // What the store says beside the kernel is worth having, and not worth failing for.
        let _ = backends.read(store);
    }
    Ok(backends.with(host, &observed))
}

/// The vifs whose backend is in this domain.
#[derive(Default)]
struct Backends {
    vifs: BTreeMap<VifId, Backend>,
    names: BTreeMap<DomId, String>,
}

#[derive(Default)]
struct Backend {
    vifname: Option<IfName>,
    mac: Option<Mac>,
}

impl Backends {
    fn read(&mut self, store: &mut Client) -> Result<(), Error> {
        for domid in numbers(store, "backend/vif")? {
            let Ok(domid) = u16::try_from(domid) else {
                continue;
            };
            let domid = DomId(domid);
            if let Some(name) = text(store, &format!("/local/domain/{domid}/name")) {
                self.names.insert(domid, name);
            }
            for devid in numbers(store, &format!("backend/vif/{domid}"))? {
                let Some(vif) = VifId::new(domid, DevId(devid)) else {
                    continue;
                };
                let node = |name: &str| format!("backend/vif/{domid}/{devid}/{name}");
                let backend = Backend {
                    vifname: text(store, &node("vifname")).and_then(|name| name.parse().ok()),
                    mac: text(store, &node("mac")).and_then(|mac| mac.parse().ok()),
                };
                self.vifs.insert(vif, backend);
            }
        }
        Ok(())
    }

    /// Whose vif a link is: by the kernel's own name, or by the one its guest's file gives it.
    fn vif_of(&self, link: &IfName) -> Option<VifId> {
        let renamed = self
            .vifs
            .iter()
            .find(|(_, backend)| backend.vifname.as_ref() == Some(link));
        renamed
            .map(|(vif, _)| *vif)
            .or_else(|| link.as_str().parse().ok())
            // vif0.N is an end of a crossover pair of dom0's own (contract 1.3.1).
            .filter(|vif: &VifId| vif.domid != DomId::DOM0)
    }

    fn with(&self, host: &str, observed: &Observed) -> Topology {
        let state = &observed.state;
        let carrier = |name: &IfName, link: &Link| {
            link.up && observed.facts.get(name).is_some_and(|f| f.carrier)
        };
        let addresses = |name: &IfName| {
            state
                .addresses_of(name)
                .map(|a| a.net)
                .filter(|net| !is_link_local(net))
                .collect()
        };
        let mut topology = Topology {
            host: host.to_owned(),
            ..Topology::default()
        };
        let mut seen: BTreeMap<DomId, Vec<VifId>> = BTreeMap::new();
        for vif in self.vifs.keys() {
            seen.entry(vif.domid).or_default().push(*vif);
        }
        for (name, link) in &state.links {
            if let Some(vif) = self.vif_of(name) {
                let of_guest = seen.entry(vif.domid).or_default();
                if !of_guest.contains(&vif) {
                    of_guest.push(vif);
                }
                if link.master.is_none() {
                    let routed = Routed {
                        name: name.clone(),
                        vif,
                        up: carrier(name, link),
                        addresses: addresses(name),
                    };
                    topology.routed.push(routed);
                }
            } else if link.kind.is_bridge() {
                let ports = state
                    .ports_of(name)
                    .filter_map(|port| Some((port, state.links.get(port)?)));
                let ports = ports.map(|(port, link)| Port {
                    name: port.clone(),
                    kind: self.port_kind(port, link),
                    up: carrier(port, link),
                    end: other_end(link, observed).map(|name| OtherEnd {
                        addresses: addresses(&name),
                        name,
                    }),
                });
                topology.bridges.push(Bridge {
                    name: name.clone(),
                    up: link.up,
                    addresses: addresses(name),
                    ports: ports.collect(),
                });
            } else if link.master.is_none() && is_nic(link) {
                topology.nics.push(Nic {
                    name: name.clone(),
                    mac: link.mac.unwrap_or(Mac([0; 6])),
                    up: carrier(name, link),
                    addresses: addresses(name),
                });
            }
        }
        topology.domains = seen
            .into_iter()
            .filter(|(domid, _)| *domid != DomId::DOM0)
            .map(|(domid, mut vifs)| {
                vifs.sort();
                Domain {
                    domid,
                    name: self
                        .names
                        .get(&domid)
                        .cloned()
                        .unwrap_or_else(|| format!("domain {domid}")),
                    nics: vifs.into_iter().map(|vif| self.guest_nic(vif)).collect(),
                }
            })
            .collect();
        topology
    }

    /// `ethN` is a convention: what a guest calls its NIC is the guest's business.
    fn guest_nic(&self, vif: VifId) -> GuestNic {
        let mac = self.vifs.get(&vif).and_then(|backend| backend.mac);
        GuestNic {
            name: format!("eth{}", vif.devid),
            vif,
            mac: mac.unwrap_or(Mac([0; 6])),
            addresses: Vec::new(),
        }
    }

    fn port_kind(&self, name: &IfName, link: &Link) -> PortKind {
        match self.vif_of(name) {
            Some(vif) => PortKind::Vif(vif),
            None if is_nic(link) => PortKind::Nic,
            None => PortKind::Other,
        }
    }
}

/// The alias of a NIC of the lab's dom0: a veth end that stands for hardware. On a host a veth
/// end leads to a container, and is no way out.
pub const LAB_NIC: &str = "xenwire lab NIC";

/// The other end of a pair, if that is dom0's and no port itself.
fn other_end(port: &Link, observed: &Observed) -> Option<IfName> {
    let end = port.peer()?;
    let link = observed.state.links.get(&end)?;
    link.master.is_none().then_some(end)
}

/// A way out of the host: hardware, or what stands on it.
fn is_nic(link: &Link) -> bool {
    match &link.kind {
        LinkKind::Veth(_) => link.alias.as_deref() == Some(LAB_NIC),
        // The loopback link is of no kind, like hardware, and has no address of its own.
        LinkKind::Other(kind) => match kind.as_str() {
            "" => link.mac.is_some_and(|mac| mac != Mac([0; 6])),
            kind => matches!(kind, "bond" | "vlan" | "team" | "macvlan" | "dummy"),
        },
        LinkKind::Bridge(_) => false,
    }
}

fn is_link_local(net: &ipnet::IpNet) -> bool {
    matches!(net, ipnet::IpNet::V6(net) if net.addr().is_unicast_link_local())
}

fn numbers(store: &mut Client, path: &str) -> Result<Vec<u32>, Error> {
    match store.directory(path) {
        Ok(names) => Ok(names.iter().filter_map(|name| name.parse().ok()).collect()),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn text(store: &mut Client, path: &str) -> Option<String> {
    store.read_text(path).ok().filter(|text| !text.is_empty())
}
