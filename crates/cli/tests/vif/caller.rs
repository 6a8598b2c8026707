//! The program, called by a script's name with any bytes as arguments and variables, on a host
//! with links of others.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Output;

use xenwire_xenstore::Nodes as _;

use crate::whole_state::diff;
use crate::world::{World, backend};

/// Variables by their names.
pub type Env = BTreeMap<String, Vec<u8>>;

/// A host with two bridges, NICs, and another guest's vif and tap; and what libxl says of vif1.0.
pub struct Host {
    /// Where all of it is.
    pub world: World,
    /// The environment of the calls.
    pub env: Env,
}

impl Host {
    /// A new one, without vif1.0; `None` if the machine lacks something.
    pub fn new() -> Option<Self> {
        let world = World::new()?;
        for script in ["vif-bridge", "vif-route", "vif-nat"] {
            symlink(env!("CARGO_BIN_EXE_xenwire"), world.folder().join(script)).unwrap();
        }
        world.bridge("br0");
        world.bridge("br1");
        world.sh(
            "ip link add eth0 address 52:54:00:00:00:01 type veth peer name peth0 address 52:54:00:00:00:02
             ip link set eth0 addrgenmode none; ip link set peth0 addrgenmode none
             ip link set eth0 up; ip link set peth0 up
             ip address add 192.0.2.10/24 dev eth0
             ip address add 2001:db8:0:2::10/64 dev eth0
             ip link add vif2.0-emu address fe:ff:ff:ff:ff:ff type veth peer name t2.0 address 02:00:00:00:02:01",
        );
        world.vif(2, "br1");
        let env = [
            ("XENBUS_PATH", "backend/vif/1/0"),
            ("XENBUS_TYPE", "vif"),
            ("XENBUS_BASE_PATH", "backend"),
            ("netdev", ""),
            ("vif", "vif1.0"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.into()));
        let mut host = Self {
            world,
            env: env.into(),
        };
        host.env.insert(
            "XENSTORED_PATH".into(),
            host.store_socket().into_os_string().into_encoded_bytes(),
        );
        // The folders and the tables, which stay once somebody needed them; another guest is there.
        let mut other = host.env.clone();
        other.insert("XENBUS_PATH".into(), "backend/vif/2/0".into());
        other.insert("vif".into(), "vif2.0".into());
        host.world
            .write(&format!("{}/ip", backend(2)), "198.51.100.2");
        host.world
            .write(&format!("{}/vifname", backend(2)), "customer");
        let output = host.run_with(&other, "vif-bridge", &[b"online".to_vec()]);
        assert!(output.status.success(), "{output:?}");
        Some(host)
    }

    /// The socket of the store.
    pub fn store_socket(&self) -> PathBuf {
        self.world.folder().join("xenstore")
    }

    /// Makes vif1.0 with these nodes.
    pub fn arrive(&self, nodes: &[(&str, Vec<u8>)]) {
        self.world.vif(1, "br0");
        for (name, value) in nodes {
            self.world
                .store()
                .write(&format!("{}/{name}", backend(1)), value)
                .unwrap();
        }
    }

    /// What libxl says besides, of a vif that has an emulated NIC (contract 3.3).
    pub fn has_tap(&mut self) {
        self.env.insert("INTERFACE".into(), "vif1.0-emu".into());
    }

    /// Takes it away again, after the call that libxl would make.
    pub fn leave(&self) {
        let output = self.run("vif-bridge", &["offline"]);
        assert!(output.status.success(), "{output:?}");
        self.world.close_taps();
        self.world.sh("ip link delete g1.0");
        for path in [backend(1), "/local/domain/1/device/vif/0".into()] {
            let _ = self.world.store().rm(&path);
        }
    }

    /// Calls a script in libxl's environment.
    pub fn run(&self, script: &str, args: &[&str]) -> Output {
        let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
        self.run_with(&self.env, script, &args)
    }

    /// Calls a script in this environment and no other.
    pub fn run_with(&self, env: &Env, script: &str, args: &[Vec<u8>]) -> Output {
        let path = self.world.folder().join(script);
        // Of nsenter's environment only PATH is left over, as of libxl's.
        let mut command = self.world.command(&[path.to_str().unwrap()]);
        command.args(args.iter().map(|arg| OsStr::from_bytes(arg)));
        let path = command
            .get_envs()
            .find(|(name, _)| *name == "PATH")
            .and_then(|(_, value)| value.map(OsStr::to_owned));
        command.env_clear().env("PATH", path.unwrap());
        command.envs(
            env.iter()
                .map(|(name, value)| (name, OsStr::from_bytes(value))),
        );
        command.output().unwrap()
    }

    /// A node of vif1.0's backend.
    pub fn node(&self, name: &str) -> Option<String> {
        self.world.node(&format!("{}/{name}", backend(1)))
    }

    /// What somebody's shell would have made of the values in these tests.
    pub fn evaluated(&self) -> String {
        self.world.sh("ls /run | grep evaluated || true")
    }

    /// How the world differs from a state, but for groups, which the kernel leaves in its own time
    /// (mld_ifc_work, net/ipv6/mcast.c), and what order ports came in.
    pub fn differs_from(&self, state: &crate::whole_state::WholeState) -> Vec<String> {
        self.world.comes_to(|now| {
            let mut lines = diff(state, now);
            lines.retain(|line| {
                let group = [
                    "\"mac\":\"33:33:",
                    "\"mac\":\"01:00:5e:",
                    "fe:ff:ff:ff:ff:ff",
                ];
                !(line.starts_with("fdb ") && group.iter().any(|mac| line.contains(mac)))
            });
            lines
        })
    }
}
