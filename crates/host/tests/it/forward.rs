//! FORWARD chains that drop: what a vif's calls put into them and take away, as Debian's tools show it.

use std::io::Write;
use std::process::Stdio;

use crate::need;
use crate::world::{World, backend};

/// A FORWARD chain that drops, of both families.
pub const DROPS: &str = "for family in ip ip6; do
    nft add table $family filter
    nft add chain $family filter FORWARD '{ type filter hook forward priority 0; policy drop; }'
    nft add rule $family filter FORWARD drop
done";

const FAMILIES: [&str; 2] = ["ip", "ip6"];

/// Whether a bridge's frames come to FORWARD.
pub fn filter_bridged(world: &World, on: bool) {
    for switch in ["iptables", "ip6tables"] {
        let file = format!("/proc/sys/net/bridge/bridge-nf-call-{switch}");
        world.sh(&format!("echo {} >{file}", u8::from(on)));
    }
}

/// A bridge whose frames come to FORWARD, and these guests' vifs.
fn world(guests: u16) -> Option<World> {
    let world = World::new().filter(|_| need::br_netfilter())?;
    filter_bridged(&world, true);
    world.bridge("br0");
    (1..=guests).for_each(|domid| world.vif(domid, "br0"));
    Some(world)
}

fn rules(world: &World, family: &str) -> Vec<String> {
    let chain = world.sh(&format!("nft list chain {family} filter FORWARD"));
    let rules = chain.lines().map(str::trim);
    let rules = rules.filter(|line| line.contains("accept") || line.contains("drop"));
    rules
        .filter(|line| !line.contains("policy"))
        .map(str::to_owned)
        .collect()
}

fn is_open(world: &World, family: &str) -> bool {
    let rules = rules(world, family);
    let ours = |rule: &&String| rule.contains("meta mark & 0x10000000 == 0x10000000");
    assert!(rules.iter().filter(ours).count() < 2, "{rules:?}");
    // At the head, and the administrator's stays behind it.
    let first = rules.first().is_some_and(|rule| ours(&rule));
    assert_eq!(rules.len(), 1 + usize::from(first), "{rules:?}");
    first
}

/// The ports that are marked.
fn marked(world: &World) -> Vec<String> {
    let set = world.sh("nft list set bridge xenwire-forward ports 2>/dev/null || true");
    let quoted = set.split('"').skip(1).step_by(2);
    // Each element has its comment behind it, which is another such text.
    quoted.step_by(2).map(str::to_owned).collect()
}

#[test]
fn one_rule_in_each_chain_for_all_guests_and_it_comes_back() {
    let Some(world) = world(3) else { return };
    world.sh(DROPS);
    for domid in 1..=3 {
        world.succeed(domid, &["online"]);
        assert!(FAMILIES.iter().all(|family| is_open(&world, family)));
    }
    assert_eq!(marked(&world), ["vif1.0", "vif2.0", "vif3.0"]);
    let table = world.sh("nft list table bridge xenwire-forward");
    assert_eq!(table.matches("meta mark set").count(), 7, "{table}");
    // The administrator loads the rules anew: the next guest, or the same once more, finds that.
    for family in FAMILIES {
        world.sh(&format!(
            "nft flush chain {family} filter FORWARD; nft add rule {family} filter FORWARD drop"
        ));
        assert!(!is_open(&world, family));
    }
    let called = world.succeed(1, &["online"]);
    assert_eq!(called.effects.len(), 1, "{:?}", called.effects);
    assert!(FAMILIES.iter().all(|family| is_open(&world, family)));
    assert!(world.succeed(1, &["online"]).effects.is_empty());
    // A guest's link may be gone before its script is told.
    world.sh("ip link del g1.0");
    for domid in 1..=3 {
        world.succeed(domid, &["offline"]);
    }
    assert_eq!(marked(&world), [""; 0]);
    assert!(FAMILIES.iter().all(|family| is_open(&world, family)));
}

#[test]
fn nothing_is_asked_where_frames_do_not_come_to_forward() {
    let Some(world) = world(1) else { return };
    world.sh(DROPS);
    filter_bridged(&world, false);
    for word in ["online", "offline"] {
        let sockets = world.traced(1, &[word]);
        assert!(!sockets.contains("NETLINK_NETFILTER"), "{word}: {sockets}");
    }
    assert!(!FAMILIES.iter().any(|family| is_open(&world, family)));
}

#[test]
fn without_a_chain_nothing_is_made() {
    let Some(world) = world(1) else { return };
    world.succeed(1, &["online"]);
    assert_eq!(world.sh("nft list ruleset"), "");
}

#[test]
fn many_at_once_make_one_rule() {
    let Some(world) = world(16) else { return };
    world.sh(DROPS);
    let start = |domid| {
        let mut script = world.script(domid, &["online"]);
        script.stdout(Stdio::null()).spawn().unwrap()
    };
    let calls: Vec<_> = (1..=16).map(start).collect();
    for mut call in calls {
        assert!(call.wait().unwrap().success());
    }
    assert!(FAMILIES.iter().all(|family| is_open(&world, family)));
    assert_eq!(marked(&world).len(), 16);
}

#[test]
fn a_tables_owner_is_asked_and_not_overruled() {
    let Some(world) = world(1) else { return };
    let mut owner = world.command(&["nft", "-i"]);
    let mut owner = owner
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let table = "add table inet firewalld { flags owner; }\n\
        add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy drop; }\n";
    let mut stdin = owner.stdin.take().unwrap();
    stdin.write_all(table.as_bytes()).unwrap();
    while !world
        .sh("nft list tables; nft list chains")
        .contains("filter_FORWARD")
    {
        assert!(owner.try_wait().unwrap().is_none(), "nft goes on");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    world.succeed(1, &["online"]);
    let log = world.sh("cat /var/log/xen/xen-hotplug.log");
    assert!(log.contains("firewall-cmd --permanent"), "{log}");
    assert_eq!(marked(&world), ["vif1.0"]);
    drop(stdin);
    owner.wait().unwrap();
}

#[test]
fn a_name_that_passes_on_takes_its_passage_along() {
    let Some(world) = world(1) else { return };
    world.sh(DROPS);
    world.succeed(1, &["online"]);
    world.write(&format!("{}/vifname", backend(1)), "web");
    world.succeed(1, &["online"]);
    assert_eq!(marked(&world), ["web"]);
    world.succeed(1, &["offline"]);
    assert_eq!(marked(&world), [""; 0]);
}
