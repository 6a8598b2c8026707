//! `install` where a guest uses an address that its `ip=` does not hold: it is said, and nothing is
//! changed until the administrator says what is wanted.

use std::path::Path;

use xenwire_xenstore::{Client, Nodes as _};

use crate::need;
use crate::place::each_user;
use crate::scenario::{TRUE, office};

const CONF: &str = "/etc/xen/xenwire.toml";

#[test]
fn a_guest_with_another_address_is_named_and_an_answer_is_wanted() {
    if !need::found("ping", "iputils-ping") {
        return;
    }
    each_user(|place| {
        office(place, "office", TRUE);
        place.expect(0, &["lab", "up", "office"]);
        let socket = place.expect(0, &["lab", "xenstore"]).out;
        let mut store = Client::connect(Path::new(socket.trim())).unwrap();
        let mut list = |domid: u16, list: &str| {
            let node = format!("/local/domain/0/backend/vif/{domid}/0/ip");
            store.write(&node, list.as_bytes()).unwrap();
        };
        list(1, "192.0.2.20");
        list(2, "192.0.2.22");
        for guest in ["foo", "bar"] {
            let said = place.on(guest, &["ping", "-q", "-c", "1", "192.0.2.10"]);
            assert_eq!(said.status, 0, "{said}");
        }
        let install = |words: &[&str]| {
            let mut argv = vec!["/run/xenwire/bin/xenwire", "install"];
            argv.extend(words);
            place.on("dom0", &argv)
        };
        let scripts = || {
            place
                .on("dom0", &["ls", "-l", "/etc/xen", "/etc/xen/scripts"])
                .out
        };
        let before = scripts();
        let said = install(&[]);
        assert_eq!(said.status, 1, "{said}");
        let line = "xenwire: vif1.0 has ip=\"192.0.2.20\", and was seen with 192.0.2.21";
        assert!(said.err.lines().any(|said| said == line), "{said}");
        assert!(!said.err.contains("vif2.0"), "{said}");
        assert!(said.err.contains("--ip-filter log"), "{said}");
        let said = install(&["--ip-filter", "perhaps"]);
        assert_eq!(said.status, 2, "{said}");
        let said = install(&["--dry-run", "--ip-filter", "log"]);
        assert!(
            said.err.contains("/etc/xen/xenwire.toml would be written"),
            "{said}"
        );
        assert_eq!(scripts(), before);

        // Where nothing can be installed, nothing is written.
        let said = install(&["--ip-filter", "log"]);
        assert_ne!(said.status, 0, "{said}");
        assert_eq!(scripts(), before);
        if place.uid() == 0 {
            // Where it can, the answer stays, and nothing is asked again.
            let folders = "for folder in /var/lib /usr/libexec; do mount -t tmpfs -o mode=755 tmpfs $folder; done";
            let said = place.on("dom0", &["sh", "-ec", folders]);
            assert_eq!(said.status, 0, "{said}");
            let said = install(&["--ip-filter", "log"]);
            assert_eq!(said.status, 0, "{said}");
            let written = place.on("dom0", &["cat", CONF]).out;
            assert_eq!(written, "[hotplug]\nip_filter = \"log\"\n");
            assert_eq!(install(&[]).status, 0);
            let said = install(&["--ip-filter", "off"]);
            assert_eq!(said.status, 1, "{said}");
            assert!(
                said.err.contains("says ip_filter = \"log\" already"),
                "{said}"
            );
        }
        list(1, "192.0.2.21");
        assert!(!install(&["--dry-run"]).err.contains("vif1.0 has"));
    });
}
