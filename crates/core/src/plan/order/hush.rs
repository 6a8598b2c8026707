//! Addresses that pass to another link are usable there at once: the kernel neither makes some of its
//! own on the way nor asks the segment about those it is given.

use super::{Ordering, needs_down};
use crate::name::IfName;
use crate::state::{Address, Link, LinkSysctl};

/// A link whose addr_gen_mode is none for a while.
pub(super) struct Hush {
    /// The setting under the link's present name; none for a link that is made.
    pub(super) present: Option<LinkSysctl>,
    /// Under its wanted name.
    pub(super) wanted: LinkSysctl,
    /// What it is, or what new links begin with.
    pub(super) now: String,
    /// What it is to be in the end.
    pub(super) then: String,
}

impl Hush {
    /// IN6_ADDR_GEN_MODE_NONE (include/uapi/linux/if_link.h).
    pub(super) const NONE: &str = "1";
}

impl Ordering<'_> {
    /// Links for which the kernel must make no address by itself on the way, which it would ask the
    /// segment about for seconds (RFC 4862, 5.4): those that come up with addresses that they had
    /// before or another had, and those that are up and go down, for when that is undone.
    pub(super) fn hushed(&self) -> Vec<Hush> {
        let hushed = self.desired.links.keys().filter_map(|name| {
            let change = self.diff.links.get(name)?;
            let is_made = self.is_made(name);
            let was_up = !is_made && self.is_up(&self.names.present(name));
            let comes_up = change.up.as_ref().is_some_and(|pair| pair.to);
            let goes_down = was_up && needs_down(change);
            if !(goes_down || comes_up && self.gets_moved_ipv6(name)) {
                return None;
            }
            let wanted = LinkSysctl::ipv6(name, "addr_gen_mode");
            let present = (!is_made).then(|| wanted.on(&self.names.present(name)));
            let begins = || wanted.on(&"default".parse().expect("a name"));
            let now = self
                .state
                .sysctls
                .get(&present.clone().unwrap_or_else(begins))?;
            let mut then = self
                .diff
                .sysctls
                .get(&wanted)
                .map_or(now.as_str(), |pair| &pair.to);
            // The setting goes on the way, and nothing is there to be written back.
            let mtu = change.mtu.as_ref();
            if mtu.is_some_and(|mtu| mtu.to < Link::LEAST_OF_IPV6) {
                then = Hush::NONE;
            }
            Some(Hush {
                now: now.clone(),
                then: then.to_owned(),
                present,
                wanted,
            })
        });
        hushed.collect()
    }

    pub(super) fn gets_moved_ipv6(&self, name: &IfName) -> bool {
        let mut added = self.diff.addresses_added.iter();
        added.any(|a| a.link == *name && a.net.addr().is_ipv6() && self.is_moved(a))
    }

    /// Whether an address is taken from somewhere by this very plan: nobody else can have it.
    pub(super) fn is_moved(&self, address: &Address) -> bool {
        let mut removed = self.diff.addresses_removed.iter();
        removed.any(|removed| removed.net == address.net)
    }

    /// A moved IPv6 address as it is first given: usable at once.
    pub(super) fn at_once(&self, address: &Address) -> Option<Address> {
        let asks = address.net.addr().is_ipv6() && address.flags & Address::NODAD == 0;
        (asks && self.is_moved(address)).then(|| Address {
            flags: address.flags | Address::NODAD,
            ..address.clone()
        })
    }
}
