//! What an administrator may ask the server itself: CONTROL, and the quotas.

use std::fmt::Write as _;

use super::quota::Quotas;
use super::view::Actor;
use super::{OK, Store};
use crate::Domid;
use crate::perms::parse_decimal;
use crate::wire::{ErrorName, Request, terminated};

impl Store {
    /// CONTROL, GET_QUOTA and SET_QUOTA, which are dom0's alone.
    pub(super) fn serve_control(
        &mut self,
        actor: Actor,
        request: &Request<'_>,
    ) -> Result<Vec<u8>, ErrorName> {
        if !actor.is_privileged() {
            return Err(ErrorName::Eacces);
        }
        match *request {
            Request::Control(ref words) => self.control(words),
            Request::GetQuota(_, None) => {
                let names = Quotas::default().named().map(|(name, _)| name);
                Ok(terminated([names.join(" ")]))
            }
            Request::GetQuota(domid, Some(name)) => {
                let quotas = match domid {
                    None => self.domains.default_quotas(),
                    Some(domid) => self.domains.quotas_of_guest(number(domid)?)?,
                };
                Ok(terminated([quotas.get(name)?.to_string()]))
            }
            Request::SetQuota(domid, name, value) => {
                let quotas = match domid {
                    None => self.domains.default_quotas_mut(),
                    Some(domid) => self.domains.quotas_of_guest_mut(number(domid)?)?,
                };
                quotas.set(name, value)?;
                Ok(OK.to_vec())
            }
            _ => Err(ErrorName::Enosys),
        }
    }

    fn control(&mut self, words: &[&[u8]]) -> Result<Vec<u8>, ErrorName> {
        match *words {
            [b"help"] => Ok(terminated([
                "help\nquota\nquota DOMID\nquota set NAME VALUE\n",
            ])),
            [b"quota"] => Ok(terminated([listed(self.domains.default_quotas().named())])),
            [b"quota", domid] => {
                let domid = number(domid)?;
                let used = self.usage(domid);
                Ok(terminated([listed(used)]))
            }
            [b"quota", b"set", name, value] => {
                self.domains.default_quotas_mut().set(name, value)?;
                Ok(OK.to_vec())
            }
            _ => Err(ErrorName::Einval),
        }
    }

    /// What a domain uses of each quota that is counted for the whole of it.
    fn usage(&self, domid: Domid) -> [(&'static str, usize); 4] {
        let nodes = self.tree.usage(domid);
        [
            ("nodes", nodes.nodes),
            ("watches", self.watches_of(domid)),
            ("transactions", self.transactions_of(domid)),
            ("memory", nodes.bytes + self.watch_bytes_of(domid)),
        ]
    }
}

fn number(domid: &[u8]) -> Result<Domid, ErrorName> {
    parse_decimal(domid).ok_or(ErrorName::Einval)
}

fn listed<const N: usize>(named: [(&'static str, usize); N]) -> String {
    let mut text = String::new();
    for (name, value) in named {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<18}{value:>9}");
    }
    text
}
