//! What holding a guest to its addresses costs: processor time of the sender for a datagram of 18
//! bytes through a vif and a bridge, by how many vifs are guarded, and for how the rules are laid
//! out; and what TCP carries. It works in namespaces of its own; `nft` and `ip` are needed.
//!
//! ```text
//!  guest ── vif0.0 ─ br0 ─ nic ── lan        (the last two in namespaces of their own, like guest)
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use xenwire_core::journal::{Machine, Outcome};
use xenwire_core::plan::{Plan, Step};
use xenwire_core::state::{Effect, Forged, Guard, Pair, Place};
use xenwire_host::journal::MemoryJournal;
use xenwire_host::kernel::Kernel;
use xenwire_host::run::{Host, run};

/// Datagrams a round, and rounds.
const DATAGRAMS: u32 = 20_000;
const ROUNDS: usize = 11;
const VIFS: [usize; 3] = [10, 100, 1000];
const TO: &str = "10.0.0.200:4242";

/// Who listens, and for how long a round of TCP lasts.
const SINK: &str = "10.0.0.201:4243";
const STREAM: Duration = Duration::from_millis(400);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("send") => println!("{}", send()),
        Some("stream") => println!("{}", stream()),
        Some("sink") => sink(),
        Some("inside") => inside(),
        _ => {
            let own = std::env::current_exe().unwrap();
            let unshare = ["-Urnm", "--propagation", "private"];
            let mut command = Command::new("unshare");
            let status = command.args(unshare).arg(own).arg("inside").status();
            assert!(status.unwrap().success());
        }
    }
}

/// Nanoseconds of processor time for a datagram.
fn send() -> u64 {
    let socket = UdpSocket::bind("10.0.0.1:68").unwrap();
    socket.connect(TO).unwrap();
    let load = [0; 18];
    let run = |count| (0..count).for_each(|_| drop(socket.send(&load)));
    run(DATAGRAMS / 10);
    let before = spent();
    run(DATAGRAMS);
    u64::try_from((spent() - before).as_nanos()).unwrap() / u64::from(DATAGRAMS)
}

/// MiB a second.
fn stream() -> u64 {
    let mut socket = TcpStream::connect(SINK).unwrap();
    let load = vec![0; 1 << 16];
    let mut run = |time: Duration| {
        let (start, mut bytes) = (Instant::now(), 0);
        while start.elapsed() < time {
            socket.write_all(&load).unwrap();
            bytes += load.len() as u64;
        }
        (bytes >> 10) * 1000 / 1024 / u64::try_from(start.elapsed().as_millis()).unwrap()
    };
    run(STREAM / 4);
    run(STREAM)
}

/// Takes what comes, for ever.
fn sink() {
    let listener = TcpListener::bind(SINK).unwrap();
    println!("listening");
    let mut load = vec![0; 1 << 17];
    for socket in listener.incoming() {
        let mut socket = socket.unwrap();
        while socket.read(&mut load).is_ok_and(|count| count > 0) {}
    }
}

/// What happens at the other links for a datagram is done in the sender's time.
fn spent() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

fn sh(script: &str) {
    let status = Command::new("sh").args(["-ec", script]).status();
    assert!(status.unwrap().success(), "{script}");
}

fn nft(rules: &str) {
    let mut command = Command::new("nft");
    let mut nft = command
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    nft.stdin
        .take()
        .unwrap()
        .write_all(rules.as_bytes())
        .unwrap();
    assert!(nft.wait().unwrap().success());
}

/// A way to lay out the rules.
struct Layout {
    name: &'static str,
    /// The first of them is the guest's that sends; the others are there.
    set_up: fn(usize),
}

const LAYOUTS: [Layout; 5] = [
    Layout {
        name: "no rules",
        set_up: |_| {},
    },
    Layout {
        name: "xenwire: concatenated sets",
        set_up: ours,
    },
    Layout {
        name: "the same without inet and arp",
        set_up: one_set,
    },
    Layout {
        name: "verdict map, a chain a vif",
        set_up: verdict_map,
    },
    Layout {
        name: "netdev ingress, a chain a vif",
        set_up: ingress,
    },
];

fn inside() {
    sh("mount -t tmpfs tmpfs /run
        ip netns add guest; ip netns add lan
        ip link add br0 type bridge; ip link set br0 up
        ip link add vif0.0 type veth peer name eth0 netns guest
        ip link add nic type veth peer name eth0 address 02:00:00:00:02:01 netns lan
        ip link set vif0.0 master br0; ip link set vif0.0 up
        ip link set nic master br0; ip link set nic up
        bridge fdb add 02:00:00:00:02:01 dev nic master static
        ip -n guest link set eth0 address 00:16:3e:00:00:00; ip -n guest link set eth0 up
        ip -n guest address add 10.0.0.1/24 dev eth0
        ip -n guest neighbour add 10.0.0.200 lladdr 02:00:00:00:02:01 dev eth0
        ip -n guest neighbour add 10.0.0.201 lladdr 02:00:00:00:02:01 dev eth0
        ip -n lan link set eth0 up; ip -n lan address add 10.0.0.201/24 dev eth0
        ip -n lan neighbour add 10.0.0.1 lladdr 00:16:3e:00:00:00 dev eth0");
    // For chains at links; the sets need none.
    let links = (1..*VIFS.last().unwrap()).map(|n| format!("link add vif{n}.0 type ifb\n"));
    let made = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .spawn();
    let mut made = made.unwrap();
    let text: String = links.collect();
    made.stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    assert!(made.wait().unwrap().success());
    // Where the module is not there, bridged packets are not shown to `ip` and `inet`.
    for bridged in ["1", "0"] {
        let is_off = bridged == "0";
        match std::fs::write("/proc/sys/net/bridge/bridge-nf-call-iptables", bridged) {
            Err(error) if !is_off => {
                println!("bridge-nf-call-iptables cannot be set: {error}");
                continue;
            }
            _ => {}
        }
        println!("\nbridge-nf-call-iptables={bridged}\n");
        // Without it only what enforces is of interest.
        datagrams(if is_off { &LAYOUTS[..2] } else { &LAYOUTS });
        streams();
    }
    one_more();
}

fn datagrams(layouts: &[Layout]) {
    println!("| layout | vifs | ns a datagram, least / median | more than no rules, least |");
    println!("| --- | --: | --: | --: |");
    for vifs in VIFS {
        let rounds = rounds(layouts, vifs, "send");
        let bare = rounds[0][0];
        for (layout, times) in layouts.iter().zip(&rounds) {
            let (least, median) = (times[0], times[ROUNDS / 2]);
            let (name, more) = (layout.name, least.saturating_sub(bare));
            println!("| {name} | {vifs} | {least} / {median} | {more} |");
        }
    }
}

fn streams() {
    let own = std::env::current_exe().unwrap();
    let mut sink = Command::new("ip")
        .args(["netns", "exec", "lan"])
        .arg(own)
        .arg("sink")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut word = [0; 9];
    let mut said = sink.stdout.take().unwrap();
    said.read_exact(&mut word).unwrap();
    println!("\n| TCP | vifs | MiB/s, median | of no rules |");
    println!("| --- | --: | --: | --: |");
    for vifs in VIFS {
        let rounds = rounds(&LAYOUTS[..2], vifs, "stream");
        let bare = rounds[0][ROUNDS / 2];
        for (layout, rates) in LAYOUTS.iter().zip(&rounds) {
            let rate = rates[ROUNDS / 2];
            let ratio = rate * 100 / bare;
            println!(
                "| {} | {vifs} | {rate} | {}.{:02} |",
                layout.name,
                ratio / 100,
                ratio % 100
            );
        }
    }
    sink.kill().unwrap();
    sink.wait().unwrap();
}

/// What each layout's rounds said, in order; they take turns.
fn rounds(layouts: &[Layout], vifs: usize, act: &str) -> Vec<Vec<u64>> {
    let mut said = vec![Vec::new(); layouts.len()];
    for _ in 0..ROUNDS {
        for (layout, said) in layouts.iter().zip(&mut said) {
            (layout.set_up)(vifs);
            said.push(by_guest(act));
            sh("nft flush ruleset");
        }
    }
    said.iter_mut().for_each(|said| said.sort_unstable());
    said
}

fn by_guest(act: &str) -> u64 {
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().unwrap();
    let words = ["netns", "exec", "guest", own, act];
    let output = Command::new("ip").args(words).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().parse().unwrap()
}

/// Adding and taking one vif's guard, the socket open.
fn one_more() {
    println!("\n| one vif more | vifs | µs to add, least | µs to take, least |");
    println!("| --- | --: | --: | --: |");
    for list in [&["10.1.0.1/32"][..], &["10.1.0.8/29"]] {
        for vifs in VIFS {
            ours(vifs);
            let mut host = host();
            let guard = Guard::new(
                "vif5000.0".parse().unwrap(),
                Place::Bridged,
                Forged::Dropped,
                "00:16:3e:00:ff:ff".parse().unwrap(),
                list.iter().map(|net| net.parse().unwrap()),
            );
            let (mut adding, mut taking) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS * 3 {
                let there = change(&guard, false);
                let gone = change(&guard, true);
                for (step, times) in [(there, &mut adding), (gone, &mut taking)] {
                    let start = Instant::now();
                    perform(&mut host, vec![step]);
                    times.push(start.elapsed().as_micros());
                }
            }
            let least = |times: &[u128]| *times.iter().min().unwrap();
            let (add, take) = (least(&adding), least(&taking));
            println!("| {} | {vifs} | {add} | {take} |", list[0]);
            sh("nft flush ruleset");
        }
    }
}

fn host() -> Host {
    Host {
        kernel: Kernel::open().unwrap(),
        store: None,
        switch: None,
    }
}

fn change(guard: &Guard, goes: bool) -> Step {
    let (mut from, mut to) = (None, Some(guard.clone()));
    if goes {
        std::mem::swap(&mut from, &mut to);
    }
    let change = Pair { from, to };
    let port = guard.of.clone();
    Step::required(Effect::ChangeGuard { port, change })
}

fn perform(host: &mut Host, steps: Vec<Step>) {
    let machine = Machine::new("bench", Plan { steps });
    let outcome = run(machine, &mut MemoryJournal::default(), host);
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome}");
}

fn mac(number: usize) -> String {
    format!("00:16:3e:00:{:02x}:{:02x}", number >> 8, number & 255)
}

fn ip(number: usize) -> String {
    let number = number + 1;
    format!("10.0.{}.{}", number >> 8, number & 255)
}

fn ours(vifs: usize) {
    let guard = |number: usize| {
        let of = format!("vif{number}.0").parse().unwrap();
        let (mac, ip) = (mac(number).parse().unwrap(), ip(number) + "/32");
        let guard = Guard::new(
            of,
            Place::Bridged,
            Forged::Dropped,
            mac,
            [ip.parse().unwrap()],
        );
        change(&guard, false)
    };
    perform(&mut host(), (0..vifs).map(guard).collect());
}

fn hook(rules: &str) -> String {
    format!("chain pre {{ type filter hook prerouting priority -310; {rules}\n}}")
}

fn list(vifs: usize, element: impl Fn(usize) -> String) -> String {
    (0..vifs).map(element).collect::<Vec<_>>().join(", ")
}

fn key(number: usize) -> String {
    format!("\"vif{number}.0\" . {} . {}", mac(number), ip(number))
}

fn one_set(vifs: usize) {
    let (sources, ports) = (list(vifs, key), list(vifs, |n| format!("\"vif{n}.0\"")));
    let rules = hook(
        "ether type ip iifname . ether saddr . ip saddr @ok accept
         iifname @held drop",
    );
    nft(&format!(
        "table bridge t {{
         set ok {{ type ifname . ether_addr . ipv4_addr; elements = {{ {sources} }}\n}}
         set held {{ type ifname; elements = {{ {ports} }}\n}}
         {rules}\n}}"
    ));
}

/// A transaction is a datagram, and 1,000 chains are more than its usual 208 KiB.
const CHAINS: usize = 100;

fn chains(vifs: usize, table: &str, chain: impl Fn(usize) -> String) {
    let all: Vec<usize> = (0..vifs).collect();
    for some in all.chunks(CHAINS) {
        let text: String = some.iter().map(|number| chain(*number)).collect();
        nft(&format!("table {table} t {{ {text}\n}}"));
    }
}

fn checks(number: usize) -> String {
    let (mac, ip) = (mac(number), ip(number));
    format!(
        "ether saddr != {mac} drop; ip saddr {ip} accept; arp saddr ip {ip} accept; drop;\n}}\n"
    )
}

fn verdict_map(vifs: usize) {
    chains(vifs, "bridge", |n| format!("chain c{n} {{ {}", checks(n)));
    let ports = list(vifs, |n| format!("\"vif{n}.0\" : goto c{n}"));
    let rules = hook("iifname vmap @ports");
    nft(&format!(
        "table bridge t {{ map ports {{ type ifname : verdict; elements = {{ {ports} }}\n}}
         {rules}\n}}"
    ));
}

fn ingress(vifs: usize) {
    chains(vifs, "netdev", |n| {
        let head = format!("type filter hook ingress device \"vif{n}.0\" priority 0");
        format!("chain c{n} {{ {head}; {}", checks(n))
    });
}
