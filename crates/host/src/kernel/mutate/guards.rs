//! Changes to what guests may say: one transaction each, so that no frame of a guest passes between
//! an old list and a new one.

use std::collections::BTreeMap;

use xenwire_core::name::IfName;
use xenwire_core::state::Guard;
use xenwire_wire::Verb;
use xenwire_wire::nft::{Batch, Change, Family};

use crate::kernel::guards::elements;
use crate::kernel::guards::layout::{FAMILIES, LAYOUT, TABLE, tables};
use crate::kernel::{EEXIST, ENOENT, ERESTART, Kernel, KernelError};

/// How often a change is tried while others make or replace the tables.
const ATTEMPTS: u32 = 100;

impl Kernel {
    /// Holds a link to another guard than before.
    pub(super) fn change_guard(
        &mut self,
        link: &IfName,
        from: Option<&Guard>,
        to: Option<&Guard>,
    ) -> Result<(), KernelError> {
        let mut last = KernelError::NeverStill;
        for _ in 0..ATTEMPTS {
            match self.try_change(link, from, to) {
                // Somebody else was first with the tables, or changed them since they were read.
                Err(error) if matches!(error.errno(), Some(EEXIST | ERESTART)) => last = error,
                result => return result,
            }
        }
        Err(last)
    }

    fn try_change(
        &mut self,
        link: &IfName,
        from: Option<&Guard>,
        to: Option<&Guard>,
    ) -> Result<(), KernelError> {
        match (self.table(Family::Inet)?, to) {
            (None, None) => Ok(()),
            (Some(layout), _) if layout == LAYOUT => {
                match self.send_filters(None, replacing(link, from, to)) {
                    // Somebody else took some of it away: the tables are made anew, whole.
                    Err(error) if error.errno() == Some(ENOENT) => self.renew(link, to),
                    result => result,
                }
            }
            _ => self.renew(link, to),
        }
    }

    /// The tables anew, with every guard that they tell of and the changed one.
    fn renew(&mut self, link: &IfName, to: Option<&Guard>) -> Result<(), KernelError> {
        let generation = self.generation()?;
        let mut guards: BTreeMap<IfName, Guard> = self.all_guards()?;
        match to {
            Some(guard) => guards.insert(link.clone(), guard.clone()),
            None => guards.remove(link),
        };
        let mut changes = Vec::new();
        for family in FAMILIES {
            if self.table(family)?.is_some() {
                let name = TABLE.into();
                changes.push(Change::DeleteTable { family, name });
            }
        }
        changes.extend(tables());
        let all = guards
            .iter()
            .flat_map(|(link, guard)| elements(link, guard));
        let mut added: BTreeMap<(Family, &str), Vec<_>> = BTreeMap::new();
        for (family, set, element) in all {
            added.entry((family, set)).or_default().push(element);
        }
        for ((family, set), elements) in added {
            changes.push(Change::AddElements {
                family,
                table: TABLE.into(),
                set: set.into(),
                elements,
            });
        }
        self.send_filters(generation, changes)
    }

    pub(super) fn send_filters(
        &mut self,
        generation: Option<u32>,
        changes: Vec<Change>,
    ) -> Result<(), KernelError> {
        let deletes = |change: &Change| {
            matches!(
                change,
                Change::DeleteElements { .. }
                    | Change::DeleteTable { .. }
                    | Change::DeleteRule { .. }
            )
        };
        let waits = changes.iter().any(deletes);
        let verb = Verb::Filter(Batch {
            generation,
            changes,
        });
        self.filters()?
            .change_as_one(|number| verb.encode(number))?;
        self.closing_waits |= waits;
        Ok(())
    }
}

/// What goes and what comes, of what differs.
fn replacing(link: &IfName, from: Option<&Guard>, to: Option<&Guard>) -> Vec<Change> {
    let of = |guard: Option<&Guard>| guard.map(|guard| elements(link, guard)).unwrap_or_default();
    let (from, to) = (of(from), of(to));
    let mut changes = Vec::new();
    for (family, set, element) in from.iter().filter(|old| !to.contains(old)) {
        changes.push(Change::DeleteElements {
            family: *family,
            table: TABLE.into(),
            set: (*set).into(),
            elements: vec![element.clone()],
        });
    }
    for (family, set, element) in to.iter().filter(|new| !from.contains(new)) {
        changes.push(Change::AddElements {
            family: *family,
            table: TABLE.into(),
            set: (*set).into(),
            elements: vec![element.clone()],
        });
    }
    changes
}
