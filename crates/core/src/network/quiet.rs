//! Links of the host on which the host itself must not be heard: the NIC below, the bridge, the
//! pair's end on it.
//!
//! Without this the kernel would answer on them for dom0's addresses: an address is the host's, not
//! a link's (arp_ignore in ip-sysctl), and IPv6 gives every link that comes up one of its own.

use crate::name::IfName;
use crate::state::{Desired, LinkSysctl, Managed};

use super::nic::bare;

/// No address of either family, now or later; no ARP, no multicast of its own.
pub(super) fn quiet(name: &IfName, desired: &mut Desired) {
    if let Some(link) = desired.links.get_mut(name) {
        bare(link);
        link.arp = Managed::Set(false);
        link.multicast = Managed::Set(false);
    }
    no_ipv6(name, desired);
}

/// No IPv6 address of the kernel's making, before the link comes up: IN6_ADDR_GEN_MODE_NONE
/// (include/uapi/linux/if_link.h), and no ear for routers.
pub(super) fn no_ipv6(name: &IfName, desired: &mut Desired) {
    for (setting, value) in [("addr_gen_mode", "1"), ("accept_ra", "0")] {
        let key = LinkSysctl::ipv6(name, setting);
        desired.sysctls.insert(key, value.into());
    }
}
