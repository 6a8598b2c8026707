//! Transactions of several clients at once.

use xenwire_xenstore::{Client, Error, Nodes};

use crate::bench::Bench;

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
