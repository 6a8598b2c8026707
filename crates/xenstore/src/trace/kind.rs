//! Kinds by the names that `xen/include/public/io/xs_wire.h` gives them, without their `XS_`.
//!
//! Invariant: every kind has exactly one word, and every word at most one kind.

use std::fmt;

use crate::wire::Kind;

const NAMES: &[(Kind, &str)] = &[
    (Kind::Control, "CONTROL"),
    (Kind::Directory, "DIRECTORY"),
    (Kind::Read, "READ"),
    (Kind::GetPerms, "GET_PERMS"),
    (Kind::Watch, "WATCH"),
    (Kind::Unwatch, "UNWATCH"),
    (Kind::TransactionStart, "TRANSACTION_START"),
    (Kind::TransactionEnd, "TRANSACTION_END"),
    (Kind::Introduce, "INTRODUCE"),
    (Kind::Release, "RELEASE"),
    (Kind::GetDomainPath, "GET_DOMAIN_PATH"),
    (Kind::Write, "WRITE"),
    (Kind::Mkdir, "MKDIR"),
    (Kind::Rm, "RM"),
    (Kind::SetPerms, "SET_PERMS"),
    (Kind::WatchEvent, "WATCH_EVENT"),
    (Kind::Error, "ERROR"),
    (Kind::IsDomainIntroduced, "IS_DOMAIN_INTRODUCED"),
    (Kind::Resume, "RESUME"),
    (Kind::SetTarget, "SET_TARGET"),
    (Kind::ResetWatches, "RESET_WATCHES"),
    (Kind::DirectoryPart, "DIRECTORY_PART"),
    (Kind::GetFeature, "GET_FEATURE"),
    (Kind::SetFeature, "SET_FEATURE"),
    (Kind::GetQuota, "GET_QUOTA"),
    (Kind::SetQuota, "SET_QUOTA"),
];

/// A kind, printed as its word: the protocol's name, or the number of one without a name.
pub(super) struct KindName(pub(super) Kind);

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(kind, _)| *kind == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0.number()),
        }
    }
}

/// The kind of a word; a number is one too.
pub(super) fn parse(word: &str) -> Option<Kind> {
    let named = NAMES.iter().find(|(_, name)| *name == word);
    match named {
        Some((kind, _)) => Some(*kind),
        None => word.parse().ok().map(Kind::from_number),
    }
}
