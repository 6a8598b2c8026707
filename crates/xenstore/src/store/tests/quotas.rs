//! How much a guest may use.

use super::*;

#[test]
fn guests_have_quotas_and_dom0_has_none() {
    let quotas = Quotas {
        nodes: 5,
        node_size: 64,
        watches: 2,
        transactions: 2,
        transaction_nodes: 4,
        permissions: 2,
        ..Quotas::default()
    };
    let mut bench = Bench::with(quotas);
    let (dom0, guest) = (bench.store.connect(0), bench.store.connect(5));
    bench.ask(dom0, Kind::Write, "/g|").unwrap();
    bench.ask(dom0, Kind::SetPerms, "/g|n5|").unwrap();
    let full = Err(ErrorName::Enospc);

    assert_eq!(
        bench.ask(guest, Kind::Write, "/g/a/b/c/d|1"),
        ok("OK|"),
        "five nodes with /g"
    );
    assert_eq!(bench.ask(guest, Kind::Write, "/g/e|1"), full);
    assert_eq!(
        bench.ask(guest, Kind::Read, "/g/e|"),
        Err(ErrorName::Enoent)
    );
    bench.ask(guest, Kind::Rm, "/g/a/b/c|").unwrap();
    assert_eq!(
        bench.ask(guest, Kind::Write, "/g/e|1"),
        ok("OK|"),
        "a removal makes room"
    );

    let long = "x".repeat(57);
    assert_eq!(bench.ask(guest, Kind::Write, &format!("/g/e|{long}")), full);
    assert_eq!(bench.ask(guest, Kind::Read, "/g/e|"), ok("1"));
    assert_eq!(
        bench.ask(guest, Kind::Write, &format!("/g/e|{}", &long[1..])),
        ok("OK|")
    );
    assert_eq!(
        bench.ask(guest, Kind::Mkdir, &format!("/g/{long}|")),
        full,
        "the list of names counts"
    );
    assert_eq!(bench.ask(guest, Kind::SetPerms, "/g/a|n5|r1|r2|"), full);

    let second = bench.store.connect(5);
    for (number, expected) in [(1, ok("OK|")), (2, ok("OK|")), (3, full.clone())] {
        assert_eq!(
            bench.ask(guest, Kind::Watch, &format!("/g|{number}|")),
            expected
        );
    }
    let tx = bench.begin(guest);
    bench.begin(guest);
    assert_eq!(bench.ask(guest, Kind::TransactionStart, "|"), full);
    assert_eq!(bench.ask(second, Kind::TransactionStart, "|"), full);
    assert_eq!(bench.ask(second, Kind::Watch, "/g|t|"), full);
    for name in ["1", "2", "3"] {
        let answer = bench.ask_in(guest, tx, Kind::Read, &format!("/g/{name}|"));
        assert_eq!(answer, Err(ErrorName::Enoent), "and /g is the fourth");
    }
    assert_eq!(bench.ask_in(guest, tx, Kind::Read, "/g/4|"), full);
    let known = bench.ask_in(guest, tx, Kind::Read, "/g/3|");
    assert_eq!(known, Err(ErrorName::Enoent));

    for number in 0..50 {
        bench
            .ask(dom0, Kind::Watch, &format!("/|{number}|"))
            .unwrap();
        bench
            .ask(dom0, Kind::Write, &format!("/g/{number}|{long}{long}"))
            .unwrap();
        bench.begin(dom0);
    }
}

#[test]
fn two_transactions_cannot_share_the_last_room() {
    let quotas = Quotas {
        nodes: 4,
        ..Quotas::default()
    };
    let mut bench = Bench::with(quotas);
    let (dom0, guest) = (bench.store.connect(0), bench.store.connect(5));
    for node in ["/g", "/h"] {
        bench.ask(dom0, Kind::Write, &format!("{node}|")).unwrap();
        bench
            .ask(dom0, Kind::SetPerms, &format!("{node}|n5|"))
            .unwrap();
    }
    let (one, two) = (bench.begin(guest), bench.begin(guest));
    bench.ask_in(guest, one, Kind::Write, "/g/a/b|").unwrap();
    bench.ask_in(guest, two, Kind::Write, "/h/a/b|").unwrap();
    assert_eq!(bench.commit(guest, one), ok("OK|"));
    assert_eq!(bench.commit(guest, two), Err(ErrorName::Enospc));
    assert_eq!(bench.ask(guest, Kind::Directory, "/h|"), ok(""));
}

/// A guest with the node `/g` of its own.
fn with_guest(quotas: Quotas) -> (Bench, ConnId, ConnId) {
    let mut bench = Bench::with(quotas);
    let (dom0, guest) = (bench.store.connect(0), bench.store.connect(5));
    bench.ask(dom0, Kind::Introduce, "5|1|1|").unwrap();
    bench.ask(dom0, Kind::Write, "/g|").unwrap();
    bench.ask(dom0, Kind::SetPerms, "/g|n5|").unwrap();
    (bench, dom0, guest)
}

#[test]
fn memory_counts_names_values_permissions_and_watches() {
    // `g` and one entry of eight bytes are nine; thirty are left.
    let quotas = Quotas {
        memory: 39,
        ..Quotas::default()
    };
    let (mut bench, dom0, guest) = with_guest(quotas);
    let full = Err(ErrorName::Enospc);
    assert_eq!(
        bench.ask(guest, Kind::Write, "/g/a|0123456789012345678901"),
        full,
        "1 + 22 + 8"
    );
    assert_eq!(
        bench.ask(guest, Kind::Write, "/g/a|012345678901234567890"),
        ok("OK|")
    );
    assert_eq!(bench.ask(guest, Kind::Mkdir, "/g/bc|"), full);
    assert_eq!(bench.ask(guest, Kind::Watch, "/|t|"), full);
    assert_eq!(bench.ask(guest, Kind::SetPerms, "/g/a|n5|r6|"), full);
    assert_eq!(bench.ask(guest, Kind::Write, "/g/a|1"), ok("OK|"));
    assert_eq!(
        bench.ask(guest, Kind::Watch, "/g/a|tokens|"),
        ok("OK|"),
        "ten bytes"
    );
    assert_eq!(bench.ask(guest, Kind::SetPerms, "/g/a|n5|r6|"), ok("OK|"));
    assert_eq!(bench.ask(guest, Kind::Write, "/g/a|1234"), full);
    assert_eq!(bench.ask(guest, Kind::Unwatch, "/g/a|tokens|"), ok("OK|"));
    assert_eq!(bench.ask(guest, Kind::Write, "/g/a|1234"), ok("OK|"));
    let tx = bench.begin(guest);
    assert_eq!(bench.ask_in(guest, tx, Kind::Mkdir, "/g/bc|"), full);
    assert_eq!(
        bench.ask(
            dom0,
            Kind::Write,
            "/g/a|dom0 is not bound by it, whoever owns the node"
        ),
        ok("OK|")
    );
    assert_eq!(
        bench.ask(guest, Kind::Write, "/g/a|less, though still too much"),
        ok("OK|"),
        "who has too much may have less"
    );
}

#[test]
fn transactions_cannot_share_the_last_bytes() {
    let quotas = Quotas {
        memory: 30,
        ..Quotas::default()
    };
    let (mut bench, _, guest) = with_guest(quotas);
    let (one, two) = (bench.begin(guest), bench.begin(guest));
    assert_eq!(
        bench.ask_in(guest, one, Kind::Write, "/g|0123456789"),
        ok("OK|")
    );
    assert_eq!(bench.ask_in(guest, two, Kind::Mkdir, "/g/two|"), ok("OK|"));
    assert_eq!(bench.commit(guest, one), ok("OK|"));
    assert_eq!(
        bench.commit(guest, two),
        Err(ErrorName::Eagain),
        "the same parent"
    );
    let (one, two) = (bench.begin(guest), bench.begin(guest));
    assert_eq!(bench.ask_in(guest, one, Kind::Mkdir, "/g/two|"), ok("OK|"));
    assert_eq!(
        bench.ask_in(guest, two, Kind::Read, "/g|"),
        ok("0123456789")
    );
    assert_eq!(bench.commit(guest, two), ok("OK|"), "it only read");
    assert_eq!(bench.commit(guest, one), ok("OK|"));
}

#[test]
fn dom0_asks_and_sets_quotas() {
    let (mut bench, dom0, guest) = with_guest(Quotas::default());
    let invalid = Err(ErrorName::Einval);
    let names = "nodes watches transactions transaction-nodes memory node-size permissions|";
    assert_eq!(bench.ask(dom0, Kind::GetQuota, ""), ok(names));
    assert_eq!(bench.ask(dom0, Kind::GetQuota, "|"), ok(names));
    assert_eq!(bench.ask(dom0, Kind::GetQuota, "nodes|"), ok("1000|"));
    assert_eq!(bench.ask(dom0, Kind::GetQuota, "nods|"), invalid);
    assert_eq!(bench.ask(dom0, Kind::SetQuota, "nodes|x|"), invalid);
    assert_eq!(bench.ask(dom0, Kind::SetQuota, "nodes|"), invalid);
    assert_eq!(bench.ask(dom0, Kind::SetQuota, "0|nodes|1|"), invalid);
    let unknown = bench.ask(dom0, Kind::SetQuota, "9|nodes|1|");
    assert_eq!(unknown, Err(ErrorName::Enoent));
    for (kind, payload) in [(Kind::GetQuota, "nodes|"), (Kind::SetQuota, "nodes|9|")] {
        let refused = bench.ask(guest, kind, payload);
        assert_eq!(refused, Err(ErrorName::Eacces));
    }

    // A domain keeps the limits of the moment in which it was introduced.
    assert_eq!(bench.ask(dom0, Kind::SetQuota, "nodes|3|"), ok("OK|"));
    assert_eq!(bench.ask(dom0, Kind::GetQuota, "5|nodes|"), ok("1000|"));
    bench.ask(dom0, Kind::Introduce, "6|1|1|").unwrap();
    assert_eq!(bench.ask(dom0, Kind::GetQuota, "6|nodes|"), ok("3|"));
    // Its own can be changed, and 0 is none.
    assert_eq!(bench.ask(dom0, Kind::SetQuota, "5|nodes|1|"), ok("OK|"));
    let full = bench.ask(guest, Kind::Mkdir, "/g/a|");
    assert_eq!(full, Err(ErrorName::Enospc));
    assert_eq!(bench.ask(dom0, Kind::SetQuota, "5|nodes|0|"), ok("OK|"));
    assert_eq!(bench.ask(guest, Kind::Mkdir, "/g/a|"), ok("OK|"));
}

#[test]
fn control_shows_limits_and_what_is_used() {
    let (mut bench, dom0, guest) = with_guest(Quotas::default());
    bench.ask(guest, Kind::Watch, "/g|t|").unwrap();
    bench.begin(guest);
    let used = bench.ask(dom0, Kind::Control, "quota|5|").unwrap();
    let used: Vec<&str> = used.split_whitespace().collect();
    assert_eq!(
        used,
        [
            "nodes",
            "1",
            "watches",
            "1",
            "transactions",
            "1",
            "memory",
            "12",
            "|"
        ]
    );
    assert_eq!(
        bench.ask(dom0, Kind::Control, "quota|set|nodes|7|"),
        ok("OK|")
    );
    let limits = bench.ask(dom0, Kind::Control, "quota|").unwrap();
    assert!(
        limits.starts_with("nodes                     7\nwatches "),
        "{limits}"
    );
    for wrong in ["quota|set|nodes|", "quota|x|", "quota|5|6|", "what|"] {
        let refused = bench.ask(dom0, Kind::Control, wrong);
        assert_eq!(refused, Err(ErrorName::Einval), "{wrong}");
    }
}
