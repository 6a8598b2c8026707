//! No program is started but what the scenario names: the kernel's word for it, and traps.

use std::fs;

use crate::need;
use crate::place::{Place, each_user, said, wait_until};
use crate::scenario::{TRUE, office};

/// Programs that network scripts like to call.
const TRAPS: [&str; 14] = [
    "ip",
    "brctl",
    "bridge",
    "ifconfig",
    "iptables",
    "ip6tables",
    "nft",
    "sysctl",
    "ethtool",
    "xenstore-read",
    "xenstore-write",
    "logger",
    "bash",
    "sh",
];

/// Every execve(2) that succeeded, program and words, sorted.
fn execs(place: &Place, args: &[&str]) -> Vec<String> {
    let mut command = place.command("strace");
    // A file for each process: lines of one are never mixed with another's.
    command
        .args(["-ff", "-qq", "-e", "trace=execve,execveat", "-o"])
        .arg(place.file("trace/of"))
        .arg(place.file("xenwire"))
        .args(args);
    let run = said(&mut command);
    assert_eq!(run.status, 0, "{place}: {run}");
    let mut execs = Vec::new();
    for file in fs::read_dir(place.file("trace")).unwrap() {
        let trace = fs::read_to_string(file.unwrap().path()).unwrap();
        for line in trace.lines().filter(|line| line.ends_with(" = 0")) {
            // execve("path", ["argv0", ...], 0x7ffe... /* 42 vars */) = 0
            let (call, _environment) = line.split_once("], ").unwrap();
            let call = call.replace(place.file("").to_str().unwrap(), "DIR/");
            execs.push(format!("{call}]"));
        }
    }
    execs.sort();
    execs
}

#[test]
fn four_scripts_and_nothing_else() {
    if !need::found("strace", "strace") {
        return;
    }
    each_user(|place| {
        let folder = place.file("trace");
        fs::create_dir(&folder).unwrap();
        std::os::unix::fs::chown(&folder, Some(place.uid()), None).unwrap();
        let script = r#"execve("/etc/xen/scripts/vif-bridge", ["/etc/xen/scripts/vif-bridge", "online", "type_if=vif"]"#;
        let golden = [
            script,
            script,
            script,
            script,
            r#"execve("DIR/xenwire", ["DIR/xenwire", "lab", "run", "examples/two-bridges"]"#,
        ];
        let found = execs(place, &["lab", "run", "examples/two-bridges"]);
        assert_eq!(found, golden, "{place}");
    });
}

#[test]
fn traps_in_the_path_change_nothing() {
    each_user(|place| {
        let mark = place.file("run/mark");
        // Outside they leave a file; inside they cannot write there, but what they say is seen.
        let trap = format!(
            "#!/bin/sh\necho \"TRAP $0\" >&2\necho \"$0\" >> {} || :\nexit 99\n",
            mark.display()
        );
        office(place, "office", TRUE);
        for name in TRAPS {
            // /tmp is the lab's own: for what runs inside, they must be in its /etc/xen.
            place.write(&format!("traps/{name}"), &trap, 0o755);
            place.write(&format!("office/etc/xen/traps/{name}"), &trap, 0o755);
        }
        let path = format!(
            "/etc/xen/traps:{}:{}",
            place.file("traps").display(),
            std::env::var("PATH").unwrap()
        );
        let trapped = |args: &[&str]| said(place.xenwire(args).env("PATH", &path));
        let quiet = |args: &[&str]| {
            let done = trapped(args);
            assert_eq!(done.status, 0, "{place}: {args:?}\n{done}");
            assert!(!done.err.contains("TRAP"), "{place}: {args:?}\n{done}");
            assert!(!mark.exists(), "{place}: {args:?}");
        };
        quiet(&["lab", "run", "office"]);
        quiet(&["lab", "run", "examples/two-bridges", "--json"]);
        quiet(&["lab", "up", "office"]);
        quiet(&["lab", "reboot", "foo"]);
        quiet(&["lab", "stop", "foo"]);
        quiet(&["lab", "exec", "dom0", "--", "xenwire", "show"]);
        // What the scripts said while the lab was up.
        let log = fs::read_to_string(place.file("run/xenwire/office/log")).unwrap();
        assert!(!log.contains("TRAP"), "{place}: {log}");
        // And the traps are traps, inside and outside.
        for name in TRAPS {
            let caught = trapped(&["lab", "exec", "dom0", "--", name]);
            assert_eq!(caught.status, 99, "{place}: {name}: {caught}");
            let trap = format!("TRAP /etc/xen/traps/{name}");
            assert!(caught.err.contains(&trap), "{place}: {caught}");
        }
        quiet(&["lab", "down"]);
        let outside = said(place.command(place.file("traps/ip")).env("PATH", &path));
        assert_eq!(outside.status, 99, "{outside}");
        wait_until("the trap left its mark", || mark.exists());
    });
}
