//! Properties of every plan, on small worlds where names collide: planned against a model of the
//! kernel ([`NetState::apply`]), with refusals at every point.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::journal::{Answer, Fault, Machine, Order, Outcome, recover};
use crate::name::{IfName, Mac};
use crate::state::{
    Address, BridgeOptions, Carriage, Desired, Forged, Guard, Keys, Link, LinkChange, LinkKind,
    LinkSysctl, Managed, Moment, NetState, NodePath, NodeValue, Observed, Origin, PeerEnd, Place,
    PortVlans, Route, Scope, WantedLink, WantedNode,
};

const NAMES: [&str; 5] = ["a", "b", "br0", "br1", "vif1.0"];

fn name() -> impl Strategy<Value = IfName> {
    prop::sample::select(&NAMES[..]).prop_map(|n| n.parse().unwrap())
}

fn mac() -> impl Strategy<Value = Mac> {
    prop::sample::select(&[Mac([2, 0, 0, 0, 0, 1]), Mac::QUIET][..])
}

fn kind() -> impl Strategy<Value = LinkKind> {
    prop_oneof![
        Just(LinkKind::Bridge(BridgeOptions::XEN)),
        (0..2u16).prop_map(|first| LinkKind::Bridge(BridgeOptions {
            filters: Some(first),
            ..BridgeOptions::XEN
        })),
        Just(LinkKind::Other("vif".into())),
        Just(LinkKind::Veth(PeerEnd {
            name: String::new(),
            netns: None,
            mac: None
        })),
    ]
}

fn address(link: IfName) -> impl Strategy<Value = Address> {
    prop::sample::select(&["10.0.0.1/24", "10.0.0.2/24", "2001:db8::1/64"][..])
        .prop_map(move |net| Address::new(link.clone(), net.parse().unwrap()))
}

fn vlans() -> impl Strategy<Value = PortVlans> {
    let others = prop::sample::select(&[Carriage::Tagged, Carriage::Untagged][..]);
    let others = prop::collection::btree_map(1..6u16, others, 0..4);
    (others, prop::option::of(1..6u16)).prop_map(|(mut vlans, own)| {
        vlans.extend(own.map(|own| (own, Carriage::Own)));
        vlans
    })
}

fn observed() -> impl Strategy<Value = Observed> {
    let links = prop::collection::btree_map(
        name(),
        (
            kind(),
            any::<bool>(),
            mac(),
            prop::sample::select(&[1500u32, 9000][..]),
            prop::option::of(name()),
        ),
        0..5,
    );
    (
        links,
        prop::collection::btree_set(name().prop_flat_map(address), 0..4),
        any::<bool>(),
        0..3usize,
        prop::collection::vec(vlans(), NAMES.len()),
        prop::collection::btree_map(name(), guard(), 0..3),
    )
        .prop_map(|(links, addresses, ipv6, routes, mut carried, guards)| {
            let mut state = NetState::default();
            let guards = guards.into_iter();
            state
                .guards
                .extend(guards.filter_map(|(name, guard)| Some((name, guard?))));
            if ipv6 {
                let begins = LinkSysctl::ipv6(&"default".parse().unwrap(), "accept_ra");
                state.sysctls.insert(begins, "1".into());
            }
            let bridges: BTreeSet<IfName> = links
                .iter()
                .filter(|(_, l)| l.0.is_bridge())
                .map(|(n, _)| n.clone())
                .collect();
            for (name, (kind, up, mac, mtu, master)) in links {
                let master = master.filter(|m| bridges.contains(m) && !kind.is_bridge());
                if ipv6 {
                    state
                        .sysctls
                        .insert(LinkSysctl::ipv6(&name, "accept_ra"), "1".into());
                }
                state.links.insert(
                    name,
                    Link {
                        kind,
                        up,
                        arp: true,
                        multicast: true,
                        mac: Some(mac),
                        mtu,
                        master,
                        alias: None,
                    },
                );
            }
            for (name, link) in &state.links {
                let bridge = link.master.as_ref().and_then(|name| state.links.get(name));
                if bridge.is_some_and(|bridge| bridge.kind.first_vlans().is_some()) {
                    let carried = carried.pop().unwrap_or_default();
                    state.vlans.insert(name.clone(), carried);
                }
            }
            state.addresses = addresses
                .into_iter()
                .filter(|a| state.links.contains_key(&a.link))
                .collect();
            let up: Vec<IfName> = state
                .links
                .iter()
                .filter(|(_, l)| l.up)
                .map(|(n, _)| n.clone())
                .collect();
            for link in up.into_iter().take(routes) {
                let (to, via) = (
                    "198.51.100.0/24".parse().unwrap(),
                    "10.0.0.7".parse().unwrap(),
                );
                state.routes.insert(Route::via(to, via, link));
            }
            Observed::host(state)
        })
}

fn guard() -> impl Strategy<Value = Option<Guard>> {
    let lists: [&[&str]; 3] = [&[], &["10.0.0.1/32"], &["10.0.0.0/29", "2001:db8::1/128"]];
    let guard = prop::sample::select(lists.to_vec()).prop_map(|list| {
        let of = "vif1.0".parse().unwrap();
        let allowed = list.iter().map(|net| net.parse().unwrap());
        Guard::new(
            of,
            Place::Bridged,
            Forged::Dropped,
            Mac([2, 0, 0, 0, 0, 1]),
            allowed,
        )
    });
    prop::option::of(guard)
}

fn managed<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Managed<T>> {
    value.prop_flat_map(|v| {
        prop::sample::select(vec![
            Managed::LeaveAlone,
            Managed::Set(v.clone()),
            Managed::Wish(v),
        ])
    })
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![
        2 => Just(Origin::Expected),
        2 => Just(Origin::IfThere),
        2 => Just(Origin::Ours(LinkKind::Bridge(BridgeOptions::XEN))),
    ]
}

fn wanted(link: IfName) -> impl Strategy<Value = WantedLink> {
    (
        origin(),
        prop::option::weighted(0.3, name()),
        managed(any::<bool>()),
        managed(any::<bool>()),
        managed(mac()),
        managed(prop::sample::select(&[1500u32, 9000][..])),
        managed(prop::option::of(name())),
        managed(prop::collection::btree_set(address(link), 0..3)),
        prop::option::weighted(0.3, vlans()),
    )
        .prop_map(
            |(origin, formerly, up, arp, mac, mtu, master, addresses, vlans)| WantedLink {
                formerly: formerly.filter(|_| matches!(origin, Origin::Expected | Origin::IfThere)),
                origin,
                up,
                arp,
                mac,
                mtu,
                master,
                addresses,
                vlans: vlans.map_or(Managed::LeaveAlone, Managed::Set),
                ..WantedLink::new(Origin::Expected)
            },
        )
}

fn desired() -> impl Strategy<Value = Desired> {
    let links = prop::collection::btree_set(name(), 0..4).prop_flat_map(|names| {
        names
            .into_iter()
            .map(|n| wanted(n.clone()).prop_map(move |w| (n.clone(), w)))
            .collect::<Vec<_>>()
    });
    let gone = prop::collection::btree_set(name(), 0..2);
    let guards = prop::collection::btree_map(name(), guard(), 0..3);
    (links, gone, guards, any::<bool>()).prop_map(|(links, gone, guards, node)| {
        // 2 is written at another moment than 0.
        let accept_ra = if node { "2" } else { "0" };
        let mut desired = Desired {
            guards,
            ..Desired::default()
        };
        let mut taken = BTreeSet::new();
        for (name, mut wanted) in links {
            // Two wishes about one link are for the reader of configurations to refuse; so are
            // ports of themselves, and bridges that are ports.
            wanted
                .formerly
                .take_if(|f| *f == name || gone.contains(f) || !taken.insert(f.clone()));
            let of_itself = wanted
                .master
                .wanted()
                .is_some_and(|m| m.as_ref() == Some(&name));
            if of_itself || matches!(wanted.origin, Origin::Ours(_)) {
                wanted.master = Managed::LeaveAlone;
            }
            desired
                .sysctls
                .insert(LinkSysctl::ipv6(&name, "accept_ra"), accept_ra.into());
            desired.links.insert(name, wanted);
        }
        let names: BTreeSet<IfName> = desired.links.keys().cloned().collect();
        desired.gone = gone
            .into_iter()
            .filter(|name| {
                // A link that is wanted and goes is another such fault, unless another gets its name.
                !names.contains(name)
                    || desired.links[name].formerly.is_some()
                    || matches!(desired.links[name].origin, Origin::Ours(_))
            })
            .collect();
        if node {
            desired.nodes.push(WantedNode {
                path: NodePath("b/hotplug-status".into()),
                within: NodePath("b".into()),
                value: NodeValue::text("connected"),
                moment: Moment::AtEnd,
                required: true,
            });
        }
        desired
    })
}

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
        kind: LinkKind::Other("vif".into()),
        up: true,
        arp: true,
        multicast: true,
        mac: Some(Mac([2; 6])),
        mtu: 1500,
        master: None,
        alias: None,
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
