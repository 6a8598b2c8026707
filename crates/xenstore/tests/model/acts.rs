//! What clients do: the one generator, for properties and for long runs.
//!
//! An [`Act`] is made of eight bytes, whatever they are; smaller ones mean simpler acts, so that a
//! property's failing sequence shrinks to a plain one.

use std::fmt;

use xenwire_xenstore::Domid;
use xenwire_xenstore::wire::Kind;

use crate::theme::{Deed, Theme};
use crate::words;

/// Who sits where: a client's place, whose connection may be replaced by a new one.
pub type Seat = usize;

pub const SEATS: usize = 6;

#[derive(Clone, Debug)]
pub enum Act {
    Ask {
        seat: Seat,
        tx: Tx,
        kind: Kind,
        payload: Vec<u8>,
    },
    /// The connection is closed, and another opened for the same domain.
    Return(Seat),
    /// By the server's owner.
    Introduce(Domid),
    Release(Domid),
}

/// In which transaction a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tx {
    None,
    /// One of the last transactions that a seat has started, by how many came after it. It may be
    /// over; with another's seat it is nobody's business.
    Started(Seat, usize),
    /// No server gives this number to one of the first million transactions.
    Unknown,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Act::Ask {
            seat,
            tx,
            kind,
            payload,
        } = self
        else {
            return write!(f, "{self:?}");
        };
        let (shown, rest) = payload.split_at(payload.len().min(80));
        write!(
            f,
            "seat {seat}, {tx:?}: {kind} \"{}\"",
            shown.escape_ascii()
        )?;
        if rest.is_empty() {
            Ok(())
        } else {
            write!(f, " and {} bytes more", rest.len())
        }
    }
}

impl Act {
    /// Makes an act of eight bytes.
    pub fn drawn(theme: &Theme, draw: [u8; 8]) -> Act {
        let [deed, seat, tx, path, argument, more, wrong, wrongly] = draw.map(usize::from);
        let seat = seat % SEATS;
        let kind = match theme.deed(deed) {
            Deed::Ask(kind) => kind,
            Deed::Return => return Act::Return(seat),
            Deed::Introduce => {
                return Act::Introduce(words::DOMIDS[argument % words::DOMIDS.len()]);
            }
            Deed::Release => return Act::Release(words::DOMIDS[argument % words::DOMIDS.len()]),
        };
        let path = words::bytes(theme.paths[path % theme.paths.len()]);
        let mut payload = arguments(theme, kind, &path, argument, more);
        if wrong >= 256 - theme.wrong {
            spoil(&mut payload, wrongly);
        }
        payload.truncate(4096);
        Act::Ask {
            seat,
            tx: transaction(theme, kind, seat, tx),
            kind,
            payload,
        }
    }
}

fn transaction(theme: &Theme, kind: Kind, seat: Seat, tx: usize) -> Tx {
    let often = match kind {
        Kind::TransactionEnd => 250,
        Kind::TransactionStart => 8,
        _ => theme.in_transaction,
    };
    match tx {
        255 => Tx::Unknown,
        254 => Tx::Started((seat + 1) % SEATS, 0),
        _ if tx >= 254 - often.min(254) => Tx::Started(seat, [0, 0, 0, 1, 1, 2][tx % 6]),
        _ => Tx::None,
    }
}

fn arguments(theme: &Theme, kind: Kind, path: &[u8], argument: usize, more: usize) -> Vec<u8> {
    let pick = |texts: &[&str], index: usize| words::bytes(texts[index % texts.len()]);
    let domid = pick(words::DOMID_TEXTS, argument);
    let mut strings: Vec<Vec<u8>> = match kind {
        Kind::Write => {
            let mut payload = [path, b"\0"].concat();
            payload.extend_from_slice(&pick(words::VALUES, argument));
            return payload;
        }
        Kind::TransactionStart | Kind::ResetWatches => vec![vec![]],
        Kind::TransactionEnd => vec![if argument < 220 {
            b"T".to_vec()
        } else {
            b"F".to_vec()
        }],
        Kind::Read | Kind::Directory | Kind::GetPerms | Kind::Mkdir | Kind::Rm => {
            vec![path.to_vec()]
        }
        Kind::DirectoryPart => vec![path.to_vec(), pick(words::OFFSETS, argument)],
        Kind::SetPerms => {
            let list = theme.lists[argument % theme.lists.len()].split(',');
            let entries = list.map(|entry| entry.as_bytes().to_vec());
            std::iter::once(path.to_vec()).chain(entries).collect()
        }
        Kind::Watch | Kind::Unwatch => {
            let mut strings = vec![path.to_vec(), pick(words::TOKENS, argument)];
            if kind == Kind::Watch && more >= 256 - theme.depth {
                strings.push(pick(words::DEPTHS, more));
            }
            strings
        }
        Kind::Introduce => vec![domid, pick(words::NUMBERS, more), b"1".to_vec()],
        Kind::SetTarget => vec![domid, pick(words::DOMID_TEXTS, more)],
        Kind::SetFeature => vec![domid, pick(words::FEATURES, more)],
        Kind::GetFeature if more < 128 => vec![],
        Kind::GetQuota if more < 64 => vec![],
        Kind::GetQuota | Kind::SetQuota => {
            let mut strings = vec![pick(words::QUOTAS, argument)];
            if more >= 128 {
                strings.insert(0, pick(words::DOMID_TEXTS, more));
            }
            if kind == Kind::SetQuota {
                strings.push(pick(words::LIMITS, more));
            }
            strings
        }
        Kind::Control if argument < 40 => vec![pick(&["help", "what", "", "quota"], argument)],
        Kind::Control if argument < 160 => vec![b"quota".to_vec(), pick(words::DOMID_TEXTS, more)],
        Kind::Control => {
            let (name, limit) = (pick(words::QUOTAS, argument), pick(words::LIMITS, more));
            vec![b"quota".to_vec(), b"set".to_vec(), name, limit]
        }
        _ => vec![domid],
    };
    strings.iter_mut().for_each(|string| string.push(0));
    strings.concat()
}

/// Makes a payload wrong as clients get it wrong.
fn spoil(payload: &mut Vec<u8>, wrongly: usize) {
    match wrongly % 6 {
        0 => drop(payload.pop()),
        1 => payload.push(0),
        2 => payload.extend_from_slice(b"more\0"),
        3 => payload.clear(),
        4 => payload.extend_from_slice(&[b'x'; 30]),
        _ => {
            let end = payload.iter().position(|byte| *byte == 0);
            payload.truncate(end.unwrap_or(0));
        }
    }
}
