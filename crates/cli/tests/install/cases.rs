//! Both ways, twice, and what is refused or left alone.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::world::{PROGRAM, SCRIPTS, Said, Tree, World, diff};

const NONE: [&str; 0] = [];

/// Xen's script, of each name that Debian has and we have too.
pub const TAKEN: [&str; 4] = ["vif-bridge", "vif-route", "vif-nat", "vif-setup"];
/// Names of ours that Debian has no more.
const NEW: [&str; 5] = [
    "network-bridge",
    "network-route",
    "network-nat",
    "network",
    "vif-bridge-manual",
];

/// A host on which dpkg-divert made its files.
fn host(nobody: bool) -> Option<(World, Tree)> {
    let world = World::new(nobody)?;
    world.expect(0, &["install"]);
    world.expect(0, &["uninstall"]);
    let tree = world.tree();
    Some((world, tree))
}

fn both_ways(nobody: bool) {
    let Some(world) = World::new(nobody) else {
        return;
    };
    let before = world.tree();
    let said = world.expect(0, &["install"]);
    let installed = world.tree();
    for name in TAKEN.into_iter().chain(NEW) {
        let target = fs::read_link(world.script(name)).unwrap();
        assert_eq!(target, Path::new(PROGRAM), "{name}\n{said}");
    }
    for name in TAKEN {
        let was = &before[&format!("{SCRIPTS}/{name}")];
        assert_eq!(&installed[&format!("{SCRIPTS}/{name}.distrib")], was);
        let owner = world.sh(&format!(
            "dpkg-divert --admindir root/var/lib/dpkg --truename /{SCRIPTS}/{name}"
        ));
        assert_eq!(owner.trim_end(), format!("/{SCRIPTS}/{name}.distrib"));
    }
    // What others source is where it was, and nothing else of the folder is another.
    for (path, what) in &before {
        let is_ours = TAKEN.iter().any(|name| path.ends_with(&format!("/{name}")));
        let is_dpkgs = path.starts_with("var/lib/dpkg");
        assert!(
            is_ours || is_dpkgs || installed.get(path) == Some(what),
            "{path}"
        );
    }
    let program = world.at(PROGRAM);
    assert_eq!(
        fs::read(&program).unwrap(),
        fs::read(world.folder().join("xenwire")).unwrap()
    );
    assert_eq!(
        fs::metadata(&program).unwrap().permissions().mode() & 0o7777,
        0o755
    );
    let again = world.expect(0, &["install"]);
    assert_eq!(
        (again.out.as_str(), diff(&installed, &world.tree()).len()),
        ("", 0)
    );
    assert!(again.err.contains("installed already"), "{again}");

    world.expect(0, &["uninstall"]);
    let mut after = world.tree();
    after.retain(|path, _| !path.starts_with("var/lib/dpkg/diversions"));
    after.retain(|path, _| path != "usr/libexec");
    assert_eq!(diff(&before, &after), NONE);
    let again = world.expect(0, &["uninstall"]);
    assert!(again.err.contains("nothing of xenwire"), "{again}");
}

#[test]
fn there_and_back_again() {
    both_ways(false);
}

#[test]
fn there_and_back_again_as_an_ordinary_user() {
    both_ways(true);
}

#[test]
fn a_dry_run_changes_nothing_and_says_every_step() {
    let Some(world) = World::new(false) else {
        return;
    };
    let before = world.tree();
    let dry = world.expect(0, &["install", "--dry-run"]);
    assert_eq!(diff(&before, &world.tree()), NONE);
    let done = world.expect(0, &["install"]);
    assert_eq!(dry.out, done.out);
    let installed = world.tree();
    let dry = world.expect(0, &["uninstall", "--dry-run"]);
    assert_eq!(diff(&installed, &world.tree()), NONE);
    let json = world.expect(0, &["uninstall", "--json"]);
    for line in dry.out.lines() {
        assert!(json.out.contains(line), "{line}\n{json}");
    }
    assert!(json.out.contains("\"version\": 1"), "{json}");
}

#[test]
fn folders_that_others_can_write_are_named() {
    let Some((world, _)) = host(false) else {
        return;
    };
    for folder in [SCRIPTS, "etc/xen", "etc", "usr", "var/lib"] {
        for mode in ["g+w", "o+w", "+t,o+w"] {
            let path = world.at(folder);
            world.sh(&format!("chmod {mode} root/{folder}"));
            let before = world.tree();
            let said = world.expect(1, &["install"]);
            let named = format!("chmod go-w {}", path.display());
            assert!(said.err.contains(&named), "{folder} {mode}\n{said}");
            assert_eq!(diff(&before, &world.tree()), NONE);
            // As it says.
            world.sh(&format!("{named}; chmod -t {}", path.display()));
        }
    }
    world.expect(0, &["install"]);
}

#[test]
fn folders_of_others_are_named() {
    if !rustix::process::geteuid().is_root() {
        // An ordinary user cannot give folders away.
        return;
    }
    let Some((world, before)) = host(false) else {
        return;
    };
    world.sh(&format!("chown 1000 root/{SCRIPTS}"));
    let said = world.expect(1, &["install"]);
    assert!(said.err.contains("it is uid 1000's"), "{said}");
    assert!(said.err.contains("chown 0 "), "{said}");
    assert_eq!(diff(&before, &world.tree()), NONE);
}

#[test]
fn a_folder_that_is_a_link_is_not_followed() {
    let Some((world, _)) = host(false) else {
        return;
    };
    symlink("/etc/xen/scripts", world.at("etc/xen/linked")).unwrap();
    let before = world.tree();
    let said = world.expect(1, &["install", "--scripts-dir", "/etc/xen/linked"]);
    assert!(said.err.contains("is a link to /etc/xen/scripts"), "{said}");
    let said = world.expect(3, &["install", "--scripts-dir", "/etc/xen/none"]);
    assert!(said.err.contains("no such folder"), "{said}");
    world.expect(3, &["install", "--scripts-dir", "scripts"]);
    world.expect(3, &["install", "--scripts-dir", "/etc/xen/../xen/scripts"]);
    assert_eq!(diff(&before, &world.tree()), NONE);
}

#[test]
fn another_folder_of_scripts_and_only_one() {
    let Some((world, before)) = host(false) else {
        return;
    };
    world.sh("mkdir -p root/opt/xen; cp debian/vif-bridge root/opt/xen/");
    world.expect(0, &["install", "--scripts-dir", "/opt/xen/"]);
    assert!(world.at("opt/xen/vif-bridge").is_symlink());
    assert!(!world.script("vif-bridge").is_symlink());
    let said = world.expect(1, &["install", "--scripts-dir", "/etc/xen/scripts"]);
    assert!(said.err.contains("installed in /opt/xen"), "{said}");
    world.expect(0, &["uninstall"]);
    world.sh("rm -r root/opt");
    assert_eq!(diff(&before, &world.tree()), NONE);
}

#[test]
fn what_is_in_the_way_is_not_overwritten() {
    let Some((world, _)) = host(false) else {
        return;
    };
    fs::write(world.script("vif-bridge.distrib"), "mine").unwrap();
    fs::create_dir(world.script("network")).unwrap();
    fs::create_dir_all(world.at("usr/libexec/xenwire")).unwrap();
    fs::write(world.at(PROGRAM), "mine").unwrap();
    let before = world.tree();
    let said = world.expect(1, &["install"]);
    for word in [
        "vif-bridge.distrib is there already",
        "network is a folder",
        PROGRAM,
    ] {
        assert!(said.err.contains(word), "{word}\n{said}");
    }
    assert_eq!(diff(&before, &world.tree()), NONE);
}

#[test]
fn a_script_that_was_replaced_since_is_left_alone() {
    let Some((world, before)) = host(false) else {
        return;
    };
    world.expect(0, &["install"]);
    world.sh(&format!(
        "rm root/{SCRIPTS}/vif-bridge; echo mine >root/{SCRIPTS}/vif-bridge"
    ));
    let changed = world.tree();
    let said = world.expect(4, &["install"]);
    assert!(
        said.err.contains("vif-bridge was put there since"),
        "{said}"
    );
    assert_eq!(diff(&changed, &world.tree()), NONE);
    let said = world.expect(4, &["uninstall"]);
    assert!(
        said.err.contains("mv vif-bridge.distrib vif-bridge"),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(world.script("vif-bridge")).unwrap(),
        "mine\n"
    );
    world.expect(4, &["uninstall"]);
    world.sh(&format!(
        "cd root/{SCRIPTS}; mv vif-bridge.distrib vif-bridge"
    ));
    world.expect(0, &["uninstall"]);
    assert_eq!(diff(&before, &world.tree()), NONE);
}

#[test]
fn a_program_that_was_replaced_since_is_left_alone() {
    let Some((world, before)) = host(false) else {
        return;
    };
    world.expect(0, &["install"]);
    world.sh(&format!("rm root{PROGRAM}; echo mine >root{PROGRAM}"));
    let said = world.expect(1, &["install"]);
    assert!(said.err.contains("move it away"), "{said}");
    let said = world.expect(0, &["uninstall"]);
    assert!(said.err.contains("stays"), "{said}");
    assert_eq!(fs::read_to_string(world.at(PROGRAM)).unwrap(), "mine\n");
    world.sh("rm -r root/usr/libexec/xenwire");
    assert_eq!(diff(&before, &world.tree()), NONE);
}

#[test]
fn a_script_that_is_a_link_comes_back_as_that_link() {
    let Some((world, _)) = host(false) else {
        return;
    };
    symlink("vif-bridge", world.script("network-bridge")).unwrap();
    let before = world.tree();
    world.expect(0, &["install"]);
    let kept = fs::read_link(world.script("network-bridge.distrib")).unwrap();
    assert_eq!(kept, Path::new("vif-bridge"));
    world.expect(0, &["uninstall"]);
    assert_eq!(diff(&before, &world.tree()), NONE);
}

#[test]
fn a_host_without_dpkg() {
    let Some((world, _)) = host(false) else {
        return;
    };
    world.sh("rm -r root/var/lib/dpkg");
    let before = world.tree();
    world.expect(0, &["install"]);
    assert!(world.script("vif-bridge.distrib").is_file());
    world.expect(0, &["uninstall"]);
    assert_eq!(diff(&before, &world.tree()), NONE);
}

#[test]
fn an_ordinary_user_is_told_to_be_root() {
    let Some(world) = World::new(true) else {
        return;
    };
    let said: Said = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(world.folder().join("xenwire"))
        .arg("install")
        .output()
        .unwrap()
        .into();
    assert_eq!(said.status, 1, "{said}");
    assert!(said.err.contains("run it as root"), "{said}");
}

#[test]
fn many_at_once_follow_one_another() {
    let Some((world, before)) = host(false) else {
        return;
    };
    let verbs = [
        "install",
        "uninstall",
        "install",
        "install",
        "uninstall",
        "install",
    ];
    let calls = verbs.map(|verb| world.command(&world.xenwire(&[verb])).spawn().unwrap());
    for mut call in calls {
        assert!(call.wait().unwrap().success());
    }
    world.expect(0, &["uninstall"]);
    assert_eq!(diff(&before, &world.tree()), NONE);
}
