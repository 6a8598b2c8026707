//! A claim that is false fails the run and is named; a file that is wrong starts nothing.

use crate::place::{Place, each_user};
use crate::scenario::{OFFICE, TRUE, guest, office};

/// The claims of a run that failed: each with whether it holds and why not.
fn verdicts(place: &Place, claims: &str) -> Vec<(String, bool, String)> {
    office(place, "office", claims);
    let report = place.expect(1, &["lab", "run", "office", "--json"]).json();
    assert_eq!(report["holds"], false, "{place}");
    assert_eq!(report["trouble"].as_array().unwrap().len(), 0, "{place}");
    let claims = report["claims"].as_array().unwrap();
    claims
        .iter()
        .map(|claim| {
            let failures = claim["failures"].as_array().unwrap();
            let failures: Vec<_> = failures.iter().map(|f| f.as_str().unwrap()).collect();
            let words: Vec<_> = claim["claim"]
                .as_str()
                .unwrap()
                .split_whitespace()
                .collect();
            (
                words.join(" "),
                claim["holds"].as_bool().unwrap(),
                failures.join("\n"),
            )
        })
        .collect()
}

/// Each verdict is false, of this claim, and its reason has these words.
fn all_false(found: &[(String, bool, String)], wanted: &[(&str, &[&str])]) {
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for ((claim, holds, why), (wanted, words)) in found.iter().zip(wanted) {
        assert_eq!(claim, wanted);
        assert!(!holds, "{claim} holds");
        for word in *words {
            assert!(why.contains(word), "{claim}: no {word:?} in:\n{why}");
        }
    }
}

#[test]
fn packets_that_do_not_arrive_and_packets_that_do() {
    each_user(|place| {
        // 192.0.2.99 is nobody's; foo and bar share a bridge.
        let claims = r#"
[[reach]]
from = "foo"
to = "192.0.2.99"
protocol = ["icmp"]

[[reach]]
from = "desk"
to = "192.0.2.99"
protocol = ["tcp"]

[[reach]]
from = "dom0"
to = "203.0.113.1"
protocol = ["udp"]

[[not_reach]]
from = "foo"
to = "bar"
protocol = ["icmp", "tcp", "udp"]

[[not_reach]]
from = "desk"
to = "dom0.br0"
protocol = ["tcp"]
"#;
        // An address that no machine has cannot be claimed to be reached: a listener is needed.
        office(place, "office", claims);
        let nobodys = place.expect(1, &["lab", "run", "office"]);
        assert!(nobodys.err.contains("192.0.2.99"), "{nobodys}");

        // A machine behind no router is out of reach.
        let far = r#"
[lan.far]
[machine.island]
nic = [{ lan = "far", address = ["203.0.113.1/24"] }]
"#;
        let claims = claims
            .replace("192.0.2.99", "island")
            .replace("203.0.113.1\"", "island\"");
        let found = verdicts(place, &format!("{far}{claims}"));
        all_false(
            &found,
            &[
                ("reach foo -> island", &["203.0.113.1 icmp"]),
                ("reach desk -> island", &["203.0.113.1 tcp"]),
                ("reach dom0 -> island", &["203.0.113.1 udp"]),
                (
                    "not_reach foo -> bar",
                    &["192.0.2.22 icmp", "192.0.2.22 tcp", "192.0.2.22 udp"],
                ),
                ("not_reach desk -> dom0.br0", &["192.0.2.10 tcp"]),
            ],
        );
        // And for people: the claim, from where to where, with its mark and reason.
        let run = place.expect(1, &["lab", "run", "office"]);
        run.line(&["FAIL", "reach", "foo -> island"]);
        run.line(&["FAIL", "not_reach", "foo -> bar"]);
        assert!(run.out.ends_with("office: 0 of 5 claims hold\n"), "{run}");
        place.nothing_left("claims that are false");
    });
}

#[test]
fn every_kind_of_expectation_can_fail() {
    each_user(|place| {
        let found = verdicts(
            place,
            r#"
[expect.bridge]
br0 = ["eth0", "vif1.0"]
br9 = []

[expect.link.br0]
address = ["192.0.2.11/24"]
mtu = 1400
up = false

[expect.link."vif1.0"]
mac = "00:16:3e:00:00:02"
master = "none"

[expect.link."vif7.0"]
up = true

[expect.link.eth0]
master = "br1"
address = ["192.0.2.10/24"]
"#,
        );
        all_false(
            &found,
            &[
                (
                    "expect bridge br0",
                    &["ports: wanted eth0 vif1.0, found eth0 vif1.0 vif2.0"],
                ),
                ("expect bridge br9", &["there is no bridge br9"]),
                (
                    "expect link br0",
                    &[
                        "address: wanted 192.0.2.11/24, found 192.0.2.10/24",
                        "mtu: wanted 1400, found 1500",
                        "state: wanted down, found up",
                    ],
                ),
                (
                    "expect link vif1.0",
                    &[
                        "mac: wanted 00:16:3e:00:00:02, found fe:ff:ff:ff:ff:ff",
                        "master: wanted none, found br0",
                    ],
                ),
                ("expect link vif7.0", &["there is no link vif7.0"]),
                (
                    "expect link eth0",
                    &[
                        "master: wanted br1, found br0",
                        "address: wanted 192.0.2.10/24, found none",
                    ],
                ),
            ],
        );
    });
}

#[test]
fn one_false_claim_among_true_ones_is_enough() {
    let place = Place::new();
    office(&place, "office", TRUE);
    place.expect(0, &["lab", "run", "office"]);
    for (name, one) in [
        ("mtu", "\n[expect.link.br0]\nmtu = 1400\n"),
        (
            "reach",
            "\n[[not_reach]]\nfrom = \"bar\"\nto = \"foo\"\nprotocol = [\"udp\"]\n",
        ),
    ] {
        office(&place, name, &format!("{TRUE}{one}"));
        let run = place.expect(1, &["lab", "run", name]);
        let failed: Vec<_> = run.out.lines().filter(|l| l.starts_with("FAIL")).collect();
        assert_eq!(failed.len(), 1, "{run}");
        assert!(run.out.ends_with("2 of 3 claims hold\n"), "{run}");
    }
}

#[test]
fn a_guest_that_is_off_is_reason_enough() {
    let place = Place::new();
    office(&place, "office", TRUE);
    let toml = format!("{OFFICE}{TRUE}").replace("\"bar.cfg\"\n", "\"bar.cfg\"\nstart = false\n");
    place.write("office/lab.toml", &toml, 0o644);
    let run = place.expect(1, &["lab", "run", "office"]);
    run.line(&["FAIL", "reach", "foo -> bar"]);
    run.line(&["bar does not run"]);
}

/// Files that are wrong, with the place and a word of what is said about them.
#[test]
fn wrong_files_are_shown_and_nothing_starts() {
    each_user(|place| {
        let good = format!("{OFFICE}{TRUE}");
        let foo = guest("foo", &["mac=00:16:3e:00:00:02,bridge=br0"]);
        let line_of =
            |text: &str, part: &str| 1 + text.split(part).next().unwrap().matches('\n').count();
        let wrong_lab = [
            (
                "address = [\"192.0.2.50/24\"]",
                "adress = [\"192.0.2.50/24\"]",
                "adress",
            ),
            ("192.0.2.10/24", "192.0.2.10/33", "192.0.2.10/33"),
            ("to = \"bar\"", "to = \"baz\"", "baz"),
            ("lan = \"office\", mac", "lan = \"ofice\", mac", "ofice"),
            ("port = [\"eth0\"]", "port = [\"eth1\"]", "eth1"),
            ("config = \"foo.cfg\"", "config = \"fo.cfg\"", "fo.cfg"),
            ("protocol = [\"icmp\"]", "protocol = [\"igmp\"]", "igmp"),
            ("[lan.office]", "[lan.office", "lan.office"),
        ];
        let check = |name: &str, file: &str, text: &str, word: &str| {
            for how in ["run", "up"] {
                let said = place.expect(1, &["lab", how, name]);
                let line = line_of(text, word);
                let arrow = format!("{file}:{line}:");
                assert!(said.err.contains(&arrow), "{place}: no {arrow:?}: {said}");
                assert!(said.err.contains("error["), "{said}");
                assert!(said.err.contains('^'), "{said}");
                assert!(said.err.contains(word), "{said}");
                assert_eq!(said.out, "", "{said}");
                assert!(!said.err.contains("building"), "{said}");
            }
        };
        for (n, (right, wrong, word)) in wrong_lab.iter().enumerate() {
            let name = format!("lab{n}");
            office(place, &name, TRUE);
            let text = good.replacen(right, wrong, 1);
            assert_ne!(text, good, "{right}");
            place.write(&format!("{name}/lab.toml"), &text, 0o644);
            check(&name, &format!("{name}/lab.toml"), &text, word);
        }
        let wrong_guest = [
            ("bridge=br0", "brigde=br0", "brigde"),
            ("00:16:3e:00:00:02", "00:16:3e", "00:16:3e"),
            ("vif = [", "vif = [ 'mac=00:16:3e:00:00:09', 7,", "7,"),
            ("]\n", "\n", "vif"),
        ];
        for (n, (right, wrong, word)) in wrong_guest.iter().enumerate() {
            let name = format!("guest{n}");
            office(place, &name, TRUE);
            let text = foo.replacen(right, wrong, 1);
            assert_ne!(text, foo, "{right}");
            place.write(&format!("{name}/etc/xen/foo.cfg"), &text, 0o644);
            let said = place.expect(1, &["lab", "run", &name]);
            let arrow = format!("{name}/etc/xen/foo.cfg:");
            assert!(said.err.contains(&arrow), "{said}");
            assert!(said.err.contains('^') && said.err.contains(word), "{said}");
            assert_eq!(said.out, "", "{said}");
        }
        let nowhere = place.expect(1, &["lab", "run", "nowhere"]);
        assert!(nowhere.err.contains("nowhere/lab.toml"), "{nowhere}");
        // Not even the folder of labs was made.
        assert!(!place.file("run/xenwire").exists(), "{place}");
    });
}

#[test]
fn every_fault_of_every_file_is_shown_at_once() {
    let place = Place::new();
    office(&place, "office", TRUE);
    place.write(
        "office/etc/xen/foo.cfg",
        &guest("foo", &["brigde=br0"]),
        0o644,
    );
    place.write("office/etc/xen/bar.cfg", &guest("bar", &["mak=1"]), 0o644);
    place.write("office/etc/xen/xl.conf", "vif.default.bridge=br0\n", 0o644);
    let said = place.expect(1, &["lab", "run", "office"]);
    for word in ["foo.cfg:2:", "brigde", "bar.cfg:2:", "mak", "xl.conf:1:"] {
        assert!(said.err.contains(word), "no {word:?}: {said}");
    }
    let toml = format!("{OFFICE}{TRUE}")
        .replace("192.0.2.50/24", "192.0.2.500/24")
        .replace("192.0.2.10/24", "192.0.2.10/33");
    place.write("office/lab.toml", &toml, 0o644);
    let said = place.expect(1, &["lab", "run", "office"]);
    for word in ["192.0.2.500/24", "192.0.2.10/33", "xl.conf:1:"] {
        assert!(said.err.contains(word), "no {word:?}: {said}");
    }
}
