//! Which domains there are, and what is kept for each beside its nodes.
//!
//! Invariant: dom0 always counts as introduced, is never released, and has no target.

use std::collections::BTreeMap;

use super::quota::Quotas;
use super::view::Actor;
use super::{OK, privileged};
use crate::Domid;
use crate::path::{NodePath, Special};
use crate::perms::{Access, Perms, parse_decimal};
use crate::wire::{ErrorName, Request, terminated};

/// Features this server offers: watches with a depth (bit 4 of the protocol's table). The others
/// concern the shared ring, which a socket does not have.
const FEATURES: u32 = 4;

#[derive(Debug)]
pub(super) struct Domains {
    introduced: BTreeMap<Domid, Domain>,
    introduce_perms: Perms,
    release_perms: Perms,
    /// What a domain gets when it is introduced.
    default_quotas: Quotas,
}

#[derive(Debug)]
struct Domain {
    target: Option<Domid>,
    features: u32,
    quotas: Quotas,
}

impl Domains {
    pub(super) fn new(default_quotas: Quotas) -> Domains {
        let perms = Perms::owned_by(0, Access::None);
        Domains {
            introduced: BTreeMap::new(),
            introduce_perms: perms.clone(),
            release_perms: perms,
            default_quotas,
        }
    }

    /// Whether the domain is new.
    pub(super) fn introduce(&mut self, domid: Domid) -> bool {
        if self.is_introduced(domid) {
            return false;
        }
        self.introduced.insert(
            domid,
            Domain {
                target: None,
                features: FEATURES,
                quotas: self.default_quotas.clone(),
            },
        );
        true
    }

    /// Whether the domain was known. Nobody acts for it any longer, and no list names it.
    pub(super) fn release(&mut self, domid: Domid) -> bool {
        if self.introduced.remove(&domid).is_none() {
            return false;
        }
        for domain in self.introduced.values_mut() {
            domain.target = domain.target.filter(|target| *target != domid);
        }
        for perms in [&mut self.introduce_perms, &mut self.release_perms] {
            if let Some(without) = perms.without(domid) {
                *perms = without;
            }
        }
        true
    }

    /// The limits of a domain, be it introduced or not.
    pub(super) fn quotas(&self, domid: Domid) -> &Quotas {
        let domain = self.introduced.get(&domid);
        domain.map_or(&self.default_quotas, |domain| &domain.quotas)
    }

    /// The limits that domains get from now on.
    pub(super) fn default_quotas(&self) -> &Quotas {
        &self.default_quotas
    }

    pub(super) fn default_quotas_mut(&mut self) -> &mut Quotas {
        &mut self.default_quotas
    }

    pub(super) fn quotas_of_guest(&self, domid: Domid) -> Result<&Quotas, ErrorName> {
        self.check_guest(domid)?;
        Ok(self.quotas(domid))
    }

    pub(super) fn quotas_of_guest_mut(&mut self, domid: Domid) -> Result<&mut Quotas, ErrorName> {
        Ok(&mut self.guest_mut(domid)?.quotas)
    }

    pub(super) fn target(&self, domid: Domid) -> Option<Domid> {
        self.introduced.get(&domid)?.target
    }

    /// Whether a domain may give its watches a depth. One that is not introduced may use
    /// everything, as dom0 may.
    pub(super) fn has_watch_depth(&self, domid: Domid) -> bool {
        let domain = self.introduced.get(&domid);
        domain.is_none_or(|domain| domain.features & FEATURES != 0)
    }

    /// Who may hear of domains coming or going.
    pub(super) fn perms(&self, special: Special) -> &Perms {
        match special {
            Special::IntroduceDomain => &self.introduce_perms,
            Special::ReleaseDomain => &self.release_perms,
        }
    }

    fn is_introduced(&self, domid: Domid) -> bool {
        domid == 0 || self.introduced.contains_key(&domid)
    }

    /// Requests about a guest: EINVAL for dom0, ENOENT for one that was not introduced.
    pub(super) fn check_guest(&self, domid: Domid) -> Result<(), ErrorName> {
        match (domid, self.is_introduced(domid)) {
            (0, _) => Err(ErrorName::Einval),
            (_, true) => Ok(()),
            (_, false) => Err(ErrorName::Enoent),
        }
    }

    fn guest_mut(&mut self, domid: Domid) -> Result<&mut Domain, ErrorName> {
        self.check_guest(domid)?;
        self.introduced.get_mut(&domid).ok_or(ErrorName::Enoent)
    }

    pub(super) fn serve(
        &mut self,
        actor: Actor,
        request: &Request<'_>,
    ) -> Result<Vec<u8>, ErrorName> {
        let number = |domid: &[u8]| parse_decimal::<Domid>(domid).ok_or(ErrorName::Einval);
        match request {
            // Any domain may ask, and the domain asked for need not exist.
            Request::GetDomainPath(domid) => {
                Ok(terminated([NodePath::of_domain(number(domid)?).as_str()]))
            }
            Request::IsDomainIntroduced(domid) => {
                Ok(terminated([if self.is_introduced(number(domid)?) {
                    "T"
                } else {
                    "F"
                }]))
            }
            Request::Resume(domid) => {
                self.check_guest(privileged(actor, domid)?)?;
                Ok(OK.to_vec())
            }
            Request::SetTarget(domid, target) => {
                let (domid, target) = (privileged(actor, domid)?, privileged(actor, target)?);
                self.check_guest(target)?;
                self.guest_mut(domid)?.target = Some(target);
                Ok(OK.to_vec())
            }
            Request::GetFeature(None) => Ok(terminated([FEATURES.to_string()])),
            Request::GetFeature(Some(domid)) => {
                let domid = privileged(actor, domid)?;
                Ok(terminated([self.guest_mut(domid)?.features.to_string()]))
            }
            Request::SetFeature(domid, value) => {
                let domid = privileged(actor, domid)?;
                let features = parse_decimal(value).ok_or(ErrorName::Einval)?;
                if features & !FEATURES != 0 {
                    return Err(ErrorName::Einval);
                }
                self.guest_mut(domid)?.features = features;
                Ok(OK.to_vec())
            }
            _ => Err(ErrorName::Enosys),
        }
    }

    /// The special names have permissions as nodes do: who may read one may hear its events.
    pub(super) fn serve_special(
        &mut self,
        actor: Actor,
        request: &Request<'_>,
    ) -> Result<Vec<u8>, ErrorName> {
        let (path, entries) = match request {
            Request::GetPerms(path) => (path, None),
            Request::SetPerms(path, entries) => (path, Some(entries)),
            _ => return Err(ErrorName::Enosys),
        };
        let special = Special::from_bytes(path).ok_or(ErrorName::Einval)?;
        let perms = match special {
            Special::IntroduceDomain => &mut self.introduce_perms,
            Special::ReleaseDomain => &mut self.release_perms,
        };
        let wanted = if entries.is_some() {
            Access::Write
        } else {
            Access::Read
        };
        if !actor.may(perms, wanted) || (entries.is_some() && !actor.is_privileged()) {
            return Err(ErrorName::Eacces);
        }
        let Some(entries) = entries else {
            return Ok(terminated(perms.entries().map(|entry| entry.to_string())));
        };
        *perms = Perms::parse(entries.iter().copied()).ok_or(ErrorName::Einval)?;
        Ok(OK.to_vec())
    }
}
