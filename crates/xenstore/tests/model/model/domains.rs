//! Domains, what they may use, and the requests about them.

use std::collections::BTreeMap;

use xenwire_xenstore::wire::{ErrorName, Kind};
use xenwire_xenstore::{Domid, Quotas};

use super::nodes::without;
use super::rules::{List, exactly, home, number, strings};
use super::{Actor, Reply, ok};

/// The limits by their names in GET_QUOTA; 0 is none.
pub type Limits = BTreeMap<&'static str, usize>;

#[derive(Debug)]
pub struct Domain {
    pub target: Option<Domid>,
    features: u32,
    limits: Limits,
}

#[derive(Debug)]
pub struct Domains {
    known: BTreeMap<Domid, Domain>,
    /// Who may hear of domains that come and that go.
    introduce: List,
    release: List,
    /// What the next domain gets, and what one has that was not introduced.
    limits: Limits,
}

impl Domains {
    pub fn new(quotas: &Quotas) -> Domains {
        Domains {
            known: BTreeMap::new(),
            introduce: vec![(b'n', 0)],
            release: vec![(b'n', 0)],
            limits: BTreeMap::from([
                ("nodes", quotas.nodes),
                ("watches", quotas.watches),
                ("transactions", quotas.transactions),
                ("transaction-nodes", quotas.transaction_nodes),
                ("memory", quotas.memory),
                ("node-size", quotas.node_size),
                ("permissions", quotas.permissions),
            ]),
        }
    }

    pub fn target(&self, domid: Domid) -> Option<Domid> {
        self.known.get(&domid)?.target
    }

    /// Whether its watches may have a depth: the feature has not been taken from it.
    pub fn has_depth(&self, domid: Domid) -> bool {
        self.known
            .get(&domid)
            .is_none_or(|known| known.features & 4 != 0)
    }

    pub fn special(&self, name: &str) -> &List {
        match name {
            "@introduceDomain" => &self.introduce,
            _ => &self.release,
        }
    }

    pub fn special_mut(&mut self, name: &str) -> &mut List {
        match name {
            "@introduceDomain" => &mut self.introduce,
            _ => &mut self.release,
        }
    }

    /// Whether a domain may use so much; dom0 may always.
    pub fn within(&self, domid: Domid, name: &str, used: usize) -> bool {
        let limits = self
            .known
            .get(&domid)
            .map_or(&self.limits, |known| &known.limits);
        domid == 0 || limits[name] == 0 || used <= limits[name]
    }

    /// Whether it is new.
    pub fn introduce(&mut self, domid: Domid) -> bool {
        if domid == 0 || self.known.contains_key(&domid) {
            return false;
        }
        let limits = self.limits.clone();
        let domain = Domain {
            target: None,
            features: 4,
            limits,
        };
        self.known.insert(domid, domain);
        true
    }

    /// Whether it was known. Its number means nothing to anybody afterwards.
    pub fn release(&mut self, domid: Domid) -> bool {
        if self.known.remove(&domid).is_none() {
            return false;
        }
        for domain in self.known.values_mut() {
            domain.target = domain.target.filter(|target| *target != domid);
        }
        for list in [&mut self.introduce, &mut self.release] {
            let (default, owner) = list[0];
            let mut rest = without(list, domid);
            if owner == domid {
                rest.insert(0, (default, 0));
            }
            *list = rest;
        }
        true
    }

    /// A domain that requests may be about: EINVAL for dom0, ENOENT for one that is not there.
    pub fn guest(&mut self, domid: Domid) -> Result<&mut Domain, ErrorName> {
        let known = self.known.get_mut(&domid);
        known.ok_or(if domid == 0 {
            ErrorName::Einval
        } else {
            ErrorName::Enoent
        })
    }

    fn limits_of(&mut self, domid: Option<&[u8]>) -> Result<&mut Limits, ErrorName> {
        match domid {
            None => Ok(&mut self.limits),
            Some(domid) => Ok(&mut self.guest(number(domid)?)?.limits),
        }
    }

    /// Sets a limit of a domain, or of those to come.
    pub fn set_limit(
        &mut self,
        domid: Option<&[u8]>,
        name: &[u8],
        value: &[u8],
    ) -> Result<Reply, ErrorName> {
        let limits = self.limits_of(domid)?;
        let limit = std::str::from_utf8(name)
            .ok()
            .and_then(|name| limits.get_mut(name));
        *limit.ok_or(ErrorName::Einval)? = number(value)?;
        ok()
    }

    /// In the order of their names.
    pub fn default_limits(&self) -> Vec<(&'static str, usize)> {
        self.limits
            .iter()
            .map(|(name, limit)| (*name, *limit))
            .collect()
    }

    /// The requests that need nothing but the domains.
    pub fn request(
        &mut self,
        actor: Actor,
        kind: Kind,
        payload: &[u8],
    ) -> Result<Reply, ErrorName> {
        match kind {
            Kind::GetDomainPath => {
                let [domid] = exactly(payload)?;
                Ok(Reply::text(&home(number(domid)?)))
            }
            Kind::IsDomainIntroduced => {
                let [domid] = exactly(payload)?;
                let domid: Domid = number(domid)?;
                let known = domid == 0 || self.known.contains_key(&domid);
                Ok(Reply::text(if known { "T" } else { "F" }))
            }
            Kind::Resume => {
                let [domid] = exactly(payload)?;
                actor.must_be_dom0()?;
                self.guest(number(domid)?).and(ok())
            }
            Kind::SetTarget => {
                let [domid, target] = exactly(payload)?;
                actor.must_be_dom0()?;
                let (domid, target) = (number(domid)?, number(target)?);
                self.guest(target)?;
                self.guest(domid)?.target = Some(target);
                ok()
            }
            Kind::GetFeature => match strings(payload)?.as_slice() {
                [] | [b""] => Ok(Reply::text("4")),
                [domid] => {
                    actor.must_be_dom0()?;
                    let features = self.guest(number(domid)?)?.features;
                    Ok(Reply::text(&features.to_string()))
                }
                _ => Err(ErrorName::Einval),
            },
            Kind::SetFeature => {
                let [domid, value] = exactly(payload)?;
                actor.must_be_dom0()?;
                let (domid, features): (_, u32) = (number(domid)?, number(value)?);
                // Only what the server offers can be granted: watches with a depth.
                if !matches!(features, 0 | 4) {
                    return Err(ErrorName::Einval);
                }
                self.guest(domid)?.features = features;
                ok()
            }
            Kind::GetQuota => {
                let (domid, name) = match strings(payload)?.as_slice() {
                    [] | [b""] => (None, None),
                    [name] => (None, Some(*name)),
                    [domid, name] => (Some(*domid), Some(*name)),
                    _ => return Err(ErrorName::Einval),
                };
                actor.must_be_dom0()?;
                let Some(name) = name else {
                    return Ok(Reply::AnyText); // the names, in no particular order
                };
                let limits = self.limits_of(domid)?;
                let limit = std::str::from_utf8(name)
                    .ok()
                    .and_then(|name| limits.get(name));
                let limit = limit.ok_or(ErrorName::Einval)?;
                Ok(Reply::text(&limit.to_string()))
            }
            Kind::SetQuota => {
                let (domid, name, value) = match strings(payload)?.as_slice() {
                    [name, value] => (None, *name, *value),
                    [domid, name, value] => (Some(*domid), *name, *value),
                    _ => return Err(ErrorName::Einval),
                };
                actor.must_be_dom0()?;
                self.set_limit(domid, name, value)
            }
            _ => Err(ErrorName::Enosys),
        }
    }
}
