//! What this host has heard of others, by itself: neighbours, and what bridges learned. Nobody set
//! it, so it is no part of the state that plans are made for.

use xenwire_core::name::{IfName, Mac};
use xenwire_core::state::Observed;
use xenwire_wire::{self as wire, Query, Reply};

use super::{EAFNOSUPPORT, EOPNOTSUPP, Kernel, KernelError};
use std::net::IpAddr;

/// What was heard.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Who has an address, at which link.
    pub neighbours: Vec<(IfName, IpAddr, Mac)>,
    /// Who sends by which port of a bridge.
    pub learned: Vec<(IfName, Mac)>,
}

/// NUD_INCOMPLETE and NUD_FAILED (linux/neighbour.h): nobody answered.
const UNANSWERED: u16 = 0x01 | 0x20;

impl Kernel {
    /// What was heard by the links of this observation.
    ///
    /// # Errors
    /// [`KernelError`].
    pub fn heard(&mut self, observed: &Observed) -> Result<Heard, KernelError> {
        let name_of = |index: u32| {
            let mut facts = observed.facts.iter();
            let found = facts.find(|(_, facts)| facts.index == index);
            found.map(|(name, _)| name.clone())
        };
        let mut heard = Heard::default();
        for query in [Query::Neighbours { proxies: false }, Query::Learned] {
            let replies = match self.socket.ask(&query) {
                // A kernel without bridges.
                Err(error) if matches!(error.errno(), Some(EAFNOSUPPORT | EOPNOTSUPP)) => continue,
                replies => replies?,
            };
            for reply in replies {
                match reply {
                    Reply::Neighbour(wire::Neighbour {
                        index,
                        to,
                        mac: Some(mac),
                        state,
                        ..
                    }) if state & UNANSWERED == 0 => {
                        let link = name_of(index);
                        heard
                            .neighbours
                            .extend(link.map(|link| (link, to, Mac(mac))));
                    }
                    Reply::Learned { index, mac } => {
                        let port = name_of(index);
                        heard.learned.extend(port.map(|port| (port, Mac(mac))));
                    }
                    _ => {}
                }
            }
        }
        Ok(heard)
    }
}
