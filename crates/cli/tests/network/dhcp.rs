//! Guests of vif-nat that ask for their addresses: Debian's dnsmasq, which `network-nat` starts, and
//! busybox's client.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::need;
use crate::world::{Kind, Said, World};

/// As often as it takes on a busy machine, a second each.
const LONG: u32 = 30;

/// What the client runs when it has an address.
const BOUND: &str = "#!/bin/sh
[ \"$1\" = bound ] || exit 0
ip address replace $ip/$mask dev $interface
ip route replace default via $router
echo $ip/$mask by $router, names by $dns, called $hostname
";

/// A host that masquerades what guests send, with a xenstore, and nobody who knows a way to them.
struct Nat {
    world: World,
    store: Child,
}

impl Nat {
    fn new(nobody: bool) -> Option<Self> {
        let tools = [
            ("dnsmasq", "dnsmasq-base"),
            ("busybox", "busybox"),
            ("xenstore-write", "xenstore-utils"),
        ];
        if !tools
            .iter()
            .all(|(tool, package)| need::found(tool, package))
        {
            return None;
        }
        let kind = Kind {
            nobody,
            ..Kind::WITHOUT_PAIRS
        };
        let world = World::new(kind)?;
        let socket = world.folder().join("xenstore");
        let socket = socket.to_str().unwrap();
        let store = world
            .command(&world.xenwire(&["xenstored", "--socket", socket]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let nat = Self { world, store };
        nat.sh("until [ -S \"$XENSTORED_PATH\" ]; do sleep 0.05; done; ln -s xenwire vif-nat");
        Some(nat)
    }

    /// A shell script on the host, in the world's folder.
    fn said(&self, script: &str) -> Said {
        let folder = self.world.folder();
        // Whoever enters a mount namespace is at its root.
        let script = format!("cd {}\n{script}", folder.display());
        let mut command = self.world.command(&["sh", "-ec", &script]);
        command.env("XENSTORED_PATH", folder.join("xenstore"));
        command.output().unwrap().into()
    }

    fn sh(&self, script: &str) -> String {
        let said = self.said(script);
        assert_eq!(said.status, 0, "{script}\n{said}");
        said.out
    }

    fn start(&self) {
        self.world
            .expect(0, &["network-nat", "start", "netdev=eth0", "dhcp=yes"]);
    }

    /// A guest with a network of its own and this link; what libxl says of it.
    fn guest(&self, domid: u16, rest: &str) {
        self.world.vif(domid, None);
        let path = format!("/local/domain/0/backend/vif/{domid}/0");
        self.sh(&format!(
            "ip netns add guest{domid}; ip -n outside link set g{domid}.0 netns guest{domid}
             ip -n guest{domid} link set g{domid}.0 up
             xenstore-write {path}/mac 00:16:3e:00:00:{domid:02x} {rest}"
        ));
    }

    fn vif_nat(&self, domid: u16, verb: &str) {
        self.sh(&format!(
            "vif=vif{domid}.0 XENBUS_PATH=backend/vif/{domid}/0 ./vif-nat {verb} type_if=vif"
        ));
    }

    /// A guest that came.
    fn came(&self, domid: u16, rest: &str) {
        self.guest(domid, rest);
        self.vif_nat(domid, "online");
        let status = format!("xenstore-read /local/domain/0/backend/vif/{domid}/0/hotplug-status");
        assert_eq!(self.sh(&status), "connected\n");
    }

    /// Asks by a guest's link, so many times, and gives what was answered.
    fn asked(&self, domid: u16, times: u32) -> Option<String> {
        let said = self.said(&format!(
            "cat >bound <<'END'\n{BOUND}END
             chmod +x bound
             ip netns exec guest{domid} busybox udhcpc -i g{domid}.0 -f -n -q -t {times} -T 1 -s $PWD/bound"
        ));
        (said.status == 0).then(|| said.out.trim().to_owned())
    }

    /// The server's number.
    fn pid(&self) -> String {
        let pid = self.sh("cut -d ' ' -f 1 /run/xenwire/dhcp/server");
        pid.trim().to_owned()
    }

    /// The server is gone, and `status` knows.
    fn kill_server(&self) {
        self.sh(&format!("kill -KILL {}", self.pid()));
        let status = || self.world.expect(0, &["network-nat", "status"]).out;
        while !status().contains("has ended") {
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Nat {
    fn drop(&mut self) {
        self.world.say(&["network-nat", "stop", "netdev=eth0"]);
        // It is asked to end, and waited for.
        let _ = self
            .world
            .command(&["kill", &self.store.id().to_string()])
            .status();
        let _ = self.store.kill();
        let _ = self.store.wait();
    }
}

fn each_user(test: impl Fn(&Nat)) {
    for nobody in [false, true] {
        if let Some(nat) = Nat::new(nobody) {
            test(&nat);
        }
    }
}

#[test]
fn guests_ask_and_reach_the_outside() {
    each_user(|nat| {
        // One before the server is there, one after.
        nat.came(5, "");
        nat.start();
        nat.came(
            6,
            "/local/domain/0/backend/vif/6/0/ip '192.168.7.200 192.168.7.201'",
        );
        for (domid, wanted) in [
            (
                5,
                "10.0.5.1/24 by 10.0.5.128, names by 10.0.5.128, called dom5",
            ),
            (
                6,
                "192.168.7.200/24 by 192.168.7.73, names by 192.168.7.73, called dom6",
            ),
        ] {
            assert_eq!(nat.asked(domid, LONG).as_deref(), Some(wanted));
        }
        for (domid, to) in [(5, "192.0.2.1"), (6, "192.0.2.1"), (5, "192.168.7.200")] {
            nat.sh(&format!(
                "ip netns exec guest{domid} ping -n -q -c 1 -W 10 {to}"
            ));
        }
        let status = nat.world.expect(0, &["network-nat", "status"]).out;
        assert!(status.contains("dnsmasq gives guests"), "{status}");
        // Whoever takes another's MAC is nobody, and the other keeps its address.
        nat.sh("ip -n guest6 link set g6.0 address 00:16:3e:00:00:05");
        assert_eq!(nat.asked(6, 3), None);
        assert!(nat.asked(5, LONG).is_some());
    });
}

#[test]
fn a_guest_that_has_gone_is_known_no_longer() {
    each_user(|nat| {
        nat.start();
        for domid in [5, 6] {
            nat.came(domid, "");
            assert!(nat.asked(domid, LONG).is_some());
        }
        let hosts = "ls -A /run/xenwire/dhcp/hosts";
        assert_eq!(nat.sh(hosts), "vif5.0\nvif6.0\n");
        let line = nat.sh("cat /run/xenwire/dhcp/hosts/vif5.0");
        // As it is with libxl: the link has gone before.
        nat.sh("ip link delete vif5.0; ip netns delete guest5");
        nat.vif_nat(5, "offline");
        assert_eq!(nat.sh(hosts), "vif6.0\n");
        // Somebody with its MAC, by a link of its name and address.
        nat.guest(5, "");
        nat.sh("ip address add 10.0.5.128/32 dev vif5.0; ip route add 10.0.5.1 dev vif5.0");
        assert_eq!(nat.asked(5, 3), None);
        // With the file it would have been answered; and the other was never in doubt.
        nat.sh(&format!(
            "echo {} >/run/xenwire/dhcp/hosts/vif5.0",
            line.trim()
        ));
        assert!(nat.asked(5, LONG).is_some());
        assert!(nat.asked(6, LONG).is_some());
    });
}

#[test]
fn guests_come_without_a_server_and_it_is_said() {
    each_user(|nat| {
        nat.start();
        nat.kill_server();
        nat.came(5, "");
        let log = nat.sh("cat /var/log/xen/xen-hotplug.log");
        assert!(log.contains("vif5.0 online: no DHCP for guests"), "{log}");
        nat.vif_nat(5, "offline");
        nat.vif_nat(5, "online");
        // Started again, it knows those that came meanwhile.
        nat.start();
        let answer = nat.asked(5, LONG).unwrap_or_default();
        assert!(answer.starts_with("10.0.5.1/"), "{answer}");
    });
}

#[test]
fn stop_ends_the_server_that_start_began_and_no_other() {
    each_user(|nat| {
        let call = |words: &[&str]| nat.world.expect(0, words).out;
        nat.start();
        let pid = nat.pid();
        let plan = call(&["network-nat", "stop", "netdev=eth0", "--plan"]);
        assert!(plan.contains("stop dnsmasq"), "{plan}");
        nat.start();
        assert_eq!(nat.pid(), pid, "it was running");
        call(&["network-nat", "stop", "netdev=eth0"]);
        assert_eq!(nat.sh("ls -A /run/xenwire/dhcp"), "hosts\n");
        nat.sh(&format!("! grep -s '^State:.[^Z]' /proc/{pid}/status"));
        // Somebody else's process has the number by now.
        nat.start();
        let ours = nat.sh("cat /run/xenwire/dhcp/server");
        nat.sh(
            "sleep 1000 >/dev/null 2>&1 & echo $! >sleep; echo \"$! 1\" >/run/xenwire/dhcp/server",
        );
        nat.came(5, "");
        nat.vif_nat(5, "offline");
        call(&["network-nat", "stop", "netdev=eth0"]);
        nat.sh("kill -0 $(cat sleep); kill $(cat sleep)");
        // And the one that was forgotten so is still there.
        nat.sh(&format!("kill {}", ours.split(' ').next().unwrap()));
    });
}

/// The unit of the package: what it starts, starts again and stops.
const UNIT: &str = include_str!("../../../../ci/package/xenwire-nat.service");

/// The words of a line of the unit, behind the program.
fn of_unit(key: &str) -> Vec<&'static str> {
    let program = format!("{key}=/usr/libexec/xenwire/xenwire ");
    let mut found = UNIT.lines().filter_map(|line| line.strip_prefix(&program));
    let words = found.next().unwrap_or_else(|| panic!("no {key}: {UNIT}"));
    // As its EnvironmentFile says on this host.
    let words = words.split_whitespace().map(|word| match word {
        "$NETWORK_NAT" => "netdev=eth0",
        word => word,
    });
    words.collect()
}

#[test]
fn the_unit_starts_it_starts_it_again_and_stops_it() {
    each_user(|nat| {
        let before = nat.world.rested();
        nat.world.expect(0, &of_unit("ExecStart"));
        let first = nat.pid();
        nat.world.expect(0, &of_unit("ExecReload"));
        assert_eq!(nat.pid(), first, "it was running");
        nat.came(5, "");
        nat.kill_server();
        nat.world.expect(0, &of_unit("ExecReload"));
        assert!(nat.asked(5, LONG).is_some());
        nat.vif_nat(5, "offline");
        nat.sh("ip link delete vif5.0; ip netns delete guest5");
        nat.world.expect(0, &of_unit("ExecStop"));
        assert_eq!(nat.world.lastingly_differs_from(&before), [""; 0]);
        assert_eq!(nat.sh("ls -A /run/xenwire/dhcp"), "hosts\n");
    });
}

#[test]
fn a_server_that_cannot_be_started_is_said_and_nothing_stays() {
    each_user(|nat| {
        nat.sh("mkdir -p /run/xenwire/dhcp/dnsmasq.pid/taken");
        let before = nat.world.rested();
        let said = nat
            .world
            .expect(1, &["network-nat", "start", "netdev=eth0", "dhcp=yes"]);
        assert!(said.err.contains("dnsmasq.pid"), "{said}");
        assert_eq!(nat.world.lastingly_differs_from(&before), [""; 0]);
        assert_eq!(nat.sh("ls /run/xenwire/dhcp"), "dnsmasq.pid\nhosts\n");
    });
}

/// Its files as Debian has them, and a script that would start it.
const DHCPD: &str = "mkdir /run/etc; cp -r /etc/. /run/etc 2>/dev/null || true; mount --bind /run/etc /etc
cd /etc; mkdir -p dhcp init.d default; rm -rf dhcpd.conf dhcp3 sysconfig/dhcpd defaults/dhcp default/dhcp*
echo '# mine' >dhcp/dhcpd.conf; echo 'INTERFACESv4=\"eth1\"' >default/isc-dhcp-server
printf '#!/bin/sh\\ntouch /run/started\\n' >init.d/isc-dhcp-server; chmod 755 init.d/isc-dhcp-server
echo 'nameserver 192.0.2.53' >/run/resolv.conf; mount --bind /run/resolv.conf /etc/resolv.conf";

#[test]
fn lines_of_a_guest_that_is_gone_go_with_gc() {
    each_user(|nat| {
        nat.sh(DHCPD);
        nat.start();
        let files = || nat.sh("cat /etc/dhcp/dhcpd.conf /etc/default/isc-dhcp-server");
        let come = |domid: u16| {
            nat.guest(domid, "");
            nat.sh(&format!(
                "dhcp=yes vif=vif{domid}.0 XENBUS_PATH=backend/vif/{domid}/0 ./vif-nat online type_if=vif"
            ));
        };
        nat.sh("echo 'host dom6 { fixed-address 192.0.2.6; }' >>/etc/dhcp/dhcpd.conf");
        come(5);
        let before = files();
        come(6);
        nat.sh("ip link delete vif6.0");
        let said = nat.world.expect(0, &["gc", "--dry-run"]);
        let line = "write `INTERFACESv4=\"eth1 vif5.0 \"` into /etc/default/isc-dhcp-server";
        assert!(said.out.lines().any(|said| said == line), "{said}");
        let said = nat.world.expect(0, &["gc"]);
        assert!(said.err.contains("start it again"), "{said}");
        assert_eq!(files(), before, "{said}");
        let said = nat.world.expect(0, &["gc"]);
        assert!(said.err.contains("left nothing behind"), "{said}");
    });
}

#[test]
fn a_distributions_dhcpd_is_told_and_not_started() {
    each_user(|nat| {
        nat.sh(DHCPD);
        let conf = || nat.sh("cat /etc/dhcp/dhcpd.conf");
        let args = || nat.sh("cat /etc/default/isc-dhcp-server");
        nat.start();
        let subnet = "# mine\nsubnet 10.0.0.0 netmask 255.0.0.0 { option domain-name-servers 192.0.2.53; }\n";
        assert_eq!(conf(), subnet);
        nat.guest(5, "");
        nat.sh("dhcp=yes vif=vif5.0 XENBUS_PATH=backend/vif/5/0 ./vif-nat online type_if=vif");
        let host = "host dom5 { hardware ethernet 00:16:3e:00:00:05; fixed-address 10.0.5.1; option routers 10.0.5.128; option host-name \"dom5\"; }\n";
        assert_eq!(conf(), format!("{subnet}{host}"));
        assert_eq!(args(), "INTERFACESv4=\"eth1 vif5.0 \"\n");
        let log = nat.sh("cat /var/log/xen/xen-hotplug.log");
        assert!(
            log.contains("vif5.0 online: /etc/dhcp/dhcpd.conf has changed"),
            "{log}"
        );
        nat.vif_nat(5, "offline");
        assert_eq!(
            (conf(), args()),
            (subnet.to_owned(), "INTERFACESv4=\"eth1 \"\n".to_owned())
        );
        nat.world.expect(0, &["network-nat", "stop", "netdev=eth0"]);
        assert_eq!(conf(), "# mine\n");
        nat.sh("! [ -e /run/started ]; ! [ -e /run/xenwire/dhcp/server ]");
    });
}
