//! The order of steps.
//!
//! ```text
//!  take away    routes · addresses · down · detach · delete
//!  make         settings of the host · create · mark · rename · MAC · MTU · settings · nodes before up
//!  bring up     attach · up (bridges before ports) · addresses · routes · nodes at the end
//! ```
//!
//! A link that is renamed or gets another MAC is down meanwhile: kernels before 6.2 refuse to
//! rename an up link, and a MAC changed under traffic cuts off whoever is using it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Diff, LinkDiff, Need, Plan, Planned, Refusal, Step};
use crate::name::IfName;
use crate::state::{
    Address, Desired, Effect, LinkChange, LinkSysctl, Managed, Moment, NetState, Observed, Pair,
    Route,
};

/// Plans the way from what was found to what is wanted. The same inputs give the same plan.
pub fn plan(desired: &Desired, observed: &Observed) -> Planned {
    let (mut diff, mut refusals, report) = Diff::between(desired, observed);
    go_down_where_needed(&mut diff, desired, observed, &mut refusals);
    take_routes_first(&mut diff, desired, observed);
    // The last that was given is the first to be taken, so that undoing gives them in their order.
    diff.addresses_removed
        .sort_by_key(|address| Reverse(observed.given(address)));
    if !refusals.is_empty() {
        return Planned {
            plan: Err(refusals),
            report,
        };
    }
    Planned {
        plan: Ok(Plan {
            steps: in_order(&diff, desired, &observed.state),
        }),
        report,
    }
}

/// The name a link has before it gets the wanted one.
fn present_name<'a>(name: &'a IfName, change: &'a LinkDiff) -> &'a IfName {
    change.name.as_ref().map_or(name, |pair| &pair.from)
}

/// Whether the change is one that an up link must not see.
fn needs_down(change: &LinkDiff) -> bool {
    change.name.is_some() || change.mac.is_some()
}

/// A link that must go down for a moment loses its routes, and its IPv6 addresses with them
/// (`addrconf_ifdown`, net/ipv6/addrconf.c). Addresses that we look after are taken and given
/// again; anything else is a reason not to act.
fn go_down_where_needed(
    diff: &mut Diff,
    desired: &Desired,
    observed: &Observed,
    refusals: &mut Vec<Refusal>,
) {
    let state = &observed.state;
    for (name, change) in &diff.links {
        let present = present_name(name, change);
        let is_up = state.links.get(present).is_some_and(|link| link.up);
        if !is_up || !needs_down(change) || diff.removed.contains_key(name) {
            continue;
        }
        let managed = desired
            .links
            .get(name)
            .and_then(|wanted| wanted.addresses.wanted());
        let mut lost = Vec::new();
        match managed {
            None => lost.extend(
                state
                    .addresses_of(present)
                    .map(|a| format!("the address {}", a.net)),
            ),
            Some(wanted) => {
                let mut kept: Vec<&Address> = state.addresses_of(present).collect();
                kept.sort_by_key(|address| observed.given(address));
                for kept in kept {
                    if !diff.addresses_removed.contains(kept) {
                        diff.addresses_removed.push(kept.clone());
                        let again = Address {
                            link: name.clone(),
                            ..kept.clone()
                        };
                        debug_assert!(wanted.contains(&again), "only wanted addresses are kept");
                        diff.addresses_added.push(again);
                    }
                }
            }
        }
        if managed.is_none() {
            let routes = state.routes.iter().filter(|r| leaves_by(r, present));
            lost.extend(routes.map(|r| format!("the route to {}", r.to)));
        }
        if !lost.is_empty() {
            refusals.push(Refusal::WouldLose {
                link: present.clone(),
                what: lost,
            });
        }
    }
}

/// Whether somebody's route leaves by this link. Routes of the kernel's own (rtproto 2) come back
/// with the address they belong to.
fn leaves_by(route: &Route, link: &IfName) -> bool {
    route.link.as_ref() == Some(link) && route.protocol != 2
}

/// Of a link whose addresses we look after, the kernel drops the routes of a family with the last
/// address of that family (IPv4: `fib_disable_ip`, net/ipv4/fib_frontend.c) or when it goes down.
/// They are taken first, so that undoing brings them back; and given again where the family has
/// an address in the end.
fn take_routes_first(diff: &mut Diff, desired: &Desired, observed: &Observed) {
    let state = &observed.state;
    for (name, wanted) in &desired.links {
        let Some(addresses) = wanted.addresses.wanted() else {
            continue;
        };
        let default = LinkDiff::default();
        let change = diff.links.get(name).unwrap_or(&default);
        let present = present_name(name, change).clone();
        let down = needs_down(change) && state.links.get(&present).is_some_and(|link| link.up);
        for route in state.routes.iter().filter(|r| leaves_by(r, &present)) {
            let same_family =
                |address: &&Address| address.net.addr().is_ipv4() == route.to.addr().is_ipv4();
            let stays = addresses.iter().any(|address| same_family(&address));
            let had_some = state
                .addresses_of(&present)
                .any(|address| same_family(&address));
            if down || (had_some && !stays) {
                diff.routes_removed.push(route.clone());
                if stays {
                    let link = Some(name.clone());
                    diff.routes_added.push(Route {
                        link,
                        ..route.clone()
                    });
                }
            }
        }
    }
}

fn in_order(diff: &Diff, desired: &Desired, state: &NetState) -> Vec<Step> {
    let mut steps = Steps::default();
    let change_link = |name: &IfName, change| Effect::ChangeLink {
        name: name.clone(),
        change,
    };

    // Take away.
    for route in &diff.routes_removed {
        steps.add(Effect::DeleteRoute(route.clone()));
    }
    for address in &diff.addresses_removed {
        steps.add(Effect::DeleteAddress(address.clone()));
    }
    let mut went_down: BTreeMap<&IfName, bool> = BTreeMap::new();
    for (name, change) in &diff.links {
        let present = present_name(name, change);
        let is_up = state.links.get(present).is_some_and(|link| link.up);
        let to_stay_down = change.up.as_ref().is_some_and(|pair| !pair.to);
        if is_up && (to_stay_down || needs_down(change)) {
            steps.add(change_link(
                present,
                LinkChange::Up(Pair {
                    from: true,
                    to: false,
                }),
            ));
            went_down.insert(name, !to_stay_down);
        }
    }
    for (name, change) in &diff.links {
        let Some(Pair { from, to }) = &change.master else {
            continue;
        };
        if to.is_none() || goes(diff, from.as_ref()) {
            let detached = Pair {
                from: from.clone(),
                to: None,
            };
            let present = present_name(name, change);
            steps.add(change_link(present, LinkChange::Master(detached)));
        }
    }
    for (name, link) in &diff.removed {
        steps.add(Effect::DeleteLink {
            name: name.clone(),
            link: crate::state::Link {
                up: false,
                master: None,
                ..link.clone()
            },
        });
    }

    // Make. What new links begin with comes before them.
    let (of_host, of_links): (Vec<_>, Vec<_>) =
        diff.sysctls.iter().partition(|(key, _)| key.is_of_host());
    let write = |(key, pair): (&LinkSysctl, &Pair<String>)| Effect::WriteSysctl {
        key: key.clone(),
        from: pair.from.clone(),
        to: pair.to.clone(),
    };
    of_host
        .into_iter()
        .for_each(|setting| steps.add(write(setting)));
    let is_bridge = |name: &IfName| {
        diff.created
            .get(name)
            .or_else(|| state.links.get(name))
            .is_some_and(|link| link.kind.is_bridge())
    };
    let bridges_first = |a: &&IfName, b: &&IfName| (!is_bridge(a), *a).cmp(&(!is_bridge(b), *b));
    let mut created: Vec<&IfName> = diff.created.keys().collect();
    created.sort_by(bridges_first);
    for name in created {
        steps.add(Effect::CreateLink {
            name: name.clone(),
            link: diff.created[name].clone(),
        });
    }
    let mut changed: Vec<&IfName> = diff.links.keys().collect();
    changed.sort_by(bridges_first);
    for (name, change) in &diff.links {
        // The mark first: at no moment is there a link of the new name that nobody knows.
        if let Some(pair) = &change.alias {
            let present = present_name(name, change);
            steps.add(change_link(present, LinkChange::Alias(pair.clone())));
        }
        if let Some(pair) = &change.name {
            steps.add(change_link(&pair.from, LinkChange::Name(pair.clone())));
        }
        let wanted = desired.links.get(name);
        if let Some(pair) = &change.mac {
            let effect = change_link(name, LinkChange::Mac(pair.clone()));
            steps.0.push(Step {
                effect,
                need: need(wanted.map(|w| &w.mac)),
            });
        }
        if let Some(pair) = &change.mtu {
            let effect = change_link(name, LinkChange::Mtu(pair.clone()));
            steps.0.push(Step {
                effect,
                need: need(wanted.map(|w| &w.mtu)),
            });
        }
    }
    of_links
        .into_iter()
        .for_each(|setting| steps.add(write(setting)));
    steps.0.extend(nodes_at(diff, Moment::BeforeUp));

    // Bring up.
    for name in &changed {
        if let Some(Pair { from, to: Some(to) }) = &diff.links[*name].master {
            let pair = Pair {
                from: from
                    .as_ref()
                    .filter(|bridge| !goes(diff, Some(bridge)))
                    .map(|bridge| renamed(diff, bridge)),
                to: Some(to.clone()),
            };
            steps.add(change_link(name, LinkChange::Master(pair)));
        }
    }
    for name in &changed {
        let wanted_up = diff.links[*name].up.as_ref().is_some_and(|pair| pair.to);
        if wanted_up || went_down.get(name) == Some(&true) {
            steps.add(change_link(
                name,
                LinkChange::Up(Pair {
                    from: false,
                    to: true,
                }),
            ));
        }
    }
    for address in &diff.addresses_added {
        steps.add(Effect::AddAddress(address.clone()));
    }
    // A route by a next hop needs the route to that next hop first.
    for route in diff.routes_added.iter().filter(|r| r.via.is_none()) {
        steps.add(Effect::AddRoute(route.clone()));
    }
    for route in diff.routes_added.iter().filter(|r| r.via.is_some()) {
        steps.add(Effect::AddRoute(route.clone()));
    }
    steps.0.extend(nodes_at(diff, Moment::AtEnd));
    steps.0
}

/// Whether a port's bridge is removed by this plan: the port is detached first.
fn goes(diff: &Diff, bridge: Option<&IfName>) -> bool {
    bridge.is_some_and(|bridge| diff.removed.contains_key(bridge))
}

/// What a link is called once all links have their names.
fn renamed(diff: &Diff, link: &IfName) -> IfName {
    let mut names = diff
        .links
        .values()
        .filter_map(|change| change.name.as_ref());
    let pair = names.find(|pair| pair.from == *link);
    pair.map_or(link, |pair| &pair.to).clone()
}

/// The steps so far.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn add(&mut self, effect: Effect) {
        self.0.push(Step::required(effect));
    }
}

fn need<T>(managed: Option<&Managed<T>>) -> Need {
    match managed {
        Some(Managed::Wish(_)) => Need::Wished,
        _ => Need::Required,
    }
}

fn nodes_at(diff: &Diff, moment: Moment) -> impl Iterator<Item = Step> {
    diff.nodes
        .iter()
        .filter(move |(node, _)| node.moment == moment)
        .map(|(node, effect)| Step {
            effect: effect.clone(),
            need: if node.required {
                Need::Required
            } else {
                Need::Wished
            },
        })
}
