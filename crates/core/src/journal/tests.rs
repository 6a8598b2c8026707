//! The machine against a world that can refuse, and recovery after a cut at every point.

use super::*;
use crate::plan::{Need, Plan};
use crate::state::{
    Effect, Link, LinkChange, LinkKind, NetState, NodePath, NodeValue, NodeWrite, Pair,
};

fn world() -> NetState {
    let mut state = NetState::default();
    let link = |kind| Link {
        up: true,
        mac: Some(crate::name::Mac([2; 6])),
        ..Link::of(kind)
    };
    state.links.insert(
        "br0".parse().unwrap(),
        link(LinkKind::Bridge(crate::state::BridgeOptions::XEN)),
    );
    state.links.insert(
        "vif1.0".parse().unwrap(),
        link(LinkKind::Other("vif".into())),
    );
    state
}

fn steps() -> Vec<Step> {
    let change = |change| {
        Step::required(Effect::ChangeLink {
            name: "vif1.0".parse().unwrap(),
            change,
        })
    };
    vec![
        change(LinkChange::Up(Pair {
            from: true,
            to: false,
        })),
        change(LinkChange::Mtu(Pair {
            from: 1500,
            to: 9000,
        })),
        change(LinkChange::Master(Pair {
            from: None,
            to: Some("br0".parse().unwrap()),
        })),
        change(LinkChange::Up(Pair {
            from: false,
            to: true,
        })),
        Step::required(Effect::WriteNodes {
            within: NodePath("b".into()),
            writes: vec![NodeWrite {
                path: NodePath("b/hotplug-status".into()),
                from: None,
                to: Some(NodeValue::text("connected")),
            }],
        }),
    ]
}

fn fault(reason: &str) -> Fault {
    Fault {
        operation: "test".into(),
        errno: None,
        reason: reason.into(),
    }
}

/// Runs a machine against a model; `refuse` sees the number of each performed order.
fn run(
    state: &mut NetState,
    steps: Vec<Step>,
    refuse: impl Fn(usize) -> bool,
) -> (Outcome, Vec<Event>) {
    let mut machine = Machine::new("test", Plan { steps });
    let mut journal = Vec::new();
    let mut performed = 0;
    loop {
        let answer = match machine.order() {
            Order::Record(event) => {
                journal.push(event);
                Answer::Done
            }
            Order::Perform(effect) => {
                performed += 1;
                if refuse(performed - 1) {
                    Answer::Refused(fault("refused"))
                } else {
                    state.apply(&effect).unwrap();
                    Answer::Done
                }
            }
            Order::Finish(outcome) => return (outcome, journal),
        };
        machine.told(answer);
    }
}

#[test]
fn all_done() {
    let mut state = world();
    let (outcome, journal) = run(&mut state, steps(), |_| false);
    assert_eq!(outcome, Outcome::Applied { notes: vec![] });
    assert_eq!(
        journal.iter().map(Event::kind).collect::<Vec<_>>(),
        ["announced", "done"]
    );
    assert_eq!(replay(&journal).unwrap().0, Status::Done);
    assert_eq!(state.links[&"vif1.0".parse().unwrap()].mtu, 9000);
}

#[test]
fn nothing_to_do_touches_not_even_the_journal() {
    assert_eq!(
        run(&mut world(), vec![], |_| true),
        (Outcome::NothingToDo, vec![])
    );
}

#[test]
fn a_failure_at_every_step_is_undone() {
    for bad in 0..steps().len() {
        let mut state = world();
        let (outcome, journal) = run(&mut state, steps(), |n| n == bad);
        assert_eq!(
            outcome,
            Outcome::Undone {
                fault: fault("refused")
            },
            "step {bad}"
        );
        assert_eq!(state, world(), "step {bad}");
        assert_eq!(replay(&journal).unwrap().0, Status::Undone);
    }
}

#[test]
fn a_wished_step_may_fail() {
    let mut wished = steps();
    wished[1].need = Need::Wished;
    let mut state = world();
    let (outcome, _) = run(&mut state, wished, |n| n == 1);
    assert_eq!(
        outcome,
        Outcome::Applied {
            notes: vec!["test: refused".into()]
        }
    );
}

#[test]
fn a_failed_undo_is_stuck_and_says_what_is_left() {
    // Step 3 fails; of the three undos the second (the MTU) fails too.
    let mut state = world();
    let (outcome, journal) = run(&mut state, steps(), |n| n == 3 || n == 5);
    let Outcome::Stuck { left, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].effect, steps()[1].effect);
    let mut expected = world();
    expected.apply(&steps()[0].effect).unwrap();
    expected.apply(&steps()[1].effect).unwrap();
    expected
        .apply(&Effect::ChangeLink {
            name: "vif1.0".parse().unwrap(),
            change: LinkChange::Up(Pair {
                from: false,
                to: true,
            }),
        })
        .unwrap();
    assert_eq!(state, expected, "the others are undone all the same");
    assert_eq!(replay(&journal).unwrap().0, Status::Stuck);
}

#[test]
fn what_cannot_be_announced_is_not_begun() {
    let mut machine = Machine::new("test", Plan { steps: steps() });
    machine.told(Answer::Refused(fault("disk full")));
    assert_eq!(
        machine.order(),
        Order::Finish(Outcome::Undone {
            fault: fault("disk full")
        })
    );
}

#[test]
fn recovery_after_a_cut_at_every_point() {
    let mut state = world();
    for done in 0..=steps().len() {
        let mut recovered = state.clone();
        for effect in recover(&steps(), &state).unwrap() {
            recovered.apply(&effect).unwrap();
        }
        assert_eq!(recovered, world(), "cut after {done}");
        if let Some(step) = steps().get(done) {
            state.apply(&step.effect).unwrap();
        }
    }
}

#[test]
fn recovery_of_something_else_is_refused() {
    let mut state = world();
    state.links.get_mut(&"vif1.0".parse().unwrap()).unwrap().mtu = 1400;
    assert!(recover(&steps(), &state).is_err());
}

#[test]
fn records_come_in_order_only() {
    let announced = Event::Announced {
        subject: String::new(),
        steps: vec![],
    };
    assert!(next(Status::Idle, &Event::Done).is_err());
    assert!(next(Status::Announced, &announced).is_err());
    assert!(next(Status::Done, &Event::Undone).is_err());
    assert_eq!(next(Status::Done, &announced), Ok(Status::Announced));
}
