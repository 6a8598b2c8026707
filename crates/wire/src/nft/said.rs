//! What the kernel says of tables, chains, rules and elements.

use super::{Element, FoundRule, NEWCHAIN, NEWGEN, NEWRULE, NEWSETELEM, NEWTABLE, SUBSYSTEM};
use crate::attribute::{as_text, split};

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A table.
    Table {
        /// The number of its family.
        family: u8,
        /// Its name.
        name: String,
        /// Its comment.
        comment: Option<String>,
        /// Whether it is a program's own, and nobody else may change it (NFT_TABLE_F_OWNER).
        owned: bool,
    },
    /// A chain.
    Chain {
        /// Its name.
        name: String,
        /// Whether it drops what no rule decides.
        drops: bool,
    },
    /// A rule.
    Rule(FoundRule),
    /// Elements of the set that was asked for.
    Elements(Vec<Element>),
    /// The number of the present ruleset.
    Generation(u32),
}

/// `None` for a message about anything else.
pub(crate) fn read(kind: u16, payload: &[u8]) -> Result<Option<Said>, String> {
    if kind >> 8 != SUBSYSTEM {
        return Ok(None);
    }
    let Some((&[family, ..], attributes)) = payload.split_first_chunk::<4>() else {
        return Err(format!(
            "{} bytes are no message of nf_tables",
            payload.len()
        ));
    };
    let attributes = split(attributes)?;
    let value = |wanted: u16| {
        let found = attributes.iter().find(|(kind, _)| *kind == wanted);
        found.map(|(_, value)| *value)
    };
    Ok(match kind & 0xff {
        NEWTABLE => Some(Said::Table {
            family,
            name: value(1).map(as_text).unwrap_or_default(),
            comment: value(6).and_then(comment),
            owned: number(value(2)).unwrap_or(0) & NFT_TABLE_F_OWNER != 0,
        }),
        NEWCHAIN => Some(Said::Chain {
            name: value(3).map(as_text).unwrap_or_default(),
            // NF_DROP is 0; a chain without a hook has no policy.
            drops: number(value(5)) == Some(0),
        }),
        NEWRULE => match value(3).map(<[u8; 8]>::try_from) {
            Some(Ok(handle)) => Some(Said::Rule(FoundRule {
                handle: u64::from_be_bytes(handle),
                comment: value(7).and_then(comment),
                expressions: value(4).unwrap_or_default().to_vec(),
            })),
            _ => return Err("a rule without a number".into()),
        },
        NEWSETELEM => {
            let list = value(3).map(split).transpose()?.unwrap_or_default();
            let elements = list.into_iter().map(|(_, one)| element(one));
            Some(Said::Elements(elements.collect::<Result<_, _>>()?))
        }
        NEWGEN => match value(1).map(<[u8; 4]>::try_from) {
            Some(Ok(number)) => Some(Said::Generation(u32::from_be_bytes(number))),
            _ => return Err("a ruleset without a number".into()),
        },
        _ => None,
    })
}

const NFT_TABLE_F_OWNER: u32 = 2;

fn number(value: Option<&[u8]>) -> Option<u32> {
    value?.try_into().ok().map(u32::from_be_bytes)
}

fn element(bytes: &[u8]) -> Result<Element, String> {
    let mut element = Element::new(Vec::new());
    for (kind, value) in split(bytes)? {
        match kind {
            1 => element.key = key(value)?,
            10 => element.end = Some(key(value)?),
            6 => element.comment = comment(value),
            _ => {}
        }
    }
    Ok(element)
}

/// NFTA_DATA_VALUE.
fn key(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let values = split(bytes)?;
    let value = values.iter().find(|(kind, _)| *kind == 1);
    value
        .map(|(_, value)| value.to_vec())
        .ok_or_else(|| "an element without a key".into())
}

/// Piece number 0 of user data.
fn comment(mut pieces: &[u8]) -> Option<String> {
    while let [kind, length, rest @ ..] = pieces {
        let value = rest.get(..usize::from(*length))?;
        if *kind == 0 {
            return Some(as_text(value));
        }
        pieces = &rest[value.len()..];
    }
    None
}
