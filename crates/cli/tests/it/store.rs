//! Debian's own xenstore-ls against a lab that is up: exactly the nodes and permissions of the
//! contract (3.2, 4.2, 5.5).

use crate::need;
use crate::place::{Place, each_user, said};

/// What `xenstore-ls -fp` prints, with the UUID of each guest replaced by its name.
fn listing(place: &Place) -> String {
    let socket = place.expect(0, &["lab", "xenstore"]).out;
    let mut command = place.command("xenstore-ls");
    command.arg("-fp").env("XENSTORED_PATH", socket.trim());
    let listed = said(&mut command);
    assert_eq!(listed.status, 0, "{place}: {listed}");
    let mut text = listed.out;
    for guest in ["foo", "bar"] {
        let name = format!("/name = \"{guest}\"");
        let Some(line) = text
            .lines()
            .find(|line| line.starts_with("/vm/") && line.contains(&name))
        else {
            continue;
        };
        let uuid = line["/vm/".len()..].split('/').next().unwrap().to_owned();
        assert_eq!(
            uuid.split('-').map(str::len).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
        text = text.replace(&uuid, &format!("UUID-OF-{guest}"));
    }
    // The store lists names in an order, and UUIDs have none.
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The first line in which two texts differ.
fn compare(found: &str, golden: &str) {
    for (found, golden) in found.lines().zip(golden.lines()) {
        assert_eq!(found, golden);
    }
    assert_eq!(found, golden);
}

#[test]
fn two_guests_with_two_vifs_each() {
    if !need::found("xenstore-ls", "xenstore-utils") {
        return;
    }
    each_user(|place| {
        place.expect(0, &["lab", "up", "examples/two-bridges"]);
        compare(&listing(place), include_str!("two-bridges.xenstore"));
        // What a guest leaves is what there would be without it.
        place.expect(0, &["lab", "stop", "foo"]);
        let of_foo = |line: &&str| {
            ![
                "/libxl/1",
                "/local/domain/1",
                "/local/domain/0/backend/vif/1",
            ]
            .iter()
            .any(|path| {
                line.strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with([' ', '/']))
            }) && !line.starts_with("/vm/UUID-OF-foo")
        };
        let golden: String = include_str!("two-bridges.xenstore")
            .lines()
            .filter(of_foo)
            .map(|line| format!("{line}\n"))
            .collect();
        compare(&listing(place), &golden);
        place.expect(0, &["lab", "down"]);
    });
}

#[test]
fn a_vif_with_everything_configured() {
    if !need::found("xenstore-ls", "xenstore-utils") {
        return;
    }
    let place = Place::new();
    crate::scenario::office(&place, "office", "");
    let vif = "mac=00:16:3E:00:00:02,bridge=br0,vifname=web,ip=192.0.2.21 192.0.2.33,gatewaydev=eth0,\
               rate=10Mb/s@50ms,mtu=1400,untrusted,script=vif-bridge";
    let file = crate::scenario::guest("foo", &[vif]);
    place.write("office/etc/xen/foo.cfg", &file, 0o644);
    place.expect(0, &["lab", "up", "office"]);
    let listing = listing(&place);
    let below = |folder: &str| -> Vec<String> {
        listing
            .lines()
            .filter_map(|line| line.strip_prefix(folder)?.strip_prefix('/'))
            .filter(|line| !line.starts_with("feature-") && !line.contains("-ring-ref"))
            .map(str::to_owned)
            .collect()
    };
    // Contract 3.2: rate is bytes in a period of microseconds (10 Mb/s * 50 ms = 62500 bytes).
    let backend = [
        r#"bridge = "br0""#,
        r#"frontend = "/local/domain/1/device/vif/0""#,
        r#"frontend-id = "1""#,
        r#"gatewaydev = "eth0""#,
        r#"handle = "0""#,
        r#"hotplug-status = "connected""#,
        r#"ip = "192.0.2.21 192.0.2.33""#,
        r#"mac = "00:16:3e:00:00:02""#,
        r#"mtu = "1400""#,
        r#"multi-queue-max-queues = "1""#,
        r#"online = "1""#,
        r#"rate = "62500,50000""#,
        r#"script = "/etc/xen/scripts/vif-bridge""#,
        r#"state = "4""#,
        r#"type = "vif""#,
        r#"vifname = "web""#,
    ];
    let backend: Vec<String> = backend
        .iter()
        .map(|node| format!("{node}   (n0,r1)"))
        .collect();
    assert_eq!(below("/local/domain/0/backend/vif/1/0"), backend);
    let frontend = below("/local/domain/1/device/vif/0");
    for node in [
        r#"mtu = "1400"   (n0,r1)"#,
        r#"trusted = "0"   (n1,r0)"#,
        r#"mac = "00:16:3e:00:00:02"   (n1,r0)"#,
    ] {
        assert!(frontend.contains(&node.to_owned()), "{frontend:#?}");
    }
    place.expect(0, &["lab", "down"]);
}
