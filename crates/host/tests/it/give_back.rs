//! What is taken is given back as it was: each object that a link has is observed, deleted and
//! added, and Debian's tools see no difference.
//!
//! The second half of each test runs inside the world: this test program again, with only
//! [`inside`] of it.

mod links;

use std::collections::BTreeSet;
use std::process::Command;

use xenwire_core::journal::{Machine, Outcome};
use xenwire_core::name::IfName;
use xenwire_core::plan::{Plan, Step};
use xenwire_core::state::{Effect, Lifetime, Observed, Pair, Scope};
use xenwire_host::journal::MemoryJournal;
use xenwire_host::kernel::Kernel;
use xenwire_host::run::{Host, run};

use crate::world::World;

/// The variable that says what [`inside`] is to do.
const TASK: &str = "XENWIRE_TEST_TASK";

/// A link with a neighbour's far end, both up.
const LINKS: &str = "
    echo 0 >/proc/sys/net/ipv6/conf/all/accept_ra
    ip link add port type veth peer name far
    ip link set far up; ip link set port up
    ip address add 192.0.2.1/24 dev port
    ip address add 2001:db8::1/64 dev port nodad
    ip link add side type veth peer name beyond
    ip link set beyond up; ip link set side up
    ip address add 203.0.113.1/24 dev side
    ip address add 2001:db8:2::1/64 dev side nodad
";

impl World {
    /// Runs a task of [`inside`] and wants the state afterwards to be what it was.
    fn keeps_its_state(&self, task: &str) {
        let before = self.state();
        self.inside(task);
        assert_eq!(self.differs_from(&before), [""; 0], "{task}");
    }

    fn inside(&self, task: &str) {
        let through = self.through();
        let output = Command::new(&through[0])
            .args(&through[1..])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "give_back::inside", "--ignored", "--nocapture"])
            .env(TASK, task)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{task}: {text}{error}");
        assert!(text.contains("done with"), "{task}: {text}{error}");
        println!("{text}");
    }
}

/// Not a test by itself: it changes the namespace that it is in.
#[test]
#[ignore = "runs inside the worlds of the other tests"]
fn inside() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let count = match task.as_str() {
        "routes" => take_and_give(|seen| {
            let ours = |r: &&_| is_set_by_somebody(r);
            let routes = seen.state.routes.iter().filter(ours).cloned();
            routes.map(Effect::DeleteRoute).collect()
        }),
        "rules" => take_and_give(|seen| {
            let rules = seen.state.rules.iter().cloned();
            rules.map(Effect::DeleteRule).collect()
        }),
        "neighbours" => take_and_give(|seen| {
            let neighbours = seen.state.neighbours.iter().cloned();
            neighbours.map(Effect::DeleteNeighbour).collect()
        }),
        "addresses" => addresses_in_order(),
        "flags" => address_flags(),
        "settings" => settings(),
        "features" => features(),
        "arp and multicast" => links::flags(),
        "a pair" => links::pair(),
        "facts" => links::facts(),
        other => panic!("no task {other}"),
    };
    println!("done with {count} {task}");
}

/// Not the kernel's own, which come and go with addresses.
fn is_set_by_somebody(route: &xenwire_core::state::Route) -> bool {
    route.protocol != xenwire_core::state::Route::KERNEL && route.table != 255
}

fn port() -> IfName {
    "port".parse().unwrap()
}

fn seen() -> Observed {
    let named: BTreeSet<IfName> = [port(), "default".parse().unwrap()].into();
    Kernel::open()
        .unwrap()
        .observe(Scope::HostAnd(named))
        .unwrap()
}

fn perform(effects: impl IntoIterator<Item = Effect>) {
    let mut host = Host {
        kernel: Kernel::open().unwrap(),
        store: None,
        switch: None,
    };
    let plan = Plan {
        steps: effects.into_iter().map(Step::required).collect(),
    };
    let machine = Machine::new("test", plan);
    let outcome = run(machine, &mut MemoryJournal::default(), &mut host);
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome}");
}

fn undo(effect: &Effect) -> Effect {
    match effect.undo() {
        xenwire_core::state::Undo::By(effect) => *effect,
        xenwire_core::state::Undo::Never(why) => panic!("{why}"),
    }
}

/// Each alone, twice ("already so" is no error), then all, the last first.
fn take_and_give(deletions: impl Fn(&Observed) -> Vec<Effect>) -> usize {
    let before = seen();
    let all = deletions(&before);
    for deletion in &all {
        perform([deletion.clone(), deletion.clone()]);
        let found = deletions(&seen());
        assert_eq!(found.len(), all.len() - 1, "{deletion}: {found:#?}");
        perform([undo(deletion), undo(deletion)]);
        assert_eq!(deletions(&seen()).len(), all.len(), "{deletion}");
    }
    perform(all.iter().cloned());
    assert_eq!(deletions(&seen()), []);
    perform(all.iter().rev().map(undo));
    all.len()
}

/// Taken in reverse order and given again in the order of the kernel.
fn addresses_in_order() -> usize {
    let before = seen();
    let mut all: Vec<_> = before.state.addresses_of(&port()).cloned().collect();
    all.sort_by_key(|address| (address.net.addr().is_ipv6(), before.given(address)));
    perform(all.iter().rev().cloned().map(Effect::DeleteAddress));
    assert_eq!(seen().state.addresses_of(&port()).count(), 0);
    perform(all.iter().cloned().map(Effect::AddAddress));
    all.len()
}

/// An address gets NODAD, is usable at once, and loses it again without being asked for anew.
fn address_flags() -> usize {
    let before = seen();
    let (mut count, port) = (0, port());
    let mut all: Vec<_> = before.state.addresses_of(&port).collect();
    // A new address comes first, so that in this order each comes back to its place.
    all.sort_by_key(|address| before.given(address));
    for address in all {
        if address.net.addr().is_ipv4() || address.flags & NODAD != 0 {
            continue;
        }
        let mut quiet = address.clone();
        quiet.flags |= NODAD;
        perform([
            Effect::DeleteAddress(address.clone()),
            Effect::AddAddress(quiet.clone()),
        ]);
        let listener = (address.net.addr(), 0);
        if matches!(address.lifetime, Lifetime::Forever) && address.scope == 0 {
            // bind(2) refuses an address that is still being asked for.
            std::net::UdpSocket::bind(listener).unwrap();
        }
        asserts_that_all_are_usable();
        perform([Effect::ChangeAddress(Pair {
            from: quiet,
            to: address.clone(),
        })]);
        asserts_that_all_are_usable();
        if address.scope == 0 {
            std::net::UdpSocket::bind(listener).unwrap();
        }
        let now = seen();
        assert!(
            now.state.addresses.iter().any(|a| a.is(address)),
            "{now:#?}"
        );
        count += 1;
    }
    count
}

const NODAD: u32 = xenwire_core::state::Address::NODAD;

/// No address of the port is being asked for.
fn asserts_that_all_are_usable() {
    let shown = ip(&["-6", "address", "show", "dev", "port", "tentative"]);
    assert_eq!(shown, "");
    let shown = ip(&["-6", "address", "show", "dev", "port", "dadfailed"]);
    assert_eq!(shown, "");
}

fn ip(words: &[&str]) -> String {
    let output = Command::new("ip").args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every setting can be written as it was read.
fn settings() -> usize {
    let before = seen();
    let writes = before
        .state
        .sysctls
        .iter()
        .map(|(key, value)| Effect::WriteSysctl {
            key: key.clone(),
            from: value.clone(),
            to: value.clone(),
        });
    perform(writes);
    assert_eq!(seen().state.sysctls, before.state.sysctls);
    before.state.sysctls.len()
}

/// Each offload is switched and back, alone.
fn features() -> usize {
    let before = seen().state.features;
    for (key, on) in &before {
        let switch = Effect::SetFeature {
            key: key.clone(),
            from: *on,
            to: !on,
        };
        perform([switch.clone()]);
        assert_eq!(seen().state.features[key], !on, "{key}");
        perform([undo(&switch)]);
    }
    assert_eq!(seen().state.features, before);
    before.len()
}

#[test]
fn routes() {
    let Some(world) = World::new() else { return };
    world.sh(LINKS);
    world.sh("
        ip route add default via 192.0.2.7
        ip route add default via 192.0.2.7 metric 100
        ip route add 198.51.100.0/24 via 192.0.2.7 mtu lock 1400 advmss 1300 window 1000 src 192.0.2.1
        ip route add 198.51.101.0/24 dev port scope link proto 42
        ip route add 198.51.102.0/24 via 10.9.9.9 dev port onlink
        ip route add 198.51.103.0/24 metric 7 nexthop via 192.0.2.7 weight 3 nexthop via 203.0.113.7
        ip route add 198.51.104.0/24 via inet6 fe80::7 dev port
        ip route add 198.51.105.0/24 tos 0x10 via 192.0.2.8
        ip route add 198.51.105.0/24 via 192.0.2.9
        ip route append 198.51.105.0/24 via 192.0.2.10
        ip route add blackhole 198.51.106.0/24
        ip route add unreachable 198.51.107.0/24 table 4000 metric 9
        ip route add 198.51.108.0/24 via 192.0.2.7 table 4000
        ip route add throw 198.51.109.0/24 table 200
        ip -6 route add default via 2001:db8::7 metric 512 pref high
        ip -6 route add 2001:db8:9::/48 via fe80::9 dev port expires 300
        ip -6 route add 2001:db8:a::/48 metric 7 nexthop via 2001:db8::7 weight 2 nexthop via 2001:db8:2::7
        ip -6 route add 2001:db8:b::/48 from 2001:db8:c::/48 via 2001:db8::7
        ip -6 route add 2001:db8:d::/48 dev port src 2001:db8::1 mtu 1400 table 4000
        ip -6 route add 2001:db8:e::/48 dev side
        ip -6 route append 2001:db8:e::/48 dev port
        ip -6 route add 2001:db8:f::/48 via 2001:db8:77::7 dev port onlink
        ip -6 route add unreachable 2001:db8:10::/48 table 4000
        ip route add 198.51.111.0/24 encap ip id 5 dst 192.0.2.77 dev port
        ip route add 198.51.112.0/24 nexthop encap ip id 6 dst 192.0.2.78 dev port \
            nexthop via 192.0.2.7 realm 5 weight 4
        ip route add 198.51.113.0/24 via 192.0.2.7 realm 7
        ip -6 route add 2001:db8:11::/48 nexthop via 2001:db8::7 encap ip6 id 7 dst 2001:db8::77 \
            nexthop via 2001:db8::8
        ip nexthop add id 5 via 192.0.2.9 dev port
        ip route add 198.51.110.0/24 nhid 5
    ");
    world.keeps_its_state("routes");
}

/// The kernel adds routes with a gateway to one of the same destination and metric, whoever made
/// them, and one without a gateway stays beside them (fib6_add_rt2node, net/ipv6/ip6_fib.c).
#[test]
fn siblings_of_ipv6() {
    let Some(world) = World::new() else { return };
    world.sh(LINKS);
    world.sh("
        ip -6 route add 2001:db8:20::/48 via 2001:db8::7 proto static metric 7
        ip -6 route append 2001:db8:20::/48 via 2001:db8::8 proto 42 metric 7
        ip -6 route append 2001:db8:20::/48 dev port proto static metric 7
        ip -6 route append 2001:db8:20::/48 dev side proto 43 metric 7
        ip -6 route add 2001:db8:21::/48 via 2001:db8::7 proto static metric 7
        ip -6 route append 2001:db8:21::/48 dev port proto 42 metric 7
        ip -6 route append 2001:db8:21::/48 via 2001:db8::7 proto 42 metric 8
        ip -6 route append 2001:db8:21::/48 from 2001:db8:c::/48 dev port proto 42 metric 7
        ip -6 route append unreachable 2001:db8:21::/48 metric 7
    ");
    world.keeps_its_state("routes");
}

#[test]
fn rules() {
    let Some(world) = World::new() else { return };
    world.sh(LINKS);
    world.sh("
        ip rule add from 192.0.2.0/24 iif port fwmark 7/15 table 4000 priority 100
        ip rule add not to 198.51.100.0/24 oif port table 200 priority 100 protocol 42
        ip rule add ipproto tcp sport 1000-2000 dport 80 uidrange 0-0 blackhole priority 101
        ip rule add tos 0x10 lookup main suppress_prefixlength 0 priority 102
        ip rule add goto 32766 priority 103
        ip -6 rule add from 2001:db8::/64 iif port table 4000 priority 100
        ip -6 rule add fwmark 9 prohibit priority 101
    ");
    world.keeps_its_state("rules");
}

#[test]
fn neighbours() {
    let Some(world) = World::new() else { return };
    world.sh(LINKS);
    world.sh("
        ip neighbour add 192.0.2.7 lladdr 02:00:00:00:00:07 nud permanent dev port
        ip neighbour add 2001:db8::7 lladdr 02:00:00:00:00:07 nud permanent dev port router
        ip neighbour add proxy 192.0.2.8 dev port
        ip neighbour add proxy 2001:db8::8 dev port protocol 42
    ");
    world.keeps_its_state("neighbours");
}

#[test]
fn addresses_come_back_in_their_order() {
    let Some(world) = World::new() else { return };
    world.sh(LINKS);
    world.sh("
        ip address add 192.0.2.3/24 dev port
        ip address add 192.0.2.2/24 dev port label port:x
        ip address add 198.51.100.1 peer 198.51.100.2/32 dev port valid_lft 900 preferred_lft 800
        ip address add 198.51.101.1/24 broadcast 198.51.101.255 dev port noprefixroute metric 50
        ip address add 2001:db8::3/64 dev port nodad valid_lft 900 preferred_lft 800
        ip address add 2001:db8::2/64 dev port nodad home
        ip address add 2001:db8:1::2 peer 2001:db8:1::3/128 dev port nodad
        ip address add 2001:db8:3::2/64 dev port nodad preferred_lft 0
    ");
    world.keeps_its_state("addresses");
}

#[test]
fn flags_of_an_address_change_in_place() {
    let Some(world) = World::new() else { return };
    world.sh(LINKS);
    world.sh("
        ip address add 2001:db8::3/64 dev port valid_lft 900 preferred_lft 800
        ip address add 2001:db8::2/64 dev port home
    ");
    world.keeps_its_state("flags");
}

/// The same where the segment is asked for each address.
#[test]
fn flags_change_without_asking_the_segment() {
    let Some(world) = World::new() else { return };
    world.sh("
        echo 1 >/proc/sys/net/ipv6/conf/default/accept_dad
        echo 1 >/proc/sys/net/ipv6/conf/default/dad_transmits
    ");
    world.sh(LINKS);
    world.sh("
        ip address add 2001:db8::3/64 dev port valid_lft 900 preferred_lft 800
        ip address add 2001:db8::2/64 dev port home
        while ip -6 address show tentative | grep -q .; do sleep 0.1; done
    ");
    world.keeps_its_state("flags");
}

#[test]
fn settings_can_be_written_as_they_are_read() {
    let Some(world) = World::new() else { return };
    world.sh(LINKS);
    world.keeps_its_state("settings");
}

#[test]
fn offloads_switch_and_back() {
    let Some(world) = World::new() else { return };
    world.sh(LINKS);
    world.keeps_its_state("features");
}

#[test]
fn arp_and_multicast() {
    let Some(world) = World::new() else { return };
    world.sh(LINKS);
    world.keeps_its_state("arp and multicast");
}

#[test]
fn a_pair_in_one_namespace() {
    let Some(world) = World::new() else { return };
    world.sh(LINKS);
    world.keeps_its_state("a pair");
}

#[test]
fn what_a_link_is() {
    let Some(world) = World::new() else { return };
    world.sh(LINKS);
    world.sh("ip link add link port name upper type macvlan");
    world.keeps_its_state("facts");
}
