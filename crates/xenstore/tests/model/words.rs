//! The words that acts are made of: few, so that they meet, and some at each limit.
//!
//! `<2048x>` stands for 2048 times an x.

use xenwire_xenstore::Domid;

pub const DOMIDS: [Domid; 5] = [5, 6, 7, 0, 9];

pub const DOMID_TEXTS: &[&str] = &[
    "5", "6", "7", "5", "6", "7", "0", "9", "05", "65535", "65536", "x", "-1", "+5", "",
];

pub const VALUES: &[&str] = &[
    "",
    "1",
    "two",
    "1",
    "<30v>",
    "\0",
    "\u{0}a\0\u{ff}",
    "<44v>",
    "<45v>",
    "<60v>",
    "<2040v>",
    "<2041v>",
    "<4000v>",
];

pub const TOKENS: &[&str] = &["t", "t", "u", "t", "", "t", "a|b c", "\u{ff}", "<1500t>"];

pub const DEPTHS: &[&str] = &[
    "0",
    "1",
    "2",
    "1",
    "x",
    "",
    "18446744073709551615",
    "18446744073709551616",
];

pub const OFFSETS: &[&str] = &[
    "0", "1", "2", "1501", "3002", "4096", "99999", "-1", "x", "",
];

pub const NUMBERS: &[&str] = &[
    "1",
    "0",
    "18446744073709551615",
    "18446744073709551616",
    "x",
];

pub const FEATURES: &[&str] = &["0", "4", "1", "8", "4294967300", "x"];

pub const QUOTAS: &[&str] = &[
    "nodes",
    "watches",
    "transactions",
    "transaction-nodes",
    "memory",
    "node-size",
    "permissions",
    "node",
    "",
];

pub const LIMITS: &[&str] = &["0", "1", "3", "6", "40", "100", "300", "2048", "-1", "x"];

/// A word with its repetitions written out. Characters below 256 are bytes.
pub fn bytes(word: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('<') {
        let (repeated, after) = after.split_once('>').expect("it ends");
        let (times, byte) = repeated.split_at(repeated.len() - 1);
        bytes.extend(before.chars().map(byte_of));
        bytes.extend(byte.repeat(times.parse().expect("a number")).bytes());
        rest = after;
    }
    bytes.extend(rest.chars().map(byte_of));
    bytes
}

fn byte_of(character: char) -> u8 {
    u8::try_from(u32::from(character)).expect("a byte")
}
