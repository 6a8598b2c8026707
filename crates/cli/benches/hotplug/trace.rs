//! Programs started, system calls made and memory held, as strace(1) and the kernel count them.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::dom0::{Dom0, Vif};
use crate::side::{Act, Side};

/// One line a side and act.
pub fn counts(dom0: &mut Dom0) {
    if Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        println!("strace is missing: neither programs nor system calls are counted");
        return;
    }
    println!("programs started, system calls, peak memory of the process:\n");
    for side in Side::ALL {
        dom0.make(&Vif::FIRST);
        for act in [Act::Online, Act::Offline] {
            let (programs, calls) = traced(side.command(act, &Vif::FIRST));
            dom0.check(&Vif::FIRST, act, side);
            let memory = match side {
                // A shell's own peak says nothing of what it started.
                Side::Debian => "-".to_owned(),
                _ => format!("{} KiB", peak(side.command(act, &Vif::FIRST))),
            };
            println!("| {act:7} | {side:15} | {programs:3} | {calls:6} | {memory} |");
        }
    }
}

fn under_strace(strace: &[&str], command: &Command) -> Command {
    let mut traced = Command::new("strace");
    traced
        .args(strace)
        .arg(command.get_program())
        .args(command.get_args());
    traced
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    for (name, value) in command.get_envs() {
        traced.env(name, value.unwrap_or_default());
    }
    traced
}

/// execve(2) that succeeded, without the first, and all system calls.
fn traced(command: Command) -> (usize, usize) {
    let status = under_strace(&["-f", "-qq", "-o", "/run/trace"], &command).status();
    assert!(status.unwrap().success(), "{command:?}");
    let trace = fs::read_to_string("/run/trace").unwrap();
    let programs = trace
        .lines()
        .filter(|line| line.contains(" execve(") && line.ends_with(" = 0"))
        .count();
    let calls = trace
        .lines()
        .filter(|line| line.contains('(') && !line.contains("+++"));
    (programs - 1, calls.count())
}

/// The most memory it ever held (VmHWM, proc_pid_status(5)), in KiB. It is held back at its end to
/// be looked at: wait4(2) would count the memory of who started it as well.
fn peak(command: Command) -> u64 {
    let hold = "inject=exit_group:delay_enter=300000";
    let mut strace = under_strace(
        &[
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=exit_group",
            "-e",
            hold,
        ],
        &command,
    )
    .spawn()
    .unwrap();
    let children = format!("/proc/{0}/task/{0}/children", strace.id());
    let mut most = 0;
    while strace.try_wait().unwrap().is_none() {
        let pid = fs::read_to_string(&children).unwrap_or_default();
        let pid = pid.trim();
        let is_it = fs::read_to_string(format!("/proc/{pid}/comm"))
            .is_ok_and(|name| !name.starts_with("strace"));
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok());
        if is_it {
            most = most.max(peak.unwrap_or(0));
        }
        sleep(Duration::from_millis(5));
    }
    most
}
