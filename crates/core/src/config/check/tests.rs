//! Which files belong together, and what is only known of all of them.

use super::*;

fn file(name: &str, text: &str) -> File {
    let kind = Kind::of(name).unwrap();
    let (name, text) = (name.to_owned(), text.to_owned());
    File { name, kind, text }
}

fn codes(files: &[File]) -> Vec<&'static str> {
    let found = check(files, &Reading::default()).found;
    let mut codes: Vec<&str> = found.iter().map(|found| found.code.name).collect();
    codes.sort_unstable();
    codes
}

const GUEST: &str = "name = 'foo'\nvif = [ 'mac=00:16:3e:00:00:02,bridge=br0' ]\n";
const LAB: &str = "
[lan.office]
[host]
nic = [ { name = 'eth0', lan = 'office' } ]
bridge = [ { name = 'br0', port = ['eth0'] } ]
[[guest]]
config = 'foo.cfg'
";

#[test]
fn scenarios_are_hosts_of_their_own() {
    let mut files = vec![
        file("a/lab.toml", LAB),
        file("a/etc/xen/foo.cfg", GUEST),
        file("b/lab.toml", LAB),
        file("b/etc/xen/foo.cfg", GUEST),
    ];
    assert_eq!(codes(&files), [""; 0], "one MAC on two hosts");
    // Other files are of one host together, and the name of its other guest is another one.
    let other = GUEST.replace("foo", "bar");
    files.push(file("etc/xen/foo.cfg", GUEST));
    assert_eq!(codes(&files), [""; 0]);
    files.push(file("etc/xen/bar.cfg", &other));
    assert_eq!(codes(&files), ["guests-mac-twice"]);
}

#[test]
fn a_scenario_without_a_folder_has_the_files_beside_it() {
    let files = [file("lab.toml", LAB), file("etc/xen/foo.cfg", GUEST)];
    assert_eq!(codes(&files), [""; 0]);
    assert_eq!(codes(&files[..1]), ["lab-no-config"]);
    // A guest whose file is wrong is not missing too.
    let wrong = file("etc/xen/foo.cfg", "name = 'foo'\nvif = 'x'\n");
    assert_eq!(codes(&[files[0].clone(), wrong]), ["domu-vif-list"]);
}

#[test]
fn guests_of_xend_are_xms_whatever_they_look_like() {
    // Python's: xl would read it with a warning, as a file of another time.
    let guest = "name = 'foo'\nvif = [ 'mac=00:16:3e:00:00:02,' + 'bridge=br0' ]\n";
    let xend = file("a/etc/xen/xend-config.sxp", "(vif-script vif-bridge)");
    let libxl = LAB.replace("[host]", "[host]\ntoolstack = 'libxl'");
    let told = LAB.replace("[host]", "[host]\ntoolstack = 'xend'");
    for (lab, beside, is_xends) in [
        (LAB, Some(&xend), true),
        (LAB, None, false),
        (&libxl, Some(&xend), false),
        (&told, None, true),
    ] {
        let mut files = vec![file("a/lab.toml", lab), file("a/etc/xen/foo.cfg", guest)];
        files.extend(beside.cloned());
        let wanted: &[&str] = if is_xends { &[] } else { &["domu-of-xm"] };
        assert_eq!(codes(&files), wanted, "{lab} {beside:?}");
        // And what both can read is told to be xm's.
        files[1].text = GUEST.to_owned();
        let reading = Reading::default();
        let syntax = if is_xends { Syntax::Xm } else { Syntax::Xl };
        let syntaxes = vec![("a/etc/xen/foo.cfg".to_owned(), syntax)];
        assert_eq!(check(&files, &reading).syntaxes, syntaxes);
        // Whoever says what it is knows better.
        let reading = Reading {
            syntax: Some(Syntax::Xl),
            ..reading
        };
        assert_eq!(check(&files, &reading).syntaxes[0].1, Syntax::Xl);
    }
}

#[test]
fn only_bridged_vifs_need_one_of_the_hosts_bridges() {
    let bridge = "iface br0 inet manual\n  bridge_ports eth0\n";
    for (script, missed) in [
        ("", true),
        (",script=/etc/xen/scripts/vif-bridge", true),
        (",script=vif-openvswitch", false),
        (",script=vif-route", false),
    ] {
        let guest = GUEST.replace("br0", &format!("br7{script}"));
        let files = [file("foo.cfg", &guest), file("interfaces", bridge)];
        let found = codes(&files);
        assert_eq!(
            found == ["guests-bridge-unknown"],
            missed,
            "{script}: {found:?}"
        );
    }
}

#[test]
fn a_bridge_is_missed_only_where_all_are_known() {
    let guest = file("foo.cfg", &GUEST.replace("br0", "br7"));
    let bridge = "iface br0 inet manual\n  bridge_ports eth0\n";
    let interfaces = file("interfaces", bridge);
    assert_eq!(
        codes(std::slice::from_ref(&guest)),
        [""; 0],
        "nothing is known"
    );
    let both = [guest.clone(), interfaces.clone()];
    assert_eq!(codes(&both), ["guests-bridge-unknown"]);
    for (network, unknown) in [
        ("(network-script my-own-script)", true),
        ("(network-script network-bridge)", true),
        ("(network-script 'network-bridge bridge=br7')", true),
        ("(network-script 'network-bridge bridge=br8')", false),
        ("(network-script network-route)", false),
    ] {
        let xend = file("xend-config.sxp", network);
        let found = codes(&[guest.clone(), interfaces.clone(), xend]);
        assert_eq!(found.is_empty(), unknown, "{network}: {found:?}");
    }
}
