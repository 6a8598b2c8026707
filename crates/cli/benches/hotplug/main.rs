//! What a vif costs when it comes and goes: ours, Debian's own vif-bridge, and one `ip -batch`
//! process with the same kernel operations, which is the floor for anything that is a process.
//!
//! `./ci.sh bench hotplug`; `docs/benchmarks.md` says how to read it.
//!
//! ```text
//!  one xenstore, one tmpfs, one dom0 ──┬─ ours: journal, lock, log, folder of hooks
//!                                      ├─ Debian's script
//!                                      └─ ip -batch: neither store nor anything else
//! ```
//!
//! The program starts itself again in namespaces of its own; the store is a thread of it, so its
//! time is nobody's. Sides take turns, each with a vif that was just made, and what came out is
//! looked at after each timed run. Figures do not pass or fail.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

mod clock;
mod dom0;
mod order;
mod row;
mod side;
mod trace;

use std::process::{Command, Stdio};

/// How the program is called by itself.
const INSIDE: &str = "inside";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == INSIDE) {
        return inside(&words[1..]);
    }
    // `./ci.sh bench NAME` hands the name to every benchmark.
    let wanted = words.iter().find(|word| !word.starts_with('-'));
    if wanted.is_some_and(|word| word != "order" && !"hotplug".contains(word.as_str())) {
        return;
    }
    let Some(scripts) = side::debian_scripts() else {
        println!("hotplug: no folder in XENWIRE_DEBIAN_SCRIPTS; `./ci.sh need` unpacks one");
        return;
    };
    let spaces = match rustix::process::geteuid().is_root() {
        true => "-nm",
        false => "-Urnm",
    };
    let order = order_of(&words);
    let script = concat!(
        include_str!("../../tests/hotplug_differential/world.sh"),
        "\nexec \"$@\"\n"
    );
    let status = Command::new("unshare")
        .args([spaces, "--propagation", "private"])
        .args(["bash", "-c", script, "world.sh"])
        .args(if order.is_empty() {
            before_others()
        } else {
            ON_ONE
        })
        .arg(std::env::current_exe().unwrap())
        .arg(INSIDE)
        .args(order)
        .env("SCRIPTS", scripts)
        .env("PATH", dom0::path())
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

/// Two processes that take turns at every instruction: where one must wake another processor for the
/// next, it takes minutes.
const ON_ONE: &[&str] = &["taskset", "--cpu-list", "0"];

/// `order MAP SCRIPT` writes the linker script instead of measuring.
fn order_of(words: &[String]) -> &[String] {
    match words.iter().position(|word| word == "order") {
        Some(at) => &words[at + 1..],
        None => &[],
    }
}

fn inside(words: &[String]) {
    let mut dom0 = dom0::Dom0::new();
    if let [map, script, ..] = words {
        return order::write(&mut dom0, map, script);
    }
    print!("{}", side::versions());
    row::one_vif(&mut dom0);
    row::one_held(&mut dom0);
    row::hundred(&mut dom0);
    row::thousand(&mut dom0);
    trace::counts(&mut dom0);
}

/// The words before a program that is to run before everything else, if we may: what is measured is
/// a program and not how busy the machine is.
fn before_others() -> &'static [&'static str] {
    let words = &["chrt", "--fifo", "10"];
    let tried = Command::new(words[0])
        .args(&words[1..])
        .arg("true")
        .status();
    match rustix::process::geteuid().is_root() && tried.is_ok_and(|status| status.success()) {
        true => words,
        false => &[],
    }
}
