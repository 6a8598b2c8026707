//! A Debian host in a folder: dpkg's database, with a package that brings Debian's own scripts.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::geteuid;

use crate::need;
use crate::strike::Stage;

/// The ordinary user, as in `nobody`.
const NOBODY: u32 = 65534;

/// Where the scripts are.
pub const SCRIPTS: &str = "etc/xen/scripts";
/// The program.
pub const PROGRAM: &str = "/usr/libexec/xenwire/xenwire";
/// The package of the scripts.
pub const PACKAGE: &str = "xen-utils-common";

/// The host.
pub struct World {
    folder: PathBuf,
    nobody: bool,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit status, as a shell gives it.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Everything below the root that is not a log: what it is, and what is in it.
pub type Tree = BTreeMap<String, String>;

impl World {
    /// A new one; `None` if the machine lacks a tool or a user, which is then told.
    pub fn new(nobody: bool) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let tools = [
            ("dpkg", "dpkg"),
            ("dpkg-divert", "dpkg"),
            ("strace", "strace"),
            ("setpriv", "util-linux"),
            ("unshare", "util-linux"),
        ];
        if !tools
            .iter()
            .all(|(tool, package)| need::found(tool, package))
        {
            return None;
        }
        let debian = need::debian_scripts()?;
        if nobody && !geteuid().is_root() {
            // Whoever runs the tests is an ordinary user already.
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("xw-install-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        if nobody {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        // A name of our own for the program, which may be where another user cannot look.
        let program = PathBuf::from(env!("CARGO_BIN_EXE_xenwire"));
        // What debuggers read makes it forty times as large, and it is copied and digested hundreds of
        // times; where there is no strip(1), it is as large as it is.
        let ours = folder.join("xenwire");
        let strip = Command::new("strip")
            .arg("-o")
            .args([&ours, &program])
            .status();
        if !strip.is_ok_and(|status| status.success()) {
            fs::copy(&program, ours).unwrap();
        }
        // Debian's scripts may be where that user cannot look, too.
        let copied = Command::new("cp")
            .arg("-rL")
            .arg(debian)
            .arg(folder.join("debian"))
            .status();
        assert!(copied.unwrap().success());
        let world = Self { folder, nobody };
        world.sh(
            "umask 022; mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates root/var/log \
                              root/usr root/etc root/var/tmp
             : >root/var/lib/dpkg/status; : >root/var/lib/dpkg/available",
        );
        world.package("1", "");
        world.dpkg(&["--install", "1.deb"]);
        Some(world)
    }

    /// The folder that all of it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path below the host's root.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.join("root").join(path.trim_start_matches('/'))
    }

    /// A script's path.
    pub fn script(&self, name: &str) -> PathBuf {
        self.at(SCRIPTS).join(name)
    }

    /// Builds a version of the package of scripts, in which `change` was done to them by a shell.
    pub fn package(&self, version: &str, change: &str) {
        self.sh(&format!(
            "umask 022; rm -rf tree; mkdir -p tree/DEBIAN tree/{SCRIPTS}; cp debian/* tree/{SCRIPTS}
             chmod 755 tree/{SCRIPTS}/*
             (cd tree/{SCRIPTS}; {change}:)
             printf 'Package: {PACKAGE}\\nVersion: {version}\\nArchitecture: all\\n\
                     Maintainer: nobody <nobody@example.org>\\nDescription: scripts\\n' >tree/DEBIAN/control
             (cd tree; find {SCRIPTS} -type f | sed s,^,/, >DEBIAN/conffiles)
             dpkg-deb --root-owner-group -Znone --build tree {version}.deb >/dev/null",
            change = match change {
                "" => String::new(),
                change => format!("{change}; "),
            }
        ));
    }

    /// Runs dpkg on the host, which must succeed.
    pub fn dpkg(&self, words: &[&str]) {
        let all = ["dpkg", "--root=root", "--force-confdef", "--force-confold"];
        let words: Vec<&str> = all.iter().chain(words).copied().collect();
        let said: Said = self.command(&words).output().unwrap().into();
        assert_eq!(said.status, 0, "{words:?}\n{said}");
    }

    /// A command in the folder, as the host's root.
    pub fn command<S: AsRef<str>>(&self, words: &[S]) -> Command {
        let mut through: Vec<String> = Vec::new();
        if self.nobody {
            let id = NOBODY.to_string();
            let user = ["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"];
            through.extend(user.map(str::to_owned));
        }
        if self.nobody || !geteuid().is_root() {
            through.extend(["unshare", "-Ur"].map(str::to_owned));
        }
        through.extend(words.iter().map(|word| word.as_ref().to_owned()));
        let mut command = Command::new(&through[0]);
        command.args(&through[1..]);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/local/sbin:/usr/sbin:/sbin"));
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Runs a shell script as the host's root, which must succeed; gives its output.
    pub fn sh(&self, script: &str) -> String {
        let said: Said = self
            .command(&["sh", "-ec", script])
            .output()
            .unwrap()
            .into();
        assert_eq!(said.status, 0, "{script}\n{said}");
        said.out
    }

    /// The words of a call of `xenwire` about this host.
    pub fn xenwire(&self, args: &[&str]) -> Vec<String> {
        let program = self.folder.join("xenwire");
        let root = self.folder.join("root");
        let words = [program.to_str().unwrap()]
            .into_iter()
            .chain(args.iter().copied());
        let words = words.chain(["--root", root.to_str().unwrap()]);
        words.map(str::to_owned).collect()
    }

    /// Runs `xenwire` to its end.
    pub fn say(&self, args: &[&str]) -> Said {
        self.command(&self.xenwire(args)).output().unwrap().into()
    }

    /// Runs `xenwire`, which must end with this status.
    pub fn expect(&self, status: i32, args: &[&str]) -> Said {
        let said = self.say(args);
        assert_eq!(said.status, status, "{args:?}\n{said}");
        said
    }

    /// All that is below the root, but for dpkg's own copies and times.
    pub fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        let mut open = vec![self.at("")];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path
                    .strip_prefix(self.at(""))
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                let kind = fs::symlink_metadata(&path).unwrap();
                if name.ends_with("-old") || name.ends_with("dpkg.log") || name.ends_with("/lock") {
                    continue;
                }
                let what = if kind.is_symlink() {
                    format!("-> {}", fs::read_link(&path).unwrap().display())
                } else if kind.is_dir() {
                    open.push(path);
                    format!("folder {:o}", kind.permissions().mode() & 0o7777)
                } else {
                    let text = fs::read(&path).unwrap();
                    let hash = text.iter().fold(0_u64, |h, b| {
                        h.wrapping_mul(1_099_511_628_211) ^ u64::from(*b)
                    });
                    let mode = kind.permissions().mode() & 0o7777;
                    format!("file {mode:o} {} {hash:x}", text.len())
                };
                tree.insert(name, what);
            }
        }
        tree
    }
}

/// What differs between two trees.
pub fn diff(a: &Tree, b: &Tree) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let names = names
        .into_iter()
        .filter(|name| a.get(*name) != b.get(*name));
    names
        .map(|name| format!("{name}: {:?} -> {:?}", a.get(name), b.get(name)))
        .collect()
}

impl Stage for World {
    type Said = Said;

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn behind(&self, before: &[&str], args: &[&str]) -> Command {
        let mut words: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        words.extend(self.xenwire(args));
        self.command(&words)
    }

    fn succeeds(&self, args: &[&str]) {
        self.expect(0, args);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            status: output
                .status
                .code()
                .unwrap_or_else(|| 128 + output.status.signal().unwrap()),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "status {}\n--- out\n{}--- err\n{}---",
            self.status, self.out, self.err
        )
    }
}
