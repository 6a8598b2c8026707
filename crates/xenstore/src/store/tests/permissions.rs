//! Who may do what.

use super::*;

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
