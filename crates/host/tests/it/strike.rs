//! Finds every system call by which a run of the program changes anything, and hits one of them:
//! with SIGKILL, or with an error. What is run, and where, is the stage's business.
//!
//! strace(1) does both on entry of the call, which is then not done: the kernel skips a call whose
//! process is to die (syscall_trace_enter, kernel/entry/common.c). Between two such calls nothing
//! changes, so a kill on entry of one is a kill after the one before.

#![allow(dead_code, reason = "not every binary of tests strikes in every way")]

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Where the program is run.
pub trait Stage {
    /// How a run ended.
    type Said: From<Output>;

    /// A folder that is the same inside and outside.
    fn folder(&self) -> &Path;

    /// A run with these arguments, behind the words of another program.
    fn behind(&self, before: &[&str], args: &[&str]) -> Command;

    /// A run that must succeed.
    fn succeeds(&self, args: &[&str]);
}

/// The calls that can change something: messages, writes, and whatever makes, cuts or removes files.
const CALLS: &str = "sendto,sendmsg,write,writev,pwrite64,openat,mkdir,mkdirat,ftruncate,unlink,\
                     unlinkat,rename,renameat,renameat2,symlinkat,linkat,fchmod,rmdir,copy_file_range";

/// One of the calls of a run that change something.
#[derive(Clone, Debug)]
pub struct Point {
    /// The system call.
    pub call: String,
    /// Which of the calls of this name it is, from 1.
    nth: usize,
    /// How strace prints it.
    line: String,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug)]
pub enum Blow {
    /// Its process is killed when it enters.
    Kill,
    /// It fails with this error.
    Error(&'static str),
}

impl Point {
    /// Whether it changes the network and not a file of ours.
    pub fn is_of_kernel(&self) -> bool {
        self.call == "sendto" || self.line.contains("</proc/sys/net/")
    }

    fn find(text: &str) -> Vec<Self> {
        let mut counts = std::collections::BTreeMap::new();
        let mut points = Vec::new();
        for line in text.lines() {
            let Some((call, _)) = line.split_once('(') else {
                continue;
            };
            // A setting of the network that somebody else is just changing is written again
            // (restart_syscall, net/ipv6/addrconf.c): not every time.
            if line.contains("ERESTART") {
                continue;
            }
            let nth = counts.entry(call).or_insert(0);
            *nth += 1;
            if changes(call, line) {
                points.push(Self {
                    call: call.to_owned(),
                    nth: *nth,
                    line: line.to_owned(),
                });
            }
        }
        points
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line: String = self.line.chars().take(160).collect();
        write!(f, "{} no. {}: {line}", self.call, self.nth)
    }
}

fn changes(call: &str, line: &str) -> bool {
    match call {
        "openat" => line.contains("O_CREAT"),
        // Changes are acknowledged, questions are answered.
        "sendto" | "sendmsg" => line.contains("NLM_F_ACK"),
        // A pipe is what somebody reads, a character device is a terminal or /dev/null.
        "write" | "writev" => !line.contains("<pipe:") && !line.contains("</dev/"),
        _ => true,
    }
}

/// Runs the program to its end, and tells all its points.
pub fn points<S: Stage>(stage: &S, args: &[&str]) -> (Vec<Point>, S::Said) {
    let file = stage.folder().join("points");
    let trace = format!("trace={CALLS}");
    let path = file.to_str().unwrap();
    let strace = ["strace", "-qq", "-y", "-s", "300", "-o", path, "-e", &trace];
    let said = stage.behind(&strace, args).output().unwrap().into();
    let text = fs::read_to_string(&file).unwrap();
    (Point::find(&text), said)
}

/// Runs the program with one of its calls hit; `None` if there was no such call this time.
pub fn strike<S: Stage>(stage: &S, point: &Point, blow: Blow, args: &[&str]) -> Option<S::Said> {
    let how = match blow {
        Blow::Kill => "signal=KILL".to_owned(),
        Blow::Error(errno) => format!("error={errno}"),
    };
    let Point { call, nth, .. } = point;
    let file = stage.folder().join("struck");
    let trace = format!("trace={call}");
    let inject = format!("inject={call}:{how}:when={nth}");
    let path = file.to_str().unwrap();
    let strace = ["strace", "-y", "-o", path, "-e", &trace, "-e", &inject];
    let said = stage.behind(&strace, args).output().unwrap().into();
    let text = fs::read_to_string(&file).unwrap();
    let is_hit = match blow {
        Blow::Kill => text.contains("+++ killed by SIGKILL +++"),
        // A question may have had that number this time.
        Blow::Error(_) => text
            .lines()
            .any(|line| line.contains("(INJECTED)") && changes(call, line)),
    };
    is_hit.then_some(said)
}

/// The same, and again after `back` if it missed.
pub fn strike_for_sure<S: Stage>(
    stage: &S,
    point: &Point,
    blow: Blow,
    args: &[&str],
    back: &[&str],
) -> S::Said {
    // How many questions come before a change depends on what the kernel does meanwhile: a dump that
    // was overtaken is asked for again.
    for shift in [0, 0, -1, 1, -2, 2, -3, 3, 0, 0] {
        let Some(nth) = point.nth.checked_add_signed(shift) else {
            continue;
        };
        let point = Point {
            nth,
            ..point.clone()
        };
        if let Some(said) = strike(stage, &point, blow, args) {
            return said;
        }
        stage.succeeds(back);
    }
    panic!("{args:?} has no {point}");
}

/// Every how many points one is hit, unless `XENWIRE_CRASH_STRIDE` says otherwise; with 1 all are.
pub fn stride(usual: usize) -> usize {
    let set = std::env::var("XENWIRE_CRASH_STRIDE").unwrap_or_default();
    set.parse().unwrap_or(usual).max(1)
}
