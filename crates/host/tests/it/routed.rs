//! vif-route and vif-nat: links, addresses, routes, proxies and settings as the kernel has them.

use crate::whole_state::diff;
use crate::world::{World, backend};

/// An uplink with addresses of both families, that forwards.
fn uplink(world: &World) {
    world.sh(
        "ip link add eth0 address 52:54:00:00:00:01 type veth peer name lan
         ip link set eth0 addrgenmode none; ip link set lan addrgenmode none
         ip link set eth0 up; ip link set lan up
         ip address add 192.0.2.10/24 dev eth0
         ip address add 192.0.2.11/24 dev eth0
         ip address add 2001:db8:0:2::10/64 dev eth0
         ip route add default via 192.0.2.1 dev eth0
         echo 1 >/proc/sys/net/ipv4/ip_forward
         echo 1 >/proc/sys/net/ipv6/conf/all/forwarding",
    );
}

/// A vif of a running guest, and the list of its addresses.
fn vif(world: &World, ip: &str) {
    world.vif(1, "none");
    world.sh("ip link set g1.0 up");
    if !ip.is_empty() {
        world.write(&format!("{}/ip", backend(1)), ip);
    }
}

/// Our tables, which stay once the first guest with `ip=` was there.
fn tables(world: &World) {
    world.vif(9, "none");
    world.write(&format!("{}/ip", backend(9)), "198.51.100.9");
    for word in ["online", "offline"] {
        world.succeed(9, &["--script", "vif-nat", word]);
    }
    world.sh("ip link delete vif9.0");
    world.remove(&backend(9));
}

const BOTH: &str = "192.0.2.21 203.0.113.8/29 2001:db8:0:2::21 2001:db8:7::/64";

fn online(world: &World, script: &str) {
    world.succeed(1, &["--script", script, "online"]);
    let status = world.node(&format!("{}/hotplug-status", backend(1)));
    assert_eq!(status.as_deref(), Some("connected"));
}

fn offline(world: &World, script: &str) {
    world.succeed(1, &["--script", script, "offline"]);
}

/// A command's lines without blanks at their ends.
fn lines(world: &World, command: &str) -> Vec<String> {
    let said = world.sh(command);
    said.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn setting(world: &World, key: &str) -> String {
    world
        .sh(&format!("cat /proc/sys/net/{key}"))
        .trim()
        .to_owned()
}

#[test]
fn vif_route_online_once_and_again() {
    let Some(world) = World::new() else { return };
    uplink(&world);
    vif(&world, BOTH);
    online(&world, "vif-route");
    let brief = "ip -brief address show dev vif1.0";
    let addresses = lines(&world, brief).join(" ");
    for address in [
        "192.0.2.10/32",
        "2001:db8:0:2::10/128",
        "fe80::fcff:ffff:feff:ffff/64",
    ] {
        assert!(addresses.contains(address), "{addresses}");
    }
    assert!(
        !addresses.contains("192.0.2.11"),
        "the main one alone: {addresses}"
    );
    assert_eq!(
        lines(&world, "ip -4 route show dev vif1.0"),
        [
            "192.0.2.21 proto static scope link src 192.0.2.10 metric 2",
            "203.0.113.8/29 proto static scope link src 192.0.2.10 metric 2",
        ]
    );
    let ipv6 = lines(&world, "ip -6 route show dev vif1.0 proto static");
    assert_eq!(
        ipv6,
        [
            "2001:db8:0:2::21 metric 2 pref medium",
            "2001:db8:7::/64 metric 2 pref medium",
        ]
    );
    let proxies = "ip -6 neighbour show proxy dev eth0";
    assert_eq!(lines(&world, proxies), ["2001:db8:0:2::21 proxy"]);
    for key in [
        "ipv4/conf/vif1.0/proxy_arp",
        "ipv6/conf/vif1.0/proxy_ndp",
        "ipv6/conf/eth0/proxy_ndp",
    ] {
        assert_eq!(setting(&world, key), "1", "{key}");
    }
    let first = world.state();
    let again = world.call(1, &["--script", "vif-route", "online"]);
    assert_eq!(again.status, Some(0), "{}", again.stderr);
    assert_eq!(again.effects.len(), 0, "{:?}", again.effects);
    assert_eq!(world.differs_from(&first), [""; 0]);
    // A status that was lost is written again.
    world.remove(&format!("{}/hotplug-status", backend(1)));
    online(&world, "vif-route");
    assert_eq!(world.differs_from(&first), [""; 0]);
}

/// As libxl calls: the link has gone, and so have the nodes; and eth0 has lost its address.
#[test]
fn vif_route_offline_of_a_vif_that_is_gone() {
    let Some(world) = World::new() else { return };
    uplink(&world);
    world.sh("echo 1 >/proc/sys/net/ipv6/conf/eth0/proxy_ndp");
    tables(&world);
    let before = world.state();
    vif(&world, BOTH);
    online(&world, "vif-route");
    world.sh("ip link del vif1.0");
    world.remove(&backend(1));
    offline(&world, "vif-route");
    assert_eq!(world.differs_from(&before), [""; 0]);
    assert!(world.journal(1).is_empty());
    // A second offline has nothing to do, and no uplink is needed for it.
    world.sh("ip link del eth0");
    offline(&world, "vif-route");
}

/// The link is still there, as after a guest that closed: it is down and bare.
#[test]
fn vif_route_offline_of_a_vif_that_is_there() {
    let Some(world) = World::new() else { return };
    uplink(&world);
    vif(&world, BOTH);
    online(&world, "vif-route");
    world.sh("ip address flush dev eth0");
    offline(&world, "vif-route");
    assert_eq!(lines(&world, "ip route show table all dev vif1.0"), [""; 0]);
    assert_eq!(lines(&world, "ip -6 neighbour show proxy"), [""; 0]);
    let link = world.sh("ip address show vif1.0");
    assert!(!link.contains("UP") && !link.contains("inet"), "{link}");
    assert_eq!(setting(&world, "ipv4/conf/vif1.0/proxy_arp"), "0");
    world.sh("ip address add 192.0.2.10/24 dev eth0");
    online(&world, "vif-route");
}

/// What a first online put on eth0 goes with the address it was for, and what the administrator put
/// there stays.
#[test]
fn vif_route_with_another_list() {
    let Some(world) = World::new() else { return };
    uplink(&world);
    vif(&world, BOTH);
    world.sh("ip -6 neighbour add proxy 2001:db8:0:2::99 dev eth0");
    online(&world, "vif-route");
    let list = "192.0.2.22 2001:db8:0:2::22 2001:db8:0:2::99";
    world.write(&format!("{}/ip", backend(1)), list);
    online(&world, "vif-route");
    let proxies = "ip -6 neighbour show proxy dev eth0 | sort";
    assert_eq!(
        lines(&world, proxies),
        ["2001:db8:0:2::22 proxy", "2001:db8:0:2::99 proxy"]
    );
    assert_eq!(
        lines(&world, "ip -4 route show dev vif1.0"),
        ["192.0.2.22 proto static scope link src 192.0.2.10 metric 2"]
    );
    offline(&world, "vif-route");
    assert_eq!(lines(&world, proxies), ["2001:db8:0:2::99 proxy"]);
}

#[test]
fn vif_route_of_a_tap_wins() {
    let Some(world) = World::new() else { return };
    uplink(&world);
    vif(&world, "192.0.2.21 2001:db8:0:2::21");
    online(&world, "vif-route");
    world.sh(
        "ip link add vif1.0-emu type veth peer name e1.0; ip link set e1.0 up
         mkdir -p /run/xenwire",
    );
    let tap = |command: &str| {
        let mut script = world.script_for_tap(1, &["--script", "vif-route", command]);
        let ended = script.output().unwrap();
        assert!(ended.status.success(), "{command}: {ended:?}");
    };
    tap("add");
    let to_guest = "ip route show 192.0.2.21; ip -6 route show 2001:db8:0:2::21";
    assert_eq!(
        lines(&world, to_guest),
        [
            "192.0.2.21 dev vif1.0-emu proto static scope link src 192.0.2.10 metric 1",
            "192.0.2.21 dev vif1.0 proto static scope link src 192.0.2.10 metric 2",
            "2001:db8:0:2::21 dev vif1.0-emu proto static metric 1 pref medium",
            "2001:db8:0:2::21 dev vif1.0 proto static metric 2 pref medium",
        ]
    );
    // The guest's own driver takes over.
    tap("remove");
    assert_eq!(lines(&world, to_guest).len(), 2);
    let proxies = "ip -6 neighbour show proxy dev eth0";
    assert_eq!(lines(&world, proxies), ["2001:db8:0:2::21 proxy"]);
}

/// Two vifs have dom0's address; that of one goes without the routes of the other.
#[test]
fn vif_route_of_one_of_two() {
    let Some(world) = World::new() else { return };
    uplink(&world);
    vif(&world, "192.0.2.21");
    world.vif(2, "none");
    world.write(&format!("{}/ip", backend(2)), "192.0.2.22");
    online(&world, "vif-route");
    world.succeed(2, &["--script", "vif-route", "online"]);
    offline(&world, "vif-route");
    assert_eq!(
        lines(&world, "ip -4 route show dev vif2.0"),
        ["192.0.2.22 proto static scope link src 192.0.2.10 metric 2 linkdown"]
    );
    assert!(world.sh("ip route show default").contains("via 192.0.2.1"));
}

#[test]
fn vif_route_without_an_address_on_the_uplink() {
    let Some(world) = World::new() else { return };
    world.sh("ip link add eth0 type veth peer name lan");
    vif(&world, "192.0.2.21");
    let before = world.state();
    let called = world.call(1, &["--script", "vif-route", "online"]);
    assert_eq!(called.status, Some(1));
    assert_eq!(world.differs_from(&before), [""; 0]);
    let node = |name: &str| world.node(&format!("{}/{name}", backend(1))).unwrap();
    assert_eq!(node("hotplug-status"), "error");
    assert!(
        node("hotplug-error").starts_with("eth0 is not up."),
        "{}",
        node("hotplug-error")
    );
}

/// A failure at each step leaves nothing behind, and the next call makes it whole.
#[test]
fn vif_route_that_fails_is_undone() {
    let Some(world) = World::new() else { return };
    uplink(&world);
    tables(&world);
    world.vif(1, "none");
    world.write(&format!("{}/ip", backend(1)), BOTH);
    let before = world.state();
    for number in 0..100 {
        let number = number.to_string();
        let words = ["--script", "vif-route", "--refuse", &number, "online"];
        let called = world.call(1, &words);
        if called.status == Some(0) {
            assert!(number.parse::<u32>().unwrap() > 10, "it was not so short");
            return;
        }
        // Which groups a link listens to is the kernel's own business (ipv6_mc_down, mcast.c).
        let mut differences = diff(&before, &world.state());
        differences.retain(|line| !line.contains("\"mac\":\"33:33:"));
        assert_eq!(differences, [""; 0], "refused {number}");
    }
    panic!("it never comes to its end");
}

#[test]
fn vif_nat_online_again_and_offline() {
    let Some(world) = World::new() else { return };
    world.sh("echo 1 >/proc/sys/net/ipv4/ip_forward");
    tables(&world);
    let before = world.state();
    vif(&world, "");
    online(&world, "vif-nat");
    let address = "ip -brief -4 address show dev vif1.0";
    assert!(world.sh(address).contains("10.0.1.128/32"));
    assert_eq!(
        lines(&world, "ip -4 route show dev vif1.0"),
        ["10.0.1.1 proto static scope link src 10.0.1.128"]
    );
    assert_eq!(setting(&world, "ipv4/conf/vif1.0/proxy_arp"), "1");
    // Where the originals said nothing a second time, netback would wait for ever.
    world.remove(&format!("{}/hotplug-status", backend(1)));
    online(&world, "vif-nat");
    world.write(
        &format!("{}/ip", backend(1)),
        "192.168.7.200/24 192.168.7.201",
    );
    online(&world, "vif-nat");
    assert_eq!(
        lines(&world, "ip -4 route show dev vif1.0"),
        [
            "192.168.7.200 proto static scope link src 192.168.7.73",
            "192.168.7.201 proto static scope link src 192.168.7.73",
        ]
    );
    offline(&world, "vif-nat");
    let link = world.sh("ip address show vif1.0");
    assert!(!link.contains("UP") && !link.contains("inet"), "{link}");
    world.sh("ip link del vif1.0");
    world.remove(&backend(1));
    offline(&world, "vif-nat");
    assert_eq!(world.differs_from(&before), [""; 0]);
}
