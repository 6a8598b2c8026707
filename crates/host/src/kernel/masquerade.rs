//! Masquerading, as the kernel has it: a table of ours for each uplink, so that one is there or not.
//!
//! ```text
//!  table ip xenwire-nat-eth0 {
//!    chain postrouting { type nat hook postrouting priority srcnat; oifname "eth0" masquerade }
//!  }
//! ```
//!
//! Others may translate addresses in tables of their own: of a connection, the first to do so
//! decides (nf_nat_inet_fn, net/netfilter/nf_nat_core.c).

use std::collections::BTreeSet;

use xenwire_core::name::IfName;
use xenwire_wire::nft::{
    Chain, Change, Expression, Family, Hook, Load, Register, Rule, Said, Work,
};
use xenwire_wire::{Query, Reply};

use super::guards::is_absent;
use super::{Kernel, KernelError};

/// vif-nat's addresses are IPv4.
pub(super) const FAMILY: Family = Family::Ipv4;

/// What the names of our tables begin with; the uplink's follows.
const TABLES: &str = "xenwire-nat-";

/// What is said beside them.
const COMMENT: &str = "xenwire network-nat";

/// The table of an uplink. Its family is [`FAMILY`].
pub(super) fn table(uplink: &IfName) -> String {
    format!("{TABLES}{uplink}")
}

/// The table with all that is in it.
pub(super) fn whole_table(uplink: &IfName) -> Vec<Change> {
    const POSTROUTING: u32 = 4;
    // NF_IP_PRI_NAT_SRC (include/uapi/linux/netfilter_ipv4.h).
    const SOURCE: i32 = 100;
    // IFNAMSIZ: names are compared with the NULs behind them.
    const NAME_SIZE: usize = 16;
    let table = table(uplink);
    let chain = "postrouting".to_owned();
    let mut name = uplink.as_str().as_bytes().to_vec();
    name.resize(NAME_SIZE, 0);
    let hook = Hook {
        work: Work::Nat,
        number: POSTROUTING,
        priority: SOURCE,
    };
    let rule = vec![
        Expression::Load(Load::OutLink, Register::FIRST),
        Expression::Equals(Register::FIRST, name),
        Expression::Masquerade,
    ];
    vec![
        Change::AddTable {
            family: FAMILY,
            name: table.clone(),
            comment: COMMENT.into(),
        },
        Change::AddChain(
            FAMILY,
            table.clone(),
            Chain {
                name: chain.clone(),
                hook: Some(hook),
            },
        ),
        Change::AddRule(
            FAMILY,
            table,
            Rule {
                chain,
                expressions: rule,
                comment: None,
            },
        ),
    ]
}

impl Kernel {
    /// Those of these links that masquerade what leaves by them.
    ///
    /// # Errors
    /// [`KernelError`]; where there are no packet filters, none does.
    pub fn masquerades(
        &mut self,
        uplinks: &BTreeSet<IfName>,
    ) -> Result<BTreeSet<IfName>, KernelError> {
        let mut found = BTreeSet::new();
        for uplink in uplinks {
            if self.table_named(FAMILY, &table(uplink))?.is_some() {
                found.insert(uplink.clone());
            }
        }
        Ok(found)
    }

    /// All links that masquerade what leaves by them, also links that are gone.
    ///
    /// # Errors
    /// [`KernelError`]; where there are no packet filters, none does.
    pub fn all_masquerades(&mut self) -> Result<BTreeSet<IfName>, KernelError> {
        let replies = match self.ask_filters(&Query::Tables) {
            Err(error) if is_absent(&error) => return Ok(BTreeSet::new()),
            replies => replies?,
        };
        let uplinks = replies.into_iter().filter_map(|reply| match reply {
            // A kernel before 5.9 keeps no text beside a table.
            Reply::Filter(Said::Table {
                family,
                name,
                comment,
                ..
            }) if family == FAMILY as u8
                && comment.as_deref().is_none_or(|text| text == COMMENT) =>
            {
                name.strip_prefix(TABLES)?.parse().ok()
            }
            _ => None,
        });
        Ok(uplinks.collect())
    }
}
