//! What `xenwire --version` says: the version, and the commit it was built from. And how a release is
//! linked: what a hotplug call runs through lies together (`hotplug.ld`).

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=XENWIRE_COMMIT");
    // Every commit and checkout adds a line there.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    let given = std::env::var("XENWIRE_COMMIT").ok();
    let commit = given.or_else(|| git(&["rev-parse", "--short=12", "HEAD"]));
    let from = match commit.as_deref() {
        None | Some("") => "not from a git repository".to_owned(),
        Some(commit) => format!("commit {commit}"),
    };
    let version = env!("CARGO_PKG_VERSION");
    println!("cargo::rustc-env=XENWIRE_VERSION={version} ({from})");
    order();
}

/// GNU ld and lld take the script; other builds than releases do without.
fn order() {
    println!("cargo::rerun-if-changed=hotplug.ld");
    println!("cargo::rerun-if-env-changed=XENWIRE_MAP");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    if variable("PROFILE") != "release" || variable("CARGO_CFG_TARGET_OS") != "linux" {
        return;
    }
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("hotplug.ld");
    println!("cargo::rustc-link-arg-bins=-T{}", script.display());
    // `./ci.sh order` wants to know what lies where.
    if let Ok(map) = std::env::var("XENWIRE_MAP") {
        println!("cargo::rustc-link-arg-bins=-Wl,-Map={map}");
    }
}

/// What git says in one line; nothing if there is no git, or no repository of ours around.
fn git(words: &[&str]) -> Option<String> {
    let said = Command::new("git").args(words).output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    let line = text.trim();
    (said.status.success() && !line.is_empty()).then(|| line.to_owned())
}
