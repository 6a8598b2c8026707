//! `start`, again `start`, `stop`, again `stop`: dom0 talks all the time, and in the end everything
//! is as it was.

use crate::world::{GENERATIONS, Kind, World};

/// What no tool prints for all links: offloads, and how neighbours are asked for.
fn beside(world: &World) -> String {
    world.sh("cd /proc/sys/net/ipv4/conf
              for link in *; do case $link in all|default) ;; *)
                  echo \"$link\"; ethtool -k \"$link\" | grep -v fixed ;;
              esac; done
              grep -rH '' ../neigh/eth* || true")
}

fn there_and_back(kind: Kind) {
    let Some(world) = World::new(kind) else {
        return;
    };
    world.reaches_outside();
    for generation in GENERATIONS {
        // A proxy goes with the carrier (neigh_carrier_down), which only here nothing interrupts.
        if generation == "xen2" {
            world.sh("ip neighbour add proxy 192.0.2.99 dev eth0");
        }
        let before = world.rested();
        let beside_before = beside(&world);

        world.bridge("stop", generation);
        assert_eq!(
            world.differs_from(&before),
            [""; 0],
            "{generation}: stop before any start"
        );

        world.bridge("start", generation);
        let tentative = world.sh("ip -6 -oneline address show tentative scope global");
        assert_eq!(tentative, "", "{generation}: not usable at once");
        world.reaches_outside();
        let started = world.rested();
        let again = world.bridge("start", generation);
        assert_eq!(again.out, "", "{generation}");
        assert_eq!(
            world.differs_from(&started),
            [""; 0],
            "{generation}: a second start"
        );
        let status = world.bridge("status", generation);
        assert!(
            status.out.contains("eth0: on the bridge"),
            "{generation}: {status}"
        );

        let recovered = world.expect(0, &["recover"]);
        assert_eq!(
            (recovered.out, recovered.err),
            (String::new(), String::new())
        );
        assert_eq!(
            world.differs_from(&started),
            [""; 0],
            "{generation}: recover with nothing to do"
        );

        world.bridge("stop", generation);
        let tentative = world.sh("ip -6 -oneline address show tentative scope global");
        assert_eq!(tentative, "", "{generation}: not usable at once after stop");
        world.reaches_outside();
        assert_eq!(
            world.differs_from(&before),
            [""; 0],
            "{generation}: start and stop"
        );
        assert_eq!(beside(&world), beside_before, "{generation}");
        world.bridge("stop", generation);
        assert_eq!(
            world.differs_from(&before),
            [""; 0],
            "{generation}: a second stop"
        );
    }
}

#[test]
fn with_pairs() {
    there_and_back(Kind::WITH_PAIRS);
}

#[test]
fn without_pairs() {
    there_and_back(Kind::WITHOUT_PAIRS);
}

#[test]
fn where_addresses_are_asked_for() {
    there_and_back(Kind {
        dad: true,
        ..Kind::WITHOUT_PAIRS
    });
}

#[test]
fn as_uid_65534() {
    there_and_back(Kind {
        nobody: true,
        ..Kind::WITHOUT_PAIRS
    });
}
