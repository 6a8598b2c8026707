//! `vlan=` on a bridge that filters VLANs, which the development kernel cannot.

use std::path::Path;

use crate::machine::Machine;

/// The words of bridge(8) for a port's VLANs, by lines of one VLAN or a run.
const CARRIED: &str = "
carried() { # PORT
  xenwire lab exec dom0 -- bridge vlan show dev $1 | tail -n +2 | sed -E 's/^(vif|eth)[^ ]+//' |
    sed -E 's/^[ \\t]+//; s/[ \\t]+$//; /^$/d' | paste -s -d ';'
}";

const HOST: &str = "
xenwire lab up /opt/vlans >/dev/null
carried vif1.0
carried vif3.0
carried vif4.0
carried vif5.0
# A tag that the guest puts on itself: one that its port carries, and one that it does not.
for id in 20 10 50; do
  xenwire lab exec trunk -- ip link add link eth0 name v$id type vlan id $id
  xenwire lab exec trunk -- ip address add 198.51.$id.1/24 dev v$id
  xenwire lab exec trunk -- ip link set v$id up
done
xenwire lab exec blue -- ip address add 198.51.20.2/24 dev eth0
xenwire lab exec red1 -- ip address add 198.51.10.2/24 dev eth0
xenwire lab exec plain -- ip address add 198.51.50.2/24 dev eth0
until xenwire lab exec trunk -- ping -q -n -c 1 -W 1 198.51.20.2 >/dev/null; do :; done
until xenwire lab exec trunk -- ping -q -n -c 1 -W 1 198.51.10.2 >/dev/null; do :; done
if xenwire lab exec trunk -- ping -q -n -c 2 -W 1 198.51.50.2 >/dev/null; then exit 9; fi
xenwire lab down >/dev/null";

/// A bridge that filters nothing would hand on every tag.
const PLAIN_BRIDGE: &str = "
cp -R /opt/vlans plain
sed -i 's/vlan_filtering = true, //' plain/lab.toml
xenwire lab up plain && exit 9 || test $? = 1
xenwire lab exec plain -- true
if xenwire lab exec red1 -- true; then exit 9; fi
xenwire lab down >/dev/null";

#[test]
fn a_guest_is_in_the_vlans_of_its_file_in_qemu() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/qemu/vlans");
    let boot = machine
        .with("vlans", &folder)
        .job("claims", "xenwire lab run /opt/vlans")
        .job("carried", &format!("{CARRIED}{HOST}"))
        .job("plain-bridge", PLAIN_BRIDGE)
        .run();
    boot.expect(0, "claims");
    let carried = &boot.expect(0, "carried").stdout;
    let lines: Vec<&str> = carried.lines().collect();
    assert_eq!(
        lines,
        [
            "10 PVID Egress Untagged",
            "20 PVID Egress Untagged",
            "1 PVID Egress Untagged;10;20;30;40",
            "1 PVID Egress Untagged",
        ]
    );
    let plain = boot.expect(0, "plain-bridge");
    assert!(
        plain.stderr.contains("br0 does not filter VLANs"),
        "{plain}"
    );
}
