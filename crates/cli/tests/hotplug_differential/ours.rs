//! Our side alone, for each row of `docs/differences.md`: what comes out there is what the row says.

use crate::run::Place;
use crate::situation::Situation;
use crate::tools::open_vswitch;
use crate::world::User;

const BACKEND: &str = "/local/domain/0/backend/vif/5/0";
const FRONTEND: &str = "/local/domain/5/device/vif/0";

/// Goes through a situation and looks at facts: the call and the fact, and what it is; `-` is none.
/// `BE` and `FE` stand for the folders of backend and frontend.
fn ours(situation: &str, facts: &[(&str, &str)]) {
    let mut all = Situation::all();
    all.retain(|one| one.name == situation);
    let one = all
        .pop()
        .unwrap_or_else(|| panic!("no situation {situation:?}"));
    let place = Place::new(None);
    let seen = place.see(User::Caller, &place.ours(), &one);
    for (fact, wanted) in facts {
        let fact = fact
            .replace("BE/", &format!("{BACKEND}/"))
            .replace("FE/", &format!("{FRONTEND}/"));
        let (call, key) = fact.split_once(' ').unwrap();
        let call: usize = call.parse().unwrap();
        let found = seen[call - 1].get(key).unwrap_or("-");
        assert_eq!(found, *wanted, "{situation}: {fact}");
    }
}

const CONNECTED: (&str, &str) = ("1 node BE/hotplug-status", "\"connected\"");
const SAID_WHY: [(&str, &str); 3] = [
    ("1 exit", "1"),
    ("1 node BE/hotplug-error", "\"a reason\""),
    ("1 node BE/hotplug-status", "\"error\""),
];
/// As it was before.
const UNTOUCHED: [(&str, &str); 4] = [
    ("1 link vif5.0 address", "02:00:00:00:05:00"),
    ("1 link vif5.0 flags", "MULTICAST"),
    ("1 link vif5.0 master", "-"),
    ("1 node FE/mtu", "\"1492\""),
];

fn ours_all(situation: &str, parts: &[&[(&str, &str)]]) {
    ours(situation, &parts.concat());
}

#[test]
fn a_quiet_port_makes_no_address_of_its_own() {
    ours(
        "dom0 has no address on the way to the guest",
        &[
            ("1 sysctl ipv6 vif5.0 addr_gen_mode", "1"),
            ("1 sysctl ipv6 vif5.0 accept_ra", "0"),
            ("1 ask an fe80 address after one had time to come", "1"),
        ],
    );
}

#[test]
fn a_node_that_is_so_already_is_not_written_again() {
    ours(
        "online twice",
        &[
            CONNECTED,
            ("2 exit", "0"),
            ("2 write 1", "-"),
            ("2 node BE/hotplug-status", "\"connected\""),
            ("2 node FE/mtu", "\"1500\""),
        ],
    );
}

#[test]
fn the_frontends_mtu_is_at_its_own_path_whatever_the_link_is_called() {
    ours(
        "vifname",
        &[("1 exit", "0"), CONNECTED, ("1 node FE/mtu", "\"1500\"")],
    );
    ours(
        "a driver domain with vifname",
        &[("1 exit", "0"), ("1 node FE/mtu", "\"1500\"")],
    );
    ours(
        "a vifname that a shell would run",
        &[("1 exit", "0"), CONNECTED],
    );
}

#[test]
fn a_renamed_link_carries_a_mark() {
    ours("vifname", &[("1 link web ifalias", "xenwire vif5.0")]);
    ours("online", &[("1 link vif5.0 ifalias", "-")]);
}

#[test]
fn a_renamed_vif_may_come_twice() {
    for situation in ["vifname, twice online", "tap with vifname, twice"] {
        ours(
            situation,
            &[("2 exit", "0"), ("2 node BE/hotplug-error", "-")],
        );
    }
}

#[test]
fn the_kernels_name_as_vifname_is_no_change() {
    ours(
        "vifname is the kernel's name",
        &[("1 exit", "0"), CONNECTED, ("1 link vif5.0 master", "br0")],
    );
}

#[test]
fn what_goes_leaves_anothers_link_of_that_name_alone() {
    let up = "MULTICAST,UP";
    ours(
        "vifname is another's, at offline",
        &[("1 exit", "0"), ("1 link web flags", up)],
    );
    ours(
        "vifname is another's port, at offline",
        &[
            ("1 exit", "0"),
            ("1 link web flags", up),
            ("1 link web master", "br0"),
        ],
    );
    ours(
        "vifname is dom0's NIC, at offline",
        &[
            ("1 exit", "0"),
            ("1 link eth0 flags", up),
            ("1 link eth0 master", "br0"),
        ],
    );
}

#[test]
fn names_with_a_meaning_of_their_own_are_refused() {
    for situation in [
        "a vifname that the kernel would count",
        "a vifname like that of a tap",
        "a vifname that is not UTF-8",
        "a vifname with a line end behind it",
    ] {
        ours_all(situation, &[&SAID_WHY, &UNTOUCHED]);
    }
}

#[test]
fn a_name_is_never_an_option_of_a_program() {
    ours(
        "a vifname like an option",
        &[("1 exit", "0"), ("1 link -web master", "br0"), CONNECTED],
    );
}

#[test]
fn what_fails_leaves_everything_as_it_was() {
    ours_all("the bridge is a NIC", &[&SAID_WHY, &UNTOUCHED]);
    ours_all("vifname, and no such bridge", &[&SAID_WHY, &UNTOUCHED]);
    ours_all("no store at online", &[&[("1 exit", "1")], &UNTOUCHED]);
}

#[test]
fn every_failure_says_why() {
    for situation in [
        "the bridge is a NIC",
        "the bridge is loopback",
        "the bridge is the vif itself",
        "the vif is missing at online",
        "tap add, no such link",
    ] {
        ours(situation, &SAID_WHY);
    }
}

#[test]
fn a_port_of_another_bridge_moves() {
    ours(
        "a port of another bridge",
        &[("1 exit", "0"), CONNECTED, ("1 link vif5.0 master", "br0")],
    );
}

#[test]
fn what_goes_leaves_whatever_bridge_it_is_on() {
    ours(
        "the bridge node changed meanwhile",
        &[
            ("2 exit", "0"),
            ("2 link vif5.0 master", "-"),
            ("2 link vif5.0 flags", "MULTICAST"),
        ],
    );
}

#[test]
fn what_goes_needs_no_bridge_and_writes_nothing() {
    for situation in [
        "the bridge is gone at offline",
        "vif and bridge are gone at offline",
    ] {
        ours(
            situation,
            &[
                ("2 exit", "0"),
                ("2 write 1", "-"),
                ("2 node BE/hotplug-status", "\"connected\""),
            ],
        );
    }
    ours(
        "the bridge is gone at offline",
        &[("2 link vif5.0 flags", "MULTICAST")],
    );
}

#[test]
fn a_folder_that_is_gone_is_not_made_again() {
    ours(
        "the backend is gone at online",
        &[
            ("1 exit", "1"),
            ("1 node /local/domain/0/backend/vif/5/0", "-"),
            ("1 link vif5.0 master", "-"),
        ],
    );
    ours(
        "the frontend is gone",
        &[
            ("1 exit", "0"),
            CONNECTED,
            ("1 node /local/domain/5/device/vif/0", "-"),
        ],
    );
}

#[test]
fn an_argument_is_never_run() {
    for situation in [
        "an argument that a shell would run",
        "an argument that a shell would expand",
    ] {
        ours_all(situation, &[&SAID_WHY, &UNTOUCHED]);
    }
    ours(
        "an argument that a shell would run",
        &[("1 link br0 address 198.51.100.1 local", "-")],
    );
}

#[test]
fn what_is_no_vif_of_xens_is_not_touched() {
    ours_all(
        "XENBUS_PATH of a disk",
        &[&[("1 exit", "1"), ("1 write 1", "-")], &UNTOUCHED],
    );
    ours(
        "somebody else's tap",
        &[
            ("1 exit", "1"),
            ("1 link tun0 master", "-"),
            ("1 write 1", "-"),
        ],
    );
    ours_all(
        "another guest's link in vif",
        &[
            &[
                ("1 exit", "1"),
                ("1 link vif6.0 master", "-"),
                ("1 write 1", "-"),
            ],
            &UNTOUCHED,
        ],
    );
}

#[test]
fn a_tap_of_xen_4_1_has_its_nodes() {
    ours(
        "tap of Xen 4.1 with another bridge",
        &[("1 exit", "0"), ("1 link tap5.0 master", "br1")],
    );
}

#[test]
fn an_mtu_that_is_no_number_is_said() {
    for situation in [
        "mtu is no number",
        "mtu is negative",
        "mtu with blanks around it",
        "mtu with a line end behind it",
        "an mtu with a shell's words",
    ] {
        ours_all(situation, &[&SAID_WHY, &UNTOUCHED]);
    }
}

#[test]
fn an_mtu_is_decimal() {
    ours(
        "mtu with zeros before it",
        &[
            ("1 exit", "0"),
            ("1 link vif5.0 mtu", "1400"),
            ("1 node FE/mtu", "\"1400\""),
        ],
    );
}

#[test]
fn a_vif_that_runs_stays_up() {
    ours(
        "the bridge's MTU changes between two calls",
        &[
            ("2 exit", "0"),
            (
                "2 write 1",
                "/local/domain/5/device/vif/0/mtu=9000 [up: br0 eth0 vif5.0]",
            ),
            ("2 link vif5.0 mtu", "9000"),
        ],
    );
}

#[test]
fn an_empty_bridge_node_is_none() {
    ours(
        "the bridge node is empty, and an argument names one",
        &[("1 exit", "0"), ("1 link vif5.0 master", "br1"), CONNECTED],
    );
}

const ROUTED: &str = "dev vif5.0 dst 203.0.113.5 metric 2 prefsrc 192.0.2.10 protocol static scope link table main type unicast";

#[test]
fn a_route_to_a_guest_is_known_as_a_programs() {
    ours(
        "route: online",
        &[
            ("1 exit", "0"),
            (&format!("1 route {ROUTED}"), "there"),
            CONNECTED,
        ],
    );
    let nat = "1 route dev vif5.0 dst 10.0.5.1 prefsrc 10.0.5.128 protocol static scope link table main type unicast";
    ours("nat: online", &[("1 exit", "0"), (nat, "there"), CONNECTED]);
}

#[test]
fn an_address_alone_has_no_broadcast() {
    ours(
        "route: online",
        &[
            ("1 link vif5.0 address 192.0.2.10 prefixlen", "32"),
            ("1 link vif5.0 address 192.0.2.10 broadcast", "-"),
            ("1 sysctl ipv4 vif5.0 proxy_arp", "1"),
        ],
    );
}

#[test]
fn what_goes_is_down_and_has_no_address() {
    for (situation, address) in [
        ("route: offline", "192.0.2.10"),
        ("nat: offline", "10.0.5.128"),
    ] {
        ours(
            situation,
            &[
                ("2 exit", "0"),
                ("2 write 1", "-"),
                ("2 link vif5.0 flags", "MULTICAST"),
                (&format!("2 link vif5.0 address {address} local"), "-"),
                ("2 sysctl ipv4 vif5.0 proxy_arp", "0"),
            ],
        );
    }
}

#[test]
fn a_routed_vif_may_come_twice() {
    ours(
        "route: twice online",
        &[
            ("2 exit", "0"),
            ("2 node BE/hotplug-status", "\"connected\""),
            (&format!("2 route {ROUTED}"), "there"),
        ],
    );
}

#[test]
fn a_routed_vif_goes_without_an_uplink() {
    ours(
        "route: the uplink lost its address at offline",
        &[
            ("2 exit", "0"),
            ("2 write 1", "-"),
            ("2 link vif5.0 flags", "MULTICAST"),
        ],
    );
}

#[test]
fn a_routed_vifs_failure_says_why() {
    for situation in [
        "route: the gateway device has no address",
        "route: the vif is missing",
        "route: an address that is none",
    ] {
        ours_all(situation, &[&SAID_WHY, &[("1 write 2", "-")]]);
    }
}

#[test]
fn a_routed_guest_has_ipv6() {
    let route = "1 route6 dev vif5.0 dst 2001:db8::5 metric 2 pref medium protocol static scope global table main type unicast";
    ours(
        "route: an IPv6 address",
        &[
            ("1 exit", "0"),
            CONNECTED,
            (route, "there"),
            ("1 proxy6 dev eth0 dst 2001:db8::5 proxy null", "there"),
            ("1 sysctl ipv6 eth0 proxy_ndp", "1"),
        ],
    );
}

#[test]
fn a_high_address_has_a_router() {
    ours(
        "nat: no room for the router's address",
        &[
            ("1 exit", "0"),
            CONNECTED,
            ("1 link vif5.0 address 192.168.7.73 prefixlen", "32"),
        ],
    );
}

#[test]
fn a_guest_behind_nat_has_several_addresses() {
    let route = |guest: &str| {
        format!(
            "1 route dev vif5.0 dst {guest} prefsrc 192.168.7.137 protocol static scope link table main type unicast"
        )
    };
    ours(
        "nat: several addresses",
        &[
            ("1 exit", "0"),
            CONNECTED,
            (&route("192.168.7.10"), "there"),
            (&route("192.168.7.11"), "there"),
        ],
    );
}

#[test]
fn a_longer_name_is_another_link() {
    ours(
        "nat: a route by a longer name",
        &[
            ("1 exit", "0"),
            CONNECTED,
            ("1 link vif5.0 flags", "MULTICAST,UP"),
        ],
    );
}

#[test]
fn a_vif_waits_for_no_dhcp_server() {
    ours(
        "nat: dhcp=yes without a server",
        &[("1 exit", "0"), CONNECTED],
    );
}

#[test]
fn a_hook_that_fails_keeps_no_vif_from_going() {
    let gone = [
        ("2 exit", "0"),
        ("2 link vif5.0 master", "-"),
        ("2 link vif5.0 flags", "MULTICAST"),
    ];
    ours_all("a hook that fails", &[&SAID_WHY, &UNTOUCHED, &gone]);
}

#[test]
fn a_routed_vif_has_nothing_of_before() {
    ours(
        "route: the vif has an address of before",
        &[
            ("1 exit", "0"),
            ("1 link vif5.0 address 192.0.2.10 prefixlen", "32"),
            ("1 link vif5.0 address 2001:db8::1 local", "-"),
        ],
    );
    ours(
        "nat: the vif is a port of a bridge",
        &[("1 exit", "0"), CONNECTED, ("1 link vif5.0 master", "-")],
    );
}

#[test]
fn a_list_that_no_guest_can_be_held_to_is_said() {
    for situation in [
        "ip has an entry that is no address",
        "ip without a MAC to hold it to",
    ] {
        ours_all(situation, &[&SAID_WHY, &UNTOUCHED]);
    }
}

#[test]
fn a_guests_number_is_that_of_its_path() {
    for situation in ["nat: the handle is another number", "nat: no frontend-id"] {
        ours(
            situation,
            &[
                ("1 exit", "0"),
                CONNECTED,
                ("1 link vif5.0 address 10.0.5.128 prefixlen", "32"),
            ],
        );
    }
}

#[test]
fn what_goes_needs_no_node_and_no_name() {
    ours(
        "nat: no frontend-id at offline",
        &[
            ("2 exit", "0"),
            ("2 write 1", "-"),
            ("2 link vif5.0 flags", "MULTICAST"),
        ],
    );
    ours(
        "a vifname, and it was never renamed",
        &[
            ("1 exit", "0"),
            ("1 link vif5.0 master", "-"),
            ("1 link vif5.0 flags", "MULTICAST"),
        ],
    );
}

#[test]
fn a_vif_behind_nat_comes_whatever_it_had() {
    for (situation, call) in [
        ("nat: a route by the vif", 1),
        ("nat: online again after offline", 3),
        ("nat: an IPv6 address", 1),
    ] {
        let route = "route dev vif5.0 dst 10.0.5.1 prefsrc 10.0.5.128 protocol static scope link table main type unicast";
        ours(
            situation,
            &[
                (&format!("{call} exit"), "0"),
                (&format!("{call} {route}"), "there"),
                (&format!("{call} node BE/hotplug-status"), "\"connected\""),
            ],
        );
    }
}

#[test]
fn a_port_of_a_switch_has_the_mtu_of_its_node() {
    ours_of_switch(
        "switch: mtu of the node",
        &[
            CONNECTED,
            ("1 link vif5.0 mtu", "1400"),
            ("1 node FE/mtu", "\"1400\""),
        ],
    );
}

#[test]
fn a_guest_of_a_switch_has_any_name_or_none() {
    let ids = "1 switch xenbr0 vif5.0 ids";
    ours_of_switch(
        "switch: the guest has no name",
        &[
            CONNECTED,
            ("1 node BE/hotplug-error", "-"),
            (
                ids,
                "{attached-mac=\"00:16:3e:00:05:00\",_xen-vm-uuid=\"5f0d\"}",
            ),
        ],
    );
    ours_of_switch(
        "switch: a name with blanks",
        &[
            CONNECTED,
            (
                ids,
                "{attached-mac=\"00:16:3e:00:05:00\",_xen-vm-name=\"foo_bar\",_xen-vm-uuid=\"5f0d\"}",
            ),
        ],
    );
}

/// The same where Open vSwitch is here.
fn ours_of_switch(situation: &str, facts: &[(&str, &str)]) {
    if open_vswitch().is_some() {
        ours(situation, facts);
    }
}
