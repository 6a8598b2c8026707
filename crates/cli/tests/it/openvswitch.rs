//! `vif-openvswitch` with Debian's Open vSwitch in the dom0 of a lab, its datapath in user space: the
//! database says what became of a port, and packets say whether it is true (contract 2.9, A13).

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::geteuid;
use xenwire_xenstore::{Client, Nodes as _};

use crate::need;
use crate::place::{Place, Said};
use crate::scenario::{TRUE, office};
use crate::switch::bring;

const BACKEND: &str = "/local/domain/0/backend/vif";

/// Where Debian's files are in the lab, which sees nothing of the machine's /tmp.
const TREE: &str = "/etc/xen/switch";

/// A command that is ended with its value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A dom0 with Open vSwitch's bridge xenbr0.
struct Dom0 {
    place: Place,
    store: Client,
}

impl Dom0 {
    fn new() -> Option<Self> {
        let tree = std::env::var("XENWIRE_DEBIAN_OPENVSWITCH").unwrap_or_default();
        let program = format!("{tree}/usr/bin/ovs-vsctl");
        if !Path::new(&program).exists() {
            need::missing(&format!("{program} is missing; `./ci.sh need` unpacks it"));
            return None;
        }
        if !geteuid().is_root() {
            need::missing("Open vSwitch needs root's /dev/net/tun; run the tests as root");
            return None;
        }
        let place = Place::new();
        let office = office(&place, "office", TRUE);
        bring(Path::new(&tree), &office.join("etc/xen/switch"));
        place.expect(0, &["lab", "up", "office"]);
        let socket = place.expect(0, &["lab", "xenstore"]).out;
        let store = Client::connect(Path::new(socket.trim())).unwrap();
        Some(Self { place, store })
    }

    /// It lives as long as the command that started it.
    fn start_switch(&self) -> Running {
        let script = include_str!("openvswitch.sh");
        let words = ["lab", "exec", "dom0", "--", "sh", "-c", script, "sh", TREE];
        let mut child = self
            .place
            .xenwire(&words)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = child.stdout.take().unwrap();
        let running = Running(child);
        let ready = BufReader::new(said).lines().next();
        assert_eq!(ready.unwrap().unwrap(), "ready");
        running
    }

    /// A vif as the toolstack leaves it: its nodes, its link, and the guest at the other end.
    fn vif(&mut self, domid: u16, bridge: &str, address: &str) {
        let folder = format!("{BACKEND}/{domid}/0");
        for (node, value) in [
            (format!("{folder}/hotplug-status"), ""),
            (format!("{folder}/bridge"), bridge),
            (format!("{folder}/mac"), "00:16:3e:00:00:01"),
            (format!("/local/domain/{domid}/vm"), "/vm/some-uuid"),
            (format!("/local/domain/{domid}/device/vif/0/mtu"), "1500"),
            ("/vm/some-uuid/name".into(), "a name; with `words`"),
            ("/vm/some-uuid/uuid".into(), "some-uuid"),
        ] {
            self.store.write(&node, value.as_bytes()).unwrap();
        }
        let guest = format!(
            "ip netns add g{domid} &&
             ip link add vif{domid}.0 type veth peer name eth0 netns g{domid} &&
             ip -n g{domid} address add {address}/24 dev eth0 &&
             ip -n g{domid} link set eth0 up &&
             ip netns exec g{domid} ethtool -K eth0 tx off >/dev/null"
        );
        let made = self.place.on("dom0", &["sh", "-c", &guest]);
        assert_eq!(made.status, 0, "{made}");
    }

    fn call(&self, word: &str, domid: u16) -> Said {
        let environment = [
            format!("XENBUS_PATH=backend/vif/{domid}/0"),
            format!("vif=vif{domid}.0"),
        ];
        let mut argv = vec!["env", "-i"];
        argv.extend(environment.iter().map(String::as_str));
        argv.extend(["/etc/xen/scripts/vif-openvswitch", word, "type_if=vif"]);
        self.place.on("dom0", &argv)
    }

    fn online(&mut self, domid: u16) {
        let said = self.call("online", domid);
        let error = self.node(domid, "hotplug-error");
        assert_eq!(said.status, 0, "{error}");
    }

    fn ovs(&self, words: &str) -> String {
        let line = format!(
            "LD_LIBRARY_PATH={TREE}/lib {TREE}/bin/ovs-vsctl --db=unix:/run/openvswitch/db.sock {words}"
        );
        let said = self.place.on("dom0", &["sh", "-c", &line]);
        assert_eq!(said.status, 0, "{said}");
        said.out.trim().to_owned()
    }

    fn hears(&self, from: u16, address: &str) -> bool {
        let guest = format!("g{from}");
        let words = [
            "ip", "netns", "exec", &guest, "ping", "-q", "-c", "3", "-i", "0.2", "-W", "2", address,
        ];
        self.place.on("dom0", &words).status == 0
    }

    fn node(&mut self, domid: u16, name: &str) -> String {
        let value = self
            .store
            .read_optional(&format!("{BACKEND}/{domid}/0/{name}"))
            .unwrap();
        String::from_utf8(value.unwrap_or_default()).unwrap()
    }
}

#[test]
fn ports_of_open_vswitch_come_and_go() {
    if !need::found("ethtool", "ethtool") {
        return;
    }
    let Some(mut dom0) = Dom0::new() else { return };
    dom0.vif(21, "xenbr0.5", "198.51.100.21");

    // Not running yet: nothing is touched, and the way out is named.
    assert_eq!(dom0.call("online", 21).status, 1);
    let error = dom0.node(21, "hotplug-error");
    assert!(error.contains("is openvswitch-switch running?"), "{error}");
    assert_eq!(dom0.call("offline", 21).status, 0);

    let switch = dom0.start_switch();
    dom0.online(21);
    assert_eq!(dom0.node(21, "hotplug-status"), "connected");
    assert_eq!(dom0.ovs("port-to-br vif21.0"), "xenbr0");
    assert_eq!(dom0.ovs("get port vif21.0 tag trunks"), "5\n[]");
    let ids = dom0.ovs("get interface vif21.0 external_ids");
    assert_eq!(
        ids,
        "{attached-mac=\"00:16:3e:00:00:01\", xen-vm-name=\"a name; with `words`\", xen-vm-uuid=some-uuid}"
    );

    // One of the same VLAN, and one that carries others.
    dom0.vif(22, "xenbr0.5", "198.51.100.22");
    dom0.vif(23, "xenbr0:6:7", "198.51.100.23");
    for domid in [22, 23] {
        dom0.online(domid);
    }
    assert_eq!(dom0.ovs("get port vif23.0 tag trunks"), "[]\n[6, 7]");
    assert!(dom0.hears(21, "198.51.100.22"));
    assert!(!dom0.hears(21, "198.51.100.23"));

    // Again: the same. Then with another VLAN: the port is another.
    let before = dom0.ovs("get port vif21.0 _uuid");
    dom0.online(21);
    assert_eq!(dom0.ovs("get port vif21.0 _uuid"), before);
    dom0.store
        .write(&format!("{BACKEND}/21/0/bridge"), b"xenbr0.9")
        .unwrap();
    dom0.online(21);
    assert_eq!(dom0.ovs("get port vif21.0 tag"), "9");
    assert!(!dom0.hears(21, "198.51.100.22"));

    // A port that cannot be: nothing is left of it.
    dom0.store
        .write(&format!("{BACKEND}/21/0/bridge"), b"ovsbr7")
        .unwrap();
    assert_eq!(dom0.call("online", 21).status, 1);
    let error = dom0.node(21, "hotplug-error");
    assert!(error.contains("no bridge ovsbr7"), "{error}");
    assert_eq!(dom0.ovs("get port vif21.0 tag"), "9");

    // The link may have gone before the script is called; the port has not.
    let gone = dom0.place.on("dom0", &["ip", "link", "delete", "vif22.0"]);
    assert_eq!(gone.status, 0, "{gone}");
    for domid in [21, 22] {
        assert_eq!(dom0.call("offline", domid).status, 0);
        assert_eq!(
            dom0.ovs(&format!("--columns=name find port name=vif{domid}.0")),
            ""
        );
    }

    // Nobody calls the script: gc finds the port, and leaves one that is no vif's.
    dom0.ovs("add-port xenbr0 mine0 -- set interface mine0 external_ids:vm-id=7");
    let gone = dom0.place.on("dom0", &["ip", "link", "delete", "vif23.0"]);
    assert_eq!(gone.status, 0, "{gone}");
    let said = dom0.place.on("dom0", &["/run/xenwire/bin/xenwire", "gc"]);
    assert_eq!(said.status, 0, "{said}");
    assert!(
        said.out.contains("take port vif23.0 from Open vSwitch\n"),
        "{said}"
    );
    assert_eq!(dom0.ovs("list-ports xenbr0"), "mine0");
    drop(switch);
    assert_eq!(dom0.call("offline", 23).status, 0);
}
