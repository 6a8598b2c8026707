//! SIGKILL at `recover` itself; and a record that was cut off within its line, as a full disk or a
//! kill between two pages leaves it.

use crate::strike::{Blow, Point, points, strike, strike_for_sure};
use crate::world::{GENERATIONS, Kind, World};

/// How many of the points of `start` are followed by a `recover` that is killed.
const DEPTHS: usize = 3;

fn start(generation: &str) -> [&str; 4] {
    ["network-bridge", "start", "--generation", generation]
}

/// The points of a start, in a world that is then as before.
fn points_of_start(world: &World, generation: &str) -> Vec<Point> {
    world.expect(0, &["recover"]);
    let (found, said) = points(world, &start(generation));
    assert_eq!(said.status, 0, "{said}");
    world.bridge("stop", generation);
    found
}

fn recover_is_killed_and_called_again(generation: &str) {
    let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
        return;
    };
    // Those behind the last change of the network are hit when all is done.
    let mut found = points_of_start(&world, generation);
    found.retain(Point::is_of_kernel);
    let old = world.rested();
    let mut killed = 0;
    for depth in 1..=DEPTHS {
        let point = &found[found.len() * depth / DEPTHS - 1];
        let stop = ["network-bridge", "stop", "--generation", generation];
        let kill = || strike_for_sure(&world, point, Blow::Kill, &start(generation), &stop);
        kill();
        let (second, said) = points(&world, &["recover"]);
        assert_eq!(said.status, 0, "{generation}: {point}: {said}");
        assert_eq!(
            world.lastingly_differs_from(&old),
            [""; 0],
            "{generation}: {point}"
        );
        // Of each half of them every fourth: what they do is what `start` does.
        for second in second.iter().skip(depth).step_by(4) {
            kill();
            let hit = strike(&world, second, Blow::Kill, &["recover"]);
            killed += usize::from(hit.is_some());
            let said = world.say(&["recover"]);
            assert_eq!(said.status, 0, "{generation}: {point}, {second}: {said}");
            let differences = world.lastingly_differs_from(&old);
            assert_eq!(
                differences, [""; 0],
                "{generation}: {point}, {second}: {said}"
            );
        }
    }
    println!("recover after start, {generation}: killed at {killed} points, 0 half");
    assert!(killed > 10);
}

#[test]
fn recover_of_xen2() {
    recover_is_killed_and_called_again("xen2");
}

#[test]
fn recover_of_xen3_0() {
    recover_is_killed_and_called_again("xen3.0");
}

#[test]
fn recover_of_xen3_2() {
    recover_is_killed_and_called_again("xen3.2");
}

#[test]
fn a_record_that_was_cut_off_announces_nothing() {
    let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
        return;
    };
    for generation in GENERATIONS {
        let found = points_of_start(&world, generation);
        let first = found.iter().find(|point| point.is_of_kernel()).unwrap();
        let old = world.rested();
        // Announced, and nothing done yet.
        let stop = ["network-bridge", "stop", "--generation", generation];
        strike_for_sure(&world, first, Blow::Kill, &start(generation), &stop);
        world.sh("cp /run/xenwire/network/nic.eth0 /run/announced");
        let length: usize = world.sh("wc -c </run/announced").trim().parse().unwrap();
        for cut in [0, 1, length / 2, length - 2, length - 1] {
            world.sh(&format!(
                "head -c {cut} /run/announced >/run/xenwire/network/nic.eth0"
            ));
            let said = world.expect(0, &["recover"]);
            assert_eq!(said.err, "", "{generation}, {cut} of {length} bytes");
        }
        assert_eq!(world.lastingly_differs_from(&old), [""; 0], "{generation}");
        // And whole, it is taken back for what it is.
        world.sh("cp /run/announced /run/xenwire/network/nic.eth0");
        let said = world.expect(0, &["recover"]);
        assert!(said.err.contains("undone, 0 of"), "{generation}: {said}");
        world.bridge("start", generation);
        world.bridge("stop", generation);
        assert_eq!(world.lastingly_differs_from(&old), [""; 0], "{generation}");
    }
}

#[test]
fn what_a_finished_stop_left_is_not_remembered() {
    let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
        return;
    };
    for generation in GENERATIONS {
        world.expect(0, &["recover"]);
        world.bridge("start", generation);
        let stop = ["network-bridge", "stop", "--generation", generation];
        let (found, _) = points(&world, &stop);
        world.bridge("start", generation);
        // The last thing a stop does is to remove its journal.
        let last = found.last().unwrap();
        strike_for_sure(&world, last, Blow::Kill, &stop, &start(generation));
        world.expect(0, &["recover"]);
        // The administrator goes on.
        world.sh(
            "ip link set eth0 mtu 1300; echo 0 >/proc/sys/net/ipv4/conf/eth0/rp_filter
                  echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra",
        );
        let changed = world.rested();
        world.bridge("start", generation);
        world.bridge("stop", generation);
        assert_eq!(
            world.lastingly_differs_from(&changed),
            [""; 0],
            "{generation}"
        );
        world.sh(
            "ip link set eth0 mtu 1400; echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter
                  echo 2 >/proc/sys/net/ipv6/conf/eth0/accept_ra",
        );
    }
}
