//! Who a vif belongs to: a domain and a device number.

use std::fmt;
use std::str::FromStr;

use super::IfName;

/// A domain's number. dom0 is 0; ids rise with every start and are not used again
/// while the host runs. 0x7ff0 and above are the hypervisor's own (xen/include/public/xen.h).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct DomId(pub u16);

/// A device's number within its domain, which libxl calls devid and netback handle.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct DevId(pub u32);

/// A vif: the frontend's domain and the device number. Printed as its backend link is named by
/// the kernel: `vif1.0` (contract 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VifId {
    /// The domain that has the frontend.
    pub domid: DomId,
    /// Its device number.
    pub devid: DevId,
}

impl DomId {
    /// The control domain.
    pub const DOM0: Self = Self(0);
}

impl VifId {
    /// The name netback gives the backend link.
    ///
    /// # Panics
    /// Never: `vif65535.4294967295` would be too long for the kernel, and netback with it, so a
    /// [`VifId`] is only made where that name fits.
    pub fn link(self) -> IfName {
        self.to_string()
            .parse()
            .expect("checked when the id was made")
    }

    /// The id, if the backend link's name fits into the kernel's 15 bytes.
    pub fn new(domid: DomId, devid: DevId) -> Option<Self> {
        let id = Self { domid, devid };
        (id.to_string().len() <= 15).then_some(id)
    }
}

/// Why a text is no vif name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VifIdError(String);

impl fmt::Display for VifIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not of the form vif<domid>.<devid>", self.0)
    }
}

impl std::error::Error for VifIdError {}

impl FromStr for VifId {
    type Err = VifIdError;

    /// Reads `vif1.0`, and nothing that would print differently (`vif01.0`).
    fn from_str(text: &str) -> Result<Self, VifIdError> {
        text.strip_prefix("vif")
            .and_then(|rest| rest.split_once('.'))
            .and_then(|(domid, devid)| {
                Self::new(DomId(domid.parse().ok()?), DevId(devid.parse().ok()?))
            })
            .filter(|id| id.to_string() == text)
            .ok_or_else(|| VifIdError(text.to_owned()))
    }
}

impl fmt::Display for DomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DevId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for VifId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vif{}.{}", self.domid, self.devid)
    }
}

super::serde_by_text!(VifId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints_and_nothing_else() {
        let id: VifId = "vif12.3".parse().expect("a vif");
        assert_eq!((id.domid, id.devid), (DomId(12), DevId(3)));
        assert_eq!(id.link().as_str(), "vif12.3");
        for bad in [
            "vif1",
            "vif01.0",
            "vif1.0-emu",
            "vif+1.0",
            "tap1.0",
            "vif70000.0",
            "vif65535.12345678",
        ] {
            assert!(bad.parse::<VifId>().is_err(), "{bad}");
        }
    }
}
