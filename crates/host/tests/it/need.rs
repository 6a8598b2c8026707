//! What a test needs from the machine. In CI nothing may be missing; elsewhere a test that lacks
//! something says so and is skipped.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The programs, and the Debian packages they are in.
const TOOLS: [(&str, &str); 10] = [
    ("ip", "iproute2"),
    ("bridge", "iproute2"),
    ("ethtool", "ethtool"),
    ("nft", "nftables"),
    ("iptables-save", "iptables"),
    ("ip6tables-save", "iptables"),
    ("strace", "strace"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
];

/// Where programs are looked for. Debian's tools for packet filters are not in the PATH of
/// ordinary users.
pub fn path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    path
}

/// Whether everything is there.
pub fn all() -> bool {
    for (tool, package) in TOOLS {
        let found = std::env::split_paths(&path()).any(|dir| dir.join(tool).exists());
        if !found {
            missing(package, &format!("no program {tool}"));
            return false;
        }
    }
    let namespaces = Command::new("unshare")
        .args(["-Urnm", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !namespaces {
        missing("user namespaces", "unshare -Urnm is refused");
    }
    namespaces
}

/// Whether taps can be made here. `why` says who needs one.
pub fn taps(why: &str) -> bool {
    const DEVICE: &str = "/dev/net/tun";
    let there = fs::OpenOptions::new().write(true).open(DEVICE).is_ok();
    if !there {
        missing(DEVICE, &format!("{why}; run the tests as root"));
    }
    there
}

/// Whether frames of bridges can be brought to FORWARD chains.
pub fn br_netfilter() -> bool {
    let there = Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables").exists();
    if !there {
        missing("br_netfilter", "load that module of the kernel");
    }
    there
}

/// The folder of Debian's own scripts, if they are here.
pub fn debian_scripts() -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("XENWIRE_DEBIAN_SCRIPTS").map(std::path::PathBuf::from);
    let folder = folder.filter(|folder| folder.join("locking.sh").exists());
    if folder.is_none() {
        missing(
            "the folder XENWIRE_DEBIAN_SCRIPTS",
            "`./ci.sh need` unpacks Debian's scripts",
        );
    }
    folder
}

/// Says why this test cannot run, and in CI fails.
pub fn missing(name: &str, reason: &str) {
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let reason = format!("{name} is missing: {reason}");
    assert!(!in_ci, "{reason}");
    skipped(&reason);
}

/// Says that this test ends early, and for want of what.
fn skipped(reason: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    if let Some(list) = std::env::var_os("XENWIRE_MISSING") {
        let file = fs::OpenOptions::new().append(true).create(true).open(list);
        let _ = file.and_then(|mut file| writeln!(file, "{name}: {reason}"));
    }
    let _ = writeln!(std::io::stderr(), "skipped: {name}: {reason}");
}
