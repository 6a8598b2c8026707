//! Whether a reply is the one that the model expects, where the server is free to choose a part of it.

use std::collections::BTreeMap;

use xenwire_xenstore::wire::{ErrorName, Kind, Packet};

use crate::acts::Seat;
use crate::model::Reply;
use crate::pair::{Difference, Pair};

/// A transaction, or none, and the path of a node in it.
type Place = (Option<(Seat, u32)>, Vec<u8>);

/// Of each node that a slice of names was asked of: the model's version, and the server's number.
pub type Versions = BTreeMap<Place, (u64, u64)>;

impl Pair {
    pub fn compare_reply(
        &mut self,
        seat: Seat,
        packet: &Packet,
        expected: &Result<Reply, ErrorName>,
        reply: &Packet,
    ) -> Result<(), Difference> {
        let text = String::from_utf8_lossy(&reply.payload);
        let found = || {
            format!(
                "expected {}, found {} {text:.200?}",
                shown(expected),
                reply.kind
            )
        };
        let same = match expected {
            Err(error) => {
                let name = [error.as_str().as_bytes(), b"\0"].concat();
                reply.kind == Kind::Error && reply.payload == name
            }
            Ok(_) if reply.kind != packet.kind => false,
            Ok(Reply::Bytes(bytes)) => reply.payload == *bytes,
            Ok(Reply::AnyText) => reply.payload.len() > 1 && reply.payload.ends_with(&[0]),
            Ok(Reply::Table(expected)) => {
                let row = |line: &str| -> Option<(String, usize)> {
                    let (name, number) = line.split_once(' ')?;
                    Some((name.to_owned(), number.trim().parse().ok()?))
                };
                let mut rows: Vec<_> = text.trim_end_matches('\0').lines().map(row).collect();
                rows.sort();
                let expected = expected
                    .iter()
                    .map(|(name, number)| Some((name.to_string(), *number)));
                rows.into_iter().eq(expected)
            }
            Ok(Reply::Opened) => {
                let id: u32 = text.trim_end_matches('\0').parse().map_err(|_| found())?;
                self.seats[seat].started.insert(0, id);
                // Numbers are given anew to each transaction.
                self.versions.retain(|(of, _), _| *of != Some((seat, id)));
                text.ends_with('\0') && self.model.opened(seat, id)
            }
            Ok(Reply::Slice {
                version,
                names,
                offset,
            }) => {
                let (number, slice) = text.split_once('\0').ok_or_else(found)?;
                let of = (packet.tx_id != 0).then_some((seat, packet.tx_id));
                self.same_version(of, &packet.payload, *version, number)? && {
                    slice.as_bytes() == part(names, *offset, 4096 - number.len() - 1)
                }
            }
        };
        same.then_some(()).ok_or_else(found)
    }

    /// The number before a slice is another one exactly when the node has changed.
    fn same_version(
        &mut self,
        of: Option<(Seat, u32)>,
        payload: &[u8],
        version: u64,
        number: &str,
    ) -> Result<bool, Difference> {
        let number: u64 = number
            .parse()
            .map_err(|_| format!("{number:?} is no number"))?;
        let path: Vec<u8> = payload
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default()
            .to_vec();
        let known = self.versions.insert((of, path), (version, number));
        Ok(known.is_none_or(|(old, shown)| (old == version) == (shown == number)))
    }
}

fn shown(expected: &Result<Reply, ErrorName>) -> String {
    let text = match expected {
        Ok(Reply::Bytes(bytes)) => format!("\"{}\"", bytes.escape_ascii()),
        other => format!("{other:?}"),
    };
    text.chars().take(200).collect()
}

/// As many whole names from an offset on as there is room for, then a NUL if the list ends there; it
/// needs one byte too.
fn part(names: &[u8], offset: usize, room: usize) -> Vec<u8> {
    let rest = names.get(offset..).unwrap_or_default();
    let mut part = Vec::new();
    for name in rest.split_inclusive(|byte| *byte == 0) {
        if part.len() + name.len() >= room {
            return part;
        }
        part.extend_from_slice(name);
    }
    part.push(0);
    part
}
