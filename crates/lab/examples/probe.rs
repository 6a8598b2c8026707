//! A small world to try the lab's claims in, built in namespaces of this process alone. Needs
//! `ip` and user namespaces, no privilege. Exits with 0 if every claim came out as it must.
//!
//! ```text
//!  a eth0 ── left  r  right ── eth0 b      r routes; some of b's addresses it does not
//!  a eth1 ── port1 s port2  ── eth0 c      s is a bridge whose ports are isolated; c has no
//!                                          route to anywhere else
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::fs::{self, File};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{getgid, getuid};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};
use xenwire_lab::probe::{
    Claim, Hindrance, Left, NotReach, Objection, Outcome, PATIENCE, Place, Probe, Protocol, Reach,
    Wish, run_all,
};

const REFUSED: &str = "held, refused by r";
const ALL: [Protocol; 3] = [Protocol::Icmp, Protocol::Tcp, Protocol::Udp];

/// What an outcome must be, in words and as a check.
struct Expectation(Claim, &'static str, Box<dyn Fn(&Outcome) -> bool>);

fn main() -> ExitCode {
    own_namespaces();
    let [a, r, s, b, c] = ["a", "r", "s", "b", "c"].map(place);
    build(&a, &r, &s, &b, &c);
    let mut all = Vec::new();
    held(&mut all, &a, &b, &c);
    // A router says no to one host five times at once and then once a second (ip_error in
    // net/ipv4/route.c), so the refusals of IPv4 are waited for one at a time.
    let (alone, mut all): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|e| e.0.probe.address.is_ipv4() && e.1 == REFUSED);
    reached(&mut all, &a, &r, &b);
    unproven(&mut all, &a, &r, &b, &c);
    contradicted(&mut all, &a, &b);

    let mut wrong = 0;
    for expectation in alone {
        wrong += check(&[expectation]);
        std::thread::sleep(Duration::from_millis(1200));
    }
    let start = Instant::now();
    wrong += check(&all);
    println!(
        "{} claims at once in {:.1?}, {wrong} wrong",
        all.len(),
        start.elapsed()
    );
    if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Tests claims at once; returns how many came out wrong.
fn check(all: &[Expectation]) -> usize {
    let outcomes = run_all(all.iter().map(|e| e.0.clone()).collect());
    let mut wrong = 0;
    for (Expectation(claim, wanted, right), outcome) in all.iter().zip(&outcomes) {
        let (probe, ok) = (&claim.probe, right(outcome));
        wrong += usize::from(!ok);
        let (verdict, more) = if ok {
            ("ok   ", String::new())
        } else {
            ("WRONG", format!("; wanted {wanted}, got {outcome:?}"))
        };
        println!(
            "{verdict} {:?} {} -> {} {} {:?}: {outcome}{more}",
            claim.wish, probe.from.name, probe.to.name, probe.address, probe.protocol,
        );
    }
    wrong
}

/// A network and a user namespace, in which this process is root. It has one thread yet.
fn own_namespaces() {
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    // SAFETY: descriptors stay shared (no FILES), and no other thread runs.
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNET) }
        .expect("user namespaces are allowed on this machine");
    fs::write("/proc/self/setgroups", "deny").unwrap();
    fs::write("/proc/self/uid_map", format!("0 {uid} 1")).unwrap();
    fs::write("/proc/self/gid_map", format!("0 {gid} 1")).unwrap();
}

fn place(name: &str) -> Place {
    let netns = std::thread::spawn(|| {
        // SAFETY: only the network namespace of this thread changes.
        unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.unwrap();
        File::open("/proc/thread-self/ns/net").unwrap()
    });
    let place = Place {
        name: name.to_owned(),
        netns: Arc::new(netns.join().unwrap().into()),
    };
    ip(&place, "link set lo up");
    // No duplicate address detection: an address is usable at once.
    within(&place, || {
        fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").unwrap()
    });
    place
}

fn within<T: Send>(place: &Place, act: impl FnOnce() -> T + Send) -> T {
    let moved = || {
        move_into_link_name_space(place.netns.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        act()
    };
    std::thread::scope(|scope| scope.spawn(moved).join().unwrap())
}

fn ip(place: &Place, words: &str) {
    let run = || Command::new("ip").args(words.split_whitespace()).output();
    let output = within(place, run).expect("iproute2 is installed");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "in {}: ip {words}: {told}",
        place.name
    );
}

/// A link between two places: made in one, and one end moved to the other through this
/// process's descriptors.
fn cable(one: (&Place, &str), two: (&Place, &str)) {
    use std::os::fd::AsRawFd;
    let netns = format!(
        "/proc/{}/fd/{}",
        std::process::id(),
        two.0.netns.as_raw_fd()
    );
    ip(
        one.0,
        &format!(
            "link add {} type veth peer name {} netns {netns}",
            one.1, two.1
        ),
    );
    ip(one.0, &format!("link set {} up", one.1));
    ip(two.0, &format!("link set {} up", two.1));
}

fn build(a: &Place, r: &Place, s: &Place, b: &Place, c: &Place) {
    cable((a, "eth0"), (r, "left"));
    cable((r, "right"), (b, "eth0"));
    cable((a, "eth1"), (s, "port1"));
    cable((s, "port2"), (c, "eth0"));
    for (place, link, number) in [
        (a, "eth0", "1.2"),
        (r, "left", "1.1"),
        (r, "right", "2.1"),
        (b, "eth0", "2.2"),
        (a, "eth1", "3.2"),
        (c, "eth0", "3.3"),
    ] {
        address(place, link, number);
    }
    // Addresses of b that r treats in its own ways: see `held` and `contradicted`.
    for last in 3..=7 {
        let number = format!("2.{last}");
        ip(
            b,
            &format!("address add {}/24 dev eth0", host("-4", &number)),
        );
        // Deprecated, so that b does not speak from it unless asked to.
        let v6 = host("-6", &number);
        ip(
            b,
            &format!("address add {v6}/64 dev eth0 nodad preferred_lft 0"),
        );
    }
    within(r, || {
        for family in ["ipv4", "ipv6"] {
            fs::write(format!("/proc/sys/net/{family}/conf/all/forwarding"), "1").unwrap();
        }
        // So many probes at once would be refused in silence.
        for limit in ["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"] {
            fs::write(format!("/proc/sys/net/{limit}"), "0").unwrap();
        }
    });
    for family in ["-4", "-6"] {
        let at = |number: &str| host(family, number);
        ip(a, &format!("{family} route add default via {}", at("1.1")));
        ip(b, &format!("{family} route add default via {}", at("2.1")));
        ip(r, &format!("{family} route add prohibit {}", at("2.3")));
        ip(r, &format!("{family} route add blackhole {}", at("2.4")));
        // Only the way back is missing.
        let nodad = if family == "-6" { "nodad" } else { "" };
        ip(
            a,
            &format!("{family} address add {} dev lo {nodad}", at("1.77")),
        );
        ip(
            a,
            &format!(
                "{family} route add {} via {} src {}",
                at("2.5"),
                at("1.1"),
                at("1.77")
            ),
        );
        ip(r, &format!("{family} route add blackhole {}", at("1.77")));
        // Somebody else has the address, nearer.
        ip(r, &format!("{family} address add {} dev lo", at("2.6")));
        ip(a, &format!("{family} route add blackhole {}", at("2.7")));
    }
    ip(s, "link add br0 type bridge");
    ip(s, "link set br0 up");
    for port in ["port1", "port2"] {
        ip(s, &format!("link set {port} master br0"));
        ip(s, &format!("link set {port} type bridge_slave isolated on"));
    }
}

/// Both addresses of a host, from `<network>.<host>`.
fn host(family: &str, number: &str) -> String {
    let (network, host) = number.split_once('.').unwrap();
    if family == "-4" {
        format!("10.0.{network}.{host}")
    } else {
        format!("2001:db8:{network}::{host}")
    }
}

fn address(place: &Place, link: &str, number: &str) {
    ip(
        place,
        &format!("address add {}/24 dev {link}", host("-4", number)),
    );
    ip(
        place,
        &format!("address add {}/64 dev {link} nodad", host("-6", number)),
    );
}

fn claims(
    all: &mut Vec<Expectation>,
    wish: Wish,
    (from, to, number): (&Place, &Place, &str),
    wanted: &'static str,
    right: fn(&Outcome, Protocol, IpAddr) -> bool,
) {
    for family in ["-4", "-6"] {
        for protocol in ALL {
            let address: IpAddr = host(family, number).parse().unwrap();
            let probe = Probe {
                from: from.clone(),
                to: to.clone(),
                address,
                protocol,
            };
            let patience = if wish == Wish::Reach {
                Duration::from_secs(3)
            } else {
                PATIENCE
            };
            let claim = Claim {
                probe,
                wish,
                patience,
            };
            all.push(Expectation(
                claim,
                wanted,
                Box::new(move |o| right(o, protocol, address)),
            ));
        }
    }
}

fn reached(all: &mut Vec<Expectation>, a: &Place, r: &Place, b: &Place) {
    for way in [
        (a, b, "2.2"),
        (b, a, "1.2"),
        (a, r, "1.1"),
        (a, r, "2.1"),
        (b, b, "2.2"),
    ] {
        claims(all, Wish::Reach, way, "an answer", |o, _, _| o.proven());
    }
}

fn held(all: &mut Vec<Expectation>, a: &Place, b: &Place, c: &Place) {
    claims(
        all,
        Wish::NotReach,
        (a, b, "2.3"),
        REFUSED,
        |o, _, address| {
            let by: IpAddr = host(if address.is_ipv4() { "-4" } else { "-6" }, "1.1")
                .parse()
                .unwrap();
            matches!(o, Outcome::NotReach(NotReach::Held { left: Left::Packet, refusal: Some(r), .. })
            if r.by == by && r.said == Objection::Prohibited)
        },
    );
    claims(
        all,
        Wish::NotReach,
        (a, b, "2.4"),
        "held in silence",
        |o, protocol, _| {
            matches!(o, Outcome::NotReach(NotReach::Held { left: Left::Packet, refusal: None, tries, listener })
            if *tries > 2 && listener.port.is_some() == (protocol != Protocol::Icmp))
        },
    );
    claims(
        all,
        Wish::NotReach,
        (a, c, "3.3"),
        "held at a bridge, only a question left",
        |o, _, address| matches!(o, Outcome::NotReach(NotReach::Held { left: Left::Question { next_hop }, .. }) if *next_hop == address),
    );
}

fn unproven(all: &mut Vec<Expectation>, a: &Place, r: &Place, b: &Place, c: &Place) {
    claims(
        all,
        Wish::NotReach,
        (c, b, "2.2"),
        "nothing left: no route",
        |o, _, _| {
            matches!(o, Outcome::NotReach(NotReach::NeverLeft { why: Hindrance::Send { errno, .. } })
            if errno == &rustix::io::Errno::NETUNREACH)
        },
    );
    claims(
        all,
        Wish::NotReach,
        (a, b, "2.7"),
        "nothing left: a black hole at the sender",
        |o, _, _| matches!(o, Outcome::NotReach(NotReach::NeverLeft { .. })),
    );
    claims(
        all,
        Wish::NotReach,
        (r, b, "2.6"),
        "nothing left: the sender's own address",
        |o, _, _| {
            matches!(
                o,
                Outcome::NotReach(NotReach::NeverLeft { .. } | NotReach::Arrived { .. })
            )
        },
    );
    claims(
        all,
        Wish::NotReach,
        (a, b, "2.99"),
        "no listener",
        |o, _, _| {
            matches!(
                o,
                Outcome::NotReach(NotReach::NoListener {
                    why: Hindrance::NotItsAddress { .. }
                })
            )
        },
    );
    claims(
        all,
        Wish::Reach,
        (a, b, "2.99"),
        "no listener",
        |o, _, _| {
            matches!(
                o,
                Outcome::Reach(Reach::NoListener {
                    why: Hindrance::NotItsAddress { .. }
                })
            )
        },
    );
}

fn contradicted(all: &mut Vec<Expectation>, a: &Place, b: &Place) {
    claims(
        all,
        Wish::NotReach,
        (a, b, "2.2"),
        "an answer",
        |o, _, _| matches!(o, Outcome::NotReach(NotReach::Arrived { .. })),
    );
    claims(
        all,
        Wish::NotReach,
        (a, b, "2.5"),
        "one way only",
        |o, _, _| {
            matches!(
                o,
                Outcome::NotReach(NotReach::OneWay { left: Left::Packet })
            )
        },
    );
    claims(
        all,
        Wish::Reach,
        (a, b, "2.3"),
        "refused",
        |o, _, address| match o {
            Outcome::Reach(Reach::Refused { refusal }) => refusal.said == Objection::Prohibited,
            // See `main`: r does not tell everybody.
            Outcome::Reach(Reach::Silent { left: Left::Packet }) => address.is_ipv4(),
            _ => false,
        },
    );
    claims(
        all,
        Wish::Reach,
        (a, b, "2.6"),
        "somebody else",
        |o, protocol, _| match o {
            Outcome::Reach(Reach::Elsewhere) => protocol == Protocol::Icmp,
            Outcome::Reach(Reach::Refused { refusal }) => match protocol {
                Protocol::Icmp => false,
                Protocol::Tcp => refusal.said == Objection::Reset,
                Protocol::Udp => refusal.said == Objection::NoPort,
            },
            _ => false,
        },
    );
}
