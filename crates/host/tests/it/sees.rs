//! The whole state is only worth something if it sees: one change of each kind.

use std::thread::sleep;
use std::time::Duration;

use crate::whole_state::{WholeState, diff};
use crate::world::World;

/// A change, how to take it back, and a word of the difference.
const CHANGES: [(&str, &str, &str); 21] = [
    (
        "ip link set vif1.0 mtu 1400",
        "ip link set vif1.0 mtu 1500",
        "links vif1.0 mtu",
    ),
    (
        "ip link set vif1.0 up",
        "ip link set vif1.0 down",
        "links vif1.0 flags",
    ),
    (
        "ip link set vif1.0 address fe:ff:ff:ff:ff:fe",
        "ip link set vif1.0 address fe:ff:ff:ff:ff:ff",
        "links vif1.0 address",
    ),
    (
        "ip link set vif1.0 name new",
        "ip link set new name vif1.0",
        "links new mtu",
    ),
    (
        "ip link set vif1.0 alias a",
        "ip link set vif1.0 alias ''",
        "links vif1.0 ifalias",
    ),
    (
        "ip link set vif1.0 master br0",
        "ip link set vif1.0 nomaster",
        "ports vif1.0 master",
    ),
    (
        "ip link set br0 type bridge ageing_time 100",
        "ip link set br0 type bridge ageing_time 30000",
        "ageing_time",
    ),
    (
        "bridge link set dev port hairpin on",
        "bridge link set dev port hairpin off",
        "hairpin",
    ),
    (
        "bridge fdb add 02:00:00:00:00:07 dev port master",
        "bridge fdb del 02:00:00:00:00:07 dev port master",
        "fdb {",
    ),
    ("ip link add d1 type bridge", "ip link del d1", "links d1"),
    (
        "tc qdisc add dev port root pfifo",
        "tc qdisc del dev port root",
        "links port qdisc",
    ),
    (
        "ip address add 192.0.2.9/24 dev port",
        "ip address del 192.0.2.9/24 dev port",
        "addresses port 192.0.2.9/24",
    ),
    (
        "ip address add 2001:db8::9/64 dev port",
        "ip address del 2001:db8::9/64 dev port",
        "addresses port 2001:db8::9/64",
    ),
    (
        "ip address del 192.0.2.2/24 dev port; ip address add 192.0.2.2/24 dev port",
        "ip address del 192.0.2.3/24 dev port; ip address add 192.0.2.3/24 dev port",
        "addresses port order",
    ),
    (
        "ip route add 198.51.100.0/24 via 192.0.2.7 table 9",
        "ip route del 198.51.100.0/24 via 192.0.2.7 table 9",
        "routes {",
    ),
    (
        "ip -6 route add 2001:db8:1::/48 dev port",
        "ip -6 route del 2001:db8:1::/48 dev port",
        "routes6 {",
    ),
    (
        "ip rule add from 192.0.2.7 table 9",
        "ip rule del from 192.0.2.7 table 9",
        "rules {",
    ),
    (
        "ip -6 rule add from 2001:db8::7 table 9",
        "ip -6 rule del from 2001:db8::7 table 9",
        "rules6 {",
    ),
    (
        "ip neighbour add 192.0.2.7 lladdr 02:00:00:00:00:07 nud permanent dev port",
        "ip neighbour del 192.0.2.7 dev port",
        "neighbours {",
    ),
    (
        "echo 1 >/proc/sys/net/ipv4/conf/port/proxy_arp",
        "echo 0 >/proc/sys/net/ipv4/conf/port/proxy_arp",
        "settings ipv4/conf/port/proxy_arp: 0 -> 1",
    ),
    (
        "echo 1 >/proc/sys/net/ipv4/ip_forward",
        "echo 0 >/proc/sys/net/ipv4/ip_forward",
        "settings ipv4/ip_forward",
    ),
];

#[test]
fn each_kind_of_change_is_seen_and_its_end_too() {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    world.vif_link(1);
    world.sh("echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
         ip link add port type veth peer name p; ip link set p up; ip link set port master br0; ip link set port up
         ip address add 192.0.2.1/24 dev port
         ip address add 192.0.2.2/24 dev port; ip address add 192.0.2.3/24 dev port
         # One up and down, so that the first time is not the one under test.
         ip link set vif1.0 up; ip link set vif1.0 down");
    let before = world.state();
    for (change, back, word) in CHANGES {
        world.sh(change);
        let differences = diff(&before, &WholeState::take(&world.through()));
        assert!(
            differences.iter().any(|line| line.contains(word)),
            "{change}: {differences:#?}"
        );
        world.sh(back);
        assert_eq!(world.differs_from(&before), [""; 0], "after: {back}");
    }
}

#[test]
fn a_lifetime_is_a_deadline() {
    let Some(world) = World::new() else { return };
    world.sh("ip address add 192.0.2.1/24 dev lo valid_lft 900 preferred_lft 800");
    let before = world.state();
    sleep(Duration::from_secs(4));
    assert_eq!(world.differs_from(&before), [""; 0], "time goes by");
    world.sh("ip address change 192.0.2.1/24 dev lo valid_lft 905 preferred_lft 800");
    let differences = diff(&before, &world.state());
    for lifetime in ["valid_life_time", "preferred_life_time"] {
        let key = format!("addresses lo 192.0.2.1/24 {lifetime}: until");
        assert!(
            differences.iter().any(|line| line.starts_with(&key)),
            "{differences:#?}"
        );
    }
}

#[test]
fn filters_are_seen_in_their_order() {
    let Some(world) = World::new() else { return };
    let add = |rule: &str| format!("nft add rule ip t c {rule}");
    world.sh("nft add table ip t; nft add chain ip t c");
    let before = world.state();
    world.sh(&[add("tcp dport 1 counter drop"), add("tcp dport 2 drop")].join(";"));
    let one = world.state();
    assert!(diff(&before, &one)[0].starts_with("nft: "));
    world.sh(&[
        "nft flush chain ip t c".into(),
        add("tcp dport 2 drop"),
        add("tcp dport 1 counter drop"),
    ]
    .join(";"));
    assert!(!diff(&one, &world.state()).is_empty());
    world.sh("nft delete table ip t; iptables -A FORWARD -p tcp -j DROP");
    let differences = diff(&one, &world.state());
    assert!(
        differences
            .iter()
            .any(|line| line.starts_with("iptables: ") && line.contains("-j DROP"))
    );
}
