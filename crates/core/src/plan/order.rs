//! The order of steps.
//!
//! ```text
//!  prepare      what guests may say · masquerading · accept_ra 2 · settings of the host
//!               · create what has a free name
//!  hush         addr_gen_mode of what goes down or gets addresses: the kernel makes none by itself
//!  take away    host files · rules · rules of Xen's own scripts · neighbours · routes · addresses
//!               · down · detach · delete, for a name
//!  change       rename, create · mark · flags · MAC · MTU · offloads · settings · nodes before up
//!  bring up     attach · VLANs · up (bridges before ports) · addresses · routes · neighbours · rules
//!               · host files · lines of files
//!  let speak    DHCP server · flags of addresses · addr_gen_mode · delete · guests may say anything
//!               · no masquerading · hooks · nodes at the end
//! ```
//!
//! A link that is renamed or gets another MAC is down meanwhile: kernels before 6.2 refuse to
//! rename an up link, and a MAC changed under traffic cuts off whoever is using it.
//!
//! Whatever the kernel would drop by itself on the way is taken away by a step of its own, since
//! only a step can be undone.

mod delete;
mod dhcp;
mod filters;
mod hush;
mod settings;
mod steps;
mod vlans;

use std::cmp::Reverse;

use hush::Hush;
use steps::Steps;

use super::names::Names;
use super::{Diff, LinkDiff, Need, Plan, Planned, Step, lost};
use crate::name::IfName;
use crate::state::{
    Address, Desired, Effect, LinkChange, Managed, Moment, NetState, Observed, Pair, Route,
    WantedHooks,
};

/// Plans the way from what was found to what is wanted. The same inputs give the same plan.
pub fn plan(desired: &Desired, observed: &Observed) -> Planned {
    let names = Names::new(desired, &observed.state);
    let (mut diff, mut refusals, report) = Diff::between(desired, observed, &names);
    lost::take_first(&mut diff, desired, observed, &names, &mut refusals);
    // The last that was given is the first to be taken, so that undoing gives them in their order;
    // and they are given in the order they had.
    diff.addresses_removed
        .sort_by_key(|address| Reverse(observed.given(address)));
    let had = |address: &Address| {
        diff.addresses_removed
            .iter()
            .rposition(|removed| removed.net == address.net)
            .map(Reverse)
    };
    let mut added = std::mem::take(&mut diff.addresses_added);
    added.sort_by_key(had);
    diff.addresses_added = added;
    if !refusals.is_empty() {
        return Planned {
            plan: Err(refusals),
            report,
        };
    }
    let ordering = Ordering {
        diff: &diff,
        desired,
        state: &observed.state,
        names: &names,
    };
    Planned {
        plan: Ok(Plan {
            steps: ordering.steps(),
        }),
        report,
    }
}

/// Whether the change is one that an up link must not see.
pub(super) fn needs_down(change: &LinkDiff) -> bool {
    change.name.is_some() || change.mac.is_some()
}

struct Ordering<'a> {
    diff: &'a Diff,
    desired: &'a Desired,
    state: &'a NetState,
    names: &'a Names,
}

impl Ordering<'_> {
    fn steps(&self) -> Vec<Step> {
        let mut steps = Steps::default();
        let hushed = self.hushed();
        self.prepare(&mut steps);
        for hush in &hushed {
            if let Some(present) = &hush.present {
                steps.write(present, &hush.now, Hush::NONE);
            }
        }
        self.take_away(&mut steps);
        // A link goes when its name is needed, and otherwise when everything else is back: it takes
        // the kernel tens of milliseconds (synchronize_net).
        let needed = |name: &IfName| self.desired.links.contains_key(name);
        self.delete(needed, IfName::clone, &mut steps);
        self.rename_and_create(&mut steps);
        self.change(&hushed, &mut steps);
        self.bring_up(&mut steps);
        // It binds to the routers' addresses that are there.
        self.dhcp_server(true, &mut steps);
        for address in &self.diff.addresses_added {
            if let Some(usable) = self.at_once(address) {
                steps.add(Effect::ChangeAddress(Pair {
                    from: usable,
                    to: address.clone(),
                }));
            }
        }
        for hush in &hushed {
            steps.write(&hush.wanted, Hush::NONE, &hush.then);
        }
        self.delete(
            |name| !needed(name),
            |name| self.names.wanted(name),
            &mut steps,
        );
        // Nothing comes by a link that is down or gone.
        self.guards(|guarded| !guarded, &mut steps);
        self.passages(false, &mut steps);
        self.masquerades(false, &mut steps);
        self.dhcp_server(false, &mut steps);
        self.hooks(&mut steps);
        steps.0.extend(self.nodes_at(Moment::AtEnd));
        steps.0
    }

    /// What new links begin with comes before them.
    fn prepare(&self, steps: &mut Steps) {
        // Before any link comes up, and the last to be undone.
        self.guards(|guarded| guarded, steps);
        self.passages(true, steps);
        // Before packets are forwarded: none leaves with a guest's own address.
        self.masquerades(true, steps);
        self.settings_first(steps);
        for name in self.created() {
            if self.is_free(name) {
                self.create(name, steps);
            }
        }
        // A MAC that was set, if only to what it is, follows no other.
        for (name, mac) in &self.diff.kept_macs {
            let pair = Pair {
                from: *mac,
                to: *mac,
            };
            steps.change_if(name, LinkChange::Mac(pair), Need::Wished);
        }
    }

    fn take_away(&self, steps: &mut Steps) {
        let diff = self.diff;
        self.dhcp_hosts(false, steps);
        for rule in &diff.rules_removed {
            steps.add(Effect::DeleteRule(rule.clone()));
        }
        self.old_rules(steps);
        for change in &diff.switch_ports_removed {
            steps.0.push(Step {
                effect: Effect::ChangeSwitchPort(change.clone()),
                // A switch that is not there has let go of the port.
                need: Need::Wished,
            });
        }
        for neighbour in &diff.neighbours_removed {
            steps.add(Effect::DeleteNeighbour(neighbour.clone()));
        }
        // By a next hop first: it needs the way to it as long as it is there, and when undone.
        let (by_hop, direct): (Vec<_>, Vec<_>) =
            diff.routes_removed.iter().partition(|r| r.has_next_hop());
        for route in by_hop.into_iter().chain(direct) {
            steps.add(Effect::DeleteRoute(route.clone()));
        }
        for (number, address) in diff.addresses_removed.iter().enumerate() {
            steps.add(Effect::DeleteAddress(address.clone()));
            let rest = &diff.addresses_removed[number + 1..];
            for prefix in diff
                .prefixes
                .iter()
                .filter(|route| is_prefix(route, address))
            {
                if !rest.iter().any(|other| is_prefix(prefix, other)) {
                    steps.add(Effect::DeleteRoute(prefix.clone()));
                }
            }
        }
        for (name, change) in &diff.links {
            let present = self.names.present(name);
            let stays_down = change.up.as_ref().is_some_and(|pair| !pair.to);
            if !self.is_made(name) && self.is_up(&present) && (stays_down || needs_down(change)) {
                steps.change(
                    &present,
                    LinkChange::Up(Pair {
                        from: true,
                        to: false,
                    }),
                );
            }
        }
        for (name, change) in &diff.links {
            let Some(Pair { from, to }) = &change.master else {
                continue;
            };
            let present = self.names.present(name);
            let from = self.present_master(&present).or(from.clone());
            let leaves =
                to.is_none() || from.as_ref().is_some_and(|b| diff.removed.contains_key(b));
            if from.is_some() && leaves {
                self.leave_vlans(&present, &present, steps);
                steps.change(&present, LinkChange::Master(Pair { from, to: None }));
            }
        }
    }

    /// A name is given when it is free: one renaming or creation may wait for another.
    fn rename_and_create(&self, steps: &mut Steps) {
        let mut taken: Vec<IfName> = self.state.links.keys().cloned().collect();
        taken.retain(|name| !self.diff.removed.contains_key(name));
        let mut waiting: Vec<&IfName> = self.diff.links.keys().collect();
        waiting.retain(|name| self.diff.links[*name].name.is_some());
        let made = self.created();
        waiting.extend(made.into_iter().filter(|name| !self.is_free(name)));
        loop {
            let before = waiting.len();
            waiting.retain(|name| {
                if taken.contains(name) {
                    return true;
                }
                if self.diff.created.contains_key(*name) {
                    self.create(name, steps);
                } else if let Some(pair) = &self.diff.links[*name].name {
                    // The mark first: at no moment is there a link of the new name that nobody
                    // knows.
                    if let Some(alias) = &self.diff.links[*name].alias {
                        steps.change(&pair.from, LinkChange::Alias(alias.clone()));
                    }
                    steps.change(&pair.from, LinkChange::Name(pair.clone()));
                    taken.retain(|name| *name != pair.from);
                }
                taken.push((*name).clone());
                false
            });
            if waiting.len() == before {
                return;
            }
        }
    }

    fn change(&self, hushed: &[Hush], steps: &mut Steps) {
        for (name, change) in &self.diff.links {
            let wanted = self.desired.links.get(name);
            if let Some(pair) = change.alias.as_ref().filter(|_| change.name.is_none()) {
                steps.change(name, LinkChange::Alias(pair.clone()));
            }
            if let Some(pair) = &change.arp {
                steps.change(name, LinkChange::Arp(pair.clone()));
            }
            if let Some(pair) = &change.multicast {
                steps.change(name, LinkChange::Multicast(pair.clone()));
            }
            if let Some(pair) = &change.mac {
                let need = need(wanted.map(|w| &w.mac));
                steps.change_if(name, LinkChange::Mac(pair.clone()), need);
            }
            if let Some(pair) = &change.mtu {
                let need = need(wanted.map(|w| &w.mtu));
                steps.change_if(name, LinkChange::Mtu(pair.clone()), need);
            }
        }
        for (key, pair) in &self.diff.features {
            steps.0.push(Step {
                effect: Effect::SetFeature {
                    key: key.clone(),
                    from: pair.from,
                    to: pair.to,
                },
                // A driver may have reasons of its own.
                need: Need::Wished,
            });
        }
        for hush in hushed.iter().filter(|hush| hush.present.is_none()) {
            steps.write(&hush.wanted, &hush.now, Hush::NONE);
        }
        self.settings_then(hushed, steps);
        steps.0.extend(self.nodes_at(Moment::BeforeUp));
    }

    fn bring_up(&self, steps: &mut Steps) {
        let diff = self.diff;
        let mut changed: Vec<&IfName> = diff.links.keys().collect();
        changed.sort_by_key(|name| (!self.is_bridge(name), (*name).clone()));
        for name in &changed {
            if let Some(Pair { to: Some(to), .. }) = &diff.links[*name].master {
                let present = self.names.present(name);
                let stays = |bridge: &IfName| !diff.removed.contains_key(bridge);
                let from = self.present_master(&present).filter(stays);
                if from.is_some() {
                    self.leave_vlans(&present, name, steps);
                }
                let pair = Pair {
                    from: from.map(|bridge| self.names.wanted(&bridge)),
                    to: Some(to.clone()),
                };
                steps.change(name, LinkChange::Master(pair));
            }
        }
        for change in &diff.vlans {
            steps.add(Effect::ChangeVlans(change.clone()));
        }
        for change in &diff.switch_ports_added {
            steps.add(Effect::ChangeSwitchPort(change.clone()));
        }
        for name in &changed {
            let change = &diff.links[*name];
            let wanted_up = change.up.as_ref().map(|pair| pair.to);
            let was_up = !self.is_made(name) && self.is_up(&self.names.present(name));
            let went_down = was_up && needs_down(change);
            if wanted_up == Some(true) || (went_down && wanted_up.is_none()) {
                steps.change(
                    name,
                    LinkChange::Up(Pair {
                        from: false,
                        to: true,
                    }),
                );
            }
        }
        for address in &diff.addresses_added {
            let usable = self.at_once(address);
            steps.add(Effect::AddAddress(usable.unwrap_or(address.clone())));
            // It comes by itself; as a step it goes again when that is undone.
            for prefix in &diff.prefixes {
                let prefix = prefix.renamed(|_| address.link.clone());
                let given = Effect::AddRoute(prefix.clone());
                if is_prefix(&prefix, address) && !steps.0.iter().any(|s| s.effect == given) {
                    steps.0.push(Step {
                        effect: given,
                        need: Need::Wished,
                    });
                }
            }
        }
        // A route by a next hop needs the route to that next hop first.
        let (by_hop, direct): (Vec<_>, Vec<_>) =
            diff.routes_added.iter().partition(|r| r.has_next_hop());
        for route in direct.into_iter().chain(by_hop) {
            steps.add(Effect::AddRoute(route.clone()));
        }
        for neighbour in &diff.neighbours_added {
            steps.add(Effect::AddNeighbour(neighbour.clone()));
        }
        for rule in &diff.rules_added {
            steps.add(Effect::AddRule(rule.clone()));
        }
        self.dhcp_hosts(true, steps);
        self.lines(steps);
    }

    /// Bridges first.
    fn created(&self) -> Vec<&IfName> {
        let mut created: Vec<&IfName> = self.diff.created.keys().collect();
        created.sort_by_key(|name| (!self.is_bridge(name), (*name).clone()));
        created
    }

    fn create(&self, name: &IfName, steps: &mut Steps) {
        steps.add(Effect::CreateLink {
            name: name.clone(),
            link: self.diff.created[name].clone(),
        });
    }

    /// Whether a link, by its wanted name, is one that this plan makes.
    fn is_made(&self, name: &IfName) -> bool {
        let mut made = self.diff.created.iter();
        made.any(|(made, link)| made == name || link.peer().as_ref() == Some(name))
    }

    fn is_free(&self, name: &IfName) -> bool {
        !self.state.links.contains_key(name)
    }

    fn is_up(&self, present: &IfName) -> bool {
        self.state.links.get(present).is_some_and(|link| link.up)
    }

    fn present_master(&self, present: &IfName) -> Option<IfName> {
        self.state.links.get(present)?.master.clone()
    }

    /// Whether a link is a bridge, by its wanted name.
    fn is_bridge(&self, name: &IfName) -> bool {
        self.diff
            .created
            .get(name)
            .or_else(|| self.state.links.get(&self.names.present(name)))
            .is_some_and(|link| link.kind.is_bridge())
    }

    fn hooks(&self, steps: &mut Steps) {
        if let Some(WantedHooks { hooks, required }) = &self.desired.hooks {
            let effect = Effect::RunHooks(hooks.clone());
            let need = Need::of(*required);
            steps.0.push(Step { effect, need });
        }
    }

    fn nodes_at(&self, moment: Moment) -> impl Iterator<Item = Step> {
        self.diff
            .nodes
            .iter()
            .filter(move |(node, _)| node.moment == moment)
            .map(|(node, effect)| Step {
                effect: effect.clone(),
                need: Need::of(node.required),
            })
    }
}

/// Whether this is the route that the kernel makes for an address.
fn is_prefix(route: &Route, address: &Address) -> bool {
    route.to == address.net.trunc() && route.leaves_by(&address.link)
}

fn need<T>(managed: Option<&Managed<T>>) -> Need {
    match managed {
        Some(Managed::Wish(_)) => Need::Wished,
        _ => Need::Required,
    }
}
