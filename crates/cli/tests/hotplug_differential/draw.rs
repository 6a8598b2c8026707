//! Situations that nobody wrote down: a seed and a number give one, in the language of the files.
//!
//! Each line is likely to be met on some host: what is odd is rare, so that most cases get far and
//! two odd things still meet. Before each call everything is looked at.
//!
//! Invariant: what is drawn is text, and so can be put into a file as it is.

use crate::dice::Dice;

/// Once in so many cases, these lines: what a host may be like.
const WORLDS: &[(u64, &[&str])] = &[
    (
        3,
        &["ip link add br1 address 02:00:00:00:00:b1 type bridge; ip link set br1 up"],
    ),
    (40, &["ip link del br0"]),
    (
        8,
        &[
            "ip link set br0 type bridge stp_state 1",
            "ip link set br0 type bridge vlan_filtering 1",
            "ip link set br0 down",
            "ip link set br0 arp off",
            "ip address add 2001:db8:1::10/64 dev br0 nodad",
        ],
    ),
    (
        6,
        &[
            "ip link set br0 mtu 1400",
            "ip link set br0 mtu 9000",
            "ip link set eth0 mtu 9000; ip link set br0 mtu 9000",
            "ip link set br0 mtu 68",
            "ip link set br0 mtu 1280",
        ],
    ),
    (
        10,
        &[
            "ip link set vif5.0 master br0",
            "ip link set vif5.0 master br0 up",
            "ip link set vif5.0 address fe:ff:ff:ff:ff:ff; ip link set vif5.0 master br0 up",
        ],
    ),
    (
        6,
        &[
            "ip link set vif5.0 up",
            "ip link set vif5.0 address fe:ff:ff:ff:ff:ff",
            "ip link set vif5.0 mtu 1400",
            "ip link set vif5.0 mtu 9000",
            "ip link set vif5.0 arp off",
            "ip link set vif5.0 multicast off",
            "ip link set vif5.0 alias somebody",
        ],
    ),
    (
        10,
        &[
            "ip address add 198.51.100.1/24 dev vif5.0",
            "ip address add 198.51.100.1/24 dev vif5.0; ip link set vif5.0 up",
            "ip address add 2001:db8::1/64 dev vif5.0 nodad",
            "ip address add 198.51.100.1 peer 198.51.100.2 dev vif5.0",
        ],
    ),
    (
        10,
        &[
            "echo 1 >/proc/sys/net/ipv4/conf/vif5.0/proxy_arp",
            "echo 1 >/proc/sys/net/ipv6/conf/vif5.0/disable_ipv6",
            "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6",
            "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6",
            "echo 1 >/proc/sys/net/ipv4/ip_forward",
            "echo 1 >/proc/sys/net/ipv4/conf/default/proxy_arp",
            "echo 1 >/proc/sys/net/ipv4/conf/all/proxy_arp",
            "echo 2 >/proc/sys/net/ipv4/conf/vif5.0/rp_filter",
            "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding",
            "echo 3 >/proc/sys/net/ipv6/conf/vif5.0/addr_gen_mode",
        ],
    ),
    (
        12,
        &[
            "ip link set t5.0 name web",
            "ip link add xenbr0 address 02:00:00:00:00:c0 type bridge",
            "ip link add eth9 address 02:00:00:00:00:c9 type bridge; ip link set eth9 up",
            "ip link add vif5.1 address 02:00:00:00:05:01 type veth peer name g5.1 address 00:16:3e:00:05:01",
            "ip link add vif6.0 address fe:ff:ff:ff:ff:ff type veth peer name g6.0 address 00:16:3e:00:06:00; ip link set vif6.0 master br0 up",
            "ip link add vif5.01 address 02:00:00:00:55:00 type veth peer name g5.01 address 00:16:3e:00:55:00; ip link set vif5.01 up; ip route add 198.51.100.0/24 dev vif5.01",
        ],
    ),
    (
        12,
        &[
            "ip route add default via 192.0.2.1",
            "ip route add 203.0.113.0/24 via 192.0.2.1",
            "ip route add blackhole 203.0.113.0/24",
            "ip rule add to 203.0.113.0/24 table 100; ip route add 203.0.113.0/24 via 192.0.2.1 table 100",
            "ip neighbour add 192.0.2.7 lladdr 02:00:00:00:00:77 dev br0 nud permanent",
            "ip neighbour add proxy 203.0.113.5 dev br0",
        ],
    ),
    (60, &["ip link del vif5.0"]),
];

/// The same for the nodes of the vif.
const NODES: &[(u64, &[&str])] = &[
    (
        4,
        &[
            "node: bridge = br1",
            "no-node: bridge",
            "node: bridge =",
            "node: bridge = br9",
            "node: bridge = xenbr0",
            "node: bridge = xenbr9",
            "node: bridge = eth0",
            "node: bridge = br0 ",
            "node: bridge = vif5.0",
        ],
    ),
    (
        7,
        &[
            "node: vifname = web",
            "node: vifname = web",
            "node: vifname = web",
            "node: vifname =",
            "node: vifname = vif5.0",
            "node: vifname = guest5-eth0",
            "node: vifname = a.much.longer.name",
            "node: vifname = eth0",
            "node: vifname = vif7.0",
            "node: vifname = dev",
        ],
    ),
    (
        4,
        &[
            "node: mtu = 1400",
            "node: mtu = 1500",
            "node: mtu = 9000",
            "node: mtu =",
            "node: mtu = 0",
            "node: mtu = 68",
            "node: mtu = 1280",
            "node: mtu = 67",
            "node: mtu = 65535",
            "node: mtu = 70000",
            "node: mtu = -1",
            "node: mtu = jumbo",
        ],
    ),
    (
        12,
        &[
            "no-node: mac",
            "node: mac = 00:16:3E:00:05:00",
            "node: mac = 00-16-3e-00-05-00",
            "node: mac =",
            "node: mac = ff:ff:ff:ff:ff:ff",
            "node: mac = 01:00:5e:00:00:01",
        ],
    ),
    (
        12,
        &[
            "node: type = vif_ioemu",
            "no-node: type",
            "node: rate = 100000,50000",
            "no-node: script",
            "node: script = /etc/xen/scripts/vif-route",
            "no-node: state",
            "node: state = 4",
            "node: state = 5",
            "node: online = 0",
            "no-node: online",
            "node: gatewaydev = eth0",
            "node: uuid = 5f0d0e0c",
        ],
    ),
    (
        10,
        &[
            "no-node: hotplug-status",
            "node: hotplug-status = error",
            "node: hotplug-status = connected",
            "node: hotplug-status = busy",
            "node: hotplug-error = an earlier one",
            "node: hotplug-error =",
        ],
    ),
    (
        20,
        &[
            "no-node: frontend",
            "no-node: /local/domain/5/device/vif/0/mtu",
            "no-node: /local/domain/5/device/vif/0",
            "no-node: /local/domain/5",
            "node: /local/domain/5/device/vif/0/mtu = 1500",
            "no-node: frontend-id",
            "no-node: handle",
            "node: handle = 1",
            "no-node: .",
        ],
    ),
];

/// The same for what the calls see beside the store.
const ENVIRONMENT: &[(u64, &[&str])] = &[
    (
        8,
        &[
            "env: XENBUS_PATH=/local/domain/0/backend/vif/5/0",
            "env: XENBUS_PATH=/local/domain/0/backend/vif/5/0",
            "env: XENBUS_PATH=backend/vif/5/0/",
            "env: XENBUS_PATH=backend//vif/5/0",
            "env: XENBUS_PATH",
            "env: XENBUS_PATH=",
            "env: XENBUS_PATH=backend/vif/5/9",
            "env: XENBUS_PATH=/backend/vif/5/0",
        ],
    ),
    (
        8,
        &[
            "env: XENBUS_BASE_PATH",
            "env: XENBUS_TYPE",
            "env: script",
            "env: script=vif-bridge",
            "env: netdev",
            "env: LC_ALL=C.UTF-8",
            "env: HOME=/root",
        ],
    ),
    (
        8,
        &[
            "env: bridge=br1",
            "env: bridge=br9",
            "env: bridge=",
            "env: ip=203.0.113.77",
            "env: mac=00:16:3e:11:11:11",
            "env: mtu=1300",
            "env: dev=eth0",
            "env: vifname=leaked",
            "env: type_if=vif",
            "env: type_if=tap",
            "env: command=offline",
            "env: INTERFACE=vif5.0-emu",
            "env: netdev=br0",
            "env: netdev=eth0",
            "env: netdev=nowhere",
        ],
    ),
    (60, &["env: vif", "env: vif="]),
];

/// Addresses of the guest: odd for a bridge, most of what there is for a route.
const ADDRESSES: &[&str] = &[
    "203.0.113.5",
    "203.0.113.5",
    "203.0.113.5 203.0.113.6",
    "203.0.113.5  203.0.113.8/29",
    "203.0.113.8/29",
    "203.0.113.5/32",
    "192.0.2.21",
    " 203.0.113.5",
    "203.0.113.5 203.0.113.5",
    "203.0.113.5 2001:db8::5",
    "2001:db8::5",
    "2001:db8::5/128 203.0.113.5",
    "203.0.113.9/29",
    "0.0.0.0/0",
    "10.1.2.3/16",
    "192.168.7.200",
    "nonsense",
    "203.0.113",
    "",
];

/// Words of a call behind its command.
const ARGUMENTS: &[&str] = &[
    "bridge=br1",
    "bridge=br9",
    "bridge='br1'",
    "bridge=",
    "netdev=eth0",
    "netdev=br0",
    "netdev=nowhere",
    "ip=203.0.113.66",
    "dhcp=no",
    "antispoof=no",
    "script=vif-bridge",
    "colour=green",
    "mac=00:16:3e:22:22:22",
    "type_if=vif",
];

/// What happens between two calls.
const EVENTS: &[&str] = &[
    "world: ip link del vif5.0",
    "world: ip link del vif5.0",
    "world: ip link set vif5.0 down",
    "world: ip link set vif5.0 nomaster",
    "world: ip link del br0",
    "world: ip link set br0 mtu 1400",
    "world: ip address flush dev br0",
    "world: ip address flush dev eth0",
    "no-node: .",
    "no-node: /local/domain/5",
    "no-node: hotplug-status",
    "node: bridge = br9",
    "node: ip = 203.0.113.99",
    "node: mtu = 1400",
    "node: state = 6",
    "no-node: vifname",
    "no-node: ip",
];

/// A case, as the text of a situation.
pub fn case(seed: u64, number: u64) -> String {
    let mut dice = Dice::new(seed, number);
    let script = dice.one(&[
        "vif-bridge",
        "vif-bridge",
        "vif-bridge",
        "vif-route",
        "vif-nat",
    ]);
    let mut lines = vec![
        format!("== drawn {number} of seed {seed}"),
        "contract: 2, 3, 8, B".to_owned(),
    ];
    // dom0's address is the uplink's where guests are routed.
    if script == "vif-route" && !dice.once_in(6) {
        lines.push(
            "world: ip link set eth0 nomaster; ip address flush dev br0; ip address add 192.0.2.10/24 dev eth0"
                .to_owned(),
        );
    }
    for (times, of) in WORLDS {
        if dice.once_in(*times) {
            // What another line made impossible is left out, on both sides.
            let line = dice.one(of);
            lines.push(format!("world: {{ {line}; }} 2>/run/refused || true"));
        }
    }
    let guest = match script {
        "vif-bridge" => 6,
        _ => 2,
    };
    if dice.once_in(guest) {
        lines.push(format!("node: ip = {}", dice.one(ADDRESSES)));
    }
    for (times, of) in NODES.iter().chain(ENVIRONMENT) {
        if dice.once_in(*times) {
            lines.push(dice.one(of).to_owned());
        }
    }
    let tap = dice.once_in(8);
    if tap {
        lines.push("env: INTERFACE=vif5.0-emu".to_owned());
    }
    let online: &[&str] = if tap { &["add"] } else { &["online"] };
    let offline: &[&str] = if tap { &["remove"] } else { &["offline"] };
    let calls = dice.one(&[
        [online, &[], &[]],
        [online, offline, &[]],
        [online, offline, &[]],
        [online, online, &[]],
        [offline, &[], &[]],
        [online, offline, online],
        [online, online, offline],
        [offline, online, offline],
    ]);
    let of_both = match (tap, dice.once_in(20)) {
        (_, true) => dice.one(&["", " type_if=tap", " type_if=vif", " type_if=tun"]),
        (true, _) => " type_if=tap",
        (false, _) => " type_if=vif",
    };
    for (at, command) in calls.concat().into_iter().enumerate() {
        if at > 0 && dice.once_in(3) {
            let event = dice.one(EVENTS);
            lines.push(match event.strip_prefix("world: ") {
                Some(line) => format!("world: {line} 2>/run/refused || true"),
                None => event.to_owned(),
            });
        }
        let mut words = format!("{command}{of_both}");
        if dice.once_in(10) {
            words = format!("{words} {}", dice.one(ARGUMENTS));
        }
        lines.push(format!("look: before {command}"));
        lines.push(format!("call: {script} {words}"));
    }
    lines.join("\n")
}

#[test]
fn every_case_can_be_read() {
    for number in 0..2000 {
        let text = case(1, number);
        assert!(!crate::situation::Situation::drawn(&text).steps.is_empty());
    }
}
