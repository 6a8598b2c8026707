//! SIGKILL at each system call by which an online says or changes anything; then the vif goes and
//! comes again, and nobody can tell.

use std::fs;

use crate::whole_state::WholeState;
use crate::world::{World, backend};

/// Where a process can leave something half done: every message and every write, to the kernel,
/// the store and the journal, and the calls that make and cut files.
const POINTS: [&str; 8] = [
    "sendto",
    "sendmsg",
    "write",
    "writev",
    "ftruncate",
    "mkdir",
    "unlink",
    "flock",
];

/// How often an online makes each of these calls.
fn points(world: &World) -> Vec<(&'static str, usize)> {
    let file = world.folder().join("points");
    let path = file.to_str().unwrap();
    let set = format!("trace={}", POINTS.join(","));
    let under = ["strace", "-o", path, "-e", &set];
    assert!(
        world
            .script_under(&under, 1, &["online"])
            .output()
            .unwrap()
            .status
            .success()
    );
    let text = fs::read_to_string(&file).unwrap();
    POINTS
        .iter()
        .map(|name| {
            let start = format!("{name}(");
            (
                *name,
                text.lines().filter(|line| line.starts_with(&start)).count(),
            )
        })
        .collect()
}

fn forget_vif(world: &World) {
    world.sh("ip link del g1.0; rm -rf /run/xenwire");
    world.remove(&backend(1));
    world.remove("/local/domain/1/device/vif/0");
}

fn nobody_can_tell(fresh: fn(&World), calls: &[&str]) {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    fresh(&world);
    let points = points(&world);
    let undisturbed: WholeState = world.state();
    let nodes = world.nodes();
    let mut killed = 0;
    for (name, times) in points {
        for n in 1..=times {
            forget_vif(&world);
            fresh(&world);
            let inject = format!("inject={name}:signal=KILL:when={n}");
            let under = ["strace", "-o", "/dev/null", "-e", &inject];
            let output = world.script_under(&under, 1, &["online"]).output().unwrap();
            assert!(!output.status.success(), "{inject} killed nothing");
            killed += 1;
            for call in calls {
                let called = world.call(1, &[call]);
                let told = world.node(&format!("{}/hotplug-error", backend(1)));
                assert_eq!(
                    called.status,
                    Some(0),
                    "{inject}, {call}: {told:?} {}",
                    called.stderr
                );
            }
            assert_eq!(world.differs_from(&undisturbed), [""; 0], "{inject}");
            assert_eq!(world.nodes(), nodes, "{inject}");
        }
    }
    println!("killed at {killed} points, then {calls:?}");
    assert!(killed > 10);
}

#[test]
fn a_plain_vif_goes_and_comes() {
    nobody_can_tell(|world| world.vif(1, "br0"), &["offline", "online"]);
}

/// One that is up, with another MAC and a name to get: the longest road there is.
fn in_use(world: &World) {
    world.vif(1, "br0");
    world.write(&format!("{}/vifname", backend(1)), "web");
    world.sh(
        "ip link set vif1.0 address 02:00:00:00:00:07; ip link set vif1.0 up
         ip address add 192.0.2.1/24 dev vif1.0",
    );
}

#[test]
fn a_vif_in_use_goes_and_comes() {
    nobody_can_tell(in_use, &["offline", "online"]);
}

#[test]
fn a_vif_in_use_comes_again() {
    nobody_can_tell(in_use, &["online"]);
}
