//! What joining a lab with its guests makes of both; the faults are in the golden cases.

use super::*;
use crate::config::domu;
use crate::diag::Diagnostics;

const LAB: &str = r#"
[lan.b]
[lan.a]

[machine.far]
nic = [ { lan = "a", address = ["192.0.2.1/24", "2001:db8::1/64"] } ]

[[guest]]
config = "web.cfg"
nic.eth0 = { address = ["192.0.2.21/24"] }

[[not_reach]]
from = "far"
to = "web.example.eth0"

[[reach]]
from = "web.example"
to = "far"
family = [6, 4, 6]
protocol = ["udp", "icmp"]
"#;

fn scenario(lab: &str, guest: &str) -> Result<Scenario, Vec<&'static str>> {
    let mut out = Diagnostics::new();
    let lab = read(lab, "lab.toml", &mut out);
    let guest = domu::read(guest, "web.cfg", &mut out);
    let codes = |out: Diagnostics| out.iter().map(|d| d.code.name).collect();
    let (Some(lab), Some(guest)) = (lab, guest) else {
        return Err(codes(out));
    };
    resolve(&lab, &[("web.cfg".to_owned(), guest)]).map_err(codes)
}

const WEB: &str = "name = 'web.example'\nvif = ['devid=7']\n";

#[test]
fn everything_is_in_the_order_of_the_file() {
    let scenario = scenario(LAB, WEB).unwrap();
    let lans: Vec<&str> = scenario
        .lans
        .iter()
        .map(|lan| lan.name.value.as_str())
        .collect();
    assert_eq!(lans, ["b", "a"]);
    let kinds: Vec<ClaimKind> = scenario.claims.iter().map(|claim| claim.kind).collect();
    assert_eq!(kinds, [ClaimKind::NotReach, ClaimKind::Reach]);
}

#[test]
fn a_guests_name_may_hold_dots() {
    let scenario = scenario(LAB, WEB).unwrap();
    assert_eq!(scenario.claims[0].targets.len(), 1);
    assert_eq!(scenario.claims[0].targets[0].0.as_str(), "web.example");
    assert_eq!(scenario.guests[0].nics[0].devid.to_string(), "7");
}

#[test]
fn probes_are_the_product_of_addresses_and_protocols() {
    let scenario = scenario(LAB, WEB).unwrap();
    let probes: Vec<String> = scenario.claims[1]
        .each()
        .map(|probe| format!("{} {}", probe.protocol, probe.address))
        .collect();
    assert_eq!(
        probes,
        [
            "icmp 192.0.2.1",
            "udp 192.0.2.1",
            "icmp 2001:db8::1",
            "udp 2001:db8::1"
        ]
    );
}

#[test]
fn a_family_restricts_the_targets() {
    let only_six = LAB.replace("[6, 4, 6]", "[6]");
    let scenario = scenario(&only_six, WEB).unwrap();
    let targets: Vec<String> = scenario.claims[1]
        .targets
        .iter()
        .map(|(_, address)| address.to_string())
        .collect();
    assert_eq!(targets, ["2001:db8::1"]);
}

#[test]
fn a_guest_that_is_missing_does_not_make_its_claims_wrong() {
    let mut out = Diagnostics::new();
    let lab = read(LAB, "lab.toml", &mut out).unwrap();
    let wrong = resolve(&lab, &[]).unwrap_err();
    assert_eq!(
        wrong.iter().map(|d| d.code.name).collect::<Vec<_>>(),
        ["lab-no-config"]
    );
}

#[test]
fn a_guests_name_must_do_for_a_machine() {
    assert_eq!(
        scenario(LAB, "name='a b'\nvif=['']").unwrap_err(),
        ["lab-guest-name"]
    );
    assert_eq!(
        scenario(LAB, "name='dom0'\nvif=['']").unwrap_err()[0],
        "lab-name-twice"
    );
}

#[test]
fn an_empty_lab_is_a_lab() {
    let scenario = scenario("", WEB).unwrap();
    assert!(scenario.guests.is_empty() && scenario.claims.is_empty());
}

#[test]
fn no_claim_is_about_a_link_local_address() {
    let lab = LAB.replace("\"2001:db8::1/64\"]", "\"2001:db8::1/64\", \"fe80::1/64\"]");
    assert_eq!(scenario(&lab, WEB).unwrap().claims[1].targets.len(), 2);
}

#[test]
fn a_guest_asks_for_what_it_must_be_given() {
    let asks = LAB.replace("nic.eth0 = { ", "nic.eth0 = { dhcp = true, ");
    let nic = |lab: &str| scenario(lab, WEB).unwrap().guests[0].nics[0].clone();
    let (told, asking) = (nic(LAB), nic(&asks));
    assert!(asking.dhcp && !told.dhcp);
    assert_eq!(asking.addresses, told.addresses);
}
