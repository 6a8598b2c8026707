//! Many calls at the same time. Each waits for the others, ends with 0 or with 1 and a sentence, and
//! the host ends as if they had come one after the other.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::{Child, Stdio};

use xenwire_xenstore::{Client, Nodes, Server, Store};

use crate::world::{GENERATIONS, Kind, Said, World};

const CALLS: usize = 20;

/// All of them at once; how each ended.
fn at_once<'a>(world: &World, calls: impl Iterator<Item = Vec<&'a str>>) -> Vec<Said> {
    let running: Vec<(Vec<&str>, Child)> = calls
        .map(|args| {
            let mut command = world.command(&world.xenwire(&args));
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            (args, command.spawn().unwrap())
        })
        .collect();
    let ended = running.into_iter().map(|(args, child)| {
        let said: Said = child.wait_with_output().unwrap().into();
        let fair = match said.status {
            0 => true,
            1 => !said.err.is_empty(),
            _ => false,
        };
        assert!(fair, "{args:?}: {said}");
        said
    });
    ended.collect()
}

fn call<'a>(verb: &'a str, generation: &'a str) -> Vec<&'a str> {
    vec!["network-bridge", verb, "--generation", generation]
}

#[test]
fn the_same_nic() {
    let Some(world) = World::new(Kind::WITH_PAIRS) else {
        return;
    };
    for generation in GENERATIONS {
        let stopped = world.rested();
        world.bridge("start", generation);
        let started = world.rested();
        world.bridge("stop", generation);
        assert_eq!(
            world.lastingly_differs_from(&stopped),
            [""; 0],
            "{generation}"
        );

        let all = at_once(&world, (0..CALLS).map(|_| call("start", generation)));
        let done = all
            .iter()
            .filter(|said| said.err.contains("interrupts"))
            .count();
        assert_eq!(
            done, 1,
            "{generation}: one does it, the others find it done"
        );
        assert!(all.iter().all(|said| said.status == 0), "{generation}");
        assert_eq!(
            world.lastingly_differs_from(&started),
            [""; 0],
            "{generation}"
        );

        // Starts and stops: some order of them, and then the one that decides.
        let verbs = ["start", "stop", "stop", "start", "stop"];
        at_once(
            &world,
            (0..CALLS).map(|n| call(verbs[n % verbs.len()], generation)),
        );
        world.bridge("start", generation);
        assert_eq!(
            world.lastingly_differs_from(&started),
            [""; 0],
            "{generation}: mixed"
        );
        at_once(&world, (0..CALLS).map(|_| call("stop", generation)));
        assert_eq!(
            world.lastingly_differs_from(&stopped),
            [""; 0],
            "{generation}: stops"
        );
    }
}

#[test]
fn two_nics() {
    let Some(world) = World::new(Kind::WITH_PAIRS) else {
        return;
    };
    for generation in GENERATIONS {
        let of = |verb: &'static str, n: usize| {
            let mut words = call(verb, generation);
            // Xen 2.0 has one bridge unless it is told of another.
            words.extend(match (n % 2, generation) {
                (0, _) => ["netdev=eth0", "antispoof=no"],
                (_, "xen2") => ["netdev=eth1", "bridge=xen-br1"],
                _ => ["netdev=eth1", "antispoof=no"],
            });
            words
        };
        let stopped = world.rested();
        world.expect(0, &of("start", 0));
        world.expect(0, &of("start", 1));
        let started = world.rested();
        world.expect(0, &of("stop", 1));
        world.expect(0, &of("stop", 0));
        assert_eq!(
            world.lastingly_differs_from(&stopped),
            [""; 0],
            "{generation}"
        );
        let all = at_once(&world, (0..CALLS).map(|n| of("start", n)));
        assert!(all.iter().all(|said| said.status == 0), "{generation}");
        assert_eq!(
            world.lastingly_differs_from(&started),
            [""; 0],
            "{generation}"
        );
        at_once(&world, (0..CALLS).map(|n| of("stop", n)));
        assert_eq!(
            world.lastingly_differs_from(&stopped),
            [""; 0],
            "{generation}"
        );
    }
}

/// Backend nodes of a vif, as libxl writes them.
fn nodes(store: &mut Client, domid: u16, bridge: &str) -> String {
    let backend = format!("backend/vif/{domid}/0");
    for (name, value) in [("bridge", bridge), ("handle", "0")] {
        let path = format!("/local/domain/0/{backend}/{name}");
        store.write(&path, value.as_bytes()).unwrap();
    }
    backend
}

#[test]
fn guests_come_while_the_bridge_starts_and_stops() {
    const GUESTS: u16 = 8;
    let Some(world) = World::new(Kind::WITHOUT_PAIRS) else {
        return;
    };
    let (store, _) = Server::spawn(Store::default()).unwrap();
    let socket = world.folder().join("xenstore");
    store
        .listen(UnixListener::bind(&socket).unwrap(), 0)
        .unwrap();
    symlink("xenwire", world.folder().join("vif-bridge")).unwrap();
    let script = world
        .folder()
        .join("vif-bridge")
        .to_str()
        .unwrap()
        .to_owned();
    let (mut came, mut refused) = (0, 0);
    for (generation, bridge) in GENERATIONS.into_iter().zip(["xen-br0", "xenbr0", "eth0"]) {
        world.bridge("start", generation);
        for domid in 1..=GUESTS {
            world.vif(domid, None);
        }
        let mut client = store.client(0).unwrap();
        let guests: Vec<(u16, Child)> = (1..=GUESTS)
            .map(|domid| {
                let backend = nodes(&mut client, domid, bridge);
                let words = [script.as_str(), "online", "type_if=vif"];
                let mut command = world.command(&words);
                command
                    .env("XENSTORED_PATH", &socket)
                    .env("XENBUS_PATH", backend)
                    .env("vif", format!("vif{domid}.0"))
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped());
                (domid, command.spawn().unwrap())
            })
            .collect();
        at_once(
            &world,
            ["stop", "start", "stop", "start"]
                .map(|verb| call(verb, generation))
                .into_iter(),
        );
        let mut lost = Vec::new();
        let online: Vec<(u16, Said)> = guests
            .into_iter()
            .map(|(domid, child)| (domid, child.wait_with_output().unwrap().into()))
            .collect();
        world.bridge("start", generation);
        for (domid, said) in online {
            let link = world.sh(&format!("ip -oneline link show dev vif{domid}.0"));
            let is_port = link.contains(&format!(" master {bridge} "));
            match said.status {
                0 if is_port => came += 1,
                1 => refused += 1,
                _ => lost.push(format!("{said}\n{link}")),
            }
        }
        assert_eq!(lost, [""; 0], "{generation}");
        for domid in 1..=GUESTS {
            world.sh(&format!("ip link delete vif{domid}.0"));
            client
                .rm(&format!("/local/domain/0/backend/vif/{domid}/0"))
                .unwrap();
        }
        world.bridge("stop", generation);
    }
    println!(
        "guests that came while bridges came and went: {came} are on theirs, {refused} were refused"
    );
    store.stop();
}
