//! Which parts of the program a call runs through, as a linker script that puts them together.
//!
//! ```text
//!  the linker's map ──── sections and where they lie ─┐
//!  online and offline, an instruction at a time ──────┴─▶ crates/cli/hotplug.ld
//! ```
//!
//! The kernel brings a page of a program when it is first touched, and its neighbours with it
//! (filemap_map_pages, mm/filemap.c). Left to itself a linker spreads the fifth that a call needs
//! over all of the program, which is then brought whole. `./ci.sh order` writes the script anew
//! when much has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::dom0::{Dom0, Vif};
use crate::side::{Act, Side};

/// Characters of a name: what follows are types of types.
const LONG_ENOUGH: usize = 120;

/// One input section of code, where the linker put it.
#[derive(Debug)]
struct Section {
    begin: u64,
    size: u64,
    /// How a linker script names it.
    pattern: String,
}

/// Writes the script for the calls that every guest makes. `map` is lld's, of this very program.
pub fn write(dom0: &mut Dom0, map: &str, script: &str) {
    let text = fs::read_to_string(map).unwrap();
    let sections = sections(&text);
    assert!(sections.len() > 1000, "{map} is not a map of lld's");
    // What a name has in all: a script cannot tell the makings of one generic function apart.
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for section in &sections {
        *all.entry(&section.pattern).or_default() += section.size;
    }
    let mut order: Vec<&str> = Vec::new();
    let mut run: BTreeMap<&str, BTreeMap<u64, u64>> = BTreeMap::new();
    for vif in [Vif::FIRST, Vif::HELD] {
        dom0.make(&vif);
        for act in [Act::Online, Act::Offline] {
            let walked = walked(&Side::Ours.command(act, &vif));
            dom0.check(&vif, act, Side::Ours);
            for section in walked.iter().filter_map(|at| find(&sections, *at)) {
                if !order.contains(&section.pattern.as_str()) {
                    order.push(&section.pattern);
                }
                let parts = run.entry(&section.pattern).or_default();
                parts.insert(section.begin, section.size);
            }
        }
    }
    assert!(!order.is_empty(), "{map} is another program's");
    // What is mostly not run comes last.
    let (close, loose): (Vec<&str>, Vec<&str>) = order
        .iter()
        .copied()
        .partition(|name| all[*name] <= 2 * run[*name].values().sum::<u64>());
    let mut out = HEAD.to_owned();
    for name in close.iter().chain(&loose) {
        writeln!(out, "    {name}").unwrap();
    }
    out += "  }\n}\nINSERT BEFORE .text;\n";
    fs::write(script, out).unwrap();
    let bytes: u64 = run.values().flat_map(BTreeMap::values).sum();
    let named: u64 = order.iter().map(|name| all[*name]).sum();
    let whole: u64 = sections.iter().map(|section| section.size).sum();
    println!(
        "{script}: {} names, {} KiB of code, of which {} KiB are run through; the program has {} KiB",
        order.len(),
        named / 1024,
        bytes / 1024,
        whole / 1024
    );
}

const HEAD: &str = "/* The code that online and offline of a vif run through, together and in the order of its first use,\n\
\x20  so that a call maps a fifth of the program and not all of it (docs/benchmarks.md). Written by\n\
\x20  `./ci.sh order`. A name that is not there any more does no harm. */\n\
SECTIONS {\n\x20 .text.hotplug : {\n";

/// The input sections of code in a map of lld's, by where they lie: address, the same again, size
/// and alignment, then `FILE:(SECTION)`.
fn sections(map: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = map
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let begin = u64::from_str_radix(words.next()?, 16).ok()?;
            let size = u64::from_str_radix(words.nth(1)?, 16).ok()?;
            let (file, section) = words.nth(1)?.strip_suffix(')')?.rsplit_once(":(")?;
            Some(Section {
                begin,
                size,
                pattern: pattern(file, section)?,
            })
        })
        .collect();
    sections.sort_by_key(|section| section.begin);
    sections
}

/// A name that holds for the next compiler and the next version of a library too: without the
/// hashes of crates in it (`Cs`, letters and `_`), and the references back that count them
/// (`B`, letters and `_`; the Rust reference, "v0 symbol mangling").
fn pattern(file: &str, section: &str) -> Option<String> {
    if let Some((_, member)) = file.rsplit_once("libc.a(") {
        return Some(format!(
            "*libc.a:{}({section})",
            member.trim_end_matches(')')
        ));
    }
    let mut rest = section.strip_prefix(".text")?;
    let mut kept = String::from(".text");
    rest.contains("._R").then_some(())?;
    while let Some(at) = rest.find(['C', 'B']).filter(|_| kept.len() < LONG_ENOUGH) {
        let (before, after) = rest.split_at(at);
        kept += before;
        let counted = match after.strip_prefix("Cs") {
            Some(hash) => hash
                .find('_')
                .filter(|length| *length <= 13)
                .map(|at| at + 2),
            None => after
                .find('_')
                .filter(|length| *length <= 3 && after.starts_with('B')),
        };
        kept += &after[..1];
        if counted.is_some() {
            kept.push('*');
        }
        rest = &after[counted.unwrap_or(1)..];
    }
    kept += rest;
    if let Some((short, _)) = kept.split_at_checked(LONG_ENOUGH) {
        kept = format!("{}*", short.trim_end_matches('*'));
    }
    Some(format!("*({kept})"))
}

fn find(sections: &[Section], at: u64) -> Option<&Section> {
    let next = sections.partition_point(|section| section.begin <= at);
    let section = sections.get(next.checked_sub(1)?)?;
    (at < section.begin + section.size).then_some(section)
}

/// Where every instruction lies that a command runs, once each, by first use. The program is at the
/// address that it was linked for (`.cargo/config.toml`).
#[expect(clippy::zombie_processes, reason = "waitpid(2) waits for it")]
fn walked(command: &Command) -> Vec<u64> {
    // It stops itself, to be taken hold of, and becomes the program.
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", "kill -STOP $$; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    let child = shell.spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
    ptrace::seize(pid, ptrace::Options::PTRACE_O_TRACEEXEC).unwrap();
    kill(pid, Signal::SIGCONT).unwrap();
    loop {
        match waitpid(pid, None).unwrap() {
            WaitStatus::PtraceEvent(_, _, libc::PTRACE_EVENT_EXEC) => break,
            WaitStatus::Stopped(_, signal) => ptrace::cont(pid, signal).unwrap(),
            WaitStatus::PtraceEvent(..) => ptrace::cont(pid, None).unwrap(),
            ended => panic!("{ended:?}"),
        }
    }
    let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
    loop {
        ptrace::step(pid, None).unwrap();
        match waitpid(pid, None).unwrap() {
            WaitStatus::Exited(_, 0) => return order,
            WaitStatus::Stopped(..) => {}
            ended => panic!("{ended:?}"),
        }
        let at = instruction(pid);
        if seen.insert(at) {
            order.push(at);
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn instruction(pid: Pid) -> u64 {
    ptrace::getregs(pid).unwrap().rip
}

#[cfg(not(target_arch = "x86_64"))]
fn instruction(_: Pid) -> u64 {
    panic!("the order is found on x86-64; the names hold everywhere")
}
