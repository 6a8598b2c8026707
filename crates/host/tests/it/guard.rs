//! `ip=`: what a guest may send arrives, and what it forges goes nowhere. Frames are put into the
//! guest's end of a vif and looked for at a neighbour, at the uplink and in dom0.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Stdio;

use crate::frame::{BROADCAST, Ends, Mac, arp, nd, other, tagged, udp};
use crate::world::{World, backend};

/// The guest's own, as `vif_link` gives it to the first guest's end.
const OWN: Mac = [2, 0, 0, 0, 1, 1];
const OTHERS: Mac = [2, 0, 0, 0, 1, 2];
const BRIDGE: Mac = [2, 0, 0, 0, 0, 0xfe];
/// Of those that a bridge keeps to itself; this one goes up as if the port were no port.
const LLDP: Mac = [1, 0x80, 0xc2, 0, 0, 0x0e];
const DOM0: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 254);
const PORT: u16 = 4242;

const ALL: Ends = Ends {
    to: BROADCAST,
    from: OWN,
};

/// Two guests at br0, the first of them online with a list, and dom0 with an address.
fn world(list: &str) -> Option<World> {
    let world = World::new()?;
    world.bridge("br0");
    world.sh("ip address add 10.0.0.254/24 dev br0");
    for domid in [1, 2] {
        world.vif(domid, "br0");
        let mac = format!("02:00:00:00:01:{domid:02x}");
        world.write(&format!("{}/mac", backend(domid)), &mac);
        world.sh(&format!("ip link set g{domid}.0 up"));
    }
    world.write(&format!("{}/ip", backend(1)), list);
    world.succeed(2, &["online"]);
    world.succeed(1, &["online"]);
    Some(world)
}

/// Where each frame came out, sent by the guest's end `from`.
struct Came(BTreeMap<String, Vec<usize>>);

fn send(world: &World, from: &str, frames: &[Vec<u8>]) -> Came {
    let own = if from == "g1.0" { OWN } else { OTHERS };
    send_as(world, own, from, frames)
}

/// Sends them by the end of a guest that has this MAC.
fn send_as(world: &World, own: Mac, from: &str, frames: &[Vec<u8>]) -> Came {
    let program = World::program("frames");
    let port = PORT.to_string();
    let neighbour = if from == "g1.0" { "g2.0" } else { "g1.0" };
    let words = [program, from, &port, neighbour, "lan-br0", "br0"];
    let mut command = world.command(&words);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // The last may always pass: a source that no list forbids is one of the guest's own.
    let nobody = (own, Ipv4Addr::UNSPECIFIED);
    let ends = Ends { from: own, ..ALL };
    let last = arp(ends, 1, nobody, frames.len());
    let mut text = String::new();
    for frame in frames.iter().chain([&last]) {
        text.extend(frame.iter().map(|byte| format!("{byte:02x}")));
        text.push('\n');
    }
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{from}: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let (name, numbers) = line.split_once(": ").unwrap();
        let numbers = numbers.trim_matches(['{', '}']).split(", ");
        let numbers = numbers.filter(|number| !number.is_empty());
        let numbers = numbers.map(|number| number.parse().unwrap());
        (name.to_owned(), numbers.collect())
    };
    Came(text.lines().map(line).collect())
}

impl Came {
    /// The names of the frames that came to any of the places.
    fn anywhere<'a>(&self, names: &[&'a str]) -> Vec<(&'a str, &str)> {
        let places = self.0.iter();
        let came = places.flat_map(|(place, numbers)| {
            numbers
                .iter()
                .map(|number| (names[*number], place.as_str()))
        });
        came.collect()
    }
}

fn v4(text: &str) -> IpAddr {
    text.parse::<Ipv4Addr>().unwrap().into()
}

fn v6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

type Made = (&'static str, Box<dyn Fn(usize) -> Vec<u8>>);

fn made(name: &'static str, make: impl Fn(usize) -> Vec<u8> + 'static) -> Made {
    (name, Box::new(make))
}

fn build(frames: &[Made]) -> (Vec<&'static str>, Vec<Vec<u8>>) {
    let numbered = frames.iter().enumerate();
    numbered
        .map(|(number, (name, make))| (*name, make(number)))
        .unzip()
}

/// What the first guest may send with this list.
const LIST: &str = "10.0.0.1 10.0.7.8/29 2001:db8::1";

fn allowed() -> Vec<Made> {
    let everybody = v4("255.255.255.255");
    let link: Ipv6Addr = v6("fe80::ff:fe00:101");
    let all = v6("ff02::1");
    let from = move |source: IpAddr, to: IpAddr| move |number| udp(ALL, source, to, PORT, number);
    vec![
        made("IPv4", from(v4("10.0.0.1"), everybody)),
        made("IPv4 of a network", from(v4("10.0.7.15"), everybody)),
        made("DHCP", from(v4("0.0.0.0"), everybody)),
        made("ARP", |n| arp(ALL, 2, (OWN, Ipv4Addr::new(10, 0, 0, 1)), n)),
        made("ARP of a network", |n| {
            arp(ALL, 1, (OWN, Ipv4Addr::new(10, 0, 7, 9)), n)
        }),
        made("ARP probe", |n| {
            arp(ALL, 1, (OWN, Ipv4Addr::UNSPECIFIED), n)
        }),
        made("IPv6", from(v6("2001:db8::1").into(), all.into())),
        made("IPv6 of the link", from(link.into(), all.into())),
        made("DAD", |n| {
            nd(ALL, 135, Ipv6Addr::UNSPECIFIED, v6("2001:db8::1"), n)
        }),
        made("DAD of the link", move |n| {
            nd(ALL, 135, Ipv6Addr::UNSPECIFIED, link, n)
        }),
        made("NS", |n| {
            nd(ALL, 135, v6("2001:db8::1"), v6("2001:db8::ffff"), n)
        }),
        made("NA", move |n| nd(ALL, 136, link, v6("2001:db8::1"), n)),
    ]
}

fn forged() -> Vec<Made> {
    let everybody = v4("255.255.255.255");
    let all: IpAddr = v6("ff02::1").into();
    let own = v4("10.0.0.1");
    let wrong = v4("10.0.0.2");
    let as_other = Ends {
        from: OTHERS,
        ..ALL
    };
    let to = |to| Ends { to, from: OWN };
    let ip = Ipv4Addr::new;
    let own6: IpAddr = v6("2001:db8::1").into();
    vec![
        // Before the bridge learns from the next where that neighbour is said to be.
        made("IPv4 to a neighbour", move |n| {
            udp(to(OTHERS), wrong, v4("10.0.0.3"), PORT, n)
        }),
        made("MAC", move |n| udp(as_other, own, everybody, PORT, n)),
        made("IPv4", move |n| udp(ALL, wrong, everybody, PORT, n)),
        made("IPv4 behind a network", move |n| {
            udp(ALL, v4("10.0.7.16"), everybody, PORT, n)
        }),
        made("IPv4 to dom0", move |n| {
            udp(to(BRIDGE), wrong, DOM0.into(), PORT, n)
        }),
        made("own IPv4 by the bridge's own address", move |n| {
            udp(to(LLDP), own, DOM0.into(), PORT, n)
        }),
        made("IPv4 by the bridge's own address", move |n| {
            udp(to(LLDP), wrong, DOM0.into(), PORT, n)
        }),
        made("ARP sender", move |n| {
            arp(ALL, 2, (OWN, ip(10, 0, 0, 2)), n)
        }),
        made("ARP sender's MAC", move |n| {
            arp(ALL, 2, (OTHERS, ip(10, 0, 0, 1)), n)
        }),
        made("ARP by another MAC", move |n| {
            arp(as_other, 2, (OWN, ip(10, 0, 0, 1)), n)
        }),
        made("ARP of another shape", move |n| {
            let mut arp = arp(ALL, 2, (OWN, ip(10, 0, 0, 1)), n);
            arp[18] = 4;
            arp
        }),
        made("IPv6", move |n| {
            udp(ALL, v6("2001:db8::2").into(), all, PORT, n)
        }),
        made("IPv6 by another MAC", move |n| {
            udp(as_other, own6, all, PORT, n)
        }),
        made("IPv6 of another's link", move |n| {
            udp(ALL, v6("fe80::ff:fe00:102").into(), all, PORT, n)
        }),
        made("IPv6 of nobody", move |n| {
            udp(ALL, Ipv6Addr::UNSPECIFIED.into(), all, PORT, n)
        }),
        made("NA", move |n| {
            nd(ALL, 136, v6("2001:db8::1"), v6("2001:db8::2"), n)
        }),
        made("NS", move |n| {
            nd(ALL, 135, v6("2001:db8::2"), v6("2001:db8::ffff"), n)
        }),
        made("DAD", move |n| {
            nd(ALL, 135, Ipv6Addr::UNSPECIFIED, v6("2001:db8::2"), n)
        }),
        made("VLAN 0", move |n| {
            tagged(&udp(ALL, own, everybody, PORT, n), 0)
        }),
        made("VLAN 5", move |n| {
            tagged(&udp(ALL, own, everybody, PORT, n), 5)
        }),
        made("two VLANs", move |n| {
            tagged(&tagged(&udp(ALL, own, everybody, PORT, n), 5), 6)
        }),
        made("LLDP", move |n| other(ALL, 0x88cc, n)),
        made("802.3", move |n| other(ALL, 0x0040, n)),
    ]
}

/// Frame by frame, for those that may pass, at all three places.
fn pass(world: &World, what: &str) {
    let (names, frames) = build(&allowed());
    let came = send(world, "g1.0", &frames);
    let all: Vec<usize> = (0..names.len()).collect();
    for place in ["g2.0", "lan-br0", "br0"] {
        let missing = all.iter().filter(|number| !came.0[place].contains(number));
        let missing: Vec<&str> = missing.map(|number| names[*number]).collect();
        assert_eq!(missing, [""; 0], "{what}: at {place}");
    }
}

fn stopped(world: &World, what: &str) {
    let (names, frames) = build(&forged());
    let came = send(world, "g1.0", &frames);
    assert_eq!(came.anywhere(&names), [("", ""); 0], "{what}");
}

#[test]
fn what_a_guest_forges_goes_nowhere() {
    let Some(world) = world(LIST) else { return };
    // Whatever the host's own filters say of what is forwarded.
    for nf_call in [0, 1] {
        let set = format!(
            "for f in /proc/sys/net/bridge/bridge-nf-call-*tables; do test ! -e $f || echo {nf_call} >$f; done"
        );
        world.sh(&set);
        for policy in ["accept", "drop"] {
            world.sh(&format!(
                "nft delete table inet host 2>/dev/null || true
                 nft add table inet host
                 nft 'add chain inet host forward {{ type filter hook forward priority 0; policy {policy}; }}'"
            ));
            stopped(
                &world,
                &format!("bridge-nf-call {nf_call}, FORWARD {policy}"),
            );
        }
        world.sh("nft delete table inet host");
        pass(&world, &format!("bridge-nf-call {nf_call}"));
    }
    // The same frames by a vif without a list, so that the test can fail.
    world.succeed(1, &["offline"]);
    world.remove(&format!("{}/ip", backend(1)));
    world.succeed(1, &["online"]);
    let (names, frames) = build(&forged());
    let came = send(&world, "g1.0", &frames);
    for (number, name) in names.iter().enumerate() {
        let place = if name.contains("own address") {
            "udp"
        } else if name.contains("dom0") {
            "br0"
        } else {
            "g2.0"
        };
        assert!(
            came.0[place].contains(&number),
            "{name} at {place}: {:?}",
            came.0
        );
    }
}

#[test]
fn a_guest_without_ipv6_says_nothing_in_it() {
    let Some(world) = world("10.0.0.1") else {
        return;
    };
    let (names, frames) = build(&allowed());
    let came = send(&world, "g1.0", &frames);
    let came: Vec<&str> = came.0["g2.0"].iter().map(|number| names[*number]).collect();
    assert_eq!(came, ["IPv4", "DHCP", "ARP", "ARP probe"]);
}

#[test]
fn only_a_guest_with_a_list_is_held_to_it() {
    let Some(world) = world(LIST) else { return };
    let forge = udp(
        Ends {
            from: OTHERS,
            ..ALL
        },
        v4("10.0.0.1"),
        v4("255.255.255.255"),
        PORT,
        0,
    );
    let came = send(&world, "g2.0", &[forge]);
    for place in ["g1.0", "lan-br0", "br0", "udp"] {
        assert_eq!(came.0[place], [0], "{place}");
    }
    // And no call for a vif without one asks for packet filters, where no FORWARD chain sees its frames.
    world.sh(
        "for f in /proc/sys/net/bridge/bridge-nf-call-*tables; do test ! -e $f || echo 0 >$f; done",
    );
    let calls = world.traced(2, &["online"]);
    assert!(!calls.contains("NETLINK_NETFILTER"), "{calls}");
}

/// The elements that name a vif, of all our sets.
fn elements(world: &World, link: &str) -> Vec<String> {
    let list = world.sh("nft -a list ruleset");
    let named = list
        .lines()
        .filter(|line| line.contains(&format!("\"{link}\"")));
    named.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn nothing_is_left_of_a_vif_that_went() {
    let Some(world) = world(LIST) else { return };
    let rules = world.sh("nft list ruleset");
    assert!(
        rules.contains("\"vif1.0\" comment \"vif1.0 bridged enforce 02:00:00:00:01:01 10.0.0.1"),
        "{rules}"
    );
    assert!(
        rules.contains("\"vif1.0\" . 02:00:00:00:01:01 . 10.0.7.8/29"),
        "{rules}"
    );
    // Once more is nothing to do.
    assert_eq!(world.succeed(1, &["online"]).effects.len(), 0);
    // Another list is one change.
    world.write(&format!("{}/ip", backend(1)), "10.0.0.1 10.0.0.9");
    assert_eq!(world.succeed(1, &["online"]).effects.len(), 1);
    let (names, frames) = build(&allowed());
    let came = send(&world, "g1.0", &frames);
    assert_eq!(
        came.0["g2.0"].iter().map(|n| names[*n]).collect::<Vec<_>>(),
        ["IPv4", "DHCP", "ARP", "ARP probe"]
    );
    // Its device has gone, as when a guest is destroyed.
    world.sh("ip link delete vif1.0");
    world.remove(&backend(1));
    world.succeed(1, &["offline"]);
    assert_eq!(elements(&world, "vif1.0"), [""; 0]);
    world.succeed(1, &["offline"]);
}

#[test]
fn a_list_as_long_as_a_node_is_told_whole() {
    let list: Vec<String> = (0..160)
        .map(|n| format!("10.1.{n}.0/28 10.2.0.{n}"))
        .collect();
    let Some(world) = world(&list.join(" ")) else {
        return;
    };
    let again = world.succeed(1, &["online"]);
    assert!(again.effects.is_empty(), "{:?}", again.effects);
    world.succeed(1, &["offline"]);
    assert_eq!(elements(&world, "vif1.0"), [""; 0]);
}

#[test]
fn what_cannot_be_a_list_fails_the_call() {
    let Some(world) = world(LIST) else { return };
    world.succeed(1, &["offline"]);
    world.write(&format!("{}/ip", backend(1)), "10.0.0.1 10.0.0.256");
    let called = world.call(1, &["online"]);
    assert_eq!(called.status, Some(1));
    let told = world
        .node(&format!("{}/hotplug-error", backend(1)))
        .unwrap();
    assert!(told.contains("\"10.0.0.256\" is neither"), "{told}");
    assert_eq!(elements(&world, "vif1.0"), [""; 0]);
}

#[test]
fn the_hosts_file_says_what_ip_does() {
    let Some(world) = world(LIST) else { return };
    world.sh("mount -t tmpfs tmpfs /etc/xen 2>/dev/null || { mkdir -p /etc/xen; mount -t tmpfs tmpfs /etc/xen; }");
    let set = |text: &str| {
        world.sh(&format!(
            "printf '[hotplug]\\nip_filter = {text}\\n' >/etc/xen/xenwire.toml"
        ))
    };
    let (names, frames) = build(&forged());
    let stopped = |world: &World| send(world, "g1.0", &frames).anywhere(&names).is_empty();
    for word in ["\"log\"", "\"accept-only\"", "\"off\""] {
        set(word);
        world.succeed(1, &["online"]);
        assert!(!stopped(&world), "{word}");
        let logs = word == "\"log\"";
        assert_eq!(elements(&world, "vif1.0").is_empty(), !logs, "{word}");
    }
    // What cannot be read is no reason to let a guest forge.
    for word in ["\"of\"", "7", "\"enforce\""] {
        set(word);
        let called = world.succeed(1, &["online"]);
        assert!(stopped(&world), "{word}: {}", called.stderr);
        set("\"off\"");
        world.succeed(1, &["online"]);
    }
}

#[test]
fn sixty_four_first_users() {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    let all = || 1..=64u16;
    for domid in all() {
        world.vif(domid, "br0");
        world.write(
            &format!("{}/mac", backend(domid)),
            &format!("02:00:00:00:01:{domid:02x}"),
        );
        world.write(
            &format!("{}/ip", backend(domid)),
            &format!("10.0.0.{domid}"),
        );
    }
    let start = |word: &'static str| -> Vec<_> {
        let start = |domid| {
            let mut command = world.script(domid, &[word]);
            let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            (domid, piped.spawn().unwrap())
        };
        all().map(start).collect()
    };
    for word in ["online", "offline"] {
        for (domid, call) in start(word) {
            let output = call.wait_with_output().unwrap();
            let told = world.node(&format!("{}/hotplug-error", backend(domid)));
            assert!(output.status.success(), "vif{domid}.0 {word}: {told:?}");
        }
        let list = world.sh("nft list set inet xenwire guarded");
        let found = list.matches(" comment ").count();
        assert_eq!(found, if word == "online" { 64 } else { 0 }, "{list}");
    }
}

#[test]
fn tables_of_another_version_are_replaced_and_their_guards_kept() {
    let Some(world) = world(LIST) else { return };
    let list = |world: &World| world.sh("nft list ruleset");
    let before = list(&world);
    // As an older xenwire may have left them: other sets and rules, the same texts.
    world.sh(
        "nft flush ruleset
         nft 'table inet xenwire { comment \"xenwire layout 0\"; set guarded { type ifname; elements = { \
              \"vif1.0\" comment \"vif1.0 bridged enforce 02:00:00:00:01:01 10.0.0.1 10.0.7.8/29 2001:db8::1\" } }; }'
         nft add table bridge xenwire",
    );
    world.write(&format!("{}/ip", backend(2)), "10.0.0.2");
    world.succeed(2, &["online"]);
    stopped(&world, "migrated");
    world.succeed(2, &["offline"]);
    // Packets were counted meanwhile.
    let uncounted = |text: String| -> Vec<String> {
        let lines = text
            .lines()
            .map(|line| match line.split_once("counter packets") {
                Some((before, _)) => before.to_owned(),
                None => line.to_owned(),
            });
        lines.collect()
    };
    assert_eq!(uncounted(list(&world)), uncounted(before));
    world.remove(&format!("{}/ip", backend(2)));
    world.succeed(2, &["online"]);
    // Somebody flushed everything: whoever comes next makes it anew, whoever goes has nothing to do.
    world.sh("nft flush ruleset");
    world.succeed(1, &["online"]);
    stopped(&world, "made anew");
    world.sh("nft delete table bridge xenwire");
    world.write(&format!("{}/ip", backend(1)), "10.0.0.1");
    world.succeed(1, &["online"]);
    stopped(&world, "mended");
    world.sh("nft flush ruleset");
    world.succeed(1, &["offline"]);
}

/// Two guests that were given one MAC: each is held to its own list at its own port, and nothing of the
/// one opens the other's. What is sent *to* the MAC goes to whoever spoke last, as at any switch
/// (br_fdb_update, net/bridge/br_fdb.c).
#[test]
fn two_guests_with_one_mac() {
    const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)];
    let names = ["the first's address", "the second's", "another MAC's"];
    let said = |end: &str, world: &World| {
        let from = |mac| Ends { from: mac, ..ALL };
        let frames = [
            arp(from(OWN), 1, (OWN, ADDRESSES[0]), 0),
            arp(from(OWN), 1, (OWN, ADDRESSES[1]), 1),
            arp(from(OTHERS), 1, (OTHERS, ADDRESSES[1]), 2),
        ];
        let came = send_as(world, OWN, end, &frames);
        let came: BTreeSet<_> = came
            .anywhere(&names)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        came.into_iter().collect::<Vec<_>>()
    };
    let Some(world) = world("10.0.0.1") else {
        return;
    };
    let second = |ip: Option<&str>| {
        world.succeed(2, &["offline"]);
        world.write(&format!("{}/mac", backend(2)), "02:00:00:00:01:01");
        match ip {
            Some(ip) => world.write(&format!("{}/ip", backend(2)), ip),
            None => world.remove(&format!("{}/ip", backend(2))),
        }
        world.succeed(2, &["online"]);
    };
    let port =
        || world.sh("bridge fdb show br br0 dynamic | grep 02:00:00:00:01:01 | cut -d' ' -f3");

    second(Some("10.0.0.2"));
    assert_eq!(said("g1.0", &world), names[..1]);
    assert_eq!(port(), "vif1.0\n");
    assert_eq!(said("g2.0", &world), names[1..2]);
    assert_eq!(port(), "vif2.0\n");
    // The second goes, and comes without a list: it is held to nothing, and the other as before.
    second(None);
    let all = names.into_iter().collect::<BTreeSet<_>>();
    assert_eq!(said("g2.0", &world), all.into_iter().collect::<Vec<_>>());
    assert_eq!(said("g1.0", &world), names[..1]);
    assert_eq!(port(), "vif1.0\n");
}
