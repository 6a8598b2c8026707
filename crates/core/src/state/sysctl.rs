//! Per-link settings below /proc/sys/net.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::IfName;

/// A setting of one link, such as `net/ipv6/conf/vif1.0/accept_ra`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LinkSysctl {
    /// The link.
    pub link: IfName,
    /// IPv4 or IPv6.
    pub family: Family,
    /// Which of the link's folders.
    pub folder: Folder,
    /// The file's name, such as `accept_ra`.
    pub name: String,
}

/// Which of a link's two folders of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Folder {
    /// `conf`.
    Conf,
    /// `neigh`: how neighbours are asked for. Only the machine's first user namespace has it.
    Neigh,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl LinkSysctl {
    /// The settings of the host as a whole that plans know of: those of the links `all` and
    /// `default` (what a new link begins with), observed only with the whole host.
    pub const KNOWN_OF_HOST: [(&'static str, Family, &'static str); 3] = [
        ("all", Family::Ipv4, "forwarding"),
        ("all", Family::Ipv6, "forwarding"),
        ("default", Family::Ipv6, "accept_dad"),
    ];

    /// The settings of every link, and of `default`, that follow when the one of `all` is written;
    /// observed with the whole host (inet_forward_change, net/ipv4/devinet.c; addrconf_forward_change,
    /// net/ipv6/addrconf.c).
    pub const FOLLOWING: [(Family, &'static str); 2] =
        [(Family::Ipv4, "forwarding"), (Family::Ipv6, "forwarding")];

    /// Whether it is one of those that follow.
    pub(super) fn is_following(&self) -> bool {
        let mut following = Self::FOLLOWING.iter();
        following.any(|(family, name)| self.family == *family && self.name == *name)
    }

    /// Whether this setting follows when that one is written.
    pub fn follows(&self, other: &Self) -> bool {
        self.is_following()
            && other.link.as_str() == "all"
            && *other == self.on(&other.link)
            && self != other
    }

    /// A setting of the host as a whole, or of links to come.
    pub fn of_host((link, family, name): (&str, Family, &str)) -> Self {
        let link = link.parse().expect("`all` and `default` are names");
        Self {
            link,
            family,
            folder: Folder::Conf,
            name: name.to_owned(),
        }
    }

    /// Whether it is a setting of the host as a whole.
    pub fn is_of_host(&self) -> bool {
        matches!(self.link.as_str(), "all" | "default")
    }

    /// A setting in a link's folder `conf`.
    pub fn conf(link: &IfName, family: Family, name: &str) -> Self {
        Self {
            link: link.clone(),
            family,
            folder: Folder::Conf,
            name: name.to_owned(),
        }
    }

    /// The setting of an IPv6 link.
    pub fn ipv6(link: &IfName, name: &str) -> Self {
        Self::conf(link, Family::Ipv6, name)
    }

    /// The same setting of another link.
    pub fn on(&self, link: &IfName) -> Self {
        Self {
            link: link.clone(),
            ..self.clone()
        }
    }
}

impl fmt::Display for LinkSysctl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.family {
            Family::Ipv4 => "ipv4",
            Family::Ipv6 => "ipv6",
        };
        let folder = match self.folder {
            Folder::Conf => "conf",
            Folder::Neigh => "neigh",
        };
        write!(f, "net/{family}/{folder}/{}/{}", self.link, self.name)
    }
}
