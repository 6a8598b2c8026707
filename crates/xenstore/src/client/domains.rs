//! Requests about domains.
//!
//! All but [`Client::domain_path`] and [`Client::is_introduced`] are a toolstack's business: the
//! server takes them from dom0 only.

use super::calls::{Call, one_string};
use super::{Client, Error, Operation};
use crate::Domid;
use crate::wire::{Kind, terminated};

impl Client {
    /// The path a domain's relative paths start from, `/local/domain/N`.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn domain_path(&mut self, domid: Domid) -> Result<String, Error> {
        let call = Call::on_domain(Operation::DomainPath, Kind::GetDomainPath, domid);
        let reply = self.call(0, call)?;
        one_string(Operation::DomainPath, &domid.to_string(), &reply)
    }

    /// Whether a domain was introduced and not released.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn is_introduced(&mut self, domid: Domid) -> Result<bool, Error> {
        let operation = Operation::IsIntroduced;
        let call = Call::on_domain(operation, Kind::IsDomainIntroduced, domid);
        let reply = self.call(0, call)?;
        match one_string(operation, &domid.to_string(), &reply)?.as_str() {
            "T" => Ok(true),
            "F" => Ok(false),
            _ => Err(Error::malformed(operation, domid)),
        }
    }

    /// Makes a domain known: its ring is on this frame, its bell this event channel. dom0 only.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn introduce(&mut self, domid: Domid, frame: u64, port: u32) -> Result<(), Error> {
        let mut call = Call::on_domain(Operation::Introduce, Kind::Introduce, domid);
        call.payload
            .extend(terminated([frame.to_string(), port.to_string()]));
        self.call(0, call).map(drop)
    }

    /// Makes the server forget a domain. dom0 only.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn release(&mut self, domid: Domid) -> Result<(), Error> {
        self.call(0, Call::on_domain(Operation::Release, Kind::Release, domid))
            .map(drop)
    }

    /// Makes the server forget that a domain has shut down, so that its next shutdown is told again.
    /// dom0 only.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn resume(&mut self, domid: Domid) -> Result<(), Error> {
        self.call(0, Call::on_domain(Operation::Resume, Kind::Resume, domid))
            .map(drop)
    }

    /// Lets a domain act on the nodes of another: a device model's on its guest's. dom0 only.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn set_target(&mut self, domid: Domid, target: Domid) -> Result<(), Error> {
        let mut call = Call::on_domain(Operation::SetTarget, Kind::SetTarget, domid);
        call.payload.extend(terminated([target.to_string()]));
        self.call(0, call).map(drop)
    }
}
