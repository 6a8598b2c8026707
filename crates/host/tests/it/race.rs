//! Calls at the same time.

use std::process::{Child, Stdio};

use crate::whole_state::{WholeState, diff};
use crate::world::{Called, World, backend};

fn started(world: &World, domid: u16, word: &str) -> Child {
    world
        .script(domid, &[word])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn well_ended(world: &World, domid: u16, call: Child) {
    let called = Called::from(call.wait_with_output().unwrap());
    let told = world.node(&format!("{}/hotplug-error", backend(domid)));
    assert_eq!(
        called.status,
        Some(0),
        "vif{domid}.0: {told:?} {}",
        called.stderr
    );
    assert_eq!(called.stderr, "", "vif{domid}.0");
}

#[test]
fn sixteen_vifs_come_to_one_bridge() {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    let all = || 1..=16u16;
    all().for_each(|domid| world.vif(domid, "br0"));
    all().for_each(|domid| drop(world.succeed(domid, &["online"])));
    let one_by_one = world.state();
    let nodes = world.nodes();
    for domid in all() {
        world.sh(&format!("ip link del g{domid}.0; rm -rf /run/xenwire"));
        world.remove(&backend(domid));
        world.remove(&format!("/local/domain/{domid}/device/vif/0"));
    }
    all().for_each(|domid| world.vif(domid, "br0"));
    let calls: Vec<_> = all()
        .map(|domid| (domid, started(&world, domid, "online")))
        .collect();
    for (domid, call) in calls {
        well_ended(&world, domid, call);
    }
    // Ports are numbered in the order in which they come, and the first of those with the same
    // MAC stands for it in the bridge's table.
    let is_order = |line: &String| {
        let number = ["no:", "id:", "designated_port:"]
            .iter()
            .any(|field| line.contains(&format!(" info_slave_data {field}")));
        number || (line.starts_with("fdb ") && line.contains("fe:ff:ff:ff:ff:ff"))
    };
    let mut differences = diff(&one_by_one, &world.state());
    differences.retain(|line| !is_order(line));
    assert_eq!(differences, [""; 0]);
    assert_eq!(world.nodes(), nodes);
}

#[test]
fn online_and_offline_of_one_vif() {
    const ROUNDS: u32 = 25;
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    world.vif(1, "br0");
    world.succeed(1, &["online"]);
    let online = world.state();
    world.succeed(1, &["offline"]);
    let offline = world.state();
    let mut ends = [0; 2];
    for round in 0..ROUNDS {
        let mut words = ["online", "offline"];
        if round % 2 == 0 {
            words.reverse();
        }
        let calls = words.map(|word| started(&world, 1, word));
        calls
            .into_iter()
            .for_each(|call| well_ended(&world, 1, call));
        let state = WholeState::take(&world.through());
        let to_online = diff(&online, &state);
        let to_offline = diff(&offline, &state);
        let end = match (to_online.is_empty(), to_offline.is_empty()) {
            (true, _) => 0,
            (_, true) => 1,
            _ => panic!("neither online {to_online:#?} nor offline {to_offline:#?}"),
        };
        ends[end] += 1;
    }
    println!("{} times online, {} times offline", ends[0], ends[1]);
}
