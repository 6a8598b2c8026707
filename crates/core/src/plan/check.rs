//! A second pair of eyes on a plan. It knows the rules that every plan must keep and shares no
//! code with the planner: it walks the steps with a tracker of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Plan;
use crate::name::IfName;
use crate::state::{Desired, Effect, LinkChange, NetState, Undo};

/// A rule that a plan breaks, at which step. A complaint is a bug in the planner: the plan is
/// not performed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The step's number, from 0.
    pub step: usize,
    /// The rule.
    pub rule: Rule,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// An up link is never renamed.
    RenamesUpLink,
    /// The MAC of an up link is never changed.
    ChangesMacOfUpLink,
    /// A step is about a link that is there at that moment.
    NoSuchLink,
    /// A name is given once.
    NameInUse,
    /// A port is attached to a bridge.
    AttachedToNonBridge,
    /// VLANs are those of a port.
    VlansOfNoPort,
    /// A step starts from what is there, or its undo would restore something else.
    WrongStart,
    /// Only links that are wanted, or go, are touched. What another link loses on the way it is
    /// given back.
    TouchesForeign,
    /// A link is down and no port when it is deleted, so that undoing knows all of it.
    DeletesLinkInUse,
    /// A link that is not removed keeps what an up link has: a port comes up after it was
    /// attached, since an up port floods.
    UpBeforeAttached,
    /// What a guest may say is said before its link comes up.
    GuardedAfterUp,
    /// The word to netback comes last.
    StatusNotLast,
    /// A step that cannot be undone is only allowed at the end.
    NoWayBack,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "step {} breaks a rule of plans: {:?}",
            self.step + 1,
            self.rule
        )
    }
}

/// What the checker keeps of a link.
#[derive(Clone)]
struct Seen {
    up: bool,
    port: bool,
    bridge: bool,
    ours: bool,
}

/// Looks at a plan for this state.
///
/// # Errors
/// Every rule that is broken, in the order of the steps.
pub fn check(plan: &Plan, desired: &Desired, state: &NetState) -> Result<(), Vec<Complaint>> {
    let named: BTreeSet<&IfName> = desired
        .links
        .iter()
        .flat_map(|(name, wanted)| std::iter::once(name).chain(wanted.formerly.as_ref()))
        .chain(&desired.gone)
        .collect();
    let mut links: BTreeMap<IfName, Seen> = state
        .links
        .iter()
        .map(|(name, link)| {
            let seen = Seen {
                up: link.up,
                port: link.master.is_some(),
                bridge: link.kind.is_bridge(),
                ours: named.contains(name)
                    || link.peer().is_some_and(|peer| desired.gone.contains(&peer)),
            };
            (name.clone(), seen)
        })
        .collect();
    let mut complaints = Vec::new();
    let last = plan.steps.len().saturating_sub(1);
    for (number, step) in plan.steps.iter().enumerate() {
        let mut complain = |rule| complaints.push(Complaint { step: number, rule });
        if let Undo::Never(_) = step.effect.undo()
            && number != last
        {
            complain(Rule::NoWayBack);
        }
        match &step.effect {
            Effect::CreateLink { name, link } => {
                let seen = Seen {
                    up: false,
                    port: false,
                    bridge: link.kind.is_bridge(),
                    ours: true,
                };
                for end in link.peer().into_iter().chain([name.clone()]) {
                    if links.insert(end, seen.clone()).is_some() {
                        complain(Rule::NameInUse);
                    }
                }
                if !named.contains(name) {
                    complain(Rule::TouchesForeign);
                }
            }
            Effect::WriteNodes { writes, .. } => {
                if writes.iter().any(|w| w.path.0.ends_with("/hotplug-status")) && number != last {
                    complain(Rule::StatusNotLast);
                }
            }
            Effect::WriteSysctl { key, .. } if key.is_of_host() => {
                let is_named = is_named(&step.effect, desired);
                if !desired.sysctls.contains_key(key) && !is_named {
                    complain(Rule::TouchesForeign);
                }
            }
            effect => {
                let Some(name) = effect.link() else { continue };
                let Some(seen) = links.get(name).cloned() else {
                    complain(Rule::NoSuchLink);
                    continue;
                };
                if !seen.ours && !is_named(effect, desired) && !is_given_back(effect, plan) {
                    complain(Rule::TouchesForeign);
                }
                match effect {
                    Effect::DeleteLink { link, .. } => {
                        for end in link.peer().into_iter().chain([name.clone()]) {
                            let seen = links.remove(&end);
                            if seen.is_some_and(|seen| seen.up || seen.port) {
                                complain(Rule::DeletesLinkInUse);
                            }
                        }
                    }
                    Effect::MoveLink { .. } => {
                        links.remove(name);
                    }
                    Effect::ChangeLink {
                        change: LinkChange::Name(pair),
                        ..
                    } => {
                        if seen.up {
                            complain(Rule::RenamesUpLink);
                        }
                        links.remove(name);
                        if links.insert(pair.to.clone(), seen).is_some() {
                            complain(Rule::NameInUse);
                        }
                    }
                    Effect::ChangeLink {
                        change: LinkChange::Mac(pair),
                        ..
                    } if seen.up && pair.from != pair.to => {
                        complain(Rule::ChangesMacOfUpLink);
                    }
                    Effect::ChangeLink {
                        change: LinkChange::Up(pair),
                        ..
                    } => {
                        if seen.up != pair.from {
                            complain(Rule::WrongStart);
                        }
                        if let Some(seen) = links.get_mut(name) {
                            seen.up = pair.to;
                        }
                    }
                    Effect::ChangeLink {
                        change: LinkChange::Master(pair),
                        ..
                    } => {
                        if let Some(seen) = links.get_mut(name) {
                            seen.port = pair.to.is_some();
                        }
                        if let Some(bridge) = &pair.to {
                            if !links.get(bridge).is_some_and(|b| b.bridge) {
                                complain(Rule::AttachedToNonBridge);
                            }
                            let came_up = plan.steps[..number].iter().any(|earlier| {
                                matches!(&earlier.effect, Effect::ChangeLink { name: n, change: LinkChange::Up(p) } if n == name && p.to)
                            });
                            if came_up {
                                complain(Rule::UpBeforeAttached);
                            }
                        }
                    }
                    Effect::ChangeVlans(_) if !seen.port => complain(Rule::VlansOfNoPort),
                    _ => {}
                }
            }
        }
    }
    check_rules(plan, desired, &mut complaints);
    check_guards(plan, desired, &mut complaints);
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints)
    }
}

/// Whether this is about a neighbour that is wanted, or goes, by itself, or about a setting that
/// follows one that is wanted.
fn is_named(effect: &Effect, desired: &Desired) -> bool {
    match effect {
        Effect::WriteSysctl { key, .. } => desired.sysctls.keys().any(|all| key.follows(all)),
        Effect::AddNeighbour(n) => desired.neighbours.contains(n),
        Effect::DeleteNeighbour(n) => desired.neighbours_gone.contains(n),
        _ => false,
    }
}

/// Whether this takes from a link what the plan gives back, or gives it back, or is about a route,
/// which may be wanted on any link.
fn is_given_back(effect: &Effect, plan: &Plan) -> bool {
    let has = |inverse: Effect| plan.steps.iter().any(|step| step.effect == inverse);
    match effect {
        Effect::AddRoute(_) | Effect::DeleteRoute(_) | Effect::ChangeAddress(_) => true,
        Effect::ChangeLink {
            change: LinkChange::Mac(pair),
            ..
        } => pair.from == pair.to,
        Effect::AddNeighbour(n) => has(Effect::DeleteNeighbour(n.clone())),
        Effect::DeleteNeighbour(n) => has(Effect::AddNeighbour(n.clone())),
        Effect::DeleteAddress(a) => plan.steps.iter().any(|step| {
            matches!(&step.effect, Effect::AddAddress(b) if b.link == a.link && b.net == a.net)
        }),
        Effect::AddAddress(a) => plan.steps.iter().any(|step| {
            matches!(&step.effect, Effect::DeleteAddress(b) if b.link == a.link && b.net == a.net)
        }),
        _ => false,
    }
}

/// A guard is for a name that was named, and comes before its link does.
fn check_guards(plan: &Plan, desired: &Desired, complaints: &mut Vec<Complaint>) {
    for (number, step) in plan.steps.iter().enumerate() {
        let Effect::ChangeGuard { port, change } = &step.effect else {
            continue;
        };
        let mut complain = |rule| complaints.push(Complaint { step: number, rule });
        if desired.guards.get(port) != Some(&change.to) {
            complain(Rule::TouchesForeign);
        }
        let came_up = |earlier: &super::Step| matches!(&earlier.effect, Effect::ChangeLink { name, change: LinkChange::Up(pair) } if name == port && pair.to);
        if change.to.is_some() && plan.steps[..number].iter().any(came_up) {
            complain(Rule::GuardedAfterUp);
        }
    }
}

/// Policy rules are nobody's unless they are named, and neither are passages, masquerading, rules of
/// Xen's own scripts, host files and ports of Open vSwitch.
fn check_rules(plan: &Plan, desired: &Desired, complaints: &mut Vec<Complaint>) {
    for (step, number) in plan.steps.iter().zip(0..) {
        let named = match &step.effect {
            Effect::AddRule(rule) => desired.rules.contains(rule),
            Effect::DeleteRule(rule) => desired.rules_gone.contains(rule),
            Effect::ChangePassage { port, change } => {
                desired.passages.get(port) == Some(&change.to)
            }
            Effect::OpenForward { chain, change } => desired.open.get(chain) == Some(&change.to),
            Effect::ChangeMasquerade { uplink, change } => {
                desired.masquerades.get(uplink) == Some(&change.to)
            }
            Effect::DeleteOldRule(rule) => desired.old_rules_gone.contains(rule),
            Effect::RestoreOldRule(_) => false,
            Effect::ChangeDhcpHost(change) => {
                desired.dhcp_hosts.get(&change.vif) == Some(&change.to)
            }
            Effect::ChangeLine(change) => desired.lines.contains(change),
            Effect::ChangeDhcpServer(change) => desired.dhcp_server.wanted() == Some(&change.to),
            Effect::ChangeSwitchPort(change) => {
                desired.switch_ports.contains_key(&change.port)
                    || desired.switch_ports_gone.contains(&change.port)
            }
            _ => true,
        };
        if !named {
            complaints.push(Complaint {
                step: number,
                rule: Rule::TouchesForeign,
            });
        }
    }
}
