//! Offload settings: messages of the generic netlink family `ethtool`
//! (Documentation/networking/ethtool-netlink.rst), kernel 5.6 and later.
//!
//! ```text
//!  | command | version | 0 | 0 | attributes |          (struct genlmsghdr)
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::attribute::{Attributes, as_text, split};

/// The family that gives families their numbers (GENL_ID_CTRL).
pub(crate) const CONTROL: u16 = 16;
const CTRL_CMD_NEWFAMILY: u8 = 1;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;

/// ETHTOOL_MSG_FEATURES_GET, and ..._GET_REPLY.
const FEATURES_GET: u8 = 11;
const FEATURES_SET: u8 = 12;
/// ETHTOOL_A_FEATURES_*.
const HEADER: u16 = 1;
const HARDWARE: u16 = 2;
const WANTED: u16 = 3;
const NO_CHANGE: u16 = 5;
/// ETHTOOL_A_HEADER_*.
const HEADER_INDEX: u16 = 1;
const HEADER_FLAGS: u16 = 3;
/// ETHTOOL_FLAG_OMIT_REPLY: the acknowledgement is enough.
const OMIT_REPLY: u32 = 2;
/// ETHTOOL_A_BITSET_*, ..._BITS_* and ..._BIT_*.
const BITSET_NOMASK: u16 = 1;
const BITSET_BITS: u16 = 3;
const BITS_BIT: u16 = 1;
const BIT_NAME: u16 = 2;
const BIT_VALUE: u16 = 3;

/// What a message of generic netlink says.
pub(crate) enum Said {
    Family(u16),
    Features(BTreeMap<String, bool>),
    Nothing,
}

pub(crate) fn family_query() -> Vec<u8> {
    let mut to = Attributes(vec![CTRL_CMD_GETFAMILY, 1, 0, 0]);
    to.put_text(CTRL_ATTR_FAMILY_NAME, "ethtool");
    to.0
}

pub(crate) fn query(index: u32) -> Vec<u8> {
    let mut to = Attributes(vec![FEATURES_GET, 1, 0, 0]);
    to.put_nest(HEADER, |header| header.put_u32(HEADER_INDEX, index));
    to.0
}

/// Wishes for one setting; the others stay, since the bitset has a mask.
pub(crate) fn change(index: u32, name: &str, on: bool) -> Vec<u8> {
    let mut to = Attributes(vec![FEATURES_SET, 1, 0, 0]);
    to.put_nest(HEADER, |header| {
        header.put_u32(HEADER_INDEX, index);
        header.put_u32(HEADER_FLAGS, OMIT_REPLY);
    });
    to.put_nest(WANTED, |bitset| {
        bitset.put_nest(BITSET_BITS, |bits| {
            bits.put_nest(BITS_BIT, |bit| {
                bit.put_text(BIT_NAME, name);
                if on {
                    bit.put(BIT_VALUE, &[]);
                }
            });
        });
    });
    to.0
}

/// Reads a message of this family number.
pub(crate) fn read(family: u16, bytes: &[u8]) -> Result<Said, String> {
    let Some(([command, ..], rest)) = bytes.split_first_chunk::<4>() else {
        return Err(format!("{} bytes are no generic message", bytes.len()));
    };
    let attributes = split(rest)?;
    let of = |wanted: u16| {
        let found = attributes.iter().find(|(kind, _)| *kind == wanted);
        found.map(|(_, value)| *value)
    };
    Ok(match (family, *command) {
        (CONTROL, CTRL_CMD_NEWFAMILY) => match of(CTRL_ATTR_FAMILY_ID) {
            Some([low, high]) => Said::Family(u16::from_ne_bytes([*low, *high])),
            _ => Said::Nothing,
        },
        (CONTROL, _) => Said::Nothing,
        (_, FEATURES_GET) => {
            let set = |kind| of(kind).map_or(Ok(BTreeSet::new()), bits_on);
            let (fixed, wanted) = (set(NO_CHANGE)?, set(WANTED)?);
            let can_change = set(HARDWARE)?.into_iter();
            let can_change = can_change.filter(|name| !fixed.contains(name));
            Said::Features(
                can_change
                    .map(|name| (name.clone(), wanted.contains(&name)))
                    .collect(),
            )
        }
        _ => Said::Nothing,
    })
}

/// The names of the bits that are on. Without a mask, all that are listed are.
fn bits_on(bitset: &[u8]) -> Result<BTreeSet<String>, String> {
    let mut on = BTreeSet::new();
    let parts = split(bitset)?;
    let no_mask = parts.iter().any(|(kind, _)| *kind == BITSET_NOMASK);
    for (_, bits) in parts.iter().filter(|(kind, _)| *kind == BITSET_BITS) {
        for (_, bit) in split(bits)? {
            let bit = split(bit)?;
            let is_on = no_mask || bit.iter().any(|(kind, _)| *kind == BIT_VALUE);
            let names = bit.iter().filter(|(kind, _)| is_on && *kind == BIT_NAME);
            on.extend(names.map(|(_, name)| as_text(name)));
        }
    }
    Ok(on)
}
