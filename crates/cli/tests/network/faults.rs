//! Each call by which `start` and `stop` change anything fails once, with an error that the kernel
//! can give at any time. What was done before it is undone; or it was one that does not matter, and
//! that is said.

use crate::strike::{Blow, points, strike_for_sure};
use crate::world::{Kind, World, lasting};

fn undone_or_said(kind: Kind, generation: &'static str) {
    let Some(world) = World::new(kind) else {
        return;
    };
    world.expect(0, &["recover"]);
    for (verb, back) in [("start", "stop"), ("stop", "start")] {
        if verb == "stop" {
            world.bridge("start", generation);
        }
        let mut before = world.rested();
        let words = ["network-bridge", verb, "--generation", generation];
        let (points, said) = points(&world, &words);
        assert_eq!(said.status, 0, "{said}");
        world.bridge(back, generation);
        assert_eq!(world.differs_from(&before), [""; 0]);
        let (mut undone, mut done) = (0, 0);
        // A journal that cannot be removed is one that the next call finds: nothing depends on it.
        for point in points.iter().filter(|point| point.call != "unlink") {
            // ENOMEM and ENOSPC are what memory and a full /run can give.
            let errno = if point.is_of_kernel() {
                "ENOMEM"
            } else {
                "ENOSPC"
            };
            let back = ["network-bridge", back, "--generation", generation];
            let said = strike_for_sure(&world, point, Blow::Error(errno), &words, &back);
            match said.status {
                1 => {
                    undone += 1;
                    assert!(!said.err.is_empty(), "{point}: not a word");
                }
                0 => {
                    // Everything is as wanted but for what does not matter, and that is said.
                    assert!(said.err.contains("(os error "), "{point}: {said}");
                    done += 1;
                    world.expect(0, &back);
                }
                _ => panic!("{point}: {said}"),
            }
            let same = world.until(|state| lasting(&before, state).is_empty().then_some(()));
            match same {
                Ok(((), state)) => before = state,
                Err(state) => panic!("{point}: {said}\n{:#?}", lasting(&before, &state)),
            }
        }
        println!(
            "network-bridge {verb}, {generation}: each of {} calls refused once: {undone} undone, {} done and said, 0 half",
            points.len(),
            done,
        );
        if verb == "stop" {
            world.bridge("stop", generation);
        }
    }
}

#[test]
fn xen2() {
    undone_or_said(Kind::WITHOUT_PAIRS, "xen2");
}

#[test]
fn xen3_0() {
    undone_or_said(Kind::WITH_PAIRS, "xen3.0");
}

#[test]
fn xen3_2() {
    undone_or_said(Kind::WITHOUT_PAIRS, "xen3.2");
}
