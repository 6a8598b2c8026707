//! Which bridge the configured network script makes. The name has changed twice over the years
//! (contract 1.2, 1.3.2, 1.4.1), so the question has one answer for each generation.

use super::{BridgeArguments, Command, XendConf};
use crate::network::Generation;

/// What the network script makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// A bridge of this name.
    Bridge {
        /// Its name.
        name: String,
        /// Where the name comes from.
        why: Reason,
    },
    /// A bridge named after the NIC that has the default route, which only the host knows.
    AfterDefaultRoute {
        /// What is before the NIC's number (`xenbr`), or `None` if it is the NIC's whole name.
        prefix: Option<&'static str>,
        /// The name on a host whose default route is by eth0.
        usual: &'static str,
    },
    /// No bridge.
    Nothing(Reason),
    /// A script of one's own: nobody can know without running it.
    Unknown(String),
}

/// Why a bridge has its name, or there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `bridge=` says so.
    BridgeArgument,
    /// The key `vif-bridge` says so (Xen 2.0).
    VifBridgeKey,
    /// `vifnum=` says so.
    Vifnum,
    /// `netdev=` says so.
    Netdev,
    /// This generation's default.
    Default,
    /// No network script is set.
    NoScript,
    /// The script is `/bin/true` or the like.
    SwitchedOff,
    /// `bridge=null`.
    BridgeNull,
    /// network-route and network-nat make none.
    Routed,
}

impl XendConf {
    /// The bridge that stands when xend has started.
    pub fn made_bridge(&self, generation: Generation) -> Made {
        let Some(script) = &self.network_script else {
            return match generation {
                // 2.0 runs its script even if the file does not name one.
                Generation::Xen2 => self.xen2(&BridgeArguments::default()),
                Generation::Netloop | Generation::Renaming => Made::Nothing(Reason::NoScript),
            };
        };
        let Some(arguments) = script.bridge_arguments() else {
            return other_script(script);
        };
        if let Some(bridge) = &arguments.bridge {
            return match bridge.value.as_str() {
                "null" => Made::Nothing(Reason::BridgeNull),
                name => named(name, Reason::BridgeArgument),
            };
        }
        match generation {
            Generation::Xen2 => self.xen2(&arguments),
            Generation::Netloop => match arguments.vifnum {
                Some(vifnum) => named(&format!("xenbr{}", vifnum.value), Reason::Vifnum),
                None => Made::AfterDefaultRoute {
                    prefix: Some("xenbr"),
                    usual: "xenbr0",
                },
            },
            Generation::Renaming => match arguments.netdev {
                Some(netdev) => named(netdev.value.as_str(), Reason::Netdev),
                None => Made::AfterDefaultRoute {
                    prefix: None,
                    usual: "eth0",
                },
            },
        }
    }

    /// xend 2.0 tells the script the bridge itself.
    fn xen2(&self, arguments: &BridgeArguments) -> Made {
        match (&arguments.bridge, &self.vif_bridge) {
            (None, Some(key)) => named(&key.value, Reason::VifBridgeKey),
            _ => named("xen-br0", Reason::Default),
        }
    }
}

fn named(name: &str, why: Reason) -> Made {
    let name = name.to_owned();
    Made::Bridge { name, why }
}

fn other_script(script: &Command) -> Made {
    match script.script() {
        _ if script.does_nothing() => Made::Nothing(Reason::SwitchedOff),
        "network-route" | "network-nat" => Made::Nothing(Reason::Routed),
        name => Made::Unknown(name.to_owned()),
    }
}
