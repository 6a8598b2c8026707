//! The store's answers and events, one rule of the protocol at a time.

use super::*;
use crate::wire::Kind;

/// A store, and the events it has sent.
struct Bench {
    store: Store,
    events: Vec<(ConnId, String)>,
}

type Answer = Result<String, ErrorName>;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "|")
}

fn ok(text: &str) -> Answer {
    Ok(text.to_owned())
}

impl Bench {
    fn new() -> Bench {
        Bench {
            store: Store::default(),
            events: Vec::new(),
        }
    }

    /// Payloads are written with `|` for NUL, as in the protocol's table.
    fn ask_in(&mut self, conn: ConnId, tx_id: u32, kind: Kind, payload: &str) -> Answer {
        let payload = payload.replace('|', "\0").into_bytes();
        let request = Packet {
            kind,
            req_id: 9,
            tx_id,
            payload,
        };
        let mut deliveries = self.store.request(conn, &request).into_iter();
        let (to, reply) = deliveries.next().expect("a reply");
        assert_eq!(
            (to, reply.req_id, reply.tx_id),
            (conn, 9, tx_id),
            "the reply comes first"
        );
        for (watcher, event) in deliveries {
            assert_eq!(
                (event.kind, event.req_id, event.tx_id),
                (Kind::WatchEvent, 0, 0)
            );
            self.events.push((watcher, text(&event.payload)));
        }
        if reply.kind == Kind::Error {
            return Err(ErrorName::from_bytes(
                reply.payload.strip_suffix(&[0]).unwrap(),
            ));
        }
        assert_eq!(reply.kind, kind);
        Ok(text(&reply.payload))
    }

    fn ask(&mut self, conn: ConnId, kind: Kind, payload: &str) -> Answer {
        self.ask_in(conn, 0, kind, payload)
    }

    fn begin(&mut self, conn: ConnId) -> u32 {
        let id = self.ask(conn, Kind::TransactionStart, "|").unwrap();
        id.strip_suffix('|').unwrap().parse().unwrap()
    }

    fn commit(&mut self, conn: ConnId, tx_id: u32) -> Answer {
        self.ask_in(conn, tx_id, Kind::TransactionEnd, "T|")
    }

    /// The events since the last look, of one connection.
    fn events(&mut self, conn: ConnId) -> Vec<String> {
        let (own, others) = std::mem::take(&mut self.events)
            .into_iter()
            .partition(|(to, _)| *to == conn);
        self.events = others;
        let own: Vec<(ConnId, String)> = own;
        own.into_iter().map(|(_, event)| event).collect()
    }
}

#[test]
fn values_and_names() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    assert_eq!(bench.ask(dom0, Kind::Directory, "/|"), ok("tool|"));
    assert_eq!(bench.ask(dom0, Kind::Write, "/a/b/c|x|y"), ok("OK|"));
    assert_eq!(
        bench.ask(dom0, Kind::Read, "/a/b/c|"),
        ok("x|y"),
        "a value may hold NULs, and ends without one"
    );
    assert_eq!(
        bench.ask(dom0, Kind::Read, "/a/b|"),
        ok(""),
        "parents are made, empty"
    );
    assert_eq!(bench.ask(dom0, Kind::Write, "/a/z|"), ok("OK|"));
    assert_eq!(bench.ask(dom0, Kind::Directory, "/a|"), ok("b|z|"));
    assert_eq!(bench.ask(dom0, Kind::Directory, "/a/z|"), ok(""));
    assert_eq!(bench.ask(dom0, Kind::Read, "/a/q|"), Err(ErrorName::Enoent));
    assert_eq!(bench.ask(dom0, Kind::Read, "/a.b|"), Err(ErrorName::Einval));
    assert_eq!(bench.ask(dom0, Kind::Mkdir, "/a/b/c|"), ok("OK|"));
    assert_eq!(
        bench.ask(dom0, Kind::Read, "/a/b/c|"),
        ok("x|y"),
        "mkdir leaves what exists"
    );
    assert_eq!(
        bench.ask(dom0, Kind::Unknown(20), "1|"),
        Err(ErrorName::Enosys)
    );
}

#[test]
fn relative_paths_start_at_the_callers_domain() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    bench
        .ask(dom0, Kind::Write, "backend/vif/1/0/state|2")
        .unwrap();
    assert_eq!(
        bench.ask(dom0, Kind::Read, "/local/domain/0/backend/vif/1/0/state|"),
        ok("2")
    );
    assert_eq!(
        bench.ask(dom0, Kind::GetDomainPath, "7|"),
        ok("/local/domain/7|")
    );
}

#[test]
fn removal() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    bench.ask(dom0, Kind::Write, "/a/b/c|1").unwrap();
    assert_eq!(
        bench.ask(dom0, Kind::Rm, "/a/q|"),
        ok("OK|"),
        "missing below an existing node"
    );
    assert_eq!(bench.ask(dom0, Kind::Rm, "/q/q|"), Err(ErrorName::Enoent));
    assert_eq!(bench.ask(dom0, Kind::Rm, "/|"), Err(ErrorName::Einval));
    assert_eq!(bench.ask(dom0, Kind::Rm, "/a|"), ok("OK|"));
    assert_eq!(
        bench.ask(dom0, Kind::Read, "/a/b/c|"),
        Err(ErrorName::Enoent)
    );
    assert_eq!(bench.ask(dom0, Kind::Directory, "/|"), ok("tool|"));
}

#[test]
fn permissions() {
    let mut bench = Bench::new();
    let (dom0, guest) = (bench.store.connect(0), bench.store.connect(5));
    bench.ask(dom0, Kind::Write, "/x/secret|1").unwrap();
    bench.ask(dom0, Kind::Write, "/local/domain/5|").unwrap();
    bench
        .ask(dom0, Kind::SetPerms, "/local/domain/5|n5|")
        .unwrap();

    assert_eq!(
        bench.ask(guest, Kind::Read, "/x/secret|"),
        Err(ErrorName::Eacces)
    );
    assert_eq!(
        bench.ask(guest, Kind::Read, "/x/none|"),
        Err(ErrorName::Eacces),
        "existence is secret too"
    );
    assert_eq!(bench.ask(guest, Kind::Write, "data/k|v"), ok("OK|"));
    assert_eq!(
        bench.ask(guest, Kind::GetPerms, "data/k|"),
        ok("n5|"),
        "inherited"
    );
    assert_eq!(bench.ask(dom0, Kind::GetPerms, "/x|"), ok("n0|"));

    bench.ask(dom0, Kind::SetPerms, "/x|r0|b5|").unwrap();
    assert_eq!(
        bench.ask(guest, Kind::Read, "/x/none|"),
        Err(ErrorName::Enoent),
        "the parent is readable"
    );
    assert_eq!(bench.ask(guest, Kind::Write, "/x/own|v"), ok("OK|"));
    assert_eq!(
        bench.ask(guest, Kind::GetPerms, "/x/own|"),
        ok("r5|b5|"),
        "the creator owns it"
    );
    assert_eq!(
        bench.ask(guest, Kind::SetPerms, "/x|n5|"),
        Err(ErrorName::Eacces),
        "not the owner"
    );
    assert_eq!(
        bench.ask(guest, Kind::SetPerms, "/x/own|n0|"),
        Err(ErrorName::Eperm),
        "owners do not give away"
    );
    assert_eq!(bench.ask(guest, Kind::SetPerms, "/x/own|n5|r7|"), ok("OK|"));
    assert_eq!(
        bench.ask(dom0, Kind::SetPerms, "/x/own|q5|"),
        Err(ErrorName::Einval)
    );

    let other = bench.store.connect(7);
    assert_eq!(bench.ask(other, Kind::Read, "/x/own|"), ok("v"));
    assert_eq!(
        bench.ask(other, Kind::Write, "/x/own|w"),
        Err(ErrorName::Eacces)
    );
    assert_eq!(
        bench.ask(other, Kind::Rm, "/x/own|"),
        Err(ErrorName::Eacces)
    );
}

#[test]
fn a_device_model_acts_for_its_target() {
    let mut bench = Bench::new();
    let (dom0, model) = (bench.store.connect(0), bench.store.connect(6));
    bench.ask(dom0, Kind::Write, "/local/domain/5/k|v").unwrap();
    bench
        .ask(dom0, Kind::SetPerms, "/local/domain/5/k|n5|")
        .unwrap();
    assert_eq!(
        bench.ask(model, Kind::Read, "/local/domain/5/k|"),
        Err(ErrorName::Eacces)
    );
    assert_eq!(
        bench.ask(dom0, Kind::SetTarget, "6|5|"),
        Err(ErrorName::Enoent),
        "not introduced"
    );
    bench.ask(dom0, Kind::Introduce, "5|1|1|").unwrap();
    bench.ask(dom0, Kind::Introduce, "6|1|1|").unwrap();
    assert_eq!(bench.ask(dom0, Kind::SetTarget, "6|5|"), ok("OK|"));
    assert_eq!(bench.ask(model, Kind::Read, "/local/domain/5/k|"), ok("v"));
    assert_eq!(
        bench.ask(model, Kind::SetTarget, "6|0|"),
        Err(ErrorName::Eacces)
    );
}

#[test]
fn watches() {
    let mut bench = Bench::new();
    let (dom0, other) = (bench.store.connect(0), bench.store.connect(0));
    assert_eq!(bench.ask(dom0, Kind::Watch, "/a|t|"), ok("OK|"));
    assert_eq!(
        bench.events(dom0),
        ["/a|t|"],
        "one at once, though there is no node"
    );
    assert_eq!(
        bench.ask(dom0, Kind::Watch, "/a|t|"),
        Err(ErrorName::Eexist)
    );
    assert_eq!(bench.ask(dom0, Kind::Watch, "/a|u|"), ok("OK|"));
    bench.ask(dom0, Kind::Watch, "/|root|").unwrap();
    assert_eq!(bench.events(dom0), ["/a|u|", "/|root|"]);

    bench.ask(other, Kind::Write, "/a/b/c|1").unwrap();
    assert_eq!(
        bench.events(dom0),
        ["/a/b/c|t|", "/a/b/c|u|", "/a/b/c|root|"],
        "in the order they were set"
    );
    bench.ask(other, Kind::Write, "/ab|1").unwrap();
    assert_eq!(bench.events(dom0), ["/ab|root|"], "/ab is not below /a");
    bench.ask(other, Kind::Mkdir, "/ab|").unwrap();
    assert!(bench.events(dom0).is_empty(), "nothing changed");
    bench.ask(other, Kind::SetPerms, "/ab|r0|").unwrap();
    assert_eq!(bench.events(dom0), ["/ab|root|"]);

    assert_eq!(
        bench.ask(dom0, Kind::Unwatch, "/a|x|"),
        Err(ErrorName::Enoent)
    );
    assert_eq!(
        bench.ask(other, Kind::Unwatch, "/a|u|"),
        Err(ErrorName::Enoent),
        "somebody else's"
    );
    assert_eq!(bench.ask(dom0, Kind::Unwatch, "/a|u|"), ok("OK|"));
    bench.ask(dom0, Kind::Unwatch, "/|root|").unwrap();
    bench.ask(other, Kind::Rm, "/a/b|").unwrap();
    assert_eq!(bench.events(dom0), ["/a/b|t|"]);
}

#[test]
fn a_removal_is_told_above_once_and_below_exactly() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    bench.ask(dom0, Kind::Write, "/a/b/c|1").unwrap();
    bench.ask(dom0, Kind::Write, "/a/b/d|1").unwrap();
    for watch in ["/a|above|", "/a/b/c|c|", "/a/b/q|q|", "/a/bb|bb|"] {
        bench.ask(dom0, Kind::Watch, watch).unwrap();
    }
    bench.events(dom0);
    bench.ask(dom0, Kind::Rm, "/a/b|").unwrap();
    assert_eq!(bench.events(dom0), ["/a/b|above|", "/a/b/c|c|"]);
}

#[test]
fn relative_watches_and_depth() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    bench.ask(dom0, Kind::Watch, "backend|rel|").unwrap();
    bench
        .ask(dom0, Kind::Watch, "/local/domain/0/backend|abs|1|")
        .unwrap();
    assert_eq!(
        bench.events(dom0),
        ["backend|rel|", "/local/domain/0/backend|abs|"]
    );
    bench.ask(dom0, Kind::Write, "backend/vif|1").unwrap();
    assert_eq!(
        bench.events(dom0),
        ["backend/vif|rel|", "/local/domain/0/backend/vif|abs|"]
    );
    bench.ask(dom0, Kind::Write, "backend/vif/1|1").unwrap();
    assert_eq!(
        bench.events(dom0),
        ["backend/vif/1|rel|"],
        "two levels down"
    );
    assert_eq!(
        bench.ask(dom0, Kind::Unwatch, "/local/domain/0/backend|rel|"),
        ok("OK|"),
        "both forms name the same watch"
    );
    assert_eq!(
        bench.ask(dom0, Kind::Watch, "/a|t|x|"),
        Err(ErrorName::Einval)
    );
}

#[test]
fn watchers_hear_only_of_what_they_may_read() {
    let mut bench = Bench::new();
    let (dom0, guest) = (bench.store.connect(0), bench.store.connect(5));
    bench.ask(guest, Kind::Watch, "/x|t|").unwrap();
    assert_eq!(
        bench.events(guest),
        ["/x|t|"],
        "the first event tells nothing"
    );
    bench.ask(dom0, Kind::Write, "/x/a|1").unwrap();
    assert!(bench.events(guest).is_empty());
    bench.ask(dom0, Kind::SetPerms, "/x/a|n0|r5|").unwrap();
    bench.ask(dom0, Kind::Write, "/x/a|2").unwrap();
    bench.ask(dom0, Kind::SetPerms, "/x/a|n0|").unwrap();
    assert_eq!(
        bench.events(guest),
        ["/x/a|t|"; 3],
        "it is told that the permission went, too"
    );
    bench.ask(dom0, Kind::Write, "/x/a|3").unwrap();
    assert!(bench.events(guest).is_empty());
}

#[test]
fn domains_come_and_go() {
    let mut bench = Bench::new();
    let (dom0, guest) = (bench.store.connect(0), bench.store.connect(5));
    bench
        .ask(dom0, Kind::Watch, "@introduceDomain|in|")
        .unwrap();
    bench
        .ask(dom0, Kind::Watch, "@releaseDomain|out|1|")
        .unwrap();
    bench
        .ask(guest, Kind::Watch, "@releaseDomain|out|")
        .unwrap();
    assert_eq!(
        bench.ask(dom0, Kind::Watch, "@other|t|"),
        Err(ErrorName::Einval)
    );
    bench.events.clear();

    assert_eq!(
        bench.ask(guest, Kind::Introduce, "5|1|1|"),
        Err(ErrorName::Eacces)
    );
    assert_eq!(
        bench.ask(dom0, Kind::Introduce, "5|x|1|"),
        Err(ErrorName::Einval)
    );
    assert_eq!(bench.ask(dom0, Kind::IsDomainIntroduced, "5|"), ok("F|"));
    assert_eq!(bench.ask(dom0, Kind::Introduce, "5|1|1|"), ok("OK|"));
    assert_eq!(
        bench.ask(dom0, Kind::Introduce, "5|1|1|"),
        ok("OK|"),
        "again is no news"
    );
    assert_eq!(bench.ask(dom0, Kind::IsDomainIntroduced, "5|"), ok("T|"));
    assert_eq!(bench.ask(dom0, Kind::IsDomainIntroduced, "0|"), ok("T|"));
    assert_eq!(bench.events(dom0), ["@introduceDomain|in|"]);

    bench.ask(dom0, Kind::Introduce, "6|1|1|").unwrap();
    bench.ask(dom0, Kind::Release, "6|").unwrap();
    assert_eq!(
        bench.events(dom0),
        ["@introduceDomain|in|", "@releaseDomain/6|out|"]
    );
    assert!(bench.events(guest).is_empty(), "not for everybody");
    bench
        .ask(dom0, Kind::SetPerms, "@releaseDomain|n0|r5|")
        .unwrap();
    assert_eq!(
        bench.ask(dom0, Kind::GetPerms, "@releaseDomain|"),
        ok("n0|r5|")
    );
    bench.ask(dom0, Kind::Introduce, "6|1|1|").unwrap();
    bench.ask(dom0, Kind::Release, "6|").unwrap();
    assert_eq!(bench.events(guest), ["@releaseDomain|out|"]);
    assert_eq!(bench.ask(dom0, Kind::Release, "6|"), Err(ErrorName::Enoent));
    assert_eq!(bench.ask(dom0, Kind::Release, "0|"), Err(ErrorName::Einval));

    bench.ask(dom0, Kind::Release, "5|").unwrap();
    bench.ask(dom0, Kind::Introduce, "6|1|1|").unwrap();
    bench.ask(dom0, Kind::Release, "6|").unwrap();
    assert!(
        bench.events(guest).is_empty(),
        "a released domain has no watches left"
    );
}

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

#[test]
fn long_lists_come_in_parts() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    let names: Vec<String> = (0..1000)
        .map(|number| format!("child-{number:04}"))
        .collect();
    for name in &names {
        bench
            .ask(dom0, Kind::Write, &format!("/many/{name}|"))
            .unwrap();
    }
    assert_eq!(
        bench.ask(dom0, Kind::Directory, "/many|"),
        Err(ErrorName::E2big)
    );
    let (mut list, mut generation) = (String::new(), None);
    let end = loop {
        let part = bench
            .ask(dom0, Kind::DirectoryPart, &format!("/many|{}|", list.len()))
            .unwrap();
        assert!(
            part.len() <= PAYLOAD_MAX && part.ends_with('|'),
            "whole names"
        );
        let (number, part) = part.split_once('|').unwrap();
        assert_eq!(generation.get_or_insert_with(|| number.to_owned()), number);
        if let Some(last) = part.strip_suffix("||") {
            break format!("{list}{last}|");
        }
        list.push_str(part);
    };
    assert_eq!(end.split_terminator('|').collect::<Vec<_>>(), names);
    bench.ask(dom0, Kind::Write, "/many/more|").unwrap();
    let part = bench
        .ask(dom0, Kind::DirectoryPart, "/many|999999|")
        .unwrap();
    let (number, rest) = part.split_once('|').unwrap();
    assert_ne!(Some(number), generation.as_deref(), "the list has changed");
    assert_eq!(rest, "|", "behind the end there is the end");
    assert_eq!(
        bench
            .ask(dom0, Kind::DirectoryPart, "/tool/xenstored|0|")
            .unwrap()
            .split_once('|')
            .unwrap()
            .1,
        "|"
    );
    assert_eq!(
        bench.ask(dom0, Kind::DirectoryPart, "/many|-1|"),
        Err(ErrorName::Einval)
    );
}

#[test]
fn guests_have_quotas_and_dom0_has_none() {
    let quotas = Quotas {
        nodes: 5,
        node_size: 64,
        watches: 2,
        transactions: 2,
        transaction_nodes: 4,
        perms: 2,
    };
    let mut bench = Bench {
        store: Store::new(quotas),
        events: Vec::new(),
    };
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
    let mut bench = Bench {
        store: Store::new(quotas),
        events: Vec::new(),
    };
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

#[test]
fn features_and_control() {
    let mut bench = Bench::new();
    let (dom0, guest) = (bench.store.connect(0), bench.store.connect(5));
    assert_eq!(bench.ask(guest, Kind::GetFeature, ""), ok("4|"));
    assert_eq!(
        bench.ask(dom0, Kind::GetFeature, "5|"),
        Err(ErrorName::Enoent)
    );
    bench.ask(dom0, Kind::Introduce, "5|1|1|").unwrap();
    assert_eq!(
        bench.ask(dom0, Kind::SetFeature, "5|8|"),
        Err(ErrorName::Einval),
        "not offered"
    );
    assert_eq!(bench.ask(dom0, Kind::SetFeature, "5|0|"), ok("OK|"));
    assert_eq!(bench.ask(dom0, Kind::GetFeature, "5|"), ok("0|"));
    assert_eq!(
        bench.ask(guest, Kind::GetFeature, "5|"),
        Err(ErrorName::Eacces)
    );
    assert_eq!(
        bench.ask(dom0, Kind::Control, "help|"),
        ok("commands: help|")
    );
    assert_eq!(
        bench.ask(dom0, Kind::Control, "what|"),
        Err(ErrorName::Einval)
    );
    assert_eq!(
        bench.ask(guest, Kind::Control, "help|"),
        Err(ErrorName::Eacces)
    );
    assert_eq!(bench.ask(dom0, Kind::Resume, "5|"), ok("OK|"));
}

#[test]
fn the_deepest_path_comes_and_goes() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    let path = "/a".repeat(crate::path::ABSOLUTE_MAX / 2);
    assert_eq!(
        bench.ask(dom0, Kind::Write, &format!("{path}|1")),
        ok("OK|")
    );
    let tx = bench.begin(dom0);
    bench
        .ask_in(dom0, tx, Kind::Write, &format!("{path}|2"))
        .unwrap();
    assert_eq!(bench.commit(dom0, tx), ok("OK|"));
    assert_eq!(bench.ask(dom0, Kind::Read, &format!("{path}|")), ok("2"));
    // Nodes are dropped one inside the other: the stack has to take it.
    assert_eq!(bench.ask(dom0, Kind::Rm, "/a|"), ok("OK|"));
    assert_eq!(bench.ask(dom0, Kind::Directory, "/|"), ok("tool|"));
}
