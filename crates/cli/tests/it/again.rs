//! The network scripts are stopped and started again while guests run: their vifs are where they
//! were, and every claim of the scenario holds again.

use crate::place::{Place, Said, each_user};

/// A scenario, what stops and starts all that it started, and the bridges that go.
type Case = (&'static str, &'static str, &'static [&'static str]);

const CASES: [Case; 5] = [
    ("default-bridge", "network-bridge CMD", &["xenbr0"]),
    ("two-nics", "my-network-script CMD", &["xenbr0", "xenbr1"]),
    (
        "wrapper-netdev",
        "network-bridge-wrapper CMD",
        &["xenbr0", "xenbr1"],
    ),
    // The generation is the scenario's, without a word.
    ("later-generation", "network-bridge CMD", &["peth0"]),
    ("xen2-bridge", "network CMD antispoof=no", &["xen-br0"]),
];

fn call(place: &Place, script: &str, command: &str) -> Said {
    let line = script.replace("CMD", command);
    let (file, args) = line.split_once(' ').unwrap();
    let file = format!("/etc/xen/scripts/{file}");
    let mut argv = vec![file.as_str()];
    argv.extend(args.split(' '));
    let said = place.on("dom0", &argv);
    assert_eq!(said.status, 0, "{place}: {line}: {said}");
    said
}

#[test]
fn guests_are_back_on_their_bridges_after_stop_and_start() {
    each_user(|place| {
        for (name, script, bridges) in CASES {
            let up = place.expect(0, &["lab", "up", &format!("examples/{name}")]);
            let before = place.links("dom0");
            let vifs = before.iter().filter(|link| link.starts_with("vif1."));
            let vifs: Vec<&String> = vifs.collect();
            assert!(!vifs.is_empty(), "{place}: {name}: {up}");

            let stopped = call(place, script, "stop");
            for vif in vifs {
                assert!(
                    stopped.err.contains(vif.as_str()),
                    "{name}: who is cut off: {stopped}"
                );
            }
            let links = place.links("dom0");
            for bridge in bridges {
                assert!(!links.contains(*bridge), "{place}: {name}: {links:?}");
            }
            let alone = place.expect(1, &["lab", "claims"]);
            assert!(alone.out.contains("FAIL  reach     foo"), "{name}: {alone}");
            // Stopped, the host is on the network by its NIC.
            let lines = alone.out.lines();
            let failed = lines.filter(|l| l.starts_with("FAIL  reach     dom0 -> server"));
            assert_eq!(failed.count(), 0, "{place}: {name}: {alone}");

            call(place, script, "start");
            assert_eq!(place.links("dom0"), before, "{place}: {name}");
            place.expect(0, &["lab", "claims"]);
            // A second start has nothing to do.
            let again = call(place, script, "start");
            assert_eq!((again.out.as_str(), again.err.as_str()), ("", ""), "{name}");
            place.expect(0, &["lab", "claims"]);
            place.expect(0, &["lab", "down"]);
        }
        place.nothing_left("lab down");
    });
}

#[test]
fn commands_in_dom0_know_its_generation() {
    let place = Place::new();
    let generation = |machine: &str| place.on(machine, &["printenv", "XENWIRE_GENERATION"]).out;
    for (name, told) in [
        ("default-bridge", ""),
        ("later-generation", "xen3.2\n"),
        ("xen2-bridge", "xen2\n"),
    ] {
        place.expect(0, &["lab", "up", &format!("examples/{name}")]);
        assert_eq!(generation("dom0"), told, "{name}");
        for elsewhere in ["foo", "desk"] {
            assert_eq!(generation(elsewhere), "", "{name}");
        }
        let status = place.on("dom0", &["/etc/xen/scripts/network-bridge", "status"]);
        assert_eq!(status.status, 0, "{name}: {status}");
        assert!(status.out.contains("192.0.2.10/24"), "{name}: {status}");
        place.expect(0, &["lab", "down"]);
    }
}
