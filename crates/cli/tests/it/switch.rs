//! Debian's Open vSwitch, where a world sees it.

use std::path::Path;
use std::process::Command;

/// Copies what is needed of Debian's packages of Open vSwitch.
pub fn bring(tree: &Path, to: &Path) {
    let lines = "mkdir -p $2/bin $2/lib && cd $1 &&
        cp usr/sbin/ovsdb-server usr/bin/ovsdb-tool usr/bin/ovs-vsctl usr/share/openvswitch/vswitch.ovsschema \
            usr/lib/openvswitch-switch/ovs-vswitchd $2/bin &&
        find usr/lib/*/ lib/*/ -maxdepth 1 -name '*.so*' -exec cp -L -t $2/lib {} +";
    let copied = Command::new("sh")
        .args(["-c", lines, "sh"])
        .args([tree, to])
        .status();
    assert!(copied.unwrap().success());
}
