//! Properties of every plan, on small worlds where names collide: planned against a model of the
//! kernel ([`NetState::apply`]), with refusals at every point.

mod worlds;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::journal::{Answer, Fault, Machine, Order, Outcome, recover};
use crate::name::{IfName, Mac};
use crate::state::{
    Address, Desired, Keys, Link, LinkChange, LinkKind, NetState, NodePath, Observed, Origin,
    Scope, WantedLink,
};
use worlds::{desired, observed};

fn fault() -> Fault {
    Fault {
        operation: "test".into(),
        errno: None,
        reason: "refused".into(),
    }
}

fn run(plan: Plan, state: &mut NetState, refuse: impl Fn(usize) -> bool) -> Outcome {
    let mut machine = Machine::new("test", plan);
    let mut performed = 0;
    loop {
        let answer = match machine.order() {
            Order::Record(_) => Answer::Done,
            Order::Perform(effect) => {
                performed += 1;
                if refuse(performed - 1) {
                    Answer::Refused(fault())
                } else {
                    state
                        .apply(&effect)
                        .unwrap_or_else(|m| panic!("{effect}: {m}"));
                    Answer::Done
                }
            }
            Order::Finish(outcome) => return outcome,
        };
        machine.told(answer);
    }
}

/// What renaming leaves of a plan's second look: the wish is then for a link that has its name.
fn holds(desired: &Desired, state: &NetState) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, wanted) in &desired.links {
        let Some(link) = state.links.get(name) else {
            if matches!(wanted.origin, Origin::Expected | Origin::Ours(_)) {
                wrong.push(format!("{name} is missing"));
            }
            continue;
        };
        let mut compare = |what: &str, holds: bool| {
            if !holds {
                wrong.push(format!("{what} of {name}"));
            }
        };
        compare("up", wanted.up.wanted().is_none_or(|v| *v == link.up));
        compare(
            "mac",
            wanted.mac.wanted().is_none_or(|v| Some(*v) == link.mac),
        );
        compare("mtu", wanted.mtu.wanted().is_none_or(|v| *v == link.mtu));
        compare(
            "master",
            wanted.master.wanted().is_none_or(|v| *v == link.master),
        );
        let vlans = wanted.vlans.wanted();
        compare(
            "VLANs",
            link.master.is_none() || vlans.is_none_or(|v| Some(v) == state.vlans.get(name)),
        );
        let found: BTreeSet<Address> = state.addresses_of(name).cloned().collect();
        compare(
            "addresses",
            wanted.addresses.wanted().is_none_or(|v| *v == found),
        );
    }
    let gone = desired
        .gone
        .iter()
        .filter(|n| !desired.links.contains_key(*n));
    wrong.extend(
        gone.filter(|n| state.links.contains_key(*n))
            .map(|n| format!("{n} is there")),
    );
    let guards = desired.guards.iter();
    let guards = guards.filter(|(name, guard)| state.guards.get(*name) != guard.as_ref());
    wrong.extend(guards.map(|(name, _)| format!("guard of {name}")));
    let passages = desired.passages.iter();
    let passages = passages.filter(|(name, passage)| state.passages.get(*name) != passage.as_ref());
    wrong.extend(passages.map(|(name, _)| format!("passage of {name}")));
    wrong
}

/// What is wanted, once it is so: no link has a former name, and nothing is left to go.
fn once_done(desired: &Desired) -> Desired {
    let mut done = desired.clone();
    done.gone.clear();
    for wanted in done.links.values_mut() {
        wanted.formerly = None;
    }
    done
}

/// Whether a bridge goes that has ports nobody looks after: they are free afterwards, and only a
/// plan that manages them could attach them again.
fn frees_ports(plan: &Plan, state: &NetState) -> bool {
    plan.steps.iter().any(|step| match &step.effect {
        Effect::DeleteLink { name, .. } => state.ports_of(name).any(|port| {
            !plan.steps.iter().any(|s| matches!(&s.effect, Effect::ChangeLink { name, change: LinkChange::Master(p) } if name == port && p.to.is_none()) || matches!(&s.effect, Effect::DeleteLink { name, .. } if name == port))
        }),
        _ => false,
    })
}

/// How many worlds: PROPTEST_CASES, which ci.sh sets from XENWIRE_CASES.
fn cases() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    /// Applying gives what is wanted; planning again gives nothing; what nobody named stays; the
    /// checker has no complaint; equal inputs give equal plans.
    #[test]
    fn applied_is_desired(desired in desired(), observed in observed()) {
        let Ok(first) = plan(&desired, &observed).plan else { return Ok(()) };
        prop_assert_eq!(plan(&desired, &observed).plan, Ok(first.clone()));
        prop_assert_eq!(check(&first, &desired, &observed.state), Ok(()));
        let mut state = observed.state.clone();
        run(first, &mut state, |_| false);
        prop_assert_eq!(holds(&desired, &state), Vec::<String>::new());
        let again = Observed { state: state.clone(), ..observed.clone() };
        prop_assert_eq!(plan(&once_done(&desired), &again).plan, Ok(Plan::default()));

        let named = |n: &IfName| desired.gone.contains(n) || desired.links.iter().any(|(name, w)| name == n || w.formerly.as_ref() == Some(n));
        for (name, before) in observed.state.links.iter().filter(|(n, _)| !named(n)) {
            // A port loses its bridge if that goes, and follows its new name.
            let after = &state.links[name];
            let master_moved = before.master.as_ref().is_some_and(named);
            prop_assert_eq!(Link { master: None, ..before.clone() }, Link { master: None, ..after.clone() });
            prop_assert!(before.master == after.master || master_moved);
        }
    }

    /// A refusal at any step leaves everything as it was.
    #[test]
    fn refused_is_undone(desired in desired(), observed in observed(), at in any::<prop::sample::Index>()) {
        let Ok(plan) = plan(&desired, &observed).plan else { return Ok(()) };
        if plan.steps.is_empty() || frees_ports(&plan, &observed.state) {
            return Ok(());
        }
        let at = at.index(plan.steps.len());
        let wished = plan.steps[at].need == Need::Wished;
        let mut state = observed.state.clone();
        let outcome = run(plan, &mut state, |n| n == at);
        if wished {
            prop_assert_eq!(outcome, Outcome::Applied { notes: vec![fault().to_string()] });
        } else {
            prop_assert_eq!(outcome, Outcome::Undone { fault: fault() });
            prop_assert_eq!(state, observed.state);
        }
    }

    /// A crash after any number of steps is found by looking, and undone.
    #[test]
    fn a_crash_is_recovered(desired in desired(), observed in observed(), at in any::<prop::sample::Index>()) {
        let Ok(plan) = plan(&desired, &observed).plan else { return Ok(()) };
        if frees_ports(&plan, &observed.state) {
            return Ok(());
        }
        let mut state = observed.state.clone();
        for step in &plan.steps[..at.index(plan.steps.len() + 1)] {
            state.apply(&step.effect).unwrap();
        }
        for effect in recover(&plan.steps, &state).unwrap() {
            state.apply(&effect).unwrap();
        }
        prop_assert_eq!(state, observed.state);
    }

    /// The plan of a scope is the whole plan restricted to it.
    #[test]
    fn a_scope_plans_as_the_whole(desired in desired(), observed in observed()) {
        let whole: BTreeSet<IfName> = desired.links.iter().flat_map(|(n, w)| std::iter::once(n.clone()).chain(w.formerly.clone())).chain(desired.gone.iter().cloned()).chain(["default".parse().unwrap()]).collect();
        let mut bare: BTreeSet<IfName> = desired.links.values().filter_map(|w| w.master.wanted().cloned().flatten()).collect();
        bare.extend(whole.iter().filter_map(|name| observed.state.links.get(name)?.master.clone()));
        let scope = Scope::Links { whole, bare, keys: Keys::default() };
        prop_assert_eq!(plan(&desired, &observed.within(scope)).plan, plan(&desired, &observed).plan);
    }

    /// The checker sees a plan that was tampered with: a step left out or two exchanged either
    /// still keeps the rules, or is complained about; never a crash of the checker.
    #[test]
    fn the_checker_survives_anything(desired in desired(), observed in observed(), other in observed()) {
        if let Ok(mut plan) = plan(&desired, &observed).plan {
            let _ = check(&plan, &desired, &other.state);
            plan.steps.reverse();
            let _ = check(&plan, &desired, &observed.state);
        }
    }
}

#[test]
fn the_checker_complains() {
    let mut state = NetState::default();
    let vif: IfName = "vif1.0".parse().unwrap();
    let link = Link {
        up: true,
        mac: Some(Mac([2; 6])),
        ..Link::of(LinkKind::Other("vif".into()))
    };
    state.links.insert(vif.clone(), link.clone());
    state.links.insert("eth0".parse().unwrap(), link);
    let desired = Desired {
        links: [(vif.clone(), WantedLink::new(Origin::Expected))].into(),
        ..Desired::default()
    };
    let complaint = |effects: Vec<Effect>| {
        let plan = Plan {
            steps: effects.into_iter().map(Step::required).collect(),
        };
        check(&plan, &desired, &state).unwrap_err()[0].rule
    };
    use super::check::Rule;
    let change = |name: &str, change| Effect::ChangeLink {
        name: name.parse().unwrap(),
        change,
    };
    use crate::state::Pair;
    let up = |from, to| LinkChange::Up(Pair { from, to });
    let status = |n: &str| Effect::WriteNodes {
        within: NodePath("b".into()),
        writes: vec![crate::state::NodeWrite {
            path: NodePath(format!("b/{n}")),
            from: None,
            to: None,
        }],
    };
    assert_eq!(
        complaint(vec![change(
            "vif1.0",
            LinkChange::Name(Pair {
                from: vif.clone(),
                to: "x".parse().unwrap()
            })
        )]),
        Rule::RenamesUpLink
    );
    assert_eq!(
        complaint(vec![change(
            "vif1.0",
            LinkChange::Mac(Pair {
                from: Mac([2; 6]),
                to: Mac::QUIET
            })
        )]),
        Rule::ChangesMacOfUpLink
    );
    assert_eq!(
        complaint(vec![change("vif9.0", up(true, false))]),
        Rule::NoSuchLink
    );
    assert_eq!(
        complaint(vec![change("eth0", up(true, false))]),
        Rule::TouchesForeign
    );
    assert_eq!(
        complaint(vec![change("vif1.0", up(false, true))]),
        Rule::WrongStart
    );
    assert_eq!(
        complaint(vec![change(
            "vif1.0",
            LinkChange::Master(Pair {
                from: None,
                to: Some("eth0".parse().unwrap())
            })
        )]),
        Rule::AttachedToNonBridge
    );
    assert_eq!(
        complaint(vec![
            status("hotplug-status"),
            change("vif1.0", up(true, false))
        ]),
        Rule::StatusNotLast
    );
    assert_eq!(
        complaint(vec![Effect::CreateLink {
            name: vif.clone(),
            link: state.links[&vif].clone()
        }]),
        Rule::NameInUse
    );
}
