//! The sandbox on this machine: what is in it, and that nothing is left of it.
//!
//! Everything runs twice where the tests are root, as root and as an ordinary user (uid 65534), and
//! once, as whoever runs them, elsewhere. A machine on which no lab can be made fails these tests
//! with its reason. The lab is `examples/sandbox.rs`, because a test has threads.
#![allow(clippy::unwrap_used)]

#[path = "sandbox/world.rs"]
mod world;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use world::{Dice, World, each_user, interrupt, kill, terminate, text};

/// Moments at which each process is killed.
const MOMENTS: u32 = 50;

/// The line of a probe that starts with these words, without them.
fn line<'a>(probe: &'a str, words: &str) -> &'a str {
    let found = probe
        .lines()
        .find_map(|line| line.strip_prefix(words)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {words:?} in:\n{probe}"))
}

fn probe(world: &World) -> String {
    let output = world.sandbox(&["run", "probe", "probe"]).output().unwrap();
    let error = text(&output.stderr);
    assert!(
        output.status.success(),
        "{world}: a lab cannot be made here: {error}"
    );
    text(&output.stdout)
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

#[test]
fn only_the_listed_places_can_be_written() {
    each_user(|world| {
        let probe = probe(world);
        assert_eq!(
            line(&probe, "writable"),
            "/etc/xen /run /tmp /var/log/xen",
            "{world}"
        );
        // EROFS for root, who owns the files; EACCES for an ordinary user;
        // a kernel need not have every switch.
        for file in [
            "/etc/passwd",
            "/bin/false",
            "/proc/sys/kernel/panic",
            "/proc/sysrq-trigger",
        ] {
            let answer = line(&probe, &format!("append {file}"));
            let absent = file.starts_with("/proc") && answer == "Err(Some(2))";
            assert!(
                absent || ["Err(Some(30))", "Err(Some(13))"].contains(&answer),
                "{world}: {file}: {answer}"
            );
        }
        assert_eq!(line(&probe, "sysctl"), "Ok(())", "{world}");
    });
}

#[test]
fn homes_are_empty_and_etc_is_the_hosts() {
    each_user(|world| {
        let probe = probe(world);
        for place in ["/home", "/root", "/var/tmp", "/tmp"] {
            assert!(
                probe.lines().any(|line| line == format!("in {place} ")),
                "{probe}"
            );
        }
        for (place, mode) in [
            ("/home", "755"),
            ("/root", "755"),
            ("/tmp", "1777"),
            ("/var/log/xen", "755"),
            ("/etc/xen/xl.conf", "640"),
        ] {
            assert_eq!(line(&probe, &format!("mode {place}")), mode);
        }
        let mut want: Vec<_> = fs::read_dir("/etc")
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "xen")
            .chain(["xen".to_owned()])
            .collect();
        want.sort();
        assert_eq!(line(&probe, "in /etc"), want.join(" "));
    });
}

#[test]
fn it_is_a_machine_of_its_own() {
    each_user(|world| {
        let probe = probe(world);
        assert_eq!(line(&probe, "pid"), "1");
        assert_eq!(line(&probe, "ids"), "0 0");
        assert_eq!(line(&probe, "host"), "dom0");
        assert_eq!(line(&probe, "links"), "lo");
        assert_eq!(line(&probe, "cwd"), "/");
    });
}

#[test]
fn the_program_and_the_scripts_run_from_inside() {
    each_user(|world| {
        let probe = probe(world);
        let hello = "7 hello from /run/xenwire/bin/xenwire";
        assert_eq!(line(&probe, "run /run/xenwire/bin/xenwire"), hello);
        assert_eq!(line(&probe, "run /etc/xen/scripts/vif-nat"), hello);
        assert_eq!(
            line(&probe, "run /etc/xen/scripts/vif-bridge"),
            "0 from a script"
        );
    });
}

#[test]
fn a_program_whose_file_is_gone_is_copied_in() {
    each_user(|world| {
        let copy = world.file("short-lived");
        assert!(world::copy(&world.file("sandbox"), &copy));
        // Run by a descriptor, so that the file is gone before the program has begun.
        let script = "exec 3<\"$0\"; rm \"$0\"; exec /proc/self/fd/3 run probe probe";
        let output = world
            .command("sh", &["-c", script, copy.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let probe = text(&output.stdout);
        assert_eq!(
            line(&probe, "run /etc/xen/scripts/vif-bridge"),
            "0 from a script"
        );
        world.settled("a lab whose program was removed");
    });
}

#[test]
fn network_namespaces_are_bound_by_name() {
    each_user(|world| {
        let probe = probe(world);
        assert_eq!(line(&probe, "netns own"), "true");
        assert_eq!(line(&probe, "netns links"), "lo");
        assert_eq!(line(&probe, "netns bound"), "gw");
        assert_eq!(line(&probe, "netns again"), "Err(AlreadyExists)");
        assert_eq!(line(&probe, "netns spawn"), "Some(9) true");
        assert_eq!(line(&probe, "netns left"), "true");
        assert!(probe.lines().any(|line| line == "netns after "), "{probe}");
    });
}

#[test]
fn the_exit_status_passes_through() {
    each_user(|world| {
        let run = |body: &str| world.sandbox(&["run", "status", body]).output().unwrap();
        for want in [0, 1, 42, 255] {
            assert_eq!(code(&run(&format!("exit={want}"))), want);
        }
        assert_eq!(code(&run("panic")), 70);
        let failed = run("fail=no such scenario");
        assert_eq!(code(&failed), 1);
        assert!(
            text(&failed.stderr).contains("no such scenario"),
            "{failed:?}"
        );
        let up = world
            .sandbox(&["up", "status", "fail=no such scenario"])
            .output()
            .unwrap();
        assert_eq!(code(&up), 1);
        assert!(text(&up.stderr).contains("no such scenario"), "{up:?}");
        let up = world.sandbox(&["up", "status", "panic"]).output().unwrap();
        assert_eq!(code(&up), 1);
        assert!(
            text(&up.stderr).contains("as asked"),
            "the log is shown: {up:?}"
        );
        world.settled("labs that ended");
        assert!(world.folders().is_empty(), "{:?}", world.folders());
    });
}

#[test]
fn orphans_are_reaped_and_no_status_is_stolen() {
    each_user(|world| {
        let output = world
            .sandbox(&["run", "children", "children"])
            .output()
            .unwrap();
        assert_eq!(text(&output.stdout).trim(), "lost 0 left 0", "{output:?}");
    });
}

#[test]
fn signals_end_a_lab_cleanly() {
    each_user(|world| {
        for (signal, want) in [(interrupt as fn(u32), 130), (terminate, 143)] {
            let mut lab = world.foreground("signals", "sleep");
            signal(lab.id());
            let said = std::io::read_to_string(lab.stdout.take().unwrap()).unwrap();
            assert_eq!(lab.wait().unwrap().code(), Some(want));
            assert!(said.contains("asked to end"), "the body saw it: {said:?}");
            world.settled("a lab that was asked to end");
            assert!(world.folders().is_empty());
        }
        // Whatever the moment, the lab ends; before it has a handler, the caller with it.
        let most = world.start_up() * 2;
        let mut dice = Dice::new();
        for moment in 0..MOMENTS {
            let mut lab = world.sandbox(&["run", "signals", "sleep"]);
            let mut lab = lab
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(dice.up_to(most));
            interrupt(lab.id());
            let status = lab.wait().unwrap();
            assert!(
                status.code() == Some(130) || status.signal() == Some(2),
                "{status:?}"
            );
            world.settled(&format!("interrupted, moment {moment}"));
            world.cleared();
        }
        // A body that does not listen is killed by the second signal.
        let mut lab = world.foreground("signals", "stubborn");
        terminate(lab.id());
        std::thread::sleep(Duration::from_millis(50));
        terminate(lab.id());
        assert_eq!(lab.wait().unwrap().code(), Some(143));
        world.settled("a lab that would not end");
        assert!(world.folders().is_empty());
    });
}

#[test]
fn a_name_is_taken_while_its_lab_lives() {
    each_user(|world| {
        let up = world.sandbox(&["up", "taken", "sleep"]).output().unwrap();
        assert!(up.status.success(), "{up:?}");
        assert_eq!(text(&up.stderr).trim(), "a child and an orphan sleep");
        let again = world.sandbox(&["run", "taken", "exit=0"]).output().unwrap();
        assert_eq!(code(&again), 1);
        assert!(
            text(&again.stderr).contains("taken is running"),
            "{again:?}"
        );
        assert_eq!(world.labs(), "taken ready=true pid=true");
        assert!(world.sandbox(&["end", "taken"]).status().unwrap().success());
        world.settled("a lab in the background that was ended");
        assert!(world.folders().is_empty());
    });
}

#[test]
fn a_command_runs_on_the_machine_it_names() {
    each_user(|world| {
        assert!(
            world
                .sandbox(&["up", "exec", "sleep"])
                .status()
                .unwrap()
                .success()
        );
        let exec = |argv: &[&str]| {
            let argv = [&["exec", "exec"], argv].concat();
            world.sandbox(&argv).output().unwrap()
        };
        let network = |machine| text(&exec(&[machine, "readlink", "/proc/self/ns/net"]).stdout);
        assert_ne!(network("dom0"), network("gw"));
        let host = fs::read_link("/proc/self/ns/net").unwrap();
        assert_ne!(network("dom0").trim(), host.to_str().unwrap());
        assert_eq!(
            text(&exec(&["dom0", "sh", "-c", "pwd; hostname"]).stdout),
            "/\ndom0\n"
        );
        assert_eq!(code(&exec(&["dom0", "sh", "-c", "exit 42"])), 42);
        assert_eq!(code(&exec(&["dom0", "sh", "-c", "kill -TERM $$"])), 143);
        assert_eq!(code(&exec(&["dom0", "sh", "-c", "kill -INT $$"])), 130);
        assert_eq!(code(&exec(&["dom0", "no-such-program"])), 127);
        assert_eq!(code(&exec(&["dom0", "/etc/passwd"])), 126);
        let nowhere = exec(&["nowhere", "true"]);
        assert_eq!(code(&nowhere), 1);
        assert!(
            text(&nowhere.stderr).contains("there are: dom0, gw"),
            "{nowhere:?}"
        );
        assert_eq!(code(&exec(&["../netns/gw", "true"])), 1);
        // What a command leaves behind ends with it, and the lab does not.
        let before = world.alive().len();
        assert_eq!(
            code(&exec(&[
                "gw",
                "sh",
                "-c",
                "sleep 1000 & sleep 1000 & exit 0"
            ])),
            0
        );
        world.settled_to(before, "a command that left children");
        assert!(world.sandbox(&["end", "exec"]).status().unwrap().success());
        world.settled("the lab of a command");
    });
}

#[test]
fn a_command_ends_with_its_lab() {
    each_user(|world| {
        assert!(
            world
                .sandbox(&["up", "ends", "sleep"])
                .status()
                .unwrap()
                .success()
        );
        let mut client = world
            .sandbox(&["exec", "ends", "gw", "sh", "-c", "echo go; exec sleep 1000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 3];
        let mut stdout = client.stdout.take().unwrap();
        stdout.read_exact(&mut said).unwrap();
        assert!(world.sandbox(&["end", "ends"]).status().unwrap().success());
        assert_eq!(client.wait().unwrap().code(), Some(137));
        world.settled("a command whose lab ended");
    });
}

#[test]
fn ctrl_c_reaches_the_command_and_the_terminal_comes_back() {
    each_user(|world| {
        assert!(
            world
                .sandbox(&["up", "tty", "sleep"])
                .status()
                .unwrap()
                .success()
        );
        let lab = world.file("sandbox");
        // script(1) gives a terminal; a byte 3 typed on it is Ctrl-C. It is for the shell around
        // the command too, which is $SHELL: bash lives on when its command does not die of it, dash
        // only with a trap.
        let typed = |command: &str, prompt: &str, input: &[u8]| {
            let line = format!(
                "trap : INT; {} exec tty gw {command}; echo status=$?",
                lab.display()
            );
            let mut terminal = world
                .command("script", &["-qec", &line, "/dev/null"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut screen = terminal.stdout.take().unwrap();
            let mut said = Vec::new();
            while !text(&said).contains(prompt) {
                let mut byte = [0];
                let more = screen.read(&mut byte).unwrap();
                assert_eq!(more, 1, "no {prompt:?} in {:?}", text(&said));
                said.extend(byte);
            }
            let mut keys = terminal.stdin.take().unwrap();
            keys.write_all(input).unwrap();
            screen.read_to_end(&mut said).unwrap();
            terminal.wait().unwrap();
            text(&said)
        };
        let said = typed("sh -c \"echo go; exec sleep 1000\"", "go", b"\x03");
        assert!(said.contains("status=130"), "{said:?}");
        let shell = "bash --norc -i";
        let said = typed(shell, "bash", b"echo job$((40+2)); exit 5\n");
        assert!(
            said.contains("job42") && said.contains("status=5"),
            "{said:?}"
        );
        assert!(!said.contains("no job control"), "{said:?}");
        assert!(world.sandbox(&["end", "tty"]).status().unwrap().success());
        world.settled("commands on a terminal");
    });
}

#[test]
fn killing_the_caller_or_the_init_leaves_nothing() {
    each_user(|world| {
        let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap();
        let before = mounts();
        let most = world.start_up() * 2;
        let mut dice = Dice::new();
        let (mut early, mut late) = (0, 0);
        for moment in 0..MOMENTS {
            let mut caller = world.sandbox(&["run", "killed", "sleep"]);
            let mut caller = caller
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(dice.up_to(most));
            *if world.ready("killed") {
                &mut late
            } else {
                &mut early
            } += 1;
            kill(caller.id());
            let status = caller.wait().unwrap();
            assert_eq!(status.signal(), Some(9));
            world.settled(&format!("caller killed, moment {moment}"));
            world.cleared();
        }
        assert!(
            early > 0 && late > 0,
            "moments before ({early}) and after ({late}) ready"
        );
        for moment in 0..MOMENTS {
            let mut caller = world.sandbox(&["run", "killed", "sleep"]);
            let mut caller = caller
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let init = loop {
                if let Some(init) = world.child_of(caller.id()) {
                    break init;
                }
            };
            std::thread::sleep(dice.up_to(most));
            kill(init);
            let said = std::io::read_to_string(caller.stderr.take().unwrap()).unwrap();
            assert_eq!(caller.wait().unwrap().code(), Some(137), "{said}");
            assert!(said.contains("init was killed by signal 9"), "{said:?}");
            world.settled(&format!("init killed, moment {moment}"));
            assert!(world.folders().is_empty(), "{:?}", world.folders());
        }
        assert_eq!(mounts(), before, "the host's mounts");
    });
}

#[test]
fn killing_lab_up_leaves_a_whole_lab_or_none() {
    each_user(|world| {
        // A lab that takes long to start does not go on for nobody.
        let mut caller = world.sandbox(&["up", "slow", "slow"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert!(!world.ready("slow"), "the lab is starting");
        kill(caller.id());
        caller.wait().unwrap();
        world.settled("lab up killed while the lab is starting");
        world.cleared();
        let most = world.start_up() * 2;
        let mut dice = Dice::new();
        for moment in 0..MOMENTS {
            let mut caller = world.sandbox(&["up", "upkill", "sleep"]);
            let mut caller = caller.stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(dice.up_to(most));
            kill(caller.id());
            caller.wait().unwrap();
            let until = Instant::now() + Duration::from_secs(1);
            while !world.alive().is_empty() && Instant::now() < until {
                if world.ready("upkill") {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            if world.ready("upkill") {
                assert_eq!(world.labs(), "upkill ready=true pid=true");
                // And a lab that is up, killed, leaves nothing but its folder.
                kill(world.pid("upkill"));
            }
            world.settled(&format!("lab up killed, moment {moment}"));
            world.cleared();
        }
    });
}

#[test]
fn killing_any_process_of_an_exec_leaves_nothing_of_it() {
    each_user(|world| {
        assert!(
            world
                .sandbox(&["up", "keep", "sleep"])
                .status()
                .unwrap()
                .success()
        );
        let lab = world.alive().len();
        let begun = Instant::now();
        let done = world.sandbox(&["exec", "keep", "gw", "true"]).status();
        assert!(done.unwrap().success());
        let most = begun.elapsed() * 2;
        let mut dice = Dice::new();
        for depth in 0..3 {
            let mut hit = 0;
            for moment in 0..MOMENTS {
                let script = "sleep 1000 & (sleep 1000 &) ; sleep 1000";
                let mut client = world
                    .sandbox(&["exec", "keep", "gw", "sh", "-c", script])
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap();
                std::thread::sleep(dice.up_to(most));
                // The client, the process that joined, or the keeper, if it is there yet.
                let mut victim = client.id();
                for _ in 0..depth {
                    victim = world.child_of(victim).unwrap_or(victim);
                }
                hit += u32::from(victim != client.id());
                kill(victim);
                client.wait().unwrap();
                world.settled_to(
                    lab,
                    &format!("exec killed at depth {depth}, moment {moment}"),
                );
            }
            assert!(depth == 0 || hit > 0, "depth {depth} was never reached");
        }
        assert_eq!(world.labs(), "keep ready=true pid=true");
        assert!(world.sandbox(&["end", "keep"]).status().unwrap().success());
        world.settled("the lab of many commands");
    });
}

#[test]
fn a_refusal_names_the_switch() {
    each_user(|world| {
        let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"";
        let lab = world.file("sandbox");
        let lab = lab.to_str().unwrap();
        for how in ["run", "up"] {
            let inner = ["-Ur", "sh", "-c", script, lab, how, "refused", "exit=0"];
            let output = world.command("unshare", &inner).output().unwrap();
            assert_eq!(code(&output), 1);
            let said = text(&output.stderr);
            assert!(said.contains("user.max_user_namespaces is 0"), "{said}");
            assert!(
                said.contains("hint: allow them with: sudo sysctl"),
                "{said}"
            );
        }
        assert!(world.folders().is_empty());
    });
}

#[test]
fn a_host_with_xen_and_a_masked_proc_will_do() {
    each_user(|world| {
        // An /etc with a xen in it, a /var/run of its own, and, as in a container, a /proc with
        // something hidden, which makes the kernel refuse a new one.
        let script = "cd \"${0%/*}\" && mkdir -p etc/xen var/run var/log/xen && \
            echo secret > etc/xen/own && cp /etc/passwd etc && \
            mount --rbind etc /etc && mount --rbind var /var && \
            mount -t tmpfs masked /proc/fs && exec unshare -U --map-root-user \"$0\" run odd probe";
        let lab = world.file("sandbox");
        let inner = ["-Ur", "-m", "sh", "-c", script, lab.to_str().unwrap()];
        let output = world.command("unshare", &inner).output().unwrap();
        let (probe, error) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{world}: {error}");
        assert!(line(&probe, "told").starts_with("no new /proc"), "{probe}");
        assert_eq!(line(&probe, "in /etc"), "passwd xen");
        assert_eq!(line(&probe, "in /etc/xen"), "scripts xl.conf");
        assert_eq!(
            line(&probe, "writable"),
            "/etc/xen /run /tmp /var/log/xen /var/run"
        );
        assert_eq!(line(&probe, "sysctl"), "Ok(())");
        assert_eq!(line(&probe, "netns own"), "true");
    });
}

#[test]
fn an_empty_sandbox_starts_quickly() {
    each_user(|world| {
        let mut times: Vec<_> = (0..20)
            .map(|_| {
                let start = Instant::now();
                let status = world.sandbox(&["run", "time", "exit=0"]).status().unwrap();
                assert!(status.success());
                start.elapsed()
            })
            .collect();
        times.sort();
        // Some 20 ms on an idle machine; other tests run beside this one.
        assert!(times[10] < Duration::from_millis(500), "{times:?}");
    });
}
