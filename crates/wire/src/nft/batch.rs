//! Changes to a ruleset, in one transaction.

use netlink_packet_core::{NLA_F_NESTED, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};

use super::expression::Expression;
use super::set::{Element, Set, put_elements};
use super::{
    DELRULE, DELSETELEM, DELTABLE, Family, NEWCHAIN, NEWRULE, NEWSET, NEWSETELEM, NEWTABLE,
    SUBSYSTEM, comment, header, kind,
};
use crate::attribute::Attributes;
use crate::request::framed;

/// Changes that happen together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The number of the ruleset that they are for: with any other one the kernel refuses them
    /// (ERESTART).
    pub generation: Option<u32>,
    /// In this order.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A table, which must not be there yet.
    AddTable {
        /// Its family.
        family: Family,
        /// Its name.
        name: String,
        /// Its comment.
        comment: String,
    },
    /// A table goes, with all that is in it.
    DeleteTable {
        /// Its family.
        family: Family,
        /// Its name.
        name: String,
    },
    /// A chain.
    AddChain(Family, String, Chain),
    /// A set.
    AddSet(Family, String, Set),
    /// A rule, behind those of its chain.
    AddRule(Family, String, Rule),
    /// A rule, before those of its chain.
    InsertRule(Family, String, Rule),
    /// A rule as the kernel told it once.
    RestoreRule {
        /// The family of the table.
        family: Family,
        /// The table.
        table: String,
        /// The chain.
        chain: String,
        /// The number of the rule that it is to be before; none: it is to be the last.
        before: Option<u64>,
        /// The kernel's own bytes.
        expressions: Vec<u8>,
        /// What its packets carry in IP, for matches of iptables that are for that only
        /// (NFTA_RULE_COMPAT, which the kernel does not tell).
        protocol: Option<u8>,
    },
    /// A rule, which must be there.
    DeleteRule {
        /// The family of the table.
        family: Family,
        /// The table.
        table: String,
        /// The chain.
        chain: String,
        /// The kernel's number of it.
        handle: u64,
    },
    /// Elements of a set; those that are there already stay as they are.
    AddElements {
        /// The family of the table.
        family: Family,
        /// The table.
        table: String,
        /// The set.
        set: String,
        /// The elements.
        elements: Vec<Element>,
    },
    /// Elements of a set, which must be there.
    DeleteElements {
        /// The family of the table.
        family: Family,
        /// The table.
        table: String,
        /// The set.
        set: String,
        /// The elements.
        elements: Vec<Element>,
    },
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// Where packets enter it; none for one that others jump to.
    pub hook: Option<Hook>,
}

/// Where packets enter a chain, which lets pass what no rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hook {
    /// What the chain is for.
    pub work: Work,
    /// The number of the hook in its family: 0 is prerouting, 4 postrouting, in the ARP family 0 is
    /// input.
    pub number: u32,
    /// The lower, the earlier.
    pub priority: i32,
}

/// What a chain is for: its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// `filter`.
    Filter,
    /// `nat`: packets that begin a connection get other addresses.
    Nat,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its chain.
    pub chain: String,
    /// What it does.
    pub expressions: Vec<Expression>,
    /// A comment, of at most [`Element::COMMENT`] bytes.
    pub comment: Option<String>,
}

/// NFNL_MSG_BATCH_BEGIN and NFNL_MSG_BATCH_END.
const BEGIN: u16 = 16;
const END: u16 = 17;

/// A message of many elements stays below the 64 KiB of an attribute.
const ELEMENTS: usize = 400;

impl Batch {
    /// The datagram. The last change has this number and asks for an acknowledgement, all else has
    /// the number before, under which the kernel complains.
    pub(crate) fn encode(&self, sequence: u32) -> Vec<u8> {
        let before = sequence.wrapping_sub(1);
        let mut begin = Attributes(header(0, SUBSYSTEM));
        if let Some(generation) = self.generation {
            begin.put_be32(1, generation);
        }
        let mut bytes = framed(BEGIN, 0, before, &begin.0);
        let messages: Vec<_> = self.changes.iter().enumerate().flat_map(messages).collect();
        let last = messages.len().saturating_sub(1);
        for (number, (message, flags, payload)) in messages.into_iter().enumerate() {
            let (flags, sequence) = if number == last {
                (flags | NLM_F_ACK, sequence)
            } else {
                (flags, before)
            };
            bytes.extend(framed(kind(message), flags, sequence, &payload));
        }
        bytes.extend(framed(END, 0, before, &header(0, SUBSYSTEM)));
        bytes
    }
}

type Message = (u16, u16, Vec<u8>);

fn messages((number, change): (usize, &Change)) -> Vec<Message> {
    let one = |message, flags, family: Family, put: &dyn Fn(&mut Attributes)| {
        let mut to = Attributes(header(family as u8, 0));
        put(&mut to);
        vec![(message, flags, to.0)]
    };
    match change {
        Change::AddTable {
            family,
            name,
            comment: text,
        } => one(NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, *family, &|to| {
            to.put_text(1, name);
            to.put(6, &comment(text));
        }),
        Change::DeleteTable { family, name } => {
            one(DELTABLE, 0, *family, &|to| to.put_text(1, name))
        }
        Change::AddChain(family, table, chain) => one(NEWCHAIN, NLM_F_CREATE, *family, &|to| {
            to.put_text(1, table);
            to.put_text(3, &chain.name);
            if let Some(hook) = chain.hook {
                let work = match hook.work {
                    Work::Filter => "filter",
                    Work::Nat => "nat",
                };
                to.put_text(7, work);
                to.put_be32(5, 1);
                to.put_nest(4, |nest| {
                    nest.put_be32(1, hook.number);
                    nest.put(2, &hook.priority.to_be_bytes());
                });
            }
        }),
        Change::AddSet(family, table, set) => {
            // A number of its own in the batch (NFTA_SET_ID), which we never refer to.
            let id = u32::try_from(number).unwrap_or(u32::MAX);
            one(NEWSET, NLM_F_CREATE, *family, &|to| set.put(to, table, id))
        }
        Change::AddRule(family, table, rule) => {
            one(NEWRULE, NLM_F_CREATE | NLM_F_APPEND, *family, &|to| {
                rule.put(to, table);
            })
        }
        Change::InsertRule(family, table, rule) => one(NEWRULE, NLM_F_CREATE, *family, &|to| {
            rule.put(to, table);
        }),
        Change::RestoreRule {
            family,
            table,
            chain,
            before,
            expressions,
            protocol,
        } => {
            let flags = match before {
                Some(_) => NLM_F_CREATE,
                None => NLM_F_CREATE | NLM_F_APPEND,
            };
            one(NEWRULE, flags, *family, &|to| {
                to.put_text(1, table);
                to.put_text(2, chain);
                to.put(4 | NLA_F_NESTED, expressions);
                if let Some(protocol) = protocol {
                    to.put_nest(5, |compat| {
                        compat.put_be32(1, u32::from(*protocol));
                        compat.put_be32(2, 0);
                    });
                }
                if let Some(before) = before {
                    to.put(6, &before.to_be_bytes());
                }
            })
        }
        Change::DeleteRule {
            family,
            table,
            chain,
            handle,
        } => one(DELRULE, 0, *family, &|to| {
            to.put_text(1, table);
            to.put_text(2, chain);
            to.put(3, &handle.to_be_bytes());
        }),
        Change::AddElements {
            family,
            table,
            set,
            elements,
        } => in_parts(*family, (NEWSETELEM, NLM_F_CREATE), table, set, elements),
        Change::DeleteElements {
            family,
            table,
            set,
            elements,
        } => in_parts(*family, (DELSETELEM, 0), table, set, elements),
    }
}

impl Rule {
    fn put(&self, to: &mut Attributes, table: &str) {
        to.put_text(1, table);
        to.put_text(2, &self.chain);
        to.put_nest(4, |list| {
            for expression in &self.expressions {
                list.put_nest(1, |one| expression.put(one));
            }
        });
        if let Some(text) = &self.comment {
            to.put(7, &comment(text));
        }
    }
}

fn in_parts(
    family: Family,
    (message, flags): (u16, u16),
    table: &str,
    set: &str,
    elements: &[Element],
) -> Vec<Message> {
    let part = |elements: &[Element]| {
        let mut to = Attributes(header(family as u8, 0));
        put_elements(&mut to, table, set, elements, message == NEWSETELEM);
        (message, flags, to.0)
    };
    elements.chunks(ELEMENTS).map(part).collect()
}
