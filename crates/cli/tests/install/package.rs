//! dpkg upgrades, removes and purges the scripts while our links are in their place.

use std::fs;

use crate::cases::TAKEN;
use crate::world::{PACKAGE, PROGRAM, SCRIPTS, World};

/// What dpkg was told.
const DIVERSIONS: &str = "dpkg-divert --admindir root/var/lib/dpkg --list";

#[test]
fn an_upgraded_original_comes_back_upgraded() {
    let Some(world) = World::new(false) else {
        return;
    };
    world.expect(0, &["install"]);
    world.package(
        "2",
        "echo '# newer' >>vif-bridge; echo '# newer' >>vif-common.sh",
    );
    world.dpkg(&["--install", "2.deb"]);
    assert!(
        world.script("vif-bridge").is_symlink(),
        "dpkg leaves our link"
    );
    assert!(
        newer(&world, "vif-bridge.distrib"),
        "dpkg upgrades what is aside"
    );
    assert!(
        newer(&world, "vif-common.sh"),
        "dpkg upgrades what others source"
    );
    world.expect(0, &["install"]);
    let said = world.expect(0, &["uninstall"]);
    assert!(newer(&world, "vif-bridge"), "{said}");
    assert!(
        said.err
            .contains("the one of xen-utils-common as it is now"),
        "{said}"
    );
    assert!(!world.script("vif-bridge.distrib").exists());
    let diverted = world.sh(DIVERSIONS);
    assert_eq!(diverted, "");
    // dpkg finds its files where they belong.
    world.package("3", "echo '# newest' >>vif-bridge");
    world.dpkg(&["--install", "3.deb"]);
    let text = fs::read_to_string(world.script("vif-bridge")).unwrap();
    assert!(text.ends_with("# newest\n"));
}

#[test]
fn a_purged_package_leaves_what_is_diverted() {
    let Some(world) = World::new(false) else {
        return;
    };
    let original = fs::read(world.script("vif-bridge")).unwrap();
    world.expect(0, &["install"]);
    world.dpkg(&["--purge", PACKAGE]);
    assert!(world.script("vif-bridge").is_symlink());
    assert!(world.at(PROGRAM).is_file(), "dpkg follows no link of ours");
    world.expect(0, &["uninstall"]);
    // dpkg does not remove a configuration file that is diverted; it comes back, and is nobody's.
    assert_eq!(fs::read(world.script("vif-bridge")).unwrap(), original);
    let names = fs::read_dir(world.at(SCRIPTS)).unwrap();
    assert_eq!(names.count(), TAKEN.len());
    assert_eq!(world.sh(DIVERSIONS), "");
}

#[test]
fn an_original_that_is_gone_is_not_missed() {
    let Some(world) = World::new(false) else {
        return;
    };
    world.expect(0, &["install"]);
    fs::remove_file(world.script("vif-bridge.distrib")).unwrap();
    world.expect(0, &["install"]);
    let said = world.expect(0, &["uninstall"]);
    assert!(said.err.contains("its original is gone"), "{said}");
    assert!(!world.script("vif-bridge").is_symlink());
    assert_eq!(world.sh(DIVERSIONS), "");
}

#[test]
fn somebody_elses_diversion_is_named() {
    let Some(world) = World::new(false) else {
        return;
    };
    world.sh(&format!(
        "dpkg-divert --admindir root/var/lib/dpkg --instdir root --package theirs --rename --quiet \
            --divert /{SCRIPTS}/vif-bridge.theirs --add /{SCRIPTS}/vif-bridge"
    ));
    let said = world.expect(1, &["install"]);
    assert!(said.err.contains("vif-bridge.theirs by theirs"), "{said}");
}

fn newer(world: &World, name: &str) -> bool {
    fs::read_to_string(world.script(name))
        .unwrap()
        .ends_with("# newer\n")
}
