//! What else a NIC can be, or have on it: links of kinds that the development kernel lacks.

use crate::machine::{Boot, Machine};

/// 1.7 of Xen's contract: a bridge of guests and dom0 alone.
const DUMMY: &str = "
ip link add dummy0 type dummy
ip address add 198.18.0.1/24 dev dummy0
ip link set dummy0 up
rested /tmp/before
network-bridge start vifnum=2 netdev=dummy0
[ -e /sys/class/net/xenbr2/brif/pdummy0 ]
[ -e /sys/class/net/xenbr2/brif/vif0.2 ]
guest xenbr2 198.18.0.9/24
ip netns exec guest ping -q -n -c 3 -w 10 198.18.0.1
no_guest
network-bridge stop vifnum=2 netdev=dummy0
becomes /tmp/before
ip link delete dummy0";

/// The NIC has found its link before anybody looks at the host.
const OUTSIDE: &str = "
outside
ip link set eth0 up
until [ \"$(cat /sys/class/net/eth0/operstate)\" = up ]; do sleep 0.1; done";

/// The commands of the seed's `iface xen-br293`, with ip(8) for vconfig and ifconfig.
const VLAN_AS_IN_XEN2: &str = "
tagged_outside
rested /tmp/before
ip link add link eth0 name eth0.293 type vlan id 293
network start netdev=eth0.293 bridge=xen-br293 antispoof=no
ip link set eth0.293 up
guest xen-br293 10.29.3.9/24
until ip netns exec guest ping -q -n -c 1 -W 1 10.29.3.1; do :; done
# What came back was tagged: without the tag there is nobody of that address.
ip -n outside link set eth0.293 down
ip netns exec guest ping -q -n -c 1 -W 1 10.29.3.1 && exit 9
no_guest
network stop netdev=eth0.293 bridge=xen-br293 antispoof=no
ip link delete eth0.293
becomes /tmp/before
ip -n outside link delete eth0.293";

const VLAN: &str = "
tagged_outside
ip link add link eth0 name eth0.293 type vlan id 293
ip address add 10.29.3.10/24 dev eth0.293
ip address add 2001:db8:293::10/64 dev eth0.293 nodad
ip link set eth0.293 up
rested /tmp/before
network-bridge start netdev=eth0.293
[ -e /sys/class/net/xenbr293/brif/peth0.293 ]
[ -e /sys/class/net/xenbr293/brif/vif0.293 ]
guest xenbr293 10.29.3.9/24
for from in dom0 guest; do
  in=
  [ $from = dom0 ] || in='ip netns exec guest'
  until $in ping -q -n -c 1 -W 1 10.29.3.1; do :; done
done
until ping -q -n -c 1 -W 1 2001:db8:293::1; do :; done
no_guest
network-bridge stop netdev=eth0.293
becomes /tmp/before
until ping -q -n -c 1 -W 1 2001:db8:293::1; do :; done
ip link delete eth0.293
ip -n outside link delete eth0.293";

/// VLANs on the NIC, one on another, go down with it and have everything afterwards: their MAC too,
/// though they follow a NIC's (vlan_sync_address, net/8021q/vlan.c) and xen3.0 makes peth0's quiet.
const VLANS_ON_IT: &str = "
tagged_outside
ip link add link eth0 name eth0.293 type vlan id 293
ip link add link eth0.293 name inner type vlan id 7
for vlan in eth0.293 inner; do ip link set $vlan up; done
ip address add 10.29.3.10/24 dev eth0.293
ip address add 2001:db8:293::10/64 dev eth0.293 nodad
ip address add 10.29.7.10/24 dev inner
ip address add 2001:db8:7::10/64 dev inner valid_lft 9000 preferred_lft 4000 nodad
ip route add 203.0.113.128/25 via 10.29.3.1
ip route add 2001:db8:99::/64 via 2001:db8:293::1 table 99
ip route add 2001:db8:98::/64 via 2001:db8:7::1
ip neighbour add 2001:db8:7::1 lladdr 02:00:00:00:00:01 dev inner nud permanent
answers
rested /tmp/before
on_it() { state | grep -E '(eth0[.]293|inner)' | sed -E -e 's/@p?eth0:/@:/' | grep -v '^/proc'; }
on_it >/tmp/on_it
for generation in xen2 xen3.0 xen3.2; do
  network-bridge start --generation $generation
  answers
  until ping -q -n -c 1 -W 1 2001:db8:293::1; do :; done
  until on_it >/tmp/on_it.started; cmp -s /tmp/on_it /tmp/on_it.started; do
    [ $((turns = ${turns:-0} + 1)) -lt 100 ] || diff /tmp/on_it /tmp/on_it.started
    sleep 0.1
  done
  network-bridge stop --generation $generation
  becomes /tmp/before
  until ping -q -n -c 1 -W 1 2001:db8:293::1; do :; done
done
ip link delete eth0.293
ip -n outside link delete eth0.293";

/// A bond instead of a NIC; eth1's wire ends nowhere.
const BOND: &str = "
ip address flush dev eth0
ip link set eth0 down
ip link add bond0 type bond mode active-backup miimon 100 primary eth0
for nic in eth0 eth1; do
  ip link set $nic down
  ip link set $nic master bond0
done
ip link set bond0 up
ip address add 192.0.2.10/24 dev bond0
ip address add 2001:db8::10/64 dev bond0 nodad
answers
until [ \"$(cat /sys/class/net/bond0/bonding/active_slave)\" = eth0 ]; do sleep 0.1; done
rested /tmp/before
for generation in xen2 xen3.0 xen3.2; do
  if network-bridge start --generation $generation netdev=eth1 2>/tmp/said; then exit 9; fi
  grep 'eth1 belongs to bond0' /tmp/said
  becomes /tmp/before
  network-bridge start --generation $generation netdev=bond0
  answers
  bond=$(ls -d /sys/class/net/*/bonding)
  [ \"$generation\" = xen2 ] || [ $bond = /sys/class/net/pbond0/bonding ]
  [ \"$(cat $bond/slaves)\" = 'eth0 eth1' ]
  [ \"$(cat $bond/mode)\" = 'active-backup 1' ]
  [ \"$(cat $bond/active_slave)\" = eth0 ]
  network-bridge stop --generation $generation netdev=bond0
  answers
  becomes /tmp/before
done
ip link delete bond0";

const WIRELESS: &str = "
modprobe mac80211_hwsim radios=1
rested /tmp/before
if network-bridge start netdev=wlan0; then exit 9; fi
becomes /tmp/before
rmmod mac80211_hwsim";

/// The NIC hands its frames to the macvlan and can be no port (netdev_rx_handler_register).
const MACVLAN: &str = "
ip link add link eth0 name mv0 type macvlan mode bridge
ip address add 192.0.2.12/24 dev mv0
ip link set mv0 up
rested /tmp/before
for generation in xen2 xen3.0 xen3.2; do
  if network-bridge start --generation $generation; then exit 9; fi
  becomes /tmp/before
done
ip link delete mv0";

/// What some of them need besides `host.sh`.
const WORDS: &str = r#"
. host.sh
tagged_outside() {
  ip -n outside link add link eth0 name eth0.293 type vlan id 293
  ip -n outside address add 10.29.3.1/24 dev eth0.293
  ip -n outside address add 2001:db8:293::1/64 dev eth0.293 nodad
  ip -n outside link set eth0.293 up
}
guest() { # BRIDGE ADDRESS
  ip netns add guest
  ip link add vif1.0 address fe:ff:ff:ff:ff:ff type veth peer name eth0 netns guest
  ip link set vif1.0 addrgenmode none
  ip link set vif1.0 master "$1" up
  ip -n guest address add "$2" dev eth0
  ip -n guest link set eth0 up
}
no_guest() { ip link delete vif1.0; ip netns delete guest; }
"#;

fn run(jobs: &[(&str, &str)]) -> Option<Boot> {
    let mut machine = Machine::with_host()?;
    for (name, job) in jobs {
        machine = machine.job(name, &format!("{WORDS}{job}"));
    }
    Some(machine.run())
}

#[test]
fn a_nic_may_be_a_dummy_a_vlan_or_a_bond_in_qemu() {
    let jobs = [
        ("dummy", DUMMY),
        ("outside", OUTSIDE),
        ("vlan-as-in-xen2", VLAN_AS_IN_XEN2),
        ("vlan", VLAN),
        ("bond", BOND),
    ];
    let Some(boot) = run(&jobs) else { return };
    for (job, _) in jobs {
        boot.expect(0, job);
    }
}

#[test]
fn what_is_on_a_nic_is_kept_or_refused_in_qemu() {
    let jobs = [
        ("host", "outside; full_host"),
        ("vlans-on-it", VLANS_ON_IT),
        ("macvlan", MACVLAN),
        ("wireless", WIRELESS),
    ];
    let Some(boot) = run(&jobs) else { return };
    for (job, _) in jobs {
        boot.expect(0, job);
    }
    let macvlan = &boot.of("macvlan").stderr;
    assert_eq!(macvlan.matches("mv0 is on eth0").count(), 3, "{macvlan}");
    let wireless = &boot.of("wireless").stderr;
    assert!(wireless.contains("wlan0 is wireless"), "{wireless}");
}
