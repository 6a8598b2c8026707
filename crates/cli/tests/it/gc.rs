//! `xenwire gc` in the dom0 of a lab: what vifs that are gone left behind goes, and nothing else does.

use std::path::Path;

use xenwire_xenstore::{Client, Nodes as _};

use crate::need;
use crate::place::{Place, Said, each_user};
use crate::scenario::{TRUE, office};

/// The program, as dom0 sees it.
const XENWIRE: &str = "/run/xenwire/bin/xenwire";

/// A dom0 with vifs that no guest is behind.
struct Dom0<'a> {
    place: &'a Place,
    store: Client,
}

impl<'a> Dom0<'a> {
    fn new(place: &'a Place) -> Self {
        office(place, "office", TRUE);
        place.expect(0, &["lab", "up", "office"]);
        let socket = place.expect(0, &["lab", "xenstore"]).out;
        let store = Client::connect(Path::new(socket.trim())).unwrap();
        Self { place, store }
    }

    fn gc(&self, words: &[&str]) -> Said {
        let mut argv = vec![XENWIRE, "gc"];
        argv.extend(words);
        self.place.on("dom0", &argv)
    }

    fn sh(&self, text: &str) -> String {
        let said = self.place.on("dom0", &["sh", "-ec", text]);
        assert_eq!(said.status, 0, "{text}: {said}");
        said.out
    }

    /// A vif that a script of ours has seen.
    fn online(&mut self, script: &str, domid: u16, nodes: &[(&str, &str)]) {
        let folder = format!("/local/domain/0/backend/vif/{domid}/0");
        let mac = format!("00:16:3e:00:01:{domid:02x}");
        for (node, value) in [("hotplug-status", ""), ("handle", "0"), ("mac", &mac)]
            .iter()
            .chain(nodes)
        {
            let node = format!("{folder}/{node}");
            self.store.write(&node, value.as_bytes()).unwrap();
        }
        self.sh(&format!(
            "ip link add vif{domid}.0 type veth peer name peer{domid}
             env -i XENBUS_PATH=backend/vif/{domid}/0 vif=vif{domid}.0 \
                netdev=br0 /etc/xen/scripts/{script} online type_if=vif"
        ));
    }

    /// Everything that a run could touch.
    fn everything(&self) -> String {
        self.sh(
            "nft list ruleset; ip neighbour show proxy; ip -6 neighbour show proxy;
             ip route show table all; ip -o link | cut -d: -f2; ls /run/xenwire/journal /run/xenwire/dhcp/hosts;
             ls /run/xen-hotplug 2>/dev/null || true",
        )
    }
}

fn has_tools() -> bool {
    need::found("ip", "iproute2") && need::found("nft", "nftables")
}

#[test]
fn what_gone_vifs_left_goes_and_nothing_else() {
    if !has_tools() {
        return;
    }
    each_user(|place| {
        let mut dom0 = Dom0::new(place);
        let bridged = [("bridge", "br0"), ("ip", "192.0.2.9")];
        dom0.online("vif-bridge", 9, &bridged);
        let renamed = [("bridge", "br0"), ("ip", "192.0.2.8"), ("vifname", "web0")];
        dom0.online("vif-bridge", 8, &renamed);
        // Foreign: an element without our text, and another's table.
        dom0.sh("nft add element inet xenwire guarded '{ \"vif77.0\" }'
             nft add table ip mine
             ip -6 neighbour add proxy 2001:db8::77 dev br0
             mkdir -p /run/xen-hotplug /run/xenwire/dhcp/hosts; : >/run/xen-hotplug/somebody
             for name in vif9.0 mine; do echo a line >/run/xenwire/dhcp/hosts/$name; done");
        let said = dom0.gc(&[]);
        assert_eq!(said.status, 0, "{said}");
        assert_eq!(said.out, "");
        assert!(said.err.contains("left nothing behind"), "{said}");
        let before = dom0.everything();

        dom0.online(
            "vif-bridge",
            7,
            &[("bridge", "br0"), ("ip", "192.0.2.7 198.51.100.0/28")],
        );
        dom0.online("vif-route", 6, &[("ip", "198.51.100.6 2001:db8::6")]);
        dom0.online(
            "vif-bridge",
            5,
            &[("bridge", "br0"), ("ip", "192.0.2.5"), ("vifname", "db0")],
        );
        dom0.sh(": >/run/xen-hotplug/iptables
             echo a line >/run/xenwire/dhcp/hosts/vif7.0
             ip link delete vif7.0; ip link delete vif6.0; ip link delete db0");
        let with_leftovers = dom0.everything();
        assert_ne!(before, with_leftovers);

        let said = dom0.gc(&["--dry-run"]);
        assert_eq!(said.status, 0, "{said}");
        let lines: Vec<&str> = said.out.lines().collect();
        assert_eq!(
            lines,
            [
                "remove /run/xenwire/dhcp/hosts/vif7.0",
                "remove the neighbour 2001:db8::6 from br0",
                "let db0 send anything",
                "let vif6.0 send anything",
                "let vif7.0 send anything",
                "remove the journal of vif5.0",
                "remove the journal of vif6.0",
                "remove the journal of vif7.0",
                "remove the lock iptables, which nobody holds",
            ],
            "{said}"
        );
        assert_eq!(dom0.everything(), with_leftovers);
        let json = dom0.gc(&["--dry-run", "--json"]);
        let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!(json["version"], 1);
        assert_eq!(json["steps"].as_array().unwrap().len(), lines.len());

        let said = dom0.gc(&[]);
        assert_eq!(said.status, 0, "{said}");
        assert_eq!(said.out.lines().collect::<Vec<_>>(), lines);
        assert_eq!(dom0.everything(), before);
        assert!(dom0.gc(&[]).err.contains("left nothing behind"));
    });
}

#[test]
fn a_lock_that_is_held_stays_and_a_call_that_was_cut_off_is_cleaned_up_after() {
    if !has_tools() {
        return;
    }
    each_user(|place| {
        let mut dom0 = Dom0::new(place);
        dom0.online("vif-bridge", 9, &[("bridge", "br0"), ("ip", "192.0.2.9")]);
        // Cut off: the announcement alone.
        dom0.sh("ip link delete vif9.0
             cd /run/xenwire/journal; head -n 1 vif9.0 >cut; cat cut >vif9.0; rm cut");
        let said = dom0.sh(&format!(
            "mkdir -p /run/xen-hotplug; : >/run/xen-hotplug/iptables
             flock /run/xen-hotplug/iptables {XENWIRE} gc
             test -e /run/xen-hotplug/iptables
             test ! -e /run/xenwire/journal/vif9.0"
        ));
        assert_eq!(
            said,
            "let vif9.0 send anything\nremove the journal of vif9.0\n"
        );
    });
}

/// The rules that upstream's scripts make for a vif with two addresses (contract 2.4), by this program.
fn upstreams(program: &str, port: &str) -> String {
    let frob = |extra: &str| {
        format!(
            "{program} -w -I FORWARD -m physdev --physdev-is-bridged --physdev-in {port} {extra} -j ACCEPT
             {program} -w -I FORWARD -m physdev --physdev-is-bridged --physdev-out {port} -j ACCEPT\n"
        )
    };
    [
        "-s 192.0.2.7",
        "-s 198.51.100.0/28",
        "-s 10.0.0.0/16",
        "-p udp --sport 68 --dport 67",
        "",
    ]
    .map(frob)
    .concat()
}

/// Rules that are nearly theirs, and an administrator's.
const OTHERS: [&str; 8] = [
    "-m physdev --physdev-is-bridged --physdev-in vif+ -j ACCEPT",
    "-m physdev --physdev-is-bridged --physdev-in vif7.0 -j DROP",
    "-m physdev --physdev-is-bridged --physdev-in vif7.0 -m comment --comment mine -j ACCEPT",
    "-m physdev --physdev-in vif7.0 -j ACCEPT",
    "-m physdev --physdev-is-bridged ! --physdev-in vif7.0 -j ACCEPT",
    "-m physdev --physdev-is-bridged --physdev-in vif7.0 -d 192.0.2.1 -j ACCEPT",
    "-m physdev --physdev-is-bridged --physdev-in vif7.0 -p udp --dport 67 -j ACCEPT",
    "-s 192.0.2.7 -j ACCEPT",
];

impl Dom0<'_> {
    /// The rules of the FORWARD chain, as iptables gives them.
    fn forward(&self) -> Vec<String> {
        let saved = self.sh("iptables-nft-save -t filter");
        let rules = saved.lines().filter(|line| line.starts_with("-A FORWARD"));
        rules.map(str::to_owned).collect()
    }

    fn offline(&self, domid: u16) {
        self.sh(&format!(
            "env -i XENBUS_PATH=backend/vif/{domid}/0 vif=vif{domid}.0 \
                /etc/xen/scripts/vif-bridge offline type_if=vif"
        ));
    }
}

#[test]
fn rules_of_xens_own_scripts_go_with_their_vif() {
    if !has_tools() || !need::found("iptables-nft", "iptables") {
        return;
    }
    each_user(|place| {
        let mut dom0 = Dom0::new(place);
        dom0.online("vif-bridge", 9, &[("bridge", "br0")]);
        dom0.sh(&upstreams("iptables-nft", "vif9.0"));
        let others = OTHERS.map(|rule| format!("iptables-nft -w -I FORWARD 4 {rule}\n"));
        dom0.sh(&others.concat());
        let before = dom0.forward();
        assert_eq!(before.len(), 10 + OTHERS.len());

        // Two that are gone, and one that Xen's scripts brought up and we take down.
        dom0.sh("ip link add vif6.0 type veth peer name peer6");
        for port in ["vif7.0", "vif7.0-emu", "vif6.0"] {
            dom0.sh(&upstreams("iptables-nft", port));
        }
        let said = dom0.gc(&["--dry-run"]);
        assert_eq!(said.out.lines().count(), 20, "{said}");
        let line = "remove the rule -A FORWARD -m physdev --physdev-is-bridged --physdev-in vif7.0 -s 198.51.100.0/28 -j ACCEPT";
        assert!(said.out.lines().any(|said| said == line), "{said}");
        assert_eq!(dom0.gc(&[]).status, 0);
        assert_eq!(dom0.forward().len(), before.len() + 10);
        dom0.offline(6);
        assert_eq!(dom0.forward(), before);

        // A vif of ours: nobody looks.
        dom0.offline(9);
        assert_eq!(dom0.forward(), before);
        assert!(dom0.gc(&[]).err.contains("left nothing behind"));
        dom0.sh("ip link delete vif9.0");
        assert_eq!(dom0.gc(&[]).status, 0);
        assert_eq!(dom0.forward().len(), OTHERS.len());
    });
}

#[test]
fn rules_in_legacy_tables_go_with_their_vif() {
    if !has_tools() || !need::found("iptables-legacy", "iptables") {
        return;
    }
    each_user(|place| {
        let mut dom0 = Dom0::new(place);
        dom0.online("vif-bridge", 9, &[("bridge", "br0")]);
        let legacy = || dom0.sh("iptables-legacy -w -S FORWARD");
        dom0.sh(&upstreams("iptables-legacy", "vif9.0"));
        let others = OTHERS.map(|rule| format!("iptables-legacy -w -I FORWARD 4 {rule}\n"));
        dom0.sh(&others.concat());
        let before = legacy();
        for port in ["vif7.0", "vif7.0-emu"] {
            dom0.sh(&upstreams("iptables-legacy", port));
        }
        let with_leftovers = legacy();
        // Where it is in use and its program is not here.
        let hidden = dom0.sh(&format!(
            "unshare -m sh -ec 'mount -t tmpfs none /usr/sbin; {XENWIRE} gc --dry-run' 2>&1"
        ));
        assert!(
            hidden.contains("rules of Xen's scripts were not looked for there"),
            "{hidden}"
        );
        let said = dom0.gc(&["--dry-run"]);
        assert_eq!(said.out.lines().count(), 20, "{said}");
        let line = "remove the rule iptables-legacy -A FORWARD -m physdev --physdev-is-bridged --physdev-in vif7.0 -s 198.51.100.0/28 -j ACCEPT";
        assert!(said.out.lines().any(|said| said == line), "{said}");
        assert_eq!(legacy(), with_leftovers);
        let said = dom0.gc(&[]);
        assert_eq!(said.status, 0, "{said}");
        assert_eq!(legacy(), before);
        assert!(dom0.gc(&[]).err.contains("left nothing behind"));
    });
}

#[test]
fn masquerading_goes_with_its_uplink() {
    if !has_tools() {
        return;
    }
    each_user(|place| {
        let dom0 = Dom0::new(place);
        let tables = || dom0.sh("nft list tables");
        // Foreign: of that name, with another's text.
        dom0.sh(&format!(
            "nft add table ip xenwire-nat-eth9 '{{ comment \"mine\"; }}'
             {XENWIRE} network-nat start netdev=br0"
        ));
        let before = tables();
        assert!(before.contains("xenwire-nat-br0"), "{before}");
        dom0.sh(&format!(
            "ip link add up7 type veth peer name up7p; ip link set up7 up
             {XENWIRE} network-nat start netdev=up7; ip link delete up7"
        ));
        assert!(tables().contains("xenwire-nat-up7"));
        let said = dom0.gc(&[]);
        assert_eq!(
            (said.status, said.out.as_str()),
            (0, "masquerade no longer what leaves by up7\n"),
            "{said}"
        );
        assert_eq!(tables(), before);
        // Nothing is left that would keep it from being the last.
        dom0.sh(&format!("{XENWIRE} network-nat stop netdev=br0"));
        assert_eq!(tables(), "table ip xenwire-nat-eth9\n");
    });
}

#[test]
fn the_way_past_forward_goes_with_its_vif() {
    if !has_tools() {
        return;
    }
    each_user(|place| {
        let mut dom0 = Dom0::new(place);
        let setting = "/proc/sys/net/bridge/bridge-nf-call-iptables";
        let written = format!("echo 1 >{setting}");
        if place.on("dom0", &["sh", "-c", &written]).status != 0 {
            need::missing(&format!(
                "{setting} cannot be written; the kernel module is br_netfilter"
            ));
            return;
        }
        dom0.sh("nft add table ip filter
             nft add chain ip filter FORWARD '{ type filter hook forward priority 0; policy drop; }'");
        for domid in [9, 7] {
            dom0.online("vif-bridge", domid, &[("bridge", "br0")]);
        }
        let chain = dom0.sh("nft list chain ip filter FORWARD");
        assert!(chain.contains("xenwire"), "{chain}");
        dom0.sh("ip link delete vif7.0");
        assert_eq!(dom0.gc(&[]).status, 0);
        let ports = dom0.sh("nft list set bridge xenwire-forward ports");
        assert!(
            ports.contains("vif9.0") && !ports.contains("vif7.0"),
            "{ports}"
        );
        assert_eq!(dom0.sh("nft list chain ip filter FORWARD"), chain);
    });
}
