//! Tools of Debian that a test needs, and may not find.

use std::fs::OpenOptions;
use std::io::Write;

/// Whether this tool is here. If not, says so where the tests are counted, and in CI fails.
pub fn found(tool: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()) {
        return true;
    }
    absent(tool, package);
    false
}

/// Says that this tool is not here, where the tests are counted; in CI fails.
pub fn absent(tool: &str, package: &str) {
    let reason = format!("{tool} is missing; Debian has it in {package}");
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
