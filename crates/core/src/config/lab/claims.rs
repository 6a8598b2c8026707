//! The claims of a `lab.toml`: what must be reachable, and what must not.

use super::raw::{RawClaim, Text};
use super::read::Reader;
use super::{Claim, ClaimKind, Family, Protocol, Target};
use crate::diag::{Diagnostic, Span, Spanned, code};

/// All claims, in the order of the file.
pub(super) fn read(
    reader: &mut Reader<'_>,
    reach: Vec<toml::Spanned<RawClaim>>,
    not_reach: Vec<toml::Spanned<RawClaim>>,
) -> Vec<Claim> {
    let reach = reach.into_iter().map(|raw| (ClaimKind::Reach, raw));
    let not_reach = not_reach.into_iter().map(|raw| (ClaimKind::NotReach, raw));
    let mut claims: Vec<Claim> = reach
        .chain(not_reach)
        .map(|(kind, raw)| claim(reader, kind, raw))
        .collect();
    // A table's own place is not always its first line; its first value's is inside it for sure.
    claims.sort_by_key(|claim| claim.from.span.range().start);
    claims
}

fn claim(reader: &mut Reader<'_>, kind: ClaimKind, raw: toml::Spanned<RawClaim>) -> Claim {
    let span = reader.span(raw.span());
    let raw = raw.into_inner();
    let target = match raw.to.get_ref().parse() {
        Ok(address) => Target::Address(address),
        Err(_) => Target::Named(raw.to.get_ref().clone()),
    };
    let protocols = match raw.protocol {
        Some(list) => {
            let place = reader.span(list.span());
            let protocols = list
                .get_ref()
                .iter()
                .filter_map(|text| protocol(reader, text))
                .collect();
            some_once(reader, protocols, list.get_ref().len(), "protocol", &place)
        }
        None => vec![Protocol::Icmp, Protocol::Tcp, Protocol::Udp],
    };
    let families = raw.family.map(|list| {
        let place = reader.span(list.span());
        let families = list
            .get_ref()
            .iter()
            .filter_map(|number| family(reader, number))
            .collect();
        some_once(reader, families, list.get_ref().len(), "family", &place)
    });
    let from = Spanned::new(raw.from.get_ref().clone(), reader.place(&raw.from));
    let to = Spanned::new(target, reader.place(&raw.to));
    Claim {
        kind,
        from,
        to,
        protocols,
        families,
        span,
    }
}

/// An empty list would make a claim that cannot fail.
fn some_once<T: Ord>(
    reader: &mut Reader<'_>,
    mut found: Vec<T>,
    written: usize,
    key: &str,
    place: &Span,
) -> Vec<T> {
    if written == 0 {
        let message = format!("with an empty `{key}` this claim would probe nothing");
        reader.out.add(
            Diagnostic::error(code::lab::CLAIM_EMPTY, place, message)
                .hint(format!("name one, or remove `{key}` for all")),
        );
    }
    found.sort();
    found.dedup();
    found
}

fn protocol(reader: &mut Reader<'_>, text: &Text) -> Option<Protocol> {
    match text.get_ref().as_str() {
        "icmp" => Some(Protocol::Icmp),
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        other => {
            let message = format!("`{other}` is not a protocol to probe by");
            let found = Diagnostic::error(code::lab::BAD_VALUE, &reader.place(text), message);
            reader
                .out
                .add(found.hint("the protocols are icmp, tcp and udp"));
            None
        }
    }
}

fn family(reader: &mut Reader<'_>, number: &toml::Spanned<i64>) -> Option<Family> {
    match number.get_ref() {
        4 => Some(Family::V4),
        6 => Some(Family::V6),
        other => {
            let found = Diagnostic::error(
                code::lab::BAD_VALUE,
                &reader.span(number.span()),
                format!("{other} is not a family"),
            );
            reader.out.add(found.hint("the families are 4 and 6"));
            None
        }
    }
}
