//! What guests may say, as the kernel has it: three tables called `xenwire`, one a family.
//!
//! ```text
//!  bridge   frames of ports: the guards of bridged vifs
//!  inet     packets that the host itself takes from a link: the guards of routed vifs; nothing from
//!           a port, since what comes in by a port is the bridge's. In its set `guarded` each guard
//!           has its text, by which it is looked up
//!  arp      the same for ARP
//! ```
//!
//! Why ports are in `inet` and `arp` too: a frame to one of the bridge's own addresses
//! (01:80:c2:00:00:0X) does not pass the bridge's prerouting, and most of them go up as if the port
//! were no port (br_handle_frame, net/bridge/br_input.c).

mod elements;
pub(super) mod layout;

use std::collections::{BTreeMap, BTreeSet};

use xenwire_core::name::IfName;
use xenwire_core::state::Guard;
use xenwire_wire::nft::{Element, Family, Said};
use xenwire_wire::{Protocol, Query, Reply};

use super::socket::Socket;
use super::{EINVAL, ENOENT, EOPNOTSUPP, EPROTONOSUPPORT, Kernel, KernelError};

pub(super) use elements::elements;
pub(super) use elements::{key, link, more_key, source};
use layout::{GUARDED, MORE, TABLE};

/// A set: the family of its table, the table and its name.
pub(super) type Place<'a> = (Family, &'a str, &'a str);

impl Kernel {
    /// The guards of these links, those that there are. It costs a question for each, however many
    /// guards there are.
    ///
    /// # Errors
    /// [`KernelError`]; a kernel without packet filters has no guards.
    pub fn guards(
        &mut self,
        links: &BTreeSet<IfName>,
    ) -> Result<BTreeMap<IfName, Guard>, KernelError> {
        let mut guards = BTreeMap::new();
        for link in links {
            let found = self.guard(link)?;
            guards.extend(found.map(|guard| (link.clone(), guard)));
        }
        Ok(guards)
    }

    fn guard(&mut self, link: &IfName) -> Result<Option<Guard>, KernelError> {
        let set = (Family::Inet, TABLE, GUARDED);
        let Some(element) = self.element_of(set, key(link))? else {
            return Ok(None);
        };
        self.told(link, &element)
    }

    /// The guard that an element of `guarded` tells; none if somebody else put it there.
    fn told(&mut self, link: &IfName, element: &Element) -> Result<Option<Guard>, KernelError> {
        let text = self.whole_text((Family::Inet, TABLE, MORE), link, element)?;
        Ok(text.and_then(|text| Guard::parse(&text).ok()))
    }

    /// The text of an element, which goes on in the elements of the set `more`; none if a piece of
    /// it is not there.
    pub(super) fn whole_text(
        &mut self,
        more: Place<'_>,
        link: &IfName,
        element: &Element,
    ) -> Result<Option<String>, KernelError> {
        let mut text = element.comment.clone().unwrap_or_default();
        let mut number = 0;
        while text.ends_with(Guard::MORE) {
            number += 1;
            match self.element_of(more, more_key(link, number))? {
                Some(Element {
                    comment: Some(comment),
                    ..
                }) => text = format!("{text} {comment}"),
                _ => return Ok(None),
            }
        }
        Ok(Some(text))
    }

    /// All guards.
    ///
    /// # Errors
    /// [`KernelError`]; a kernel without packet filters has no guards.
    pub fn all_guards(&mut self) -> Result<BTreeMap<IfName, Guard>, KernelError> {
        let mut guards = BTreeMap::new();
        for element in self.elements_of((Family::Inet, TABLE, GUARDED))? {
            let Some(link) = link(&element) else {
                continue;
            };
            let guard = self.told(&link, &element)?;
            guards.extend(guard.map(|guard| (link, guard)));
        }
        Ok(guards)
    }

    /// An element of a set, by its key.
    pub(super) fn element_of(
        &mut self,
        set: Place<'_>,
        key: Vec<u8>,
    ) -> Result<Option<Element>, KernelError> {
        let found = self.ask_for_elements(set, Some(key))?;
        Ok(found.into_iter().next())
    }

    /// All elements of a set; none if it is not there.
    pub(super) fn elements_of(&mut self, set: Place<'_>) -> Result<Vec<Element>, KernelError> {
        self.ask_for_elements(set, None)
    }

    fn ask_for_elements(
        &mut self,
        (family, table, set): Place<'_>,
        key: Option<Vec<u8>>,
    ) -> Result<Vec<Element>, KernelError> {
        let query = Query::Elements {
            family,
            table: table.into(),
            set: set.into(),
            key,
        };
        let replies = match self.ask_filters(&query) {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            replies => replies?,
        };
        let found = replies.into_iter().filter_map(|reply| match reply {
            Reply::Filter(Said::Elements(elements)) => Some(elements),
            _ => None,
        });
        Ok(found.flatten().collect())
    }

    /// The comment of our table in a family; `None` if there is no such table.
    pub(super) fn table(&mut self, family: Family) -> Result<Option<String>, KernelError> {
        self.table_named(family, TABLE)
    }

    /// The comment of a table; `None` if there is no such table.
    pub(super) fn table_named(
        &mut self,
        family: Family,
        name: &str,
    ) -> Result<Option<String>, KernelError> {
        let name = name.to_owned();
        let replies = match self.ask_filters(&Query::Table { family, name }) {
            Err(error) if is_absent(&error) => return Ok(None),
            replies => replies?,
        };
        Ok(replies.into_iter().find_map(|reply| match reply {
            Reply::Filter(Said::Table { comment, .. }) => Some(comment.unwrap_or_default()),
            _ => None,
        }))
    }

    /// The number of the present ruleset.
    pub(super) fn generation(&mut self) -> Result<Option<u32>, KernelError> {
        let replies = self.ask_filters(&Query::Generation)?;
        Ok(replies.into_iter().find_map(|reply| match reply {
            Reply::Filter(Said::Generation(number)) => Some(number),
            _ => None,
        }))
    }

    pub(super) fn ask_filters(&mut self, query: &Query) -> Result<Vec<Reply>, KernelError> {
        self.filters()?.ask(query)
    }

    /// The socket of packet filters, which is opened when it is first needed.
    pub(super) fn filters(&mut self) -> Result<&mut Socket, KernelError> {
        let socket = match self.filters.take() {
            Some(socket) => socket,
            None => Socket::open(Protocol::Netfilter)?,
        };
        Ok(self.filters.insert(socket))
    }
}

/// Whether what was asked for is not there, or the kernel has no packet filters at all: no protocol,
/// or nobody who answers for it (nfnetlink_rcv_msg, net/netfilter/nfnetlink.c).
pub(super) fn is_absent(error: &KernelError) -> bool {
    matches!(
        error.errno(),
        Some(ENOENT | EINVAL | EOPNOTSUPP | EPROTONOSUPPORT)
    )
}
