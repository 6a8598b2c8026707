//! Where the root file system comes from, as this host's files say.

use std::fs;

use xenwire_core::network::NetworkRoot;

/// Files that cannot be read say nothing.
pub(super) fn of_this_host() -> Option<NetworkRoot> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    NetworkRoot::of(
        &read("/proc/self/mounts"),
        &read("/proc/cmdline"),
        &read("/etc/fstab"),
    )
}
