//! The dom0 of the benchmark: its store, its vifs, and a look at what came out.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use xenwire_xenstore::{Client, Nodes as _, Server, Store};

use crate::side::{Act, Side};

/// A guest's vif 0.
#[derive(Clone, Debug)]
pub struct Vif {
    /// The guest.
    pub domid: u16,
    /// The bridge it is to be on.
    pub bridge: &'static str,
    /// The addresses that the guest is held to.
    pub ip: &'static str,
}

impl Vif {
    /// The first guest's, on the first bridge.
    pub const FIRST: Self = Self {
        domid: 5,
        bridge: "br0",
        ip: "",
    };

    /// The same, with addresses.
    pub const HELD: Self = Self {
        ip: "192.0.2.5 2001:db8::5",
        ..Self::FIRST
    };

    /// The backend link.
    pub fn link(&self) -> String {
        format!("vif{}.0", self.domid)
    }

    /// The file for `ip -batch`.
    pub fn batch(&self, act: Act) -> String {
        format!("/run/batch/{}.{act}", self.link())
    }
}

/// The dom0.
pub struct Dom0 {
    store: Client,
}

impl Dom0 {
    /// Inside the namespaces that `world.sh` made.
    pub fn new() -> Self {
        fs::create_dir("/run/ours").unwrap();
        fs::create_dir("/run/batch").unwrap();
        // A folder of hooks without one: it is looked at.
        fs::create_dir("/etc/xen/scripts/vif-post.d").unwrap();
        // As `install` writes it, on a disk as ip is: how a file came to be decides how many of its
        // pages a fault brings (filemap_map_pages, mm/filemap.c).
        let program = concat!(env!("CARGO_TARGET_TMPDIR"), "/xenwire");
        fs::copy(env!("CARGO_BIN_EXE_xenwire"), program).unwrap();
        symlink(program, "/run/ours/vif-bridge").unwrap();
        ip("link add br1 type bridge\nlink set br1 up\n");
        // As on a host without br_netfilter: where it is loaded it is on in every new namespace, and
        // whoever asks has to look at FORWARD.
        for family in ["ip", "ip6", "arp"] {
            let path = format!("/proc/sys/net/bridge/bridge-nf-call-{family}tables");
            assert!(!fs::exists(&path).unwrap() || fs::write(&path, "0").is_ok());
        }
        let (server, _) = Server::spawn(Store::default()).unwrap();
        server
            .listen(UnixListener::bind("/run/store").unwrap(), 0)
            .unwrap();
        let store = server.client(0).unwrap();
        Self { store }
    }

    /// Makes a guest's vif anew, as netback and libxl leave it, and the files for `ip -batch`.
    pub fn make(&mut self, vif: &Vif) {
        self.make_all(std::slice::from_ref(vif));
    }

    /// Makes these, quickly.
    pub fn make_all(&mut self, vifs: &[Vif]) {
        let mut lines = String::new();
        for vif in vifs {
            let (link, domid) = (vif.link(), vif.domid);
            if fs::exists(format!("/sys/class/net/{link}")).unwrap() {
                lines += &format!("link del {link}\n");
            }
            let (high, low) = (domid >> 8, domid & 255);
            lines += &format!(
                "link add {link} address 02:00:00:00:{high:02x}:{low:02x} type veth peer name g{domid}.0\n"
            );
            let online = format!(
                "link set dev {link} down\nlink set dev {link} address fe:ff:ff:ff:ff:ff\naddress flush dev {link}\n\
                 link set dev {link} mtu 1500\nlink set dev {link} master {}\nlink set dev {link} up\n",
                vif.bridge
            );
            let offline = format!("link set dev {link} down\nlink set dev {link} nomaster\n");
            fs::write(vif.batch(Act::Online), online).unwrap();
            fs::write(vif.batch(Act::Offline), offline).unwrap();
            let backend = format!("/local/domain/0/backend/vif/{domid}/0");
            let frontend = format!("/local/domain/{domid}/device/vif/0");
            for (folder, name, value) in [
                (&backend, "frontend", frontend.as_str()),
                (&backend, "mac", "00:16:3e:00:00:01"),
                (&backend, "bridge", vif.bridge),
                (&backend, "ip", vif.ip),
                (&backend, "handle", "0"),
                (&backend, "hotplug-status", ""),
                (&frontend, "mtu", "1"),
            ] {
                // xl writes it only where the guest has addresses.
                if (name, value) == ("ip", "") {
                    continue;
                }
                self.store
                    .write(&format!("{folder}/{name}"), value.as_bytes())
                    .unwrap();
            }
        }
        ip(&lines);
    }

    /// Everything is as it must be after that act of that side.
    pub fn check(&mut self, vif: &Vif, act: Act, side: Side) {
        let link = vif.link();
        let read = |name: &str| {
            let path = format!("/sys/class/net/{link}/{name}");
            fs::read_to_string(path).unwrap().trim().to_owned()
        };
        let up = u32::from_str_radix(read("flags").trim_start_matches("0x"), 16).unwrap() & 1 == 1;
        let port = format!("/sys/class/net/{}/brif/{link}", vif.bridge);
        let online = act == Act::Online;
        assert_eq!(up, online, "{side} {act}");
        assert_eq!(fs::exists(port).unwrap(), online, "{side} {act}");
        assert_eq!(read("address"), "fe:ff:ff:ff:ff:ff", "{side} {act}");
        if side == Side::Ours && !vif.ip.is_empty() {
            assert_eq!(is_held(&link), online, "{side} {act}");
        }
        if side != Side::Batch && online {
            let mut node = |path: String| self.store.read_text(&path).unwrap();
            let domid = vif.domid;
            let status = node(format!(
                "/local/domain/0/backend/vif/{domid}/0/hotplug-status"
            ));
            assert_eq!(status, "connected", "{side}");
            assert_eq!(
                node(format!("/local/domain/{domid}/device/vif/0/mtu")),
                "1500",
                "{side}"
            );
        }
    }
}

/// Whether a port is held to addresses.
fn is_held(link: &str) -> bool {
    let words = ["list", "set", "inet", "xenwire", "guarded"];
    let listed = Command::new("nft").args(words).output().unwrap();
    String::from_utf8_lossy(&listed.stdout).contains(&format!("\"{link}\""))
}

/// Runs these lines of `ip -batch`.
fn ip(lines: &str) {
    let mut child = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{lines}");
}

/// An ordinary user's PATH on Debian lacks the folders of ip and brctl.
pub fn path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/local/sbin:/usr/sbin:/sbin")
}
