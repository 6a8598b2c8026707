//! All or nothing, and who wins.

use super::*;

#[test]
fn transactions_are_seen_by_others_only_after_the_commit() {
    let mut bench = Bench::new();
    let (one, two) = (bench.store.connect(0), bench.store.connect(0));
    bench.ask(two, Kind::Watch, "/a|t|").unwrap();
    bench.events(two);
    let tx = bench.begin(one);
    bench.ask_in(one, tx, Kind::Write, "/a/b/c|1").unwrap();
    bench.ask_in(one, tx, Kind::Write, "/a/b/c|2").unwrap();
    assert_eq!(bench.ask_in(one, tx, Kind::Read, "/a/b/c|"), ok("2"));
    assert_eq!(
        bench.ask(one, Kind::Read, "/a/b/c|"),
        Err(ErrorName::Enoent)
    );
    assert_eq!(
        bench.ask_in(two, tx, Kind::Read, "/a/b/c|"),
        Err(ErrorName::Enoent),
        "not its transaction"
    );
    assert!(bench.events(two).is_empty());
    assert_eq!(bench.commit(one, tx), ok("OK|"));
    assert_eq!(bench.events(two), ["/a/b/c|t|"]);
    assert_eq!(bench.ask(two, Kind::Read, "/a/b/c|"), ok("2"));
    assert_eq!(bench.commit(one, tx), Err(ErrorName::Enoent), "it is over");
}

#[test]
fn transactions_that_meet() {
    let mut bench = Bench::new();
    let (one, two) = (bench.store.connect(0), bench.store.connect(0));
    bench.ask(one, Kind::Write, "/a/x|0").unwrap();
    bench.ask(one, Kind::Write, "/a/y|0").unwrap();

    // Apart: both commit.
    let (first, second) = (bench.begin(one), bench.begin(two));
    bench.ask_in(one, first, Kind::Write, "/a/x|1").unwrap();
    bench.ask_in(two, second, Kind::Write, "/a/y|2").unwrap();
    assert_eq!(bench.commit(one, first), ok("OK|"));
    assert_eq!(bench.commit(two, second), ok("OK|"));
    assert_eq!(bench.ask(one, Kind::Read, "/a/x|"), ok("1"));
    assert_eq!(bench.ask(one, Kind::Read, "/a/y|"), ok("2"));

    // A read of what the other wrote, a write of the same, a list that grew, a node that came.
    let meetings = [
        (Kind::Read, "/a/x|", "/a/x|3"),
        (Kind::Write, "/a/x|4", "/a/x|5"),
        (Kind::Directory, "/a|", "/a/new|1"),
        (Kind::Read, "/a/later|", "/a/later|1"),
        (Kind::Rm, "/a|", "/a/y/below|1"),
        (Kind::Mkdir, "/a/q/r|", "/a/q|1"),
    ];
    for (kind, payload, meanwhile) in meetings {
        bench.ask(one, Kind::Write, "/a/x|0").unwrap();
        let tx = bench.begin(one);
        let _ = bench.ask_in(one, tx, kind, payload);
        bench.ask(two, Kind::Write, meanwhile).unwrap();
        assert_eq!(
            bench.commit(one, tx),
            Err(ErrorName::Eagain),
            "{kind} {payload} / {meanwhile}"
        );
        assert_eq!(
            bench.commit(one, tx),
            Err(ErrorName::Enoent),
            "gone for good"
        );
    }
}

#[test]
fn a_removal_in_a_transaction_leaves_nothing_below_a_new_node() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    bench.ask(dom0, Kind::Write, "/a/b/old|1").unwrap();
    for watch in ["/a/b|b|", "/a/b/old|old|", "/a/b/new|new|"] {
        bench.ask(dom0, Kind::Watch, watch).unwrap();
    }
    bench.events(dom0);
    let tx = bench.begin(dom0);
    bench.ask_in(dom0, tx, Kind::Rm, "/a/b|").unwrap();
    bench.ask_in(dom0, tx, Kind::Write, "/a/b/new|2").unwrap();
    assert_eq!(bench.commit(dom0, tx), ok("OK|"));
    assert_eq!(bench.ask(dom0, Kind::Directory, "/a/b|"), ok("new|"));
    assert_eq!(
        bench.events(dom0),
        [
            "/a/b|b|",
            "/a/b/old|b|",
            "/a/b/old|old|",
            "/a/b/new|b|",
            "/a/b/new|new|"
        ]
    );
}

#[test]
fn transaction_ids() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    let tx = bench.begin(dom0);
    assert_eq!(
        bench.ask_in(dom0, tx, Kind::TransactionStart, "|"),
        Err(ErrorName::Ebusy)
    );
    assert_eq!(
        bench.ask_in(dom0, 77, Kind::Read, "/tool|"),
        Err(ErrorName::Enoent)
    );
    assert_eq!(bench.commit(dom0, 0), Err(ErrorName::Enoent));
    assert_eq!(
        bench.ask_in(dom0, tx, Kind::TransactionEnd, "X|"),
        Err(ErrorName::Einval)
    );
    assert_eq!(
        bench.ask_in(dom0, 77, Kind::Watch, "/a|t|"),
        ok("OK|"),
        "watches have no transaction"
    );
    assert_eq!(
        bench.ask_in(dom0, tx, Kind::TransactionEnd, "F|"),
        ok("OK|")
    );

    let tx = bench.begin(dom0);
    bench.ask(dom0, Kind::ResetWatches, "|").unwrap();
    assert_eq!(bench.commit(dom0, tx), Err(ErrorName::Enoent), "dropped");
    bench.events(dom0);
    bench.ask(dom0, Kind::Write, "/a|1").unwrap();
    assert!(bench.events(dom0).is_empty(), "no watch is left");
}

#[test]
fn a_client_that_left_is_forgotten() {
    let mut bench = Bench::new();
    let (dom0, leaver) = (bench.store.connect(0), bench.store.connect(0));
    bench.ask(leaver, Kind::Watch, "/a|t|").unwrap();
    bench.begin(leaver);
    bench.store.disconnect(leaver);
    bench.events.clear();
    bench.ask(dom0, Kind::Write, "/a|1").unwrap();
    assert!(bench.events.is_empty());
    let request = Packet {
        kind: Kind::Read,
        req_id: 1,
        tx_id: 0,
        payload: b"/a\0".to_vec(),
    };
    assert!(bench.store.request(leaver, &request).is_empty());
}
