//! Transactions of several clients at once.

use std::sync::{Arc, Mutex};

use xenwire_xenstore::wire::{ErrorName, Kind, Packet};
use xenwire_xenstore::{Client, Error, Nodes};

use crate::bench::Bench;
use crate::far_end::client_of;

fn count(store: &mut Client, bound: u32) -> Result<u32, Error> {
    store.transaction(bound, |nodes| {
        let number = nodes.read_text("/count")?.parse::<u32>().unwrap() + 1;
        nodes.write("/count", number.to_string().as_bytes())?;
        Ok(number)
    })
}

#[test]
fn the_one_that_loses_starts_again() {
    let bench = Bench::start();
    let (mut one, mut two) = (bench.client(0), bench.client(0));
    one.write("/count", b"0").unwrap();
    let mut attempts = 0;
    let seen = one
        .transaction(5, |nodes| {
            attempts += 1;
            let number = nodes.read_text("/count")?;
            nodes.write("/sum", number.as_bytes())?;
            if attempts == 1 {
                assert_eq!(count(&mut two, 1)?, 1);
            }
            Ok::<_, Error>(number)
        })
        .unwrap();
    assert_eq!((attempts, seen.as_str()), (2, "1"));
    assert_eq!(one.read_text("/sum").unwrap(), "1");
}

#[test]
fn nothing_is_changed_within_a_folder_that_is_gone() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    store.write("/folder/old", b"1").unwrap();
    let mut change = |folder: &str| {
        let changes: [(&str, Option<&[u8]>); 2] =
            [("/folder/new", Some(b"2")), ("/folder/old", None)];
        store
            .transaction(5, |nodes| {
                nodes.write("/beside", folder.as_bytes())?;
                nodes.change_within(folder, &changes)
            })
            .unwrap()
    };
    assert!(!change("/gone"));
    assert!(change("/folder"));
    assert_eq!(store.directory("/folder").unwrap(), ["new"]);
    assert_eq!(store.read_text("/beside").unwrap(), "/folder");
    assert!(!store.exists("/gone").unwrap());
}

#[test]
fn a_folder_that_is_gone_takes_the_whole_transaction_along() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    let changed = store.transaction(5, |nodes| {
        nodes.write("/beside", b"1")?;
        nodes.change_within("/gone", &[("/gone/node", Some(b"2"))])
    });
    assert!(!changed.unwrap());
    assert!(!store.exists("/beside").unwrap());
}

#[test]
fn the_bound_holds() {
    let bench = Bench::start();
    let (mut one, mut two) = (bench.client(0), bench.client(0));
    one.write("/count", b"0").unwrap();
    let result: Result<(), Error> = one.transaction(3, |nodes| {
        nodes.read("/count")?;
        count(&mut two, 1).map(drop)
    });
    assert!(matches!(result, Err(Error::Conflict { attempts: 3 })));
    assert!(result.unwrap_err().is_conflict());
    assert_eq!(two.read_text("/count").unwrap(), "3");
}

#[test]
fn an_error_drops_the_transaction() {
    let bench = Bench::start();
    let mut store = bench.client(0);
    let error = store
        .transaction(5, |nodes| {
            nodes.write("/half", b"1")?;
            nodes.read("/missing").map(drop)
        })
        .unwrap_err();
    assert!(error.is_not_found());
    assert!(!store.exists("/half").unwrap());

    #[derive(Debug)]
    enum Own {
        Refused,
        Store,
    }
    impl From<Error> for Own {
        fn from(_: Error) -> Own {
            Own::Store
        }
    }
    let result: Result<(), Own> = store.transaction(5, |nodes| {
        nodes.write("/half", b"1")?;
        Err(Own::Refused)
    });
    assert!(matches!(result, Err(Own::Refused)));
    assert!(!store.exists("/half").unwrap());
    assert!(!matches!(result, Err(Own::Store)));
}

#[test]
fn many_counters_lose_no_count() {
    let bench = Bench::start();
    bench.client(0).write("/count", b"0").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut store = bench.client(0);
            scope.spawn(move || {
                for _ in 0..50 {
                    count(&mut store, 10_000).unwrap();
                }
            });
        }
    });
    assert_eq!(bench.client(0).read_text("/count").unwrap(), "200");
}

/// Kind, transaction and payload of each request.
type Asked = Arc<Mutex<Vec<(Kind, u32, Vec<u8>)>>>;

/// A server that says EAGAIN at these requests, counted from 1, and what it was asked.
fn contended(at: &'static [usize]) -> (Client, Asked) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let (client, _) = client_of(move |packet: &Packet| {
        let mut log = log.lock().unwrap();
        log.push((packet.kind, packet.tx_id, packet.payload.clone()));
        let number = log.len();
        Some(match packet.kind {
            _ if at.contains(&number) => packet.failure(ErrorName::Eagain),
            Kind::TransactionStart => packet.reply(format!("{number}\0").into()),
            _ => packet.reply(b"OK\0".to_vec()),
        })
    });
    (client, asked)
}

/// oxenstored may say it at any request, not only at the commit.
#[test]
fn a_conflict_inside_starts_again_too() {
    // Start, read: EAGAIN, abort; start: EAGAIN; start, read, commit: EAGAIN; start, read, commit.
    let (mut store, asked) = contended(&[2, 4, 7]);
    store
        .transaction(4, |nodes| nodes.read("/a").map(drop))
        .unwrap();
    let asked: Vec<_> = asked.lock().unwrap().drain(..).collect();
    let (start, read, end) = (Kind::TransactionStart, Kind::Read, Kind::TransactionEnd);
    let kinds: Vec<(Kind, u32)> = asked.iter().map(|(kind, tx, _)| (*kind, *tx)).collect();
    let expected = [
        (start, 0),
        (read, 1),
        (end, 1),
        (start, 0),
        (start, 0),
        (read, 5),
        (end, 5),
        (start, 0),
        (read, 8),
        (end, 8),
    ];
    assert_eq!(kinds, expected);
    let verdicts = asked.iter().filter(|(kind, ..)| *kind == end);
    let verdicts: Vec<&[u8]> = verdicts.map(|(.., payload)| payload.as_slice()).collect();
    assert_eq!(verdicts, [b"F\0", b"T\0", b"T\0"]);
}

#[test]
fn a_conflict_that_the_body_swallows_is_not_committed() {
    let (mut store, asked) = contended(&[2]);
    let mut attempts = 0;
    let seen = store.transaction(2, |nodes| {
        attempts += 1;
        Ok::<bool, Error>(nodes.read("/a").is_ok())
    });
    assert!(seen.unwrap() && attempts == 2);
    let asked = asked.lock().unwrap();
    assert!(asked.contains(&(Kind::TransactionEnd, 1, b"F\0".to_vec())));
}

#[test]
fn the_bound_holds_for_conflicts_inside() {
    let (mut store, asked) = contended(&[2, 5, 8]);
    let mut attempts = 0;
    let result: Result<(), Error> = store.transaction(3, |nodes| {
        attempts += 1;
        nodes.read("/a").map(drop)
    });
    assert!(matches!(result, Err(Error::Conflict { attempts: 3 })));
    assert_eq!((attempts, asked.lock().unwrap().len()), (3, 9));
}
