//! A script's name that nobody knows. Xen's own scripts were copied under another name and edited
//! (contract 1.7); a copy of ours says so, and shows the wrapper that does the same.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::place::{Place, Said, each_user};

/// The wrapper that a message shows.
fn shown(said: &str) -> String {
    let lines = said.lines().map(|line| line.trim_start_matches(' '));
    let wrapper = lines.skip_while(|line| !line.starts_with("#!/bin/sh"));
    let wrapper = wrapper.take_while(|line| !line.is_empty());
    wrapper.map(|line| format!("{line}\n")).collect()
}

/// A copy of `custom-script` whose scripts are copies of our program.
fn copies(place: &Place) -> String {
    let folder = "examples/custom-script".to_owned();
    for script in ["network-custom", "vif-custom"] {
        let path = place.file(&format!("{folder}/etc/xen/scripts/{script}"));
        fs::remove_file(&path).unwrap();
        fs::copy(place.file("xenwire"), &path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Nobody says anything to xend, which would wait for 100 s.
    let conf =
        "(network-script network-custom)\n(vif-script vif-custom)\n(device-create-timeout 1)\n";
    place.write(&format!("{folder}/etc/xen/xend-config.sxp"), conf, 0o644);
    folder
}

fn log(place: &Place, file: &str) -> String {
    let said = place.on("dom0", &["cat", &format!("/var/log/xen/{file}")]);
    said.out
}

#[test]
fn a_copy_under_a_name_of_nobodys_shows_the_wrapper_to_write() {
    each_user(|place| {
        let folder = copies(place);
        let up = place.say(&["lab", "up", &folder]);
        let call = |script: &str, words: &[&str]| -> Said {
            let path = format!("/etc/xen/scripts/{script}");
            place.on("dom0", &[&[path.as_str()], words].concat())
        };
        for (script, words, ours) in [
            ("network-custom", ["start", "vifnum=0"], "network-bridge"),
            ("vif-custom", ["online", "type_if=vif"], "vif-bridge"),
        ] {
            let said = call(script, &words);
            assert_eq!(said.status, 1, "{place}: {script}: {said}");
            assert_eq!(said.out, "", "{script}");
            assert!(
                said.err.contains(&format!("no script called {script}")),
                "{said}"
            );
            let wrapper = shown(&said.err);
            assert!(wrapper.contains(&format!("/{ours}\" \"$@\"")), "{wrapper}");
        }
        // xend does not look; the lab says it, and no guest has come.
        let trouble = format!("{}{}", up.err, up.out);
        assert!(trouble.contains("network-custom start ended with"), "{up}");
        assert!(log(place, "xend-debug.log").contains("no script called network-custom"));
        let links = place.links("dom0");
        assert!(
            !links.contains("peth0") && !links.contains("xenbr0"),
            "{links:?}"
        );
        place.expect(0, &["lab", "down"]);
    });
}

#[test]
fn the_wrapper_that_is_shown_works() {
    let place = Place::new();
    let folder = copies(&place);
    // Ended by its name, before it looks at anything: it can be called here, too.
    for (script, ours) in [("network-custom", " netdev=eth1"), ("vif-custom", "")] {
        let path = place.file(&format!("{folder}/etc/xen/scripts/{script}"));
        let said = crate::place::said(&mut place.command(&path));
        assert_eq!(said.status, 1, "{said}");
        let wrapper = shown(&said.err);
        assert!(wrapper.ends_with(&format!("\"$@\"{ours}\n")), "{wrapper}");
        // What comes behind the words of the caller is an example's.
        let wrapper = wrapper.replace(" netdev=eth1", "");
        fs::remove_file(&path).unwrap();
        place.write(
            &format!("{folder}/etc/xen/scripts/{script}"),
            &wrapper,
            0o755,
        );
    }
    // Both are what they wrap, and the host is that of the default bridge.
    let conf = "(network-script network-custom)\n(vif-script vif-custom)\n";
    place.write(&format!("{folder}/etc/xen/xend-config.sxp"), conf, 0o644);
    for file in ["foo.cfg", "bar.cfg"] {
        let path = format!("examples/default-bridge/etc/xen/{file}");
        let text = fs::read_to_string(place.file(&path)).unwrap();
        place.write(&format!("{folder}/etc/xen/{file}"), &text, 0o644);
    }
    let toml = fs::read_to_string(place.file("examples/default-bridge/lab.toml")).unwrap();
    place.write(&format!("{folder}/lab.toml"), &toml, 0o644);
    place.expect(0, &["lab", "run", &folder]);
}

#[test]
fn the_scenarios_own_wrappers_are_run_as_they_are() {
    each_user(|place| {
        place.expect(0, &["lab", "up", "examples/custom-script"]);
        let links = place.links("dom0");
        assert!(
            links.contains("br1") && links.contains("peth0"),
            "{place}: {links:?}"
        );
        // vif-custom was called for each vif and handed the call on.
        let calls = log(place, "vif-custom.log");
        let mut calls: Vec<&str> = calls.lines().collect();
        calls.sort_unstable();
        assert_eq!(
            calls,
            ["vif1.0: online", "vif1.1: online", "vif2.0: online"]
        );
        place.expect(0, &["lab", "stop", "foo"]);
        let calls = log(place, "vif-custom.log");
        assert!(calls.contains("vif1.0: offline\n"), "{place}: {calls}");
        // Status by the wrapper's name is network-bridge's.
        let said = place.on("dom0", &["/etc/xen/scripts/network-custom", "status"]);
        assert_eq!(said.status, 0, "{said}");
        assert!(said.out.contains("xenbr0"), "{said}");
        place.expect(0, &["lab", "down"]);
    });
}
