//! What the kernel says of packet filters in files: br_netfilter's switches, and the tables of
//! iptables-legacy, for which there is no netlink.

use std::fs;

use super::super::Kernel;

/// The switches of br_netfilter; each is of a network namespace (Linux 5.3).
const SWITCHES: [&str; 2] = ["iptables", "ip6tables"];

impl Kernel {
    /// Whether frames that a bridge forwards pass the host's FORWARD chains too.
    pub fn filters_bridged(&self) -> bool {
        SWITCHES.iter().any(|switch| {
            let file = format!("/proc/sys/net/bridge/bridge-nf-call-{switch}");
            fs::read(file).is_ok_and(|value| value.trim_ascii() != b"0")
        })
    }
}

/// Whether iptables-legacy (`ip`) or ip6tables-legacy (`ip6`) has a filter table in this namespace.
pub(in crate::kernel) fn has_legacy_filter(family: &str) -> bool {
    let file = format!("/proc/thread-self/net/{family}_tables_names");
    fs::read_to_string(file).is_ok_and(|names| names.lines().any(|name| name == "filter"))
}
