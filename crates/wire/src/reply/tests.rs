//! Bytes as a kernel sent them, and bytes as nobody should.

use super::*;
use crate::{Kind, Query, Verb};

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
        decode(&bytes).unwrap(),
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
        kind: Some(Kind::Bridge {
            stp: false,
            forward_delay: 0,
        }),
        ..Link::default()
    };
    let bytes = Verb::CreateLink(link.clone()).encode(42);
    assert_eq!(decode(&bytes).unwrap(), [(42, Reply::Link(link))]);

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
    assert_eq!(decode(&bytes).unwrap(), [(1, Reply::Address(address))]);

    let route = Route {
        to: "2001:db8::".parse().unwrap(),
        prefix_len: 32,
        table: 1000,
        kind: 1,
        via: Some("fe80::1".parse().unwrap()),
        index: Some(3),
        metric: 1024,
        source: None,
        scope: 0,
        protocol: 4,
    };
    let bytes = Verb::AddRoute(route.clone()).encode(1);
    assert_eq!(decode(&bytes).unwrap(), [(1, Reply::Route(route))]);
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
        Query::Routes {
            ipv6: true,
            index: Some(1),
        }
        .encode(3),
    ]
    .concat();
    for cut in 0..whole.len() {
        let _ = decode(&whole[..cut]);
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[cut] ^= 1 << bit;
            let _ = decode(&flipped);
        }
    }
}
