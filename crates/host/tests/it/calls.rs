//! Online, then offline: what stays is what the contract says stays.

use crate::whole_state::diff;
use crate::world::{World, backend};

fn lines_of(differences: &[String]) -> Vec<&str> {
    differences.iter().map(String::as_str).collect()
}

/// Offline takes a link down and out of its bridge (contract 2.6). That the link makes no IPv6
/// address of its own stays, as it did with the scripts of Xen, and so does its MTU: the link is
/// about to go.
#[test]
fn offline_leaves_a_quiet_link() {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    world.vif(1, "br0");
    let before = world.state();
    world.succeed(1, &["online"]);
    world.succeed(1, &["offline"]);
    assert_eq!(
        lines_of(&diff(&before, &world.state())),
        [
            "links vif1.0 inet6_addr_gen_mode: eui64 -> none",
            "settings ipv6/conf/vif1.0/accept_ra: 1 -> 0",
            "settings ipv6/conf/vif1.0/addr_gen_mode: 0 -> 1",
        ]
    );
    let status = world.node(&format!("{}/hotplug-status", backend(1)));
    assert_eq!(status.as_deref(), Some("connected"), "offline says nothing");
}

/// A renamed link keeps its name and mark, by which a later call knows it.
#[test]
fn offline_leaves_name_and_mark() {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    world.vif(1, "br0");
    world.write(&format!("{}/vifname", backend(1)), "web");
    world.succeed(1, &["online"]);
    world.succeed(1, &["offline"]);
    let link = world.sh("ip link show web");
    assert!(link.contains("alias xenwire vif1.0"), "{link}");
    assert!(!link.contains("master") && !link.contains("UP"), "{link}");
    world.succeed(1, &["online"]);
    assert!(world.sh("ip link show web").contains("master br0"));
}

/// As libxl calls: the vif has gone before the script runs.
#[test]
fn offline_of_a_vif_that_is_gone_changes_nothing() {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    let before = world.state();
    world.vif(1, "br0");
    world.succeed(1, &["online"]);
    world.sh("ip link del vif1.0");
    world.remove(&backend(1));
    world.succeed(1, &["offline"]);
    assert_eq!(world.differs_from(&before), [""; 0]);
    assert!(world.journal(1).is_empty());
}
