//! `xenwire check` and `xenwire fmt`: what is wrong with files, all of it, and nothing else done.

use std::path::Path;

use crate::place::Place;

/// Five faults, one in each line but the first.
const FIVE: &str = "name = 'foo'
vif = [ 'mac=01:16:3e:00:00:02',
        'brigde=br0',
        'ip=192.0.2.300',
        'rate=10Mbit',
        'mtu=12' ]
";

#[test]
fn five_faults_are_shown_at_once_each_at_its_place() {
    let place = Place::new();
    place.write("foo.cfg", FIVE, 0o644);
    let said = place.expect(1, &["check", "foo.cfg"]);
    for (at, code) in [
        ("foo.cfg:2:14", "vif-mac-multicast"),
        ("foo.cfg:3:10", "vif-unknown-key"),
        ("foo.cfg:4:13", "vif-ip"),
        ("foo.cfg:5:15", "vif-rate"),
        ("foo.cfg:6:14", "vif-mtu"),
    ] {
        assert!(said.out.contains(&format!("error[{code}]: ")), "{said:?}");
        assert!(said.out.contains(&format!("--> {at}\n")), "{at}: {said:?}");
    }
    let summary = "1 file: 5 errors, 0 warnings; `xenwire check --explain CODE` says more\n";
    assert_eq!(said.err, summary);
    assert!(!said.out.contains('\x1b'), "no colours in a pipe");

    let json = place.expect(1, &["check", "--json", "foo.cfg"]).json();
    assert_eq!(json["version"], 1);
    assert_eq!((&json["errors"], &json["warnings"]), (&5.into(), &0.into()));
    assert_eq!(json["diagnostics"].as_array().unwrap().len(), 5);
    assert_eq!(json["diagnostics"][1]["hint"], "did you mean `bridge`?");
    assert_eq!(json["files"][0]["kind"], "guest");
    assert_eq!(json["files"][0]["syntax"], "xl");
}

#[test]
fn the_examples_are_clean() {
    let place = Place::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut words = vec!["check".into()];
    for entry in std::fs::read_dir(examples).unwrap() {
        words.push(entry.unwrap().path().into_os_string());
    }
    let said = place.expect(0, &words);
    assert_eq!(said.out, "");
    assert!(said.err.contains("nothing is wrong"), "{said:?}");
}

#[test]
fn a_folder_is_searched_and_interfaces_take_in_others() {
    let place = Place::new();
    place.write(
        "xen/foo.cfg",
        "name = 'foo'\nvif = [ 'bridge=br1' ]\n",
        0o644,
    );
    place.write(
        "xen/auto/bar",
        "name = 'bar'\nvif = [ 'bridge=br0' ]\n",
        0o644,
    );
    place.write("xen/scripts/vif-bridge", "#!/bin/sh\nvif = [\n", 0o755);
    place.write("xen/foo.cfg~", "vif = [\n", 0o644);
    place.write("net/interfaces", "source more.d/*\n", 0o644);
    let bridge = "iface br0 inet manual\n  bridge_ports none\n";
    place.write("net/more.d/bridges", bridge, 0o644);
    let said = place.expect(0, &["check", "--json", "xen", "net/interfaces"]);
    let json = said.json();
    let files: Vec<&str> = json["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["file"].as_str().unwrap())
        .collect();
    assert_eq!(
        files,
        [
            "xen/auto/bar",
            "xen/foo.cfg",
            "net/interfaces",
            "net/more.d/bridges"
        ]
    );
    let codes: Vec<&str> = json["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["guests-bridge-unknown"], "{said:?}");
    // One file under two names is not its own double.
    let twice = ["check", "xen", "xen/foo.cfg", "./xen/foo.cfg"];
    let said = place.expect(0, &twice);
    assert!(said.err.starts_with("2 files: "), "{said:?}");
}

#[test]
fn files_of_xms_day_are_read_as_such_and_never_run() {
    let place = Place::new();
    let file = "# r\u{e9}seau\nimport os\nos.system('touch ran')\nname = 'vm%d' % vmid\n\
                vif = [ 'mac=00:16:3e:00:00:%02x, bridge=xenbr0' % vmid ]\n";
    let latin1: Vec<u8> = file
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    std::fs::write(place.file("old.cfg"), latin1).unwrap();
    let said = place.say(&["check", "--var", "vmid=3", "old.cfg"]);
    assert!(said.err.contains("read as xm's"), "{said:?}");
    assert!(!place.file("ran").exists());
    let without = place.expect(1, &["check", "old.cfg"]);
    assert!(without.out.contains("--var vmid="), "{without:?}");
    let as_xl = place.expect(1, &["check", "--syntax", "xl", "old.cfg"]);
    assert!(as_xl.out.contains("xl-"), "{as_xl:?}");
}

#[test]
fn what_cannot_be_read_does_not_hide_the_rest() {
    let place = Place::new();
    place.write("foo.cfg", FIVE, 0o644);
    let said = place.expect(1, &["check", "none.cfg", "foo.cfg"]);
    assert!(said.err.contains("none.cfg: No such file"), "{said:?}");
    assert!(said.out.contains("vif-mtu"), "{said:?}");
    place.write("good.cfg", "name = 'good'\n", 0o644);
    let said = place.expect(1, &["check", "none.cfg", "good.cfg"]);
    assert!(said.err.contains("1 file: nothing is wrong"), "{said:?}");
}

#[test]
fn codes_are_explained_and_wrong_requests_refused() {
    let place = Place::new();
    let page = place
        .expect(0, &["check", "--explain", "vif-unknown-key"])
        .out;
    assert!(page.starts_with("vif-unknown-key\n\n"), "{page}");
    assert!(page.contains("\nWhat to do: "), "{page}");
    let near = place
        .expect(1, &["check", "--explain", "vif-unknown-kye"])
        .err;
    assert!(near.contains("did you mean `vif-unknown-key`?"), "{near}");
    let missing = place.expect(1, &["check", "none.cfg"]).err;
    assert!(missing.contains("none.cfg: No such file"), "{missing}");
    std::fs::create_dir(place.file("empty")).unwrap();
    let nothing = place.expect(1, &["check", "empty"]).err;
    assert!(nothing.contains("no file here"), "{nothing}");
    place.expect(2, &["check"]);
    place.expect(2, &["check", "--var", "vmid", "x.cfg"]);
    place.expect(2, &["check", "--syntax", "python", "x.cfg"]);
}

#[test]
fn a_specification_has_a_normal_form() {
    let place = Place::new();
    let spec = "bridge=br0,rate=10Mb/s,mac=00-16-3E-0-0-2";
    let said = place.expect(0, &["fmt", "--vif", spec]);
    assert_eq!(said.out, "mac=00:16:3e:00:00:02,bridge=br0,rate=10Mb/s\n");
    assert!(said.err.contains("vif-mac-odd"), "{said:?}");
    let json = place.expect(0, &["fmt", "--json", "--vif", "", "--vif", "mtu=9000"]);
    assert_eq!(json.json()["vifs"], serde_json::json!(["", "mtu=9000"]));
    let wrong = place.expect(1, &["fmt", "--vif", "brigde=br0"]);
    assert_eq!(wrong.out, "");
    assert!(wrong.err.contains("did you mean `bridge`?"), "{wrong:?}");
    // As xl reads it, which goes on without what it does not know.
    let lenient = place.expect(0, &["fmt", "--lenient", "--vif", "brigde=br0,mtu=9000"]);
    assert_eq!(lenient.out, "mtu=9000\n");
}
