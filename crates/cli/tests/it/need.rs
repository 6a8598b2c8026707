//! Tools of Debian that a test needs, and may not find.

use std::fs::OpenOptions;
use std::io::Write;

/// Whether this tool is here. If not, says so where the tests are counted, and in CI fails.
pub fn found(tool: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()) {
        return true;
    }
    missing(&format!("{tool} is missing; Debian has it in {package}"));
    false
}

/// The folder of Debian's own scripts. If it is not here, says so as [`found`] does.
#[allow(dead_code, reason = "not every binary of tests needs them")]
pub fn debian_scripts() -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("XENWIRE_DEBIAN_SCRIPTS").map(std::path::PathBuf::from);
    let folder = folder.filter(|folder| folder.join("vif-bridge").exists());
    if folder.is_none() {
        missing(
            "no folder with Debian's vif-bridge in XENWIRE_DEBIAN_SCRIPTS; `./ci.sh need` unpacks one",
        );
    }
    folder
}

/// Says where the tests are counted why this one cannot run, and in CI fails.
pub fn missing(reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
    let thread = std::thread::current();
    let line = format!("{}: {reason}\n", thread.name().unwrap_or("a test"));
    if let Some(file) = std::env::var_os("XENWIRE_MISSING") {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
    println!("{}", line.trim_end());
}
