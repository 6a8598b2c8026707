//! Requests about the server itself: features, quotas, control.
//!
//! Older servers do not know them and refuse, most with ENOSYS.

use super::calls::{Call, one_number, one_string};
use super::{Client, Error, Operation};
use crate::Domid;
use crate::wire::Kind;

impl Client {
    /// The feature bits that the server has, or those that it offers to a domain (dom0 only).
    /// [`FEATURE_WATCH_DEPTH`](super::FEATURE_WATCH_DEPTH) is one.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn features(&mut self, domid: Option<Domid>) -> Result<u32, Error> {
        let domid = text(domid);
        let arguments: Vec<&str> = domid.iter().map(String::as_str).collect();
        let subject = of_domain("", domid.as_deref());
        let operation = Operation::Features;
        let call = Call::with(operation, Kind::GetFeature, subject.clone(), &arguments);
        let reply = self.call(0, call)?;
        one_number(operation, &subject, &reply)
    }

    /// Sets the feature bits that the server offers to a domain, before it is introduced. dom0 only.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn set_features(&mut self, domid: Domid, features: u32) -> Result<(), Error> {
        let domid = domid.to_string();
        let call = Call::with(
            Operation::SetFeatures,
            Kind::SetFeature,
            of_domain("", Some(&domid)),
            &[&domid, &features.to_string()],
        );
        self.call(0, call).map(drop)
    }

    /// The names of the quotas that the server knows (Xen 4.21 and later). dom0 only.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn quota_names(&mut self) -> Result<Vec<String>, Error> {
        let operation = Operation::Quota;
        let call = Call::with(operation, Kind::GetQuota, String::new(), &[]);
        let reply = self.call(0, call)?;
        let names = one_string(operation, "", &reply)?;
        Ok(names.split_whitespace().map(str::to_owned).collect())
    }

    /// A quota: the one that new domains get, or a domain's own. dom0 only.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn quota(&mut self, domid: Option<Domid>, name: &str) -> Result<u32, Error> {
        let operation = Operation::Quota;
        let domid = text(domid);
        let subject = of_domain(name, domid.as_deref());
        let arguments: Vec<&str> = domid.as_deref().into_iter().chain([name]).collect();
        let call = Call::with_text(operation, Kind::GetQuota, subject.clone(), &arguments)?;
        let reply = self.call(0, call)?;
        one_number(operation, &subject, &reply)
    }

    /// Sets a quota, for new domains or for one. dom0 only.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn set_quota(&mut self, domid: Option<Domid>, name: &str, value: u32) -> Result<(), Error> {
        let (domid, value) = (text(domid), value.to_string());
        let subject = of_domain(name, domid.as_deref());
        let arguments: Vec<&str> = domid.as_deref().into_iter().chain([name, &value]).collect();
        let call = Call::with_text(Operation::SetQuota, Kind::SetQuota, subject, &arguments)?;
        self.call(0, call).map(drop)
    }

    /// Gives a command to the server, as `xenstore-control` does, and returns what it prints.
    /// `help` lists the commands; they differ between servers. dom0 only.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`].
    pub fn control(&mut self, command: &str, parameters: &[&str]) -> Result<String, Error> {
        let operation = Operation::Control;
        let arguments: Vec<&str> = [command].iter().chain(parameters).copied().collect();
        let call = Call::with_text(operation, Kind::Control, command.to_owned(), &arguments)?;
        let reply = self.call(0, call)?;
        one_string(operation, command, &reply)
    }
}

fn text(domid: Option<Domid>) -> Option<String> {
    domid.map(|domid| domid.to_string())
}

/// What an error calls a setting.
fn of_domain(name: &str, domid: Option<&str>) -> String {
    match (name, domid) {
        (name, None) => name.to_owned(),
        ("", Some(domid)) => format!("of domain {domid}"),
        (name, Some(domid)) => format!("{name} of domain {domid}"),
    }
}
