//! Who hears of what, when, and how it is called.

use super::*;

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
fn a_removal_is_told_to_those_who_could_read_what_went_or_its_parent() {
    let mut bench = Bench::new();
    let (dom0, guest) = (bench.store.connect(0), bench.store.connect(5));
    for (node, perms) in [
        ("/", "r0"),
        ("/secret", "n0"),
        ("/secret/a", "n0"),
        ("/secret/a/open", "n0|r5"),
        ("/secret/a/open/b", "n0"),
    ] {
        bench.ask(dom0, Kind::Mkdir, &format!("{node}|")).unwrap();
        bench
            .ask(dom0, Kind::SetPerms, &format!("{node}|{perms}|"))
            .unwrap();
    }
    bench.ask(guest, Kind::Watch, "/secret/a|hidden|").unwrap();
    let below = "/secret/a/open/b|told|";
    bench.ask(guest, Kind::Watch, below).unwrap();
    bench.events.clear();
    bench.ask(dom0, Kind::Rm, "/secret|").unwrap();
    assert_eq!(
        bench.events(guest),
        [below],
        "the parent of one was readable; that the root is, says nothing of what was below it"
    );
}
