//! How often each request came to each end, so that a run that has become hollow is noticed.

use std::collections::BTreeMap;
use std::fmt;

use xenwire_xenstore::wire::ErrorName::{self, *};
use xenwire_xenstore::wire::Kind::{self, *};

use crate::model::Reply;

#[derive(Debug, Default)]
pub struct Tally {
    /// By the kind's number, whether in a transaction, and the error.
    counts: BTreeMap<(u32, bool, Option<&'static str>), u64>,
    pub events: u64,
    pub operations: u64,
}

/// The ends that every kind comes to in a long run; `None` is success.
const EXPECTED: &[(Kind, &[Option<ErrorName>])] = &[
    (
        Read,
        &[None, Some(Einval), Some(Eacces), Some(Enoent), Some(Enospc)],
    ),
    (
        Directory,
        &[
            None,
            Some(Einval),
            Some(Eacces),
            Some(Enoent),
            Some(E2big),
            Some(Enospc),
        ],
    ),
    (
        DirectoryPart,
        &[None, Some(Einval), Some(Eacces), Some(Enoent)],
    ),
    (
        GetPerms,
        &[None, Some(Einval), Some(Eacces), Some(Enoent), Some(Enospc)],
    ),
    (
        Write,
        &[None, Some(Einval), Some(Eacces), Some(Enoent), Some(Enospc)],
    ),
    (
        Mkdir,
        &[None, Some(Einval), Some(Eacces), Some(Enoent), Some(Enospc)],
    ),
    (
        Rm,
        &[None, Some(Einval), Some(Eacces), Some(Enoent), Some(Enospc)],
    ),
    (
        SetPerms,
        &[
            None,
            Some(Einval),
            Some(Eacces),
            Some(Enoent),
            Some(Eperm),
            Some(Enospc),
        ],
    ),
    (Watch, &[None, Some(Einval), Some(Eexist), Some(Enospc)]),
    (Unwatch, &[None, Some(Einval), Some(Enoent)]),
    (
        TransactionStart,
        &[None, Some(Ebusy), Some(Enoent), Some(Enospc)],
    ),
    (
        TransactionEnd,
        &[None, Some(Einval), Some(Enoent), Some(Eagain), Some(Enospc)],
    ),
    (ResetWatches, &[None]),
    (Introduce, &[None, Some(Einval), Some(Eacces)]),
    (Release, &[None, Some(Einval), Some(Eacces), Some(Enoent)]),
    (GetDomainPath, &[None, Some(Einval)]),
    (IsDomainIntroduced, &[None, Some(Einval)]),
    (Resume, &[None, Some(Einval), Some(Eacces), Some(Enoent)]),
    (SetTarget, &[None, Some(Einval), Some(Eacces), Some(Enoent)]),
    (
        GetFeature,
        &[None, Some(Einval), Some(Eacces), Some(Enoent)],
    ),
    (
        SetFeature,
        &[None, Some(Einval), Some(Eacces), Some(Enoent)],
    ),
    (GetQuota, &[None, Some(Einval), Some(Eacces), Some(Enoent)]),
    (SetQuota, &[None, Some(Einval), Some(Eacces), Some(Enoent)]),
    (Control, &[None, Some(Einval), Some(Eacces)]),
    (Unknown(20), &[Some(Enosys)]),
    (Unknown(999), &[Some(Enosys)]),
    (WatchEvent, &[Some(Enosys)]),
    (Error, &[Some(Enosys)]),
];

/// Those that succeed in transactions too.
const INSIDE: [Kind; 8] = [
    Read,
    Directory,
    DirectoryPart,
    GetPerms,
    Write,
    Mkdir,
    Rm,
    SetPerms,
];

impl Tally {
    pub fn count(
        &mut self,
        kind: Kind,
        in_transaction: bool,
        end: &Result<Reply, ErrorName>,
        events: usize,
    ) {
        let error = end.as_ref().err().map(|error| error.as_str());
        *self
            .counts
            .entry((kind.number(), in_transaction, error))
            .or_default() += 1;
        self.events += events as u64;
        self.operations += 1;
    }

    pub fn add(&mut self, other: &Tally) {
        for (end, count) in &other.counts {
            *self.counts.entry(*end).or_default() += count;
        }
        self.events += other.events;
        self.operations += other.operations;
    }

    fn total(&self, kind: Kind, error: Option<ErrorName>) -> u64 {
        let error = error.map(ErrorName::as_str);
        let of = |inside| {
            self.counts
                .get(&(kind.number(), inside, error))
                .copied()
                .unwrap_or(0)
        };
        of(false) + of(true)
    }

    /// The expected ends that never came.
    pub fn missing(&self) -> Vec<String> {
        let ends = EXPECTED
            .iter()
            .flat_map(|(kind, ends)| ends.iter().map(|end| (*kind, *end)));
        let never = ends.filter(|(kind, end)| self.total(*kind, *end) == 0);
        let inside = INSIDE
            .iter()
            .filter(|kind| !self.counts.contains_key(&(kind.number(), true, None)));
        let never = never.map(|(kind, end)| format!("{kind} {end:?}"));
        never
            .chain(inside.map(|kind| format!("{kind} in a transaction")))
            .collect()
    }

    /// The ends that came though nobody expects them.
    pub fn unexpected(&self) -> Vec<String> {
        let expected = |number: u32, error: Option<&str>| {
            let mut ends = EXPECTED.iter().filter(|(kind, _)| kind.number() == number);
            ends.any(|(_, ends)| ends.iter().any(|end| end.map(ErrorName::as_str) == error))
        };
        let ends = self
            .counts
            .keys()
            .filter(|(number, _, error)| !expected(*number, *error));
        ends.map(|(number, _, error)| format!("{} {error:?}", Kind::from_number(*number)))
            .collect()
    }
}

impl fmt::Display for Tally {
    /// A line for each kind: how it ended how often, and how many of those were in a transaction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<20}{:<9}{:>9}{:>9}",
            "request", "end", "times", "in a tx"
        )?;
        let mut ends: Vec<_> = self
            .counts
            .keys()
            .map(|(kind, _, end)| (*kind, *end))
            .collect();
        ends.dedup();
        ends.sort_unstable();
        ends.dedup();
        for (number, end) in ends {
            let of = |inside| {
                self.counts
                    .get(&(number, inside, end))
                    .copied()
                    .unwrap_or(0)
            };
            let (kind, name) = (Kind::from_number(number).to_string(), end.unwrap_or("ok"));
            writeln!(
                f,
                "{kind:<20}{name:<9}{:>9}{:>9}",
                of(false) + of(true),
                of(true)
            )?;
        }
        Ok(())
    }
}
