//! `network-bridge antispoof=yes`: the guests of that bridge are held to their addresses, whatever the
//! host's file says, until `stop`.

use crate::hotplug::{Dom0, XL};
use crate::need;
use crate::place::each_user;

#[test]
fn a_bridge_holds_its_guests_until_it_is_stopped() {
    if !need::found("ip", "iproute2") || !need::found("nft", "nftables") {
        return;
    }
    each_user(|place| {
        let off = "[hotplug]\nip_filter = \"off\"\n";
        place.write("office/etc/xen/xenwire.toml", off, 0o644);
        let mut dom0 = Dom0::new(place, "br0");
        dom0.write("ip", "192.0.2.9");
        dom0.write("mac", "00:16:3e:00:00:09");
        let is_held = || {
            assert_eq!(dom0.call(&["online", "type_if=vif"], &XL).status, 0);
            let table = ["nft", "list", "set", "inet", "xenwire", "guarded"];
            place.on("dom0", &table).out.contains("\"vif9.0\"")
        };
        let bridge = |verb: &str| {
            let said = place.on(
                "dom0",
                &[
                    "/run/xenwire/bin/xenwire",
                    "network-bridge",
                    verb,
                    "netdev=eth0",
                    "bridge=br0",
                    "antispoof=yes",
                    "--generation",
                    "xen2",
                ],
            );
            assert_eq!(said.status, 0, "{verb}: {said}");
            said
        };
        assert!(!is_held());
        let said = bridge("start");
        assert!(said.err.contains("vif9.0 keeps what it may send"), "{said}");
        assert!(is_held());
        bridge("start");
        bridge("stop");
        assert!(!is_held());
    });
}
