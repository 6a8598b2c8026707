//! Frames as a kernel sends them, and what must not be read as one.

use super::*;

const NONCE: Nonce = *b"xenwire!";

fn v4(protocol: u8, rest: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(rest);
    packet
}

fn v6(next: u8, rest: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, next, 64];
    packet.extend(
        "2001:db8::1"
            .parse::<Ipv6Addr>()
            .expect("a valid text")
            .octets(),
    );
    packet.extend(
        "2001:db8::2"
            .parse::<Ipv6Addr>()
            .expect("a valid text")
            .octets(),
    );
    packet.extend(rest);
    packet
}

fn content_of(ethertype: u16, bytes: &[u8]) -> Option<Content> {
    match frame(ethertype, bytes)? {
        Frame::Packet(packet) => Some(packet.content),
        Frame::Question(_) => None,
    }
}

#[test]
fn an_echo_request_is_read_back_with_its_number() {
    let to = IpAddr::from([10, 0, 0, 2]);
    let request = echo_request(to, NONCE, 0x0102_0304);
    assert_eq!(
        checksum(&request),
        0,
        "a sum over itself is zero (RFC 1071)"
    );
    assert_eq!(request[..2], [8, 0]);
    let Some(Frame::Packet(packet)) = frame(ETH_P_IP, &v4(1, &request)) else {
        panic!("no packet")
    };
    assert_eq!((packet.from, packet.to), ([10, 0, 0, 1].into(), to));
    let Content::Request { load } = packet.content else {
        panic!("{packet:?}")
    };
    assert_eq!(number(&load, NONCE), Some(0x0102_0304));
    assert_eq!(number(&load, *b"another!"), None);
}

#[test]
fn an_icmpv6_request_leaves_its_checksum_to_the_kernel() {
    let request = echo_request(Ipv6Addr::LOCALHOST.into(), NONCE, 7);
    assert_eq!(request[..4], [128, 0, 0, 0]);
    let read = content_of(ETH_P_IPV6, &v6(58, &request));
    assert_eq!(
        read,
        Some(Content::Request {
            load: load(NONCE, 7).to_vec()
        })
    );
}

#[test]
fn checksum_of_an_odd_length() {
    // The last byte counts as the high one of a word (RFC 1071).
    assert_eq!(checksum(&[0x12, 0x34, 0x56]), !0x6834);
    assert_eq!(checksum(&[0xff, 0xff, 0x00, 0x01]), !1);
}

#[test]
fn ports_and_resets() {
    let mut segment = vec![0; 20];
    segment[..4].copy_from_slice(&[0x9c, 0x40, 0, 80]);
    let tcp = |reset| Content::Tcp {
        from_port: 40_000,
        to_port: 80,
        reset,
    };
    assert_eq!(content_of(ETH_P_IP, &v4(6, &segment)), Some(tcp(false)));
    segment[13] = 0x14;
    assert_eq!(content_of(ETH_P_IP, &v4(6, &segment)), Some(tcp(true)));
    // A destination option of eight bytes stands before UDP.
    let options = [
        17, 0, 1, 4, 0, 0, 0, 0, 0x9c, 0x40, 0, 53, 0, 10, 0, 0, 1, 2,
    ];
    let udp = Content::Udp {
        to_port: 53,
        load: vec![1, 2],
    };
    assert_eq!(content_of(ETH_P_IPV6, &v6(60, &options)), Some(udp));
}

#[test]
fn an_error_quotes_what_it_is_about() {
    for (code, said) in [
        (1, Objection::NoHost),
        (3, Objection::NoPort),
        (13, Objection::Prohibited),
        (0, Objection::NoRoute),
    ] {
        let mut error = vec![3, code, 0, 0, 0, 0, 0, 0];
        // Eight bytes of the transport, which is all that RFC 792 promises.
        error.extend(v4(6, &[0x9c, 0x40, 0, 80, 0, 0, 0, 0]));
        let Some(Content::Error { said: read, about }) = content_of(ETH_P_IP, &v4(1, &error))
        else {
            panic!("no error")
        };
        assert_eq!(read, said);
        assert_eq!(
            about.content,
            Content::Tcp {
                from_port: 40_000,
                to_port: 80,
                reset: false
            }
        );
    }
    let mut nested = vec![1, 1, 0, 0, 0, 0, 0, 0];
    nested.extend(v6(58, &nested.clone()));
    assert_eq!(
        content_of(ETH_P_IPV6, &v6(58, &nested)),
        None,
        "no error is about an error"
    );
}

#[test]
fn questions_for_a_link_address() {
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 1];
    arp.extend([2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2]);
    assert_eq!(
        frame(ETH_P_ARP, &arp),
        Some(Frame::Question([10, 0, 0, 2].into()))
    );
    arp[7] = 2;
    assert_eq!(frame(ETH_P_ARP, &arp), None, "an answer is no question");
    let target: Ipv6Addr = "fe80::2".parse().expect("a valid text");
    let mut solicitation = vec![135, 0, 0, 0, 0, 0, 0, 0];
    solicitation.extend(target.octets());
    assert_eq!(
        frame(ETH_P_IPV6, &v6(58, &solicitation)),
        Some(Frame::Question(target.into()))
    );
}

#[test]
fn a_later_fragment_is_not_read() {
    let mut packet = v4(17, &[0; 20]);
    packet[7] = 1;
    assert_eq!(frame(ETH_P_IP, &packet), None);
}

#[test]
fn nothing_short_or_wild_panics() {
    let mut error = vec![3, 1, 0, 0, 0, 0, 0, 0];
    error.extend(v4(1, &echo_request([10, 0, 0, 2].into(), NONCE, 1)));
    let whole = [
        v4(1, &error),
        v6(60, &[17, 9, 1, 4]),
        v6(58, &[135, 0]),
        v4(6, &[1]),
    ];
    for bytes in &whole {
        for end in 0..=bytes.len() {
            let _ = (
                frame(ETH_P_IP, &bytes[..end]),
                frame(ETH_P_ARP, &bytes[..end]),
            );
        }
        for at in 0..bytes.len() {
            for value in [0x00, 0x0f, 0x40, 0x4f, 0x60, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                let _ = frame(ETH_P_IP, &bytes);
            }
        }
    }
}
