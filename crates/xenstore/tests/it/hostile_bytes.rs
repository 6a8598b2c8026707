//! Bytes that are no requests, or not whole ones.

use std::io::Write;
use std::net::Shutdown;

use xenwire_xenstore::Nodes;
use xenwire_xenstore::wire::{Kind, Packet, terminated};

use crate::hostile::{GUEST, Lone, bytes, request};

/// Numbers that look random and are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn number(&mut self, bound: u32) -> u32 {
        u32::try_from(self.below(u64::from(bound))).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn one_of(&mut self, choices: &[u8]) -> u8 {
        choices[usize::try_from(self.below(choices.len().try_into().unwrap())).unwrap()]
    }

    /// Anything at all.
    fn noise(&mut self) -> Vec<u8> {
        (0..self.below(200)).map(|_| self.byte()).collect()
    }

    /// A right header before a payload that may now and then be a right one.
    fn almost(&mut self) -> Vec<u8> {
        let length = self.below(24);
        let payload = (0..length).map(|_| self.one_of(b"//aabb00127-_@nrwbTF\0\0\0\0\x01\xff"));
        let payload = payload.collect();
        bytes(&Packet {
            kind: Kind::from_number(self.number(40)),
            req_id: self.number(u32::MAX),
            tx_id: self.number(3),
            payload,
        })
    }
}

#[test]
fn fuzz_of_three_thousand_connections() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let mut dice = Dice(0x5eed_0f7e);
        for round in 0..1500 {
            let mut raw = lone.raw(if round % 2 == 0 { 0 } else { GUEST });
            for _ in 0..=dice.below(5) {
                let piece = match round % 3 {
                    0 => dice.noise(),
                    _ => dice.almost(),
                };
                // The server may have closed its end over an earlier piece.
                if raw.stream.write_all(&piece).is_err() {
                    break;
                }
            }
            let _ = raw.stream.shutdown(Shutdown::Write);
            raw.until_closed();
        }
    });
}

#[test]
fn a_length_beyond_the_limit_ends_the_connection() {
    let lone = Lone::start();
    lone.survives(|lone| {
        for length in [4097, 0x8000_0000, u32::MAX] {
            let mut raw = lone.raw(0);
            let mut header = bytes(&request(Kind::Write, ""));
            header[12..16].copy_from_slice(&length.to_ne_bytes());
            raw.stream.write_all(&header).unwrap();
            // Without waiting for the announced bytes, and without a place for them.
            assert_eq!(raw.until_closed(), 0, "announced: {length}");
        }
        let longest = [b"/a\0".to_vec(), vec![b'x'; 4096 - 3]].concat();
        assert_eq!(
            lone.raw(0).ask(&request(Kind::Write, longest)).unwrap(),
            b"OK\0"
        );
    });
}

#[test]
fn hundreds_of_half_messages_hang() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let whole = bytes(&request(Kind::Write, *b"/half\0value"));
        let mut hanging: Vec<_> = (0..300)
            .map(|number| {
                let mut raw = lone.raw(0);
                let sent = 1 + number % (whole.len() - 1);
                raw.stream.write_all(&whole[..sent]).unwrap();
                (raw, sent)
            })
            .collect();
        let mut store = lone.client(0);
        assert!(!store.exists("/half").unwrap());
        // One half is finished late, and counts; the others are given up.
        let (raw, sent) = &mut hanging[17];
        raw.stream.write_all(&whole[*sent..]).unwrap();
        assert_eq!(raw.reply().unwrap(), b"OK\0");
        assert_eq!(store.read("/half").unwrap(), b"value");
        store.rm("/half").unwrap();
        drop(hanging);
    });
}

#[test]
fn a_number_that_no_request_has_is_refused_by_name() {
    let lone = Lone::start();
    let mut raw = lone.raw(0);
    for number in [10_000, u32::MAX] {
        let unknown = request(Kind::from_number(number), "/\0");
        assert_eq!(raw.ask(&unknown), Err("ENOSYS".to_owned()), "{number}");
    }
    // What only a server sends.
    for kind in [Kind::WatchEvent, Kind::Error] {
        assert!(raw.ask(&request(kind, terminated(["/a", "t"]))).is_err());
    }
    let no_end = request(Kind::Read, "/a");
    assert_eq!(raw.ask(&no_end), Err("EINVAL".to_owned()));
    assert_eq!(raw.ask(&request(Kind::Read, "")), Err("EINVAL".to_owned()));
}
