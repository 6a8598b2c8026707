//! Bytes as a kernel sent them, and bytes as nobody should.

use super::*;
use crate::{Attribute, Hop, Kind, Query, Verb};

/// An error of Linux 6.18 to RTM_SETLINK with an unknown master, NETLINK_CAP_ACK and
/// NETLINK_EXT_ACK on.
#[test]
fn an_error_with_the_kernels_words() {
    let mut bytes = Vec::new();
    let text = b"Master device does not exist\0";
    let attribute = 4 + text.len();
    let length = 16 + 4 + 16 + attribute.next_multiple_of(4);
    bytes.extend(u32::try_from(length).unwrap().to_ne_bytes()); // nlmsg_len
    bytes.extend(2u16.to_ne_bytes()); // NLMSG_ERROR
    bytes.extend(0x300u16.to_ne_bytes()); // NLM_F_CAPPED | NLM_F_ACK_TLVS
    bytes.extend(7u32.to_ne_bytes()); // sequence
    bytes.extend(0u32.to_ne_bytes());
    bytes.extend((-22i32).to_ne_bytes()); // -EINVAL
    bytes.extend([0; 16]); // the refused header
    bytes.extend(u16::try_from(attribute).unwrap().to_ne_bytes());
    bytes.extend(1u16.to_ne_bytes()); // NLMSGERR_ATTR_MSG
    bytes.extend(text);
    bytes.resize(length, 0);
    let text = Some("Master device does not exist".to_owned());
    assert_eq!(
        decode(Protocol::Route, &bytes).unwrap(),
        [(7, Reply::Refused { errno: 22, text })]
    );
}

#[test]
fn what_is_sent_can_be_read() {
    let link = Link {
        index: 3,
        name: Some("br0".into()),
        mac: Some([2, 0, 0, 0, 0, 1]),
        mtu: Some(9000),
        master: Some(9),
        alias: Some("xenwire vif1.0".into()),
        up: Some(true),
        arp: Some(false),
        multicast: Some(true),
        kind: Some(Kind::Bridge {
            stp: false,
            forward_delay: 0,
            filters: Some(7),
        }),
        ..Link::default()
    };
    let bytes = Verb::CreateLink(link.clone()).encode(42);
    assert_eq!(
        decode(Protocol::Route, &bytes).unwrap(),
        [(42, Reply::Link(link))]
    );

    let address = Address {
        index: 3,
        local: "192.0.2.1".parse().unwrap(),
        prefix_len: 32,
        peer: Some("192.0.2.2".parse().unwrap()),
        broadcast: Some("192.0.2.255".parse().unwrap()),
        label: Some("br0:1".into()),
        scope: 253,
        flags: 0x202,
        valid: 100,
        preferred: 50,
        protocol: 3,
        metric: 50,
    };
    let bytes = Verb::AddAddress(address.clone()).encode(1);
    assert_eq!(
        decode(Protocol::Route, &bytes).unwrap(),
        [(1, Reply::Address(address))]
    );

    for route in routes() {
        let bytes = Verb::AddRoute(route.clone()).encode(1);
        assert_eq!(read_one(&bytes), Reply::Route(route));
    }
    let bytes = Verb::AddRule(rule()).encode(1);
    assert_eq!(read_one(&bytes), Reply::Rule(rule()));
    for neighbour in neighbours() {
        let bytes = Verb::AddNeighbour(neighbour.clone()).encode(1);
        assert_eq!(read_one(&bytes), Reply::Neighbour(neighbour));
    }
}

fn read_one(bytes: &[u8]) -> Reply {
    let mut replies = decode(Protocol::Route, bytes).unwrap();
    assert_eq!(replies.len(), 1);
    replies.remove(0).1
}

fn routes() -> [Route; 3] {
    let plain = Route {
        to: "2001:db8::".parse().unwrap(),
        prefix_len: 32,
        from: Some(("2001:db8:1::".parse().unwrap(), 48)),
        tos: 0,
        table: 1000,
        kind: 1,
        hops: vec![Hop {
            index: 3,
            via: Some("fe80::1".parse().unwrap()),
            flags: 4,
            weight: 0,
            attributes: vec![Attribute {
                // RTA_FLOW
                kind: 11,
                value: 5u32.to_ne_bytes().to_vec(),
            }],
        }],
        metric: 1024,
        source: None,
        scope: 0,
        protocol: 4,
        expires: Some(300),
        nexthop: None,
        attributes: vec![Attribute {
            // RTA_PREF
            kind: 20,
            value: vec![1],
        }],
    };
    let hop = |index, via: &str| Hop {
        index,
        via: Some(via.parse().unwrap()),
        flags: 0,
        weight: u8::try_from(index).unwrap(),
        attributes: vec![
            Attribute {
                // RTA_ENCAP_TYPE
                kind: 21,
                value: vec![2, 0],
            },
            Attribute {
                // RTA_ENCAP
                kind: 22,
                value: index.to_ne_bytes().to_vec(),
            },
        ],
    };
    let several = Route {
        to: "0.0.0.0".parse().unwrap(),
        prefix_len: 0,
        from: None,
        tos: 0x10,
        hops: vec![hop(3, "192.0.2.1"), hop(4, "fe80::1")],
        source: Some("192.0.2.9".parse().unwrap()),
        expires: None,
        attributes: vec![],
        ..plain.clone()
    };
    let of_object = Route {
        hops: vec![],
        nexthop: Some(7),
        ..several.clone()
    };
    [plain, several, of_object]
}

fn rule() -> Rule {
    Rule {
        ipv6: false,
        priority: 100,
        from: Some(("192.0.2.0".parse().unwrap(), 24)),
        to: None,
        iif: Some("eth0".into()),
        oif: None,
        table: 1000,
        action: 1,
        tos: 0x10,
        flags: 2,
        protocol: 3,
        attributes: vec![Attribute {
            // FRA_FWMARK
            kind: 10,
            value: 7u32.to_ne_bytes().to_vec(),
        }],
    }
}

fn neighbours() -> [Neighbour; 2] {
    let known = Neighbour {
        index: 3,
        to: "192.0.2.7".parse().unwrap(),
        mac: Some([2, 0, 0, 0, 0, 7]),
        state: Neighbour::PERMANENT,
        flags: 0,
        protocol: 4,
    };
    let proxy = Neighbour {
        to: "2001:db8::7".parse().unwrap(),
        mac: None,
        state: 0,
        flags: Neighbour::PROXY,
        ..known.clone()
    };
    [known, proxy]
}

/// With a nexthop object the kernel tells the hops too, and refuses to be told them.
#[test]
fn the_hops_of_a_nexthop_object_are_not_sent() {
    let [plain, _, of_object] = routes();
    let both = Route {
        hops: plain.hops,
        ..of_object.clone()
    };
    let bytes = Verb::AddRoute(both).encode(1);
    assert_eq!(read_one(&bytes), Reply::Route(of_object));
}

#[test]
fn every_cut_and_every_flipped_bit_is_survived() {
    let peer = Link {
        name: Some("p".into()),
        mac: Some([2; 6]),
        ..Link::default()
    };
    let veth = Link {
        name: Some("vif1.0".into()),
        kind: Some(Kind::Veth(Some(Box::new(peer)))),
        ..Link::default()
    };
    let whole = [
        Verb::CreateLink(veth).encode(1),
        Query::Addresses(Some(1)).encode(2),
        Verb::AddRule(rule()).encode(5),
        routes().map(|r| Verb::AddRoute(r).encode(6)).concat(),
        neighbours()
            .map(|n| Verb::AddNeighbour(n).encode(7))
            .concat(),
        bytes_of(OFFLOADS),
        Query::Routes {
            ipv6: true,
            index: Some(1),
        }
        .encode(3),
    ]
    .concat();
    for cut in 0..whole.len() {
        for protocol in [Protocol::Route, Protocol::Generic] {
            let _ = decode(protocol, &whole[..cut]);
        }
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[cut] ^= 1 << bit;
            for protocol in [Protocol::Route, Protocol::Generic] {
                let _ = decode(protocol, &flipped);
            }
        }
    }
}

/// As Linux 6.18 told them, after `ip route add 198.51.100.0/24 metric 7 nexthop via 192.0.2.7
/// weight 3 nexthop via inet6 fe80::7 dev va` ...
const SEVERAL_HOPS: &str = "680000001800020009000000ae6b000002180000fe0300010000000008000f00fe00000008000100c6336400\
     080006000700000034000900100000020300000008000500c00002072000000003000000160012000a00fe80\
     00000000000000000000000000070000";
/// ... `ip -6 route add 2001:db8:9::/48 via fe80::9 dev va expires 300` ...
const WITH_AN_END: &str = "880000001800020009000000fc6d00000a300000fe0300010000000008000f00fe0000001400010020010db8\
     000900000000000000000000080006000004000014000500fe80000000000000000000000000000908000400\
     0300000024000c000000000000000000e6740000000000000000000000000000000000000000000005001400\
     00000000";
/// ... `ip route add blackhole 203.0.113.0/24 table 1000 mtu lock 1400` ...
const BLACKHOLE: &str = "400000001800020009000000ae6b000002180000fc0300060000000008000f00e803000008000100cb007100\
     1400080008000100040000000800020078050000";
/// ... `ip rule add from 192.0.2.0/24 iif va fwmark 7/15 table 1000 priority 100` ...
const RULE: &str = "5c0000002000020009000000d16d000002001800fc0000010000000008000f00e803000008000e00ffffffff\
     05001500000000000700030076610000080006006400000008000a0007000000080010000f00000008000200\
     c0000200";
/// ... and `ip neighbour add 192.0.2.7 lladdr 2:0:0:0:0:7 nud permanent dev va`.
const NEIGHBOUR: &str = "4c0000001c00020009000000d16d000002000000030000008000000108000100c00002070a00020002000000\
     0007000008000400000000001400030028000000280000002800000000000000";
/// An answer to the question for a link's offloads, by ethtool-netlink.rst: two can be changed, and
/// one of them is wished for; one the hardware has not, one never changes.
const OFFLOADS: &str = "2c0100001400000009000000000000000b0100000c0001800800010003000000840002800800020040000000\
     780003801c000180080001000e0000000b00020072782d67726f0000040003001c0001800800010014000000\
     0c00020074782d7363747000040003001c000180080001000d0000000d0002006c6f6f706261636b00000000\
     20000180080001001c000000100002006e65746e732d6c6f63616c00040003002c0003800400010008000200\
     400000001c00038018000180080001000e0000000b00020072782d67726f00002c0004800400010008000200\
     400000001c00038018000180080001000e0000000b00020072782d67726f0000300005800400010008000200\
     40000000200003801c000180080001001c000000100002006e65746e732d6c6f63616c00";

fn bytes_of(hex: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[test]
fn routes_as_the_kernel_tells_them() {
    let route = |hex: &str| match read_one(&bytes_of(hex)) {
        Reply::Route(route) => route,
        other => panic!("{other:?}"),
    };
    let several = route(SEVERAL_HOPS);
    let hops: Vec<_> = several
        .hops
        .iter()
        .map(|hop| (hop.index, hop.weight))
        .collect();
    assert_eq!(hops, [(3, 2), (3, 0)]);
    assert_eq!(several.hops[1].via, Some("fe80::7".parse().unwrap()));
    assert_eq!((several.metric, several.table), (7, 254));

    let with_an_end = route(WITH_AN_END);
    assert_eq!(with_an_end.expires, Some(299));
    assert_eq!(
        with_an_end.attributes.len(),
        1,
        "RTA_PREF, and no times: {with_an_end:?}"
    );

    let blackhole = route(BLACKHOLE);
    assert_eq!((blackhole.kind, blackhole.table), (6, 1000));
    assert!(blackhole.hops.is_empty());
    assert_eq!(blackhole.attributes[0].kind, 8, "RTA_METRICS");
}

#[test]
fn rules_and_neighbours_as_the_kernel_tells_them() {
    let Reply::Rule(rule) = read_one(&bytes_of(RULE)) else {
        panic!("no rule");
    };
    assert_eq!((rule.priority, rule.table, rule.action), (100, 1000, 1));
    assert_eq!(rule.from, Some(("192.0.2.0".parse().unwrap(), 24)));
    assert_eq!(rule.iif.as_deref(), Some("va"));
    let unread: Vec<u16> = rule.attributes.iter().map(|a| a.kind).collect();
    assert_eq!(
        unread,
        [14, 10, 16],
        "FRA_SUPPRESS_PREFIXLEN, FRA_FWMARK, FRA_FWMASK"
    );

    let Reply::Neighbour(neighbour) = read_one(&bytes_of(NEIGHBOUR)) else {
        panic!("no neighbour");
    };
    assert_eq!(neighbour.mac, Some([2, 0, 0, 0, 0, 7]));
    assert_eq!(neighbour.state, Neighbour::PERMANENT);
}

#[test]
fn offloads_that_can_be_changed() {
    let replies = decode(Protocol::Generic, &bytes_of(OFFLOADS)).unwrap();
    let features = [("rx-gro", true), ("tx-sctp", false)];
    let features = features.map(|(name, on)| (name.to_owned(), on)).into();
    assert_eq!(replies, [(9, Reply::Features(features))]);
}
