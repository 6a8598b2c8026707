//! A dom0 in namespaces of its own, driven through a shell that ends with its value.
//!
//! Invariant: nothing that runs inside is seen outside: network, mounts below /etc, /run and
//! /var/log, and for an ordinary user the user namespace are its own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::geteuid;

/// The ordinary user, as in `nobody`.
const NOBODY: &str = "65534";

/// Who runs a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// Whoever runs the test.
    Caller,
    /// Uid 65534; only root can be that.
    Nobody,
}

/// A dom0.
pub struct World {
    shell: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl World {
    /// A new one, whose /etc/xen/scripts are those in a folder.
    pub fn new(user: User, scripts: &Path) -> Self {
        let mut words: Vec<&str> = Vec::new();
        if user == User::Nobody {
            words.extend([
                "setpriv",
                "--reuid",
                NOBODY,
                "--regid",
                NOBODY,
                "--clear-groups",
            ]);
        }
        let spaces = match geteuid().is_root() && user == User::Caller {
            true => "-nm",
            false => "-Urnm",
        };
        // The next program takes the place of the last: the child is the shell.
        words.extend(["unshare", spaces, "--propagation", "private", "bash"]);
        let mut shell = Command::new(words[0])
            .args(&words[1..])
            .env_clear()
            .env("PATH", path())
            .env("SCRIPTS", scripts)
            // Beside them, where it is.
            .env("SWITCH", scripts.with_file_name("switch"))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut world = Self {
            stdin: shell.stdin.take(),
            stdout: BufReader::new(shell.stdout.take().unwrap()),
            shell,
        };
        let (said, _) = world.say(concat!(
            include_str!("world.sh"),
            "\nset +e\nprintf '\\n@@end %s\\n' 0\n"
        ));
        assert_eq!(said, "", "a world is built in silence");
        world
    }

    /// The process whose /proc/PID/root is the world's.
    pub fn pid(&self) -> u32 {
        self.shell.id()
    }

    /// Runs lines of bash inside; what they said, and their status.
    pub fn sh(&mut self, lines: &str) -> (String, i32) {
        self.say(&format!(
            "(\n{lines}\n) </dev/null 2>&1\nprintf '\\n@@end %s\\n' $?\n"
        ))
    }

    /// Runs lines of bash inside, of which each must succeed.
    pub fn expect(&mut self, lines: &str) -> String {
        let (said, status) = self.sh(&format!("set -e\n{lines}"));
        assert_eq!(status, 0, "{lines}\n{said}");
        said
    }

    fn say(&mut self, lines: &str) -> (String, i32) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(lines.as_bytes()).unwrap();
        let mut said = Vec::new();
        loop {
            let begin = said.len();
            let read = self.stdout.read_until(b'\n', &mut said).unwrap();
            assert_ne!(
                read,
                0,
                "the shell ended: {}",
                String::from_utf8_lossy(&said)
            );
            let line = String::from_utf8_lossy(&said[begin..]);
            if let Some(status) = line.strip_prefix("@@end ") {
                let status = status.trim().parse().unwrap();
                said.truncate(begin);
                // The line end before the mark is the mark's.
                said.pop();
                return (String::from_utf8_lossy(&said).into_owned(), status);
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The daemons of a switch would outlive the shell.
        if let Some(mut stdin) = self.stdin.take() {
            let _ =
                stdin.write_all(b"kill $(cat /run/openvswitch/*.pid 2>/dev/null) 2>/dev/null\n");
        }
        let _ = self.shell.wait();
    }
}

/// An ordinary user's PATH on Debian lacks the folders of ip and brctl.
pub fn path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/local/sbin:/usr/sbin:/sbin")
}
