//! The exit statuses of a vif script, and what it leaves in xenstore (contract 2.1), with the
//! program called by its script's name in the dom0 of a lab.

use std::path::Path;
use std::time::Duration;

use xenwire_xenstore::{Client, Nodes as _};

use crate::need;
use crate::place::{Place, Said, each_user};
use crate::scenario::{TRUE, office};

/// A vif that nobody but this test knows of.
pub const BACKEND: &str = "/local/domain/0/backend/vif/9/0";
const FRONTEND: &str = "/local/domain/9/device/vif/0";

/// The environment of xl.
pub const XL: [&str; 5] = [
    "XENBUS_PATH=backend/vif/9/0",
    "XENBUS_TYPE=vif",
    "XENBUS_BASE_PATH=backend",
    "netdev=",
    "vif=vif9.0",
];

/// A dom0 with a vif, and a view of its store.
pub struct Dom0<'a> {
    place: &'a Place,
    store: Client,
}

impl<'a> Dom0<'a> {
    /// In a lab of its own, with the vif on no bridge yet.
    pub fn new(place: &'a Place, bridge: &str) -> Self {
        office(place, "office", TRUE);
        place.expect(0, &["lab", "up", "office"]);
        let socket = place.expect(0, &["lab", "xenstore"]).out;
        let mut store = Client::connect(Path::new(socket.trim())).unwrap();
        for (name, value) in [("hotplug-status", ""), ("bridge", bridge), ("handle", "0")] {
            let path = format!("{BACKEND}/{name}");
            store.write(&path, value.as_bytes()).unwrap();
        }
        store.write(&format!("{FRONTEND}/mtu"), b"9000").unwrap();
        store.watch("/local", "any").unwrap();
        let mut dom0 = Self { place, store };
        dom0.written();
        dom0.make_vif();
        dom0
    }

    /// Writes a node of the backend.
    pub fn write(&mut self, name: &str, value: &str) {
        let path = format!("{BACKEND}/{name}");
        self.store.write(&path, value.as_bytes()).unwrap();
    }

    fn make_vif(&self) {
        let words = [
            "ip", "link", "add", "vif9.0", "type", "veth", "peer", "name", "peer9",
        ];
        let made = self.place.on("dom0", &words);
        assert_eq!(made.status, 0, "{made}");
    }

    /// Calls the script with these words and this environment, and nothing else.
    pub fn call(&self, words: &[&str], environment: &[&str]) -> Said {
        let mut argv = vec!["env", "-i"];
        argv.extend(environment);
        argv.push("/etc/xen/scripts/vif-bridge");
        argv.extend(words);
        self.place.on("dom0", &argv)
    }

    /// The nodes that were written since the last look, in order.
    pub fn written(&mut self) -> Vec<String> {
        // What is behind our own mark has not happened yet.
        self.store.write("/local/mark", b"").unwrap();
        let mut paths = Vec::new();
        loop {
            let event = self.store.event(Some(Duration::from_secs(10))).unwrap();
            let path = event.expect("our own mark is an event").path;
            if path == "/local/mark" {
                return paths;
            }
            if path != "/local" {
                paths.push(path);
            }
        }
    }

    /// A node's value, if it is there.
    pub fn node(&mut self, path: &str) -> Option<String> {
        let value = self.store.read_optional(path).unwrap();
        value.map(|value| String::from_utf8(value).unwrap())
    }

    /// Its link as `ip` shows it; nothing if there is none.
    pub fn link(&self, name: &str) -> Option<String> {
        let shown = self.place.on("dom0", &["ip", "-o", "link", "show", name]);
        (shown.status == 0).then_some(shown.out)
    }
}

#[test]
fn calls_that_are_wrong_or_not_ours_touch_nothing() {
    if !need::found("ip", "iproute2") {
        return;
    }
    each_user(|place| {
        let mut dom0 = Dom0::new(place, "br0");
        let before = dom0.link("vif9.0");
        let mut without_path = XL.to_vec();
        without_path.remove(0);
        let without_vif = &XL[..4];
        let wrong_path = ["XENBUS_PATH=backend/vbd/9/0", "vif=vif9.0"];
        let table: [(i32, &[&str], &[&str]); 12] = [
            (1, &["start", "type_if=vif"], &XL),
            (1, &["status"], &XL),
            (1, &["Online", "type_if=vif"], &XL),
            (1, &[], &XL),
            (1, &["type_if=vif"], &XL),
            (1, &["online", "type_if=tun"], &XL),
            (1, &["online", "type_if=vif"], &without_path),
            (1, &["online", "type_if=vif"], without_vif),
            (1, &["online", "type_if=vif"], &wrong_path),
            // Filtered: for the other kind of link.
            (0, &["online", "type_if=tap"], &XL),
            (0, &["offline", "type_if=tap"], &XL),
            (0, &["add", "type_if=vif"], &XL),
        ];
        for (status, words, environment) in table {
            let said = dom0.call(words, environment);
            assert_eq!(said.status, status, "{place}: {words:?}: {said}");
            // Why goes to the log; the caller's streams are libxl's.
            assert_eq!(
                (said.out.as_str(), said.err.as_str()),
                ("", ""),
                "{words:?}"
            );
            assert_eq!(dom0.written(), [""; 0], "{place}: {words:?}");
            assert_eq!(dom0.link("vif9.0"), before, "{place}: {words:?}");
        }
        let log = place
            .on("dom0", &["cat", "/var/log/xen/xen-hotplug.log"])
            .out;
        assert!(log.contains("Invalid command: \"start\""), "{log}");
        assert!(log.contains("XENBUS_PATH is not set"), "{log}");
        assert_eq!(log.lines().count(), 9, "a line for each wrong call: {log}");
    });
}

#[test]
fn a_bridge_that_is_missing() {
    if !need::found("ip", "iproute2") {
        return;
    }
    each_user(|place| {
        let mut dom0 = Dom0::new(place, "nobr");
        let before = dom0.link("vif9.0");
        let said = dom0.call(&["online", "type_if=vif"], &XL);
        assert_eq!(said.status, 1, "{said}");
        let error = format!("{BACKEND}/hotplug-error");
        let status = format!("{BACKEND}/hotplug-status");
        // The text first: who sees the status finds it.
        assert_eq!(dom0.written(), [error.clone(), status.clone()], "{place}");
        assert_eq!(dom0.node(&status).unwrap(), "error");
        let why = dom0.node(&error).unwrap();
        assert!(
            why.starts_with("Could not find bridge device nobr"),
            "{why}"
        );
        assert_eq!(dom0.link("vif9.0"), before, "the vif is as it was");
        // What goes is in nobody's way: 0, and nothing is written.
        let said = dom0.call(&["offline", "type_if=vif"], &XL);
        assert_eq!(said.status, 0, "{said}");
        assert_eq!(dom0.written(), [""; 0], "{place}");
        // The bridge comes: the next call succeeds.
        let add = ["ip", "link", "add", "nobr", "type", "bridge"];
        assert_eq!(place.on("dom0", &add).status, 0);
        let said = dom0.call(&["online", "type_if=vif"], &XL);
        assert_eq!(said.status, 0, "{said}");
        assert_eq!(dom0.node(&status).unwrap(), "connected");
    });
}

#[test]
fn a_vif_that_is_missing() {
    if !need::found("ip", "iproute2") {
        return;
    }
    let place = Place::new();
    let mut dom0 = Dom0::new(&place, "br0");
    place.on("dom0", &["ip", "link", "del", "vif9.0"]);
    let said = dom0.call(&["online", "type_if=vif"], &XL);
    assert_eq!(said.status, 1, "{said}");
    let why = dom0.node(&format!("{BACKEND}/hotplug-error")).unwrap();
    assert!(why.contains("vif9.0"), "{why}");
    assert_eq!(
        dom0.node(&format!("{BACKEND}/hotplug-status")).unwrap(),
        "error"
    );
    dom0.written();
    let said = dom0.call(&["offline", "type_if=vif"], &XL);
    assert_eq!(said.status, 0, "{said}");
    assert_eq!(dom0.written(), [""; 0]);
}

#[test]
fn success_and_connected_comes_last() {
    if !need::found("ip", "iproute2") {
        return;
    }
    each_user(|place| {
        let mut dom0 = Dom0::new(place, "br0");
        let status = format!("{BACKEND}/hotplug-status");
        let said = dom0.call(&["online", "type_if=vif"], &XL);
        assert_eq!(said.status, 0, "{place}: {said}");
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
        assert_eq!(
            dom0.written(),
            [format!("{FRONTEND}/mtu"), status.clone()],
            "{place}"
        );
        assert_eq!(dom0.node(&status).unwrap(), "connected");
        assert_eq!(dom0.node(&format!("{FRONTEND}/mtu")).unwrap(), "1500");
        assert_eq!(dom0.node(&format!("{BACKEND}/hotplug-error")), None);
        let link = dom0.link("vif9.0").unwrap();
        for word in ["master br0", "fe:ff:ff:ff:ff:ff", "mtu 1500", ",UP"] {
            assert!(link.contains(word), "no {word}: {link}");
        }
        // Again: nothing is left to do.
        let said = dom0.call(&["online", "type_if=vif"], &XL);
        assert_eq!(said.status, 0, "{said}");
        assert_eq!(dom0.link("vif9.0").unwrap(), link);
        dom0.written();

        let said = dom0.call(&["offline", "type_if=vif"], &XL);
        assert_eq!(said.status, 0, "{said}");
        assert_eq!(dom0.written(), [""; 0], "{place}");
        assert_eq!(dom0.node(&status).unwrap(), "connected");
        let link = dom0.link("vif9.0").unwrap();
        assert!(!link.contains("master") && !link.contains(",UP"), "{link}");

        // Without a store nobody can be told, and nothing is done.
        let nowhere = [XL.as_slice(), &["XENSTORED_PATH=/run/nowhere"]].concat();
        assert_eq!(dom0.call(&["online", "type_if=vif"], &nowhere).status, 1);
        assert_eq!(dom0.call(&["offline", "type_if=vif"], &nowhere).status, 0);
        assert_eq!(dom0.link("vif9.0").unwrap(), link);
        assert_eq!(dom0.written(), [""; 0]);
    });
}

/// The order in which one process did things, as the kernel saw it.
#[test]
fn the_kernel_is_done_before_connected_is_said() {
    if !need::found("ip", "iproute2") || !need::found("strace", "strace") {
        return;
    }
    let place = Place::new();
    let mut dom0 = Dom0::new(&place, "br0");
    let mut argv = vec!["env", "-i", "PATH=/usr/bin:/bin"];
    argv.extend(XL);
    argv.extend(["strace", "-f", "-s", "4096", "-o", "/tmp/trace"]);
    argv.extend(["-e", "trace=execve,openat,write,writev,sendto,sendmsg"]);
    argv.extend(["/etc/xen/scripts/vif-bridge", "online", "type_if=vif"]);
    let said = place.on("dom0", &argv);
    assert_eq!(said.status, 0, "{said}");
    assert_eq!(
        dom0.node(&format!("{BACKEND}/hotplug-status")).unwrap(),
        "connected"
    );
    let trace = place.on("dom0", &["cat", "/tmp/trace"]).out;
    let lines: Vec<&str> = trace.lines().collect();
    let last = |is: &dyn Fn(&str) -> bool| lines.iter().rposition(|line| is(line));
    let connected = last(&|line| line.contains("connected")).expect("connected is written");
    let change = last(&|line| line.contains("RTM_SETLINK") || line.contains("RTM_NEWLINK"))
        .expect("the link is set");
    let sysctl = last(&|line| line.contains("/proc/sys/net") && line.contains("O_WRONLY"));
    assert!(change < connected, "{trace}");
    assert!(sysctl.is_none_or(|sysctl| sysctl < connected), "{trace}");
}
