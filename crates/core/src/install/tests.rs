//! Every way to find a name, cut after every step, both ways.

use super::*;
use std::collections::BTreeMap;

const OWN: &str = "aaaa";
const FOLDER: &str = "/etc/xen/scripts";
const WANTED: Wanted<'static> = Wanted {
    scripts: FOLDER,
    names: &["network", "vif-bridge"],
    sha256: OWN,
};

fn file(sha256: &str) -> Entry {
    Entry::File {
        sha256: sha256.into(),
    }
}

/// Debian's dom0: `vif-bridge` is the package's, `network` nobody's.
fn debian() -> Found {
    let script = Place {
        name: file("script"),
        package: Some("xen-utils-common".into()),
        ..Place::default()
    };
    Found {
        names: BTreeMap::from([
            ("network".into(), Place::default()),
            ("vif-bridge".into(), script),
        ]),
        ..Found::default()
    }
}

/// What a step makes of a machine.
fn apply(found: &mut Found, step: &Step) {
    let mut place = |name: &str, act: &dyn Fn(&mut Place)| {
        act(found.names.get_mut(name).expect("a name that was found"));
    };
    match step {
        Step::WriteManifest { manifest } => found.manifest = Some(manifest.clone()),
        Step::WriteProgram { sha256 } => found.program = file(sha256),
        Step::Divert { name } => place(name, &|p| p.diversion = Diversion::Ours),
        Step::Undivert { name } => place(name, &|p| p.diversion = Diversion::None),
        Step::Stage { name } => place(name, &|p| {
            assert_eq!(p.aside, Entry::Absent);
            p.aside = Entry::Ours;
        }),
        Step::Exchange { name } => place(name, &|p| std::mem::swap(&mut p.name, &mut p.aside)),
        Step::Link { name } => place(name, &|p| {
            assert_eq!(p.name, Entry::Absent);
            p.name = Entry::Ours;
        }),
        Step::Restore { name } => place(name, &|p| {
            assert_eq!(p.name, Entry::Absent);
            p.name = std::mem::take(&mut p.aside);
        }),
        Step::Unlink { name } => place(name, &|p| {
            assert_eq!(std::mem::take(&mut p.name), Entry::Ours);
        }),
        Step::UnlinkAside { name } => place(name, &|p| {
            assert_eq!(std::mem::take(&mut p.aside), Entry::Ours);
        }),
        Step::RemoveProgram => found.program = Entry::Absent,
        Step::RemoveManifest => found.manifest = None,
    }
    let ours = found.names.values().any(|place| place.name == Entry::Ours);
    assert!(
        !ours || found.program != Entry::Absent,
        "{step:?}: a name is a link to nothing"
    );
    assert!(
        found.names["vif-bridge"].name != Entry::Absent || found.manifest.is_some(),
        "{step:?}: a script is gone"
    );
}

fn after(start: &Found, steps: &[Step]) -> Found {
    let mut found = start.clone();
    steps.iter().for_each(|step| apply(&mut found, step));
    found
}

fn install_in(found: &Found) -> Plan {
    install(&WANTED, found).expect("nothing is in the way")
}

#[test]
fn both_ways_and_again() {
    let plan = install_in(&debian());
    let installed = after(&debian(), &plan.steps);
    for place in installed.names.values() {
        assert_eq!(place.name, Entry::Ours);
    }
    assert_eq!(installed.names["vif-bridge"].aside, file("script"));
    assert_eq!(installed.names["vif-bridge"].diversion, Diversion::Ours);
    assert_eq!(install_in(&installed), Plan::default(), "twice is once");
    let plan = uninstall(FOLDER, &installed);
    assert_eq!((&plan.left, &plan.notes), (&vec![], &vec![]));
    assert_eq!(after(&installed, &plan.steps), debian());
    assert_eq!(uninstall(FOLDER, &debian()), Plan::default());
}

#[test]
fn the_manifest_is_first_and_last() {
    let plan = install_in(&debian());
    assert!(matches!(plan.steps[0], Step::WriteManifest { .. }));
    let installed = after(&debian(), &plan.steps);
    let steps = uninstall(FOLDER, &installed).steps;
    assert_eq!(steps.last(), Some(&Step::RemoveManifest));
}

#[test]
fn cut_anywhere_the_next_run_finishes() {
    let installed = after(&debian(), &install_in(&debian()).steps);
    let ways = [
        (debian(), install_in(&debian()).steps),
        (installed.clone(), uninstall(FOLDER, &installed).steps),
    ];
    for (start, steps) in ways {
        for cut in 0..=steps.len() {
            let found = after(&start, &steps[..cut]);
            let on = after(&found, &install_in(&found).steps);
            for (name, place) in &on.names {
                assert_eq!(place, &installed.names[name], "cut after {cut}");
            }
            assert_eq!(install_in(&on), Plan::default());
            let plan = uninstall(FOLDER, &found);
            assert_eq!(plan.left, [""; 0]);
            assert_eq!(after(&found, &plan.steps), debian(), "cut after {cut}");
        }
    }
}

#[test]
fn an_upgraded_original_comes_back_upgraded() {
    let mut installed = after(&debian(), &install_in(&debian()).steps);
    place(&mut installed).aside = file("upgraded");
    assert_eq!(install_in(&installed), Plan::default());
    let plan = uninstall(FOLDER, &installed);
    assert!(plan.notes[0].contains("as it is now"), "{:?}", plan.notes);
    let restored = after(&installed, &plan.steps);
    assert_eq!(restored.names["vif-bridge"].name, file("upgraded"));
}

#[test]
fn a_file_that_was_put_there_since_stays() {
    let mut installed = after(&debian(), &install_in(&debian()).steps);
    place(&mut installed).name = file("mine");
    let again = install_in(&installed);
    assert_eq!((again.steps.len(), again.left.len()), (0, 1));
    let plan = uninstall(FOLDER, &installed);
    assert!(plan.left[0].contains("mv vif-bridge.distrib"), "{plan:?}");
    let rest = after(&installed, &plan.steps);
    assert_eq!(rest.names["vif-bridge"], installed.names["vif-bridge"]);
    assert_eq!(rest.names["network"].name, Entry::Absent);
    assert_eq!(rest.program, file(OWN), "whoever replaced it may call it");
    // The administrator does as told.
    let mut told = rest;
    let place = place(&mut told);
    place.name = std::mem::take(&mut place.aside);
    let plan = uninstall(FOLDER, &told);
    assert_eq!(plan.left, [""; 0]);
    assert_eq!(after(&told, &plan.steps), debian());
}

#[test]
fn links_that_were_removed_come_again_or_make_room() {
    let mut installed = after(&debian(), &install_in(&debian()).steps);
    place(&mut installed).name = Entry::Absent;
    let again = install(&WANTED, &installed).unwrap();
    assert_eq!(
        again.steps,
        [Step::Link {
            name: "vif-bridge".into()
        }]
    );
    let plan = uninstall(FOLDER, &installed);
    let mut restored = installed.clone();
    plan.steps
        .iter()
        .for_each(|step| apply(&mut restored, step));
    assert_eq!(restored, debian());
}

#[test]
fn without_the_manifest_links_are_known_by_where_they_lead() {
    let mut installed = after(&debian(), &install_in(&debian()).steps);
    installed.manifest = None;
    let plan = uninstall(FOLDER, &installed);
    let restored = after(&installed, &plan.steps);
    assert_eq!(restored.names, debian().names);
}

#[test]
fn another_program_takes_the_place_of_the_one_before() {
    let installed = after(&debian(), &install_in(&debian()).steps);
    let newer = Wanted {
        sha256: "bbbb",
        ..WANTED
    };
    let steps = install(&newer, &installed).unwrap().steps;
    assert_eq!(steps.len(), 2, "{steps:?}");
    for cut in 0..=steps.len() {
        let found = after(&installed, &steps[..cut]);
        let restored = after(&found, &uninstall(FOLDER, &found).steps);
        assert_eq!(restored, debian(), "cut after {cut}");
        let newest = Wanted {
            sha256: "cccc",
            ..WANTED
        };
        let found = after(&found, &install(&newest, &found).unwrap().steps);
        assert_eq!(found.program, file("cccc"));
    }
}

#[test]
fn what_is_in_the_way_is_named_all_at_once() {
    let mut found = debian();
    found.program = file("else");
    place(&mut found).aside = file("old");
    let folder = Entry::Other {
        kind: "folder".into(),
    };
    found.names.get_mut("network").unwrap().name = folder;
    let refusals = install(&WANTED, &found).unwrap_err();
    let text: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    let text = text.join("\n");
    for word in [PROGRAM, "vif-bridge.distrib", "network is a folder"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    let mut found = debian();
    place(&mut found).diversion = Diversion::Foreign {
        by: "other".into(),
        to: "/elsewhere".into(),
    };
    let refusals = install(&WANTED, &found).unwrap_err();
    assert!(refusals[0].to_string().contains("diverted to /elsewhere"));
}

#[test]
fn a_packages_program_is_neither_written_nor_removed() {
    let mut found = debian();
    found.program_package = Some("xenwire".into());
    found.program = file(OWN);
    let installed = after(&found, &install_in(&found).steps);
    let restored = after(&installed, &uninstall(FOLDER, &installed).steps);
    assert_eq!(restored, found);
    found.program = file("bbbb");
    let refusals = install(&WANTED, &found).unwrap_err();
    assert!(refusals[0].to_string().contains("package xenwire"));
}

#[test]
fn a_manifest_reads_as_it_was_written() {
    let installed = after(&debian(), &install_in(&debian()).steps);
    let manifest = installed.manifest.unwrap();
    assert_eq!(Manifest::parse(&manifest.to_text()), Ok(manifest.clone()));
    let newer = manifest
        .to_text()
        .replace("\"version\": 1", "\"version\": 2");
    assert!(Manifest::parse(&newer).unwrap_err().contains("newer"));
    assert!(Manifest::parse("{").is_err());
}

fn place(found: &mut Found) -> &mut Place {
    found.names.get_mut("vif-bridge").expect("it is among them")
}
