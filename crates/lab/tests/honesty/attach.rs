//! Contract 3.1 to 3.3: what is in the store when the script runs, how it is called, and what
//! becomes of its end.

use xenwire_lab::control::Request;
use xenwire_xenstore::Nodes as _;

use crate::world::{SOON, World, start};

/// Every key that a Linux dom0's stand-in can be given.
const FULL: &str = "'mac=00:16:3E:AA:00:01,bridge=br1,vifname=web,ip=192.0.2.5 2001:db8::5,gatewaydev=eth9,rate=10Mb/s,mtu=1400,vlan=10p/20,untrusted'";
/// None.
const LEAST: &str = "'mac=00:16:3E:AA:00:02'";

const BACKEND: &str = "/local/domain/0/backend/vif/1/0";
const FRONTEND: &str = "/local/domain/1/device/vif/0";
const LIBXL: &str = "/libxl/1/device/vif/0";

#[test]
fn the_store_holds_the_contracts_nodes_and_no_others() {
    let world = World::up(&[("foo", &format!("{FULL}, {LEAST}"))], false);
    world.tell("vif1-0/online", "wait\nreal");
    let started = world.order_aside(start("foo"));
    world.waits("vif1-0/online");
    let given = "script = \"/etc/xen/scripts/vif-bridge\" vifname = \"web\" mac = \"00:16:3e:aa:00:01\" ip = \"192.0.2.5 2001:db8::5\" gatewaydev = \"eth9\" rate = \"62500,50000\" mtu = \"1400\" vlan = \"10p/20\" bridge = \"br1\" handle = \"0\" type = \"vif\" hotplug-status = \"\"";
    let driver = "feature-sg = \"1\" feature-gso-tcpv4 = \"1\" feature-gso-tcpv6 = \"1\" feature-ipv6-csum-offload = \"1\" feature-rx-copy = \"1\" feature-rx-flip = \"0\" feature-multicast-control = \"1\" feature-dynamic-multicast-control = \"1\" feature-split-event-channels = \"1\" multi-queue-max-queues = \"1\" feature-ctrl-ring = \"1\"";
    // State 2: libxl waited for the driver before it ran the script.
    let backend = format!(
        "frontend = \"{FRONTEND}\" frontend-id = \"1\" online = \"1\" state = \"2\" {given} {driver}"
    );
    assert_eq!(world.nodes(BACKEND), folder(BACKEND, &backend, "n0,r1"));
    let frontend = format!(
        "backend = \"{BACKEND}\" backend-id = \"0\" state = \"1\" handle = \"0\" mac = \"00:16:3e:aa:00:01\" trusted = \"0\""
    );
    let mut wanted = folder(FRONTEND, &frontend, "n1,r0");
    // The backend's domain owns it: a driver domain's script writes it.
    wanted.push(format!("{FRONTEND}/mtu = \"1400\"   (n0,r1)"));
    wanted.sort();
    assert_eq!(world.nodes(FRONTEND), wanted);
    // As they were written: the copy's state is never updated.
    let libxl = format!(
        "frontend = \"{FRONTEND}\" backend = \"{BACKEND}\" frontend-id = \"1\" online = \"1\" state = \"1\" {given}"
    );
    assert_eq!(world.nodes(LIBXL), folder(LIBXL, &libxl, "n0"));

    // The other NIC, without a word in its specification.
    world.until("the second vif", || {
        world.account("vif1-1/online/link-after")
    });
    let names = |path: &str| world.store().directory(path).unwrap().join(" ");
    let optional = ["vifname", "ip", "gatewaydev", "rate", "mtu", "vlan"];
    for folder in ["/local/domain/0/backend/vif/1/1", "/libxl/1/device/vif/1"] {
        let names = names(folder);
        for key in optional {
            assert!(!names.split(' ').any(|name| name == key), "{key}: {names}");
        }
    }
    let other = "/local/domain/1/device/vif/1";
    assert_eq!(world.value(&format!("{other}/mtu")).unwrap(), "1500");
    assert_eq!(world.value(&format!("{other}/trusted")).unwrap(), "1");
    assert_eq!(world.value(&format!("{other}/handle")).unwrap(), "1");
    world.go("vif1-0/online");
    // Its bridge filters no VLANs, so the guest does not come; that is not what is asked here.
    let _ = started.join().unwrap();
}

/// The lines of a folder whose nodes all have its permissions. `nodes` is `name = "value" …`.
fn folder(path: &str, nodes: &str, perms: &str) -> Vec<String> {
    let mut lines = vec![format!("{path} = \"\"   ({perms})")];
    let mut rest = nodes;
    while let Some((name, more)) = rest.split_once(" = \"") {
        let (value, more) = more.split_once('"').unwrap();
        lines.push(format!("{path}/{name} = \"{value}\"   ({perms})"));
        rest = more.trim_start();
    }
    lines[1..].sort();
    lines
}

#[test]
fn a_domain_has_its_own_nodes_beside() {
    let world = World::up(&[("foo", LEAST)], false);
    world.start("foo").unwrap();
    let home = "/local/domain/1";
    let vm = world.value(&format!("{home}/vm")).unwrap();
    let shown = world.nodes(home);
    for line in [
        format!("{home} = \"\"   (n0,r1)"),
        format!("{home}/name = \"foo\"   (n0,r1)"),
        format!("{home}/domid = \"1\"   (n0,r1)"),
        format!("{home}/vm = \"{vm}\"   (n0,r1)"),
        format!("{home}/device = \"\"   (n0,r1)"),
        format!("{home}/device/vif = \"\"   (n0,r1)"),
    ] {
        assert!(shown.contains(&line), "{line} is not in {shown:#?}");
    }
    assert_eq!(world.value(&format!("{vm}/name")).unwrap(), "foo");
    assert_eq!(
        world.value(&format!("{vm}/uuid")).unwrap(),
        vm["/vm/".len()..]
    );
    assert_eq!(world.nodes("/libxl/1")[0], "/libxl/1 = \"\"   (n0)");
}

#[test]
fn the_script_is_called_as_the_contract_says() {
    let full = FULL.replace("vlan=10p/20,", "");
    let world = World::up(&[("foo", &format!("{full}, {LEAST}"))], false);
    world.start("foo").unwrap();
    world
        .order(&Request::Destroy {
            guest: "foo".into(),
        })
        .unwrap();
    for (devid, netdev) in [(0, "eth9"), (1, "")] {
        for action in ["online", "offline"] {
            let account = |what: &str| {
                world
                    .account(&format!("vif1-{devid}/{action}/{what}"))
                    .unwrap()
            };
            assert_eq!(
                account("argv"),
                format!("/etc/xen/scripts/vif-bridge\n{action}\ntype_if=vif")
            );
            let environ = account("environ");
            let has = |line: &str| environ.lines().filter(|one| *one == line).count() == 1;
            for line in [
                "script=/etc/xen/scripts/vif-bridge".to_owned(),
                "XENBUS_TYPE=vif".to_owned(),
                format!("XENBUS_PATH=backend/vif/1/{devid}"),
                "XENBUS_BASE_PATH=backend".to_owned(),
                format!("netdev={netdev}"),
                // The kernel's name, although the first vif is called web.
                format!("vif=vif1.{devid}"),
                // All else is the caller's.
                "HONESTY_MARK=inherited".to_owned(),
            ] {
                assert!(has(&line), "{action}: {line:?} is not in\n{environ}");
            }
            assert!(!environ.contains("INTERFACE="), "{environ}");
            assert!(!environ.contains("XENSTORED_"), "{environ}");
            let fds = account("fds");
            let fds: Vec<&str> = fds.lines().collect();
            assert_eq!(fds[0], "/dev/null");
            assert_eq!(fds[1], fds[2], "its output is its caller's standard error");
            assert!(fds[2].ends_with("/said"), "{fds:?}");
            assert_eq!(account("calls"), "1");
        }
        let online = |what: &str| {
            world
                .account(&format!("vif1-{devid}/online/{what}"))
                .unwrap()
        };
        assert_eq!(online("state"), "2", "the driver was waited for");
        assert_eq!(online("online"), "1");
        assert_eq!(online("hotplug-status"), "");
    }
}

#[test]
fn scripts_run_side_by_side() {
    // Each of the four ends only when all four have begun.
    let two = "'script=vif-siblings-4', 'script=vif-siblings-4,bridge=br1'";
    let world = World::up(&[("foo", two), ("bar", two)], true);
    assert!(!world.said().contains("trouble"), "{}", world.said());
    assert_eq!((world.domid("foo"), world.domid("bar")), (Some(1), Some(2)));
    for guest in ["foo", "bar"] {
        assert_eq!(world.links(guest), ["eth0", "eth1", "lo"]);
    }
}

#[test]
fn domain_numbers_rise_and_are_not_used_again() {
    let world = World::up(&[("foo", LEAST), ("bar", "")], true);
    assert_eq!((world.domid("foo"), world.domid("bar")), (Some(1), Some(2)));
    let stop = |guest: &str| Request::Stop {
        guest: guest.into(),
    };
    world.order(&stop("bar")).unwrap();
    assert_eq!(world.domid("bar"), None);
    world.start("bar").unwrap();
    assert_eq!(world.domid("bar"), Some(3));
    let reboot = Request::Reboot {
        guest: "foo".into(),
    };
    world.order(&reboot).unwrap();
    assert_eq!((world.domid("foo"), world.domid("bar")), (Some(4), Some(3)));
}

#[test]
fn a_script_that_fails_takes_its_domain_along() {
    let world = World::up(&[("foo", &format!("{LEAST}, 'bridge=br1'"))], false);
    world.tell("vif1-0/online", "error no cable\nexit 3");
    let refused = world.start("foo").unwrap_err();
    assert_eq!(
        refused,
        [
            "foo did not start: vif1.0: /etc/xen/scripts/vif-bridge online ended with exit status: 3; script: no cable"
        ]
    );
    assert_eq!(world.domid("foo"), None);
    for vif in ["vif1-0", "vif1-1"] {
        assert_eq!(
            world.account(&format!("{vif}/offline/calls")).as_deref(),
            Some("1")
        );
    }
    for path in [
        "/local/domain/1",
        "/libxl/1",
        "/local/domain/0/backend/vif/1",
    ] {
        assert_eq!(world.nodes(path), [""; 0], "{path}");
    }
    assert_eq!(world.links("dom0"), ["br0", "br1", "lo"]);
    // The next is another domain.
    world.start("foo").unwrap();
    assert_eq!(world.domid("foo"), Some(2));
}

#[test]
fn a_script_that_cannot_be_started_is_a_failure() {
    let world = World::up(&[("foo", "'script=/nowhere'")], false);
    let refused = world.start("foo").unwrap_err().join("\n");
    assert!(
        refused.contains("vif1.0: /nowhere online could not be started"),
        "{refused}"
    );
    assert_eq!(world.domid("foo"), None);
}

#[test]
fn xl_is_content_with_exit_0_and_netback_is_not() {
    let world = World::up(&[("foo", LEAST)], false);
    world.tell("vif1-0/online", "exit 0");
    let refused = world.start("foo").unwrap_err().join("\n");
    assert!(
        refused.contains("hotplug-status is \"\" and not \"connected\""),
        "{refused}"
    );
    // The domain runs, and no offline was called for.
    assert_eq!(world.domid("foo"), Some(1));
    assert_eq!(world.account("vif1-0/offline/calls"), None);
    // Its half is connected, the backend's waits, and there is no NIC.
    world.value_becomes(&format!("{FRONTEND}/state"), "4");
    let status = format!("{BACKEND}/hotplug-status");
    for not_quite in ["connected\n", "connecte", "error"] {
        world.store().write(&status, not_quite.as_bytes()).unwrap();
        // Nothing tells that the driver has looked; this gives it the time.
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(world.value(&format!("{BACKEND}/state")).unwrap(), "2");
    assert_eq!(world.links("foo"), ["lo"]);
    // Late is early enough.
    world.store().write(&status, b"connected").unwrap();
    world.value_becomes(&format!("{BACKEND}/state"), "4");
    assert_eq!(world.links("foo"), ["eth0", "lo"]);
}

#[test]
fn a_device_whose_folder_is_there_is_refused() {
    let world = World::up(&[("foo", LEAST)], false);
    world.store().mkdir(LIBXL).unwrap();
    let began = std::time::Instant::now();
    let refused = world.start("foo").unwrap_err().join("\n");
    assert!(
        refused.contains("vif1.0: device already exists in xenstore"),
        "{refused}"
    );
    assert!(began.elapsed() < SOON);
    // Neither script ran, and no driver was asked.
    assert_eq!(world.nodes("/honesty"), [""; 0]);
    assert_eq!(world.nodes(BACKEND), [""; 0]);
    // One that runs is as it was.
    world.start("foo").unwrap();
    let attach = Request::Attach {
        guest: "foo".into(),
        vif: "devid=0".into(),
        addresses: vec![],
    };
    let before = world.nodes("/local/domain/2");
    let refused = world.order(&attach).unwrap_err().join("\n");
    assert!(refused.contains("device already exists"), "{refused}");
    assert_eq!(world.nodes("/local/domain/2"), before);
    assert_eq!(world.account("vif2-0/online/calls").as_deref(), Some("1"));
}

#[test]
fn a_nic_that_is_attached_later_is_one_more() {
    let world = World::up(&[("foo", LEAST)], false);
    world.start("foo").unwrap();
    let attach = Request::Attach {
        guest: "foo".into(),
        vif: "bridge=br1".into(),
        addresses: vec!["10.0.0.1/24".into()],
    };
    assert_eq!(world.order(&attach).unwrap(), ["foo has NIC 1"]);
    assert_eq!(world.links("foo"), ["eth0", "eth1", "lo"]);
    assert_eq!(
        world
            .value("/local/domain/0/backend/vif/1/1/state")
            .unwrap(),
        "4"
    );
    // A script that fails takes the NIC along, and not the domain.
    world.tell("vif1-2/online", "exit 1");
    let refused = world.order(&attach).unwrap_err().join("\n");
    assert!(refused.contains("and left no hotplug-error"), "{refused}");
    assert_eq!(world.account("vif1-2/offline/calls").as_deref(), Some("1"));
    assert_eq!(world.nodes("/local/domain/0/backend/vif/1/2"), [""; 0]);
    assert_eq!(world.domid("foo"), Some(1));
}

/// Contract 3.1 step 5 and 3.3: a fully virtual guest's NIC has a tap beside its vif, and the script
/// runs a second time for it.
#[test]
fn an_emulated_nic_has_a_second_run() {
    let world = World::up(&[("hvm", LEAST)], false);
    world.start("hvm").unwrap();
    assert_eq!(
        world.value(&format!("{BACKEND}/type")).as_deref(),
        Some("vif_ioemu")
    );
    let links = world.links("dom0").join("\n");
    assert!(links.contains("vif1.0-emu"), "{links}");
    world
        .order(&Request::Destroy {
            guest: "hvm".into(),
        })
        .unwrap();
    for (action, type_if) in [
        ("online", "vif"),
        ("add", "tap"),
        ("offline", "vif"),
        ("remove", "tap"),
    ] {
        let account = |what: &str| world.account(&format!("vif1-0/{action}/{what}")).unwrap();
        assert_eq!(
            account("argv"),
            format!("/etc/xen/scripts/vif-bridge\n{action}\ntype_if={type_if}")
        );
        let environ = account("environ");
        for line in [
            "vif=vif1.0",
            "INTERFACE=vif1.0-emu",
            "XENBUS_PATH=backend/vif/1/0",
        ] {
            assert!(
                environ.lines().any(|one| one == line),
                "{action}: {environ}"
            );
        }
    }
    let links = world.links("dom0").join("\n");
    assert!(!links.contains("vif1.0"), "{links}");
}

#[test]
fn only_a_fully_virtual_guest_can_have_one() {
    let world = World::up(&[("foo", "'type=ioemu'")], false);
    let refused = world.start("foo").unwrap_err().join("\n");
    assert!(
        refused.contains("type=ioemu is for guests of type hvm"),
        "{refused}"
    );
    assert_eq!(world.domid("foo"), None);
}
