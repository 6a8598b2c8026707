//! A domain and the socket that acts for it, as it is typed: `7=/tmp/xs7`.
//!
//! Invariant: a [`DomainSocket`] that was parsed names a guest, and a path that is not empty.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use xenwire_xenstore::Domid;

/// The first domid that Xen keeps for itself (`DOMID_FIRST_RESERVED` in `xen/include/public/xen.h`).
const RESERVED: Domid = 0x7ff0;

/// A domain and the socket whose clients act for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainSocket {
    /// The domain.
    pub domid: Domid,
    /// Where the socket is.
    pub path: PathBuf,
}

/// A text that is not `DOMID=PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrongAddress {
    /// There is no `=`.
    NoPath,
    /// The path is empty.
    EmptyPath,
    /// What is before the `=` is no guest's domid.
    Domid(String),
    /// dom0 has its own option.
    Dom0,
}

impl FromStr for DomainSocket {
    type Err = WrongAddress;

    fn from_str(text: &str) -> Result<DomainSocket, WrongAddress> {
        let (domid, path) = text.split_once('=').ok_or(WrongAddress::NoPath)?;
        let number = domid.parse().ok().filter(|number| *number < RESERVED);
        match number {
            None => Err(WrongAddress::Domid(domid.to_owned())),
            Some(0) => Err(WrongAddress::Dom0),
            Some(_) if path.is_empty() => Err(WrongAddress::EmptyPath),
            Some(domid) => Ok(DomainSocket {
                domid,
                path: path.into(),
            }),
        }
    }
}

impl fmt::Display for WrongAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WrongAddress::NoPath => f.write_str("wanted DOMID=PATH, as in 7=/tmp/xs7"),
            WrongAddress::EmptyPath => {
                f.write_str("wanted a socket's path after the =, as in 7=/tmp/xs7")
            }
            WrongAddress::Domid(found) => write!(
                f,
                "wanted a guest's domid, 1 to {}, before the =, found {found:?}",
                RESERVED - 1
            ),
            WrongAddress::Dom0 => {
                f.write_str("wanted a guest's domid before the =; dom0's socket is --socket")
            }
        }
    }
}

impl std::error::Error for WrongAddress {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_and_its_path() {
        let parsed: DomainSocket = "7=/tmp/a=b".parse().unwrap();
        assert_eq!((parsed.domid, parsed.path), (7, "/tmp/a=b".into()));
        let wrong = |text: &str| text.parse::<DomainSocket>().unwrap_err();
        assert_eq!(wrong(""), WrongAddress::NoPath);
        assert_eq!(wrong("7"), WrongAddress::NoPath);
        assert_eq!(wrong("7="), WrongAddress::EmptyPath);
        assert_eq!(wrong("0=/a"), WrongAddress::Dom0);
        for domid in ["", "-1", "32752", "65535", "65536", "x", "7 "] {
            let text = format!("{domid}=/a");
            assert_eq!(
                wrong(&text),
                WrongAddress::Domid(domid.to_owned()),
                "{text}"
            );
        }
        assert!("32751=/a".parse::<DomainSocket>().is_ok());
    }
}
