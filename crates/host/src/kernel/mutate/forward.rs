//! Changes to how guests pass FORWARD: one transaction each.

use std::collections::BTreeMap;

use xenwire_core::name::IfName;
use xenwire_core::state::{Forward, ForwardChain, ForwardMark, Gate, Pair, Passage};
use xenwire_wire::nft::{Change, Element, Family};

use crate::kernel::forward::{TABLE, comment, elements, family, our_rule, place_of, table};
use crate::kernel::legacy;
use crate::kernel::{EEXIST, ENOENT, ERESTART, Kernel, KernelError};

/// How often a change is tried while others change the ruleset.
const ATTEMPTS: u32 = 100;

impl Kernel {
    /// Has a link pass in another way than before.
    pub(super) fn change_passage(
        &mut self,
        link: &IfName,
        from: Option<&Passage>,
        to: Option<&Passage>,
    ) -> Result<(), KernelError> {
        let mut last = KernelError::NeverStill;
        for _ in 0..ATTEMPTS {
            match self.try_passage(link, from, to) {
                // Somebody else was first, changed the ruleset since it was read, or took a chain
                // away.
                Err(error) if matches!(error.errno(), Some(EEXIST | ERESTART | ENOENT)) => {
                    last = error;
                }
                result => return result,
            }
        }
        Err(last)
    }

    fn try_passage(
        &mut self,
        link: &IfName,
        from: Option<&Passage>,
        to: Option<&Passage>,
    ) -> Result<(), KernelError> {
        let Some(to) = to else {
            return from.map_or(Ok(()), |from| self.end_passage(link, from));
        };
        let generation = self.generation()?;
        let found = self.look_forward(to.mark)?;
        let family = family(to.place);
        let mut changes = Vec::new();
        let mut come = BTreeMap::from([(link.clone(), to.clone())]);
        match found.tables.get(&family) {
            None => changes.extend(table(family, to.mark)),
            Some(there) if *there == comment(to.mark) => {
                let from = from.filter(|from| from.place == to.place);
                let from = from.map(|from| elements(link, from)).unwrap_or_default();
                let stays = elements(link, to);
                let old = from.into_iter().filter(|old| !stays.contains(old));
                changes.extend(old.map(|old| gone_element(family, old)));
            }
            // Of another version, or with another mark: who is in it stays in it.
            Some(_) => {
                let all = self.passing(to.place)?;
                let mut all = self.passages(&all, to.place, &Forward::default())?;
                all.append(&mut come);
                come = all;
                let name = TABLE.into();
                changes.push(Change::DeleteTable { family, name });
                changes.extend(table(family, to.mark));
            }
        }
        let mut added: BTreeMap<&str, Vec<Element>> = BTreeMap::new();
        for (link, passage) in &come {
            for (set, element) in elements(link, passage) {
                added.entry(set).or_default().push(element);
            }
        }
        for (set, elements) in added {
            changes.push(Change::AddElements {
                family,
                table: TABLE.into(),
                set: set.into(),
                elements,
            });
        }
        let is_own = changes
            .iter()
            .all(|change| matches!(change, Change::AddElements { .. }));
        let own = changes.len();
        if to.open {
            for (chain, handle) in found.stale {
                changes.push(gone(chain, handle));
            }
            let shut = found.gates.iter().filter(|(_, gate)| **gate == Gate::Shut);
            for (chain, _) in shut {
                let (family, table, chain) = place_of(*chain);
                let rule = our_rule(chain, to.mark);
                changes.push(Change::InsertRule(family, table.into(), rule));
            }
        }
        let writes_to_others = changes.len() > own;
        // Elements by themselves are right whatever others do meanwhile.
        let is_own = is_own && !writes_to_others;
        self.send_filters(generation.filter(|_| !is_own), changes)
    }

    /// Has our rule in a chain let this mark by, or takes it out. A chain that has gone has none.
    pub(super) fn open_forward(
        &mut self,
        chain: ForwardChain,
        change: &Pair<Option<ForwardMark>>,
    ) -> Result<(), KernelError> {
        if chain.is_legacy() {
            return legacy::replace(chain, change.from, change.to);
        }
        let mut last = KernelError::NeverStill;
        for _ in 0..ATTEMPTS {
            match self.try_open(chain, change.to) {
                Err(error) if matches!(error.errno(), Some(ERESTART | ENOENT)) => last = error,
                result => return result,
            }
        }
        Err(last)
    }

    fn try_open(
        &mut self,
        chain: ForwardChain,
        to: Option<ForwardMark>,
    ) -> Result<(), KernelError> {
        let generation = self.generation()?;
        if to.is_none() && !self.has_chain(chain)? {
            return Ok(());
        }
        let mut changes: Vec<_> = self
            .our_rules(chain)?
            .into_iter()
            .map(|(handle, _)| gone(chain, handle))
            .collect();
        if let Some(mark) = to {
            let (family, table, name) = place_of(chain);
            changes.push(Change::InsertRule(
                family,
                table.into(),
                our_rule(name, mark),
            ));
        }
        match changes.is_empty() {
            true => Ok(()),
            false => self.send_filters(generation, changes),
        }
    }

    /// The chains stay open: by our rule passes who is marked, and nobody else.
    fn end_passage(&mut self, link: &IfName, from: &Passage) -> Result<(), KernelError> {
        let family = family(from.place);
        let gone = elements(link, from).into_iter();
        let changes = gone.map(|gone| gone_element(family, gone)).collect();
        super::or_so_already(self.send_filters(None, changes), &[ENOENT])
    }
}

fn gone(chain: ForwardChain, handle: u64) -> Change {
    let (family, table, chain) = place_of(chain);
    Change::DeleteRule {
        family,
        table: table.into(),
        chain: chain.into(),
        handle,
    }
}

fn gone_element(family: Family, (set, element): (&str, Element)) -> Change {
    Change::DeleteElements {
        family,
        table: TABLE.into(),
        set: set.into(),
        elements: vec![element],
    }
}
