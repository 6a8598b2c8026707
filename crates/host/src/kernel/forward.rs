//! How guests pass FORWARD, as the kernel has it: a table of ours that marks what they send and get,
//! and a rule of ours in each chain of the host that everything forwarded passes.
//!
//! ```text
//!                 bridge xenwire-forward                        ip filter FORWARD
//!  frame ──▶ forward: port in ports? mark ──▶ br_netfilter ──▶ our rule: marked? passes
//!        ──▶ postrouting: mark off                             Docker's, the host's ...
//!
//!  packet of vif-route ──▶ inet xenwire-forward: the same, just before the chains of iptables
//! ```
//!
//! A mark belongs to a packet within this host (`skb->mark`): nothing that a guest can send sets it,
//! and it ends where the packet leaves, so that a link with two ends on this host does not carry it into
//! what dom0 routes. The number of rules does not depend on the number of guests.

use std::collections::{BTreeMap, BTreeSet};

use xenwire_core::name::IfName;
use xenwire_core::state::{Forward, ForwardChain, ForwardMark, Gate, Passage, Place};
use xenwire_wire::nft::{
    Chain, Change, Element, Expression, Family, Field, Hook, Load, Register, Rule, Said, Set,
    Verdict, Work,
};
use xenwire_wire::{Query, Reply};

use super::guards::layout::{MORE, address_sets, sources};
use super::guards::{is_absent, key, link, more_key, source};
use super::observe::has_legacy_filter;
use super::{Kernel, KernelError};

/// The name of our tables.
pub(super) const TABLE: &str = "xenwire-forward";

/// The set of those that pass, in each of them.
pub(super) const PORTS: &str = "ports";

/// The set of those of which only a list passes, and the chain that looks at it.
const LISTED: &str = "listed";

/// What the comment of our rule in the chains of others is, before the mark.
const OURS: &str = "xenwire: guests pass by mark ";

const KEY: Register = Register::FIRST;

/// The table and name of a chain of the host.
pub(super) fn place_of(chain: ForwardChain) -> (Family, &'static str, &'static str) {
    match chain {
        ForwardChain::Ipv4 | ForwardChain::LegacyIpv4 => (Family::Ipv4, "filter", "FORWARD"),
        ForwardChain::Ipv6 | ForwardChain::LegacyIpv6 => (Family::Ipv6, "filter", "FORWARD"),
        ForwardChain::Firewalld => (Family::Inet, "firewalld", "filter_FORWARD"),
    }
}

const CHAINS: [ForwardChain; 3] = [
    ForwardChain::Ipv4,
    ForwardChain::Ipv6,
    ForwardChain::Firewalld,
];

/// The family of the table for guests of this place.
pub(super) fn family(place: Place) -> Family {
    match place {
        Place::Bridged => Family::Bridge,
        Place::Routed => Family::Inet,
    }
}

/// What our tables' comment says: layout and mark, so that another one is known.
pub(super) fn comment(mark: ForwardMark) -> String {
    format!("{LAYOUT}{mark}")
}

const LAYOUT: &str = "xenwire forward 1, mark ";

/// The mark that a table of ours sets; none if its layout is another.
fn mark_of(comment: &str) -> Option<ForwardMark> {
    comment.strip_prefix(LAYOUT)?.parse().ok()
}

/// The table of a family, with all but elements.
pub(super) fn table(family: Family, mark: ForwardMark) -> Vec<Change> {
    const FORWARD: u32 = 2;
    const POSTROUTING: u32 = 4;
    // In front of br_netfilter (NF_BR_PRI_BRNF - 1, net/bridge/br_netfilter_hooks.c) and of the
    // chains of iptables (NF_IP_PRI_FILTER), behind all that may set other marks.
    const PRIORITY: i32 = -10;
    let table = || TABLE.to_owned();
    let chain = |name: &str, number| {
        let hook = Hook {
            work: Work::Filter,
            number,
            priority: PRIORITY,
        };
        let name = name.to_owned();
        let hook = Some(hook);
        Change::AddChain(family, table(), Chain { name, hook })
    };
    let rule = |chain: &str, expressions| {
        let rule = Rule {
            chain: chain.into(),
            expressions,
            comment: None,
        };
        Change::AddRule(family, table(), rule)
    };
    let bits = mark.bits();
    let passes = || {
        let mut passes = changed(bits, bits).to_vec();
        passes.push(Expression::Verdict(Verdict::Accept));
        passes
    };
    let marked = |link: Load| {
        let port = vec![
            Expression::Load(link, KEY),
            Expression::In(KEY, PORTS.into()),
        ];
        [port, passes()].concat()
    };
    let set = |name: &str, key: &[Field]| Set {
        name: name.into(),
        key: key.to_vec(),
        ranges: false,
    };
    let sets = [
        set(PORTS, &[Field::LinkName]),
        set(LISTED, &[Field::LinkName]),
        set(MORE, &[Field::LinkName, Field::Number]),
    ];
    let sets = sets.into_iter().chain(address_sets());
    let without_hook = Chain {
        name: LISTED.into(),
        hook: None,
    };
    let to_listed = vec![
        Expression::Load(Load::InLink, KEY),
        Expression::In(KEY, LISTED.into()),
        Expression::Verdict(Verdict::Goto(LISTED.into())),
    ];
    let mut changes = vec![Change::AddTable {
        family,
        name: table(),
        comment: comment(mark),
    }];
    changes.extend(sets.map(|set| Change::AddSet(family, table(), set)));
    changes.push(Change::AddChain(family, table(), without_hook));
    let listed = sources(family).map(|source| [source, passes()].concat());
    changes.extend(listed.map(|listed| rule(LISTED, listed)));
    changes.extend([
        chain("forward", FORWARD),
        rule("forward", marked(Load::OutLink)),
        rule("forward", to_listed),
        rule("forward", marked(Load::InLink)),
        chain("postrouting", POSTROUTING),
        rule(
            "postrouting",
            [is_marked(mark), changed(bits, 0).to_vec()].concat(),
        ),
    ]);
    changes
}

/// The mark without these bits, and with others in their place.
fn changed(bits: u32, to: u32) -> [Expression; 3] {
    [
        Expression::Load(Load::Mark, KEY),
        Expression::Bits {
            register: KEY,
            kept: !bits,
            flipped: to,
        },
        Expression::SetMark(KEY),
    ]
}

fn is_marked(mark: ForwardMark) -> Vec<Expression> {
    let bits = mark.bits();
    vec![
        Expression::Load(Load::Mark, KEY),
        Expression::Bits {
            register: KEY,
            kept: bits,
            flipped: 0,
        },
        Expression::Equals(KEY, bits.to_ne_bytes().to_vec()),
    ]
}

/// Our rule in a chain of the host: of what iptables 1.8.8 and later reads and shows.
pub(super) fn our_rule(chain: &str, mark: ForwardMark) -> Rule {
    let ends = [Expression::Counter, Expression::Verdict(Verdict::Accept)];
    Rule {
        chain: chain.into(),
        expressions: [is_marked(mark), ends.to_vec()].concat(),
        comment: Some(rule_comment(mark)),
    }
}

/// What our rules say of themselves.
pub(super) fn rule_comment(mark: ForwardMark) -> String {
    format!("{OURS}{mark}")
}

/// The mark that a rule of ours lets by.
pub(super) fn mark_of_rule(comment: &str) -> Option<ForwardMark> {
    comment.strip_prefix(OURS)?.parse().ok()
}

/// Everything that lets a link pass: elements, and the sets that they are in.
pub(super) fn elements(link: &IfName, passage: &Passage) -> Vec<(&'static str, Element)> {
    let mut placed = Vec::new();
    for (piece, number) in passage.text(Element::COMMENT).into_iter().zip(0..) {
        let (set, key) = match number {
            0 => (PORTS, key(link)),
            _ => (MORE, more_key(link, number)),
        };
        let element = Element {
            comment: Some(piece),
            ..Element::new(key)
        };
        placed.push((set, element));
    }
    if let Some(only) = &passage.only {
        placed.push((LISTED, Element::new(key(link))));
        for net in only.sources() {
            let (_, set, element) = source(family(passage.place), link, only, net);
            placed.push((set, element));
        }
    }
    placed
}

/// What a host's chains are like, with our rules in them.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The chains that there are.
    pub(super) gates: BTreeMap<ForwardChain, Gate>,
    /// Our rules with another mark, or more than one is needed: they go.
    pub(super) stale: Vec<(ForwardChain, u64)>,
    /// The comments of our own tables.
    pub(super) tables: BTreeMap<Family, String>,
}

impl Kernel {
    /// What forwarded packets must pass on this host, if they carry this mark.
    ///
    /// # Errors
    /// [`KernelError`]; a kernel without packet filters has no chains.
    pub fn forward(&mut self, mark: ForwardMark) -> Result<Forward, KernelError> {
        Ok(Forward {
            chains: self.look_forward(mark)?.gates,
            legacy: ["ip", "ip6"].into_iter().any(has_legacy_filter),
        })
    }

    /// The chains of nftables with our rule in them, and the mark that it lets by.
    ///
    /// # Errors
    /// [`KernelError`].
    pub fn opened(
        &mut self,
        forward: &Forward,
    ) -> Result<BTreeMap<ForwardChain, ForwardMark>, KernelError> {
        let mut open = BTreeMap::new();
        for chain in forward.chains.keys() {
            let rules = self.our_rules(*chain)?;
            let mark = rules.iter().find_map(|(_, comment)| mark_of_rule(comment));
            open.extend(mark.map(|mark| (*chain, mark)));
        }
        Ok(open)
    }

    /// The links that pass, of this place.
    ///
    /// # Errors
    /// [`KernelError`].
    pub(super) fn passing(&mut self, place: Place) -> Result<BTreeSet<IfName>, KernelError> {
        let elements = self.elements_of((family(place), TABLE, PORTS))?;
        Ok(elements.iter().filter_map(link).collect())
    }

    /// How every link passes that does.
    ///
    /// # Errors
    /// [`KernelError`].
    pub fn all_passages(
        &mut self,
        forward: &Forward,
    ) -> Result<BTreeMap<IfName, Passage>, KernelError> {
        let mut all = BTreeMap::new();
        for place in [Place::Routed, Place::Bridged] {
            let links = self.passing(place)?;
            all.extend(self.passages(&links, place, forward)?);
        }
        Ok(all)
    }

    /// How these links pass, those that do.
    ///
    /// # Errors
    /// [`KernelError`].
    pub fn passages(
        &mut self,
        links: &BTreeSet<IfName>,
        place: Place,
        forward: &Forward,
    ) -> Result<BTreeMap<IfName, Passage>, KernelError> {
        let family = family(place);
        let mut found = BTreeMap::new();
        let Some(comment) = self.table_named(family, TABLE)? else {
            return Ok(found);
        };
        let mark = mark_of(&comment);
        for link in links {
            let element = self.element_of((family, TABLE, PORTS), key(link))?;
            let Some(element) = element else { continue };
            let text = self.whole_text((family, TABLE, MORE), link, &element)?;
            let Some((of, only)) = text.and_then(|text| Passage::parse(&text)) else {
                continue;
            };
            let passage = Passage {
                of,
                place,
                mark: mark.unwrap_or_default(),
                only,
                open: mark.is_some() && forward.is_open(),
            };
            found.insert(link.clone(), passage);
        }
        Ok(found)
    }

    /// One question for all tables, and for a chain that is there one for its rules.
    pub(super) fn look_forward(&mut self, mark: ForwardMark) -> Result<Found, KernelError> {
        let mut found = Found::default();
        let replies = match self.ask_filters(&Query::Tables) {
            Err(error) if is_absent(&error) => return Ok(found),
            replies => replies?,
        };
        for reply in replies {
            let Reply::Filter(Said::Table {
                family,
                name,
                comment,
                owned,
            }) = reply
            else {
                continue;
            };
            if name == TABLE {
                let family = [Family::Bridge, Family::Inet]
                    .into_iter()
                    .find(|known| *known as u8 == family);
                let comment = comment.unwrap_or_default();
                found.tables.extend(family.map(|family| (family, comment)));
            }
            let is_of = |chain: &ForwardChain| {
                let (of_family, of_table, _) = place_of(*chain);
                of_family as u8 == family && of_table == name
            };
            let Some(chain) = CHAINS.into_iter().find(is_of) else {
                continue;
            };
            if self.has_chain(chain)? {
                let gate = match owned {
                    true => Gate::Owned,
                    false => self.gate(chain, mark, &mut found.stale)?,
                };
                found.gates.insert(chain, gate);
            }
        }
        Ok(found)
    }

    pub(super) fn has_chain(&mut self, chain: ForwardChain) -> Result<bool, KernelError> {
        let (family, table, name) = place_of(chain);
        let query = Query::Chain {
            family,
            table: table.into(),
            name: name.into(),
        };
        match self.ask_filters(&query) {
            Err(error) if is_absent(&error) => Ok(false),
            replies => replies.map(|_| true),
        }
    }

    fn gate(
        &mut self,
        chain: ForwardChain,
        mark: ForwardMark,
        stale: &mut Vec<(ForwardChain, u64)>,
    ) -> Result<Gate, KernelError> {
        let wanted = rule_comment(mark);
        let mut gate = Gate::Shut;
        for (handle, comment) in self.our_rules(chain)? {
            match gate == Gate::Shut && comment == wanted {
                true => gate = Gate::Open,
                false => stale.push((chain, handle)),
            }
        }
        Ok(gate)
    }

    /// Our rules in a chain of the host.
    pub(super) fn our_rules(
        &mut self,
        chain: ForwardChain,
    ) -> Result<Vec<(u64, String)>, KernelError> {
        let (family, table, name) = place_of(chain);
        let query = Query::FilterRules {
            family,
            table: table.into(),
            chain: name.into(),
        };
        let replies = self.ask_filters(&query)?;
        let ours = replies.into_iter().filter_map(|reply| match reply {
            Reply::Filter(Said::Rule(rule)) => Some(rule),
            _ => None,
        });
        let ours = ours.filter_map(|rule| Some((rule.handle, rule.comment?)));
        let ours = ours.filter(|(_, comment)| comment.starts_with(OURS));
        Ok(ours.collect())
    }
}
