//! A user, a folder for the labs of that user, and a mark by which every process of them is found.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::need;

/// The ordinary user, as in `nobody`.
const NOBODY: u32 = 65534;

/// How long anything that was killed may take to be gone.
const SOON: Duration = Duration::from_secs(1);

/// One user's folder. Dropping it kills what is left, and removes it.
pub struct Place {
    dir: PathBuf,
    mark: String,
    nobody: bool,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit status, as a shell gives it.
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// Runs a test as each user that this machine lets us be.
pub fn each_user(test: impl Fn(&Place)) {
    test(&Place::new());
    if geteuid().is_root() && need::found("setpriv", "util-linux") {
        test(&Place::of(true));
    }
}

impl Place {
    /// A place of whoever runs the tests.
    pub fn new() -> Self {
        Self::of(false)
    }

    fn of(nobody: bool) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("xw-it-{}-{n}", std::process::id());
        let dir = PathBuf::from("/tmp").join(&mark);
        let runtime = dir.join("run");
        fs::create_dir_all(&runtime).unwrap();
        set_mode(&dir, 0o755);
        set_mode(&runtime, 0o700);
        let program = Path::new(env!("CARGO_BIN_EXE_xenwire"));
        // A name of our own for the program, which may be where another user cannot look.
        if fs::hard_link(program, dir.join("xenwire")).is_err() {
            // Not by this process: another test's fork could hold the copy open for writing just
            // when it is to be run (execve(2), ETXTBSY).
            let copied = Command::new("cp")
                .args([program, &dir.join("xenwire")])
                .status();
            assert!(copied.unwrap().success());
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        copy_folder(&root.join("examples"), &dir.join("examples"));
        if nobody {
            for path in [&dir, &runtime] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        Self { dir, mark, nobody }
    }

    /// Something in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The mark, which is the folder's name too.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// The user.
    pub fn uid(&self) -> u32 {
        if self.nobody {
            NOBODY
        } else {
            geteuid().as_raw()
        }
    }

    /// Writes a file that everybody may read, and the folders above it.
    pub fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        set_mode(&path, mode);
    }

    /// A command as this user, in the folder.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = if self.nobody {
            let mut command = Command::new("setpriv");
            let id = NOBODY.to_string();
            command
                .args(["--reuid", &id, "--regid", &id, "--clear-groups"])
                .args(["--inh-caps=-all", "--bounding-set=-all"])
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            // One of the variables that `lab exec` passes on: the mark of every process.
            .env("COLORTERM", &self.mark)
            .env("XDG_RUNTIME_DIR", self.file("run"));
        command
    }

    /// `xenwire` as this user.
    pub fn xenwire<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = self.command(self.file("xenwire"));
        command.args(args);
        command
    }

    /// Runs `xenwire` to its end.
    pub fn say<S: AsRef<OsStr>>(&self, args: &[S]) -> Said {
        said(&mut self.xenwire(args))
    }

    /// Runs `xenwire`, which must end with this status.
    pub fn expect<S: AsRef<OsStr> + fmt::Debug>(&self, status: i32, args: &[S]) -> Said {
        let said = self.say(args);
        assert_eq!(said.status, status, "{self}: {args:?}\n{said}");
        said
    }

    /// Runs a command on a machine of the only lab that is up.
    pub fn on(&self, machine: &str, argv: &[&str]) -> Said {
        let mut words = vec!["lab", "exec", machine, "--"];
        words.extend(argv);
        self.say(&words)
    }

    /// The links of a machine of the only lab that is up.
    pub fn links(&self, machine: &str) -> BTreeSet<String> {
        let said = self.on(machine, &["cat", "/proc/net/dev"]);
        assert_eq!(said.status, 0, "{self}: {machine}: {said}");
        let rows = said.out.lines().skip(2);
        rows.map(|row| row.split_once(':').unwrap().0.trim().to_owned())
            .collect()
    }

    /// The folders of labs.
    pub fn folders(&self) -> Vec<PathBuf> {
        fs::read_dir(self.file("run/xenwire"))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect()
    }

    /// The number of a lab's init.
    pub fn init(&self, lab: &str) -> u32 {
        let file = self.file("run/xenwire").join(lab).join("pid");
        fs::read_to_string(file).unwrap().trim().parse().unwrap()
    }

    /// Whether a lab has said that it is up.
    pub fn ready(&self, lab: &str) -> bool {
        self.file("run/xenwire").join(lab).join("ready").exists()
    }

    /// The processes with our mark in their environment that are no zombies, and what they are.
    pub fn alive(&self) -> Vec<(u32, String)> {
        let mark = format!("COLORTERM={}\0", self.mark);
        fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let environment = fs::read(entry.path().join("environ")).ok()?;
                let found = environment
                    .windows(mark.len())
                    .any(|part| part == mark.as_bytes());
                let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.then(|| (pid, text(&command).replace('\0', " ")))
            })
            .collect()
    }

    /// Waits until no more than so many processes are left, for a second at most.
    pub fn settled_to(&self, most: usize, after: &str) {
        let until = Instant::now() + SOON;
        loop {
            let alive = self.alive();
            if alive.len() <= most {
                return;
            }
            assert!(
                Instant::now() < until,
                "{self}: left after {after}: {alive:?}"
            );
            sleep(Duration::from_millis(5));
        }
    }

    /// Waits until nothing of any lab is left: no process; and no mount or folder, once
    /// `lab ls` has been called.
    pub fn nothing_left(&self, after: &str) {
        self.settled_to(0, after);
        // The kernel frees the lock of a process a little after its environment is gone.
        let until = Instant::now() + SOON;
        loop {
            let listed = self.expect(0, &["lab", "ls"]).out;
            if listed.is_empty() {
                break;
            }
            assert!(
                Instant::now() < until,
                "{self}: listed after {after}: {listed}"
            );
        }
        let folders = self.folders();
        assert!(folders.is_empty(), "{self}: after {after}: {folders:?}");
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(
            !mounts.contains(&self.mark),
            "{self}: mounts after {after}:\n{mounts}"
        );
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for (pid, _) in self.alive() {
            kill(pid);
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "as user {}", self.uid())
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

impl Said {
    /// The line of the output that has all of these words.
    pub fn line(&self, words: &[&str]) -> &str {
        let found = self
            .out
            .lines()
            .find(|line| words.iter().all(|word| line.contains(word)));
        found.unwrap_or_else(|| panic!("no line with {words:?}:\n{self}"))
    }

    /// The output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{self}"))
    }
}

/// Runs a command to its end.
pub fn said(command: &mut Command) -> Said {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Said {
        status: status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap()),
        out: text(&stdout),
        err: text(&stderr),
    }
}

/// Polls until it is so; fails after ten seconds, which no machine needs.
pub fn wait_until(what: &str, so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !so() {
        assert!(Instant::now() < until, "still not: {what}");
        sleep(Duration::from_millis(5));
    }
}

pub fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = kill_process(pid, Signal::KILL);
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy_folder(&from, &to);
        } else if kind.is_symlink() {
            symlink(fs::read_link(&from).unwrap(), &to).unwrap();
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}
