//! Clients that take all they can get, do not read, or die.

use std::io::Write;

use xenwire_xenstore::wire::{Kind, Packet, terminated};
use xenwire_xenstore::{Domid, Nodes};

use crate::hostile::{GUEST, Lone, Raw, bytes, request};

fn start(raw: &mut Raw) -> Result<u32, String> {
    let tx_id = raw.ask(&request(Kind::TransactionStart, "\0"))?;
    let text = String::from_utf8(tx_id).unwrap();
    Ok(text.trim_end_matches('\0').parse().unwrap())
}

fn end(raw: &mut Raw, tx_id: u32, how: &str) -> Result<Vec<u8>, String> {
    raw.ask(&Packet {
        tx_id,
        ..request(Kind::TransactionEnd, terminated([how]))
    })
}

fn write(raw: &mut Raw, tx_id: u32, path: &str, value: &str) -> Result<Vec<u8>, String> {
    raw.ask(&Packet {
        tx_id,
        ..request(Kind::Write, format!("{path}\0{value}"))
    })
}

#[test]
fn ten_thousand_open_transactions() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let mut raw = lone.raw(0);
        let open: Vec<u32> = (0..10_000).map(|_| start(&mut raw).unwrap()).collect();
        for tx_id in &open {
            write(&mut raw, *tx_id, "/shared", &tx_id.to_string()).unwrap();
        }
        let mut store = lone.client(0);
        assert!(!store.exists("/shared").unwrap());
        // The first one wins, and every other hears that it was too late.
        assert_eq!(end(&mut raw, open[7], "T").unwrap(), b"OK\0");
        assert_eq!(store.read_text("/shared").unwrap(), open[7].to_string());
        assert_eq!(end(&mut raw, open[7], "T"), Err("ENOENT".to_owned()));
        for tx_id in open[8..5000].iter() {
            assert_eq!(end(&mut raw, *tx_id, "T"), Err("EAGAIN".to_owned()));
        }
        for tx_id in open[5000..9000].iter() {
            assert_eq!(end(&mut raw, *tx_id, "F").unwrap(), b"OK\0");
        }
        // The rest go with the connection.
        store.rm("/shared").unwrap();
    });
}

#[test]
fn a_guest_has_few_transactions() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let (mut one, mut two) = (lone.raw(GUEST), lone.raw(GUEST));
        let open: Vec<u32> = (0..10).map(|_| start(&mut one).unwrap()).collect();
        // The quota is the domain's, not the connection's.
        assert_eq!(start(&mut one), Err("ENOSPC".to_owned()));
        assert_eq!(start(&mut two), Err("ENOSPC".to_owned()));
        assert_eq!(end(&mut one, open[0], "F").unwrap(), b"OK\0");
        assert!(start(&mut two).is_ok());
    });
}

#[test]
fn clients_die_inside_their_transactions() {
    let lone = Lone::start();
    lone.survives(|lone| {
        for number in 0..300 {
            let domid: Domid = if number % 3 == 0 { GUEST } else { 0 };
            let mut raw = lone.raw(domid);
            // A guest that came before may not have been buried yet.
            let tx_id = loop {
                match start(&mut raw) {
                    Ok(tx_id) => break tx_id,
                    Err(name) => assert_eq!((name.as_str(), domid), ("ENOSPC", GUEST)),
                }
            };
            write(&mut raw, tx_id, "left/behind", "x").unwrap();
            let last = bytes(&Packet {
                tx_id,
                ..request(Kind::TransactionEnd, "T\0")
            });
            // Some of them in the middle of the very commit.
            let sent = number % last.len();
            raw.stream.write_all(&last[..sent]).unwrap();
        }
        let mut store = lone.client(0);
        assert!(!store.exists("/local/domain/0/left").unwrap());
        assert!(!store.exists("/local/domain/5/left").unwrap());
    });
}

#[test]
fn a_guest_watches_up_to_its_quota() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let watch = |raw: &mut Raw, number: usize| {
            let token = number.to_string();
            raw.ask(&request(Kind::Watch, terminated(["data", &token])))
        };
        let mut one = lone.raw(GUEST);
        // Those of clients that died a moment ago may still count.
        let set = (0..128).filter(|number| {
            let deadline = std::time::Instant::now() + crate::hostile::PATIENCE;
            while watch(&mut one, *number).is_err() {
                assert!(std::time::Instant::now() < deadline);
            }
            true
        });
        assert_eq!(set.count(), 128);
        assert_eq!(watch(&mut one, 128), Err("ENOSPC".to_owned()));
        let mut two = lone.raw(GUEST);
        assert_eq!(watch(&mut two, 0), Err("ENOSPC".to_owned()));
        assert_eq!(
            one.ask(&request(Kind::Unwatch, terminated(["data", "7"])))
                .unwrap(),
            b"OK\0"
        );
        assert_eq!(watch(&mut two, 0).unwrap(), b"OK\0");
        // Each of the watches hears of a change, in the order in which they were set.
        one.events.clear();
        write(&mut one, 0, "data/x", "1").unwrap();
        write(&mut one, 0, "other", "1").unwrap();
        let tokens = (0..128).filter(|number| *number != 7);
        let expected = tokens.map(|number| terminated(["data/x", &number.to_string()]));
        assert_eq!(one.events, expected.collect::<Vec<_>>());
        one.ask(&request(Kind::Rm, "data\0")).unwrap();
    });
}

#[test]
fn dom0_watches_without_end() {
    let lone = Lone::start();
    lone.survives(|lone| {
        let mut store = lone.client(0);
        let mut raw = lone.raw(0);
        for number in 0..10_000 {
            let path = format!("/watched/{number}");
            let watch = request(Kind::Watch, terminated([path.as_str(), "t"]));
            assert_eq!(raw.ask(&watch).unwrap(), b"OK\0");
        }
        assert_eq!(
            raw.events.len(),
            10_000 - 1,
            "that of the last one follows its reply"
        );
        store.write("/watched/5000/x", b"1").unwrap();
        store.rm("/watched").unwrap();
        raw.ask(&request(Kind::Read, "/\0")).unwrap();
        let told = |path: &str| terminated([path, "t"]);
        let expected = ["/watched/9999", "/watched/5000/x", "/watched/5000"].map(told);
        assert_eq!(raw.events[9999..], [&expected[..]].concat()[..]);
    });
}

#[test]
fn twenty_that_never_read() {
    const SLEEPERS: u64 = 20;
    // For each two MiB (`OUTPUT_MAX`), and what a growing vector has to spare.
    const QUEUES: u64 = SLEEPERS * (6 << 20);
    let lone = Lone::start();
    let idle = lone.memory();
    let attack = |lone: &Lone| {
        let token = "t".repeat(3000);
        let mut sleepers: Vec<Raw> = (0..SLEEPERS).map(|_| lone.raw(0)).collect();
        for sleeper in &mut sleepers {
            let watch = request(Kind::Watch, terminated(["/w", &token]));
            sleeper.ask(&watch).unwrap();
        }
        let mut store = lone.client(0);
        for number in 0..1200 {
            store.write(&format!("/w/{number}"), b"").unwrap();
        }
        let taken = lone.memory();
        assert!(taken < idle + QUEUES, "{taken} bytes, {idle} before");
        for sleeper in &mut sleepers {
            sleeper.until_closed();
        }
        assert_eq!(store.directory("/w").unwrap().len(), 1200);
        store.rm("/w").unwrap();
    };
    // The allocator keeps freed queues for later ones, so the memory after one attack says little.
    // Six that left their queues behind would take six times the bound.
    for _ in 0..6 {
        let taken = lone.attacked(attack);
        assert!(taken < idle + QUEUES, "{taken} bytes, {idle} before");
    }
}
