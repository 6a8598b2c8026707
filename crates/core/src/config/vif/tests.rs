//! The specification, key by key, from the examples of contract 3.6.3.

mod fuzz;

use super::*;
use crate::config::settings::Text;
use crate::diag::{Diagnostics, Source};

const XL: Rules = rules(Dialect::Xl, false);
const LENIENT_XL: Rules = rules(Dialect::Xl, true);
const XM: Rules = rules(Dialect::Xm, false);
const LENIENT_XM: Rules = rules(Dialect::Xm, true);

const fn rules(dialect: Dialect, lenient: bool) -> Rules {
    Rules { dialect, lenient }
}

fn read_as(text: &str, rules: Rules) -> (Option<Written>, Diagnostics) {
    let mut out = Diagnostics::new();
    let source = Source::new("argument", text);
    let written = read(&Text::verbatim(&source, 0..text.len()), rules, &mut out);
    (written, out)
}

/// What was read, and the codes of what is wrong.
fn codes_as(text: &str, rules: Rules) -> (Option<VifSpec>, Vec<&'static str>) {
    let (written, out) = read_as(text, rules);
    (
        written.map(|written| written.spec),
        out.iter().map(|d| d.code.name).collect(),
    )
}

fn codes(text: &str) -> (Option<VifSpec>, Vec<&'static str>) {
    codes_as(text, XL)
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
        ("bridge=a/b", "vif-bridge"),
        ("mac=00:16:3e:00:00", "vif-mac"),
        ("mac=00:16:3e:00:00:100", "vif-mac"),
        ("mac=00:16:3e:00:00,02", "vif-mac vif-unknown-key"),
        ("mac=01:16:3e:00:00:01", "vif-mac-multicast"),
        ("type=pv", "vif-type"),
        ("vifname=sixteen-bytes-xx", "vif-name"),
        ("vifname=vif%d", "vif-name"),
        ("gatewaydev=eth0:1", "vif-name"),
        ("vifname=lo", "vif-name-taken"),
        ("vifname=vif1.0", "vif-name-taken"),
        ("vifname=lan-emu", "vif-name-taken"),
        ("script=vif-bridge bridge=br0", "vif-script"),
        ("script=../vif-bridge", "vif-script"),
        ("script=/etc/xen/scripts/", "vif-script"),
        ("backend=40000", "vif-backend"),
        ("backend=a/b", "vif-backend"),
        ("ip=192.0.2.1,192.0.2.2", "vif-ip-comma"),
        ("ip=host", "vif-ip"),
        ("ip=192.0.2.1/33", "vif-ip"),
        ("rate=10Mb", "vif-rate"),
        ("rate=018Mb/s", "vif-rate"),
        ("rate=010MB/s", "vif-rate-octal"),
        ("rate=1MB/s@010ms", "vif-rate-octal"),
        ("mac=00:16:3e:00:00:01 bridge=br0", "vif-mac-odd"),
        ("rate=1b/s", "vif-rate-nothing"),
        ("devid=+1", "vif-devid"),
        ("devid=2147483648", "vif-devid"),
        ("mtu=67", "vif-mtu"),
        ("mtu=65536", "vif-mtu"),
        ("vlan=10/20", "vif-vlan"),
    ] {
        assert_eq!(codes(text), (None, code.split(' ').collect()), "{text}");
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
        ("vifname=peth0", "vif-name-taken", "vifname=peth0"),
        ("ip=192.0.2.9/24", "vif-ip-bits", "ip=192.0.2.9/24"),
        ("bridge=a,bridge=b", "vif-key-again", "bridge=b"),
        ("trusted,untrusted", "vif-key-again", "untrusted"),
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
    let written = read(&text, Rules::default(), &mut Diagnostics::new()).unwrap();
    assert_eq!(written.place("bridge").text(), "br0");
    assert_eq!(written.place("trusted").text(), "trusted");
    assert_eq!(written.place("rate"), &written.span);
}

#[test]
fn lenient_xl_makes_what_xl_makes_and_gives_up_where_xl_does() {
    for (text, meant) in [
        ("brigde=br0,bridge=br1", Some("bridge=br1")),
        ("bridge= br0 ", Some("bridge= br0 ")),
        ("bridge=", Some("bridge=")),
        ("\tbridge=br0", Some("")),
        ("mac=00:16:3e:00:zz", Some("mac=00:16:3e:00:00:00")),
        (
            "mac=00:16:3e:00:00,02,mtu=9000",
            Some("mac=00:16:3e:00:00:02,mtu=9000"),
        ),
        (
            "mac=02:00:00:00:00:01,mac=04:zz",
            Some("mac=04:00:00:00:00:01"),
        ),
        ("mac=ff:ff:ff:ff:ff:ff", Some("mac=ff:ff:ff:ff:ff:ff")),
        ("type=ioemu,type=pv", Some("type=ioemu")),
        ("rate=018MB/s", Some("rate=1B/s")),
        ("rate=1b/s@1s", Some("rate=1b/s@1s")),
        ("rate=10", None),
        ("rate=010MB/s@010ms", Some("rate=8MB/s@8ms")),
        (
            "mac=00:16:3e:00:00:01 bridge=br0",
            Some("mac=00:16:3e:00:00:01"),
        ),
        ("mtu=1500x,devid= 3", Some("devid=3,mtu=1500")),
        ("mtu=x", None),
        ("devid=", None),
        ("devid=4294967295,mtu=0", Some("")),
        ("ip=host 192.0.2.1", Some("ip=host 192.0.2.1")),
        ("backend=99999,script=a b", Some("script=a b,backend=99999")),
        ("trusted=1", Some("")),
    ] {
        let (written, out) = read_as(text, LENIENT_XL);
        let made = written.as_ref().map(|written| written.spec.to_string());
        assert_eq!(made.as_deref(), meant, "{text:?}");
        assert!(!out.is_empty(), "{text:?} passed without a word");
    }
}

#[test]
fn what_no_link_can_be_called_is_passed_on() {
    let (written, _) = read_as("vifname=vif%d,gatewaydev=a/b,vlan=x,vifname=lo", LENIENT_XL);
    let written = written.unwrap();
    let passed_on: Vec<(&str, &str)> = written
        .passed_on
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    assert_eq!(passed_on, [("gatewaydev", "a/b"), ("vlan", "x")]);
    // Taken, but a name that can be set.
    assert_eq!(written.spec.to_string(), "vifname=lo");
}

#[test]
fn xm_strips_blanks_and_counts_in_decimal() {
    for (text, meant, found) in [
        ("  ", "", ""),
        (
            "type=ioemu, bridge = xenbr0 ",
            "bridge=xenbr0,type=ioemu",
            "",
        ),
        ("\tip = 192.0.2.7\t", "ip=192.0.2.7", ""),
        ("rate=010MB/s", "rate=10MB/s", ""),
        (
            "script=vif-bridge bridge=eth1",
            "script=vif-bridge bridge=eth1",
            "",
        ),
        ("accel=x", "", "vif-accel"),
        (
            "policy=a,label=b,be_mac=c",
            "",
            "vif-of-xend vif-of-xend vif-of-xend",
        ),
        ("bridge=a,bridge=b", "bridge=b", "vif-key-again"),
    ] {
        let (spec, codes) = codes_as(text, XM);
        let spec = spec.unwrap().to_string();
        assert_eq!(
            (spec.as_str(), codes.join(" ").as_str()),
            (meant, found),
            "{text:?}"
        );
    }
}

#[test]
fn xm_gives_up_where_xl_mutters_and_sets_no_limit_where_xl_gives_up() {
    for (text, lenient, found) in [
        ("bridge=br0,", None, "vif-no-equals"),
        ("trusted", None, "vif-no-equals"),
        ("brigde=br0", None, "vif-unknown-key"),
        ("mtu=1500", None, "vif-unknown-key"),
        ("ip=192.0.2.1, 192.0.2.2", None, "vif-ip-comma"),
        ("rate=10Mb/s@5", Some(""), "vif-rate"),
        ("rate=10Mb/s,rate=x", Some(""), "vif-rate vif-key-again"),
        (
            "mac=00:00:00:00:00:00",
            Some("mac=00:00:00:00:00:00"),
            "vif-mac-zero",
        ),
        ("mac=aa-0-0-0-0-11", Some(""), "vif-mac"),
        ("type=pv", Some(""), "vif-type"),
    ] {
        assert_eq!(codes_as(text, XM).0, None, "{text:?}");
        let (spec, mut codes) = codes_as(text, LENIENT_XM);
        let spec = spec.map(|spec| spec.to_string());
        codes.sort_unstable_by(|a, b| b.cmp(a));
        let mut found: Vec<&str> = found.split(' ').collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!((spec.as_deref(), codes), (lenient, found), "{text:?}");
    }
}

#[test]
fn a_rate_in_other_words_is_said_in_xens() {
    for (text, hint) in [
        ("10Mbit", "write `10Mb/s`: b is a bit, B a byte"),
        ("10mbps", "write `10Mb/s`: b is a bit, B a byte"),
        ("250 kB/s", "write `250KB/s`: b is a bit, B a byte"),
        ("1Gbyte/s@20ms", "write `1GB/s@20ms`: b is a bit, B a byte"),
        ("fast", "for example 10Mb/s, or 1MB/s@20ms"),
        ("10MiB/s", "for example 10Mb/s, or 1MB/s@20ms"),
    ] {
        let (_, out) = read_as(&format!("rate={text}"), XL);
        let hints: Vec<_> = out
            .iter()
            .filter_map(|found| found.hint.as_deref())
            .collect();
        assert_eq!(hints, [hint], "{text}");
    }
}
