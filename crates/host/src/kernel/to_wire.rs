//! Values as the kernel's numbers: names become indexes, deadlines the seconds that are left.

use ipnet::IpNet;
use xenwire_core::name::IfName;
use xenwire_core::state::{
    Address, Attribute, Family, Hop, Lifetime, Neighbour, Route, RouteKind, Rule,
};
use xenwire_wire as wire;

use super::from_wire::UNICAST;
use super::{ENODEV, Kernel, KernelError, boot_seconds};

impl Kernel {
    pub(super) fn address(&mut self, address: &Address) -> Result<wire::Address, KernelError> {
        let now = boot_seconds();
        let (valid, preferred) = match address.lifetime {
            Lifetime::Forever => (u32::MAX, u32::MAX),
            // The kernel refuses 0, and less to be valid than to be preferred.
            Lifetime::Until { valid, preferred } => {
                let valid = valid.left(now).max(1);
                (valid, preferred.left(now).min(valid))
            }
        };
        // Every IPv4 address has a label; without one of its own it is the link's name.
        let label = address.net.addr().is_ipv4().then(|| {
            address
                .label
                .clone()
                .unwrap_or_else(|| address.link.to_string())
        });
        Ok(wire::Address {
            index: self.required_index(&address.link)?,
            local: address.net.addr(),
            prefix_len: address.peer.unwrap_or(address.net).prefix_len(),
            peer: address.peer.map(|peer| peer.addr()),
            broadcast: address.broadcast,
            label,
            scope: address.scope,
            flags: address.flags,
            valid,
            preferred,
            protocol: address.protocol,
            metric: address.metric,
        })
    }

    pub(super) fn route(&mut self, route: &Route) -> Result<wire::Route, KernelError> {
        let now = boot_seconds();
        let mut hop = |hop: &Hop| {
            Ok(wire::Hop {
                index: self.required_index(&hop.link)?,
                via: hop.via,
                flags: hop.flags,
                weight: hop.weight,
                attributes: attributes(&hop.attributes),
            })
        };
        Ok(wire::Route {
            to: route.to.addr(),
            prefix_len: route.to.prefix_len(),
            from: route.from.map(net),
            tos: route.tos,
            table: route.table,
            kind: match route.kind {
                RouteKind::Unicast => UNICAST,
                RouteKind::Other(kind) => kind,
            },
            hops: route.hops.iter().map(&mut hop).collect::<Result<_, _>>()?,
            metric: route.metric,
            source: route.source,
            scope: route.scope,
            protocol: route.protocol,
            expires: route.expires.map(|end| end.left(now).max(1)),
            nexthop: route.nexthop,
            attributes: attributes(&route.attributes),
        })
    }

    pub(super) fn neighbour(
        &mut self,
        neighbour: &Neighbour,
    ) -> Result<wire::Neighbour, KernelError> {
        let (state, kind) = if neighbour.proxy {
            (0, wire::Neighbour::PROXY)
        } else {
            (wire::Neighbour::PERMANENT, 0)
        };
        Ok(wire::Neighbour {
            index: self.required_index(&neighbour.link)?,
            to: neighbour.to,
            mac: neighbour.mac.map(|mac| mac.0),
            state,
            flags: neighbour.flags | kind,
            protocol: neighbour.protocol,
        })
    }

    pub(super) fn required_index(&mut self, name: &IfName) -> Result<u32, KernelError> {
        self.index_of(name)?.ok_or_else(|| KernelError::Refused {
            errno: ENODEV,
            text: Some(format!("there is no link {name}")),
        })
    }
}

pub(super) fn rule(rule: &Rule) -> wire::Rule {
    wire::Rule {
        ipv6: rule.family == Family::Ipv6,
        priority: rule.priority,
        from: rule.from.map(net),
        to: rule.to.map(net),
        iif: rule.iif.as_ref().map(ToString::to_string),
        oif: rule.oif.as_ref().map(ToString::to_string),
        table: rule.table,
        action: rule.action,
        tos: rule.tos,
        flags: rule.flags,
        protocol: rule.protocol,
        attributes: attributes(&rule.attributes),
    }
}

fn net(net: IpNet) -> (std::net::IpAddr, u8) {
    (net.addr(), net.prefix_len())
}

fn attributes(attributes: &[Attribute]) -> Vec<wire::Attribute> {
    let attribute = |attribute: &Attribute| wire::Attribute {
        kind: attribute.kind,
        value: attribute.value.clone(),
    };
    attributes.iter().map(attribute).collect()
}
