//! What a machine in QEMU needs, and this one may lack.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder that `ci/qemu.sh` made, if it and QEMU are here. If not, says so where the tests are
/// counted, and in CI fails.
pub fn image() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|folder| folder.join("qemu-system-x86_64").is_file()) {
        missing("qemu-system-x86_64 is missing; Debian has it in qemu-system-x86");
        return None;
    }
    let folder = std::env::var_os("XENWIRE_QEMU_IMAGE").map(PathBuf::from);
    // It knows which scripts the image was made by, and which are here now.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut check = Command::new("ci/qemu.sh");
    check.arg("--check").current_dir(root).stderr(Stdio::null());
    let found = folder.filter(|_| check.status().unwrap().success());
    if found.is_none() {
        missing("no kernel, or an old one, in XENWIRE_QEMU_IMAGE; `./ci.sh need` makes one");
    }
    found
}

fn missing(reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
    let thread = std::thread::current();
    let line = format!("{}: {reason}\n", thread.name().unwrap_or("a test"));
    if let Some(file) = std::env::var_os("XENWIRE_MISSING") {
        let open = OpenOptions::new().append(true).create(true).open(file);
        open.unwrap().write_all(line.as_bytes()).unwrap();
    }
    println!("{}", line.trim_end());
}
