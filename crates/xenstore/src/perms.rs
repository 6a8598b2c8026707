//! Who may read and write a node.
//!
//! A node carries a list such as `n0`, `r5`: the first entry names the owner, who may do
//! everything, and its letter is what everybody who is not listed may do. dom0 may do everything
//! everywhere. Invariant: a [`Perms`] has at least one entry, the owner's.

use std::fmt;

use crate::Domid;

/// What an entry allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Nothing: `n`.
    None,
    /// Reading: `r`.
    Read,
    /// Writing: `w`.
    Write,
    /// Both: `b`.
    Both,
}

impl Access {
    /// Whether this allows all that `wanted` asks for.
    pub fn allows(self, wanted: Access) -> bool {
        match wanted {
            Access::None => true,
            Access::Both => self == Access::Both,
            single => self == single || self == Access::Both,
        }
    }

    fn letter(self) -> char {
        match self {
            Access::None => 'n',
            Access::Read => 'r',
            Access::Write => 'w',
            Access::Both => 'b',
        }
    }
}

/// One entry of a list: `r5` lets domain 5 read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Perm {
    /// What is allowed.
    pub access: Access,
    /// To whom.
    pub domid: Domid,
}

impl Perm {
    /// An entry.
    pub fn new(access: Access, domid: Domid) -> Perm {
        Perm { access, domid }
    }

    /// Reads a letter and a decimal domid; `None` for anything else.
    pub fn parse(text: &[u8]) -> Option<Perm> {
        let (letter, domid) = text.split_first()?;
        let access = match letter {
            b'n' => Access::None,
            b'r' => Access::Read,
            b'w' => Access::Write,
            b'b' => Access::Both,
            _ => return None,
        };
        Some(Perm {
            access,
            domid: parse_decimal(domid)?,
        })
    }
}

impl fmt::Display for Perm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.access.letter(), self.domid)
    }
}

/// Reads a decimal number of digits only: `+5`, ` 5` and `` are none.
pub(crate) fn parse_decimal<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The list of a node, owner first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Perms {
    owner: Perm,
    others: Vec<Perm>,
}

impl Perms {
    /// A list with an owner, the access of everybody else, and no exceptions.
    pub fn owned_by(domid: Domid, everybody: Access) -> Perms {
        Perms {
            owner: Perm::new(everybody, domid),
            others: Vec::new(),
        }
    }

    /// The same list with one more entry.
    #[must_use]
    pub fn with(mut self, access: Access, domid: Domid) -> Perms {
        self.others.push(Perm::new(access, domid));
        self
    }

    /// A list from its entries; `None` if there are none.
    pub fn from_entries(entries: &[Perm]) -> Option<Perms> {
        let (owner, others) = entries.split_first()?;
        Some(Perms {
            owner: *owner,
            others: others.to_vec(),
        })
    }

    /// Reads the texts of a request or a reply.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Option<Perms> {
        let entries: Option<Vec<Perm>> = entries.into_iter().map(Perm::parse).collect();
        Perms::from_entries(&entries?)
    }

    /// The domain that may do everything with the node.
    pub fn owner(&self) -> Domid {
        self.owner.domid
    }

    /// All entries, the owner's first.
    pub fn entries(&self) -> impl Iterator<Item = Perm> {
        std::iter::once(self.owner).chain(self.others.iter().copied())
    }

    /// How many entries there are.
    pub(crate) fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// What a domain may do.
    pub fn access_of(&self, domid: Domid) -> Access {
        if domid == 0 || domid == self.owner.domid {
            return Access::Both;
        }
        self.others
            .iter()
            .find(|perm| perm.domid == domid)
            .map_or(self.owner.access, |perm| perm.access)
    }

    /// The same list without a domain; `None` if it is not in it. What it owned is dom0's.
    pub(crate) fn without(&self, domid: Domid) -> Option<Perms> {
        if domid == 0 || self.entries().all(|entry| entry.domid != domid) {
            return None;
        }
        let mut perms = self.clone();
        if perms.owner.domid == domid {
            perms.owner.domid = 0;
        }
        perms.others.retain(|entry| entry.domid != domid);
        Some(perms)
    }

    /// The list a new child gets: this one, with a creator other than dom0 as its owner.
    pub(crate) fn inherited_by(&self, creator: Domid) -> Perms {
        let mut perms = self.clone();
        if creator != 0 {
            perms.owner.domid = creator;
        }
        perms
    }
}

impl fmt::Display for Perms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, perm) in self.entries().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{perm}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn perms(texts: &[&str]) -> Option<Perms> {
        Perms::parse(texts.iter().map(|text| text.as_bytes()))
    }

    #[test]
    fn reads_and_prints_lists() {
        assert_eq!(perms(&["n0", "r5", "b7"]).unwrap().to_string(), "n0,r5,b7");
        for wrong in [
            &[][..],
            &["x0"],
            &["r"],
            &["r-1"],
            &["r65536"],
            &["r5 "],
            &["r+5"],
            &["n0", ""],
        ] {
            assert_eq!(perms(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_first_entry_is_owner_and_default() {
        let perms = perms(&["r3", "w5", "n6", "b6"]).unwrap();
        assert_eq!(perms.access_of(0), Access::Both, "dom0 passes everywhere");
        assert_eq!(
            perms.access_of(3),
            Access::Both,
            "the owner may do everything"
        );
        assert_eq!(perms.access_of(5), Access::Write);
        assert_eq!(
            perms.access_of(6),
            Access::None,
            "the first entry of a domain counts"
        );
        assert_eq!(
            perms.access_of(9),
            Access::Read,
            "others get the owner's letter"
        );
    }

    #[test]
    fn both_is_read_and_write() {
        assert!(Access::Both.allows(Access::Read) && Access::Both.allows(Access::Write));
        assert!(!Access::Read.allows(Access::Write) && !Access::Write.allows(Access::Read));
        assert!(!Access::Read.allows(Access::Both) && !Access::None.allows(Access::Read));
    }

    #[test]
    fn a_domain_is_forgotten() {
        let list = perms(&["r5", "w7", "b5", "n9"]).unwrap();
        assert_eq!(list.without(5).unwrap().to_string(), "r0,w7,n9");
        assert_eq!(list.without(7).unwrap().to_string(), "r5,b5,n9");
        assert_eq!(list.without(8), None);
        assert_eq!(perms(&["n0", "r0"]).unwrap().without(0), None, "dom0 stays");
    }

    #[test]
    fn a_guest_owns_what_it_creates() {
        let parent = perms(&["r0", "b5"]).unwrap();
        assert_eq!(parent.inherited_by(5).to_string(), "r5,b5");
        assert_eq!(parent.inherited_by(0).to_string(), "r0,b5");
    }
}
