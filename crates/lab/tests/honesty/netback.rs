//! Contract 4.1 to 4.4: the link as the driver makes it, and when it is connected.

use xenwire_xenstore::Nodes as _;

use crate::world::{World, start};

const BACKEND: &str = "/local/domain/0/backend/vif/1/0";
const FRONTEND: &str = "/local/domain/1/device/vif/0";
const NIC: &str = "'mac=00:16:3E:AA:00:01'";

#[test]
fn the_link_is_quiet_and_has_no_carrier_before_connected() {
    let world = World::up(&[("foo", NIC)], false);
    world.tell("vif1-0/online", "real\nwait");
    let started = world.order_aside(start("foo"));
    world.waits("vif1-0/online");
    let quiet = "address fe:ff:ff:ff:ff:ff mtu 1500 carrier";
    let account = |what: &str| world.account(&format!("vif1-0/online/{what}")).unwrap();
    // A link that is down does not tell its carrier.
    assert_eq!(account("link"), format!("down {quiet} unreadable"));
    assert_eq!(account("link-after"), format!("up {quiet} 0"));
    assert_eq!(world.links("foo"), ["lo"], "no NIC before connected");
    assert_eq!(world.links("dom0"), ["br0", "br1", "lo", "vif1.0"]);
    world.go("vif1-0/online");
    started.join().unwrap().unwrap();
    assert_eq!(world.value(&format!("{BACKEND}/state")).unwrap(), "4");
    assert_eq!(world.links("foo"), ["eth0", "lo"]);
    let sysfs = |file: &str| world.exec("dom0", &["cat", &format!("/sys/class/net/vif1.0/{file}")]);
    assert_eq!(sysfs("carrier"), "1\n");
    assert_eq!(sysfs("address"), "fe:ff:ff:ff:ff:ff\n");
    let table = world.exec("foo", &["cat", "/proc/net/arp"]);
    assert!(
        table.starts_with("IP address"),
        "exec works in a guest: {table}"
    );
}

#[test]
fn a_driver_that_is_loaded_again_keeps_the_link_and_calls_no_script() {
    let world = World::up(&[("foo", NIC)], true);
    let index = || world.exec("dom0", &["cat", "/sys/class/net/vif1.0/ifindex"]);
    let before = index();
    assert!(before.trim().parse::<u32>().is_ok(), "{before}");
    let carrier = || world.exec("dom0", &["cat", "/sys/class/net/vif1.0/carrier"]);
    for _ in 0..2 {
        // 4 -> 5 -> 6: the guest's half closes and the NIC goes with it.
        world
            .store()
            .write(&format!("{FRONTEND}/state"), b"5")
            .unwrap();
        world.value_becomes(&format!("{BACKEND}/state"), "6");
        assert_eq!(world.links("foo"), ["lo"]);
        assert_eq!(carrier(), "0\n");
        let status = world.value(&format!("{BACKEND}/hotplug-status"));
        assert_eq!(status.as_deref(), Some("connected"));
        // 6 -> 2 -> 4.
        world
            .store()
            .write(&format!("{FRONTEND}/state"), b"1")
            .unwrap();
        world.value_becomes(&format!("{BACKEND}/state"), "4");
        assert_eq!(world.links("foo"), ["eth0", "lo"]);
        assert_eq!(carrier(), "1\n");
    }
    assert_eq!(index(), before, "the same link");
    assert_eq!(world.account("vif1-0/online/calls").unwrap(), "1");
    assert_eq!(world.account("vif1-0/offline/calls"), None);
}

#[test]
fn states_pass_through_those_between() {
    let world = World::up(&[("foo", NIC)], true);
    let path = format!("{BACKEND}/state");
    let mut watcher = world.store();
    watcher.watch(&path, "state").unwrap();
    watcher.event(None).unwrap();
    // Straight to 6, without a 5 before.
    world
        .store()
        .write(&format!("{FRONTEND}/state"), b"6")
        .unwrap();
    world.value_becomes(&path, "6");
    let mut events = 0;
    while watcher
        .event(Some(std::time::Duration::from_millis(200)))
        .unwrap()
        .is_some()
    {
        events += 1;
    }
    assert_eq!(events, 2, "5 and 6");
}

#[test]
fn a_device_without_script_or_handle_is_refused() {
    let world = World::up(&[("foo", NIC)], false);
    for (devid, left_out) in [(0, "script"), (1, "handle")] {
        let frontend = format!("/local/domain/77/device/vif/{devid}");
        let backend = format!("/local/domain/0/backend/vif/77/{devid}");
        world
            .store()
            .write(&format!("{frontend}/state"), b"1")
            .unwrap();
        world
            .store()
            .write(&format!("{frontend}/mac"), b"00:16:3e:00:00:01")
            .unwrap();
        for (key, value) in [
            ("frontend", frontend.as_str()),
            ("online", "1"),
            ("script", "/etc/xen/scripts/vif-bridge"),
            ("handle", &devid.to_string()),
            ("hotplug-status", ""),
            ("state", "1"),
        ] {
            if key != left_out {
                let path = format!("{backend}/{key}");
                world.store().write(&path, value.as_bytes()).unwrap();
            }
        }
        let line = format!("netback: vif77.{devid}: reading {left_out}: there is none");
        world.until(&line, || world.said().contains(&line).then_some(()));
        assert_eq!(world.value(&format!("{backend}/state")).unwrap(), "1");
        assert_eq!(world.value(&format!("{backend}/feature-sg")), None);
    }
    assert_eq!(world.links("dom0"), ["br0", "br1", "lo"]);
}

#[test]
fn a_frontend_that_vanishes_takes_the_link_along() {
    let world = World::up(&[("foo", NIC)], true);
    world.store().rm(FRONTEND).unwrap();
    world.value_becomes(&format!("{BACKEND}/state"), "6");
    assert_eq!(world.links("dom0"), ["br0", "br1", "lo"]);
    world.until("hotplug-status gone", || {
        let status = world.value(&format!("{BACKEND}/hotplug-status"));
        status.is_none().then_some(())
    });
}
