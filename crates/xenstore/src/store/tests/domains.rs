//! Domains that come and go, and what dom0 may ask about them.

use super::*;

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
    assert_eq!(bench.ask(guest, Kind::Watch, "a|t|1|"), ok("OK|"));
    assert_eq!(bench.ask(dom0, Kind::SetFeature, "5|0|"), ok("OK|"));
    assert_eq!(
        bench.ask(guest, Kind::Watch, "b|t|1|"),
        Err(ErrorName::Einval),
        "a depth is no longer among its features"
    );
    assert_eq!(bench.ask(guest, Kind::Watch, "b|t|"), ok("OK|"));
    assert_eq!(bench.ask(dom0, Kind::GetFeature, "5|"), ok("0|"));
    assert_eq!(
        bench.ask(guest, Kind::GetFeature, "5|"),
        Err(ErrorName::Eacces)
    );
    let help = bench.ask(dom0, Kind::Control, "help|").unwrap();
    assert!(help.contains("quota set NAME VALUE"), "{help}");
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
fn one_domain_can_be_watched() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    for watch in [
        "@releaseDomain/7|one|",
        "@releaseDomain|any|1|",
        "@introduceDomain/7|in|",
    ] {
        assert_eq!(bench.ask(dom0, Kind::Watch, watch), ok("OK|"));
    }
    for wrong in [
        "@releaseDomain/|t|",
        "@releaseDomain/x|t|",
        "@releaseDomain/7/8|t|",
    ] {
        let refused = bench.ask(dom0, Kind::Watch, wrong);
        assert_eq!(refused, Err(ErrorName::Einval), "{wrong}");
    }
    bench.events.clear();
    for domid in ["6|", "7|"] {
        bench
            .ask(dom0, Kind::Introduce, &format!("{domid}1|1|"))
            .unwrap();
        bench.ask(dom0, Kind::Release, domid).unwrap();
    }
    assert_eq!(
        bench.events(dom0),
        [
            "@releaseDomain/6|any|",
            "@introduceDomain/7|in|",
            "@releaseDomain/7|one|",
            "@releaseDomain/7|any|"
        ]
    );
    let removed = bench.ask(dom0, Kind::Unwatch, "@releaseDomain/7|one|");
    assert_eq!(removed, ok("OK|"));
}

#[test]
fn nothing_is_left_of_a_released_domain() {
    let mut bench = Bench::new();
    let dom0 = bench.store.connect(0);
    for domid in ["5", "6", "7"] {
        bench
            .ask(dom0, Kind::Introduce, &format!("{domid}|1|1|"))
            .unwrap();
    }
    for (node, perms) in [
        ("/a/own/deep/er", "n5|"),
        ("/a/own", "n5|"),
        ("/a/shared", "n0|r5|r6|"),
        ("/a/other", "n6|b5|"),
        ("/a/other/within", "n5|"),
    ] {
        bench.ask(dom0, Kind::Write, &format!("{node}|v")).unwrap();
        bench
            .ask(dom0, Kind::SetPerms, &format!("{node}|{perms}"))
            .unwrap();
    }
    bench
        .ask(dom0, Kind::SetPerms, "@introduceDomain|n0|r5|")
        .unwrap();
    bench.ask(dom0, Kind::SetTarget, "7|5|").unwrap();
    for watch in ["/a", "/a/own/deep", "@releaseDomain"] {
        bench
            .ask(dom0, Kind::Watch, &format!("{watch}|t|"))
            .unwrap();
    }
    let tx = bench.begin(dom0);
    bench.ask_in(dom0, tx, Kind::Read, "/a/shared|").unwrap();
    bench.events.clear();

    bench.ask(dom0, Kind::Release, "5|").unwrap();
    assert_eq!(
        bench.events(dom0),
        [
            "/a/own|t|",
            "/a/own/deep|t|",
            "/a/other/within|t|",
            "@releaseDomain|t|"
        ],
        "as if dom0 had removed them, and before the release is told"
    );
    assert_eq!(bench.ask(dom0, Kind::Directory, "/a|"), ok("shared|other|"));
    assert_eq!(bench.ask(dom0, Kind::GetPerms, "/a/shared|"), ok("n0|r6|"));
    assert_eq!(bench.ask(dom0, Kind::GetPerms, "/a/other|"), ok("n6|"));
    assert_eq!(
        bench.ask(dom0, Kind::GetPerms, "@introduceDomain|"),
        ok("n0|")
    );
    assert_eq!(bench.commit(dom0, tx), Err(ErrorName::Eagain));

    // The next domain of that number starts with nothing, and nobody acts for it.
    bench.ask(dom0, Kind::Introduce, "5|1|1|").unwrap();
    let (heir, model) = (bench.store.connect(5), bench.store.connect(7));
    let denied = Err(ErrorName::Eacces);
    assert_eq!(bench.ask(heir, Kind::Read, "/a/shared|"), denied);
    bench.ask(dom0, Kind::Write, "/b|").unwrap();
    bench.ask(dom0, Kind::SetPerms, "/b|n5|").unwrap();
    assert_eq!(bench.ask(model, Kind::Read, "/b|"), denied);
    // What belongs to nobody else is the root, and it stays.
    bench.ask(dom0, Kind::SetPerms, "/|n5|").unwrap();
    bench.ask(dom0, Kind::Release, "5|").unwrap();
    assert_eq!(bench.ask(dom0, Kind::GetPerms, "/|"), ok("n0|"));
}
