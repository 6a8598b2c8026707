//! Policy rules.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Attribute, Family};
use crate::name::IfName;

/// A policy rule (`ip rule`). The kernel ties it to a link by the link's name, so that a link that
/// takes over a name takes over the rules too (fib_rules_event, net/core/fib_rules.c).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// IPv4 or IPv6.
    pub family: Family,
    /// The lower, the earlier it is asked.
    pub priority: u32,
    /// For packets from there.
    pub from: Option<IpNet>,
    /// For packets to there.
    pub to: Option<IpNet>,
    /// For packets that came in by this link.
    pub iif: Option<IfName>,
    /// For packets of sockets bound to this link.
    pub oif: Option<IfName>,
    /// The table that is asked.
    pub table: u32,
    /// FR_ACT_*: 1 ask the table.
    pub action: u8,
    /// The type of service it is for.
    pub tos: u8,
    /// FIB_RULE_* bits that are settings: 2 invert.
    pub flags: u32,
    /// Who made it (rtproto).
    pub protocol: u8,
    /// All else.
    pub attributes: Vec<Attribute>,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.priority)?;
        for (word, net) in [("from", &self.from), ("to", &self.to)] {
            net.iter().try_for_each(|net| write!(f, " {word} {net}"))?;
        }
        for (word, link) in [("iif", &self.iif), ("oif", &self.oif)] {
            link.iter()
                .try_for_each(|link| write!(f, " {word} {link}"))?;
        }
        write!(f, " lookup {}", self.table)
    }
}

impl Rule {
    /// Whether it names this link.
    pub fn names(&self, link: &IfName) -> bool {
        self.iif.as_ref() == Some(link) || self.oif.as_ref() == Some(link)
    }

    /// The rule for another link in the place of this one.
    pub fn renamed(&self, from: &IfName, to: &IfName) -> Self {
        let renamed = |name: &Option<IfName>| {
            name.clone()
                .map(|name| if name == *from { to.clone() } else { name })
        };
        Self {
            iif: renamed(&self.iif),
            oif: renamed(&self.oif),
            ..self.clone()
        }
    }
}
