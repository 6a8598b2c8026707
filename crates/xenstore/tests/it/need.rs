//! What a test needs of Debian, and may not find.
#![expect(clippy::print_stdout, reason = "a test that cannot run says so")]

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// Where a program is. If nowhere, says so where the tests are counted, and in CI fails.
pub fn program(name: &str, package: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(name));
    let found = places.find(|place| place.is_file());
    if found.is_none() {
        missing(&format!("{name} is missing; Debian has it in {package}"));
    }
    found
}

/// Debian's own interpreter, if it finds a module that `package` brings.
///
/// Another python3 that comes first in PATH does not look into Debian's folder of modules.
pub fn python_module(module: &str, package: &str) -> Option<Command> {
    let python = || {
        let mut python = Command::new("/usr/bin/python3");
        // Neither the folder of a script nor a user's own modules come before Debian's.
        python.args(["-I", "-B"]);
        python
    };
    let import = format!("import {module}");
    let output = python().args(["-c", &import]).output();
    if output.is_ok_and(|output| output.status.success()) {
        return Some(python());
    }
    missing(&format!(
        "python3's {module} is missing; Debian has it in {package}"
    ));
    None
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
