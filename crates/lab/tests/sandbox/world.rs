//! A user, a folder for the labs of that user, and a mark by which every process of them is found.

use std::fmt;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// How long anything may take to be gone.
const SOON: Duration = Duration::from_secs(1);

/// The ordinary user, as in `nobody`.
const NOBODY: u32 = 65534;

/// One user's folder of labs. Dropping it kills what is left, and removes it.
pub struct World {
    dir: PathBuf,
    mark: String,
    nobody: bool,
}

/// Runs a test as each user that this machine lets us be.
pub fn each_user(test: impl Fn(&World)) {
    test(&World::new(false));
    if geteuid().is_root() {
        test(&World::new(true));
    }
}

impl World {
    fn new(nobody: bool) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("xenwire-sandbox-{}-{n}", std::process::id());
        let dir = PathBuf::from("/tmp").join(&mark);
        let mode = |path: &PathBuf, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let runtime = dir.join("run");
        fs::create_dir_all(&runtime).unwrap();
        mode(&dir, 0o755);
        mode(&runtime, 0o700);
        let tests = std::env::current_exe().unwrap();
        let example = tests
            .parent()
            .unwrap()
            .with_file_name("examples")
            .join("sandbox");
        let copied = copy(&example, &dir.join("sandbox"));
        assert!(
            copied,
            "{}: `cargo test -p xenwire-lab` builds it",
            example.display()
        );
        if nobody {
            chown(&dir, Some(NOBODY), Some(NOBODY)).unwrap();
            chown(&runtime, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        Self { dir, mark, nobody }
    }

    /// A file in the folder, which every user may read.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A command as this user.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = if self.nobody {
            let mut command = Command::new("setpriv");
            let id = NOBODY.to_string();
            command.args(["--reuid", &id, "--regid", &id, "--clear-groups", program]);
            command
        } else {
            Command::new(program)
        };
        command
            .args(arguments)
            .stdin(Stdio::null())
            .env("XENWIRE_MARK", &self.mark)
            .env("XDG_RUNTIME_DIR", self.dir.join("run"));
        command
    }

    /// The example as this user.
    pub fn sandbox(&self, arguments: &[&str]) -> Command {
        self.command(self.file("sandbox").to_str().unwrap(), arguments)
    }

    /// A lab in the foreground that is up.
    pub fn foreground(&self, name: &str, body: &str) -> Child {
        let mut command = self.sandbox(&["run", name, body]);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + 10 * SOON;
        while !self.ready(name) {
            assert!(Instant::now() < until, "{self}: {name} does not come up");
            sleep(Duration::from_millis(2));
        }
        child
    }

    /// How long a lab takes to come up on this machine, as busy as it is now.
    pub fn start_up(&self) -> Duration {
        let begun = Instant::now();
        let mut lab = self.foreground("timed", "sleep");
        let took = begun.elapsed();
        terminate(lab.id());
        lab.wait().unwrap();
        self.settled("a lab that was timed");
        took
    }

    /// Whether a lab has said that it is up.
    pub fn ready(&self, name: &str) -> bool {
        self.dir
            .join("run/xenwire")
            .join(name)
            .join("ready")
            .exists()
    }

    /// The number of a lab's init.
    pub fn pid(&self, name: &str) -> u32 {
        let file = self.dir.join("run/xenwire").join(name).join("pid");
        fs::read_to_string(file).unwrap().trim().parse().unwrap()
    }

    /// What `ls` lists; it clears what killed labs left.
    pub fn labs(&self) -> String {
        text(&self.sandbox(&["ls"]).output().unwrap().stdout)
            .trim()
            .to_owned()
    }

    /// The folders of labs.
    pub fn folders(&self) -> Vec<PathBuf> {
        fs::read_dir(self.dir.join("run/xenwire"))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect()
    }

    /// The processes with our mark in their environment, and what they are.
    pub fn alive(&self) -> Vec<(u32, String)> {
        let mark = format!("XENWIRE_MARK={}\0", self.mark);
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

    /// Waits until no process is left, for a second at most.
    pub fn settled(&self, after: &str) {
        self.settled_to(0, after);
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

    /// Checks that a killed lab is soon no longer listed, and that listing has cleared its folder.
    pub fn cleared(&self) {
        let until = Instant::now() + SOON;
        loop {
            let labs = self.labs();
            if labs.is_empty() {
                break;
            }
            assert!(Instant::now() < until, "{self}: still listed: {labs}");
        }
        assert!(self.folders().is_empty(), "{self}: {:?}", self.folders());
    }

    /// The first child of a process.
    pub fn child_of(&self, pid: u32) -> Option<u32> {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for (pid, _) in self.alive() {
            kill(pid);
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uid = if self.nobody {
            NOBODY
        } else {
            geteuid().as_raw()
        };
        write!(f, "as user {uid}")
    }
}

/// Random moments; a test that fails names the one it failed at only by its number, because the
/// machine is as random as the dice.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        Self(u64::from(now.subsec_nanos()) | 1)
    }

    /// A time below `most`.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        // xorshift64 (Marsaglia 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let part = u32::try_from(self.0 >> 40).unwrap();
        most.mul_f64(f64::from(part) / f64::from(1u32 << 24))
    }
}

/// Copies a program by a process of its own. Were it ours, another test's fork could hold the copy
/// open for writing just when it is to be run (execve(2), ETXTBSY).
pub fn copy(from: &Path, to: &Path) -> bool {
    Command::new("cp")
        .args([from, to])
        .status()
        .unwrap()
        .success()
}

pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

pub fn interrupt(pid: u32) {
    signal(pid, Signal::INT);
}

pub fn terminate(pid: u32) {
    signal(pid, Signal::TERM);
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = kill_process(pid, signal);
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
