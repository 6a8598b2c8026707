//! A xenstore that writes down what is written to it, in order, and which links were up then.
//!
//! Invariant: a request is in the account before its client has the answer, so all that a program
//! wrote is there once it has ended.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use xenwire_xenstore::trace::{self, Entry};
use xenwire_xenstore::wire::Kind;
use xenwire_xenstore::{Access, Client, Handle, Nodes as _, Perms, Server, Store};

/// The folder of the vif that every situation is about.
pub const BACKEND: &str = "/local/domain/0/backend/vif/5/0";
/// Its other half.
pub const FRONTEND: &str = "/local/domain/5/device/vif/0";

/// A store with the nodes of libxl for one vif.
pub struct Recorded {
    server: Handle,
    thread: Option<JoinHandle<io::Result<()>>>,
    account: Arc<Mutex<Account>>,
    client: Client,
    socket: PathBuf,
    caller: u16,
}

#[derive(Default)]
struct Account {
    trace: String,
    /// Links that were up, by the line of the trace at which they were.
    up: BTreeMap<usize, String>,
    /// The links' folder as the world sees it.
    links: PathBuf,
}

struct Sink(Arc<Mutex<Account>>);

/// A folder of nodes, whose it is, who may read it besides, and what is in it.
type Folder<'a> = (&'a str, u16, u16, &'a [(&'a str, &'a str)]);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut account = self.0.lock().unwrap();
        let lines = String::from_utf8_lossy(bytes);
        let first = account.trace.lines().count();
        for (line, text) in (first..).zip(lines.lines()) {
            if text.starts_with("request") && text.contains(" WRITE ") {
                let up = up(&account.links);
                account.up.insert(line, up);
            }
        }
        account.trace.push_str(&lines);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The links that are up, by name.
fn up(links: &Path) -> String {
    let mut names = Vec::new();
    for entry in fs::read_dir(links).into_iter().flatten().flatten() {
        let flags = fs::read_to_string(entry.path().join("flags")).unwrap_or_default();
        let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16).unwrap_or(0);
        // IFF_UP (netdevice(7)).
        if flags & 1 == 1 {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.retain(|name| name != "lo");
    names.sort();
    names.join(" ")
}

impl Recorded {
    /// A store whose socket is in this folder. Clients act for `caller`; `world` is the process
    /// whose links are looked at.
    pub fn new(folder: &Path, caller: u16, world: u32) -> Self {
        let account = Arc::new(Mutex::new(Account {
            links: Path::new("/proc")
                .join(world.to_string())
                .join("root")
                .join("sys/class/net"),
            ..Account::default()
        }));
        let lost = |error| panic!("the account takes everything: {error}");
        let (server, thread) =
            Server::spawn_recorded(Store::default(), Sink(account.clone()), lost).unwrap();
        let socket = folder.join("xenstore");
        let listener = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
        server.introduce(5);
        if caller != 0 {
            server.introduce(caller);
        }
        server.listen(listener, caller).unwrap();
        let client = server.client(0).unwrap();
        let mut store = Self {
            server,
            thread: Some(thread),
            account,
            client,
            socket,
            caller,
        };
        store.nodes_of_libxl();
        store
    }

    /// Contract 3.2, in the order of libxl, once netback has seen them.
    fn nodes_of_libxl(&mut self) {
        let backend = self.backend();
        let domid = self.caller.to_string();
        let mac = "00:16:3e:00:05:00";
        let folders: [Folder; 2] = [
            (
                &backend,
                self.caller,
                5,
                &[
                    ("frontend", FRONTEND),
                    ("frontend-id", "5"),
                    ("online", "1"),
                    ("state", "2"),
                    ("script", "/etc/xen/scripts/vif-bridge"),
                    ("mac", mac),
                    ("bridge", "br0"),
                    ("handle", "0"),
                    ("type", "vif"),
                    ("hotplug-status", ""),
                ],
            ),
            (
                FRONTEND,
                5,
                self.caller,
                &[
                    ("backend", &backend),
                    ("backend-id", &domid),
                    ("state", "1"),
                    ("handle", "0"),
                    ("mac", mac),
                    ("trusted", "1"),
                    // Not what libxl writes, which is the vif's: so that it is seen when a
                    // script writes it.
                    ("mtu", "1492"),
                ],
            ),
        ];
        for (folder, owner, reader, nodes) in folders {
            let perms = Perms::owned_by(owner, Access::None).with(Access::Read, reader);
            self.client.mkdir(folder).unwrap();
            self.client.set_permissions(folder, &perms).unwrap();
            for (name, value) in nodes {
                let path = format!("{folder}/{name}");
                self.client.write(&path, value.as_bytes()).unwrap();
            }
        }
        // So that the script of a driver domain may overwrite it.
        let perms = Perms::owned_by(self.caller, Access::None).with(Access::Read, 5);
        self.client
            .set_permissions(&format!("{FRONTEND}/mtu"), &perms)
            .unwrap();
    }

    fn backend(&self) -> String {
        BACKEND.replace("domain/0", &format!("domain/{}", self.caller))
    }

    /// Where clients connect.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Writes a node; relative ones are in the backend's folder.
    pub fn write(&mut self, path: &str, value: &[u8]) {
        let path = self.absolute(path);
        self.client.write(&path, value).unwrap();
    }

    /// Removes a node and all below it, if it is there.
    pub fn remove(&mut self, path: &str) {
        let path = self.absolute(path);
        match self.client.rm(&path) {
            Ok(()) => {}
            Err(error) => assert!(error.is_not_found(), "{path}: {error}"),
        }
    }

    fn absolute(&self, path: &str) -> String {
        match path {
            "." => self.backend(),
            path if path.starts_with('/') => path.to_owned(),
            path => format!("{}/{path}", self.backend()),
        }
    }

    /// How much of the account there is: what follows comes later.
    pub fn mark(&self) -> usize {
        self.account.lock().unwrap().trace.lines().count()
    }

    /// What was written and removed since a mark, in order. Writes of one transaction are one
    /// group; those that failed, or were never committed, are left out.
    pub fn written_since(&self, mark: usize) -> Vec<String> {
        let account = self.account.lock().unwrap();
        let mut lines: Vec<&str> = vec![trace::HEADER];
        lines.extend(account.trace.lines().skip(mark));
        let entries = trace::parse(&format!("{}\n", lines.join("\n"))).unwrap();
        let mut groups: BTreeMap<(u64, u32), Vec<String>> = BTreeMap::new();
        let mut written = Vec::new();
        let mut asked: BTreeMap<u64, (Kind, u32, Vec<u8>, usize)> = BTreeMap::new();
        for (line, entry) in (mark..).zip(entries) {
            match entry {
                Entry::Request {
                    conn,
                    kind,
                    tx_id,
                    payload,
                } => {
                    asked.insert(conn, (kind, tx_id, payload, line));
                }
                Entry::Reply { conn, kind, .. } => {
                    let Some((request, tx, payload, line)) = asked.remove(&conn) else {
                        continue;
                    };
                    if kind == Kind::Error {
                        continue;
                    }
                    let change = match request {
                        Kind::Write | Kind::Mkdir | Kind::Rm | Kind::SetPerms => {
                            self.change(request, &payload, account.up.get(&line))
                        }
                        Kind::TransactionEnd => {
                            let group = groups.remove(&(conn, tx)).unwrap_or_default();
                            if payload.starts_with(b"T") && !group.is_empty() {
                                written.push(group.join(" + "));
                            }
                            continue;
                        }
                        _ => continue,
                    };
                    match tx {
                        0 => written.push(change),
                        tx => groups.entry((conn, tx)).or_default().push(change),
                    }
                }
                _ => {}
            }
        }
        written
    }

    fn change(&self, kind: Kind, payload: &[u8], up: Option<&String>) -> String {
        let mut parts = payload.splitn(2, |byte| *byte == 0);
        let path = String::from_utf8_lossy(parts.next().unwrap()).into_owned();
        let path = match path.starts_with('/') {
            true => path,
            false => format!("/local/domain/{}/{path}", self.caller),
        };
        match kind {
            Kind::Write => format!(
                "{path}={} [up: {}]",
                value(&path, parts.next().unwrap_or_default()),
                up.map_or("", String::as_str)
            ),
            kind => format!("{kind:?} {path}"),
        }
    }

    /// Every node with its value.
    pub fn tree(&mut self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        let mut left = vec![String::new()];
        while let Some(folder) = left.pop() {
            let path = match folder.as_str() {
                "" => "/",
                path => path,
            };
            let found = self.client.read(path).unwrap();
            tree.insert(path.to_owned(), value(path, &found));
            for name in self.client.directory(path).unwrap() {
                left.push(format!("{folder}/{name}"));
            }
        }
        tree
    }
}

/// A node's value as it is compared. What an error says is ours to say; whether it says something
/// is not.
fn value(path: &str, bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string();
    match path.ends_with("/hotplug-error") {
        true if text.is_empty() => "nothing".into(),
        true if text.ends_with("failed; error detected.") => "a text that names no reason".into(),
        true => "a reason".into(),
        false => text,
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.server.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = fs::remove_file(&self.socket);
    }
}
