//! What a test needs of Debian, and may not find.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The programs that Debian's vif-bridge runs, with their packages.
const PROGRAMS: [(&str, &str); 6] = [
    ("bash", "bash"),
    ("ip", "iproute2"),
    ("brctl", "bridge-utils"),
    ("iptables", "iptables"),
    ("xenstore-read", "xenstore-utils"),
    ("logger", "bsdutils"),
];

/// The folder of Debian's own scripts, if they and all that they run are here. If not, says so
/// where the tests are counted, and in CI fails.
pub fn debian_scripts() -> Option<PathBuf> {
    let folder = std::env::var_os("XENWIRE_DEBIAN_SCRIPTS").map(PathBuf::from);
    let Some(folder) = folder.filter(|folder| folder.join("vif-bridge").exists()) else {
        missing(
            "no folder with Debian's vif-bridge in XENWIRE_DEBIAN_SCRIPTS; `./ci.sh need` unpacks one",
        );
        return None;
    };
    for (program, package) in PROGRAMS {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let here = |folder: PathBuf| folder.join(program).is_file();
        // The scripts add these to their PATH.
        let more = ["/sbin", "/usr/sbin"].map(PathBuf::from);
        if !std::env::split_paths(&path).chain(more).any(here) {
            missing(&format!("{program} is missing; Debian has it in {package}"));
            return None;
        }
    }
    Some(folder)
}

fn missing(reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
    let thread = std::thread::current();
    let line = format!("{}: {reason}\n", thread.name().unwrap_or("a test"));
    if let Some(file) = std::env::var_os("XENWIRE_MISSING") {
        let open = OpenOptions::new()
            .append(true)
            .create(true)
            .open(Path::new(&file));
        open.unwrap().write_all(line.as_bytes()).unwrap();
    }
    println!("{}", line.trim_end());
}
