//! What goes, and what stays because it is there, or is nobody's.

use super::*;
use crate::name::Mac;
use crate::state::{
    Dhcpd, Forged, Guard, Hop, LineChange, Link, LinkKind, OldRule, Passes, Place, Route,
};

fn name(text: &str) -> IfName {
    text.parse().unwrap()
}

fn link(alias: Option<&str>) -> Link {
    Link {
        up: true,
        alias: alias.map(str::to_owned),
        ..Link::of(LinkKind::Other("vif".into()))
    }
}

fn guard(of: &str) -> Guard {
    let net = "10.0.0.1/32".parse().unwrap();
    Guard::new(
        name(of),
        Place::Bridged,
        Forged::Dropped,
        Mac([2; 6]),
        [net],
    )
}

fn proxy(to: &str) -> Neighbour {
    Neighbour {
        link: name("eth0"),
        to: to.parse().unwrap(),
        mac: None,
        proxy: true,
        flags: 0,
        protocol: 0,
    }
}

/// eth0, vif1.0, and vif2.0 under the name web0.
fn host() -> NetState {
    let mut state = NetState::default();
    for (is, alias) in [
        ("eth0", None),
        ("vif1.0", None),
        ("web0", Some("xenwire vif2.0")),
    ] {
        state.links.insert(name(is), link(alias));
    }
    state
}

#[test]
fn guards_of_links_that_are_there_under_any_name_stay() {
    let mut state = host();
    for (port, of) in [
        ("vif1.0", "vif1.0"),
        ("web0", "vif2.0"),
        // Before the renaming.
        ("later", "vif1.0"),
        ("vif7.0", "vif7.0"),
        ("gone0", "vif8.0"),
        ("vif9.0-emu", "vif9.0-emu"),
    ] {
        state.guards.insert(name(port), guard(of));
    }
    let left = leftovers(&Observed::host(state), &Kept::default());
    let gone: Vec<_> = left.desired.guards.keys().map(IfName::as_str).collect();
    assert_eq!(gone, ["gone0", "vif7.0", "vif9.0-emu"]);
    assert!(left.desired.guards.values().all(Option::is_none));
}

#[test]
fn host_files_go_with_the_vif_that_they_are_called_after() {
    let mut state = host();
    for vif in ["vif1.0", "vif2.0", "vif7.0"] {
        state.dhcp.hosts.insert(name(vif), "a line\n".into());
    }
    let left = leftovers(&Observed::host(state), &Kept::default());
    assert_eq!(left.desired.dhcp_hosts, [(name("vif7.0"), None)].into());
}

#[test]
fn rules_of_xens_scripts_go_with_the_vif_that_they_name() {
    let mut state = host();
    for (place, port) in (0..).zip(["vif1.0", "vif7.0", "web0", "vif7.0-emu", "vif2.0", "db0"]) {
        let rule = OldRule {
            place,
            port: name(port),
            passes: Passes::To,
            expressions: Vec::new(),
            legacy: false,
        };
        state.old_rules.insert(rule);
    }
    let left = leftovers(&Observed::host(state), &Kept::default());
    let gone = left.desired.old_rules_gone.iter();
    let gone: Vec<_> = gone.map(|rule| (rule.place, rule.port.as_str())).collect();
    // vif2.0 is there under another name.
    assert_eq!(gone, [(1, "vif7.0"), (3, "vif7.0-emu")]);
}

#[test]
fn what_masquerades_goes_with_the_link_that_it_names() {
    let mut state = host();
    state.masquerades = ["eth0", "web0", "eth7"].map(name).into();
    let left = leftovers(&Observed::host(state), &Kept::default());
    assert_eq!(left.desired.masquerades, [(name("eth7"), false)].into());
}

#[test]
fn lines_of_dhcpd_go_with_the_vif_that_they_are_of() {
    const CONF: &str = "/etc/dhcp/dhcpd.conf";
    let mut state = host();
    state.dhcp.dhcpd = Some(Dhcpd {
        conf: CONF.into(),
        ..Dhcpd::default()
    });
    let line = |domid: u16| {
        format!(
            "host dom{domid} {{ hardware ethernet 00:16:3e:00:00:01; fixed-address 10.0.{domid}.1; option routers 10.0.{domid}.128; option host-name \"dom{domid}\"; }}"
        )
    };
    let lines = [1, 2, 7, 8, 9].map(line).to_vec();
    state.files.insert(CONF.into(), lines);
    // Two addresses are used: by a link that Xen's script renamed, and by another vif.
    state.links.insert(name("db0"), link(None));
    for (address, by) in [("10.0.8.1/32", "db0"), ("10.0.9.1/32", "vif1.0")] {
        let route = Route {
            hops: vec![Hop::by(name(by))],
            ..Route::onlink(address.parse().unwrap(), name(by))
        };
        state.routes.insert(route);
    }
    let left = leftovers(&Observed::host(state), &Kept::default());
    let gone = |domid| LineChange {
        file: CONF.into(),
        from: Some(line(domid)),
        to: None,
    };
    assert_eq!(left.desired.lines, [gone(7), gone(9)]);
    assert_eq!(
        left.notes,
        [format!(
            "dhcpd reads {CONF} only when it starts: start it again then"
        )]
    );
}

#[test]
fn ports_of_the_switch_go_only_with_the_texts_of_a_vif_script_and_without_a_link() {
    let mut state = host();
    for (port, keys) in [
        ("vif1.0", &["xen-vm-uuid"][..]),
        ("vif7.0", &["attached-mac"]),
        ("db0", &["xen-vm-name", "attached-mac"]),
        ("vif8.0", &[]),
        ("tap0", &["attached-mac", "vm-id"]),
        ("vxlan0", &[]),
    ] {
        let port_there = SwitchPort {
            bridge: name("ovsbr0"),
            tag: None,
            trunks: BTreeSet::new(),
            external_ids: keys.iter().map(|key| ((*key).into(), "x".into())).collect(),
        };
        state.switches.ports.insert(name(port), port_there);
    }
    let left = leftovers(&Observed::host(state), &Kept::default());
    let gone = left.desired.switch_ports_gone;
    assert_eq!(gone, [name("db0"), name("vif7.0")].into());
}

#[test]
fn what_was_given_to_the_uplink_goes_with_the_journal_unless_another_guest_has_the_address() {
    let mut state = host();
    let theirs = [proxy("2001:db8::7"), proxy("2001:db8::8")];
    state.neighbours.extend(theirs.clone());
    state.neighbours.insert(proxy("2001:db8::9"));
    let route = Route {
        hops: vec![Hop::by(name("vif1.0"))],
        ..Route::onlink("2001:db8::8/128".parse().unwrap(), name("vif1.0"))
    };
    state.routes.insert(route);
    let given = |to: &str| Given {
        // One that is no longer there, too.
        neighbours: [proxy(to), proxy("2001:db8::ffff")].into(),
        by_us: true,
        ..Given::default()
    };
    let journals = [
        ("vif1.0", given("2001:db8::9")),
        ("vif2.0", Given::default()),
        ("vif7.0", given("2001:db8::7")),
        ("vif8.0", given("2001:db8::8")),
    ];
    let journals = journals.map(|(vif, given)| (name(vif), given));
    let kept = Kept {
        journals: journals.into(),
        free_locks: BTreeSet::new(),
    };
    let left = leftovers(&Observed::host(state), &kept);
    assert_eq!(left.desired.neighbours_gone, [proxy("2001:db8::7")].into());
    assert_eq!(left.journals, [name("vif7.0")].into());
    assert_eq!(left.notes.len(), 1, "{:?}", left.notes);
    assert!(left.notes[0].starts_with("vif8.0 is gone, and eth0 still answers for 2001:db8::8"));
}

#[test]
fn vifs_and_taps_have_names_of_their_own() {
    for (text, is) in [
        ("vif1.0", true),
        ("vif1.0-emu", true),
        ("vif1", false),
        ("web0", false),
        ("vif01.0", false),
        ("eth0-emu", false),
    ] {
        assert_eq!(is_vif(&name(text)), is, "{text}");
    }
}
