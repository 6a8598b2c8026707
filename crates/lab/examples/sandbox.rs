//! A small lab for the tests of the sandbox, which need a process with one thread to start from.
//!
//! `sandbox run|up NAME BODY`, `sandbox exec NAME MACHINE CMD...`, `sandbox ls`, `sandbox end NAME`.
//! What it prints is read by `tests/sandbox.rs`.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use xenwire_lab::sandbox::{
    Came, EtcFile, EtcKind, Inside, Netns, PROGRAM, SandboxError, Spec, StateRoot, end, exec,
    run_foreground, spawn_background,
};

fn main() -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<&str> = argv.iter().map(|word| word.to_str().unwrap()).collect();
    if words == ["hello"] {
        println!("hello from {}", PROGRAM);
        return ExitCode::from(7);
    }
    match lab(&words, &argv) {
        Ok(status) => ExitCode::from(u8::try_from(status.code().unwrap_or(70)).unwrap_or(70)),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn lab(words: &[&str], argv: &[OsString]) -> Result<ExitStatus, SandboxError> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR");
    let root = StateRoot::open(runtime.as_deref(), rustix::process::geteuid().as_raw())?;
    match words {
        ["run", name, what] => {
            let state = root.claim(name)?;
            let socket = state.socket("control")?;
            let bind = || UnixListener::bind(socket);
            run_foreground(spec(), state, bind, |inside, socket| {
                body(what, &inside, socket)
            })
        }
        ["up", name, what] => {
            let state = root.claim(name)?;
            let socket = state.socket("control")?;
            let bind = || UnixListener::bind(socket);
            spawn_background(spec(), state, bind, |inside, socket| {
                body(what, &inside, socket)
            })?;
            Ok(ExitStatus::default())
        }
        ["exec", name, machine, ..] => {
            let env: Vec<_> = std::env::vars_os().collect();
            exec(&root.find(name)?, machine, &argv[3..], &env)
        }
        ["ls"] => {
            for lab in root.labs()? {
                println!(
                    "{} ready={} pid={}",
                    lab.name(),
                    lab.ready(),
                    lab.pid().is_some()
                );
            }
            Ok(ExitStatus::default())
        }
        ["end", name] => {
            end(&root.find(name)?, Duration::from_secs(1)).unwrap();
            Ok(ExitStatus::default())
        }
        _ => panic!("what is {words:?}?"),
    }
}

fn spec() -> Spec {
    let file = |path: &str, kind| EtcFile {
        path: PathBuf::from(path),
        kind,
    };
    Spec {
        files: vec![
            file(
                "scripts/vif-bridge",
                EtcKind::File {
                    bytes: b"#!/bin/sh\necho from a script\n".to_vec(),
                    mode: 0o755,
                },
            ),
            file("scripts/vif-nat", EtcKind::Link(PathBuf::from(PROGRAM))),
            file(
                "xl.conf",
                EtcKind::File {
                    bytes: b"vif.default.bridge=\"xenbr0\"\n".to_vec(),
                    mode: 0o640,
                },
            ),
        ],
    }
}

fn body(what: &str, inside: &Inside, _control: UnixListener) -> u8 {
    match what.split_once('=').unwrap_or((what, "")) {
        ("exit", code) => code.parse().unwrap(),
        ("panic", _) => panic!("as asked"),
        ("fail", why) => {
            inside.failed(why);
            3
        }
        ("probe", _) => probe(inside),
        ("children", _) => children(),
        ("sleep", _) => {
            let _gw = Netns::new("gw").unwrap();
            let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
            Command::new("sh")
                .args(["-c", "sleep 1000 &"])
                .status()
                .unwrap();
            inside.progress("a child and an orphan sleep");
            let ready = inside.ready(Came::Whole);
            while ready.is_ok() && !inside.stopping() {
                let _ = poll(
                    &mut [PollFd::from_borrowed_fd(inside.stop_fd(), PollFlags::IN)],
                    None,
                );
            }
            println!("asked to end by {:?}", inside.stop_signal());
            child.kill().unwrap();
            child.wait().unwrap();
            0
        }
        ("slow", _) => {
            std::thread::sleep(Duration::from_secs(30));
            0
        }
        ("stubborn", _) => {
            inside.ready(Came::Whole).unwrap();
            loop {
                std::thread::park();
            }
        }
        _ => panic!("what is {what}?"),
    }
}

/// Prints what the world looks like from inside.
fn probe(inside: &Inside) -> u8 {
    for line in inside.told() {
        println!("told {line}");
    }
    println!("pid {}", std::process::id());
    println!(
        "ids {} {}",
        rustix::process::getuid().as_raw(),
        rustix::process::getgid().as_raw()
    );
    println!(
        "host {}",
        rustix::system::uname().nodename().to_str().unwrap()
    );
    println!("links {}", names("/sys/class/net"));
    println!("cwd {}", std::env::current_dir().unwrap().display());
    for place in [
        "/home",
        "/root",
        "/var/tmp",
        "/etc",
        "/etc/xen",
        "/tmp",
        "/run",
        "/run/netns",
    ] {
        println!("in {place} {}", names(place));
    }
    for place in ["/home", "/root", "/tmp", "/var/log/xen", "/etc/xen/xl.conf"] {
        println!(
            "mode {place} {:o}",
            fs::metadata(place).unwrap().mode() & 0o7777
        );
    }
    println!("writable {}", writable().join(" "));
    // Not a program that may be running: opening that for writing fails with ETXTBSY before EROFS.
    for file in [
        "/etc/passwd",
        "/bin/false",
        "/proc/sys/kernel/panic",
        "/proc/sysrq-trigger",
    ] {
        let answer = fs::OpenOptions::new().append(true).open(file).map(drop);
        println!("append {file} {:?}", answer.map_err(|e| e.raw_os_error()));
    }
    let run = |program: &str| Command::new(program).arg("hello").output().unwrap();
    for program in [
        PROGRAM,
        "/etc/xen/scripts/vif-nat",
        "/etc/xen/scripts/vif-bridge",
    ] {
        let output = run(program);
        let text = String::from_utf8(output.stdout).unwrap();
        println!(
            "run {program} {} {}",
            output.status.code().unwrap(),
            text.trim()
        );
    }
    println!(
        "sysctl {:?}",
        fs::write("/proc/sys/net/ipv4/ip_forward", "1").map_err(|e| e.kind())
    );

    let gw = Netns::new("gw").unwrap();
    let links = || {
        fs::read_to_string("/proc/thread-self/net/dev")
            .unwrap()
            .lines()
            .skip(2)
            .map(|line| line.split(':').next().unwrap().trim().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let network = || fs::read_link("/proc/thread-self/ns/net").unwrap();
    let dom0 = network();
    println!("netns own {}", gw.run_in(network).unwrap() != dom0);
    println!("netns links {}", gw.run_in(links).unwrap());
    println!("netns bound {}", names("/run/netns"));
    println!(
        "netns again {:?}",
        Netns::new("gw").map(drop).map_err(|e| e.kind())
    );
    let mut in_gw = Command::new("sh");
    in_gw
        .args(["-c", "readlink /proc/self/ns/net; exit 9"])
        .stdout(Stdio::piped());
    let child = gw.spawn(&mut in_gw).unwrap();
    // Long enough for the init to reap what is not ours.
    std::thread::sleep(Duration::from_millis(450));
    let output = child.wait_with_output().unwrap();
    let there = String::from_utf8(output.stdout).unwrap() != format!("{}\n", dom0.display());
    println!("netns spawn {:?} {there}", output.status.code());
    println!("netns left {}", network() == dom0);
    gw.remove().unwrap();
    println!("netns after {}", names("/run/netns"));
    0
}

/// The names in a folder, sorted.
fn names(folder: &str) -> String {
    let Ok(entries) = fs::read_dir(folder) else {
        return "-".to_owned();
    };
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names.join(" ")
}

/// The mounts and folders, two deep, in which a file can be made; of those in one another the
/// outermost on the same mount.
fn writable() -> Vec<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mut places: Vec<String> = table
        .lines()
        .map(|line| line.split(' ').nth(4).unwrap().to_owned())
        .collect();
    let below = |place: &str| {
        fs::read_dir(place)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path().to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for top in below("/") {
        places.extend(below(&top));
        places.push(top);
    }
    places.sort();
    places.dedup();
    let mut open: Vec<String> = Vec::new();
    for place in places {
        // Files of the kernel are not made, and folders of the same mount are no place of their own.
        let kernel = ["/proc", "/sys"]
            .iter()
            .any(|k| Path::new(&place).starts_with(k));
        let device = |path: &str| fs::metadata(path).map(|m| m.dev()).ok();
        let known = open
            .iter()
            .any(|o| Path::new(&place).starts_with(o) && device(o) == device(&place));
        if kernel || known {
            continue;
        }
        let file = format!("{place}/.xenwire-probe");
        if fs::write(&file, "").is_ok() {
            fs::remove_file(&file).unwrap();
            open.push(place);
        }
    }
    open
}

/// Starts many children from many threads between many orphans: no status may be lost, and no
/// orphan may stay.
fn children() -> u8 {
    let late = Command::new("sh").args(["-c", "exit 11"]).spawn().unwrap();
    let lost: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8u8)
            .map(|thread| {
                scope.spawn(move || {
                    (0..25u8)
                        .filter(|round| {
                            let code = thread * 25 + round;
                            let script = format!("(sleep 0.0{} &) ; exit {code}", round % 10);
                            let status = Command::new("sh").args(["-c", &script]).status();
                            status.ok().and_then(|s| s.code()) != Some(i32::from(code))
                        })
                        .count()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    // Long enough for the init to reap what is not ours.
    std::thread::sleep(Duration::from_millis(450));
    let late = late
        .wait_with_output()
        .ok()
        .and_then(|output| output.status.code());
    let lost = lost + usize::from(late != Some(11));
    let until = Instant::now() + Duration::from_secs(1);
    let others = || {
        fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|&pid| pid != 1)
            .count()
    };
    while others() > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("lost {lost} left {}", others());
    0
}
