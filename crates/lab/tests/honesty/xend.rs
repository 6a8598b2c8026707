//! Contract 6.1, 6.2 and 6.4: how xend calls scripts, what it writes and what it waits for.

use xenwire_lab::control::Request;
use xenwire_xenstore::Nodes as _;

use crate::world::{World, start};

const CONF: &str = "xend-config.sxp";
const BACKEND: &str = "/local/domain/0/backend/vif/1/0";
const FRONTEND: &str = "/local/domain/1/device/vif/0";

/// A host with this configuration and a guest with this vif, which does not run yet.
fn host(conf: &str, vif: &str) -> World {
    World::up_with("", &[(CONF, conf)], &[("foo", vif)], false)
}

/// The nodes of a folder, without their permissions.
fn nodes(world: &World, path: &str) -> Vec<String> {
    let below = format!("{path}/");
    let lines = world.nodes(path).into_iter();
    let nodes = lines.filter_map(|line| {
        let (node, _) = line.split_once("   (")?;
        node.strip_prefix(&below).map(str::to_owned)
    });
    nodes.collect()
}

#[test]
fn the_store_holds_what_xend_writes_and_nothing_of_libxl() {
    let vif = "'mac=00:16:3E:AA:00:01,vifname=web,ip=192.0.2.5,rate=10Mb/s'";
    let world = host("(vif-script 'vif-bridge bridge=br1')", vif);
    world.tell("vif1-0/online", "wait\nreal");
    let started = world.order_aside(start("foo"));
    world.waits("vif1-0/online");
    // The driver's own stand beside them.
    let backend = nodes(&world, BACKEND);
    let drivers = |node: &&String| node.starts_with("feature-") || node.starts_with("multi-queue");
    let backend: Vec<&String> = backend.iter().filter(|node| !drivers(node)).collect();
    assert_eq!(
        backend,
        [
            "domain = \"foo\"",
            "frontend = \"/local/domain/1/device/vif/0\"",
            "frontend-id = \"1\"",
            "handle = \"0\"",
            "ip = \"192.0.2.5\"",
            "mac = \"00:16:3e:aa:00:01\"",
            "online = \"1\"",
            "rate = \"62500,50000\"",
            "script = \"/etc/xen/scripts/vif-bridge bridge=br1\"",
            "state = \"2\"",
            "vifname = \"web\"",
        ]
    );
    assert_eq!(
        nodes(&world, FRONTEND),
        [
            "backend = \"/local/domain/0/backend/vif/1/0\"",
            "backend-id = \"0\"",
            "handle = \"0\"",
            "mac = \"00:16:3e:aa:00:01\"",
            "state = \"1\"",
        ]
    );
    let vm = world.value("/local/domain/1/vm").unwrap();
    assert_eq!(
        nodes(&world, &format!("{vm}/device/vif/0")),
        [
            "backend = \"/local/domain/0/backend/vif/1/0\"",
            "backend-id = \"0\"",
            "frontend = \"/local/domain/1/device/vif/0\"",
            "frontend-id = \"1\"",
        ]
    );
    assert!(!world.store().exists("/libxl").unwrap());
    world.go("vif1-0/online");
    started.join().unwrap().unwrap();
    let destroy = Request::Destroy {
        guest: "foo".into(),
    };
    world.order(&destroy).unwrap();
    for path in [BACKEND, "/local/domain/1", &vm] {
        assert!(!world.store().exists(path).unwrap(), "{path}");
    }
}

#[test]
fn udev_calls_the_script_with_the_event_and_nothing_else() {
    let world = host(
        "(vif-script 'vif-bridge bridge=br1')",
        "'mac=00:16:3E:AA:00:02'",
    );
    world.start("foo").unwrap();
    let destroy = Request::Destroy {
        guest: "foo".into(),
    };
    world.order(&destroy).unwrap();
    for action in ["online", "offline"] {
        let account = |what: &str| world.account(&format!("vif1-0/{action}/{what}")).unwrap();
        assert_eq!(account("calls"), "1");
        assert_eq!(
            account("argv"),
            format!("/etc/xen/scripts/vif-bridge\nbridge=br1\n{action}")
        );
        let environ = account("environ");
        let mut environ: Vec<&str> = environ.lines().collect();
        environ.sort_unstable();
        assert_eq!(
            environ,
            [
                &format!("ACTION={action}"),
                "DEVPATH=/devices/xen-backend/vif-1-0",
                "PATH=/sbin:/bin:/usr/sbin:/usr/bin",
                "SUBSYSTEM=xen-backend",
                "XENBUS_BASE_PATH=backend",
                "XENBUS_PATH=backend/vif/1/0",
                "XENBUS_TYPE=vif",
                "script=/etc/xen/scripts/vif-bridge bridge=br1",
                "vif=vif1.0",
            ]
        );
        assert!(account("fds").starts_with("/dev/null\n"));
    }
    // The device was there when udev heard of it, and no status: xend writes none.
    assert_eq!(world.account("vif1-0/online/state").unwrap(), "2");
    assert_eq!(
        world.account("vif1-0/online/hotplug-status").unwrap(),
        "none"
    );
    assert!(
        world
            .account("vif1-0/online/link")
            .unwrap()
            .starts_with("down ")
    );
}

#[test]
fn a_vif_says_by_itself_which_script_it_has() {
    let vif = "'mac=00:16:3E:AA:00:02,script=vif-bridge loud=yes'";
    let world = host("(vif-script 'vif-bridge bridge=br1')", vif);
    world.start("foo").unwrap();
    assert_eq!(
        world.account("vif1-0/online/argv").unwrap(),
        "/etc/xen/scripts/vif-bridge\nloud=yes\nonline"
    );
}

#[test]
fn xend_goes_by_the_status_and_not_by_the_exit() {
    let world = host("(device-create-timeout 1)", "'mac=00:16:3E:AA:00:02'");
    for (domid, order, said) in [
        (
            1,
            "error no such bridge\nstatus error\nexit 0",
            "Device 0 (vif) could not be connected. no such bridge",
        ),
        (
            2,
            "status error\nexit 1",
            "Device 0 (vif) could not be connected. Backend device not found.",
        ),
        (
            3,
            "status busy\nexit 0",
            "Device 0 (vif) could not be connected. Busy.",
        ),
        (
            4,
            "exit 0",
            "Device 0 (vif) could not be connected. Hotplug scripts not working.",
        ),
        (
            5,
            "status whatever\nexit 0",
            "but hotplug-status is \"whatever\" and not \"connected\"",
        ),
    ] {
        world.tell(&format!("vif{domid}-0/online"), order);
        let lines = world.start("foo").unwrap_err();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].ends_with(said) || lines[0].contains(said),
            "{lines:?}"
        );
        // A domain whose device failed is gone; one whose script lied runs.
        assert_eq!(world.domid("foo"), (domid == 5).then_some(5));
    }
}

#[test]
fn a_script_that_fails_after_its_word_is_good_enough() {
    let world = host(
        "(vif-script vif-bridge)",
        "'mac=00:16:3E:AA:00:02,bridge=br0'",
    );
    world.tell("vif1-0/online", "status connected\nexit 1");
    world.start("foo").unwrap();
    assert_eq!(world.links("foo"), ["eth0", "lo"]);
}

/// Writes down how it was called.
const RECORDER: &str = "#!/bin/sh\n{ echo \"$0 $*\"; pwd; readlink /proc/self/fd/0; env | grep -Ev '^(PWD|OLDPWD|SHLVL|_)=' | sort; ls /sys/class/net; } >>/var/log/xen/record\n";

#[test]
fn the_network_script_runs_once_with_start_behind_its_name_before_any_guest() {
    let files = [
        (CONF, "(network-script 'recorder bridge=br1 netdev=eth9')"),
        ("scripts/recorder", RECORDER),
    ];
    let guests = [("foo", "'mac=00:16:3E:AA:00:02,bridge=br0'")];
    let world = World::up_with(
        "generation = \"xen3.2\"\nnloopbacks = 1\n",
        &files,
        &guests,
        true,
    );
    assert_eq!(world.domid("foo"), Some(1), "{}", world.said());
    let links = "br0\nbr1\nlo\nveth0\nvif0.0\n";
    assert_eq!(
        world.exec("dom0", &["cat", "/var/log/xen/record"]),
        format!(
            "/etc/xen/scripts/recorder start bridge=br1 netdev=eth9\n/\n/dev/null\n\
             PATH=/sbin:/bin:/usr/sbin:/usr/bin\nXENWIRE_GENERATION=xen3.2\n{links}"
        )
    );
}

#[test]
fn a_network_script_that_fails_is_said_and_the_guests_start() {
    let files = [
        (CONF, "(network-script failing)"),
        (
            "scripts/failing",
            "#!/bin/sh\necho one; echo two >&2; exit 3\n",
        ),
    ];
    let guests = [("foo", "'mac=00:16:3E:AA:00:02,bridge=br0'")];
    let world = World::up_with("", &files, &guests, true);
    assert_eq!(world.domid("foo"), Some(1));
    let wanted = "trouble: /etc/xen/scripts/failing start ended with exit status: 3; it said:\n        one\n        two\n";
    assert!(world.said().contains(wanted), "{}", world.said());
    let log = world.exec("dom0", &["cat", "/var/log/xen/xend-debug.log"]);
    assert_eq!(log, "one\ntwo\n");
}

#[test]
fn the_distributions_commands_come_first_and_without_xend_too() {
    let scripts = ("scripts/recorder", RECORDER);
    let boot = "boot = [\"/etc/xen/scripts/recorder  a b=c\", \"/nowhere start\"]\n";
    let conf = (CONF, "(network-script recorder)");
    for (toolstack, called) in [
        ("xend", &["recorder a b=c", "recorder start"][..]),
        ("libxl", &["recorder a b=c"][..]),
    ] {
        let host = format!("{boot}toolstack = \"{toolstack}\"\n");
        let world = World::up_with(&host, &[conf, scripts], &[], true);
        let record = world.exec("dom0", &["cat", "/var/log/xen/record"]);
        let calls = record.lines().filter(|line| line.contains("recorder"));
        let calls: Vec<&str> = calls
            .map(|line| &line["/etc/xen/scripts/".len()..])
            .collect();
        assert_eq!(calls, called);
        let wanted = "trouble: /nowhere start could not be started: No such file or directory";
        assert!(world.said().contains(wanted), "{}", world.said());
    }
}

#[test]
fn netloops_pairs_are_there_from_boot_where_netloop_was() {
    let pairs = |host: &str| {
        let world = World::up_with(host, &[(CONF, "")], &[], true);
        let links = world.links("dom0");
        let ends = |prefix: &str| links.iter().filter(|l| l.starts_with(prefix)).count();
        (world, ends("veth"), ends("vif0."))
    };
    let (world, veths, vifs) = pairs("");
    assert_eq!((veths, vifs), (8, 8));
    // Down, each the other's peer, without an address.
    let flags = [
        "cat",
        "/sys/class/net/veth7/flags",
        "/sys/class/net/vif0.7/flags",
    ];
    assert_eq!(world.exec("dom0", &flags), "0x1002\n0x1002\n");
    let peer = |link: &str| world.exec("dom0", &["cat", &format!("/sys/class/net/{link}/iflink")]);
    let index =
        |link: &str| world.exec("dom0", &["cat", &format!("/sys/class/net/{link}/ifindex")]);
    assert_eq!(peer("veth3"), index("vif0.3"));
    assert_eq!(peer("vif0.3"), index("veth3"));
    let inet6 = world.exec("dom0", &["cat", "/proc/net/if_inet6"]);
    assert!(
        !inet6.contains("veth") && !inet6.contains("vif0."),
        "{inet6}"
    );
    for (host, count) in [
        ("nloopbacks = 2\n", 2),
        ("generation = \"xen3.2\"\n", 0),
        ("generation = \"xen2\"\n", 0),
        ("toolstack = \"libxl\"\n", 0),
        ("toolstack = \"libxl\"\nnloopbacks = 1\n", 1),
    ] {
        let (_world, veths, vifs) = pairs(host);
        assert_eq!((veths, vifs), (count, count), "{host}");
    }
}
