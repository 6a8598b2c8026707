//! SIGKILL at each system call by which an `online` or an `offline` changes anything: an `offline`
//! leaves nothing of the vif, even if its link has gone by then; and then, or at once, an `online`
//! ends as if there had been no kill.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use xenwire_xenstore::Nodes as _;

use crate::forward;
use crate::need;
use crate::openvswitch::OpenVswitch;
use crate::strike::{Blow, Point, Stage, points, stride, strike};
use crate::whole_state::{WholeState, diff, unlike};
use crate::world::{Called, World, backend};

/// A name that a vif is to get; with `-emu` behind it, it still fits (IFNAMSIZ).
const VIFNAME: &str = "customer";

/// A vif, and how it came.
#[derive(Clone, Copy)]
struct Vif {
    /// The script.
    script: &'static str,
    /// Which of its links is spoken of.
    device: Device,
    /// What the host's administrator has in the packet filters, in the words of sh(1).
    rules: &'static str,
    /// What is there before it.
    dom0: fn(&World),
    /// Its link, its nodes.
    arrive: fn(&World),
    /// What is there besides the kernel and the store, as a text; empty without the vif.
    besides: fn(&World) -> String,
}

/// A link of a vif.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Device {
    Vif,
    Tap,
}

/// Calls about the first vif's link of this kind.
struct Calls<'a>(&'a World, Device);

/// What is looked at.
struct Seen {
    network: WholeState,
    nodes: BTreeMap<String, String>,
}

/// The states of a world through which nobody was killed.
struct Undisturbed {
    /// The link has come, and no call.
    came: Seen,
    /// The link has come, and an `offline` without an `online`.
    unused: Seen,
    on: Seen,
    off: Seen,
    /// As before the link came.
    bare: Seen,
    /// The link went while it was on; then `offline`.
    gone: Seen,
    /// What was besides when it was on.
    besides: String,
}

impl World {
    fn seen(&self) -> Seen {
        Seen {
            network: self.state(),
            nodes: self.nodes(),
        }
    }

    /// What is as in none of these, whatever the vif is called by now: packet filters are made by the
    /// first who needs them, and what a link was told matters no more when it is down.
    fn unlike(&self, known: &[&Seen]) -> Vec<String> {
        let unnamed = |network: &WholeState| network.renamed(VIFNAME, "vif1.0");
        let networks: Vec<WholeState> = known.iter().map(|seen| unnamed(&seen.network)).collect();
        let networks: Vec<&WholeState> = networks.iter().collect();
        let mut wrong = self.comes_to(|now| unlike(&networks, &unnamed(now)));
        let nodes = self.nodes();
        let known = known.iter().map(|seen| &seen.nodes);
        let keys: BTreeSet<&String> = known
            .clone()
            .chain([&nodes])
            .flat_map(BTreeMap::keys)
            .collect();
        for key in keys {
            let now = nodes.get(key);
            if known.clone().all(|nodes| nodes.get(key) != now) {
                wrong.push(format!("node {key}: {now:?}"));
            }
        }
        wrong
    }

    /// Journals, which only a vif that is on has.
    fn journals(&self) -> String {
        self.sh("ls /run/xenwire/journal 2>&1 || true").replace(
            "ls: cannot access '/run/xenwire/journal': No such file or directory\n",
            "",
        )
    }
}

impl Stage for Calls<'_> {
    type Said = Called;

    fn folder(&self) -> &Path {
        self.0.folder()
    }

    fn behind(&self, before: &[&str], args: &[&str]) -> Command {
        match self.1 {
            Device::Vif => self.0.script_under(before, 1, args),
            Device::Tap => self.0.script_for_tap_under(before, 1, args),
        }
    }

    fn succeeds(&self, args: &[&str]) {
        let output = self.behind(&[], args).output().unwrap();
        let error = self.0.node(&format!("{}/hotplug-error", backend(1)));
        assert!(output.status.success(), "{args:?}: {error:?}: {output:?}");
    }
}

impl Device {
    /// The words by which it comes and goes (contract 2.3).
    fn words(self) -> [&'static str; 2] {
        match self {
            Self::Vif => ["online", "offline"],
            Self::Tap => ["add", "remove"],
        }
    }

    fn delete(self, world: &World) {
        match self {
            Self::Vif => drop(world.sh("ip link delete g1.0")),
            Self::Tap => world.close_taps(),
        }
    }
}

impl Vif {
    fn call(&self, world: &World, word: &str) {
        Calls(world, self.device).succeeds(&["--script", self.script, word]);
    }

    fn comes(&self, world: &World) {
        self.call(world, self.device.words()[0]);
    }

    fn goes(&self, world: &World) {
        self.call(world, self.device.words()[1]);
    }

    /// Nothing of the vif, nor of our tables: the next one is the first.
    fn forget(&self, world: &World) {
        world.close_taps();
        world.sh("ip link delete g1.0 2>&1 || true
                  nft flush ruleset; rm -rf /run/xenwire");
        world.sh(self.rules);
        for path in [backend(1), "/local/domain/1/device/vif/0".into()] {
            let _ = world.store().rm(&path);
        }
    }

    fn undisturbed(&self, world: &World) -> Undisturbed {
        let bare = world.seen();
        (self.arrive)(world);
        let came = world.seen();
        self.goes(world);
        let unused = world.seen();
        self.forget(world);
        (self.arrive)(world);
        self.comes(world);
        let on = world.seen();
        let besides = (self.besides)(world);
        self.goes(world);
        let off = world.seen();
        self.comes(world);
        self.device.delete(world);
        self.goes(world);
        let gone = world.seen();
        Undisturbed {
            came,
            unused,
            on,
            off,
            bare,
            gone,
            besides,
        }
    }

    /// A vif of which a call was killed at this point; `false` if the call has no such point now.
    fn kill(&self, world: &World, word: &str, point: &Point) -> bool {
        self.goes(world);
        self.forget(world);
        (self.arrive)(world);
        if word == self.device.words()[1] {
            self.comes(world);
        }
        let calls = Calls(world, self.device);
        strike(&calls, point, Blow::Kill, &["--script", self.script, word]).is_some()
    }

    /// What is wrong after a kill at this point.
    fn wrong_after(
        &self,
        world: &World,
        word: &str,
        point: &Point,
        whole: &Undisturbed,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut note = |what: &str, lines: Vec<String>| {
            wrong.extend(lines.iter().map(|line| format!("{what}: {line}")));
        };
        let on = |world: &World| {
            self.comes(world);
            let mut lines = world.comes_to(|now| diff(&whole.on.network, now));
            let nodes = world.nodes();
            let besides = (self.besides)(world);
            if besides != whole.besides {
                lines.push(format!("{besides} instead of {}", whole.besides));
            }
            if nodes != whole.on.nodes {
                lines.push(format!("{nodes:?} instead of {:?}", whole.on.nodes));
            }
            lines
        };
        for then in ["offline, online", "the link goes, offline", "online"] {
            let hit = (0..3).any(|_| self.kill(world, word, point));
            assert!(hit, "{} {word} has no {point}", self.script);
            match then {
                "online" => note(then, on(world)),
                "offline, online" => {
                    self.goes(world);
                    note(
                        "offline",
                        world.unlike(&[&whole.off, &whole.came, &whole.unused]),
                    );
                    assert_eq!(world.journals(), "", "{point}");
                    assert_eq!((self.besides)(world).trim(), "", "{point}");
                    note(then, on(world));
                }
                _ => {
                    self.device.delete(world);
                    self.goes(world);
                    // The toolstack takes the nodes away, not the script.
                    let nodes = whole.came.nodes.clone();
                    let network = whole.bare.network.clone();
                    note(then, world.unlike(&[&whole.gone, &Seen { network, nodes }]));
                    assert_eq!(world.journals(), "", "{point}");
                    assert_eq!((self.besides)(world).trim(), "", "{point}");
                }
            }
        }
        wrong
    }

    fn is_never_half(&self, name: &str) {
        if let Some(world) = World::new() {
            self.is_never_half_in(&world, name);
        }
    }

    fn is_never_half_in(&self, world: &World, name: &str) {
        /// A point takes a second. Those that are left out differ from test to test.
        const STRIDE: usize = 3;
        (self.dom0)(world);
        self.forget(world);
        let whole = self.undisturbed(world);
        let begun = Instant::now();
        for word in self.device.words() {
            self.goes(world);
            self.forget(world);
            (self.arrive)(world);
            if word == self.device.words()[1] {
                self.comes(world);
            }
            let calls = Calls(world, self.device);
            let (points, called) = points(&calls, &["--script", self.script, word]);
            assert_eq!(called.status, Some(0), "{}", called.stderr);
            assert!(points.iter().any(Point::is_of_kernel), "{points:?}");
            let stride = stride(STRIDE);
            let first = name.len() % stride.min(points.len());
            let mut hit = 0;
            for point in points.iter().skip(first).step_by(stride) {
                let wrong = self.wrong_after(world, word, point, &whole);
                assert_eq!(wrong, [""; 0], "{name}, {word}: {point}");
                hit += 1;
            }
            println!(
                "{name}: {word} killed at {hit} of {} points, three times each, and never half; {:?}",
                points.len(),
                begun.elapsed()
            );
        }
    }
}

/// One that comes to a bridge, with nothing else to say of it.
const TO_BRIDGE: Vif = Vif {
    script: "vif-bridge",
    device: Device::Vif,
    rules: "",
    dom0: |world| world.bridge("br0"),
    arrive: |world| world.vif(1, "br0"),
    besides: |_| String::new(),
};

/// A router with an uplink that has addresses of both families.
fn router(world: &World) {
    world.sh(
        "ip link add eth0 address 52:54:00:00:00:01 type veth peer name lan
         ip link set eth0 addrgenmode none; ip link set lan addrgenmode none
         ip link set eth0 up; ip link set lan up
         ip address add 192.0.2.10/24 dev eth0
         ip address add 2001:db8:0:2::10/64 dev eth0
         echo 1 >/proc/sys/net/ipv4/ip_forward
         echo 1 >/proc/sys/net/ipv6/conf/all/forwarding",
    );
}

fn with_ip(world: &World, ip: &str) {
    world.vif(1, "br0");
    world.write(&format!("{}/ip", backend(1)), ip);
}

#[test]
fn vif_bridge() {
    TO_BRIDGE.is_never_half("vif-bridge");
}

/// One that is up, with another MAC and a name to get: the longest road there is.
#[test]
fn vif_bridge_of_a_link_in_use() {
    let vif = Vif {
        arrive: |world| {
            world.vif(1, "br0");
            world.write(&format!("{}/vifname", backend(1)), VIFNAME);
            world.sh(
                "ip link set vif1.0 address 02:00:00:00:00:07; ip link set vif1.0 up
                 ip address add 192.0.2.1/24 dev vif1.0",
            );
        },
        ..TO_BRIDGE
    };
    vif.is_never_half("vif-bridge of a link in use");
}

#[test]
fn vif_bridge_with_ip() {
    let vif = Vif {
        arrive: |world| with_ip(world, "192.0.2.21 2001:db8::21"),
        ..TO_BRIDGE
    };
    vif.is_never_half("vif-bridge with ip=");
}

/// Its frames come to FORWARD, which drops them in both families unless a rule of ours says otherwise.
#[test]
fn vif_bridge_where_forward_drops() {
    let vif = Vif {
        rules: forward::DROPS,
        dom0: |world| {
            forward::filter_bridged(world, true);
            world.bridge("br0");
        },
        ..TO_BRIDGE
    };
    if need::br_netfilter() {
        vif.is_never_half("vif-bridge where FORWARD drops");
    }
}

/// The emulated NIC of a guest that is there, and to which a name is given.
const EMULATED: Vif = Vif {
    device: Device::Tap,
    arrive: |world| {
        world.vif(1, "br0");
        world.write(&format!("{}/vifname", backend(1)), VIFNAME);
        world.veth_for_tap(1);
    },
    ..TO_BRIDGE
};

#[test]
fn vif_bridge_of_a_veth_for_a_tap() {
    EMULATED.is_never_half("vif-bridge of a veth for a tap");
}

#[test]
fn vif_bridge_of_a_tap() {
    let vif = Vif {
        arrive: |world| {
            world.vif(1, "br0");
            world.write(&format!("{}/vifname", backend(1)), VIFNAME);
            assert!(world.tap(1), "a tap");
        },
        ..EMULATED
    };
    if need::taps("a tap is made through it") {
        vif.is_never_half("vif-bridge of a tap");
    }
}

#[test]
fn vif_route_with_ipv6() {
    let vif = Vif {
        script: "vif-route",
        dom0: router,
        arrive: |world| with_ip(world, "192.0.2.21 2001:db8:0:2::21 2001:db8:7::/64"),
        ..TO_BRIDGE
    };
    vif.is_never_half("vif-route");
}

#[test]
fn vif_nat() {
    let vif = Vif {
        script: "vif-nat",
        dom0: router,
        ..TO_BRIDGE
    };
    vif.is_never_half("vif-nat");
}

/// With the daemons of Debian, which do by themselves what the database says.
#[test]
fn vif_openvswitch() {
    let Some(world) = World::new() else { return };
    let Some(_switch) = OpenVswitch::start(&world) else {
        return;
    };
    let vif = Vif {
        script: "vif-openvswitch",
        dom0: |_| {},
        arrive: |world| world.vif(1, "xenbr0.5:6:7"),
        besides: |world| {
            OpenVswitch::ask(
                world,
                "--columns=name,tag,trunks find port name=vif1.0 -- \
                 --columns=name,error,external_ids find interface name=vif1.0",
            )
        },
        ..TO_BRIDGE
    };
    vif.is_never_half_in(&world, "vif-openvswitch");
}
