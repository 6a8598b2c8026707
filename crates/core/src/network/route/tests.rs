//! network-route decided on a host with two NICs, against the model of the kernel
//! ([`NetState::apply`]).

use super::*;
use crate::name::Mac;
use crate::network::{Call, Command};
use crate::plan::{Plan, Step, check, plan};
use crate::state::{DhcpServer, Effect, Hop, Link, LinkKind};

fn name(text: &str) -> IfName {
    text.parse().unwrap()
}

/// eth0 and eth1, both with advertised default routes, and a guest that advertises one too.
fn host() -> Observed {
    let mut state = NetState::default();
    for (number, link) in (1..).zip(["eth0", "eth1", "vif1.0"]) {
        let nic = name(link);
        state.links.insert(
            nic.clone(),
            Link {
                up: true,
                mac: Some(Mac([0x52, 0x54, 0, 0, 0, number])),
                ..Link::of(LinkKind::Other(String::new()))
            },
        );
        for (family, setting, value) in [
            (Family::Ipv4, "proxy_arp", "0"),
            (Family::Ipv6, "proxy_ndp", "0"),
            (Family::Ipv6, "accept_ra", "1"),
        ] {
            let key = LinkSysctl::conf(&nic, family, setting);
            state.sysctls.insert(key, value.into());
        }
        let via = "fe80::1".parse().unwrap();
        state.routes.insert(Route {
            protocol: Route::ADVERTISED,
            hops: vec![Hop {
                via: Some(via),
                ..Hop::by(nic.clone())
            }],
            ..Route::via("::/0".parse().unwrap(), via, nic)
        });
    }
    for family in [Family::Ipv4, Family::Ipv6] {
        state.sysctls.insert(forwarding(family), "0".into());
        for link in ["eth0", "eth1", "default"] {
            let key = forwarding(family).on(&name(link));
            state.sysctls.insert(key, "0".into());
        }
    }
    Observed::host(state)
}

fn uplink(link: &str) -> Uplink {
    Uplink {
        link: name(link),
        instead_of: None,
    }
}

fn planned(wanted: &Wanted, host: &Observed) -> Vec<Step> {
    let Plan { steps } = plan(&wanted.desired, host).plan.unwrap();
    let plan = Plan {
        steps: steps.clone(),
    };
    check(&plan, &wanted.desired, &host.state).unwrap();
    steps
}

fn started(routing: Routing, link: &str, host: &mut Observed) -> Vec<Step> {
    let wanted = routing.start(&Arguments::default(), &uplink(link), host);
    let steps = planned(&wanted, host);
    done(&steps, host);
    steps
}

fn stopped(routing: Routing, link: &str, runs: &[&[Step]], host: &mut Observed) -> Vec<Step> {
    let memory = Memory::of(runs.iter().copied());
    let wanted = routing.stop(&uplink(link), host, &memory);
    let steps = planned(&wanted, host);
    done(&steps, host);
    steps
}

fn done(steps: &[Step], host: &mut Observed) {
    for step in steps {
        host.state.apply(&step.effect).unwrap();
    }
}

fn texts(steps: &[Step]) -> Vec<String> {
    steps.iter().map(|step| step.effect.to_string()).collect()
}

#[test]
fn routers_are_listened_to_before_the_host_is_one() {
    let mut host = host();
    let before = host.clone();
    let start = started(Routing::Route, "eth0", &mut host);
    assert_eq!(
        texts(&start),
        [
            "write 2 to net/ipv6/conf/eth0/accept_ra (was 1)",
            "write 2 to net/ipv6/conf/eth1/accept_ra (was 1)",
            "write 1 to net/ipv4/conf/all/forwarding (was 0)",
            "write 1 to net/ipv6/conf/all/forwarding (was 0)",
            "write 1 to net/ipv4/conf/eth0/proxy_arp (was 0)",
            "write 1 to net/ipv6/conf/eth0/proxy_ndp (was 0)",
        ]
    );
    let again = started(Routing::Route, "eth0", &mut host);
    assert_eq!(texts(&again), [""; 0]);
    stopped(Routing::Route, "eth0", &[&start, &again], &mut host);
    assert_eq!(host.state, before.state);
}

#[test]
fn the_last_to_stop_ends_forwarding() {
    let mut host = host();
    let before = host.clone();
    let first = started(Routing::Route, "eth0", &mut host);
    let second = started(Routing::Route, "eth1", &mut host);
    assert_eq!(second.len(), 2);
    let third = stopped(Routing::Route, "eth0", &[&first, &second], &mut host);
    assert_eq!(
        texts(&third),
        [
            "write 0 to net/ipv4/conf/eth0/proxy_arp (was 1)",
            "write 0 to net/ipv6/conf/eth0/proxy_ndp (was 1)",
        ]
    );
    stopped(
        Routing::Route,
        "eth1",
        &[&first, &second, &third],
        &mut host,
    );
    assert_eq!(host.state, before.state);
}

#[test]
fn network_nat_forwards_ipv4_and_leaves_it_to_network_route() {
    let mut host = host();
    let before = host.clone();
    let nat = started(Routing::Nat, "eth0", &mut host);
    assert_eq!(
        texts(&nat),
        [
            "masquerade what leaves by eth0",
            "write 1 to net/ipv4/conf/all/forwarding (was 0)",
        ]
    );
    let route = started(Routing::Route, "eth0", &mut host);
    let stop = stopped(Routing::Nat, "eth0", &[&nat, &route], &mut host);
    assert_eq!(texts(&stop), ["masquerade no longer what leaves by eth0"]);
    stopped(Routing::Route, "eth0", &[&nat, &route], &mut host);
    assert_eq!(host.state, before.state);
}

/// With the host's setting the kernel writes every link's.
#[test]
fn a_link_that_forwarded_by_itself_does_so_again() {
    let mut host = host();
    let of_eth1 = forwarding(Family::Ipv6).on(&name("eth1"));
    host.state.sysctls.insert(of_eth1, "1".into());
    let before = host.clone();
    let start = started(Routing::Route, "eth0", &mut host);
    let stop = stopped(Routing::Route, "eth0", &[&start], &mut host);
    assert_eq!(host.state, before.state);
    assert_eq!(
        texts(&stop)[1..3],
        [
            "write 0 to net/ipv6/conf/all/forwarding (was 1)",
            "write 1 to net/ipv6/conf/eth1/forwarding (was 0)",
        ]
    );
    // And when start is undone.
    done(&start, &mut host);
    for effect in crate::journal::recover(&start, &host.state).unwrap() {
        host.state.apply(&effect).unwrap();
    }
    assert_eq!(host.state, before.state);
}

#[test]
fn a_kernel_without_ipv6() {
    let mut host = host();
    host.state
        .sysctls
        .retain(|key, _| key.family == Family::Ipv4);
    let start = started(Routing::Route, "eth0", &mut host);
    assert_eq!(start.len(), 2);
    assert!(
        start
            .iter()
            .all(|step| matches!(&step.effect, Effect::WriteSysctl { .. }))
    );
}

#[test]
fn which_uplink() {
    let host = host();
    let of = |netdev: Option<&str>, state: &NetState| {
        let netdev = netdev.map(name);
        Uplink::of(
            &Arguments {
                netdev,
                ..Arguments::default()
            },
            state,
        )
    };
    assert_eq!(of(None, &host.state).unwrap(), uplink("eth0"));
    assert_eq!(of(Some("eth1"), &host.state).unwrap(), uplink("eth1"));
    let error = of(Some("eth7"), &host.state).unwrap_err();
    assert!(
        error.contains("no link eth7; NICs here: eth0, eth1"),
        "{error}"
    );
    let mut without = host.state.clone();
    without.links.remove(&name("eth0"));
    without
        .routes
        .retain(|route| route.leaves_by(&name("eth1")));
    let found = of(None, &without).unwrap();
    assert_eq!(
        (found.link, found.instead_of),
        (name("eth1"), Some(name("eth0")))
    );
}

/// Xen's never looked at its command.
#[test]
fn network_route_may_be_called_without_a_command() {
    let parse = |script: &str, args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Call::parse(script, &args, |_| None)
    };
    let call = parse("network-route", &["netdev=eth1"]).unwrap();
    assert_eq!(call.command, Command::Start);
    assert!(parse("network-route", &["restart"]).is_err());
    assert!(parse("network-nat", &["netdev=eth1"]).is_err());
    for (word, dhcp) in [
        ("dhcp=yes", Some(true)),
        ("dhcp=no", Some(false)),
        ("dhcp=", None),
    ] {
        let call = parse("network-nat", &["start", word]).unwrap();
        assert_eq!(call.arguments.dhcp, dhcp, "{word}");
    }
}

#[test]
fn the_dhcp_server_ends_with_the_last_that_masquerades() {
    let with_dhcp = Arguments {
        dhcp: Some(true),
        ..Arguments::default()
    };
    let mut host = host();
    let start = |link, arguments: &Arguments, host: &mut Observed| {
        let wanted = Routing::Nat.start(arguments, &uplink(link), host);
        let steps = planned(&wanted, host);
        done(&steps, host);
        steps
    };
    let first = start("eth0", &with_dhcp, &mut host);
    let last = first.last().unwrap().effect.to_string();
    assert!(last.starts_with("start dnsmasq with "), "{last}");
    assert_eq!(texts(&start("eth0", &with_dhcp, &mut host)), [""; 0]);
    // Whoever does not ask for it does not end it either.
    start("eth1", &Arguments::default(), &mut host);
    let stop = stopped(Routing::Nat, "eth0", &[&first], &mut host);
    assert_eq!(texts(&stop), ["masquerade no longer what leaves by eth0"]);
    // One that has ended by itself is started again, and by nobody who did not ask.
    host.state.dhcp.server = DhcpServer::Dead;
    assert_eq!(
        texts(&start("eth1", &Arguments::default(), &mut host)),
        [""; 0]
    );
    let again = start("eth1", &with_dhcp, &mut host);
    assert_eq!(texts(&again), [last]);
    let stop = stopped(Routing::Nat, "eth1", &[&first], &mut host);
    assert!(texts(&stop).contains(&"stop dnsmasq".to_owned()));
    assert_eq!(host.state.dhcp.server, DhcpServer::Absent);
}
