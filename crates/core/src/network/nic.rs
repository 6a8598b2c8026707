//! What is tied to a link and moves with its name: read off one link, said of another.

use std::collections::BTreeSet;

use crate::name::IfName;
use crate::state::{
    Address, Desired, Folder, Managed, Neighbour, NetState, Route, Rule, WantedLink,
};

/// Everything of a link that its users know it by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Belongings {
    addresses: BTreeSet<Address>,
    routes: BTreeSet<Route>,
    neighbours: BTreeSet<Neighbour>,
}

impl Belongings {
    /// What `from` has, as `to` is to have it.
    pub(super) fn moved(state: &NetState, from: &IfName, to: &IfName) -> Self {
        let addresses = state.addresses_of(from).map(|a| Address {
            label: a.label.as_deref().map(|label| relabelled(label, from, to)),
            ..a.on(to)
        });
        let routes = state
            .routes
            .iter()
            .filter(|r| r.leaves_by(from) && r.protocol != Route::KERNEL);
        let rename = |link: &IfName| if link == from { to } else { link }.clone();
        let neighbours = state.neighbours.iter().filter(|n| n.link == *from);
        Self {
            addresses: addresses.collect(),
            routes: routes.map(|r| r.renamed(rename).again()).collect(),
            neighbours: neighbours
                .map(|n| Neighbour {
                    link: to.clone(),
                    ..n.clone()
                })
                .collect(),
        }
    }

    /// All but those addresses.
    pub(super) fn without(mut self, goes: impl Fn(&Address) -> bool) -> Self {
        self.addresses.retain(|address| !goes(address));
        self
    }

    /// Only those addresses that pass, with the routes and neighbours that need them.
    pub(super) fn only(mut self, is_meant: impl Fn(&Address) -> bool) -> Self {
        self.addresses.retain(is_meant);
        let nets: Vec<_> = self.addresses.iter().map(|a| a.net).collect();
        let near = |ip: &std::net::IpAddr| nets.iter().any(|net| net.contains(ip));
        self.routes.retain(|route| {
            route
                .source
                .is_some_and(|ip| nets.iter().any(|net| net.addr() == ip))
                || route
                    .hops
                    .iter()
                    .any(|hop| hop.via.as_ref().is_some_and(near))
        });
        self.neighbours.retain(|n| near(&n.to));
        self
    }

    /// Says that this link is to have them, besides what it has of its own.
    pub(super) fn give(self, to: &IfName, own: Self, desired: &mut Desired) {
        let Some(link) = desired.links.get_mut(to) else {
            return;
        };
        link.addresses = Managed::Set(own.addresses.into_iter().chain(self.addresses).collect());
        link.routes = Managed::Set(own.routes.into_iter().chain(self.routes).collect());
        link.neighbours = Managed::Set(own.neighbours.into_iter().chain(self.neighbours).collect());
    }
}

/// A label begins with its link's name (`eth0:1`), and stays one of at most 15 bytes.
fn relabelled(label: &str, from: &IfName, to: &IfName) -> String {
    let renamed = label
        .strip_prefix(from.as_str())
        .map(|rest| format!("{to}{rest}"));
    renamed
        .filter(|label| label.len() < 16)
        .unwrap_or_else(|| label.to_owned())
}

/// The rules that name one link, to name another. Where a name passes on, its rules pass on by
/// themselves: the kernel ties them to the name.
pub(super) fn move_rules(state: &NetState, from: &IfName, to: &IfName, desired: &mut Desired) {
    move_rules_that(state, from, to, desired, |_| true);
}

/// The same, of those rules that `is_meant` knows by what they are to be.
pub(super) fn move_rules_that(
    state: &NetState,
    from: &IfName,
    to: &IfName,
    desired: &mut Desired,
    is_meant: impl Fn(&Rule) -> bool,
) {
    if from == to {
        return;
    }
    for rule in state.rules.iter().filter(|rule| rule.names(from)) {
        let moved = rule.renamed(from, to);
        if is_meant(&moved) {
            desired.rules_gone.insert(rule.clone());
            desired.rules.insert(moved);
        }
    }
}

/// Nothing of either family.
pub(super) fn bare(link: &mut WantedLink) {
    link.addresses = Managed::Set(BTreeSet::new());
    link.routes = Managed::Set(BTreeSet::new());
    link.neighbours = Managed::Set(BTreeSet::new());
}

/// The settings of one link, for another; under the other's wanted name. Only those of which is
/// known what a new link begins with: the others start could not give, so stop must not take them
/// for dom0's. (A network namespace has no `neigh/default`: arp_init, net/ipv4/arp.c.)
pub(super) fn copy_settings(state: &NetState, from: &IfName, to: &IfName, desired: &mut Desired) {
    let default: IfName = "default".parse().expect("a name");
    let settings = state.sysctls.iter().filter(|(key, _)| {
        key.link == *from
            && (key.folder == Folder::Conf || state.sysctls.contains_key(&key.on(&default)))
    });
    for (key, value) in settings {
        desired.sysctls.insert(key.on(to), value.clone());
    }
}

/// What is switched off on one link is switched off on the other; what the first cannot do says
/// nothing about the second.
pub(super) fn copy_offloads(state: &NetState, from: &IfName, to: &IfName, desired: &mut Desired) {
    let off = state
        .features
        .iter()
        .filter(|(key, on)| key.link == *from && !**on);
    for (key, _) in off {
        desired.features.insert(key.on(to), false);
    }
}
