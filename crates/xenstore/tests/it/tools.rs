//! Debian's command-line clients, which are libxenstore's, against the server: how they are run.
//!
//! What they do is in `tools_options` (each option of each tool), `tools_nodes` (values, lists,
//! transactions, another domain's socket) and `tools_watch`. Each tool has two forms,
//! `xenstore-read` and `xenstore read`.

use std::process::{Command, Stdio};

use xenwire_xenstore::{Client, Domid};

use crate::bench::Bench;
use crate::need;

/// What a tool printed, and its exit status.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Status and output of a tool that failed; its message has to name the object.
    pub fn failed(&self, naming: &str) -> (i32, &str) {
        assert!(self.stderr.contains(naming), "{naming}: {self:?}");
        (self.status, &self.stdout)
    }
}

/// A server, and the tools that are its clients.
pub struct Tools {
    pub bench: Bench,
    /// Whether `xenstore-read` is called as `xenstore read`.
    pub by_mode: bool,
}

impl Tools {
    /// `None` if the tools are missing and may be.
    pub fn start() -> Option<Tools> {
        need::program("xenstore-read", "xenstore-utils")?;
        Some(Tools {
            bench: Bench::start(),
            by_mode: false,
        })
    }

    pub fn store(&self) -> Client {
        self.bench.client(0)
    }

    pub fn command(&self, tool: &str, arguments: &[&str]) -> Command {
        self.command_of(0, tool, arguments)
    }

    /// A tool that acts for a domain.
    fn command_of(&self, domid: Domid, tool: &str, arguments: &[&str]) -> Command {
        let mut command = match tool.split_once('-') {
            Some((family, mode)) if self.by_mode => {
                let mut command = Command::new(family);
                command.arg(mode);
                command
            }
            _ => Command::new(tool),
        };
        command
            .args(arguments)
            .stdin(Stdio::null())
            .env("XENSTORED_PATH", self.bench.socket(domid));
        command
    }

    pub fn run(&self, tool: &str, arguments: &[&str]) -> Outcome {
        self.run_as(0, tool, arguments)
    }

    pub fn run_as(&self, domid: Domid, tool: &str, arguments: &[&str]) -> Outcome {
        outcome(&mut self.command_of(domid, tool, arguments))
    }

    /// Runs a tool that has to succeed without a word on stderr, and says what it printed.
    pub fn stdout(&self, tool: &str, arguments: &[&str]) -> String {
        let outcome = self.run(tool, arguments);
        let ended = (outcome.status, outcome.stderr.as_str());
        assert_eq!(ended, (0, ""), "{tool} {arguments:?}");
        outcome.stdout
    }
}

pub fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    Outcome {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
