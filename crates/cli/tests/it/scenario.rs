//! Small scenarios, written where they are needed; and those of the repository.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::need;
use crate::place::Place;

/// An office with a desk, a host on it, and two guests: foo and bar.
pub const OFFICE: &str = r#"title = "An office"

[lan.office]

[machine.desk]
nic = [{ lan = "office", address = ["192.0.2.50/24"] }]

[host]
nic = [{ name = "eth0", lan = "office", mac = "52:54:00:00:00:01" }]
bridge = [{ name = "br0", port = ["eth0"], address = ["192.0.2.10/24"] }]

[[guest]]
config = "foo.cfg"
nic.eth0 = { address = ["192.0.2.21/24"] }

[[guest]]
config = "bar.cfg"
nic.eth0 = { address = ["192.0.2.22/24"] }
"#;

/// What holds in the office.
pub const TRUE: &str = r#"
[[reach]]
from = "foo"
to = "bar"
protocol = ["icmp"]

[expect.bridge]
br0 = ["eth0", "vif1.0", "vif2.0"]
"#;

/// A guest's file.
pub fn guest(name: &str, vifs: &[&str]) -> String {
    let vifs: Vec<String> = vifs.iter().map(|vif| format!("'{vif}'")).collect();
    format!("name = \"{name}\"\nvif = [ {} ]\n", vifs.join(", "))
}

/// The office with these claims, in a folder of this name.
pub fn office(place: &Place, name: &str, claims: &str) -> PathBuf {
    let folder = place.file(name);
    place.write(
        &format!("{name}/lab.toml"),
        &format!("{OFFICE}{claims}"),
        0o644,
    );
    for (guest_name, mac) in [("foo", "00:16:3e:00:00:02"), ("bar", "00:16:3e:00:00:03")] {
        let vif = format!("mac={mac},bridge=br0");
        let path = format!("{name}/etc/xen/{guest_name}.cfg");
        place.write(&path, &guest(guest_name, &[&vif]), 0o644);
    }
    folder
}

/// Gives the office a vif-bridge that is this shell text, and then ours.
pub fn script_before_ours(place: &Place, name: &str, text: &str) {
    let script = format!("#!/bin/sh\n{text}\nexec /etc/xen/scripts/ours/vif-bridge \"$@\"\n");
    place.write(
        &format!("{name}/etc/xen/scripts/vif-bridge"),
        &script,
        0o755,
    );
    let ours = place.file(&format!("{name}/etc/xen/scripts/ours"));
    fs::create_dir_all(&ours).unwrap();
    let link = ours.join("vif-bridge");
    if !link.is_symlink() {
        symlink("/run/xenwire/bin/xenwire", link).unwrap();
    }
}

/// The folder of the repository's scenarios.
pub fn examples_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The one whose guests ask for their addresses.
pub const ASKING: &str = "examples/nat-dhcp";

/// Whether guests can, and somebody can answer.
pub fn guests_can_ask() -> bool {
    need::found("dnsmasq", "dnsmasq-base") && need::found("busybox", "busybox")
}

/// Every scenario of the repository whose tools are here, as a place has them: `examples/NAME`.
pub fn examples() -> Vec<String> {
    let entries = fs::read_dir(examples_folder()).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path());
    let mut examples: Vec<String> = folders
        .filter(|folder| folder.join("lab.toml").exists())
        .map(|folder| format!("examples/{}", folder.file_name().unwrap().to_str().unwrap()))
        .collect();
    examples.sort();
    assert!(examples.len() >= 10, "only {examples:?}");
    examples.retain(|example| example != ASKING || guests_can_ask());
    examples
}
