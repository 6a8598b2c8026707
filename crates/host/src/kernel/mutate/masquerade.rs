//! Masquerading begins or ends: one transaction.

use xenwire_core::name::IfName;
use xenwire_wire::nft::Change;

use super::or_so_already;
use crate::kernel::masquerade::{FAMILY, table, whole_table};
use crate::kernel::{EEXIST, ENOENT, Kernel, KernelError};

impl Kernel {
    /// Masquerades what leaves by this link, or no longer.
    pub(super) fn masquerade(&mut self, uplink: &IfName, on: bool) -> Result<(), KernelError> {
        let (changes, so_already) = match on {
            true => (whole_table(uplink), EEXIST),
            false => {
                let (family, name) = (FAMILY, table(uplink));
                (vec![Change::DeleteTable { family, name }], ENOENT)
            }
        };
        or_so_already(self.send_filters(None, changes), &[so_already])
    }
}
