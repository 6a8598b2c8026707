//! vif-nat: the guest has an address of a private network, and dom0 is its router; what leaves the
//! host is network-nat's to masquerade (contract 2.8).
//!
//! ```text
//!  guest 10.0.5.1 ── vif5.0  10.0.5.128/32, proxy_arp,  10.0.5.1 dev vif5.0 src 10.0.5.128
//! ```

use std::net::{IpAddr, Ipv4Addr};

use super::dhcp::{self, Lease};
use super::guest_ip::{GuestIp, Length};
use super::identity::{coming, wanted_link, wanted_name};
use super::routed::{self, Arrival, forwarding, own_keys, own_links};
use super::{Device, Invocation, Nodes, Wanted};
use crate::name::{IfName, VifId};
use crate::state::{Address, Family, Keys, Managed, Observed, Route, Scope};

/// What must be known of the machine for this call.
pub(super) fn scope(call: &Invocation, nodes: &Nodes) -> Result<Scope, String> {
    if call.device == Device::Tap {
        let whole = match name_of_tap(call, nodes)? {
            Some(_) => own_links(call, nodes)?,
            None => [].into(),
        };
        return Ok(Scope::Links {
            whole,
            bare: [].into(),
            keys: Keys::default(),
        });
    }
    let whole = own_links(call, nodes)?;
    let mut keys = own_keys(&whole);
    if call.command.comes() {
        keys.settings.insert(forwarding(Family::Ipv4));
    }
    Ok(Scope::Links {
        whole,
        bare: [].into(),
        keys,
    })
}

/// What the call wants. Of a tap no more than its name: an emulated NIC has no way out until the
/// guest's own driver takes over.
pub(super) fn desire(
    call: &Invocation,
    nodes: &Nodes,
    observed: &Observed,
) -> Result<Wanted, String> {
    if call.device == Device::Tap {
        return tap(call, nodes, observed);
    }
    if !call.command.comes() {
        let mut wanted = routed::leave(call, nodes, observed)?.into();
        dhcp::go(
            call,
            &wanted_name(call, nodes)?,
            &observed.state,
            &mut wanted,
        );
        return Ok(wanted);
    }
    let mut warnings = Vec::new();
    let mut arrival = Arrival::of(call, nodes, observed)?;
    let list = GuestIp::of(call, nodes, Length::OfGuest);
    if let Some(why) = list.wrong_v4.first() {
        return Err(why.clone());
    }
    if !list.v6.is_empty() || !list.wrong_v6.is_empty() {
        warnings.push(
            "ip= has IPv6 addresses, and vif-nat is of IPv4 alone: they are left out; vif-route takes both".into(),
        );
    }
    let guests = guests(call, &list)?;
    let router = router_of(guests[0]);
    if guests.contains(&router) {
        return Err(format!(
            "ip= lists {router}, which is the router of {}; give the guest another",
            guests[0]
        ));
    }
    let link = arrival.name.clone();
    let lease = Lease {
        link: link.clone(),
        address: guests[0],
        router,
    };
    arrival.address(Address::new(link.clone(), IpAddr::V4(router).into()));
    for guest in guests {
        arrival.route(Route {
            source: Some(router.into()),
            ..Route::onlink(IpAddr::V4(guest).into(), link.clone())
        });
    }
    let forwards = observed.state.sysctls.get(&forwarding(Family::Ipv4));
    if forwards.is_some_and(|on| on == "0") {
        warnings.push(
            "dom0 does not forward IPv4, so the guest reaches dom0 and nothing else; `network-nat start` switches it on".into(),
        );
    }
    let mut wanted = Wanted {
        desired: arrival.desired,
        warnings,
    };
    dhcp::come(call, nodes, &lease, &observed.state, &mut wanted);
    Ok(wanted)
}

/// The name that a tap gets that comes, if it is another (contract 2.3: whatever the script is).
fn name_of_tap(call: &Invocation, nodes: &Nodes) -> Result<Option<IfName>, String> {
    if !call.command.comes() {
        return Ok(None);
    }
    let name = wanted_name(call, nodes)?;
    Ok((name != call.link).then_some(name))
}

/// A tap with its name.
fn tap(call: &Invocation, nodes: &Nodes, observed: &Observed) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    if let Some(name) = name_of_tap(call, nodes)? {
        coming(call, observed, &name)?;
        let mut link = wanted_link(call, &name);
        link.up = Managed::LeaveAlone;
        wanted.desired.links.insert(name, link);
    }
    Ok(wanted)
}

/// The IPv4 addresses of a guest with this list.
pub(super) fn guests(call: &Invocation, list: &GuestIp) -> Result<Vec<Ipv4Addr>, String> {
    match list.v4.as_slice() {
        [] => Ok(vec![usual_address(call.vif)?]),
        nets => Ok(nets.iter().map(|net| net.addr()).collect()),
    }
}

/// The address of a guest that was given none: 10.0.0.0/16 and the 255 networks behind it, by the
/// number of the domain and of its NIC.
fn usual_address(vif: VifId) -> Result<Ipv4Addr, String> {
    let [high, low] = vif.domid.0.to_be_bytes();
    let number = u8::try_from(vif.devid.0.saturating_add(1))
        .ok()
        .filter(|n| *n < 255);
    let number = number.ok_or_else(|| {
        format!(
            "{vif} has no address of its own accord: 10.{high}.{low}.0 ends with NIC 253; give it one with ip="
        )
    })?;
    Ok(Ipv4Addr::new(10, high, low, number))
}

/// Where a guest finds its router: 127 further on. In the upper half, where the originals ran over
/// the end of the byte and failed, 127 back.
fn router_of(guest: Ipv4Addr) -> Ipv4Addr {
    let [a, b, c, last] = guest.octets();
    let router = match last {
        0..128 => last + 127,
        128.. => last - 127,
    };
    Ipv4Addr::new(a, b, c, router)
}
