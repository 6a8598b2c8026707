//! Offload settings, asked of the generic netlink family `ethtool` by a socket of its own, which is
//! opened when it is first needed. A kernel before 5.6 has no such family, and then no link has
//! settings.

use std::collections::BTreeMap;

use xenwire_wire::{Protocol, Query, Reply};

use super::socket::Socket;
use super::{ENODEV, ENOENT, EOPNOTSUPP, Kernel, KernelError};

type Answer = Result<Vec<Reply>, KernelError>;

impl Kernel {
    /// The number of the family, and the socket that it is spoken to by.
    ///
    /// # Errors
    /// ENOENT if the kernel has none.
    pub(super) fn ethtool(&mut self) -> Result<(u16, &mut Socket), KernelError> {
        let (family, socket) = match self.ethtool.take() {
            Some(open) => open,
            None => {
                let mut socket = Socket::open(Protocol::Generic)?;
                let answer = socket.ask(&Query::EthtoolFamily);
                (number(answer)?, socket)
            }
        };
        let (family, socket) = self.ethtool.insert((family, socket));
        Ok((*family, socket))
    }

    /// The settings of a link that can be changed: those that are wished for are on, even if
    /// another that they need is off.
    pub(super) fn features(&mut self, index: u32) -> Result<BTreeMap<String, bool>, KernelError> {
        let answer = match self.ethtool() {
            Ok((family, socket)) => socket.ask(&Query::Features { family, index }),
            Err(error) => Err(error),
        };
        settings(answer)
    }
}

fn number(answer: Answer) -> Result<u16, KernelError> {
    let found = answer?.into_iter().find_map(|reply| match reply {
        Reply::Family(number) => Some(number),
        _ => None,
    });
    found.ok_or_else(|| KernelError::Refused {
        errno: ENOENT,
        text: Some("there is no generic family ethtool".into()),
    })
}

/// None if the kernel has no family, the driver no settings, or the link has gone since.
fn settings(answer: Answer) -> Result<BTreeMap<String, bool>, KernelError> {
    let replies = match answer {
        Err(error) if matches!(error.errno(), Some(ENOENT | ENODEV | EOPNOTSUPP)) => Vec::new(),
        answer => answer?,
    };
    let found = replies.into_iter().find_map(|reply| match reply {
        Reply::Features(features) => Some(features),
        _ => None,
    });
    Ok(found.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPERM: i32 = 1;

    fn refused(errno: i32) -> KernelError {
        KernelError::Refused { errno, text: None }
    }

    /// CTRL_CMD_GETFAMILY of a name that no family has (ctrl_getfamily, net/netlink/genetlink.c).
    #[test]
    fn a_kernel_without_the_family_has_no_settings() {
        let no_family = number(Err(refused(ENOENT))).unwrap_err();
        assert_eq!(settings(Err(no_family)).unwrap(), BTreeMap::new());
        let silent = number(Ok(vec![Reply::Other])).unwrap_err();
        assert_eq!(settings(Err(silent)).unwrap(), BTreeMap::new());
    }

    #[test]
    fn a_driver_that_cannot_be_asked_has_no_settings() {
        assert_eq!(settings(Err(refused(EOPNOTSUPP))).unwrap(), BTreeMap::new());
        assert_eq!(
            settings(Err(refused(EPERM))).unwrap_err().errno(),
            Some(EPERM)
        );
    }
}
