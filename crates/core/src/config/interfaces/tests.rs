//! What is read from an interfaces file, and what is said of what cannot be.

use super::*;
use crate::diag::code::interfaces as code;
use crate::diag::{Code, Severity};
use proptest::prelude::*;

fn found(text: &str) -> (Option<Interfaces>, Vec<&'static Code>, Diagnostics) {
    let mut out = Diagnostics::new();
    let read = read(text, "interfaces", &mut out);
    let codes = out.iter().map(|d| d.code).collect();
    (read, codes, out)
}

fn clean(text: &str) -> Interfaces {
    let (read, _, out) = found(text);
    assert!(out.is_empty(), "{text:?}: {out:?}");
    read.unwrap()
}

const CORPUS: [&str; 5] = [
    include_str!("../../../tests/corpus/interfaces/stock.txt"),
    include_str!("../../../tests/corpus/interfaces/bridges.txt"),
    include_str!("../../../tests/corpus/interfaces/vlans.txt"),
    include_str!("../../../tests/corpus/interfaces/seed.txt"),
    include_str!("../../../tests/corpus/interfaces/ifupdown2.txt"),
];

#[test]
fn files_of_the_field_are_read_without_a_word() {
    for text in CORPUS {
        clean(text);
    }
}

fn values<'a>(words: impl IntoIterator<Item = &'a Spanned<String>>) -> Vec<&'a str> {
    words.into_iter().map(|word| word.value.as_str()).collect()
}

#[test]
fn every_kind_of_stanza_is_kept() {
    let read = clean(CORPUS[2]);
    assert_eq!(
        values(read.class("auto")),
        ["bond0", "bond0.10", "vlan20", "vlan0030", "guests"]
    );
    assert_eq!(values(read.class("hotplug")), ["/eth*"]);
    let [
        Stanza::Selection(down),
        Stanza::Selection(scripts),
        Stanza::Rename(rename),
        ..,
    ] = read.stanzas.as_slice()
    else {
        panic!("{:?}", read.stanzas)
    };
    assert_eq!(
        (&down.what, values(&down.names)),
        (&Chosen::NoAutoDown, vec!["bond0"])
    );
    assert_eq!(scripts.what, Chosen::NoScripts);
    assert_eq!(values(rename), ["wan0=eth7"]);
    let Some(Stanza::Mapping(mapping)) = read.stanzas.last() else {
        panic!("{:?}", read.stanzas)
    };
    assert_eq!(values(&mapping.patterns), ["eth3", "eth4"]);
    assert_eq!(
        mapping.script.as_ref().unwrap().value,
        "/usr/local/sbin/which-lan"
    );
    assert_eq!(values(&mapping.maps), ["home lan-home", "work lan-work"]);
    let stock = clean(CORPUS[0]);
    let include = stock.includes().next().unwrap();
    assert_eq!(include.pattern.value, "/etc/network/interfaces.d/*");
    assert!(!include.directory);
}

#[test]
fn the_vlan_stanza_of_the_first_text_is_kept_as_commands() {
    let read = clean(CORPUS[3]);
    let commands: Vec<(Phase, &str)> = read
        .commands()
        .map(|(iface, phase, command)| {
            assert_eq!(iface.name.value, "xen-br293");
            (phase, command.value.as_str())
        })
        .collect();
    assert_eq!(commands.len(), 5);
    assert_eq!(commands[0], (Phase::Up, "vconfig add eth0 293"));
    assert_eq!(commands[4], (Phase::Down, "vconfig rem eth0.293"));
    assert!(commands[1].1.ends_with("bridge=xen-br293 antispoof=no"));
}

#[test]
fn bridges_and_their_ports() {
    let read = clean(CORPUS[1]);
    let bridges = read.bridges();
    let names: Vec<&str> = bridges
        .iter()
        .map(|bridge| bridge.name.value.as_str())
        .collect();
    assert_eq!(names, ["br0", "br1", "xenbr2"]);
    let [Port::Named(port)] = bridges[0].ports.as_slice() else {
        panic!("{:?}", bridges[0].ports)
    };
    assert_eq!((port.value.as_str(), port.span.line()), ("eth0", 13));
    let [Port::Matching(pattern), Port::Named(port)] = bridges[1].ports.as_slice() else {
        panic!("{:?}", bridges[1].ports)
    };
    assert_eq!(
        (pattern.value.as_str(), port.value.as_str()),
        ("(eth1|vif).*", "dummy0")
    );
    assert_eq!(bridges[2].ports, []);
    let all = clean("iface b inet manual\nbridge_ports all\n bridge-ports glob swp1-4\n");
    assert!(matches!(
        all.bridges()[0].ports.as_slice(),
        [Port::All(_), Port::Glob(_)]
    ));
    let (commented, codes, _) = found("iface b inet manual\n bridge_ports eth0 # eth1\n");
    assert_eq!(codes, [code::COMMENT]);
    assert_eq!(commented.unwrap().bridges()[0].ports.len(), 1);
}

#[test]
fn vlan_links_in_every_spelling() {
    let read = clean(CORPUS[2]);
    let vlans: Vec<(&str, u16, &str)> = read
        .vlans()
        .into_iter()
        .map(|vlan| {
            let parent = vlan.parent.map_or(String::new(), |parent| parent.value);
            assert_eq!(parent, "bond0");
            (vlan.iface.name.value.as_str(), vlan.id, "bond0")
        })
        .collect();
    let named = ["bond0.10", "vlan20", "vlan0030", "guests"];
    let ids = [10, 20, 30, 40];
    let wanted: Vec<(&str, u16, &str)> = named
        .into_iter()
        .zip(ids)
        .map(|(name, id)| (name, id, "bond0"))
        .collect();
    assert_eq!(vlans, wanted);
    for (name, vlans) in [
        ("eth0.10.20", vec![("eth0.10", 20)]),
        ("eth0.0007", vec![("eth0", 7)]),
        ("vif1.0", vec![]),
        ("eth0.10:1", vec![]),
        ("vlans", vec![]),
        ("br.lan", vec![]),
    ] {
        let text = format!("iface {name} inet manual\n");
        let read = clean(&text);
        let found: Vec<(String, u16)> = read
            .vlans()
            .into_iter()
            .map(|vlan| (vlan.parent.unwrap().value, vlan.id))
            .collect();
        let vlans: Vec<(String, u16)> = vlans
            .into_iter()
            .map(|(parent, id)| (parent.to_owned(), id))
            .collect();
        assert_eq!(found, vlans, "{name}");
    }
    assert_eq!(clean("iface vlan5 inet manual\n").vlans()[0].parent, None);
    assert_eq!(
        clean("iface vlan0 inet manual\nbridge_ports eth0\n").vlans(),
        []
    );
}

#[test]
fn addresses_of_all_stanzas_inherited_ones_too() {
    for (text, nets) in [
        (CORPUS[1], vec!["br0 10.0.0.2/24", "br0 fd00::2/64"]),
        (
            CORPUS[2],
            vec![
                "bond0.10 172.16.10.1/16",
                "vlan20 172.20.0.1/16",
                "guests:1 10.9.8.7/32",
                "eth2 192.0.2.1/24",
            ],
        ),
        (
            "iface a inet static\naddress 1.2.3.4\nnetmask 30\niface b inherits a\n",
            vec!["a 1.2.3.4/30", "b 1.2.3.4/30"],
        ),
    ] {
        let (read, ..) = found(text);
        let read = read.unwrap();
        let found: Vec<String> = read
            .addresses()
            .iter()
            .map(|address| format!("{} {}", address.iface.name.value, address.net.value))
            .collect();
        assert_eq!(found, nets);
    }
}

#[test]
fn says_what_is_wrong() {
    use Severity::{Error, Warning};
    let long = "iface sixteen-bytes-xx inet manual";
    for (text, code, severity) in [
        ("atuo eth0\niface eth0 inet manual", code::MISPLACED, Error),
        (
            "ifcae eth0 inet static\n address 10.0.0.1/24\n mtu 1500",
            code::MISPLACED,
            Error,
        ),
        ("address 10.0.0.1", code::MISPLACED, Error),
        ("allow- a\niface a inet manual", code::MISPLACED, Error),
        (
            "auto a\n mtu 1500\niface a inet manual",
            code::MISPLACED,
            Error,
        ),
        ("mapping eth0\n script x\n mpa a b", code::MISPLACED, Error),
        ("mapping eth0\n script x\n script y", code::SCRIPT, Error),
        ("mapping eth0\n map a b", code::SCRIPT, Warning),
        ("iface eth0 inet manual\n up", code::EMPTY, Error),
        ("iface", code::EMPTY, Error),
        ("auto", code::EMPTY, Warning),
        ("source", code::EMPTY, Warning),
        ("iface eth0", code::NO_FAMILY, Warning),
        (
            "iface eth0 innet static\naddress 10.0.0.1",
            code::FAMILY,
            Error,
        ),
        ("iface eth0 dhcp", code::FAMILY, Error),
        ("iface eth0 inet", code::METHOD, Error),
        (
            "iface eth0 inet staitc\naddress 10.0.0.1",
            code::METHOD,
            Error,
        ),
        ("iface eth0 inet6 bootp", code::METHOD, Error),
        ("iface eth0 inherits base", code::INHERITS, Error),
        ("iface eth0 inet manual inherits", code::INHERITS, Error),
        (
            "iface a inet manual\niface b inet6 manual inherits a",
            code::INHERITS,
            Error,
        ),
        ("iface eth0 inet manual extra", code::EXTRA, Warning),
        (
            "iface eth0 inet manual\n mtu 1500 # jumbo",
            code::COMMENT,
            Warning,
        ),
        (
            "auto eth0 # first\niface eth0 inet manual",
            code::COMMENT,
            Warning,
        ),
        (long, code::NAME, Error),
        (
            "iface b inet manual\n bridge_ports sixteen-bytes-xx",
            code::NAME,
            Error,
        ),
        (
            "auto eth1 eth1\niface eth0 inet manual",
            code::UNDEFINED,
            Warning,
        ),
        (
            "iface eth0 inet static\n adress 10.0.0.1\n address 10.0.0.1",
            code::UNKNOWN_OPTION,
            Warning,
        ),
        (
            "iface b inet manual\n bridge_prots eth0",
            code::UNKNOWN_OPTION,
            Warning,
        ),
        (
            "iface eth0 inet manual\natuo eth0",
            code::UNKNOWN_OPTION,
            Warning,
        ),
        (
            "iface eth0 inet static\n address 10.0.0.256/24",
            code::ADDRESS,
            Error,
        ),
        (
            "iface eth0 inet static\n address fd00::1/64",
            code::ADDRESS,
            Error,
        ),
        (
            "iface eth0 inet static\n address 10.0.0.1/24\n gateway router",
            code::ADDRESS,
            Error,
        ),
        (
            "iface eth0 inet static\n mtu 1500",
            code::NO_ADDRESS,
            Warning,
        ),
        (
            "iface eth0 inet static\n address 10.0.0.1\n netmask 255.0.255.0",
            code::NETMASK,
            Error,
        ),
        (
            "iface eth0 inet static\n address 10.0.0.1/33",
            code::NETMASK,
            Error,
        ),
        (
            "iface eth0 inet static\n address 10.0.0.1\n address 10.0.0.2",
            code::TWICE,
            Warning,
        ),
        ("iface eth0 inet manual\n mtu large", code::VALUE, Error),
        (
            "iface eth0 inet manual\n hwaddress ether 00:16",
            code::VALUE,
            Error,
        ),
        (
            "iface br0 inet manual\n bridge_ports br0 eth0",
            code::OWN_PORT,
            Error,
        ),
        (
            "auto a b\niface a inet manual\n bridge_ports eth0\niface b inet manual\n bridge-ports eth0",
            code::PORT_TWICE,
            Error,
        ),
        (
            "auto a\niface a inet manual\n bridge_ports eth0\niface b inet manual\n bridge-ports eth0",
            code::PORT_TWICE,
            Warning,
        ),
        (
            "auto a\nno-auto-down b\niface a inet manual\n bridge_ports eth0\niface b inet manual\n bridge-ports eth0",
            code::PORT_TWICE,
            Warning,
        ),
        ("iface eth0.4095 inet manual", code::VLAN_ID, Error),
        (
            "iface vlan0 inet manual\nvlan-raw-device eth0",
            code::VLAN_ID,
            Error,
        ),
        (
            "iface lan inet manual\nvlan-raw-device eth0",
            code::VLAN_ID,
            Warning,
        ),
        (
            "iface lan inet manual\nvlan-raw-device eth0\nvlan-id 70000",
            code::VLAN_ID,
            Error,
        ),
    ] {
        let (read, codes, out) = found(text);
        assert_eq!(codes, [code], "{text}: {out:?}");
        assert_eq!(out.iter().next().unwrap().severity, severity, "{text}");
        assert_eq!(read.is_some(), severity == Warning, "{text}");
    }
}

#[test]
fn what_is_legal_passes_without_a_word() {
    for text in [
        "iface br0 inet manual\n bridge_ports eth0\niface br0 inet6 manual\n bridge_ports eth0\n",
        "source x\niface eth0 inherits base\nauto eth9\n",
        "iface long-name-for-a-template inet manual\niface eth0 inherits long-name-for-a-template\n",
        "auto /eth*=everything-that-is-a-nic\niface everything-that-is-a-nic inet dhcp\n",
        "iface eth0 inet manual\n wpa-ssid a # b\n up echo a # b\n description a #1\n",
        "iface eth0 inet manual\n my-own-thing x\n wireless_essid y\n bond_mode 1\n",
        "iface eth0 inet manual\n hwaddress random\niface eth1 inet manual\n hwaddress ether 02:00:00:00:00:01\n",
        "iface eth0 inet static\n address ${ADDRESS}\n",
        "auto lo /eth*\n",
        "template wide\n mtu 9000\niface eth0 inet manual inherits wide\n",
    ] {
        let (read, codes, out) = found(text);
        assert!(read.is_some() && codes.is_empty(), "{text}: {out:?}");
    }
}

#[test]
fn an_auto_line_without_links_does_not_end_the_stanza() {
    let (read, codes, _) = found("iface eth0 inet manual\nauto\nmtu 1400\n");
    assert_eq!(codes, [code::EMPTY]);
    let read = read.unwrap();
    assert_eq!(read.ifaces().next().unwrap().options.len(), 1);
}

#[test]
fn hints_can_be_acted_on() {
    for (text, hint) in [
        ("atuo eth0\niface eth0 inet manual", "did you mean `auto`?"),
        ("iface eth0 dhcp", "write `inet dhcp`"),
        (
            "iface eth0 inet staitc\naddress 10.0.0.1",
            "did you mean `static`?",
        ),
        (
            "iface b inet manual\n bridge_prots eth0",
            "did you mean `bridge-ports`?",
        ),
        ("auto eht0\niface eth0 inet manual", "did you mean `eth0`?"),
    ] {
        let (_, _, out) = found(text);
        assert_eq!(
            out.iter().next().unwrap().hint.as_deref(),
            Some(hint),
            "{text}"
        );
    }
}

#[test]
fn all_faults_of_a_file_come_at_once_and_at_their_places() {
    let text = "atuo eth0\niface eth0 inet staitc\n\taddress 10.0.0.300\n\tup\niface eth0.5000 inet manual\n";
    let (read, codes, out) = found(text);
    assert!(read.is_none());
    assert_eq!(codes.len(), 5, "{out:?}");
    let places: Vec<(usize, &str)> = out
        .sorted()
        .iter()
        .map(|d| (d.span.line(), d.span.text()))
        .collect();
    assert_eq!(
        places,
        [
            (1, "atuo"),
            (2, "staitc"),
            (3, "10.0.0.300"),
            (4, "up"),
            (5, "5000")
        ]
    );
}

#[test]
fn merged_options_are_those_ifquery_lists() {
    let read = clean(
        "iface a inet manual\n x 1\n up one\niface b inet manual inherits a\n x 2\n y? 3\n y? 4\n post-up two\n pre-down three\n",
    );
    let merged = read.merged(read.ifaces().nth(1).unwrap());
    let merged: Vec<(&str, &str)> = merged
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        merged,
        [
            ("x", "1\n2"),
            ("up", "one"),
            ("y", "3"),
            ("up", "two"),
            ("down", "three")
        ]
    );
}

#[test]
fn a_megabyte_of_anything_is_read_in_linear_time() {
    for piece in [
        "\\\n",
        "a ",
        "# x\n",
        "iface a inherits a\n",
        "iface a inet manual\n",
        "auto eth0\n",
        "\n",
        "iface b inet manual\nbridge_ports c d\n",
        "atuo b\n",
        "auto xyz1 ",
        "iface a inet static\naddress x\n",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        let (read, ..) = found(&text);
        if let Some(read) = read {
            let _ = (read.bridges(), read.vlans(), read.addresses());
        }
    }
}

fn sane(text: &str) -> Result<(), TestCaseError> {
    let mut out = Diagnostics::new();
    let interfaces = read(text, "f", &mut out);
    let mut again = Diagnostics::new();
    prop_assert_eq!(&interfaces, &read(text, "f", &mut again));
    prop_assert_eq!(&out, &again);
    prop_assert_eq!(interfaces.is_some(), !out.has_errors());
    for diagnostic in out.iter() {
        prop_assert!(text.get(diagnostic.span.range()).is_some());
    }
    let Some(interfaces) = interfaces else {
        return Ok(());
    };
    for option in interfaces.ifaces().flat_map(|iface| &iface.options) {
        let written = option.value.span.text().replace("\\\n", "");
        prop_assert_eq!(&written, &option.value.value);
    }
    let _ = (
        interfaces.bridges(),
        interfaces.vlans(),
        interfaces.addresses(),
    );
    for iface in interfaces.ifaces() {
        let _ = interfaces.merged(iface);
    }
    Ok(())
}

proptest! {
    #[test]
    fn fuzz_any_text(text in any::<String>()) {
        sane(&text)?;
    }

    #[test]
    fn fuzz_pieces_of_files(
        pieces in proptest::collection::vec((0usize..CORPUS.len(), 0usize..2000, 0usize..200), 1..8),
        glue in "[ \n\\\\#a\u{b}é]{0,3}",
    ) {
        let mut text = String::new();
        for (file, start, length) in pieces {
            let file = CORPUS[file];
            text.extend(file.chars().skip(start % file.len()).take(length));
            text.push_str(&glue);
        }
        sane(&text)?;
    }

    #[test]
    fn fuzz_shuffled_lines(lines in proptest::collection::vec((0usize..CORPUS.len(), 0usize..60), 0..40)) {
        let mut text = String::new();
        for (file, line) in lines {
            let file: Vec<&str> = CORPUS[file].lines().collect();
            text.push_str(file[line % file.len()]);
            text.push('\n');
        }
        sane(&text)?;
    }
}
