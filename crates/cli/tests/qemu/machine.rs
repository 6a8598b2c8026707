//! A machine in QEMU with Debian's own kernel, for the length of one boot.
//!
//! ```text
//!   dom0                            network namespace outside
//!   eth0  e1000e ──── hub 0 ──── virtio-net  eth0
//!   eth1  e1000e ──── hub 1 ──── virtio-net  eth1
//! ```
//!
//! Nothing else has a network: the machine that runs the tests is not on these wires. A boot costs
//! seconds, so jobs share one: they run in the order in which they were given, as root, and each
//! finds what the one before has left. `ci/qemu-init.sh` is the other half of this file.
//!
//! QEMU emulates the processor (`tcg`) unless `XENWIRE_QEMU_ACCEL` says `kvm`: so every machine runs
//! the same test, and a /dev/kvm that is there but fails, as inside some other virtual machines,
//! does not matter.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::need;

/// QEMU is killed after this many seconds: far above what the longest boot takes on a busy machine.
const LIMIT_SECONDS: &str = "600";

/// How much of the console is shown when something is wrong.
const CONSOLE_LINES: usize = 60;

/// Each machine has a core and 768 MiB; one at a time leaves the other tests room.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A machine that is not yet switched on. Dropping it removes its folder.
pub struct Machine {
    image: PathBuf,
    shared: PathBuf,
    jobs: Vec<String>,
}

/// What a boot left.
pub struct Boot {
    outcomes: Vec<(String, Outcome)>,
    console: String,
}

/// What a job left.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit status, as a shell gives it; `None` if it never ended.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// In seconds after the start of the kernel; not a number if that was not seen.
    pub began: f64,
    pub ended: f64,
}

impl Machine {
    /// A machine with `xenwire` in its PATH, if there can be one here.
    pub fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let image = need::image()?;
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("xenwire-qemu-{}-{n}", std::process::id());
        let shared = std::env::temp_dir().join(name);
        for folder in ["files", "jobs"] {
            fs::create_dir_all(shared.join(folder)).unwrap();
        }
        let jobs = Vec::new();
        let machine = Self {
            image,
            shared,
            jobs,
        };
        Some(machine.with("xenwire", Path::new(env!("CARGO_BIN_EXE_xenwire"))))
    }

    /// A machine with the words of `host.sh`, among them the network scripts by their names.
    pub fn with_host() -> Option<Self> {
        let words = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/qemu/host.sh");
        Some(Self::new()?.with("host.sh", &words))
    }

    /// Brings a file or a folder of this machine along: it is `/opt/NAME` there.
    pub fn with(self, name: &str, path: &Path) -> Self {
        let copy = Command::new("cp")
            .arg("-RpL")
            .args([path, &self.shared.join("files").join(name)])
            .status();
        assert!(copy.unwrap().success(), "cannot copy {}", path.display());
        self
    }

    /// A shell script to run there. Its shell is Debian's `sh`, with `set -eu`.
    pub fn job(mut self, name: &str, script: &str) -> Self {
        let folder = self.job_folder(self.jobs.len(), name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("script"), format!("set -eu\n{script}\n")).unwrap();
        self.jobs.push(name.to_owned());
        self
    }

    fn job_folder(&self, n: usize, name: &str) -> PathBuf {
        self.shared.join("jobs").join(format!("{n:03}-{name}"))
    }

    /// Switches the machine on, and returns when it is off.
    pub fn run(self) -> Boot {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        let qemu = self.qemu().output().unwrap();
        let total = began.elapsed();
        drop(turn);
        let jobs = self.jobs.iter().enumerate();
        let outcomes: Vec<_> = jobs
            .map(|(n, name)| (name.clone(), Outcome::read(&self.job_folder(n, name))))
            .collect();
        let boot = Boot {
            outcomes,
            console: read(&self.shared.join("console")),
        };
        println!("QEMU: {:.1} s\n{boot}", total.as_secs_f64());
        assert!(
            qemu.status.success(),
            "QEMU: {} (124: stopped after {LIMIT_SECONDS} s)\n{}{}",
            qemu.status,
            String::from_utf8_lossy(&qemu.stderr),
            boot.end()
        );
        boot
    }

    fn qemu(&self) -> Command {
        let accel = std::env::var("XENWIRE_QEMU_ACCEL").unwrap_or_else(|_| "tcg".into());
        let cpu = if accel == "kvm" { "host" } else { "qemu64" };
        let file = |option: &str, path: PathBuf| format!("{option}{}", path.display());
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=10", LIMIT_SECONDS, "qemu-system-x86_64"])
            .args(["-nodefaults", "-no-user-config", "-no-reboot"])
            .args([
                "-display", "none", "-machine", "q35", "-smp", "1", "-m", "768",
            ])
            .args(["-accel", &accel, "-cpu", cpu])
            .args(["-serial", &file("file:", self.shared.join("console"))])
            .args(["-kernel", &file("", self.image.join("vmlinux"))])
            .args(["-initrd", &file("", self.image.join("initramfs.cpio"))])
            // panic=-1 with -no-reboot: a kernel that panics ends QEMU at once.
            .arg("-append")
            .arg("console=ttyS0 loglevel=5 panic=-1 mitigations=off audit=0 cryptomgr.notests");
        let share = format!(
            "local,path={},mount_tag=host,security_model=none",
            self.shared.display()
        );
        command.args(["-virtfs", &share]);
        for hub in 0..2 {
            nic(&mut command, "e1000e", hub, 0);
            nic(&mut command, "virtio-net-pci", hub, 1);
        }
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.shared);
    }
}

/// A NIC on hub `hub`. `side` is 0 in dom0 and 1 outside; it is seen in the MAC.
fn nic(command: &mut Command, model: &str, hub: u8, side: u8) {
    // The slot is fixed, since the kernel counts its names up by it.
    let slot = 0x10 + side * 2 + hub;
    let mac = format!("52:54:00:00:0{side}:0{hub}");
    command
        .args(["-netdev", &format!("hubport,id={model}{hub},hubid={hub}")])
        .arg("-device")
        .arg(format!(
            "{model},netdev={model}{hub},mac={mac},addr={slot:#x},romfile="
        ));
}

impl Boot {
    /// What the job of this name left.
    pub fn of(&self, name: &str) -> &Outcome {
        let found = self.outcomes.iter().find(|(job, _)| job == name);
        &found.expect("a job of this boot").1
    }

    /// The job, which ended with this status.
    pub fn expect(&self, status: i32, name: &str) -> &Outcome {
        let outcome = self.of(name);
        assert_eq!(outcome.status, Some(status), "{name}\n{}", self.end());
        outcome
    }

    /// What every job that did not end well said, and the end of the console.
    fn end(&self) -> String {
        let failed = self.outcomes.iter().filter(|(_, o)| o.status != Some(0));
        let mut text: String = failed
            .map(|(name, outcome)| format!("==== {name}\n{outcome}"))
            .collect();
        let lines: Vec<_> = self.console.lines().collect();
        text += "==== the console's end\n";
        text += &lines[lines.len().saturating_sub(CONSOLE_LINES)..].join("\n");
        text + "\n"
    }
}

/// When each job began after the start of the kernel, and how long it took.
impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, Outcome { began, ended, .. }) in &self.outcomes {
            writeln!(f, "{began:8.2} s  {:7.2} s  {name}", ended - began)?;
        }
        Ok(())
    }
}

impl Outcome {
    fn read(job: &Path) -> Self {
        let seconds = |name| read(&job.join(name)).trim().parse().unwrap_or(f64::NAN);
        Self {
            status: read(&job.join("status")).trim().parse().ok(),
            stdout: read(&job.join("stdout")),
            stderr: read(&job.join("stderr")),
            began: seconds("began"),
            ended: seconds("ended"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stdout, stderr, .. } = self;
        writeln!(f, "-- stdout\n{stdout}-- stderr\n{stderr}")
    }
}

/// A file that may not be there, and may have been written by anything.
fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
