//! `examples/dom0-firewall` with each of its firewalls by itself: stopped without us, passing with us.

use std::fs;
use std::path::PathBuf;

use crate::need;
use crate::place::{Place, each_user};

pub const EXAMPLE: &str = "examples/dom0-firewall";
/// What its file loads.
pub const ALL: &str = "firewall docker firewalld legacy";

/// A copy of the example under this name.
pub fn copy(place: &Place, name: &str) -> PathBuf {
    let folder = place.file(name);
    let mut copy = place.command("cp");
    let copied = copy.arg("-r").args([&place.file(EXAMPLE), &folder]);
    assert!(copied.status().unwrap().success());
    folder
}

/// The claims that hold, with another firewall and perhaps without our rules.
fn held(place: &Place, wall: &str, is_off: bool) -> Vec<String> {
    let lab = fs::read_to_string(place.file(EXAMPLE).join("lab.toml")).unwrap();
    assert!(lab.contains(ALL), "{lab}");
    let name = format!("{wall}-{is_off}");
    let folder = copy(place, &name);
    fs::write(
        folder.join("lab.toml"),
        lab.replace(ALL, &format!("firewall {wall}")),
    )
    .unwrap();
    if is_off {
        place.write(
            &format!("{name}/etc/xen/xenwire.toml"),
            "[hotplug]\nforward = \"off\"\n",
            0o644,
        );
    }
    let run = place.say(&["lab", "run", &name, "--json"]);
    let report = run.json();
    assert_eq!(
        report["trouble"],
        serde_json::json!([]),
        "{place} {wall}: {run}"
    );
    let claims = report["claims"].as_array().unwrap().iter();
    let held = claims.filter(|claim| claim["holds"] == true);
    held.map(|claim| claim["claim"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn each_firewall_stops_guests_without_us_and_none_with_us() {
    if !need::found("iptables", "iptables") || !need::found("nft", "nftables") {
        return;
    }
    const GUESTS: [&str; 3] = [
        "reach     foo -> bar",
        "reach     foo -> desk",
        "reach     desk -> foo",
    ];
    each_user(|place| {
        for wall in ["admin", "docker", "firewalld", "legacy"] {
            let with = held(place, wall, false);
            let without = held(place, wall, true);
            for claim in GUESTS {
                let begins = |held: &&String| held.starts_with(claim);
                assert!(
                    with.iter().any(|held| begins(&held)),
                    "{place} {wall}: {claim}: {with:?}"
                );
                assert!(
                    !without.iter().any(|held| begins(&held)),
                    "{place} {wall}: {claim}"
                );
            }
            // What dom0 sends, and what it lets in, is as it was.
            let others = |held: &[String]| -> Vec<String> {
                let is_guests = |held: &String| GUESTS.iter().any(|claim| held.starts_with(claim));
                held.iter()
                    .filter(|held| !is_guests(held))
                    .cloned()
                    .collect()
            };
            assert_eq!(others(&with), others(&without), "{place} {wall}");
            assert!(
                with.iter()
                    .any(|held| held.starts_with("reach     dom0 -> foo"))
            );
        }
        place.nothing_left("lab run");
    });
}

/// Xen's rules let by what was listed, and nothing was held back elsewhere (contract 2.4).
#[test]
fn with_accept_only_the_list_passes_and_nothing_else() {
    if !need::found("iptables", "iptables") {
        return;
    }
    const CLAIMS: &str = r#"
[[reach]]
from = "foo"
to = "192.0.2.50"

[[reach]]
from = "desk"
to = "foo"
family = [4]

# dom0 takes what is not forwarded, listed or not.
[[reach]]
from = "foo"
to = "dom0.br0"
protocol = ["icmp"]

[[not_reach]]
from = "foo"
to = "2001:db8:0:2::50"

[[reach]]
from = "bar"
to = "desk"
"#;
    each_user(|place| {
        let lab = fs::read_to_string(place.file(EXAMPLE).join("lab.toml")).unwrap();
        let world = lab.split("[[reach]]").next().unwrap();
        let world = world.replace(ALL, "firewall docker");
        copy(place, "listed");
        place.write("listed/lab.toml", &format!("{world}{CLAIMS}"), 0o644);
        let foo = "name = \"foo\"\ntype = \"pvh\"\nkernel = \"/boot/vmlinuz\"\nmemory = 256\n\
            vif = [ 'mac=00:16:3E:00:00:02,bridge=br0,ip=192.0.2.21' ]\n";
        place.write("listed/etc/xen/foo.cfg", foo, 0o644);
        let conf = "[hotplug]\nip_filter = \"accept-only\"\n";
        place.write("listed/etc/xen/xenwire.toml", conf, 0o644);
        let run = place.say(&["lab", "run", "listed"]);
        assert_eq!(run.status, 0, "{place}: {run}");
    });
}

/// firewalld looks up the way back to whoever sends by IPv6, in front of FORWARD: a bridge's frames come
/// by the bridge, and where dom0 has no route by it there is none (`docs/isolation.md`).
#[test]
fn firewallds_rpfilter_stops_ipv6_of_a_network_that_dom0_does_not_know() {
    if !need::found("nft", "nftables") {
        return;
    }
    const CLAIMS: &str = "
[[reach]]
from = \"foo\"
to = \"desk\"
family = [4]

[[reach]]
from = \"foo\"
to = \"desk\"
family = [6]
";
    const RPFILTER: &str = "\t\tmeta nfproto ipv6 fib saddr . mark . iif oif missing drop\n";
    const OF_DOM0: &str = r#", "2001:db8:0:2::10/64""#;
    each_user(|place| {
        let lab = fs::read_to_string(place.file(EXAMPLE).join("lab.toml")).unwrap();
        let world = lab.split("[[reach]]").next().unwrap();
        let world = world.replace(ALL, "firewall firewalld");
        assert_eq!(world.matches(OF_DOM0).count(), 1, "{world}");
        let firewalld = "etc/xen/firewall/firewalld.nft";
        let rules = fs::read_to_string(place.file(EXAMPLE).join(firewalld)).unwrap();
        assert_eq!(rules.matches(RPFILTER).count(), 1, "{rules}");
        // Whether dom0 has an address there, whether IPv6_rpfilter is on, and whether IPv6 passes.
        for (known, filtered, passes) in [
            (true, true, true),
            (false, true, false),
            (false, false, true),
        ] {
            let name = format!("rpfilter-{known}-{filtered}");
            copy(place, &name);
            let of_dom0 = if known { OF_DOM0 } else { "" };
            let world = world.replace(OF_DOM0, of_dom0);
            place.write(
                &format!("{name}/lab.toml"),
                &format!("{world}{CLAIMS}"),
                0o644,
            );
            let rpfilter = if filtered { RPFILTER } else { "" };
            let rules = rules.replace(RPFILTER, rpfilter);
            place.write(&format!("{name}/{firewalld}"), &rules, 0o644);
            let run = place.say(&["lab", "run", &name, "--json"]);
            let report = run.json();
            assert_eq!(report["trouble"], serde_json::json!([]), "{place}: {run}");
            let claims = report["claims"].as_array().unwrap().iter();
            let held: Vec<bool> = claims.map(|claim| claim["holds"] == true).collect();
            assert_eq!(held, [true, passes], "{place} {name}: {run}");
        }
        place.nothing_left("lab run");
    });
}
