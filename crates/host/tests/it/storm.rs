//! Two hundred vifs that come and go at once, at random, for a while: the world is then as if they
//! had come one after the other and stayed as each was left last.
//!
//! What the toolstack does about one vif comes in a row, as libxl does it; but now and then an
//! `online` and an `offline` of one vif run at once, or its link goes under an `online`.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant, SystemTime};

use crate::whole_state::{WholeState, diff};
use crate::world::{Called, World, backend};

/// How many vifs.
const VIFS: u16 = 200;

/// How many of them begin at the same moment with `ip=` on a host without packet filters.
const FIRST_USERS: u16 = 64;

/// What has become of a vif: all of it that can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Gone,
    /// Its link is there, and no `online` was called.
    Fresh,
    /// None ended well, and one was called.
    Refused,
    On,
    Off,
    /// `online` and `offline` ended at once.
    OnOrOff,
}

/// A vif, by its number: where it goes, and with what.
#[derive(Clone, Copy)]
struct Vif(u16);

impl Vif {
    fn script(self) -> &'static str {
        match self.0 % 8 {
            2 => "vif-route",
            3 => "vif-nat",
            _ => "vif-bridge",
        }
    }

    fn bridge(self) -> &'static str {
        match self.0 % 8 {
            0 | 5 => "br1",
            _ => "br0",
        }
    }

    fn ip(self) -> Option<String> {
        let number = self.0;
        match number % 8 {
            1 | 5 => Some(format!("10.1.0.{number} 2001:db8:1::{number:x}")),
            2 => Some(format!("10.1.0.{number} 2001:db8:0:2::{number:x}")),
            3 => Some(format!("10.2.0.{}", number / 2 + 1)),
            _ => None,
        }
    }

    /// The bridges of this world filter no VLANs, so it is refused.
    fn vlan(self) -> Option<&'static str> {
        (self.0 % 8 == 4).then_some("5")
    }

    fn attach(self, world: &World) {
        world.vif(self.0, self.bridge());
        for (name, value) in [("ip", self.ip()), ("vlan", self.vlan().map(str::to_owned))] {
            if let Some(value) = value {
                world.write(&format!("{}/{name}", backend(self.0)), &value);
            }
        }
    }

    fn delete_link(self, world: &World) {
        world.sh(&format!("ip link delete g{}.0", self.0));
    }

    /// The toolstack takes away what it wrote, and the folders above that are empty then
    /// (libxl__xs_path_cleanup, tools/libs/light/libxl_xshelp.c).
    fn remove_nodes(self, world: &World) {
        world.remove(&format!("/local/domain/0/backend/vif/{}", self.0));
        world.remove(&format!("/local/domain/{}", self.0));
    }

    fn start(self, world: &World, word: &str) -> Child {
        world
            .script(self.0, &["--script", self.script(), word])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn ended(self, world: &World, call: Child, statuses: &[i32]) {
        let called = Called::from(call.wait_with_output().unwrap());
        let told = world.node(&format!("{}/hotplug-error", backend(self.0)));
        let fair = called
            .status
            .is_some_and(|status| statuses.contains(&status));
        assert!(
            fair,
            "vif{}.0: {:?}: {told:?} {}",
            self.0, called.status, called.stderr
        );
        assert_eq!(called.stderr, "", "vif{}.0", self.0);
    }

    /// The status of its `online`.
    fn comes(self) -> i32 {
        i32::from(self.vlan().is_some())
    }

    fn after_online(self) -> Life {
        if self.comes() == 0 {
            Life::On
        } else {
            Life::Refused
        }
    }

    fn online(self, world: &World) {
        self.ended(world, self.start(world, "online"), &[self.comes()]);
    }

    fn offline(self, world: &World) {
        self.ended(world, self.start(world, "offline"), &[0]);
    }

    /// One thing that happens to it, and what has become of it then.
    fn happens(self, world: &World, life: Life, dice: &mut Dice, tally: &mut Tally) -> Life {
        if life == Life::Gone {
            tally.count("attach");
            self.attach(world);
            return Life::Fresh;
        }
        match dice.below(16) {
            0..6 => {
                tally.count("online");
                self.online(world);
                self.after_online()
            }
            6..10 => {
                tally.count("offline");
                self.offline(world);
                if life == Life::Fresh { life } else { Life::Off }
            }
            10..12 if self.comes() == 0 => {
                tally.count("online and offline at once");
                let words = if dice.below(2) == 0 {
                    ["online", "offline"]
                } else {
                    ["offline", "online"]
                };
                let calls = words.map(|word| self.start(world, word));
                calls
                    .into_iter()
                    .for_each(|call| self.ended(world, call, &[0]));
                Life::OnOrOff
            }
            12 | 13 => {
                tally.count("offline, detach");
                self.offline(world);
                self.delete_link(world);
                self.remove_nodes(world);
                Life::Gone
            }
            14 => {
                tally.count("detach, offline");
                self.delete_link(world);
                self.offline(world);
                self.remove_nodes(world);
                Life::Gone
            }
            _ => {
                tally.count("detach under an online, offline");
                let call = self.start(world, "online");
                self.delete_link(world);
                self.ended(world, call, &[0, 1]);
                self.offline(world);
                self.remove_nodes(world);
                Life::Gone
            }
        }
    }

    /// Brings it to where it was left, in a calm world.
    fn replay(self, calm: &World, life: Life) {
        if life == Life::Gone {
            return;
        }
        self.attach(calm);
        if life != Life::Fresh {
            self.online(calm);
        }
        if life == Life::Off {
            self.offline(calm);
        }
    }
}

/// What happened, how often, and the longest time anything took.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<&'static str, u32>,
    longest: Duration,
}

impl Tally {
    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn add(&mut self, other: &Self) {
        for (what, count) in &other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        self.longest = self.longest.max(other.longest);
    }
}

/// xorshift64 (Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % end
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn host() -> Option<World> {
    let world = World::new()?;
    world.bridge("br0");
    world.bridge("br1");
    world.sh(
        "ip link add eth0 address 52:54:00:00:00:01 type veth peer name lan
         ip link set lan address 52:54:00:00:00:02
         ip link set eth0 addrgenmode none; ip link set lan addrgenmode none
         ip link set eth0 up; ip link set lan up
         ip address add 192.0.2.10/24 dev eth0
         ip address add 2001:db8:0:2::10/64 dev eth0",
    );
    Some(world)
}

fn journals(world: &World) -> String {
    world.sh("ls /run/xenwire/journal")
}

/// How two worlds differ but for the order in which things came (see `sixteen_vifs_come_to_one_bridge`),
/// and for groups, which the kernel leaves in its own time (mld_ifc_work, net/ipv6/mcast.c).
fn differences(calm: &WholeState, storm: &WholeState) -> Vec<String> {
    let is_order = |line: &String| {
        let number = ["no:", "id:", "designated_port:"]
            .iter()
            .any(|field| line.contains(&format!(" info_slave_data {field}")));
        let entry = [
            "\"mac\":\"33:33:",
            "\"mac\":\"01:00:5e:",
            "fe:ff:ff:ff:ff:ff",
        ]
        .iter()
        .any(|mac| line.contains(mac));
        number || (line.starts_with("fdb ") && entry)
    };
    let mut lines = diff(calm, storm);
    lines.retain(|line| !is_order(line));
    lines
}

/// `XENWIRE_STORM_SECONDS` says how long, `XENWIRE_STORM_SEED` with which dice.
#[test]
fn two_hundred_vifs_come_and_go() {
    let Some(world) = host() else { return };
    let lasts = Duration::from_secs(number("XENWIRE_STORM_SECONDS").unwrap_or(20));
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = number("XENWIRE_STORM_SEED").unwrap_or(u64::from(now.subsec_nanos()));
    println!("seed {seed}");
    let listed = |vif: &Vif| vif.ip().is_some();
    let first: Vec<u16> = (1..=VIFS)
        .map(Vif)
        .filter(listed)
        .map(|vif| vif.0)
        .take(FIRST_USERS.into())
        .collect();
    assert_eq!(first.len(), usize::from(FIRST_USERS));
    let together = Barrier::new(first.len());
    let begun = Instant::now();
    let (world_ref, first, together) = (&world, &first, &together);
    let lives: Vec<(Vif, Life, Tally)> = std::thread::scope(|scope| {
        let lives: Vec<_> = (1..=VIFS)
            .map(|number| {
                scope.spawn(move || {
                    let vif = Vif(number);
                    let mut dice = Dice((seed ^ (u64::from(number) << 32)) | 1);
                    let (mut life, mut tally) = (Life::Gone, Tally::default());
                    if first.contains(&number) {
                        vif.attach(world_ref);
                        together.wait();
                        vif.online(world_ref);
                        life = vif.after_online();
                    }
                    while begun.elapsed() < lasts {
                        let begun = Instant::now();
                        life = vif.happens(world_ref, life, &mut dice, &mut tally);
                        tally.longest = tally.longest.max(begun.elapsed());
                    }
                    (vif, life, tally)
                })
            })
            .collect();
        lives.into_iter().map(|life| life.join().unwrap()).collect()
    });

    let mut all = Tally::default();
    lives.iter().for_each(|(_, _, tally)| all.add(tally));
    println!(
        "{:?}, the longest took {:?}; all in all {:?}",
        all.counts,
        all.longest,
        begun.elapsed()
    );
    let calm = host().unwrap();
    // The tables stay once somebody needed them.
    let somebody = Vif(first[0]);
    somebody.replay(&calm, Life::Off);
    somebody.delete_link(&calm);
    somebody.remove_nodes(&calm);
    for (vif, life, _) in &lives {
        let is_up = || {
            world
                .sh(&format!("ip -oneline link show up dev vif{}.0", vif.0))
                .contains("UP")
        };
        let life = match life {
            Life::OnOrOff if is_up() => Life::On,
            Life::OnOrOff => Life::Off,
            life => *life,
        };
        vif.replay(&calm, life);
    }
    let state = calm.state();
    assert_eq!(
        world.comes_to(|now| differences(&state, now)),
        [""; 0],
        "seed {seed}"
    );
    let (left, right) = (world.nodes(), calm.nodes());
    for (path, value) in left.iter().chain(&right) {
        assert_eq!(
            left.get(path),
            right.get(path),
            "seed {seed}: {path} = {value}"
        );
    }
    assert_eq!(journals(&world), journals(&calm), "seed {seed}");
}
