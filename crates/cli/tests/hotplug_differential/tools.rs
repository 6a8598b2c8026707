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
