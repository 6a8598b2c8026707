//! Bad values by their names. Each is refused: status 1, `hotplug-error` names it, the whole
//! network is as it was, and nothing was evaluated.

use xenwire_xenstore::Nodes as _;

use crate::caller::Host;
use crate::world::backend;

/// A value that is longer than what any name may be, and nearly as long as what a node holds.
fn long() -> Vec<u8> {
    vec![b'a'; 3900]
}

/// The node or variable, its value, and what `hotplug-error` says of it.
type Row = (&'static str, Vec<u8>, &'static str);

fn row(name: &'static str, value: impl Into<Vec<u8>>, says: &'static str) -> Row {
    (name, value.into(), says)
}

fn names() -> Vec<Row> {
    vec![
        row("vifname", "vif%d", "'%'"),
        row("vifname", "%s%n", "'%'"),
        row("vifname", "eth0", "eth0"),
        row("vifname", "lo", "loopback"),
        row("vifname", "peth0", "peth0"),
        row("vifname", "br1", "br1"),
        row("vifname", "customer", "customer"),
        row("vifname", "vif2.0-emu", "-emu"),
        row("vifname", "web-emu", "-emu"),
        row("vifname", "sixteen-bytes-xx", "at most 15 bytes"),
        row("vifname", "..", "no link names"),
        row("vifname", "a/b", "'/'"),
        row("vifname", "a\nb", "\\n"),
        row("vifname", "a\0b", "\\0"),
        row("vifname", *b"a\xff", "\u{fffd}"),
        row("vifname", "$(touch /run/evaluated)", "vifname"),
        row("vifname", "`touch /run/evaluated`", "vifname"),
        row("vifname", long(), "at most 15 bytes"),
        row("bridge", "eth0", "eth0"),
        row("bridge", "lo", "lo"),
        row("bridge", "vif1.0", "vif1.0"),
        row("bridge", "customer", "customer"),
        row("bridge", "br%d", "'%'"),
        row("bridge", "nobr", "Could not find bridge device nobr"),
        row("bridge", "br0\n", "\\n"),
        row("bridge", "br0\0", "\\0"),
        row("bridge", *b"br0\xff", "\u{fffd}"),
        row("bridge", "; touch /run/evaluated", "bridge"),
        row("bridge", "br0 -- touch /run/evaluated", "bridge"),
        row("bridge", long(), "at most 15 bytes"),
        row("mtu", "1500x", "1500x"),
        row("mtu", "-1", "-1"),
        row("mtu", "99999999999", "99999999999"),
        row("mtu", "a[$(touch /run/evaluated)]", "mtu"),
        row("vlan", "5", "does not filter VLANs"),
        row("vlan", "4095", "vlan"),
        row("vlan", "$(touch /run/evaluated)", "vlan"),
        row("ip", "192.0.2.300", "192.0.2.300"),
        row("ip", "192.0.2.9/24", "192.0.2.0/24"),
        row("ip", "$(touch /run/evaluated)", "ip="),
        row("ip", "192.0.2.9\x00192.0.2.10", "ip="),
        row("ip", *b"\xff\xfe", "ip="),
        row("ip", long(), "ip="),
    ]
}

fn refused(host: &Host, what: &str, output: &std::process::Output, says: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{what}: {text}");
    assert!(
        output.stdout.is_empty() && text.is_empty(),
        "{what}: {text}"
    );
    assert_eq!(
        host.node("hotplug-status").as_deref(),
        Some("error"),
        "{what}"
    );
    let error = host.node("hotplug-error").unwrap_or_default();
    assert!(error.contains(says), "{what}: {error}");
    assert_eq!(host.evaluated(), "", "{what}");
}

#[test]
fn a_node_that_is_wrong_is_named_and_nothing_is_changed() {
    let Some(host) = Host::new() else { return };
    host.arrive(&[]);
    let before = host.world.state();
    for (name, value, says) in names() {
        let what = format!(
            "{name}={}",
            String::from_utf8_lossy(&value[..value.len().min(40)])
        );
        let node = |name: &str| format!("{}/{name}", backend(1));
        let usual = host.world.node(&node(name));
        host.world.store().write(&node(name), &value).unwrap();
        for path in ["hotplug-error", "hotplug-status"] {
            let _ = host.world.store().rm(&node(path));
        }
        let output = host.run("vif-bridge", &["online", "type_if=vif"]);
        refused(&host, &what, &output, says);
        assert_eq!(host.differs_from(&before), [""; 0], "{what}");
        match usual {
            Some(usual) => host.world.write(&node(name), &usual),
            None => host.world.remove(&node(name)),
        }
    }
    // And nothing of it stays behind: the vif comes.
    let output = host.run("vif-bridge", &["online", "type_if=vif"]);
    assert!(output.status.success(), "{:?}", host.node("hotplug-error"));
}

/// What goes must go, whatever the nodes say by then; and it is nobody else's link.
#[test]
fn an_offline_with_wrong_nodes_takes_down_its_own_vif() {
    let Some(host) = Host::new() else { return };
    let before = host.world.state();
    for (name, value, _) in names() {
        let what = format!(
            "{name}={}",
            String::from_utf8_lossy(&value[..value.len().min(40)])
        );
        host.arrive(&[]);
        assert!(
            host.run("vif-bridge", &["online"]).status.success(),
            "{what}"
        );
        host.world
            .store()
            .write(&format!("{}/{name}", backend(1)), &value)
            .unwrap();
        let output = host.run("vif-bridge", &["offline"]);
        assert_eq!(output.status.code(), Some(0), "{what}: {output:?}");
        let link = host.world.sh("ip -oneline link show vif1.0");
        assert!(
            !link.contains(",UP") && !link.contains("master"),
            "{what}: {link}"
        );
        host.leave();
        assert_eq!(host.evaluated(), "", "{what}");
    }
    assert_eq!(host.differs_from(&before), [""; 0]);
}

/// Arguments and variables, where the nodes say nothing.
#[test]
fn a_variable_that_is_wrong_is_named_and_nothing_is_changed() {
    let Some(host) = Host::new() else { return };
    host.arrive(&[]);
    host.world.remove(&format!("{}/bridge", backend(1)));
    let before = host.world.state();
    for (name, value, says) in names() {
        if !["bridge", "ip"].contains(&name) || says.contains("Could not") {
            continue;
        }
        let what = format!(
            "{name}={}",
            String::from_utf8_lossy(&value[..value.len().min(40)])
        );
        // No process can be given a NUL.
        if value.contains(&0) {
            continue;
        }
        for as_argument in [false, true] {
            for path in ["hotplug-error", "hotplug-status"] {
                let _ = host.world.store().rm(&format!("{}/{path}", backend(1)));
            }
            let mut env = host.env.clone();
            let mut args = vec![b"online".to_vec()];
            if as_argument {
                args.push([name.as_bytes(), b"=", &value].concat());
            } else {
                env.insert(name.into(), value.clone());
            }
            if name == "ip" {
                env.insert("bridge".into(), "br0".into());
            }
            let output = host.run_with(&env, "vif-bridge", &args);
            refused(&host, &what, &output, says);
            assert_eq!(host.differs_from(&before), [""; 0], "{what}");
        }
    }
}

/// BR_MAX_PORTS and the port that is never given make 1,023 (net/bridge/br_private.h, find_portno).
#[test]
fn a_bridge_that_is_full() {
    let Some(host) = Host::new() else { return };
    host.world.sh("ip link add full type bridge
         i=1
         while [ $i -le 512 ]; do
           echo link add p$i type veth peer name q$i
           echo link set p$i master full
           [ $i -eq 512 ] || echo link set q$i master full
           i=$((i + 1))
         done | ip -batch -");
    host.arrive(&[("bridge", "full".into())]);
    let link = || host.world.sh("ip -oneline -details link show vif1.0");
    let before = link();
    let output = host.run("vif-bridge", &["online", "type_if=vif"]);
    refused(&host, "a full bridge", &output, "1,023 ports");
    assert_eq!(link(), before);
    host.world.sh("ip link delete q1");
    let output = host.run("vif-bridge", &["online", "type_if=vif"]);
    assert!(output.status.success(), "{:?}", host.node("hotplug-error"));
}

/// The same guest twice by mistake: each vif keeps its own guard, and loses only that.
#[test]
fn two_vifs_with_one_mac() {
    let Some(host) = Host::new() else { return };
    host.arrive(&[
        ("mac", "00:16:3e:00:00:02".into()),
        ("ip", "198.51.100.2".into()),
    ]);
    let bare = host.world.state();
    let tables = || host.world.sh("nft list ruleset");
    let before = tables();
    let output = host.run("vif-bridge", &["online", "type_if=vif"]);
    assert!(output.status.success(), "{:?}", host.node("hotplug-error"));
    let both = tables();
    assert!(
        both.contains("\"vif1.0\"") && both.contains("\"customer\""),
        "{both}"
    );
    assert!(host.run("vif-bridge", &["offline"]).status.success());
    assert_eq!(tables(), before);
    host.leave();
    host.arrive(&[]);
    assert_eq!(host.differs_from(&bare), [""; 0]);
}
