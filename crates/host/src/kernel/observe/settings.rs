//! A link's settings that are files below /proc/sys, and what /sys says of it.
//!
//! Invariant: every setting that is read here can be written back as it was read.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use xenwire_core::name::IfName;
use xenwire_core::state::{Family, Folder, Link, LinkSysctl};

/// The settings that are there. A file that is missing is a setting that the kernel does not have.
pub(super) fn read(
    keys: impl Iterator<Item = LinkSysctl>,
) -> impl Iterator<Item = (LinkSysctl, String)> {
    keys.filter_map(|key| {
        let value = fs::read_to_string(format!("/proc/sys/{key}")).ok()?;
        Some((key, value.trim_end().to_owned()))
    })
}

/// Every setting of a link, or of links to come if its name is `default`.
pub(super) fn every(name: &IfName, link: Option<&Link>) -> Vec<(LinkSysctl, String)> {
    let mut found = Vec::new();
    for family in [Family::Ipv4, Family::Ipv6] {
        for folder in [Folder::Conf, Folder::Neigh] {
            let mut key = LinkSysctl::conf(name, family, "");
            key.folder = folder;
            let keys = files(&key).into_iter().map(|file| LinkSysctl {
                name: file,
                ..key.clone()
            });
            found.extend(read(keys).filter(|(key, value)| is_own(key, value, link)));
        }
    }
    found
}

/// The files of a folder that can be read and written.
fn files(folder: &LinkSysctl) -> Vec<String> {
    const READ_AND_WRITE: u32 = 0o600;
    let entries = fs::read_dir(format!("/proc/sys/{folder}"));
    let files = entries.into_iter().flatten().filter_map(|entry| {
        let entry = entry.ok()?;
        let mode = entry.metadata().ok()?.permissions().mode();
        let name = entry.file_name().into_string().ok()?;
        (mode & READ_AND_WRITE == READ_AND_WRITE).then_some(name)
    });
    files.collect()
}

/// Whether it is a setting in its own right.
fn is_own(key: &LinkSysctl, value: &str, link: Option<&Link>) -> bool {
    match (key.folder, key.name.as_str()) {
        // A secret cannot be taken back once it is given (addrconf_sysctl_stable_secret,
        // net/ipv6/addrconf.c), and names the link that it was given to.
        (Folder::Conf, "stable_secret") => false,
        // It follows the link's, unless somebody made it lower (addrconf_notify).
        (Folder::Conf, "mtu") => {
            link.is_some_and(|link| value.parse().is_ok_and(|mtu: u32| mtu < link.mtu))
        }
        // Others say the same in finer units (net/core/neighbour.c, neigh_sysctl_template).
        (Folder::Neigh, "base_reachable_time" | "retrans_time" | "unres_qlen") => false,
        // Of the whole table, and not of a link; only `default` has them.
        (Folder::Neigh, "gc_interval" | "gc_thresh1" | "gc_thresh2" | "gc_thresh3") => false,
        _ => true,
    }
}

/// Whether a link is wireless. /sys shows the namespace that it was mounted in: what it says of
/// another link of that name is not believed.
pub(super) fn is_wireless(name: &IfName, index: u32) -> bool {
    let folder = std::path::Path::new("/sys/class/net").join(name.as_str());
    let numbered = fs::read_to_string(folder.join("ifindex"));
    let is_meant = numbered.is_ok_and(|number| number.trim() == index.to_string());
    is_meant
        && ["wireless", "phy80211"]
            .iter()
            .any(|what| folder.join(what).exists())
}
