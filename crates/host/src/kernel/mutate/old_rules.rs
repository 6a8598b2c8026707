//! Rules of Xen's own scripts go, and come back where they were: one transaction, for the ruleset
//! that was looked at. In the legacy table, one run of its program a rule.

use xenwire_core::state::{OldRule, Passes};
use xenwire_wire::nft::Change;

use crate::kernel::old_rules::{CHAIN, FAMILY, TABLE, UDP, old_rule};
use crate::kernel::{ERESTART, Kernel, KernelError, legacy};

/// How often a change is tried while others change the ruleset.
const ATTEMPTS: u32 = 100;

impl Kernel {
    /// Removes a rule. One that is no longer there is gone already.
    pub(super) fn delete_old_rule(&mut self, rule: &OldRule) -> Result<(), KernelError> {
        if rule.legacy {
            return legacy::delete(rule);
        }
        self.on_what_is_there(|kernel| {
            let found = kernel.forward_rules()?.into_iter().zip(0..);
            let same = found.filter_map(|(found, place)| {
                let handle = found.handle;
                let old = old_rule(found, place).filter(|old| old.is(rule))?;
                Some((old.place.abs_diff(rule.place), handle))
            });
            // Others may have put rules before it meanwhile.
            let nearest = same.min_by_key(|(distance, _)| *distance);
            Ok(nearest.map(|(_, handle)| Change::DeleteRule {
                family: FAMILY,
                table: TABLE.into(),
                chain: CHAIN.into(),
                handle,
            }))
        })
    }

    /// Puts a rule back, behind as many as were before it.
    pub(super) fn restore_old_rule(&mut self, rule: &OldRule) -> Result<(), KernelError> {
        if rule.legacy {
            return legacy::restore(rule);
        }
        self.on_what_is_there(|kernel| {
            let place = usize::try_from(rule.place).unwrap_or(usize::MAX);
            let found = kernel.forward_rules()?;
            Ok(Some(Change::RestoreRule {
                family: FAMILY,
                table: TABLE.into(),
                chain: CHAIN.into(),
                before: found.get(place).map(|next| next.handle),
                expressions: rule.expressions.clone(),
                protocol: (rule.passes == Passes::Dhcp).then_some(UDP),
            }))
        })
    }

    /// A change to the very ruleset that it was made for, or again.
    fn on_what_is_there(
        &mut self,
        change: impl Fn(&mut Self) -> Result<Option<Change>, KernelError>,
    ) -> Result<(), KernelError> {
        for _ in 0..ATTEMPTS {
            let generation = self.generation()?;
            let Some(change) = change(self)? else {
                return Ok(());
            };
            match self.send_filters(generation, vec![change]) {
                Err(error) if error.errno() == Some(ERESTART) => {}
                result => return result,
            }
        }
        Err(KernelError::NeverStill)
    }
}
