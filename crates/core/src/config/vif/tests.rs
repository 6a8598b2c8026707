//! The specification, key by key, from the examples of contract 3.6.3.

use proptest::prelude::*;

use super::*;
use crate::config::xl::Text;
use crate::diag::{Diagnostics, Source};

/// What was read, and the codes of what is wrong.
fn codes(text: &str) -> (Option<VifSpec>, Vec<&'static str>) {
    let mut out = Diagnostics::new();
    let source = Source::new("argument", text);
    let written = read(&Text::verbatim(&source, 0..text.len()), &mut out);
    (
        written.map(|written| written.spec),
        out.iter().map(|d| d.code.name).collect(),
    )
}

fn good(text: &str) -> VifSpec {
    let (spec, codes) = codes(text);
    assert!(codes.is_empty(), "{text:?}: {codes:?}");
    spec.unwrap()
}

#[test]
fn an_empty_text_is_one_vif_with_all_defaults() {
    for text in ["", ",", " , ,"] {
        assert_eq!(good(text), VifSpec::default(), "{text:?}");
    }
}

#[test]
fn reads_every_key() {
    let spec = good(
        "mac=00:16:3E:00:00:02, bridge=br0,gatewaydev=eth0,type=ioemu,model=e1000,vifname=lan0,\
         script=/etc/xen/scripts/vif-nat,ip=192.0.2.7 192.0.2.64/26  2001:db8::7,backend=netdom,\
         rate=10Mb/s,devid=3,mtu=9000,vlan=10p/20,untrusted,forwarddev=eth1,colo_compare_out=x=y",
    );
    let link = |name: &str| name.parse::<IfName>().ok();
    assert_eq!(spec.mac.unwrap().to_string(), "00:16:3e:00:00:02");
    assert_eq!(
        (spec.bridge.as_deref(), spec.gatewaydev),
        (Some("br0"), link("eth0"))
    );
    assert_eq!(
        (spec.kind, spec.model.as_deref()),
        (Some(VifType::Ioemu), Some("e1000"))
    );
    assert_eq!(
        (spec.vifname, spec.backend.as_deref()),
        (link("lan0"), Some("netdom"))
    );
    assert_eq!(spec.script.as_deref(), Some("/etc/xen/scripts/vif-nat"));
    assert_eq!(spec.ip, ["192.0.2.7", "192.0.2.64/26", "2001:db8::7"]);
    let nets: Vec<String> = spec.nets.iter().map(ToString::to_string).collect();
    assert_eq!(nets, ["192.0.2.7/32", "192.0.2.64/26", "2001:db8::7/128"]);
    assert_eq!(spec.rate.unwrap().to_string(), "62500,50000");
    assert_eq!(
        (spec.devid, spec.mtu, spec.trusted),
        (Some(DevId(3)), Some(9000), Some(false))
    );
    assert_eq!(spec.vlan.unwrap().to_string(), "10p/20");
    let colo = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        spec.colo,
        [colo("forwarddev", "eth1"), colo("colo_compare_out", "x=y")]
    );
}

#[test]
fn every_fault_has_its_code() {
    for (text, code) in [
        ("brigde=br0", "vif-unknown-key"),
        ("bridge", "vif-unknown-key"),
        ("Bridge=br0", "vif-unknown-key"),
        ("bridge =br0", "vif-unknown-key"),
        ("trusted=1", "vif-unknown-key"),
        ("colo_=x", "vif-unknown-key"),
        ("=", "vif-unknown-key"),
        ("bridge=", "vif-empty"),
        ("bridge= br0", "vif-blank"),
        ("bridge=br0 ,mtu=1500", "vif-blank"),
        ("bridge=a/b", "vif-bad-value"),
        ("mac=00:16:3e:00:00", "vif-bad-value"),
        ("mac=00:16:3e:00:00:100", "vif-bad-value"),
        ("mac=01:16:3e:00:00:01", "vif-mac-multicast"),
        ("type=pv", "vif-bad-value"),
        ("vifname=sixteen-bytes-xx", "vif-bad-value"),
        ("ip=192.0.2.1/33", "vif-bad-value"),
        ("rate=10Mb", "vif-bad-value"),
        ("devid=+1", "vif-bad-value"),
        ("mtu=67", "vif-bad-value"),
        ("mtu=65536", "vif-bad-value"),
        ("vlan=10/20", "vif-bad-value"),
    ] {
        assert_eq!(codes(text), (None, vec![code]), "{text}");
    }
}

#[test]
fn what_xl_takes_with_a_shrug_is_taken_with_a_warning() {
    for (text, code, meant) in [
        ("mac=aa-0-0-0-0-11", "vif-mac-odd", "mac=aa:00:00:00:00:11"),
        (
            "mac=aa:00:00:00:00:11 ",
            "vif-mac-odd",
            "mac=aa:00:00:00:00:11",
        ),
        (
            "mac=00:1b:21:00:00:01",
            "vif-mac-vendor",
            "mac=00:1b:21:00:00:01",
        ),
        ("mac=00:00:00:00:00:00", "vif-mac-zero", ""),
        ("netdev=eth0", "vif-old-key", "gatewaydev=eth0"),
        ("accel=yes", "vif-accel", ""),
        ("bridge=a,bridge=b", "vif-key-again", "bridge=b"),
        ("trusted,untrusted", "vif-key-again", "untrusted"),
        ("rate=010MB/s@010ms", "vif-rate-octal", "rate=8MB/s@8ms"),
    ] {
        let (spec, found) = codes(text);
        assert_eq!(
            (spec.unwrap().to_string().as_str(), found),
            (meant, vec![code]),
            "{text}"
        );
    }
    assert!(good("mac=00:16:3e:12:34:56").mac.is_some());
    assert!(good("mac=02:00:00:00:00:01").mac.is_some());
}

#[test]
fn places_are_those_of_the_values() {
    let source = Source::new("argument", "mac=02:00:00:00:00:01, bridge=br0,trusted");
    let text = Text::verbatim(&source, 0..source.text().len());
    let written = read(&text, &mut Diagnostics::new()).unwrap();
    assert_eq!(written.place("bridge").text(), "br0");
    assert_eq!(written.place("trusted").text(), "trusted");
    assert_eq!(written.place("rate"), &written.span);
}

/// Specifications of all shapes, as a person might write them.
fn specs() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<[u8; 5]>()
            .prop_map(|[a, b, c, d, e]| format!("mac=02:{a:x}:{b:02x}:{c:X}:{d:x}:{e:02X}")),
        "[a-z]{1,8}[0-9]".prop_map(|name| format!("bridge={name}")),
        "[a-z]{1,8}(\\.[0-9]{1,3})?(:[0-9]{1,3}){0,2}".prop_map(|name| format!("bridge={name}")),
        "[a-z]{1,15}".prop_map(|name| format!("vifname={name}")),
        Just("type=vif".to_owned()),
        "[a-z0-9]{1,9}".prop_map(|name| format!("model={name}")),
        "/[a-z/-]{1,20}".prop_map(|path| format!("script={path}")),
        prop::collection::vec(any::<std::net::IpAddr>(), 1..4).prop_map(|ips| {
            format!(
                "ip={}",
                ips.iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("  ")
            )
        }),
        (
            1_u32..,
            "[GMK]?[Bb]/s",
            prop_oneof![
                Just(String::new()),
                (1_u32..4000, "(us|ms|s|u|m|)").prop_map(|(n, unit)| format!("@{n}{unit}"))
            ]
        )
            .prop_map(|(number, unit, interval)| format!("rate={number}{unit}{interval}")),
        any::<u32>().prop_map(|devid| format!("devid={devid}")),
        (68_u32..=65_535).prop_map(|mtu| format!("mtu={mtu}")),
        prop::collection::vec((1_u16..4000, "[u]?", 0_u16..20), 0..4).prop_map(|terms| {
            let terms = terms
                .iter()
                .map(|(vlan, how, more)| format!("/{vlan}-{}{how}", vlan + more));
            format!("vlan=4094p{}", terms.collect::<String>())
        }),
        "(un)?trusted",
        "colo_[a-z]{1,9}=[a-z=. ]{0,9}",
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.join(", "))
}

proptest! {
    #[test]
    fn the_normal_form_reads_back_as_the_same(text in specs()) {
        // Overlapping VLANs and rates of nothing are refused rightly; what is read must come back.
        if let Some(spec) = codes(&text).0 {
            let (again, found) = codes(&spec.to_string());
            prop_assert_eq!(found, Vec::<&str>::new(), "{}", spec);
            prop_assert_eq!(again, Some(spec));
        }
    }
}
