//! Debian's Open vSwitch with its datapath in user space, in a world; it ends with its value. And
//! what ovs-vswitchd does in its own time.

use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::need;
use crate::world::World;

/// The daemons.
pub struct OpenVswitch {
    daemons: Vec<Child>,
}

impl OpenVswitch {
    /// Starts it, with the bridge xenbr0; `None` if the machine lacks it, which is then told.
    pub fn start(world: &World) -> Option<Self> {
        let tree = std::env::var("XENWIRE_DEBIAN_OPENVSWITCH").unwrap_or_default();
        if !Path::new(&tree).join("usr/bin/ovs-vsctl").exists() {
            need::missing(
                "XENWIRE_DEBIAN_OPENVSWITCH",
                "no ovs-vsctl below it; `./ci.sh need` unpacks it",
            );
            return None;
        }
        if !need::taps("Open vSwitch opens it") {
            return None;
        }
        world.sh(&format!(
            "mkdir -p /run/openvswitch /run/switch/lib
             find {tree}/usr/lib/*/ {tree}/lib/*/ -maxdepth 1 -name '*.so*' -exec ln -sf -t /run/switch/lib {{}} +
             ln -sf {tree}/usr/sbin/ovsdb-server {tree}/usr/bin/ovsdb-tool {tree}/usr/bin/ovs-vsctl \
                {tree}/usr/lib/openvswitch-switch/ovs-vswitchd /run/switch
             cd /run/openvswitch
             LD_LIBRARY_PATH=/run/switch/lib /run/switch/ovsdb-tool create conf.db \
                {tree}/usr/share/openvswitch/vswitch.ovsschema"
        ));
        let mut switch = Self {
            daemons: Vec::new(),
        };
        switch.daemon(
            world,
            "ovsdb-server conf.db --remote=punix:db.sock --unixctl=db.ctl",
            "db.sock",
        );
        Self::ask(world, "--no-wait init");
        switch.daemon(
            world,
            "ovs-vswitchd unix:db.sock --unixctl=switch.ctl",
            "switch.ctl",
        );
        // It waits until ovs-vswitchd has made it.
        Self::ask(
            world,
            "add-br xenbr0 -- set bridge xenbr0 datapath_type=netdev",
        );
        Some(switch)
    }

    fn daemon(&mut self, world: &World, line: &str, socket: &str) {
        let script = format!(
            "cd /run/openvswitch; export OVS_RUNDIR=$PWD OVS_LOGDIR=$PWD OVS_DBDIR=$PWD
             export LD_LIBRARY_PATH=/run/switch/lib; exec /run/switch/{line} --log-file=$PWD/log"
        );
        let mut command = world.command(&["sh", "-ec", &script]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.daemons.push(command.spawn().unwrap());
        let end = Instant::now() + Duration::from_secs(60);
        while world
            .sh(&format!(
                "test ! -S /run/openvswitch/{socket} || echo there"
            ))
            .is_empty()
        {
            assert!(Instant::now() < end, "{line} never makes {socket}");
            sleep(Duration::from_millis(20));
        }
    }

    /// What ovs-vsctl(8) says.
    pub fn ask(world: &World, words: &str) -> String {
        world.sh(&format!(
            "LD_LIBRARY_PATH=/run/switch/lib /run/switch/ovs-vsctl --timeout=60 \
                --db=unix:/run/openvswitch/db.sock {words}"
        ))
    }
}

/// Letting go of a port, ovs-vswitchd sets the flags that it last saw at the link.
#[test]
fn a_link_stays_down_once_offline_is_done() {
    let Some(world) = World::new() else { return };
    let Some(switch) = OpenVswitch::start(&world) else {
        return;
    };
    world.vif(1, "xenbr0");
    world.succeed(1, &["--script", "vif-openvswitch", "online"]);
    let vswitchd = switch.daemons[1].id();
    world.sh(&format!("kill -STOP {vswitchd}"));
    let offline = world
        .script(1, &["--script", "vif-openvswitch", "offline"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while !OpenVswitch::ask(&world, "--no-wait find port name=vif1.0").is_empty() {
        assert!(Instant::now() < end, "the port stays in the database");
    }
    world.sh(&format!("kill -CONT {vswitchd}"));
    let output = offline.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    // It has acted on all that is in the database when this returns.
    OpenVswitch::ask(
        &world,
        "get bridge xenbr0 name -- set bridge xenbr0 external_ids:seen=1",
    );
    let link = world.sh("ip -oneline link show vif1.0");
    assert!(!link.contains(",UP"), "{link}");
}

impl Drop for OpenVswitch {
    fn drop(&mut self) {
        for daemon in self.daemons.iter_mut().rev() {
            // SIGKILL ends a stopped one, too.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}
