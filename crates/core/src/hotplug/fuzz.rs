//! Any argument, variable and node, on a host where names collide: a call ends with 0 or 1 and a
//! sentence, and whatever it would change is its vif's.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::config::host_conf::HostConf;
use crate::name::{IfName, Mac};
use crate::plan::{Planned, check, plan};
use crate::state::{
    Address, BridgeOptions, Effect, Family, Forward, ForwardChain, ForwardMark, Gate, Guard, Link,
    LinkKind, LinkSysctl, Mark, NetState, NodePath, NodeValue, Passage,
};

/// The vif that calls are about, and its tap.
const OWN: [&str; 2] = ["vif1.0", "vif1.0-emu"];

/// Those that belong to somebody else, and their kinds.
const OTHERS: [(&str, &str); 9] = [
    ("br0", "bridge"),
    ("br1", "bridge"),
    ("eth0", ""),
    ("lo", ""),
    ("peth0", ""),
    ("vif1.1", "vif"),
    ("vif2.0", "vif"),
    ("vif2.0-emu", "tun"),
    // Another guest's, renamed.
    ("customer", "vif"),
];

/// Words that mean something to somebody: to a shell, to the kernel, to xenstore, to us.
const WORDS: [&str; 64] = [
    "",
    " ",
    "vif1.0",
    "vif1.0-emu",
    "vif2.0",
    "vif2.0-emu",
    "tap1.0",
    "tap2.0",
    "vif01.0",
    "eth0",
    "lo",
    "peth0",
    "br0",
    "br1",
    "xenbr0",
    "customer",
    "web",
    "web-emu",
    "%d",
    "vif%d",
    ".",
    "..",
    "a/b",
    "a b",
    "eth0:1",
    "fifteen-bytes-x",
    "sixteen-bytes-xx",
    "$(touch /tmp/x)",
    "`touch /tmp/x`",
    "; touch /tmp/x",
    "\"a\" 'b'",
    "a\nb",
    "a\0b",
    "\u{fffd}",
    "é",
    "0",
    "1",
    "68",
    "1279",
    "1500",
    "65536",
    "4294967295",
    "4294967296",
    "-1",
    "00:16:3e:00:00:01",
    "ff:ff:ff:ff:ff:ff",
    "00:16:3e",
    "10.0.0.1",
    "10.0.0.1/24",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "2001:db8::1",
    "::/0",
    "fe80::1",
    "255.255.255.255",
    "backend/vif/1/0",
    "/local/domain/0/backend/vif/1/0",
    "/local/domain/3/backend/vif/1/0",
    "backend/vif/2/0",
    "backend/vif/1/0/",
    "../vif/1/0",
    "vif",
    "tap",
    "br0.5:6:7",
];

const VARIABLES: [&str; 9] = [
    "XENBUS_PATH",
    "vif",
    "INTERFACE",
    "type_if",
    "bridge",
    "ip",
    "netdev",
    "script",
    "command",
];

const NODES: [&str; 6] = ["vifname", "bridge", "ip", "mac", "mtu", "vlan"];

const SCRIPTS: [Script; 6] = [
    Script::VifBridge,
    Script::VifBridgeManual,
    Script::VifRoute,
    Script::VifNat,
    Script::VifOpenvswitch,
    Script::VifSetup,
];

fn value() -> impl Strategy<Value = String> {
    let word = || prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    prop_oneof![
        8 => word(),
        2 => (word(), word()).prop_map(|(a, b)| format!("{a} {b}")),
        1 => (word(), word()).prop_map(|(a, b)| format!("{a}{b}")),
        2 => any::<String>(),
        1 => (word(), 1..5000usize).prop_map(|(word, times)| word.repeat(times)),
    ]
}

fn argument() -> impl Strategy<Value = String> {
    let name = prop::sample::select(&VARIABLES[..]);
    prop_oneof![
        4 => prop::sample::select(&["online", "offline", "add", "remove"][..]).prop_map(str::to_owned),
        2 => (name, value()).prop_map(|(name, value)| format!("{name}={value}")),
        1 => value(),
    ]
}

/// What libxl gives, and what is written over it.
fn environment() -> impl Strategy<Value = BTreeMap<String, String>> {
    let over = prop::collection::btree_map(prop::sample::select(&VARIABLES[..]), value(), 0..3);
    over.prop_map(|over| {
        let xl = [
            ("XENBUS_PATH", "backend/vif/1/0"),
            ("vif", "vif1.0"),
            ("INTERFACE", "vif1.0-emu"),
        ];
        let pair = |(name, value): (&str, String)| (name.to_owned(), value);
        let xl = xl.map(|(name, value)| (name, value.to_owned()));
        xl.into_iter().chain(over).map(pair).collect()
    })
}

fn nodes() -> impl Strategy<Value = BTreeMap<&'static str, Vec<u8>>> {
    let bytes = prop_oneof![
        6 => value().prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::btree_map(prop::sample::select(&NODES[..]), bytes, 0..5)
}

fn name(text: &str) -> IfName {
    text.parse().unwrap()
}

fn link(kind: &str, mac: Mac) -> Link {
    Link {
        up: !matches!(kind, "vif" | "tun"),
        mac: Some(mac),
        ..Link::of(match kind {
            "bridge" => LinkKind::Bridge(BridgeOptions::XEN),
            kind => LinkKind::Other(kind.into()),
        })
    }
}

/// A host with a link of each kind that a name may hit.
fn host() -> Observed {
    let mut state = NetState::default();
    let own = OWN.iter().zip(["vif", "tun"]);
    for (link_name, kind) in own.map(|(name, kind)| (*name, kind)).chain(OTHERS) {
        let mac = match kind {
            "vif" | "tun" => Mac::QUIET,
            _ => Mac([0x52, 0x54, 0, 0, 0, 1]),
        };
        state.links.insert(name(link_name), link(kind, mac));
        for (family, setting, value) in [
            (Family::Ipv4, "proxy_arp", "0"),
            (Family::Ipv6, "proxy_ndp", "0"),
            (Family::Ipv6, "disable_ipv6", "0"),
            (Family::Ipv6, "addr_gen_mode", "0"),
            (Family::Ipv6, "accept_ra", "1"),
        ] {
            let key = LinkSysctl::conf(&name(link_name), family, setting);
            state.sysctls.insert(key, value.into());
        }
    }
    let renamed = state.links.get_mut(&name("customer")).unwrap();
    let mark = Mark {
        link: Some(name("vif3.0")),
        ..Mark::default()
    };
    renamed.alias = mark.alias();
    for (link, net) in [
        ("eth0", "192.0.2.10/24"),
        ("eth0", "2001:db8:0:2::10/64"),
        ("br0", "198.51.100.1/24"),
        ("lo", "127.0.0.1/8"),
    ] {
        let address = Address::new(name(link), net.parse().unwrap());
        state.addresses.insert(address);
    }
    for family in [Family::Ipv4, Family::Ipv6] {
        let forwarding = LinkSysctl::of_host(("all", family, "forwarding"));
        state.sysctls.insert(forwarding, "1".into());
    }
    state.switches.bridges.insert(name("br0"));
    let mut host = Observed::host(state);
    for (link, facts) in &mut host.facts {
        let of_link = host.state.addresses.iter().filter(|a| a.link == *link);
        facts.addresses = of_link.map(|address| address.net).collect();
    }
    host
}

/// Guards as earlier calls left them: of the vif, and of others under names that it may ask for.
fn guards() -> BTreeMap<IfName, Guard> {
    let guard = |(port, of): (&str, &str)| {
        let guard = Guard::parse(&format!("{of} bridged enforce 00:16:3e:00:00:01 10.0.0.1"));
        (name(port), guard.unwrap())
    };
    [
        ("vif1.0", "vif1.0"),
        ("customer", "vif3.0"),
        ("vif2.0", "vif2.0"),
    ]
    .map(guard)
    .into()
}

/// How links pass FORWARD, as earlier calls left it.
fn passages() -> BTreeMap<IfName, Passage> {
    let passage = |(port, guard): (IfName, Guard)| {
        let passage = Passage {
            of: guard.of,
            place: guard.place,
            mark: ForwardMark::default(),
            only: None,
            open: true,
        };
        (port, passage)
    };
    guards().into_iter().map(passage).collect()
}

/// The host after a plan, or why there is none.
fn decided(
    call: &Invocation,
    host: &Observed,
    read: &BTreeMap<NodePath, NodeValue>,
) -> Result<(Vec<Effect>, Observed), String> {
    let nodes = Nodes::of(call, read);
    let given = Given::default();
    let conf = HostConf::default();
    let meets = place(call);
    let mut looks = Looks::of(call, &nodes, &given, meets, &conf)?;
    let mut observed = host.within(looks.scope.clone());
    let found;
    let call = if lacks_uplink(call, &observed) {
        found = find_uplink(call, &host.state)?;
        looks = Looks::of(&found, &nodes, &given, meets, &conf)?;
        observed = host.within(looks.scope.clone());
        &found
    } else {
        call
    };
    if call.script == Script::VifOpenvswitch {
        questions(call, &nodes)?;
        observed.state.switches = host.state.switches.clone();
    }
    observed.state.nodes = read.clone();
    observed.state.guards = guards();
    observed
        .state
        .guards
        .retain(|port, _| looks.guards.contains(port));
    observed.state.passages = passages();
    observed
        .state
        .passages
        .retain(|port, _| matches!(&looks.passages, Some((_, ports)) if ports.contains(port)));
    let forward = looks.passages.is_some().then(|| Forward {
        chains: BTreeMap::from([(ForwardChain::Ipv4, Gate::Shut)]),
        legacy: false,
    });
    let seen = Seen {
        observed,
        forward,
        hooks: Ok(FoundHooks::default()),
    };
    let Wanted { desired, .. } = decide(call, &nodes, &given, &conf, &seen)?;
    let seen = seen.observed;
    let Planned { plan, .. } = plan(&desired, &seen);
    let plan = plan.map_err(|refusals| {
        let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        texts.join("; ")
    })?;
    check(&plan, &desired, &seen.state).expect("a plan that is made is sound");
    let effects: Vec<Effect> = plan.steps.into_iter().map(|step| step.effect).collect();
    let mut after = host.clone();
    after.state.guards = guards();
    after.state.passages = passages();
    for effect in effects.iter().filter(|effect| effect.is_kernel()) {
        after
            .state
            .apply(effect)
            .expect("what was planned can be done");
    }
    Ok((effects, after))
}

/// What is not the vif's, in words.
fn of_others(host: &Observed, uplink: &IfName) -> Vec<String> {
    let is_other = |link: &IfName| OTHERS.iter().any(|(name, _)| link.as_str() == *name);
    let state = &host.state;
    let links = state.links.iter().filter(|(name, _)| is_other(name));
    let addresses = state.addresses.iter().filter(|a| is_other(&a.link));
    let routes = state
        .routes
        .iter()
        .filter(|r| r.link().is_none_or(is_other));
    let settings = state.sysctls.iter().filter(|(key, _)| {
        let link = key.link.as_str();
        // What a vif-route's guest is answered for is said to the uplink, or to all links.
        let proxies = key.name == "proxy_ndp" && (link == uplink.as_str() || link == "all");
        (is_other(&key.link) || link == "all") && !proxies
    });
    let guards = state
        .guards
        .iter()
        .filter(|(_, guard)| !OWN.contains(&guard.of.as_str()));
    let passages = state
        .passages
        .iter()
        .filter(|(_, passage)| !OWN.contains(&passage.of.as_str()));
    let text = |thing: &dyn std::fmt::Debug| format!("{thing:?}");
    let mut lines: Vec<String> = links.map(|one| text(&one)).collect();
    lines.extend(addresses.map(|one| text(&one)));
    lines.extend(routes.map(|one| text(&one)));
    lines.extend(settings.map(|one| text(&one)));
    lines.extend(guards.map(|one| text(&one)));
    lines.extend(passages.map(|one| text(&one)));
    lines
}

proptest! {
    #[test]
    fn a_call_changes_its_vif_or_says_why_not(
        script in prop::sample::select(&SCRIPTS[..]),
        args in prop::collection::vec(argument(), 0..4),
        env in environment(),
        nodes in nodes(),
    ) {
        let call = match Invocation::parse(script, &args, |name| env.get(name).cloned()) {
            Ok(call) => call,
            Err(Quit { status: 0, reason: None }) => return Ok(()),
            Err(quit) => {
                prop_assert_eq!(quit.status, 1);
                prop_assert!(quit.reason.is_some_and(|why| !why.is_empty()));
                return Ok(());
            }
        };
        // Whoever is named, it is the vif of the path or of the tap.
        let own = [call.vif.to_string(), format!("{}-emu", call.vif), format!("tap{}.{}", call.vif.domid, call.vif.devid)];
        prop_assert!(own.contains(&call.link.to_string()), "{:?}", call);
        if !OWN.contains(&call.link.as_str()) {
            return Ok(());
        }
        let read = nodes.iter().map(|(name, value)| (call.backend.join(name), NodeValue(value.clone())));
        let read = read.collect();
        let mut host = host();
        host.state.guards = guards();
        host.state.passages = passages();
        match decided(&call, &host, &read) {
            Err(why) => {
                prop_assert!(!why.is_empty());
                let told = failure(&call, &why, &read);
                prop_assert_eq!(told.is_some(), call.command.comes());
                if let Some(Effect::WriteNodes { writes, .. }) = told {
                    let longest = writes.iter().filter_map(|write| Some(write.to.as_ref()?.0.len())).max();
                    prop_assert!(longest < Some(3000));
                }
            }
            Ok((effects, after)) => {
                let uplink = call.uplink.name();
                prop_assert_eq!(of_others(&after, &uplink), of_others(&host, &uplink), "{:?}", effects);
                for effect in effects {
                    let Effect::WriteNodes { within, writes } = effect else { continue };
                    prop_assert!(within == call.backend || within == call.frontend());
                    let folder = format!("{within}/");
                    for write in writes {
                        prop_assert!(write.path.0.starts_with(&folder), "{}", write.path);
                    }
                }
            }
        }
    }
}
