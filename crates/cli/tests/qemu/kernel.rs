//! The machine is what the other tests take it for: a kernel that refuses what newer ones allow,
//! NICs with a driver that negotiates a link, and somebody at the other end.

use crate::machine::Machine;

#[test]
fn the_kernel_and_the_nics_are_real_in_qemu() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let boot = machine
        .job("release", "uname -r; uname -v")
        // Up to 6.1 refused with EBUSY: net/core/dev.c, dev_change_name.
        .job(
            "rename",
            "ip link set eth0 up
             ip link set eth0 name x && exit 9
             ip link set eth0 down
             ip link set eth0 name x
             ip link set x name eth0",
        )
        .job("driver", "ethtool -i eth0; ethtool -i eth1")
        .job(
            "link",
            "ip address add 192.0.2.1/24 dev eth0
             ip address add 198.51.100.1/24 dev eth1
             ip -n outside address add 192.0.2.2/24 dev eth0
             ip -n outside address add 198.51.100.2/24 dev eth1
             for nic in eth0 eth1; do
               ip -n outside link set $nic up
               ip link set $nic up
             done
             # However long the link takes to come up.
             until ping -c 1 -W 1 192.0.2.2; do :; done
             until ping -c 1 -W 1 198.51.100.2; do :; done
             ethtool eth0",
        )
        // The wires are two: what is sent on the one is not heard on the other.
        .job(
            "two-wires",
            "ip address add 192.0.2.3/24 dev eth1
             ping -c 1 -W 1 -I eth1 192.0.2.2 && exit 9
             ip address flush dev eth0
             ip address flush dev eth1",
        )
        .job(
            "kinds",
            "ip link add d0 type dummy
             ip link add bond0 type bond mode active-backup
             ip link set d0 master bond0
             ip link add link bond0 name bond0.7 type vlan id 7
             ip link add br0 type bridge
             brctl addif br0 bond0.7
             ip link add veth0 type veth peer name vif0.0
             modprobe br_netfilter
             nft add table inet filter
             iptables -S
             modprobe mac80211_hwsim radios=1
             ip -d link
             ls -d /sys/class/net/*/phy80211
             rmmod mac80211_hwsim
             for link in br0 bond0.7 bond0 d0 veth0; do ip link delete $link; done
             nft delete table inet filter",
        )
        .run();

    let release = &boot.expect(0, "release").stdout;
    assert!(
        release.starts_with("6.1.") && release.contains("Debian"),
        "{release}"
    );
    let refused = &boot.expect(0, "rename").stderr;
    assert_eq!(refused, "RTNETLINK answers: Device or resource busy\n");
    let driver = &boot.expect(0, "driver").stdout;
    assert_eq!(driver.matches("driver: e1000e\n").count(), 2, "{driver}");
    let link = &boot.expect(0, "link").stdout;
    for line in [
        "Speed: 1000Mb/s",
        "Auto-negotiation: on",
        "Link detected: yes",
    ] {
        assert!(link.contains(line), "{link}");
    }
    boot.expect(0, "two-wires");
    let kinds = &boot.expect(0, "kinds").stdout;
    assert!(kinds.contains("/sys/class/net/wlan0/phy80211"), "{kinds}");
}
