//! `default-bridge` with each toolstack: the same network, and the scripts' calls and the nodes
//! differ as the contract says (3.2, 3.3, 6.2, 6.4), and not otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use xenwire_xenstore::{Client, Nodes as _};

use crate::place::{Place, each_user};
use crate::scenario::script_before_ours;

/// How a script was called: its words, and the names of its environment.
const RECORD: &str = "{ echo \"$*\"; env | grep -Ev '^(PWD|OLDPWD|SHLVL|_)=' | cut -d= -f1 | sort | paste -sd' '; } >>/var/log/xen/$vif.calls";

/// What udev says of an event (contract 2.15, 6.2).
const OF_UDEV: [&str; 3] = ["ACTION", "DEVPATH", "SUBSYSTEM"];

/// What was seen of the first guest's vif.
struct Seen {
    argv: String,
    environment: BTreeSet<String>,
    backend: BTreeMap<String, String>,
    frontend: BTreeMap<String, String>,
    /// The folders in `/libxl` and those of devices in the guest's `/vm`.
    libxl: usize,
    vm_devices: usize,
}

fn nodes(store: &mut Client, folder: &str) -> BTreeMap<String, String> {
    let names = store.directory(folder).unwrap();
    let value = |store: &mut Client, name: &str| {
        let value = store.read(&format!("{folder}/{name}")).unwrap();
        String::from_utf8(value).unwrap()
    };
    let nodes = names.into_iter();
    nodes
        .map(|name| (name.clone(), value(store, &name)))
        .collect()
}

/// The children of a folder that may not be there.
fn children(store: &mut Client, folder: &str) -> usize {
    match store.exists(folder).unwrap() {
        true => store.directory(folder).unwrap().len(),
        false => 0,
    }
}

/// Runs it with this toolstack; every claim holds.
fn with(place: &Place, toolstack: &str, host: &str) -> Seen {
    let example = place.file("examples/default-bridge");
    for file in ["foo.cfg", "bar.cfg", "xend-config.sxp"] {
        let file = format!("etc/xen/{file}");
        let text = fs::read_to_string(example.join(&file)).unwrap();
        place.write(&format!("{toolstack}/{file}"), &text, 0o644);
    }
    let toml = fs::read_to_string(example.join("lab.toml")).unwrap();
    let host = format!("[host]\ntoolstack = \"{toolstack}\"\n{host}");
    assert_eq!(toml.matches("[host]\n").count(), 1);
    place.write(
        &format!("{toolstack}/lab.toml"),
        &toml.replace("[host]\n", &host),
        0o644,
    );
    script_before_ours(place, toolstack, RECORD);

    let up = place.expect(0, &["lab", "up", toolstack]);
    place.expect(0, &["lab", "claims"]);
    let calls = place.on("dom0", &["cat", "/var/log/xen/vif1.0.calls"]);
    let (argv, names) = calls
        .out
        .split_once('\n')
        .unwrap_or_else(|| panic!("{up}{calls}"));
    let socket = place.expect(0, &["lab", "xenstore"]).out;
    let mut store = Client::connect(Path::new(socket.trim())).unwrap();
    let vm = store.read("/local/domain/1/vm").unwrap();
    let vm = String::from_utf8(vm).unwrap();
    let seen = Seen {
        argv: argv.to_owned(),
        environment: names.split_whitespace().map(str::to_owned).collect(),
        backend: nodes(&mut store, "/local/domain/0/backend/vif/1/0"),
        frontend: nodes(&mut store, "/local/domain/1/device/vif/0"),
        libxl: children(&mut store, "/libxl"),
        vm_devices: children(&mut store, &format!("{vm}/device/vif")),
    };
    drop(store);
    place.expect(0, &["lab", "down"]);
    seen
}

/// The keys that only one of two has.
fn only<'a>(one: &'a BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Vec<&'a str> {
    let keys = one.keys().filter(|key| !other.contains_key(*key));
    keys.map(String::as_str).collect()
}

/// The keys whose values differ.
fn unlike<'a>(one: &'a BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Vec<&'a str> {
    let keys = one
        .iter()
        .filter(|(key, value)| other.get(*key).is_some_and(|o| o != *value));
    keys.map(|(key, _)| key.as_str()).collect()
}

#[test]
fn they_differ_as_the_contract_says() {
    each_user(|place| {
        let xend = with(place, "xend", "");
        // Where no xend runs it, the distribution does.
        let boot = "boot = [\"/etc/xen/scripts/network-bridge start\"]\nnloopbacks = 8\n";
        let libxl = with(place, "libxl", boot);

        assert_eq!(xend.argv, "online", "{place}");
        assert_eq!(libxl.argv, "online type_if=vif", "{place}");
        for name in [
            "XENBUS_PATH",
            "XENBUS_TYPE",
            "XENBUS_BASE_PATH",
            "script",
            "vif",
        ] {
            assert!(xend.environment.contains(name), "{name}");
            assert!(libxl.environment.contains(name), "{name}");
        }
        for name in OF_UDEV {
            assert!(xend.environment.contains(name), "{name}");
            assert!(!libxl.environment.contains(name), "{name}");
        }
        assert!(libxl.environment.contains("netdev") && !xend.environment.contains("netdev"));

        // xend writes no default bridge: vif-bridge looks for the only one.
        assert_eq!(only(&xend.backend, &libxl.backend), ["domain"], "{place}");
        assert_eq!(
            only(&libxl.backend, &xend.backend),
            ["bridge", "type"],
            "{place}"
        );
        assert_eq!(unlike(&xend.backend, &libxl.backend), [""; 0], "{place}");
        assert_eq!(libxl.backend["bridge"], "xenbr0");
        assert_eq!(xend.backend["domain"], "foo");
        assert_eq!(only(&xend.frontend, &libxl.frontend), [""; 0], "{place}");
        // xend writes no `mtu`; but vif-bridge says with both which one it gave.
        assert_eq!(
            only(&libxl.frontend, &xend.frontend),
            ["trusted"],
            "{place}"
        );
        assert_eq!(unlike(&xend.frontend, &libxl.frontend), [""; 0], "{place}");
        assert_eq!((xend.libxl, xend.vm_devices), (0, 1), "{place}");
        assert_eq!((libxl.libxl, libxl.vm_devices), (2, 0), "{place}");
    });
}
