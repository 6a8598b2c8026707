//! Specifications as people write them, and as they slip: generated, the same in every run.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// So many values of a strategy, always the same ones.
pub fn draw<T: std::fmt::Debug>(count: usize, strategy: impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    let mut tree = || strategy.new_tree(&mut runner).unwrap().current();
    (0..count).map(|_| tree()).collect()
}

fn text(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(words).prop_map(str::to_owned)
}

/// Rates: right ones, and ones that are wrong at any place.
pub fn rates() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        4 => "[1-9][0-9]{0,5}",
        1 => "0[0-9]{0,7}",
        1 => "[0-9]{1,3}[89][0-9]{0,3}",
        1 => text(&["4294967295", "4294967296", "18446744073709551616", "0", "", "-1", "0x10", "+5"]),
    ];
    let unit = prop_oneof![
        6 => "[GMK]?[Bb]/s",
        1 => text(&["b", "B", "Mb", "MiB/s", "kb/s", "bit/s", "/s", " Mb/s", "Mb/S", "Mb/s ", ""]),
    ];
    let interval = prop_oneof![
        3 => Just(String::new()),
        4 => ("@", "[0-9]{1,5}", "(us|ms|s|u|m|)").prop_map(|(at, n, unit)| format!("{at}{n}{unit}")),
        1 => text(&["@", "@@1s", "@1min", "@-1s", "@0", "@010ms", "@018", "@08s", "@4294967295us", "@4294967296us", "@4295s", "@ 1s"]),
    ];
    (number, unit, interval)
        .prop_map(|(number, unit, interval)| format!("{number}{unit}{interval}"))
}

fn numbers() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[1-9][0-9]{0,4}",
        2 => text(&["0", "007", "1500x", " 1500", "1500 ", "+9", "-1", "-2", "x", "", "0x20", "2147483647",
            "2147483648", "4294967295", "4294967296", "18446744073709551615", "99999999999999999999"]),
    ]
}

fn macs() -> impl Strategy<Value = String> {
    let byte = prop_oneof![
        12 => "[0-9a-fA-F]{2}",
        2 => "[0-9a-fA-F]",
        1 => text(&["100", "0x1f", "+7", " 7", "-1", "", "zz", "000000ff", "1000000ff", "g"]),
    ];
    let between =
        prop_oneof![12 => Just(":".to_owned()), 1 => text(&["-", ".", ",", " ", "::", ", "])];
    let behind =
        prop_oneof![8 => Just(String::new()), 1 => text(&[" ", ":", "x", ":00", " bridge=br0"])];
    let bytes = prop::collection::vec((byte, between), 3..8);
    prop_oneof![
        3 => any::<[u8; 5]>().prop_map(|[a, b, c, d, e]| format!("02:{a:02x}:{b:02x}:{c:02x}:{d:02X}:{e:02x}")),
        2 => (bytes, behind).prop_map(|(bytes, behind)| {
            let text: String = bytes.iter().map(|(byte, between)| format!("{byte}{between}")).collect();
            format!("{}{behind}", text.trim_end_matches(':'))
        }),
        1 => text(&["", "00:00:00:00:00:00", "00:16:3e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:1b:21:0:0:1"]),
    ]
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,8}[0-9]{0,2}",
        2 => text(&["xenbr0", "ovs0.10:20", "vif-route", "/etc/xen/scripts/vif-nat", "e1000", "ioemu", "vif", "0", "netdom",
            "192.0.2.7", "192.0.2.7 2001:db8::7", "192.0.2.0/24", "10p/20"]),
        1 => text(&["", " ", " br0", "br0 ", "a b", "a\tb", "sixteen-bytes-xxx", "vif%d", "vif1.0", "lo", "x-emu", "..",
            "a/b", "é", "192.0.2.300", "a=b", "\"", "\\", "'", "40000", "vif-bridge x=y"]),
    ]
}

/// One `key=value`, or what somebody took for one.
fn part() -> impl Strategy<Value = String> {
    let key = text(&[
        "bridge",
        "gatewaydev",
        "type",
        "model",
        "vifname",
        "script",
        "ip",
        "backend",
    ]);
    let odd_key = text(&[
        "brigde",
        "Bridge",
        "bridge ",
        " bridge",
        "\tbridge",
        "netdev",
        "accel",
        "colo_x",
        "colo_compare_out",
        "forwarddev",
        "trusted",
        "untrusted",
        "vlan",
        "",
        "mac ",
        "rate\t",
        "policy",
        "macaddr",
    ]);
    prop_oneof![
        4 => macs().prop_map(|mac| format!("mac={mac}")),
        6 => (key, words()).prop_map(|(key, word)| format!("{key}={word}")),
        2 => text(&["type=vif", "type=ioemu", "bridge=xenbr0", "ip=192.0.2.7"]),
        2 => rates().prop_map(|rate| format!("rate={rate}")),
        1 => numbers().prop_map(|number| format!("mtu={number}")),
        1 => numbers().prop_map(|number| format!("devid={number}")),
        2 => (odd_key, words()).prop_map(|(key, word)| format!("{key}={word}")),
        1 => text(&["trusted", "untrusted", "bridge", "", " ", "=", "==", "untrusted ", "192.0.2.8", "mac"]),
    ]
}

/// A specification; every other one with a slip of the hand.
pub fn specs() -> impl Strategy<Value = String> {
    let comma = prop_oneof![8 => Just(","), 3 => Just(", "), 1 => select(vec![",,", " ,", ",\t", ";", " "])];
    let parts = prop::collection::vec((part(), comma), 0..6);
    let slip = prop::option::of((
        any::<prop::sample::Index>(),
        select(vec!["", ",", "=", " ", "0", "é", "x", ":"]),
    ));
    (parts, slip).prop_map(|(parts, slip)| {
        let mut text: String = parts
            .iter()
            .map(|(part, comma)| format!("{part}{comma}"))
            .collect();
        if parts.len() % 3 != 0 {
            text.pop();
        }
        if let Some((place, other)) = slip.filter(|_| !text.is_empty()) {
            let place = place.index(text.len());
            if text.is_char_boundary(place) && text.is_char_boundary(place + 1) {
                text.replace_range(place..place + 1, other);
            }
        }
        text
    })
}
