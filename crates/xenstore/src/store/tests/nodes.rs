//! Nodes: values, names, lists, removal.

use super::*;

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

#[test]
fn children_are_listed_in_the_order_in_which_they_were_made() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    for name in ["zebra", "ant", "mole"] {
        bench
            .ask(dom0, Kind::Mkdir, &format!("/n/{name}|"))
            .unwrap();
    }
    bench
        .ask(dom0, Kind::Write, "/n/zebra|written again|")
        .unwrap();
    let tx = bench.begin(dom0);
    for (kind, path) in [
        (Kind::Mkdir, "/n/yak|"),
        (Kind::Mkdir, "/n/bee|"),
        (Kind::Rm, "/n/zebra|"),
        (Kind::Mkdir, "/n/zebra|"),
        (Kind::Rm, "/n/yak|"),
        (Kind::Mkdir, "/n/yak|"),
    ] {
        bench.ask_in(dom0, tx, kind, path).unwrap();
    }
    let within = bench.ask_in(dom0, tx, Kind::Directory, "/n|");
    assert_eq!(within, ok("ant|mole|bee|zebra|yak|"));
    bench.ask(dom0, Kind::Mkdir, "/other|").unwrap();
    assert_eq!(bench.commit(dom0, tx), ok("OK|"));
    assert_eq!(bench.ask(dom0, Kind::Directory, "/n|"), within);
    let part = bench.ask(dom0, Kind::DirectoryPart, "/n|0|").unwrap();
    assert!(part.ends_with("|ant|mole|bee|zebra|yak||"), "{part}");
}
