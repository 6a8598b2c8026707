//! What a call of `network-bridge` or 2.0's `network` means, as functions (contract 1); and, in
//! `route`, one of `network-route` or `network-nat` (contract 2.10).
//!
//! ```text
//!  argv, environment ──Call::parse──▶ start|stop|status, of which generation, with what
//!  the host's network ──Target::of───▶ which NIC, which bridge, which pair
//!                      ──start, stop──▶ Desired, or why not
//!  earlier journals   ──Memory::of──▶ what start changed, for stop to bring back
//! ```
//!
//! Where the scripts of the various releases put dom0's address:
//!
//! | generation | releases | the NIC | dom0's address |
//! | --- | --- | --- | --- |
//! | [`Xen2`](Generation::Xen2) | 2.0 | `eth0`, a port as it is | the bridge `xen-br0` |
//! | [`Netloop`](Generation::Netloop) | 3.0, 3.1 | renamed `peth0` | `eth0`, which was `veth0`; its other end `vif0.0` is a port of `xenbr0` |
//! | [`Renaming`](Generation::Renaming) | 3.2 to 4.4 | renamed `peth0` | the bridge, which is called `eth0` |
//!
//! In each, everything that was tied to the NIC's name moves: addresses of both families, routes
//! of all tables, rules, permanent neighbours, settings.

mod call;
mod dhcp;
mod generation;
mod memory;
mod nic;
mod outage;
mod pair;
mod quiet;
mod refuse;
mod root;
mod route;
mod route_status;
mod start;
mod status;
mod stop;
mod target;
#[cfg(test)]
mod tests;

pub use call::{Arguments, Call, Command, Quit};
pub use generation::Generation;
pub use memory::Memory;
pub use outage::Outage;
pub use pair::{Loopback, Pair};
pub use root::NetworkRoot;
pub use route::{Routing, Uplink};
pub use route_status::RoutingStatus;
pub use start::start;
pub use status::Status;
pub use stop::stop;
pub use target::{Target, scope};
pub(crate) use target::{by_default_route, is_guests};

use crate::name::IfName;
use crate::plan::Plan;
use crate::state::{Desired, Effect, LinkChange, Managed, Origin, WantedLink};

/// What is wanted, and what was noticed on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What is wanted.
    pub desired: Desired,
    /// Sentences for the administrator.
    pub notes: Vec<String>,
}

impl Wanted {
    /// What the kernel drops when a link has no carrier for a moment: a link that takes over has
    /// none at first (pneigh_ifdown, net/core/neighbour.c, drops even what is permanent). To be
    /// looked at again when the links run.
    pub fn neighbours(&self) -> Desired {
        let kept = self.desired.links.iter().filter_map(|(name, link)| {
            let neighbours = link.neighbours.wanted().filter(|all| !all.is_empty())?;
            let mut kept = WantedLink::new(Origin::Expected);
            kept.neighbours = Managed::Set(neighbours.clone());
            Some((name.clone(), kept))
        });
        Desired {
            links: kept.collect(),
            ..Desired::default()
        }
    }
}

/// The links that come up in a plan, and so are worth waiting for.
pub fn coming_up(plan: &Plan) -> Vec<IfName> {
    let up = plan.steps.iter().filter_map(|step| match &step.effect {
        Effect::ChangeLink {
            name,
            change: LinkChange::Up(pair),
        } if pair.to => Some(name.clone()),
        _ => None,
    });
    up.collect()
}
