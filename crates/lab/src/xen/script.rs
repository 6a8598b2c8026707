//! Running a hotplug script as libxl does (contract 3.1 step 4, 3.3), and as udev did for xend
//! (contract 2.15, 6.2).

use std::fmt;
use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use xenwire_core::name::{IfName, VifId};

/// How long a script may take.
pub const LIMIT: Duration = Duration::from_secs(40);
/// How long udev waits for what a rule runs before it kills it (udevd's event timeout).
const UDEV_LIMIT: Duration = Duration::from_secs(180);
/// Where a program of udev's finds others. Of its own environment udev hands on nothing.
const UDEV_PATH: &str = "/sbin:/bin:/usr/sbin:/usr/bin";

/// Who runs a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// libxl itself.
    Libxl,
    /// udev, when netback tells of a device (contract 4.1).
    Udev,
}

/// One call of a script.
#[derive(Clone, Debug)]
pub struct ScriptCall {
    /// Who calls.
    pub caller: Caller,
    /// The script's absolute path; with udev, the node's whole text, which may hold arguments.
    pub script: String,
    /// `online` or `offline`; `add` or `remove` for a tap.
    pub action: &'static str,
    /// `type_if=vif`, or `type_if=tap` for a tap.
    pub type_if: &'static str,
    /// The tap's name by the kernel, of an emulated NIC: known in both runs.
    pub tap: Option<IfName>,
    /// The vif.
    pub vif: VifId,
    /// The value of `gatewaydev`, or nothing.
    pub gatewaydev: String,
}

/// How a script ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    With(ExitStatus),
    /// Killed, since it took longer than this.
    Hung(Duration),
    /// It could not be started.
    NotStarted(io::Error),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::With(status) => write!(f, "ended with {status}"),
            Self::Hung(limit) => {
                write!(f, "was killed: it did not end within {} s", limit.as_secs())
            }
            Self::NotStarted(error) => write!(f, "could not be started: {error}"),
        }
    }
}

impl ScriptCall {
    /// The program. The text of the node is split by udev; libxl takes it as a path.
    pub fn program(&self) -> &str {
        match self.caller {
            Caller::Libxl => &self.script,
            Caller::Udev => self.script.split_whitespace().next().unwrap_or_default(),
        }
    }

    /// The arguments behind the program's name.
    pub fn arguments(&self) -> Vec<&str> {
        match self.caller {
            Caller::Libxl => vec![self.action, self.type_if],
            // Without `type_if`, a vif is meant.
            Caller::Udev => {
                let own = self.script.split_whitespace().skip(1);
                own.chain([self.action]).collect()
            }
        }
    }

    /// The second run, for the tap of an emulated NIC: everything else is the first's.
    pub fn for_tap(&self, action: &'static str) -> Self {
        Self {
            action,
            type_if: "type_if=tap",
            ..self.clone()
        }
    }

    /// What the environment holds beside the caller's own; with udev, all that it holds but PATH.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let VifId { domid, devid } = self.vif;
        let tap = self.tap.as_ref().map(|tap| ("INTERFACE", tap.to_string()));
        let always = [
            ("script", self.script.clone()),
            ("XENBUS_TYPE", "vif".into()),
            ("XENBUS_PATH", format!("backend/vif/{domid}/{devid}")),
            ("XENBUS_BASE_PATH", "backend".into()),
            ("vif", self.vif.to_string()),
        ];
        let callers = match self.caller {
            Caller::Libxl => vec![("netdev", self.gatewaydev.clone())],
            Caller::Udev => vec![
                ("ACTION", self.action.into()),
                ("SUBSYSTEM", "xen-backend".into()),
                (
                    "DEVPATH",
                    format!("/devices/xen-backend/vif-{domid}-{devid}"),
                ),
            ],
        };
        always.into_iter().chain(callers).chain(tap).collect()
    }

    /// Runs it and waits. Of a script that hangs, it is killed, and not its children.
    pub fn run(&self) -> Ended {
        self.run_within(match self.caller {
            Caller::Libxl => LIMIT,
            Caller::Udev => UDEV_LIMIT,
        })
    }

    fn run_within(&self, limit: Duration) -> Ended {
        // libxl gives the script a copy of its own standard error as standard output.
        let output = match rustix::io::dup(io::stderr()) {
            Ok(output) => Stdio::from(output),
            Err(error) => return Ended::NotStarted(error.into()),
        };
        let mut command = Command::new(self.program());
        if self.caller == Caller::Udev {
            command.env_clear().env("PATH", UDEV_PATH);
        }
        let child = command
            .args(self.arguments())
            // A store that our caller talks to is not the lab's.
            .env_remove("XENSTORED_PATH")
            .env_remove("XENSTORED_RUNDIR")
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(output)
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => return Ended::NotStarted(error),
        };
        let waited = wait(Pid::from_child(&child), limit);
        if !matches!(waited, Ok(true)) {
            let _ = child.kill();
        }
        match (waited, child.wait()) {
            (Ok(true), Ok(status)) => Ended::With(status),
            (Ok(false), Ok(_)) => Ended::Hung(limit),
            (Err(error), _) | (_, Err(error)) => Ended::NotStarted(error),
        }
    }
}

/// Whether the process ended within the limit.
pub fn wait(pid: Pid, limit: Duration) -> io::Result<bool> {
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    let deadline = std::time::Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let timeout = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use xenwire_core::name::{DevId, DomId};

    fn call(name: &str, text: &str) -> ScriptCall {
        let path =
            std::env::temp_dir().join(format!("xenwire-script-{name}-{}", std::process::id()));
        // Never written by this process: a test that forks meanwhile would hold the file open, and
        // the kernel does not start what somebody writes (ETXTBSY).
        let mut install = Command::new("install");
        install.args(["-m", "755", "/dev/stdin"]).arg(&path);
        let mut writer = install.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = writer.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        assert!(writer.wait().unwrap().success());
        ScriptCall {
            caller: Caller::Libxl,
            script: path.to_str().unwrap().into(),
            action: "online",
            type_if: "type_if=vif",
            tap: None,
            vif: VifId {
                domid: DomId(1),
                devid: DevId(0),
            },
            gatewaydev: String::new(),
        }
    }

    #[test]
    fn a_script_sees_exactly_the_contracts_words() {
        let out = std::env::temp_dir().join(format!("xenwire-script-out-{}", std::process::id()));
        let text = format!(
            "#!/bin/sh\n{{ echo \"$0 $*\"; readlink /proc/self/fd/0; env | grep -E '^(script|XENBUS_|netdev|vif)' | sort; }} > {}\n",
            out.display()
        );
        let call = call("words", &text);
        assert!(matches!(call.run(), Ended::With(status) if status.success()));
        let expected = format!(
            "{0} online type_if=vif\n/dev/null\nXENBUS_BASE_PATH=backend\nXENBUS_PATH=backend/vif/1/0\nXENBUS_TYPE=vif\nnetdev=\nscript={0}\nvif=vif1.0\n",
            call.script
        );
        assert_eq!(std::fs::read_to_string(&out).unwrap(), expected);
        std::fs::remove_file(out).unwrap();
        std::fs::remove_file(call.script).unwrap();
    }

    #[test]
    fn udev_splits_the_nodes_text_and_hands_on_nothing_of_its_own() {
        let out =
            std::env::temp_dir().join(format!("xenwire-script-udev-out-{}", std::process::id()));
        let text = format!(
            "#!/bin/sh\n{{ echo \"$0 $*\"; env | grep -Ev '^(PWD|SHLVL|_|OLDPWD)=' | sort; }} > {}\n",
            out.display()
        );
        let call = call("udev", &text);
        let program = call.script.clone();
        let call = ScriptCall {
            caller: Caller::Udev,
            script: format!("{program} bridge=mybridge  antispoof=no"),
            gatewaydev: "eth9".into(),
            ..call
        };
        assert!(matches!(call.run(), Ended::With(status) if status.success()));
        let expected = format!(
            "{program} bridge=mybridge antispoof=no online\nACTION=online\nDEVPATH=/devices/xen-backend/vif-1-0\n\
             PATH=/sbin:/bin:/usr/sbin:/usr/bin\nSUBSYSTEM=xen-backend\nXENBUS_BASE_PATH=backend\n\
             XENBUS_PATH=backend/vif/1/0\nXENBUS_TYPE=vif\nscript={program} bridge=mybridge  antispoof=no\nvif=vif1.0\n"
        );
        assert_eq!(std::fs::read_to_string(&out).unwrap(), expected);
        std::fs::remove_file(out).unwrap();
        std::fs::remove_file(program).unwrap();
    }

    #[test]
    fn its_words_go_to_our_standard_error_and_nothing_else_is_its_own() {
        let out = std::env::temp_dir().join(format!("xenwire-script-fds-{}", std::process::id()));
        let text = format!(
            "#!/bin/sh\n{{ for n in 0 1 2; do fd=$(readlink /proc/$$/fd/$n); echo $fd >&3; done; echo $PATH >&3; grep SigIgn: /proc/$$/status >&3; }} 3> {}\n",
            out.display()
        );
        let call = call("stdio", &text);
        assert!(matches!(call.run(), Ended::With(status) if status.success()));
        let seen = std::fs::read_to_string(&out).unwrap();
        let seen: Vec<&str> = seen.lines().collect();
        let ours = std::fs::read_link("/proc/self/fd/2").unwrap();
        let ours = ours.to_str().unwrap();
        assert_eq!(seen[..3], ["/dev/null", ours, ours]);
        assert_eq!(seen[3], std::env::var("PATH").unwrap());
        // A broken pipe ends it, as it ends a script that an administrator starts.
        let ignored = u64::from_str_radix(seen[4].trim_start_matches("SigIgn:\t"), 16).unwrap();
        assert_eq!(ignored & (1 << (libc::SIGPIPE - 1)), 0, "{}", seen[4]);
        std::fs::remove_file(out).unwrap();
        std::fs::remove_file(call.script).unwrap();
    }

    #[test]
    fn a_script_that_hangs_is_killed_and_its_children_are_not() {
        assert_eq!(LIMIT, Duration::from_secs(40));
        let folder =
            std::env::temp_dir().join(format!("xenwire-script-hung-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        // Its child says when it is asked that it is still there.
        let text = format!(
            "#!/bin/sh\ncd {}\nfor n in $(seq 200); do [ -e asked ] && break; sleep 0.05; done && >alive &\n\
             echo $$ >new && mv new pid\ntrap '' TERM\nsleep 10\n>ended\n",
            folder.display()
        );
        let call = call("hangs", &text);
        // The clock of a busy machine: as long as the script needs to come this far.
        let mut limit = Duration::from_millis(100);
        let script = loop {
            assert!(matches!(call.run_within(limit), Ended::Hung(_)));
            if let Ok(pid) = std::fs::read_to_string(folder.join("pid")) {
                break Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
            }
            limit *= 2;
        };
        assert!(!folder.join("ended").exists(), "it was waited for");
        let gone = rustix::process::test_kill_process(script);
        assert_eq!(gone, Err(rustix::io::Errno::SRCH));
        std::fs::write(folder.join("asked"), "").unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !folder.join("alive").exists() {
            assert!(std::time::Instant::now() < deadline, "the child is dead");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::fs::remove_dir_all(folder).unwrap();
        std::fs::remove_file(call.script).unwrap();
    }

    #[test]
    fn a_script_that_is_not_there() {
        let call = ScriptCall {
            script: "/nowhere".into(),
            ..call("not", "")
        };
        assert!(matches!(call.run(), Ended::NotStarted(_)));
    }
}
