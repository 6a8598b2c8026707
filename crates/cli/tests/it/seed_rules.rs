//! The two rules that Xen's documentation has against a FORWARD chain that drops, and ours: which
//! packets pass with nobody's, with those two alone, and with ours alone, on one host.
//!
//! ```text
//!  desk ── eth0 ─┐        ┌─ vif1.0 ── foo
//!                ├─ br0 ──┤
//!  till ── eth1 ─┘ (dom0) └─ vif2.0 ── bar
//! ```

use std::collections::BTreeSet;
use std::fmt;

use crate::firewall::{ALL, EXAMPLE, copy};
use crate::need;
use crate::place::{Place, each_user};

/// A packet's errand: from, to, the family, the protocol.
type Flow = (&'static str, &'static str, u8, &'static str);

/// The families that pass.
type Families = &'static [u8];
const NONE: Families = &[];
const V4: Families = &[4];
const BOTH: Families = &[4, 6];

/// Which packets pass with nobody's rules, with the documentation's, with ours; and why the last two
/// differ, if they do.
struct Row(
    &'static str,
    &'static str,
    [Families; 3],
    Option<&'static str>,
);

/// The two rules are iptables' only.
const FAMILY: Option<&str> = Some("a guest's IPv6 is its own business too");
/// They know one NIC: what neither comes from it nor goes to it is still dropped. Those that
/// Xen's scripts made of the same idea let it by (contract 2.4).
const SWITCH: Option<&str> = Some("a guest's, whichever port of the bridge is the other one");
/// They let by all that comes from the one NIC and goes to any other port.
const NO_GUEST: Option<&str> = Some("no guest's: what the firewall says of two NICs holds");

const ROWS: [Row; 12] = [
    Row("foo", "desk", [NONE, V4, BOTH], FAMILY),
    Row("desk", "foo", [NONE, V4, BOTH], FAMILY),
    Row("foo", "bar", [NONE, NONE, BOTH], SWITCH),
    Row("bar", "foo", [NONE, NONE, BOTH], SWITCH),
    Row("foo", "till", [NONE, NONE, BOTH], SWITCH),
    Row("till", "foo", [NONE, NONE, BOTH], SWITCH),
    Row("desk", "till", [NONE, V4, NONE], NO_GUEST),
    Row("till", "desk", [NONE, V4, NONE], NO_GUEST),
    // Not forwarded: INPUT is closed, and what dom0 asks for is answered.
    Row("foo", "dom0.br0", [NONE, NONE, NONE], None),
    Row("desk", "dom0.br0", [NONE, NONE, NONE], None),
    Row("dom0", "foo", [BOTH, BOTH, BOTH], None),
    Row("dom0", "desk", [BOTH, BOTH, BOTH], None),
];

const PROTOCOLS: [&str; 3] = ["icmp", "tcp", "udp"];

/// Whose rules there are.
#[derive(Clone, Copy)]
enum Rules {
    Nobodys,
    Documented,
    Ours,
}

impl Rules {
    const ALL: [Self; 3] = [Self::Nobodys, Self::Documented, Self::Ours];

    /// The firewall that is loaded: both drop the same, but for the two rules.
    fn wall(self) -> &'static str {
        match self {
            Self::Documented => "seed",
            Self::Nobodys | Self::Ours => "admin",
        }
    }

    /// What passes with them.
    fn passing(self) -> BTreeSet<Flow> {
        let of = |row: &Row| -> Vec<Flow> {
            let families = row.2[self as usize].iter();
            let each = |family: &u8| PROTOCOLS.map(|protocol| (row.0, row.1, *family, protocol));
            families.flat_map(each).collect()
        };
        ROWS.iter().flat_map(of).collect()
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobodys => "nobody's rules",
            Self::Documented => "the documentation's rules",
            Self::Ours => "our rules",
        })
    }
}

/// Every flow by itself, in the order in which it is claimed.
fn flows() -> Vec<Flow> {
    let of = |row: &Row| {
        let (from, to) = (row.0, row.1);
        BOTH.iter()
            .flat_map(move |family| PROTOCOLS.map(|protocol| (from, to, *family, protocol)))
    };
    ROWS.iter().flat_map(of).collect()
}

/// The example's host with a second NIC in its bridge, and a claim for each flow.
fn world(place: &Place, rules: Rules, routes: bool) -> String {
    let name = format!("{}-{}", rules as u8, u8::from(routes));
    let folder = copy(place, &name);
    let lab = std::fs::read_to_string(folder.join("lab.toml")).unwrap();
    let mut world = lab.split("[[reach]]").next().unwrap().to_owned();
    let nic = r#"{ name = "eth0", lan = "office", mac = "52:54:00:00:00:01" }"#;
    let boot = format!("\"/etc/xen/scripts/{ALL}\",");
    for (was, is) in [
        (
            nic.to_owned(),
            format!(r#"{nic}, {{ name = "eth1", lan = "annex" }}"#),
        ),
        (
            r#"port = ["eth0"]"#.to_owned(),
            r#"port = ["eth0", "eth1"]"#.to_owned(),
        ),
        (
            boot,
            format!(
                "\"/etc/xen/scripts/firewall {}\", \"/etc/xen/scripts/routes {}\",",
                rules.wall(),
                u8::from(routes)
            ),
        ),
        (
            "[lan.office]".to_owned(),
            "[lan.office]\n[lan.annex]\n[machine.till]\n\
             nic = [{ lan = \"annex\", address = [\"192.0.2.60/24\", \"2001:db8:0:2::60/64\"] }]\n"
                .to_owned(),
        ),
    ] {
        assert_eq!(world.matches(&was).count(), 1, "{was} in {EXAMPLE}");
        world = world.replace(&was, &is);
    }
    for (from, to, family, protocol) in flows() {
        world += &format!(
            "[[reach]]\nfrom = \"{from}\"\nto = \"{to}\"\nfamily = [{family}]\nprotocol = [\"{protocol}\"]\n"
        );
    }
    place.write(&format!("{name}/lab.toml"), &world, 0o644);
    let switch = "#!/bin/sh\nset -eu\nfor switch in ipv4/ip_forward ipv6/conf/all/forwarding; do\n  \
                  echo \"$1\" >/proc/sys/net/$switch\ndone\n";
    place.write(&format!("{name}/etc/xen/scripts/routes"), switch, 0o755);
    if !matches!(rules, Rules::Ours) {
        let conf = "[hotplug]\nforward = \"off\"\n";
        place.write(&format!("{name}/etc/xen/xenwire.toml"), conf, 0o644);
    }
    name
}

/// What passes in this world.
fn passed(place: &Place, name: &str) -> BTreeSet<Flow> {
    let run = place.say(&["lab", "run", name, "--json"]);
    let report = run.json();
    assert_eq!(report["trouble"], serde_json::json!([]), "{place}: {run}");
    let claims = report["claims"].as_array().unwrap();
    let flows = flows();
    assert_eq!(claims.len(), flows.len(), "{run}");
    let held = flows.into_iter().zip(claims);
    held.filter(|(flow, claim)| {
        let named = claim["claim"].as_str().unwrap();
        assert!(
            named.ends_with(&format!("{} -> {}", flow.0, flow.1)),
            "{named}"
        );
        claim["holds"] == true
    })
    .map(|(flow, _)| flow)
    .collect()
}

#[test]
fn what_passes_with_ours_is_what_the_two_rules_mean() {
    if !need::found("iptables", "iptables") {
        return;
    }
    for Row(from, to, [nobodys, documented, ours], why) in &ROWS {
        // What passes without any rule, no rule takes away.
        assert!(nobodys.iter().all(|family| ours.contains(family)));
        assert_eq!(documented != ours, why.is_some(), "{from} -> {to}");
    }
    each_user(|place| {
        for rules in Rules::ALL {
            // What a bridge forwards is not routed: whether dom0 routes makes no difference.
            for routes in [false, true] {
                let name = world(place, rules, routes);
                let wanted = rules.passing();
                let mut seen = BTreeSet::new();
                // An answer has two seconds, which a busy machine may not; what is dropped never comes.
                for _ in 0..5 {
                    seen.extend(passed(place, &name));
                    if seen.is_superset(&wanted) {
                        break;
                    }
                }
                let more: Vec<_> = seen.difference(&wanted).collect();
                let less: Vec<_> = wanted.difference(&seen).collect();
                assert!(
                    more.is_empty() && less.is_empty(),
                    "{place}, {rules}, ip_forward {routes}: also {more:?}, but not {less:?}"
                );
            }
        }
        place.nothing_left("lab run");
    });
}
