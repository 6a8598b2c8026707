//! How long dom0 is not heard while its NIC is put into a bridge and taken out again: by
//! `network-bridge` in each generation, and by Debian's ifupdown with bridge_ports.
//!
//! `./ci.sh bench outage`; `docs/benchmarks.md` says how to read it.
//!
//! ```text
//!  outside: a probe a millisecond and a TCP stream, over either family ── switch ── eth0 :dom0
//! ```
//!
//! The program starts itself again in three roles: the one that was called makes namespaces and sums
//! up; `dom0` answers in them, and changes its NIC; `outside` asks, and says what it heard. `steps`
//! is `dom0` that looks at single steps instead.
//!
//! Nothing is done to the machine's own network. Figures do not pass or fail.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

mod change;
mod dom0;
mod ear;
mod outside;
mod probe;
mod steps;
mod stream;
mod table;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use change::Contender;
use table::Table;

/// How the program is called by itself.
const DOM0: &str = "dom0";
const OUTSIDE: &str = "outside";
const STEPS: &str = "steps";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [DOM0, contender] => dom0::run(Contender::named(contender)),
        [OUTSIDE] => outside::run(),
        [STEPS, generation] => steps::run(generation),
        _ => sum_up(&words),
    }
}

fn sum_up(words: &[&str]) {
    // `./ci.sh bench NAME` hands the name to every benchmark.
    let wanted = words.iter().find(|word| !word.starts_with('-'));
    if wanted.is_some_and(|word| !"outage".contains(word)) {
        return;
    }
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let before_others = match before_others() {
        [] => "in turn with everything else that runs here",
        _ => "before everything else that runs here",
    };
    println!("Linux {}, scheduled {before_others}\n", kernel.trim());
    let mut table = Table::default();
    for contender in Contender::ALL {
        if let Some(reason) = contender.missing() {
            println!("{contender}: {reason}");
            continue;
        }
        for line in in_namespaces(&[DOM0, contender.name()], contender.rival()) {
            table.add(&line);
        }
    }
    println!("{table}");
    for generation in change::GENERATIONS {
        for line in in_namespaces(&[STEPS, generation], "") {
            println!("{line}");
        }
    }
}

/// What this program says when it is started with these words as a dom0 of its own.
fn in_namespaces(words: &[&str], rival: &str) -> Vec<String> {
    let spaces = match rustix::process::geteuid().is_root() {
        true => "-nm",
        false => "-Urnm",
    };
    let mut child = Command::new("unshare")
        .args([spaces, "--propagation", "private"])
        .args(["sh", "-c", include_str!("world.sh"), "world.sh"])
        .args(before_others())
        .arg(std::env::current_exe().unwrap())
        .args(words)
        .env("XENWIRE_OUTAGE_RIVAL", rival)
        .env("PATH", path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines = lines.map(|line| line.unwrap()).collect();
    let status = child.wait().unwrap();
    assert!(status.success(), "{words:?}: {status}");
    lines
}

/// The words before a program that is to run before everything else, if we may: what is measured is
/// a program and not how busy the machine is.
fn before_others() -> &'static [&'static str] {
    static MAY: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    let words = &["chrt", "--fifo", "10"];
    let may = MAY.get_or_init(|| {
        let tried = Command::new(words[0])
            .args(&words[1..])
            .arg("true")
            .status();
        rustix::process::geteuid().is_root() && tried.is_ok_and(|status| status.success())
    });
    match may {
        true => words,
        false => &[],
    }
}

/// An ordinary user's PATH on Debian lacks the folders of ip and brctl; ifupdown is in the folder
/// that `./ci.sh need` unpacks.
fn path() -> String {
    let ours = std::env::var("PATH").unwrap_or_default();
    let debian = std::env::var("XENWIRE_DEBIAN_IFUPDOWN").unwrap_or_default();
    format!("{ours}:/usr/local/sbin:/usr/sbin:/sbin:{debian}/sbin")
}
