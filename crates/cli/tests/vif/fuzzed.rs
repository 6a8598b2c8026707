//! Any bytes as arguments, variables and nodes. A call ends with 0 or 1, at 1 all is as it was, and
//! in any case nothing is left once the vif has gone, and nothing was evaluated.

use std::time::SystemTime;

use xenwire_xenstore::Nodes as _;

use crate::caller::Host;
use crate::need;
use crate::world::backend;

/// xorshift64 (Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 20).unwrap() % end
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn value(&mut self) -> Vec<u8> {
        match self.below(8) {
            0 => (0..self.below(40))
                .map(|_| u8::try_from(self.below(256)).unwrap())
                .collect(),
            1 => self.one(&WORDS).repeat(1 + self.below(60)).into_bytes(),
            2 => format!("{} {}", self.one(&WORDS), self.one(&WORDS)).into_bytes(),
            _ => self.one(&WORDS).into(),
        }
    }
}

const WORDS: [&str; 38] = [
    "",
    "br0",
    "br1",
    "eth0",
    "lo",
    "peth0",
    "customer",
    "vif1.0",
    "vif2.0",
    "vif2.0-emu",
    "web",
    "web-emu",
    "%d",
    "$(touch /run/evaluated)",
    "`touch /run/evaluated`",
    ";touch /run/evaluated;",
    "\n",
    "'",
    "\"",
    "\\",
    "é",
    "198.51.100.1",
    "198.51.100.0/24",
    "203.0.113.7/29",
    "2001:db8:7::1",
    "2001:db8:7::/64",
    "0",
    "1",
    "68",
    "1279",
    "1400",
    "9000",
    "65536",
    "00:16:3e:00:00:09",
    "ff:ff:ff:ff:ff:ff",
    "5",
    "1-4094",
    "10u",
];
const SCRIPTS: [&str; 3] = ["vif-bridge", "vif-route", "vif-nat"];
const VARIABLES: [&str; 6] = ["bridge", "ip", "type_if", "vif", "script", "XENBUS_PATH"];
const NODES: [&str; 6] = ["vifname", "bridge", "ip", "mac", "mtu", "vlan"];

fn cases() -> usize {
    let cases = std::env::var("XENWIRE_CASES").unwrap_or_default();
    cases.parse().unwrap_or(64)
}

/// Which link of vif1.0 the calls are about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Vif,
    /// A veth that stands for the emulated NIC's.
    Veth,
    Tap,
}

impl Link {
    /// The most usual word first.
    fn commands(self) -> [&'static str; 4] {
        match self {
            Self::Vif => ["online", "offline", "add", "Online"],
            Self::Veth | Self::Tap => ["add", "remove", "online", "Add"],
        }
    }

    /// What tells it from the other.
    fn argument(self) -> Option<&'static str> {
        (self != Self::Vif).then_some("type_if=tap")
    }

    /// The words by which it goes.
    fn goes(self) -> &'static [&'static str] {
        match self {
            Self::Vif => &["offline"],
            Self::Veth | Self::Tap => &["remove", "type_if=tap"],
        }
    }

    fn arrive(self, host: &Host) {
        match self {
            Self::Vif => {}
            Self::Veth => host.world.veth_for_tap(1),
            Self::Tap => assert!(host.world.tap(1)),
        }
    }
}

#[test]
fn fuzz_of_arguments_variables_and_nodes() {
    fuzz_of(Link::Vif);
}

#[test]
fn fuzz_of_a_veth_for_a_tap() {
    fuzz_of(Link::Veth);
}

#[test]
fn fuzz_of_a_tap() {
    if need::taps("a tap is made through it") {
        fuzz_of(Link::Tap);
    }
}

/// `XENWIRE_SEED` says with which dice.
fn fuzz_of(link: Link) {
    let Some(mut host) = Host::new() else { return };
    if link != Link::Vif {
        host.has_tap();
    }
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = std::env::var("XENWIRE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(u64::from(now.subsec_nanos()) | 1);
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let bare = host.world.state();
    let (mut came, mut refused) = (0, 0);
    for case in 0..cases() {
        let nodes: Vec<(&str, Vec<u8>)> = (0..dice.below(4))
            .map(|_| (dice.one(&NODES), dice.value()))
            .collect();
        host.arrive(&nodes);
        link.arrive(&host);
        let before = host.world.nodes_as_bytes();
        let mut env = host.env.clone();
        let command = if dice.below(2) == 0 { 0 } else { dice.below(4) };
        let command = link.commands()[command];
        let mut args: Vec<Vec<u8>> = [command]
            .into_iter()
            .chain(link.argument())
            .map(Into::into)
            .collect();
        for _ in 0..dice.below(3) {
            let name = dice.one(&VARIABLES);
            let mut value = dice.value();
            value.retain(|byte| *byte != 0);
            if dice.below(2) == 0 {
                args.push([name.as_bytes(), b"=", &value].concat());
            } else {
                env.insert(name.into(), value);
            }
        }
        let script = dice.one(&SCRIPTS);
        let what = format!("seed {seed}, case {case}: {script} {args:?} {env:?} {nodes:?}");
        let output = host.run_with(&env, script, &args);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            text.is_empty() && output.stdout.is_empty(),
            "{what}: {text}"
        );
        match output.status.code() {
            Some(0) => came += 1,
            Some(1) => {
                refused += 1;
                let after = host.world.nodes_as_bytes();
                let told: Vec<&String> = after
                    .keys()
                    .filter(|path| after.get(*path) != before.get(*path))
                    .collect();
                let own = |path: &&String| {
                    path.ends_with("/hotplug-error") || path.ends_with("/hotplug-status")
                };
                assert!(told.iter().all(own), "{what}: {told:?}");
                assert!(
                    told.is_empty() || !host.node("hotplug-error").unwrap_or_default().is_empty(),
                    "{what}"
                );
            }
            other => panic!("{what}: {other:?}"),
        }
        // What it gave is taken by the script that gave it.
        assert!(host.run(script, link.goes()).status.success(), "{what}");
        host.leave();
        assert_eq!(host.evaluated(), "", "{what}");
        if case % 8 == 7 {
            assert_eq!(
                host.differs_from(&bare),
                [""; 0],
                "one of eight up to {what}"
            );
        }
    }
    assert_eq!(host.differs_from(&bare), [""; 0], "seed {seed}");
    println!("{came} ended with 0, {refused} with 1");
    assert!(host.world.store().exists(&backend(2)).unwrap());
}
