//! Files as people write them, generated: well-formed ones, and ones with slips.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const NAMES: [&str; 10] = [
    "eth0", "eth1", "br0", "xenbr1", "eth0.10", "vlan20", "bond0", "dummy0", "eth0:1", "lan",
];

/// Options that ifquery prints as they are.
fn plain_option() -> impl Strategy<Value = String> {
    let name = select(vec![
        "mtu 1500",
        "bridge_ports eth7 eth8",
        "bridge-ports none",
        "bridge_ports regex (eth|vif).* noregex dummy3",
        "bridge_stp off",
        "bridge-fd 0",
        "vlan-raw-device eth9",
        "vlan_raw_device eth9",
        "dns-nameservers 9.9.9.9   1.1.1.1",
        "dns-search example.net example.org",
        "my-own thing  with # words",
        "x? 1",
        "x 2",
        "description the \"first\" \\ one",
        "up ip route add 10.0.0.0/8 via 192.0.2.1",
        "post-up echo $IFACE || true",
        "pre-up modprobe 8021q",
        "down vconfig rem eth0.293",
        "pre-down echo a   b",
        "post-down true # done",
    ]);
    let folded = select(vec![false, false, false, true]);
    (name, folded, indent(), trail()).prop_map(|(option, folded, indent, trail)| {
        let option = match option.split_once(' ') {
            // A continuation keeps the blanks before the backslash and behind it.
            Some((first, rest)) if folded => format!("{first} \\\n  {rest}"),
            _ => option.to_owned(),
        };
        format!("{indent}{option}{trail}\n")
    })
}

fn indent() -> impl Strategy<Value = &'static str> {
    select(vec!["", "\t", "    ", " \t "])
}

fn trail() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", " ", "\t"])
}

fn between() -> impl Strategy<Value = String> {
    let line = select(vec![
        "",
        "",
        "\n",
        "# a comment \\\n",
        "  # another\n",
        " \t\n",
    ]);
    line.prop_map(str::to_owned)
}

fn iface() -> impl Strategy<Value = String> {
    let manual = select(vec![
        "inet manual",
        "inet manual",
        "inet dhcp",
        "inet6 manual",
        "inet6 auto",
    ]);
    let manual = (
        select(&NAMES[..]),
        manual,
        vec(plain_option(), 0..6),
        between(),
    )
        .prop_map(|(name, how, options, between)| {
            format!("iface {name} {how}\n{}{between}", options.concat())
        });
    let address = (any::<[u8; 4]>(), 0..5u8).prop_map(|([a, b, c, d], form)| {
        let a = a % 223 + 1;
        let address = format!("{a}.{b}.{c}.{d}");
        match form {
            0 => format!("address {address}\n"),
            1 => format!("address {address}/{}\n", d % 31 + 1),
            2 => format!(
                "  netmask 255.255.{}.0\n address {address}\n",
                256 - (1 << (c % 8))
            ),
            3 => format!("address {address}\nnetmask {}\n", d % 31 + 1),
            _ => format!("address  {address}/24 \ngateway {a}.{b}.{c}.1\n"),
        }
    });
    let fixed = (select(&NAMES[..]), address, vec(plain_option(), 0..4)).prop_map(
        |(name, address, options)| {
            format!("iface {name} inet static\n{address}{}", options.concat())
        },
    );
    prop_oneof![3 => manual, 2 => fixed]
}

fn other_stanza() -> impl Strategy<Value = String> {
    select(vec![
        "auto lo eth0\n",
        "auto eth0   br0 \n",
        "auto \\\n eth1 lan\n",
        "allow-auto vlan20\n",
        "allow-hotplug eth1 eth0\n",
        "allow-ovs br0\n",
        "no-auto-down eth0\n",
        "no-scripts eth1\n",
        "mapping eth5 eth6*\n\tscript /bin/true\n\tmap a b\n map c d\n",
        "iface lo inet loopback\n",
        "iface template inet manual\n mtu 1400\n up echo up\niface eth3 inherits template\n mtu 1300\n",
        "iface wide inet manual\n x 1\niface eth4 inet manual inherits wide\n x? 3\n y? 4\n y 5\n",
        "rename wan=eth7\n",
    ])
    .prop_map(str::to_owned)
}

/// A file that ifupdown reads.
pub fn well_formed() -> impl Strategy<Value = String> {
    vec(prop_oneof![2 => iface(), 1 => other_stanza()], 0..8).prop_map(|stanzas| stanzas.concat())
}

fn fault() -> impl Strategy<Value = String> {
    select(vec![
        "atuo eth0\n",
        "address 10.0.0.1\n",
        "iface\n",
        "iface eth0\n",
        "iface eth0 inet\n",
        "iface eth0 inet staitc\n",
        "iface eth0 inet6 bootp\n",
        "iface eth0 innet manual\n",
        "iface eth0 dhcp\n",
        "iface eth0 inherits nobody\n",
        "iface eth0 inet manual inherits\n",
        "iface eth0 inet inherits eth1\n",
        "iface eth0 inet manual more\n",
        "iface eth0 ipx dynamic\n",
        "iface eth0 can static\nbitrate 500000\n",
        "iface eth0 meta none\n",
        "mapping eth0\n script a\n script b\n",
        "mapping eth0\n sript a\n",
        "mtu\n",
        " up \n",
        "auto\n",
        "mapping\n",
        "allow- eth0\n",
        "#\n",
        "\\\n",
        "mtu 1 \\\n",
    ])
    .prop_map(str::to_owned)
}

/// A file that ifupdown may refuse: a well-formed one with slips between its lines.
pub fn with_faults() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![3 => iface(), 2 => other_stanza(), 2 => fault()],
        0..7,
    )
    .prop_map(|stanzas| stanzas.concat())
}
