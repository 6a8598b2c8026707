//! The lab's claims, in a world of real namespaces. The world is the example `probe`, since a
//! process must have one thread when it makes a user namespace, and a test has several.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The example beside this test, built if a run of this test alone did not build it.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("examples/probe");
    if !example.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--package", "xenwire-lab", "--example", "probe"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(
            built.success() && example.exists(),
            "no {} to run",
            example.display()
        );
    }
    example
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let told = format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{}:\n{told}", output.status);
    assert!(told.contains(" 0 wrong"), "no claim was tested:\n{told}");
}

#[test]
fn every_claim_comes_out_as_the_world_is() {
    run(&mut Command::new(example()));
}

/// Nothing of it needs privilege. Where the tests have none already, the test above has shown it.
#[test]
fn without_privilege() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("xenwire-probe-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.join("probe");
    fs::copy(example(), &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    run(Command::new("setpriv")
        .args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "--",
        ])
        .arg(&copy)
        .current_dir("/"));
    fs::remove_dir_all(&folder).unwrap();
}
