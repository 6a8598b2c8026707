//! A world for calls: a process that holds namespaces, a tmpfs on /run and /var/log, a store.
//!
//! Invariant: nothing a world's programs do is seen outside it, and it ends with its value: the
//! holder reads from a pipe whose other end we have.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use xenwire_xenstore::{Client, Handle, Nodes, Server, Store};

use crate::need;
use crate::strike::Stage;
use crate::whole_state::{WholeState, diff};

/// Namespaces and a store.
pub struct World {
    holder: Child,
    folder: PathBuf,
    store: Handle,
}

/// How a call of the example ended.
pub struct Called {
    /// The exit status; `None` if it was killed.
    pub status: Option<i32>,
    /// The effects it printed.
    pub effects: Vec<Value>,
    /// What it said on standard error.
    pub stderr: String,
}

/// The group of links (ip-link(8)) in which taps are. It says nothing to the kernel.
const TAPS: u32 = 17;

/// What the kernel does by itself after a change must be over by then.
const PATIENCE: Duration = Duration::from_secs(15);

impl World {
    /// A new one; `None` if the machine lacks something, which is then told.
    pub fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if !need::all() {
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("xw-host-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let (store, _) = Server::spawn(Store::default()).unwrap();
        let socket = UnixListener::bind(folder.join("xenstore")).unwrap();
        store.listen(socket, 0).unwrap();
        let mut holder = Command::new("unshare")
            .args(["-Urnm", "--propagation", "private", "sh", "-ec"])
            .arg(
                "mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /var/log; mkdir /var/log/xen
                 # Asking the segment for an address takes seconds, and is not what is tested.
                 echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
                 # As where nobody loaded br_netfilter: in a new namespace it is on.
                 for switch in /proc/sys/net/bridge/bridge-nf-call-*tables; do
                     test ! -e $switch || echo 0 >$switch
                 done
                 ip link set lo up; echo ready; exec cat >/dev/null",
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        holder
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut ready)
            .expect("the holder builds its world");
        Some(Self {
            holder,
            folder,
            store,
        })
    }

    /// A folder that is the same inside and outside.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The words before a command that is to run inside.
    pub fn through(&self) -> Vec<String> {
        let target = self.holder.id().to_string();
        let words = [
            "nsenter",
            "--preserve-credentials",
            "--user",
            "--net",
            "--mount",
            "--target",
            &target,
            "--",
        ];
        words.map(str::to_owned).to_vec()
    }

    /// A program that runs inside.
    pub fn command(&self, words: &[&str]) -> Command {
        let through = self.through();
        let mut command = Command::new(&through[0]);
        command.args(&through[1..]).args(words);
        command
            .env("PATH", need::path())
            .env("XENSTORED_PATH", self.folder.join("xenstore"));
        command
    }

    /// Runs a shell script inside, which must succeed; gives its output.
    pub fn sh(&self, script: &str) -> String {
        let output = self.command(&["sh", "-ec", script]).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{script}: {}: {stderr}",
            output.status
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// A bridge as Xen administrators make them, with a port `nic-<name>` that has carrier. With
    /// its first carrier a bridge gets its fe80 address and a route for multicast, and that must
    /// be over before a call begins.
    pub fn bridge(&self, name: &str) {
        self.sh(&format!(
            "ip link add {name} address 02:00:00:00:00:fe type bridge stp_state 0 forward_delay 0
             ip link set {name} up
             ip link add nic-{name} address 02:00:00:00:02:00 type veth \
                 peer name lan-{name} address 02:00:00:00:02:01
             ip link set nic-{name} addrgenmode none; ip link set lan-{name} addrgenmode none
             ip link set nic-{name} master {name}
             ip link set nic-{name} up; ip link set lan-{name} up"
        ));
        let end = Instant::now() + PATIENCE;
        loop {
            let show = format!("ip -json -6 address show dev {name} scope link -tentative");
            let found: Value = serde_json::from_str(&self.sh(&show)).unwrap();
            let link = &found[0];
            if link["operstate"] == "UP" && link["addr_info"][0]["local"].is_string() {
                return;
            }
            assert!(Instant::now() < end, "{name} does not come up: {found}");
            sleep(Duration::from_millis(20));
        }
    }

    /// A vif as netback makes it, and its nodes as libxl writes them. The guest's end is a down
    /// link `g<domid>.0`.
    pub fn vif(&self, domid: u16, bridge: &str) {
        self.vif_link(domid);
        self.write(
            &format!("/local/domain/{domid}/device/vif/0/backend"),
            "backend",
        );
        let backend = backend(domid);
        self.write(&format!("{backend}/bridge"), bridge);
        self.write(&format!("{backend}/handle"), "0");
        self.write(
            &format!("{backend}/mac"),
            &format!("00:16:3e:00:00:{domid:02x}"),
        );
    }

    /// Only the link of such a vif.
    pub fn vif_link(&self, domid: u16) {
        self.sh(&format!(
            "ip link add vif{domid}.0 address fe:ff:ff:ff:ff:ff type veth \
             peer name g{domid}.0 address 02:00:00:00:01:{:02x}
             ip link set g{domid}.0 addrgenmode none",
            domid % 256
        ));
    }

    /// The example, about to run as libxl runs a script.
    pub fn script(&self, domid: u16, words: &[&str]) -> Command {
        self.script_under(&[], domid, words)
    }

    /// The same, under another program such as strace.
    pub fn script_under(&self, under: &[&str], domid: u16, words: &[&str]) -> Command {
        let example = Self::program("call");
        let mut command = self.command(under);
        command.arg(example).args(words).arg("type_if=vif");
        command
            .env("XENBUS_PATH", format!("backend/vif/{domid}/0"))
            .env("vif", format!("vif{domid}.0"));
        command
    }

    /// The link of a vif's emulated NIC, as QEMU makes it; `false` if there can be none here, which is
    /// then told.
    pub fn tap(&self, domid: u16) -> bool {
        let there = need::taps("a tap is made through it");
        if there {
            self.sh(&format!("ip tuntap add dev vif{domid}.0-emu mode tap"));
            self.sh(&format!(
                "ip link set vif{domid}.0-emu group {TAPS} address 02:00:00:00:03:{:02x}",
                domid % 256
            ));
        }
        there
    }

    /// A veth that stands for such a link.
    pub fn veth_for_tap(&self, domid: u16) {
        self.sh(&format!(
            "ip link add vif{domid}.0-emu group {TAPS} address 02:00:00:00:03:{0:02x} type veth \
             peer name e{domid}.0 address 02:00:00:00:04:{0:02x}
             ip link set e{domid}.0 addrgenmode none",
            domid % 256
        ));
    }

    /// QEMU closes all of them, whatever they are called by now.
    pub fn close_taps(&self) {
        self.sh(&format!("ip link delete group {TAPS} 2>&1 || true"));
    }

    /// The example, about to run as libxl runs a script for the emulated NIC of a vif.
    pub fn script_for_tap(&self, domid: u16, words: &[&str]) -> Command {
        self.script_for_tap_under(&[], domid, words)
    }

    /// The same, under another program such as strace.
    pub fn script_for_tap_under(&self, under: &[&str], domid: u16, words: &[&str]) -> Command {
        let mut command = self.command(under);
        command
            .arg(Self::program("call"))
            .args(words)
            .arg("type_if=tap");
        command.env("INTERFACE", format!("vif{domid}.0-emu"));
        command
    }

    /// An example beside this test. A run of this test alone does not build it, or not anew.
    pub fn program(name: &'static str) -> &'static str {
        static BUILT: Mutex<BTreeMap<&str, &str>> = Mutex::new(BTreeMap::new());
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        built.entry(name).or_insert_with(|| example(name).leak())
    }

    /// Runs the example.
    pub fn call(&self, domid: u16, words: &[&str]) -> Called {
        self.script(domid, words).output().unwrap().into()
    }

    /// Runs the example, which must succeed, and gives the sockets that it opened.
    pub fn traced(&self, domid: u16, words: &[&str]) -> String {
        let log = self.folder.join("sockets");
        let log = log.to_str().unwrap();
        let strace = ["strace", "-f", "-qq", "-e", "trace=socket", "-o", log];
        let output = self.script_under(&strace, domid, words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        fs::read_to_string(log).unwrap()
    }

    /// Runs the example, which must succeed.
    pub fn succeed(&self, domid: u16, words: &[&str]) -> Called {
        let called = self.call(domid, words);
        let error = self.node(&format!("{}/hotplug-error", backend(domid)));
        assert_eq!(
            called.status,
            Some(0),
            "{words:?}: {error:?}: {}",
            called.stderr
        );
        called
    }

    /// A client of the store that acts for dom0.
    pub fn store(&self) -> Client {
        self.store.client(0).unwrap()
    }

    /// Sets a node.
    pub fn write(&self, path: &str, value: &str) {
        self.store().write(path, value.as_bytes()).unwrap();
    }

    /// Removes a node.
    pub fn remove(&self, path: &str) {
        self.store().rm(path).unwrap();
    }

    /// A node's value.
    pub fn node(&self, path: &str) -> Option<String> {
        let value = self.store().read_optional(path).unwrap()?;
        Some(String::from_utf8(value).unwrap())
    }

    /// All nodes with their values.
    pub fn nodes(&self) -> BTreeMap<String, String> {
        let nodes = self.nodes_as_bytes().into_iter();
        nodes
            .map(|(path, value)| (path, String::from_utf8(value).unwrap()))
            .collect()
    }

    /// The same, where a value may be no text.
    pub fn nodes_as_bytes(&self) -> BTreeMap<String, Vec<u8>> {
        fn walk(client: &mut Client, path: &str, nodes: &mut BTreeMap<String, Vec<u8>>) {
            for name in client
                .directory(if path.is_empty() { "/" } else { path })
                .unwrap()
            {
                let path = format!("{path}/{name}");
                let value = client.read(&path).unwrap();
                nodes.insert(path.clone(), value);
                walk(client, &path, nodes);
            }
        }
        let mut nodes = BTreeMap::new();
        walk(&mut self.store(), "", &mut nodes);
        nodes
    }

    /// The journal of a vif, a record a line; nothing if there is none.
    pub fn journal(&self, domid: u16) -> Vec<Value> {
        let path = format!("/run/xenwire/journal/vif{domid}.0");
        let text = self.sh(&format!("test ! -e {path} || cat {path}"));
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The whole state, once the kernel has done what it does by itself.
    pub fn state(&self) -> WholeState {
        let end = Instant::now() + PATIENCE;
        let mut last = WholeState::take(&self.through());
        loop {
            sleep(Duration::from_millis(100));
            let state = WholeState::take(&self.through());
            let unsettled = state.unsettled();
            if unsettled.is_empty() && diff(&last, &state).is_empty() {
                return state;
            }
            assert!(
                Instant::now() < end,
                "it never rests: {unsettled:?} {:?}",
                diff(&last, &state)
            );
            last = state;
        }
    }

    /// How the world differs from a state, once the kernel has done what it does by itself.
    pub fn differs_from(&self, state: &WholeState) -> Vec<String> {
        self.comes_to(|now| diff(state, now))
    }

    /// What is wrong with the world, once the kernel has done what it does by itself.
    pub fn comes_to(&self, wrong: impl Fn(&WholeState) -> Vec<String>) -> Vec<String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let differences = wrong(&WholeState::take(&self.through()));
            if differences.is_empty() || Instant::now() > end {
                return differences;
            }
            sleep(Duration::from_millis(100));
        }
    }
}

/// Calls about the first vif.
impl Stage for World {
    type Said = Called;

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn behind(&self, before: &[&str], args: &[&str]) -> Command {
        self.script_under(before, 1, args)
    }

    fn succeeds(&self, args: &[&str]) {
        self.succeed(1, args);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
        self.store.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl From<Output> for Called {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            effects: String::from_utf8(output.stdout)
                .unwrap()
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The backend's folder of a vif.
pub fn backend(domid: u16) -> String {
    format!("/local/domain/0/backend/vif/{domid}/0")
}

/// The path of an example, built if it has to be.
fn example(name: &str) -> String {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).unwrap();
    let example = target.join("examples").join(name);
    if !is_fresh(&example) {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--package", "xenwire-host", "--example", name])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(built.success() && example.exists(), "no {example:?} to run");
    }
    example.into_os_string().into_string().unwrap()
}

/// Whether it is there and younger than all its sources, which cargo lists in a file beside it.
fn is_fresh(program: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let sources = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let mut sources = sources.split_whitespace().skip(1).peekable();
    sources.peek().is_some() && sources.all(|source| time(Path::new(source)) <= time(program))
}
