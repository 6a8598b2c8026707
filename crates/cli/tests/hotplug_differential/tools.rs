//! What the originals run, and where they are.

use std::path::PathBuf;

use crate::need;

/// The programs that Debian's scripts run, and those of the test itself, with their packages.
const PROGRAMS: [(&str, &str); 10] = [
    ("bash", "bash"),
    ("awk", "mawk"),
    ("ip", "iproute2"),
    ("bridge", "iproute2"),
    ("brctl", "bridge-utils"),
    ("ifconfig", "net-tools"),
    ("xenstore-read", "xenstore-utils"),
    ("logger", "bsdutils"),
    ("ping", "iputils-ping"),
    ("unshare", "util-linux"),
];

/// The folder of Debian's own scripts, if they and all that they run are here. If not, says so
/// where the tests are counted, and in CI fails.
pub fn debian_scripts() -> Option<PathBuf> {
    let found = PROGRAMS
        .iter()
        .all(|(program, package)| need::found(program, package));
    need::debian_scripts().filter(|_| found)
}

/// The folder of Debian's Open vSwitch, if it is here; said and failed as above.
pub fn open_vswitch() -> Option<PathBuf> {
    let tree = std::env::var_os("XENWIRE_DEBIAN_OPENVSWITCH").unwrap_or_default();
    let tree = PathBuf::from(tree);
    if !tree.join("usr/bin/ovs-vsctl").exists() {
        need::missing("Debian's Open vSwitch is not here; `./ci.sh need` unpacks it");
        return None;
    }
    Some(tree)
}
