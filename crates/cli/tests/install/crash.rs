//! SIGKILL at every call that changes something, then the other way or the same again: old or new.

use std::fs;
use std::path::Path;

use crate::cases::TAKEN;
use crate::strike::{Blow, Point, points, strike_for_sure};
use crate::world::{PROGRAM, World, diff};

const NONE: [&str; 0] = [];

/// Xen's scripts, by their names.
type Originals = Vec<(&'static str, Vec<u8>)>;

/// Whatever happened, libxl finds a script: Xen's, or a link to a program that is whole.
fn each_is_one_or_the_other(world: &World, originals: &Originals, point: &Point) {
    for (name, original) in originals {
        let path = world.script(name);
        match fs::read_link(&path) {
            Ok(target) => {
                assert_eq!(target, Path::new(PROGRAM), "{point}");
                let program = fs::read(world.at(PROGRAM)).unwrap();
                let whole = fs::read(world.folder().join("xenwire")).unwrap();
                assert!(program == whole, "{point}");
            }
            Err(_) => assert!(fs::read(&path).unwrap() == *original, "{name}: {point}"),
        }
    }
}

/// Whether each point is hit for both ways to go on, and not in turn: `XENWIRE_CRASH_STRIDE=1`, as for
/// the network scripts.
fn hits_all() -> bool {
    std::env::var("XENWIRE_CRASH_STRIDE").as_deref() == Ok("1")
}

fn never_half(nobody: bool, verb: &'static str, other: &'static str) {
    let Some(world) = World::new(nobody) else {
        return;
    };
    // dpkg-divert and we make files and folders once; every run below finds the same.
    world.expect(0, &["install"]);
    world.expect(0, &["uninstall"]);
    let read = |name| (name, fs::read(world.script(name)).unwrap());
    let originals = TAKEN.map(read).into();
    world.expect(0, &[other]);
    let old = world.tree();
    let (points, said) = points(&world, &[verb]);
    assert_eq!(said.status, 0, "{said}");
    let new = world.tree();
    assert!(points.len() > 6, "{} points are too few", points.len());
    world.expect(0, &[other]);
    for (number, point) in points.iter().enumerate() {
        let ways = [verb, other];
        let in_turn = number % 2..number % 2 + 1;
        for then in &ways[if hits_all() { 0..2 } else { in_turn }] {
            let then = *then;
            strike_for_sure(&world, point, Blow::Kill, &[verb], &[other]);
            each_is_one_or_the_other(&world, &originals, point);
            let said = world.say(&[then]);
            assert_eq!(said.status, 0, "{point}\n{said}");
            let wanted = if then == verb { &new } else { &old };
            assert_eq!(diff(wanted, &world.tree()), NONE, "{point}, then {then}");
            world.expect(0, &[other]);
        }
    }
    println!(
        "{verb}: killed at {} points, finished by {verb} or taken back by {other}, in turn unless all are asked for",
        points.len()
    );
}

#[test]
fn install() {
    never_half(false, "install", "uninstall");
}

#[test]
fn uninstall() {
    never_half(true, "uninstall", "install");
}

#[test]
fn calls_that_fail_are_undone_or_gone_on_with() {
    let Some(world) = World::new(false) else {
        return;
    };
    world.expect(0, &["install"]);
    world.expect(0, &["uninstall"]);
    let old = world.tree();
    let (points, _) = points(&world, &["install"]);
    world.expect(0, &["uninstall"]);
    for point in &points {
        let said = strike_for_sure(
            &world,
            point,
            Blow::Error("ENOSPC"),
            &["install"],
            &["uninstall"],
        );
        match said.status {
            // Its own lines are all that was lost, or somebody else may do without it.
            0 => {}
            3 => {
                assert_eq!(diff(&old, &world.tree()), NONE, "{point}\n{said}");
            }
            status => assert_eq!(status, 4, "{point}\n{said}"),
        }
        world.expect(0, &["uninstall"]);
        assert_eq!(diff(&old, &world.tree()), NONE, "{point}\n{said}");
    }
}
