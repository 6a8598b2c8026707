//! Debian's scripts made wrong, one line at a time: the comparison must notice each.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::listed;
use crate::run::{Place, copy, each};
use crate::seen::differences;
use crate::situation::Situation;
use crate::tools::{debian_scripts, open_vswitch};
use crate::world::User;

/// A mutant.
struct Mutant {
    /// What is wrong with it.
    name: &'static str,
    /// The file and what sed(1) does to it.
    file: &'static str,
    sed: &'static str,
    /// The situation that shows it.
    shown_by: &'static str,
}

const fn mutant(
    name: &'static str,
    file: &'static str,
    sed: &'static str,
    shown_by: &'static str,
) -> Mutant {
    Mutant {
        name,
        file,
        sed,
        shown_by,
    }
}

const NETWORK: &str = "xen-network-common.sh";
const HOTPLUG: &str = "xen-hotplug-common.sh";
const COMMON: &str = "vif-common.sh";
const BRIDGE: &str = "vif-bridge";
const SWITCH: &str = "vif-openvswitch";

const MUTANTS: &[Mutant] = &[
    mutant(
        "no MAC",
        NETWORK,
        "s/address fe:ff:ff:ff:ff:ff/arp on/",
        "online",
    ),
    mutant(
        "another MAC",
        NETWORK,
        "s/fe:ff:ff:ff:ff:ff/fe:ff:ff:ff:ff:fe/",
        "online",
    ),
    mutant(
        "no flush",
        NETWORK,
        "s/ip address flush dev/: /",
        "the vif has addresses",
    ),
    mutant(
        "wrong MTU",
        NETWORK,
        "s/dev ${dev} mtu ${mtu}/dev ${dev} mtu 1499/",
        "the bridge's MTU",
    ),
    mutant(
        "the bridge's MTU and not the node's",
        NETWORK,
        "s/\"$XENBUS_PATH\\/mtu\"/nowhere/",
        "mtu of the node",
    ),
    mutant(
        "the frontend's mtu is not written",
        NETWORK,
        "s/xenstore_write \"$FRONTEND_PATH\\/mtu\"/: /",
        "online",
    ),
    mutant(
        "the frontend's mtu is wrong",
        NETWORK,
        "s/xenstore_write \"$FRONTEND_PATH\\/mtu\" ${mtu}/xenstore_write \"$FRONTEND_PATH\\/mtu\" 1500/",
        "the bridge's MTU",
    ),
    mutant(
        "no link up",
        NETWORK,
        "/^add_to_bridge/,/^}/s/ip link set dev ${dev} up/:/",
        "online",
    ),
    mutant(
        "up before it is a port",
        NETWORK,
        "/^set_mtu/,/^}/s/local mtu=/ip link set dev $dev up; local mtu=/",
        "online",
    ),
    mutant(
        "not attached",
        NETWORK,
        "s/brctl addif ${bridge} ${dev}/:/",
        "online",
    ),
    mutant(
        "attached to the wrong bridge",
        NETWORK,
        "s/brctl addif ${bridge}/brctl addif br1/",
        "the bridge of the store is not the first",
    ),
    mutant(
        "not detached",
        NETWORK,
        "s/do_without_error brctl delif/: /",
        "offline after online",
    ),
    mutant(
        "not taken down",
        NETWORK,
        "/^remove_from_bridge/,/^}/s/ip link set dev ${dev} down/:/",
        "offline after online",
    ),
    mutant(
        "detached at online",
        BRIDGE,
        "s/^handle_iptable/brctl delif $bridge $dev; ip link set $dev up/",
        "online",
    ),
    mutant("no status", BRIDGE, "s/^  success/  :/", "online"),
    mutant(
        "another status",
        HOTPLUG,
        "s/hotplug-status\" connected/hotplug-status\" Connected/",
        "online",
    ),
    mutant(
        "status with a line end",
        HOTPLUG,
        "s/hotplug-status\" connected/hotplug-status\" $'connected\\\\n'/",
        "online",
    ),
    mutant(
        "status before the mtu",
        BRIDGE,
        "s/^    add|online)/    add|online) success/",
        "online",
    ),
    mutant(
        "status for taps too",
        BRIDGE,
        "s/\\[ \"$type_if\" = vif -a \"$command\" = \"online\" \\]/true/",
        "tap add",
    ),
    mutant(
        "status at offline too",
        BRIDGE,
        "s/ -a \"$command\" = \"online\"//",
        "offline after online",
    ),
    mutant(
        "status error before the reason",
        HOTPLUG,
        "/^fatal/,/^}/{s/hotplug-error\" \"$\\*\"/hotplug-status\" error/;t;s/hotplug-status\" error/hotplug-error\" \"$*\"/}",
        "no such bridge",
    ),
    mutant(
        "reason and status apart",
        HOTPLUG,
        "/^fatal/,/^}/{s/ \\\\$//;s/^ *\"$XENBUS_PATH/  _xenstore_write \"$XENBUS_PATH/}",
        "no such bridge",
    ),
    mutant(
        "no reason",
        HOTPLUG,
        "/^fatal/,/^}/{s/\"$XENBUS_PATH\\/hotplug-error\" \"$\\*\"//}",
        "no such bridge",
    ),
    mutant(
        "exit status swallowed",
        HOTPLUG,
        "/^fatal/,/^}/s/exit 1/exit 0/",
        "no such bridge",
    ),
    mutant(
        "an unknown command ends with 0",
        COMMON,
        "/Invalid command/{n;s/exit 1/exit 0/}",
        "unknown command",
    ),
    mutant(
        "filtered calls end with 1",
        COMMON,
        "s/!= vif \\&\\& exit 0/!= vif \\&\\& exit 1/",
        "online for a tap",
    ),
    mutant(
        "arguments are not looked at",
        COMMON,
        "s/^evalVariables/: /",
        "bridge as an argument",
    ),
    mutant(
        "an argument wins over the store",
        BRIDGE,
        "s/^bridge=$(xenstore_read_default.*/[ \"$bridge\" ] || &/",
        "the store wins over an argument",
    ),
    mutant(
        "no fallback to ethN",
        BRIDGE,
        "s/xenbr\\*/never*/",
        "xenbr9 is eth9 now",
    ),
    mutant(
        "vifname is not looked at",
        COMMON,
        "s/XENBUS_PATH\\/vifname/XENBUS_PATH\\/nothing/",
        "vifname",
    ),
    mutant(
        "another's link for the vif",
        COMMON,
        "s/if ip link show \"$vifname\"/if false/;s/do_or_die ip link set \"$dev\" name/: /",
        "vifname is another's",
    ),
    mutant(
        "says something",
        BRIDGE,
        "s/^RET=0/RET=0; echo here/",
        "online",
    ),
    mutant(
        "an address of dom0's goes",
        BRIDGE,
        "s/^RET=0/RET=0; ip address flush dev br0/",
        "online",
    ),
    mutant(
        "a setting changes",
        BRIDGE,
        "s/^RET=0/RET=0; echo 1 >\\/proc\\/sys\\/net\\/ipv4\\/conf\\/vif5.0\\/proxy_arp/",
        "online",
    ),
    mutant(
        "a route comes",
        BRIDGE,
        "s/^RET=0/RET=0; ip route add 198.51.100.0\\/24 dev br0/",
        "online",
    ),
    mutant(
        "no VLAN",
        SWITCH,
        "s/tag_arg=\"tag=$tag\"/tag_arg=/",
        "switch: a VLAN",
    ),
    mutant(
        "no trunks",
        SWITCH,
        "s/trunk_arg=\"trunk=$trunk\"/trunk_arg=/",
        "switch: trunks",
    ),
    mutant(
        "the guest is not named",
        SWITCH,
        "s/xen-vm-name/xen-vm/",
        "switch: online",
    ),
    mutant(
        "a port stays",
        SWITCH,
        "/remove|offline/,/;;/s/--if-exists del-port $dev/--if-exists del-port no$dev/",
        "switch: online and offline",
    ),
];

/// Makes each, and looks whether it is noticed.
pub fn all() {
    let Some(debian) = debian_scripts() else {
        return;
    };
    let place = Place::new(Some(&debian));
    let situations: BTreeMap<String, Situation> = Situation::all()
        .into_iter()
        .map(|one| (one.name.clone(), one))
        .collect();
    let switch = open_vswitch().is_some();
    let made = MUTANTS.iter().filter(|one| switch || one.file != SWITCH);
    let numbered: Vec<(usize, &Mutant)> = made.enumerate().collect();
    let unseen: Vec<String> = each(&numbered, |(number, mutant)| {
        let situation = situations
            .get(mutant.shown_by)
            .unwrap_or_else(|| panic!("{}: no situation {:?}", mutant.name, mutant.shown_by));
        let scripts = place.folder(&format!("mutant-{number}"));
        copy(&place.theirs(), &scripts);
        let file = scripts.join(mutant.file);
        let sound = fs::read(&file).unwrap();
        let made = Command::new("sed")
            .arg("-i")
            .args(["-e", mutant.sed])
            .arg(&file)
            .status();
        assert!(made.unwrap().success(), "{}", mutant.name);
        assert_ne!(
            fs::read(&file).unwrap(),
            sound,
            "{}: nothing was changed",
            mutant.name
        );
        let ours = place.see(User::Caller, &place.ours(), situation);
        let theirs = place.see(User::Caller, &scripts, situation);
        let sorted = listed::sort(situation, &differences(&theirs, &ours));
        let noticed = !sorted.unlisted.is_empty() || !sorted.gone.is_empty();
        (!noticed).then(|| format!("{} in {:?}", mutant.name, mutant.shown_by))
    })
    .into_iter()
    .flatten()
    .collect();
    println!(
        "mutants of Debian's scripts: {} of {} caught",
        numbered.len() - unseen.len(),
        numbered.len()
    );
    assert!(unseen.is_empty(), "not noticed: {unseen:#?}");
}
