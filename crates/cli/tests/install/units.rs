//! The units of the package, as systemd reads them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::need;

/// What every unit is ordered by, and none of ours brings.
const TARGETS: [&str; 3] = ["basic", "shutdown", "sysinit"];

#[test]
fn systemd_has_nothing_to_say_about_the_units() {
    if !need::found("systemd-analyze", "systemd") {
        return;
    }
    let root = std::env::temp_dir().join(format!("xw-units-{}", std::process::id()));
    let units = root.join("usr/lib/systemd/system");
    let program = root.join("usr/libexec/xenwire/xenwire");
    fs::create_dir_all(&units).unwrap();
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::write(&program, "").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    for target in TARGETS {
        fs::write(units.join(format!("{target}.target")), "[Unit]\n").unwrap();
    }
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ci/package");
    let files = fs::read_dir(&package).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.filter(|name| name.ends_with(".service")).collect();
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        fs::copy(package.join(&name), units.join(&name)).unwrap();
        let verified = Command::new("systemd-analyze")
            // The pages are made with the package.
            .args(["verify", "--man=no", "--root"])
            .args([root.as_os_str(), name.as_ref()])
            .output()
            .unwrap();
        // What it does not know it only says.
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success(), "{name}: {said}");
        assert_eq!(said, "", "{name}");
    }
    fs::remove_dir_all(&root).unwrap();
}
