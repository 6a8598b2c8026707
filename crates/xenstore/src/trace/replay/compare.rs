//! Whether two replies, or two lists of events, say the same.
//!
//! Invariant: symmetric; equal entries never differ.

use super::live::number;
use super::report::{Report, Said};
use crate::trace::Entry;
use crate::wire::Kind;

/// Whether a reply says what was recorded, apart from what servers choose freely.
pub(super) fn same_reply(asked: Kind, recorded: &Entry, said: &Entry) -> bool {
    let (
        Entry::Reply { kind, payload, .. },
        Entry::Reply {
            kind: other_kind,
            payload: other,
            ..
        },
    ) = (recorded, said)
    else {
        return recorded == said;
    };
    if kind != other_kind {
        return false;
    }
    match (asked, kind) {
        (Kind::TransactionStart, Kind::TransactionStart) => {
            number(payload).is_some() == number(other).is_some()
        }
        (Kind::DirectoryPart, Kind::DirectoryPart) => {
            without_generation(payload) == without_generation(other)
        }
        _ => payload == other,
    }
}

/// The names in a DIRECTORY_PART reply: everything after the first NUL.
fn without_generation(payload: &[u8]) -> Option<&[u8]> {
    let end = payload.iter().position(|byte| *byte == 0)?;
    payload.get(end..)
}

/// Compares the events of one connection that followed the request on `line`. Equal ones at both ends pair up first, so that one that
/// is missing or too many is one difference and not one for each that follows.
pub(super) fn events(
    line: usize,
    recorded: &[(&Entry, usize)],
    said: Vec<Entry>,
    report: &mut Report,
) {
    let same = |((recorded, _), said): &(&(&Entry, usize), &Entry)| *recorded == *said;
    let head = recorded.iter().zip(&said).take_while(same).count();
    let (recorded, mut said) = (
        recorded.get(head..).unwrap_or_default(),
        said.into_iter().skip(head).collect::<Vec<_>>(),
    );
    let tail = recorded
        .iter()
        .rev()
        .zip(said.iter().rev())
        .take_while(same)
        .count();
    said.truncate(said.len() - tail);
    let recorded = recorded.get(..recorded.len() - tail).unwrap_or_default();

    let mut said = said.into_iter();
    for (entry, own_line) in recorded {
        let said = said.next().map_or(Said::Nothing, Said::Entry);
        report.differ(*own_line, Some(entry), said);
    }
    for extra in said {
        report.differ(line, None, Said::Entry(extra));
    }
}
