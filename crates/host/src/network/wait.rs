//! Waiting for a NIC that came up to find its link (contract 1.6.3): whoever runs next, a DHCP
//! client say, counts on it.

use std::thread::sleep;
use std::time::Duration;

use xenwire_core::name::IfName;
use xenwire_core::state::{Keys, Scope};

use crate::kernel::Kernel;

use super::{Said, Tell};

/// How long the originals wait, in seconds.
const PATIENCE: u32 = 10;
/// How often the kernel is asked, a second.
const RATE: u32 = 10;

/// Waits until the link carries packets, at most ten seconds, with a dot for each. What is done is
/// done whether it does or not.
pub(super) fn for_link(name: &IfName, kernel: &mut Kernel, tell: &mut Tell<'_>) {
    for look in 0..=PATIENCE * RATE {
        let scope = Scope::Links {
            whole: [].into(),
            bare: [name.clone()].into(),
            keys: Keys::default(),
        };
        let runs = kernel
            .observe(scope)
            .is_ok_and(|observed| observed.facts.get(name).is_some_and(|facts| facts.running));
        if runs {
            if look >= RATE {
                tell(Said::Progress("\n".into()));
            }
            return;
        }
        if look == RATE {
            tell(Said::Progress(format!(
                "Waiting for {name} to negotiate link"
            )));
        }
        if look >= RATE && look % RATE == 0 {
            tell(Said::Progress(".".into()));
        }
        sleep(Duration::from_secs(1) / RATE);
    }
    tell(Said::Progress("\n".into()));
    tell(Said::Note(format!(
        "{name} has no link after {PATIENCE} s: is its cable in? (`ethtool {name}`)"
    )));
}
