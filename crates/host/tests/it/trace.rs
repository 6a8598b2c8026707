//! What a call asks of the kernel, by strace: as many changes as the journal has steps, none
//! before the journal has them, no program, and no more with 200 vifs beside it than with one.

use std::fs;

use crate::world::{Called, World, backend};

/// A call under strace, and its lines.
fn traced(world: &World, domid: u16, words: &[&str]) -> (Called, Vec<String>) {
    let file = world.folder().join("trace");
    let path = file.to_str().unwrap();
    let under = ["strace", "-f", "-y", "-s", "256", "-o", path];
    let output = world.script_under(&under, domid, words).output().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("+++ exited with"), "{text}");
    (output.into(), text.lines().map(str::to_owned).collect())
}

/// The system call of a line of `strace -f`, without the process.
fn call_of(line: &str) -> &str {
    line.split_once(' ')
        .map_or(line, |(_, call)| call.trim_start())
}

/// Whether it changes the kernel's network.
fn changes_kernel(line: &str) -> bool {
    let call = call_of(line);
    let is_sent = ["sendto(", "sendmsg(", "sendmmsg(", "write("]
        .iter()
        .any(|name| call.starts_with(name));
    let by_message = ["RTM_NEW", "RTM_DEL", "RTM_SET"]
        .iter()
        .any(|kind| call.contains(&format!("nlmsg_type={kind}")));
    let by_file = ["write(", "pwrite64(", "writev("]
        .iter()
        .any(|name| call.starts_with(name))
        && call.contains("</proc/sys/");
    (is_sent && by_message) || by_file
}

fn count(lines: &[String], changes: impl Fn(&str) -> bool) -> usize {
    lines.iter().filter(|line| changes(line)).count()
}

/// The journal of an online, step by step, is what strace saw.
fn journal_is_what_happened(world: &World) {
    let (called, lines) = traced(world, 1, &["online"]);
    assert_eq!(called.status, Some(0), "{}", called.stderr);
    let journal = world.journal(1);
    assert_eq!(journal[0]["event"], "announced");
    let steps = journal[0]["steps"].as_array().unwrap();
    let of_kernel = steps
        .iter()
        .filter(|step| step["effect"].get("write-nodes").is_none())
        .count();
    let of_store = steps.len() - of_kernel;
    assert!(of_kernel > 3 && of_store > 0, "{journal:#?}");
    assert_eq!(called.effects.len(), steps.len());
    assert_eq!(count(&lines, changes_kernel), of_kernel, "{lines:#?}");
    println!("{of_kernel} changes of the kernel, {} calls", lines.len());

    let first_change = lines.iter().position(|line| changes_kernel(line)).unwrap();
    let announced = lines
        .iter()
        .position(|line| {
            let call = call_of(line);
            call.starts_with("write(")
                && call.contains("</run/xenwire/journal/vif1.0>")
                && call.contains("announced")
        })
        .expect("the journal is written");
    assert!(announced < first_change, "{lines:#?}");
    nothing_else(&lines);
}

/// No other way to change anything was used.
fn nothing_else(lines: &[String]) {
    for line in lines {
        let call = call_of(line);
        let program = ["clone", "fork(", "vfork("]
            .iter()
            .any(|name| call.starts_with(name));
        assert!(!program, "a process: {line}");
        let setting = call.starts_with("ioctl(") && call.contains("SIOCS");
        assert!(!setting, "an ioctl: {line}");
        // A vif that goes may have had a list; that one that comes without asks for no packet
        // filter is said in `guard`.
        let known = ["NETLINK_ROUTE", "NETLINK_NETFILTER"];
        let netlink = call.starts_with("socket(AF_NETLINK")
            && !known.iter().any(|known| call.contains(known));
        assert!(!netlink, "another kind of netlink: {line}");
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND"]
            .iter()
            .any(|flag| call.contains(flag));
        let known = ["/run/xenwire/", "/proc/sys/net/", "/var/log/xen/"]
            .iter()
            .any(|place| call.contains(place));
        assert!(
            !(call.starts_with("open") && writes) || known,
            "a file: {line}"
        );
    }
    assert_eq!(count(lines, |line| call_of(line).starts_with("execve")), 1);
}

#[test]
fn each_change_is_a_step_of_the_journal() {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    world.vif(1, "br0");
    journal_is_what_happened(&world);
}

#[test]
fn each_change_is_a_step_of_the_journal_with_addresses_to_flush() {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    world.sh("ip link set br0 mtu 9000");
    world.vif(1, "br0");
    world.write(&format!("{}/vifname", backend(1)), "web");
    world.sh(
        "ip link set vif1.0 address 02:00:00:00:00:07; ip link set vif1.0 up
         ip link set g1.0 up
         for n in 1 2 3 4; do ip address add 192.0.2.$n/24 dev vif1.0; done
         ip address add 2001:db8::1/64 dev vif1.0",
    );
    // Its fe80 address is one more.
    world.state();
    journal_is_what_happened(&world);
}

#[test]
fn a_second_online_changes_nothing() {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    world.vif(1, "br0");
    world.succeed(1, &["online"]);
    let (state, nodes) = (world.state(), world.nodes());
    let (again, lines) = traced(&world, 1, &["online"]);
    assert_eq!(again.status, Some(0), "{}", again.stderr);
    assert_eq!(again.effects.len(), 0);
    assert_eq!(count(&lines, changes_kernel), 0, "{lines:#?}");
    assert_eq!(world.differs_from(&state), [""; 0]);
    assert_eq!(world.nodes(), nodes);
    nothing_else(&lines);
}

#[test]
fn an_offline_starts_no_program_either() {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    world.vif(1, "br0");
    world.succeed(1, &["online"]);
    let (called, lines) = traced(&world, 1, &["offline"]);
    assert_eq!(called.status, Some(0), "{}", called.stderr);
    assert_eq!(count(&lines, changes_kernel), 2, "down and detached");
    nothing_else(&lines);
    assert!(world.journal(1).is_empty(), "the journal went with the vif");
}

#[test]
fn its_cost_does_not_grow_with_the_vifs_beside_it() {
    let Some(world) = World::new() else { return };
    let others = |numbers: &str| {
        world.sh(&format!(
            "for n in $(seq {numbers}); do
                 echo link add o$n type veth peer name p$n
                 echo link set o$n master br0 up
                 echo address add 192.0.2.$n/32 dev p$n
             done | ip -batch -"
        ));
    };
    world.bridge("br0");
    let mut counts = Vec::new();
    for numbers in ["1 1", "2 200"] {
        others(numbers);
        world.vif(1, "br0");
        let (called, lines) = traced(&world, 1, &["online"]);
        assert_eq!(called.status, Some(0), "{}", called.stderr);
        // Answers of the store come in as many pieces as its process happens to send.
        let of_store = |line: &str| {
            let call = call_of(line);
            let reads = ["read(", "recvfrom(", "recvmsg(", "poll(", "ppoll("]
                .iter()
                .any(|name| call.starts_with(name));
            reads && !call.contains("nlmsg_")
        };
        counts.push(count(&lines, |line| !of_store(line)));
        world.sh("ip link del g1.0; rm -r /run/xenwire");
        world.remove(&backend(1));
        world.remove("/local/domain/1/device/vif/0");
    }
    println!("system calls with 1 and with 200 vifs beside it: {counts:?}");
    assert_eq!(counts[0], counts[1]);
}
