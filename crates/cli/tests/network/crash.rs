//! SIGKILL at every call of `start` and of `stop` that changes anything, then `xenwire recover`:
//! all is as it was, or as it was to be.

use std::time::Instant;

use crate::strike::{Blow, Point, points, stride, strike_for_sure};
use crate::whole_state::WholeState;
use crate::world::{GENERATIONS, Kind, World, lasting};

/// What came out.
#[derive(Default)]
struct Tally {
    points: usize,
    old: usize,
    new: usize,
    half: Option<String>,
}

/// A call of the script that can be taken back by another.
struct Call {
    words: [&'static str; 4],
    back: [&'static str; 4],
}

fn call(verb: &'static str, generation: &'static str) -> Call {
    let words = |verb| ["network-bridge", verb, "--generation", generation];
    let other = if verb == "start" { "stop" } else { "start" };
    Call {
        words: words(verb),
        back: words(other),
    }
}

/// Each point takes a third of a second. Those that are left out have their turn with another
/// generation.
const STRIDE: usize = 3;

/// Hits a call at every point, in a world that rests in `old`.
fn every_point(
    world: &World,
    call: &Call,
    points: &[Point],
    mut old: WholeState,
    new: &WholeState,
) -> Tally {
    let mut tally = Tally::default();
    let generation = GENERATIONS.iter().position(|g| call.words.contains(g));
    let first = (generation.unwrap_or(0) + usize::from(call.words[1] == "stop")) % stride(STRIDE);
    let last = points.len() - 1;
    let hit = (0..last).skip(first).step_by(stride(STRIDE)).chain([last]);
    for point in hit.map(|number| &points[number]) {
        tally.points += 1;
        strike_for_sure(world, point, Blow::Kill, &call.words, &call.back);
        let recovered = world.say(&["recover"]);
        let ended = world.until(|state| match () {
            () if lasting(&old, state).is_empty() => Some(false),
            () if lasting(new, state).is_empty() => Some(true),
            () => None,
        });
        let ended = ended
            .map_err(|state| lasting(&old, &state))
            .and_then(|(is_new, state)| {
                if !is_new {
                    return Ok((is_new, state));
                }
                world.expect(0, &call.back);
                let back = world.until(|state| lasting(&old, state).is_empty().then_some(is_new));
                back.map_err(|state| lasting(&old, &state))
            });
        match ended {
            Ok((is_new, state)) if recovered.status == 0 => {
                old = state;
                match is_new {
                    true => tally.new += 1,
                    false => tally.old += 1,
                }
            }
            ended => {
                let differences = ended.err();
                tally.half = Some(format!("{point}\n{recovered}\n{differences:#?}"));
                break;
            }
        }
    }
    tally
}

/// Both calls of a generation. With a guest, whose link was on the bridge when it was stopped.
fn never_half(kind: Kind, generation: &'static str, guest: bool) {
    let Some(world) = World::new(kind) else {
        return;
    };
    // Folders are made once; every run below finds the same.
    world.expect(0, &["recover"]);
    let (start, stop) = (call("start", generation), call("stop", generation));
    if guest {
        world.expect(0, &start.words);
        world.vif(1, Some(bridge_of(generation)));
        world.expect(0, &stop.words);
    }
    let with = match (kind.pairs, guest) {
        (0, false) => String::new(),
        (0, true) => " with a guest".into(),
        (pairs, _) => format!(" with {pairs} pairs"),
    };
    let points = both_ways(&world, &start, &stop, &format!("{generation}{with}"));
    assert!(points.iter().all(|points| *points > 10), "{points:?}");
}

/// A call and the one that takes it back; says at how many points each was hit.
fn both_ways(world: &World, start: &Call, stop: &Call, what: &str) -> [usize; 2] {
    let begun = Instant::now();
    let stopped = world.rested();
    let (start_points, said) = points(world, &start.words);
    assert_eq!(said.status, 0, "{said}");
    let started = world.rested();
    let (stop_points, said) = points(world, &stop.words);
    assert_eq!(said.status, 0, "{said}");
    assert_eq!(world.differs_from(&stopped), [""; 0]);

    let tallies = [
        every_point(world, start, &start_points, stopped, &started),
        {
            world.expect(0, &start.words);
            let started = world.rested();
            world.expect(0, &stop.words);
            let stopped = world.rested();
            world.expect(0, &start.words);
            world.rested();
            every_point(world, stop, &stop_points, started, &stopped)
        },
    ];
    for (verb, tally) in ["start", "stop"].iter().zip(&tallies) {
        println!(
            "{} {verb}, {what}: killed at {} of {} points: {} old, {} new, {} half",
            start.words[0],
            tally.points,
            match *verb {
                "start" => start_points.len(),
                _ => stop_points.len(),
            },
            tally.old,
            tally.new,
            usize::from(tally.half.is_some()),
        );
    }
    println!("  took {:?}", begun.elapsed());
    tallies.map(|tally| {
        assert_eq!(tally.half, None);
        tally.points
    })
}

fn bridge_of(generation: &str) -> &'static str {
    match generation {
        "xen2" => "xen-br0",
        "xen3.0" => "xenbr0",
        _ => "eth0",
    }
}

#[test]
fn xen2() {
    never_half(Kind::WITHOUT_PAIRS, "xen2", false);
}

#[test]
fn xen3_0_with_pairs() {
    never_half(Kind::WITH_PAIRS, "xen3.0", false);
}

#[test]
fn xen3_0_without_pairs() {
    never_half(Kind::WITHOUT_PAIRS, "xen3.0", true);
}

#[test]
fn xen3_2() {
    never_half(Kind::WITHOUT_PAIRS, "xen3.2", false);
}

/// Settings of the host, and packet filters.
#[test]
fn network_route_and_network_nat() {
    for script in ["network-route", "network-nat"] {
        let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
            return;
        };
        world.expect(0, &["recover"]);
        let call = |verb, other| Call {
            words: [script, verb, "netdev=eth0", "antispoof=no"],
            back: [script, other, "netdev=eth0", "antispoof=no"],
        };
        let (start, stop) = (call("start", "stop"), call("stop", "start"));
        let points = both_ways(&world, &start, &stop, "eth0");
        assert!(points.iter().all(|points| *points > 2), "{points:?}");
    }
}
