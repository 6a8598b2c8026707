//! Servers that are stopped, killed, started again, and some that never come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use xenwire_xenstore::client::Operation;
use xenwire_xenstore::wire::Kind;
use xenwire_xenstore::{Client, Error, Nodes, WatchEvent};

use crate::far_end::{Site, play};

/// Long enough for a busy machine, short enough for a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);
const LONG: Option<Duration> = Some(PATIENCE);

fn event(path: &str, token: &str) -> Option<WatchEvent> {
    Some(WatchEvent {
        path: path.to_owned(),
        token: token.to_owned(),
    })
}

#[test]
fn watches_are_set_again_and_events_that_had_arrived_stay() {
    let mut site = Site::new();
    site.start();
    let mut store = site.client().reconnecting(PATIENCE);
    store.watch("/w", "all").unwrap();
    store.watch_depth("/d", "node", 0).unwrap();
    store.watch("/gone", "t").unwrap();
    store.unwatch("/gone", "t").unwrap();
    store.write("/w/before", b"").unwrap();
    site.stop();
    site.start();

    // Nothing of it can have reached a server that was gone before, so a write is sent again.
    store.write("/w/after", b"1").unwrap();
    assert_eq!(store.connections(), 2);
    let before = [
        ("/w", "all"),
        ("/d", "node"),
        ("/gone", "t"),
        ("/w/before", "all"),
    ];
    let again = [("/w", "all"), ("/d", "node"), ("/w/after", "all")];
    for (path, token) in before.into_iter().chain(again) {
        assert_eq!(store.event(LONG).unwrap(), event(path, token));
    }
    // The depth was remembered: of these only the node itself is told.
    store.write("/d/below", b"").unwrap();
    store.write("/d", b"").unwrap();
    assert_eq!(store.event(LONG).unwrap(), event("/d", "node"));
    assert_eq!(store.event(Some(Duration::ZERO)).unwrap(), None);
}

#[test]
fn a_client_that_waits_for_events_goes_on_waiting() {
    let mut site = Site::new();
    site.start();
    let mut store = site.client().reconnecting(PATIENCE);
    store.watch("/w", "t").unwrap();
    assert_eq!(store.event(LONG).unwrap(), event("/w", "t"));
    let thread = std::thread::spawn(move || {
        let again = store.event(None).unwrap();
        (again, store.event(LONG).unwrap())
    });
    site.stop();
    // It comes back only after a while.
    std::thread::sleep(Duration::from_millis(300));
    site.start();
    site.client().write("/w/x", b"").unwrap();
    // What was written before the watch was set again is told by its first event alone.
    let mut other = site.client();
    while !thread.is_finished() {
        other.write("/w/y", b"").unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    let (again, then) = thread.join().unwrap();
    assert_eq!(again, event("/w", "t"));
    assert!(then.is_some_and(|event| event.path.starts_with("/w/")));
}

/// A server that is killed after it got a request, before it answered; then another comes.
fn killed_at(site: &mut Site, at: Kind) -> Client {
    let listener = site.bind();
    let store = site.client().reconnecting(PATIENCE);
    let (stream, _) = listener.accept().unwrap();
    let thread = std::thread::spawn(move || {
        play(stream, |packet| match packet.kind {
            kind if kind == at => None,
            Kind::TransactionStart => Some(packet.reply(b"5\0".to_vec())),
            _ => Some(packet.reply(b"OK\0".to_vec())),
        });
    });
    drop((listener, thread));
    site.start();
    store
}

#[test]
fn a_read_that_was_under_way_is_asked_again() {
    let mut site = Site::new();
    let mut store = killed_at(&mut site, Kind::Read);
    site.client().write("/a", b"new").unwrap();
    assert_eq!(store.read("/a").unwrap(), b"new");
    assert_eq!(store.connections(), 2);

    let mut store = killed_at(&mut site, Kind::Watch);
    store.watch("/w", "t").unwrap();
    assert_eq!(store.event(LONG).unwrap(), event("/w", "t"));
}

#[test]
fn a_write_that_was_under_way_may_have_been_done() {
    let mut site = Site::new();
    let mut store = killed_at(&mut site, Kind::Write);
    let error = store.write("/a", b"1").unwrap_err();
    assert!(error.may_have_been_done() && error.is_lost(), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("write /a: "), "{text}");
    assert!(text.contains("may or may not have been done"), "{text}");
    assert!(!store.exists("/a").unwrap(), "it was not done twice");
    store.write("/a", b"1").unwrap();

    // One window of a read and a write is not sent again for its read.
    let mut store = killed_at(&mut site, Kind::Write);
    let error = store.write_many(&[("/b", b""), ("/c", b"")]).unwrap_err();
    assert!(error.may_have_been_done(), "{error}");
}

#[test]
fn a_transaction_is_started_again_within_its_bound() {
    let mut site = Site::new();
    site.start();
    let mut store = site.client().reconnecting(PATIENCE);
    for (bound, expected) in [(1, false), (2, true)] {
        let mut attempts = 0;
        let result = store.transaction(bound, |nodes| {
            attempts += 1;
            nodes.write("/a", b"1")?;
            if attempts == 1 {
                site.stop();
                site.start();
            }
            nodes.write("/b", b"2")
        });
        assert_eq!(attempts, bound);
        match result {
            Ok(()) => assert!(expected),
            Err(error) => {
                assert!(!expected, "{error}");
                assert!(matches!(error, Error::TransactionLost { .. }), "{error}");
                assert!(!error.may_have_been_done());
                let text = error.to_string();
                assert!(text.starts_with("write /b in a transaction: "), "{text}");
            }
        }
        for path in ["/a", "/b"] {
            assert_eq!(store.exists(path).unwrap(), expected, "{path}");
        }
    }
    // A body that takes no notice of the loss commits nothing, either.
    let mut attempts = 0;
    store
        .transaction(2, |nodes| {
            attempts += 1;
            if attempts == 1 {
                site.stop();
                site.start();
            }
            let _ = nodes.write("/c", b"");
            Ok::<(), Error>(())
        })
        .unwrap();
    assert!(attempts == 2 && store.exists("/c").unwrap());
}

#[test]
fn a_commit_without_a_reply_is_not_repeated() {
    let mut site = Site::new();
    let mut store = killed_at(&mut site, Kind::TransactionEnd);
    let mut attempts = 0;
    let error = store
        .transaction(5, |nodes| {
            attempts += 1;
            nodes.write("/a", b"1")
        })
        .unwrap_err();
    assert_eq!(attempts, 1);
    assert!(
        matches!(
            &error,
            Error::Transport {
                operation: Operation::Commit,
                sent: true,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("all of it was done or nothing"));
    assert!(!store.exists("/a").unwrap(), "the next request is served");

    // Nothing hangs on the commit of a transaction that only reads.
    let mut store = killed_at(&mut site, Kind::TransactionEnd);
    let root = store.transaction(2, |nodes| nodes.directory("/")).unwrap();
    assert_ne!(root, ["OK"], "the list of the server that was killed");
}

#[test]
fn a_server_that_never_comes_back_is_given_up() {
    let patience = Duration::from_millis(300);
    let mut site = Site::new();
    site.start();
    let mut store = site.client().reconnecting(patience);
    store.watch("/w", "t").unwrap();
    store.event(LONG).unwrap();
    site.stop();

    let start = Instant::now();
    let wait = Some(Duration::from_millis(1));
    let error = loop {
        match store.event(wait) {
            Ok(event) => assert_eq!(event, None, "an event without a server"),
            Err(error) => break error,
        }
    };
    let took = start.elapsed();
    assert!(took >= patience && took < PATIENCE, "{took:?}");
    assert!(matches!(error, Error::Gone { .. }), "{error}");
    assert!(error.to_string().contains("300ms"), "{error}");
    let socket = site.socket();
    assert!(error.to_string().contains(&*socket.to_string_lossy()));

    // The next request tries once more, and finds one that is late.
    let error = store.write("/a", b"").unwrap_err();
    assert!(matches!(error, Error::Gone { .. }), "{error}");
    assert!(!error.may_have_been_done());
    site.start();
    store.write("/a", b"").unwrap();
    assert_eq!(store.event(LONG).unwrap(), event("/w", "t"));
}

#[test]
fn without_a_policy_a_loss_is_told_at_once() {
    let mut site = Site::new();
    site.start();
    let mut store = site.client();
    site.stop();
    site.start();
    for _ in 0..2 {
        let error = store.read("/").unwrap_err();
        assert!(matches!(error, Error::Transport { .. }) && error.is_lost());
    }
    let error = store.event(None).unwrap_err();
    assert!(error.to_string().contains("was lost before"), "{error}");
    let error = store.write("/a", b"").unwrap_err();
    assert!(error.to_string().ends_with("it was not sent"), "{error}");
    let result: Result<(), Error> = store.transaction(5, |_| Ok(()));
    assert!(result.unwrap_err().is_lost());
}

/// One that lets clients in and hangs up on each request: attempts are few, and they end.
#[test]
fn a_server_that_keeps_dying_is_not_hammered() {
    let site = Site::new();
    let listener = site.bind();
    let accepted = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&accepted);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
            play(stream.unwrap(), |_| None);
        }
    });
    let mut store = site.client().reconnecting(Duration::from_millis(500));
    let start = Instant::now();
    let error = store.read("/a").unwrap_err();
    assert!(start.elapsed() < PATIENCE);
    assert!(error.is_lost(), "{error}");
    let accepted = accepted.load(Ordering::Relaxed);
    assert!((2..=50).contains(&accepted), "{accepted} connections");
}

/// One that lets clients in and is silent: the watches cannot be set, and that has an end, too.
#[test]
fn a_server_that_hangs_does_not_hold_a_client_for_ever() {
    let mut site = Site::new();
    site.start();
    let mut store = site.client().reconnecting(Duration::from_millis(100));
    store.watch("/w", "t").unwrap();
    store.event(LONG).unwrap();
    site.stop();
    let _listener = site.bind();
    let error = loop {
        match store.event(Some(Duration::from_millis(10))) {
            Ok(event) => assert_eq!(event, None),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Gone { .. }), "{error}");
    assert!(error.to_string().contains("watch /w: "), "{error}");

    // A send has the same limit as a reply: here the socket's buffers fill up.
    let mut store = site.client();
    store.set_timeout(Some(Duration::from_millis(5)));
    for _ in 0..300 {
        let error = store.write("/a", &[0; 4000]).unwrap_err();
        assert!(matches!(error, Error::Transport { .. }), "{error}");
    }
}

/// Many restarts under a client that does not stop asking.
#[test]
fn restarts_under_load_cost_no_read() {
    let mut site = Site::new();
    site.start();
    let done = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let mut store = site.client().reconnecting(PATIENCE);
            let done = Arc::clone(&done);
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(store.read("/").unwrap(), b"");
                    match store.write("/a", b"1") {
                        Ok(()) => {}
                        Err(error) => assert!(error.may_have_been_done(), "{error}"),
                    }
                    // It only reads, so that also a lost commit is made good.
                    store.transaction(50, |nodes| nodes.directory("/")).unwrap();
                }
                store.connections()
            })
        })
        .collect();
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(50));
        site.stop();
        site.start();
    }
    std::thread::sleep(Duration::from_millis(50));
    done.store(true, Ordering::Relaxed);
    for thread in threads {
        assert!(thread.join().unwrap() > 1, "it has noticed nothing");
    }
}
