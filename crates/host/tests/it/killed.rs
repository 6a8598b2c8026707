//! SIGKILL at each system call by which an `online` or an `offline` changes anything: an `offline`
//! leaves nothing of the vif, even if its link has gone by then; and then, or at once, an `online`
//! ends as if there had been no kill.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use xenwire_xenstore::Nodes as _;

use crate::openvswitch::OpenVswitch;
use crate::strike::{Blow, Point, points, stride, strike};
use crate::whole_state::{WholeState, diff, unlike};
use crate::world::{World, backend};

/// A name that a vif is to get.
const VIFNAME: &str = "customer-web";

/// A vif, and how it came.
struct Vif {
    /// The script.
    script: &'static str,
    /// What is there before it.
    dom0: fn(&World),
    /// Its link, its nodes.
    arrive: fn(&World),
    /// What is there besides the kernel and the store, as a text; empty without the vif.
    besides: fn(&World) -> String,
}

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

    /// Nothing of the vif, nor of our tables: the next one is the first.
    fn forget(&self) {
        self.sh("ip link delete g1.0 2>&1 || true
                 nft flush ruleset; rm -rf /run/xenwire");
        for path in [backend(1), "/local/domain/1/device/vif/0".into()] {
            let _ = self.store().rm(&path);
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

impl Vif {
    fn call(&self, world: &World, word: &str) {
        world.succeed(1, &["--script", self.script, word]);
    }

    fn undisturbed(&self, world: &World) -> Undisturbed {
        let bare = world.seen();
        (self.arrive)(world);
        let came = world.seen();
        self.call(world, "offline");
        let unused = world.seen();
        world.forget();
        (self.arrive)(world);
        self.call(world, "online");
        let on = world.seen();
        let besides = (self.besides)(world);
        self.call(world, "offline");
        let off = world.seen();
        self.call(world, "online");
        world.sh("ip link delete g1.0");
        self.call(world, "offline");
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
        self.call(world, "offline");
        world.forget();
        (self.arrive)(world);
        if word == "offline" {
            self.call(world, "online");
        }
        strike(world, point, Blow::Kill, &["--script", self.script, word]).is_some()
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
            self.call(world, "online");
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
                    self.call(world, "offline");
                    note(
                        "offline",
                        world.unlike(&[&whole.off, &whole.came, &whole.unused]),
                    );
                    assert_eq!(world.journals(), "", "{point}");
                    assert_eq!((self.besides)(world).trim(), "", "{point}");
                    note(then, on(world));
                }
                _ => {
                    world.sh("ip link delete g1.0");
                    self.call(world, "offline");
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
        world.forget();
        let whole = self.undisturbed(world);
        let begun = Instant::now();
        for word in ["online", "offline"] {
            self.call(world, "offline");
            world.forget();
            (self.arrive)(world);
            if word == "offline" {
                self.call(world, "online");
            }
            let (points, called) = points(world, &["--script", self.script, word]);
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

fn nothing(_: &World) -> String {
    String::new()
}

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
    let vif = Vif {
        script: "vif-bridge",
        dom0: |world| world.bridge("br0"),
        arrive: |world| world.vif(1, "br0"),
        besides: nothing,
    };
    vif.is_never_half("vif-bridge");
}

/// One that is up, with another MAC and a name to get: the longest road there is.
#[test]
fn vif_bridge_of_a_link_in_use() {
    let vif = Vif {
        script: "vif-bridge",
        dom0: |world| world.bridge("br0"),
        arrive: |world| {
            world.vif(1, "br0");
            world.write(&format!("{}/vifname", backend(1)), VIFNAME);
            world.sh(
                "ip link set vif1.0 address 02:00:00:00:00:07; ip link set vif1.0 up
                 ip address add 192.0.2.1/24 dev vif1.0",
            );
        },
        besides: nothing,
    };
    vif.is_never_half("vif-bridge of a link in use");
}

#[test]
fn vif_bridge_with_ip() {
    let vif = Vif {
        script: "vif-bridge",
        dom0: |world| world.bridge("br0"),
        arrive: |world| with_ip(world, "192.0.2.21 2001:db8::21"),
        besides: nothing,
    };
    vif.is_never_half("vif-bridge with ip=");
}

#[test]
fn vif_route_with_ipv6() {
    let vif = Vif {
        script: "vif-route",
        dom0: router,
        arrive: |world| with_ip(world, "192.0.2.21 2001:db8:0:2::21 2001:db8:7::/64"),
        besides: nothing,
    };
    vif.is_never_half("vif-route");
}

#[test]
fn vif_nat() {
    let vif = Vif {
        script: "vif-nat",
        dom0: router,
        arrive: |world| world.vif(1, "br0"),
        besides: nothing,
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
    };
    vif.is_never_half_in(&world, "vif-openvswitch");
}
